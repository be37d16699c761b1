"""The syntax of ``$filter`` in version 3, over the same tables as that of version 4."""

from collections.abc import AsyncIterator

import pytest

from creatio_async.emulator import Emulator

from .caller import ANDREW, SUPERVISOR, Caller, caller_of
from .odata3 import filtered, message, names, v3

ANN, BOB, CID = "Ann O'Neill", "Bob", "Cid"


@pytest.fixture
async def people(crm: Caller) -> Caller:
    """A site with three contacts of an account more."""
    [account] = crm.emulator.insert("Account", [{"Name": "Acme", "OwnerId": ANDREW}])
    crm.emulator.insert(
        "Contact",
        [
            {"Name": ANN, "Age": 30, "BirthDate": "1990-12-12T12:00:00Z", "AccountId": account},
            {"Name": BOB, "Age": 41, "BirthDate": "1980-01-02T03:04:05.5Z", "Notes": "a-b-c"},
            {"Name": CID, "Age": 7, "DoNotUseCall": True, "Notes": "  x "},
        ],
    )
    crm.emulator.insert("Activity", [{"Title": "Call", "AccountId": account}, {"Title": "Meet"}])
    crm.emulator.insert(
        "Order", [{"Number": "1", "Amount": 10.5}, {"Number": "2", "Amount": 3_000_000_000}]
    )
    return crm


WHO = " and (Age gt 0)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # from the guides of the vendor
        (f"Owner/Id eq guid'{SUPERVISOR}'", [ANN, BOB, CID]),
        ("BirthDate gt datetime'1985-12-12T12:00'", [ANN]),
        ("substringof('nn',Name)", [ANN]),
        ("startswith(Name,'B')", [BOB]),
        ("endswith(Name, 'd')", [CID]),
        # constants
        ("Name eq 'Ann O''Neill'", [ANN]),
        ("Age eq 41", [BOB]),
        ("Age eq 41L", [BOB]),
        ("Age eq 41.0", [BOB]),
        ("Age eq 41M", [BOB]),
        ("Age eq 41m", [BOB]),
        ("Age lt 4.1e1d", [ANN, CID]),
        ("Age ge 30f", [ANN, BOB]),
        ("Age lt INF", [ANN, BOB, CID]),
        ("Age gt -INF", [ANN, BOB, CID]),
        ("Age lt INFd", [ANN, BOB, CID]),
        ("Age lt NaN", []),
        ("Age gt -1", [ANN, BOB, CID]),
        ("-Age lt -7", [ANN, BOB]),
        ("-(Age) eq -7", [CID]),
        ("DoNotUseCall eq true", [CID]),
        ("DoNotUseCall ne true", [ANN, BOB]),
        ("BirthDate eq null", [CID]),
        ("BirthDate ne null", [ANN, BOB]),
        ("BirthDate eq datetime'1980-01-02T03:04:05.5'", [BOB]),
        ("BirthDate le datetime'1990-12-12T12:00:00Z'", [ANN, BOB, CID]),
        ("BirthDate ge datetime'1990-12-12'", [ANN]),
        ("BirthDate eq datetimeoffset'1990-12-12T14:00:00+02:00'", [ANN]),
        ("BirthDate sub datetime'1990-12-12T11:00:00' eq time'PT1H'", [ANN]),
        # operators, and how strong they are
        ("Age add 1 eq 31", [ANN]),
        ("Age sub 1 mul 2 eq 28", [ANN]),
        ("(Age sub 1) mul 2 eq 80", [BOB]),
        ("Age div 2 eq 3", [CID]),
        ("Age mod 2 eq 0", [ANN]),
        ("Age eq 7 or Age eq 30 and Name eq 'x'", [CID]),
        ("(Age eq 7 or Age eq 30) and Name eq 'Cid'", [CID]),
        ("not (Age eq 7)", [ANN, BOB]),
        ("not endswith(Name,'d') and not DoNotUseCall", [ANN, BOB]),
        # functions
        ("length(Name) eq 3", [BOB, CID]),
        ("indexof(Name,'b') eq 2", [BOB]),
        ("replace(Notes,'-','+') eq 'a+b+c'", [BOB]),
        ("substring(Name,1) eq 'ob'", [BOB]),
        ("substring(Name,1,1) eq 'o'", [BOB]),
        ("tolower(Name) eq 'bob'", [BOB]),
        ("toupper(Name) eq 'BOB'", [BOB]),
        ("trim(Notes) eq 'x'", [CID]),
        ("concat(concat(Name,'-'),Notes) eq 'Bob-a-b-c'", [BOB]),
        ("year(BirthDate) eq 1980 and month(BirthDate) eq 1 and day(BirthDate) eq 2", [BOB]),
        ("hour(BirthDate) eq 3 and minute(BirthDate) eq 4 and second(BirthDate) eq 5", [BOB]),
        ("round(Age div 2.0) eq 4", [CID]),
        ("floor(Age div 2.0) eq 3", [CID]),
        ("ceiling(Age div 2.0) eq 4", [CID]),
        ("cast(Age,'Edm.String') eq '41'", [BOB]),
        ("isof(BirthDate,'Edm.DateTime')", [ANN, BOB, CID]),
        ("isof('Terrasoft.Configuration.Contact')", [ANN, BOB, CID]),
        ("isof('Terrasoft.Configuration.City')", []),
        # paths and lambdas
        ("Account/Name eq 'Acme'", [ANN]),
        ("Account/Owner/Name eq 'Andrew Baker (sample)'", [ANN]),
        ("Account ne null", [ANN]),
        ("Account/ActivityCollectionByAccount/any()", [ANN]),
        ("Account/ActivityCollectionByAccount/any(a: a/Title eq 'Call')", [ANN]),
        ("Account/ActivityCollectionByAccount/any(a:a/Title eq 'Meet')", []),
        ("Account/ActivityCollectionByAccount/all(a:a/Title eq 'Call')", [ANN, BOB, CID]),
    ],
)
async def test_a_filter_finds(people: Caller, text: str, found: list[str]) -> None:
    assert await filtered(people, "Contact", f"({text}){WHO}") == found


