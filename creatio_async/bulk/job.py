"""The pipeline under every bulk call: chunks from a source, several under way, outcomes out."""

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from operator import index
from os import PathLike
from typing import Any, cast, get_args

from creatio_async.bulk.accounts import Accounts
from creatio_async.bulk.entry import OPEN, Entry, Prepared, Ran, is_open
from creatio_async.bulk.feed import Feed, Turn
from creatio_async.bulk.given import give_back, rows_given
from creatio_async.bulk.journal.none import NoJournal
from creatio_async.bulk.journal.record import Journal
from creatio_async.bulk.letters import Letters
from creatio_async.bulk.once import Once
from creatio_async.bulk.order import Lanes, Order, Turns
from creatio_async.bulk.plan import Plan
from creatio_async.bulk.report import Outcome, Progress, Report, SavedT
from creatio_async.bulk.source import Source
from creatio_async.bulk.telling import Teller
from creatio_async.models.codec import DICTS, Codec
from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.protocol.pace import Pace
from creatio_async.protocol.sizing import SERVER_GIVES_UP, Sizing
from creatio_async.runtime.adaptive import Lane, as_lane

__all__ = ["Job"]

_ROOM = 4
"""How often the rows that may be under way may wait beside, before the input is left alone."""

_READY = 4
"""Lists of outcomes that wait to be taken at most; a list is what one batch has settled."""


