"""The examples of Creatio's documentation of OData 3: the requests, and what they are in Python.

Source: academy.creatio.com, "EntityDataService.svc web service (OData 3)", which shows the form of
a request, and "WCF client".
"""

from typing import Any

import orjson
import pytest

from creatio_async import Creatio, F, NotFoundError, OData3, State
from creatio_async.emulator import Emulator
from creatio_async.messages import Response
from tests.api.canned import client
from tests.api.services import sent

SERVICE = "ServiceModel/EntityDataService.svc/"
ANDREW = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
AS_PRINTED = {
    "Accept": "application/atom+xml; type=entry",
    "Content-Type": "application/json; odata=verbose",
    "ForceUseSession": "true",
}


@pytest.fixture(params=["atom", "json"])
async def odata(request: pytest.FixtureRequest, emulator: Emulator) -> Any:
    emulator.insert("Contact", [{"Name": f"Contact {number}"} for number in range(60)])
    async with client(emulator) as crm:
        yield crm.odata3.using(request.param)


# --- The form of a request, printed for the service -----------------------------------------------


async def asked(
    crm: Creatio, method: str, path: str, row: dict[str, str] | None = None
) -> Response:
    """Send a request as it is printed."""
    body = None if row is None else orjson.dumps(row)
    return await crm.request(method, SERVICE + path, headers=AS_PRINTED, body=body)


async def test_the_requests_as_printed_are_answered_in_atom(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        created = await asked(crm, "POST", "CityCollection", {"Name": "Spokane"})
        assert (created.status, created.content_type) == (201, "application/atom+xml")
        (city,) = emulator.rows("City")
        one = f"CityCollection(guid'{city['Id']}')"
        assert created.headers["location"].endswith(one)
        changed = await asked(crm, "PATCH", one, {"Name": "Texas"})
        assert (changed.status, changed.body) == (204, b"")
        feed = await asked(crm, "GET", "CityCollection")
        assert b"<d:Name>Texas</d:Name>" in feed.body
        field = await asked(crm, "GET", f"{one}/Name")
        assert b"Texas</d:Name>" in field.body
        assert (await asked(crm, "GET", f"{one}/Name/$value")).body == b"Texas"
        assert (await asked(crm, "DELETE", one)).status == 204
        with pytest.raises(NotFoundError):
            await asked(crm, "GET", one)


async def test_every_parameter_that_is_printed_is_one_of_a_query(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        account = await crm.odata3["Account"].create({"Name": "Acme"})
        for name in ("A", "B", "C", "D"):
            await crm.odata3["Contact"].create({"Name": name, "AccountId": account["Id"]})
        query = (
            crm
            .odata3["Contact"]
            .where(F.Account.Name == "Acme")
            .select("Name")
            .expand("Account")
            .order_by(F.Name.desc())
            .skip(1)
            .top(2)
        )
        rows = await query
        assert [row["Name"] for row in rows] == ["C", "B"]
        assert {row["Account"]["Name"] for row in rows} == {"Acme"}
        assert await query.count() == 4
        assert await crm.odata3["Account"].text(account["Id"], "Name") == "Acme"
        # the documentation lists the option of OData 4, and the service takes it
        assert len(await crm.odata3.read("ContactCollection?$count=true&$top=3")) == 3


# --- The examples of the WCF client ---------------------------------------------------------------


async def test_all_contacts_through_linq(odata: OData3) -> None:
    """Show what this is in C#.

    var allContacts = from contacts in context.ContactCollection select contacts;
    foreach (Contact contact in allContacts) { ... }
    """
    names = [contact["Name"] async for contact in odata["Contact"]]
    assert len(names) == len(set(names)) == 63


async def test_all_contacts_by_an_implicit_request(odata: OData3) -> None:
    """Show what this is in C#.

    DataServiceQuery<Contact> allContacts = context.ContactCollection;
    """
    assert len(await odata["Contact"]) == 63


async def test_all_contacts_by_an_explicit_request(odata: OData3) -> None:
    """Show what this is in C#.

    Uri contactUri = new Uri(serverUri, "ContactCollection");
    foreach (Contact contact in context.Execute<Contact>(contactUri)) { ... }
    """
    assert len([contact async for contact in odata.read("ContactCollection")]) == 63


async def test_a_contact_is_found_by_a_part_of_its_name(odata: OData3) -> None:
    """Show what this is in C#.

    context.ContactCollection.Where(c => c.Name.Contains("User")).First();
    """
    assert await odata["Contact"].where(F.Name.contains("User")).first() is None
    await odata["Contact"].create({"Name": "New Test User"})
    contact = await odata["Contact"].where(F.Name.contains("User")).first()
    assert contact is not None
    assert contact["Name"] == "New Test User"


async def test_a_contact_and_its_account_are_created_at_once(
    odata: OData3, emulator: Emulator
) -> None:
    """Show what this is in C#.

    context.AddToAccountCollection(account); context.AddToContactCollection(contact);
    context.SetLink(contact, "Account", account);
    context.SaveChanges(SaveChangesOptions.Batch);
    """
    before = len(sent(emulator))
    work = odata.unit_of_work()
    account = work.add("Account", {"Name": "Some Company"})
    contact = work.add("Contact", {"Name": "New Test User"})
    work.link(contact, "Account", account)
    responses = await work.save()
    assert [response.status for response in responses] == [201, 201]
    assert sent(emulator)[before:] == ["POST $batch"]
    saved = await odata["Contact"].where(F.Name == "New Test User").expand("Account").one()
    assert saved["Account"]["Name"] == "Some Company"


async def test_the_same_in_one_batch_of_ours(odata: OData3) -> None:
    batch = odata.batch()
    with batch.atomic() as group:
        account = group.create("Account", {"Name": "Some Company"})
        contact = group.create("Contact", {"Name": "New Test User"})
        group.link("Contact", contact, "Account", account)
    await batch.send()
    assert {each.state for each in batch.operations} == {State.DONE}
    assert await odata["Contact"].value(contact.id or "", "AccountId") == account.id


async def test_a_contact_that_was_found_is_changed(odata: OData3) -> None:
    """Show what this is in C#.

    updateContact.Notes = "..."; updateContact.Phone = "..."; context.UpdateObject(updateContact);
    context.SaveChanges(SaveChangesOptions.Batch);
    """
    await odata["Contact"].create({"Name": "New Test User"})
    async with odata.unit_of_work() as work:
        (found,) = await work.read(odata["Contact"].where(F.Name.contains("Test")))
        found["Notes"] = "New updated description for this contact."
        found["Phone"] = "123456789"
    row = await odata["Contact"].where(F.Name.contains("Test")).one()
    assert (row["Notes"][:11], row["Phone"]) == ("New updated", "123456789")


async def test_a_contact_that_was_found_is_deleted(odata: OData3) -> None:
    """Show what this is in C#.

    context.DeleteObject(deleteContact); context.SaveChanges(SaveChangesOptions.Batch);
    """
    await odata["Contact"].create({"Name": "New Test User"})
    async with odata.unit_of_work() as work:
        (found,) = await work.read(odata["Contact"].where(F.Name.contains("Test")))
        work.delete(found)
    assert await odata["Contact"].where(F.Name.contains("Test")).first() is None
