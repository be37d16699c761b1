"""What the emulator answers, read through Atom, verbose JSON and OData 4: the same rows."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from creatio_async.emulator import Emulator
from creatio_async.messages import Request
from creatio_async.protocol.odata.metadata import read_schema
from creatio_async.protocol.odata.reading import Reading
from creatio_async.protocol.odata3.answers import Answer
from creatio_async.protocol.odata3.atom import read_atom
from creatio_async.protocol.odata3.documents import read_links, read_property, read_service
from creatio_async.protocol.odata3.verbose import read_verbose
from tests.emulator.caller import ANDREW, Caller, caller_of
from tests.emulator.odata3 import JSON, PATH, entity, v3

BASE = f"http://crm.test/0{PATH}"
EMPTY = {None, "0001-01-01T00:00:00Z"}


TRICKY = " <Tom> & 'Jerry' \"]]>\" \r\n\t \u2028 \U0001f600 /Date(5)/ "


async def filled(crm: Caller) -> None:
    """Give the tables rows that are hard to read, and more than one page of cities."""

    async def create(name: str, **fields: Any) -> str:
        response = await crm.ask("POST", f"/0/odata/{name}", fields)
        assert response.status == 201, response.text()
        return str(response.json()["Id"])

    kind = await create("AccountType", Name="Customer")
    account = await create("Account", Name=TRICKY, TypeId=kind, OwnerId=ANDREW)
    await create("Account", Name="", Notes="2026-01-31T00:00:00", Completeness=-7)
    for number in range(3):
        await create(
            "Activity",
            Title=f"Call {number}",
            ContactId=ANDREW,
            AccountId=account,
            StartDate=f"2026-01-3{number % 2}T09:00:00.{number}5Z",
            ShowInScheduler=bool(number),
        )
    for amount in (0, 5, 10.5, -0.25, 123456789.12):
        await create("Order", Number=str(amount), Amount=amount, Date="1999-12-31T23:59:59.123Z")
    await create("SysImage", Name="x.png", MimeType="image/png")
    for number in range(42):
        await create("City", Name=f"City {number}")
    changed = {"AccountId": account, "BirthDate": "1977-07-07T00:00:00Z"}
    assert (await crm.ask("PATCH", f"/0/odata/Contact({ANDREW})", changed)).status == 204


@pytest.fixture
async def crm() -> AsyncIterator[Caller]:
    with Emulator() as emulator:
        caller = caller_of(emulator)
        await caller.login()
        await filled(caller)
        yield caller


async def types_of(crm: Caller, name: str) -> dict[str, str]:
    schema = read_schema((await v3(crm, "GET", "$metadata")).body)
    return {each.name: each.type for each in schema.type(name).properties.values()}


async def in_both(crm: Caller, path: str, **options: Any) -> tuple[Answer, Answer]:
    atom = await v3(crm, "GET", path)
    assert atom.body.startswith(b"<?xml"), atom.text()
    verbose = await v3(crm, "GET", path, headers=JSON)
    types = options.pop("types", None)
    return (
        read_atom(atom.body, base=BASE, **options),
        read_verbose(verbose.body, base=BASE, types=types, **options),
    )


def without_empty_dates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """OData 3 of the emulator has null for Creatio's empty date."""
    return [
        {name: None if value in EMPTY else value for name, value in row.items()} for row in rows
    ]


async def in_version_4(crm: Caller, path: str, **options: Any) -> list[dict[str, Any]]:
    response = await crm.ask("GET", f"/0/odata/{path.replace(' ', '%20')}")
    assert response.status == 200, response.text()
    request = Request(method="GET", url=URL(f"http://crm.test/0/odata/{path}"))
    return Reading(**options).page(request, response, expanded=True).rows


@pytest.mark.parametrize("options", [{}, {"nulls": True}, {"decimals": True}])
async def test_rows_are_the_same_in_every_form(crm: Caller, options: dict[str, bool]) -> None:
    for name in ("Contact", "Account", "Activity", "Order", "City", "SysImage"):
        types = await types_of(crm, name)
        path = "?$orderby=Id&$top=40&$inlinecount=allpages"
        atom, verbose = await in_both(crm, f"{name}Collection{path}", types=types, **options)
        assert atom == verbose
        rows = await in_version_4(crm, f"{name}?$orderby=Id&$top=40", **options)
        assert rows
        assert without_empty_dates(rows) == without_empty_dates(atom.rows)
        assert [list(map(type, row.values())) for row in without_empty_dates(rows)] == [
            list(map(type, row.values())) for row in without_empty_dates(atom.rows)
        ]


