"""The lane of the bulk jobs: turns in number as a limit says that changes while they are taken."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from operator import index
from typing import Protocol

from attrs import define, evolve, field, frozen

from creatio_async.protocol.limiter import Limiter
from creatio_async.protocol.overload import is_overload
from creatio_async.protocol.pace import Adaptive, Pace

__all__ = [
    "Fixed",
    "Lane",
    "Limit",
    "Turn",
    "as_lane",
    "checked",
    "failed",
    "for_bulk",
    "lane_for",
    "was_refused",
]


class Limit(Protocol):
    """Says how many may be under way."""

    @property
    def limit(self) -> int:
        """How many, as of now; 1 at least."""
        ...

    @property
    def most(self) -> int:
        """How many it may ever be."""
        ...

    def sample(self, started: float, ended: float, records: int, *, refused: bool = False) -> None:
        """Take in what became of one of them."""
        ...


@frozen
class Fixed:
    """A limit that stays as it is."""

    limit: int

    @property
    def most(self) -> int:
        """The limit."""
        return self.limit

    def sample(self, started: float, ended: float, records: int, *, refused: bool = False) -> None:
        """Learn nothing."""


@define(eq=False)
class Turn:
    """A turn, for as long as it lasts. What is sent in its course tells it of refusals."""

    _lane: "Lane"
    started: float
    """When it began."""
    is_refused: bool = field(init=False, default=False)
    """Something that was sent in its course was turned away, or got no answer in time."""

    def answered(self, records: int, errors: Sequence[Exception | None] = ()) -> None:
        """Say that *records* have their answers, some of them with *errors*.

        Not to say it, for instance because the work was broken off, teaches nothing.
        """
        if is_overload(errors):
            self.failed(errors)
        elif not self.is_refused:  # or the time has pauses in it
            self._lane.learn(self.started, records, refused=False)

    def failed(self, errors: Sequence[Exception | None]) -> None:
        """Say that a request got *errors*, and may be sent again."""
        if is_overload(errors) and not self.is_refused:
            self.is_refused = True
            self._lane.learn(self.started, 0, refused=True)


_current: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""The turn in the course of which something is sent."""


def was_refused() -> bool:
    """Say whether the turn of this task has met a refusal: then its time has pauses in it."""
    turn = _current.get()
    return turn is not None and turn.is_refused


def failed(error: Exception) -> None:
    """Tell the turn of this task, if it has one, how a request failed that may be sent again."""
    turn = _current.get()
    if turn is not None:
        turn.failed([error])


@define(eq=False)
class Lane:
    """As many turns at once as *limit* says; who finds none free waits in line.

    When the limit grows, the first in line get their turns at once. When it shrinks, what is under
    way goes on to its end. Who is cancelled in line loses nothing but his place in it; a turn that
    he was given in that moment goes to the next.
    """

    limit: Limit
    clock: Callable[[], float]
    common: asyncio.Semaphore | None = None
    """Held with each turn: what all lanes of a client have in common."""
    taken: int = field(init=False, default=0)
    """Turns under way."""
    _line: deque[asyncio.Future[None]] = field(init=False, factory=deque[asyncio.Future[None]])

    @asynccontextmanager
    async def enter(self) -> AsyncGenerator[Turn]:
        """Wait for a turn, and hold it within the block."""
        await self._wait()
        try:
            async with self.common or nullcontext():
                turn = Turn(self, self.clock())
                before = _current.set(turn)
                try:
                    yield turn
                finally:
                    _current.reset(before)
        finally:
            self._leave()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    @property
    def pace(self) -> Pace | None:
        """What is known of the site; None where the limit stays as it is."""
        return self.limit.snapshot() if isinstance(self.limit, Limiter) else None

    def learn(self, started: float, records: int, *, refused: bool) -> None:
        """Take in what came of a turn; called by `Turn`."""
        self.limit.sample(started, self.clock(), records, refused=refused)
        self._admit()

    async def _wait(self) -> None:
        if self.taken < self.limit.limit and not self._line:
            self.taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._line.remove(turn)
            else:  # cancelled in the moment in which the turn came
                self._leave()
            raise

    def _leave(self) -> None:
        self.taken -= 1
        self._admit()

    def _admit(self) -> None:
        """Give the turns that are free to the first in line."""
        free = self.limit.limit - self.taken
        waiting = [turn for turn in self._line if not turn.done()] if free > 0 else []
        for turn in waiting[:free]:
            self._line.remove(turn)
            self.taken += 1
            turn.set_result(None)


def for_bulk(at_once: int) -> int:
    """Return how many of the *at_once* requests of a client bulk jobs may have under way.

    A quarter, and one at least, is left to single calls: who serves a page does not wait for a
    load. Of one there is nothing to leave.
    """
    return max(1, at_once - max(1, at_once // 4))


def lane_for(
    setting: int | Adaptive,
    at_once: int,
    clock: Callable[[], float],
    common: asyncio.Semaphore | None = None,
) -> Lane:
    """Return a lane of a client that has *at_once* requests under way at most.

    Args:
        setting: The `at_once` of a job: a number, or how to find it.
        at_once: That of the client; a part of it is left to single calls.
        clock: Seconds, from anywhere, never going back.
        common: Held with each turn.
    """
    most = for_bulk(at_once)
    limit: Limit
    if isinstance(setting, int):
        limit = Fixed(min(setting, most))
    else:
        ceiling = min(setting.ceiling, most)
        limit = Limiter(evolve(setting, start=min(setting.start, ceiling), ceiling=ceiling))
    return Lane(limit, clock, common)


def as_lane(at_once: int | Lane, clock: Callable[[], float]) -> Lane:
    """Return *at_once* as a lane: a number as one that nobody else has.

    Raises:
        ValueError: It is below 1.
        TypeError: It is neither a number nor a lane.
    """
    return at_once if isinstance(at_once, Lane) else Lane(Fixed(checked(at_once)), clock)


def checked(at_once: int) -> int:
    """Return *at_once*, if it is a number of batches.

    Raises:
        ValueError: It is below 1.
        TypeError: It is no number.
    """
    if index(at_once) < 1:
        raise ValueError(f"at_once is a number of batches, not {at_once}")
    return at_once
