"""What to ask next: pages by key where the order allows it, else by ``$skip``.

Paging by key (``Id gt`` the last one read) costs the server the same for every page, and rows
that appear or vanish meanwhile never make it skip an older row. Guids are never compared on this
side: MS SQL Server and PostgreSQL order them differently.
"""

from attrs import define, evolve, field

from creatio_async.errors import (
    BadRequestError,
    ResponseError,
    RowLimitError,
    ServerError,
    ThrottledError,
)
from creatio_async.protocol.odata.nodes import Comparison, Literal, Order, Path
from creatio_async.protocol.odata.spec import MAX_ROWS, Page, QuerySpec
from creatio_async.protocol.odata.trail import Trail

__all__ = ["Pager", "check_size"]

_ID = Path(("Id",))
_BY_ID = (Order(_ID),)

_FIRST_SIZE = 500
_SMALLEST, _GREATEST = 100, 5_000
_GOOD_BYTES = 2_000_000
"""Rows per page, where the caller names no number, aim at this many bytes: more costs memory and
holds up the event loop, less costs round trips."""

_ORDERED = 5
"""Columns that a server sorts by at most (Microsoft's default, which Creatio ships)."""

_SURELY_LAST = 500
"""A first page that is short and has fewer rows than this ends the query. Any other short page may
be cut off by the server, and only an empty one is the end."""


def check_size(size: int) -> int:
    """Return *size* if it is a number of rows that may be asked for at once.

    Raises:
        ValueError: It is not.
        TypeError: It is no number.
    """
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"a page has a number of rows, not {size!r:.80}")
    if not 1 <= size <= MAX_ROWS:
        raise ValueError(f"a page has 1 to {MAX_ROWS:,} rows, not {size}")
    return size


@define
class Pager:
    """The pages of one run of a query, one after another.

    `begin` gives the first thing to ask; `after` what to ask next: a query, a link of the
    server's, or None at the end; `refused` what to ask instead of what the server refused.

    A server may cut an answer into pages of its own. Its links lead to the rest of the rows that
    were asked for, not of all rows: after the last link the query goes on.
    """

    spec: QuerySpec
    size: int | None = None
    """Rows per page; None chooses by the bytes that rows turn out to have."""
    has_links: bool = False
    """The server cuts every answer, and links it: a query is asked for as it is, unless a size is
    named."""

    _by_key: bool = field(init=False)
    _fixed: bool = field(init=False)
    _asked: int = field(init=False, default=0)
    _got: int = field(init=False, default=0)
    _taken: int = field(init=False, default=0)
    _pages: int = field(init=False, default=0)
    _last: object = field(init=False, default=None)
    _first: bool = field(init=False, default=True)
    _linked: bool = field(init=False, default=False)
    _trail: Trail = field(init=False, factory=Trail)
    _is_whole: bool = field(init=False, default=False)
    """It is not asked for in parts: the server's links lead through it, or the rows are aggregates,
    which have no `Id`."""

    def __attrs_post_init__(self) -> None:
        self._by_key = self.spec.order in {(), _BY_ID}
        self._fixed = self.size is not None

    def begin(self) -> QuerySpec | None:
        """Return the first query to send; None where no row is asked for."""
        if self.spec.top == 0 and not self.spec.count:
            return None
        top = self.spec.top
        is_linked = self.has_links and not self._fixed
        if is_linked or any(name == "$apply" for name, _ in self.spec.options):
            self._is_whole = True
            return self.spec
        if top is not None and top <= min(self._page_size(), _SURELY_LAST):
            self._asked = top
            return self.spec  # one answer, so that it needs no order
        return self._next()

    def after(self, page: Page) -> QuerySpec | str | None:
        """Return what to ask after *page*.

        Raises:
            CreatioError: The server goes round in circles, or gives one empty page after another.
        """
        self._pages += 1
        self._taken += len(page.rows)
        self._got += len(page.rows)
        if page.rows:
            self._last = page.rows[-1].get("Id")
        if self.spec.top is not None and self._taken >= self.spec.top:
            return None
        if page.next_link is not None:
            self._linked = True
            self._trail.check(page.next_link, len(page.rows))
            return page.next_link
        if self._is_whole:
            return None
        short = self._got < min(self._asked, _SURELY_LAST)
        if not self._got or (short and self._first):
            return None
        if self._last is None:
            self._by_key = False
        else:
            self._trail.check(self._last, self._got, "the same rows come again and again")
        self._fit(page)
        return self._next()

    def refused(self, error: ResponseError) -> QuerySpec | None:
        """Return what to ask instead; None where *error* is not about the way of paging."""
        if self._linked:
            return None
        if isinstance(error, RowLimitError):
            return self._smaller()
        lasting = isinstance(error, BadRequestError | ServerError)
        if not self._by_key or not lasting or isinstance(error, ThrottledError):
            return None
        if self._pages == 0:
            return None
        self._by_key = False
        return self._next()

    def _smaller(self) -> QuerySpec | None:
        """Ask for half as many rows: a site may be set to give fewer than Creatio by default."""
        if self._fixed or self._asked <= _SMALLEST:
            return None
        self.size = self._asked // 2
        return self._next()

    def _page_size(self) -> int:
        return self.size or _FIRST_SIZE

    def _fit(self, page: Page) -> None:
        if self.size is None and page.rows and page.size:
            fitting = _GOOD_BYTES * len(page.rows) // page.size
            self.size = min(max(fitting, _SMALLEST), _GREATEST)

    def _next(self) -> QuerySpec:
        left = self._page_size()
        if self.spec.top is not None:
            left = min(left, self.spec.top - self._taken)
        self._asked, self._got, self._linked = left, 0, False
        self._first = first = self._pages == 0
        where, skip, select = self.spec.where, self.spec.skip, self.spec.select
        if not first and self._by_key:
            where, skip = (*where, Comparison("gt", _ID, Literal(self._last))), 0
        elif not first:
            skip += self._taken
        if select:
            select = tuple(dict.fromkeys((*select, "Id")))
        return evolve(
            self.spec,
            where=where,
            select=select,
            order=self._order(),
            top=left,
            skip=skip,
            count=self.spec.count and first,
        )

    def _order(self) -> tuple[Order, ...]:
        """The order of the query, made total by ``Id`` where the server takes one column more."""
        order = self.spec.order
        if len(order) >= _ORDERED or any(each.column == _ID for each in order):
            return order
        return (*self.spec.order, *_BY_ID)
