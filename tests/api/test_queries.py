import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest

from creatio_async import (
    BadRequestError,
    Creatio,
    CreatioError,
    F,
    MultipleRowsError,
    NotFoundError,
    OData,
    Query,
    RowLimitError,
    ServerError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Cut, DropBefore, Emulator, Fail, Refuse, Trouble
from creatio_async.messages import Headers, Request, Response
from tests.api.canned import Canned, answer, canned, client, rows_of

SUPERVISOR = "410006e1-ca4e-4502-a9ec-e54d922d2c00"
GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"


def asked(emulator: Emulator) -> list[str]:
    """Return what was asked of OData, decoded."""
    paths = (unquote(each.url.raw_path_qs) for each in emulator.requests if each.method == "GET")
    return [path.partition("/odata/")[2] for path in paths if "/odata/" in path]


def cities(emulator: Emulator, count: int) -> list[str]:
    return emulator.insert("City", ({"Name": f"City {number:05}"} for number in range(count)))


# --- One query ------------------------------------------------------------------------------------


async def test_a_query_is_a_value_that_is_sent_when_it_is_awaited(
    crm: Creatio, emulator: Emulator
) -> None:
    query = crm.odata["Contact"].where(F.Name == "Supervisor").select("Name")
    await asyncio.sleep(0)
    assert asked(emulator) == []
    assert await query == await query
    assert [row["Name"] for row in await query] == ["Supervisor"]
    assert len(asked(emulator)) == 3


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (F.Name == "O'Brien & Co + #1/2?", ["O'Brien & Co + #1/2?"]),
        (F.Name.contains("'"), ["O'Brien & Co + #1/2?"]),
        (F.Name.contains("50%"), ["50% _off_"]),
        (F.Name.startswith("Юлия"), ["Юлия ✓"]),
        (F.Name.endswith("✓"), ["Юлия ✓"]),
        (F.Name.in_(["Юлия ✓", "50% _off_", "nobody"]), ["50% _off_", "Юлия ✓"]),
        (F.Phone == "+1 111", ["Юлия ✓"]),
        (F.Account.Name == "Acme", ["O'Brien & Co + #1/2?"]),
        (~F.Name.contains("i") & ~(F.Phone == "+1 111"), ["50% _off_"]),
        ((F.Phone == "+1 111") | (F.Account.Name == "Acme"), ["O'Brien & Co + #1/2?", "Юлия ✓"]),
        (F.Name.in_([]), []),
        (F.Id == uuid4(), []),
    ],
    ids=repr,
)
async def test_conditions_find_the_rows_that_they_mean(
    odata: OData, emulator: Emulator, condition: Any, names: list[str]
) -> None:
    (account,) = emulator.insert("Account", [{"Name": "Acme"}])
    known = {row["Id"] for row in emulator.rows("Contact")}
    emulator.insert(
        "Contact",
        [
            {"Name": "O'Brien & Co + #1/2?", "AccountId": account},
            {"Name": "50% _off_"},
            {"Name": "Юлия ✓", "Phone": "+1 111"},
        ],
    )
    rows = await odata["Contact"].where(condition)
    assert sorted(row["Name"] for row in rows if row["Id"] not in known) == names


async def test_a_lookup_is_found_by_its_column_as_by_its_path(
    odata: OData, emulator: Emulator
) -> None:
    (account,) = emulator.insert("Account", [{"Name": "Acme"}])
    emulator.insert("Contact", [{"Name": "Ann", "AccountId": account}])
    contacts = odata["Contact"].select("Name", "AccountId")
    for condition in (
        F.AccountId == account,
        F.AccountId == UUID(account),
        F.Account.Id == account.upper(),
        F.AccountId.in_([account, uuid4()]),
    ):
        assert [row["Name"] for row in await contacts.where(condition)] == ["Ann"]
    ordered = await contacts.where(F.AccountId == account).order_by("AccountId")
    assert ordered[0]["AccountId"] == account


async def test_the_columns_that_the_condition_needs_are_selected() -> None:
    with Emulator(select_covers_filter=True) as site:
        async with client(site) as crm:
            rows = await crm.odata["Contact"].where(F.Name == "Supervisor").select("Id").top(5)
    assert rows == [{"Id": SUPERVISOR, "Name": "Supervisor"}]


async def test_rows_are_sorted_skipped_and_limited(odata: OData, emulator: Emulator) -> None:
    cities(emulator, 30)
    query = odata["City"].order_by(F.Name.desc()).skip(3).top(4)
    assert [row["Name"] for row in await query] == [f"City {n:05}" for n in (26, 25, 24, 23)]


