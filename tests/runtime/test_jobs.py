import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from creatio_async import Outcome, Progress, State
from tests.api.scripted import eventually
from tests.runtime.plans import Fake, done, job


class OurError(Exception):
    """What the caller's own code raises."""


async def later(rows: int) -> AsyncIterator[int]:
    for number in range(rows):
        await asyncio.sleep(0)
        yield number


def broken(rows: int, error: BaseException) -> Iterator[int]:
    yield from range(rows)
    raise error


async def broken_later(rows: int, error: BaseException) -> AsyncIterator[int]:
    async for number in later(rows):
        yield number
    raise error


def forget(_: Any) -> None:
    """Let go of what only the caller's argument still holds."""


def accounted(given: Any, taken: list[Outcome]) -> list[int]:
    return sorted([each.index for each in taken] + [each.index for each in given.unfinished])


# Running to the end


@pytest.mark.parametrize("source", [range, later])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 95])
async def test_awaiting_a_job_gives_a_report_of_every_row(
    source: Callable[[int], Any], count: int
) -> None:
    plan = Fake()
    report = await job(source(count), plan)
    assert (report.total, report.done, report.failed) == (count, count, 0)
    assert sorted(index for chunk in plan.chunks for index in chunk) == list(range(count))
    assert all(len(chunk) <= 10 for chunk in plan.chunks)
    assert report.requests == plan.meter.requests


@pytest.mark.parametrize("source", [range, later])
async def test_entering_a_job_gives_one_outcome_for_each_row(source: Callable[[int], Any]) -> None:
    given = job(source(95))
    async with given as outcomes:
        taken = [each.index async for each in outcomes]
        assert [each async for each in outcomes] == []
    assert sorted(taken) == list(range(95))
    assert given.unfinished == []
    assert given.report.total == 95


@pytest.mark.parametrize("at_once", [1, 3])
async def test_so_many_batches_are_under_way_and_no_more(at_once: int) -> None:
    plan = Fake()
    await job(range(200), plan, at_once=at_once)
    assert plan.most_at_once == at_once


async def test_a_job_runs_once() -> None:
    given = job(range(5))
    await given
    with pytest.raises(RuntimeError, match="runs once"):
        await given
    with pytest.raises(RuntimeError, match="runs once"):
        await given.__aenter__()


async def test_a_job_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    await job(range(50))
    async with job(range(50)) as outcomes:
        async for _ in outcomes:
            break
    assert asyncio.all_tasks() == before


def test_a_job_that_is_never_awaited_warns() -> None:
    with pytest.warns(RuntimeWarning, match="never awaited nor entered"):
        forget(job(range(5)))


async def test_a_job_that_was_awaited_does_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    await job(range(5))
    gc.collect()
    assert not recwarn.list


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"at_once": 0}, ValueError),
        ({"at_once": 1.5}, TypeError),
        ({"at_once": "2"}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"batch_size": 101}, ValueError),
        ({"batch_size": 2.5}, TypeError),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        job(range(5), **options)


# Back-pressure


@pytest.mark.parametrize("at_once", [1, 2, 4])
async def test_the_input_is_read_no_faster_than_outcomes_are_taken(at_once: int) -> None:
    read = 0

    def source() -> Iterator[int]:
        nonlocal read
        for number in range(10_000):
            read += 1
            yield number

    taken = 0
    async with job(source(), at_once=at_once) as outcomes:
        async for _ in outcomes:
            taken += 1
            if taken % 97 == 0:
                for _ in range(50):  # as much time as anybody could wish for
                    await asyncio.sleep(0)
            # under way, ready, and the one whose outcomes are just taken
            assert read - taken <= (2 * at_once + 1) * 10
            if taken == 1_000:
                break


# An input that raises


