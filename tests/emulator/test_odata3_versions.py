"""What depends on the version that a caller of OData 3 knows, and on the version of a row."""

from collections.abc import AsyncIterator

import pytest

from creatio_async.emulator import Emulator
from creatio_async.messages import Response

from .caller import ANDREW, Caller, caller_of
from .odata3 import ATOM, JSON, VERBOSE, M, create, entity, v3, xml

CONTACT = entity("Contact", ANDREW)
BORN = "1990-12-12T12:00:00.1230000"
TICKS = "/Date(661003200123)/"


def knows(version: str, **headers: str) -> dict[str, str]:
    return {"Accept": VERBOSE, "MaxDataServiceVersion": version, **headers}


@pytest.mark.parametrize(
    ("version", "date", "told"),
    [("1.0", TICKS, "1.0;"), ("2.0;NetFx", TICKS, "2.0;"), ("3.0", BORN, "3.0;")],
)
async def test_a_date_in_json_is_written_as_the_version_of_the_answer_has_it(
    crm: Caller, version: str, date: str, told: str
) -> None:
    made = await create(crm, "Contact", Name="Ann", BirthDate=BORN)
    place = entity("Contact", made["Id"])
    response = await v3(crm, "GET", f"{place}?$select=BirthDate", headers=knows(version))
    written = response.json()["d"]["BirthDate"]
    assert (written.rstrip("0") if "T" in written else written) in {date, date.rstrip("0")}
    assert response.headers["dataserviceversion"] == told
    response = await v3(crm, "GET", f"{place}/BirthDate", headers=knows(version))
    assert response.json()["d"]["BirthDate"] == written
    assert response.headers["dataserviceversion"] == ("3.0;" if told == "3.0;" else "1.0;")
    null = await v3(crm, "GET", f"{CONTACT}/BirthDate", headers=knows(version))
    assert null.json() == {"d": {"BirthDate": None}}


@pytest.mark.parametrize(
    ("given", "hour"), [(TICKS, 12), (TICKS[:-2] + "+0060)/", 11), (TICKS[:-2] + "-0120)/", 14)]
)
async def test_a_date_goes_back_as_it_came(crm: Caller, given: str, hour: int) -> None:
    made = await create(crm, "Contact", Name="Ann", BirthDate=given)
    assert made["BirthDate"].startswith(f"1990-12-12T{hour}:00:00.123")


async def test_version_1_has_no_object_around_rows(crm: Caller) -> None:
    path = "CityCollection?$expand=Country"
    assert (await v3(crm, "GET", path, headers=knows("1.0"))).json() == {"d": []}
    assert (await v3(crm, "GET", path, headers=knows("2.0"))).json() == {"d": {"results": []}}
    country = (await v3(crm, "GET", "CountryCollection?$top=1", headers=JSON)).json()["d"]
    expanded = f"{entity('Country', country['results'][0]['Id'])}?$expand=CityCollectionByCountry"
    row = (await v3(crm, "GET", expanded, headers=knows("1.0"))).json()["d"]
    assert row["CityCollectionByCountry"] == []
    counted = await v3(crm, "GET", f"{path}&$inlinecount=allpages", headers=knows("1.0"))
    assert counted.json() == {"d": {"results": [], "__count": "0"}}


@pytest.mark.parametrize("version", ["3.1", "4.0", "12.0;Client"])
async def test_who_knows_newer_versions_is_answered_in_the_newest_there_is(
    crm: Caller, version: str
) -> None:
    response = await v3(crm, "GET", CONTACT, headers=knows(version))
    assert (response.status, response.headers["dataserviceversion"]) == (200, "3.0;")


@pytest.mark.parametrize("version", ["0.9", "3", "new", "", "99999.0"])
async def test_what_is_no_version_is_refused(crm: Caller, version: str) -> None:
    response = await v3(crm, "GET", CONTACT, headers=knows(version))
    assert (response.status, "MaxDataServiceVersion" in response.text()) == (400, True)


@pytest.mark.parametrize("version", ["2.5", "4.0"])
async def test_a_request_of_an_unknown_version_is_refused(crm: Caller, version: str) -> None:
    response = await v3(crm, "GET", CONTACT, headers={"DataServiceVersion": version})
    assert (response.status, version in response.text()) == (400, True)


async def test_the_service_document_is_given_to_who_asks_for_atom(crm: Caller) -> None:
    response = await v3(crm, "GET", "", headers={"Accept": "application/atom+xml"})
    assert response.headers["content-type"] == "application/xml;charset=utf-8"
    assert xml(response).tag.endswith("}service")


