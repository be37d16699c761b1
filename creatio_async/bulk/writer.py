"""The push writer: rows from any number of tasks, sent together, answered one by one."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from operator import index
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, Self, cast
from uuid import UUID

from attrs import define, field

from creatio_async.bulk.entry import Entry, Later, Ran, is_open
from creatio_async.bulk.given import Given, give_back, row_given
from creatio_async.bulk.meter import Meter
from creatio_async.bulk.report import Outcome
from creatio_async.models.codec import DICTS, Codec
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata.spec import RowT
from creatio_async.protocol.pace import Pace
from creatio_async.protocol.sizing import SERVER_GIVES_UP, Sizing
from creatio_async.protocol.values import check_row
from creatio_async.runtime.adaptive import Lane

__all__ = ["Writer"]

_Verb = Literal["create", "update", "delete"]
_Answer = asyncio.Future[Outcome]


class _Plan(Protocol):
    """What is done with the rows of one verb."""

    meter: Meter

    def prepare(self, first: int, rows: Sequence[Any]) -> list[Entry]: ...

    async def run(self, entries: list[Entry]) -> Ran: ...


class _Handle(Protocol):
    def cancel(self) -> object: ...


_Timer = Callable[[float, Callable[[], None]], _Handle]
"""Calls a function after so many seconds, as the ``call_later`` of an event loop does."""


@define(eq=False)
class _Batch:
    """Rows that go together, and who waits for each of them."""

    verb: _Verb
    rows: list[tuple[Entry, _Answer]] = field(factory=list[tuple[Entry, _Answer]])
    wait: float = 0.0
    """Seconds until it is sent, where its rows were sent before."""
    timer: _Handle | None = None
    """Sends it when its rows have waited long enough; None once it is in line to be sent."""


class Writer(Generic[RowT]):
    """Takes single rows from any number of tasks, and writes them in batches; made by `writer`.

    ::

        async with cities.writer(linger=0.05) as writer:
            outcome = await writer.create({"Name": "Burbank"})

    A call gives the `Outcome` of its own row, once the batch is answered in which the row went. A
    batch is sent when it is full, or `linger` seconds after its first row; where as many as
    `at_once` are under way it waits, and further rows join it. When it is full, too, the next
    callers wait before their rows are taken in, in the order in which they came.

    Cancelling a caller does not take its row back: once taken in, it is written with the others.

    Leaving the block sends what waits, whatever the block raised, and returns when every caller has
    its answer. Rows of different verbs go in different batches: who needs the order awaits the
    outcome of the one before the next.
    """

    def __init__(
        self,
        plans: Mapping[_Verb, _Plan],
        lane: Lane,
        *,
        linger: float,
        batch_size: int,
        longest: float = SERVER_GIVES_UP,
        codec: Codec[Any] = cast("Any", DICTS),  # noqa: B008 - frozen
        later: _Timer | None = None,
    ) -> None:
        """Keep the options.

        Args:
            plans: What is done with the rows of each verb.
            lane: Gives a batch its turn to be sent.
            linger: Seconds for which a row waits for others.
            batch_size: Rows in a batch.
            longest: Seconds after which no answer comes any more; batches shrink that come near it.
            codec: What rows are given as, and given back as.
            later: What counts the seconds; None for the event loop.

        Raises:
            ValueError: An option is out of bounds.
            TypeError: *batch_size* is no number.
        """
        if not 0 <= linger < math.inf:
            raise ValueError(f"linger is a number of seconds, not {linger}")
        if not 1 <= index(batch_size) <= MAX_OPERATIONS:
            raise ValueError(f"a batch has 1 to {MAX_OPERATIONS} rows, not {batch_size}")
        self._plans = plans
        self._lane = lane
        self._linger = linger
        self._sizings = {verb: Sizing(batch_size, longest) for verb in plans}
        for verb, plan in plans.items():
            plan.meter.sizing = self._sizings[verb]
        self._codec = codec
        self._later = later
        self._room = asyncio.Semaphore((lane.limit.most + 1) * batch_size)
        self._filling: dict[_Verb, _Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._rows = 0
        self._entering = 0
        self._phase: Literal["new", "open", "leaving", "left"] = "new"

    @property
    def pace(self) -> Pace | None:
        """What is known of the site; None where `at_once` is a number."""
        return self._lane.pace

    async def create(self, row: RowT | Mapping[str, Any]) -> Outcome[RowT]:
        """Add *row*; return what became of it, which may be a refusal: see `Outcome.ok`.

        `Id` is filled in where *row* has none, and the row is never written twice: see
        `EntitySet.create_many`. Whoever may be cancelled, and wants to know later whether the row
        is there, gives it an `Id`.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, or `Id` is
                no UUID. The row was not taken in.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
            AuthenticationError: The login was refused. The row was not written.
            RuntimeError: The writer is not open.
        """
        return await self._write("create", self._checked(row, "create"))

    async def update(self, key: UUID | str, values: RowT | Mapping[str, Any]) -> Outcome[RowT]:
        """Change the fields in *values* of the row whose `Id` is *key*; return what became of it.

        Raises:
            ValueError: As for `create`; or *values* is empty, or has another `Id`.
            TypeError: As for `create`.
            AuthenticationError: As for `create`.
            RuntimeError: The writer is not open.
        """
        given = key_text(key)
        row = self._checked(values, "update")
        if not row:
            raise ValueError("update: there is nothing to change, no column is named")
        if "Id" in row and key_text(row["Id"]) != given:
            raise ValueError(f"update: the row is {given}, and 'Id' is another: {row['Id']}")
        row["Id"] = given
        return await self._write("update", row)

    async def delete(self, key: UUID | str) -> Outcome[RowT]:
        """Delete the row whose `Id` is *key*; return what became of it.

        Raises:
            ValueError: *key* is no UUID.
            TypeError: *key* is neither a UUID nor a string.
            AuthenticationError: As for `create`.
            RuntimeError: The writer is not open.
        """
        return await self._write("delete", key_text(key))

    async def __aenter__(self) -> Self:
        if self._phase != "new":
            raise RuntimeError("a writer is used once; make a new one")
        self._later = self._later or asyncio.get_running_loop().call_later
        self._phase = "open"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._phase = "leaving"
        for batch in list(self._filling.values()):
            self._send(batch)
        try:
            while self._tasks or self._entering:  # who waits for room still comes in
                await (asyncio.wait(self._tasks) if self._tasks else asyncio.sleep(0))
        finally:
            self._phase = "left"
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    def _checked(self, row: Any, place: str) -> dict[str, Any]:
        """Return a copy of *row*, which may be sent as it is; the caller may change his own."""
        given = row_given(self._codec, row, place)
        check_row(given, place)
        return given if isinstance(given, Given) else dict(given)

    async def _write(self, verb: _Verb, row: Any) -> Outcome[RowT]:
        if self._phase != "open":
            raise RuntimeError("the writer is not open: use it within 'async with'")
        (entry,) = self._plans[verb].prepare(self._rows, [row])
        self._rows += 1
        self._entering += 1
        try:
            await self._room.acquire()
        finally:
            self._entering -= 1
        return await self._join(verb, entry)

    def _join(self, verb: _Verb, entry: Entry) -> _Answer:
        """Put a row into the batch that is being filled; return where its outcome will be."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        if self._phase == "left":  # broken off before there was room
            self._room.release()
            answer.set_result(entry.outcome)
            return answer
        batch = self._filling.get(verb)
        if batch is None:
            batch = self._filling[verb] = _Batch(verb)
            later = cast("_Timer", self._later)
            batch.timer = later(self._linger, lambda: self._send(batch))
        batch.rows.append((entry, answer))
        if len(batch.rows) >= self._sizings[verb].size:
            del self._filling[verb]
            self._send(batch)
        elif self._phase == "leaving":
            self._send(batch)
        return answer

    def _send(self, batch: _Batch) -> None:
        """Put *batch* in line, if it is not there yet. It takes rows until it gets its turn."""
        if batch.timer is not None:
            batch.timer.cancel()
            batch.timer = None
            self._start(batch)

    def _start(self, batch: _Batch) -> None:
        task = asyncio.create_task(self._run(batch), name="creatio_async writer, a batch")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: _Batch) -> None:
        later, failure = list[Later](), None
        try:
            if batch.wait:
                await self._pause(batch.wait)
            async with self._lane.enter() as turn:
                self._close(batch)
                entries = [entry for entry, _ in batch.rows]
                later = (await self._plans[batch.verb].run(entries)).later
                turn.answered(len(entries), [entry.outcome.error for entry in entries])
        except Exception as error:  # noqa: BLE001 - raised in the tasks of those who wait
            failure = error
        finally:
            self._close(batch)
            self._answer(batch, later, failure)

    def _close(self, batch: _Batch) -> None:
        """Let no more rows into *batch*."""
        if self._filling.get(batch.verb) is batch:
            del self._filling[batch.verb]

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        timer = cast("_Timer", self._later)(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()

    def _answer(self, batch: _Batch, later: list[Later], failure: Exception | None) -> None:
        """Give each caller his outcome, but for rows that are sent again *later*.

        Those wait by themselves: they hold up no place, and nobody else's answer.
        """
        parts = [_Batch(batch.verb, wait=each.seconds) for each in later]
        again = {
            id(entry): part
            for part, each in zip(parts, later, strict=True)
            for entry in each.entries
        }
        for entry, answer in batch.rows:
            part = again.get(id(entry))
            if part is not None:
                part.rows.append((entry, answer))
            else:
                self._room.release()
                give_back(self._codec, [entry.outcome])
                _settle(entry.outcome, answer, failure)
        for part in parts:
            self._start(part)


def _settle(outcome: Outcome, answer: _Answer, failure: Exception | None) -> None:
    """Give a caller the outcome of his row; *failure*, if nothing was begun for it."""
    if answer.done():  # cancelled: nobody asks any more
        return
    if failure is None or not is_open(outcome):
        answer.set_result(outcome)
    elif outcome.state is State.UNKNOWN and outcome.error is not None:
        if outcome.error is not failure:
            outcome.error.add_note(f"then all failed: {failure}")
        answer.set_result(outcome)
    else:
        answer.set_exception(failure)
