import asyncio
import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from creatio_async import (
    Creatio,
    CreatioError,
    ForbiddenError,
    NotFoundError,
    ProcessError,
    Processes,
    ProcessState,
    ServerError,
    SystemTableError,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Answer as Told
from creatio_async.emulator import (
    Cut,
    DropAfter,
    DropBefore,
    Emulator,
    Expire,
    Fail,
    Refuse,
)
from creatio_async.messages import Request, Response
from tests.api.canned import answer, canned, client
from tests.api.senders import ready

SERVICE = "ServiceModel/ProcessEngineService.svc"
ID = "1b2c3d4e-0000-4000-8000-000000000001"
ELEMENT = "405947d0-2ffb-4ded-8675-0475f19f5a81"
SEE_LOG = (
    "An error has occurred during the process execution. Please check the process log for details"
)


def ran(status: int, **changes: Any) -> Response:
    """Return an answer to RunProcess."""
    return answer({
        "processId": ID,
        "processStatus": status,
        "resultParameterValues": None,
        "executionData": None,
        "success": True,
        "errorInfo": None,
        **changes,
    })


def logged(status: int | None, error: str = "", **changes: Any) -> Response:
    """Return a row of the process log."""
    return answer({
        "Id": ID,
        "Name": "Calculate the discount",
        "StartDate": "2026-01-31T10:00:00.1234567Z",
        "CompleteDate": "0001-01-01T00:00:00Z",
        "ErrorDescription": error,
        "Status": None if status is None else {"Name": "?", "Value": status},
        **changes,
    })


def sent(request: Request) -> Any:
    return json.loads(request.body)


def asked(emulator: Emulator) -> list[Request]:
    return [each for each in emulator.requests if "ProcessEngineService" in each.url.path]


async def test_a_process_runs_and_gives_its_results(crm: Creatio, emulator: Emulator) -> None:
    contact = UUID("405947D0-2FFB-4DED-8675-0475F19F5A81")

    @emulator.process("UsrCalcDiscount")
    def calc(
        ContactId: UUID,  # noqa: N803 - codes of parameters, here and below
        Amount: Decimal,  # noqa: N803
        IsVip: bool,  # noqa: N803, FBT001
        DueDate: dt.datetime,  # noqa: N803
        Rows: list[Mapping[str, Any]],  # noqa: N803
    ) -> Mapping[str, Any]:
        assert (ContactId, IsVip) == (contact, True)
        assert dt.datetime(2026, 1, 31, tzinfo=dt.UTC) == DueDate
        assert Rows == [{"Id": "x", "Qty": 2}]
        return {"Discount": Amount / 2, "Rows": json.dumps(Rows), "Note": None}

    run = await crm.processes.run(
        "UsrCalcDiscount",
        {
            "ContactId": contact,
            "Amount": Decimal("10.5"),
            "IsVip": True,
            "DueDate": dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
            "Rows": [{"Id": "x", "Qty": 2}],
            "Absent": None,
        },
        results=["Discount", "Rows", "Note"],
    )
    assert run.process == "UsrCalcDiscount"
    assert run.state is ProcessState.DONE
    assert run.results == {"Discount": 5.25, "Rows": [{"Id": "x", "Qty": 2}], "Note": None}
    assert not run.is_queued
    [request] = asked(emulator)
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["forceusesession"] == "true"
    assert sent(request) == {
        "schemaName": "UsrCalcDiscount",
        "parameterValues": [
            {"name": "ContactId", "value": "405947d0-2ffb-4ded-8675-0475f19f5a81"},
            {"name": "Amount", "value": "10.5"},
            {"name": "IsVip", "value": "true"},
            {"name": "DueDate", "value": "2026-01-31T00:00:00Z"},
            {"name": "Rows", "value": '[{"Id":"x","Qty":2}]'},
        ],
        "resultParameterNames": ["Discount", "Rows", "Note"],
    }
    log = await run.log()
    assert log is not None
    assert (log.id, log.name, log.state, log.error) == (
        run.id,
        "UsrCalcDiscount",
        ProcessState.DONE,
        "",
    )
    assert log.started is not None
    assert log.completed is not None
    assert log.started <= log.completed
    assert log.row["Status"]["Name"] == "Done"
    assert await crm.processes.log(UUID(run.id)) is not None
    assert await run.wait() is run


@pytest.mark.parametrize(
    ("given", "state", "run_id", "queued"),
    [
        (ran(2), ProcessState.DONE, ID, False),
        (ran(2, success=False), ProcessState.DONE, ID, False),  # the state is the verdict
        (ran(2, processId=ID.upper()), ProcessState.DONE, ID, False),
        (ran(0, processId=""), ProcessState.INACTIVE, "", True),
        (ran(0, processId=None), ProcessState.INACTIVE, "", True),
        (ran(0, processId=str(UUID(int=0))), ProcessState.INACTIVE, "", True),
        (ran(0), ProcessState.INACTIVE, ID, False),
        (ran(1, executionData={"page": 1}), ProcessState.RUNNING, ID, False),
    ],
)
async def test_a_run_that_did_not_fail_is_told_by_its_state(
    given: Response, state: ProcessState, run_id: str, queued: object
) -> None:
    site = canned(given)
    async with client(site) as crm:
        run = await crm.processes.run("UsrX")
    assert (run.state, run.id, run.is_queued, run.results) == (state, run_id, queued, {})
    assert run.page == ({"page": 1} if state is ProcessState.RUNNING else None)
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (
            ran(
                0,
                processId="",
                success=False,
                errorInfo={"errorCode": "ProcessCannotBeManuallyStartedException", "message": ""},
            ),
            "ProcessCannotBeManuallyStartedException",
        ),
        (
            ran(0, processId="", success=False, errorInfo={"message": "Item with name X"}),
            "Item with name X",
        ),
        (ran(0, processId="", success=False, errorInfo="No such schema"), "No such schema"),
        (ran(0, processId="", success=False), "it was not started"),
        (answer({"success": False, "errorInfo": {"message": "No rights"}}), "No rights"),
    ],
)
async def test_a_process_that_was_refused_is_an_error_without_a_run(
    given: Response, detail: str
) -> None:
    site = canned(given)
    async with client(site) as crm:
        with pytest.raises(ProcessError) as raised:
            await crm.processes.run("UsrX")
    error = raised.value
    assert (error.process, error.detail, error.run_id, error.state) == ("UsrX", detail, "", None)
    assert error.request is not None
    assert error.request.body == b""
    assert error.response == given
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("given", "state", "detail"),
    [
        (ran(3), ProcessState.ERROR, "it ended as error"),
        (ran(3, success=False, errorInfo={"message": SEE_LOG}), ProcessState.ERROR, SEE_LOG),
        (ran(4), ProcessState.CANCELED, "it ended as canceled"),
        (ran(5), ProcessState.CANCELLING, "it ended as cancelling"),
    ],
)
@pytest.mark.parametrize(
    ("log", "told"),
    [
        (logged(3, "RuntimeError: broken"), "RuntimeError: broken"),
        (logged(3), ""),
        (answer(status=404), ""),
    ],
)
async def test_a_run_that_failed_is_an_error_with_what_the_log_says(
    given: Response, state: ProcessState, detail: str, log: Response, told: str
) -> None:
    site = canned(given, log)
    async with client(site) as crm:
        with pytest.raises(ProcessError) as raised:
            await crm.processes.run("UsrX")
    error = raised.value
    assert (error.run_id, error.state, error.detail) == (ID, state, told or detail)
    assert str(error) == f"process UsrX, run {ID} ({state.name.lower()}): {told or detail}"
    assert site.paths == [
        f"POST {SERVICE}/RunProcess",
        f"GET odata/SysProcessLog({ID})?$expand=Status",
    ]


