from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from attrs import define

from creatio_async import (
    UNSET,
    Creatio,
    F,
    Model,
    ModelError,
    OData,
    State,
    column,
    columns,
    lookup,
)

KEY = UUID("405947d0-2ffb-4ded-8675-0475f19f5a81")


@define
class Named:
    """Written by hand: an attrs class with slots, and without a base."""

    __entity_set__ = "City"

    Id: UUID
    Name: str
    CountryId: UUID | None = None


@dataclass
class Unsaved:
    """A dataclass whose objects have no `Id` before they are saved."""

    __entity_set__ = "City"

    Name: str
    Id: UUID | None = None
    CountryId: UUID | None = None


async def test_rows_come_as_objects_in_every_way_to_read_them(
    odata: OData, made: ModuleType
) -> None:
    contacts = odata[made.Contact]
    found = await contacts.order_by("Name")
    assert [each.Name for each in found] == sorted(each.Name for each in found)
    assert all(type(each) is made.Contact for each in found)
    one = found[0]
    assert isinstance(one.Id, UUID)
    assert one.CreatedOn.tzinfo is UTC
    assert one.AccountId is None  # a zero guid on the wire
    query = contacts.where(columns(made.Contact).Id == one.Id)
    assert await query.one() == await query.first() == await contacts.get(one.Id) == one
    assert await query == [each async for each in query] == [one]
    assert [page.rows async for page in query.pages(10)] == [[one]]
    async with query.prefetch(1) as ahead:
        assert [each async for each in ahead] == [one]
    many = [each async for each in contacts.get_many([one.Id, uuid4(), one.Id])]
    assert [each.row for each in many] == [one, None, one]
    assert await contacts.where("false").first() is None
    assert await query.count() == 1


async def test_what_was_not_selected_is_unset(odata: OData, made: ModuleType) -> None:
    one = await odata[made.Contact].select("Id", "Name").first()
    assert one is not None
    assert set(vars(one)) == {"Id", "Name"}
    with pytest.raises(AttributeError, match=r"Contact\.Notes is unset"):
        _ = one.Notes


async def test_expanded_rows_are_objects_of_their_classes(odata: OData, made: ModuleType) -> None:
    accounts, contacts = odata[made.Account], odata[made.Contact]
    account = await accounts.create(made.Account(Name="Acme"))
    contact = await contacts.create(made.Contact(Name="Ann", AccountId=account.Id))
    of = columns(made.Contact)
    read = await contacts.get(contact.Id, select=[of.Name, of.AccountId], expand=[of.Account])
    assert type(read.Account) is made.Account
    assert read.Account == account
    back = await accounts.get(account.Id, expand=["ContactCollectionByAccount"])
    assert [each.Id for each in back.ContactCollectionByAccount] == [contact.Id]
    assert await contacts.related(contact.Id, "Account") == account
    assert await contacts.related(contact.Id, "City") is None
    behind = accounts.collection(account.Id, "ContactCollectionByAccount")
    assert [type(each) for each in await behind] == [made.Contact]
    await contacts.update(contact.Id, read)  # what was expanded agrees with the lookup


async def test_what_is_set_is_written_and_nothing_else(odata: OData, made: ModuleType) -> None:
    contacts = odata[made.Contact]
    born = datetime(2000, 2, 29, tzinfo=UTC)
    ann = await contacts.create(made.Contact(Id=KEY, Name="Ann", BirthDate=born, Age=3))
    assert (ann.Id, ann.BirthDate, ann.Age) == (KEY, born, 3)
    await contacts.update(KEY, made.Contact(Notes="new", BirthDate=None))
    changed = await contacts.update(KEY, {"Dear": "A."}, return_row=True)
    assert changed is not None
    assert (changed.Name, changed.Notes, changed.Dear) == ("Ann", "new", "A.")
    assert changed.BirthDate is None  # year 1 on the wire
    changed.Notes = "newer"
    await contacts.update(KEY, changed)
    assert (await contacts.get(KEY)).Notes == "newer"
    with pytest.raises(ValueError, match="'Id' is another"):
        await contacts.update(uuid4(), changed)
    with pytest.raises(ValueError, match="update Contact"):
        await contacts.update(KEY, made.Contact())
    quiet = await contacts.create(made.Contact(Name="Bob", BirthDate=born), return_row=False)
    assert quiet.BirthDate == born


