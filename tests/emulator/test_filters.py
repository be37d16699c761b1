from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async.emulator import Emulator

from .caller import ANDREW, SUPERVISOR, ZERO, Caller, caller_of, message_of

NAMES = [
    "O'Brien",
    "50%",
    "under_score",
    "Łódź",
    "ŁÓDŹ",
    "Київ",
    "a\\b",
    'say "so"',
    "",
    "né\u0301e",
]


async def found(crm: Caller, text: str, entity_set: str = "City") -> list[str]:
    return await crm.names(f"{entity_set}?$select=Name&$filter={quote(text)}")


@pytest.fixture
def cities(crm: Caller) -> Caller:
    crm.emulator.insert("City", [{"Name": name} for name in NAMES])
    return crm


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Name eq 'O''Brien'", ["O'Brien"]),
        ("Name eq '50%'", ["50%"]),
        ("Name eq 'under_score'", ["under_score"]),
        ("contains(Name,'%')", ["50%"]),
        ("contains(Name,'_')", ["under_score"]),
        ("contains(Name,'\\')", ["a\\b"]),
        ("startswith(Name,'under%')", []),
        ("startswith(Name,'under')", ["under_score"]),
        ("endswith(Name,'score')", ["under_score"]),
        ("endswith(Name,'_____')", []),
        ("Name eq 'łódź'", []),
        ("contains(Name,'ód')", ["Łódź"]),
        ("tolower(Name) eq 'łódź'", ["Łódź", "ŁÓDŹ"]),
        ("toupper(Name) eq 'КИЇВ'", ["Київ"]),
        ("Name eq 'x'' OR 1 eq 1 --'", []),
        ("Name eq 'x'') OR (1 eq 1'", []),
        ("Name in ('50%')", ["50%"]),
        ("Name in ('50%','Київ', 'x')", ["50%", "Київ"]),
        ("not contains(Name,'')", []),
        ("not(Name ne '50%')", ["50%"]),
        ("length(Name) eq 3", ["50%", "a\\b"]),
        ("indexof(Name,'0') eq 1", ["50%"]),
        ("substring(Name,1) eq '0%'", ["50%"]),
        ("substring(Name,1,1) eq '0'", ["50%"]),
        ("concat(Name,'!') eq '50%!'", ["50%"]),
        ("concat(concat('<',Name),'>') eq '<50%>'", ["50%"]),
        ("trim(' 50% ') eq Name", ["50%"]),
        ("Name eq null", [""]),
        ("null eq Name", [""]),
        ("Name gt 'z'", ["Łódź", "ŁÓDŹ", "Київ"]),
        ("$it/Name eq '50%'", ["50%"]),
        ("name eq '50%'", ["50%"]),
        ("Name eq '50%' and false", []),
        ("(((Name eq '50%')))", ["50%"]),
        ("Country/Name eq 'Poland'", []),
        ("Country/Name eq null and Name eq '50%'", ["50%"]),
        ("Country/TimeZone/Code ne 'x' and Name eq '50%'", ["50%"]),
        ("Country eq null and Name eq '50%'", ["50%"]),
        ("Country ne null", []),
        ("null eq null and Name eq '50%'", ["50%"]),
    ],
)
async def test_texts_are_compared_exactly(cities: Caller, text: str, names: list[str]) -> None:
    assert await found(cities, text) == names


