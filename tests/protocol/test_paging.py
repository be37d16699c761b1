from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async import F
from creatio_async.errors import (
    BadRequestError,
    CreatioError,
    ForbiddenError,
    ResponseError,
    RowLimitError,
    ServerError,
    UnavailableError,
)
from creatio_async.messages import Request, Response
from creatio_async.protocol.odata import v4
from creatio_async.protocol.odata.paging import Pager, check_size
from creatio_async.protocol.odata.spec import Page, QuerySpec, as_order

REQUEST = Request(method="GET", url=URL("http://crm.test/0/odata/Contact"))


def refused(kind: type[ResponseError] = BadRequestError, status: int = 400) -> ResponseError:
    return kind(REQUEST, Response(status=status))


@define
class Server:
    """Rows with `Id` 0, 1, 2, ...; it reads the query as it goes over the wire."""

    rows: int
    own_pages: int | None = None
    """Rows per page of its own, with a link to the next."""
    silent_limit: int | None = None
    """Rows in an answer at most, without a word."""
    takes_key: bool = True
    asked: list[str] = field(factory=list[str])
    tops: list[int] = field(factory=list[int])

    def answer(self, step: QuerySpec | str) -> Page:
        """Return what *step* asks for."""
        if isinstance(step, str):
            self.asked.append(step)
            start, end = map(int, step.split(":"))
            return self.page(start, end)
        path = unquote(v4.collection_path("Contact", step))
        self.asked.append(path)
        options = dict(pair.split("=", 1) for pair in path.partition("?")[2].split("&") if pair)
        start = int(options.get("$skip", "0"))
        _, found, last = options.get("$filter", "").partition("Id gt ")
        if found:
            if not self.takes_key:
                raise refused()
            start += int(last.strip("'")) + 1
        top = int(options.get("$top", self.rows))
        self.tops.append(top)
        end = min(self.rows, start + top)
        if self.silent_limit is not None:
            end = min(end, start + self.silent_limit)
        return self.page(start, end)

    def page(self, start: int, end: int) -> Page:
        """Return the rows from *start* to *end*, or the first of them and a link."""
        cut = end if self.own_pages is None else min(end, start + self.own_pages)
        link = f"{cut}:{end}" if cut < end else None
        rows = [{"Id": str(number)} for number in range(start, cut)]
        return Page(rows=rows, next_link=link, size=40 * len(rows))


def read(server: Server, spec: QuerySpec, size: int | None = None) -> Iterator[dict[str, Any]]:
    pager = Pager(spec, size)
    step: QuerySpec | str | None = pager.begin()
    while step is not None:
        try:
            page = server.answer(step)
        except ResponseError as error:
            step = pager.refused(error)
            assert step is not None
            continue
        yield from page.rows
        step = pager.after(page)


def ids(first: int, last: int) -> list[dict[str, Any]]:
    return [{"Id": str(number)} for number in range(first, last)]


def walk(pager: Pager, pages: Iterator[Page]) -> None:
    pager.begin()
    for page in pages:
        pager.after(page)


ORDERS = [(), (as_order("Id"),), (as_order("Name"),), (as_order("Id desc"),)]
servers = st.builds(
    Server,
    rows=st.integers(0, 3000),
    own_pages=st.none() | st.integers(1, 700),
    silent_limit=st.none() | st.integers(500, 900),
    takes_key=st.booleans(),
)


@given(
    servers,
    st.sampled_from(ORDERS),
    st.none() | st.integers(0, 2500),
    st.integers(0, 50),
    st.none() | st.integers(10, 20_000),
)
def test_every_row_comes_once_and_in_order_whatever_the_server_does_to_the_pages(
    server: Server, order: tuple[Any, ...], top: int | None, skip: int, size: int | None
) -> None:
    spec = QuerySpec(order=order, top=top, skip=skip)
    last = server.rows if top is None else min(server.rows, skip + top)
    assert list(read(server, spec, size)) == ids(skip, last)
    assert all(0 < asked <= 20_000 for asked in server.tops)


