"""Reads of OData 3: addresses, options, formats, versions."""

import re
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from creatio_async.emulator import Accepted, Emulator, Fail

from .caller import ANDREW, SUPERVISOR, ZERO, Caller, caller_of
from .odata3 import (
    ATOM,
    ENTRY,
    JSON,
    PATH,
    RELATED,
    VERBOSE,
    D,
    M,
    create,
    entity,
    entry,
    fields_of,
    links_of,
    message,
    names,
    rows,
    v3,
    xml,
)

ROOT = "http://crm.test/0" + PATH


@pytest.fixture
async def standard() -> AsyncIterator[Caller]:
    with Emulator(profile="standard") as emulator:
        caller = caller_of(emulator)
        await caller.login()
        yield caller


async def test_the_service_document_lists_the_sets_with_their_names(site: Caller) -> None:
    response = await v3(site, "GET", "", headers={"Accept": "application/atomsvc+xml"})
    assert response.content_type == "application/atomsvc+xml"
    root = xml(response)
    app = "{http://www.w3.org/2007/app}"
    assert root.tag == f"{app}service"
    found = [c.get("href") for c in root.iter(f"{app}collection")]
    assert "ContactCollection" in found
    titles = [c.findtext(f"{ATOM}title") for c in root.iter(f"{app}collection")]
    assert titles == found
    told = (await v3(site, "GET", "", headers=JSON)).json()
    assert told["d"]["EntitySets"] == found


async def test_the_address_needs_no_slash_at_its_end(crm: Caller) -> None:
    response = await crm.ask("GET", "/0" + PATH.rstrip("/"), headers={"Accept": "-"})
    assert (response.status, response.content_type) == (200, "application/xml")
    assert (await crm.ask("GET", "/0" + PATH.rstrip("/") + "x")).status == 404


async def test_a_feed_is_told_as_the_documents_print_it(crm: Caller) -> None:
    # academy.creatio.com asks for this Accept, whatever the answer is
    given = {"Accept": "application/atom+xml; type=entry"}
    response = await v3(crm, "GET", "ContactCollection", headers=given)
    assert response.headers["content-type"] == "application/atom+xml;type=feed;charset=utf-8"
    assert response.headers["dataserviceversion"] == "3.0;"
    text = response.text()
    assert text.startswith(
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<feed xml:base="{ROOT}" xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" '
        'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        f'<id>{ROOT}ContactCollection</id><title type="text">ContactCollection</title>'
    )
    feed = xml(response)
    assert links_of(feed) == {"self": "ContactCollection"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", feed.findtext(f"{ATOM}updated") or "")
    assert len(feed.findall(f"{ATOM}entry")) == 3


async def test_an_entry_tells_its_id_type_links_and_typed_values(crm: Caller) -> None:
    root = await entry(crm, entity("Contact", ANDREW))
    assert root.tag == f"{ATOM}entry"
    assert root.findtext(f"{ATOM}id") == ROOT + entity("Contact", ANDREW)
    category = root.find(f"{ATOM}category")
    assert category is not None
    assert category.attrib == {
        "term": "Terrasoft.Configuration.Contact",
        "scheme": "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme",
    }
    links = links_of(root)
    assert links["edit"] == entity("Contact", ANDREW)
    assert links[RELATED + "Account"] == entity("Contact", ANDREW) + "/Account"
    kinds = {link.get("rel"): link.get("type") for link in root.findall(f"{ATOM}link")}
    assert kinds[RELATED + "Account"] == "application/atom+xml;type=entry"
    assert kinds[RELATED + "ActivityCollectionByContact"] == "application/atom+xml;type=feed"
    stream = f"{D[1:-1]}/mediaresource/ContactPhoto"
    assert links[stream] == entity("Contact", ANDREW) + "/ContactPhoto"
    assert links[stream.replace("mediaresource", "edit-media")] == links[stream]
    types = {e.tag.removeprefix(D): e.get(f"{M}type") for e in root.iter() if e.tag.startswith(D)}
    assert {types[n] for n in ("Id", "AccountId")} == {"Edm.Guid"}
    assert types["Name"] is None
    assert types["CreatedOn"] == "Edm.DateTime"
    assert types["DoNotUseCall"] == "Edm.Boolean"
    assert types["Age"] == "Edm.Int32"
    fields = fields_of(root)
    assert fields["Name"] == "Andrew Baker (sample)"
    assert fields["BirthDate"] is None  # Creatio's empty date
    assert fields["AccountId"] == ZERO
    assert fields["DoNotUseCall"] == "false"
    assert not (fields["CreatedOn"] or "").endswith("Z")
    assert "ContactPhoto" not in fields


async def test_verbose_json_tells_metadata_deferred_links_and_streams(crm: Caller) -> None:
    response = await v3(crm, "GET", entity("Contact", ANDREW), headers=JSON)
    assert response.headers["content-type"] == f"{VERBOSE};charset=utf-8"
    row = response.json()["d"]
    uri = ROOT + entity("Contact", ANDREW)
    assert row["__metadata"] == {"id": uri, "uri": uri, "type": "Terrasoft.Configuration.Contact"}
    assert row["Account"] == {"__deferred": {"uri": uri + "/Account"}}
    assert row["ContactPhoto"]["__mediaresource"]["edit_media"] == uri + "/ContactPhoto"
    assert (row["BirthDate"], row["AccountId"], row["Age"]) == (None, ZERO, 0)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?", row["CreatedOn"])


async def test_decimals_are_text_in_verbose_json(crm: Caller) -> None:
    row = await create(crm, "Order", Number="1", Amount=10.5, PaymentAmount="7", Date="2020-01-02")
    assert (row["Amount"], row["PaymentAmount"]) == ("10.5", "7")
    assert row["Date"] == "2020-01-02T00:00:00"
    fields = fields_of(await entry(crm, entity("Order", row["Id"])))
    assert (fields["Amount"], fields["PaymentAmount"]) == ("10.5", "7")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("-", "application/atom+xml"),
        ("*/*", "application/atom+xml"),
        ("application/*", "application/atom+xml"),
        ("application/json", "application/json"),
        (VERBOSE, "application/json"),
        ("application/json; text/plain; */*", "application/json"),
        ("application/atom+xml,application/xml", "application/atom+xml"),
        # from the samples of batches
        (
            "application/atomsvc+xml;q=0.8, application/json;odata=verbose;q=0.5, */*;q=0.1",
            "application/json",
        ),
        ("application/json;q=0.2, application/atom+xml;q=0.9", "application/atom+xml"),
        ("application/json;odata=light, application/atom+xml", "application/atom+xml"),
        ("application/json;q=0, */*", "application/atom+xml"),
    ],
)
async def test_accept_decides_the_form(crm: Caller, accept: str, kind: str) -> None:
    response = await v3(crm, "GET", "ContactCollection", headers={"Accept": accept})
    assert (response.status, response.content_type) == (200, kind)


