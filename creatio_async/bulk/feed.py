"""What a worker is to send next: rows of the input, and rows whose turn comes again."""

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from creatio_async.bulk.entry import Entry, Later
from creatio_async.bulk.source import Source
from creatio_async.protocol.sizing import Sizing

__all__ = ["Feed", "Turn"]


_Reading = asyncio.Task[tuple[int, list[Any]]]


class Turn(NamedTuple):
    """What a worker takes at once: a batch at most."""

    entries: list[Entry]
    """Rows that are known already."""
    first: int
    """The number of the first of `rows`."""
    rows: Sequence[Any]
    """Rows as they came from the input."""

    def are_all(self, entries: Sequence[Entry]) -> bool:
        """Say whether *entries*, which are of this turn, are all its rows and no others."""
        return not self.entries and len(entries) == len(self.rows)


class Feed:
    """Gives workers their batches, and keeps the rows that wait.

    The input is read only while a worker has nothing better to do, one chunk at a time, and not at
    all while more rows are kept than there is room for. Rows that wait hold nobody up: they go
    along with later rows when their time has come.
    """

    def __init__(
        self,
        source: Source,
        *,
        sizing: Sizing,
        room: int,
        window: int = 0,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        """Keep the options.

        Args:
            source: The input.
            sizing: Says how many rows a batch has.
            room: Rows that may be kept before the input is left alone.
            window: Rows of an input that does not wait that are given at least, where there are.
            clock: Seconds, from anywhere, never going back.
            sleep: Waits so many seconds.
        """
        self._source = source
        self._sizing = sizing
        self._room = room
        self._window = window
        self._clock = clock
        self._sleep = sleep
        self._turns = 0
        self._waiting: list[tuple[float, int, Later]] = []
        self._due: deque[Later] = deque()
        self._open: deque[Entry] = deque()
        self._alarm: tuple[float, asyncio.Task[None]] | None = None
        self._reading: _Reading | None = None
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._ended = False
        self._broken = False
        self.kept = 0
        """Rows that are kept: here, and by whoever counts his own in."""

    @property
    def _size(self) -> int:
        return self._sizing.size

    async def take(self) -> Turn | None:
        """Return what is to be sent next; None where nothing comes any more.

        Raises:
            Exception: What the input raised. There may be rows left to be taken all the same.
        """
        has_looked = False
        while not self._broken:
            if self._due and not has_looked and self._has_room_beside():
                has_looked = True
                await asyncio.sleep(0)  # an input that waits for nothing has its rows then
                continue
            turn = self._turn()
            if turn is not None or self._is_over():
                return turn
            self._news.clear()
            await self._news.wait()
        return None

    def _turn(self) -> Turn | None:
        if self._due:
            return self._mixed()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if len(self._open) >= self._size:
            return self._opened()
        turn = self._fresh(self._size if self._source.waits else max(self._size, self._window))
        return self._opened() if turn is None and self._open and self._reading is None else turn

    def _is_over(self) -> bool:
        return self._ended and not self._waiting and self._reading is None

    def put_off(self, later: Later) -> None:
        """Keep rows until their time has come."""
        self.kept += len(later.entries)
        self._turns += 1
        due = self._clock() + later.seconds
        heapq.heappush(self._waiting, (due, self._turns, later))
        if self._alarm is None or due < self._alarm[0]:
            self._set_alarm(due, later.seconds)

    def put_off_of(self, entries: Sequence[Entry], later: Sequence[Later]) -> list[Entry]:
        """Keep rows until their time has come; return the others of *entries*."""
        for each in later:
            self.put_off(each)
        waiting = {id(entry) for each in later for entry in each.entries}
        return [entry for entry in entries if id(entry) not in waiting]

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep rows that may be sent at once, and are worth waiting for a whole batch of them."""
        self.kept += len(entries)
        self._open += entries
        self._news.set()

    def wake(self) -> None:
        """Let whoever waits look again whether there is something to do."""
        self._news.set()

    def end(self) -> None:
        """Read no further; what is kept is still given out."""
        self._ended = True
        if self._reading is not None:
            self._reading.cancel()
        self._news.set()

    def give_up(self) -> None:
        """Read no further, and give nothing out any more."""
        self._broken = True
        self.end()

    async def close(self) -> tuple[list[Entry], Turn]:
        """Let go of all; return the rows that are kept, and those that nobody took."""
        self.give_up()
        alarm = self._alarm[1] if self._alarm else None
        if alarm is not None:
            alarm.cancel()
        tasks = [task for task in (self._reading, alarm) if task is not None]
        if tasks:
            await asyncio.wait(tasks)
        return self._left()

    def _left(self) -> tuple[list[Entry], Turn]:
        kept = [entry for _, _, later in self._waiting for entry in later.entries]
        kept += [entry for later in self._due for entry in later.entries]
        kept += self._open
        reading, self._reading = self._reading, None
        taken: tuple[int, list[Any]] = 0, []
        if reading is not None and reading.done() and not reading.cancelled():
            taken = reading.result() if reading.exception() is None else taken
        return kept, Turn([], *taken)

    def _has_room_beside(self) -> bool:
        """Begin to read what fits beside rows whose time has come; say whether to wait for it."""
        later = self._due[0]
        if later.alone or len(later.entries) >= self._size or not self._source.waits:
            return False
        reading = self._read(self._size - len(later.entries))
        return reading is not None and not reading.done()

    def _mixed(self) -> Turn:
        """Return rows whose time has come, filled up with rows of the input that are at hand."""
        later = self._due.popleft()
        if not later.alone and len(later.entries) > self._size:  # batches have shrunk since
            rest = later.entries[self._size :]
            self._due.appendleft(Later(later.seconds, rest, later.alone))
            later = Later(later.seconds, later.entries[: self._size], later.alone)
        entries = [*later.entries]
        while not later.alone and self._due and not self._due[0].alone:
            if len(entries) + len(self._due[0].entries) > self._size:
                break
            entries += self._due.popleft().entries
        self.kept -= len(entries)
        turn = None if later.alone else self._beside(entries)
        return Turn(entries, turn.first, turn.rows) if turn else Turn(entries, 0, [])

    def _beside(self, entries: list[Entry]) -> Turn | None:
        """Return rows of the input that are at hand and fit into one batch with *entries*."""
        reading, left = self._reading, self._size - len(entries)
        if not left or (self._source.waits and (reading is None or not _gave(reading, left))):
            return None
        try:
            return self._fresh(left)
        except Exception as error:  # noqa: BLE001 - raised when these rows are on their way
            self._error = error
            return None

    def _opened(self) -> Turn:
        count = min(self._size, len(self._open))
        self.kept -= count
        return Turn([self._open.popleft() for _ in range(count)], 0, [])

    def _fresh(self, size: int) -> Turn | None:
        """Return rows of the input; None where there are none just now."""
        if self._source.waits:
            reading = self._read(size)
            return self._was_read(reading) if reading is not None and reading.done() else None
        if not self._may_read():
            return None
        try:
            first, rows = self._source.take_now(size)
        except Exception:
            self._ended = True
            raise
        self._ended = not rows
        return Turn([], first, rows) if rows else None

    def _read(self, size: int) -> _Reading | None:
        """Return the task that reads the input, begun if need be; None if it is not to be read."""
        if self._reading is None and self._may_read():
            self._reading = asyncio.create_task(self._source.take(size))
            self._reading.add_done_callback(lambda _: self._news.set())
        return self._reading

    def _may_read(self) -> bool:
        return not self._ended and self.kept < self._room

    def _was_read(self, reading: _Reading) -> Turn | None:
        self._reading = None
        self._news.set()
        if reading.cancelled():
            return None
        try:
            first, rows = reading.result()
        except Exception:
            self._ended = True
            raise
        if not rows:
            self._ended = True
            return None
        return Turn([], first, rows)

    def _set_alarm(self, due: float, seconds: float) -> None:
        if self._alarm is not None:
            self._alarm[1].cancel()
        self._alarm = due, asyncio.create_task(self._ring(due, seconds))

    async def _ring(self, due: float, seconds: float) -> None:
        await self._sleep(seconds)
        while self._waiting and self._waiting[0][0] <= due:
            self._due.append(heapq.heappop(self._waiting)[2])
        self._alarm = None
        if self._waiting:
            next_due = self._waiting[0][0]
            self._set_alarm(next_due, max(next_due - self._clock(), 0.0))
        self._news.set()


def _gave(reading: _Reading, at_most: int) -> bool:
    """Say whether *reading* has ended with so many rows."""
    if not reading.done() or reading.cancelled() or reading.exception() is not None:
        return False
    return len(reading.result()[1]) <= at_most
