"""``$batch`` of OData 3, and what a WCF client puts on the wire for the examples in C#.

Source of the examples: academy.creatio.com, "WCF client"; of the requests: what
System.Data.Services.Client is documented to send.
"""

import re
from typing import Any

import pytest

from creatio_async.emulator import Emulator, Fail, Refuse

from .caller import ANDREW, SUPERVISOR, ZERO, Caller, caller_of
from .odata3 import (
    ATOM,
    PATH,
    D,
    M,
    atom,
    batch,
    create,
    entity,
    entry,
    fields_of,
    links_of,
    message,
    names,
    operation,
    rows,
    statuses,
    v3,
    xml,
)

ROOT = "http://crm.test/0" + PATH
ATOM_ENTRY = "application/atom+xml;type=entry"
NEW, OTHER = "11111111-2222-4333-8444-555555555555", "22222222-2222-4333-8444-555555555555"


def post(name: str, number: int | None = None, links: str = "", **fields: str | None) -> str:
    told: dict[str, Any] = {"Content_Type": ATOM_ENTRY}
    if number is not None:
        told = {"Content_ID": number, **told}
    return operation(f"POST {name}Collection", atom(name, links, **fields), **told)


async def send(crm: Caller, *parts: str | list[str]) -> Any:
    body, headers = batch(*parts)
    return await v3(crm, "POST", "$batch", body, headers)