@pytest.mark.parametrize("accept", ["application/json;odata=light", "text/html", "text/*;q=x"])
async def test_an_accept_that_cannot_be_met_is_a_415(crm: Caller, accept: str) -> None:
    response = await v3(crm, "GET", "ContactCollection", headers={"Accept": accept})
    assert response.status == 415
    assert "Unsupported media type" in message(response)


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        ("json", "application/json"),
        ("verbosejson", "application/json"),
        ("atom", "application/atom+xml"),
        ("xml", "application/atom+xml"),
        ("application/json;odata=verbose", "application/json"),
    ],
)
async def test_format_goes_before_accept(crm: Caller, wish: str, kind: str) -> None:
    for given in (ENTRY, JSON):
        response = await v3(crm, "GET", f"ContactCollection?$format={wish}", headers=given)
        assert (response.status, response.content_type) == (200, kind)
    response = await v3(crm, "GET", "ContactCollection?$format=csv")
    assert response.status == 415


async def test_a_value_is_a_document_of_its_own(site: Caller) -> None:
    place = entity("Contact", ANDREW)
    root = xml(await v3(site, "GET", f"{place}/Name", headers={"Accept": "application/atom+xml"}))
    assert (root.tag, root.text) == (f"{D}Name", "Andrew Baker (sample)")
    root = xml(await v3(site, "GET", f"{place}/BirthDate"))
    assert root.attrib == {f"{M}type": "Edm.DateTime", f"{M}null": "true"}
    told = (await v3(site, "GET", f"{place}/Name", headers=JSON)).json()
    assert told == {"d": {"Name": "Andrew Baker (sample)"}}
    response = await v3(site, "GET", f"{place}/Name", headers={"Accept": "text/xml"})
    assert response.content_type == "text/xml"


