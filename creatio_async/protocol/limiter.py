"""How many batches at once a site gains by: found from how long they take, without a clock.

The rule looks for the knee of the throughput. It begins with a few at once, so that a small job
loses nothing; then the limit doubles for as long as throughput keeps pace; and then it settles
where Little's law puts the knee: as many at once as are under way when the highest throughput meets
R0, the time of an answer for which nobody waits, and a few more. R0 is that of the levels at which
throughput was in proportion; where there was none, a few batches go one at a time to find it.
Refusals alone are no signal: Creatio is not known to send any before it is far beyond the knee.
Answer times alone are none, either: they scatter so much that a rule which shrinks on long ones
starves.
"""

import math
from collections import deque

from attrs import define, field

from creatio_async.protocol.pace import Adaptive, Pace, Phase

__all__ = ["Limiter"]

_ALONE = 4
"""Batches that are sent one at a time to find R0."""
_LONG = 15.0
"""Seconds of an answer on average from which on R0 is found before the limit doubles: twice as many
at once might make them twice as long, and a server gives a request up after some time."""
_WINDOW = 16
"""Answers at least by which a throughput is measured; more where more are under way."""
_GAIN = 0.4
"""The part of a proportional gain that throughput has to keep for the limit to grow."""
_SURE = 0.6
"""The same of a probe. Its step is small, and chance must not carry the limit away."""
_FREE = 0.75
"""The part of a proportional gain at which nobody waits yet: such answer times are R0, too."""
_ROOM = 1.15
"""What the limit has above the knee, for answer times that scatter."""
_CUT = 0.7
"""What is left of the limit after a refusal."""
_STEP = 1.25
"""How far a probe goes."""
_STRIDE = 1.5
"""How far one goes that follows a probe that gained."""
_PERIOD = 12
"""Windows from one probe to the next."""
_SOON = 4
"""The same after the knee was first found, which chance has a part in."""
_PROBE = 6
"""Windows of a probe. They cost nothing, and a gain of a seventh has to stand out from chance."""
_RENEWAL = 20
"""Probes after which all is measured anew: what was taken for a gain by chance is forgotten."""
_ROOF = 4
"""Probes for which a limit that was refused is not tried again."""
_OUTAGE = 3
"""Cuts without a window between them that no limit can be the reason of."""
_CHANGED = 1.6
"""The factor by which throughput changes, twice running, when the site has changed."""
_IDLE = 0.5
"""The part of the limit below which the callers, and not the site, made the throughput."""
_KEPT = 100
"""Changes of the limit that are remembered."""


@define
class _Window:
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
        return self.ended - (self.ended if self.begun is None else self.begun)

    @property
    def throughput(self) -> float:
        return self.records / self.elapsed

    def add(self, started: float, ended: float, records: int) -> None:
        self.answers += 1
        self.records += records
        self.busy += max(ended - started, 0.0)
        self.ended = max(ended, self.ended)

    def merge(self, other: "_Window") -> None:
        self.answers += other.answers
        self.records += other.records
        self.busy += other.busy
        self.ended = self.elapsed + other.elapsed
        self.begun = 0.0


