"""Objects of a class as rows that are followed: what was assigned is found by comparing."""

from collections.abc import Mapping
from typing import Any, cast

from attrs import define, field

from creatio_async.models.base import UNSET
from creatio_async.models.codec import Codec
from creatio_async.models.shapes import is_model, shape_of
from creatio_async.models.writing import row_of
from creatio_async.protocol.names import as_guid, check_name
from creatio_async.protocol.values import check_row
from creatio_async.unit_of_work.rows import TrackedRow, references

__all__ = ["TrackedObject", "columns_of", "give_id", "named"]


@define(eq=False, repr=False)
class TrackedObject(TrackedRow):
    """An object of the caller's that a unit of work follows."""

    given: object = field(kw_only=True)

    @property
    def object(self) -> object:
        """The object itself."""
        return self.given

    def __setitem__(self, name: str, value: Any) -> None:
        """Change a column, and the object.

        Raises:
            TypeError: The object does not change.
        """
        shape = shape_of(type(self.given))
        own = shape.fields.get(name)
        if own is not None:
            try:
                _touch(self.given, own.name)
            except AttributeError:
                message = f"{self.label}: objects of {shape.cls.__name__} do not change"
                raise TypeError(message) from None
        super().__setitem__(name, value)

    def _look(self) -> None:
        """Find what was assigned to the object since it was looked at last.

        Raises:
            ValueError: It has another `Id`, a value has no place in OData, or a navigation
                property leads elsewhere than its lookup.
            TypeError: A value is of a type that OData does not have.
        """
        now = columns_of(self.given, self.label)
        if as_guid(now.pop("Id", None)) != self._id:
            raise ValueError(f"{self.label}: the Id of a row stays")
        seen = self._values
        assigned = {n: v for n, v in now.items() if n not in seen or not _is_like(v, seen[n])}
        if assigned:
            check_row(assigned, self.label)
            self._assign(assigned)

    def _show(self, values: Mapping[str, Any]) -> None:
        """Let the object have *values*, as far as it has such fields."""
        shape = shape_of(type(self.given))
        shown = {name: value for name, value in values.items() if name in shape.fields}
        for name in references(shown):  # which an object has no place for before they have an Id
            del shown[name]
            _unset(self.given, shape.fields[name].name)
        if not shown:
            return
        made = Codec[Any](shape).returned(shown)
        is_fixed = False
        for name in shown:
            own = shape.fields[name].name
            try:
                setattr(self.given, own, getattr(made, own))
            except AttributeError:  # of a class whose objects do not change
                is_fixed = True
            else:
                self._leave(name)
        now = columns_of(self.given, self.label)
        held = {name: now[name] for name in shown if name in now}
        self._values.update(held)
        if is_fixed and self._original is not None:
            self._original.update(held)  # else it would differ for ever

    def _leave(self, column: str) -> None:
        """Unset the row behind the lookup *column*, which may lead to another one now."""
        field = shape_of(type(self.given)).fields.get(column.removesuffix("Id"))
        if field is None or field.kind.row_type is None:
            return
        behind = getattr(self.given, field.name, None)
        if as_guid(getattr(behind, "Id", None)) != as_guid(self._values[column]):
            _unset(self.given, field.name)

    def identify(self, key: str) -> None:
        """Take over the `Id` that the server has made, in the object as well."""
        super().identify(key)
        give_id(self.given, key)


def named(given: Any, row: Mapping[str, Any] | None, doing: str) -> tuple[str, Mapping[str, Any]]:
    """Return the entity set and the columns of a row: of *row*, or of an object that is *given*.

    Raises:
        TypeError: It is neither the name of an entity set nor of a class for rows.
    """
    if row is not None or isinstance(given, str):
        return check_name(given, "entity set"), cast("Mapping[str, Any]", row)
    if not is_model(type(given)):
        raise TypeError(f"{doing}: takes a mapping, or an object of a class, not {given!r:.80}")
    columns = columns_of(given, doing)
    if columns.get("Id", "") is None:
        del columns["Id"]
    return shape_of(type(given)).entity_set, columns


def columns_of(given: object, place: str) -> dict[str, Any]:
    """Return the columns of *given* that are set.

    Raises:
        ValueError: A navigation property leads elsewhere than its lookup.
    """
    return row_of(shape_of(type(given)), given, place)


def give_id(given: object, key: str | None) -> None:
    """Let *given* have an `Id`; None only makes sure that it can get one.

    Raises:
        TypeError: Its class has no field for one, or its objects do not change.
    """
    shape = shape_of(type(given))
    own = shape.fields.get("Id")
    if own is None:
        raise TypeError(f"{shape.cls.__name__} has no field for an 'Id'")
    try:
        if key is None:
            _touch(given, own.name)
        else:
            setattr(given, own.name, getattr(Codec[Any](shape).row({"Id": key}), own.name))
    except AttributeError:
        message = f"objects of {shape.cls.__name__} do not change: give it an 'Id'"
        raise TypeError(message) from None


def _touch(given: object, name: str) -> None:
    """Set a field to what it is.

    Raises:
        AttributeError: The object does not change.
    """
    value = getattr(given, name, UNSET)
    setattr(given, name, value)
    if value is UNSET:
        _unset(given, name)


def _unset(given: object, name: str) -> None:
    fields = getattr(given, "__dict__", None)
    if fields is None:
        setattr(given, name, UNSET)
    else:
        fields.pop(name, None)


def _is_like(ours: Any, seen: Any) -> bool:
    return ours is seen or (type(ours) is type(seen) and bool(ours == seen))
