from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

import pytest

from creatio_async.emulator import Emulator

from .caller import Caller, caller_of

NAMESPACE = "Terrasoft.Configuration.OData"
BORN = "2020-01-31T12:34:56.789Z"


@pytest.fixture(params=["creatio", "standard"])
async def crm(request: pytest.FixtureRequest) -> AsyncGenerator[Caller]:
    """A caller of a site of either profile, with one account and its one contact."""
    with Emulator(profile=request.param) as emulator:
        [account] = emulator.insert("Account", [{"Name": "Acme", "Completeness": 7}])
        row = {"Name": "Ann", "Age": 7, "BirthDate": BORN, "AccountId": account, "Zip": "12"}
        emulator.insert("Contact", [row])
        order = {"Number": "1", "Amount": 10.5, "PaymentAmount": 3, "AccountId": account}
        emulator.insert("Order", [order])
        caller = caller_of(emulator)
        await caller.login()
        yield caller


async def found(crm: Caller, text: str, entity_set: str = "Contact") -> int:
    path = f"{entity_set}?$filter={quote(text)}"
    response = await crm.odata("GET", path)
    assert response.status == 200, response.text()
    return len(response.json()["value"])


@pytest.mark.parametrize(
    "text",
    [
        "Amount add PaymentAmount eq 13.5",
        "Amount sub 0.5 eq 10",
        "Amount mul -2 eq -21",
        "-Amount lt -10.4",
        "- Amount eq -10.5",
        "Amount div 2 eq 5.25",
        "Amount mod 4 eq 2.5",
        "-7 mod 4 eq -3 and Amount gt 0",
        "7 div 2 eq 3 and 7 div 2.0 eq 3.5",
        "2 add 3 mul 4 eq 14 and (2 add 3) mul 4 eq 20",
        "10 sub 3 sub 2 eq 5 and 12 div 2 mul 3 eq 18",
        "not (Amount gt 11) and Amount lt INF and Amount gt -INF",
        "Amount ne NaN and not (Amount eq NaN)",
        "Amount div 0 eq null or true",
        "Amount mod 0 ne 5 or true",
        "Amount in (1, 10.5, -3)",
        "Amount gt 1e1 and Amount lt 1.1e+1",
        "Amount gt 0 or Amount gt 1 and false",
        "(Amount gt 0 or Amount gt 1) and true",
        "true eq (Amount gt 0)",
        "round(Amount) eq 11 and floor(-Amount) eq -11 and ceiling(INF) eq INF and floor(INF) gt 5",
        "1 lt 2 eq true",
    ],
)
async def test_numbers_are_reckoned_as_odata_has_it(crm: Caller, text: str) -> None:
    assert await found(crm, f"({text}) and Number eq '1'", "Order") == 1


@pytest.mark.parametrize(
    "text",
    [
        "time(BirthDate) eq 12:34:56.789",
        "time(BirthDate) gt 12:34 and time(BirthDate) lt 12:34:57",
        "time(BirthDate) ge 12:34:56.7890000 and time(BirthDate) ne 12:34:56",
        "time(BirthDate) in (12:34:56.789)",
        "hour(12:34:56) eq 12 and minute(12:34:56) eq 34 and second(12:34:56) eq 56",
        "fractionalseconds(12:34:56.5) eq 0.5 and fractionalseconds(12:34:56) eq 0",
        "fractionalseconds(BirthDate) eq 0.789",
        "totaloffsetminutes(BirthDate) eq 0",
        "date(BirthDate) eq 2020-01-31 and date(BirthDate) lt 2020-02-01",
        "BirthDate add duration'P1D' eq 2020-02-01T12:34:56.789Z",
        "BirthDate sub duration'PT0.789S' eq 2020-01-31T12:34:56Z",
        "BirthDate add duration'-P31DT12H34M56.789S' eq 2019-12-31T00:00:00Z",
        "BirthDate sub 2020-01-30T12:34:56.789Z eq duration'P1D'",
        "BirthDate sub 2020-01-31T12:34:56Z lt duration'PT1S'",
        "duration'PT1H' add duration'PT30M' eq duration'PT90M'",
        "duration'PT1H' sub duration'PT2H' eq -duration'PT1H'",
        "duration'PT1H' mul 2 eq duration'PT2H' and 2 mul duration'PT1H' eq duration'PT2H'",
        "duration'PT1H' div 2 eq duration'PT30M' and 1.5 mul duration'PT2H' eq duration'PT3H'",
        "totalseconds(duration'PT1M0.5S') eq 60.5",
        "totalseconds(now() sub BirthDate) gt 0",
        "BirthDate gt now() sub duration'P99999D' and BirthDate lt now()",
        "BirthDate lt maxdatetime() and BirthDate gt mindatetime()",
        "year(BirthDate) mul 100 add month(BirthDate) eq 202001",
        "duration'P1D' ne null and time(BirthDate) ne null",
    ],
)
async def test_times_are_reckoned_as_odata_has_it(crm: Caller, text: str) -> None:
    assert await found(crm, f"({text}) and Name eq 'Ann'") == 1