async def test_a_raw_value_is_text_and_null_has_none(crm: Caller) -> None:
    place = entity("Contact", ANDREW)
    response = await v3(crm, "GET", f"{place}/Name/$value")
    assert (response.content_type, response.body) == ("text/plain", b"Andrew Baker (sample)")
    assert (await v3(crm, "GET", f"{place}/DoNotUseCall/$value")).body == b"false"
    assert (await v3(crm, "GET", f"{place}/BirthDate/$value")).status == 404


async def test_a_lookup_is_followed_and_an_empty_one_leads_to_nothing(crm: Caller) -> None:
    place = entity("Contact", ANDREW)
    owner = await entry(crm, f"{place}/Owner")
    assert fields_of(owner)["Id"] == SUPERVISOR
    assert xml(await v3(crm, "GET", f"{place}/Owner/Owner/Name")).text == "Supervisor"
    assert (await v3(crm, "GET", f"{place}/Account")).status == 204
    assert (await v3(crm, "GET", f"{place}/Account/Name")).status == 404
    assert (await v3(crm, "GET", f"{place}/Account/$count")).status == 404
    assert (await v3(crm, "PUT", f"{place}/Account", {}, JSON)).status == 405
    # this lookup is not checked by the database
    nobody = await create(crm, "Contact", Name="x", OwnerId="11111111-2222-4333-8444-555555555555")
    assert (await v3(crm, "GET", entity("Contact", nobody["Id"]) + "/Owner")).status == 204


async def test_a_collection_of_a_row_is_read_counted_and_taken_one_by_one(crm: Caller) -> None:
    place = entity("Contact", SUPERVISOR) + "/ContactCollectionByOwner"
    root = await entry(crm, place)
    assert root.findtext(f"{ATOM}title") == "ContactCollectionByOwner"
    assert len(root.findall(f"{ATOM}entry")) == 3
    assert (await v3(crm, "GET", f"{place}/$count")).body == b"3"
    assert fields_of(await entry(crm, f"{place}(guid'{ANDREW}')"))["Id"] == ANDREW
    other = entity("Contact", ANDREW) + f"/ContactCollectionByOwner(guid'{ANDREW}')"
    assert (await v3(crm, "GET", other)).status == 404
    assert (
        await v3(crm, "GET", entity("Contact", ZERO) + "/ContactCollectionByOwner")
    ).status == 404


async def test_a_count_is_text_and_keeps_to_the_filter(site: Caller) -> None:
    response = await v3(site, "GET", "ContactCollection/$count?$filter=substringof('Super',Name)")
    assert (response.content_type, response.body) == ("text/plain", b"2")


async def test_the_count_of_all_pages_stands_in_the_answer(crm: Caller) -> None:
    root = await entry(crm, "CountryCollection?$inlinecount=allpages&$top=1")
    total = len(crm.emulator.rows("Country"))
    assert root.findtext(f"{M}count") == str(total)
    told = (
        await v3(crm, "GET", "CountryCollection?$inlinecount=allpages&$top=0", headers=JSON)
    ).json()
    assert told == {"d": {"results": [], "__count": str(total)}}
    assert (await entry(crm, "CountryCollection?$inlinecount=none")).find(f"{M}count") is None
    # the table of options names it; it is one of OData 4
    assert (await entry(crm, "CountryCollection?$count=true")).find(f"{M}count") is None


async def test_an_empty_feed_has_an_author(crm: Caller) -> None:
    root = await entry(crm, "CityCollection")
    assert root.find(f"{ATOM}author/{ATOM}name") is not None


@pytest.mark.parametrize(
    "query",
    [
        "$top=-1",
        "$skip=x",
        "$inlinecount=some",
        "$search=x",
        "$top=1&$top=2",
        "$orderby=Nope",
        "$orderby=Name,",
        "$orderby=Name up",
        "$orderby=Owner",
        "$select=Nope",
        "$select=Owner/Name",
        "$select=Name/Owner",
        "$expand=Nope",
        "$expand=Owner,,Account",
        "$expand=Owner//Account",
        "$skiptoken=x",
        "$skiptoken='x'",
        "$skiptoken=guid'410006e1-ca4e-4502-a9ec-e54d922d2c00',guid'410006e1-ca4e-4502-a9ec-e54d922d2c00'",
        "$skiptoken=%00",
        "$orderby=Name&$skiptoken=guid'410006e1-ca4e-4502-a9ec-e54d922d2c00'",
        "$orderby=Age&$skiptoken='x',guid'410006e1-ca4e-4502-a9ec-e54d922d2c00'",
    ],
)
async def test_an_option_that_makes_no_sense_is_a_400(crm: Caller, query: str) -> None:
    response = await v3(crm, "GET", f"ContactCollection?{query}")
    assert response.status == 400
    assert message(response)


