"""What type checkers make of classes for rows: read by mypy and pyright, run by nobody."""

from typing import Any, assert_type
from uuid import UUID

from attrs import define

from creatio_async import (
    UNSET,
    AnyColumns,
    Column,
    ColumnOf,
    Condition,
    Creatio,
    EntitySet,
    Found,
    Job,
    Model,
    Outcome,
    Page,
    Query,
    Sent,
    Writer,
    column,
    columns,
)
from tests.typing.generated import City, Contact, ContactColumns, Country


@define
class ByHand:
    name: str


class OnBase(Model):
    Id: UUID = UNSET
    phone: str | None = column("Phone")


async def reading(crm: Creatio, key: UUID) -> None:
    contacts = crm.odata[Contact]
    assert_type(contacts, EntitySet[Contact])
    assert_type(crm.odata3[Contact], EntitySet[Contact])
    assert_type(crm.odata["Contact"], EntitySet[dict[str, Any]])
    assert_type(crm.odata[ByHand], EntitySet[ByHand])
    query = contacts.where("Age gt 5").select("Id").order_by("Id").top(5)
    assert_type(query, Query[Contact])
    assert_type(await query, list[Contact])
    assert_type(await query.first(), Contact | None)
    assert_type(await query.one(), Contact)
    async for contact in query:
        assert_type(contact, Contact)
        assert_type(contact.CityId, UUID | None)
        assert_type(contact.City, City | None)
    async for page in query.pages():
        assert_type(page, Page[Contact])
    async with query.prefetch(2) as ahead:
        async for contact in ahead:
            assert_type(contact, Contact)
    async for found in contacts.get_many([key]):
        assert_type(found, Found[Contact])
    one = await contacts.get(key)
    assert_type(one, Contact)
    print(one.Nmae)  # type: ignore[attr-defined]  # no such column
    print(one.Age + "x")  # type: ignore[operator]  # a number


async def writing(crm: Creatio, key: UUID) -> None:
    contacts = crm.odata[Contact]
    assert_type(await contacts.create(Contact(Name="Ann")), Contact)
    assert_type(await contacts.create({"Name": "Ann"}), Contact)
    assert_type(await contacts.update(key, Contact(Age=5), return_row=True), Contact | None)
    assert_type(contacts.create_many([Contact(Name="Ann"), {"Name": "Bob"}]), Job[Contact])
    report = await contacts.create_many([Contact(Name="Ann")])
    assert_type(report.failures, list[Outcome[Contact]])
    async with contacts.update_many([Contact(Age=5)]) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[Contact])
            assert_type(outcome.saved, Contact | None)
    assert_type(contacts.upsert_many([Contact(Name="Ann")], key="Name"), Job[Contact])
    assert_type(contacts.sync([Contact(Name="Ann")], key="Name"), Job[Contact])
    assert_type(contacts.delete_many([key]), Job[Contact])
    async with contacts.writer() as writer:
        assert_type(await writer.create(Contact(Name="Ann")), Outcome[Contact])
    assert_type(contacts.writer(), Writer[Contact])
    await contacts.create(City(Name="x"))  # type: ignore[arg-type]  # another class
    contacts.create_many([City(Name="x")])  # type: ignore[list-item]  # another class
    Contact(Age="five")  # type: ignore[arg-type]  # a number
    Contact(Nmae="Ann")  # type: ignore[call-arg]  # no such column
    assert_type(OnBase(phone="1").phone, str | None)


async def batched(crm: Creatio, key: UUID) -> None:
    batch = crm.odata.batch()
    assert_type(batch.create(Contact, Contact(Name="Ann")), Sent[Contact])
    assert_type(batch.create(Contact, {"Name": "Ann"}), Sent[Contact])
    assert_type(batch.get(Contact, key), Sent[Contact])
    assert_type(batch.query(crm.odata[Contact].top(5)), Sent[list[Contact]])
    assert_type(batch.update(Contact, key, Contact(Age=5)), Sent[None])
    assert_type(batch.replace(Contact, key, Contact(Age=5)), Sent[None])
    assert_type(batch.delete(Contact, key), Sent[None])
    assert_type(batch.link(Contact, key, "City", key), Sent[None])
    assert_type(batch.unlink(Contact, key, "City"), Sent[None])
    batch.create("Contact", Contact(Name="x"))  # type: ignore[call-overload]  # a name, an object


def conditions(crm: Creatio, key: UUID) -> None:
    of = columns(Contact)
    contacts = crm.odata[Contact]
    assert_type(of, ContactColumns)
    assert_type(of.Name, ColumnOf[str])
    assert_type(of.Name == "Ann", Condition)
    assert_type((of.Age > 5) & (of.City.Name != "x") | ~of.Email.contains("@"), Condition)
    contacts.where(of.CityId == key, of.City.Country.Id == str(key), of.Age.in_([1, 2]))
    contacts.select(of.Id, of.Name).expand(of.City, of.City.Country).order_by(of.Age.desc(), of.Id)
    by_city = columns(City).ContactCollectionByCity
    crm.odata[City].where(by_city.any(lambda contact: contact.Age > 5)).expand(by_city)
    contacts.where(of.Name == 5)  # type: ignore[arg-type]  # a bool: texts and numbers differ
    contacts.where(of.CityId == 5)  # type: ignore[arg-type]  # likewise
    contacts.where(of.Age > "5")  # type: ignore[operator]  # no such comparison
    contacts.where(of.Age.in_(["5"]))  # type: ignore[list-item]  # a number
    contacts.where(of.Age.contains("5"))  # type: ignore[misc]  # a number
    contacts.where(of.Nmae == "Ann")  # type: ignore[attr-defined]  # no such column
    contacts.where(of.City.Nmae == "x")  # type: ignore[attr-defined]  # nor there
    crm.odata[City].where(by_city.any(lambda c: c.Age == "5"))  # type: ignore[arg-type, return-value]  # a bool
    assert_type(columns(Country).Name, ColumnOf[str])


def conditions_by_hand() -> None:
    of = columns(ByHand)
    assert_type(of, AnyColumns)
    assert_type(of.name, Column)
    assert_type(columns(OnBase), AnyColumns)
    assert_type(of.name == 5, Condition)  # nothing is known of its columns
