import asyncio
import datetime as dt
import gc
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest
from attrs import define, field
from yarl import URL

from creatio_async import AuthenticationError, Creatio, Outcome, State, TransportError, derived
from creatio_async.bulk.entry import Entry, Later, Ran
from creatio_async.bulk.meter import Meter
from creatio_async.bulk.verbs import Verb
from creatio_async.bulk.writer import Writer
from creatio_async.emulator import Emulator
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.dialect4 import Dialect4
from creatio_async.protocol.pace import Adaptive
from creatio_async.runtime.adaptive import Lane, lane_for
from tests.api.canned import client
from tests.api.scripted import eventually
from tests.api.table import Script, Table

Row = dict[str, Any]

OPERATION = Operation("POST", "City", {})
VERB = Verb(Dialect4(), "City")


@define(eq=False)
class Timer:
    """What is called in its time, unless it is cancelled."""

    call: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Let it be."""
        self.is_cancelled = True


@define(eq=False)
class Timers:
    """Seconds that pass when the test says so."""

    now: float = 0.0
    due: list[tuple[float, int, Timer]] = field(factory=list[tuple[float, int, Timer]])

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Keep *call* for its time."""
        timer = Timer(call)
        heapq.heappush(self.due, (self.now + seconds, len(self.due), timer))
        return timer

    async def pass_(self, seconds: float) -> None:
        """Let everybody do what he can do now, and then so many seconds go by."""
        await settle()
        self.now += seconds
        while self.due and self.due[0][0] <= self.now + 1e-9:
            timer = heapq.heappop(self.due)[2]
            if not timer.is_cancelled:
                timer.call()
        await settle()


async def settle() -> None:
    """Let all tasks do what they can do now."""
    for _ in range(20):
        await asyncio.sleep(0)


async def write(entries: list[Entry]) -> list[Later]:
    """Let each row be written."""
    await asyncio.sleep(0)
    for each in entries:
        each.outcome.state, each.outcome.attempts = State.DONE, 1
    return []


Settle = Callable[[list[Entry]], Awaitable[list[Later]]]


@define(eq=False)
class Plan:
    """Settles batches as *settle* has it, and keeps them."""

    verb: str = "create"
    settle: Settle = write
    meter: Meter = field(factory=Meter)
    batches: list[list[Any]] = field(factory=list[list[Any]])
    under_way: int = 0
    most_at_once: int = 0

    def prepare(self, first: int, rows: Sequence[Any]) -> list[Entry]:
        """Take any row."""
        return [
            Entry(Outcome(number, self.verb, row, f"id {number}"), OPERATION, VERB)
            for number, row in enumerate(rows, first)
        ]

    async def run(self, entries: list[Entry]) -> Ran:
        """Settle *entries*."""
        self.batches.append([each.outcome.row for each in entries])
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            return Ran(await self.settle(entries))
        finally:
            self.under_way -= 1

    @property
    def sizes(self) -> list[int]:
        """How many rows the batches had."""
        return [len(batch) for batch in self.batches]


@define(eq=False)
class Door:
    """Lets a batch be answered when it is opened."""

    is_open: asyncio.Event = field(factory=asyncio.Event)

    async def __call__(self, entries: list[Entry]) -> list[Later]:
        """Wait for it, and settle *entries*."""
        for each in entries:
            each.outcome.state = State.UNKNOWN
        await self.is_open.wait()
        return await write(entries)


@define(eq=False)
class Setup:
    """A writer, and what stands around it."""

    writer: Writer
    plan: Plan
    timers: Timers
    lane: Lane
    others: dict[str, Plan]

    def push(self, *rows: Any) -> list[asyncio.Task[Outcome]]:
        """Let a task each write one of *rows*."""
        return [asyncio.create_task(self.writer.create(row)) for row in rows]


