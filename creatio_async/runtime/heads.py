"""The head of an answer that is read as it comes: what can be judged before it is read."""

from collections.abc import AsyncIterator

from attrs import evolve

from creatio_async.messages import Response
from creatio_async.runtime.channels import Incoming

__all__ = ["head"]

_AMBIGUOUS = frozenset({"text/html", "application/json"})
"""What may be a file of the caller's as well as the words of a lost session."""

_REFUSAL = 1 << 16
"""Bytes of a refusal, or of a page that may be the login page, that are read of a stream."""


async def head(incoming: Incoming) -> tuple[Response, Incoming]:
    """Return what can be judged of an answer before it is read, and the answer, as if unread."""
    judged = Response(status=incoming.status, headers=incoming.headers)
    if judged.status >= 300:
        return evolve(judged, body=await incoming.read(_REFUSAL)), incoming
    if judged.content_type in _AMBIGUOUS:
        incoming, start = await _peeked(incoming)
        judged = evolve(judged, body=start)
    return judged, incoming


async def _peeked(incoming: Incoming) -> tuple[Incoming, bytes]:
    """Read the start of the body; return the answer as if it were unread, and the start."""
    chunks = incoming.chunks()
    start = bytearray()
    async for chunk in chunks:
        start += chunk
        if len(start) >= _REFUSAL:
            break

    async def whole() -> AsyncIterator[bytes]:
        yield bytes(start)
        async for chunk in chunks:
            yield chunk

    return evolve(incoming, chunks=whole), bytes(start)
