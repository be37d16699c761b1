import asyncio
import datetime as dt
import json
from decimal import Decimal
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from creatio_async.emulator import Emulator
from creatio_async.emulator.processes import status_id
from creatio_async.messages import Response

from .caller import Caller, caller_of

SERVICE = "/0/ServiceModel/ProcessEngineService.svc"
STRING = "{http://schemas.microsoft.com/2003/10/Serialization/}string"


def text_of(response: Response) -> str:
    root = ET.fromstring(response.body)  # noqa: S314 - of our own
    assert root.tag == STRING
    return root.text or ""


async def test_the_processes_of_the_documentation_run_as_printed(site: Caller) -> None:
    # academy.creatio.com, "Run a business process via the web service"
    path = f"{SERVICE}/UsrAddNewExternalContact/Execute"
    query = "?ContactName=John%20Johanson&ContactPhone=+1%20111%20111%201111"
    response = await site.ask("GET", path + query)
    assert (response.status, response.body) == (200, b"")
    path = f"{SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=ContactList"
    response = await site.ask("GET", path)
    assert response.status == 200
    assert response.headers["content-type"] == "application/xml; charset=utf-8"
    assert response.body.startswith(
        b'<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">"[{'
    )
    contacts = json.loads(json.loads(text_of(response)))
    assert [list(contact) for contact in contacts] == [["Id", "Name", "Phone"]] * 4
    phones = {contact["Name"]: contact["Phone"] for contact in contacts}
    assert phones == {
        "Supervisor": "",
        "Andrew Baker (sample)": "+1 617 440 2031",
        "Email Supervisor": "",
        "John Johanson": " 1 111 111 1111",
    }


async def test_a_result_is_json_in_xml(site: Caller) -> None:
    @site.emulator.process("UsrCalc")
    def calc(Amount: str, Note: str = "") -> dict[str, Any]:  # noqa: N803 - codes of parameters
        return {"Sum": float(Amount) * 2, "Note": Note, "List": [1, {"a": None}]}

    path = (
        f"{SERVICE}/UsrCalc/Execute?Amount=10.5&Note=%3C%26%22%3E&Unknown=1&x&ResultParameterName="
    )
    assert text_of(await site.ask("GET", path + "Sum")) == "21.0"
    assert json.loads(text_of(await site.ask("GET", path + "Note"))) == '<&">'
    assert json.loads(text_of(await site.ask("GET", path + "List"))) == [1, {"a": None}]
    assert text_of(await site.ask("GET", path + "Missing")) == "null"
    assert (await site.ask("POST", path + "Sum", {})).status == 200
    assert calc("1")["Sum"] == 2


async def test_a_process_may_be_asynchronous_and_take_any_parameter(site: Caller) -> None:
    taken: dict[str, str] = {}
    done = asyncio.Event()

    @site.emulator.process("UsrAny")
    async def process(**parameters: str) -> None:
        await asyncio.sleep(0)
        taken.update(parameters)
        done.set()

    assert (await site.ask("GET", f"{SERVICE}/UsrAny/Execute?A=1&B=+2")).body == b""
    await done.wait()
    assert taken == {"A": "1", "B": " 2"}


async def test_each_run_leaves_a_row_in_the_log(site: Caller) -> None:
    @site.emulator.process("UsrBroken")
    def process() -> None:
        raise RuntimeError("broken")

    for name in ("UsrBroken", "UsrGetAllContacts"):
        path = f"{SERVICE}/{name}/Execute?ResultParameterName=ContactList"
        assert (await site.ask("GET", path)).status == 200
    rows = await site.values("SysProcessLog?$expand=Status")
    log = {row["Name"]: (row["Status"]["Name"], row["ErrorDescription"]) for row in rows}
    assert log == {
        "UsrBroken": ("Error", "RuntimeError: broken"),
        "UsrGetAllContacts": ("Done", ""),
    }


async def test_an_unknown_process_is_an_error(site: Caller) -> None:
    response = await site.ask("GET", f"{SERVICE}/UsrNothing/Execute")
    assert response.status == 500
    assert "UsrNothing" in response.json()["Message"]


@pytest.mark.parametrize(
    "path", ["/UsrGetAllContacts/Exec", "/RunProcess", "/UsrGetAllContacts", ""]
)
async def test_other_addresses_of_the_service_are_not_there(crm: Caller, path: str) -> None:
    assert (await crm.ask("GET", SERVICE + path)).status == 404


async def test_a_process_is_run_by_get_or_by_a_signed_post(crm: Caller) -> None:
    path = f"{SERVICE}/UsrGetAllContacts/Execute"
    assert (await crm.ask("POST", path, {}, {"BPMCSRF": "-"})).status == 403
    assert (await crm.ask("GET", path, None, {"BPMCSRF": "-"})).status == 200
    assert (await crm.ask("PUT", path, {})).status == 405


