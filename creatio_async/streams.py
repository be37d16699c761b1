"""Stream fields of rows: images, files, any bytes.

Source: academy.creatio.com, "Stream data type request examples". The name of a file stands in the
row's own ``Name``; Creatio limits a file by the system setting ``MaxFileSize``, 10 MB by default.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

from attrs import define, evolve, field, frozen

from creatio_async.messages import Upload
from creatio_async.protocol.retry import Repeat
from creatio_async.runtime.sender import Call
from creatio_async.service import Service

__all__ = ["Stream"]

_ANY = {"Accept": "*/*"}
_PIECE = 1 << 18
"""Bytes of a file that are read at once."""

_BINARY = "application/octet-stream"


@frozen(eq=False)
class Stream:
    """The bytes in one field of a row: ``crm.odata["SysImage"].stream(image_id, "Data")``."""

    _service: Service = field(repr=False)
    path: str
    """Relative to the workspace."""

    async def read(self) -> bytes:
        """Return the bytes, all of them; none where the field is empty.

        Raises:
            NotFoundError: There is no such row.
        """
        reply = await self._service.sender.send(Call(method="GET", path=self.path, headers=_ANY))
        return reply.response.body

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Give the bytes as they come, in flat memory.

        Raises:
            NotFoundError: There is no such row.
            TransportError: The answer broke off.
        """
        call = Call(method="GET", path=self.path, headers=_ANY)
        async with self._service.sender.open(call) as incoming:
            async for chunk in incoming.chunks():
                # Abandoned, it gives the connection back when the loop closes it.
                yield chunk  # noqa: ASYNC119

    async def download(self, path: str | os.PathLike[str]) -> int:
        """Write the bytes to the file *path*; return their number.

        They go into a file beside it, which takes its name when it is whole: there is never half
        a file, and what was there stays until then.

        Raises:
            NotFoundError: There is no such row.
            TransportError: The answer broke off.
            OSError: The file cannot be written.
        """
        target = Path(path)
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        size = 0
        try:
            with await asyncio.to_thread(part.open, "wb") as file:
                async for chunk in self.chunks():
                    size += await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(part.replace, target)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return size

    async def write(
        self,
        source: bytes | bytearray | str | os.PathLike[str] | AsyncIterable[bytes],
        *,
        content_type: str = _BINARY,
        length: int | None = None,
        spool: bool = False,
    ) -> None:
        """Put bytes into the field, in place of those that are there.

        Args:
            source: The bytes; the path of a file (text or path); or an async iterable of bytes,
                which is read while it is sent.
            content_type: The media type.
            length: The number of bytes of an async iterable, where it is known. Without it the
                body goes out chunked, which not every server in between takes.
            spool: Write an async iterable to a temporary file first: its length is then known,
                and it can be sent again.

        Raises:
            ValueError: The source gives another number of bytes than *length*.
            TypeError: *source* is none of these.
            OSError: The file cannot be read.
            NotFoundError: There is no such row.
            TransportError: No answer came. A source that can be read only once is not sent a
                second time; a note on the error says so.
        """
        headers = {**_ANY, "Content-Type": content_type}
        call = self._service.call("PUT", self.path, headers, repeat=Repeat.IDEMPOTENT)
        if isinstance(source, bytes | bytearray):
            await self._put(call, Upload(source=_once(bytes(source)), length=len(source)))
        elif isinstance(source, str | os.PathLike):
            path = Path(source)
            size = (await asyncio.to_thread(path.stat)).st_size
            await self._put(call, Upload(source=_file(path), length=size))
        elif not isinstance(source, AsyncIterable):
            raise TypeError(
                f"a stream is written from bytes, a path or an async iterable, "
                f"not from {type(source).__name__}"
            )
        elif spool:
            async with _Spooled(source) as upload:
                await self._put(call, upload)
        else:
            given = source
            await self._put(
                call, Upload(source=lambda: aiter(given), length=length, is_repeatable=False)
            )

    async def delete(self) -> None:
        """Empty the field.

        Raises:
            NotFoundError: There is no such row.
        """
        call = self._service.call("DELETE", self.path, _ANY, repeat=Repeat.IDEMPOTENT)
        await self._service.sender.send(call)

    async def _put(self, call: Call, upload: Upload) -> None:
        await self._service.sender.send(evolve(call, upload=upload))


def _once(body: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), _PIECE):
            yield body[start : start + _PIECE]

    return chunks


def _file(path: Path) -> Callable[[], AsyncIterator[bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        with await asyncio.to_thread(path.open, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, _PIECE):
                yield chunk  # noqa: ASYNC119 - read to its end, or closed, by the transport

    return chunks


@define(eq=False)
class _Spooled:
    """An async iterable in a temporary file, which lives as long as the block."""

    source: AsyncIterable[bytes]
    _file: BinaryIO | None = None

    async def __aenter__(self) -> Upload:
        self._file = cast("BinaryIO", await asyncio.to_thread(tempfile.TemporaryFile))
        size = 0
        async for chunk in self.source:
            size += await asyncio.to_thread(self._file.write, chunk)
        return Upload(source=self._again, length=size)

    async def __aexit__(self, *_: object) -> None:
        if self._file is not None:
            await asyncio.to_thread(self._file.close)

    async def _again(self) -> AsyncIterator[bytes]:
        assert self._file is not None  # noqa: S101 - within the block
        await asyncio.to_thread(self._file.seek, 0)
        while chunk := await asyncio.to_thread(self._file.read, _PIECE):
            yield chunk
