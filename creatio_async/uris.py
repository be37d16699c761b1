"""Queries that are addresses of the caller's."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import Any

from attrs import field, frozen

from creatio_async.protocol.odata.spec import Page, QuerySpec, Row
from creatio_async.protocol.odata.trail import Trail
from creatio_async.service import Service

__all__ = ["UriQuery"]

_ANY = QuerySpec(annotated=False)


@frozen(eq=False)
class UriQuery:
    """The rows at an address of the service. ``await`` it for a list, ``async for`` for each.

    What the server cuts into pages is read to its end along its own links; nothing else is added
    to the address. The address of a single row gives that one.
    """

    _service: Service = field(repr=False)
    uri: str
    """Relative to the service, or absolute within it."""

    async def pages(self) -> AsyncGenerator[Page]:
        """Give the rows page by page, as the server cuts them.

        Raises:
            ValueError: The address leads out of the service.
            CreatioError: The links lead out of the site, in a circle, or through nothing.
        """
        page, _ = await self._service.at(self.uri)
        yield page
        trail = Trail()
        while page.next_link is not None:
            trail.check(page.next_link, len(page.rows))
            page, _ = await self._service.follow(page.next_link, _ANY)
            yield page

    async def first(self) -> Row | None:
        """Return the first row, or None where there is none."""
        async for row in self:
            return row
        return None

    def __await__(self) -> Generator[Any, None, list[Row]]:
        return self._all().__await__()

    async def __aiter__(self) -> AsyncIterator[Row]:
        async for page in self.pages():
            for row in page.rows:
                yield row

    async def _all(self) -> list[Row]:
        return [row async for row in self]
