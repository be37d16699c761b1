"""How many batches at once a site gains by: found from how long they take, without a clock.

The rule looks for the knee of the throughput. It begins with a few at once, so that a small job
loses nothing; then the limit doubles until it is plain that throughput does not keep pace, but not
above five before it is plain that the site works on several at once; and then it settles where
Little's law puts the knee: as many at once as are under way when the highest throughput meets R0,
the time of an answer for which nobody waits, and a few more. The levels at which throughput was in
proportion tell R0; where they do not, a few batches go one at a time to find it.
Refusals alone are no signal: Creatio is not known to send any before it is far beyond the knee.
Answer times alone are none, either: they scatter so much that a rule which shrinks on long ones
starves.
"""

import math
from collections import deque

from attrs import define, field

from creatio_async.protocol.knee import ALONE, TICK, Levels, Several, Window, scatter
from creatio_async.protocol.pace import Adaptive, Pace, Phase

__all__ = ["Limiter"]

_ALONE_MOST = 12
"""Batches at most that are sent one at a time to find R0."""
_TRIAL = 32
"""Answers for which it stays with the start where it is not plain whether the site works on several
at once: finding that out costs time, and with fewer batches a job is to be as fast as with always
that many."""
_LINE = 5
"""The limit until it is plain that the site works on several at once: else four are in line behind
the one that is worked on."""
_LONG = 15.0
"""Seconds of an answer on average from which on R0 is found before the limit doubles: twice as many
at once might make them twice as long, and a server gives a request up after some time."""
_WINDOW = 16
"""Answers at least by which a throughput is measured; more where more are under way."""
_LOOKS = 3
"""Windows at most before the limit grows, or does not."""
_DOUBT = 1.5
"""Standard errors by which a throughput may fall behind what is in proportion, and the limit grows
at once."""
_REFUTED = 3.0
"""The same from which on it is plain that throughput does not keep pace."""
_LIKELY = 0.7
"""The same within which the limit follows the highest number of workers."""
_MORE = 4
"""Answers until a window that was not enough is judged once more."""
_SURE = 0.7
"""The part of a proportional gain that a probe has to make. Its step is small, and chance must not
carry the limit away."""
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
_FRESH = 2
"""How often it is done soon after the knee was found by a few windows, which chance has a part in:
once to find it by more of them, and once for a probe that goes far."""
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
_FAR = 3.0
"""Standard errors by which it has to at least."""
_IDLE = 0.5
"""The part of the limit below which the callers, and not the site, made the throughput."""
_KEPT = 100
"""Changes of the limit that are remembered."""


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
    _window: Window = field(init=False, factory=Window)
    _due: int = field(init=False, default=0)
    """How many answers the window has when it is judged once more; 0 for the first time."""
    _several: Several = field(init=False, factory=Several)
    _levels: Levels = field(init=False, factory=Levels)
    """What growing has shown so far."""
    _grown: int = field(init=False, default=1)
    """Where growing was while batches go one at a time."""
    _doubted: int = field(init=False, default=0)
    """The level that did not keep pace, while the one below has a second look; 0 for none."""
    _before: tuple[int, float] = field(init=False, default=(1, 0.0))
    """The limit that a probe is compared with, and its throughput."""
    _per_record: float = field(init=False, default=0.0)
    """R0."""
    _usual: Window = field(init=False, factory=Window)
    """All windows since the limit has settled."""
    _windows: int = field(init=False, default=0)
    """Windows since the last probe."""
    _fresh: int = field(init=False, default=0)
    """How often it is soon looked around still, as the knee was found by a few windows."""
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
        if started >= self._changed_at and not self._several.is_plain:
            self._several.add(started, ended)
        if self.phase is Phase.MEASURING:
            if started >= self._changed_at:
                self._add_alone(max(ended - started, TICK), records, ended)
            return
        window = self._window
        if window.begun is None:
            if started >= self._changed_at:  # the first that was sent under this limit
                window.begun = window.ended = ended
            return
        window.add(started, ended, records)
        if window.answers >= max(self._wanted(), self._due) and window.elapsed > TICK:
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
    def _highest(self) -> int:
        """What the limit may grow to."""
        line = self.most if self._several.is_plain else max(_LINE, self.setting.start)
        return min(self.most, self._roof or self.most, line)

    def _wanted(self) -> int:
        """Return of how many answers a window is."""
        window = max(_WINDOW, self.limit) * (2 if self._doubted else 1)
        return _PROBE * window if self.phase is Phase.PROBING else window

    def _judge(self, now: float) -> None:
        window, self._window = self._window, Window(begun=now, ended=now)
        self._due = 0
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

    def _grow(self, window: Window, now: float) -> None:
        levels, several = self._levels, self._several
        levels.put(self.limit, window.answers, window.per_record(self.limit))
        if levels.lowest == 1:
            several.compare(window.throughput)
        doubt = levels.doubt(self._doubted or self.limit)
        if self._doubted:
            self._end_second_look(doubt, now)
        elif doubt > _REFUTED:
            self._begin_second_look(now)
        elif doubt > _DOUBT and window.answers < _LOOKS * self._wanted():
            self._look_longer(window)
        elif levels.lowest == 1 or self.limit >= min(self.most, self._roof or self.most):
            self._grow_on(self.limit, now)
        elif not several.is_plain and window.answers < _TRIAL:
            self._look_longer(window)
        elif not several.is_plain or window.busy > _LONG * window.answers:
            self._measure(now)
        else:
            self._grow_on(self.limit, now)

    def _grow_on(self, level: int, now: float) -> None:
        """Double *level*, if there is room; else growing has ended."""
        if level < self._highest:
            self._go(Phase.GROWING, 2 * level, now)
        else:
            self._found(now)

    def _look_longer(self, window: Window) -> None:
        """Have more answers: a few unlucky batches look like no gain."""
        self._window, self._due = window, window.answers + _MORE

    def _begin_second_look(self, now: float) -> None:
        """See whether the level below was nothing but lucky; that costs nothing, if it was not."""
        below = self._levels.below(self.limit)
        if below > 1 and self._levels.answers(below) < 2 * max(_WINDOW, below):
            self._doubted = self.limit
            self._go(Phase.GROWING, below, now)
        else:
            self._found(now)

    def _end_second_look(self, doubt: float, now: float) -> None:
        level, self._doubted = self._doubted, 0
        if doubt > _REFUTED:
            self._found(now)
        else:
            self._grow_on(level, now)

    def _found(self, now: float) -> None:
        """Growing has ended; settle, once there is a level at which nobody waits."""
        lowest = self._levels.lowest
        if lowest == 1 or self._levels.doubt(lowest) > _REFUTED:
            self._settle(now)
        else:
            self._measure(now)

    def _measure(self, now: float) -> None:
        self._grown = self.limit
        self._go(Phase.MEASURING, 1, now)

    def _add_alone(self, seconds: float, records: int, now: float) -> None:
        alone, levels = self._several.alone, self._levels
        alone.append((seconds, records))
        if len(alone) % ALONE:
            return
        per_record = sum(seconds for seconds, _ in alone) / sum(records for _, records in alone)
        levels.put(1, len(alone), per_record)
        self._several.compare(self._throughput)
        if not self._several.is_plain and len(alone) < _ALONE_MOST:
            return
        if levels.doubt(self._grown) <= _REFUTED:
            self._grow_on(self._grown, now)
        else:
            self._settle(now)

    def _stay(self, window: Window, now: float) -> None:
        usual = self._usual
        if usual.answers and self._fresh < _FRESH:
            far = max(math.log(_CHANGED), _FAR * scatter(usual.answers, window.answers))
            is_odd = abs(math.log(window.throughput / usual.throughput)) > far
            self._odd = self._odd + 1 if is_odd else 0
        if self._odd == 2:
            self._begin(now)
            return
        if not self._odd:
            usual.merge(window)
        self._windows += 1
        if self._windows >= (_SOON if self._fresh else _PERIOD):
            self._windows = 0
            self._look_around(now)

    def _look_around(self, now: float) -> None:
        usual, fresh = self._usual, self._fresh
        if not self._levels.highest:  # a refusal came before anything was known
            self._levels.put(self.limit, usual.answers, usual.per_record(self.limit))
            self._measure(now)
            return
        self._fresh = max(fresh - 1, 0)
        if fresh == _FRESH:
            self._levels.put(self.limit, usual.answers, usual.per_record(self.limit))
            knee = min(self._knee(), self._highest)
            if knee != self.limit:
                self._usual, self._odd = Window(), 0
                self._go(Phase.SETTLED, knee, now)
                return
        self._probes += 1
        if self._probes >= self._roof_ends:
            self._roof = 0
        if self._probes >= _RENEWAL:
            self._begin(now)
        elif self.limit < self._highest:
            self._probe(_STRIDE if fresh else _STEP, usual.throughput, now)

    def _probe(self, step: float, throughput: float, now: float) -> None:
        self._before = self.limit, throughput
        self._go(Phase.PROBING, math.ceil(step * self.limit), now)

    def _end_probe(self, throughput: float, now: float) -> None:
        before, base = self._before
        ratio = throughput / base
        if ratio - 1 < _SURE * (self.limit / before - 1):
            is_chance = ratio - 1 < 2 * scatter(self._wanted(), self._wanted())
            self._go(Phase.SETTLED, before if is_chance else math.ceil(before * ratio), now)
            return
        self._usual, self._odd = Window(), 0
        if self.limit < self._highest:
            self._probe(_STRIDE, throughput, now)
        else:
            self._go(Phase.SETTLED, self.limit, now)

    def _settle(self, now: float) -> None:
        self._usual, self._windows, self._odd = Window(), 0, 0
        self._fresh = _FRESH
        self._go(Phase.SETTLED, self._knee(), now)

    def _knee(self) -> int:
        self._per_record = self._levels.per_record()
        return math.ceil(_ROOM * self._levels.workers(_LIKELY)) + 1

    def _cut(self, now: float) -> None:
        """Shrink; a limit that was refused is not tried again soon."""
        if self.phase is Phase.MEASURING:
            return
        if self._cuts == 0:
            self._roof = max(self.limit - 1, 1)
            self._roof_ends = self._probes + 1 + _ROOF
        self._cuts += 1
        limit = int(_CUT * self.limit)
        if self.phase is Phase.GROWING and self._levels.highest:
            limit = min(limit, self._knee(), self._levels.highest)
        self._usual, self._windows, self._odd, self._doubted = Window(), 0, 0, 0
        self._go(Phase.SETTLED, limit, now)

    def _begin(self, now: float) -> None:
        """Measure all anew."""
        self._levels, self._several = Levels(), Several()
        self._probes = self._doubted = self._cuts = self._odd = self._windows = self._roof = 0
        self._go(Phase.GROWING, min(self.limit, self.setting.start), now)

    def _go(self, phase: Phase, limit: int, now: float) -> None:
        limit = max(1, min(limit, self._highest))
        self.phase = phase
        self._window, self._due = Window(), 0
        if limit != self.limit:
            self.limit, self._changed_at = limit, now
            self._history.append((now, limit))
        else:
            self._window.begun = self._window.ended = now