async def test_what_a_process_raised_is_read_from_the_log(crm: Creatio, emulator: Emulator) -> None:
    @emulator.process("UsrBroken", silent=True)
    def process() -> None:
        raise RuntimeError("broken")

    with pytest.raises(ProcessError, match="RuntimeError: broken") as raised:
        await crm.processes.run("UsrBroken")
    log = await crm.processes.log(raised.value.run_id)
    assert log is not None
    assert (log.state, log.error) == (ProcessState.ERROR, "RuntimeError: broken")


@pytest.mark.parametrize("status", [401, 403])
async def test_where_the_log_is_closed_a_failure_says_so_in_a_note(
    crm: Creatio, emulator: Emulator, status: int
) -> None:
    @emulator.process("UsrBroken")
    def process() -> None:
        raise RuntimeError("broken")

    emulator.troubles.add(Told(answer(status=status)), path="SysProcessLog", times=9)
    with pytest.raises(ProcessError, match="Please check the process log") as raised:
        await crm.processes.run("UsrBroken")
    [note] = raised.value.__notes__
    assert "DisableODataSystemTablesAccess" in note
    with pytest.raises(SystemTableError, match="SysProcessLog cannot be read") as closed:
        await crm.processes.log(raised.value.run_id)
    assert isinstance(closed.value, ForbiddenError)
    assert closed.value.status == status