async def test_raw_text_is_sent_as_it_stands(crm: Creatio, emulator: Emulator) -> None:
    rows = await crm.odata["Contact"].where("Name eq 'Supervisor' or Phone eq '+1'").top(5)
    assert [row["Name"] for row in rows] == ["Supervisor"]
    assert asked(emulator) == ["Contact?$filter=Name eq 'Supervisor' or Phone eq '+1'&$top=5"]
    assert "%2B1" in str(emulator.requests[-1].url)
    with pytest.raises(BadRequestError):
        await crm.odata["Contact"].where("Name eq")


async def test_a_read_is_repeated_after_what_passes(crm: Creatio, emulator: Emulator) -> None:
    troubles: list[Trouble] = [DropBefore(), Cut(0.5), Refuse(429, retry_after=0)]
    for number, trouble in enumerate(troubles):
        emulator.troubles.add(trouble, path="Contact", skip=number)
    assert await crm.odata["Contact"].where(F.Name == "Supervisor").first()
    assert len(asked(emulator)) == 4


# --- first, one, count ----------------------------------------------------------------------------


async def test_the_first_row_is_asked_for_alone(crm: Creatio, emulator: Emulator) -> None:
    query = crm.odata["Contact"].order_by("Name")
    first = await query.first()
    assert first is not None
    assert first["Name"] == "Andrew Baker (sample)"
    assert await query.where(F.Name == "nobody").first() is None
    assert asked(emulator)[0] == "Contact?$orderby=Name&$top=1"


async def test_one_row_is_exactly_one(crm: Creatio, emulator: Emulator) -> None:
    contacts = crm.odata["Contact"]
    assert (await contacts.where(F.Id == SUPERVISOR).one())["Name"] == "Supervisor"
    with pytest.raises(MultipleRowsError, match="more than one row"):
        await contacts.one()
    with pytest.raises(NotFoundError, match="no row matches"):
        await contacts.where(F.Name == "nobody").one()
    with pytest.raises(ValueError, match="asks for no row"):
        await contacts.where(F.Name.in_([])).one()
    assert [each.rpartition("$top=")[2] for each in asked(emulator)] == ["2", "2", "2"]


async def test_rows_are_counted_without_reading_them(crm: Creatio, emulator: Emulator) -> None:
    ids = cities(emulator, 45)
    query = crm.odata["City"].select("Name").order_by("Name").skip(5).top(10)
    assert await query.count() == 45
    assert await query.where(F.Name == "City 00001").count() == 1
    assert await crm.odata["City"].where(F.Id.in_([*ids, *ids])).count() == 45
    assert asked(emulator)[:2] == ["City/$count", "City/$count?$filter=Name eq 'City 00001'"]
    assert len(asked(emulator)) == 5


# --- Many rows ------------------------------------------------------------------------------------


async def test_any_number_of_rows_comes_page_by_page_each_once(
    crm: Creatio, emulator: Emulator
) -> None:
    ids = cities(emulator, 1700)
    rows = [row async for row in crm.odata["City"].select("Name")]
    assert sorted(row["Id"] for row in rows) == sorted(ids)
    assert [row["Id"] for row in rows] == [row["Id"] for row in await crm.odata["City"]]
    assert all("$skip" not in path for path in asked(emulator))


async def test_pages_tell_how_many_rows_there_are(odata: OData, emulator: Emulator) -> None:
    cities(emulator, 25)
    pages = [page async for page in odata["City"].order_by("Name").pages(10)]
    assert [len(page.rows) for page in pages if page.rows] == [10, 10, 5]
    assert {page.count for page in pages} == {25}
    uncounted = [page async for page in odata["City"].pages(10, count=False)]
    assert {page.count for page in uncounted} == {None}
    assert [len(page.rows) for page in uncounted] == [10, 10, 5]


async def test_a_long_list_is_asked_for_in_parts(crm: Creatio, emulator: Emulator) -> None:
    ids = cities(emulator, 90)
    rows = await crm.odata["City"].where(F.Id.in_(ids)).select("Name")
    assert sorted(row["Id"] for row in rows) == sorted(ids)
    assert len(asked(emulator)) == 5
    with pytest.raises(ValueError, match="get_many"):
        await crm.odata["City"].where(F.Id.in_(ids)).top(50)
    with pytest.raises(ValueError, match="get_many"):
        await crm.odata["City"].where(F.Id.in_(ids)).order_by("Name").first()
    pages = [page async for page in crm.odata["City"].where(F.Id.in_(ids)).pages()]
    assert {page.count for page in pages} == {None}
    assert (await crm.odata["City"].where(F.Id.in_(ids)).first()) is not None


