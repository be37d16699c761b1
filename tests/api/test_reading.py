"""Rows as asked for: annotated, with nulls and decimals, by many ids, by address, read ahead."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from creatio_async import (
    BatchError,
    Creatio,
    CreatioError,
    F,
    ForbiddenError,
    NotFoundError,
    OData,
    UnexpectedResponseError,
)
from creatio_async.emulator import Emulator
from creatio_async.messages import Request, Response
from tests.api.canned import answer, canned, client, lost, rows_of

ANDREW = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
ZERO = "00000000-0000-0000-0000-000000000000"


async def test_rows_where_one_was_asked_for_are_no_row() -> None:
    # as from a service that takes the id of a row for a filter
    inner = {"id": "1", "status": 200, "headers": {}, "body": {"value": [{"Id": ANDREW}]}}
    async with client(canned(rows_of(), answer({"responses": [inner]}))) as crm:
        cities = crm.odata["City"]
        with pytest.raises(UnexpectedResponseError, match="no row: it is a collection"):
            await cities.get(ANDREW)
        batch = crm.odata.batch()
        found = batch.get("City", ANDREW)
        await batch.send()
        with pytest.raises(CreatioError, match="no row: it is a collection"):
            found.result()


async def test_a_row_may_have_a_list_in_a_column_of_that_name() -> None:
    row = {"Id": ANDREW, "value": [1]}
    async with client(canned(answer(row))) as crm:
        assert await crm.odata["City"].get(ANDREW) == row


# --- Annotations, empty values, numbers -----------------------------------------------------------


async def test_rows_hold_fields_only_unless_annotations_are_asked_for(crm: Creatio) -> None:
    contacts = crm.odata["Contact"]
    plain = await contacts.get(ANDREW)
    annotated = await contacts.annotated().get(ANDREW)
    rows = await contacts.where(F.Id == ANDREW).annotated()
    assert not any("@" in name for name in plain)
    assert "@odata.context" in annotated
    assert "ContactPhoto@odata.mediaReadLink" in annotated
    assert "ContactPhoto@odata.mediaReadLink" in rows[0]
    assert {name for name in annotated if "@" not in name} == set(plain)


async def test_the_level_of_metadata_is_asked_for() -> None:
    site = canned(rows_of(), rows_of())
    async with client(site) as crm:
        await crm.odata["City"].top(1)
        await crm.odata["City"].top(1).annotated()
    levels = [each.headers["accept"].partition(",")[0] for each in site.requests]
    assert levels == [
        "application/json;odata.metadata=none",
        "application/json;odata.metadata=minimal",
    ]


async def test_an_etag_in_the_header_is_one_of_the_annotations() -> None:
    site = canned(answer({"Id": ANDREW}, headers=[("ETag", 'W/"5"')]), answer(status=304))
    async with client(site) as crm:
        contacts = crm.odata["Contact"].annotated()
        row = await contacts.get(ANDREW)
        again = await contacts.get_if_changed(ANDREW, row["@odata.etag"])
    assert row == {"Id": ANDREW, "@odata.etag": 'W/"5"'}
    assert again is None
    assert site.requests[1].headers["if-none-match"] == 'W/"5"'


async def test_a_write_can_be_bound_to_a_version() -> None:
    site = canned(answer(status=204), answer(status=204))
    async with client(site) as crm:
        await crm.odata["Contact"].update(ANDREW, {"Name": "A"}, if_match='"5"')
        await crm.odata["Contact"].delete(ANDREW, if_match="*")
    assert [each.headers["if-match"] for each in site.requests] == ['"5"', "*"]


async def test_empty_values_become_none_where_that_is_asked_for(emulator: Emulator) -> None:
    async with client(emulator, nulls=True) as crm:
        contact = await crm.odata["Contact"].get(ANDREW)
        (row,) = await crm.odata["Contact"].where(F.Id == ANDREW).expand("Account")
        created = await crm.odata["City"].create({"Name": "Rome", "CountryId": None})
    async with client(emulator) as crm:
        as_it_is = await crm.odata["Contact"].get(ANDREW)
    assert (as_it_is["AccountId"], as_it_is["BirthDate"]) == (ZERO, "0001-01-01T00:00:00Z")
    assert (contact["AccountId"], contact["BirthDate"]) == (None, None)
    assert row["AccountId"] is None
    assert created["CountryId"] is None
    assert contact["Name"] == as_it_is["Name"]


async def test_fractions_become_decimals_where_that_is_asked_for() -> None:
    body = b'{"value":[{"Amount":0.10000000000000000001,"Big":9007199254740993,"Name":"0.5"}]}'
    batch = b'{"responses":[{"id":"1","status":200,"headers":{},"body":{"Amount":10.50}}]}'
    site = canned(answer(body), answer(batch), answer(body))
    async with client(site, decimals=True) as crm:
        (row,) = await crm.odata["Order"].top(1)
        found = [each async for each in crm.odata["Order"].get_many([ANDREW])]
    async with client(site) as crm:
        (as_floats,) = await crm.odata["Order"].top(1)
    assert row == {
        "Amount": Decimal("0.10000000000000000001"),
        "Big": 9007199254740993,
        "Name": "0.5",
    }
    assert found[0].row == {"Amount": Decimal("10.50")}
    assert as_floats["Amount"] == pytest.approx(0.1)


# --- By many ids ----------------------------------------------------------------------------------


async def test_any_number_of_ids_is_answered_in_the_order_asked(
    crm: Creatio, emulator: Emulator
) -> None:
    ids = emulator.insert("City", [{"Name": f"City {n}"} for n in range(250)])
    missing = str(uuid4())
    asked: list[UUID | str] = [*reversed(ids), missing, ids[0].upper(), UUID(ids[1])]
    before = len(emulator.requests)

    found = [each async for each in crm.odata["City"].get_many(asked, select=["Id", "Name"])]

    assert [each.id for each in found] == [str(each).lower() for each in asked]
    names = [each.row and each.row["Name"] for each in found]
    assert names == [*(f"City {n}" for n in reversed(range(250))), None, "City 0", "City 1"]
    assert len(emulator.requests) - before == 3


async def test_ids_may_come_from_an_async_iterable(odata: OData) -> None:
    async def ids() -> AsyncIterator[str]:
        yield ANDREW

    assert [each.row is not None async for each in odata["Contact"].get_many(ids())] == [True]


async def test_a_server_that_stops_early_is_asked_for_the_rest() -> None:
    def item(number: int, status: int, body: dict[str, object]) -> dict[str, object]:
        return {"id": str(number), "status": status, "headers": {}, "body": body}

    gone: dict[str, object] = {"error": {"code": "", "message": "Not found"}}
    site = canned(
        answer({"responses": [item(1, 200, {"Id": ANDREW}), item(2, 404, gone)]}),
        answer({"responses": [item(1, 200, {"Id": ANDREW})]}),
    )
    async with client(site) as crm:
        found = [each async for each in crm.odata["Contact"].get_many([ANDREW, ZERO, ANDREW])]
    assert [each.row for each in found] == [{"Id": ANDREW}, None, {"Id": ANDREW}]
    assert len(site.requests) == 2


async def test_an_id_that_is_none_is_refused_before_anything_is_sent() -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(ValueError, match="not an Id"):
            _ = [each async for each in crm.odata["Contact"].get_many(["x"])]
    assert site.requests == []


async def test_a_row_that_may_not_be_read_is_an_error_and_so_is_no_answer_at_all() -> None:
    forbidden = {"id": "1", "status": 403, "headers": {}}
    site = canned(answer({"responses": [forbidden]}), answer({"responses": []}))
    async with client(site) as crm:
        with pytest.raises(ForbiddenError):
            _ = [each async for each in crm.odata["Contact"].get_many([ANDREW])]
        with pytest.raises(BatchError, match="no answer"):
            _ = [each async for each in crm.odata["Contact"].get_many([ANDREW])]


# --- One field, what is related -------------------------------------------------------------------


async def test_one_field_is_read_as_a_value_and_as_text(odata: OData) -> None:
    contacts = odata["Contact"]
    assert await contacts.value(ANDREW, "Name") == "Andrew Baker (sample)"
    assert await contacts.value(ANDREW, "Age") == 0
    assert await contacts.text(ANDREW, "Name") == "Andrew Baker (sample)"
    with pytest.raises(NotFoundError):
        await contacts.value(uuid4(), "Name")


async def test_a_row_is_linked_read_along_the_link_and_unlinked(odata: OData) -> None:
    contacts, accounts = odata["Contact"], odata["Account"]
    account = await accounts.create({"Name": "Some Company"})
    await contacts.link(ANDREW, "Account", account["Id"].upper())
    related = await contacts.related(ANDREW, "Account", select=["Name"])
    assert isinstance(related, dict)
    assert related["Name"] == "Some Company"
    await contacts.unlink(ANDREW, "Account")
    assert await contacts.value(ANDREW, "AccountId") == ZERO


async def test_what_is_related_may_be_nothing_or_several_rows() -> None:
    site = canned(answer(status=204), rows_of({"Id": ANDREW}, {"Id": ZERO}))
    async with client(site) as crm:
        assert await crm.odata["Contact"].related(ANDREW, "Account") is None
        several = await crm.odata["Contact"].related(ANDREW, "Activities", expand=["Owner"])
    assert several == [{"Id": ANDREW}, {"Id": ZERO}]
    assert site.paths[1] == f"GET odata/Contact({ANDREW})/Activities?$expand=Owner"


async def test_rows_behind_a_row_are_a_query_like_any_other(
    odata: OData, emulator: Emulator
) -> None:
    (country,) = [row["Id"] for row in emulator.rows("Country") if row["Code"] == "IT"]
    emulator.insert("City", [{"Name": f"City {n:03}", "CountryId": country} for n in range(25)])
    emulator.insert("City", [{"Name": "Elsewhere"}])
    cities = odata["Country"].collection(country, "CityCollectionByCountry")
    assert await cities.count() == 25
    some = cities.where(F.Name < "City 012").order_by(F.Name.desc()).select("Name")
    assert [row["Name"] for row in await some.top(2)] == ["City 011", "City 010"]
    pages = [page.rows async for page in cities.select("Name").pages(10)]
    assert sorted(row["Name"] for page in pages for row in page) == [
        f"City {n:03}" for n in range(25)
    ]
    with pytest.raises(ValueError, match="not a navigation property"):
        odata["Country"].collection(country, "x/y")


async def test_references_are_written_where_that_is_asked_for() -> None:
    site = canned(answer(status=204), answer(status=204))
    async with client(site) as crm:
        await crm.odata["Contact"].link(ANDREW, "Account", ZERO, ref="Account")
        await crm.odata["Contact"].unlink(ANDREW, "Account", ref=True)
    assert site.paths == [
        f"PUT odata/Contact({ANDREW})/Account/$ref",
        f"DELETE odata/Contact({ANDREW})/Account/$ref",
    ]
    assert site.requests[0].body == (
        b'{"@odata.id":"http://crm.test/0/odata/Account(%s)"}' % ZERO.encode()
    )


async def test_a_write_may_ask_for_the_row_or_for_none(crm: Creatio, emulator: Emulator) -> None:
    city = await crm.odata["City"].create({"Name": "Rome"}, return_row=False)
    assert city["Name"] == "Rome"
    assert emulator.requests[-1].headers["prefer"] == "return=minimal"
    changed = await crm.odata["City"].update(city["Id"], {"Name": "Roma"}, return_row=True)
    assert changed is not None
    assert (changed["Id"], changed["Name"]) == (city["Id"], "Roma")


async def test_a_server_that_returns_no_row_is_asked_for_it_only_where_it_is_wanted() -> None:
    site = canned(answer(status=204), answer(status=204), answer({"Id": ANDREW, "Name": "B"}))
    async with client(site) as crm:
        sent = await crm.odata["Contact"].create({"Id": ANDREW, "Name": "A"}, return_row=False)
        read = await crm.odata["Contact"].create({"Id": ANDREW, "Name": "A"})
    assert sent == {"Id": ANDREW, "Name": "A"}
    assert read == {"Id": ANDREW, "Name": "B"}
    assert [each.method for each in site.requests] == ["POST", "POST", "GET"]


# --- By address -----------------------------------------------------------------------------------


async def test_an_address_of_the_service_is_a_query(crm: Creatio, emulator: Emulator) -> None:
    absolute = (
        f"{emulator.requests[-1].url.origin()!s}/0/odata/Contact?$filter=Name eq 'Supervisor'"
    )
    for uri in (
        "Contact?$filter=Name eq 'Supervisor'",
        "Contact?$filter=Name%20eq%20'Supervisor'",
        absolute,
    ):
        query = crm.odata.read(uri)
        rows = await query
        assert [row["Name"] for row in rows] == ["Supervisor"]
        assert [row async for row in query] == rows
        assert await query.first() == rows[0]
    (single,) = await crm.odata.read(f"Contact({ANDREW})")
    assert single["Name"] == "Andrew Baker (sample)"
    assert await crm.odata.read("City").first() is None


async def test_links_are_followed_to_their_end_and_never_in_a_circle() -> None:
    row = {"Id": ANDREW}
    site = canned(
        rows_of(row, nextLink="City?$skiptoken=1"),
        rows_of(row, nextLink="http://crm.test/0/odata/City?$skiptoken=2"),
        rows_of(row),
        *[rows_of(row, nextLink="City?$skiptoken=1")] * 3,
    )
    async with client(site) as crm:
        assert await crm.odata.read("City") == [row] * 3
        assert site.paths[1:] == [
            "GET odata/City?$skiptoken=1",
            "GET odata/City?$skiptoken=2",
        ]
        with pytest.raises(CreatioError, match="circle"):
            await crm.odata.read("City")


@pytest.mark.parametrize(
    "uri",
    ["http://other.test/0/odata/City", "/0/rest/Service", "../../ServiceModel/x", "//x.test/"],
)
async def test_an_address_outside_of_the_service_is_refused(uri: str) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(ValueError, match="leads out of the service"):
            await crm.odata.read(uri)
    assert site.requests == []


async def test_an_address_behind_which_there_is_nothing_gives_no_row() -> None:
    async with client(canned(answer(status=204))) as crm:
        assert await crm.odata.read(f"Contact({ANDREW})/Account") == []


async def test_the_service_tells_its_entity_sets(odata: OData) -> None:
    names = await odata.entity_sets()
    assert {"City", "Contact", "SysImage"} <= set(names)


# --- Read ahead -----------------------------------------------------------------------------------


async def test_rows_read_ahead_are_the_same_in_the_same_order(
    odata: OData, emulator: Emulator
) -> None:
    emulator.insert("City", [{"Name": f"City {n}"} for n in range(95)])
    query = odata["City"].order_by(F.Name)
    async with query.prefetch(3, size=10) as rows:
        ahead = [row async for row in rows]
    assert ahead == await query
    assert len(ahead) == 95


async def test_no_more_pages_wait_than_were_asked_for() -> None:
    def page(request: Request) -> Response:
        skipped = int(request.url.query.get("$skip", "0"))
        return rows_of(*[{"Id": str(uuid4()), "N": skipped + n} for n in range(10)])

    site = canned(*[page] * 100)
    async with client(site) as crm:
        query = crm.odata["City"].order_by("N")
        async with query.prefetch(2, size=10) as rows:
            first = await anext(rows)
            for _ in range(50):
                await asyncio.sleep(0)
    assert first["N"] == 0
    assert len(site.requests) == 4  # one is taken, two wait, one is on its way


async def test_an_error_comes_where_its_page_was_due() -> None:
    page = rows_of(*[{"Id": str(uuid4())} for _ in range(10)])
    site = canned(page, *[lost()] * 4)
    async with (
        client(site) as crm,
        crm.odata["City"].order_by("Name").top(20).prefetch(4, size=10) as rows,
    ):
        taken = [await anext(rows) for _ in range(10)]
        with pytest.raises(CreatioError, match="dropped"):
            await anext(rows)
    assert len(taken) == 10


async def test_leaving_early_stops_the_reading(odata: OData, emulator: Emulator) -> None:
    emulator.insert("City", [{"Name": f"City {n}"} for n in range(50)])
    async with odata["City"].prefetch(2, size=5) as rows:
        await anext(rows)
    assert not [each for each in asyncio.all_tasks() if "pages ahead" in each.get_name()]
    assert await odata["City"].count() == 50


async def test_prefetch_takes_a_number_of_pages(odata: OData) -> None:
    nothing_ahead = odata["City"].prefetch(0)
    with pytest.raises(ValueError, match="from 1"):
        await nothing_ahead.__aenter__()
