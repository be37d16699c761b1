"""XML as it arrives: expat, without document types and within bounds.

No DTD is read, so there are no entities to expand or to fetch, whichever version expat has.
"""

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

__all__ = ["XmlError", "XmlFeed", "XmlReader"]

_BLOCK = 64 * 1024
"""Bytes that expat is given at once, however they came: so nothing depends on where they were
cut, and a tag that comes byte by byte is not scanned again for each of them."""

_LONGEST_TAG = 1024 * 1024
"""Bytes of a tag, comment or the like that may wait for their end. Before 2.6, expat scans them
again with every block."""


_BLANKS = b" \t\r\n"


class XmlError(ValueError):
    """The bytes are no XML, or XML beyond what is read; the sentence tells the line."""


class XmlFeed:
    """Calls handlers for the elements of a document; `handle` sets them, even amid the document.

    Names are ``namespace name``, the bare name where there is no namespace. A start gets the
    attributes as one list, each name followed by its value; a text may come in parts. A ValueError
    that a handler raises comes out as an `XmlError` that tells the line.

    Bounds: *max_bytes* in all. How deep elements may lie is for the handlers to bound.
    """

    def __init__(self, *, max_bytes: int) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser = parser
        self._max_bytes = max_bytes
        self._waiting = bytearray()
        self._taken = 0
        self._given = 0
        self._closed = False

    def handle(
        self,
        start: Callable[[str, list[str]], Any] | None,
        end: Callable[[str], Any] | None,
        text: Callable[[str], Any] | None = None,
    ) -> None:
        """Call these from now on."""
        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text

    def handle_text(self, text: Callable[[str], Any] | None) -> None:
        """Call *text* from now on for what is between elements; None passes it over."""
        self._parser.CharacterDataHandler = text

    def feed(self, data: bytes) -> None:
        """Take the next bytes, any number of them; they are read in blocks of 64 KiB.

        Raises:
            XmlError: What was read is no XML, has a document type, or goes beyond the bounds.
            ValueError: The reader is closed.
        """
        if self._closed:
            raise ValueError("the document has ended: a reader reads one")
        if not self._taken:
            data = data.lstrip(_BLANKS)  # before the declaration XML has no place for them
        self._taken += len(data)
        if self._taken > self._max_bytes:
            raise XmlError(f"more than {self._max_bytes:,} bytes")
        for at in range(0, len(data), _BLOCK):  # so that no more than a block is copied
            self._waiting += data[at : at + _BLOCK]
            if len(self._waiting) >= _BLOCK:
                block = bytes(self._waiting[:_BLOCK])
                del self._waiting[:_BLOCK]
                self._parse(block)

    def close(self) -> None:
        """Read what is left: the document has ended.

        Raises:
            XmlError: It is empty or not whole, or as with `feed`.
            ValueError: The reader is closed.
        """
        if self._closed:
            raise ValueError("the document has ended: a reader reads one")
        self._closed = True
        if not self._taken:
            raise XmlError("an empty document")
        self._parse(bytes(self._waiting), last=True)
        self._waiting.clear()
        self.handle(None, None)  # who is called may hold this reader: no circle

    def _parse(self, block: bytes, *, last: bool = False) -> None:
        parser = self._parser
        try:
            parser.Parse(block, last)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise XmlError(f"line {error.lineno}: {reason}") from None
        except (ValueError, LookupError) as error:  # an encoding unknown to Python is the latter
            raise XmlError(f"line {parser.CurrentLineNumber}: {error}") from None
        self._given += len(block)
        if not last and self._given - parser.CurrentByteIndex > _LONGEST_TAG:
            raise XmlError(f"line {parser.CurrentLineNumber}: a tag without end")


class XmlReader(XmlFeed):
    """Calls *start* and *end* for the elements of a document, *text* for what is between them.

    They are called as `XmlFeed` does. Bounds: *max_bytes* in all, *max_depth* elements in one
    another.
    """

    def __init__(
        self,
        start: Callable[[str, list[str]], Any],
        end: Callable[[str], Any],
        text: Callable[[str], Any] | None = None,
        *,
        max_bytes: int,
        max_depth: int,
    ) -> None:
        super().__init__(max_bytes=max_bytes)
        depth = 0

        def open_element(name: str, attributes: list[str]) -> None:
            nonlocal depth
            depth += 1
            if depth > max_depth:
                raise XmlError(f"more than {max_depth} elements in one another")
            start(name, attributes)

        def close_element(name: str) -> None:
            nonlocal depth
            depth -= 1
            end(name)

        self.handle(open_element, close_element, text)


def _refuse_doctype(*_: object) -> None:
    raise XmlError("a document type (<!DOCTYPE): XML with one is not read")
