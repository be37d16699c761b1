import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest

from creatio_async import (
    BadRequestError,
    ConflictError,
    Creatio,
    ForbiddenError,
    NotFoundError,
    OData,
    RetryPolicy,
    ServerError,
    TransportError,
    UnavailableError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Answer, Cut, DropAfter, DropBefore, Emulator, Fail, Refuse
from creatio_async.messages import Response
from tests.api.canned import answer, canned, client, lost
from tests.api.services import body_of, is_of, sent

SUPERVISOR = "410006e1-ca4e-4502-a9ec-e54d922d2c00"
GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"


# --- get ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [SUPERVISOR, SUPERVISOR.upper(), UUID(SUPERVISOR)], ids=str)
async def test_a_row_is_found_by_its_id_however_it_is_written(
    odata: OData, emulator: Emulator, key: UUID | str
) -> None:
    row = await odata["Contact"].get(key)
    assert (row["Id"], row["Name"]) == (SUPERVISOR, "Supervisor")
    assert not any("@" in name for name in row)
    assert sent(emulator)[-1] == f"GET Contact({SUPERVISOR})"


async def test_a_row_is_read_with_the_columns_and_rows_asked_for(odata: OData) -> None:
    account = await odata["Account"].create({"Name": "Acme"})
    contact = await odata["Contact"].create({"Name": "Ann", "AccountId": account["Id"]})
    row = await odata["Contact"].get(contact["Id"], select=["Name"], expand=["Account"])
    assert row["Name"] == "Ann"
    assert "Phone" not in row
    assert row["Account"]["Name"] == "Acme"
    assert not any("@" in name for name in row["Account"])


async def test_a_row_that_is_not_there_is_an_error(odata: OData) -> None:
    with pytest.raises(NotFoundError):
        await odata["Contact"].get(uuid4())


async def test_an_unknown_set_is_an_error_that_says_so(crm: Creatio) -> None:
    with pytest.raises(ForbiddenError, match="does not know"):
        await crm.odata["NoSuchThing"].get(uuid4())


@pytest.mark.parametrize(
    ("key", "kind"), [("x", ValueError), (f"{GUID})/Name", ValueError), (5, TypeError)]
)
async def test_what_is_no_id_is_refused_before_anything_is_sent(
    key: Any, kind: type[Exception]
) -> None:
    site = canned()
    async with client(site) as crm:
        contacts = crm.odata["Contact"]
        for call in (contacts.get(key), contacts.update(key, {"A": 1}), contacts.delete(key)):
            with pytest.raises(kind):
                await call
    assert site.requests == []


@pytest.mark.parametrize("name", ["", "Contact?$top=1", "../x", "Contact(1)", "a b", "Contact/Id"])
async def test_the_name_of_a_set_cannot_change_an_address(odata: OData, name: str) -> None:
    with pytest.raises(ValueError, match="entity set"):
        odata[name]


async def test_a_set_is_found_by_its_name_only(crm: Creatio) -> None:
    with pytest.raises(TypeError, match="by its name"):
        crm.odata[5]  # type: ignore[call-overload]


# --- create ---------------------------------------------------------------------------------------


async def test_a_created_row_comes_back_with_its_defaults(odata: OData, emulator: Emulator) -> None:
    row = await odata["Contact"].create({"Name": "New user"})
    assert UUID(row["Id"]).version == 4
    assert row["AccountId"] == "00000000-0000-0000-0000-000000000000"
    assert row["Id"] in [each["Id"] for each in emulator.rows("Contact")]
    assert body_of(emulator.requests[-1]) == {"Id": row["Id"], "Name": "New user"}


async def test_values_go_out_in_the_form_of_their_type(odata: OData, emulator: Emulator) -> None:
    key = uuid4()
    born = dt.date(1980, 2, 29)
    row = await odata["Contact"].create({
        "Id": str(key).upper(),
        "Name": "A",
        "BirthDate": born,
    })
    assert row["Id"] == str(key)
    assert row["BirthDate"] == "1980-02-29T00:00:00Z"
    sent_as = body_of(emulator.requests[-1])["BirthDate"]
    assert sent_as.removesuffix("Z") == "1980-02-29T00:00:00"  # OData 3 tells no zone


async def test_no_request_of_ours_asks_for_numbers_as_texts(
    crm: Creatio, emulator: Emulator
) -> None:
    await crm.odata["Contact"].create({"Name": "x"})
    request = emulator.requests[-1]
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert "IEEE754" not in request.headers["accept"]


@pytest.mark.parametrize("trouble", [DropAfter(), Cut(0.5), Fail(after=True)], ids=repr)
async def test_a_create_whose_answer_is_lost_or_a_failure_is_looked_up_and_not_sent_again(
    odata: OData, emulator: Emulator, trouble: Any
) -> None:
    emulator.troubles.add(trouble, method="POST", path="Contact")
    row = await odata["Contact"].create({"Name": "Once"})
    assert row["Name"] == "Once"
    assert sent(emulator) == ["POST Contact", f"GET Contact({row['Id']})"]
    assert [each["Name"] for each in emulator.rows("Contact")].count("Once") == 1


async def test_a_create_that_was_lost_on_its_way_is_sent_again_with_the_same_id(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(DropBefore(), method="POST", path="Contact", times=2)
    row = await odata["Contact"].create({"Name": "Once"})
    assert sent(emulator) == ["POST Contact", f"GET Contact({row['Id']})"] * 2 + ["POST Contact"]
    bodies = {each.body for each in emulator.requests if is_of(each, "Contact")}
    assert len(bodies) == 1


async def test_a_create_that_failed_before_it_was_done_is_not_sent_again(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(Fail(), method="POST", path="Contact")
    with pytest.raises(ServerError) as caught:
        await odata["Contact"].create({"Name": "Never"})
    assert any("is not there" in note for note in caught.value.__notes__)
    assert len(sent(emulator, "POST")) == 1


async def test_a_create_that_was_turned_away_at_the_door_is_sent_again(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(Refuse(429, retry_after=0), method="POST", path="Contact", times=2)
    await odata["Contact"].create({"Name": "Later"})
    assert sent(emulator) == ["POST Contact"] * 3


async def test_a_create_is_given_up_after_as_many_attempts_as_the_policy_has(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(DropBefore(), method="POST", path="Contact", times=None)
    with pytest.raises(TransportError):
        await odata["Contact"].create({"Name": "Never"})
    assert len(sent(emulator, "POST")) == RetryPolicy().attempts


async def test_a_create_is_given_up_when_its_time_is_over() -> None:
    site = canned(lost(), answer(status=404))
    policy = RetryPolicy(wait_initial=1, wait_jitter=0, timeout=0.5)
    async with client(site, retry=policy) as crm:
        with pytest.raises(TransportError):
            await crm.odata["Contact"].create({"Name": "x"})
    assert len(site.requests) == 2


async def test_an_id_that_is_taken_is_a_conflict(odata: OData) -> None:
    with pytest.raises(ConflictError):
        await odata["Contact"].create({"Id": SUPERVISOR, "Name": "Another"})


async def test_a_row_of_another_that_has_the_id_is_not_taken_for_ours(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(DropBefore(), method="POST", path="Contact")
    with pytest.raises(TransportError) as caught:
        await odata["Contact"].create({"Id": SUPERVISOR, "Name": "Another"})
    assert any("with other values" in note for note in caught.value.__notes__)


async def test_a_row_that_holds_what_was_sent_is_ours(odata: OData, emulator: Emulator) -> None:
    emulator.troubles.add(DropAfter(), method="POST", path="Contact")
    given = {"Id": GUID, "Name": "Once", "AccountId": None, "BirthDate": dt.date(1980, 1, 2)}
    row = await odata["Contact"].create(given)
    assert row["Id"] == GUID
    assert len(sent(emulator, "POST")) == 1


async def test_a_second_send_that_meets_the_first_is_a_success() -> None:
    def conflict(_: object) -> Response:
        return answer({"error": {"message": "duplicate key"}}, 500)

    def found(request: Any) -> Response:
        return answer({"Id": request.url.path[-37:-1], "Name": "Once"})

    site = canned(lost(), answer(status=404), conflict, found)
    async with client(site) as crm:
        row = await crm.odata["Contact"].create({"Name": "Once"})
    assert row["Name"] == "Once"


async def test_a_second_send_that_meets_another_row_is_a_conflict_and_not_sent_again() -> None:
    site = canned(lost(), answer(status=404), answer(b"duplicate key", 500), answer(status=404))
    async with client(site) as crm:
        with pytest.raises(ConflictError):
            await crm.odata["Contact"].create({"Name": "Twice"})
    assert [each.method for each in site.requests] == ["POST", "GET", "POST", "GET"]


async def test_a_success_that_cannot_be_read_is_looked_up() -> None:
    site = canned(answer(b'{"Id":', 201), answer({"Id": GUID, "Name": "Once"}))
    async with client(site) as crm:
        assert (await crm.odata["Contact"].create({"Name": "Once"}))["Id"] == GUID
    assert [each.method for each in site.requests] == ["POST", "GET"]


async def test_a_success_that_cannot_be_read_and_left_no_row_is_not_sent_again() -> None:
    site = canned(answer(b'{"Id":', 201), answer(status=404))
    async with client(site) as crm:
        with pytest.raises(UnexpectedResponseError):
            await crm.odata["Contact"].create({"Name": "Once"})
    assert [each.method for each in site.requests] == ["POST", "GET"]


async def test_a_create_that_cannot_be_looked_up_says_what_is_unknown() -> None:
    site = canned(lost(), answer(status=403))
    async with client(site) as crm:
        with pytest.raises(TransportError) as caught:
            await crm.odata["Contact"].create({"Id": GUID, "Name": "x"})
    assert any(f"{GUID} was written is unknown" in note for note in caught.value.__notes__)


async def test_a_create_that_was_never_sent_is_not_looked_up() -> None:
    site = canned(*[lost("refused", sent=False)] * 4)
    async with client(site) as crm:
        with pytest.raises(TransportError):
            await crm.odata["Contact"].create({"Name": "x"})
    assert {each.method for each in site.requests} == {"POST"}


async def test_a_server_that_does_not_give_the_row_back_is_asked_for_it() -> None:
    site = canned(answer(status=204), answer({"Id": GUID, "Name": "x"}))
    async with client(site) as crm:
        assert await crm.odata["Contact"].create({"Name": "x"}) == {"Id": GUID, "Name": "x"}


async def test_a_row_that_was_added_and_cannot_be_read_is_an_error_of_the_reading() -> None:
    async with client(canned(answer(status=204), answer(status=403))) as crm:
        with pytest.raises(ForbiddenError, match="GET"):
            await crm.odata["Contact"].create({"Name": "x"})


BAD_ROWS: list[tuple[Any, type[Exception], str]] = [
    ({"Account": {"Id": GUID}}, ValueError, "create Contact, 'Account': .*'AccountId'"),
    ({"Account/Id": GUID}, ValueError, "create Contact, 'Account/Id': .*'AccountId'"),
    ({"At": dt.datetime(2026, 1, 1)}, ValueError, "create Contact, 'At': .*no time zone"),  # noqa: DTZ001
    ({"X": float("nan")}, ValueError, "create Contact, 'X': nan"),
    ({"Id": "x"}, ValueError, "create Contact, 'Id': 'x' is not an Id"),
    ({"Id": None}, TypeError, "create Contact, 'Id': an Id is a UUID"),
    ({"X": object()}, TypeError, "create Contact, 'X'"),
    ({5: "x"}, TypeError, "create Contact, 5"),
    (None, TypeError, "create Contact: a row is a mapping"),
    ([("Name", "x")], TypeError, "create Contact: a row is a mapping"),
]


@pytest.mark.parametrize(("row", "kind", "words"), BAD_ROWS, ids=lambda each: str(each)[:30])
async def test_a_row_that_has_no_place_in_odata_is_refused_before_anything_is_sent(
    row: Any, kind: type[Exception], words: str
) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(kind, match=words):
            await crm.odata["Contact"].create(row)
    assert site.requests == []


# --- update and delete ----------------------------------------------------------------------------


async def test_only_the_fields_given_are_changed(odata: OData, emulator: Emulator) -> None:
    row = await odata["Contact"].create({"Name": "Ann", "Phone": "1"})
    await odata["Contact"].update(row["Id"], {"Phone": "+2"})
    after = await odata["Contact"].get(row["Id"])
    assert (after["Name"], after["Phone"]) == ("Ann", "+2")
    update = emulator.requests[-2]
    assert body_of(update) == {"Phone": "+2"}


@pytest.mark.parametrize("trouble", [DropAfter(), DropBefore(), Refuse(504), Refuse(503)], ids=repr)
async def test_an_update_is_repeated(odata: OData, emulator: Emulator, trouble: Any) -> None:
    emulator.troubles.add(trouble, path="Contact")
    await odata["Contact"].update(SUPERVISOR, {"Phone": "7"})
    assert sent(emulator) == [f"PATCH Contact({SUPERVISOR})"] * 2
    assert (await odata["Contact"].get(SUPERVISOR))["Phone"] == "7"


async def test_an_update_that_failed_for_good_is_not_repeated(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(Fail(), path="Contact")
    with pytest.raises(ServerError):
        await odata["Contact"].update(SUPERVISOR, {"Phone": "7"})
    assert len(sent(emulator)) == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"Account": {}}, ValueError),
        (None, TypeError),
        ([1], TypeError),
        ({"A/B": 1}, ValueError),
        ({}, ValueError),
    ],
)
async def test_an_update_is_checked_before_it_is_sent(values: Any, kind: type[Exception]) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(kind, match="update Contact"):
            await crm.odata["Contact"].update(GUID, values)
    assert site.requests == []


async def test_an_unknown_column_is_refused_by_the_server(odata: OData) -> None:
    with pytest.raises((BadRequestError, ServerError)):
        await odata["Contact"].update(SUPERVISOR, {"NoSuchColumn": 1})


async def test_a_row_is_deleted(odata: OData, emulator: Emulator) -> None:
    row = await odata["Contact"].create({"Name": "Ann"})
    await odata["Contact"].delete(row["Id"])
    assert row["Id"] not in [each["Id"] for each in emulator.rows("Contact")]
    with pytest.raises(NotFoundError):
        await odata["Contact"].delete(row["Id"])


@pytest.mark.parametrize("trouble", [DropAfter(), Cut(1)], ids=repr)
async def test_a_delete_whose_answer_was_lost_has_happened(
    odata: OData, emulator: Emulator, trouble: Any
) -> None:
    row = await odata["Contact"].create({"Name": "Ann"})
    emulator.troubles.add(trouble, path="Contact")
    await odata["Contact"].delete(row["Id"])
    assert row["Id"] not in [each["Id"] for each in emulator.rows("Contact")]


async def test_a_delete_that_was_turned_away_and_finds_no_row_is_an_error(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(Refuse(503), path="Contact")
    with pytest.raises(NotFoundError):
        await odata["Contact"].delete(GUID)


async def test_a_throttled_update_says_how_long_to_wait(emulator: Emulator) -> None:
    emulator.troubles.add(Refuse(503, retry_after=7), method="PATCH", times=None)
    async with client(emulator, retry=RetryPolicy(attempts=1)) as crm:
        with pytest.raises(UnavailableError) as caught:
            await crm.odata["Contact"].update(SUPERVISOR, {"Phone": "7"})
    assert caught.value.retry_after == 7


async def test_a_page_where_a_row_was_due_is_an_error(odata: OData, emulator: Emulator) -> None:
    page = answer("<html><title>Maintenance</title></html>", content_type="text/html")
    emulator.troubles.add(Answer(page), path="Contact", times=None)
    with pytest.raises(UnexpectedResponseError):
        await odata["Contact"].get(SUPERVISOR)


async def test_a_page_in_place_of_an_answer_to_a_write_is_no_success(
    odata: OData, emulator: Emulator
) -> None:
    page = answer("<html><title>Maintenance</title></html>", content_type="text/html")
    emulator.troubles.add(Answer(page), path="Contact", times=None)
    contacts = odata["Contact"]
    for write in (contacts.update(SUPERVISOR, {"Phone": "7"}), contacts.delete(SUPERVISOR)):
        with pytest.raises(UnexpectedResponseError):
            await write
    assert "7" not in {each["Phone"] for each in emulator.rows("Contact")}


async def test_a_row_that_tells_of_logins_is_no_login_page(
    odata: OData, emulator: Emulator
) -> None:
    told = 'go to /Login/Login.html, "bootstrap.login"'
    row = await odata["City"].create({"Name": told})
    assert (await odata["City"].get(row["Id"]))["Name"] == told
    assert await odata["City"].value(row["Id"], "Name") == told
    assert [each["Name"] for each in await odata["City"]] == [told]
    assert emulator.logins == 1