@define(eq=False)
class Limiter:
    """The limit of one site, from samples of what was sent to it.

    Whoever sends keeps at most `limit` batches under way, and reports each of them when it ends.
    The limit is never below 1 nor above the ceiling. Not for several threads.
    """

    setting: Adaptive
    limit: int = field(init=False)
    """Batches under way at most, as of the last sample."""
    phase: Phase = field(init=False, default=Phase.GROWING)
    _changed_at: float = field(init=False, default=-math.inf)
    """What was sent before this belongs to another limit."""
    _window: _Window = field(init=False, factory=_Window)
    _alone: _Window = field(init=False, factory=_Window)
    """Answers while nobody waited."""
    _before: tuple[int, float] | None = field(init=False, default=None)
    """The limit that the present one is compared with, and its throughput."""
    _levels: list[_Window] = field(init=False, factory=list[_Window])
    """The windows of the levels so far, while R0 is not known."""
    _grown: tuple[int, float] | None = field(init=False, default=None)
    """Where growing has ended, and the highest throughput, while R0 is measured; None where all is
    measured anew, and carefully: R0 before anything else."""
    _may_go_on: bool = field(init=False, default=False)
    """Growing has ended because answers took long, and goes on where throughput keeps pace."""
    _usual: _Window = field(init=False, factory=_Window)
    """All windows since the limit has settled."""
    _windows: int = field(init=False, default=0)
    """Windows since the last probe."""
    _is_rough: bool = field(init=False, default=False)
    """The knee was found by the highest of a few windows, which chance has made higher."""
    _odd: int = field(init=False, default=0)
    """Windows in a row, up to the last one, that were far from the usual."""
    _probes: int = field(init=False, default=0)
    _cuts: int = field(init=False, default=0)
    """Cuts since the last window."""
    _roof: int = field(init=False, default=0)
    """The limit that is not exceeded for now; 0 for none."""
    _roof_ends: int = field(init=False, default=0)
    """The probe before which the roof is forgotten."""
    _throughput: float = field(init=False, default=0.0)
    _refusals: int = field(init=False, default=0)
    _history: deque[tuple[float, int]] = field(
        init=False, factory=lambda: deque[tuple[float, int]](maxlen=_KEPT)
    )

    def __attrs_post_init__(self) -> None:
        self.limit = self.setting.start

    def sample(self, started: float, ended: float, records: int, *, refused: bool = False) -> None:
        """Take in what became of one batch, and adjust `limit`.

        Args:
            started: When it was sent, in seconds of any clock that never goes back.
            ended: When its answer came.
            records: Records in it.
            refused: The site turned it away for being too busy: 429, 503, no answer in time, or
                several 500s that do not say why. Then the limit shrinks, once for all that was
                sent before.
        """
        if refused:
            self._refusals += 1
            if started >= self._changed_at or self._cuts == 0:
                self._cut(ended)
            return
        if records < 1:
            return
        if self.phase is Phase.MEASURING:
            if started >= self._changed_at:
                self._alone.add(started, ended, records)
                if self._alone.answers % _ALONE == 0 and self._alone.busy > 0:
                    self._measured(ended)
            return
        window = self._window
        if window.begun is None:
            if started >= self._changed_at:  # the first that was sent under this limit
                window.begun = window.ended = ended
            return
        window.add(started, ended, records)
        if window.answers >= self._wanted() and window.elapsed > 0:
            self._judge(ended)

    @property
    def most(self) -> int:
        """What `limit` may ever be."""
        return self.setting.ceiling

    def snapshot(self) -> Pace:
        """Return what is known by now."""
        return Pace(
            limit=self.limit,
            phase=self.phase,
            throughput=self._throughput,
            per_record=self._per_record,
            knee=self._usual.throughput * self._per_record if self._usual.elapsed else 0.0,
            refusals=self._refusals,
            history=tuple(self._history),
        )

    @property
    def _per_record(self) -> float:
        """R0."""
        alone = self._alone
        return alone.busy / alone.records if alone.records else 0.0

    @property
    def _highest(self) -> int:
        """What the limit may grow to."""
        return min(self.most, self._roof or self.most)

    def _wanted(self) -> int:
        """Return of how many answers a window is."""
        window = max(_WINDOW, self.limit)
        return _PROBE * window if self.phase is Phase.PROBING else window

    def _measured(self, now: float) -> None:
        self._before = 1, 1 / self._per_record
        if self._grown is None:
            if self._highest > 1:
                self._go(Phase.GROWING, max(self.setting.start, 2), now)
            else:
                self._settle(self._before[1], now)
            return
        level, throughput = self._grown
        enough = _GAIN if self._may_go_on else _FREE  # as chance may have hidden a gain, too
        if level < self._highest and self._gain(level, throughput) >= enough:
            self._before = level, throughput
            self._go(Phase.GROWING, 2 * level, now)
        else:
            self._settle(throughput, now)

    def _judge(self, now: float) -> None:
        window, self._window = self._window, _Window(begun=now, ended=now)
        if window.busy < _IDLE * self.limit * window.elapsed:
            return
        self._throughput = window.throughput
        if self._cuts >= _OUTAGE:
            self._begin(now)
            return
        self._cuts = 0
        match self.phase:
            case Phase.GROWING:
                self._grow(window, now)
            case Phase.PROBING:
                self._end_probe(window.throughput, now)
            case _:
                self._stay(window, now)

    def _grow(self, window: _Window, now: float) -> None:
        throughput = window.throughput
        if self._before is None:
            self._levels = [window]
            if self.limit == 1:
                self._alone.merge(window)
            self._double(window, now)
            return
        gain = self._gain(self.limit, throughput)
        if gain < _GAIN and window.answers < 2 * self._wanted():
            self._window = window  # a few unlucky batches look like no gain: have a second window
            return
        self._levels.append(window)
        if gain >= _FREE and len(self._levels) > 2:  # of one such gain chance might be the reason
            for each in self._levels:
                self._alone.merge(each)
            self._levels.clear()
        if gain >= _GAIN:
            self._double(window, now)
        else:
            self._found(max(throughput, self._before[1]), now)

    def _double(self, window: _Window, now: float) -> None:
        """Grow, if there is room and answers do not take too long; else it is at its end."""
        throughput = window.throughput
        self._before = self.limit, throughput
        self._may_go_on = not self._alone.answers and window.busy > _LONG * window.answers
        if self.limit < self._highest and not self._may_go_on:
            self._go(Phase.GROWING, 2 * self.limit, now)
        else:
            self._found(throughput, now)

    def _found(self, throughput: float, now: float) -> None:
        """Settle by the highest *throughput*, once R0 is known."""
        if self._alone.answers:
            self._settle(throughput, now)
        else:
            self._measure(throughput, now)

    def _measure(self, throughput: float, now: float) -> None:
        self._grown = self.limit, throughput
        self._go(Phase.MEASURING, 1, now)

    def _gain(self, limit: int, throughput: float) -> float:
        """Return how much of the gain there is that would be in proportion to the limit."""
        before, base = self._before or (1, throughput)
        return (throughput / base - 1) / (limit / before - 1)

    def _stay(self, window: _Window, now: float) -> None:
        usual = self._usual
        if usual.answers:
            ratio = window.throughput / usual.throughput
            self._odd = self._odd + 1 if not 1 / _CHANGED < ratio < _CHANGED else 0
        if self._odd == 2:
            self._begin(now)
            return
        if not self._odd:
            usual.merge(window)
        self._windows += 1
        if self._windows >= (_SOON if self._is_rough else _PERIOD):
            self._probe(now)

    def _probe(self, now: float) -> None:
        self._windows = 0
        if not self._alone.answers:  # a refusal came before R0 was known
            if self.limit > 1:
                self._measure(self._usual.throughput, now)
                return
            self._alone.merge(self._usual)
        if self._is_rough:
            self._is_rough = False
            knee = self._knee(self._usual.throughput)
            if knee < self.limit:
                self._usual, self._odd = _Window(), 0
                self._go(Phase.SETTLED, knee, now)
                return
        self._probes += 1
        if self._probes >= self._roof_ends:
            self._roof = 0
        if self._probes >= _RENEWAL:
            self._begin(now)
        elif self.limit < self._highest:
            self._before = self.limit, self._usual.throughput
            self._go(Phase.PROBING, math.ceil(_STEP * self.limit), now)

    def _end_probe(self, throughput: float, now: float) -> None:
        before = self._before[0] if self._before is not None else 1
        gain = self._gain(self.limit, throughput)
        if gain < _SURE:
            self._go(Phase.SETTLED, before, now)
            return
        self._usual, self._odd = _Window(), 0
        if self.limit < self._highest:
            self._before = self.limit, throughput
            self._go(Phase.PROBING, math.ceil(_STRIDE * self.limit), now)
        else:
            self._go(Phase.SETTLED, self.limit, now)

    def _settle(self, throughput: float, now: float) -> None:
        self._usual, self._windows, self._odd = _Window(), 0, 0
        self._is_rough = True
        self._go(Phase.SETTLED, self._knee(throughput), now)

    def _knee(self, throughput: float) -> int:
        return math.ceil(_ROOM * throughput * self._per_record) + 1

    def _cut(self, now: float) -> None:
        """Shrink; a limit that was refused is not tried again soon."""
        if self.phase is Phase.MEASURING:
            return
        if self._cuts == 0:
            self._roof = max(self.limit - 1, 1)
            self._roof_ends = self._probes + 1 + _ROOF
        self._cuts += 1
        limit = int(_CUT * self.limit)
        if self.phase is Phase.GROWING and self._before is not None:
            level, throughput = self._before
            limit = min(limit, self._knee(throughput) if self._alone.answers else level)
        self._usual, self._windows, self._odd = _Window(), 0, 0
        self._may_go_on, self._levels = False, []
        self._go(Phase.SETTLED, limit, now)

    def _begin(self, now: float) -> None:
        """Measure all anew."""
        self._alone = _Window()
        self._grown, self._levels = None, []
        self._probes = self._cuts = self._odd = self._windows = self._roof = 0
        self._go(Phase.MEASURING, 1, now)

    def _go(self, phase: Phase, limit: int, now: float) -> None:
        limit = max(1, min(limit, self._highest))
        self.phase = phase
        self._window = _Window()
        if limit != self.limit:
            self.limit, self._changed_at = limit, now
            self._history.append((now, limit))
        else:
            self._window.begun = self._window.ended = now
