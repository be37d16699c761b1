"""Some elements of a small document, by name; errors in XML are such."""

from typing import Final

from creatio_async.protocol.odata3.answers import FormatError
from creatio_async.protocol.odata3.vocabulary import ShortNames, local_name, short_attributes
from creatio_async.protocol.xmlreader import XmlError, XmlFeed, XmlReader

__all__ = ["MAX_BYTES", "Texts", "parse", "read_error", "texts_of"]

MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_DEPTH: Final = 64


class Texts:
    """The texts of some elements of a document, in their order, and what it is."""

    def __init__(self, wanted: set[str]) -> None:
        self.root = ""
        self.collections: list[str] = []
        self._wanted = wanted
        self._names = ShortNames()
        self._found: list[tuple[str, str]] = []
        self._parts: list[str] = []

    def named(self, *names: str) -> list[str]:
        """Return the texts of the elements of these names."""
        return [text for name, text in self._found if name in names]

    def start(self, name: str, attributes: list[str]) -> None:
        """Take the begin of an element."""
        short = self._names[name]
        self.root = self.root or short or local_name(name)
        self._parts.clear()
        if short == "app:collection":
            told = short_attributes(self._names, attributes)
            self.collections.append(told.get("href", ""))

    def text(self, text: str) -> None:
        """Take a part of a text."""
        self._parts.append(text)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        short = self._names[name]
        if short in self._wanted:
            self._found.append((short, "".join(self._parts).strip()))
        self._parts.clear()


def texts_of(body: bytes, wanted: set[str]) -> Texts:
    """Return the texts of the elements whose short names are *wanted*, at any depth.

    Raises:
        FormatError: *body* is no XML.
    """
    found = Texts(wanted)
    xml = XmlReader(found.start, found.end, found.text, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
    parse(xml, body)
    return found


def parse(xml: XmlFeed, body: bytes) -> None:
    """Let *xml* read all of *body*.

    Raises:
        FormatError: It is no XML.
    """
    try:
        xml.feed(body)
        xml.close()
    except XmlError as error:
        raise FormatError(str(error)) from None


def read_error(body: bytes) -> tuple[str, str]:
    """Return the code and the innermost message of an error in XML; empty where there is none."""
    try:
        found = texts_of(body, {"m:code", "m:message"})
    except FormatError:
        return "", ""
    if found.root != "m:error":
        return "", ""
    messages = [text for text in found.named("m:message") if text]
    return "".join(found.named("m:code")[:1]), messages[-1] if messages else ""
