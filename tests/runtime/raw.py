"""A server that counts what reaches it, and answers in bytes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from attrs import define, field

__all__ = ["OK", "Raw"]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@define(eq=False)
class Raw:
    """Gives *reply* of the number of a request, from 1; None closes the connection."""

    reply: Callable[[int], bytes | None] = lambda _: OK
    requests: list[str] = field(factory=list[str])
    """The first line of each."""
    connections: int = 0
    held: asyncio.Event | None = None
    """Waited for before each answer."""
    _writers: list[asyncio.StreamWriter] = field(init=False, factory=list[asyncio.StreamWriter])

    @asynccontextmanager
    async def served(self) -> AsyncGenerator[str]:
        """Listen inside the block; give the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.close()
            for writer in self._writers:  # since Python 3.12 a server waits for its connections
                writer.transport.abort()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.lower().splitlines()
                length = [line for line in lines if line.startswith("content-length:")]
                await reader.readexactly(int(length[0].split(":")[1]) if length else 0)
                self.requests.append(head.splitlines()[0])
                if self.held is not None:
                    await self.held.wait()
                given = self.reply(len(self.requests))
                if given is None:
                    return
                writer.write(given)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
