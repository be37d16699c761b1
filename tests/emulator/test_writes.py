from typing import Any

import pytest

from .caller import SUPERVISOR, ZERO, Caller, message_of


async def test_a_row_is_created_changed_and_deleted(site: Caller) -> None:
    key = "7F0C2C1E-9D64-4A52-8F0A-6A1F6A1D2B11"
    made = await site.create("City", Id=key, Name="Spokane")
    assert made["Id"] == key.lower()
    response = await site.odata("PATCH", f"City({key})", {"Name": "Texas", "Id": ZERO})
    assert (response.status, response.body) == (204, b"")
    assert response.headers["odata-version"] == "4.0"
    row = await site.get(f"City({key})")
    assert row["Name"] == "Texas"
    assert row["Description"] == ""
    assert row["ModifiedOn"] >= made["ModifiedOn"]
    assert (await site.odata("DELETE", f"City/{key}")).status == 204
    for method in ("GET", "DELETE", "PATCH"):
        response = await site.odata(method, f"City({key})", {} if method == "PATCH" else None)
        assert response.status == 404
        assert response.json()["error"] == {"code": "", "message": "Not found"}


async def test_an_id_that_is_taken_is_a_500_with_the_databases_text(crm: Caller) -> None:
    response = await crm.odata("POST", "Contact", {"Id": SUPERVISOR, "Name": "Again"})
    assert response.status == 500
    assert "duplicate key" in message_of(response)
    assert "Violation of PRIMARY KEY constraint" in message_of(response)


async def test_lookups_must_point_to_rows_that_are_there(crm: Caller) -> None:
    nowhere = "11111111-1111-1111-1111-111111111111"
    city = (await crm.create("City", Name="A"))["Id"]
    for method, path in (("POST", "City"), ("PATCH", f"City({city})")):
        response = await crm.odata(method, path, {"CountryId": nowhere})
        assert response.status == 500
        assert 'violates foreign key constraint "FK_City_CountryId"' in message_of(response)


async def test_a_row_that_another_looks_up_is_not_deleted(crm: Caller) -> None:
    account = (await crm.create("Account", Name="Acme"))["Id"]
    contact = (await crm.create("Contact", Name="Ann", AccountId=account))["Id"]
    response = await crm.odata("DELETE", f"Account({account})")
    assert response.status == 500
    assert 'on table "Contact"' in message_of(response)
    await crm.odata("DELETE", f"Contact({contact})")
    assert (await crm.odata("DELETE", f"Account({account})")).status == 204
    response = await crm.odata("POST", "Contact", {"Name": "Bob", "AccountId": account})
    assert response.status == 500


async def test_a_row_may_look_up_itself_and_is_then_not_in_its_own_way(crm: Caller) -> None:
    key = "11111111-1111-1111-1111-111111111111"
    account = await crm.create("Account", Id=key, Name="Acme", ParentId=key)
    assert account["ParentId"] == key
    other = (await crm.create("Account", Name="Branch", ParentId=key))["Id"]
    assert (await crm.odata("DELETE", f"Account({key})")).status == 500
    assert (await crm.odata("DELETE", f"Account({other})")).status == 204
    assert (await crm.odata("DELETE", f"Account({key})")).status == 204


async def test_a_navigation_property_in_a_body_is_dropped_in_silence(crm: Caller) -> None:
    # seen on a live site
    row = await crm.create(
        "Contact",
        **{
            "Name": "Ann",
            "Account": {"Name": "Acme"},
            "Account/Id": SUPERVISOR,
            "@odata.type": "#x",
        },
        **{"Account@odata.bind": f"Account({SUPERVISOR})", "Name@odata.type": "#String"},
    )
    assert row["AccountId"] == ZERO
    assert crm.emulator.rows("Account") == []


