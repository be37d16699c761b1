"""XML of a request as a small tree: no DTD, and bounded in size, depth and number of elements."""

from typing import Final
from xml.parsers import expat

from attrs import define, field

__all__ = ["Element", "parsed"]

_LARGEST: Final = 16 * 2**20
"""Bytes of a document."""
_DEEPEST: Final = 50
_MOST: Final = 50_000
"""Elements of a document."""


@define
class Element:
    """An element; names are ``{namespace}local``, or local alone where there is no namespace."""

    name: str
    attributes: dict[str, str]
    children: list["Element"] = field(factory=list["Element"])
    pieces: list[str] = field(factory=list[str])

    @property
    def text(self) -> str:
        """What stands directly in it, without what its children hold."""
        return "".join(self.pieces)

    def find(self, name: str) -> "Element | None":
        """Return the first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition("}")[2]


def parsed(data: bytes) -> Element:
    """Return the root of the document *data*.

    Raises:
        ValueError: It is not well-formed, has a DTD, or is too large.
    """
    if len(data) > _LARGEST:
        raise ValueError(f"The document is larger than {_LARGEST} bytes.")
    parser = expat.ParserCreate(namespace_separator="}")
    root = Element("", {})
    stack, count = [root], 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > _DEEPEST or count > _MOST:
            raise ValueError("The document is too deep, or has too many elements.")
        element = Element(_braced(name), {_braced(n): value for n, value in attributes.items()})
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].pieces.append(text)

    def doctype(*_: object) -> None:
        raise ValueError("A document type definition is not allowed.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)  # noqa: FBT003 - its signature
    except (expat.ExpatError, LookupError) as error:  # the latter for an unknown encoding
        raise ValueError(f"The XML is not well-formed: {error}.") from None
    return root.children[0]


def _braced(name: str) -> str:
    return "{" + name if "}" in name else name
