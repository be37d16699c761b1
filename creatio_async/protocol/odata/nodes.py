"""Values and conditions as trees: frozen, comparable, made into text by a version of OData."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from attrs import field, frozen

from creatio_async.protocol.names import check_name

__all__ = [
    "And",
    "Arithmetic",
    "Comparison",
    "Condition",
    "EnumMember",
    "Function",
    "In",
    "Lambda",
    "Literal",
    "Named",
    "Negation",
    "Not",
    "Or",
    "Order",
    "Path",
    "Predicate",
    "Raw",
    "TypeName",
    "Value",
    "conjunction",
    "paths",
    "terms",
]


def _check_names(_: object, __: object, value: str) -> None:
    for name in value.replace(",", ".").split("."):
        check_name(name, "name of an enum type or member")


@frozen
class EnumMember:
    """A member of an enum type, or several of a flags type: ``EnumMember("NS.Color", "Red")``."""

    type: str = field(validator=_check_names)
    members: str = field(validator=_check_names)


_Primitive = (
    str
    | int
    | float
    | Decimal
    | UUID
    | dt.datetime
    | dt.date
    | dt.time
    | dt.timedelta
    | bytes
    | EnumMember
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


class Named:
    """What has a name in a row, or a way from it: a column, a navigation property."""

    __slots__ = ()

    def __way__(self) -> Path:
        """Return the way; a public name would hide a column."""
        raise NotImplementedError


@frozen
class Literal:
    """A value of the caller's."""

    value: Any = field(validator=_check_value)


@frozen
class TypeName:
    """The name of a type, for ``cast`` and ``isof``."""

    name: str


@frozen
class Function:
    """A function of the protocol, such as ``tolower``."""

    name: str
    arguments: tuple["Value | TypeName", ...] = ()


@frozen
class Arithmetic:
    """``left operator right``, with OData's name of the operator."""

    operator: str
    left: "Value"
    right: "Value"


@frozen
class Negation:
    """A number with the other sign."""

    value: "Value"


Value = Path | Literal | Function | Arithmetic | Negation


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
    arguments: tuple[Value | TypeName, ...]


@frozen
class In(Condition):
    """The column has one of the values; each value stands once."""

    column: Value
    values: tuple[Literal, ...]


@frozen
class Lambda(Condition):
    """``any`` or ``all`` of the rows behind a collection; without a condition: there is one."""

    quantifier: str
    collection: Path
    variable: str = ""
    condition: Condition | None = None


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


@frozen
class Order:
    """A value to sort by."""

    column: Value
    descending: bool = False


def conjunction(conditions: Iterable[Condition]) -> Condition | None:
    """Return one condition for all of them together; None for none."""
    items = tuple(part for condition in conditions for part in _parts(And, condition))
    return items[0] if len(items) == 1 else And(items) if items else None


def terms(condition: Condition) -> Iterator[Condition]:
    """Go through the conditions that *condition* is joined from, itself included."""
    yield condition
    match condition:
        case And(items) | Or(items):
            for item in items:
                yield from terms(item)
        case Not(item):
            yield from terms(item)
        case Lambda(condition=inner) if inner is not None:
            yield from terms(inner)
        case _:
            pass


def paths(value: Value | TypeName) -> Iterator[Path]:
    """Go through the paths in *value*."""
    match value:
        case Path():
            yield value
        case Function(_, arguments):
            for argument in arguments:
                yield from paths(argument)
        case Arithmetic(_, left, right):
            yield from paths(left)
            yield from paths(right)
        case Negation(inner):
            yield from paths(inner)
        case _:
            pass


def _parts(kind: type[And] | type[Or], condition: Condition) -> tuple[Condition, ...]:
    return condition.items if isinstance(condition, kind) else (condition,)


def _condition(other: object) -> Condition:
    if isinstance(other, Condition):
        return other
    raise TypeError(
        f"{other!r} is no condition; put each comparison in parentheses: (F.A == 1) & (F.B == 2)"
    )
