"""The input of a bulk job, read in chunks by several workers in turn."""

import asyncio
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sized,
)
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

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
        self._sizes: Iterator[int] = iter(())

    def repeat(self, sizes: Iterator[int]) -> None:
        """Give the first rows in chunks of these *sizes*, whatever is asked for."""
        self._sizes = sizes

    @property
    def waits(self) -> bool:
        """Its rows come from an async iterable."""
        return isinstance(self._rows, AsyncIterator)

    async def take(self, size: int) -> tuple[int, list[Any]]:
        """Return the place of the next rows and the rows, *size* at most; none at the end.

        Raises:
            Exception: What the iterable raised, once the rows before it are handed out.
        """
        if not isinstance(self._rows, AsyncIterator):
            return self.take_now(size)
        async with self._turn:
            if not self._may_go_on():
                return self.taken, []
            size = next(self._sizes, size)
            with self._kept():
                async for row in self._rows:
                    self.left.append(row)
                    if len(self.left) == size:
                        break
            return self._handed_out()

    def take_now(self, size: int) -> tuple[int, list[Any]]:
        """Return what `take` does, of an iterable that is not async.

        Raises:
            Exception: What the iterable raised, once the rows before it are handed out.
        """
        if not self._may_go_on():
            return self.taken, []
        size = next(self._sizes, size)
        with self._kept():
            self.left.extend(islice(cast("Iterator[Any]", self._rows), size))
        return self._handed_out()

    def _may_go_on(self) -> bool:
        self._raise()
        return not self._ended

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    @contextmanager
    def _kept(self) -> Generator[None]:
        """Keep what the iterable raises until the rows before it are handed out."""
        self._ended = True  # unless this ends well
        try:
            yield
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self._error = RuntimeError("the input was cancelled while it was read")
            self._error.__cause__ = error
        except Exception as error:  # noqa: BLE001 - it is the caller's, and raised in its turn
            self._error = error
        else:
            self._ended = not self.left
        if not self.left:
            self._raise()

    def _handed_out(self) -> tuple[int, list[Any]]:
        rows, self.left = self.left, []
        first, self.taken = self.taken, self.taken + len(rows)
        return first, rows


def _is_cancelled() -> bool:
    """Say whether somebody cancels this task; if not, the input raises of its own accord."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
