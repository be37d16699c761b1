import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import attrs
import pytest

from creatio_async import UNSET, Change, EntityState, F, Model, ModelError, OData, UnitOfWork
from creatio_async.emulator import DropAfter, Emulator
from tests.api.conftest import emulator, odata
from tests.unit_of_work.test_saving import batches, holds, row_of

__all__ = ["emulator", "odata"]


class Account(Model):
    Id: UUID = UNSET
    Name: str = UNSET
    PrimaryContactId: UUID | None = UNSET


class Contact(Model):
    Id: UUID = UNSET
    Name: str = UNSET
    Notes: str = UNSET
    AccountId: UUID | None = UNSET
    BirthDate: dt.datetime | None = UNSET
    CreatedOn: dt.datetime = UNSET
    Account: "Account | None" = UNSET


@attrs.frozen
class City:
    Name: str
    Id: UUID | None = None
    Description: str = ""


@dataclass
class Country:
    Name: str
    Id: UUID = field(default_factory=uuid4)


@pytest.fixture
def work(odata: OData) -> UnitOfWork:
    return odata.unit_of_work()


async def test_objects_are_added_linked_and_hold_what_the_server_filled_in(
    work: UnitOfWork, emulator: Emulator
) -> None:
    contact = work.add(Contact(Name="New Test User"))
    account = work.add(Account(Name="Some Company"))
    assert isinstance(contact.Id, UUID)
    work.link(contact, "Account", account)
    assert contact.AccountId == account.Id
    born = dt.datetime(1990, 12, 12, 1, 2, 3, tzinfo=dt.UTC)
    contact.BirthDate = born
    responses = await work.save()
    assert [each.row.object for each in responses] == [account, contact]
    assert row_of(emulator, "Contact", str(contact.Id))["AccountId"] == str(account.Id)
    assert (contact.BirthDate, contact.Notes, account.PrimaryContactId) == (born, "", None)
    assert contact.CreatedOn.tzinfo is not None
    assert work.entry(contact).state is EntityState.UNCHANGED
    assert await work.save() == []


async def test_what_is_assigned_to_an_object_is_found_and_nothing_else_is_written(
    work: UnitOfWork, odata: OData, emulator: Emulator
) -> None:
    (key,) = emulator.insert("Contact", [{"Name": "Ann", "Notes": "x", "Dear": "Ms"}])
    [contact] = await work.read(odata[Contact].where(F.Name == "Ann"))
    assert await work.get(Contact, key) is contact
    contact.Name = "Bob"
    contact.Notes = "y"
    contact.Notes = "x"
    contact.CreatedOn = contact.CreatedOn.astimezone(dt.timezone(dt.timedelta(hours=3)))
    assert work.entry(contact).changes == {"Name": "Bob"}
    assert work.pending == (Change("update", "Contact", key),)
    await work.save()
    assert b"Bob" in batches(emulator)[-1].body
    assert b"Notes" not in batches(emulator)[-1].body
    contact.Name = "Ann"
    await work.refresh(contact)
    assert contact.Name == "Ann"
    await work.save()
    assert row_of(emulator, "Contact", key)["Name"] == "Ann"


async def test_objects_and_mappings_refer_to_each_other(
    work: UnitOfWork, emulator: Emulator
) -> None:
    account = work.add("Account", {"Name": "Some Company"})
    contact = work.add(Contact(Name="Ann", AccountId=UUID(account.id)))
    work.link(account, "PrimaryContact", contact)
    work.link(account, "ContactCollectionByAccount", contact)
    await work.save()
    assert row_of(emulator, "Account", account.id)["PrimaryContactId"] == str(contact.Id)
    work.unlink(contact, "Account")
    assert contact.AccountId is None
    work.delete(account)
    await work.save()
    work.delete(contact)
    await work.save()
    assert "Ann" not in {row["Name"] for row in emulator.rows("Contact")}
    with pytest.raises(ValueError, match="is not followed"):
        work.entry(contact)


