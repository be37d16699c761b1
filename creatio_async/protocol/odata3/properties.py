"""The properties of an entry, or one alone, as values: what most of a feed consists of."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from creatio_async.protocol.odata3.answers import FormatError, Row
from creatio_async.protocol.odata3.edm import Values
from creatio_async.protocol.odata3.frames import Node
from creatio_async.protocol.odata3.geography import geography_of, gml_name
from creatio_async.protocol.odata3.verbose import Types
from creatio_async.protocol.odata3.vocabulary import (
    ColumnNames,
    ShortNames,
    full_names,
    local_name,
    short_attributes,
)
from creatio_async.protocol.xmlreader import XmlFeed

__all__ = ["PropertyReader"]

_MAX_DEPTH: Final = 32
"""Values in one another."""

_TYPE: Final = frozenset(full_names("m:type"))
_COLLECTION: Final = "Collection("


class PropertyReader:
    """Takes over the handlers of *xml* to read columns into a row; gives them back at the end.

    Args:
        xml: Where the elements come from.
        names: Short names of attributes.
        values: Reads texts by their types.
        annotated: Types of complex values are told.
        done: Is called at the end of the element that the columns are in.
        foreign: Is called with an element that is no column, and is to call `resume` behind it.
    """

    # An attribute of a slot is found as fast as a variable of a closure.
    __slots__ = (
        "_annotated",
        "_attributes",
        "_column",
        "_columns",
        "_done",
        "_foreign",
        "_names",
        "_nodes",
        "_plain",
        "_readers",
        "_row",
        "_texts",
        "_types",
        "_values",
        "_xml",
    )

    def __init__(
        self,
        xml: XmlFeed,
        names: ShortNames,
        values: Values,
        *,
        annotated: bool,
        done: Callable[[], Any],
        foreign: Callable[[str, list[str]], Any],
    ) -> None:
        self._xml = xml
        self._names = names
        self._columns = ColumnNames()
        self._values = values
        self._readers = values.readers
        self._types: Types | None = None
        self._plain = values.text is None
        self._annotated = annotated
        self._done = done
        self._foreign = foreign
        self._row: Row = {}
        self._column = ""
        self._attributes: list[str] = []
        self._texts: list[str] = []
        self._nodes: list[Node] = []

    def read_into(self, row: Row, types: Types | None = None) -> None:
        """Read what follows into *row*; *types* are those of columns that tell none themselves."""
        self._row = row
        self._column = ""
        self._types = types
        self._plain = types is None and self._values.text is None
        self.resume()

    def resume(self) -> None:
        """Go on reading columns."""
        self._xml.handle(self._begin, self._end, self._texts.append)

    def release(self) -> None:
        """Let go of what is called, which may hold this reader: no circle."""
        self._done = self._foreign = _nothing

    def _begin(self, name: str, attributes: list[str]) -> None:
        if self._column:
            self._descend(name, attributes)
            return
        self._texts.clear()
        self._column = self._columns[name]
        self._attributes = attributes
        if not self._column:
            self._foreign(name, attributes)

    def _end(self, _: str) -> None:
        column = self._column
        if not column:
            self._done()
            return
        self._column = ""
        texts = self._texts
        text = texts[0] if len(texts) == 1 else "".join(texts)
        attributes = self._attributes
        if not attributes and self._plain:
            self._row[column] = text
        elif (
            len(attributes) == 2
            and attributes[0] in _TYPE
            and (reader := self._readers.get(attributes[1])) is not None
        ):
            try:
                self._row[column] = reader(text)
            except (ValueError, LookupError):
                self._row[column] = self._values.read(column, attributes[1], text)
        else:
            self._row[column] = self._value(Node(column, attributes, [text]), self._known(column))

    def _descend(self, name: str, attributes: list[str]) -> None:
        self._nodes.append(Node(self._column, self._attributes))
        self._xml.handle(self._begin_inner, self._end_inner, self._inner_text)
        self._begin_inner(name, attributes)

    def _begin_inner(self, name: str, attributes: list[str]) -> None:
        column = self._columns[name] or gml_name(name)
        if not column:
            known = f"{self._column!r} holds the element {local_name(name)!r}"
            raise FormatError(f"{known}, which is no value of OData 3")
        if len(self._nodes) >= _MAX_DEPTH:
            raise FormatError(f"{self._column!r}: more than {_MAX_DEPTH} values in one another")
        node = Node(column, attributes)
        self._nodes[-1].children.append(node)
        self._nodes.append(node)

    def _inner_text(self, text: str) -> None:
        self._nodes[-1].texts.append(text)

    def _end_inner(self, _: str) -> None:
        node = self._nodes.pop()
        if not self._nodes:
            self._row[node.name] = self._value(node, self._known(node.name))
            self._column = ""
            self.resume()

    def _known(self, column: str) -> "str | Types":
        return "" if self._types is None else self._types.get(column, "")

    def _value(self, node: Node, known: "str | Types" = "") -> Any:
        """Return the value of *node*, of the type that is *known* unless it tells another."""
        told = short_attributes(self._names, node.attributes)
        if told.get("m:null", "").strip() in {"true", "1"}:
            return None
        fields = known if isinstance(known, Mapping) else None
        edm = told.get("m:type", known if isinstance(known, str) else "")
        if edm.startswith(_COLLECTION) or (not edm and _holds_elements(node)):
            item = fields or edm.removeprefix(_COLLECTION).removesuffix(")")
            return [self._value(child, item) for child in node.children]
        if (place := geography_of(node.name, edm, node)) is not None:
            return place
        text = "".join(node.texts)
        if node.children or fields or (edm and not edm.startswith("Edm.") and not text.strip()):
            held = fields or {}
            row = {
                child.name: self._value(child, held.get(child.name, "")) for child in node.children
            }
            return {"@odata.type": f"#{edm}", **row} if edm and self._annotated else row
        if not text and "m:type" not in told and edm in self._readers:
            return None  # who does not tell the type may leave out that it is null as well
        return self._values.read(node.name, edm, text)


def _nothing(*_: object) -> None:
    """Do nothing."""


def _holds_elements(node: Node) -> bool:
    return bool(node.children) and {child.name for child in node.children} == {"element"}
