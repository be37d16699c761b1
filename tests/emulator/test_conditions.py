from collections.abc import AsyncGenerator

import pytest

from creatio_async.emulator import Emulator
from creatio_async.messages import Response

from .caller import ANDREW, SUPERVISOR, ZERO, Caller, caller_of, inner

CONTACT = f"Contact({ANDREW})"


@pytest.fixture
async def plain() -> AsyncGenerator[Caller]:
    with Emulator(profile="standard") as emulator:
        caller = caller_of(emulator)
        await caller.login()
        yield caller


async def ask(crm: Caller, method: str, path: str, **headers: str) -> Response:
    body = {"Name": "N"} if method == "PATCH" else None
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await crm.odata(method, path, body, sent)


async def test_a_row_has_an_etag_in_the_header_and_in_the_body(plain: Caller) -> None:
    response = await ask(plain, "GET", CONTACT)
    etag = response.headers["etag"]
    assert etag.startswith('W/"20')
    assert response.json()["@odata.etag"] == etag
    rows = await plain.values("Contact?$select=Name&$expand=Owner($select=Name)")
    assert etag in {row["@odata.etag"] for row in rows}
    assert all(row["Owner"]["@odata.etag"] for row in rows if row["Owner"])
    made = await plain.odata("POST", "City", {"Name": "A"})
    assert made.headers["etag"] == made.json()["@odata.etag"]
    none = await ask(plain, "GET", CONTACT, Accept="application/json;odata.metadata=none")
    assert none.headers["etag"] == etag
    assert "@odata.etag" not in none.json()


async def test_what_has_not_changed_is_not_sent_again(plain: Caller) -> None:
    etag = (await ask(plain, "GET", CONTACT)).headers["etag"]
    for condition in (etag, etag.removeprefix("W/"), f'W/"1", {etag}', "*"):
        response = await ask(plain, "GET", CONTACT, If_None_Match=condition)
        assert (response.status, response.body, response.headers["etag"]) == (304, b"", etag)
    changed = await ask(plain, "PATCH", CONTACT)
    assert changed.headers["etag"] != etag
    response = await ask(plain, "GET", CONTACT, If_None_Match=etag)
    assert (response.status, response.headers["etag"]) == (200, changed.headers["etag"])


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_condition_that_does_not_hold_is_a_412(plain: Caller, method: str) -> None:
    row = f"City({(await plain.create('City', Name='A'))['Id']})"
    etag = (await ask(plain, "GET", row)).headers["etag"]
    assert (await ask(plain, method, row, If_Match='W/"1"')).status == 412
    if method != "GET":
        assert (await ask(plain, method, row, If_None_Match="*")).status == 412
        assert (await ask(plain, method, row, If_None_Match=etag)).status == 412
    assert (await ask(plain, method, row, If_None_Match='W/"1"', If_Match=etag)).status < 300
    assert (await ask(plain, method, f"City({ZERO})", If_Match="*")).status == 412
    assert (await ask(plain, method, f"City({ZERO})", If_None_Match="*")).status == 404


async def test_conditions_are_held_in_a_batch_as_well(plain: Caller) -> None:
    headers = {"Content-Type": "application/json", "If-Match": 'W/"1"'}
    item = inner("1", "PATCH", CONTACT, {"Phone": "1"}, headers=headers)
    assert (await plain.batch(item)).json()["responses"][0]["status"] == 412


async def test_creatio_has_no_etags(crm: Caller) -> None:
    response = await ask(crm, "GET", CONTACT, If_None_Match="*")
    assert (response.status, "etag" in response.headers) == (200, False)
    assert "@odata.etag" not in response.json()
    assert (await ask(crm, "PATCH", CONTACT, If_Match='W/"1"')).status == 204


