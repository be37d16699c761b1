"""One process, many inputs: several runs under way at once, and an outcome for each input."""

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from operator import index
from typing import Any, Generic, TypeVar

from attrs import define, field

from creatio_async.bulk.once import Once
from creatio_async.bulk.source import Source
from creatio_async.errors import AuthenticationError, ProcessError, ResponseError, TransportError
from creatio_async.outcomes import State
from creatio_async.processes.runs import ProcessRun
from creatio_async.processes.verdicts import may_have_run, was_sent

__all__ = ["ProcessJob", "ProcessOutcome", "ProcessReport"]

R = TypeVar("R")

_KEPT = 1_000
"""Failures that a report keeps; of further ones it counts how many."""


@define(eq=False)
class ProcessOutcome(Generic[R]):
    """What became of one input of `Processes.run_many`."""

    index: int
    """Its place in the inputs, from 0."""
    input: Any = field(repr=False)
    """The parameters as they came."""
    state: State = State.NOT_RUN
    """`State.DONE` where there is a `run`; `FAILED` where the process failed or was refused;
    `NOT_RUN` where nothing was sent; `UNKNOWN` where no answer came."""
    run: ProcessRun[R] | None = None
    """As `Processes.run` returns it: it may still wait at an element, or in a queue."""
    error: ProcessError | TransportError | ResponseError | ValueError | TypeError | None = None
    """Why it failed; `ValueError` and `TypeError` for an input that is a mistake."""

    @property
    def ok(self) -> bool:
        """There is a run, and it did not fail."""
        return self.run is not None


@define
class ProcessReport:
    """What became of all inputs: a fold over their outcomes."""

    process: str
    counts: dict[State, int] = field(factory=dict[State, int])
    """Inputs by state; a state without inputs is not there."""
    failures: list[ProcessOutcome[Any]] = field(factory=list[ProcessOutcome[Any]])
    """The first 1,000 outcomes that are not `ok`."""
    more_failures: int = 0
    """Failures beyond those."""
    seconds: float = 0.0
    """From the begin of the job to its end."""

    @property
    def total(self) -> int:
        """Inputs with an outcome."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """Inputs with a run that did not fail."""
        return self.counts.get(State.DONE, 0)

    @property
    def failed(self) -> int:
        """Inputs that ended in another way."""
        return self.total - self.done

    def raise_for_failures(self) -> None:
        """Do nothing if no run failed.

        Raises:
            ProcessError: One did; the error tells how many, and of the first.
        """
        if self.failed:
            first = self.failures[0]
            raise ProcessError(
                self.process,
                f"{self.failed:,} of {self.total:,} inputs failed; "
                f"the first is input {first.index}: {first.error}",
            )

    def add(self, outcome: ProcessOutcome[Any]) -> None:
        """Count *outcome* in."""
        self.counts[outcome.state] = self.counts.get(outcome.state, 0) + 1
        if outcome.ok:
            return
        if len(self.failures) < _KEPT:
            self.failures.append(outcome)
        else:
            self.more_failures += 1


class ProcessJob(Once[ProcessReport, ProcessOutcome[R]]):
    """Many runs of one process: nothing happens until it is awaited or entered; it runs once.

    ``await job`` gives its `ProcessReport`. ``async with job as outcomes`` gives an iterator of one
    `ProcessOutcome` for each input, in the order in which the runs end; the input is read no faster
    than outcomes are taken. Leaving the block early lets the runs under way end, for 10 s at most;
    what then has no answer is `State.UNKNOWN`.

    What the input raises is raised again once the outcomes of all that was sent are delivered; so
    is a login that is refused, which ends the job.
    """

    _what = "a job of processes"
    _undone = "nothing was run"

    def __init__(
        self,
        process: str,
        run: Callable[[Any], Awaitable[ProcessRun[R]]],
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        at_once: int,
        grace: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the options.

        Args:
            process: What the report calls the process.
            run: Runs it with one input.
            inputs: The inputs.
            at_once: Runs under way at once.
            grace: Seconds that runs under way are given when the block is left early.
            clock: Seconds, from anywhere, never going back.

        Raises:
            ValueError: *at_once* is out of bounds.
            TypeError: *inputs* are not several, or *at_once* is no number.
        """
        if index(at_once) < 1:
            raise ValueError(f"at_once is a number of runs, not {at_once}")
        source = Source(inputs)
        super().__init__(ProcessReport(process), room=at_once, grace=grace, clock=clock)
        self.unfinished: list[ProcessOutcome[R]] = []
        """Inputs that were read and have no final outcome: the job was left before their end."""
        self._run_one = run
        self._source = source
        self._at_once = at_once
        self._reading: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def _run(self) -> None:
        workers = [asyncio.create_task(self._work()) for _ in range(self._at_once)]
        try:
            await asyncio.wait(workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
            self.report.seconds = self._clock() - self._begun_at
        await self._ready.put(None)

    async def _work(self) -> None:
        try:
            while not self._stopping:
                first, inputs = await self._read()
                if not inputs:
                    return
                await self._settle(ProcessOutcome[R](first, inputs[0]))
        except Exception as error:  # noqa: BLE001 - raised in the caller's task, once all is told
            self._fail(error)
            self._stop()

    async def _read(self) -> tuple[int, list[Any]]:
        """Take the next input; this alone is broken off when the job stops."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a worker is a task
        self._reading.add(task)
        try:
            return await self._source.take(1)
        finally:
            self._reading.discard(task)

    def _stop(self) -> None:
        """Read no further; what is under way goes on."""
        self._stopping = True
        for task in self._reading:
            task.cancel()

    async def _settle(self, outcome: ProcessOutcome[R]) -> None:
        try:
            outcome.run = await self._run_one(outcome.input)
            outcome.state = State.DONE
        except AuthenticationError:
            self._keep(outcome)
            raise
        except (ProcessError, TransportError, ResponseError, ValueError, TypeError) as error:
            outcome.error, outcome.state = error, _state_of(error)
        except BaseException:  # broken off: it may be on its way
            outcome.state = State.UNKNOWN
            self._keep(outcome)
            raise
        self.report.add(outcome)
        await self._ready.put([outcome])

    def _keep(self, outcome: ProcessOutcome[R]) -> None:
        self.unfinished.append(outcome)
        self.unfinished.sort(key=lambda each: each.index)
        self.report.add(outcome)


def _state_of(
    error: ProcessError | TransportError | ResponseError | ValueError | TypeError,
) -> State:
    if isinstance(error, ProcessError):
        return State.FAILED
    if isinstance(error, ValueError | TypeError) or not was_sent(error):
        return State.NOT_RUN
    return State.UNKNOWN if may_have_run(error) else State.FAILED
