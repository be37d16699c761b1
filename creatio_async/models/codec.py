"""How rows come to callers, and from them: as dicts, or as objects of a class."""

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Generic, cast
from uuid import UUID

import orjson
from attrs import evolve, field, frozen

from creatio_async.models.known import Known
from creatio_async.models.reading import rows_as
from creatio_async.models.shapes import Shape, is_model, shape_of
from creatio_async.models.writing import row_of
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata.spec import Page, Row, RowT
from creatio_async.protocol.values import dumps

__all__ = ["DICTS", "Codec", "changes_of", "codec_of", "set_of"]

_KEPT: Final = 10_000
"""Values that are kept because they may come again; some megabytes at most."""

_NOT_JSON: Final = (UUID, dt.date, dt.time, dt.timedelta, bytes, bytearray, Enum)


@frozen(eq=False)
class Codec(Generic[RowT]):
    """Makes what a caller gets, and takes what he gives."""

    shape: Shape | None = None
    """The class for the rows; None for dicts."""
    _known: Known = field(init=False, factory=Known.nothing, repr=False)

    @property
    def entity_set(self) -> str:
        """The entity set that the class is for; empty for dicts."""
        return self.shape.entity_set if self.shape is not None else ""

    def rows(self, rows: list[Row]) -> list[RowT]:
        """Return rows as the caller gets them.

        Raises:
            ModelError: One of them does not fit the class.
        """
        return cast("list[RowT]", rows if self.shape is None else self._objects(self.shape, rows))

    def row(self, row: Row) -> RowT:
        """Return one row; as for `rows`."""
        return self.rows([row])[0]

    def page(self, page: Page) -> Page[RowT]:
        """Return a page of rows; as for `rows`."""
        if self.shape is None:
            return cast("Page[RowT]", page)
        return cast("Page[RowT]", evolve(page, rows=self._objects(self.shape, page.rows)))

    def _objects(self, shape: Shape, rows: list[Row]) -> list[Any]:
        if self._known.size > _KEPT:
            object.__setattr__(self, "_known", Known.nothing())  # frozen for everybody else
        return rows_as(shape, rows, self._known)

    def returned(self, row: Row) -> RowT:
        """Return a row as `row` does, which may have values as they were sent: dates, guids.

        Raises:
            ModelError: It does not fit the class.
        """
        if self.shape is None:
            return self.row(row)
        return self.row({
            name: orjson.loads(dumps(value)) if isinstance(value, _NOT_JSON) else value
            for name, value in row.items()
        })

    def related(self, navigation: str) -> "Codec[Any]":
        """Return what makes the rows behind a navigation property what the class says they are."""
        found = self.shape.fields.get(navigation) if self.shape is not None else None
        row_type = found.kind.row_type if found is not None else None
        return cast("Codec[Any]", DICTS) if row_type is None else codec_of(row_type)

    def sent(self, given: Any, place: str) -> Any:
        """Return what the caller gives as a mapping; what is of no such class, as it is.

        An object whose `Id` is None has none yet.

        Raises:
            ValueError: A navigation property is set.
            TypeError: It is of the class of another entity set.
        """
        if self.shape is None or _is_mapping(given) or not is_model(type(given)):
            return given
        shape = shape_of(type(given))
        if not isinstance(given, self.shape.cls):
            raise TypeError(
                f"{place}: takes a {self.shape.cls.__name__} or a mapping, not {given!r:.80}"
            )
        row = row_of(shape, given, place)
        if row.get("Id", "") is None:
            del row["Id"]
        return row


DICTS: Final[Codec[Row]] = Codec()
"""Rows as JSON has them."""


def _is_mapping(given: object) -> bool:
    return isinstance(given, Mapping)  # of any class: a row that is followed is one, too


def codec_of(cls: type[RowT]) -> Codec[RowT]:
    """Return what makes rows objects of *cls*.

    Raises:
        TypeError: It is no class for rows, or the type of a field is none that a column can have.
    """
    return Codec(shape_of(cls))


def changes_of(codec: Codec[Any], key: UUID | str, values: Any, place: str) -> Any:
    """Return what `Codec.sent` does, of *values* for the row whose `Id` is *key*, without that.

    Raises:
        ValueError: A navigation property is set, or *values* is an object with another `Id`.
        TypeError: It is of the class of another entity set.
    """
    given = codec.sent(values, place)
    if given is values or "Id" not in given:
        return given
    if key_text(given["Id"]) != key_text(key):
        raise ValueError(f"{place}: the row is {key}, and 'Id' is another: {given['Id']}")
    return {name: value for name, value in given.items() if name != "Id"}


def set_of(entity_set: str | type[Any]) -> tuple[str, Codec[Any]]:
    """Return the name of an entity set that is told by it, or by a class; and how its rows come.

    Raises:
        TypeError: It is neither; or as for `codec_of`.
    """
    if isinstance(entity_set, str):
        return entity_set, cast("Codec[Any]", DICTS)
    if not isinstance(entity_set, type):
        raise TypeError(f"an entity set is found by its name or a class, not by {entity_set!r:.80}")
    codec = codec_of(entity_set)
    return codec.entity_set, codec