async def test_a_list_of_lookups_stays_within_the_nodes_that_a_server_takes(
    odata: OData, emulator: Emulator
) -> None:
    accounts = emulator.insert("Account", ({"Name": str(n)} for n in range(50)))
    emulator.insert("Contact", ({"Name": "x", "AccountId": each} for each in accounts))
    rows = await odata["Contact"].where(F.AccountId.in_(accounts), F.Name == "x")
    assert sorted(row["AccountId"] for row in rows) == sorted(accounts)
    pages = odata["Contact"].where(F.AccountId.in_(accounts[:20])).pages(7)
    assert len([row async for page in pages for row in page.rows]) == 20


async def test_more_rows_than_one_answer_may_hold_are_read_in_several() -> None:
    with Emulator(row_limit=600) as site:
        cities(site, 2000)
        async with client(site) as crm:
            assert len(await crm.odata["City"].select("Name")) == 2000
            assert len(await crm.odata["City"].select("Name").top(1500).order_by("Name")) == 1500
            with pytest.raises(RowLimitError):
                await anext(crm.odata["City"].pages(700))


@asynccontextmanager
async def endless(rows: int) -> AsyncIterator[tuple[Query, Canned]]:
    """Give a query of *rows* rows, made when they are asked for."""

    def page(request: Request) -> Response:
        query = request.url.query
        _, found, last = query.get("$filter", "").partition("Id gt ")
        start = UUID(last).int + 1 if found else 0
        stop = min(start + int(query["$top"]), rows)
        return rows_of(*({"Id": str(UUID(int=n)), "Name": "x" * 50} for n in range(start, stop)))

    site = canned(*[page] * 1000)
    async with client(site) as crm:
        yield crm.odata["Contact"], site


async def test_memory_stays_flat_over_any_number_of_rows() -> None:
    async with endless(60_000) as (query, site):
        count, peaks = 0, []
        tracemalloc.start()
        try:
            async for page in query.pages(1000, count=False):
                count += len(page.rows)
                peaks.append(tracemalloc.get_traced_memory()[0])
                site.requests.clear()
        finally:
            tracemalloc.stop()
    assert count == 60_000
    # yarl keeps some hundred addresses, 2 kB each; the rows of a page take a hundred times that
    assert max(peaks[30:]) - max(peaks[5:15]) < 200_000


async def test_a_walk_that_is_left_early_asks_for_no_more() -> None:
    async with endless(60_000) as (query, site):
        async for row in query:
            assert row["Id"] == str(UUID(int=0))
            break
        assert len(site.requests) == 1


async def test_tasks_may_walk_the_same_query_at_once(odata: OData, emulator: Emulator) -> None:
    cities(emulator, 1200)
    query = odata["City"]

    async def walk() -> list[str]:
        return [row["Id"] async for row in query]

    walks = await asyncio.gather(*(walk() for _ in range(4)))
    assert all(each == walks[0] for each in walks)
    assert len(walks[0]) == 1200


# --- Links of the server's ------------------------------------------------------------------------

ROW = {"Id": GUID, "Name": "x"}


@pytest.mark.parametrize(
    "link",
    [
        "http://crm.test/0/odata/Contact?$skiptoken=1",
        "http://crm.test:80/0/odata/Contact?$skiptoken=1",
        "Contact?$skiptoken=1",
        "/0/odata/Contact?$skiptoken=1",
    ],
)
async def test_a_next_link_is_followed_as_it_is_meant(link: str) -> None:
    site = canned(rows_of(ROW, nextLink=link), rows_of(ROW))
    async with client(site) as crm:
        assert await crm.odata["Contact"] == [ROW, ROW]
    assert site.paths[1] == "GET odata/Contact?$skiptoken=1"
    assert site.requests[1].headers["accept"] == site.requests[0].headers["accept"]


@pytest.mark.parametrize(
    "link",
    [
        "https://crm.test/0/odata/Contact?$skiptoken=1",
        "//evil.example/Contact",
        "http://crm.test:81/",
        "http://crm.test@evil.example/",
        "ftp://crm.test/",
        "file:///etc/passwd",
    ],
)
async def test_a_next_link_to_another_origin_is_an_error(link: str) -> None:
    site = canned(rows_of(ROW, nextLink=link))
    async with client(site) as crm:
        with pytest.raises(CreatioError, match="is not followed"):
            await crm.odata["Contact"]
    assert len(site.requests) == 1


async def test_links_that_lead_in_a_circle_are_an_error() -> None:
    links = ["Contact?$skiptoken=1", "Contact?$skiptoken=2"] * 10
    site = canned(*(rows_of(ROW, nextLink=link) for link in links))
    async with client(site) as crm:
        with pytest.raises(CreatioError, match="circle"):
            await crm.odata["Contact"]
    assert len(site.requests) < 8


