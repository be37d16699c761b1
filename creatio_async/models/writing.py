"""Objects of a class as rows: the fields that are set, by the names of their columns."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from creatio_async.models.base import UNSET
from creatio_async.models.shapes import Field, Shape
from creatio_async.protocol.json import as_list
from creatio_async.protocol.names import as_guid

__all__ = ["row_of"]


def row_of(shape: Shape, given: object, place: str) -> dict[str, Any]:
    """Return the columns of *given*, an object of the class of *shape*, that are set.

    Rows behind navigation properties are not written: Creatio would drop them. One may be there
    where the lookup leads to it, as after `expand`.

    Raises:
        ValueError: A navigation property leads elsewhere than its lookup, or to several rows.
    """
    own = _set(shape, given)
    row = {shape.by_name[name].column: value for name, value in own.items()}
    for name in shape.navigations.intersection(own):
        each = shape.by_name[name]
        _check_navigation(shape, each, row, place)
        del row[each.column]
    for name in shape.enums.intersection(own):
        column = shape.by_name[name].column
        row[column] = _plain(row[column])
    return row


def _set(shape: Shape, given: object) -> Mapping[str, Any]:
    """Return the fields that are set."""
    if shape.has_dict:
        own = vars(given)
        return {name: own[name] for name in own if name in shape.by_name and own[name] is not UNSET}
    found: dict[str, Any] = {}
    for name in shape.by_name:
        try:
            value = getattr(given, name)
        except AttributeError:
            continue
        if value is not UNSET:
            found[name] = value
    return found


def _check_navigation(shape: Shape, field: Field, row: Mapping[str, Any], place: str) -> None:
    behind, lookup = row[field.column], f"{field.column}Id"
    if behind is None or as_list(behind) == []:
        return
    key = as_guid(getattr(behind, "Id", None))
    if key is not None and key == as_guid(row.get(lookup)):
        return
    hint = f"; set {lookup!r} instead" if field.kind.item is None else ""
    raise ValueError(
        f"{place}, {shape.cls.__name__}.{field.name}: "
        f"Creatio ignores a navigation property in a body{hint}"
    )


def _plain(value: Any) -> Any:
    """Return the values of members of enums: what JSON has for them."""
    items = as_list(value)
    if items is not None:
        return [_plain(each) for each in items]
    return value.value if isinstance(value, Enum) else value
