"""Expanded rows with options of their own, and options that have no method."""

from typing import Any

import pytest

from creatio_async import F
from creatio_async.protocol.odata.options import query_options
from creatio_async.protocol.odata.paging import Pager
from creatio_async.protocol.odata.spec import (
    Expand,
    Page,
    QuerySpec,
    as_expands,
    as_option,
)

UNTYPED: Any = Expand


def sent(*expands: object) -> str:
    return query_options(QuerySpec(expand=as_expands(expands))).removeprefix("?$expand=")


def test_names_and_paths_are_nested_where_they_lead_on() -> None:
    assert sent("Account", "Account/Type", "City/Country/Region", F.Owner) == (
        "Account($expand=Type),City($expand=Country($expand=Region)),Owner"
    )


def test_options_within_are_parted_by_semicolons_and_values_cannot_end_them() -> None:
    activities = Expand(
        "Activities",
        where=[F.Title == "a;b)c'd", F.Hours > 1],
        select=["Title"],
        expand=["Owner"],
        order_by=[F.Title.desc(), "Hours"],
        top=5,
        skip=2,
        count=True,
    )
    assert sent(activities, Expand("Parent", levels="max"), Expand("Child", levels=3)) == (
        "Activities($filter=Title%20eq%20'a%3Bb)c''d'%20and%20Hours%20gt%201;$select=Title,Hours;"
        "$expand=Owner;$orderby=Title%20desc,Hours;$top=5;$skip=2;$count=true),"
        "Parent($levels=max),Child($levels=3)"
    )


def test_a_path_and_options_along_the_same_property_are_joined() -> None:
    options = Expand("Account", select=["Name"])
    assert sent(options, "Account/Type") == "Account($select=Name;$expand=Type)"
    assert sent("Account/Type", options) == "Account($select=Name;$expand=Type)"


def test_two_sets_of_options_along_the_same_property_are_refused() -> None:
    with pytest.raises(ValueError, match="Account is expanded twice"):
        sent(Expand("Account", top=1), Expand("Account", top=2))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"levels": 0}, ValueError),
        ({"levels": "all"}, ValueError),
        ({"top": -1}, ValueError),
        ({"top": "5"}, TypeError),
        ({"select": "Name"}, TypeError),
        ({"where": True}, TypeError),
    ],
)
def test_options_out_of_bounds_are_refused(
    options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        UNTYPED("Account", **options)


def test_an_option_without_a_method_is_sent_as_it_stands() -> None:
    spec = QuerySpec(options=(as_option("$search", '"blue car" OR x'), as_option("x-trace", "1&2")))
    assert query_options(spec) == "?$search=%22blue%20car%22%20OR%20x&x-trace=1%262"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("$filter", "x", ValueError),
        ("$Filter", "x", ValueError),
        ("a&b", "x", ValueError),
        ("", "x", ValueError),
        ("x", 5, TypeError),
        (None, "x", TypeError),
    ],
)
def test_an_option_with_a_method_or_a_wrong_name_is_refused(
    name: object, value: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        as_option(name, value)


def test_aggregates_are_asked_for_once_and_as_a_whole() -> None:
    spec = QuerySpec(options=(as_option("$apply", "aggregate(Amount with sum as Total)"),))
    pager = Pager(spec)
    assert pager.begin() == spec
    assert pager.after(Page(rows=[{"Total": 5}] * 900)) is None