async def test_queries_and_change_sets_are_answered_in_their_order(site: Caller) -> None:
    merge = operation(
        f"MERGE {entity('City', NEW)}", '{"Name":"Texas"}', Content_Type="application/json"
    )
    response = await send(
        site,
        operation("GET CityCollection/$count"),
        [post("City", 1, Id=NEW, Name="Burbank"), merge],
        operation(f"GET {entity('City', NEW)}/Name/$value"),
        operation(f"GET {entity('City', OTHER)}", Accept="application/json;odata=verbose"),
        [operation(f"DELETE {entity('City', NEW)}", Content_ID=7)],
    )
    assert response.status == 202
    assert response.headers["dataserviceversion"] == "1.0;"
    assert response.headers["content-type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert statuses(response) == [200, 201, 204, 200, 404, 204]
    text = response.text()
    assert "Content-Type: multipart/mixed; boundary=changesetresponse_" in text
    assert '{"error":{"code":""' in text
    assert "\r\n\r\nTexas\r\n" in text
    # a WCF client finds its operation by the id that stands with the answer's own headers
    assert re.search(r"HTTP/1.1 201 Created\r\nContent-ID: 1\r\n", text)
    assert re.search(r"HTTP/1.1 204 No Content\r\nContent-ID: 7\r\n", text)
    assert site.emulator.rows("City") == []


async def test_a_change_set_that_fails_is_undone_with_one_answer_and_the_rest_goes_on(
    crm: Caller,
) -> None:
    response = await send(
        crm,
        [post("City", 1, Name="one"), post("City", 2, Name="two", CountryId=ANDREW)],
        operation("GET CityCollection/$count"),
        [post("City", 1, Name="three")],
        operation("GET NopeCollection"),
        operation("GET CityCollection/$count"),
    )
    assert statuses(response) == [500, 200, 201, 404, 200]
    first = response.text().partition("HTTP/1.1 500")
    assert "changesetresponse" not in first[0]  # [MS-ODATA]: a single answer, outside of any
    assert "<m:error" in first[2]
    assert "Content-ID: 2" in first[2].partition("HTTP/1.1 200")[0]
    assert await names(crm, "CityCollection") == ["three"]


async def test_a_new_row_is_meant_by_its_id_in_addresses_links_and_bodies(crm: Caller) -> None:
    link = (
        f'<link rel="{D[1:-1]}/related/Account" type="application/atom+xml;type=entry" '
        'title="Account" href="$1"/>'
    )
    uri = f'<uri xmlns="{D[1:-1]}">$1</uri>'
    response = await send(
        crm,
        [
            post("Account", 1, Id=NEW, Name="Acme"),
            post("Contact", 2, link, Name="Ann"),
            post("Contact", 3, Name="Bob"),
            operation("PUT $3/$links/Account", uri, Content_Type="application/xml"),
            operation(
                "POST $1/ContactCollectionByAccount",
                '{"Name":"Cid"}',
                Content_Type="application/json;odata=verbose",
            ),
            operation(
                f"MERGE {ROOT}$1", '{"Phone":"1"}', Content_Type="application/json;odata=verbose"
            ),
        ],
    )
    assert statuses(response) == [201, 201, 201, 204, 201, 204]
    assert sorted(await names(crm, f"{entity('Account', NEW)}/ContactCollectionByAccount")) == [
        "Ann",
        "Bob",
        "Cid",
    ]
    assert fields_of(await entry(crm, entity("Account", NEW)))["Phone"] == "1"


async def test_an_id_means_a_row_of_its_own_change_set_only(crm: Caller) -> None:
    uri = f'<uri xmlns="{D[1:-1]}">$1</uri>'
    put = operation(
        f"PUT {entity('Contact', ANDREW)}/$links/Account", uri, Content_Type="application/xml"
    )
    response = await send(
        crm,
        [post("Account", 1, Name="Acme")],
        [put],
        [operation("DELETE $1")],
        operation("GET $1"),
    )
    assert statuses(response) == [201, 400, 404, 404]


@pytest.mark.parametrize(
    "parts",
    [
        (operation("DELETE CityCollection"),),
        (operation("POST CityCollection", "{}"),),
        (["GET CityCollection HTTP/1.1\r\n\r\n"],),
        ([post("City", 1), post("City", 1)],),
        (["POST CityCollection HTTP/1.0\r\n\r\n"],),
        ([],),
        tuple(operation("GET CityCollection") for _ in range(101)),
    ],
)
async def test_a_batch_that_is_malformed_is_a_400_and_nothing_of_it_is_done(
    crm: Caller, parts: tuple[str | list[str], ...]
) -> None:
    response = await send(crm, [post("City", Name="x")], *parts)
    assert (response.status, bool(message(response))) == (400, True)
    assert crm.emulator.rows("City") == []


async def test_a_batch_is_a_post_in_multipart(crm: Caller) -> None:
    response = await v3(crm, "GET", "$batch")
    assert (response.status, response.headers["allow"]) == (405, "POST")
    response = await v3(
        crm, "POST", "$batch", {"requests": []}, {"Accept": "application/json;odata=verbose"}
    )
    assert response.status == 415
    assert "application/json" in response.json()["error"]["message"]["value"]


async def test_a_batch_needs_its_token_once(crm: Caller) -> None:
    body, headers = batch([post("City", Name="x")])
    response = await v3(crm, "POST", "$batch", body, headers | {"BPMCSRF": "-"})
    assert response.status == 403
    assert (await v3(crm, "POST", "%24batch", body, headers)).status == 202


async def test_operations_are_counted_and_meet_faults_one_by_one(crm: Caller) -> None:
    before = crm.emulator.operations
    crm.emulator.troubles.add(Fail(message="boom"), path="CityCollection", inner=True, skip=1)
    crm.emulator.troubles.add(Refuse(), path="ContactCollection", inner=True)
    response = await send(
        crm,
        operation("GET CityCollection"),
        operation("GET CityCollection"),
        operation("GET ContactCollection"),
    )
    assert statuses(response) == [200, 500, 429]
    assert "<m:error" in response.text()
    assert "boom" in response.text()
    assert crm.emulator.operations == before + 3


async def test_addresses_are_absolute_relative_to_the_host_or_to_the_service(
    crm: Caller,
) -> None:
    response = await send(
        crm,
        operation(f"GET {ROOT}CityCollection"),
        operation(f"GET /0{PATH}CityCollection", Host="crm.test"),
        operation("GET CityCollection?$filter=Name eq 'x'"),
        operation("GET http://other.test/CityCollection"),
    )
    assert statuses(response) == [200, 200, 200, 404]


# What the examples in C# send, request by request.

CLIENT = {
    "DataServiceVersion": "1.0;NetFx",
    "MaxDataServiceVersion": "3.0;NetFx",
    "Accept": "application/atom+xml,application/xml",
    "Accept-Charset": "UTF-8",
    "User-Agent": "Microsoft ADO.NET Data Services",
}


async def wcf(crm: Caller, method: str, path: str, body: bytes | None = None, **more: str) -> Any:
    headers = CLIENT | {name.replace("_", "-"): value for name, value in more.items()}
    return await v3(crm, method, path, body, headers)


async def first(crm: Caller, text: str) -> dict[str, str | None]:
    """``context.ContactCollection.Where(c => c.Name.Contains(text)).First()``."""
    path = f"ContactCollection()?$filter=substringof('{text}',Name)&$top=1"
    found = xml(await wcf(crm, "GET", path)).findall(f"{ATOM}entry")
    assert len(found) == 1
    return {**fields_of(found[0]), "edit": links_of(found[0])["edit"]}


@pytest.mark.parametrize("path", ["ContactCollection()", "ContactCollection"])
async def test_the_example_of_a_query_reads_every_page(site: Caller, path: str) -> None:
    # LINQ and enumeration write the parentheses, Execute(new Uri(...)) does not
    site.emulator.insert("Contact", ({"Name": f"{n:03}"} for n in range(60)))
    found: list[str | None] = []
    following: str | None = path
    while following is not None:
        feed = xml(await wcf(site, "GET", following))
        found += [fields_of(e)["Name"] for e in feed.findall(f"{ATOM}entry")]
        address = links_of(feed).get("next")
        assert address is None or address.startswith(site.base)
        following = address and address.partition(PATH)[2]
    assert len(found) == len(set(found)) == 63


async def test_the_example_of_a_query_reads_a_contact(site: Caller) -> None:
    assert (await first(site, "Super"))["Name"] in {"Supervisor", "Email Supervisor"}


async def test_the_example_of_a_create_sends_two_rows_and_their_link_in_one_batch(
    site: Caller,
) -> None:
    """``AddToAccountCollection``, ``AddToContactCollection``, ``SetLink``, ``SaveChanges``."""
    root = f"{site.base}/0{PATH}"
    # a generated class sends every property that its constructor left alone as well
    account = atom("Account", Id=NEW, Name="Some Company", Phone=None, OwnerId=None, CreatedOn=None)
    contact = atom(
        "Contact", Id=OTHER, Name="New Test User", AccountId=None, BirthDate=None,
        ModifiedOn=None, Age="0", DoNotUseCall="false", Notes=None,
    )  # fmt: skip
    told: dict[str, Any] = {"Content_Type": ATOM_ENTRY}
    body, headers = batch([
        operation(f"POST {root}AccountCollection", account, Content_ID=1, **told),
        operation(f"POST {root}ContactCollection", contact, Content_ID=2, **told),
        operation(
            "PUT $2/$links/Account",
            '<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
            '<uri xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices">$1</uri>',
            Content_ID=3,
            DataServiceVersion="1.0;NetFx",
            Content_Type="application/xml",
        ),
    ])
    response = await v3(site, "POST", "$batch", body, CLIENT | headers)
    assert response.status == 202
    assert statuses(response) == [201, 201, 204]
    text = response.text()
    assert re.findall(r"^Location: (.*)\r$", text, re.MULTILINE) == [
        root + entity("Account", NEW),
        root + entity("Contact", OTHER),
    ]
    saved = await first(site, "Test")
    assert (saved["Id"], saved["AccountId"], saved["Name"]) == (OTHER, NEW, "New Test User")
    related = fields_of(xml(await wcf(site, "GET", f"{saved['edit']}/Account")))
    assert related["Name"] == "Some Company"


async def test_the_example_of_an_update_merges_the_whole_row_in_a_batch(site: Caller) -> None:
    """``UpdateObject`` and ``SaveChanges(SaveChangesOptions.Batch)``."""
    await create(site, "Contact", Name="New Test User")
    row = await first(site, "Test")
    place = row.pop("edit")
    row |= {"Notes": "New updated description for this contact.", "Phone": "123456789"}
    merge = operation(
        f"MERGE {site.base}/0{PATH}{place}",
        atom("Contact", "", **row),
        Content_ID=1,
        Content_Type=ATOM_ENTRY,
    )
    body, headers = batch([merge])
    response = await v3(site, "POST", "$batch", body, CLIENT | headers)
    assert (response.status, statuses(response)) == (202, [204])
    changed = await first(site, "Test")
    assert changed["Notes"] == "New updated description for this contact."
    assert (changed["Phone"], changed["CreatedOn"]) == ("123456789", row["CreatedOn"])
    assert (changed["ModifiedOn"] or "") > (row["ModifiedOn"] or "")


async def test_the_example_of_a_delete_deletes_in_a_batch(site: Caller) -> None:
    """``DeleteObject`` and ``SaveChanges(SaveChangesOptions.Batch)``."""
    await create(site, "Contact", Name="New Test User")
    place = (await first(site, "Test"))["edit"]
    delete = operation(f"DELETE {site.base}/0{PATH}{place}", Content_ID=1)
    body, headers = batch([delete])
    response = await v3(site, "POST", "$batch", body, CLIENT | headers)
    assert statuses(response) == [204]
    assert len(await rows(site, "ContactCollection")) == 3


async def test_without_a_batch_the_client_sends_each_change_alone(site: Caller) -> None:
    """``SaveChanges()`` with ``UsePostTunneling``, and ``AddRelatedObject``."""
    body = atom("Account", Id=NEW, Name="Some Company")
    assert (
        await wcf(site, "POST", "AccountCollection", body, Content_Type=ATOM_ENTRY)
    ).status == 201
    # SetLink to a row that was saved before stands in the entry
    link = (
        f'<link rel="{D[1:-1]}/related/Account" type="application/atom+xml;type=entry" '
        f'title="Account" href="{site.base}/0{PATH}{entity("Account", NEW)}" />'
    )
    body = atom("Contact", link, Id=OTHER, Name="New Test User", AccountId=ZERO)
    response = await wcf(site, "POST", "ContactCollection", body, Content_Type=ATOM_ENTRY)
    assert fields_of(xml(response))["AccountId"] == NEW
    place = entity("Contact", OTHER)
    tunnel = {"X_HTTP_Method": "MERGE", "Content_Type": ATOM_ENTRY}
    assert (await wcf(site, "POST", place, atom("Contact", Phone="1"), **tunnel)).status == 204
    response = await wcf(
        site, "POST", place, b"", X_HTTP_Method="DELETE", Content_Type="application/xml"
    )
    assert response.status == 204
    body = atom("Contact", Name="Related")
    path = f"{entity('Account', NEW)}/ContactCollectionByAccount"
    assert (await wcf(site, "POST", path, body, Content_Type=ATOM_ENTRY)).status == 201


async def test_an_old_client_is_served_in_version_2(site: Caller) -> None:
    old = CLIENT | {"MaxDataServiceVersion": "2.0;NetFx"}
    response = await v3(site, "GET", f"ContactCollection(guid'{SUPERVISOR}')", headers=old)
    assert (response.status, response.headers["dataserviceversion"]) == (200, "2.0;")
    element = xml(response)
    assert element.find(f"{ATOM}content/{M}properties") is not None


async def test_on_net_a_batch_is_the_same() -> None:
    with Emulator(runtime="net") as emulator:
        crm = caller_of(emulator, workspace="")
        await crm.login()
        response = await send(crm, [post("City", 1, Name="x"), operation("DELETE $1")])
        assert statuses(response) == [201, 204]
        failed = await send(crm, [post("City", 1, CountryId=ANDREW)])
        assert "violates foreign key" in failed.text()
