"""The properties of an entry, or one alone, as values: what most of a feed consists of."""

from collections.abc import Callable
from typing import Any, Final

from attrs import define, field

from creatio_async.protocol.odata3.answers import FormatError, Row
from creatio_async.protocol.odata3.edm import Values
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


@define
class _Node:
    """A value that holds others: a complex one, or a collection."""

    name: str
    attributes: list[str]
    texts: list[str] = field(factory=list[str])
    children: "list[_Node]" = field(factory=list["_Node"])


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
        "_readers",
        "_row",
        "_texts",
        "_untyped",
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
        self._untyped = values.text
        self._annotated = annotated
        self._done = done
        self._foreign = foreign
        self._row: Row = {}
        self._column = ""
        self._attributes: list[str] = []
        self._texts: list[str] = []
        self._nodes: list[_Node] = []

    def read_into(self, row: Row) -> None:
        """Read what follows into *row*."""
        self._row = row
        self._column = ""
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
        if not attributes and self._untyped is None:
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
            self._row[column] = self._value(_Node(column, attributes, [text]))

    def _descend(self, name: str, attributes: list[str]) -> None:
        self._nodes.append(_Node(self._column, self._attributes))
        self._xml.handle(self._begin_inner, self._end_inner, self._inner_text)
        self._begin_inner(name, attributes)

    def _begin_inner(self, name: str, attributes: list[str]) -> None:
        column = self._columns[name]
        if not column:
            known = f"{self._column!r} holds the element {local_name(name)!r}"
            raise FormatError(f"{known}, which is no value of OData 3")
        if len(self._nodes) >= _MAX_DEPTH:
            raise FormatError(f"{self._column!r}: more than {_MAX_DEPTH} values in one another")
        node = _Node(column, attributes)
        self._nodes[-1].children.append(node)
        self._nodes.append(node)

    def _inner_text(self, text: str) -> None:
        self._nodes[-1].texts.append(text)

    def _end_inner(self, _: str) -> None:
        node = self._nodes.pop()
        if not self._nodes:
            self._row[node.name] = self._value(node)
            self._column = ""
            self.resume()

    def _value(self, node: _Node, edm: str = "") -> Any:
        """Return the value of *node*, of the type *edm* unless it tells another."""
        told = short_attributes(self._names, node.attributes)
        if told.get("m:null") in {"true", "1"}:
            return None
        edm = told.get("m:type", edm)
        if edm.startswith(_COLLECTION) or (not edm and _holds_elements(node)):
            inner = edm.removeprefix(_COLLECTION).removesuffix(")")
            return [self._value(child, inner) for child in node.children]
        text = "".join(node.texts)
        if node.children or (edm and not edm.startswith("Edm.") and not text.strip()):
            fields = {child.name: self._value(child) for child in node.children}
            return {"@odata.type": f"#{edm}", **fields} if edm and self._annotated else fields
        return self._values.read(node.name, edm, text)


def _nothing(*_: object) -> None:
    """Do nothing."""


def _holds_elements(node: _Node) -> bool:
    return bool(node.children) and {child.name for child in node.children} == {"element"}
