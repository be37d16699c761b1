"""How much is asked of a site at once, and how long an answer may take."""

import asyncio
import math
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from attrs import Attribute, define, field, frozen
from attrs.validators import ge, instance_of

__all__ = ["Gate", "Limits", "Timeouts"]


def _is_duration(_: object, field: "Attribute[Any]", value: float | None) -> None:
    if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{field.name} is a number of seconds above 0, or None, not {value}")


@frozen(kw_only=True)
class Limits:
    """How many requests one client has under way at once."""

    at_once: int = field(default=16, validator=[instance_of(int), ge(1)])
    """Requests under way at most; further ones wait for their turn, in the order they came."""
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
    places: asyncio.Semaphore = field(init=False)
    """Held by a call while it is sent and answered, and while its session is renewed."""
    throttle: AbstractAsyncContextManager[object] = field(init=False)
    """Entered before each send."""

    def __attrs_post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.limits.at_once)
        self.throttle = self.limits.throttle or nullcontext()