def setup(
    settle: Settle = write,
    *,
    at_once: int | Adaptive = 2,
    linger: float = 0.05,
    batch_size: int = 10,
) -> Setup:
    timers = Timers()
    plan, updates, deletes = Plan(settle=settle), Plan("update", settle), Plan("delete", settle)
    lane = lane_for(at_once, 16, lambda: timers.now)
    writer = Writer(
        {"create": plan, "update": updates, "delete": deletes},
        lane,
        linger=linger,
        batch_size=batch_size,
        later=timers.later,
    )
    return Setup(writer, plan, timers, lane, {"update": updates, "delete": deletes})


def rows(count: int, begin: int = 0) -> list[Row]:
    return [{"Name": f"City {number}"} for number in range(begin, begin + count)]


# When a batch is sent


async def test_a_caller_who_is_alone_waits_for_others_and_then_gets_a_batch_of_one() -> None:
    given = setup(linger=0.05)
    async with given.writer:
        (caller,) = given.push({"Name": "Burbank"})
        await given.timers.pass_(0.049)
        assert given.plan.batches == []
        await given.timers.pass_(0.001)
        outcome = await caller
    assert (outcome.ok, outcome.row, outcome.index) == (True, {"Name": "Burbank"}, 0)
    assert given.plan.sizes == [1]


async def test_time_counts_from_the_first_row_of_a_batch() -> None:
    given = setup(linger=0.05)
    async with given.writer:
        given.push(*rows(1))
        await given.timers.pass_(0.03)
        later = given.push(*rows(2, 1))
        await given.timers.pass_(0.02)
        assert given.plan.sizes == [3]
        assert [each.done() for each in later] == [True, True]
        given.push(*rows(1, 3))
        await given.timers.pass_(0.04)
        assert given.plan.sizes == [3]


async def test_a_full_batch_does_not_wait() -> None:
    given = setup()
    async with given.writer:
        callers = given.push(*rows(25))
        await settle()
        assert given.plan.sizes == [10, 10]
        assert [each.done() for each in callers] == [True] * 20 + [False] * 5
        await given.timers.pass_(0.05)
        assert given.plan.sizes == [10, 10, 5]


async def test_without_lingering_what_comes_together_goes_together() -> None:
    given = setup(linger=0)
    async with given.writer:
        given.push(*rows(3))
        await given.timers.pass_(0)
        assert given.plan.sizes == [3]


async def test_everybody_gets_the_outcome_of_his_own_row() -> None:
    given = setup(at_once=4)
    async with given.writer:
        callers = given.push(*rows(995))
        await given.timers.pass_(0)
        await eventually(lambda: sum(each.done() for each in callers) == 990)
        await given.timers.pass_(1)
        outcomes = [await each for each in callers]
    assert [each.row for each in outcomes] == rows(995)
    assert sorted(each.index for each in outcomes) == list(range(995))
    assert sum(given.plan.sizes) == 995
    assert given.plan.most_at_once == 4


async def test_a_batch_that_waits_for_its_turn_takes_further_rows() -> None:
    door = Door()
    given = setup(door, at_once=1)
    async with given.writer:
        given.push(*rows(1))
        await given.timers.pass_(0.05)
        given.push(*rows(2, 1))
        await given.timers.pass_(0.05)
        given.push(*rows(3, 3))
        await given.timers.pass_(0.05)
        assert given.plan.sizes == [1]
        door.is_open.set()
        await settle()
        assert given.plan.sizes == [1, 5]


async def test_each_verb_has_its_own_batches() -> None:
    given = setup()
    key = uuid4()
    async with given.writer as writer:
        callers: list[Coroutine[Any, Any, Outcome]] = [
            writer.create({"Name": "A"}),
            writer.update(key, {"Name": "B"}),
            writer.update(str(key).upper(), {"Id": key, "Name": "C"}),
            writer.delete(key),
        ]
        tasks = [asyncio.create_task(each) for each in callers]
        await given.timers.pass_(0.05)
        verbs = [(await each).operation for each in tasks]
    assert verbs == ["create", "update", "update", "delete"]
    assert given.plan.batches == [[{"Name": "A"}]]
    assert given.others["update"].batches == [
        [{"Name": "B", "Id": str(key)}, {"Id": str(key), "Name": "C"}]
    ]
    assert given.others["delete"].batches == [[str(key)]]