@pytest.mark.parametrize("source", [broken, broken_later])
@pytest.mark.parametrize("rows", [0, 5, 10, 34])
async def test_what_the_input_raises_is_raised_after_all_that_was_sent_is_told(
    source: Callable[..., Any], rows: int
) -> None:
    given, taken = job(source(rows, OurError("torn"))), []
    with pytest.raises(OurError, match="torn"):  # noqa: PT012 - the outcomes come first
        async with given as outcomes:
            async for each in outcomes:
                taken.append(each)  # noqa: PERF401 - kept where it raises
    assert sorted(each.index for each in taken) == list(range(rows))
    assert given.unfinished == []


async def test_awaiting_a_job_raises_what_the_input_raises_and_keeps_the_report() -> None:
    given = job(broken(25, OurError("torn")))
    with pytest.raises(OurError):
        await given
    assert given.report.counts == {State.DONE: 25}


async def test_an_input_that_is_cancelled_from_within_is_an_error_and_no_end() -> None:
    """Its rows after that would be lost without a word."""
    given = job(broken_later(25, asyncio.CancelledError()))
    with pytest.raises(RuntimeError, match="input was cancelled"):
        await given
    assert given.report.total == 25


async def test_a_row_that_is_wrong_stops_the_job_and_its_chunk_is_not_sent() -> None:
    plan = Fake()
    given = job([*range(15), "x", *range(16, 100)], plan, at_once=1)
    with pytest.raises(TypeError, match="row 15: no number"):
        await given
    assert plan.chunks == [list(range(10))]
    assert [each.index for each in given.unfinished] == list(range(10, 20))
    assert {each.state for each in given.unfinished} == {State.NOT_RUN}
    assert given.report.counts == {State.DONE: 10, State.NOT_RUN: 10}


# A plan that raises


async def test_an_error_of_all_rows_ends_the_job_once_what_is_under_way_has_ended() -> None:
    async def settle(outcomes: list[Outcome]) -> None:
        if outcomes[0].index == 10:
            outcomes[0].state = State.DONE
            outcomes[1].state = State.FAILED
            outcomes[2].state = State.UNKNOWN
            raise OurError("refused")
        await asyncio.sleep(0)
        await done(outcomes)

    given, taken = job(range(100), Fake(settle)), []
    with pytest.raises(OurError):  # noqa: PT012 - the outcomes come first
        async with given as outcomes:
            async for each in outcomes:
                taken.append(each)  # noqa: PERF401 - kept where it raises
    assert {each.index for each in taken} >= {*range(12)}
    assert [each.index for each in given.unfinished] == list(range(12, 20))
    assert accounted(given, taken) == list(range(given.report.total))


# Leaving early


async def test_leaving_early_lets_what_is_under_way_end() -> None:
    holding = asyncio.Event()

    async def settle(outcomes: list[Outcome]) -> None:
        if outcomes[0].index:
            asyncio.get_running_loop().call_later(0.01, holding.set)
            await holding.wait()
        await done(outcomes)

    plan = Fake(settle)
    given, taken = job(range(1_000), plan), []
    async with given as outcomes:
        async for each in outcomes:
            taken.append(each)
            break
    assert given.unfinished == []
    assert given.report.done == sum(len(chunk) for chunk in plan.chunks)


async def test_what_does_not_end_in_time_is_broken_off_and_accounted_for() -> None:
    async def settle(outcomes: list[Outcome]) -> None:
        if outcomes[0].index == 0:
            return await done(outcomes)
        outcomes[0].state = State.DONE
        outcomes[1].state = State.UNKNOWN
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    given = job(range(1_000), Fake(settle), grace=0.01)
    async with given as outcomes:
        async for _ in outcomes:
            break
    report = given.report
    left = [each.index for each in given.unfinished]
    assert report.done == 10 + (report.total - 10) // 10, "a row of each chunk was written"
    assert len(left) == report.total - report.done
    assert report.counts[State.UNKNOWN] == (report.total - 10) // 10


