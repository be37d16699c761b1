"""The types of the columns behind an address: what verbose JSON leaves out, and some Atom."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from urllib.parse import unquote

from attrs import field, frozen

from creatio_async.protocol.odata.schema import ComplexType, Schema
from creatio_async.protocol.odata3.addresses import SERVICE
from creatio_async.protocol.odata3.answers import Row
from creatio_async.protocol.odata3.edm import Values
from creatio_async.protocol.odata3.mapped import Targets, put, targets_of
from creatio_async.protocol.odata3.verbose import Types

__all__ = ["Columns", "types_at"]


def types_at(schema: Schema, asked: str) -> "Types | str | None":
    """Return the types of the columns of what is at an address, or that of the single column.

    Args:
        schema: What the service offers.
        asked: The address: absolute, or relative to the service.

    Returns:
        None where the schema tells none.
    """
    path, _, query = asked.partition("?")
    below = path.rpartition(f"/{SERVICE}/")[2]
    first, *rest = (unquote(step).partition("(")[0] for step in below.split("/"))
    found: Types | str | None = None
    if first in schema.entity_sets:
        found = _columns(schema, schema.entity_sets[first].type)
    for step in rest:
        found = found.get(step) if isinstance(found, Mapping) else None
    selected = _selected(query)
    return found if selected is None or not isinstance(found, Columns) else found.only(selected)


def _selected(query: str) -> "frozenset[str] | None":
    """Return the paths in ``$select``; None where all columns are in the answer."""
    for pair in query.split("&"):
        name, _, value = unquote(pair).partition("=")
        if name == "$select":
            return frozenset(path.strip() for path in value.split(","))
    return None


def _columns(
    schema: Schema, type_name: str, selected: "frozenset[str] | None" = None
) -> "Types | None":
    # Not with get(): what is not there costs them a search for names that are like it.
    for kinds in (schema.entity_types, schema.complex_types):
        if type_name in kinds:
            return Columns(schema, kinds[type_name], selected)
    return None


@frozen(eq=False, slots=False)
class Columns(Mapping[str, "str | Types"]):
    """The types of the columns of a row; those of the rows behind it, as far as they are asked."""

    _schema: Schema
    _kind: ComplexType
    _selected: frozenset[str] | None = None
    """Paths of what is in the answer; None for all."""
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
            inner = _columns(self._schema, kind.navigations[name].target, self._below(name))
        if inner is None:
            raise KeyError(name)
        return inner

    def only(self, selected: frozenset[str]) -> "Columns":
        """Return the same, of rows that hold these paths alone."""
        return Columns(self._schema, self._kind, selected)

    def _below(self, name: str) -> frozenset[str] | None:
        selected = self._selected
        if selected is None or name in selected:
            return None
        return frozenset(path.partition("/")[2] for path in selected if path.startswith(f"{name}/"))

    @cached_property
    def targets(self) -> Targets:
        """Where the values are that are not among the properties of an entry."""
        shown = self._selected
        return targets_of(
            each
            for each in self._kind.feed
            if shown is None or not shown.isdisjoint({"*", each.path, each.path.partition("/")[0]})
        )

    def fill(self, row: Row, texts: Mapping[str, str | None], values: Values) -> None:
        """Put into *row* what *texts* are, by the paths to their columns, unless it is there.

        Raises:
            FormatError: A text is no value of the type of its column.
        """
        for path, text in texts.items():
            found: str | Types | None = self
            for step in path.split("/"):
                found = found.get(step) if isinstance(found, Mapping) else None
            edm = found if isinstance(found, str) else ""
            if text is None or (not text and edm in values.readers):
                put(row, path, None)
            else:
                put(row, path, values.read(path, edm, text))

    def __iter__(self) -> Iterator[str]:
        yield from self._kind.properties
        yield from self._kind.navigations

    def __len__(self) -> int:
        return len(self._kind.properties) + len(self._kind.navigations)