async def test_a_navigation_property_in_a_row_is_refused_before_anything_is_sent(
    odata: OData, made: ModuleType
) -> None:
    contacts = odata[made.Contact]
    account = made.Account(Id=KEY)
    for row in (
        made.Contact(Name="Ann", Account=account),
        made.Contact(Name="Ann", Account=account, AccountId=uuid4()),
        made.Contact(Name="Ann", ContactCollectionByOwner=[made.Contact(Name="Bob")]),
    ):
        with pytest.raises(ValueError, match="ignores a navigation property"):
            await contacts.create(row)
        with pytest.raises(ValueError, match="row 0, Contact"):
            await contacts.create_many([row])
    fine = made.Contact(Name="Ann", Account=None, ContactCollectionByOwner=[])
    await contacts.create(fine)
    with pytest.raises(TypeError, match="takes a Contact or a mapping"):
        await contacts.create(account)


async def some(rows: list[Any]) -> AsyncIterator[Any]:
    for row in rows:
        yield row


async def test_bulk_calls_take_objects_and_give_them_back(odata: OData, made: ModuleType) -> None:
    cities = odata[made.City]
    rows = [made.City(Name=f"City {number}") for number in range(250)]
    async with cities.create_many(rows, return_rows=True, order="input") as outcomes:
        told = [outcome async for outcome in outcomes]
    assert all(outcome.row is row for outcome, row in zip(told, rows, strict=True))
    assert told[0].saved == await cities.get(told[0].id)
    keyed = [made.City(Id=UUID(each.id), Description="x") for each in told]
    async with cities.update_many(some(keyed)) as outcomes:
        changed = [outcome async for outcome in outcomes]
    assert {id(outcome.row) for outcome in changed} == set(map(id, keyed))
    assert await cities.where(columns(made.City).Description == "x").count() == 250
    wanted = [made.City(Name="City 0", Description="y"), {"Name": "New"}]
    report = await cities.upsert_many(wanted, key="Name")
    assert report.written == {"create": 1, "update": 1}
    report = await cities.sync(rows[1:], key="Name")
    assert report.counts == {State.UNCHANGED: 249}


async def test_a_row_that_fails_is_the_object_in_the_report_and_a_dict_in_the_letter(
    odata: OData, made: ModuleType, tmp_path: Any
) -> None:
    cities = odata[made.City]
    await cities.create(made.City(Id=KEY, Name="there"))
    other = made.City(Id=KEY, Name="other")
    report = await cities.create_many([other], dead_letters=tmp_path / "letters")
    assert report.counts == {State.CONFLICT: 1}
    assert report.failures[0].row is other
    assert '"row":{"Id":"' in (tmp_path / "letters").read_text()
    job = cities.create_many([other, made.City(Name="x", Country=made.Country(Id=KEY))])
    with pytest.raises(ValueError, match=r"row 1, City\.Country"):
        await job


async def test_a_writer_takes_objects_and_gives_them_back(odata: OData, made: ModuleType) -> None:
    cities = odata[made.City]
    async with cities.writer(linger=0, return_rows=True) as writer:
        row = made.City(Name="Burbank")
        outcome = await writer.create(row)
        assert outcome.ok
        assert outcome.row is row
        assert outcome.saved is not None
        assert outcome.saved.Name == "Burbank"
        change = made.City(Name="Burbach")
        changed = await writer.update(outcome.id, change)
        assert changed.row is change
    assert (await cities.get(outcome.id)).Name == "Burbach"


async def test_a_class_written_by_hand_reads_and_writes_as_well(odata: OData) -> None:
    cities = odata[Named]
    burbank = await cities.create(Named(KEY, "Burbank"))
    assert burbank == Named(KEY, "Burbank")
    partial = await cities.get(KEY, select=["Name"])
    assert partial.Name == "Burbank"
    with pytest.raises(AttributeError):
        _ = partial.CountryId
    await cities.update(KEY, partial)


async def test_an_object_whose_id_is_none_gets_one(odata: OData) -> None:
    cities = odata[Unsaved]
    one = await cities.create(Unsaved("one"))
    assert one.Id is not None
    batch = odata.batch()
    two = batch.create(Unsaved, Unsaved("two"))
    await batch.send()
    assert two.result().Name == "two"
    report = await cities.create_many(Unsaved(f"{number}") for number in range(3))
    assert report.counts == {State.DONE: 3}
    report = await cities.upsert_many([Unsaved("one"), Unsaved("four")], key="Name")
    report.raise_for_failures()
    await cities.update(one.Id, Unsaved("first"))
    assert (await cities.get(one.Id)).Name == "first"
    with pytest.raises(ValueError, match="Id"):
        await cities.update_many([Unsaved("nobody")])