async def test_dates_of_json_are_found_without_types_and_texts_like_them_left(crm: Caller) -> None:
    path = "AccountCollection?$orderby=Id"
    atom, verbose = await in_both(crm, path)
    for row in atom.rows:  # a number as text stays text, but there is none here
        assert row in verbose.rows
    assert "2026-01-31T00:00:00" in [row["Notes"] for row in verbose.rows]
    atom, verbose = await in_both(crm, "ActivityCollection?$orderby=Id")
    assert atom == verbose


async def test_what_is_expanded_is_the_same_in_every_form(crm: Caller) -> None:
    path = "ContactCollection?$expand=Account/Type,City,ActivityCollectionByContact&$orderby=Id"
    atom, verbose = await in_both(crm, path)
    assert atom == verbose
    rows = await in_version_4(
        crm,
        "Contact?$expand=Account($expand=Type),City,ActivityCollectionByContact&$orderby=Id",
    )
    [row] = [row for row in atom.rows if row["Id"] == ANDREW]
    [same] = [row for row in rows if row["Id"] == ANDREW]
    assert row["Account"]["Name"] == same["Account"]["Name"] == TRICKY
    assert row["Account"]["Type"]["Name"] == "Customer"
    assert row["City"] is None
    known = {each["Id"]: each for each in same["ActivityCollectionByContact"]}
    assert len(known) == len(row["ActivityCollectionByContact"]) == 3
    for each in row["ActivityCollectionByContact"]:
        assert without_empty_dates([each]) == without_empty_dates([known[each["Id"]]])
    assert set(row) == set(same)


async def test_pages_lead_on_and_count(crm: Caller) -> None:
    path = "CityCollection?$inlinecount=allpages"
    seen: list[str] = []
    while path:
        atom, verbose = await in_both(crm, path)
        assert atom == verbose
        assert atom.count == 42
        assert atom.is_feed
        seen += [row["Id"] for row in atom.rows]
        path = (atom.next_link or "").removeprefix(BASE)
    assert len(seen) == len(set(seen)) == 42


async def test_a_single_row_is_no_feed(crm: Caller) -> None:
    for answer in await in_both(crm, entity("Contact", ANDREW)):
        assert not answer.is_feed
        assert answer.rows[0]["Id"] == ANDREW


async def test_annotations_are_the_same_in_both_forms(crm: Caller) -> None:
    path = f"ContactCollection?$filter=Id eq guid'{ANDREW}'&$expand=ActivityCollectionByContact"
    atom, verbose = await in_both(crm, path, annotated=True)
    [row] = atom.rows
    here = BASE + entity("Contact", ANDREW)
    way = row.pop("ActivityCollectionByContact@odata.navigationLink")
    assert way == f"{here}/ActivityCollectionByContact"  # JSON does not tell where its rows are
    assert atom == verbose
    assert row["@odata.id"] == row["@odata.editLink"] == here
    assert row["@odata.type"] == "#Terrasoft.Configuration.Contact"
    assert row["Account@odata.navigationLink"] == f"{here}/Account"
    assert row["ContactPhoto@odata.mediaEditLink"] == f"{here}/ContactPhoto"
    assert row["ContactPhoto@odata.mediaContentType"] == "application/octet-stream"
    assert {each["@odata.type"] for each in row["ActivityCollectionByContact"]} == {
        "#Terrasoft.Configuration.Activity"
    }


@pytest.mark.parametrize("name", ["Name", "AccountId", "BirthDate", "DoNotUseCall", "Age"])
async def test_a_single_property_is_the_same_in_both_forms(crm: Caller, name: str) -> None:
    types = await types_of(crm, "Contact")
    path = f"{entity('Contact', ANDREW)}/{name}"
    atom = read_property((await v3(crm, "GET", path)).body)
    verbose = (await v3(crm, "GET", path, headers=JSON)).body
    [row] = (await in_both(crm, entity("Contact", ANDREW)))[0].rows
    assert atom == read_property(verbose, edm=types[name]) == row[name]


async def test_links_and_the_service_document_are_the_same_in_both_forms(crm: Caller) -> None:
    for path in ("Account", "ActivityCollectionByContact?$inlinecount=allpages"):
        way = f"{entity('Contact', ANDREW)}/$links/{path}"
        found = [
            read_links((await v3(crm, "GET", way, headers=headers)).body, base=BASE)
            for headers in ({}, JSON)
        ]
        assert found[0] == found[1]
        assert found[0].is_feed is (path != "Account")
        assert all(uri.startswith(BASE) for uri in found[0].uris)
        assert len(found[0].uris) == (found[0].count or 1)
    names = read_service((await v3(crm, "GET", "")).body)
    assert "ContactCollection" in names
    assert read_service((await v3(crm, "GET", "", headers=JSON)).body) == names