@pytest.mark.parametrize(
    "text",
    [
        "cast(Age,Edm.String) eq '7'",
        "cast(Age,'Edm.String') eq '7'",
        "cast(Age,Edm.Double) div 2 eq 3.5",
        "cast(Age div 2.0,Edm.Int64) eq 3",
        "cast(Age div 2.0,Edm.String) eq '3.5' and cast(Age mul 1.0,Edm.String) eq '7'",
        "cast(Confirmed,Edm.String) eq 'true'",
        "cast(Id,Edm.String) ne '' and cast(cast(Id,Edm.String),Edm.Guid) eq Id",
        f"cast(BirthDate,Edm.String) eq '{BORN}'",
        f"cast('{BORN}',Edm.DateTimeOffset) eq BirthDate",
        "cast(BirthDate,Edm.Date) eq 2020-01-31",
        "cast(BirthDate,Edm.TimeOfDay) eq 12:34:56.789",
        "cast(time(BirthDate),Edm.String) eq '12:34:56.789'",
        "cast(Zip,Edm.Int32) eq 12 and cast(Zip,Edm.Decimal) lt 12.5",
        "cast('TRUE',Edm.Boolean) eq Confirmed",
        "cast(Name,Edm.String) eq 'Ann'",
        "not (cast(Name,Edm.Boolean) eq true)",
        "isof(Name,Edm.String) and not isof(Name,Edm.Int32) and isof(BirthDate,Edm.Date)",
        f"isof({NAMESPACE}.Contact) and isof($it,{NAMESPACE}.Contact)",
        f"not isof({NAMESPACE}.Account)",
        f"isof(Account,{NAMESPACE}.Account) and not isof(City,{NAMESPACE}.City)",
        f"not isof(Account,{NAMESPACE}.Contact)",
        f"not ContactCollectionByOwner/any(c:isof(c,{NAMESPACE}.Account))",
    ],
)
async def test_values_are_cast_and_types_are_asked(crm: Caller, text: str) -> None:
    assert await found(crm, f"({text}) and Name eq 'Ann'") == 1