async def test_a_lost_session_is_told_as_services_tell_it(anyone: Caller) -> None:
    path = f"{SERVICE}/UsrGetAllContacts/Execute"
    assert (await anyone.ask("GET", path)).json()["Message"] == "Authentication failed."
    assert (await anyone.ask("GET", path, None, {"ForceUseSession": "-"})).status == 302


async def test_on_net_the_service_has_both_addresses() -> None:
    with Emulator(runtime="net") as emulator:
        caller = caller_of(emulator, workspace="")
        await caller.login()
        for prefix in ("/0", ""):
            path = "/ServiceModel/ProcessEngineService.svc/UsrGetAllContacts/Execute"
            assert (await caller.ask("GET", prefix + path)).status == 200


async def ran(site: Caller, **body: Any) -> dict[str, Any]:
    response = await site.ask("POST", f"{SERVICE}/RunProcess", body)
    assert (response.status, response.content_type) == (200, "application/json")
    found: dict[str, Any] = response.json()
    return found


@pytest.fixture
def discount(site: Caller) -> Caller:
    @site.emulator.process("UsrCalcDiscount")
    def process(Amount: str = "0", IsVip: str = "") -> dict[str, Any]:  # noqa: N803 - codes
        return {"Discount": float(Amount) / 2, "IsVip": IsVip}

    return site


async def test_run_process_answers_with_results_and_a_row_of_the_log(discount: Caller) -> None:
    body = await ran(
        discount,
        schemaName="UsrCalcDiscount",
        parameterValues=[
            {"name": "Amount", "value": "10.5"},
            {"name": "IsVip", "value": None},
            {"name": "Unknown", "value": "1"},
        ],
        resultParameterNames=["Discount"],
    )
    key = body.pop("processId")
    assert body == {
        "processStatus": 2,
        "resultParameterValues": {"Discount": 5.25},
        "executionData": None,
        "success": True,
        "errorInfo": None,
    }
    row = await discount.get(f"SysProcessLog({key})?$expand=Status")
    assert (row["Name"], row["Status"]["Value"]) == ("UsrCalcDiscount", 2)


async def test_a_process_is_found_by_the_uid_of_its_schema(discount: Caller) -> None:
    filter_ = "ManagerName%20eq%20'ProcessSchemaManager'%20and%20Name%20eq%20'UsrCalcDiscount'"
    [schema] = await discount.values(f"SysSchema?$filter={filter_}")
    assert (await ran(discount, schemaUId=schema["UId"].upper()))["processStatus"] == 2
    discount.emulator.process("UsrCalcDiscount", background=True)(dict)
    assert len(await discount.values(f"SysSchema?$filter={filter_}")) == 1


async def test_a_process_that_cannot_start_has_no_handle(discount: Caller) -> None:
    for body in (
        {"schemaName": "UsrNothing"},
        {"schemaUId": "0"},
        {"schemaName": "UsrCalcDiscount", "resultParameterNames": ["Nothing"]},
    ):
        answer = await ran(discount, **body)
        assert (answer["success"], answer["processId"], answer["processStatus"]) == (False, "", 0)
        assert "not found" in answer["errorInfo"]["message"]
    headers = {"Content-Type": "application/json"}
    for broken in (b"", b"[]"):
        response = await discount.ask("POST", f"{SERVICE}/RunProcess", broken, headers)
        assert response.status == 400


async def test_a_process_that_fails_says_so_in_its_status(site: Caller) -> None:
    @site.emulator.process("UsrBroken")
    def process() -> None:
        raise RuntimeError("broken")

    body = await ran(site, schemaName="UsrBroken")
    assert (body["success"], body["processStatus"]) == (False, 3)
    assert "Please check the process log" in body["errorInfo"]["message"]
    row = await site.get(f"SysProcessLog({body['processId']})")
    assert row["ErrorDescription"] == "RuntimeError: broken"


async def test_a_background_process_has_a_handle_only_if_a_result_is_asked(site: Caller) -> None:
    @site.emulator.process("UsrSlow", background=True)
    def process() -> dict[str, Any]:
        return {"Sum": 1}

    body = await ran(site, schemaName="UsrSlow")
    assert (body["success"], body["processId"], body["processStatus"]) == (True, "", 0)
    body = await ran(site, schemaName="UsrSlow", resultParameterNames=["Sum"])
    assert (body["processStatus"], body["resultParameterValues"]) == (2, {"Sum": 1})


async def test_an_element_is_run_once(site: Caller) -> None:
    uid, runs = "405947D0-2ffb-4ded-8675-0475f19f5a81", []

    @site.emulator.element(uid)
    def element() -> None:
        runs.append(1)

    for path in (f"/ExecProcElByUId/{uid}", f"/ExecProcElByUId?ProcessElementUID={uid.upper()}"):
        response = await site.ask("GET", SERVICE + path)
        assert (response.status, response.body) == (200, b"")
    assert runs == [1]
    assert (await site.ask("GET", f"{SERVICE}/ExecProcElByUId/unknown")).status == 500


