"""The types of the columns behind an address: what verbose JSON leaves out."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from attrs import field, frozen

from creatio_async.protocol.odata.schema import ComplexType, Schema
from creatio_async.protocol.odata3.addresses import SERVICE
from creatio_async.protocol.odata3.verbose import Types

__all__ = ["types_at"]


def types_at(schema: Schema, asked: str) -> "Types | str | None":
    """Return the types of the columns of what is at an address, or that of the single column.

    Args:
        schema: What the service offers.
        asked: The address: absolute, or relative to the service.

    Returns:
        None where the schema tells none.
    """
    path = asked.partition("?")[0]
    below = path.rpartition(f"/{SERVICE}/")[2]
    first, *rest = (unquote(step).partition("(")[0] for step in below.split("/"))
    found: Types | str | None = None
    if first in schema.entity_sets:
        found = _columns(schema, schema.entity_sets[first].type)
    for step in rest:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _columns(schema: Schema, type_name: str) -> "Types | None":
    # Not with get(): what is not there costs them a search for names that are like it.
    for kinds in (schema.entity_types, schema.complex_types):
        if type_name in kinds:
            return _Columns(schema, kinds[type_name])
    return None


@frozen(eq=False)
class _Columns(Mapping[str, "str | Types"]):
    """The types of the columns of a row; those of the rows behind it, as far as they are asked."""

    _schema: Schema
    _kind: ComplexType
    _known: "dict[str, str | Types]" = field(init=False, factory=dict[str, "str | Types"])

    def __getitem__(self, name: str, /) -> "str | Types":
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._found(name)
        return found

    def _found(self, name: str) -> "str | Types":
        kind = self._kind
        if name in kind.properties:
            column = kind.properties[name]
            inner = _columns(self._schema, column.type)
            return inner or (f"Collection({column.type})" if column.is_collection else column.type)
        inner = None
        if name in kind.navigations:
            inner = _columns(self._schema, kind.navigations[name].target)
        if inner is None:
            raise KeyError(name)
        return inner

    def __iter__(self) -> Iterator[str]:
        yield from self._kind.properties
        yield from self._kind.navigations

    def __len__(self) -> int:
        return len(self._kind.properties) + len(self._kind.navigations)