async def test_what_the_site_bears_is_found_out() -> None:
    given = setup(at_once=Adaptive())
    async with given.writer as writer:
        callers = given.push(*rows(400))
        await settle()
        given.timers.now += 1
        await eventually(lambda: all(each.done() for each in callers))
        pace = writer.pace
    assert pace is not None
    assert sum(given.plan.sizes) == 400
    assert setup().writer.pace is None


# Backpressure


async def test_when_all_is_full_the_next_callers_are_not_taken_in() -> None:
    door = Door()
    given = setup(door, at_once=2)
    async with given.writer:
        callers = given.push(*rows(45))  # two batches under way, one in line, and 15 too many
        await given.timers.pass_(1)
        assert given.plan.sizes == [10, 10]
        callers[40].cancel()
        await settle()
        door.is_open.set()
        await settle()
        await given.timers.pass_(1)
        await settle()
    written = [each["Name"] for batch in given.plan.batches for each in batch]
    assert written == [f"City {number}" for number in range(45) if number != 40]
    assert callers[40].cancelled()
    assert all(each.done() for each in callers)


async def test_memory_is_bounded_by_what_is_taken_in_and_not_by_cancelled_callers() -> None:
    given = setup(Door(), at_once=2)
    async with given.writer:
        for number in range(200):
            (caller,) = given.push({"Name": str(number)})
            await settle()
            caller.cancel()
        await settle()
        assert given.writer._rows == 200
        assert (
            sum(given.plan.sizes) + sum(len(batch.rows) for batch in given.writer._filling.values())
            <= 30
        )
        given.plan.settle = write
        leaving = asyncio.create_task(given.writer.__aexit__(None, None, None))
        await settle()
        leaving.cancel()
        await asyncio.wait([leaving])


# Cancelling


async def test_a_caller_who_is_cancelled_does_not_take_his_row_back() -> None:
    given = setup()
    async with given.writer:
        first, second = given.push(*rows(2))
        await settle()
        first.cancel()
        await given.timers.pass_(0.05)
        assert (await second).ok
    assert given.plan.batches == [rows(2)]
    assert first.cancelled()


async def test_a_caller_may_be_cancelled_while_his_row_is_under_way() -> None:
    door = Door()
    given = setup(door)
    async with given.writer:
        first, second = given.push(*rows(2))
        await given.timers.pass_(0.05)
        assert given.plan.sizes == [2]
        first.cancel()
        await settle()
        door.is_open.set()
        assert (await second).ok
    gc.collect()


async def test_what_the_caller_does_to_his_row_afterwards_does_not_matter() -> None:
    given = setup()
    async with given.writer:
        row = {"Name": "Burbank"}
        (caller,) = given.push(row)
        await settle()
        row["Name"] = "Spokane"
        await given.timers.pass_(0.05)
        assert (await caller).row == {"Name": "Burbank"}


# Leaving


async def test_leaving_sends_what_waits_and_answers_everyone() -> None:
    given = setup()
    before = asyncio.all_tasks()
    async with given.writer:
        callers = given.push(*rows(13))
        await settle()
    assert given.plan.sizes == [10, 3]
    assert all(each.done() and each.result().ok for each in callers)
    assert asyncio.all_tasks() - before <= set(callers)


async def test_leaving_takes_in_those_who_wait_for_room() -> None:
    door = Door()
    given = setup(door, at_once=2)
    async with given.writer:
        callers = given.push(*rows(75))
        await settle()
        asyncio.get_running_loop().call_soon(door.is_open.set)
    await settle()
    assert all(each.done() and each.result().ok for each in callers)
    assert sum(given.plan.sizes) == 75


