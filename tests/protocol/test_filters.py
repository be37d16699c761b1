import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

from creatio_async import Condition, F
from creatio_async.protocol.odata.filters import columns_of, filter_text, node_count
from creatio_async.protocol.odata.nodes import Not, Raw

ANYTHING: Callable[[object], Any] = lambda value: value  # noqa: E731
"""For what a type checker would not let through."""

GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"


def parsed(text: str) -> Any:
    """Return what a parser by somebody else makes of *text*, as nested tuples."""
    return plain(ODataParser().parse(ODataLexer().tokenize(text)))


def plain(node: Any) -> Any:
    match node:
        case ast.BoolOp(op, left, right):
            kind = type(op).__name__.lower()
            flat: list[Any] = []
            for side in (plain(left), plain(right)):
                flat += side[1:] if isinstance(side, tuple) and side[0] == kind else [side]
            return (kind, *flat)
        case ast.Compare(op, left, right):
            return (type(op).__name__.lower(), plain(left), plain(right))
        case ast.UnaryOp(_, operand):
            return ("not", plain(operand))
        case ast.Call(function, arguments):
            return (function.name, *map(plain, arguments))
        case ast.Identifier(name):
            return ("path", name)
        case ast.Attribute(owner, name):
            return (*plain(owner), name)
        case ast.Null():
            return ("null",)
        case ast.String(value):
            return ("str", value)
        case _:
            return (type(node).__name__.lower(), node.val)


# Each strategy gives what is asked, and what the parser should make of it.

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    "'\"()/ \\%+&#;,=$@ eqandor", max_size=12
)
columns = st.sampled_from([
    (F.Name, ("path", "Name")),
    (F["Account/Type/Name"], ("path", "Account", "Type", "Name")),
    (F.FacebookId, ("path", "FacebookId")),
    (F.Account["in_"], ("path", "Account", "in_")),
])
literals = (
    texts.filter(lambda text: len(text) != 36).map(lambda text: (text, ("str", text)))
    | st.integers(0, 2**31).map(lambda number: (number, ("integer", str(number))))
    | st.booleans().map(lambda flag: (flag, ("boolean", str(flag).lower())))
    | st.uuids().map(lambda key: (key, ("guid", str(key))))
    | st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(1000, 1, 1)).map(  # noqa: DTZ001
        lambda at: (at, ("datetime", at.replace(tzinfo=None).isoformat() + "Z"))
    )
    | st.decimals(0, 10**6, places=3).map(lambda n: (n, ("float", format(n, "f"))))
)


def lookup(path: tuple[str, ...], value: tuple[str, Any]) -> tuple[str, ...]:
    if value[0] == "guid" and path[-1] == "FacebookId":
        return (*path[:-1], "Facebook", "Id")
    return path


@st.composite
def comparisons(draw: Any) -> tuple[Condition, Any]:
    (column, path), (value, parsed_value) = draw(columns), draw(literals)
    operator = draw(st.sampled_from(list(OPERATORS)))
    condition = getattr(column, f"__{operator}__")(value)
    return condition, (OPERATORS[operator], lookup(path, parsed_value), parsed_value)


OPERATORS = {"eq": "eq", "ne": "noteq", "lt": "lt", "le": "lte", "gt": "gt", "ge": "gte"}
"""Ours, and what the parser calls them."""


@st.composite
def predicates(draw: Any) -> tuple[Condition, Any]:
    (column, path), text = draw(columns), draw(texts | st.just(GUID))
    function = draw(st.sampled_from(["contains", "startswith", "endswith"]))
    return getattr(column, function)(text), (function, path, ("str", text))


@st.composite
def nulls(draw: Any) -> tuple[Condition, Any]:
    column, path = draw(columns)
    return column.is_null(), ("eq", path, ("null",))


@st.composite
def alternatives(draw: Any) -> tuple[Condition, Any]:
    column, path = draw(columns)
    values = draw(st.lists(texts, min_size=2, max_size=4, unique=True))
    return column.in_(values), ("or", *(("eq", path, ("str", each)) for each in values))


def joined(kind: str, sides: tuple[Any, Any]) -> tuple[Condition, Any]:
    (left, left_plain), (right, right_plain) = sides
    flat = [
        part
        for side in (left_plain, right_plain)
        for part in (side[1:] if side[0] == kind else [side])
    ]
    return (left & right if kind == "and" else left | right), (kind, *flat)


def negated(pair: tuple[Condition, Any]) -> tuple[Condition, Any]:
    condition, expected = pair
    return ~condition, expected[1] if expected[0] == "not" else ("not", expected)


conditions = st.recursive(
    comparisons() | predicates() | nulls() | alternatives(),
    lambda inner: (
        st.tuples(inner, inner).map(lambda pair: joined("and", pair))
        | st.tuples(inner, inner).map(lambda pair: joined("or", pair))
        | inner.map(negated)
    ),
    max_leaves=8,
)


@given(conditions)
def test_another_parser_finds_in_a_filter_what_was_asked(pair: tuple[Condition, Any]) -> None:
    condition, expected = pair
    assert parsed(filter_text(condition)) == expected


@given(conditions)
def test_a_filter_has_as_many_nodes_as_another_parser_finds(pair: tuple[Condition, Any]) -> None:
    condition, expected = pair
    assert node_count(condition) == size(expected)


