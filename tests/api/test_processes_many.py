import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson
import pytest

from creatio_async import (
    AuthenticationError,
    Creatio,
    Process,
    ProcessError,
    ProcessOutcome,
    ProcessReport,
    ProcessState,
    ServerError,
    State,
    TransportError,
    parameter,
    result,
)
from creatio_async.emulator import DropAfter, Emulator, Fail, Refuse
from creatio_async.messages import Request, Response
from creatio_async.processes.jobs import ProcessJob
from tests.api.canned import answer, canned, client, lost
from tests.api.scripted import Scripted, eventually
from tests.api.test_processes_run import ELEMENT, ran


@pytest.fixture
def double(emulator: Emulator) -> Emulator:
    @emulator.process("UsrDouble")
    def process(Amount: int) -> Mapping[str, Any]:  # noqa: N803 - the code of a parameter
        if Amount < 0:
            raise ValueError("negative")
        return {"Sum": 2 * Amount}

    return emulator


async def test_each_input_has_its_outcome(crm: Creatio, double: Emulator) -> None:
    inputs = [{"Amount": number} for number in (1, -2, 3)]
    outcomes: list[ProcessOutcome[dict[str, Any]]] = []
    async with crm.processes.run_many("UsrDouble", inputs, results=["Sum"]) as found:
        async for outcome in found:
            outcomes.append(outcome)  # noqa: PERF401 - as a caller would
    outcomes.sort(key=lambda each: each.index)
    assert [each.input for each in outcomes] == inputs
    assert [each.state for each in outcomes] == [State.DONE, State.FAILED, State.DONE]
    assert [each.ok for each in outcomes] == [True, False, True]
    assert [each.run.results["Sum"] for each in outcomes if each.run] == [2, 6]
    error = outcomes[1].error
    assert isinstance(error, ProcessError)
    assert error.detail == "ValueError: negative"
    assert len(double.rows("SysProcessLog")) == 3


@pytest.mark.usefixtures("double")
async def test_a_report_is_the_sum_of_the_outcomes(crm: Creatio) -> None:
    report = await crm.processes.run_many("UsrDouble", ({"Amount": n} for n in (1, -2, -3, 4)))
    assert report.counts == {State.DONE: 2, State.FAILED: 2}
    assert (report.process, report.total, report.done, report.failed) == ("UsrDouble", 4, 2, 2)
    assert {each.index for each in report.failures} == {1, 2}
    assert report.seconds > 0
    with pytest.raises(ProcessError, match=r"2 of 4 inputs failed; the first is input \d: proc"):
        report.raise_for_failures()
    report = await crm.processes.run_many("UsrDouble", [])
    report.raise_for_failures()
    assert report.total == 0


@pytest.mark.usefixtures("double")
async def test_inputs_may_be_instances_of_a_class(crm: Creatio) -> None:
    class Double(Process, code="UsrDouble"):
        amount: int = parameter("Amount")
        total: Decimal = result("Sum")

    async def inputs() -> AsyncIterator[Double]:
        for number in range(5):
            yield Double(amount=number)

    totals: set[Decimal] = set()
    async with crm.processes.run_many(Double, inputs(), at_once=2) as outcomes:
        async for outcome in outcomes:
            assert outcome.run is not None
            totals.add(outcome.run.results.total)
    assert totals == {0, 2, 4, 6, 8}
    mixed: Any = [Double(amount=1), {"Amount": 1}]
    report = await crm.processes.run_many(Double, mixed)
    assert report.counts == {State.DONE: 1, State.NOT_RUN: 1}
    assert "takes inputs of Double" in str(report.failures[0].error)
    with pytest.raises(TypeError, match="in it"):
        crm.processes.run_many(Double, [], results=["A"])  # type: ignore[call-overload]


async def test_a_process_is_run_many_times_by_its_id(crm: Creatio, double: Emulator) -> None:
    [schema] = [row for row in double.rows("SysSchema") if row["Name"] == "UsrDouble"]
    many = crm.processes.run_many(None, [{"Amount": 1}] * 3, schema_id=schema["UId"])
    report = await many
    assert (report.done, report.process) == (3, schema["UId"])