async def test_rows_that_were_read_and_not_handed_out_are_not_run() -> None:
    async def source() -> AsyncIterator[int]:
        for number in range(5):
            yield number
        await asyncio.get_running_loop().create_future()

    given = job(source())
    reading = asyncio.create_task(given._fold())
    await eventually(lambda: len(given._source.left) == 5)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert [(each.index, each.row) for each in given.unfinished] == [(n, n) for n in range(5)]
    assert given.report.counts == {State.NOT_RUN: 5}


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelling_whoever_waits_ends_the_job(times: int) -> None:
    before = asyncio.all_tasks()

    async def settle(_: list[Outcome]) -> None:
        await asyncio.get_running_loop().create_future()

    plan = Fake(settle)
    given = job(range(1_000), plan, grace=0.01 if times == 1 else 60)
    waiting = asyncio.create_task(given._fold())
    await eventually(lambda: plan.under_way == 2)
    for _ in range(times):
        waiting.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(given.unfinished) == given.report.total == 20
    await eventually(lambda: asyncio.all_tasks() == before)


@pytest.mark.parametrize("moment", range(1, 40))
async def test_at_whatever_moment_it_is_cancelled_every_row_that_was_read_is_accounted_for(
    moment: int,
) -> None:
    read = 0

    async def source() -> AsyncIterator[int]:
        nonlocal read
        for number in range(200):
            if number % 3 == 0:
                await asyncio.sleep(0)
            read = number + 1
            yield number

    given = job(source())
    waiting = asyncio.create_task(given._fold())
    for _ in range(moment):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert given.report.total == read
    open_rows = sum(given.report.counts.get(each, 0) for each in (State.NOT_RUN, State.UNKNOWN))
    assert len(given.unfinished) == open_rows


async def test_an_error_in_the_block_is_the_callers_own() -> None:
    given = job(range(1_000))
    with pytest.raises(OurError):  # noqa: PT012 - the block is what is tested
        async with given as outcomes:
            async for _ in outcomes:
                raise OurError
    assert given.unfinished == []


async def test_leaving_before_anything_was_taken_is_no_harm() -> None:
    given = job(range(1_000))
    async with given:
        pass
    assert given.report.total == given.report.done


# Progress


async def test_progress_is_told_in_records_not_too_often_and_at_the_end() -> None:
    told: list[Progress] = []
    now = 0.0

    async def settle(outcomes: list[Outcome]) -> None:
        nonlocal now
        now += 0.2
        await done(outcomes)
        if outcomes[0].index == 0:
            outcomes[0].state = State.FAILED

    await job(list(range(100)), Fake(settle), at_once=1, progress=told.append, clock=lambda: now)
    assert [round(each.seconds, 1) for each in told] == [0.6, 1.2, 1.8, 2.0]
    assert [each.finished for each in told] == [30, 60, 90, 100]
    last = told[-1]
    assert (last.done, last.failed, last.in_flight, last.total) == (99, 1, 0, 100)
    assert last.per_second == pytest.approx(50)


async def test_progress_is_told_once_where_nothing_was_read() -> None:
    told: list[Progress] = []
    await job(iter(()), progress=told.append, clock=lambda: 0.0)
    assert [(each.finished, each.total, each.per_second) for each in told] == [(0, None, 0.0)]


@pytest.mark.parametrize("when", [1, 3])
async def test_what_progress_raises_ends_the_job_and_loses_nothing(when: int) -> None:
    now, calls, taken = 0.0, 0, []

    def clock() -> float:
        nonlocal now
        now += 1
        return now

    def progress(_: Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == when:
            raise OurError

    given = job(range(25), progress=progress, clock=clock, at_once=1)
    with pytest.raises(OurError):  # noqa: PT012 - the outcomes come first
        async with given as outcomes:
            async for each in outcomes:
                taken.append(each)  # noqa: PERF401 - kept where it raises
    assert calls == when
    assert accounted(given, taken) == list(range(given.report.total))
    assert [each.state for each in taken] == [State.DONE] * len(taken)


async def test_what_the_last_progress_raises_is_raised() -> None:
    def progress(told: Progress) -> None:
        assert told.finished == 5
        raise OurError

    given = job(range(5), progress=progress, clock=lambda: 0.0)
    with pytest.raises(OurError):
        await given
    assert given.report.done == 5
