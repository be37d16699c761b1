"""Where a logged-in session's requests go: a transport, and the cookies that go with it."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from attrs import evolve, field, frozen
from yarl import URL

from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.taking import Take, Taken
from creatio_async.runtime.cookies import Jar
from creatio_async.runtime.transport import Transport

__all__ = ["Channel", "InProcess", "Incoming", "taken"]

_ANY = sys.maxsize
_START = 1 << 16
"""Bytes that are kept of a body that is taken as it comes, or a little more."""


@frozen
class Incoming:
    """An answer whose body is still to be read."""

    request: Request = field(repr=False)
    status: int
    headers: Headers
    chunks: Callable[[], AsyncIterator[bytes]] = field(repr=False)
    """Gives the body as it comes; raises `TransportError` where it breaks off."""

    async def read(self, most: int) -> bytes:
        """Return the first bytes of the body, *most* of them at most, or a little more."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) >= most:
                break
        return bytes(body)


class Channel(Protocol):
    """A way to a site that keeps the cookies it is given. It follows no redirects."""

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*.

        Raises:
            TransportError: No whole answer came.
        """
        ...

    def stream(self, request: Request, /) -> AbstractAsyncContextManager[Incoming]:
        """Send *request*; give its answer as soon as the head of it is there.

        The connection is held until the block ends.

        Raises:
            TransportError: No answer came.
        """
        ...

    @property
    def jar(self) -> Jar:
        """The cookies."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; waits until they are closed."""
        ...


async def taken(channel: Channel, request: Request, take: Take) -> Response:
    """Return the answer to *request*; if *take* says who takes its body, that is done meanwhile.

    Raises:
        TransportError: No whole answer came.
    """
    async with channel.stream(request) as incoming:
        response = Response(status=incoming.status, headers=incoming.headers)
        taker = take(request, response)
        if taker is None:
            return evolve(response, body=await incoming.read(_ANY))
        start = bytearray()
        async for chunk in incoming.chunks():
            if len(start) < _START:
                start += chunk
            taker.take(chunk)
        return Taken(
            status=response.status, headers=response.headers, body=bytes(start), taker=taker
        )


class InProcess:
    """A channel over a transport that keeps no cookies, such as the emulator without a socket."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.jar = Jar()

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*, with the cookies of earlier answers in the request."""
        cookies = self.jar.header(request.url)
        if cookies:
            request = evolve(request, headers=request.headers.merged({"Cookie": cookies}))
        if request.upload is not None:
            body = b"".join([chunk async for chunk in request.upload.chunks()])
            request = evolve(request, body=body, upload=None)
        response = await self._transport.send(request)
        self._keep(request.url, response)
        return response

    @asynccontextmanager
    async def stream(self, request: Request, /) -> AsyncGenerator[Incoming]:
        """Send *request*, and give its answer."""
        response = await self.send(request)

        async def chunks() -> AsyncIterator[bytes]:
            yield response.body

        yield Incoming(request, response.status, response.headers, chunks)

    def _keep(self, url: URL, response: Response) -> None:
        self.jar.update_cookies_from_headers(response.headers.get_all("set-cookie"), url)

    async def aclose(self) -> None:
        """Nothing is open."""