async def test_a_link_unsets_the_row_that_the_lookup_led_to(
    work: UnitOfWork, emulator: Emulator
) -> None:
    one, other = emulator.insert("Account", [{"Name": "one"}, {"Name": "other"}])
    (key,) = emulator.insert("Contact", [{"Name": "Ann", "AccountId": one}])
    contact = await work.get(Contact, key, expand=["Account"])
    assert contact.Account is not None
    assert contact.Account.Name == "one"
    work.link(contact, "Account", other)
    with pytest.raises(AttributeError, match=r"Contact\.Account is unset"):
        _ = contact.Account
    await work.save()
    assert row_of(emulator, "Contact", key)["AccountId"] == other


async def test_a_lost_answer_fills_an_object_as_well(work: UnitOfWork, emulator: Emulator) -> None:
    contact = work.add(Contact(Name="Ann"))
    emulator.troubles.add(DropAfter(), where=holds("create"))
    await work.save()
    assert contact.CreatedOn.year > 2000


async def test_objects_that_do_not_change_and_dataclasses_are_saved_too(
    work: UnitOfWork, emulator: Emulator
) -> None:
    city = work.add(City("Burbank", uuid4()))
    emulator.troubles.add(DropAfter(), where=holds("create"))
    country = work.add(Country("Elsewhere"))
    await work.save()
    assert row_of(emulator, "City", str(city.Id))["Name"] == "Burbank"
    country.Name = "Somewhere"
    assert [each.status for each in await work.save()] == [204]
    assert row_of(emulator, "Country", str(country.Id))["Name"] == "Somewhere"


async def test_mistakes_with_objects_are_refused_where_they_are_made(work: UnitOfWork) -> None:
    with pytest.raises(TypeError, match="objects of City do not change: give it an 'Id'"):
        work.add(City("x"))
    with pytest.raises(TypeError, match="add: takes a mapping, or an object of a class, not 5"):
        work.add(5)
    contact = work.add(Contact(Name="x"))
    with pytest.raises(ValueError, match="is followed already"):
        work.add(Contact(Id=contact.Id))
    with pytest.raises(ValueError, match="is not followed"):
        work.delete(Contact(Id=contact.Id))
    contact.Id = uuid4()
    with pytest.raises(ValueError, match="the Id of a row stays"):
        await work.save()


class Strict(Model):
    __entity_set__ = "Contact"

    Id: UUID = UNSET
    Name: str = UNSET
    Age: UUID = UNSET


async def test_a_row_that_does_not_fit_its_class_is_saved_all_the_same_and_that_is_said(
    work: UnitOfWork, emulator: Emulator
) -> None:
    strict, city = work.add(Strict(Name="Ann")), work.add("City", {"Name": "Burbank"})
    with pytest.raises(ModelError) as caught:
        await work.save()
    assert caught.value.__notes__ == [f"this is saved: create Contact {strict.Id}"]
    assert (city.state, work.pending) == (EntityState.UNCHANGED, ())
    assert await work.save() == []
    assert row_of(emulator, "Contact", str(strict.Id))["Name"] == "Ann"


async def test_what_is_attached_once_more_stays_changed(
    odata: OData, work: UnitOfWork, emulator: Emulator
) -> None:
    ann, bob = emulator.insert("Contact", [{"Name": "Ann"}, {"Name": "Bob"}])
    contact = await work.get(Contact, ann)
    contact.Notes = "new"
    assert work.attach(contact) is contact
    row = work.attach("Contact", await odata["Contact"].get(bob))
    row["Notes"] = "newer"
    assert work.attach("Contact", dict(row)) is row
    assert [each.status for each in await work.save()] == [204, 204]
    assert row_of(emulator, "Contact", ann)["Notes"] == "new"
    assert row_of(emulator, "Contact", bob)["Notes"] == "newer"
