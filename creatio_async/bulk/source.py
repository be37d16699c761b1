"""The input of a bulk job, read in chunks by several workers in turn."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sized
from itertools import islice
from typing import Any

__all__ = ["Source"]


class Source:
    """Rows from an iterable or async iterable of any length, a chunk at a time.

    One reader at a time: an async generator must not be advanced by two tasks. After the end, or
    an error of the iterable's, there are no more chunks.
    """

    def __init__(self, rows: Iterable[Any] | AsyncIterable[Any]) -> None:
        if isinstance(rows, str | bytes | Mapping):
            raise TypeError("rows are several mappings, not a single one or a text")
        self.length = len(rows) if isinstance(rows, Sized) else None
        """Rows in all, where that is known beforehand."""
        self.taken = 0
        """Rows read so far."""
        self.left: list[Any] = []
        """Rows that were read and not handed out, because reading was cancelled or broke off."""
        self._rows: Iterator[Any] | AsyncIterator[Any]
        if isinstance(rows, AsyncIterable):
            self._rows = aiter(rows)
        else:
            self._rows = iter(rows)
        self._turn = asyncio.Lock()
        self._ended = False
        self._error: Exception | None = None

    async def take(self, size: int) -> tuple[int, list[Any]]:
        """Return the place of the next rows and the rows, *size* at most; none at the end.

        Raises:
            Exception: What the iterable raised, once the rows before it are handed out.
        """
        async with self._turn:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._ended:
                return self.taken, []
            self._ended = True  # unless this ends well
            try:
                await self._read(size)
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                self._error = RuntimeError("the input was cancelled while it was read")
                self._error.__cause__ = error
            except Exception as error:  # noqa: BLE001 - it is the caller's, and raised in its turn
                self._error = error
            else:
                self._ended = not self.left
            rows, self.left = self.left, []
            if self._error is not None and not rows:
                raise self._error
            first, self.taken = self.taken, self.taken + len(rows)
            return first, rows

    async def _read(self, size: int) -> None:
        if isinstance(self._rows, AsyncIterator):
            async for row in self._rows:
                self.left.append(row)
                if len(self.left) == size:
                    break
        else:
            self.left.extend(islice(self._rows, size))


def _is_cancelled() -> bool:
    """Say whether somebody cancels this task; if not, the input raises of its own accord."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