@pytest.mark.parametrize(
    "body",
    [
        {"Nothing": 1},
        {"name": "lower case"},
        {"Nothing@odata.type": "#String"},
        {"Name": 1},
        {"Completeness": "1"},
        {"Completeness": 1.5},
        {"Completeness": 2**31},
        {"Completeness": True},
        {"Confirmed": 1},
        {"Confirmed": "true"},
        {"AccountId": "abc"},
        {"AccountId": 5},
        {"BirthDate": "2020-01-01"},
        {"BirthDate": "2020-01-01T00:00:00"},
        {"BirthDate": "2020-02-30T00:00:00Z"},
        {"BirthDate": "0001-01-01T00:00:00+03:00"},
        {"BirthDate": 5},
    ],
)
async def test_a_body_with_a_wrong_property_is_refused(crm: Caller, body: Any) -> None:
    response = await crm.odata("POST", "Contact", body)
    assert response.status == 400
    assert len(crm.emulator.rows("Contact")) == 3


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null"])
async def test_a_body_that_is_no_object_is_refused(crm: Caller, body: Any) -> None:
    response = await crm.odata("POST", "City", body, {"Content-Type": "application/json"})
    assert response.status == 400


@pytest.mark.parametrize("kind", ["-", "text/plain", "application/atom+xml"])
async def test_a_body_in_another_format_is_refused(crm: Caller, kind: str) -> None:
    response = await crm.odata("POST", "City", b'{"Name":"A"}', {"Content-Type": kind})
    assert response.status == 415


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2020-01-31T12:00:00Z", "2020-01-31T12:00:00Z"),
        ("2020-01-31T12:00:00.5000000Z", "2020-01-31T12:00:00.5Z"),
        ("2020-01-31T12:00:00.123456789Z", "2020-01-31T12:00:00.1234567Z"),
        ("2020-01-31T12:00+03:00", "2020-01-31T09:00:00Z"),
        ("2020-01-31T23:30:00.1-01:00", "2020-02-01T00:30:00.1Z"),
        (None, "0001-01-01T00:00:00Z"),
    ],
)
async def test_dates_are_kept_in_utc(crm: Caller, written: str | None, read: str) -> None:
    assert (await crm.create("Contact", Name="A", BirthDate=written))["BirthDate"] == read


async def test_null_becomes_the_empty_value(crm: Caller) -> None:
    row = await crm.create("Contact", Name=None, AccountId=None, Confirmed=None, Age=None)
    assert (row["Name"], row["AccountId"], row["Confirmed"], row["Age"]) == ("", ZERO, False, 0)


@pytest.mark.parametrize(
    ("flag", "value", "status"),
    [
        ("", 10.5, 201),
        ("", "10.5", 400),
        ("", 5, 201),
        ("", False, 400),
        ("", None, 201),
        ("; IEEE754Compatible=true", 10.5, 400),
        ("; IEEE754Compatible=true", "10.5", 201),
        ("; IEEE754Compatible=true", 5, 400),
        ("; IEEE754Compatible=true", "ten", 400),
    ],
)
async def test_decimals_are_text_with_the_flag_and_numbers_without(
    crm: Caller, flag: str, value: Any, status: int
) -> None:
    # Microsoft.OData.Core 7.10, which Creatio ships
    headers = {"Content-Type": "application/json" + flag}
    response = await crm.odata("POST", "Order", {"Number": "1", "Amount": value}, headers)
    assert response.status == status
    if status == 201:
        assert response.json()["Amount"] == float(value or 0)
        assert isinstance(response.json()["Amount"], (int, float))


async def test_changes_obey_the_decimal_flag_too(crm: Caller) -> None:
    order = (await crm.create("Order", Number="1"))["Id"]
    headers = {"Content-Type": "application/json; IEEE754Compatible=true"}
    assert (await crm.odata("PATCH", f"Order({order})", {"Amount": 1.5}, headers)).status == 400
    assert (await crm.odata("PATCH", f"Order({order})", {"Amount": "1.5"}, headers)).status == 204
