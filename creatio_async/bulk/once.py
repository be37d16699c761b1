"""What is awaited for a report or entered for its outcomes, and runs once."""

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from types import TracebackType
from typing import Any, ClassVar, Generic, TypeVar

__all__ = ["Once"]

ReportT = TypeVar("ReportT")
OutcomeT = TypeVar("OutcomeT")


class Once(ABC, Generic[ReportT, OutcomeT]):
    """The entering and the leaving of a job, the same for each kind of job.

    A job does its work in a task of its own, `_run`, and puts lists of outcomes into `_ready`, and
    None at the end. Whoever awaits or enters the job takes them from there, so the work is done no
    faster than outcomes are taken. Leaving tells the work to stop, gives what is under way some
    seconds, and then cancels it; no task is left behind.
    """

    _what: ClassVar[str]
    """What such a job is called."""
    _undone: ClassVar[str]
    """What did not happen if it was never run."""
    _is_idle = False

    def __init__(
        self, report: ReportT, *, room: int, grace: float, clock: Callable[[], float]
    ) -> None:
        """Keep the options.

        Args:
            report: What is known so far; complete when the job has ended.
            room: Lists of outcomes that may wait to be taken.
            grace: Seconds that what is under way is given when the block is left early.
            clock: Seconds, from anywhere, never going back.
        """
        self.report = report
        """What is known so far; complete when the job has ended."""
        self._grace = grace
        self._clock = clock
        self._ready: asyncio.Queue[Sequence[OutcomeT] | None] = asyncio.Queue(room)
        self._error: Exception | None = None
        self._runner: asyncio.Task[None] | None = None
        self._outcomes: AsyncGenerator[OutcomeT] | None = None
        self._begun_at = 0.0
        self._is_idle = True

    def __del__(self) -> None:
        if self._is_idle:
            message = f"{self._what} was never awaited nor entered: {self._undone}"
            warnings.warn(message, RuntimeWarning, stacklevel=1, source=self)

    def __await__(self) -> Generator[Any, None, ReportT]:
        return self._fold().__await__()

    async def __aenter__(self) -> AsyncIterator[OutcomeT]:
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

    @abstractmethod
    async def _run(self) -> None:
        """Do the work: put lists of outcomes into `_ready`, then None."""

    @abstractmethod
    def _stop(self) -> None:
        """Begin nothing more; what is under way goes on."""

    def _open(self) -> None:
        """Do what has to be done before the work begins; what it raises is the caller's."""

    def _hand_over(self) -> None:
        """Do what has to be done before the caller has outcomes of which he was not told yet."""

    def _fail(self, error: Exception) -> None:
        """Raise *error* in the caller's task, once all is told; the first one counts."""
        self._error = self._error or error

    async def _fold(self) -> ReportT:
        self._begin()
        try:
            while await self._ready.get() is not None:
                pass
        finally:
            await self._end()
        if self._error is not None:
            raise self._error
        return self.report

    async def _take(self) -> AsyncGenerator[OutcomeT]:
        while (outcomes := await self._ready.get()) is not None:
            self._hand_over()
            for outcome in outcomes:
                yield outcome
        if self._error is not None:
            raise self._error

    def _begin(self) -> None:
        if self._runner is not None:
            raise RuntimeError(f"{self._what} runs once; make a new one")
        self._is_idle = False
        self._open()
        self._begun_at = self._clock()
        self._runner = asyncio.create_task(self._run(), name=f"creatio_async, {self._what}")

    async def _end(self) -> None:
        """Stop, let what is under way end, and account for the rest."""
        runner = self._runner
        if runner is None or (runner.done() and self._ready.empty()):
            return
        self._stop()
        drain = asyncio.create_task(self._drain(), name=f"creatio_async, {self._what}, drained")
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