async def test_an_option_of_sets_is_none_of_a_row(crm: Caller) -> None:
    for query in ("$top=1", "$skip=0", "$orderby=Name", "$inlinecount=none"):
        assert (await v3(crm, "GET", f"{entity('Contact', ANDREW)}?{query}")).status == 400
    assert (await v3(crm, "GET", f"{entity('Contact', ANDREW)}?$count=true")).status == 200


async def test_options_that_are_not_of_odata_are_left_alone(crm: Caller) -> None:
    assert len(await rows(crm, "ContactCollection?x=1&")) == 3


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("NopeCollection", 404),
        ("Contact", 404),
        ("contactCollection", 404),
        (entity("Contact", ZERO), 404),
        (entity("Contact", ZERO) + "/Name", 404),
        (entity("Contact", ZERO) + "/Name/$value", 404),
        (entity("Contact", ZERO) + "/Owner", 404),
        (entity("Contact", ANDREW) + "/Nope", 404),
        (entity("Contact", ANDREW) + "/name", 404),
        (entity("Contact", ANDREW) + "/owner", 404),
        (entity("Contact", ANDREW) + f"/Name(guid'{ANDREW}')", 404),
        (entity("Contact", ANDREW) + "/Name/Nope", 404),
        (entity("Contact", ANDREW) + "/ContactPhoto/$value", 404),
        (entity("Contact", ANDREW) + "/$value", 404),
        (entity("Contact", ANDREW) + f"/Owner(guid'{ANDREW}')", 400),
        ("ContactCollection/Name", 404),
        (f"ContactCollection({ANDREW})", 400),
        (f"ContactCollection('{ANDREW}')", 400),
        ("ContactCollection(guid'x')", 400),
        ("ContactCollection)", 400),
        ("$nope", 404),
        ("$metadata/x", 404),
    ],
)
async def test_an_address_that_leads_nowhere_is_told_so(
    crm: Caller, path: str, status: int
) -> None:
    response = await v3(crm, "GET", path)
    assert response.status == status
    assert message(response)


async def test_the_key_may_be_named_and_parentheses_may_be_empty(crm: Caller) -> None:
    named = f"ContactCollection(Id=guid'{ANDREW.upper()}')"
    assert fields_of(await entry(crm, named))["Id"] == ANDREW
    root = await entry(crm, "ContactCollection()")
    assert root.findtext(f"{ATOM}id") == ROOT + "ContactCollection"
    assert len(await rows(crm, "ContactCollection/")) == 3


async def test_select_shows_what_it_names_in_the_order_of_the_table(crm: Caller) -> None:
    root = await entry(crm, "ContactCollection?$select=Phone,Name,Account&$top=1")
    one = root.find(f"{ATOM}entry")
    assert one is not None
    assert list(fields_of(one)) == ["Name", "Phone"]
    assert set(links_of(one)) == {"edit", RELATED + "Account"}
    everything = await rows(crm, "ContactCollection?$select=*&$top=1")
    assert "Account" not in everything[0]
    assert "Phone" in everything[0]
    assert "Account" in (await rows(crm, "ContactCollection?$select=&$top=1"))[0]


async def test_paths_are_expanded_and_selected_as_version_3_spells_them(crm: Caller) -> None:
    kind = crm.emulator.rows("AccountType")[0]
    [account] = crm.emulator.insert("Account", [{"Name": "Acme", "TypeId": kind["Id"]}])
    crm.emulator.insert("Contact", [{"Name": "Ann", "AccountId": account}])
    where = "$filter=Name eq 'Ann'"
    found = await rows(
        crm, f"ContactCollection?$expand=Account,Account/Type&$select=Id,Account/Name&{where}"
    )
    assert set(found[0]) == {"__metadata", "Id", "Account"}
    assert found[0]["Account"]["Name"] == "Acme"
    assert set(found[0]["Account"]) == {"__metadata", "Name"}
    found = await rows(crm, f"ContactCollection?$expand=Account/Type&{where}")
    assert found[0]["Account"]["Type"]["Name"] == kind["Name"]
    assert "__deferred" in found[0]["Owner"]
    found = await rows(
        crm, f"ContactCollection?$expand=Account/Type&$select=Account/Type/Name&{where}"
    )
    assert found[0]["Account"]["Type"] == {
        "__metadata": found[0]["Account"]["Type"]["__metadata"],
        "Name": kind["Name"],
    }
    found = await rows(crm, f"ContactCollection?$expand=Account&$select=Id&{where}")
    assert set(found[0]) == {"__metadata", "Id"}
    found = await rows(crm, f"ContactCollection?$expand=Account&$select=Account&{where}")
    assert found[0]["Account"]["Name"] == "Acme"