def test_pages_are_read_by_key_where_the_order_allows_it() -> None:
    server = Server(rows=25)
    list(read(server, QuerySpec(select=("Name",), skip=2, where=(F.Age > 7,)), size=10))
    assert server.asked == [
        "Contact?$filter=Age gt 7&$select=Name,Id,Age&$orderby=Id&$top=10&$skip=2",
        "Contact?$filter=Age gt 7 and Id gt '11'&$select=Name,Id,Age&$orderby=Id&$top=10",
        "Contact?$filter=Age gt 7 and Id gt '21'&$select=Name,Id,Age&$orderby=Id&$top=10",
        "Contact?$filter=Age gt 7 and Id gt '24'&$select=Name,Id,Age&$orderby=Id&$top=10",
    ]


def test_pages_are_read_with_skip_in_a_total_order_where_it_does_not() -> None:
    server = Server(rows=11)
    list(read(server, QuerySpec(order=(as_order("Name desc"),)), size=10))
    assert server.asked == [
        "Contact?$orderby=Name desc,Id&$top=10",
        "Contact?$orderby=Name desc,Id&$top=10&$skip=10",
        "Contact?$orderby=Name desc,Id&$top=10&$skip=11",
    ]


def test_pages_are_read_with_skip_where_the_server_refuses_the_key() -> None:
    server = Server(rows=15, takes_key=False)
    assert list(read(server, QuerySpec(), size=10)) == ids(0, 15)
    assert server.asked[-2:] == [
        "Contact?$orderby=Id&$top=10&$skip=10",
        "Contact?$orderby=Id&$top=10&$skip=15",
    ]


def test_no_column_is_added_to_as_many_as_a_server_sorts_by() -> None:
    order = tuple(map(as_order, "ABCDE"))
    first = Pager(QuerySpec(order=order)).begin()
    assert first is not None
    assert first.order == order
    fewer = Pager(QuerySpec(order=order[:4])).begin()
    assert fewer is not None
    assert fewer.order == (*order[:4], as_order("Id"))


def test_a_few_rows_are_asked_for_as_the_caller_asks() -> None:
    spec = QuerySpec(top=5, select=("Name",))
    assert Pager(spec).begin() is spec


def test_many_rows_of_one_answer_are_asked_for_in_an_order_that_can_be_gone_on_with() -> None:
    server = Server(rows=900, silent_limit=600)
    assert list(read(server, QuerySpec(top=800, select=("Name",)), size=1000)) == ids(0, 800)
    assert server.asked == [
        "Contact?$select=Name,Id&$orderby=Id&$top=800",
        "Contact?$filter=Id gt '599'&$select=Name,Id&$orderby=Id&$top=200",
    ]


def test_no_row_is_asked_for_where_none_is_wanted() -> None:
    assert Pager(QuerySpec(top=0)).begin() is None
    counted = QuerySpec(top=0, count=True)
    pager = Pager(counted)
    assert pager.begin() is counted
    assert pager.after(Page(rows=[], count=7)) is None


def test_the_number_of_rows_is_asked_for_once() -> None:
    server = Server(rows=30)
    list(read(server, QuerySpec(count=True), size=10))
    assert ["$count=true" in path for path in server.asked] == [True, False, False, False]


def test_after_the_last_link_of_a_page_the_query_goes_on() -> None:
    server = Server(rows=1100, own_pages=100)
    assert list(read(server, QuerySpec())) == ids(0, 1100)
    assert [path for path in server.asked if path.startswith("Contact")][1].startswith(
        "Contact?$filter=Id gt '499'&"
    )


def test_an_empty_page_with_a_link_is_not_the_end() -> None:
    pager = Pager(QuerySpec())
    pager.begin()
    assert pager.after(Page(rows=[], next_link="1:2")) == "1:2"
    assert pager.after(Page(rows=[], next_link="2:3")) == "2:3"
    assert pager.after(Page(rows=ids(0, 1))) is None


@pytest.mark.parametrize("length", [1, 2, 3, 7, 100])
def test_links_that_lead_in_a_circle_are_an_error(length: int) -> None:
    pages = (Page(rows=ids(0, 1), next_link=f"link {number % length}") for number in range(500))
    with pytest.raises(CreatioError, match="circle"):
        walk(Pager(QuerySpec()), pages)
    assert sum(1 for _ in pages) >= 500 - 4 * length - 4