@pytest.mark.parametrize(
    ("method", "prefer", "status", "applied"),
    [
        ("POST", "return=minimal", 204, "return=minimal"),
        ("POST", "return=representation", 201, "return=representation"),
        ("POST", "-", 201, None),
        ("POST", "return=everything", 201, None),
        ("PATCH", "return=minimal", 204, "return=minimal"),
        ("PATCH", 'odata.continue-on-error, return="representation"; a=b', 200, "representation"),
        ("PATCH", "-", 204, None),
    ],
)
async def test_an_answer_holds_what_is_preferred(
    plain: Caller, method: str, prefer: str, status: int, applied: str | None
) -> None:
    path = CONTACT if method == "PATCH" else "Contact"
    body = {"Name": "Ann"}
    response = await plain.odata(method, path, body, {"Prefer": prefer})
    assert response.status == status
    assert response.headers.get("preference-applied", "return=").endswith(applied or "return=")
    assert bool(response.body) is (status != 204)
    if (method, status) == ("POST", 204):
        assert response.headers["odata-entityid"] == response.headers["location"]
    if response.body:
        assert response.json()["Name"] == "Ann"


async def test_creatio_honours_no_such_preference_unless_it_is_told_to() -> None:
    for option, statuses in ((None, (201, 204)), (True, (204, 200))):
        with Emulator(honours_return=option) as emulator:
            crm = caller_of(emulator)
            await crm.login()
            prefer = {"Prefer": "return=minimal"}
            made = await crm.odata("POST", "City", {"Name": "A"}, prefer)
            prefer = {"Prefer": "return=representation"}
            changed = await crm.odata("PATCH", CONTACT, {"Name": "A"}, prefer)
            assert (made.status, changed.status) == statuses


async def test_plain_odata_may_be_told_to_honour_no_preference() -> None:
    with Emulator(profile="standard", honours_return=False) as emulator:
        crm = caller_of(emulator)
        await crm.login()
        made = await crm.odata("POST", "City", {"Name": "A"}, {"Prefer": "return=minimal"})
        assert made.status == 201


async def test_a_row_created_without_an_answer_can_be_referred_to(plain: Caller) -> None:
    headers = {"Content-Type": "application/json", "Prefer": "return=minimal"}
    response = await plain.batch(
        inner("1", "POST", "Account", {"Name": "Acme"}, headers=headers),
        inner("2", "POST", "Contact", {"Name": "Ann", "Account@odata.bind": "$1", "Age": 3}),
        inner("3", "PATCH", "$1", {"Name": "Best"}, dependsOn=["1"]),
    )
    statuses = [item["status"] for item in response.json()["responses"]]
    assert statuses == [204, 201, 204]
    assert await plain.names("Contact?$filter=Account/Name%20eq%20'Best'") == ["Ann"]


async def test_collections_are_bound_too_to_rows_of_the_same_batch_and_to_others(
    plain: Caller,
) -> None:
    bound = {"ContactCollectionByAccount@odata.bind": ["$1", f"Contact({SUPERVISOR})"]}
    response = await plain.batch(
        inner("1", "POST", "Contact", {"Name": "Ann"}, atomicityGroup="g"),
        inner("2", "POST", "Account", {"Name": "Acme", **bound}, atomicityGroup="g"),
        inner("3", "PATCH", "$2", bound, atomicityGroup="g", dependsOn=["2"]),
    )
    assert [item["status"] for item in response.json()["responses"]] == [201, 201, 204]
    names = await plain.names("Contact?$filter=Account/Name%20eq%20'Acme'")
    assert sorted(names) == ["Ann", "Supervisor"]
    response = await plain.batch(
        inner("1", "POST", "Account", {"Name": "Lost", "Nothing": 1}, atomicityGroup="g"),
        inner("2", "POST", "Contact", {"Name": "Bob", "Account@odata.bind": "$1"}),
        Prefer="continue-on-error",
    )
    assert [item["status"] for item in response.json()["responses"]] == [400, 400]
    assert "Bob" not in await plain.names("Contact")


async def test_nothing_is_written_where_the_answer_could_not_be_had(plain: Caller) -> None:
    atom = {"Accept": "application/atom+xml", "Prefer": "return=representation"}
    assert (await plain.odata("POST", "City", {"Name": "A"}, atom)).status == 406
    assert plain.emulator.rows("City") == []
    response = await plain.odata("PATCH", f"Contact({SUPERVISOR})", {"Name": "A"}, atom)
    assert response.status == 406
    assert (await plain.get(f"Contact({SUPERVISOR})"))["Name"] == "Supervisor"
