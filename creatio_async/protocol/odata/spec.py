"""What a query asks for, as a value; and what a page of its answer holds."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, cast

from attrs import field, frozen

from creatio_async.protocol.names import check_name, check_path
from creatio_async.protocol.odata.expressions import Expression
from creatio_async.protocol.odata.nodes import Condition, Named, Order, Path, Raw

__all__ = [
    "MAX_ROWS",
    "Collection",
    "Expand",
    "Page",
    "QuerySpec",
    "Row",
    "RowT",
    "as_columns",
    "as_condition",
    "as_expands",
    "as_name",
    "as_option",
    "as_order",
    "natural",
]


class Collection(str):
    """The name of rows behind a row, such as ``Account(...)/Contacts``: a path that was checked."""

    __slots__ = ()


Row = dict[str, Any]
"""The fields of a row by name, as JSON gives them."""

if TYPE_CHECKING:  # the TypeVar of Python 3.11 has no default
    from typing_extensions import TypeVar

    RowT = TypeVar("RowT", default=Row)
else:
    from typing import TypeVar

    RowT = TypeVar("RowT")

MAX_ROWS = 20_000
"""Rows that Creatio puts into one answer at most (``MaxEntityRowCount``); more is a 500."""


@frozen(kw_only=True)
class Page(Generic[RowT]):
    """A part of the rows that a query asks for."""

    rows: list[RowT]
    count: int | None = None
    """How many rows match in all, whatever `top` and `skip`; None where it was not asked for."""
    next_link: str | None = None
    """Where the server says that the answer goes on."""
    size: int = field(default=0, repr=False)
    """Bytes of the answer."""


def as_condition(given: object) -> Condition:
    """Return what a caller gave to ``where``: a condition, or raw text.

    Raises:
        TypeError: It is neither; a Python comparison of the wrong things gives a bool.
        ValueError: The text is empty.
    """
    if isinstance(given, Condition):
        return given
    if isinstance(given, str):
        if not given.strip():
            raise ValueError("where() takes a condition, not an empty text")
        return Raw(given)
    if isinstance(given, Expression):
        raise TypeError(f"{given!r} is a column: compare it, for instance with == True")
    raise TypeError(f"where() takes conditions such as F.Name == 'x', not {given!r}")


def as_order(given: object) -> Order:
    """Return what a caller gave to ``order_by``: ``F.Name.desc()``, ``F.Name`` or a name.

    Raises:
        TypeError: It is none of these.
        ValueError: A name is no identifier.
    """
    if isinstance(given, Order):
        return given
    if isinstance(given, Expression):
        return Order(given.node)
    if isinstance(given, str):
        name, _, direction = given.strip().partition(" ")
        if direction.strip() not in {"", "asc", "desc"}:
            raise ValueError(f"{given!r}: a column is followed by asc, desc or nothing")
        return Order(Path(check_path(name, "column")), descending=direction.strip() == "desc")
    raise TypeError(f"order_by() takes columns such as F.Name.desc() or 'Name', not {given!r}")


def as_columns(given: Iterable[object]) -> tuple[str, ...]:
    """Return the names that a caller gave to ``select``.

    Raises:
        TypeError: Something is neither a name nor a column, or all of it is one text.
        ValueError: A name is no identifier, or a path.
    """
    return tuple(_column(each) for each in _several(given))


def _several(given: Iterable[object]) -> Iterable[object]:
    if isinstance(given, str):
        raise TypeError(f"select and expand take several names, such as [{given!r}], not a text")
    return given


def _column(given: object) -> str:
    path = str(given.__way__()) if isinstance(given, Named) else given
    if not isinstance(path, str):
        raise TypeError(f"select() takes names of columns, not {path!r}")
    if "/" in path:
        raise ValueError(f"select() takes columns of the row itself, not {path!r}; expand() those")
    return check_name(path, "column")


_BY_METHOD = frozenset({
    "$filter",
    "$select",
    "$expand",
    "$orderby",
    "$top",
    "$skip",
    "$count",
    "$levels",
})
_OPTION = re.compile(r"\$[a-z]+|[A-Za-z_][A-Za-z0-9_.-]*")


def as_option(name: object, value: object) -> tuple[str, str]:
    """Return a query option of the caller's.

    Raises:
        TypeError: The name or the value is no text.
        ValueError: There is a method for it, or it is no name of an option.
    """
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"an option has a name and a text, not {name!r} and {value!r}")
    if name.lower() in _BY_METHOD:
        raise ValueError(f"{name} is said with the method of that name")
    if not _OPTION.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a query option")
    return name, value


def as_name(given: object) -> str:
    """Return the name of a navigation property that a caller gave.

    Raises:
        TypeError: It is neither a name nor a column.
        ValueError: It is no identifier.
    """
    return check_name(_path(given), "navigation property")


def as_expands(given: Iterable[object]) -> "tuple[Expand, ...]":
    """Return what a caller gave to ``expand``: names, paths, columns, `Expand`.

    Raises:
        TypeError: Something is none of these.
        ValueError: A name is no identifier.
    """
    several = _several(given)
    return tuple(each if isinstance(each, Expand) else _expand(_path(each)) for each in several)


def _expand(path: str) -> "Expand":
    name, slash, rest = path.partition("/")
    return Expand(name, expand=(rest,) if slash else ())


def _path(given: object) -> str:
    path = str(given.__way__()) if isinstance(given, Named) else given
    if not isinstance(path, str):
        raise TypeError(f"expand() takes names of navigation properties, not {given!r}")
    return path


def natural(number: int | None) -> int | None:
    """Return *number* if it is a number of rows, or None.

    Raises:
        TypeError: It is no number.
        ValueError: It is below 0.
    """
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"takes a number of rows, not {number!r}")
    if number < 0:
        raise ValueError(f"takes a number of rows, not {number}")
    return number


@frozen(kw_only=True)
class QuerySpec:
    """The parts of a query, still without the words of a version of OData."""

    where: tuple[Condition, ...] = ()
    select: tuple[str, ...] = ()
    expand: "tuple[Expand, ...]" = ()
    order: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    options: tuple[tuple[str, str], ...] = ()
    """Further query options, sent as they stand."""
    annotated: bool = False
    """Leave annotations in the rows."""


def _as_conditions(given: object) -> tuple[Condition, ...]:
    if given is None:
        return ()
    if isinstance(given, list | tuple):
        return tuple(map(as_condition, cast("Iterable[object]", given)))
    return (as_condition(given),)


def _as_orders(given: Iterable[object]) -> tuple[Order, ...]:
    return tuple(map(as_order, given))


@frozen
class Expand:
    """Rows to put into the rows, behind a navigation property, and which of them.

    ``Expand("Activities", where=F.Title == "x", select=["Title"], order_by=["Title"], top=5)``.
    Creatio nests two deep at most.
    """

    name: str = field(converter=as_name)
    where: tuple[Condition, ...] = field(default=None, converter=_as_conditions, kw_only=True)
    select: tuple[str, ...] = field(default=(), converter=as_columns, kw_only=True)
    expand: "tuple[Expand, ...]" = field(default=(), converter=as_expands, kw_only=True)
    order_by: tuple[Order, ...] = field(default=(), converter=_as_orders, kw_only=True)
    top: int | None = field(default=None, converter=natural, kw_only=True)
    skip: int | None = field(default=None, converter=natural, kw_only=True)
    count: bool = field(default=False, kw_only=True)
    levels: int | Literal["max"] | None = field(default=None, kw_only=True)
    """How often to follow a property that leads to the same kind of row; or ``"max"``."""

    def __attrs_post_init__(self) -> None:
        levels = self.levels
        if levels not in {None, "max"} and not (isinstance(levels, int) and levels > 0):
            raise ValueError(f"levels is a number from 1, or 'max', not {levels!r}")

    @property
    def spec(self) -> QuerySpec:
        """The options within."""
        return QuerySpec(
            where=self.where,
            select=self.select,
            expand=self.expand,
            order=self.order_by,
            top=self.top,
            skip=self.skip or 0,
            count=self.count,
        )
