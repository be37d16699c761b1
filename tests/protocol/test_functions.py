"""Functions, arithmetic and lambdas of conditions, as the text that is sent."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from odata_query.grammar import ODataLexer, ODataParser

from creatio_async import Condition, EnumMember, F, isof, maxdatetime, mindatetime, now
from creatio_async.protocol.odata.filters import columns_of, filter_text, node_count

UNTYPED: Any = F
"""`F` to callers without a type checker."""

GUID = UUID("405947d0-2ffb-4ded-8675-0475f19f5a81")

SENT: dict[str, Condition] = {
    "tolower(Name) eq 'ann'": F.Name.lower() == "ann",
    "toupper(trim(Name)) ne 'ANN'": F.Name.trim().upper() != "ANN",
    "length(Name) gt 3": F.Name.length() > 3,
    "indexof(Name,'''') eq -1": F.Name.indexof("'") == -1,
    "substring(Name,1) eq 'nn'": F.Name.substring(1) == "nn",
    "substring(Name,1,2) eq 'nn'": F.Name.substring(1, 2) == "nn",
    "concat(concat(Name,', '),City/Name) eq 'Ann, Rome'": F.Name.concat(", ").concat(F.City.Name)
    == "Ann, Rome",
    "startswith(Name,Surname)": F.Name.startswith(F.Surname),
    "contains(tolower(Name),'405947d0-2ffb-4ded-8675-0475f19f5a81')": F.Name.lower().contains(
        str(GUID)
    ),
    "year(CreatedOn) eq 2020": F.CreatedOn.year() == 2020,
    "month(CreatedOn) ge 2 and day(CreatedOn) lt 3": (F.CreatedOn.month() >= 2)
    & (F.CreatedOn.day() < 3),
    "hour(CreatedOn) le 1 or minute(CreatedOn) eq 2": (F.CreatedOn.hour() <= 1)
    | (F.CreatedOn.minute() == 2),
    "second(CreatedOn) eq 5": F.CreatedOn.second() == 5,
    "fractionalseconds(CreatedOn) lt 0.25": F.CreatedOn.fractionalseconds() < Decimal("0.25"),
    "totaloffsetminutes(CreatedOn) eq 60": F.CreatedOn.totaloffsetminutes() == 60,
    "date(CreatedOn) eq 2020-01-02": F.CreatedOn.date() == dt.date(2020, 1, 2),
    "time(CreatedOn) gt 13:30:00": F.CreatedOn.time() > dt.time(13, 30),
    "BirthDate eq 2020-01-02T00:00:00Z": F.BirthDate == dt.date(2020, 1, 2),
    "CreatedOn gt now() sub duration'P1DT0S'": F.CreatedOn > now() - dt.timedelta(days=1),
    "A ge mindatetime() and A le maxdatetime()": (mindatetime() <= F.A) & (maxdatetime() >= F.A),
    "round(Amount) eq 1 and floor(Amount) eq 1 and ceiling(Amount) eq 2": (F.Amount.round() == 1)
    & (F.Amount.floor() == 1)
    & (F.Amount.ceiling() == 2),
    "(A add 1) mul 2 gt B sub (C sub 3)": (F.A + 1) * 2 > F.B - (F.C - 3),
    "1 sub A div 2 mod 3 lt 2.5": 1 - F.A / 2 % 3 < 2.5,
    "2 mul A add 3 add B eq 0": 2 * F.A + 3 + F.B == 0,
    "8 div A eq 4 or 8 mod A eq 1": (8 / F.A == 4) | (8 % F.A == 1),
    "1 add A gt 0": 1 + F.A > 0,
    "-A lt 0 and -(A add B) lt -1": (-F.A < 0) & (-(F.A + F.B) < -1),
    "totalseconds(Duration) ge 1.5": F.Duration.totalseconds() >= Decimal("1.5"),
    "not (year(CreatedOn) eq 2020)": ~(F.CreatedOn.year() == 2020),
    "not contains(Name,'x')": ~F.Name.contains("x"),
    "cast(Age,Edm.String) eq '7'": F.Age.cast("Edm.String") == "7",
    "isof(Model.Person) and isof(Owner,Model.Person)": isof("Model.Person")
    & F.Owner.isof("Model.Person"),
    "Flags has Model.Color'Red,Blue'": F.Flags.has(EnumMember("Model.Color", "Red,Blue")),
    "Activities/any()": F.Activities.any(),
    "not Activities/any(a:a/Title eq 'x')": ~F.Activities.any(lambda a: a.Title == "x"),
    f"Activities/all(a:a/Owner/Id eq {GUID} or a/Parts/any(p:p/Size gt a/Size))": F.Activities.all(
        lambda a: (a.OwnerId == GUID) | a.Parts.any(lambda p: p.Size > a.Size)
    ),
    "$it eq 5": F["$it"] == 5,
    "year(CreatedOn) eq 2019 or year(CreatedOn) eq 2020": F.CreatedOn.year().in_([2019, 2020]),
}


@pytest.mark.parametrize("text", SENT)
def test_an_expression_goes_out_in_the_words_of_the_protocol(text: str) -> None:
    assert filter_text(SENT[text]) == text


_BEYOND_THE_PARSER = (
    "has",
    "$it",
    "cast",
    "isof",
    "time(",
    "totaloffset",
    "totalseconds",
    "-A",
    "fractionalseconds",
)


@pytest.mark.parametrize(
    "text", [text for text in SENT if not any(word in text for word in _BEYOND_THE_PARSER)]
)
def test_an_independent_parser_takes_what_goes_out(text: str) -> None:
    assert ODataParser().parse(ODataLexer().tokenize(text)) is not None


def test_the_columns_of_the_row_are_found_within_functions_and_not_within_lambdas() -> None:
    condition = (
        (F.Name.lower() == "x")
        & (F.A + F.B > 1)
        & F.AccountId.in_([GUID])
        & F.Activities.any(lambda a: a.Title == F.Dear)
        & (F["$it"] == 1)
    )
    assert list(columns_of(condition)) == ["Name", "A", "B", "AccountId", "Dear"]


def test_each_function_operator_and_step_counts_as_a_node() -> None:
    assert node_count(F.Account.Name.lower() == "x") == 5
    assert node_count((F.A + 1) * 2 > 3) == 7
    assert node_count(F.Rows.any(lambda r: r.A == 1)) == 5


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: F.Name + "x", "concat"),
        (lambda: UNTYPED.Name.concat(5), "takes a text"),
        (lambda: F.Age.cast("Edm.String) or true"), "not a type"),
        (lambda: EnumMember("Model.Color", "Red' or true"), "not a name of an enum"),
        (lambda: UNTYPED.Rows.any(lambda _r: True), "gives a condition"),
        (lambda: UNTYPED.Rows.all(lambda: F.A == 1), "of one row"),
        (lambda: list(F.Name.lower()), "cannot be iterated"),
        (lambda: bool(F.Name.length()), "compare it"),
    ],
)
def test_a_mistake_is_refused_where_it_stands(mistake: object, said: str) -> None:
    assert callable(mistake)
    with pytest.raises((TypeError, ValueError), match=said):
        mistake()


def test_expressions_can_be_printed() -> None:
    assert repr(F.Name.lower()) == "<tolower(Name)>"
    assert repr(F.Name) == "F['Name']"