async def test_expanded_rows_stand_inside_of_links(crm: Caller) -> None:
    root = await entry(
        crm, entity("Contact", ANDREW) + "?$expand=Owner,Account,ContactCollectionByOwner"
    )
    inline = {
        (link.get("title") or ""): link.find(f"{M}inline") for link in root.findall(f"{ATOM}link")
    }
    owner = inline["Owner"]
    assert owner is not None
    inner = owner.find(f"{ATOM}entry")
    assert inner is not None
    assert fields_of(inner)["Name"] == "Supervisor"
    empty = inline["Account"]
    assert empty is not None
    assert len(empty) == 0
    many = inline["ContactCollectionByOwner"]
    assert many is not None
    feed = many.find(f"{ATOM}feed")
    assert feed is not None
    assert feed.findall(f"{ATOM}entry") == []
    assert inline["City"] is None
    found = await rows(
        crm, "ContactCollection?$expand=Account,ContactCollectionByOwner&$orderby=Name desc"
    )
    assert [len(row["ContactCollectionByOwner"]["results"]) for row in found] == [3, 0, 0]
    assert found[0]["Account"] is None


async def test_pages_of_40_are_followed_to_the_end_in_every_order(crm: Caller) -> None:
    total = len(crm.emulator.rows("Country"))
    assert total > 200
    root = await entry(crm, "CountryCollection")
    assert len(root.findall(f"{ATOM}entry")) == 40
    last = fields_of(root.findall(f"{ATOM}entry")[-1])["Id"]
    assert links_of(root)["next"] == f"{ROOT}CountryCollection?$skiptoken=guid'{last}'"
    everything = await names(crm, "CountryCollection")
    assert len(everything) == len(set(everything)) == total
    assert await names(crm, "CountryCollection?$orderby=Name") == sorted(everything)
    down = await names(crm, "CountryCollection?$orderby=Name desc&$select=Name")
    assert down == sorted(everything, reverse=True)
    by_length = await names(crm, "CountryCollection?$orderby=length(Name) desc,Name asc")
    assert by_length == sorted(everything, key=lambda name: (-len(name), name))
    some = await names(crm, "CountryCollection?$orderby=Name&$filter=substringof('a',Name)")
    assert some == sorted(name for name in everything if "a" in name)


async def test_a_page_keeps_to_top_and_skip(crm: Caller) -> None:
    ordered = sorted(row["Name"] for row in crm.emulator.rows("Country"))
    assert await names(crm, "CountryCollection?$orderby=Name&$top=90&$skip=5") == ordered[5:95]
    assert await names(crm, "CountryCollection?$orderby=Name&$top=40") == ordered[:40]
    assert await names(crm, "CountryCollection?$orderby=Name&$skip=240") == ordered[240:]
    root = await entry(crm, "CountryCollection?$top=41")
    assert "$top=1&$skiptoken=" in links_of(root)["next"]
    assert "next" not in links_of(await entry(crm, "CountryCollection?$top=40"))


async def test_pages_go_on_where_values_are_null_equal_or_of_any_type(
    crm: Caller, standard: Caller
) -> None:
    for caller in (crm, standard):
        account = caller.emulator.insert("Account", [{"Name": "O'Neill & Co"}])[0]
        caller.emulator.insert(
            "Contact",
            (
                {
                    "Name": f"{number:03}",
                    "Age": number % 3,
                    "DoNotUseCall": number % 2 == 0,
                    **({"AccountId": account} if number % 4 == 0 else {}),
                    **(
                        {"BirthDate": f"2000-01-{number % 28 + 1:02}T00:00:00Z"}
                        if number % 5
                        else {}
                    ),
                }
                for number in range(95)
            ),
        )
        for order in (
            "Account/Name",
            "Account/Name desc",
            "BirthDate",
            "BirthDate desc,Age",
            "DoNotUseCall desc,AccountId",
            "Age,CreatedOn desc",
            "Age div 2.0 desc",
        ):
            found = await names(caller, f"ContactCollection?$orderby={order}")
            assert len(found) == len(set(found)) == 98, order
    await create(crm, "Order", Number="1")
    crm.emulator.insert("Order", ({"Number": str(n), "Amount": n / 8} for n in range(60)))
    orders = await rows(crm, "OrderCollection?$orderby=Amount desc")
    amounts = [float(row["Amount"]) for row in orders]
    assert (len(amounts), amounts) == (61, sorted(amounts, reverse=True))