async def test_decimals_and_longs_are_numbers(people: Caller) -> None:
    async def numbers(text: str) -> str:
        response = await v3(people, "GET", f"OrderCollection/$count?$filter={text}")
        assert response.status == 200, response.text()
        return response.text()

    assert await numbers("Amount eq 10.5M") == "1"
    assert await numbers("Amount eq 3000000000L") == "1"
    assert await numbers("Amount gt 10.49 and Amount lt 10.51d") == "1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Name", "boolean"),
        ("Name eq", "Syntax error"),
        ("Name eq 'x", "Syntax error"),
        ("Name eq 'x' Name", "Syntax error"),
        ("(Name eq 'x'", "Syntax error"),
        ("eq 'x'", "Syntax error"),
        ("Name eq #", "Syntax error"),
        ("Name/ eq 'x'", "Syntax error"),
        ("Account/ActivityCollectionByAccount/any(1)", "Syntax error"),
        ("Account/ActivityCollectionByAccount/any(a a/Title eq 'x')", "Syntax error"),
        ("Account/ActivityCollectionByAccount/all()", "Syntax error"),
        ("length(Name eq 1", "Syntax error"),
        ("Nope eq 1", "Nope"),
        ("name eq 'x'", "name"),
        ("account/Name eq 'x'", "account"),
        ("account eq null", "account"),
        ("contactCollectionByOwner/any()", "contactCollectionByOwner"),
        ("Name eq 1", "incompatible"),
        ("Name eq Xx'00'", "unrecognized constant"),
        ("Name eq X'0'", "unrecognized constant"),
        ("Name eq X'41'", "Edm.Binary"),
        ("Name eq binary'41'", "Edm.Binary"),
        (f"Id eq '{ANDREW}'", "incompatible"),
        (f"Id eq {ANDREW}", "Syntax error"),
        ("Id eq guid'x'", "unrecognized constant"),
        ("Age eq 1.5L", "Edm.Int64"),
        ("Age eq 1x", "Syntax error"),
        ("BirthDate eq datetime'x'", "x"),
        ("BirthDate eq datetimeoffset'2000-01-01T00:00:00'", "zone"),
        ("BirthDate eq time'x'", "unrecognized constant"),
        ("BirthDate eq 2000-01-01", "Syntax error"),
        ("contains(Name,'x')", "Unknown function 'contains'"),
        ("now() gt BirthDate", "Unknown function 'now'"),
        ("substringof('x')", "substringof"),
        ("replace(Name,'x')", "replace"),
        ("Name in ('x')", "Syntax error"),
        ("cast(Name)", "type"),
        ("isof()", "isof"),
        ("Owner/Id eq null and Owner/ContactPhoto eq null", "stream"),
    ],
)
async def test_a_filter_that_is_none_is_a_400(crm: Caller, text: str, reason: str) -> None:
    escaped = text.replace("#", "%23")
    response = await v3(crm, "GET", f"ContactCollection?$filter={escaped}")
    assert response.status == 400
    assert reason in message(response)


async def test_a_lookup_is_asked_by_its_path_as_in_version_4(crm: Caller) -> None:
    response = await v3(crm, "GET", f"ContactCollection?$filter=OwnerId eq guid'{ANDREW}'")
    assert response.status == 500
    assert "OwnerId not found" in response.text()


async def test_what_version_3_alone_has_is_no_part_of_version_4(crm: Caller) -> None:
    for name in ("replace", "3.replace"):
        response = await crm.odata("GET", f"Contact?$filter={name}(Name,'a','b')%20eq%20'x'")
        assert response.status == 400


@pytest.fixture
async def standard() -> AsyncIterator[Caller]:
    with Emulator(profile="standard") as emulator:
        caller = caller_of(emulator)
        await caller.login()
        yield caller


async def test_in_plain_odata_what_is_missing_is_named_and_nulls_are_null(
    standard: Caller,
) -> None:
    for option in ("$filter", "$orderby"):
        response = await v3(standard, "GET", f"ContactCollection?{option}=Name eq X'41'")
        assert (response.status, "Edm.Binary" in message(response)) == (501, True)
    assert len(await filtered(standard, "Contact", "AccountId eq null")) == 3
    assert len(await names(standard, "ContactCollection?$filter=BirthDate ne null")) == 0


async def test_an_order_is_by_any_expression(people: Caller) -> None:
    some = "$filter=Age gt 0"
    by = "ContactCollection?$orderby="
    assert await names(people, f"{by}Age&{some}") == [CID, ANN, BOB]
    assert await names(people, f"{by}length(Name) desc, Name desc&{some}") == [ANN, CID, BOB]
    assert await names(people, f"{by}Account/Name desc,Age asc&{some}") == [ANN, CID, BOB]
