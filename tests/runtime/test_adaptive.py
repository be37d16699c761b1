import asyncio
from itertools import count
from random import Random
from typing import Any

import pytest
from attrs import define, field
from yarl import URL

from creatio_async import Limits, ThrottledError
from creatio_async.messages import Headers, Request
from creatio_async.protocol.pace import Adaptive, Phase
from creatio_async.runtime.adaptive import Fixed, Lane, failed, for_bulk, lane_for
from creatio_async.runtime.limits import Gate
from tests.api.canned import answer
from tests.api.scripted import eventually

REQUEST = Request(method="POST", url=URL("http://crm.test/0/odata/$batch"), headers=Headers())
BUSY = ThrottledError(REQUEST, answer(status=429))
Sample = tuple[float, float, int, bool]


@define
class Set:
    """A limit that the test sets, and that keeps its samples."""

    limit: int
    most: int = 99
    samples: list[Sample] = field(factory=list[Sample])

    def sample(self, started: float, ended: float, records: int, *, refused: bool = False) -> None:
        """Keep it."""
        self.samples.append((started, ended, records, refused))


def clock() -> float:
    return 0.0


def lane(limit: int) -> tuple[Lane, Set]:
    given, times = Set(limit), count()
    return Lane(given, lambda: float(next(times))), given