async def test_a_page_begins_after_a_row_that_is_gone(crm: Caller) -> None:
    first = (await v3(crm, "GET", "CountryCollection?$orderby=Name", headers=JSON)).json()["d"]
    gone = first["results"][-1]
    assert (await v3(crm, "DELETE", entity("Country", gone["Id"]))).status == 204
    second = await names(crm, first["__next"].partition(PATH)[2])
    ordered = sorted(row["Name"] for row in crm.emulator.rows("Country"))
    assert second == ordered[39:]


async def test_an_expanded_collection_has_pages_too(crm: Caller) -> None:
    crm.emulator.insert("Contact", ({"Name": f"{n:03}", "OwnerId": ANDREW} for n in range(45)))
    place = entity("Contact", ANDREW)
    path = f"{place}?$expand=ContactCollectionByOwner/Account&$select=ContactCollectionByOwner/Name"
    row = (await v3(crm, "GET", path, headers=JSON)).json()["d"]
    inner = row["ContactCollectionByOwner"]
    assert len(inner["results"]) == 40
    assert "?$select=Name&$skiptoken=guid'" in inner["__next"]
    following = await rows(crm, inner["__next"].partition(PATH)[2])
    assert len({r["Name"] for r in [*inner["results"], *following]}) == 45
    assert set(following[0]) == {"__metadata", "Name"}
    root = await entry(crm, f"{place}?$expand=ContactCollectionByOwner")
    feed = root.find(f"{ATOM}link/{M}inline/{ATOM}feed/{ATOM}link[@rel='next']")
    assert feed is not None
    assert (feed.get("href") or "").startswith(
        f"{ROOT}{place}/ContactCollectionByOwner?$skiptoken="
    )
    name = "ContactCollectionByOwner"
    chosen = f"{name}/*,{name}/Owner/City,{name}/Account"
    deep = f"{place}?$expand={name}/Owner/City&$select={chosen}"
    found = (await v3(crm, "GET", deep, headers=JSON)).json()["d"]["ContactCollectionByOwner"]
    assert "$expand=Owner,Owner/City&$select=*,Account,Owner/City" in found["__next"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DataServiceVersion", "4.0"),
        ("MaxDataServiceVersion", "0.9"),
        ("MaxDataServiceVersion", "three"),
    ],
)
async def test_a_version_that_is_none_is_a_400(crm: Caller, name: str, value: str) -> None:
    assert (await v3(crm, "GET", "CityCollection", headers={name: value})).status == 400


async def test_who_knows_version_2_only_is_told_of_no_streams(crm: Caller) -> None:
    # the client library of .NET Framework 4 sends this
    old = {"DataServiceVersion": "1.0;NetFx", "MaxDataServiceVersion": "2.0;NetFx"}
    response = await v3(crm, "GET", entity("Contact", ANDREW), headers=old)
    assert response.headers["dataserviceversion"] == "2.0;"
    assert "mediaresource" not in response.text()
    response = await v3(crm, "GET", entity("Contact", ANDREW), headers=old | JSON)
    assert "ContactPhoto" not in response.json()["d"]
    response = await v3(crm, "GET", "$metadata", headers=old)
    assert "Edm.Stream" not in response.text()
    assert "2008/09/edm" in response.text()
    city = await v3(crm, "GET", "CityCollection")
    assert city.headers["dataserviceversion"] == "1.0;"


