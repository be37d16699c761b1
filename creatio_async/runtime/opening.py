"""From the options of a client to a sender that is logged in, and back to nothing."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from attrs import Attribute, field, frozen
from attrs.validators import ge, instance_of
from yarl import URL

from creatio_async.auth import Auth
from creatio_async.messages import Headers
from creatio_async.protocol.retry import RetryPolicy
from creatio_async.protocol.site import Runtime, Site
from creatio_async.runtime.aiohttp_transport import AiohttpTransport, new_connector
from creatio_async.runtime.channels import Channel, InProcess
from creatio_async.runtime.hooks import Observer, Watch
from creatio_async.runtime.keepalive import KeepAlive
from creatio_async.runtime.keeping import Keeper
from creatio_async.runtime.limits import Gate, Limits, Timeouts
from creatio_async.runtime.sender import Sender
from creatio_async.runtime.session import Session, Standing
from creatio_async.runtime.transport import Transport

__all__ = ["Opening"]


def _is_pause(_: object, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{attribute.name} is a number of seconds above 0, or None, not {value}")


def _is_watched(_: object, __: object, value: Observer | Iterable[Observer] | None) -> None:
    Watch.of(value, float)


def _listed(given: Observer | Iterable[Observer] | None) -> Any:
    return given if given is None or isinstance(given, Observer) else tuple(given)


@frozen(kw_only=True)
class Opening:
    """The options of a client; it can be opened any number of times."""

    site: Site
    auth: Auth
    runtime: Runtime | None
    retry: RetryPolicy
    limits: Limits
    timeouts: Timeouts
    headers: Headers
    observe: Observer | Iterable[Observer] | None = field(converter=_listed, validator=_is_watched)
    sessions: int = field(validator=[instance_of(int), ge(1)])
    cookies: Path | None
    keep_alive: float | None = field(validator=_is_pause)
    connector: aiohttp.BaseConnector | None
    proxy: URL | None
    transport: Transport | None
    sleep: Callable[[float], Awaitable[object]]
    clock: Callable[[], float]

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Sender]:
        """Give a sender that is logged in; leaving logs out and closes what was opened here.

        Raises:
            AuthenticationError: A login was refused.
            ResponseError: The site failed.
            TransportError: No answer came.
            OSError: The session cannot be kept in its file.
        """
        async with AsyncExitStack() as stack:
            connect = self._connecting(stack)
            watch = Watch.of(self.observe, self.clock)
            standing = Standing()
            opened: list[Session] = []
            for number in range(self.sessions):
                channel = connect()
                stack.push_async_callback(channel.aclose)
                session = Session(
                    site=self.site,
                    auth=self.auth,
                    channel=channel,
                    clock=self.clock,
                    runtime=opened[0].runtime if opened else self.runtime,
                    standing=standing,
                    keeper=self._keeper(number),
                    watch=watch,
                )
                stack.push_async_callback(session.close)
                await session.open()
                opened.append(session)
            sender = Sender(
                session=opened[0],
                gate=Gate(self.limits, self.timeouts),
                retry=self.retry,
                headers=self.headers,
                sleep=self.sleep,
                clock=self.clock,
                others=tuple(opened[1:]),
                watch=watch,
            )
            stack.push_async_callback(sender.end)
            if self.keep_alive is not None:
                awake = asyncio.create_task(KeepAlive(sender, self.keep_alive).run())
                stack.push_async_callback(_stopped, awake)
            yield sender

    def _connecting(self, stack: AsyncExitStack) -> Callable[[], Channel]:
        """Return what makes a channel: one for each session, and one connector for all."""
        transport = self.transport
        if transport is not None:
            return lambda: InProcess(transport)
        connector = self.connector
        if connector is None:
            connector = new_connector(self.limits.at_once)
            stack.push_async_callback(connector.close)
        shared = connector
        return lambda: AiohttpTransport.open(self.timeouts, connector=shared, proxy=self.proxy)

    def _keeper(self, number: int) -> Keeper | None:
        if self.cookies is None:
            return None
        path = self.cookies
        if number:
            path = path.with_name(f"{path.stem}-{number + 1}{path.suffix}")
        who = f"{type(self.auth).__module__}.{type(self.auth).__qualname__} {self.auth.user}"
        return Keeper(path, self.site.root, who)


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