async def test_what_the_block_raises_stops_no_row() -> None:
    given = setup()
    callers: list[asyncio.Task[Outcome]] = []

    async def block() -> None:
        async with given.writer:
            callers.extend(given.push(*rows(3)))
            await settle()
            raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        await block()
    assert all(each.result().ok for each in callers)


async def test_leaving_that_is_cancelled_answers_everyone_with_what_is_known() -> None:
    given = setup(Door(), at_once=1)
    async with given.writer:
        callers = given.push(*rows(35))
        await settle()
        leaving = asyncio.create_task(given.writer.__aexit__(None, None, None))
        await settle()
        leaving.cancel()
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        await settle()
        states = Counter([(await each).state for each in callers])
    assert states == {State.UNKNOWN: 10, State.NOT_RUN: 25}
    assert given.plan.sizes == [10]
    assert given.lane.taken == 0


async def test_a_writer_is_used_within_its_block_and_once() -> None:
    given = setup()
    with pytest.raises(RuntimeError, match="not open"):
        await given.writer.create({"Name": "Burbank"})
    async with given.writer:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await given.writer.delete(uuid4())
    with pytest.raises(RuntimeError, match="used once"):
        await given.writer.__aenter__()


async def test_a_writer_counts_the_seconds_of_the_loop() -> None:
    plan = Plan()
    lane = lane_for(2, 16, asyncio.get_running_loop().time)
    async with Writer({"create": plan}, lane, linger=0, batch_size=10) as writer:
        assert (await writer.create({"Name": "Burbank"})).ok


# Mistakes, and what concerns all


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"When": dt.datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001 - that is the mistake
        ({"Rate": float("nan")}, ValueError),
        ({"Account": {"Id": "1"}}, ValueError),
        ({"Account/Id": "1"}, ValueError),
        ({"Name": object()}, TypeError),
        ({1: "x"}, TypeError),
        (5, TypeError),
        ("Name", TypeError),
    ],
)
async def test_bad_input_is_raised_to_its_caller_at_once_and_reaches_no_batch(
    row: Any, error: type[Exception]
) -> None:
    given = setup()
    async with given.writer as writer:
        good = given.push(*rows(2))
        with pytest.raises(error, match="create"):
            await writer.create(row)
        with pytest.raises(error, match="update"):
            await writer.update(uuid4(), row)
        await given.timers.pass_(0.05)
        assert [(await each).ok for each in good] == [True, True]
    assert given.plan.batches == [rows(2)]


async def test_a_key_that_is_none_is_raised_to_its_caller() -> None:
    given = setup()
    async with given.writer as writer:
        with pytest.raises(ValueError, match="not an Id"):
            await writer.update("x", {"Name": "Burbank"})
        with pytest.raises(ValueError, match="another"):
            await writer.update(uuid4(), {"Id": uuid4()})
        with pytest.raises(TypeError, match="not int"):
            await writer.delete(5)  # type: ignore[arg-type]
    assert given.others["update"].batches == given.others["delete"].batches == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"linger": -1}, ValueError),
        ({"linger": float("inf")}, ValueError),
        ({"linger": float("nan")}, ValueError),
        ({"linger": "1"}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"batch_size": 101}, ValueError),
        ({"batch_size": 1.5}, TypeError),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        setup(**options)


REQUEST = Request(method="POST", url=URL("http://crm.test/0/odata/$batch"), headers=Headers())


async def test_what_a_batch_raises_reaches_everyone_in_it_and_nobody_else() -> None:
    refused = AuthenticationError(REQUEST, Response(status=200, headers=Headers()))

    async def settle_some(entries: list[Entry]) -> list[Later]:
        first, second, third = (each.outcome for each in entries[:3])
        if first.row["Name"] != "City 0":
            return await write(entries)
        first.state = State.DONE
        second.state, third.state = State.UNKNOWN, State.UNKNOWN
        second.error, third.error = TransportError(REQUEST, "no answer in time"), refused
        raise refused

    given = setup(settle_some)
    async with given.writer:
        callers = given.push(*rows(20))
        await asyncio.wait(callers)
    assert callers[0].result().ok
    unknown = callers[1].result()
    assert unknown.state is State.UNKNOWN
    assert unknown.error is not None
    assert any("then all failed" in note for note in unknown.error.__notes__)
    assert callers[2].result().error is refused
    for each in callers[3:10]:
        with pytest.raises(AuthenticationError):
            await each
    assert all(each.result().ok for each in callers[10:])