async def test_first_and_one_look_behind_an_empty_page() -> None:
    def pages() -> list[Response]:
        return [rows_of(nextLink="Contact?$skiptoken=1"), rows_of(ROW)]

    site = canned(*pages(), *pages())
    async with client(site) as crm:
        assert await crm.odata["Contact"].first() == ROW
        assert await crm.odata["Contact"].one() == ROW


async def test_one_sees_a_second_row_behind_a_link() -> None:
    site = canned(rows_of(ROW, nextLink="Contact?$skiptoken=1"), rows_of(ROW))
    async with client(site) as crm:
        with pytest.raises(MultipleRowsError):
            await crm.odata["Contact"].one()


async def test_a_server_that_pages_by_itself_gives_all_of_its_rows() -> None:
    """It gives 200 rows at once, and links within the 500 that are asked for."""

    def page(request: Request) -> Response:
        query = request.url.query
        _, found, last = query.get("$filter", "").partition("Id gt ")
        start = int(query.get("at") or (UUID(last).int + 1 if found else 0))
        end = min(int(query.get("end") or start + int(query["$top"])), 1234)
        stop = min(start + 200, end)
        link = {"nextLink": f"Contact?at={stop}&end={end}"} if stop < end else {}
        return rows_of(*({"Id": str(UUID(int=n))} for n in range(start, stop)), **link)

    site = canned(*[page] * 50)
    async with client(site) as crm:
        rows = await crm.odata["Contact"].select("Id")
    assert [UUID(row["Id"]).int for row in rows] == list(range(1234))


# --- What goes wrong ------------------------------------------------------------------------------


async def test_paging_goes_on_with_skip_where_the_server_refuses_the_key(
    crm: Creatio, emulator: Emulator
) -> None:
    ids = cities(emulator, 25)
    emulator.troubles.add(Refuse(400), path="Id gt", times=None)
    rows = [row async for page in crm.odata["City"].pages(10) for row in page.rows]
    assert sorted(row["Id"] for row in rows) == sorted(ids)
    assert [path for path in asked(emulator) if "$skip=" in path]


async def test_a_failure_half_way_is_an_error(odata: OData, emulator: Emulator) -> None:
    cities(emulator, 25)
    emulator.troubles.add(Fail(message="consumption limit"), path="City", skip=1, times=None)
    pages = odata["City"].pages(10)
    assert len((await anext(pages)).rows) == 10
    with pytest.raises(ServerError, match="consumption limit"):
        await anext(pages)


@pytest.mark.parametrize(
    "body", [b"", b'{"value":[{"Id":"1"},', b"[]", b'{"value":[5]}', b'{"error":{"message":"x"}}']
)
async def test_an_answer_that_is_none_is_an_error(body: bytes) -> None:
    async with client(canned(answer(body))) as crm:
        with pytest.raises(UnexpectedResponseError):
            await crm.odata["Contact"]


async def test_the_text_of_a_server_is_shown_short() -> None:
    site = canned(answer(b"x" * 100_000, 400, content_type="text/plain"))
    async with client(site) as crm:
        with pytest.raises(BadRequestError) as caught:
            await crm.odata["Contact"].where(F.Name == "y" * 5000)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("size", [0, 20_001, -1])
async def test_a_page_has_1_to_20_000_rows(size: int) -> None:
    async with client(canned()) as crm:
        with pytest.raises(ValueError, match="1 to 20,000"):
            [page async for page in crm.odata["Contact"].pages(size)]


async def test_what_is_sent_is_what_was_built(odata: OData, emulator: Emulator) -> None:
    text = "a+b c%20d&e=f#g/h?i'j;k\"l<m>я"
    await odata["Contact"].where(F.Name == text).top(1)
    raw = emulator.requests[-1].url.raw_query_string
    assert raw == (
        "$filter=Name%20eq%20'a%2Bb%20c%2520d%26e=f%23g%2Fh%3Fi''j%3Bk%22l%3Cm%3E%D1%8F'&$top=1"
    )
    assert isinstance(emulator.requests[-1].headers, Headers)


async def test_the_pages_end_with_the_last_that_has_rows(odata: OData, emulator: Emulator) -> None:
    emulator.insert("City", [{"Name": f"City {n:02}"} for n in range(13)])
    for query in (odata["City"], odata["City"].order_by("Name")):
        pages = [(len(page.rows), page.count) async for page in query.pages(5)]
        assert pages == [(5, 13), (5, 13), (3, 13)]
    none = [(page.rows, page.count) async for page in odata["City"].where(F.Name == "x").pages()]
    assert none == [([], 0)]


@pytest.mark.parametrize("body", ["13", "\ufeff13", " 13\n", '{"@odata.context":"x","value":13}'])
async def test_a_count_is_read_as_text_and_as_a_property(body: str) -> None:
    async with client(canned(answer(body, content_type="text/plain"))) as crm:
        assert await crm.odata["City"].count() == 13
