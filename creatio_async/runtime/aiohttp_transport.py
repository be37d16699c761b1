"""Requests over aiohttp: the only module that sees its client.

One `aiohttp.ClientSession` with one cookie jar. What aiohttp raises leaves here as a
`TransportError` with the original as its cause, out of which the credentials have been taken.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from io import BytesIO
from typing import Self

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from creatio_async.errors import TransportError
from creatio_async.messages import Headers, Request, Response
from creatio_async.runtime.channels import Incoming
from creatio_async.runtime.cookies import Jar, Received
from creatio_async.runtime.limits import Timeouts

__all__ = ["AiohttpTransport", "new_connector"]

_LARGE = 1 << 20
"""Bytes of a body above which aiohttp wants it in pieces, so that the event loop is not held up."""

_PIECE = 1 << 16
"""Bytes of a streamed body that are handed on at once."""


def new_connector(connections: int) -> aiohttp.BaseConnector:
    """Return a connector for so many connections at most; whoever asks for it closes it."""
    return aiohttp.TCPConnector(limit=connections)


class AiohttpTransport:
    """A channel over a socket. `open` it where an event loop runs; `aclose` it at the end."""

    def __init__(self, session: aiohttp.ClientSession, jar: Jar) -> None:
        self._session = session
        self._streams: set[aiohttp.ClientResponse] = set()
        self.jar = jar

    @classmethod
    def open(
        cls,
        timeouts: Timeouts,
        *,
        connector: aiohttp.BaseConnector | None = None,
        connections: int = 100,
        proxy: URL | None = None,
    ) -> Self:
        """Return a transport.

        Args:
            timeouts: How long to wait, for what.
            connector: One of the caller's, who closes it; None makes one.
            connections: Connections at most, where *connector* is None.
            proxy: The address of a proxy.
        """
        jar = Jar()
        session = aiohttp.ClientSession(
            connector=connector or aiohttp.TCPConnector(limit=connections),
            connector_owner=connector is None,
            cookie_jar=Received(jar),
            timeout=aiohttp.ClientTimeout(
                total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.read
            ),
            proxy=proxy,
            trust_env=False,
        )
        # aiohttp would send a GET again by itself when a kept connection turns out to be closed.
        # A GET may run a process here: whether anything is sent again is decided in one place.
        session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return cls(session, jar)

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*, read to its end, whatever its status.

        Raises:
            TransportError: No whole answer came.
        """
        try:
            async with self._asked(request) as answer:
                return Response(
                    status=answer.status,
                    headers=Headers(answer.headers.items()),
                    body=await answer.read(),
                )
        except (aiohttp.ClientError, OSError) as error:
            _blame_source(request)
            raise _translated(request, error) from error

    @asynccontextmanager
    async def stream(self, request: Request, /) -> AsyncGenerator[Incoming]:
        """Send *request*; give its answer as soon as the head of it is there."""
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(self._asked(request))
            except (aiohttp.ClientError, OSError) as error:
                _blame_source(request)
                raise _translated(request, error) from error

            async def chunks() -> AsyncIterator[bytes]:
                try:
                    async for chunk in answer.content.iter_chunked(_PIECE):
                        yield chunk
                except (aiohttp.ClientError, OSError) as error:
                    raise _translated(request, error) from error

            self._streams.add(answer)
            stack.callback(self._streams.discard, answer)
            yield Incoming(request, answer.status, Headers(answer.headers.items()), chunks)

    def _asked(self, request: Request) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send *request* when the block begins, and give the connection back when it ends."""
        headers, body, upload = request.headers.pairs, request.body, request.upload
        cookies = self.jar.header(request.url)
        if cookies:
            headers = (*headers, ("Cookie", cookies))
        data: object = BytesIO(body) if len(body) > _LARGE else body or None
        if upload is not None:
            data = upload.chunks()
            if upload.length is not None:
                headers = (*headers, ("Content-Length", str(upload.length)))
        return self._session.request(
            request.method, request.url, headers=headers, data=data, allow_redirects=False
        )

    async def aclose(self) -> None:
        """Close the connections, and wait until they are closed.

        Whoever still reads an answer as it comes is told that it broke off, also where the
        connector is the caller's.
        """
        for answer in tuple(self._streams):
            answer.close()
        await self._session.close()


def _blame_source(request: Request) -> None:
    """Raise what the source of the body raised, if that is why no answer came."""
    upload = request.upload
    if upload is not None and upload.error is not None:
        raise upload.error from None


def _translated(request: Request, error: Exception) -> TransportError:
    if isinstance(error, aiohttp.ClientResponseError):
        _forget_credentials(error)
    _forget_proxy(error)
    unsent = isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL
    )
    match error:
        case aiohttp.ClientPayloadError():
            reason = "the answer broke off"
        case aiohttp.ServerDisconnectedError():
            reason = "the connection was closed before an answer came"
        case aiohttp.ConnectionTimeoutError():
            reason = "no connection in time"
        case TimeoutError():
            reason = "no answer in time"
        case _:
            reason = str(error) or type(error).__name__
    return TransportError(request, reason, sent=not unsent)


def _forget_credentials(error: aiohttp.ClientResponseError) -> None:
    """Take out of *error* the headers of its request and answer: cookies and tokens are in them.

    So is the password of a proxy in the address of one that refuses. Who reports errors with their
    causes would report them, too.
    """
    empty = CIMultiDictProxy[str](CIMultiDict())
    asked = error.request_info
    url, real = asked.url.with_user(None), asked.real_url.with_user(None)
    error.request_info = aiohttp.RequestInfo(url, asked.method, empty, real)
    error.history, error.headers = (), None
    error.args = (error.request_info, ())


def _forget_proxy(error: Exception) -> None:
    """Take the proxy out of what *error* knows of its connection: a password may be in it."""
    kept = vars(error)
    key = kept.get("_conn_key")
    if key is not None:
        hidden = kept["_conn_key"] = key._replace(proxy=None, proxy_auth=None)
        error.args = tuple(hidden if each is key else each for each in error.args)
