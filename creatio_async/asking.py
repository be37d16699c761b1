"""Anything else on a site: requests to its services that nothing else here knows of."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from attrs import define, frozen

from creatio_async.messages import Headers, Response, Upload
from creatio_async.protocol.services import Params, address, failure, repeat_of
from creatio_async.protocol.values import dumps
from creatio_async.runtime.channels import Incoming
from creatio_async.runtime.sender import Call, Sender

__all__ = ["Asking", "Body", "Download"]

Body = bytes | bytearray | str | AsyncIterable[bytes]
"""A body: text goes out as UTF-8; an async iterable is read while it is sent, once."""

_ANY: Final = {"Accept": "*/*"}
_AS_JSON: Final = {
    "Accept": "application/json, */*;q=0.5",
    "Content-Type": "application/json; charset=utf-8",
}


@frozen(eq=False)
class Download:
    """An answer whose body is read as it comes."""

    status: int
    headers: Headers
    _incoming: Incoming

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the body, piece by piece; once.

        Raises:
            TransportError: It broke off.
        """
        async for chunk in self._incoming.chunks():
            # What is left of it goes with its connection when the block of the request ends.
            yield chunk

    async def read(self) -> bytes:
        """Return the body, or what is left of it."""
        return b"".join([chunk async for chunk in self.chunks()])


@define(eq=False)
class Asking:
    """Sends requests of the caller's own: what `Creatio.request` and `Creatio.stream` do."""

    _sender: Sender

    async def request(self, call: Call, *, check: bool) -> Response:
        """Return the answer to *call*."""
        reply = await self._sender.send(call)
        error = failure(reply.request, reply.response) if check else None
        if error is not None:
            raise error
        return reply.response

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncGenerator[Download]:
        """Give the answer to *call* as soon as the head of it is there."""
        async with self._sender.open(call) as incoming:
            yield Download(incoming.status, incoming.headers, incoming)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object,
        body: Body | None,
        headers: Mapping[str, str] | None,
        params: Params | None,
        repeat: bool | None,
    ) -> Call:
        """Return the call; nothing is sent.

        Raises:
            ValueError: It is none: an address of another kind, or two bodies.
            TypeError: The body is none of those that there are.
        """
        if json is not None and body is not None:
            raise ValueError("a request has one body: json= or body=")
        wanted: Mapping[str, str] = _ANY
        sent: dict[str, Any] = {}
        if json is not None:
            wanted, sent["body"] = _AS_JSON, dumps(json)
        elif isinstance(body, str | bytes | bytearray):
            sent["body"] = body.encode() if isinstance(body, str) else bytes(body)
        elif isinstance(body, AsyncIterable):
            sent["upload"] = Upload(source=body.__aiter__, is_repeatable=False)
        elif body is not None:
            raise TypeError(
                f"a body is bytes, a text or an async iterable of bytes, not {type(body).__name__}"
            )
        if headers:
            wanted = Headers(wanted).merged(headers)
        return Call(
            method=method,
            path=address(self._sender.session.site, path, params),
            headers=wanted,
            repeat=repeat_of(method, path, repeat),
            **sent,
        )