@settings(max_examples=150, deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
)
async def test_any_text_is_found_by_itself(name: str) -> None:
    with Emulator() as emulator:
        crm = caller_of(emulator)
        await crm.login()
        emulator.insert("City", [{"Name": name}, {"Name": name + "'"}])
        literal = "'" + name.replace("'", "''") + "'"
        assert await found(crm, f"Name eq {literal}") == [name]
        assert await found(crm, f"startswith(Name,{literal}) and Name ne {literal}") == [name + "'"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Age eq 7", ["A"]),
        ("Age add 3 eq 10", ["A"]),
        ("Age sub 3 eq 4", ["A"]),
        ("Age mul 2 eq 14", ["A"]),
        ("Age div 2 eq 3", ["A"]),
        ("Age div 2.0 eq 3.5", ["A"]),
        ("Age mod 4 eq 3", ["A"]),
        ("-Age eq -7", ["A"]),
        ("Age gt 6.5 and Age lt 99999999999999999999", ["A"]),
        ("Age ge 7 and Age le 7", ["A"]),
        ("Age in (1, 7)", ["A"]),
        ("Confirmed eq true and Age eq 7", ["A"]),
        ("Confirmed and Age eq 7", ["A"]),
        ("not Confirmed", []),
        ("BirthDate eq 2020-01-31T12:34:56.7890000Z", ["A"]),
        ("BirthDate eq 2020-01-31T15:34:56.789+03:00", ["A"]),
        ("BirthDate gt 2020-01-31 and BirthDate lt 2020-02-01", ["A"]),
        ("BirthDate lt 2020-01-31T12:34:57Z and BirthDate gt 2020-01-31T12:34:56Z", ["A"]),
        ("BirthDate ne null", ["A"]),
        ("BirthDate gt 0001-01-01T00:00:00Z", ["A"]),
        ("year(BirthDate) eq 2020", ["A"]),
        ("month(BirthDate) eq 1 and day(BirthDate) eq 31", ["A"]),
        ("hour(BirthDate) eq 12 and minute(BirthDate) eq 34 and second(BirthDate) eq 56", ["A"]),
        ("fractionalseconds(BirthDate) eq 0.789", ["A"]),
        ("date(BirthDate) eq 2020-01-31", ["A"]),
        ("BirthDate lt now() and Age eq 7", ["A"]),
        ("BirthDate gt mindatetime()", ["A"]),
        ("BirthDate gt maxdatetime()", []),
        ("totaloffsetminutes(BirthDate) eq 0 and Age eq 7", ["A"]),
        ("BirthDate in (2020-01-31T12:34:56.789Z)", ["A"]),
        ("round(Age div 2.0) eq 4", ["A"]),
        ("floor(Age div 2.0) eq 3 and ceiling(Age div 2.0) eq 4", ["A"]),
        (f"Id eq {SUPERVISOR}", ["Supervisor"]),
        (f"Id eq {SUPERVISOR.upper()}", ["Supervisor"]),
        (f"Id in ({SUPERVISOR},{ZERO})", ["Supervisor"]),
        ("Account/Name eq 'Acme'", ["A"]),
        ("account/city/country/code eq 'PL'", ["A"]),
        ("Account/Name eq 'Acme' and startswith(Account/Web,'http')", ["A"]),
    ],
)
async def test_numbers_dates_flags_and_paths(crm: Caller, text: str, names: list[str]) -> None:
    poland = next(row["Id"] for row in crm.emulator.rows("Country") if row["Code"] == "PL")
    [city] = crm.emulator.insert("City", [{"Name": "Łódź", "CountryId": poland}])
    account = {"Name": "Acme", "Web": "http://acme.test", "CityId": city}
    [account_id] = crm.emulator.insert("Account", [account])
    born = "2020-01-31T12:34:56.789Z"
    row = {"Name": "A", "Age": 7, "BirthDate": born, "AccountId": account_id}
    crm.emulator.insert("Contact", [row])
    assert await found(crm, text, "Contact") == names


async def test_collections_are_asked_with_any_and_all(crm: Caller) -> None:
    accounts = crm.emulator.insert("Account", [{"Name": n} for n in ("Both", "One", "None")])
    rows = [("x", accounts[0]), ("y", accounts[0]), ("x", accounts[1])]
    crm.emulator.insert("Contact", [{"Name": n, "AccountId": key} for n, key in rows])
    asked = {
        "ContactCollectionByAccount/any()": ["Both", "One"],
        "not ContactCollectionByAccount/any()": ["None"],
        "ContactCollectionByAccount/any(c: c/Name eq 'y')": ["Both"],
        "ContactCollectionByAccount/any(c:c/Name eq 'x' and c/Account/Name eq 'One')": ["One"],
        "ContactCollectionByAccount/all(c:c/Name eq 'x')": ["One", "None"],
        "ContactCollectionByAccount/any(c:c/Name eq Name)": [],
    }
    for text, names in asked.items():
        assert await found(crm, text, "Account") == names
    text = "Account/ContactCollectionByAccount/any(c:c/Name eq 'y')"
    assert await found(crm, text, "Contact") == ["x", "y"]