async def test_a_mistake_within_a_batch_is_told_and_the_writer_goes_on() -> None:
    async def fail(_: list[Entry]) -> list[Later]:
        raise LookupError("ours")

    given = setup(fail)
    async with given.writer:
        first = given.push(*rows(10))
        await asyncio.wait(first)
        given.plan.settle = write
        second = given.push(*rows(10))
        await asyncio.wait(second)
    assert all(isinstance(each.exception(), LookupError) for each in first)
    assert all(each.result().ok for each in second)


# Sent again


async def test_rows_that_are_put_off_hold_nobody_up_and_are_sent_again_in_their_time() -> None:
    async def put_off(entries: list[Entry]) -> list[Later]:
        given.plan.settle = write
        await write(entries[:4])
        return [Later(3, entries[4:6], alone=True), Later(1, entries[6:], alone=False)]

    given = setup(put_off, at_once=1)
    async with given.writer:
        callers = given.push(*rows(10))
        await settle()
        assert [each.done() for each in callers] == [True] * 4 + [False] * 6
        assert given.lane.taken == 0
        await given.timers.pass_(1)
        assert [each.done() for each in callers] == [True] * 4 + [False] * 2 + [True] * 4
        await given.timers.pass_(2)
        assert all(each.result().ok for each in callers)
    assert given.plan.batches == [rows(10), rows(4, 6), rows(2, 4)]


async def test_leaving_waits_for_rows_that_are_put_off() -> None:
    async def put_off(entries: list[Entry]) -> list[Later]:
        given.plan.settle = write
        return [Later(3, entries, alone=True)]

    given = setup(put_off)
    async with given.writer:
        callers = given.push(*rows(10))
        await settle()
        leaving = asyncio.create_task(given.timers.pass_(3))
    await leaving
    assert all(each.result().ok for each in callers)
    assert given.plan.sizes == [10, 10]


async def test_leaving_that_is_cancelled_answers_for_rows_that_are_put_off() -> None:
    async def put_off(entries: list[Entry]) -> list[Later]:
        return [Later(3, entries, alone=True)]

    given = setup(put_off)
    callers: list[asyncio.Task[Outcome]] = []

    async def block() -> None:
        async with given.writer:
            callers.extend(given.push(*rows(10)))
            await settle()

    leaving = asyncio.create_task(block())
    await settle()
    await settle()
    leaving.cancel()
    await asyncio.wait([leaving])
    assert {(await each).state for each in callers} == {State.NOT_RUN}


# At a site


def writer_of(crm: Creatio, **options: Any) -> Writer:
    """Return a writer of cities."""
    given: dict[str, Any] = {"linger": 0, "batch_size": 10, **options}
    return crm.odata["City"].writer(**given)


async def test_what_a_hundred_tasks_push_is_there_once(crm: Creatio, emulator: Emulator) -> None:
    async with writer_of(crm, batch_size=100) as writer:
        outcomes = await asyncio.gather(*(writer.create(row) for row in rows(250)))
    assert all(each.ok for each in outcomes)
    assert sorted(row["Name"] for row in emulator.rows("City")) == sorted(
        row["Name"] for row in rows(250)
    )
    by_id = {row["Id"]: row["Name"] for row in emulator.rows("City")}
    assert all(by_id[each.id] == each.row["Name"] for each in outcomes)