def test_links_through_nothing_but_empty_pages_are_an_error() -> None:
    pages = (Page(rows=[], next_link=f"link {number}") for number in range(500))
    with pytest.raises(CreatioError, match="its last 100 pages had no rows: link 99"):
        walk(Pager(QuerySpec()), pages)


def test_an_answer_may_have_many_empty_pages_if_rows_come_in_between() -> None:
    pages = (
        Page(rows=ids(number, number + 1) if number % 100 == 99 else [], next_link=f"link {number}")
        for number in range(500)
    )
    walk(Pager(QuerySpec()), pages)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_rows_that_come_again_and_again_are_an_error(length: int) -> None:
    pages = (Page(rows=[{"Id": str(number % length)}]) for number in range(500))
    with pytest.raises(CreatioError, match="again and again"):
        walk(Pager(QuerySpec(), size=1), pages)
    assert sum(1 for _ in pages) >= 500 - 4 * length - 4


def test_rows_without_an_id_are_read_with_skip() -> None:
    pager = Pager(QuerySpec(), size=1)
    pager.begin()
    step = pager.after(Page(rows=[{"Name": "x"}]))
    assert isinstance(step, QuerySpec)
    assert (step.skip, step.where) == (1, ())


@pytest.mark.parametrize(
    ("size", "asked"), [(20, 5000), (400, 5000), (4000, 500), (100_000, 100), (0, 500)]
)
def test_a_page_aims_at_a_good_size(size: int, asked: int) -> None:
    pager = Pager(QuerySpec())
    pager.begin()
    step = pager.after(Page(rows=ids(0, 500), size=size * 500))
    assert isinstance(step, QuerySpec)
    assert step.top == asked


@pytest.mark.parametrize(
    "error",
    [refused(RowLimitError, 500), refused(UnavailableError, 503), refused(ForbiddenError, 403)],
    ids=str,
)
def test_what_is_not_about_the_way_of_paging_is_not_asked_for_in_another_way(
    error: ResponseError,
) -> None:
    pager = Pager(QuerySpec(), size=1)
    pager.begin()
    pager.after(Page(rows=ids(0, 1)))
    assert pager.refused(error) is None
    assert pager.refused(refused(ServerError, 500)) is not None
    assert pager.refused(refused(ServerError, 500)) is None


def test_fewer_rows_are_asked_for_where_the_site_gives_fewer() -> None:
    pager = Pager(QuerySpec())
    pager.begin()
    limit = refused(RowLimitError, 500)
    asked = [step.top for _ in range(9) if (step := pager.refused(limit)) is not None]
    assert asked == [250, 125, 62]
    after = pager.after(Page(rows=ids(0, 62), size=10))
    assert isinstance(after, QuerySpec)
    assert (after.top, after.where) == (62, (F.Id > "61",))


def test_as_many_rows_as_the_caller_names_are_asked_for_or_none() -> None:
    pager = Pager(QuerySpec(), size=5000)
    pager.begin()
    assert pager.refused(refused(RowLimitError, 500)) is None


def test_a_first_page_that_is_refused_is_an_error() -> None:
    pager = Pager(QuerySpec())
    pager.begin()
    assert pager.refused(refused()) is None


def test_a_link_that_is_refused_is_an_error() -> None:
    pager = Pager(QuerySpec())
    pager.begin()
    pager.after(Page(rows=ids(0, 1), next_link="1:2"))
    assert pager.refused(refused()) is None


@pytest.mark.parametrize("size", [0, -1, 20_001])
def test_a_page_holds_a_row_to_20_000(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 20,000"):
        check_size(size)


@pytest.mark.parametrize("size", [True, 1.5, "10", None])
def test_a_page_holds_a_number_of_rows(size: object) -> None:
    with pytest.raises(TypeError, match="a number of rows"):
        check_size(size)  # type: ignore[arg-type]
    assert check_size(20_000) == 20_000