async def test_both_versions_of_odata_take_the_same_classes(crm: Creatio, made: ModuleType) -> None:
    account = await crm.odata[made.Account].create(made.Account(Name="Acme"))
    born = datetime(2000, 2, 29, tzinfo=UTC)
    row = made.Contact(Name="Ann", Age=5, BirthDate=born, AccountId=account.Id)
    ann = await crm.odata3[made.Contact].create(row)
    for service in (crm.odata, crm.odata3, crm.odata3.using("json")):
        assert await service[made.Contact].get(ann.Id) == ann
        read = await service[made.Contact].get(ann.Id, expand=["Account"])
        assert read.Account == account
    async with crm.odata3[made.City].create_many([made.City(Name="x")]) as outcomes:
        assert [outcome.ok async for outcome in outcomes] == [True]


async def test_a_class_stands_for_its_set_in_every_operation_of_a_batch(
    odata: OData, made: ModuleType
) -> None:
    setting = odata.batch()
    acme = setting.create(made.Account, made.Account(Name="Acme"))
    ann, bob = (setting.create(made.Contact, {"Name": name, "Age": 5}) for name in ("Ann", "Bob"))
    setting.link(made.Contact, ann, "Account", acme)
    setting.replace(made.Contact, bob, made.Contact(Name="Bobby"))
    with pytest.raises(ValueError, match="'Id' is another"):
        setting.replace(made.Contact, bob, made.Contact(Id=UUID(int=1), Name="Other"))
    await setting.send()
    if setting.operations[4].status == 405:  # Creatio has no PUT for rows in OData 4
        assert "Bobby" not in [row["Name"] async for row in odata["Contact"]]
    else:
        assert bob.id is not None
        assert (await odata[made.Contact].get(bob.id)).Name == "Bobby"
    clearing = odata.batch()
    before = clearing.get(made.Contact, ann)
    clearing.unlink(made.Contact, ann, "Account")
    clearing.delete(made.Account, acme)
    after = clearing.get(made.Contact, ann)
    await clearing.send()
    assert str(before.result().AccountId) == acme.id
    assert after.result().AccountId in {None, UUID(int=0)}
    assert await odata["Account"].where(F.Name == "Acme").first() is None


async def test_a_batch_takes_objects_and_gives_them(odata: OData, made: ModuleType) -> None:
    batch = odata.batch()
    acme = batch.create(made.Account, made.Account(Name="Acme"))
    ann = batch.create(made.Contact, {"Name": "Ann", "AccountId": acme})
    batch.update(made.Contact, ann, made.Contact(Age=5))
    read = batch.get(made.Contact, ann, select=["Name", "Age"])
    found = batch.query(odata[made.Account].where(columns(made.Account).Name == "Acme"))
    await batch.send()
    assert acme.result().Id == UUID(acme.id)
    assert read.result() == made.Contact(Name="Ann", Age=5)
    assert found.result() == [acme.result()]


class Misfit(Model):
    """A class that is not that of the site."""

    __entity_set__ = "Contact"

    Id: UUID = UNSET
    age: UUID = column("Name")


async def test_a_class_that_is_not_that_of_the_site_is_told_with_the_field(odata: OData) -> None:
    with pytest.raises(ModelError, match=r"^Misfit\.age cannot be 'Supervisor': "):
        await odata[Misfit].where("Name eq 'Supervisor'").first()


class Unknown(Model):
    Id: UUID = UNSET
    Tags: set[str] = UNSET


async def test_a_type_that_no_column_has_is_refused_at_once(odata: OData) -> None:
    with pytest.raises(TypeError, match=r"^Unknown\.Tags: no column is of the type set\[str\]"):
        odata[Unknown]
    with pytest.raises(TypeError, match="not of <class 'int'>"):
        odata[int]


async def test_a_load_of_objects_has_a_journal_and_lookups_as_one_of_dicts(
    crm: Creatio, made: ModuleType, tmp_path: Path
) -> None:
    cities, rows = crm.odata[made.City], [made.City(Name=f"City {n}") for n in range(120)]
    journal = tmp_path / "journal"
    first = await cities.create_many(rows, journal=journal)
    again = await cities.create_many(rows, journal=journal)
    assert first.counts == again.counts == {State.DONE: 120}
    assert await cities.count() == 120
    named = {"Name": "Burbank", "Country": "United States"}
    report = await cities.create_many(
        [named], lookups={"CountryId": lookup("Country", by="Name", under="Country")}
    )
    report.raise_for_failures()
    burbank = await cities.where(columns(made.City).Name == "Burbank").one()
    assert (await crm.odata[made.Country].get(burbank.CountryId)).Name == "United States"
