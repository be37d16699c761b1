"""The setting by which the number of batches at once is found, and what was found out."""

from enum import Enum
from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import ge, instance_of

__all__ = ["AT_ONCE", "Adaptive", "Pace", "Phase"]


def _is_in_order(setting: "Adaptive", _: "Attribute[Any]", ceiling: int) -> None:
    if ceiling < setting.start:
        raise ValueError(f"the ceiling is {ceiling}, and start, {setting.start}, is above it")


@frozen
class Adaptive:
    """As many batches at once as the site gains by, found while they run: ``at_once=Adaptive()``.

    Jobs of one client that have the same setting share what they find, and the places.

    Raises:
        ValueError: *start* is below 1, or *ceiling* below *start*.
        TypeError: One of them is no int.
    """

    start: int = field(default=4, validator=[instance_of(int), ge(1)])
    """Batches at once in the beginning."""
    ceiling: int = field(default=32, validator=[instance_of(int), _is_in_order])
    """Batches at once at most."""


AT_ONCE = Adaptive()
"""What bulk calls do unless they are told otherwise."""


class Phase(Enum):
    """What a limiter is about."""

    GROWING = "twice as many each time, while throughput keeps pace"
    MEASURING = "one at a time, to see how long an answer takes"
    SETTLED = "at the knee"
    PROBING = "a few more, to see whether the site has more to give"


@frozen(kw_only=True)
class Pace:
    """What a limiter has found out. Times are those of the clock of its samples, in seconds."""

    limit: int
    """Batches at once."""
    phase: Phase
    throughput: float
    """Records per second in the last window; 0 before the first."""
    per_record: float
    """Seconds from a request to its answer, per record, while nobody waits; 0 before it is known.
    """
    knee: float
    """Batches under way when its throughput meets `per_record`: beyond them further ones only wait.
    0 before it is known."""
    refusals: int
    """Refusals in all."""
    history: tuple[tuple[float, int], ...]
    """The last 100 changes: when, and to how many at once."""
