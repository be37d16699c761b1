"""OData 3: what differs from OData 4, and what it cannot do."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from creatio_async import (
    BadRequestError,
    BatchError,
    Create,
    Creatio,
    CreatioError,
    EntitySet,
    Expand,
    F,
    NotFoundError,
    OData3,
    State,
    UnexpectedResponseError,
)
from creatio_async.emulator import Answer, DropAfter, Emulator, Refuse
from creatio_async.messages import Response
from tests.api.canned import answer, canned, client
from tests.api.services import sent

ROOT = "/0/ServiceModel/EntityDataService.svc/"
ANDREW = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"


@pytest.fixture
async def crm(emulator: Emulator) -> AsyncIterator[Creatio]:
    async with client(emulator) as opened:
        yield opened


@pytest.fixture(params=["atom", "json"])
def odata3(request: pytest.FixtureRequest, crm: Creatio) -> OData3:
    return crm.odata3.using(request.param)


def cities(emulator: Emulator, count: int) -> list[str]:
    return emulator.insert("City", [{"Name": f"City {number:03}"} for number in range(count)])


# --- Both services show the same site -------------------------------------------------------------


@pytest.mark.parametrize("nulls", [False, True])
async def test_a_row_is_the_same_whichever_version_it_is_read_in(
    emulator: Emulator, *, nulls: bool
) -> None:
    async with client(emulator, nulls=nulls) as crm:
        account = await crm.odata["Account"].create({"Name": "Ä & <b>\r\n 'x' "})
        key = (await crm.odata["Contact"].create({"Name": "", "AccountId": account["Id"]}))["Id"]
        rows = [
            await each["Contact"].get(key, expand=["Account"])
            for each in (crm.odata, crm.odata3, crm.odata3.using("json"))
        ]
    four, atom, verbose = rows
    assert atom == verbose
    # OData 3 has null for an empty date, however rows are read
    assert atom["BirthDate"] is None
    for row in rows:
        del row["BirthDate"]
        assert row["Account"].pop("Name") == "Ä & <b>\r\n 'x' "
    assert atom == four


async def test_numbers_are_numbers_in_every_form(emulator: Emulator) -> None:
    given = {"Number": "x", "Amount": Decimal("10.50")}
    async with client(emulator) as crm, client(emulator, decimals=True) as exact:
        for service in (crm.odata3, crm.odata3.using("json")):
            order = await service["Order"].create(given)
            assert (order["Amount"], type(order["Amount"])) == (10.5, float)
        for service in (exact.odata3, exact.odata3.using("json")):
            order = await service["Order"].create(given)
            assert (order["Amount"], type(order["Amount"])) == (Decimal("10.5"), Decimal)
            assert await service["Order"].value(order["Id"], "Amount") == Decimal("10.5")
        untyped = exact.odata3.using("json", typed=False)
        assert await untyped["Order"].value(order["Id"], "Amount") == "10.5"


async def test_the_types_of_columns_are_read_once_for_all_calls_in_json(
    crm: Creatio, emulator: Emulator
) -> None:
    service = crm.odata3.using("json")
    rows = [service["Contact"].first(), crm.odata3.using("json")["Account"].count()]
    for row in rows:
        await row
    await service["Contact"]
    assert [each.url.path for each in emulator.requests].count(f"{ROOT}$metadata") == 1
    await crm.odata3["Contact"]
    untyped = crm.odata3.using("json", typed=False)
    await untyped["Contact"]
    assert [each.url.path for each in emulator.requests].count(f"{ROOT}$metadata") == 1


# --- Pages ----------------------------------------------------------------------------------------


async def test_links_are_followed_through_pages_of_forty_rows(
    odata3: OData3, emulator: Emulator
) -> None:
    ids = cities(emulator, 125)
    rows = await odata3["City"].select("Id", "Name")
    assert [row["Id"] for row in rows] == sorted(ids)
    pages = [page async for page in odata3["City"].pages()]
    assert [len(page.rows) for page in pages] == [40, 40, 40, 5]
    assert {page.count for page in pages} == {125}
    ordered = [row["Name"] async for row in odata3["City"].order_by(F.Name.desc())]
    assert ordered == [f"City {number:03}" for number in reversed(range(125))]


@pytest.mark.parametrize(
    ("skip", "top", "size"), [(0, 100, None), (30, 60, None), (0, None, 30), (10, 90, 50)]
)
async def test_a_part_of_the_rows_is_that_part_however_it_is_paged(
    odata3: OData3, emulator: Emulator, skip: int, top: int | None, size: int | None
) -> None:
    ids = sorted(cities(emulator, 125))
    query = odata3["City"].skip(skip)
    query = query if top is None else query.top(top)
    rows = [row["Id"] async for page in query.pages(size) for row in page.rows]
    assert rows == ids[skip:][:top]


async def test_rows_are_read_ahead_by_links_too(odata3: OData3, emulator: Emulator) -> None:
    ids = cities(emulator, 90)
    async with odata3["City"].prefetch(2) as rows:
        assert [row["Id"] async for row in rows] == sorted(ids)


async def test_links_that_lead_in_a_circle_are_refused() -> None:
    feed = b'{"d":{"results":[{"Id":"%s"}],"__next":"%sCityCollection?$skiptoken=1"}}'
    page = answer(feed % (ANDREW.encode(), b"http://crm.test" + ROOT.encode()))
    async with client(canned(*[page] * 20)) as crm:
        service = crm.odata3.using("json", typed=False)
        with pytest.raises(CreatioError, match="circle"):
            await service["City"]
        with pytest.raises(CreatioError, match="circle"):
            await service["Account"].related(ANDREW, "Cities")


async def test_a_link_to_another_site_is_not_followed() -> None:
    feed = b'{"d":{"results":[],"__next":"http://other.test/x"}}'
    async with client(canned(answer(feed))) as crm:
        with pytest.raises(CreatioError, match="not followed"):
            await crm.odata3.using("json", typed=False)["City"]


async def test_the_first_row_and_the_only_one_are_one_request(
    odata3: OData3, emulator: Emulator
) -> None:
    cities(emulator, 50)
    await odata3["City"].first()
    before = len(emulator.requests)
    assert (await odata3["City"].where(F.Name == "City 049").one())["Name"] == "City 049"
    assert await odata3["City"].where(F.Name == "none").first() is None
    assert await odata3["City"].where(F.Name.in_([f"City {n:03}" for n in range(45)])).count() == 45
    assert len(emulator.requests) == before + 5  # a count of 45 values is three requests


async def test_the_rows_in_rows_are_read_to_their_end_wherever_they_are_asked_for(
    odata3: OData3, emulator: Emulator
) -> None:
    account = await odata3["Account"].create({"Name": "Acme"})
    small = await odata3["Account"].create({"Name": "Small"})
    emulator.insert("Contact", [{"Name": f"C{n}", "AccountId": account["Id"]} for n in range(95)])
    emulator.insert("Contact", [{"Name": "S", "AccountId": small["Id"]}])
    inner = "ContactCollectionByAccount"
    accounts, expand = odata3["Account"], [f"{inner}/Account"]
    ours = accounts.where(F.Id.in_([account["Id"], small["Id"]])).order_by("Name")
    batch = odata3.batch()
    several = batch.query(ours.expand(*expand))
    alone = batch.get("Account", account["Id"], expand=expand)
    await batch.send()
    asked = [account["Id"]]
    (many,) = [each.row async for each in accounts.get_many(asked, expand=expand)]
    related = await odata3["Contact"].related(
        (await odata3["Contact"].where(F.Name == "C1").one())["Id"], "Account", expand=expand
    )
    assert many is not None
    assert isinstance(related, dict)
    read, annotated = await ours.expand(*expand), await ours.expand(*expand).annotated()
    one = await accounts.get(account["Id"], expand=expand)
    for row in (read[0], several.result()[0], alone.result(), many, related, one, annotated[0]):
        assert sorted(each["Name"] for each in row[inner]) == sorted(f"C{n}" for n in range(95))
        assert {each["Account"]["Name"] for each in row[inner]} == {"Acme"}
    assert [len(row[inner]) for row in read] == [95, 1]
    assert not any("@" in name for row in (*read, *read[0][inner]) for name in row)
    assert "@odata.editLink" in annotated[0]
    assert f"{inner}@odata.nextLink" not in annotated[0]
    assert "@odata.editLink" in annotated[0][inner][94]


async def test_what_is_shown_of_an_expanded_row_is_the_same_in_each_version(
    crm: Creatio, emulator: Emulator
) -> None:
    (account,) = emulator.insert("Account", [{"Name": "Acme"}])
    emulator.insert("Contact", [{"Name": "Ann", "AccountId": account}])
    shown = Expand("Account", select=["Name"])
    for expand in ([shown], [shown, "Account/Type"], ["Account/Type", shown], [shown, "Account"]):
        four, atom, verbose = [
            await each["Contact"].where(F.Name == "Ann").select("Id").expand(*expand).one()
            for each in (crm.odata, crm.odata3, crm.odata3.using("json"))
        ]
        assert four == atom == verbose
        assert four["Account"]["Name"] == "Acme"


# --- Single rows ----------------------------------------------------------------------------------


async def test_what_is_behind_a_row_is_read_whole(odata3: OData3, emulator: Emulator) -> None:
    account = await odata3["Account"].create({"Name": "Acme"})
    emulator.insert("Contact", [{"Name": f"C{n}", "AccountId": account["Id"]} for n in range(90)])
    back = "ContactCollectionByAccount"
    several = await odata3["Account"].related(account["Id"], back, select=["Name"])
    assert isinstance(several, list)
    assert len(several) == 90
    collection = odata3["Account"].collection(account["Id"], back)
    assert await collection.count() == 90
    assert len(await collection.where(F.Name.startswith("C8"))) == 11
    one = several[0]
    (contact,) = await odata3["Contact"].where(F.Name == "C5")
    found = await odata3["Contact"].related(contact["Id"], "Account", select=["Name"])
    assert isinstance(found, dict)
    assert found["Name"] == "Acme"
    assert set(one) == {"Name"}
    assert await odata3["Contact"].related(ANDREW, "Account") is None


@pytest.mark.parametrize("ref", ["Account", None])
async def test_a_lookup_is_set_and_emptied_by_its_column_or_as_a_link(
    odata3: OData3, ref: str | None
) -> None:
    account = await odata3["Account"].create({"Name": "Acme"})
    contacts = odata3["Contact"]
    await contacts.link(ANDREW, "Account", account["Id"], ref=ref)
    assert await contacts.value(ANDREW, "AccountId") == account["Id"]
    await contacts.unlink(ANDREW, "Account", ref=ref is not None)
    assert await contacts.related(ANDREW, "Account") is None


async def test_links_are_written_to_their_own_address(crm: Creatio, emulator: Emulator) -> None:
    account = await crm.odata3["Account"].create({"Name": "Acme"})
    await crm.odata3["Contact"].link(ANDREW, "Account", account["Id"], ref="Account")
    request = emulator.requests[-1]
    assert request.url.path == f"{ROOT}ContactCollection(guid'{ANDREW}')/$links/Account"
    assert (request.method, request.headers["content-type"]) == ("PUT", "application/xml")
    await crm.odata3["Contact"].unlink(ANDREW, "Account", ref=True)
    assert emulator.requests[-1].method == "DELETE"


async def test_a_field_is_read_by_itself(odata3: OData3) -> None:
    assert await odata3["Contact"].value(ANDREW, "Id") == ANDREW
    assert await odata3["Contact"].value(ANDREW, "Age") == 0
    assert await odata3["Contact"].value(ANDREW, "BirthDate") is None
    assert await odata3["Contact"].text(ANDREW, "Name") == "Andrew Baker (sample)"
    with pytest.raises(NotFoundError, match="is null"):
        await odata3["Contact"].text(ANDREW, "BirthDate")


async def test_annotations_have_the_names_of_version_4(odata3: OData3) -> None:
    contact = await odata3["Contact"].annotated().get(ANDREW)
    assert contact["@odata.editLink"].endswith(f"{ROOT}ContactCollection(guid'{ANDREW}')")
    assert contact["Account@odata.navigationLink"].endswith("/Account")
    plain = await odata3["Contact"].get(ANDREW)
    assert {name for name in contact if "@" not in name} == set(plain)


async def test_a_row_that_has_a_version_is_read_only_when_it_has_another() -> None:
    row = b'{"d":{"__metadata":{"etag":"W/\\"5\\""},"Id":"%s"}}' % ANDREW.encode()
    site = canned(answer(row), answer(status=304), answer(status=204))
    async with client(site) as crm:
        contacts = crm.odata3.using("json", typed=False)["Contact"].annotated()
        found = await contacts.get(ANDREW)
        assert await contacts.get_if_changed(ANDREW, found["@odata.etag"]) is None
        await contacts.update(ANDREW, {"Name": "A"}, if_match=found["@odata.etag"])
    assert site.requests[1].headers["if-none-match"] == 'W/"5"'
    assert (site.requests[2].method, site.requests[2].headers["if-match"]) == ("MERGE", 'W/"5"')


async def test_a_write_may_leave_out_its_row_or_give_it(odata3: OData3, emulator: Emulator) -> None:
    city = await odata3["City"].create({"Name": "Rome"}, return_row=False)
    assert set(city) == {"Id", "Name"}
    assert emulator.requests[-1].headers["prefer"] == "return-no-content"
    changed = await odata3["City"].update(city["Id"], {"Name": "Roma"}, return_row=True)
    assert changed is not None
    assert (changed["Name"], changed["Id"]) == ("Roma", city["Id"])
    assert emulator.requests[-1].headers["prefer"] == "return-content"
    assert emulator.requests[-1].headers["dataserviceversion"] == "3.0"


async def test_a_change_that_is_accepted_only_is_followed_to_its_result() -> None:
    later = {"Location": f"{ROOT}later", "Retry-After": "0"}
    row = f'{{"d":{{"Id":"{GUID}","Name":"x"}}}}'
    site = canned(
        answer(status=202, headers=later.items()),
        answer(status=202, headers=later.items()),
        answer(status=303, headers=[("Location", f"{ROOT}done")]),
        answer(row),
    )
    async with client(site) as other:
        service = other.odata3.using("json", typed=False)
        assert (await service["City"].create({"Id": GUID, "Name": "x"}))["Name"] == "x"
    assert [each.method for each in site.requests] == ["POST", "GET", "GET", "GET"]


async def test_methods_go_through_servers_that_take_get_and_post_only(
    crm: Creatio, emulator: Emulator
) -> None:
    service = crm.odata3.using("atom", tunnel=True)
    city = await service["City"].create({"Name": "Rome"})
    await service["City"].update(city["Id"], {"Name": "Roma"})
    assert await service["City"].value(city["Id"], "Name") == "Roma"
    await service["City"].delete(city["Id"])
    image = await service["SysImage"].create({"Name": "x.png"})
    data = service["SysImage"].stream(image["Id"], "Data")
    await data.write(b"png", content_type="image/png")
    assert await data.read() == b"png"
    await data.delete()
    assert await data.read() == b""
    asked = [each for each in emulator.requests if ROOT in each.url.path]
    assert {each.method for each in asked} == {"GET", "POST"}
    told = [each.headers.get("x-http-method") for each in asked if each.method == "POST"]
    assert told == [None, "MERGE", "DELETE", None, "PUT", "DELETE"]


@pytest.mark.parametrize("change", ["MERGE", "PATCH"])
async def test_a_row_is_changed_with_the_method_asked_for(
    crm: Creatio, emulator: Emulator, change: Any
) -> None:
    service = crm.odata3.using("atom", change=change)
    city = await service["City"].create({"Name": "Rome", "Description": "old"})
    await service["City"].update(city["Id"], {"Name": "Roma"})
    assert emulator.requests[-1].method == change
    await service["City"].update_many([{"Id": city["Id"], "Name": "ROMA"}])
    assert f"\r\n{change} CityCollection(".encode() in emulator.requests[-1].body
    after = await service["City"].get(city["Id"])
    assert (after["Name"], after["Description"]) == ("ROMA", "old")


async def test_the_bytes_of_a_media_entry_are_the_value_of_its_row() -> None:
    site = canned(answer(b"png", content_type="image/png"), answer(status=204))
    async with client(site) as crm:
        image = crm.odata3["Picture"].stream(GUID)
        assert await image.read() == b"png"
        await image.write(b"gnp")
    assert site.paths == [
        f"{method} {ROOT[3:]}PictureCollection(guid'{GUID}')/$value" for method in ("GET", "PUT")
    ]


# --- Batches --------------------------------------------------------------------------------------


async def test_operations_stand_in_change_sets_and_are_done_whatever_fails(
    odata3: OData3,
) -> None:
    batch = odata3.batch()
    first = batch.create("City", {"Name": "first"})
    with batch.atomic() as group:
        lost = group.create("City", {"Name": "lost"})
        wrong = group.create("City", {"NoSuchColumn": 1})
    changed = batch.update("City", first, {"Name": "changed"})
    missing = batch.delete("City", GUID)
    found = batch.get("City", first, select=["Name"])
    absent = batch.get("City", lost)
    await batch.send()
    states = [each.state for each in batch.operations]
    assert states == [
        *(State.DONE, State.GROUP_FAILED, State.FAILED, State.DONE),
        *(State.FAILED, State.DONE, State.FAILED),
    ]
    assert first.result()["Name"] == "first"
    assert changed.result() is None
    assert found.result()["Name"] == "changed"
    for sent_, kind in (
        (wrong, BadRequestError),
        (missing, NotFoundError),
        (absent, NotFoundError),
    ):
        with pytest.raises(kind):
            sent_.result()


async def test_a_query_in_a_batch_is_read_to_its_end(odata3: OData3, emulator: Emulator) -> None:
    ids = cities(emulator, 95)
    batch = odata3.batch()
    every, few = batch.query(odata3["City"]), batch.query(odata3["City"].top(3))
    await batch.send()
    assert [row["Id"] for row in every.result()] == sorted(ids)
    assert len(few.result()) == 3


async def test_a_query_in_a_batch_whose_rest_cannot_be_read_has_failed(
    odata3: OData3, emulator: Emulator
) -> None:
    cities(emulator, 50)
    batch = odata3.batch()
    every = batch.query(odata3["City"])
    page = answer("<html>Maintenance</html>", content_type="text/html", status=400)
    emulator.troubles.add(Answer(page), method="GET", path="CityCollection")
    await batch.send()
    assert every.state is State.FAILED
    with pytest.raises(BadRequestError):
        every.result()


async def test_a_row_that_is_made_in_a_group_is_found_in_the_group(odata3: OData3) -> None:
    batch = odata3.batch()
    with batch.atomic() as group:
        account = group.create("Account", {"Name": "Acme"})
        contact = group.create("Contact", {"Name": "Ann", "AccountId": account})
        group.link("Account", account, "PrimaryContact", contact)
    await batch.send()
    assert {each.state for each in batch.operations} == {State.DONE}
    owner = await odata3["Contact"].related(contact.id or "", "Account")
    assert isinstance(owner, dict)
    assert owner["PrimaryContactId"] == contact.id


async def test_replacing_a_row_empties_what_is_left_out(odata3: OData3) -> None:
    city = await odata3["City"].create({"Name": "Rome", "Description": "old"})
    batch = odata3.batch()
    batch.replace("City", city["Id"], {"Name": "Roma"})
    await batch.send()
    after = await odata3["City"].get(city["Id"])
    assert (after["Name"], after["Description"]) == ("Roma", "")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda crm: crm.batch(format="json"), "'multipart' only"),
        (lambda crm: crm.batch(continue_on_error=False), "every operation"),
        (lambda crm: crm["City"].create_many([], format="json"), "'multipart' only"),
        (lambda crm: crm["City"].update_many([], continue_on_error=False), "every operation"),
        (lambda crm: crm["City"].writer(format="json"), "'multipart' only"),
        (lambda crm: crm.write_many([Create("City", {})], format="json"), "'multipart' only"),
        (lambda crm: crm["City"].sync([], key="Name", format="json"), "'multipart' only"),
        (lambda crm: crm.using("xml"), "'atom' or 'json'"),
        (lambda crm: crm.using("atom", change="PUT"), "'MERGE' or 'PATCH'"),
    ],
)
async def test_what_the_version_cannot_do_is_refused_where_it_is_said(
    crm: Creatio, call: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        call(crm.odata3)


async def test_what_the_version_has_no_word_for_is_refused_before_anything_is_sent(
    crm: Creatio, emulator: Emulator
) -> None:
    before = len(emulator.requests)
    contacts: EntitySet = crm.odata3["Contact"]
    for query in (
        contacts.option("$search", "x"),
        contacts.expand(Expand("Account", top=1)),
        contacts.where(F.CreatedOn.time().hour() == 1),
    ):
        with pytest.raises(ValueError, match="OData 3"):
            await query
    with pytest.raises(ValueError, match="create City, 'Name'"):
        await crm.odata3["City"].create({"Name": "\x00"})
    assert len(emulator.requests) == before
    city = await crm.odata3.using("json")["City"].create({"Name": "\x01"})
    assert await crm.odata3.using("json")["City"].value(city["Id"], "Name") == "\x01"


NO_ROW = Refuse(200, body=b"<feed")


async def test_an_answer_in_a_batch_that_is_no_row_is_an_error_of_the_batch(
    odata3: OData3, emulator: Emulator
) -> None:
    emulator.troubles.add(NO_ROW, method="GET", inner=True, times=None)
    with pytest.raises(BatchError, match="is no row"):
        [each async for each in odata3["Contact"].get_many([ANDREW])]
    batch = odata3.batch()
    found, several = batch.get("Contact", ANDREW), batch.query(odata3["Contact"])
    await batch.send()
    assert several.state is State.FAILED
    for each in (found, several):
        with pytest.raises(UnexpectedResponseError):
            each.result()


async def test_a_look_up_that_gives_no_row_leaves_a_create_unknown_and_repeats_an_update(
    odata3: OData3, emulator: Emulator
) -> None:
    emulator.troubles.add(DropAfter(), path="$batch")
    emulator.troubles.add(NO_ROW, method="GET", inner=True, times=None)
    async with odata3["City"].create_many([{"Name": "Rome"}, {"Name": "Oslo"}]) as outcomes:
        states = [each.state async for each in outcomes]
    assert states == [State.UNKNOWN, State.UNKNOWN]
    ids = [row["Id"] for row in emulator.rows("City")]
    assert len(ids) == 2
    emulator.troubles.add(DropAfter(), path="$batch")
    report = await odata3["City"].update_many([{"Id": each, "Name": "x"} for each in ids])
    assert report.done == 2


async def test_a_row_that_was_written_and_comes_back_as_none_is_written_all_the_same(
    odata3: OData3, emulator: Emulator
) -> None:
    emulator.troubles.add(Refuse(201, body=b"<feed"), method="POST", inner=True)
    rows = [{"Name": "Rome"}, {"Name": "Oslo"}]
    async with odata3["City"].create_many(rows, return_rows=True) as outcomes:
        told = [each async for each in outcomes]
    assert [each.state for each in told] == [State.DONE, State.DONE]
    assert [each.saved is None for each in told] == [True, False]


async def test_single_rows_are_pushed_by_many_tasks(odata3: OData3, emulator: Emulator) -> None:
    emulator.troubles.add(DropAfter(), path="$batch", times=2)
    async with odata3["City"].writer(linger=0, batch_size=10) as writer:
        made = await asyncio.gather(*(writer.create({"Name": f"City {n}"}) for n in range(40)))
        await asyncio.gather(*(writer.update(each.id, {"Name": "x"}) for each in made[:20]))
        gone = await asyncio.gather(*(writer.delete(each.id) for each in made[30:]))
    assert {each.state for each in (*made, *gone)} == {State.DONE}
    names = [row["Name"] for row in emulator.rows("City")]
    assert (len(names), names.count("x")) == (30, 20)


async def test_a_synchronization_reads_all_pages_and_writes_what_differs(
    odata3: OData3, emulator: Emulator
) -> None:
    cities(emulator, 130)
    rows = [{"Name": f"City {n:03}", "Description": "" if n else "first"} for n in range(120)]
    rows.append({"Name": "new", "Description": "new"})
    key: Any = {"key": "Name", "within": F.Name.startswith("City"), "delete_missing": True}
    report = await odata3["City"].sync(rows, **key)
    assert report.written == {"create": 1, "update": 1, "delete": 10}
    again = await odata3["City"].sync(rows[:-1], **key)
    assert again.written == {}
    assert len(emulator.rows("City")) == 121


# --- Answers that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"<feed", b"<html/>", b"{}", b'{"d":5}', b'{"value":[]}', b"\xff", b"null"]
)
async def test_an_answer_that_is_none_is_an_error_of_its_own(body: bytes) -> None:
    site = canned(*[answer(body, content_type="application/atom+xml")] * 5)
    async with client(site) as crm:
        contacts = crm.odata3["Contact"]
        for call in (contacts.get(GUID), contacts.value(GUID, "Name"), contacts.first()):
            with pytest.raises(UnexpectedResponseError):
                await call
        with pytest.raises(UnexpectedResponseError):
            await crm.odata3.entity_sets()
        with pytest.raises(UnexpectedResponseError):
            await crm.odata3.read("ContactCollection")


async def test_what_was_not_asked_for_is_not_taken_for_it() -> None:
    one = b'{"d":{"Id":"%s"}}' % GUID.encode()
    several = b'{"d":{"results":[]}}'
    async with client(canned(answer(one), answer(several), answer(several))) as crm:
        contacts = crm.odata3["Contact"]
        with pytest.raises(UnexpectedResponseError, match="one row"):
            await contacts
        with pytest.raises(UnexpectedResponseError, match="collection"):
            await contacts.get(GUID)


async def test_the_form_of_an_answer_counts_and_not_the_one_asked_for() -> None:
    one = answer(b'{"d":{"Id":"%s","On":"2020-01-01T00:00:00"}}' % GUID.encode())
    async with client(canned(one)) as crm:
        row = await crm.odata3["Contact"].get(GUID)
    assert row == {"Id": GUID, "On": "2020-01-01T00:00:00Z"}


async def test_errors_are_those_of_version_4_in_either_form(odata3: OData3) -> None:
    with pytest.raises(NotFoundError, match="NopeCollection"):
        await odata3["Nope"]
    with pytest.raises(BadRequestError, match="NoSuchColumn"):
        await odata3["City"].create({"NoSuchColumn": 1})


# --- The service itself ---------------------------------------------------------------------------


async def test_the_sets_have_the_names_by_which_they_are_found(odata3: OData3) -> None:
    names = await odata3.entity_sets()
    assert {"Contact", "City"} <= set(names)
    assert not any(name.endswith("Collection") for name in names)
    schema = await odata3.metadata()
    assert schema["ContactCollection"].properties["CreatedOn"].type == "Edm.DateTime"
    assert schema["ContactCollection"].navigations["Account"].column == "AccountId"


async def test_rows_are_read_from_any_address_of_the_service(
    odata3: OData3, emulator: Emulator
) -> None:
    cities(emulator, 45)
    assert len(await odata3.read("CityCollection?$select=Name")) == 45
    (andrew,) = await odata3.read(f"ContactCollection(guid'{ANDREW}')")
    assert andrew["Name"] == "Andrew Baker (sample)"
    assert await odata3.read(f"ContactCollection(guid'{ANDREW}')/Account") == []
    with pytest.raises(ValueError, match="leads out"):
        await odata3.read("../odata/City")


async def test_many_rows_are_found_by_their_ids(odata3: OData3, emulator: Emulator) -> None:
    ids = cities(emulator, 130)
    asked = [*reversed(ids), GUID]
    found = [each async for each in odata3["City"].get_many(asked, select=["Name"])]
    assert [each.id for each in found] == asked
    assert [each.row["Name"] for each in found if each.row] == [
        f"City {n:03}" for n in reversed(range(130))
    ]
    assert found[-1].row is None


async def test_a_lost_answer_to_metadata_is_no_harm(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(DropAfter(), path="$metadata")
    assert await crm.odata3.using("json")["Contact"].count() == 3
    assert (await crm.odata3.using("json")["Contact"].get(ANDREW))["Age"] == 0


async def test_metadata_that_cannot_be_read_is_asked_for_again_with_the_next_call(
    crm: Creatio, emulator: Emulator
) -> None:
    emulator.troubles.add(Answer(Response(status=403)), path="$metadata")
    contacts = crm.odata3.using("json")["Contact"]
    with pytest.raises(CreatioError, match=r"\$metadata") as caught:
        await contacts.get(ANDREW)
    assert "typed=False does without" in caught.value.__notes__[-1]
    assert (await contacts.get(ANDREW))["Id"] == ANDREW
    assert sent(emulator, "GET") == [f"GET Contact({ANDREW})"]
