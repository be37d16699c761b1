"""How much is asked of a site at once, and how long an answer may take."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from attrs import Attribute, define, field, frozen
from attrs.validators import ge

__all__ = ["Gate", "Limits", "Timeouts"]


def _is_duration(_: object, field: "Attribute[float | None]", value: float | None) -> None:
    if value is not None and not value > 0:
        raise ValueError(f"{field.name} is a number of seconds above 0, or None, not {value}")


@frozen(kw_only=True)
class Limits:
    """How many requests one client has under way at once."""

    at_once: int = field(default=16, validator=ge(1))
    """Requests under way at most; further ones wait for their turn, in the order they came."""
    throttle: AbstractAsyncContextManager[object] | None = None
    """Entered before each send, for instance ``aiolimiter.AsyncLimiter(100, 60)``."""


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
    _places: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.limits.at_once)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a turn, and hold it for the block."""
        async with self._places, self.limits.throttle or nullcontext():
            yield