@pytest.mark.parametrize(
    "text",
    [
        "Age lt NaN",
        "INF mod 2 lt 5",
        "maxdatetime() add duration'P1D' gt BirthDate",
        "mindatetime() sub duration'P1D' lt BirthDate",
        "cast(Name,Edm.Int32) gt 0",
        "cast(Name,Edm.Decimal) le 0",
        "cast(Name,Edm.Guid) lt Account/Id",
        "cast(Name,Edm.DateTimeOffset) gt mindatetime()",
        "cast('99999999999999999999',Edm.Int64) gt 0",
        "cast(null,Edm.Int32) gt 0",
        "cast(cast(Name,Edm.Decimal),Edm.String) ge ''",
        "cast(Name,Edm.DateTimeOffset) add duration'P1D' gt mindatetime()",
        "cast(Name,Edm.DateTimeOffset) sub mindatetime() gt duration'P1D'",
        "mindatetime() sub cast(Name,Edm.DateTimeOffset) gt duration'P1D'",
        "floor(cast(Name,Edm.Decimal)) gt 0",
        "City/Name gt 'a'",
        "City/Name in ('a')",
    ],
)
async def test_what_is_compared_with_null_is_false_and_its_negation_true_on_plain_odata(
    crm: Caller, text: str
) -> None:
    assert await found(crm, f"{text} and Name eq 'Ann'") == 0
    plain = crm.emulator._service.rules.plain
    assert await found(crm, f"not ({text}) and Name eq 'Ann'") == int(plain)


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        ("ContactCollectionByAccount/$count eq 1", 1),
        ("ContactCollectionByAccount/$count gt 1", 0),
        ("$it/ContactCollectionByAccount/any(c:c/Age eq 7)", 1),
        ("ContactCollectionByAccount/any(c:c/Age eq $it/Completeness)", 1),
        ("ContactCollectionByAccount/any(c:c/Age eq Completeness and c/Name ne Name)", 1),
        ("ContactCollectionByAccount/all(c:c/Age eq 8)", 0),
        ("not ContactCollectionByAccount/any(c:c/Age eq 8)", 1),
        ("CreatedBy/AccountCollectionByCreatedBy/$count ge 1", 1),
        ("CreatedBy/AccountCollectionByCreatedBy/any(a:a/Name eq 'Acme')", 1),
        ("ContactCollectionByAccount/any(c:c/Account/ContactCollectionByAccount/$count eq 1)", 1),
        ("ContactCollectionByAccount/any(c:c/Name in ('Ann','Bob') and not (c/Age gt 7))", 1),
    ],
)
async def test_collections_are_asked_about(crm: Caller, text: str, accounts: int) -> None:
    assert await found(crm, text, "Account") == accounts


@pytest.mark.parametrize(
    "text",
    [
        "not Name eq 'Ann'",
        "-Name eq 'x'",
        "BirthDate add 1 gt BirthDate",
        "BirthDate add BirthDate gt BirthDate",
        "duration'P1D' sub BirthDate gt BirthDate",
        "duration'P1Y' eq duration'P1Y'",
        "duration'P1M' eq duration'P1M'",
        "duration'P' eq duration'P'",
        "duration'PT' eq duration'PT'",
        "duration'P99999999999999D' eq duration'P1D'",
        "Age eq duration'P1D'",
        "BirthDate eq 12:30:00",
        "time(Name) eq 12:00:00",
        "totalseconds(Age) eq 1",
        "year(12:00:00) eq 1",
        "now(1) eq 1",
        "cast(Age) eq 1",
        "cast() eq 1",
        "cast(Age,Edm.String,Edm.String) eq 1",
        "cast(Age,Edm.Nothing) eq 1",
        "cast(Age,Edm.Guid) eq Id",
        "cast(Age,5) eq 1",
        "cast(Age,Edm.String) eq 7",
        "isof(Age)",
        "isof(Age,Edm.Nothing)",
        "isof(Edm.String)",
        "isof()",
        "$count eq 1",
        "Account/$count eq 1",
        "Nothing/$count eq 1",
        "$it/any()",
        "$it/$it/Name eq 'x'",
        "Age mod 'x' eq 1",
        "Name in ()",
        "case(true:1) eq 1",
        "Age eq 1 and",
        "INF/Name eq 1",
    ],
)
async def test_an_expression_that_does_not_hold_is_refused(crm: Caller, text: str) -> None:
    response = await crm.odata("GET", f"Contact?$filter={quote(text)}")
    assert response.status == 400, response.text()


async def test_rows_are_ordered_by_expressions(crm: Caller) -> None:
    rows: list[dict[str, Any]] = [{"Name": n, "Zip": z} for n, z in (("B", "9"), ("A", "10"))]
    crm.emulator.insert("Contact", rows)
    text = "Zip ne '' and Name ne 'Ann'"
    path = f"Contact?$filter={quote(text)}&$orderby={{}}"
    assert await crm.names(path.format("cast(Zip,Edm.Int32)")) == ["B", "A"]
    assert await crm.names(path.format("Zip")) == ["A", "B"]
    accounts = "Account?$orderby=ContactCollectionByAccount/$count%20desc,Name"
    assert (await crm.names(accounts))[0] == "Acme"
