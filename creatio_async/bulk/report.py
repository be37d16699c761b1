"""What a bulk job tells: an outcome for each row, its progress, and a report at the end."""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from attrs import define, field, frozen

from creatio_async.bulk.meter import Times
from creatio_async.bulk.timeline import Moment
from creatio_async.errors import (
    BatchError,
    CreatioError,
    RecordedError,
    ResponseError,
    TransportError,
)
from creatio_async.outcomes import State

__all__ = ["BulkError", "Outcome", "Progress", "Report", "SavedT", "Unchanged"]

if TYPE_CHECKING:  # the TypeVar of Python 3.11 has no default
    from typing_extensions import TypeVar

    SavedT = TypeVar("SavedT", default=Any)
else:
    from typing import TypeVar

    SavedT = TypeVar("SavedT")

_KEPT = 1_000
"""Failures that a report keeps; of further ones it counts how many."""

_SHOWN = 5
"""Failures that the text of a report tells of."""

_DONE = State.DONE  # a member of an enum costs more to look up than to compare
_UNCHANGED = State.UNCHANGED
_FINE = frozenset({_DONE, _UNCHANGED})


@define(eq=False)
class Outcome(Generic[SavedT]):
    """What became of one row of the input."""

    index: int
    """Its place in the input, from 0; -1 for a row that is deleted because it is not there."""
    operation: str
    """``create``, ``update``, ``delete``; ``upsert``, ``sync`` where nothing was to be sent."""
    row: Any = field(repr=False)
    """The row as it came: a mapping, an object, a key, an operation, as the call takes them."""
    id: str
    """Its `Id`, in lower case; empty where it was not found out."""
    state: State = State.NOT_RUN
    http_status: int | None = None
    """The status of its own answer."""
    error: TransportError | ResponseError | BatchError | RecordedError | ValueError | None = None
    """Why it failed, or why nothing is known of it; `ValueError` for a row too large to send."""
    attempts: int = 0
    """How often it was sent."""
    saved: SavedT | None = field(default=None, repr=False)
    """The row as the server has it, a dict or an object of the class of the entity set; only where
    it was asked for."""

    @property
    def ok(self) -> bool:
        """The server has the row as it was wanted."""
        return self.state in _FINE


@frozen(eq=False)
class Unchanged(Sequence[Outcome[Any]]):
    """Outcomes of rows of which nothing had to be sent; each is made when it is looked at."""

    places: Sequence[int]
    operation: str
    rows: Sequence[Any]
    ids: Callable[[], Sequence[str]]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, at: Any) -> Any:
        return list[Any](self)[at]

    def __iter__(self) -> Iterator[Outcome[Any]]:
        alike = repeat(self.operation), self.rows, self.ids(), repeat(_UNCHANGED)
        return map(Outcome, self.places, *alike)


