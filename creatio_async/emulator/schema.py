"""What the emulated site keeps: tables, their columns, and what an empty column holds.

A table has Creatio's names and Creatio's order of columns; a lookup is a column ``XxxId`` with a
navigation property ``Xxx`` beside it.
"""

import uuid
from enum import Enum
from typing import Any

from attrs import field, frozen

__all__ = [
    "EMPTY_DATE",
    "EMPTY_GUID",
    "NAMESPACE",
    "Column",
    "Kind",
    "Navigation",
    "Schema",
    "linked",
    "stable_id",
]

NAMESPACE = "Terrasoft.Configuration.OData"
"""The namespace of every entity type. Source: a captured ``$metadata``."""

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
EMPTY_DATE = "0001-01-01T00:00:00"
"""Dates are kept in UTC, without Z and trailing zeros: the order of the text is that of time."""


_NAMESPACE = uuid.UUID("5b3c8a52-6d0e-4b0f-9c67-7a0d4f6f1a10")


def stable_id(table: str, code: str) -> str:
    """Return the id of a row that every site has: the same in each, and for ever."""
    return str(uuid.uuid5(_NAMESPACE, f"{table}/{code}"))


class Kind(Enum):
    """The type of a column, by its name in OData 4."""

    GUID = "Edm.Guid"
    TEXT = "Edm.String"
    DATE = "Edm.DateTimeOffset"
    FLAG = "Edm.Boolean"
    WHOLE = "Edm.Int32"
    DECIMAL = "Edm.Decimal"
    STREAM = "Edm.Stream"
    TIME = "Edm.TimeOfDay"
    """In filters only: no column is of this type."""
    DURATION = "Edm.Duration"
    """In filters only, as ticks of 100 nanoseconds."""

    @property
    def empty(self) -> Any:
        """What Creatio keeps where there is no value: it has no nulls.

        Source: academy.creatio.com, "Stream data type request examples".
        """
        return _EMPTY[self]

    @property
    def affinity(self) -> str:
        """The type of the column in SQLite."""
        return _AFFINITIES[self]


_EMPTY: dict[Kind, Any] = {
    Kind.GUID: EMPTY_GUID,
    Kind.TEXT: "",
    Kind.DATE: EMPTY_DATE,
    Kind.FLAG: 0,
    Kind.WHOLE: 0,
    Kind.DECIMAL: 0,
    Kind.STREAM: b"",
    Kind.TIME: "",
    Kind.DURATION: None,
}
_AFFINITIES = {
    Kind.GUID: "TEXT",
    Kind.TEXT: "TEXT",
    Kind.DATE: "TEXT",
    Kind.FLAG: "INTEGER",
    Kind.WHOLE: "INTEGER",
    Kind.DECIMAL: "NUMERIC",
    Kind.STREAM: "BLOB",
    Kind.TIME: "TEXT",
    Kind.DURATION: "INTEGER",
}


@frozen(eq=False)
class Column:
    """A column; *lookup* names the table that it points to, *default* is what it holds if unset."""

    name: str
    kind: Kind
    lookup: str = ""
    default: Any = None
    """As it is stored; None stands for the empty value of the kind."""

    @property
    def navigation(self) -> str:
        """The name of the navigation property: ``Account`` for ``AccountId``."""
        return self.name.removesuffix("Id")


@frozen
class Navigation:
    """A way from a row to other rows: to one by a lookup, or to those that look it up."""

    name: str
    target: str
    """The table at the other end."""
    column: str
    """The lookup column: of this table for one row, of the target for a collection."""
    many: bool
    partner: str = ""


@frozen(eq=False)
class Schema:
    """A table with the navigation properties that it has in its company of tables."""

    name: str
    columns: tuple[Column, ...]
    navigations: tuple[Navigation, ...] = ()
    by_name: dict[str, Column] = field(init=False, repr=False)
    plain: tuple[Column, ...] = field(init=False, repr=False)
    """Every column that has its value in the row: all but streams."""
    dates: tuple[str, ...] | None = field(init=False, repr=False)
    """The dates, where all other columns are stored as they are shown; else None."""
    _columns: dict[str, Column] = field(init=False, repr=False)
    _navigations: dict[str, Navigation] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "by_name", {column.name: column for column in self.columns})
        set_(self, "plain", tuple(c for c in self.columns if c.kind is not Kind.STREAM))
        dates = tuple(c.name for c in self.columns if c.kind is Kind.DATE)
        odd = any(c.kind in {Kind.STREAM, Kind.FLAG} for c in self.columns)
        set_(self, "dates", None if odd else dates)
        set_(self, "_columns", {column.name.lower(): column for column in self.columns})
        set_(self, "_navigations", {n.name.lower(): n for n in self.navigations})

    @property
    def type_name(self) -> str:
        """The qualified name of the entity type."""
        return f"{NAMESPACE}.{self.name}"

    def column(self, name: str) -> Column | None:
        """Return the column of that name without regard to case, as a URL may spell it."""
        return self._columns.get(name.lower())

    def navigation(self, name: str) -> Navigation | None:
        """Return the navigation property of that name without regard to case."""
        return self._navigations.get(name.lower())


def linked(schemas: list[Schema]) -> dict[str, Schema]:
    """Return *schemas* by name, each with the navigation properties that the lookups give.

    A lookup ``City.CountryId`` gives ``City`` a ``Country`` and ``Country`` a
    ``CityCollectionByCountry``, as Creatio names them. Source: a captured ``$metadata``.
    """
    known = {schema.name for schema in schemas}
    found: dict[str, list[Navigation]] = {schema.name: [] for schema in schemas}
    for schema in schemas:
        for column in schema.columns:
            if column.lookup not in known:
                continue
            one, back = column.navigation, f"{schema.name}CollectionBy{column.navigation}"
            found[schema.name].append(
                Navigation(one, column.lookup, column.name, many=False, partner=back)
            )
            found[column.lookup].append(
                Navigation(back, schema.name, column.name, many=True, partner=one)
            )
    return {s.name: Schema(s.name, s.columns, tuple(found[s.name])) for s in schemas}