async def test_a_collection_in_a_collection_is_for_plain_odata() -> None:
    text = "CityCollectionByCountry/any(c:c/ContactCollectionByCity/any(p:p/Name eq 'Ann'))"
    statuses = {}
    for profile in ("creatio", "standard"):
        with Emulator(profile=profile) as emulator:
            crm = caller_of(emulator)
            await crm.login()
            country = emulator.rows("Country")[0]["Id"]
            [city] = emulator.insert("City", [{"Name": "A", "CountryId": country}])
            emulator.insert("Contact", [{"Name": "Ann", "CityId": city}])
            response = await crm.odata("GET", f"Country?$filter={quote(text)}")
            statuses[profile] = response.status, len(response.json().get("value", []))
    assert statuses == {"creatio": (400, 0), "standard": (200, 1)}


@pytest.mark.parametrize(
    "text",
    [
        "Name eq",
        "Name eq 'x",
        "Name",
        "Age",
        "Age add 1",
        "Name eq 5",
        "Age eq '5'",
        "Confirmed eq 1",
        "Confirmed eq 'true'",
        f"Id eq '{SUPERVISOR}'",
        f"Name eq {SUPERVISOR}",
        "CreatedOn gt '2020-01-01T00:00:00Z'",
        "CreatedOn gt 2020-01-01T00:00:00",
        "CreatedOn gt 2020-02-30",
        "Nothing eq 1",
        "Nothing/Name eq 'x'",
        "Account/Nothing eq 'x'",
        "Account/Nothing/Name eq 'x'",
        "AccountCollectionByOwner/Name eq 'x'",
        "AccountCollectionByOwner/Type/Name eq 'x'",
        "AccountCollectionByOwner eq null",
        "Account eq 'x'",
        f"Account eq {ZERO}",
        "Account/any(a:a/Name eq 'x')",
        "Nothing/any()",
        "ContactPhoto eq null",
        "contains(Name,5)",
        "contains(Age,'5')",
        "contains(Name)",
        "contains(Account,'x')",
        "unknown(Name)",
        "year(Name) eq 1",
        "Name and Confirmed",
        "not Name",
        "-Name eq 'x'",
        "Name add 1 eq 2",
        "Name in (1,2)",
        "Name eq 'a' 'b'",
        "1 eq 1)",
        "Name = 'x'",
        "Name eq 'x';DROP TABLE Contact",
        "((",
        "contains(Name,'x')/Name eq 'y'",
        "AccountCollectionByOwner/any(a:a/Name)",
        "",
    ],
)
async def test_a_filter_that_does_not_hold_is_refused(crm: Caller, text: str) -> None:
    response = await crm.odata("GET", f"Contact?$filter={quote(text)}")
    assert response.status == 400, response.text()
    assert message_of(response)


async def test_types_that_do_not_fit_are_named(crm: Caller) -> None:
    # the text was seen on a live site
    text = quote("CreatedOn gt '2020-01-01T00:00:00Z'")
    response = await crm.odata("GET", f"City?$filter={text}")
    assert message_of(response) == (
        "A binary operator with incompatible types was detected. Found operand types "
        "'Edm.DateTimeOffset' and 'Edm.String' for operator kind 'GreaterThan'."
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Name has Sales.Pattern'Yellow'", "The operator 'has', for no column is an enumeration,"),
        ("matchesPattern(Name,'x')", "The function 'matchesPattern'"),
        ("geo.length(Name) lt 5", "The function 'geo.length'"),
        ("geo.distance(Name,geography'POINT(1 2)') lt 5", "A constant of the type Geography"),
        ("AccountCollectionByOwner/any(a:a)", "A variable without a property"),
        ("$it eq null", "A variable without a property"),
        ("cast(Terrasoft.Configuration.OData.Contact) eq null", "A cast of a row"),
        ("cast(Account,Terrasoft.Configuration.OData.Account) eq null", "A cast of a row"),
    ],
)
@pytest.mark.parametrize(("profile", "status"), [("creatio", 400), ("standard", 501)])
async def test_what_is_not_implemented_is_named(
    profile: Any, status: int, text: str, words: str
) -> None:
    with Emulator(profile=profile) as emulator:
        crm = caller_of(emulator)
        await crm.login()
        response = await crm.odata("GET", f"Contact?$filter={quote(text)}")
    assert response.status == status
    assert f"{words} is not implemented." in message_of(response)