class Job(Once[Report[SavedT], Outcome[SavedT]]):
    """A bulk job: nothing happens until it is awaited or entered, and it runs once.

    ``await job`` gives its `Report`. ``async with job as outcomes`` gives an iterator of one
    `Outcome` for each row, in the order in which their batches end; the input is read no faster
    than outcomes are taken. Leaving the block early lets the batches under way end, for 10 s at
    most.

    What the input raises is raised again once the outcomes of all that was sent are delivered; so
    is an error that concerns every row, such as a login that is refused, and a mistake in a row,
    whose chunk is then not sent.
    """

    _what = "a bulk job"
    _undone = "nothing was written"

    def __init__(
        self,
        plan: Plan,
        rows: Iterable[Any] | AsyncIterable[Any],
        *,
        at_once: int | Lane,
        batch_size: int,
        progress: Callable[[Progress], object] | None,
        order: Order = "none",
        dead_letters: str | PathLike[str] | None = None,
        journal: Journal | None = None,
        longest: float = SERVER_GIVES_UP,
        sessions: int = 1,
        codec: Codec[Any] = cast("Any", DICTS),  # noqa: B008 - frozen
        grace: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the options.

        Args:
            plan: What is done with the rows.
            rows: The input.
            at_once: Batches under way at once, or the lane that says when one may be sent.
            batch_size: Rows in a batch.
            progress: Called now and then, and at the end; what it raises ends the job.
            order: What is kept in order: nothing, the outcomes, or the operations on each `Id`.
            dead_letters: A file for the rows that are refused.
            journal: Written, so that a run that died goes on where it stopped.
            longest: Seconds after which no answer comes any more; batches shrink that come near it.
            sessions: Sessions that it is sent in.
            codec: What rows are given as, and given back as.
            grace: Seconds that batches under way are given when the block is left early.
            clock: Seconds, from anywhere, never going back.
            sleep: Waits so many seconds.

        Raises:
            ValueError: An option is out of bounds.
            TypeError: *rows* are not several, or an option is no number.
        """
        gate = as_lane(at_once, clock)
        if not 1 <= index(batch_size) <= MAX_OPERATIONS:
            raise ValueError(f"a batch has 1 to {MAX_OPERATIONS} rows, not {batch_size}")
        if order not in get_args(Order):
            raise ValueError(f"order is 'none', 'input' or 'key', not {order!r}")
        source = Source(rows_given(codec, rows))
        letters = None if dead_letters is None else Letters(dead_letters, plan.kind)
        super().__init__(Report(), room=min(gate.limit.most, _READY), grace=grace, clock=clock)
        self._accounts = Accounts(plan.kind, codec)
        self.unfinished: list[Outcome[SavedT]] = self._accounts.unfinished
        """Rows that were read from the input and have no final outcome: `State.NOT_RUN` or
        `State.UNKNOWN`. Empty after a job that ran to its end."""
        self._plan = plan
        self._codec = codec
        self._source = source
        self._read_before = 0
        self._gate = gate
        self._at_once = gate.limit.most
        self._upcoming = asyncio.Lock()
        self._sizing = plan.meter.sizing = Sizing(batch_size, longest)
        self._teller = Teller(self.report, plan.meter, gate, progress, sessions)
        self._sleep = sleep
        self._letters = letters
        self._journal = journal or NoJournal(plan)
        self._lanes = Lanes() if order == "key" else None
        self._turns = Turns() if order == "input" else None
        self._feed = self._fed(self._source)
        self._is_left = False

    @property
    def pace(self) -> Pace | None:
        """What is known of the site; None where `at_once` is a number."""
        return self._gate.pace

    def _open(self) -> None:
        with ExitStack() as stack:
            self._journal.open()
            stack.callback(self._journal.close)
            self._source.repeat(self._journal.sizes())
            if self._letters is not None:
                self._letters.open()
            stack.pop_all()

    def _hand_over(self) -> None:
        if self._journal.is_behind:
            with self._failing():
                self._journal.tell()

    def _stop(self) -> None:
        self._feed.end()
        self._is_left = True

    def _fed(self, source: Source) -> Feed:
        return Feed(
            source,
            sizing=self._sizing,
            room=_ROOM * self._at_once * self._sizing.most,
            window=self._plan.window if isinstance(self._journal, NoJournal) else 0,
            clock=self._clock,
            sleep=self._sleep,
        )

    async def _run(self) -> None:
        try:
            await self._work_all()
            if self._is_read() and self._source.taken:
                await self._follow_up()
            if self._turns is not None and (late := self._turns.rest()):
                await self._ready.put(late)
            self._conclude()
        finally:
            if self._letters is not None:
                self._letters.close()
            with self._failing():
                self._journal.close()
            self._tell(last=True)
        await self._ready.put(None)

    def _is_read(self) -> bool:
        """Say whether the input has been read to its end, and nothing ended the job before."""
        is_well = self._error is None and not self._is_left
        if is_well and self._source.taken < self._journal.rows_before:
            self._fail(self._journal.ended_early(self._source.taken))
        return is_well and self._error is None

    def _conclude(self) -> None:
        """Write how the job ends: it is over only if nothing is left to be tried again."""
        with self._failing():
            if self._error is not None or self._is_left:
                self._journal.left(self.unfinished)
            elif not self.report.counts.keys() & OPEN:
                self._journal.ended(self._read_before or self._source.taken)

    @contextmanager
    def _failing(self) -> Generator[None]:
        """Let what cannot be written down end the job, and nothing else."""
        try:
            yield
        except (OSError, ValueError, TypeError) as error:
            self._fail(error)
            self._feed.give_up()

    async def _follow_up(self) -> None:
        told: list[Outcome] = []
        rest: Sequence[Any] = () if self._journal.is_ended else self._plan.rest()
        try:
            told, rest = self._journal.deletions(rest)
        except OSError as error:
            self._fail(error)
            return
        await self._settled([], told)
        if rest:
            self._read_before, self._source = self._source.taken, Source(rest)
            self._accounts.are_given = False
            self._feed = self._fed(self._source)
            await self._work_all()

    async def _work_all(self) -> None:
        workers = [asyncio.create_task(self._work(number)) for number in range(self._at_once)]
        try:
            await asyncio.wait(workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
            self._leave(*await self._feed.close())

    async def _work(self, number: int) -> None:
        try:
            while await self._send(number):
                pass
        except Exception as error:  # noqa: BLE001 - raised in the caller's task, once all is told
            self._fail(error)
            self._feed.give_up()
            self._journal.halt()
            await self._settled(self._accounts.broken_off(number))
        finally:
            self.report.add(self._accounts.broken_off(number))

    async def _next_turn(self) -> Turn | None:
        while True:
            try:
                return await self._feed.take()
            except Exception as error:  # noqa: BLE001 - it is the input's, and what waits goes on
                self._fail(error)

    async def _send(self, number: int) -> bool:
        """Take a batch and send it when it may be sent; return False if there is none any more."""
        under_way = self._accounts.under_way
        async with AsyncExitStack() as stack:
            async with self._upcoming:  # no more than one is made up before it may be sent
                turn = await self._next_turn()
                if turn is None:
                    return False
                entries = under_way[number] = turn.entries
                same, fresh, is_checked = await self._prepared(turn)
                entries = under_way[number] = [*entries, *fresh] if entries else fresh
                if same or not entries:
                    await self._settled(same)
                if not entries:
                    del under_way[number]
                    return True
                place = await stack.enter_async_context(self._gate.enter())
            settled: list[Entry] = []
            if fresh and self._plan.resolves and not self._journal.is_ended:
                await self._plan.resolve(fresh)
                if not self._plan.sifts:  # which settles them along with others
                    settled = [entry for entry in fresh if not is_open(entry.outcome)]
                    fresh = [entry for entry in fresh if is_open(entry.outcome)]
                    entries = [*turn.entries, *fresh]
            if fresh and (self._plan.sifts or self._is_past(turn)):
                settled += await self._sifted(fresh)
                entries = turn.entries
                under_way[number] = [*entries, *settled]
            sent, is_whole = Ran([]), turn.are_all(entries)
            if entries:
                sent = await self._sent(entries, is_checked=is_checked and is_whole)
                told = [entry.outcome.error for entry in entries]
                place.answered(len(entries), [error for error in told if error is not None])
            del under_way[number]
        if sent.later:
            entries = self._feed.put_off_of(entries, sent.later)
        status = sent.status if is_whole else None
        if self._lanes is not None:
            over = [*(entry for entry in settled if not entry.is_told), *entries]
            self._feed.kept -= len(followers := self._lanes.release(over))
            self._feed.put(followers)
        entries = [*(entry for entry in settled if not entry.is_told), *entries]
        recalled = [entry.outcome for entry in settled if entry.is_told]
        await self._settled([entry.outcome for entry in entries], recalled, status)
        return True

    def _is_past(self, turn: Turn) -> bool:
        """Say whether an earlier run read the rows of *turn*."""
        return turn.first < self._journal.rows_before and not self._read_before

    async def _sifted(self, entries: list[Entry]) -> list[Entry]:
        """Return those of *entries* that are settled; the others are sent in their turn."""
        if self._plan.sifts and not self._journal.is_ended:
            await self._plan.sift(entries)
        settled: list[Entry] = []
        left: list[Entry] = []
        for entry in entries:
            # What is in doubt after it was looked for stays so.
            is_over = entry.is_told or (self._plan.sifts and entry.is_in_doubt)
            is_left = is_open(entry.outcome) and not is_over
            (left if is_left else settled).append(entry)
        if self._plan.sifts:
            self._feed.put(left)
        else:
            for later in self._plan.parted(left, self._sizing.size):
                self._feed.put_off(later)
        return settled

    async def _sent(self, entries: list[Entry], *, is_checked: bool) -> Ran:
        """Send *entries*, but for those that an earlier run has carried out."""
        if self._journal.rows_before:
            entries = await self._plan.look_back(entries)
            if not entries:
                return Ran([])
        return await self._plan.run(entries, self._journal.sending, is_checked=is_checked)

    async def _prepared(self, turn: Turn) -> Prepared:
        """Return the rows of *turn* that are settled at once, and entries for those to send."""
        if not turn.rows:
            return Prepared([], [])
        try:
            if self._plan.sifts and not self._journal.is_ended:
                await self._plan.begin(turn.first, turn.rows)
            first = -1 if self._read_before else turn.first
            prepared = self._journal.prepared(first, turn.rows, parts=self._lanes is None)
        except BaseException as error:
            self._accounts.unprepared(turn.first, turn.rows)
            if not isinstance(error, Exception):
                raise
            self._fail(error)  # raised in the caller's task, once all is told
            self._feed.end()
            return Prepared([], [])
        if self._lanes is None:
            return prepared
        told = [entry for entry in prepared.entries if entry.is_told]
        waiting = [entry for entry in prepared.entries if not entry.is_told]
        free = self._lanes.admit(waiting)
        self._feed.kept += len(waiting) - len(free)
        return prepared._replace(entries=told + free)

    async def _settled(
        self, outcomes: Sequence[Outcome], told: Sequence[Outcome] = (), status: int | None = None
    ) -> None:
        """Tell of *outcomes*, and of those that an earlier run has *told* of.

        *status* is the one with which *outcomes*, of successive rows, were all done.
        """
        with self._failing():
            self._journal.settled(outcomes, status)
        outcomes = [*told, *outcomes] if told else outcomes
        self.report.add(outcomes)
        with self._failing():
            if self._letters is not None:
                self._letters.add(outcomes)
        outcomes = give_back(self._codec, outcomes)
        self._tell()
        if self._turns is None:
            if outcomes:
                await self._ready.put(outcomes)
            return
        async with self._turns.lock:
            before = self._turns.kept
            ready = self._turns.put(outcomes)
            self._feed.kept += self._turns.kept - before
            self._feed.wake()
            if ready:
                await self._ready.put(ready)

    def _leave(self, kept: list[Entry], taken: Turn) -> None:
        """Account for the rows that are kept, and for those that were read and not prepared."""
        if self._lanes is not None:
            kept += self._lanes.rest()
        self._accounts.unprepared(taken.first, taken.rows)
        self._accounts.unprepared(self._source.taken, self._source.left)
        self._accounts.left(kept)
        self.report.add(self.unfinished)

    def _tell(self, *, last: bool = False) -> None:
        read = self._read_before + self._source.taken
        try:
            self._teller.tell(
                self._clock() - self._begun_at, read=read, total=self._source.length, last=last
            )
        except Exception as error:  # noqa: BLE001 - raised in the caller's task, once all is told
            self._fail(error)
            self._feed.end()