async def test_a_log_that_was_closed_is_not_asked_again_for_each_failure() -> None:
    failed, closed = ran(3), answer(status=403)
    site = canned(failed, closed, failed, logged(1), failed, logged(3, "broken"))
    async with client(site) as crm:
        for _ in range(2):
            with pytest.raises(ProcessError) as raised:
                await crm.processes.run("UsrX")
            assert "SysProcessLog cannot be read" in raised.value.__notes__[0]
        assert await crm.processes.log(ID) is not None  # it was opened
        with pytest.raises(ProcessError, match="broken"):
            await crm.processes.run("UsrX")
    assert site.answers == []


async def test_a_run_with_an_id_of_another_form_is_not_looked_up() -> None:
    async with client(canned(ran(3, processId="17"))) as crm:
        with pytest.raises(ProcessError) as raised:
            await crm.processes.run("UsrX")
    assert raised.value.run_id == "17"
    assert "could not be asked" in raised.value.__notes__[0]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "no json",
        '{"processStatus": null}',
        '{"processStatus": 6}',
        '{"processStatus": "2"}',
        '{"processStatus": {}}',
    ],
)
async def test_an_answer_that_says_no_state_is_an_error(body: str) -> None:
    site = canned(answer(body))
    async with client(site) as crm:
        with pytest.raises(UnexpectedResponseError, match="no processStatus") as raised:
            await crm.processes.run("UsrX")
    assert "whether UsrX ran is unknown" in raised.value.__notes__[0]
    assert len(site.requests) == 1


async def test_results_may_come_as_the_pairs_of_a_dictionary() -> None:
    pairs = [{"Key": "Sum", "Value": 1}, {"Key": "Rows", "Value": "[1]"}]
    async with client(canned(ran(2, resultParameterValues=pairs))) as crm:
        run = await crm.processes.run("UsrX", results=["Sum", "Rows", "Other"])
    assert run.results == {"Sum": 1, "Rows": [1], "Other": None}


async def test_a_result_that_the_process_has_not_refuses_it(
    crm: Creatio, emulator: Emulator
) -> None:
    @emulator.process("UsrCalc", results=["Sum"])
    def process() -> None:
        raise AssertionError

    with pytest.raises(ProcessError, match="Nothing not found"):
        await crm.processes.run("UsrCalc", results=["Nothing"])


async def test_an_unknown_process_is_refused_by_every_call(crm: Creatio) -> None:
    with pytest.raises(ProcessError, match=r"Item with name UsrNo\b"):
        await crm.processes.run("UsrNo")
    with pytest.raises(ProcessError, match=r"Creatio knows no such process: .*UsrNo") as raised:
        await crm.processes.start("UsrNo")
    assert raised.value.response is not None
    assert raised.value.response.status == 500


async def test_another_500_stays_what_it_is(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Fail(message="ItemNotFoundException of something else"))
    with pytest.raises(ServerError):
        await crm.processes.start("UsrNo")


def uid_of(emulator: Emulator, name: str) -> dict[str, Any]:
    [row] = [each for each in emulator.rows("SysSchema") if each["Name"] == name]
    return row


@pytest.mark.parametrize("column", ["UId", "Id"])
async def test_a_process_is_executed_by_the_id_of_its_schema(
    crm: Creatio, emulator: Emulator, column: str
) -> None:
    key = uid_of(emulator, "UsrGetAllContacts")[column]
    found = await crm.processes.execute(schema_id=key.upper(), result="ContactList")
    assert found
    await crm.processes.start(schema_id=UUID(key))
    assert [each.url.path_qs.partition(".svc/")[2] for each in asked(emulator)] == [
        "UsrGetAllContacts/Execute?ResultParameterName=ContactList",
        "UsrGetAllContacts/Execute",
    ]


