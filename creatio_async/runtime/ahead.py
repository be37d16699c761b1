"""Reading ahead: pages are fetched in a task of their own while the caller works."""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Generic

from creatio_async.protocol.odata.spec import Page, RowT

__all__ = ["Ahead"]


class Ahead(Generic[RowT]):
    """The rows of *pages*, of which up to *ready* pages are read before they are asked for.

    The task lives as long as the block. What reading raises is raised where its page was due.
    """

    def __init__(self, pages: AsyncGenerator[Page[RowT]], ready: int) -> None:
        self._pages = pages
        # One page is on its way while the queue is full.
        self._queue: asyncio.Queue[list[RowT] | Exception | None] = asyncio.Queue(ready)
        self._task: asyncio.Task[None] | None = None
        self._rows: AsyncGenerator[RowT] | None = None

    async def __aenter__(self) -> AsyncGenerator[RowT]:
        self._task = asyncio.create_task(self._fill(), name="creatio_async pages ahead")
        self._rows = self._take()
        return self._rows

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._pages.aclose()
        if self._rows is not None:
            await self._rows.aclose()

    async def _fill(self) -> None:
        try:
            async for page in self._pages:
                await self._queue.put(page.rows)
        except Exception as error:  # noqa: BLE001 - raised in the caller's task, in its turn
            await self._queue.put(error)
        else:
            await self._queue.put(None)

    async def _take(self) -> AsyncGenerator[RowT]:
        while (rows := await self._queue.get()) is not None:
            if isinstance(rows, Exception):
                raise rows
            for row in rows:
                yield row
