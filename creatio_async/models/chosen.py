"""Which types of a schema become classes of a module, and what the classes are called."""

from collections.abc import Iterable
from typing import Final

from attrs import frozen

from creatio_async.models.naming import IN_MODULES, Names
from creatio_async.protocol.odata.schema import ComplexType, Schema, unknown

__all__ = ["Chosen", "ClassName", "choose"]

_COLLECTION: Final = "Collection"
"""What OData 3 of Creatio puts after the name of a schema, for its entity set."""


@frozen
class ClassName:
    """What a class is called, and the class of its columns."""

    own: str
    columns: str


@frozen
class Chosen:
    """The types that become classes; everything by the full name of the type."""

    names: dict[str, ClassName]
    """Of rows, and of values that have properties."""
    rows: dict[str, str]
    """The names of their entity sets, as a client is asked for them."""
    values: tuple[str, ...]
    """Types of values that have properties."""
    enums: dict[str, str]
    """The names of their classes."""


def choose(schema: Schema, entity_sets: Iterable[str] | None) -> Chosen:
    """Choose the types of *entity_sets*, or of all there are, and what their properties need.

    Raises:
        KeyError: There is no such entity set, or its type is not told.
    """
    asked = list(schema.entity_sets) if entity_sets is None else list(entity_sets)
    found = sorted({_set_name(schema, name) for name in asked})
    rows: dict[str, str] = {}
    for name in found:
        kind = schema.entity_set(name)
        rows.setdefault(kind.full_name, _short(name, kind.name))
    values, enums = _needed(schema, rows)
    names = Names(IN_MODULES)
    own = dict(zip(rows, names.of_all(rows.values()).values(), strict=True))
    own |= {each: names.of(schema.complex_types[each].name) for each in values}
    told = {each: names.of(schema.enum_types[each].name) for each in enums}
    both = {each: ClassName(name, names.of(f"{name}Columns")) for each, name in own.items()}
    return Chosen(both, rows, values, told)


def _set_name(schema: Schema, name: str) -> str:
    """Return the name of the entity set that *name* means: its own, that of a schema or a type."""
    for each in (name, f"{name}{_COLLECTION}"):
        if each in schema.entity_sets:
            return each
    for each, entity_set in schema.entity_sets.items():
        if name in {entity_set.type, entity_set.type.rpartition(".")[2]}:
            return each
    raise unknown("entity set", name, schema.entity_sets)


def _short(entity_set: str, type_name: str) -> str:
    return type_name if entity_set == f"{type_name}{_COLLECTION}" else entity_set


def _needed(schema: Schema, rows: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types of values with properties, and enums, that are in rows of the types."""
    values: set[str] = set()
    enums: set[str] = set()
    waiting: list[ComplexType] = [schema.entity_types[each] for each in rows]
    for told in waiting:  # which grows meanwhile
        for kind in (each.type for each in told.properties.values()):
            if kind in schema.enum_types:
                enums.add(kind)
            elif kind in schema.complex_types and kind not in values:
                values.add(kind)
                waiting.append(schema.complex_types[kind])
    return tuple(sorted(values)), tuple(sorted(enums))