async def test_no_more_than_asked_are_under_way(crm: Creatio, emulator: Emulator) -> None:
    most, under_way = 0, 0

    @emulator.process("UsrSlow")
    async def process() -> None:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1

    report = await crm.processes.run_many("UsrSlow", [{}] * 20, at_once=3)
    assert (report.done, most) == (20, 3)


async def test_inputs_are_read_no_faster_than_outcomes_are_taken(
    crm: Creatio, double: Emulator
) -> None:
    read = 0

    def inputs() -> Iterator[dict[str, int]]:
        nonlocal read
        while True:
            read += 1
            yield {"Amount": read}

    async with crm.processes.run_many("UsrDouble", inputs(), at_once=2) as outcomes:
        taken = 0
        async for _ in outcomes:
            taken += 1
            assert read <= taken + 4
            if taken == 50:
                break
    assert len(double.rows("SysProcessLog")) == read


@pytest.mark.parametrize(
    ("trouble", "state", "kind"),
    [
        (DropAfter(), State.UNKNOWN, TransportError),
        (Fail(after=True), State.UNKNOWN, ServerError),
        (Refuse(429, retry_after=0), State.FAILED, Exception),
    ],
)
async def test_one_that_got_no_answer_is_not_run_again(
    crm: Creatio, double: Emulator, trouble: Any, state: State, kind: type[Exception]
) -> None:
    double.troubles.add(trouble, path="RunProcess", skip=1)
    report = await crm.processes.run_many("UsrDouble", [{"Amount": n} for n in range(5)])
    assert report.counts == {State.DONE: 4, state: 1}
    assert isinstance(report.failures[0].error, kind)
    assert sum("RunProcess" in each.url.path for each in double.requests) == 5


async def test_what_was_not_sent_was_not_run() -> None:
    async with client(canned(ran(2), lost(sent=False))) as crm:
        many = crm.processes.run_many("UsrX", [{}, {}, {"A": object()}], at_once=1)
        report = await many
    assert report.counts == {State.DONE: 1, State.NOT_RUN: 2}
    first, second = report.failures
    assert isinstance(first.error, TransportError)
    assert isinstance(second.error, TypeError)


async def test_a_run_that_waits_is_an_outcome_without_failure(
    crm: Creatio, emulator: Emulator
) -> None:
    @emulator.process("UsrApprove")
    async def process() -> None:
        await emulator.wait_at(ELEMENT)

    async with crm.processes.run_many("UsrApprove", [{}]) as outcomes:
        async for outcome in outcomes:
            assert outcome.state is State.DONE
            assert outcome.run is not None
            assert outcome.run.state is ProcessState.RUNNING


@pytest.mark.usefixtures("double")
async def test_what_the_inputs_raise_comes_after_the_outcomes(crm: Creatio) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        yield {"Amount": 1}
        raise LookupError("no more")

    job = crm.processes.run_many("UsrDouble", inputs())
    async with job as outcomes:
        assert (await anext(outcomes)).ok
        with pytest.raises(LookupError, match="no more"):
            await anext(outcomes)
    assert job.report.done == 1
    with pytest.raises(LookupError, match="no more"):
        await crm.processes.run_many("UsrDouble", inputs())


async def test_a_login_that_is_refused_ends_the_job() -> None:
    refused = answer({"Code": 1, "Message": "Wrong password"})
    site = Scripted(lambda _: answer(status=401))
    async with client(site) as crm:
        site.login = lambda _: refused
        job = crm.processes.run_many("UsrX", [{}] * 9, at_once=2)
        with pytest.raises(AuthenticationError):
            await job
    assert job.report.counts == {State.NOT_RUN: len(job.unfinished)}
    assert len(job.unfinished) <= 2