async def test_a_process_is_run_by_the_uid_of_its_schema(crm: Creatio, emulator: Emulator) -> None:
    key = uid_of(emulator, "UsrGetAllContacts")["UId"]
    run = await crm.processes.run(schema_id=UUID(key), results=["ContactList"])
    assert run.results["ContactList"]
    assert run.process == key
    assert sent(emulator.requests[-1])["schemaUId"] == key
    with pytest.raises(ProcessError, match="not found"):
        await crm.processes.run(schema_id=ID)


async def test_an_id_that_no_process_has_is_an_error(crm: Creatio, emulator: Emulator) -> None:
    entity = uid_of(emulator, "Contact")["UId"]
    for key in (ID, entity):
        with pytest.raises(ProcessError, match="SysSchema has no process of this id") as raised:
            await crm.processes.start(schema_id=key)
        assert raised.value.process == key
    assert asked(emulator) == []


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_where_the_schemas_are_closed_an_id_is_an_error_that_says_so(
    crm: Creatio, emulator: Emulator, status: int
) -> None:
    emulator.troubles.add(Told(answer(status=status)), path="SysSchema", times=9)
    with pytest.raises(SystemTableError, match="SysSchema cannot be read through OData"):
        await crm.processes.start(schema_id=ID)
    assert asked(emulator) == []


# Waiting


async def processes(site: Any, **options: Any) -> tuple[Processes, list[float]]:
    """Return processes whose waits are noted, and take no time."""
    sender, waited = await ready(site, **options)
    return Processes(sender), waited


async def test_a_run_is_waited_for_with_growing_pauses() -> None:
    rows = [logged(1), answer(status=404), logged(None), logged(1), logged(2)]
    calls, waited = await processes(canned(ran(1), *rows))
    run = await calls.run("UsrX", results=["Sum"])
    done = await run.wait(pause=1, pause_max=3)
    assert done.state is ProcessState.DONE
    assert run.state is ProcessState.RUNNING
    assert done.id == run.id
    assert waited == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("row", "state", "detail"),
    [
        (logged(3, "RuntimeError: broken"), ProcessState.ERROR, "RuntimeError: broken"),
        (logged(3), ProcessState.ERROR, "the log gives no reason"),
        (logged(4), ProcessState.CANCELED, "the log gives no reason"),
    ],
)
async def test_a_run_that_is_waited_for_and_fails_is_an_error(
    row: Response, state: ProcessState, detail: str
) -> None:
    calls, _ = await processes(canned(ran(1), logged(5), row))
    run = await calls.run("UsrX")
    with pytest.raises(ProcessError) as raised:
        await run.wait()
    error = raised.value
    assert (error.run_id, error.state, error.detail) == (ID, state, detail)


@pytest.mark.parametrize(
    ("row", "state", "words"),
    [
        (logged(1), ProcessState.RUNNING, "it has not ended after 2.5 s"),
        (answer(status=404), None, "SysProcessLog has no row of it after 2.5 s"),
    ],
)
async def test_a_run_is_waited_for_no_longer_than_asked(
    row: Response, state: ProcessState | None, words: str
) -> None:
    calls, waited = await processes(canned(ran(1), *[row] * 4))
    run = await calls.run("UsrX")
    with pytest.raises(ProcessError, match=words) as raised:
        await run.wait(2.5, pause=0.5)
    assert raised.value.state is state
    assert waited == [0.5, 1, 1]


async def test_a_deadline_of_nothing_looks_once() -> None:
    calls, waited = await processes(canned(ran(1), logged(2)))
    run = await calls.run("UsrX")
    assert (await run.wait(0)).state is ProcessState.DONE
    assert waited == []


async def test_a_run_in_a_queue_cannot_be_followed(crm: Creatio, emulator: Emulator) -> None:
    @emulator.process("UsrSlow", background=True)
    def process() -> Mapping[str, Any]:
        return {"Sum": 1}

    run = await crm.processes.run("UsrSlow")
    assert run.is_queued
    assert await run.log() is None
    with pytest.raises(ProcessError, match="in a queue"):
        await run.wait()
    with pytest.raises(ValueError, match="cannot be cancelled"):
        await crm.processes.cancel(run)
    run = await crm.processes.run("UsrSlow", results=["Sum"])
    assert (run.state, run.results) == (ProcessState.DONE, {"Sum": 1})


