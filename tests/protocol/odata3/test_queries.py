"""Addresses and query options of OData 3, and what it has no words for."""

import datetime as dt
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest

from creatio_async import EnumMember, Expand, F, now
from creatio_async.protocol.odata.nodes import Condition
from creatio_async.protocol.odata.spec import QuerySpec, as_columns, as_expands, as_order
from creatio_async.protocol.odata3 import addresses

GUID = "405947d0-2ffb-4ded-8675-0475f19f5a81"
NOON = dt.datetime(1990, 12, 12, 12, tzinfo=dt.UTC)


def asked(**parts: Any) -> str:
    """Return the options of a query, not percent-encoded."""
    path = addresses.collection_path("Contact", QuerySpec(**parts))
    return unquote(path.removeprefix("ContactCollection").removeprefix("?"))


def test_a_set_has_the_name_of_its_schema_and_a_word_after_it() -> None:
    assert addresses.set_path("Contact") == "ContactCollection"
    assert addresses.entity_path("Contact", GUID) == f"ContactCollection(guid'{GUID}')"
    assert addresses.set_path("Город") == "%D0%93%D0%BE%D1%80%D0%BE%D0%B4Collection"


def test_what_a_row_leads_to_is_behind_its_address() -> None:
    row = f"ContactCollection(guid'{GUID}')"
    spec = QuerySpec(select=("Name",))
    assert addresses.related_path("Contact", GUID, "Account", spec) == f"{row}/Account?$select=Name"
    assert addresses.reference_step("Account") == "/$links/Account"
    rows = addresses.collection_in("Contact", GUID, "Activities")
    assert addresses.collection_path(rows, QuerySpec(top=1)) == f"{row}/Activities?$top=1"


def test_a_number_of_rows_is_asked_for_with_the_conditions_alone() -> None:
    spec = QuerySpec(where=(F.Age > 1,), top=5, select=("Id",))
    assert addresses.count_path("Contact", spec) == "ContactCollection/$count?$filter=Age%20gt%201"


@pytest.mark.parametrize("name", ["", "a b", "Contact(1)", "../x", "Contact?$top=1"])
def test_no_name_can_change_an_address(name: str) -> None:
    with pytest.raises(ValueError, match="is not a entity set"):
        addresses.set_path(name)
    with pytest.raises(ValueError, match="is not a navigation property"):
        addresses.reference_step(name)
    with pytest.raises(ValueError, match="is not a navigation property"):
        addresses.collection_in("Contact", GUID, name)


CONDITIONS: list[tuple[Condition, str]] = [
    (F.Name.contains("O'Neil"), "substringof('O''Neil',Name)"),
    (F.Name.startswith("A"), "startswith(Name,'A')"),
    (~F.Name.endswith("z"), "not endswith(Name,'z')"),
    (F.AccountId == UUID(GUID), f"Account/Id eq guid'{GUID}'"),
    (F.Account.TypeId == GUID.upper(), f"Account/Type/Id eq guid'{GUID}'"),
    (F.Id.in_([GUID]), f"Id eq guid'{GUID}'"),
    (F.Name.in_(["a", "b"]), "Name eq 'a' or Name eq 'b'"),
    (F.BirthDate > NOON, "BirthDate gt datetime'1990-12-12T12:00:00'"),
    (F.BirthDate == dt.date(1990, 12, 12), "BirthDate eq datetime'1990-12-12T00:00:00'"),
    (F.Name.length() * 2 + 1 >= 5, "length(Name) mul 2 add 1 ge 5"),
    (F.CreatedOn.year() == 2020, "year(CreatedOn) eq 2020"),
    (F.Name.lower().indexof(GUID) == 0, f"indexof(tolower(Name),'{GUID}') eq 0"),
    (F.Age.cast("Edm.String") == "5", "cast(Age,'Edm.String') eq '5'"),
    (F.Name.isof("Edm.String"), "isof(Name,'Edm.String')"),
    (F.Activities.any(lambda a: a.Title == "x"), "Activities/any(a:a/Title eq 'x')"),
    ((F.A == 1) & ((F.B == 2) | (F.C == None)), "A eq 1 and (B eq 2 or C eq null)"),  # noqa: E711
    (F.Big == 2**40, "Big eq 1099511627776L"),
]