def size(node: Any) -> int:
    match node:
        case ("path", *names):
            return len(names)
        case (("and" | "or"), *items):
            return sum(map(size, items)) + len(items) - 1
        case (_, *items) if items and isinstance(items[0], tuple):
            return 1 + sum(map(size, items))
        case _:
            return 1


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (F.AccountId == GUID, f"Account/Id eq {GUID}"),
        (F.AccountId == UUID(GUID), f"Account/Id eq {GUID}"),
        (F.AccountId != GUID.upper(), f"Account/Id ne {GUID}"),
        (
            F.AccountId.in_([GUID, UUID(int=0)]),
            f"Account/Id eq {GUID} or Account/Id eq {UUID(int=0)}",
        ),
        (F.Owner.AccountId == GUID, f"Owner/Account/Id eq {GUID}"),
        (F.Account.Id == GUID, f"Account/Id eq {GUID}"),
        (F.Id == GUID, f"Id eq {GUID}"),
        (F.FacebookId == "x", "FacebookId eq 'x'"),
        (F.FacebookId.contains(GUID), f"contains(FacebookId,'{GUID}')"),
        (F.AccountId.is_null(), "AccountId eq null"),
        (F.UId == GUID, f"UId eq {GUID}"),
        (F.EntitySchemaUId == GUID, f"EntitySchemaUId eq {GUID}"),
        (F.Paid == GUID, f"Paid eq {GUID}"),
        (F.AccountId == F.OwnerId, "AccountId eq OwnerId"),
    ],
)
def test_a_lookup_is_compared_along_its_path_only_where_the_value_is_a_guid(
    condition: Condition, text: str
) -> None:
    assert filter_text(condition) == text


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ((F.A == 1) & (F.B == 2) | (F.C == 3), "A eq 1 and B eq 2 or C eq 3"),
        ((F.A == 1) & ((F.B == 2) | (F.C == 3)), "A eq 1 and (B eq 2 or C eq 3)"),
        (~(F.A == 1), "not (A eq 1)"),
        (~F.A.contains("x"), "not contains(A,'x')"),
        (~~(F.A == 1), "A eq 1"),
        (Not(Not(F.A.contains("x"))), "not not contains(A,'x')"),
        (F.A.in_(["x"]), "A eq 'x'"),
        (~F.A.in_(["x", "y"]), "not (A eq 'x' or A eq 'y')"),
        (F.A.in_([None, "x"]), "A eq null or A eq 'x'"),
        (Raw("A eq 1 or B eq 2") & (F.C == 3), "(A eq 1 or B eq 2) and C eq 3"),
        (~Raw("A eq 1"), "not (A eq 1)"),
        (F.A == F.B.C, "A eq B/C"),
        (F.A.contains(F.B), "contains(A,B)"),
        (F["Имя"] == "я", "Имя eq 'я'"),
        (F.Amount > Decimal("10.50"), "Amount gt 10.50"),
    ],
)
def test_parentheses_stand_where_they_are_needed(condition: Condition, text: str) -> None:
    assert filter_text(condition) == text


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        (F.Name == "x", ["Name"]),
        (F.AccountId == GUID, ["AccountId"]),
        (F.Account.Id == GUID, ["AccountId"]),
        (F.Account.Name == "x", []),
        (F.Account.Type.Id == GUID, []),
        (F.A == F.B, ["A", "B"]),
        (F.A.contains("x") | ~(F.B.in_([1, 2]) & (F.C > F.D)), ["A", "B", "C", "D"]),
        (Raw("A eq 1"), []),
    ],
)
def test_the_columns_of_a_condition_are_those_of_the_row_itself(
    condition: Condition, columns: list[str]
) -> None:
    assert list(columns_of(condition)) == columns


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: (F.A == 1) and (F.B == 2),
        lambda: not F.A.contains("x"),
        lambda: 1 < F.A < 5,
        lambda: F.A in [1, 2],
        lambda: bool(F.A),
        lambda: list(F.A),
        lambda: (F.A == 1) & ANYTHING(True),  # noqa: FBT003
        lambda: (F.A == 1) | ANYTHING(F.B),
        lambda: F.A.in_("abc"),
        lambda: F.A.in_(b"abc"),
        lambda: F.A.in_([object()]),
        lambda: F.A.contains(ANYTHING(5)),
        lambda: F.A.startswith(ANYTHING(None)),
        lambda: F[ANYTHING(5)],
        lambda: hash(F.A),
    ],
)
def test_what_python_would_take_for_something_else_is_refused(misuse: Any) -> None:
    with pytest.raises(TypeError):
        misuse()


@pytest.mark.parametrize("name", ["", "a b", "a'", "Name eq 1 or A", "A/", "/A", "a-b", "A//B"])
def test_a_column_has_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a column"):
        F[name]
    with pytest.raises(ValueError, match="is not a column"):
        F.Account[name]


def test_conditions_are_values() -> None:
    assert ((F.A == 1) & (F.B == 2)) == ((F.A == 1) & (F.B == 2))
    assert hash(F.A.contains("x")) == hash(F.A.contains("x"))
    assert (F.A == 1) != (F.A == 2)
    assert repr(F.Account.Name) == "F['Account/Name']"
    with pytest.raises(AttributeError):
        F.A.__nothing__  # noqa: B018
    with pytest.raises(AttributeError):
        F.__nothing__  # noqa: B018