async def test_a_function_gets_its_parameters_as_the_types_that_it_names(site: Caller) -> None:
    seen: dict[str, Any] = {}

    @site.emulator.process("UsrTyped")
    def process(  # type: ignore[no-untyped-def]  # noqa: PLR0917
        Text: str,  # noqa: N803 - codes of parameters, here and below
        Count: int,  # noqa: N803
        Share: float,  # noqa: N803
        Amount: Decimal | None,  # noqa: N803
        Flag: bool,  # noqa: N803, FBT001
        Contact: UUID,  # noqa: N803
        At: dt.datetime,  # noqa: N803
        Day: dt.date,  # noqa: N803
        Hour: dt.time,  # noqa: N803
        Rows: list[dict[str, int]],  # noqa: N803
        Row: dict[str, Any],  # noqa: N803
        Plain,  # noqa: ANN001, N803
    ) -> dict[str, Any]:
        seen.update(locals())
        return {"Amount": Amount, "Contact": Contact}

    given = {
        "Text": "1",
        "Count": "-5",
        "Share": "0.5",
        "Amount": "10.50",
        "Flag": "True",
        "Contact": "405947d0-2ffb-4ded-8675-0475f19f5a81",
        "At": "2026-01-31T00:00:00.0000000Z",
        "Day": "2026-01-31",
        "Hour": "10:30:00",
        "Rows": '[{"Qty":2}]',
        "Row": '{"a":null}',
        "Plain": "7",
    }
    values = [{"name": name, "value": value} for name, value in given.items()]
    names = ["Amount", "Contact"]
    body = await ran(
        site, schemaName="UsrTyped", parameterValues=values, resultParameterNames=names
    )
    seen.pop("seen", None)
    assert seen == {
        "Text": "1",
        "Count": -5,
        "Share": 0.5,
        "Amount": Decimal("10.50"),
        "Flag": True,
        "Contact": UUID(given["Contact"]),
        "At": dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        "Day": dt.date(2026, 1, 31),
        "Hour": dt.time(10, 30),
        "Rows": [{"Qty": 2}],
        "Row": {"a": None},
        "Plain": "7",
    }
    assert body["resultParameterValues"] == {"Amount": 10.5, "Contact": given["Contact"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [("Count", "x"), ("Amount", "x"), ("Flag", "yes"), ("Rows", "{}"), ("Rows", "["), ("Id", "1")],
)
async def test_a_value_of_another_type_fails_the_process(
    site: Caller, name: str, text: str
) -> None:
    @site.emulator.process("UsrTyped")
    def process(
        Count: int = 0,  # noqa: N803 - codes of parameters, here and below
        Amount: Decimal = Decimal(0),  # noqa: N803
        Flag: bool = False,  # noqa: N803, FBT001, FBT002
        Rows: list[Any] | None = None,  # noqa: N803
        Id: UUID | None = None,  # noqa: N803
    ) -> None:
        raise AssertionError((Count, Amount, Flag, Rows, Id))

    body = await ran(site, schemaName="UsrTyped", parameterValues=[{"name": name, "value": text}])
    assert body["processStatus"] == 3
    [row] = site.emulator.rows("SysProcessLog")
    assert row["ErrorDescription"].startswith(f"ValueError: The value '{text}' of")
    assert name in row["ErrorDescription"]


async def test_a_failure_may_be_silent(site: Caller) -> None:
    @site.emulator.process("UsrBroken", silent=True)
    def process() -> None:
        raise RuntimeError("broken")

    body = await ran(site, schemaName="UsrBroken")
    assert (body["success"], body["processStatus"], body["errorInfo"]) == (True, 3, None)


async def test_a_result_that_is_told_to_be_missing_refuses_before_the_run(site: Caller) -> None:
    @site.emulator.process("UsrCalc", results=["Sum"])
    def process() -> dict[str, Any]:
        return {}

    body = await ran(site, schemaName="UsrCalc", resultParameterNames=["Nothing"])
    assert (body["success"], body["processId"]) == (False, "")
    assert site.emulator.rows("SysProcessLog") == []
    body = await ran(site, schemaName="UsrCalc", resultParameterNames=["Sum"])
    assert body["success"] is False  # it gave none
    site.emulator.process("UsrNone", results=[])(process)
    body = await ran(site, schemaName="UsrNone", resultParameterNames=["Sum"])
    assert (body["success"], body["processId"]) == (False, "")


async def test_a_process_in_the_background_goes_on_after_the_answer(site: Caller) -> None:
    go_on = asyncio.Event()

    @site.emulator.process("UsrSlow", background=True)
    async def process() -> None:
        await go_on.wait()

    assert (await ran(site, schemaName="UsrSlow"))["processId"] == ""
    [row] = await site.values("SysProcessLog?$expand=Status")
    assert row["Status"]["Name"] == "Running"
    assert row["CompleteDate"] == "0001-01-01T00:00:00Z"
    go_on.set()
    while row["Status"]["Name"] == "Running":
        await asyncio.sleep(0)
        [row] = await site.values("SysProcessLog?$expand=Status")
    assert row["Status"]["Name"] == "Done"
    assert row["CompleteDate"] >= row["StartDate"]


ELEMENT = "405947d0-2ffb-4ded-8675-0475f19f5a81"


async def test_a_process_waits_at_an_element_until_it_is_executed(site: Caller) -> None:
    @site.emulator.process("UsrApprove")
    async def process() -> dict[str, Any]:
        await site.emulator.wait_at(ELEMENT.upper(), {"page": "Approval"})
        return {"Approved": True}

    body = await ran(site, schemaName="UsrApprove", resultParameterNames=["Approved"])
    assert (body["success"], body["processStatus"]) == (True, 1)
    assert body["executionData"] == {"page": "Approval"}
    second = await ran(site, schemaName="UsrApprove")
    assert second["processStatus"] == 3  # another one waits there
    path = f"{SERVICE}/ExecProcElByUId/{ELEMENT}"
    for _ in range(2):
        assert (await site.ask("GET", path)).status == 200
    row = await site.get(f"SysProcessLog({body['processId']})?$expand=Status")
    assert row["Status"]["Name"] == "Done"


async def test_only_a_process_waits_at_an_element(site: Caller) -> None:
    with pytest.raises(RuntimeError, match="only a process"):
        await site.emulator.wait_at(ELEMENT)


async def test_an_element_is_executed_once_by_two_at_a_time(site: Caller) -> None:
    @site.emulator.process("UsrApprove")
    async def process() -> None:
        await site.emulator.wait_at(ELEMENT)
        await asyncio.sleep(0)

    await ran(site, schemaName="UsrApprove")
    path = f"{SERVICE}/ExecProcElByUId/{ELEMENT}"
    answers = await asyncio.gather(*(site.ask("GET", path) for _ in range(2)))
    assert [each.status for each in answers] == [200, 200]
    [row] = await site.values("SysProcessLog?$expand=Status")
    assert row["Status"]["Name"] == "Done"


async def test_runs_are_cancelled(site: Caller) -> None:
    @site.emulator.process("UsrApprove")
    async def process() -> None:
        await site.emulator.wait_at(ELEMENT)

    run = (await ran(site, schemaName="UsrApprove"))["processId"]
    done = (await ran(site, schemaName="UsrGetAllContacts"))["processId"]
    response = await site.ask("POST", f"{SERVICE}/CancelExecution", [run.upper(), done, "unknown"])
    assert response.status == 200
    names: set[str] = set()
    while "Canceled" not in names:
        await asyncio.sleep(0)
        rows = await site.values("SysProcessLog?$expand=Status")
        names = {row["Status"]["Name"] for row in rows}
        assert names <= {"Done", "Cancelling", "Canceled"}
    assert names == {"Done", "Canceled"}
    headers = {"Content-Type": "application/json"}
    response = await site.ask("POST", f"{SERVICE}/CancelExecution", b"{}", headers)
    assert response.status == 400


async def test_a_run_that_is_cancelled_while_it_is_waited_for_says_so(site: Caller) -> None:
    begun = asyncio.Event()

    @site.emulator.process("UsrSlow")
    async def process() -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(ran(site, schemaName="UsrSlow", resultParameterNames=["Sum"]))
    await begun.wait()
    [row] = site.emulator.rows("SysProcessLog")
    await site.ask("POST", f"{SERVICE}/CancelExecution", [row["Id"]])
    assert (await waiting)["processStatus"] == 4


async def test_an_emulator_that_is_closed_ends_its_processes() -> None:
    ended = asyncio.Event()
    with Emulator() as emulator:

        @emulator.process("UsrSlow")
        async def process() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.set()

        caller = caller_of(emulator)
        await caller.login()
        await caller.ask("GET", f"{SERVICE}/UsrSlow/Execute")
    await ended.wait()


def test_an_emulator_may_be_closed_after_its_loop() -> None:
    async def begin(emulator: Emulator) -> None:
        caller = caller_of(emulator)
        await caller.login()
        await caller.ask("GET", f"{SERVICE}/UsrSlow/Execute")

    with Emulator() as emulator:

        @emulator.process("UsrSlow")
        async def process() -> None:
            await asyncio.get_running_loop().create_future()

        asyncio.run(begin(emulator))
        [row] = emulator.rows("SysProcessLog")
        assert row["StatusId"] == status_id("Canceled")
