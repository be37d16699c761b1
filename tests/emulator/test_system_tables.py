from collections.abc import AsyncGenerator

import pytest

from creatio_async import (
    Creatio,
    ForbiddenError,
    Password,
    ProcessError,
    ProcessState,
    SystemTableError,
)
from creatio_async.emulator import Emulator

from .caller import SUPERVISOR, Caller, inner, message_of, socket_caller

ENTITIES = "/0/ServiceModel/EntityDataService.svc"


@pytest.fixture
async def closed() -> AsyncGenerator[Caller]:
    with Emulator(system_tables=False) as emulator:
        async with socket_caller(emulator) as caller:
            await caller.login()
            yield caller


@pytest.mark.parametrize(
    "path",
    [
        "SysProcessLog",
        "sysprocesslog?$top=1",
        "SysProcessLog/$count",
        f"SysProcessLog({SUPERVISOR})?$expand=Status",
        "VwSysProcessLog",
        "SysProcessStatus",
        f"Contact({SUPERVISOR})/SysProcessLogCollectionByOwner",
        "Contact?$expand=SysProcessLogCollectionByOwner($top=1)",
        "Contact?%24expand=SysProcessLogCollectionByOwner",
        "Contact?$filter=SysProcessLogCollectionByOwner/any(l:l/Name%20eq%20'x')",
    ],
)
async def test_the_tables_of_processes_can_be_closed_every_way(closed: Caller, path: str) -> None:
    response = await closed.odata("GET", path)
    assert response.status == 403
    assert "system table" in message_of(response)


async def test_what_only_speaks_of_them_is_open(closed: Caller) -> None:
    for path in (
        "SysSchema?$filter=Name%20eq%20'SysProcessLog'",
        "SysImage",
        "Contact",
        "$metadata",
    ):
        assert (await closed.odata("GET", path)).status == 200


async def test_they_are_closed_in_a_batch_and_in_odata_3_as_well(closed: Caller) -> None:
    response = await closed.batch(inner("1", "GET", "SysProcessLog"), inner("2", "GET", "City"))
    assert [item["status"] for item in response.json()["responses"]] == [403]
    path = f"{ENTITIES}/SysProcessLogCollection"
    assert (await closed.ask("GET", path)).status == 403
    assert (await closed.ask("GET", f"{ENTITIES}/CityCollection")).status == 200


async def test_a_client_is_told_which_table_is_closed() -> None:
    with Emulator(system_tables=False) as emulator:

        @emulator.process("UsrBroken")
        def broken() -> None:
            raise RuntimeError("broken")

        @emulator.process("UsrFine")
        def fine() -> dict[str, int]:
            return {"Answer": 42}

        async with (
            emulator.served() as url,
            Creatio(url, Password("Supervisor", "Supervisor")) as crm,
        ):
            run = await crm.processes.run("UsrFine", results=["Answer"])
            assert (run.state, run.results) == (ProcessState.DONE, {"Answer": 42})
            with pytest.raises(SystemTableError, match="SysProcessLog cannot be read") as refused:
                await crm.processes.log(run.id)
            assert isinstance(refused.value, ForbiddenError)
            with pytest.raises(ProcessError) as failed:
                await crm.processes.run("UsrBroken")
            assert "Feature-DisableODataSystemTablesAccess" in failed.value.__notes__[0]
            with pytest.raises(ForbiddenError, match="SysProcessLog"):
                await crm.odata["SysProcessLog"].count()
        assert [row["ErrorDescription"] for row in emulator.rows("SysProcessLog")][-1] != ""