@pytest.mark.parametrize(
    "options", [{"deadline": -1}, {"pause": 0}, {"pause": 2, "pause_max": 1}, {"pause": -1}]
)
async def test_times_are_not_negative(options: Any) -> None:
    async with client(canned(ran(1))) as crm:
        run = await crm.processes.run("UsrX")
        with pytest.raises(ValueError, match="takes a deadline"):
            await run.wait(**options)


async def test_waiting_where_the_log_is_closed_is_an_error_that_says_so() -> None:
    calls, _ = await processes(canned(ran(1), answer(status=403)))
    run = await calls.run("UsrX")
    with pytest.raises(SystemTableError, match="SysProcessLog"):
        await run.wait()


async def test_the_log_gives_its_dates_with_their_zone() -> None:
    done = logged(2, CompleteDate="2026-01-31T10:00:01Z")
    async with client(canned(logged(1), done, logged(2, CompleteDate=None))) as crm:
        running = await crm.processes.log(ID)
        ended = await crm.processes.log(ID)
        other = await crm.processes.log(ID)
    assert running is not None
    assert ended is not None
    assert other is not None
    assert running.started == dt.datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=dt.UTC)
    assert running.completed is None
    assert ended.completed == dt.datetime(2026, 1, 31, 10, 0, 1, tzinfo=dt.UTC)
    assert other.completed is None
    assert "row=" not in repr(running)


# Elements and cancelling


async def test_a_process_waits_at_an_element_until_it_is_executed(
    crm: Creatio, emulator: Emulator
) -> None:
    @emulator.process("UsrApprove")
    async def process() -> Mapping[str, Any]:
        await emulator.wait_at(ELEMENT, {"page": "Approval"})
        return {"Approved": True}

    run = await crm.processes.run("UsrApprove", results=["Approved"])
    assert (run.state, run.page, run.results) == (ProcessState.RUNNING, {"page": "Approval"}, {})
    await crm.processes.execute_element(UUID(ELEMENT))
    await crm.processes.execute_element(ELEMENT.upper())  # it has run already
    assert (await run.wait()).state is ProcessState.DONE
    assert [each.url.path for each in asked(emulator)[1:]] == [
        f"/0/{SERVICE}/ExecProcElByUId/{ELEMENT}"
    ] * 2
    with pytest.raises(ServerError, match="not found"):
        await crm.processes.execute_element(ID)


async def test_an_element_is_named_in_the_query_where_the_path_is_not_known() -> None:
    site = canned(answer(status=404), answer())
    async with client(site) as crm:
        await crm.processes.execute_element(ELEMENT)
    assert site.paths == [
        f"GET {SERVICE}/ExecProcElByUId/{ELEMENT}",
        f"GET {SERVICE}/ExecProcElByUId?ProcessElementUID={ELEMENT}",
    ]


async def test_runs_are_cancelled(crm: Creatio, emulator: Emulator) -> None:
    @emulator.process("UsrApprove")
    async def process() -> None:
        await emulator.wait_at(str(UUID(int=len(emulator.rows("SysProcessLog")))))

    runs = [await crm.processes.run("UsrApprove") for _ in range(3)]
    await crm.processes.cancel(runs[0], runs[1].id.upper(), UUID(runs[2].id))
    assert sent(emulator.requests[-1]) == [run.id for run in runs]
    for run in runs:
        with pytest.raises(ProcessError) as raised:
            await run.wait(pause=0.001)
        assert raised.value.state is ProcessState.CANCELED


@pytest.mark.parametrize("key", ["", "x", "{" + ID + "}"])
async def test_an_id_is_a_uuid(key: str) -> None:
    site = canned()
    async with client(site) as crm:
        for call in (
            crm.processes.execute_element(key),
            crm.processes.cancel(ID, key),
            crm.processes.log(key),
            crm.processes.start(schema_id=key),
            crm.processes.run(schema_id=key),
        ):
            with pytest.raises(ValueError, match=r"not an Id|cannot be cancelled"):
                await call
        with pytest.raises(TypeError):
            await crm.processes.cancel(5)  # type: ignore[arg-type]
    assert site.requests == []


# Once and no more


