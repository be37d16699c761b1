"""Who is served when: too few workers, work that takes time, sessions that wait in line."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from math import log
from weakref import WeakValueDictionary

from attrs import define, field, frozen, validators

__all__ = ["LogNormal", "Turns"]


@frozen
class LogNormal:
    """How long requests are worked on: most about as long as *median*, a few far longer.

    The same *seed* gives the same times in the same order.
    """

    median: float = field(validator=validators.ge(0))
    """Seconds; half of the requests take longer."""
    sigma: float = field(default=0.5, validator=validators.ge(0))
    """How far they differ, as the deviation of the logarithm: 0 for not at all; with 0.5 one in
    twenty takes more than 2.3 times the median, with 1 more than 5.2 times."""
    seed: int = 0


@define
class Turns:
    """Gives each request its turn: after its session's, with a worker, for as long as it takes."""

    workers: int | None
    """Requests that are worked on at once; None for any number."""
    service_time: LogNormal
    serial: bool
    """Whether the requests of one session are worked on one after another."""
    sleep: Callable[[float], Awaitable[object]]
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(
        factory=WeakValueDictionary[str, asyncio.Lock]
    )
    _free: asyncio.Semaphore | None = field(init=False)
    _random: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.workers) if self.workers else None
        self._random = random.Random(self.service_time.seed)  # noqa: S311 - no secret

    @asynccontextmanager
    async def turn(self, session: Callable[[], str | None]) -> AsyncGenerator[None]:
        """Wait for the turn of a request, and for what the work on it takes.

        Args:
            session: Names the session of the request, or says None; asked only where it matters.
        """
        async with AsyncExitStack() as held:
            name = session() if self.serial else None
            if name is not None:
                # The first in line waits for no worker while a later one of its session holds it.
                await held.enter_async_context(self._locks.setdefault(name, asyncio.Lock()))
            if self._free is not None:
                await held.enter_async_context(self._free)
            if self.service_time.median:
                await self.sleep(self._drawn())
            yield

    def _drawn(self) -> float:
        time = self.service_time
        return self._random.lognormvariate(log(time.median), time.sigma)
