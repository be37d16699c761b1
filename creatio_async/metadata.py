"""``$metadata`` of a service, read as it arrives, and kept in a file where that is asked for."""

import asyncio
import hashlib
import os
from pathlib import Path
from uuid import uuid4

from creatio_async.errors import CreatioError, UnexpectedResponseError
from creatio_async.messages import Response
from creatio_async.protocol.odata.metadata import MetadataError, SchemaReader, read_schema
from creatio_async.protocol.odata.schema import Schema
from creatio_async.runtime.sender import Call, Sender

__all__ = ["read_metadata"]

_HASHES = Call(method="GET", path="api/ClientCache/Hashes", headers={"Accept": "application/json"})
"""What a Creatio site says of the state of its configuration: it changes with the schema."""

_KIND = b"creatio_async metadata 1\n"


async def read_metadata(sender: Sender, service: str, cache: Path | None = None) -> Schema:
    """Return the schema of the *service* at this path, relative to the workspace.

    Raises:
        UnexpectedResponseError: The answer is no ``$metadata``.
    """
    if cache is None:
        return (await _fetch(sender, service, keep=False))[0]
    head = await _head(sender, service)
    kept = await asyncio.to_thread(_kept, cache, head) if head is not None else None
    if kept is not None:
        return kept
    schema, document = await _fetch(sender, service, keep=head is not None)
    if head is not None:
        await asyncio.to_thread(_keep, cache, head + document)
    return schema


async def _fetch(sender: Sender, service: str, *, keep: bool) -> tuple[Schema, bytes]:
    headers = {"Accept": "application/xml"}
    call = Call(method="GET", path=f"{service}/$metadata", headers=headers)
    reader = SchemaReader()
    document: list[bytes] = []
    async with sender.open(call) as incoming:
        try:
            async for chunk in incoming.chunks():
                reader.feed(chunk)
                if keep:
                    document.append(chunk)
            # Joining the types of a large site takes tenths of a second.
            return await asyncio.to_thread(reader.close), b"".join(document)
        except MetadataError as error:
            response = Response(status=incoming.status, headers=incoming.headers)
            detail = f"no $metadata: {error}"
            raise UnexpectedResponseError(incoming.request, response, "", detail) from None


async def _head(sender: Sender, service: str) -> bytes | None:
    """Return what a kept document begins with; None where the site does not tell its state."""
    try:
        reply = await sender.send(_HASHES)
    except CreatioError:
        return None
    state = hashlib.sha256(reply.response.body).hexdigest()
    return _KIND + f"{sender.session.workspace}/{service}\n{state}\n".encode()


def _kept(cache: Path, head: bytes) -> Schema | None:
    """Return the schema in the file; None where there is none, or one of another state."""
    try:
        document = cache.read_bytes()
        return read_schema(document[len(head) :]) if document.startswith(head) else None
    except (OSError, MetadataError):
        return None


def _keep(cache: Path, document: bytes) -> None:
    """Write the file anew: readers see the old one or the new one."""
    part = cache.with_name(f".{cache.name}.{uuid4().hex}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(document)
        part.replace(cache)
    finally:
        part.unlink(missing_ok=True)