@pytest.mark.parametrize(
    "whole", ["drop before", "drop after", "503", "500 after", "502 after", "half", "page", "401"]
)
async def test_nothing_is_lost_or_written_twice(whole: str) -> None:
    table = Table([Script(whole=whole), Script(), Script(whole=whole)])
    async with client(table) as crm, writer_of(crm) as writer:
        outcomes = await asyncio.gather(*(writer.create(row) for row in rows(35)))
    assert Counter(each.state for each in outcomes) == {State.DONE: 35}
    assert sorted(row["Name"] for row in table.rows.values()) == sorted(
        row["Name"] for row in rows(35)
    )


async def test_a_row_that_is_refused_is_the_business_of_its_caller_alone() -> None:
    table = Table([Script(rows=["done", "400"])])
    async with client(table) as crm, writer_of(crm) as writer:
        outcomes = await asyncio.gather(*(writer.create(row) for row in rows(3)))
    assert [each.ok for each in outcomes] == [True, False, True]
    assert outcomes[1].http_status == 400


async def test_a_login_that_is_refused_reaches_everyone_who_waits() -> None:
    table = Table([Script(whole="401")] * 9)
    async with client(table) as crm, writer_of(crm, at_once=1) as writer:
        table.code = 1
        callers = [asyncio.create_task(writer.create(row)) for row in rows(35)]
        await asyncio.wait(callers)
        assert {type(each.exception()) for each in callers} == {AuthenticationError}
        assert table.logins == 2, "each login that is refused counts towards a lock-out"
    assert table.rows == {}


async def test_a_refusal_by_the_site_makes_room_for_fewer() -> None:
    table = Table()
    async with client(table) as crm, writer_of(crm, at_once=Adaptive()) as writer:
        await asyncio.gather(*(writer.create(row) for row in rows(800)))
        pace = writer.pace
        assert pace is not None
        assert pace.refusals == 0
        table.scripts[:] = [Script(whole="429")]
        await asyncio.gather(*(writer.create(row) for row in rows(20)))
        pace = writer.pace
    assert pace is not None
    assert pace.refusals == 1
    assert len(table.rows) == 820


async def test_updates_and_deletes_reach_their_rows(crm: Creatio, emulator: Emulator) -> None:
    keys = emulator.insert("City", rows(4))
    async with writer_of(crm) as writer:
        outcomes = await asyncio.gather(
            writer.update(keys[0], {"Name": "Burbank"}),
            writer.update(keys[1], {"Name": "Spokane"}),
            writer.delete(keys[2]),
            writer.delete(uuid4()),
        )
    assert [each.ok for each in outcomes] == [True, True, True, False]
    names = {row["Id"]: row["Name"] for row in emulator.rows("City")}
    assert names == {keys[0]: "Burbank", keys[1]: "Spokane", keys[3]: "City 3"}


async def test_a_row_that_is_pushed_again_is_unchanged(crm: Creatio) -> None:
    row = {"Id": str(uuid4()), "Name": "Spokane"}
    async with writer_of(crm) as writer:
        assert (await writer.create(row)).state is State.DONE
        assert (await writer.create(row)).state is State.UNCHANGED


@pytest.mark.parametrize("new_id", [derived("Name"), lambda row: uuid5(NAMESPACE_URL, row["Name"])])
async def test_ids_may_be_made_of_the_row(new_id: Any, crm: Creatio, emulator: Emulator) -> None:
    async with writer_of(crm, new_id=new_id) as writer:
        first = await writer.create({"Name": "Spokane"})
        again = await writer.create({"Name": "Spokane"})
    assert (first.state, again.state, first.id) == (State.DONE, State.UNCHANGED, again.id)
    assert len(emulator.rows("City")) == 1


@pytest.mark.parametrize("at_once", [0, 1.5, "4"])
async def test_what_is_no_number_of_batches_is_refused(at_once: Any, crm: Creatio) -> None:
    with pytest.raises((ValueError, TypeError)):
        writer_of(crm, at_once=at_once)
