"""Queries: values until they are awaited or iterated."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any, Generic, cast

from attrs import evolve, field, frozen

from creatio_async.errors import MultipleRowsError, NotFoundError, ResponseError
from creatio_async.models.codec import DICTS, Codec
from creatio_async.protocol.odata.expressions import Expression
from creatio_async.protocol.odata.nodes import Condition, Named, Order
from creatio_async.protocol.odata.paging import Pager, check_size
from creatio_async.protocol.odata.spec import (
    Expand,
    Page,
    QuerySpec,
    Row,
    RowT,
    as_columns,
    as_condition,
    as_expands,
    as_option,
    as_order,
    natural,
)
from creatio_async.protocol.odata.splitting import split
from creatio_async.runtime.ahead import Ahead
from creatio_async.runtime.sender import Reply
from creatio_async.service import Service

__all__ = ["Query"]


@frozen(eq=False)
class Query(Generic[RowT]):
    """Rows of an entity set that are still to be read.

    ``await`` it for a list, ``async for`` over it for one row at a time, any number of rows in
    flat memory; until then nothing is sent. Every method returns a new query, and a query can be
    run any number of times. Rows are dicts of fields, as JSON gives them, or objects of the class
    that the entity set was asked for with.
    """

    _service: Service = field(repr=False)
    name: str
    """The entity set, or the collection in a row: ``Account(...)/Contacts``."""
    spec: QuerySpec = field(factory=QuerySpec)
    codec: Codec[RowT] = field(default=cast("Any", DICTS), repr=False)
    """What rows are given as."""

    def where(self, *conditions: Condition | str) -> "Query[RowT]":
        """Keep the rows for which all *conditions* hold, and those of earlier calls.

        A text is sent as it stands, as raw ``$filter``: its quoting is the caller's business.
        """
        added = tuple(as_condition(each) for each in conditions)
        return self._with(where=self.spec.where + added)

    def select(self, *columns: str | Named) -> "Query[RowT]":
        """Read only *columns*; what the conditions and the paging need is read, too."""
        return self._with(select=self.spec.select + as_columns(columns))

    def expand(self, *paths: str | Named | Expand) -> "Query[RowT]":
        """Put the rows behind navigation properties into the rows: ``expand("Account")``.

        `Expand` says which of them, and what of them.
        """
        return self._with(expand=self.spec.expand + as_expands(paths))

    def order_by(self, *columns: str | Expression | Order) -> "Query[RowT]":
        """Sort by *columns*: ``order_by(F.Name.desc(), "Id")``. Later calls sort within these."""
        return self._with(order=self.spec.order + tuple(as_order(each) for each in columns))

    def top(self, rows: int) -> "Query[RowT]":
        """Read *rows* rows at most."""
        return self._with(top=natural(rows))

    def skip(self, rows: int) -> "Query[RowT]":
        """Leave out the first *rows* rows."""
        return self._with(skip=natural(rows) or 0)

    def annotated(self) -> "Query[RowT]":
        """Leave annotations such as ``@odata.etag`` in the rows."""
        return self._with(annotated=True)

    def option(self, name: str, value: str) -> "Query[RowT]":
        """Add a query option for which there is no method: ``$search``, ``$apply``, one's own.

        *value* is percent-encoded, and otherwise sent as it stands. Creatio refuses ``$search``
        and ``$apply``.

        Raises:
            ValueError: There is a method for it, or it is no name of an option.
        """
        return self._with(options=(*self.spec.options, as_option(name, value)))

    async def pages(
        self, size: int | None = None, *, count: bool = True
    ) -> AsyncGenerator[Page[RowT]]:
        """Give the rows page by page.

        Pages are read by key (``Id gt`` the last one) where the query has no order or that of
        `Id`, and the server takes it; else with ``$skip``, with `Id` as the last column to sort
        by. A page is read when it is asked for, and nothing is held in between.

        Args:
            size: Rows per page, 1 to 20,000; None begins with 500 and then aims at 2 MB.
            count: Ask with the first page how many rows match in all, for `Page.count`. A long
                ``in_`` that is asked for in parts has no such number.

        Raises:
            ValueError: *size* is out of bounds, or a long ``in_`` cannot be split.
        """
        size = size if size is None else check_size(size)
        parts = list(split(self.spec))
        counted = count and len(parts) == 1
        for part in parts:
            async for page in self._pages_of(evolve(part, count=counted), size):
                yield self.codec.page(page)

    @asynccontextmanager
    async def prefetch(
        self, pages: int, *, size: int | None = None
    ) -> AsyncGenerator[AsyncIterator[RowT]]:
        """Give the rows, while further pages are read already: up to *pages* of them wait ready.

        The rows are the same, in the same order. Pages by key are still read one after another:
        the next key is in the page before. What is gained is the time in which the caller works.

        Args:
            pages: How many, from 1.
            size: Rows per page, as for `pages`.

        Raises:
            ValueError: *pages* is below 1.
        """
        if pages < 1:
            raise ValueError(f"prefetch takes a number of pages from 1, not {pages}")
        ahead = Ahead(self.pages(size, count=False), pages)
        async with ahead as ready:
            yield ready

    async def first(self) -> RowT | None:
        """Return the first row, or None where there is none."""
        rows, _ = await self._few(1)
        return self.codec.row(rows[0]) if rows else None

    async def one(self) -> RowT:
        """Return the only row.

        Raises:
            NotFoundError: There is none.
            MultipleRowsError: There are several.
        """
        rows, reply = await self._few(2)
        if len(rows) == 1:
            return self.codec.row(rows[0])
        if reply is None:
            raise ValueError(
                "one() of a query that asks for no row: an in_ without values, or top(0)"
            )
        if rows:
            raise MultipleRowsError(reply.request)
        raise NotFoundError(reply.request, reply.response, "", "no row matches")

    async def count(self) -> int:
        """Return how many rows match the conditions; `top` and `skip` do not count."""
        parts = split(evolve(self.spec, order=(), top=None, skip=0))
        return sum([await self._service.count(self.name, part) for part in parts])

    def __await__(self) -> Generator[Any, None, list[RowT]]:
        return self._all().__await__()

    async def __aiter__(self) -> AsyncIterator[RowT]:
        async for page in self.pages(count=False):
            for row in page.rows:
                yield row

    async def _all(self) -> list[RowT]:
        rows: list[RowT] = []
        for part in list(split(self.spec)):
            pager = Pager(part)
            step: QuerySpec | str | None = pager.begin()
            while step is not None:
                page, step = await self._turn(pager, step)
                rows += self.codec.rows(page.rows)
        return rows

    async def _pages_of(self, spec: QuerySpec, size: int | None) -> AsyncIterator[Page]:
        pager = Pager(spec, size, self._service.dialect.has_links)
        step: QuerySpec | str | None = pager.begin()
        count: int | None = None
        is_first = True
        while step is not None:
            page, step = await self._turn(pager, step)
            count = page.count if count is None else count
            if page.rows or (is_first and count is not None):
                yield page if page.count == count else evolve(page, count=count)
            is_first = False

    async def _turn(
        self, pager: Pager, step: QuerySpec | str
    ) -> tuple[Page, QuerySpec | str | None]:
        """Return a page, and what to ask next; another way of paging is tried where one fails."""
        while True:
            try:
                page, _ = await self._step(step)
            except ResponseError as error:
                other = pager.refused(error)
                if other is None:
                    raise
                step = other
            else:
                return page, pager.after(page)

    async def _step(self, step: QuerySpec | str) -> tuple[Page, Reply]:
        if isinstance(step, str):
            return await self._service.follow(step, self.spec)
        return await self._service.ask(self.name, step)

    async def _few(self, rows: int) -> tuple[list[Row], Reply | None]:
        """Return at most *rows* rows, and the last answer."""
        found: list[Row] = []
        reply: Reply | None = None
        for part in split(self.spec):
            wanted = rows - len(found)
            top = wanted if part.top is None else min(wanted, part.top)
            pager = Pager(evolve(part, top=top), has_links=self._service.dialect.has_links)
            step: QuerySpec | str | None = pager.begin()
            while step is not None:
                page, reply = await self._step(step)
                found += page.rows
                step = pager.after(page)
            if len(found) >= rows:
                break
        return found[:rows], reply

    def _with(self, **changes: Any) -> "Query[RowT]":
        return Query(self._service, self.name, evolve(self.spec, **changes), self.codec)