async def test_metadata_describes_types_associations_and_sets(site: Caller) -> None:
    response = await v3(site, "GET", "$metadata")
    assert response.content_type == "application/xml"
    root = xml(response)
    edm = "{http://schemas.microsoft.com/ado/2009/11/edm}"
    schema = root.find(f".//{edm}Schema")
    assert schema is not None
    assert schema.get("Namespace") == "Terrasoft.Configuration"
    types = {t.get("Name"): t for t in schema.findall(f"{edm}EntityType")}
    contact = types["Contact"]
    kinds = {p.get("Name"): p.get("Type") for p in contact.findall(f"{edm}Property")}
    assert kinds["Id"] == "Edm.Guid"
    assert kinds["BirthDate"] == "Edm.DateTime"
    assert kinds["ContactPhoto"] == "Edm.Stream"
    assert {p.get("Type") for t in types.values() for p in t.findall(f"{edm}Property")} == {
        "Edm.Guid", "Edm.String", "Edm.DateTime", "Edm.Boolean", "Edm.Int32", "Edm.Decimal",
        "Edm.Stream",
    }  # fmt: skip
    ends: dict[str | None, set[tuple[str | None, str | None, str | None]]] = {
        a.get("Name"): {
            (e.get("Role"), e.get("Type"), e.get("Multiplicity")) for e in a.findall(f"{edm}End")
        }
        for a in schema.findall(f"{edm}Association")
    }
    assert ends["Contact_Account"] == {
        ("Account", "Terrasoft.Configuration.Account", "0..1"),
        ("ContactCollectionByAccount", "Terrasoft.Configuration.Contact", "*"),
    }
    for kind in types.values():
        for navigation in kind.findall(f"{edm}NavigationProperty"):
            name = (navigation.get("Relationship") or "").removeprefix("Terrasoft.Configuration.")
            roles = {role for role, _, _ in ends[name]}
            assert {navigation.get("FromRole"), navigation.get("ToRole")} == roles
    container = schema.find(f"{edm}EntityContainer")
    assert container is not None
    assert container.get(f"{M}IsDefaultEntityContainer") == "true"
    sets = {s.get("Name"): s.get("EntityType") for s in container.findall(f"{edm}EntitySet")}
    assert sets["ContactCollection"] == "Terrasoft.Configuration.Contact"
    for each in container.findall(f"{edm}AssociationSet"):
        assert {e.get("EntitySet") for e in each.findall(f"{edm}End")} <= set(sets)


async def test_signs_that_xml_has_none_for_do_no_harm(crm: Caller) -> None:
    odd = " <&\"'> \x01\x1f\ufffe\r\n\t é\U0001f600 "
    row = await create(crm, "City", Name=odd)
    assert row["Name"] == odd
    root = await entry(crm, entity("City", row["Id"]))
    shown = " <&\"'> \ufffd\ufffd\ufffd\r\n\t é\U0001f600 "
    assert fields_of(root)["Name"] == shown
    response = await v3(crm, "GET", f"{entity('City', row['Id'])}/Name")
    assert 'xml:space="preserve"' in response.text()
    assert xml(response).text == shown


async def test_errors_are_told_in_the_form_that_is_asked(site: Caller) -> None:
    response = await v3(site, "GET", "NopeCollection")
    assert response.headers["content-type"] == "application/xml;charset=utf-8"
    root = ET.fromstring(response.body)  # noqa: S314 - the emulator wrote it
    assert [child.tag for child in root] == [f"{M}code", f"{M}message"]
    assert root[1].attrib == {"{http://www.w3.org/XML/1998/namespace}lang": "en-US"}
    told = (await v3(site, "GET", "NopeCollection", headers=JSON)).json()
    assert told == {
        "error": {
            "code": "",
            "message": {
                "lang": "en-US",
                "value": "Resource not found for the segment 'NopeCollection'.",
            },
        }
    }
    told = (await v3(site, "GET", "NopeCollection?$format=json")).json()
    assert told["error"]["code"] == ""


@pytest.mark.parametrize("headers", [{}, JSON])
async def test_a_failure_of_the_database_is_innermost(crm: Caller, headers: dict[str, str]) -> None:
    body = {"Name": "x", "CountryId": ANDREW}
    response = await v3(
        crm, "POST", "CityCollection", body, JSON | {"Accept": headers.get("Accept", "-")}
    )
    assert response.status == 500
    assert message(response) == "An error has occurred."
    assert "violates foreign key constraint" in response.text()


async def test_a_lost_session_and_a_missing_token_are_those_of_every_service(
    anyone: Caller,
) -> None:
    assert (await v3(anyone, "GET", "ContactCollection")).status == 401
    plain = {"ForceUseSession": "-"}
    response = await v3(anyone, "GET", "ContactCollection", headers=plain)
    assert response.status == 302
    assert "/Login/" in response.headers["location"]
    await anyone.login()
    for method in ("POST", "MERGE", "PUT", "PATCH", "DELETE"):
        response = await v3(anyone, method, "CityCollection", headers={"BPMCSRF": "-"})
        assert response.status == 403
    assert (await v3(anyone, "GET", "CityCollection", headers={"BPMCSRF": "-"})).status == 200