CALLS = {
    "run": lambda crm: crm.processes.run("UsrGetAllContacts"),
    "execute": lambda crm: crm.processes.execute("UsrGetAllContacts", result="ContactList"),
    "start": lambda crm: crm.processes.start("UsrGetAllContacts"),
    "element": lambda crm: crm.processes.execute_element(ELEMENT),
    "cancel": lambda crm: crm.processes.cancel(ID),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("trouble", "doubtful"),
    [
        (DropAfter(), True),
        (DropBefore(), True),
        (Fail(), True),
        (Fail(after=True), True),
        (Refuse(502), True),
        (Refuse(504), True),
        (Refuse(429, retry_after=0), False),
        (Refuse(503), False),
    ],
    ids=repr,
)
async def test_nothing_is_sent_again_and_what_is_unknown_is_said(
    crm: Creatio, emulator: Emulator, name: str, trouble: Any, doubtful: object
) -> None:
    emulator.element(ELEMENT)(dict)
    emulator.troubles.add(trouble, path="ProcessEngineService")
    with pytest.raises((TransportError, ServerError, ThrottledError)) as raised:
        await CALLS[name](crm)
    assert len(asked(emulator)) == 1
    notes = getattr(raised.value, "__notes__", [])
    assert len(notes) == doubtful
    assert all("unknown" in note and "SysProcessLog" in note for note in notes)


async def test_an_answer_cut_short_leaves_it_unknown(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Cut(), path="RunProcess")
    with pytest.raises(CreatioError) as raised:
        await crm.processes.run("UsrGetAllContacts")
    assert "whether UsrGetAllContacts ran is unknown" in raised.value.__notes__[0]
    assert len(asked(emulator)) == 1


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", ["401", "redirect", "html", "json"])
async def test_what_met_a_lost_session_is_done_once_in_a_new_one(
    crm: Creatio, emulator: Emulator, name: str, shape: Any
) -> None:
    emulator.element(ELEMENT)(dict)
    emulator.troubles.add(Expire(shape), path="ProcessEngineService")
    await CALLS[name](crm)
    assert emulator.logins == 2
    assert len(emulator.rows("SysProcessLog")) == (name != "cancel")


async def test_a_refused_token_is_renewed_and_the_process_runs_once(
    crm: Creatio, emulator: Emulator
) -> None:
    emulator.rotate_csrf()
    await crm.processes.run("UsrGetAllContacts")
    assert len(emulator.rows("SysProcessLog")) == 1


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "words"),
    [
        ((), {}, TypeError, "one of the two"),
        (("UsrX",), {"schema_id": ID}, TypeError, "one of the two"),
        (("",), {}, ValueError, "code of a process"),
        ((5,), {}, TypeError, "code of a process"),
        (("UsrX", [("A", 1)]), {}, TypeError, "parameters are a mapping"),
        (("UsrX", {"A B": 1}), {}, ValueError, "code of a parameter"),
        (("UsrX", {"A": object()}), {}, TypeError, "parameter 'A'"),
        (("UsrX", {"A": float("nan")}), {}, ValueError, "parameter 'A'"),
        (("UsrX",), {"results": "Sum"}, TypeError, r"such as \['Sum'\]"),
        (("UsrX",), {"results": ["A B"]}, ValueError, "code of a parameter"),
        (("UsrX",), {"results": [5]}, TypeError, "code of a parameter"),
    ],
)
async def test_a_mistake_is_told_before_anything_is_sent(
    arguments: Any, options: Any, kind: type[Exception], words: str
) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(kind, match=words):
            await crm.processes.run(*arguments, **options)
        if "results" not in options:
            with pytest.raises(kind, match=words):
                await crm.processes.start(*arguments, **options)
    assert site.requests == []


async def test_a_mistake_is_told_before_the_id_is_looked_up() -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(TypeError, match="parameter 'A'"):
            await crm.processes.start(schema_id=ID, parameters={"A": object()})
    assert site.requests == []


async def test_many_runs_of_one_client_do_not_wait_for_each_other(
    crm: Creatio, emulator: Emulator
) -> None:
    both = asyncio.Barrier(2)

    @emulator.process("UsrMeet")
    async def process() -> None:
        await both.wait()

    runs = await asyncio.gather(*(crm.processes.run("UsrMeet") for _ in range(2)))
    assert {run.state for run in runs} == {ProcessState.DONE}


async def test_a_row_that_is_gone_is_not_in_the_log(crm: Creatio) -> None:
    assert await crm.processes.log(ID) is None
    with pytest.raises(NotFoundError):
        await crm.odata["SysProcessLog"].get(ID)