@pytest.fixture
async def plain() -> AsyncIterator[Caller]:
    with Emulator(profile="standard") as emulator:
        caller = caller_of(emulator)
        await caller.login()
        yield caller


async def ask(crm: Caller, method: str, path: str = CONTACT, **headers: str) -> Response:
    body = {"Name": "N"} if method in {"MERGE", "PUT", "PATCH"} else None
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await v3(crm, method, path, body, JSON | sent)


async def test_in_plain_odata_a_row_tells_its_entity_tag(plain: Caller) -> None:
    response = await ask(plain, "GET")
    etag = response.headers["etag"]
    assert etag.startswith('W/"20')
    assert response.json()["d"]["__metadata"]["etag"] == etag
    atom = await v3(plain, "GET", f"{CONTACT}?$select=Name&$expand=Owner")
    assert (atom.headers["etag"], xml(atom).get(f"{M}etag")) == (etag, etag)
    feed = xml(await v3(plain, "GET", "ContactCollection?$select=Name"))
    assert etag in {each.get(f"{M}etag") for each in feed.iter(f"{ATOM}entry")}
    made = await v3(plain, "POST", "CityCollection", {"Name": "A"}, JSON)
    assert made.headers["etag"] == made.json()["d"]["__metadata"]["etag"]
    quiet = JSON | {"Prefer": "return-no-content"}
    assert (await v3(plain, "POST", "CityCollection", {"Name": "B"}, quiet)).headers["etag"]


async def test_in_creatio_there_are_none(crm: Caller) -> None:
    assert "etag" not in (await ask(crm, "GET")).text().lower()
    assert (await ask(crm, "MERGE", If_Match='W/"1"')).status == 204


@pytest.mark.parametrize("method", ["MERGE", "PATCH", "PUT"])
async def test_an_update_holds_to_its_condition(plain: Caller, method: str) -> None:
    etag = (await ask(plain, "GET")).headers["etag"]
    refused = await ask(plain, method, If_Match='W/"1"')
    assert (refused.status, "If-Match" in refused.json()["error"]["message"]["value"]) == (412, 1)
    done = await ask(plain, method, If_Match=etag)
    assert (done.status, done.headers["etag"] != etag) == (204, True)
    assert (await ask(plain, method, If_Match=etag)).status == 412
    assert (await ask(plain, method, If_Match="*")).status == 204
    tunnelled = await v3(
        plain, "POST", CONTACT, {"Name": "x"}, JSON | {"X-HTTP-Method": method, "If-Match": etag}
    )
    assert tunnelled.status == 412


async def test_a_value_and_a_delete_hold_to_it_too(plain: Caller) -> None:
    path = f"{CONTACT}/Name"
    etag = (await ask(plain, "GET")).headers["etag"]
    assert (await ask(plain, "GET", If_None_Match=etag)).status == 304
    assert (await ask(plain, "PUT", path, If_Match='W/"1"')).status == 412
    assert (await ask(plain, "PUT", path, If_Match=etag)).status == 204
    assert (await ask(plain, "DELETE", If_Match=etag)).status == 412
    assert (await ask(plain, "GET", f"{CONTACT}/$links/Owner", If_Match=etag)).status == 200
    assert (await ask(plain, "DELETE", If_Match="*")).status == 204


async def test_a_link_may_be_relative_to_the_host(crm: Caller) -> None:
    account = entity("Account", (await create(crm, "Account", Name="A"))["Id"])
    link = {"uri": f"/0/ServiceModel/EntityDataService.svc/{account}"}
    response = await v3(crm, "PUT", f"{CONTACT}/$links/Account", link, JSON)
    assert response.status == 204
    found = (await v3(crm, "GET", f"{CONTACT}/Account", headers=JSON)).json()["d"]
    assert found["Name"] == "A"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "ContactCollection?$filter=Nope eq 1", None),
        ("GET", "ContactCollection?$orderby=Nope", None),
        ("GET", "ContactCollection?$select=Nope", None),
        ("POST", "ContactCollection", {"Nope": 1}),
    ],
)
async def test_a_refusal_names_types_as_this_version_does(
    crm: Caller, method: str, path: str, body: object
) -> None:
    response = await v3(crm, method, path, body, JSON)
    message = response.json()["error"]["message"]["value"]
    assert (response.status, "'Terrasoft.Configuration.Contact'" in message) == (400, True)
