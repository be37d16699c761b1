"""What is to be seen in the answers of a site of how many batches it works on at once."""

import math
from bisect import bisect_right
from collections import deque

from attrs import define, field

__all__ = ["ALONE", "TICK", "Levels", "Several", "Window", "scatter"]

TICK = 1e-6
"""Seconds that a clock can tell apart."""
_SCATTER = 0.66
"""The coefficient of variation of answer times: that of a log-normal distribution with a sigma of
0.6. What is found by so many answers is off by it, divided by the root of their number."""
ALONE = 4
"""Batches that are sent one at a time to find out about a site; some more where that leaves a
doubt."""
_OVERTAKEN = 2
"""Overtakings of which it is plain; a single one may be a hiccup on the way."""
_REMEMBERED = 64
"""Answers of which the times are known, to tell what was sent before which of them."""


def scatter(*answers: int) -> float:
    """Return the standard error of the ratio of what is found by so many answers each."""
    return _SCATTER * math.sqrt(sum(1 / number for number in answers))


@define
class Window:
    """Answers in a row, and the time in which they came."""

    begun: float | None = None
    """When the answer before the first one came."""
    ended: float = 0.0
    answers: int = 0
    records: int = 0
    busy: float = 0.0
    """Seconds under way, summed over the answers."""

    @property
    def elapsed(self) -> float:
        """Seconds."""
        return self.ended - (self.ended if self.begun is None else self.begun)

    def per_record(self, limit: int) -> float:
        """Return the seconds that a record took one of *limit* places, of which all were taken."""
        return (self.busy if limit == 1 else limit * self.elapsed) / self.records

    @property
    def throughput(self) -> float:
        """Records per second."""
        return self.records / self.elapsed

    def add(self, started: float, ended: float, records: int) -> None:
        """Take in an answer."""
        self.answers += 1
        self.records += records
        self.busy += max(ended - started, TICK)
        self.ended = max(ended, self.ended)

    def merge(self, other: "Window") -> None:
        """Take in the answers of *other*."""
        self.answers += other.answers
        self.records += other.records
        self.busy += other.busy
        self.ended = self.elapsed + other.elapsed
        self.begun = 0.0


@define(eq=False)
class Levels:
    """How long answers take with so many at once, and how many workers that speaks for.

    With `n` workers, who take `t` for a record, an answer takes `t` where at most `n` are under
    way at once, and ``t * m / n`` where `m` are: those who wait for a worker make up for it. Of all
    `n` the likeliest is the one by which the levels are least off; `t` is what then fits all of
    them best, each with the weight of its answers.
    """

    _seen: dict[int, tuple[int, float]] = field(init=False, factory=dict[int, tuple[int, float]])
    """For so many at once: answers, and the logarithm of their seconds per record."""

    def put(self, limit: int, answers: int, per_record: float) -> None:
        """Say how long *answers* took at *limit*, in seconds for a record; the last word counts."""
        self._seen[limit] = answers, math.log(per_record)

    @property
    def lowest(self) -> int:
        """The lowest of them; 0 without any."""
        return min(self._seen, default=0)

    @property
    def highest(self) -> int:
        """The highest of them; 0 without any."""
        return max(self._seen, default=0)

    def answers(self, limit: int) -> int:
        """Return how many answers there are to *limit*."""
        return self._seen[limit][0]

    def below(self, limit: int) -> int:
        """Return the next level below *limit*; 0 without any."""
        return max((each for each in self._seen if each < limit), default=0)

    def doubt(self, workers: int) -> float:
        """Return by how many standard errors *workers* are less likely than the likeliest.

        As many as the highest level means that many or more: they cannot be told from each other.
        """
        return math.sqrt(max(self._misfit(workers) - min(self._misfits()), 0.0)) / _SCATTER

    def workers(self, doubt: float = 0.0) -> int:
        """Return how many workers there are at most; more of them are in greater doubt."""
        misfits = self._misfits()
        bound = min(misfits) + (doubt * _SCATTER) ** 2
        return max(n for n, misfit in enumerate(misfits, 1) if misfit <= bound)

    def per_record(self) -> float:
        """Return the seconds of an answer for which nobody waits, per record."""
        return math.exp(self._fit(self.workers()))

    def _misfits(self) -> list[float]:
        return [self._misfit(workers) for workers in range(1, self.highest + 1)]

    def _misfit(self, workers: int) -> float:
        fit = self._fit(workers)
        return sum(n * (alone - fit) ** 2 for n, alone in self._without_waiting(workers))

    def _fit(self, workers: int) -> float:
        levels = self._without_waiting(workers)
        return sum(n * alone for n, alone in levels) / sum(n for n, _ in levels)

    def _without_waiting(self, workers: int) -> list[tuple[int, float]]:
        return [
            (answers, took - math.log(max(limit / workers, 1.0)))
            for limit, (answers, took) in self._seen.items()
        ]


@define(eq=False)
class Several:
    """Whether it is plain that a site works on several batches at once.

    One that does one at a time, in order, never lets a batch overtake another; and there one alone
    seldom takes longer than two of those that follow each other. It is no overtaking where both
    were sent at nearly the same time: not before an answer came in between.
    """

    is_plain: bool = field(init=False, default=False)
    alone: list[tuple[float, int]] = field(init=False, factory=list[tuple[float, int]])
    """Of batches that were sent one at a time: seconds until the answer, and records."""
    _overtaken: int = field(init=False, default=0)
    """Answers that came after one to a batch that was sent later."""
    _ended: deque[float] = field(init=False, factory=lambda: deque[float](maxlen=_REMEMBERED))
    _latest: float = field(init=False, default=-math.inf)
    """When the last one of those that have answers was sent."""
    _before: float = field(init=False, default=-math.inf)
    """The last answer before that."""

    def add(self, started: float, ended: float) -> None:
        """Take in an answer."""
        if started < self._before:
            self._overtaken += 1
            self.is_plain = self.is_plain or self._overtaken >= _OVERTAKEN
        elif started > self._latest:
            earlier = bisect_right(self._ended, started)
            self._latest = started
            self._before = self._ended[earlier - 1] if earlier else -math.inf
        self._ended.append(max(ended, self._ended[-1] if self._ended else ended))

    def compare(self, throughput: float) -> None:
        """Compare those that were alone with the *throughput* of some at once."""
        brief = sum(seconds * throughput < 2 * records for seconds, records in self.alone)
        if len(self.alone) >= ALONE and brief <= (len(self.alone) - ALONE) // 4:
            self.is_plain = True