@pytest.mark.parametrize(("condition", "text"), CONDITIONS, ids=lambda each: str(each)[:60])
def test_a_condition_is_said_in_the_words_of_the_version(condition: Condition, text: str) -> None:
    assert asked(where=(condition,)) == f"$filter={text}"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"where": (F.CreatedOn.date() == dt.date(2020, 1, 1),)}, r"no function date\(\)"),
        ({"where": (F.CreatedOn < now(),)}, r"no function now\(\)"),
        ({"where": (F.Kind.has(EnumMember("N.Kind", "A")),)}, "no operator 'has'"),
        ({"where": (F.Kind == EnumMember("N.Kind", "A"),)}, "no enum types"),
        ({"options": (("$search", "x"),)}, r"no query option \$search"),
        ({"options": (("$apply", "x"),)}, r"no query option \$apply"),
        ({"expand": (Expand("Accounts", where=F.Name == "x"),)}, "expands all rows of 'Accounts'"),
        ({"expand": (Expand("Accounts", order_by=["Name"]),)}, "expands all rows"),
        ({"expand": (Expand("Accounts", top=1),)}, "expands all rows"),
        ({"expand": (Expand("A", expand=[Expand("B", skip=1)]),)}, "expands all rows of 'B'"),
        ({"expand": (Expand("Parent", levels=2),)}, "no levels"),
    ],
)
def test_what_the_version_has_no_word_for_is_refused_with_a_sentence(
    parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        asked(**parts)


SHAPES: list[tuple[list[str], list[Any], str]] = [
    (["Id"], [], "$select=Id"),
    ([], ["Account"], "$expand=Account"),
    (["Id"], ["Account"], "$select=Id,Account&$expand=Account"),
    ([], ["Account/Type"], "$expand=Account,Account/Type"),
    (["Id"], ["Account/Type", "City"], "$select=Id,Account,City&$expand=Account,Account/Type,City"),
    (
        ["Id"],
        [Expand("Account", select=["Name"], expand=["Type"])],
        "$select=Id,Account/Name,Account/Type&$expand=Account,Account/Type",
    ),
    (
        [],
        [Expand("Account", select=["Name"]), "City"],
        "$select=*,Account/Name,City&$expand=Account,City",
    ),
    (
        [],
        [Expand("Account", expand=[Expand("Type", select=["Name"])])],
        "$select=*,Account/*,Account/Type/Name&$expand=Account,Account/Type",
    ),
    (
        ["Id"],
        [Expand("Account", select=["Name"]), Expand("Account", select=["Code"])],
        "$select=Id,Account/Name,Account/Code&$expand=Account",
    ),
    (
        ["Id"],
        [Expand("Account", select=["Name"]), "Account/Type", "Account"],
        "$select=Id,Account/Name,Account/Type&$expand=Account,Account/Type",
    ),
]


@pytest.mark.parametrize(("select", "expand", "text"), SHAPES)
def test_what_is_shown_of_rows_and_of_the_rows_in_them_is_a_list_of_paths(
    select: list[str], expand: list[Any], text: str
) -> None:
    assert asked(select=as_columns(select), expand=as_expands(expand)) == text


def test_columns_that_a_condition_looks_at_are_selected_too() -> None:
    spec = {"select": ("Id",), "where": (F.AccountId == GUID, F.Name == "x")}
    assert asked(**spec).endswith("&$select=Id,AccountId,Name")


def test_the_other_options_are_those_of_version_3() -> None:
    assert (
        asked(
            order=(as_order(F.Name.lower().desc()), as_order("Id")),
            top=5,
            skip=10,
            count=True,
            options=(("$skiptoken", f"guid'{GUID}'"), ("mine", "1")),
        )
        == f"$orderby=tolower(Name) desc,Id&$top=5&$skip=10&$inlinecount=allpages"
        f"&$skiptoken=guid'{GUID}'&mine=1"
    )
