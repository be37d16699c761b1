"""What is sent again, after how long, and what is narrowed down to the row that is to blame."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from creatio_async import (
    AuthenticationError,
    BadRequestError,
    Create,
    Outcome,
    RetryPolicy,
    ServerError,
    SessionExpiredError,
    State,
    Update,
)
from creatio_async.emulator import Emulator
from tests.api.canned import client
from tests.api.table import Script, Table


def rows(count: int) -> list[dict[str, Any]]:
    return [{"Name": str(number)} for number in range(count)]


async def written(table: Any, source: Any, **options: Any) -> list[Outcome]:
    """Write *source*; return the outcomes in its order."""
    async with client(table) as crm, crm.odata["City"].create_many(source, **options) as outcomes:
        return sorted([each async for each in outcomes], key=lambda each: each.index)


def states(told: list[Outcome]) -> list[State]:
    return [each.state for each in told]


# Waiting


async def test_a_row_that_waits_holds_nobody_up_and_goes_along_with_later_rows() -> None:
    begun, waits = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        begun.set()
        await waits.wait()

    table = Table([Script(rows=["429"])])
    async with client(table) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep

        def source() -> Any:
            for number, row in enumerate(rows(12)):
                if number == 8:
                    assert begun.is_set()
                    assert len(table.rows) >= 5, "the others went on"
                    waits.set()
                yield row

        report = await cities.create_many(source(), batch_size=2, at_once=1)
    assert report.counts == {State.DONE: 12}
    batches = [[each["body"]["Name"] for each in batch] for batch in table.batches]
    assert batches[0] == ["0", "1"]
    assert next(batch for batch in batches[1:] if "0" in batch) != ["0"], "it was alone"
    assert max(map(len, batches)) == 2


async def test_an_input_that_waits_does_not_hold_up_a_row_whose_time_has_come() -> None:
    table = Table([Script(rows=["429"])])
    done = asyncio.Event()

    async def source() -> Any:
        for row in rows(3):
            yield row
        await done.wait()
        yield {"Name": "last"}

    async with client(table) as crm:
        job = crm.odata["City"].create_many(source(), batch_size=3, at_once=1)
        async with job as outcomes:
            async for each in outcomes:
                if each.row["Name"] == "0":
                    assert each.state is State.DONE
                    done.set()
    assert job.report.counts == {State.DONE: 4}


async def test_what_the_input_raises_does_not_keep_a_row_from_being_sent_again() -> None:
    def source() -> Any:
        yield from rows(4)
        raise OSError("torn")

    table = Table([Script(rows=["429", "503"])])
    async with client(table) as crm:
        job = crm.odata["City"].create_many(source(), batch_size=2, at_once=1)
        with pytest.raises(OSError, match="torn"):
            await job
    assert (job.report.counts, job.unfinished) == ({State.DONE: 4}, [])


async def test_rows_that_wait_keep_the_input_from_being_read_without_end() -> None:
    read = 0

    def source() -> Any:
        nonlocal read
        for row in rows(500):
            read += 1
            yield row

    async def sleep(_: float) -> None:
        await asyncio.get_running_loop().create_future()

    table = Table([Script(rows=["429"] * 5)] * 500)
    async with client(table) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep
        job = cities.create_many(source(), batch_size=5, at_once=2)
        job._grace = 0.01
        async with job:
            for _ in range(2_000):
                await asyncio.sleep(0)
    assert read <= 5 * 2 * (4 + 1) + 5
    assert [each.index for each in job.unfinished] == list(range(read))
    assert {each.state for each in job.unfinished} == {State.NOT_RUN}
    assert {each.http_status for each in job.unfinished} == {429}


@pytest.mark.parametrize("act", ["429", "503", "500 deadlock"])
async def test_what_tells_of_a_moment_is_sent_again(act: str) -> None:
    table = Table([Script(rows=["done", act])])
    assert states(await written(table, rows(3))) == [State.DONE] * 3
    assert [len(each) for each in table.writes] == [3, 1]


async def test_what_is_refused_for_good_is_sent_once() -> None:
    table = Table([Script(rows=["done", "400"])])
    told = await written(table, rows(2))
    assert states(told) == [State.DONE, State.FAILED]
    assert len(table.writes) == 1


async def test_rows_that_wait_as_long_come_again_together() -> None:
    table = Table([Script(rows=["429", "done", "429", "503"])])
    await written(table, rows(4))
    assert [len(each) for each in table.writes] == [4, 3]


async def test_the_waits_grow_with_the_refusals_of_the_row() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    table = Table([Script(rows=["429"])] * 3)
    policy = RetryPolicy(wait_initial=1, wait_jitter=0)
    async with client(table, retry=policy) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep
        await cities.create_many(rows(1))
    assert slept == [1.0, 2.0, 4.0]


async def test_what_waits_shorter_comes_first() -> None:
    slept: list[float] = []
    table = Table([Script(rows=["429"])] * 2)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds == 5.0:
            await asyncio.sleep(0.01)

    class Asking(Table):
        def _run(self, items: Any, acts: Any, go_on: object) -> list[dict[str, Any]]:
            answers = super()._run(items, acts, go_on)
            for item, each in zip(items, answers, strict=True):
                if each["status"] == 429:
                    asked = "5" if item["body"]["Name"] == "0" else "3"
                    each["headers"] = {"Retry-After": asked}
            return answers

    table = Asking([Script(rows=["429"])] * 2)
    policy = RetryPolicy(wait_initial=0, wait_jitter=0)
    async with client(table, retry=policy) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep
        told = []
        async with cities.create_many(rows(2), batch_size=1, at_once=1) as outcomes:
            async for each in outcomes:
                told.append(each.index)  # noqa: PERF401 - in the order in which they come
    assert slept[:2] == [5.0, 3.0]
    assert told == [1, 0]


# A dependency that failed


class Depending(Table):
    """Answers 424 to what follows on the first failure."""

    def _run(self, items: Any, acts: Any, go_on: object) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        for place, item in enumerate(items):
            if answers and answers[-1]["status"] >= 400:
                answers.append({"id": item["id"], "status": 424, "headers": {}})
            else:
                answers += super()._run([item], acts[place : place + 1], go_on)
        return answers


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("400", [State.DONE, State.FAILED, State.NOT_RUN, State.NOT_RUN]),
        ("429", [State.DONE] * 4),
    ],
)
async def test_what_depends_on_another_follows_it(act: str, expected: list[State]) -> None:
    table = Depending([Script(rows=["done", act])])
    assert states(await written(table, rows(4))) == expected


# One bad row


@pytest.mark.parametrize("bad", [0, 49, 50, 73, 99])
@pytest.mark.parametrize("status", [400, 413])
async def test_a_batch_refused_whole_is_narrowed_down_to_the_bad_row(bad: int, status: int) -> None:
    table = Table(poison=str(bad), poisoned=status)
    told = await written(table, rows(100))
    assert [each.index for each in told if not each.ok] == [bad]
    assert told[bad].state is State.FAILED
    assert told[bad].error is not None
    sends = 0
    async with client(Table(poison=str(bad), poisoned=status)) as crm:
        report = await crm.odata["City"].create_many(rows(100))
        sends = report.requests
    assert sends <= 1 + 14


@pytest.mark.parametrize("bad", [0, 50, 99])
async def test_a_batch_that_fails_whole_is_narrowed_down_and_looked_up(bad: int) -> None:
    table = Table(poison=str(bad), poisoned=500)
    told = await written(table, rows(100))
    assert [each.index for each in told if not each.ok] == [bad]
    assert told[bad].state is State.FAILED
    assert isinstance(told[bad].error, ServerError)
    assert len(table.writes) <= 1 + 14


async def test_two_bad_rows_are_both_found() -> None:
    class Twice(Table):
        def _batch(self, request: Any) -> Any:
            self.poison = "7" if b'"7"' in request.body else "3"
            return super()._batch(request)

    table = Twice(poisoned=400)
    told = await written(table, rows(10))
    assert [each.index for each in told if not each.ok] == [3, 7]
    assert all(isinstance(told[at].error, BadRequestError) for at in (3, 7))
    assert len(table.rows) == 8


async def test_halves_of_what_failed_whole_wait_and_are_not_mixed_with_other_rows() -> None:
    table = Table(poison="1", poisoned=500)
    told = await written(table, rows(12), batch_size=4, at_once=1)
    assert [each.index for each in told if not each.ok] == [1]
    assert len(table.rows) == 11


async def test_a_single_row_that_fails_whole_is_tried_as_often_as_any() -> None:
    table = Table(poison="0", poisoned=500)
    told = await written(table, rows(1))
    assert (states(told), told[0].attempts) == ([State.FAILED], 4)


async def test_a_group_is_never_narrowed_down() -> None:
    table = Table(poison="1")
    told = await written(table, rows(4), atomic=True)
    assert states(told) == [State.FAILED] * 4
    assert table.refused == 1


# Groups


async def test_each_batch_is_one_group_that_fails_as_one() -> None:
    with Emulator() as emulator:
        (taken,) = emulator.insert("City", [{"Name": "there"}])
        source = [*rows(7), {"Id": taken, "Name": "other"}, *rows(4)]
        for how in ("json", "multipart"):
            emulator_rows = len(emulator.rows("City"))
            told = await written(emulator, source, batch_size=4, atomic=True, format=how)
            expected = [State.DONE] * 4 + [State.GROUP_FAILED] * 3 + [State.CONFLICT]
            assert states(told) == expected + [State.DONE] * 4
            assert len(emulator.rows("City")) == emulator_rows + 8


async def test_a_group_larger_than_a_batch_is_refused_before_anything_is_sent() -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="1 to 100"):
            crm.odata["City"].create_many(rows(1), batch_size=101, atomic=True)


async def test_a_group_too_large_to_send_fails_whole() -> None:
    source = [{"Name": "a"}, {"Name": "b" * 2_000}]
    table = Table()
    told = await written(table, source, max_bytes=1_000, atomic=True)
    assert states(told) == [State.FAILED] * 2
    assert "its group makes a request of" in str(told[0].error)
    assert table.batches == []


@pytest.mark.parametrize("whole", ["drop before", "drop after", "429", "500 after", "half"])
async def test_a_group_whose_answer_is_lost_is_done_once(whole: str) -> None:
    table = Table([Script(whole)])
    told = await written(table, rows(5), batch_size=5, atomic=True)
    assert states(told) == [State.DONE] * 5
    assert len(table.rows) == 5
    assert {len(batch) for batch in table.writes} == {5}


class Grouping(Table):
    """Does a group all or not at all, and tells only of what failed."""

    def _run(self, items: Any, acts: Any, go_on: object) -> list[dict[str, Any]]:
        if "atomicityGroup" not in items[0]:
            return super()._run(items, acts, go_on)
        before = dict(self.rows)
        answers = super()._run(items, acts, go_on)
        failed = [each for each in answers if each["status"] >= 400]
        if failed:
            self.rows = before
        return failed[:1] or answers


@pytest.mark.parametrize("act", ["429", "503", "500 deadlock"])
async def test_a_group_turned_away_comes_again_as_one(act: str) -> None:
    table = Grouping([Script(rows=["done", act])])
    told = await written(table, rows(4), batch_size=4, atomic=True)
    assert states(told) == [State.DONE] * 4
    assert [len(batch) for batch in table.writes] == [4, 4]


@pytest.mark.parametrize("act", ["400", "500 before"])
async def test_a_group_refused_for_good_tells_which_row_is_to_blame(act: str) -> None:
    table = Grouping([Script(rows=["done", act])])
    told = await written(table, rows(3), batch_size=3, atomic=True)
    blamed = [State.GROUP_FAILED, State.FAILED, State.GROUP_FAILED]
    assert states(told) == blamed
    assert table.rows == {}


async def test_a_group_that_was_done_in_part_is_told_as_it_is() -> None:
    table = Table([Script(rows=["done", "500 before"])])
    told = await written(table, rows(3), batch_size=3, atomic=True)
    there = {row["Name"] for row in table.rows.values()}
    assert {each.row["Name"] for each in told if each.ok} == there


# Formats


async def test_a_format_that_there_is_not_is_refused_at_once() -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="'json' or 'multipart'"):
            crm.odata["City"].create_many(rows(1), format="xml")  # type: ignore[arg-type]


async def test_an_order_that_there_is_not_is_refused_at_once() -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="'none', 'input' or 'key'"):
            crm.odata["City"].create_many(rows(1), order="any")  # type: ignore[arg-type]


# The order of the input


async def test_outcomes_come_in_the_order_of_the_input_and_the_window_is_bounded() -> None:
    read = 0
    waits = asyncio.Event()

    def source() -> Any:
        nonlocal read
        for row in rows(200):
            read += 1
            yield row

    async def sleep(_: float) -> None:
        await waits.wait()

    table = Table([Script(rows=["429"])])
    async with client(table) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep
        told = []
        job = cities.create_many(source(), batch_size=5, at_once=2, order="input")
        async with job as outcomes:
            for _ in range(500):
                await asyncio.sleep(0)
            assert read <= (4 + 2) * 2 * 5
            waits.set()
            async for each in outcomes:
                told.append(each.index)  # noqa: PERF401 - in the order in which they come
    assert told == list(range(200))


async def test_outcomes_behind_a_row_that_has_none_are_told_at_the_end() -> None:
    def source() -> Any:
        yield from rows(4)
        yield "no row"
        yield from rows(1)

    async with client(Table()) as crm:
        job = crm.odata["City"].create_many(source(), batch_size=2, at_once=2, order="input")
        told = []
        with pytest.raises(TypeError, match="row 4"):  # noqa: PT012 - the outcomes come first
            async with job as outcomes:
                async for each in outcomes:
                    told.append(each.index)  # noqa: PERF401 - kept where it raises
    assert told == [0, 1, 2, 3]
    assert [each.index for each in job.unfinished] == [4, 5]


# Nothing is lost, whatever ends the job


@pytest.mark.parametrize("count", [2, 3, 4, 5])
async def test_what_the_input_raises_beside_rows_that_wait_is_raised_after_them(count: int) -> None:
    def source() -> Any:
        yield from rows(count)
        raise OSError("torn")

    table = Table([Script(rows=["429"])] * 2)
    async with client(table) as crm:
        job = crm.odata["City"].create_many(source(), batch_size=2, at_once=1)
        with pytest.raises(OSError, match="torn"):
            await job
    assert (job.report.counts, job.unfinished) == ({State.DONE: count}, [])


@pytest.mark.parametrize("at_once", [1, 2])
async def test_rows_of_an_async_input_that_are_at_hand_go_along(at_once: int) -> None:
    async def source() -> Any:
        for row in rows(9):
            yield row

    table = Table([Script(rows=["429"])])
    async with client(table) as crm:
        report = await crm.odata["City"].create_many(source(), batch_size=3, at_once=at_once)
    assert report.counts == {State.DONE: 9}
    assert sum(len(batch) for batch in table.writes) == 10


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("order", ["none", "input", "key"])
@pytest.mark.parametrize("moment", range(1, 60, 3))
async def test_at_whatever_moment_it_is_cancelled_each_row_is_accounted_for(
    moment: int,
    order: Any,
    is_async: bool,  # noqa: FBT001
) -> None:
    read = 0
    key = "4c63c8fa-467b-48a6-973f-b2069298404f"

    def operations() -> Any:
        nonlocal read
        for number in range(60):
            read = number + 1
            same = number % 5 == 0
            change = Update("City", key, {"Name": "there"})
            yield change if same else Create("City", {"Name": str(number)})

    async def later() -> Any:
        for each in operations():
            yield each
            if read % 3 == 0:
                await asyncio.sleep(0)

    acts = ["done", "429", "500 after", "400", "left out before"]
    table = Table([Script(rows=acts), Script("drop after"), Script("503"), Script(rows=acts)] * 3)
    table.rows[key] = {"Id": key, "Name": "there"}
    async with client(table) as crm:
        source = later() if is_async else operations()
        job = crm.odata.write_many(source, batch_size=6, at_once=2, order=order)
        job._grace = 0
        waiting = asyncio.create_task(job._fold())
        for _ in range(moment):
            await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):  # it may have come to its end
            await waiting
    assert job.report.total == read
    indexes = [each.index for each in job.unfinished]
    assert len(indexes) == len(set(indexes))
    still_open = sum(job.report.counts.get(each, 0) for each in (State.NOT_RUN, State.UNKNOWN))
    assert len(indexes) <= still_open
    names = [row["Name"] for row in table.rows.values()]
    assert len(names) == len(set(names))


async def test_a_login_refused_while_rows_wait_leaves_them_unfinished() -> None:
    async def sleep(_: float) -> None:
        await asyncio.get_running_loop().create_future()

    table = Table([Script(rows=["429", "done"]), Script("401")])
    async with client(table) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep
        table.code = 1
        job = cities.create_many(rows(6), batch_size=2, at_once=1)
        with pytest.raises(AuthenticationError):
            await job
    assert job.report.counts[State.DONE] == 1
    assert {each.state for each in job.unfinished} == {State.NOT_RUN}
    assert {each.index for each in job.unfinished} >= {0, 2, 3}


async def test_a_login_refused_between_the_halves_of_a_batch_refuses_no_row() -> None:
    table = Table([Script(), Script("401")], poison="5", poisoned=413)
    async with client(table) as crm:
        table.code = 1
        job = crm.odata["City"].create_many(rows(6), at_once=1)
        with pytest.raises(AuthenticationError):
            await job
    assert (table.refused, len(table.batches)) == (1, 2)
    assert job.report.counts == {State.NOT_RUN: 6}
    assert [each.index for each in job.unfinished] == list(range(6))


async def test_a_login_refused_while_others_are_looked_up_refuses_no_row() -> None:
    table = Table([Script(rows=["429", "left out after", "done", "400"]), Script("401")])
    async with client(table) as crm:
        table.code = 1
        job = crm.odata["City"].create_many(rows(4), at_once=1)
        with pytest.raises(AuthenticationError):
            await job
    left = {each.index: each.state for each in job.unfinished}
    assert left == {0: State.NOT_RUN, 1: State.UNKNOWN}
    assert job.report.counts[State.FAILED] == job.report.counts[State.DONE] == 1


async def test_a_session_that_is_lost_twice_refuses_no_row() -> None:
    table = Table([Script("401"), Script("401"), Script("401")])
    told = await written(table, rows(5))
    assert states(told) == [State.DONE] * 5
    assert len(table.rows) == 5


async def test_a_session_that_is_always_lost_refuses_the_rows_in_the_end() -> None:
    table = Table([Script("401")] * 100)
    told = await written(table, rows(5))
    assert states(told) == [State.FAILED] * 5
    assert {type(each.error) for each in told} == {SessionExpiredError}
