"""How much is asked of a site at once, and how long an answer may take."""

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from attrs import Attribute, define, field, frozen
from attrs.validators import ge, instance_of

from creatio_async.protocol.pace import Adaptive
from creatio_async.protocol.sizing import SERVER_GIVES_UP
from creatio_async.runtime.adaptive import Lane, checked, for_bulk, lane_for

__all__ = ["Gate", "Limits", "Timeouts"]


def _is_duration(_: object, field: "Attribute[Any]", value: float | None) -> None:
    if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{field.name} is a number of seconds above 0, or None, not {value}")


@frozen(kw_only=True)
class Limits:
    """How many requests one client has under way at once."""

    at_once: int = field(default=48, validator=[instance_of(int), ge(1)])
    """Requests under way at most; further ones wait for their turn, in the order they came. Bulk
    jobs leave a quarter of them to single calls, so of 48 they may have 36. ASP.NET lets 50
    requests of one session wait, and answers further ones with 500."""
    throttle: AbstractAsyncContextManager[object] | None = None
    """Entered before each send but a login, for instance ``aiolimiter.AsyncLimiter(100, 60)``."""


@frozen(kw_only=True)
class Timeouts:
    """How long to wait, in seconds; None is for ever.

    A deadline for a whole call, its repeats included, is ``async with asyncio.timeout(...)``.
    """

    connect: float | None = field(default=10.0, validator=_is_duration)
    """For a connection."""
    read: float | None = field(default=180.0, validator=_is_duration)
    """For the next bytes of an answer. Creatio itself gives up a request after 120 s."""
    total: float | None = field(default=None, validator=_is_duration)
    """For one request from its first byte to the last of its answer."""


@define
class Gate:
    """Lets so many through at once."""

    limits: Limits
    timeouts: Timeouts = field(factory=Timeouts)
    places: asyncio.Semaphore = field(init=False)
    """Held by a call while it is sent and answered, and while its session is renewed."""
    throttle: AbstractAsyncContextManager[object] | None = field(init=False)
    """Entered before each send; None for nothing."""
    bulk: asyncio.Semaphore = field(init=False)
    """Held by each batch of a bulk job: what it leaves of the places is there for single calls."""
    _lanes: dict[Adaptive, Lane] = field(init=False, factory=dict[Adaptive, Lane])

    def __attrs_post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.limits.at_once)
        self.throttle = self.limits.throttle
        self.bulk = asyncio.Semaphore(for_bulk(self.limits.at_once))

    @property
    def longest(self) -> float:
        """Seconds after which no answer comes any more: the server, or this side, has given up."""
        timeouts = self.timeouts
        return min(SERVER_GIVES_UP, timeouts.read or math.inf, timeouts.total or math.inf)

    def lane(self, at_once: int | Adaptive, clock: Callable[[], float]) -> Lane:
        """Return the lane of a bulk job: its own for a number, that of the client for a setting.

        Raises:
            ValueError: *at_once* is below 1.
            TypeError: It is neither a number nor a setting.
        """
        if isinstance(at_once, Adaptive):
            if at_once not in self._lanes:
                self._lanes[at_once] = lane_for(at_once, self.limits.at_once, clock, self.bulk)
            return self._lanes[at_once]
        return lane_for(checked(at_once), self.limits.at_once, clock, self.bulk)
