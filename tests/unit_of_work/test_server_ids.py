"""New rows whose ids the server makes: they refer to each other before anybody knows these."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from attrs import define, frozen

from creatio_async import (
    UNSET,
    Change,
    EntityState,
    Model,
    OData,
    OData3,
    SaveError,
    UnexpectedResponseError,
    UnitOfWork,
    UnknownOutcomeError,
    derived,
)
from creatio_async.emulator import Cut, DropAfter, DropBefore, Emulator, Fail, Latency, Refuse
from creatio_async.emulator.troubles import Trouble
from creatio_async.messages import Request
from tests.api.canned import answer, canned, client
from tests.api.conftest import emulator, odata
from tests.emulator.caller import ANDREW, ZERO

__all__ = ["emulator", "odata"]


@pytest.fixture
def work(odata: OData) -> UnitOfWork:
    return odata.unit_of_work(new_id="server")


def batches(emulator: Emulator) -> list[Request]:
    return [each for each in emulator.requests if each.url.path.endswith("/$batch")]


def table(emulator: Emulator, name: str) -> dict[str, dict[str, Any]]:
    return {row["Name"]: row for row in emulator.rows(name)}


def formats_of(odata: OData) -> list[Any]:
    return [None] if isinstance(odata, OData3) else ["json", "multipart"]


async def test_new_rows_lead_to_each_other_in_one_change_set(
    odata: OData, emulator: Emulator
) -> None:
    for number, format_ in enumerate(formats_of(odata), 1):
        async with odata.unit_of_work(new_id="server", format=format_) as work:
            contact = work.add("Contact", {"Name": f"Ann {number}"})
            account = work.add("Account", {"Name": f"Acme {number}"})
            work.link(contact, "Account", account)
            account["PrimaryContactId"] = contact
            work.link(account, "AccountCollectionByParent", account)
            andrew = work.attach("Contact", {"Id": ANDREW})
            andrew["Notes"] = "moved"
            andrew["AccountId"] = account
        assert len(batches(emulator)) == number
        contacts, accounts = table(emulator, "Contact"), table(emulator, "Account")
        assert contacts[f"Ann {number}"]["Id"] == contact.id
        assert contacts[f"Ann {number}"]["AccountId"] == account.id == contact["AccountId"]
        row = accounts[f"Acme {number}"]
        assert (row["Id"], row["ParentId"], row["PrimaryContactId"]) == (
            account.id,
            account.id,
            contact.id,
        )
        moved = contacts["Andrew Baker (sample)"]
        assert (moved["AccountId"], moved["Notes"]) == (account.id, "moved")
        assert contact["CreatedOn"] is not None
        assert {each.state for each in work.rows} == {EntityState.UNCHANGED}
        assert work.pending == ()
        work.detach(andrew)


async def test_a_row_has_no_id_before_it_is_saved_and_has_one_then(work: UnitOfWork) -> None:
    account = work.add("Account", {"Name": "Acme"})
    contact = work.add("Contact", {"Name": "Ann", "AccountId": account})
    assert (account.has_id, repr(account)) == (False, "<Account new 1 added>")
    for read in (lambda: account.id, lambda: account.key):
        with pytest.raises(AttributeError, match="Account new 1 has no Id before the server"):
            read()
    assert "Id" not in account
    assert contact["AccountId"] is account
    assert contact.changes == {"Name": "Ann", "AccountId": account}
    assert [str(each) for each in work.pending] == [
        "create Account new 1",
        "create Contact new 2",
        "update Contact new 2",
    ]
    assert work.pending[0] == Change("create", "Account", None, 1)
    responses = await work.save()
    assert [each.change for each in responses] == [
        Change("create", "Account", account.id),
        Change("create", "Contact", contact.id),
        Change("update", "Contact", contact.id),
    ]
    assert [each.status for each in responses] == [201, 201, 204]
    assert (account["Id"], repr(account)) == (account.id, f"<Account {account.id} unchanged>")
    assert work.attach("Account", {"Id": account.id}) is account
    account["Phone"] = "1"
    with pytest.raises(ValueError, match="the Id of a row stays"):
        account["Id"] = uuid4()
    assert [str(each.change) for each in await work.save()] == [f"update Account {account.id}"]


async def test_each_row_may_have_its_id_from_elsewhere(odata: OData, emulator: Emulator) -> None:
    own = str(uuid4())
    work = odata.unit_of_work(new_id=derived("Name"))
    made = [
        work.add("City", {"Name": "derived"}),
        work.add("City", {"Name": "random"}, new_id="uuid4"),
        work.add("City", {"Name": "function"}, new_id=lambda row: UUID(int=len(row["Name"]))),
        work.add("City", {"Id": own, "Name": "own"}, new_id="server"),
    ]
    served = work.add("City", {"Name": "server"}, new_id="server")
    assert [each.has_id for each in (*made, served)] == [True] * 4 + [False]
    assert made[2].id == str(UUID(int=8))
    assert made[3].id == own
    assert [each.is_id_made_here for each in made] == [False, True, False, False]
    assert odata.unit_of_work(new_id=derived("Name")).add("City", {"Name": "derived"}).id == (
        made[0].id
    )
    await work.save()
    assert {name: row["Id"] for name, row in table(emulator, "City").items()} == {
        row["Name"]: row.id for row in (*made, served)
    }
    with pytest.raises(ValueError, match=r"add City, new_id: .*needs a value there"):
        work.add("City", {"Description": "x"})
    with pytest.raises(ValueError, match="add City, new_id: 'x' is not an Id"):
        work.add("City", {}, new_id=lambda _: "x")
    with pytest.raises(TypeError, match="a row is a mapping"):
        work.add("City", 5, new_id="server")  # type: ignore[call-overload]
    wrong: Any
    for wrong in ("guid", None):
        with pytest.raises(ValueError, match="new_id is 'uuid4', 'server'"):
            odata.unit_of_work(new_id=wrong)


async def test_more_than_one_change_set_refers_to_earlier_rows_by_their_ids(
    work: UnitOfWork, emulator: Emulator
) -> None:
    account = work.add("Account", {"Name": "Acme"})
    contacts = [
        work.add("Contact", {"Name": f"{number:03}", "AccountId": account}) for number in range(120)
    ]
    account["PrimaryContactId"] = contacts[-1]
    await work.save(atomic=False)
    first, second = (each.body for each in batches(emulator))
    assert [len(re.findall(rb'^POST |"POST"', body, re.MULTILINE)) for body in (first, second)] == [
        51,
        70,
    ]
    rows = table(emulator, "Contact")
    assert {rows[f"{number:03}"]["AccountId"] for number in range(120)} == {account.id}
    assert table(emulator, "Account")["Acme"]["PrimaryContactId"] == contacts[-1].id
    assert second.count(account.id.encode()) == 72  # in the rows themselves, where these are new
    assert len(re.findall(rb"/PrimaryContact", second)) == 1  # a new one is still linked
    assert not re.search(rb"/Account[/ ]", second)


async def test_a_refusal_names_the_row_and_leaves_all_as_it_was(
    work: UnitOfWork, emulator: Emulator
) -> None:
    account = work.add("Account", {"Name": "Acme"})
    contact = work.add("Contact", {"Name": "Ann", "AccountId": account, "Nothing": 1})
    with pytest.raises(SaveError, match=r"^create Contact new 2: .*nothing was saved") as caught:
        await work.save()
    assert caught.value.change == Change("create", "Contact", None, 2)
    assert (account.state, contact.state) == (EntityState.ADDED, EntityState.ADDED)
    assert "Acme" not in table(emulator, "Account")
    del contact["Nothing"]
    assert len(await work.save()) == 3
    assert table(emulator, "Contact")["Ann"]["AccountId"] == account.id


@pytest.mark.parametrize("trouble", [DropAfter(), DropBefore(), Cut(at=3), Fail(after=True)])
async def test_what_nobody_knows_of_is_not_sent_again(
    work: UnitOfWork, emulator: Emulator, trouble: Trouble
) -> None:
    account = work.add("Account", {"Name": "Acme"})
    contact = work.add("Contact", {"Name": "Ann", "AccountId": account}, new_id="uuid4")
    emulator.troubles.add(trouble, path="$batch")
    with pytest.raises(UnknownOutcomeError, match="cannot be looked up") as caught:
        await work.save()
    assert caught.value.changes[0] == Change("create", "Account", None, 1)
    assert caught.value.error is not None
    assert (caught.value.saved, account.state) == ((), EntityState.UNKNOWN)
    was_done = "Acme" in table(emulator, "Account")
    sent = len(batches(emulator))
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError, match="create Account new 1 and 2 more changes"):
            await work.save()
    with pytest.raises(ValueError, match="it can be detached"):
        work.delete(account)
    assert len(batches(emulator)) == sent
    work.detach(account)
    assert account.state is EntityState.DETACHED
    if was_done:
        await work.save()
        assert contact.state is EntityState.UNCHANGED
    else:
        with pytest.raises(ValueError, match=r"'AccountId' leads to <Account new 1 detached>"):
            await work.save()
        contact["AccountId"] = work.add("Account", {"Name": "Acme"})
        await work.save()
    assert [row["Name"] for row in emulator.rows("Account")].count("Acme") == 1
    assert [row["Name"] for row in emulator.rows("Contact")].count("Ann") == 1
    assert (
        table(emulator, "Contact")["Ann"]["AccountId"] == table(emulator, "Account")["Acme"]["Id"]
    )


async def test_a_save_that_was_cancelled_leaves_the_same_doubt(
    work: UnitOfWork, emulator: Emulator
) -> None:
    account = work.add("Account", {"Name": "Acme"})
    emulator.troubles.add(Latency(30), path="$batch")
    task = asyncio.create_task(work.save())
    while not batches(emulator):  # noqa: ASYNC110 - the emulator tells of no event
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    emulator.troubles.clear()
    with pytest.raises(UnknownOutcomeError, match="the save was cancelled") as caught:
        await work.save()
    assert (caught.value.error, account.state) == (None, EntityState.UNKNOWN)
    work.detach(account)
    assert await work.save() == []


async def test_what_was_certainly_not_begun_is_sent_again(
    work: UnitOfWork, emulator: Emulator
) -> None:
    account = work.add("Account", {"Name": "Acme"})
    work.add("Contact", {"Name": "Ann", "AccountId": account})
    emulator.troubles.add(Refuse(retry_after=0), path="$batch")
    emulator.troubles.add(Refuse(retry_after=0), method="POST", inner=True)
    await work.save()
    assert [row["Name"] for row in emulator.rows("Account")].count("Acme") == 1
    assert table(emulator, "Contact")["Ann"]["AccountId"] == account.id


async def test_a_row_leads_to_new_rows_that_are_followed(
    odata: OData, work: UnitOfWork, emulator: Emulator
) -> None:
    other = odata.unit_of_work(new_id="server").add("Account", {"Name": "of another"})
    contact = work.add("Contact", {"Name": "Ann", "AccountId": other})
    with pytest.raises(ValueError, match=r"create Contact new 1: 'AccountId' leads to <Account"):
        await work.save()
    with pytest.raises(ValueError, match="is not followed"):
        work.link(contact, "Account", other)
    account = work.add("Account", {"Name": "Acme"})
    contact["AccountId"] = account
    for column in ("Name", "Id"):
        with pytest.raises((ValueError, TypeError), match=r"a row stands in a lookup|an Id is"):
            contact[column] = account
    work.delete(account)
    with pytest.raises(ValueError, match="which is not to be created"):
        _ = work.pending
    work.unlink(contact, "Account")
    assert batches(emulator) == []
    await work.save()
    assert table(emulator, "Contact")["Ann"]["AccountId"] == ZERO


async def test_a_lookup_moves_to_a_new_row_before_the_old_one_is_deleted(
    odata: OData, work: UnitOfWork, emulator: Emulator
) -> None:
    old = await odata["Account"].create({"Name": "Old"})
    await odata["Contact"].update(ANDREW, {"AccountId": old["Id"]})
    andrew = await work.get("Contact", ANDREW)
    work.delete(work.attach("Account", old))
    andrew["AccountId"] = new = work.add("Account", {"Name": "New"})
    assert [each.operation for each in work.pending] == ["create", "update", "delete"]
    await work.save()
    assert "Old" not in table(emulator, "Account")
    assert andrew["AccountId"] == new.id


class Account(Model):
    Id: UUID = UNSET
    Name: str = UNSET


class Contact(Model):
    Id: UUID | None = UNSET
    Name: str = UNSET
    AccountId: UUID | None = UNSET
    Account: "Account | None" = UNSET


@define
class City:
    Name: str
    Id: UUID | None = None
    CountryId: UUID | None = None


@frozen
class Country:
    Name: str
    Id: UUID | None = None


@define
class NoId:
    __entity_set__ = "City"

    Name: str


async def test_objects_get_the_ids_that_the_server_makes(
    work: UnitOfWork, odata: OData, emulator: Emulator
) -> None:
    before = await odata["Account"].create({"Name": "Before"})
    acme, ann = work.add(Account(Name="Acme")), work.add(Contact(Name="Ann"))
    moved = work.attach(Contact(Id=UUID(ANDREW), AccountId=UUID(before["Id"])))
    place, country = work.add(City("Place")), work.add("Country", {"Name": "Land"})
    for given in (ann, moved):
        work.link(given, "Account", acme)
    work.link(place, "Country", country)
    assert (ann, acme) == (Contact(Name="Ann"), Account(Name="Acme"))
    assert (place.Id, place.CountryId) == (None, UNSET)
    assert not hasattr(moved, "AccountId")
    assert work.entry(moved).changes == {"AccountId": work.entry(acme)}
    await work.save()
    row = table(emulator, "Account")["Acme"]
    assert str(acme.Id) == row["Id"] == work.entry(acme).id
    assert (ann.AccountId, moved.AccountId, str(place.CountryId)) == (acme.Id, acme.Id, country.id)
    assert table(emulator, "Contact")["Ann"]["Id"] == str(ann.Id)
    assert work.pending == ()
    ann.AccountId = None
    assert work.entry(ann).changes == {"AccountId": None}
    await work.save()
    ann.Id = uuid4()
    with pytest.raises(ValueError, match="the Id of a row stays"):
        await work.save()


async def test_an_object_that_cannot_have_an_id_later_is_told_at_once(work: UnitOfWork) -> None:
    with pytest.raises(TypeError, match="objects of Country do not change"):
        work.add(Country("Land"))
    with pytest.raises(TypeError, match="NoId has no field for an 'Id'"):
        work.add(NoId("x"))
    assert work.rows == ()


async def test_an_object_that_does_not_change_cannot_be_linked(work: UnitOfWork) -> None:
    @frozen
    class Person:
        __entity_set__ = "Contact"

        Id: UUID
        AccountId: UUID | None = None

    person = work.attach(Person(UUID(ANDREW)))
    for target in (uuid4(), work.add(Account(Name="Acme"))):
        with pytest.raises(TypeError, match="objects of Person do not change"):
            work.link(person, "Account", target)
    assert work.entry(person).changes == {}


async def test_an_id_that_is_not_told_is_an_error_and_the_row_is_not_created_again() -> None:
    created = {"id": "1", "status": 201, "headers": {}, "body": {"Id": 5, "Name": "a"}}
    transport = canned(answer({"responses": [created]}))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work(new_id="server")
        city = work.add("City", {"Name": "a"})
        with pytest.raises(UnexpectedResponseError, match="tells no Id that is a guid") as caught:
            await work.save()
        assert caught.value.__notes__ == ["this is saved: create City new 1"]
        assert city.state is EntityState.DETACHED
        assert await work.save() == []


async def test_a_part_has_no_more_bytes_than_it_may(odata: OData, emulator: Emulator) -> None:
    work = odata.unit_of_work(new_id="server", max_bytes=20_000)
    country = work.add("Country", {"Name": "Land"})
    for number in range(12):
        work.add("City", {"Name": str(number), "Description": "x" * 4_000, "CountryId": country})
    with pytest.raises(
        ValueError, match=r"25 changes make a change set of .* 20,000 .*atomic=False"
    ):
        await work.save()
    assert batches(emulator) == []
    await work.save(atomic=False)
    sizes = [len(each.body) for each in batches(emulator)]
    assert len(sizes) > 3
    assert max(sizes) <= 20_000
    assert {row["CountryId"] for row in emulator.rows("City")} == {country.id}
    work.add("City", {"Name": "small"}, new_id="uuid4")
    work.add("City", {"Name": "large", "Description": "x" * 30_000}, new_id="uuid4")
    sent = len(batches(emulator))
    with pytest.raises(
        ValueError, match=r"create City .* alone makes .*\(saved before: create City"
    ):
        await work.save(atomic=False)
    assert len(batches(emulator)) == sent + 1
    with pytest.raises(ValueError, match="max_bytes is a number of bytes"):
        odata.unit_of_work(max_bytes=0)


async def test_json_and_multipart_are_the_formats(odata: OData, emulator: Emulator) -> None:
    wrong: Any = "xml"
    with pytest.raises(ValueError, match="travels as"):
        odata.unit_of_work(format=wrong)
    async with odata.unit_of_work(format="multipart") as work:
        work.add("City", {"Name": "a"})
    assert batches(emulator)[0].headers["content-type"].startswith("multipart/mixed")


Check = Callable[[Any], object]


async def test_a_link_is_written_as_creatio_is_known_to_take_it() -> None:
    """``@odata.bind`` in a body would be dropped in silence: the row would lead nowhere."""
    transport = canned(answer({"responses": []}))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work(new_id="server")
        account = work.add("Account", {"Name": "Acme"})
        work.add("Contact", {"Name": "Ann", "AccountId": account})
        with suppress(UnknownOutcomeError):
            await work.save()
    items = orjson.loads(transport.requests[0].body)["requests"]
    assert [
        (each["method"], each["url"], each["body"], each.get("dependsOn")) for each in items
    ] == [
        ("POST", "Account", {"Name": "Acme"}, None),
        ("POST", "Contact", {"Name": "Ann"}, None),
        ("PUT", "$2/Account/$ref", {"@odata.id": "$1"}, ["1", "2"]),
    ]


async def test_what_a_broken_off_answer_tells_is_believed_and_the_rest_is_looked_up(
    work: UnitOfWork, emulator: Emulator
) -> None:
    for number in range(6):
        emulator.troubles.add(Cut(at=0.5 + number / 12), path="$batch")
        account = work.add("Account", {"Name": f"Acme {number}"})
        contact = work.add("Contact", {"Name": f"Ann {number}", "AccountId": account})
        unknown: tuple[Change, ...] = ()
        try:
            await work.save()
        except UnknownOutcomeError as error:
            unknown = error.changes
        lost = [row for row in (account, contact) if row.state is EntityState.UNKNOWN]
        assert bool(lost) == bool(unknown)
        for row in lost:
            work.detach(row)
        await work.save()
        contacts, accounts = table(emulator, "Contact"), table(emulator, "Account")
        for row, rows in ((account, accounts), (contact, contacts)):
            if row not in lost:
                assert rows[row["Name"]]["Id"] == row.id
                assert row.state is EntityState.UNCHANGED
                work.detach(row)
        assert contacts[f"Ann {number}"]["AccountId"] == accounts[f"Acme {number}"]["Id"]
    names = [row["Name"] for row in emulator.rows("Contact") if row["Name"].startswith("Ann")]
    assert len(set(names)) == len(names) == 6


async def test_a_server_that_does_not_keep_a_change_set_whole_creates_no_row_twice() -> None:
    made = "7f0c2c1e-9d64-4a52-8f0a-6a1f6a1d2b11"
    created = {"id": "1", "status": 201, "headers": {}, "body": {"Id": made, "Name": "Acme"}}
    refused = {"id": "2", "status": 400, "headers": {}, "body": {"error": {"message": "No."}}}
    there = {"id": "1", "status": 200, "headers": {}, "body": {"Id": made, "Name": "Acme Ltd"}}
    transport = canned(answer({"responses": [created, refused]}), answer({"responses": [there]}))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work(new_id="server")
        account = work.add("Account", {"Name": "Acme"})
        contact = work.add("Contact", {"Name": "Ann", "AccountId": account})
        with pytest.raises(UnknownOutcomeError, match=r"No\."):
            await work.save()
        assert account.id == made
        assert [each.state for each in work.rows] == [EntityState.ADDED, EntityState.UNKNOWN]
        work.detach(contact)
        assert await work.save() != []
        assert (account.state, account["Name"]) == (EntityState.UNCHANGED, "Acme Ltd")
        assert work.attach("Account", {"Id": made}) is account
    assert len(transport.requests) == 2


async def test_a_success_whose_row_cannot_be_read_is_one_where_its_address_tells_the_id() -> None:
    made = "7f0c2c1e-9d64-4a52-8f0a-6a1f6a1d2b11"
    headers = {"location": f"http://crm.test/0/odata/City({made})"}
    created = {"id": "1", "status": 201, "headers": headers, "body": "<html>"}
    transport = canned(answer({"responses": [created]}))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work(new_id="server")
        city = work.add("City", {"Name": "Gilbert"})
        [saved] = await work.save()
    assert (saved.change, city.key) == (Change("create", "City", made), ("City", made))
    assert (city["Name"], city.state) == ("Gilbert", EntityState.UNCHANGED)
