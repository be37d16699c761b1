"""``$metadata`` as it arrives: CSDL 4 and 4.01, and CSDL 1 to 3, in XML."""

from collections.abc import Iterable

from creatio_async.protocol.odata.csdl import Document, MetadataError
from creatio_async.protocol.odata.descriptions import TEXT
from creatio_async.protocol.odata.elements import NOTHING, ROOT, Steps
from creatio_async.protocol.odata.linking import link
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.xmlreader import XmlError, XmlReader

__all__ = ["MetadataError", "SchemaReader", "read_schema"]

_MAX_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 64


class SchemaReader:
    """Reads a document in parts: `feed` it, then `close` it for the `Schema`.

    Annotations other than descriptions, and elements of other vocabularies, are passed over. At
    most *max_bytes* bytes are read, 64 MiB unless told. A document of 5 MB takes some tenths of a
    second of the processor, a part of them in `close`.
    """

    def __init__(self, *, max_bytes: int = _MAX_BYTES) -> None:
        self._document = Document()
        self._names = _LocalNames()
        self._open: list[Steps] = [ROOT]
        self._words: list[str] = []
        self._hearing = 0
        """How deep the element lies whose text is kept."""
        self._xml = XmlReader(self._start, self._end, max_bytes=max_bytes, max_depth=_MAX_DEPTH)

    def feed(self, data: bytes) -> None:
        """Take the next bytes, any number of them.

        Raises:
            MetadataError: What was read up to here is no ``$metadata``. Some of the bytes are
                read only later.
            ValueError: The reader is closed.
        """
        try:
            self._xml.feed(data)
        except XmlError as error:
            raise MetadataError(str(error)) from None

    def close(self) -> Schema:
        """Return the schema: the document has ended.

        Raises:
            MetadataError: The document is not whole, says nothing, or contradicts itself.
            ValueError: The reader is closed.
        """
        try:
            self._xml.close()
        except XmlError as error:
            raise MetadataError(str(error)) from None
        if not self._document.namespaces:
            raise MetadataError("the document has no Schema")
        return link(self._document)

    def _start(self, name: str, attributes: list[str]) -> None:
        step = self._open[-1].get(self._names[name])
        if step is not None:
            steps = step(self._document, attributes)
            self._open.append(steps)
            if steps is TEXT:
                self._words, self._hearing = [], len(self._open)
                self._xml.handle_text(self._words.append)
        elif len(self._open) > 1:
            self._open.append(NOTHING)
        else:
            raise MetadataError(f"the element {name.rpartition(' ')[2]!r} where Edmx was due")

    def _end(self, _: str) -> None:
        self._open.pop()
        if len(self._open) < self._hearing:
            self._hearing = 0
            self._xml.handle_text(None)
            self._document.hearer("".join(self._words))


def read_schema(source: bytes | Iterable[bytes], *, max_bytes: int = _MAX_BYTES) -> Schema:
    """Return the schema that a document tells: its bytes, or parts of them in their order.

    Raises:
        MetadataError: It is no ``$metadata``, or has more than *max_bytes* bytes.
    """
    reader = SchemaReader(max_bytes=max_bytes)
    for part in (source,) if isinstance(source, bytes) else source:
        reader.feed(part)
    return reader.close()


class _LocalNames(dict[str, str]):
    """Local names of elements by their full ones; empty for those of other vocabularies.

    The namespace of CSDL has another date in each version, and ends in ``/edm`` in all of them;
    that of the wrapper ends in ``/edmx``.
    """

    def __missing__(self, name: str) -> str:
        namespace, _, local = name.rpartition(" ")
        self[name] = known = local if namespace.endswith(("/edm", "/edmx")) else ""
        return known