async def test_a_lookup_is_filtered_by_path_only(crm: Caller) -> None:
    # seen on a live site
    for name, dotted in (("AccountId", "AccountId"), ("Account/TypeId", "Account.TypeId")):
        response = await crm.odata("GET", f"Contact?$filter={name}%20eq%20{ZERO}")
        assert response.status == 500
        assert message_of(response) == f"Column by path {dotted} not found in schema Contact"
    assert (await found(crm, f"Account/Id eq {ZERO}", "Contact")) == []
    assert "Supervisor" in await found(crm, "Account/Id eq null", "Contact")
    assert len(await found(crm, "FacebookId eq ''", "Contact")) == 3


async def test_plain_odata_filters_lookups_either_way_and_keeps_nulls() -> None:
    with Emulator(profile="standard") as emulator:
        crm = caller_of(emulator)
        await crm.login()
        [account] = emulator.insert("Account", [{"Name": "Acme"}])
        emulator.insert("Contact", [{"Name": "Ann", "AccountId": account}])
        assert await found(crm, f"AccountId eq {account}", "Contact") == ["Ann"]
        assert await found(crm, "AccountId ne null", "Contact") == ["Ann"]
        assert await found(crm, "BirthDate eq null and Account ne null", "Contact") == ["Ann"]
        assert await found(crm, "Account/Name eq null", "Contact") != ["Ann"]
        assert len(await found(crm, " or ".join(["Name eq 'Ann'"] * 200), "Contact")) == 1
        for text in ("not%20" * 3000 + "true", "not%20" * 300 + "true"):
            for path in ("City", "City/$count"):
                response = await crm.odata("GET", f"{path}?$filter={text}")
                assert response.status == 400


@pytest.mark.parametrize(("terms", "status"), [(25, 200), (26, 400)])
async def test_a_filter_has_a_hundred_nodes_at_most(crm: Caller, terms: int, status: int) -> None:
    # MaxNodeCount of the library that Creatio ships
    text = " or ".join([f"Id eq {ANDREW}"] * terms)
    response = await crm.odata("GET", f"Contact?$filter={quote(text)}")
    assert response.status == status
    if status == 400:
        assert "The node count limit of '100' has been exceeded" in message_of(response)


async def test_every_kind_of_node_counts(crm: Caller) -> None:
    texts = [
        "not contains(tolower(Name),concat('a','b'))",
        "Age add -Age eq 5 and Id in (" + ",".join([ANDREW] * 80) + ")",
        "AccountCollectionByOwner/any(a:a/Name eq 'x') or AccountCollectionByOwner/any()",
    ]
    for text in texts:
        assert (await crm.odata("GET", f"Contact?$filter={quote(text)}")).status == 200
    text = "Id in (" + ",".join([ANDREW] * 100) + ")"
    assert (await crm.odata("GET", f"Contact?$filter={quote(text)}")).status == 400


async def test_names_may_begin_with_a_keyword_or_be_in_any_script(crm: Caller) -> None:
    for name in ("AllDay", "AnyOne", "NullOrNot", "TrueName", "Notes2", "Имя", "InProgress"):
        response = await crm.odata("GET", f"Contact?$filter={quote(name)}%20eq%20'x'")
        assert f"Could not find a property named '{name}'" in message_of(response)


async def test_guids_are_compared_as_they_are_ordered(crm: Caller) -> None:
    crm.emulator.insert("City", [{"Name": str(n)} for n in range(50)])
    ids = [row["Id"] for row in await crm.values("City?$orderby=Id")]
    middle = ids[20]
    above = [row["Id"] for row in await crm.values(f"City?$orderby=Id&$filter=Id%20gt%20{middle}")]
    assert above == ids[21:]
    below = [
        row["Id"] for row in await crm.values(f"City?$orderby=Id%20desc&$filter=Id%20le%20{middle}")
    ]
    assert below == ids[20::-1]