async def test_on_net_the_service_is_without_the_prefix() -> None:
    with Emulator(runtime="net") as emulator:
        caller = caller_of(emulator, workspace="")
        await caller.login()
        root = await entry(caller, entity("Contact", ANDREW))
        assert (root.findtext(f"{ATOM}id") or "").startswith("http://crm.test" + PATH)
        assert (await caller.ask("GET", "/0" + PATH)).status == 404


async def test_addresses_hold_the_directory_of_the_site() -> None:
    with Emulator(virtual_directory="/studio") as emulator:
        caller = caller_of(emulator)
        caller.base += "/studio"
        await caller.login()
        root = await entry(caller, "CountryCollection")
        place = "http://crm.test/studio/0" + PATH
        assert (
            root.get("{http://www.w3.org/XML/1998/namespace}base"),
            root.findtext(f"{ATOM}id"),
        ) == (
            place,
            place + "CountryCollection",
        )
        assert links_of(root)["next"].startswith(place + "CountryCollection?$skiptoken=")


async def test_a_change_may_be_accepted_first_and_done_later(crm: Caller) -> None:
    # the table of status codes: a 202 leads to a 303, and that to the result
    crm.emulator.troubles.add(Accepted(polls=1, then="redirect"), method="PATCH")
    response = await v3(crm, "PATCH", entity("Contact", ANDREW), {"Phone": "1"}, JSON)
    found = [response.status]
    while "location" in response.headers:
        path = response.headers["location"].removeprefix(crm.base)
        response = await crm.ask("GET", path)
        found.append(response.status)
    assert found == [202, 202, 303, 204]
    assert (await v3(crm, "GET", entity("Contact", ANDREW) + "/Phone/$value")).text() == "1"


async def test_a_fault_on_demand_has_the_form_of_the_service(crm: Caller) -> None:
    for after in (False, True):
        crm.emulator.troubles.add(Fail(after=after, message="boom"))
        response = await v3(crm, "GET", "CityCollection")
        assert response.status == 500
        assert "boom" in response.text()
        assert message(response)


async def test_operations_are_counted(crm: Caller) -> None:
    before = crm.emulator.operations
    await v3(crm, "GET", "CityCollection")
    assert crm.emulator.operations == before + 1


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
async def test_a_method_that_is_unknown_is_not_implemented(crm: Caller, method: str) -> None:
    assert (await v3(crm, method, "CityCollection")).status == 501


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "CityCollection", "GET, POST"),
        ("POST", "", "GET"),
        ("POST", "$metadata", "GET"),
        ("POST", "CityCollection/$count", "GET"),
        ("POST", entity("Contact", ANDREW), "GET, PUT, MERGE, PATCH, DELETE"),
        ("POST", entity("Contact", ANDREW) + "/Name", "GET, PUT, MERGE, PATCH"),
        ("POST", entity("Contact", ANDREW) + "/Name/$value", "GET, PUT, MERGE, PATCH, DELETE"),
        ("DELETE", entity("Contact", ANDREW) + "/Name", "GET, PUT, MERGE, PATCH"),
        ("POST", entity("Contact", ANDREW) + "/$links/Owner", "GET, PUT, MERGE, PATCH, DELETE"),
        ("PUT", entity("Contact", ANDREW) + "/$links/ContactCollectionByOwner", "GET, POST"),
    ],
)
async def test_a_method_that_an_address_does_not_take_is_a_405(
    crm: Caller, method: str, path: str, allow: str
) -> None:
    response = await v3(crm, method, path)
    assert (response.status, response.headers["allow"]) == (405, allow)
    assert message(response)


async def test_a_query_that_is_too_large_is_a_400(crm: Caller) -> None:
    deep: list[Any] = [
        "not " * 200 + "true",
        "(" * 200 + "true" + ")" * 200,
        " add ".join(["1"] * 3000) + " eq 1",
        "Owner/" * 100 + "Name eq 'x'",
        "Owner/" * 3000 + "Name eq 'x'",
    ]
    for text in deep:
        response = await v3(crm, "GET", f"ContactCollection?$filter={text}")
        assert response.status == 400
        assert message(response)
