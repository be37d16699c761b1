"""`F` and what grows from it: conditions as trees, made into text by a version of OData.

``F.Name`` is a column, ``F.Account.Name`` a path; comparing one gives a condition, and conditions
are joined with ``& | ~``. All of them are frozen values: they can be kept, compared and printed.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from attrs import field, frozen

from creatio_async.protocol.names import check_path
from creatio_async.protocol.odata.literals import literal

__all__ = [
    "And",
    "Column",
    "Comparison",
    "Condition",
    "F",
    "In",
    "Literal",
    "Not",
    "Or",
    "Order",
    "Path",
    "Predicate",
    "Raw",
    "Value",
    "conjunction",
    "terms",
]

_Primitive = (
    str | int | float | Decimal | UUID | dt.datetime | dt.date | dt.time | dt.timedelta | bytes
)


def _check_value(_: object, __: object, value: object) -> None:
    """Refuse at the line of the mistake what no literal can be made of later."""
    if value is not None and not isinstance(value, _Primitive):
        raise TypeError(f"a {type(value).__name__} cannot be compared with a column")
    if isinstance(value, dt.datetime) and value.utcoffset() is None:
        raise ValueError(f"the datetime {value.isoformat()} has no time zone")


# --- Values: what stands on either side of a comparison -------------------------------------------


@frozen
class Path:
    """A column, or the way to one through lookups."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.names)


@frozen
class Literal:
    """A value of the caller's."""

    value: Any = field(validator=_check_value)


Value = Path | Literal


# --- Conditions -----------------------------------------------------------------------------------


@frozen
class Condition:
    """Something that is true or false of a row. Join conditions with ``& | ~``."""

    def __and__(self, other: "Condition") -> "Condition":
        return And((*_parts(And, self), *_parts(And, _condition(other))))

    def __or__(self, other: "Condition") -> "Condition":
        return Or((*_parts(Or, self), *_parts(Or, _condition(other))))

    def __invert__(self) -> "Condition":
        return self.item if isinstance(self, Not) else Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError("a condition is no bool: write & | ~ instead of 'and' 'or' 'not' and 'in'")


@frozen
class Comparison(Condition):
    """``left operator right``, with OData's name of the operator."""

    operator: str
    left: Value
    right: Value


@frozen
class Predicate(Condition):
    """A function of the protocol that is true or false, such as ``contains``."""

    function: str
    arguments: tuple[Value, ...]


@frozen
class In(Condition):
    """The column has one of the values; each value stands once."""

    column: Path
    values: tuple[Literal, ...]


@frozen
class And(Condition):
    """All of them hold."""

    items: tuple[Condition, ...]


@frozen
class Or(Condition):
    """At least one of them holds."""

    items: tuple[Condition, ...]


@frozen
class Not(Condition):
    """It does not hold."""

    item: Condition


@frozen
class Raw(Condition):
    """Text of the caller's, sent as it stands."""

    text: str


def conjunction(conditions: Iterable[Condition]) -> Condition | None:
    """Return one condition for all of them together; None for none."""
    items = tuple(part for condition in conditions for part in _parts(And, condition))
    return items[0] if len(items) == 1 else And(items) if items else None


def terms(condition: Condition) -> Iterator[Condition]:
    """Go through the conditions that *condition* is joined from, itself included."""
    yield condition
    if isinstance(condition, And | Or):
        for item in condition.items:
            yield from terms(item)
    elif isinstance(condition, Not):
        yield from terms(condition.item)


def _parts(kind: type[And] | type[Or], condition: Condition) -> tuple[Condition, ...]:
    return condition.items if isinstance(condition, kind) else (condition,)


def _condition(other: object) -> Condition:
    if isinstance(other, Condition):
        return other
    raise TypeError(
        f"{other!r} is no condition; put each comparison in parentheses: (F.A == 1) & (F.B == 2)"
    )


# --- What the caller writes -----------------------------------------------------------------------


@frozen
class Order:
    """A column to sort by."""

    column: Path
    descending: bool = False


class Column:
    """A column of a row, or the way to one; made by `F`.

    An attribute goes one step further (``F.Account.Name``); so does an index, for names that mean
    something else here (``F.Account["in_"]``).
    """

    __slots__ = ("path",)
    __hash__ = None  # type: ignore[assignment]  # `==` gives a condition

    def __init__(self, path: Path) -> None:
        self.path = path

    def __getattr__(self, name: str) -> "Column":
        if name.startswith("__"):  # asked for by copy, pickle and inspect
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> "Column":
        return Column(Path((*self.path.names, *check_path(name, "column"))))

    def __iter__(self) -> NoReturn:
        raise TypeError(f"F[{str(self.path)!r}] is a column, and cannot be iterated")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"F[{str(self.path)!r}] is a column: compare it, for instance with == True")

    def __repr__(self) -> str:
        return f"F[{str(self.path)!r}]"

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared("eq", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared("ne", other)

    def __lt__(self, other: object) -> Condition:
        return self._compared("lt", other)

    def __le__(self, other: object) -> Condition:
        return self._compared("le", other)

    def __gt__(self, other: object) -> Condition:
        return self._compared("gt", other)

    def __ge__(self, other: object) -> Condition:
        return self._compared("ge", other)

    def is_null(self) -> Condition:
        """The column is null. Creatio rather holds empty values: a zero guid, ``""``, year 1."""
        return self._compared("eq", None)

    def in_(self, values: Iterable[object]) -> Condition:
        """The column has one of *values*.

        Up to 20 values are one request. More are split into several requests; that needs the
        condition at the top level of a query without `order_by`, `top` and `skip`.
        """
        if isinstance(values, str | bytes):
            raise TypeError("in_ takes several values, not a text; compare with == instead")
        distinct = {literal(value): Literal(value) for value in values}
        return In(self.path, tuple(distinct.values()))

    def contains(self, text: str) -> Condition:
        """The column holds *text* somewhere."""
        return self._predicate("contains", text)

    def startswith(self, text: str) -> Condition:
        """The column begins with *text*."""
        return self._predicate("startswith", text)

    def endswith(self, text: str) -> Condition:
        """The column ends with *text*."""
        return self._predicate("endswith", text)

    def asc(self) -> Order:
        """Sort by the column, smallest first."""
        return Order(self.path)

    def desc(self) -> Order:
        """Sort by the column, greatest first."""
        return Order(self.path, descending=True)

    def _compared(self, operator: str, other: object) -> Condition:
        return Comparison(operator, self.path, _value(other))

    def _predicate(self, function: str, text: object) -> Condition:
        if not isinstance(text, str | Column):
            raise TypeError(f"{function}() takes a text, not {type(text).__name__}")
        return Predicate(function, (self.path, _value(text)))


def _value(value: object) -> Value:
    return value.path if isinstance(value, Column) else Literal(value)


class _Columns:
    """Gives columns by name: ``F.Name``, ``F["Name"]``, ``F["Account/Name"]``."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Column:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Column:
        return Column(Path(check_path(name, "column")))

    def __repr__(self) -> str:
        return "F"


F = _Columns()
"""The columns of whatever set a query reads: ``F.Name == "x"``, ``F.Account.Name``."""
