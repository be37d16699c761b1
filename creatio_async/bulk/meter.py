"""What a job has sent, counted; and what that says about the size of its batches."""

import math

from attrs import define, field

from creatio_async.errors import ResponseError, TransportError
from creatio_async.protocol.sizing import Sizing

__all__ = ["Meter", "Times"]

_BASE = math.log(1.02)
"""Durations that differ by less than two percent are taken for the same."""
_LEAST = 1e-6


@define(eq=False)
class Times:
    """Any number of durations, in a few hundred counters: a histogram of their logarithms."""

    count: int = 0
    _counts: dict[int, int] = field(factory=dict[int, int])

    def add(self, seconds: float) -> None:
        """Count one in."""
        step = round(math.log(max(seconds, _LEAST)) / _BASE)
        self._counts[step] = self._counts.get(step, 0) + 1
        self.count += 1

    def quantile(self, part: float) -> float:
        """Return the seconds that this *part* of the durations did not exceed; 0 if there is none.

        It is off by one percent at most.
        """
        passed = 0
        for step in sorted(self._counts):
            passed += self._counts[step]
            if passed >= part * self.count:
                return math.exp(step * _BASE)
        return 0.0


@define(eq=False)
class Meter:
    """Counts the requests of one job."""

    requests: int = 0
    """Requests so far, look-ups included."""
    look_ups: int = 0
    """Those that ask which rows are there."""
    sent_again: int = 0
    """Rows that had to be sent once more."""
    bytes_sent: int = 0
    bytes_received: int = 0
    times: Times = field(factory=Times)
    """How long batches took that were answered, and not held up by a refusal."""
    sizing: Sizing | None = None
    """What is told of them; None where nobody asks how large a batch may be."""

    def counts_for(self, other: "Meter") -> None:
        """Take what was counted into *other*."""
        other.requests += self.requests
        other.look_ups += self.look_ups
        other.sent_again += self.sent_again
        other.bytes_sent += self.bytes_sent
        other.bytes_received += self.bytes_received

    def answered(self, rows: int, seconds: float) -> None:
        """Take in that a batch was answered."""
        self.times.add(seconds)
        if self.sizing is not None:
            self.sizing.took(rows, seconds)

    def failed(self, rows: int, seconds: float, error: TransportError | ResponseError) -> None:
        """Take in that a batch has failed whole: for want of time, it may be, or after a while."""
        if self.sizing is None:
            return
        if _is_late(error):
            self.sizing.lost(rows)
        else:
            self.sizing.took(rows, seconds)


def _is_late(error: TransportError | ResponseError) -> bool:
    if isinstance(error, ResponseError):
        return error.status == 504
    return isinstance(error.__cause__, TimeoutError)