@define
class Crowd:
    """Tasks that take a turn each, in the order of their numbers, and hold it until told."""

    lane: Lane
    inside: list[int] = field(factory=list[int])
    entered: list[int] = field(factory=list[int])
    tasks: dict[int, asyncio.Task[None]] = field(factory=dict[int, asyncio.Task[None]])
    go: dict[int, asyncio.Event] = field(factory=dict[int, asyncio.Event])

    async def come(self, *numbers: int) -> None:
        """Let these ask for a turn, in this order."""
        for number in numbers:
            self.go[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._stay(number))
            await asyncio.sleep(0)

    async def leave(self, *numbers: int) -> None:
        """Let these go, once they have had their turn."""
        for number in numbers:
            self.go[number].set()
            await self.tasks[number]
        await self.settle()

    async def settle(self) -> None:
        """Let all others go on."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def _stay(self, number: int) -> None:
        async with self.lane.enter() as turn:
            self.entered.append(number)
            self.inside.append(number)
            try:
                await self.go[number].wait()
                turn.answered(100)
            finally:
                self.inside.remove(number)


async def test_so_many_have_a_turn_and_the_others_wait_for_theirs() -> None:
    given, _ = lane(2)
    crowd = Crowd(given)
    await crowd.come(*range(5))
    assert (crowd.inside, given.taken, given.waiting) == ([0, 1], 2, 3)
    await crowd.leave(1)
    assert crowd.inside == [0, 2]
    await crowd.leave(0, 2, 3, 4)
    assert crowd.entered == [0, 1, 2, 3, 4]
    assert (given.taken, given.waiting) == (0, 0)


async def test_a_limit_that_grows_lets_the_first_in_line_in_at_once() -> None:
    given, limit = lane(1)
    crowd = Crowd(given)
    await crowd.come(*range(6))
    limit.limit = 4
    await crowd.leave(0)
    assert crowd.inside == [1, 2, 3, 4]
    await crowd.leave(*range(1, 6))


async def test_a_limit_that_shrinks_breaks_nothing_off_and_gives_no_turn_out_again() -> None:
    given, limit = lane(4)
    crowd = Crowd(given)
    await crowd.come(*range(6))
    limit.limit = 2
    await crowd.leave(0, 1)
    assert crowd.inside == [2, 3]
    await crowd.leave(2)
    assert crowd.inside == [3, 4]
    await crowd.leave(3, 4, 5)
    assert given.taken == 0


async def test_nobody_overtakes_those_in_line() -> None:
    given, limit = lane(1)
    crowd = Crowd(given)
    await crowd.come(0, 1)
    limit.limit = 2  # a turn is free, and nobody has said so yet
    await crowd.come(2)
    await crowd.leave(0)
    assert crowd.inside == [1, 2]
    await crowd.leave(1, 2)
    assert crowd.entered == [0, 1, 2]


async def test_who_is_cancelled_in_line_loses_his_place_and_nobody_else_does() -> None:
    given, _ = lane(1)
    crowd = Crowd(given)
    await crowd.come(0, 1, 2)
    crowd.tasks[1].cancel()
    await crowd.settle()
    assert given.waiting == 1
    await crowd.leave(0)
    assert crowd.inside == [2]
    await crowd.leave(2)
    assert given.taken == 0


async def test_a_turn_given_in_the_moment_of_cancelling_goes_to_the_next() -> None:
    given, _ = lane(1)
    crowd = Crowd(given)
    await crowd.come(0, 1, 2)
    crowd.go[0].set()
    await eventually(lambda: given.waiting == 1)  # 1 has the turn, and has not run yet
    crowd.tasks[1].cancel()
    await crowd.settle()
    assert crowd.inside == [2]
    await crowd.leave(2)
    assert given.taken == 0


async def test_cancelled_and_not_yet_gone_he_is_given_no_turn() -> None:
    given, _ = lane(1)
    crowd = Crowd(given)
    await crowd.come(0, 1, 2)
    crowd.tasks[1].cancel()
    given.learn(0.0, 1, refused=False)
    await crowd.leave(0)
    assert crowd.inside == [2]
    await crowd.leave(2)


async def test_who_is_cancelled_within_gives_his_turn_back_and_teaches_nothing() -> None:
    given, limit = lane(1)
    crowd = Crowd(given)
    await crowd.come(0, 1)
    crowd.tasks[0].cancel()
    await crowd.settle()
    assert crowd.inside == [1]
    await crowd.leave(1)
    assert [records for *_, records, _ in limit.samples] == [100]


async def test_what_is_said_of_a_turn_is_a_sample_of_it() -> None:
    given, limit = lane(1)
    async with given.enter() as turn:
        turn.answered(7)
    async with given.enter() as turn:
        turn.answered(8, [None, BUSY])
    assert limit.samples == [(0.0, 1.0, 7, False), (2.0, 3.0, 0, True)]


async def test_a_refusal_is_told_at_once_and_only_once_for_a_turn() -> None:
    given, limit = lane(1)
    failed(BUSY)  # nobody's turn
    async with given.enter() as turn:
        failed(ValueError("of no interest"))
        assert limit.samples == []
        failed(BUSY)
        assert limit.samples == [(0.0, 1.0, 0, True)]
        await asyncio.create_task(asyncio.to_thread(failed, BUSY))
        turn.answered(100, [BUSY])
        turn.answered(100)
    failed(BUSY)
    assert len(limit.samples) == 1


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_no_turn_is_lost(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a test
    given, limit = lane(3)
    crowd = Crowd(given)
    for number in range(150):
        await crowd.come(number)
        other = chance.randrange(number + 1)
        match chance.randrange(4):
            case 0:
                crowd.tasks[other].cancel()
            case 1:
                limit.limit = chance.randint(1, 6)
            case _:
                crowd.go[other].set()
        assert given.taken <= 6
    for event in crowd.go.values():
        event.set()
    await asyncio.wait(crowd.tasks.values(), timeout=3)
    assert all(task.done() for task in crowd.tasks.values())
    assert (given.taken, given.waiting) == (0, 0)


@pytest.mark.parametrize(
    ("at_once", "bulk"), [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (16, 12), (48, 36)]
)
def test_a_quarter_of_what_a_client_may_do_at_once_is_left_to_single_calls(
    at_once: int, bulk: int
) -> None:
    assert for_bulk(at_once) == bulk
    assert lane_for(100, at_once, lambda: 0.0).limit.limit == bulk
    assert lane_for(Adaptive(64, 64), at_once, lambda: 0.0).limit.most == bulk


def test_a_number_stays_and_what_is_found_out_is_told() -> None:
    given = lane_for(3, 16, lambda: 0.0)
    assert (given.limit, given.pace) == (Fixed(3), None)
    assert given.limit.most == 3
    given.learn(0.0, 100, refused=True)
    assert given.limit.limit == 3
    pace = lane_for(Adaptive(), 16, lambda: 0.0).pace
    assert pace is not None
    assert (pace.limit, pace.phase) == (4, Phase.GROWING)


def test_jobs_with_the_same_setting_share_a_lane_and_those_with_a_number_do_not() -> None:
    gate = Gate(Limits(at_once=8))
    assert gate.lane(Adaptive(), clock) is gate.lane(Adaptive(4), clock)
    assert gate.lane(Adaptive(), clock) is not gate.lane(Adaptive(2), clock)
    assert gate.lane(2, clock) is not gate.lane(2, clock)
    assert gate.lane(Adaptive(2, 4), clock).limit.most == 4
    assert gate.lane(Adaptive(), clock).limit.most == gate.lane(100, clock).limit.most == 6


@pytest.mark.parametrize(
    ("at_once", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("4", TypeError)]
)
def test_what_is_no_number_of_batches_is_refused(at_once: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Gate(Limits()).lane(at_once, clock)


async def test_all_lanes_of_a_client_together_leave_a_part_of_it_to_single_calls() -> None:
    gate = Gate(Limits(at_once=4))
    crowds = [Crowd(gate.lane(setting, clock)) for setting in (3, 3, Adaptive(3))]
    for crowd in crowds:
        await crowd.come(*range(3))
    assert sum(len(crowd.inside) for crowd in crowds) == 3
    assert gate.places._value == 4
    crowds[1].tasks[0].cancel()
    for crowd in crowds:
        for event in crowd.go.values():
            event.set()
    tasks = [task for crowd in crowds for task in crowd.tasks.values()]
    await asyncio.wait(tasks, timeout=3)
    assert all(task.done() for task in tasks)
    assert gate.bulk._value == 3
    assert [crowd.lane.taken for crowd in crowds] == [0, 0, 0]
