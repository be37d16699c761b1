"""How a run went, in so few points that it may last for days."""

from attrs import define, field, frozen

__all__ = ["Moment", "Timeline"]

_KEPT = 500
"""Points that are kept; where there would be more, every second one goes."""
_SPACING = 0.05
"""Seconds between two points, in the beginning."""


@frozen
class Moment:
    """How far a job was at one time."""

    seconds: float
    """Since it began."""
    done: int
    """Rows that the server had by then."""
    failed: int
    """Rows that had ended in another way."""
    at_once: int
    """Batches that might be under way at once."""


@define(eq=False)
class Timeline:
    """Moments of a run, evenly spaced: the longer it lasts, the further apart."""

    moments: list[Moment] = field(factory=list[Moment])
    _spacing: float = _SPACING

    def is_due(self, seconds: float) -> bool:
        """Say whether a moment at that time would be kept."""
        return not self.moments or seconds >= self.moments[-1].seconds + self._spacing

    def add(self, moment: Moment, *, last: bool = False) -> None:
        """Keep *moment*, unless it is too near to the one before; the last one in any case."""
        kept = self.moments
        if not last and not self.is_due(moment.seconds):
            return
        if last and kept and kept[-1].seconds == moment.seconds:
            kept.pop()
        kept.append(moment)
        if len(kept) > _KEPT:
            del kept[1::2]
            self._spacing = max(2 * self._spacing, 2 * moment.seconds / _KEPT)
