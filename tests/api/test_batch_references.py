"""Rows whose ids the server makes, and what refers to them in the change set that creates them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from creatio_async import UNSET, Batch, Creatio, Model, OData, OData3, Sent, State
from creatio_async.emulator import Emulator
from creatio_async.messages import Request, Response
from tests.api.canned import Canned, answer, canned, client
from tests.api.conftest import crm, emulator, odata
from tests.emulator.caller import ANDREW

__all__ = ["crm", "emulator", "odata"]

DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
MADE = "7f0c2c1e-9d64-4a52-8f0a-6a1f6a1d2b11"


def batches_of(odata: OData) -> list[Batch]:
    """Return an empty batch in each format that the service takes."""
    if isinstance(odata, OData3):
        return [odata.batch()]
    return [odata.batch(), odata.batch(format="multipart")]


async def test_the_server_makes_an_id_and_tells_it(odata: OData, emulator: Emulator) -> None:
    for batch in batches_of(odata):
        given_id = str(uuid4())
        alone = batch.create("City", {"Name": "Alone"}, new_id="server")
        with batch.atomic() as group:
            grouped = group.create("City", {"Name": "Grouped"}, new_id="server")
        given = batch.create("City", {"Id": given_id, "Name": "Given"}, new_id="server")
        assert (alone.id, grouped.id, given.id) == (None, None, given_id)
        await batch.send()
        names = {row["Id"]: row["Name"] for row in emulator.rows("City")}
        assert [names[str(each.id)] for each in (alone, grouped, given)] == [
            "Alone",
            "Grouped",
            "Given",
        ]
        assert grouped.result()["Id"] == grouped.id


async def test_what_is_created_in_a_group_can_be_changed_and_linked_in_it(
    odata: OData, emulator: Emulator
) -> None:
    for batch in batches_of(odata):
        batch.create("City", {"Name": "before"})
        with batch.atomic() as group:
            account = group.create("Account", {"Name": "Acme"}, new_id="server")
            contact = group.create("Contact", {"Name": "Ann"}, new_id="server")
            links: list[Sent[None]] = [
                group.link("Contact", contact, "Account", account),
                group.link("Contact", ANDREW, "Account", account),
            ]
            changed = group.update("Account", account, {"Phone": "1"})
            other = group.create("Account", {"Name": "Other"}, new_id="server")
            group.delete("Account", other)
            group.link("Account", account, "PrimaryContact", ANDREW)
        await batch.send()
        assert {each.state for each in batch.operations} == {State.DONE}
        assert [each.result() for each in links] == [None, None]
        assert changed.result() is None
        contacts = {row["Id"]: row for row in emulator.rows("Contact")}
        assert contacts[str(contact.id)]["AccountId"] == account.id
        assert contacts[ANDREW]["AccountId"] == account.id
        [row] = [row for row in emulator.rows("Account") if row["Id"] == account.id]
        assert (row["Phone"], row["PrimaryContactId"]) == ("1", ANDREW)
        assert other.id not in {row["Id"] for row in emulator.rows("Account")}


async def test_what_fails_takes_its_references_with_it(odata: OData, emulator: Emulator) -> None:
    for batch in batches_of(odata):
        with batch.atomic() as group:
            account = group.create("Account", {"Name": "Acme"}, new_id="server")
            contact = group.create("Contact", {"Name": "Ann", "Nothing": 1}, new_id="server")
            link = group.link("Contact", contact, "Account", account)
        await batch.send()
        assert contact.state is State.FAILED
        assert {account.state, link.state} == {State.GROUP_FAILED}
        assert (account.id, contact.id) == (None, None)
        assert emulator.rows("Account") == Emulator().rows("Account")


async def test_a_row_is_referred_to_only_by_the_group_that_creates_it(crm: Creatio) -> None:
    batch = crm.odata.batch()
    alone = batch.create("City", {"Name": "A"}, new_id="server")
    with batch.atomic() as first:
        inside = first.create("City", {"Name": "B"}, new_id="server")
    with batch.atomic() as second:
        for created in (alone, inside):
            with pytest.raises(ValueError, match="only the group that creates it"):
                second.update("City", created, {"Name": "C"})
            with pytest.raises(ValueError, match="only the group that creates it"):
                second.link("Contact", ANDREW, "City", created)
    with pytest.raises(ValueError, match="only the group that creates it"):
        batch.delete("City", alone)
    with pytest.raises(ValueError, match="not known before"):
        batch.get("City", inside)
    with pytest.raises(ValueError, match=r"'CityId': the server makes .*link\(\) leads to it"):
        batch.create("Contact", {"CityId": inside})
    with pytest.raises(ValueError, match="'uuid4' or 'server'"):
        batch.create("City", {}, new_id="derived")  # type: ignore[call-overload]
    await batch.send()
    later = crm.odata.batch()
    later.update("City", inside, {"Name": "D"})
    found = later.get("City", inside)
    await later.send()
    assert found.result()["Name"] == "D"


@asynccontextmanager
async def scripted(*answers: Response) -> AsyncIterator[tuple[Creatio, Canned]]:
    transport = canned(*answers)
    async with client(transport) as crm:
        yield crm, transport


async def sent_by(batch: Batch, transport: Any) -> Request:
    """Return the request that a batch of a create and two references makes."""
    with batch.atomic() as group:
        account = group.create("Account", {"Name": "Acme"}, new_id="server")
        contact = group.create("Contact", {"Name": "Ann"}, new_id="server")
        group.link("Contact", contact, "Account", account)
        group.update("Contact", contact, {"Name": "Anna"})
    transport.answers.append(answer({"responses": []}))
    await batch.send()
    request: Request = transport.requests[-1]
    return request


async def test_json_names_what_an_operation_depends_on() -> None:
    async with scripted() as (crm, transport):
        request = await sent_by(crm.odata.batch(), transport)
    items = orjson.loads(request.body)["requests"]
    assert [(each["method"], each["url"], each.get("dependsOn")) for each in items] == [
        ("POST", "Account", None),
        ("POST", "Contact", None),
        ("PUT", "$2/Account/$ref", ["1", "2"]),
        ("PATCH", "$2", ["2"]),
    ]
    assert [each["body"] for each in items] == [
        {"Name": "Acme"},
        {"Name": "Ann"},
        {"@odata.id": "$1"},
        {"Name": "Anna"},
    ]
    assert {each["atomicityGroup"] for each in items} == {"g1"}


async def test_multipart_has_the_ids_as_content_ids() -> None:
    async with scripted() as (crm, transport):
        request = await sent_by(crm.odata.batch(format="multipart"), transport)
    text = request.body.decode()
    assert re.findall(r"Content-ID: (\d)\r\n\r\n(\w+ \S+) HTTP/1.1", text) == [
        ("1", "POST Account"),
        ("2", "POST Contact"),
        ("3", "PUT $2/Account/$ref"),
        ("4", "PATCH $2"),
    ]
    assert '{"@odata.id":"$1"}' in text


@pytest.mark.parametrize(
    ("form", "kind", "link"),
    [
        (
            "atom",
            "application/xml",
            f'<?xml version="1.0" encoding="utf-8"?><uri xmlns="{DATA}">$1</uri>',
        ),
        ("json", "application/json;odata=verbose", '{"uri":"$1"}'),
    ],
)
async def test_odata_3_writes_links_as_a_wcf_client_does(form: Any, kind: str, link: str) -> None:
    async with scripted() as (crm, transport):
        request = await sent_by(crm.odata3.using(form, typed=False).batch(), transport)
    text = request.body.decode()
    assert re.findall(r"(\w+ \S+) HTTP/1.1\r\nContent-ID: (\d)\r\n", text) == [
        ("POST AccountCollection", "1"),
        ("POST ContactCollection", "2"),
        ("PUT $2/$links/Account", "3"),
        ("MERGE $2", "4"),
    ]
    put = text.partition("PUT $2")[2].partition("--")[0]
    assert f"Content-Type: {kind}\r\n" in put
    assert put.partition("\r\n\r\n")[2].strip() == link


def response_of(headers: dict[str, str], body: Any) -> Response:
    item = {"id": "1", "status": 201, "headers": headers, "body": body}
    return answer({"responses": [item]})


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"location": f"http://crm.test/0/odata/City({MADE.upper()})"}, None),
        ({"location": f"http://crm.test/0/odata/City/{MADE}"}, None),
        ({"location": f"http://crm.test/City(guid%27{MADE}%27)"}, None),
        ({"odata-entityid": f"http://crm.test/0/odata/City(Id={MADE})"}, None),
        ({"content-type": "application/json"}, {"Id": MADE, "Name": "A"}),
    ],
)
async def test_the_id_is_read_from_what_the_answer_has(headers: dict[str, str], body: Any) -> None:
    async with scripted(response_of(headers, body)) as (crm, _):
        batch = crm.odata.batch()
        made = batch.create("City", {"Name": "A"}, new_id="server")
        await batch.send()
    assert made.id == MADE
    assert made.result() == {"Name": "A", "Id": MADE}


@pytest.mark.parametrize(
    ("headers", "body"), [({}, None), ({"location": "City(5)"}, {"Id": 5}), ({}, {"Name": "A"})]
)
async def test_an_answer_that_tells_no_id_leaves_it_unknown(
    headers: dict[str, str], body: Any
) -> None:
    async with scripted(response_of(headers, body)) as (crm, _):
        batch = crm.odata.batch()
        made = batch.create("City", {"Name": "A"}, new_id="server")
        await batch.send()
    assert (made.state, made.id) == (State.DONE, None)


async def test_a_row_of_a_class_whose_id_is_not_told_has_none() -> None:
    class City(Model):
        Id: UUID = UNSET
        Name: str = UNSET

    async with scripted(response_of({}, None)) as (crm, _):
        batch = crm.odata.batch()
        made = batch.create(City, City(Name="A"), new_id="server")
        await batch.send()
    assert made.result() == City(Name="A")


async def test_an_operation_without_a_row_of_its_own_stands_for_none(crm: Creatio) -> None:
    batch = crm.odata.batch()
    found = batch.query(crm.odata["City"].top(1))
    with batch.atomic() as group:
        city = group.create("City", {"Name": "A"}, new_id="server")
        changed = group.update("City", city, {"Name": "B"})
    for operation in (found, changed):
        with pytest.raises(ValueError, match=r"create Contact, 'CityId': .* stands for no row"):
            batch.create("Contact", {"CityId": operation})
        with pytest.raises(ValueError, match="stands for no row"):
            batch.update("City", operation, {"Name": "C"})
        with pytest.raises(ValueError, match="stands for no row"):
            batch.link("Contact", ANDREW, "City", operation)
    assert len(batch.operations) == 3