class Gate:
    """A site whose processes end when they are let."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun = 0
        self.ended = 0

    async def reply(self, request: Request) -> Response:
        """Answer when the gate is open."""
        assert orjson.loads(request.body)["schemaName"] == "UsrX"
        self.begun += 1
        await self.open.wait()
        self.ended += 1
        return ran(2)


async def test_leaving_early_lets_what_is_under_way_end() -> None:
    gate = Gate()
    async with client(Scripted(gate.reply)) as crm:
        job = crm.processes.run_many("UsrX", [{}] * 100, at_once=3)
        async with job:
            await eventually(lambda: gate.begun == 3)
            gate.open.set()
    assert gate.begun == gate.ended
    assert job.report.done == gate.ended
    assert job.unfinished == []


async def test_what_does_not_end_in_time_is_unknown() -> None:
    gate = Gate()
    async with client(Scripted(gate.reply)) as crm:
        job = ProcessJob(
            "UsrX",
            lambda one: crm.processes.run("UsrX", one),
            [{"A": number} for number in range(9)],
            at_once=2,
            grace=0,
        )
        async with job:
            await eventually(lambda: gate.begun == 2)
    assert [(each.index, each.state) for each in job.unfinished] == [
        (0, State.UNKNOWN),
        (1, State.UNKNOWN),
    ]
    assert job.report.counts == {State.UNKNOWN: 2}


async def test_an_input_that_was_read_and_not_begun_is_told() -> None:
    async def inputs() -> AsyncIterator[dict[str, int]]:
        yield {"A": 1}
        await asyncio.get_running_loop().create_future()

    async with client(Scripted(lambda _: ran(2))) as crm:
        job = crm.processes.run_many("UsrX", inputs())
        async with job as outcomes:
            async for outcome in outcomes:
                assert outcome.ok
                break
    assert job.report.counts == {State.DONE: 1}
    assert job.unfinished == []


async def test_a_job_that_is_cancelled_ends_its_runs() -> None:
    gate = Gate()
    async with client(Scripted(gate.reply)) as crm:
        job = ProcessJob(
            "UsrX", lambda one: crm.processes.run("UsrX", one), [{}] * 9, at_once=2, grace=0
        )
        task = asyncio.create_task(_awaited(job))
        await eventually(lambda: gate.begun == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert job.report.counts == {State.UNKNOWN: 2}
    assert len(asyncio.all_tasks()) == 1


async def _awaited(job: ProcessJob[Any]) -> ProcessReport:
    return await job


async def test_a_job_runs_once() -> None:
    async with client(canned(ran(2))) as crm:
        job = crm.processes.run_many("UsrX", [{}])
        await job
        with pytest.raises(RuntimeError, match="runs once"):
            await job
    async with client(canned()) as crm:
        job = crm.processes.run_many("UsrX", [{}])
        await job.__aexit__(None, None, None)  # never entered
        with pytest.warns(RuntimeWarning, match="nothing was run"):
            job.__del__()
        job._is_idle = False


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "words"),
    [
        (("UsrX", []), {"at_once": 0}, ValueError, "number of runs"),
        (("UsrX", []), {"at_once": "2"}, TypeError, "integer"),
        (("UsrX", {"A": 1}), {}, TypeError, "several"),
        (("UsrX", 5), {}, TypeError, "iterable"),
        (("Usr X", []), {}, ValueError, "code of a process"),
        ((None, []), {}, TypeError, "one of the two"),
        (("UsrX", []), {"results": ["A B"]}, ValueError, "code of a parameter"),
        (("UsrX", []), {"results": "Sum"}, TypeError, "several codes"),
    ],
)
async def test_a_mistake_is_told_at_once(
    arguments: Any, options: Any, kind: type[Exception], words: str
) -> None:
    async with client(canned()) as crm:
        with pytest.raises(kind, match=words):
            crm.processes.run_many(*arguments, **options)


def test_a_report_keeps_a_thousand_failures() -> None:
    report = ProcessReport("UsrX")
    for index in range(1_002):
        report.add(ProcessOutcome(index, {}, State.FAILED, None, ProcessError("UsrX", "broken")))
    assert (len(report.failures), report.more_failures, report.failed) == (1_000, 2, 1_002)