@frozen(kw_only=True)
class Progress:
    """How far a job is, in records."""

    done: int
    """Records that the server has."""
    failed: int
    """Records that ended in another way."""
    in_flight: int
    """Records read from the input that have no outcome yet."""
    total: int | None
    """Records in the input, where its length is known."""
    seconds: float
    """Since the job began."""
    per_second_now: float
    """Records with an outcome per second, in the last five seconds."""
    at_once: int
    """Batches that may be under way at once, by now."""
    bytes_sent: int
    """Bytes of the bodies of all requests."""
    bytes_received: int
    """Bytes of the bodies of their answers."""

    @property
    def finished(self) -> int:
        """Records that have an outcome."""
        return self.done + self.failed

    @property
    def per_second(self) -> float:
        """Records with an outcome per second, since the job began."""
        return self.finished / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until the end at the present speed; None where that cannot be told."""
        speed = self.per_second_now or self.per_second
        if self.total is None or not speed:
            return None
        return max(self.total - self.finished, 0) / speed


@define
class Report(Generic[SavedT]):
    """What became of all rows: a fold over their outcomes."""

    counts: dict[State, int] = field(factory=dict[State, int])
    """Rows by state; a state without rows is not there."""
    written: dict[str, int] = field(factory=dict[str, int])
    """What was done, by operation: ``create``, ``update``, ``delete``."""
    failures: list[Outcome[SavedT]] = field(factory=list[Outcome[SavedT]])
    """The first 1,000 outcomes that are not `ok`."""
    more_failures: int = 0
    """Failures beyond those."""
    requests: int = 0
    """``$batch`` requests, look-ups included, and pages that were read to compare with."""
    look_ups: int = 0
    """Those of them that asked which rows are there."""
    sent_again: int = 0
    """How often a row had to be sent once more."""
    bytes_sent: int = 0
    """Bytes of the bodies of all requests."""
    bytes_received: int = 0
    """Bytes of the bodies of their answers."""
    at_once: int = 0
    """Batches that might be under way at once, in the end."""
    advice: str = ""
    """What would make the next run faster, as far as this one has found out; empty for nothing."""
    seconds: float = 0.0
    """From the begin of the job to its end."""
    timeline: list[Moment] = field(factory=list[Moment], repr=False)
    """How far the job was when, and how many batches it had under way: 500 moments at most."""
    times: Times = field(factory=Times, repr=False, eq=False)
    """How long a batch took that was answered; not those that were held up by a refusal."""

    @property
    def total(self) -> int:
        """Rows with an outcome."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """Rows that the server has."""
        return sum(self.counts.get(state, 0) for state in _FINE)

    @property
    def failed(self) -> int:
        """Rows that ended in another way."""
        return self.total - self.done

    @property
    def per_second(self) -> float:
        """Rows with an outcome, per second."""
        return self.total / self.seconds if self.seconds else 0.0

    @property
    def p50(self) -> float:
        """Seconds within which half of the batches were answered."""
        return self.times.quantile(0.5)

    @property
    def p90(self) -> float:
        """Seconds within which nine of ten batches were answered."""
        return self.times.quantile(0.9)

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 batches were answered."""
        return self.times.quantile(0.99)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def plot(self, path: str | PathLike[str]) -> None:
        """Draw how the run went: throughput, batches at once, failures; over time.

        Args:
            path: Where to write it: ``.svg`` or ``.png``.

        Raises:
            ValueError: The name has another suffix, or the job has not run.
            ModuleNotFoundError: The extra ``plot`` is not installed.
            OSError: The file cannot be written.
        """
        from creatio_async.bulk.plotting import draw  # noqa: PLC0415 - loads a large library

        draw(self.timeline, Path(path), title=str(self).partition("\n")[0])

    def raise_for_failures(self) -> None:
        """Do nothing if the server has every row.

        Raises:
            BulkError: It does not; the error holds this report.
        """
        if self.failed:
            raise BulkError(self)

    def add(self, outcomes: Sequence[Outcome[SavedT]]) -> None:
        """Count *outcomes* in."""
        if isinstance(outcomes, Unchanged):
            if outcomes:
                self._count(_UNCHANGED, len(outcomes))
            return
        done = [outcome.operation for outcome in outcomes if outcome.state is _DONE]
        if done:
            self._count(State.DONE, len(done))
            kinds = {done[0]} if done.count(done[0]) == len(done) else set(done)
            for kind in kinds:
                self.written[kind] = self.written.get(kind, 0) + done.count(kind)
        if len(done) == len(outcomes):
            return
        for outcome in outcomes:
            if outcome.state is not State.DONE:
                self._count(outcome.state, 1)
                if not outcome.ok:
                    self._keep(outcome)

    def _count(self, state: State, outcomes: int) -> None:
        self.counts[state] = self.counts.get(state, 0) + outcomes

    def _keep(self, outcome: Outcome[SavedT]) -> None:
        if len(self.failures) < _KEPT:
            self.failures.append(outcome)
        else:
            self.more_failures += 1


@define(slots=False, eq=False)
class BulkError(CreatioError):
    """Some rows of a bulk job were not written."""

    report: Report

    def __str__(self) -> str:
        report = self.report
        states = ", ".join(f"{count:,} {state.value}" for state, count in report.counts.items())
        first = report.failures[0]
        return (
            f"{report.failed:,} of {report.total:,} rows were not written ({states}); "
            f"the first is row {first.index}: {first.error}"
        )


def _lines(report: Report) -> Iterator[str]:
    """Give what *report* says to a person, line by line."""
    states = ", ".join(f"{count:,} {state.value}" for state, count in report.counts.items())
    yield (
        f"{report.total:,} rows in {report.seconds:,.1f} s, {report.per_second:,.0f} a second: "
        f"{states or 'nothing to do'}"
    )
    if report.written:
        yield "written: " + ", ".join(f"{what} {n:,}" for what, n in report.written.items())
    yield (
        f"{report.requests:,} requests, {report.look_ups:,} of them look-ups; "
        f"{report.sent_again:,} rows sent again; "
        f"{_size(report.bytes_sent)} sent, {_size(report.bytes_received)} received"
    )
    if report.times.count:
        yield (
            f"a batch took {report.p50:.2g} s (median), {report.p90:.2g} s (90 %), "
            f"{report.p99:.2g} s (99 %); {report.at_once} at once in the end"
        )
    for outcome in report.failures[:_SHOWN]:
        yield f"row {outcome.index}: {outcome.state.value}: {outcome.error}"
    if report.failed > _SHOWN:
        yield f"and {report.failed - _SHOWN:,} more that were not written"
    if report.advice:
        yield report.advice


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    return f"{count / 1e3:,.0f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB"
