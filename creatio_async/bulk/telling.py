"""What a job tells while it runs, and writes into its report."""

from collections import deque
from collections.abc import Callable

from attrs import define, field

from creatio_async.bulk.meter import Meter
from creatio_async.bulk.report import Progress, Report
from creatio_async.bulk.timeline import Moment, Timeline
from creatio_async.protocol.pace import Pace, Phase
from creatio_async.runtime.adaptive import Lane

__all__ = ["Teller", "advice"]

_BETWEEN = 0.5
"""Seconds between two reports of progress at least."""
_LATELY = 5.0
"""Seconds that the present speed is the average of."""
_GLANCES = 20
"""Times at which it is noted down within them."""
_SERIAL = 2.5
"""Batches at once up to which a site seems to work on a session's requests one after another."""


@define(eq=False)
class Teller:
    """Keeps the report of a job up to date, and calls its `progress` now and then."""

    report: Report
    meter: Meter
    lane: Lane
    progress: Callable[[Progress], object] | None
    sessions: int = 1
    _told_at: float = field(init=False, default=0.0)
    _timeline: Timeline = field(init=False)
    _lately: deque[tuple[float, int]] = field(
        init=False, factory=lambda: deque[tuple[float, int]]([(0.0, 0)])
    )

    def __attrs_post_init__(self) -> None:
        self.report.times = self.meter.times
        self._timeline = Timeline(self.report.timeline)

    def tell(self, seconds: float, *, read: int, total: int | None, last: bool = False) -> None:
        """Take in how far the job is; call `progress` if it is time to.

        Args:
            seconds: Since the job began.
            read: Rows read from the input.
            total: Rows in the input, if that is known.
            last: Nothing follows.

        Raises:
            Exception: What `progress` raised.
        """
        report, meter = self.report, self.meter
        report.seconds = seconds
        report.requests, report.look_ups = meter.requests, meter.look_ups
        report.sent_again = meter.sent_again
        report.bytes_sent, report.bytes_received = meter.bytes_sent, meter.bytes_received
        report.at_once = self.lane.limit.limit
        if last:
            report.advice = advice(self.lane.pace, self.sessions)
        if last or self._timeline.is_due(seconds):
            done = report.done
            moment = Moment(seconds, done, report.total - done, report.at_once)
            self._timeline.add(moment, last=last)
        speed = self._speed(seconds) if self.progress is not None else 0.0
        if self.progress is None or (not last and seconds - self._told_at < _BETWEEN):
            return
        self._told_at = seconds
        call, done, finished = self.progress, report.done, report.total
        told = Progress(
            done=done,
            failed=finished - done,
            in_flight=read - finished,
            total=total,
            seconds=seconds,
            per_second_now=speed,
            at_once=report.at_once,
            bytes_sent=meter.bytes_sent,
            bytes_received=meter.bytes_received,
        )
        try:
            call(told)
        except Exception:
            self.progress = None
            raise

    def _speed(self, seconds: float) -> float:
        """Return the rows with an outcome per second, lately."""
        lately, finished = self._lately, self.report.total
        if seconds >= lately[-1][0] + _LATELY / _GLANCES:
            lately.append((seconds, finished))
            while len(lately) > 2 and lately[1][0] <= seconds - _LATELY:
                lately.popleft()
        since, before = lately[0]
        return (finished - before) / (seconds - since) if seconds > since else 0.0


def advice(pace: Pace | None, sessions: int) -> str:
    """Return what the caller might try, by what a job has found out; empty for nothing.

    Creatio may work on the requests of one session one after another. Then more batches at once
    gain nothing, and more sessions do.
    """
    is_settled = pace is not None and pace.phase in {Phase.SETTLED, Phase.PROBING}
    if pace is None or not is_settled or sessions > 1 or not 0 < pace.knee <= _SERIAL:
        return ""
    return (
        f"the site gained nothing by more than {max(round(pace.knee), 1)} at once: it may work on "
        "the requests of a session one after another, and then more sessions help: "
        "Creatio(..., sessions=4)"
    )
