"""What a query asks for, as a value; and what a page of its answer holds."""

from typing import Any

from attrs import field, frozen

from creatio_async.protocol.names import check_name, check_path
from creatio_async.protocol.odata.expressions import Column, Expression
from creatio_async.protocol.odata.nodes import Condition, Order, Path, Raw

__all__ = ["MAX_ROWS", "Page", "QuerySpec", "Row", "as_condition", "as_order"]

Row = dict[str, Any]
"""The fields of a row by name, as JSON gives them."""

MAX_ROWS = 20_000
"""Rows that Creatio puts into one answer at most (``MaxEntityRowCount``); more is a 500."""


@frozen(kw_only=True)
class QuerySpec:
    """The parts of a query, still without the words of a version of OData."""

    where: tuple[Condition, ...] = ()
    select: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    order: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False


@frozen(kw_only=True)
class Page:
    """A part of the rows that a query asks for."""

    rows: list[Row]
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


def as_columns(given: tuple[object, ...]) -> tuple[str, ...]:
    """Return the names that a caller gave to ``select``.

    Raises:
        TypeError: Something is neither a name nor a column.
        ValueError: A name is no identifier, or a path.
    """
    return tuple(_column(each) for each in given)


def _column(given: object) -> str:
    path = str(given.path) if isinstance(given, Column) else given
    if not isinstance(path, str):
        raise TypeError(f"select() takes names of columns, not {path!r}")
    if "/" in path:
        raise ValueError(f"select() takes columns of the row itself, not {path!r}; expand() those")
    return check_name(path, "column")


def as_navigation(given: tuple[object, ...]) -> tuple[str, ...]:
    """Return the paths that a caller gave to ``expand``.

    Raises:
        TypeError: Something is neither a path nor a column.
        ValueError: A name is no identifier.
    """
    paths = (str(each.path) if isinstance(each, Column) else each for each in given)
    return tuple("/".join(check_path(_text(path), "navigation property")) for path in paths)


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise TypeError(f"expand() takes names of navigation properties, not {given!r}")
    return given
