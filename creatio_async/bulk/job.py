"""The pipeline under every bulk call: chunks from a source, several under way, outcomes out."""

import asyncio
import time
import warnings
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
)
from operator import index
from types import TracebackType
from typing import Any, Protocol

from creatio_async.bulk.report import Outcome, Progress, Report
from creatio_async.bulk.source import Source
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import MAX_OPERATIONS

__all__ = ["Job", "Plan"]

_BETWEEN = 0.5
"""Seconds between two reports of progress at least."""


class Plan(Protocol):
    """What a job does with a chunk of rows."""

    requests: int

    def prepare(self, first: int, rows: list[Any]) -> list[Outcome]:
        """Return an open outcome for each of *rows*; the first of them is number *first*."""
        ...

    async def run(self, outcomes: list[Outcome]) -> None:
        """Settle *outcomes*."""
        ...


class Job:
    """A bulk job: nothing happens until it is awaited or entered, and it runs once.

    ``await job`` gives its `Report`. ``async with job as outcomes`` gives an iterator of one
    `Outcome` for each row, in the order in which their batches end; the input is read no faster
    than outcomes are taken. Leaving the block early lets the batches under way end, for 10 s at
    most.

    What the input raises is raised again once the outcomes of all that was sent are delivered; so
    is an error that concerns every row, such as a login that is refused, and a mistake in a row,
    whose chunk is then not sent.
    """

    _is_idle = False

    def __init__(
        self,
        plan: Plan,
        rows: Iterable[Any] | AsyncIterable[Any],
        *,
        at_once: int,
        batch_size: int,
        progress: Callable[[Progress], object] | None,
        grace: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the options.

        Args:
            plan: What is done with the rows.
            rows: The input.
            at_once: Batches under way at once.
            batch_size: Rows in a batch.
            progress: Called now and then, and at the end; what it raises ends the job.
            grace: Seconds that batches under way are given when the block is left early.
            clock: Seconds, from anywhere, never going back.

        Raises:
            ValueError: An option is out of bounds.
            TypeError: *rows* are not several, or an option is no number.
        """
        if index(at_once) < 1:
            raise ValueError(f"at_once is a number of batches, not {at_once}")
        if not 1 <= index(batch_size) <= MAX_OPERATIONS:
            raise ValueError(f"a batch has 1 to {MAX_OPERATIONS} rows, not {batch_size}")
        self.report = Report()
        """What is known so far; complete when the job has ended."""
        self.unfinished: list[Outcome] = []
        """Rows that were read from the input and have no final outcome: `State.NOT_RUN` or
        `State.UNKNOWN`. Empty after a job that ran to its end."""
        self._plan = plan
        self._source = Source(rows)
        self._at_once = at_once
        self._batch_size = batch_size
        self._progress = progress
        self._grace = grace
        self._clock = clock
        self._ready: asyncio.Queue[list[Outcome] | None] = asyncio.Queue(at_once)
        self._under_way: dict[int, list[Outcome]] = {}
        self._reading: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._error: Exception | None = None
        self._runner: asyncio.Task[None] | None = None
        self._outcomes: AsyncGenerator[Outcome] | None = None
        self._begun_at = 0.0
        self._told_at = 0.0
        self._is_idle = True

    def __del__(self) -> None:
        if self._is_idle:
            message = "a bulk job was never awaited nor entered: nothing was written"
            warnings.warn(message, RuntimeWarning, stacklevel=1, source=self)

    def __await__(self) -> Generator[Any, None, Report]:
        return self._fold().__await__()

    async def __aenter__(self) -> AsyncIterator[Outcome]:
        self._begin()
        self._outcomes = self._take()
        return self._outcomes

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()
        if self._outcomes is not None:
            await self._outcomes.aclose()

    async def _fold(self) -> Report:
        self._begin()
        try:
            while await self._next() is not None:
                pass
        finally:
            await self._end()
        if self._error is not None:
            raise self._error
        return self.report

    async def _take(self) -> AsyncGenerator[Outcome]:
        while (outcomes := await self._next()) is not None:
            for outcome in outcomes:
                yield outcome
        if self._error is not None:
            raise self._error

    async def _next(self) -> list[Outcome] | None:
        """Return the outcomes of one chunk, or None at the end."""
        return await self._ready.get()

    def _begin(self) -> None:
        if self._runner is not None:
            raise RuntimeError("a bulk job runs once; make a new one")
        self._is_idle = False
        self._begun_at = self._told_at = self._clock()
        self._runner = asyncio.create_task(self._run(), name="creatio_async bulk job")

    async def _end(self) -> None:
        """Stop reading, let what is under way end, and account for the rest."""
        runner = self._runner
        if runner is None or (runner.done() and self._ready.empty()):
            return
        self._stop()
        drain = asyncio.create_task(self._drain(), name="creatio_async bulk job, drained")
        try:
            await asyncio.wait([runner], timeout=self._grace)
        finally:
            runner.cancel()
            drain.cancel()
            await asyncio.wait([runner, drain])

    async def _drain(self) -> None:
        """Make room for the outcomes that nobody takes any more; they are in the report."""
        while True:
            await self._ready.get()

    async def _run(self) -> None:
        workers = [asyncio.create_task(self._work(number)) for number in range(self._at_once)]
        try:
            await asyncio.wait(workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
            self._close()
        await self._ready.put(None)

    async def _work(self, number: int) -> None:
        try:
            while not self._stopping:
                first, rows = await self._read()
                if not rows:
                    return
                self._under_way[number] = self._prepared(first, rows)
                await self._plan.run(self._under_way[number])
                await self._settled(self._under_way.pop(number))
        except Exception as error:  # noqa: BLE001 - raised in the caller's task, once all is told
            self._error = self._error or error
            self._stop()
            await self._settled(self._account(number))
        finally:
            self.report.add(self._account(number))

    def _prepared(self, first: int, rows: list[Any]) -> list[Outcome]:
        try:
            return self._plan.prepare(first, rows)
        except Exception:
            self.unfinished += _unprepared(first, rows)
            raise

    async def _read(self) -> tuple[int, list[Any]]:
        """Take the next rows; this alone is broken off when the job stops."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a worker is a task
        self._reading.add(task)
        try:
            return await self._source.take(self._batch_size)
        finally:
            self._reading.discard(task)

    def _stop(self) -> None:
        """Read no further; what is under way goes on."""
        self._stopping = True
        for task in self._reading:
            task.cancel()

    async def _settled(self, outcomes: list[Outcome]) -> None:
        self.report.add(outcomes)
        self._tell()
        if outcomes:
            await self._ready.put(outcomes)

    def _account(self, number: int) -> list[Outcome]:
        """Part the chunk of a worker that broke off: return what is settled, keep the rest."""
        settled: list[Outcome] = []
        for outcome in self._under_way.pop(number, ()):
            is_open = outcome.state in {State.NOT_RUN, State.UNKNOWN}
            (self.unfinished if is_open else settled).append(outcome)
        return settled

    def _close(self) -> None:
        self.unfinished += _unprepared(self._source.taken, self._source.left)
        self.unfinished.sort(key=lambda outcome: outcome.index)
        self.report.add(self.unfinished)
        self._tell(last=True)

    def _tell(self, *, last: bool = False) -> None:
        now = self._clock()
        self.report.seconds = now - self._begun_at
        self.report.requests = self._plan.requests
        if self._progress is None or (not last and now - self._told_at < _BETWEEN):
            return
        self._told_at = now
        done, total = self.report.done, self.report.total
        progress = Progress(
            done=done,
            failed=total - done,
            in_flight=self._source.taken - total,
            total=self._source.length,
            seconds=self.report.seconds,
        )
        try:
            self._progress(progress)
        except Exception as error:  # noqa: BLE001 - raised in the caller's task, once all is told
            self._progress = None
            self._error = self._error or error
            self._stop()


def _unprepared(first: int, rows: list[Any]) -> list[Outcome]:
    return [Outcome(first + at, "create", row, "") for at, row in enumerate(rows)]
