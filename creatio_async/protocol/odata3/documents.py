"""Small documents of OData 3: a single property, ``$links``, the service document, errors.

They are read in XML and in verbose JSON, whichever it is; errors in XML alone. Those in JSON have
the shape of OData 4, and `creatio_async.protocol.faults` reads both.

Source: OData 3.0, Atom Format and JSON Verbose Format; RFC 5023 for the service document.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from attrs import frozen

from creatio_async.protocol.json import as_list, as_object, as_text
from creatio_async.protocol.odata3.answers import FormatError, Links, Row, absolute
from creatio_async.protocol.odata3.edm import Values
from creatio_async.protocol.odata3.properties import PropertyReader
from creatio_async.protocol.odata3.texts import MAX_BYTES, parse, read_error, texts_of
from creatio_async.protocol.odata3.verbose import (
    Types,
    loads,
    next_link,
    payload,
    read_total,
    read_value,
)
from creatio_async.protocol.odata3.vocabulary import ShortNames
from creatio_async.protocol.xmlreader import XmlFeed

__all__ = ["is_xml", "read_error", "read_links", "read_property", "read_service"]

_BEFORE: Final = b"\xef\xbb\xbf \t\r\n"
_LOOKS_LIKE_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_URIS: Final = ("d:uri", "m:uri")


def is_xml(body: bytes) -> bool:
    """Say whether *body* is XML, if it is one of XML and JSON."""
    return body.startswith(_LOOKS_LIKE_UTF_16) or body.lstrip(_BEFORE).startswith(b"<")


def read_property(
    body: bytes,
    *,
    edm: "str | Types | None" = None,
    annotated: bool = False,
    decimals: bool = False,
    nulls: bool = False,
) -> Any:
    """Return the value of a document that holds a single property.

    Args:
        body: The answer.
        edm: The type of the property, or those of the columns of a complex one, where it is known;
            XML may tell it, JSON does not.
        annotated: Types of complex values are told.
        decimals: A number with a fraction becomes a `Decimal`.
        nulls: Creatio's empty values become None.

    Raises:
        FormatError: It is no such document.
    """
    if not is_xml(body):
        return read_value(body, edm=edm, annotated=annotated, decimals=decimals, nulls=nulls)

    def never(*_: object) -> None:
        raise FormatError("the element of a property was due")

    values = Values(decimals=decimals, nulls=nulls)
    xml = XmlFeed(max_bytes=MAX_BYTES)
    row: Row = {}
    reader = PropertyReader(
        xml, ShortNames(), values, annotated=annotated, done=never, foreign=never
    )
    reader.read_into(row, None if edm is None else _Whatever(edm))
    parse(xml, body)
    (value,) = row.values()
    return value


@frozen(eq=False)
class _Whatever(Mapping[str, "str | Types"]):
    """The type of the only column, whatever its name."""

    _edm: "str | Types"

    def __getitem__(self, _: str, /) -> "str | Types":
        return self._edm

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read_links(body: bytes, *, base: str = "") -> Links:
    """Return the addresses that ``$links`` gives; relative ones belong to *base*.

    Raises:
        FormatError: It is no such document.
    """
    if not is_xml(body):
        return _json_links(payload(loads(body)), base)
    found = texts_of(body, {*_URIS, "d:next", "m:next", "m:count", "d:count"})
    root = found.root
    if root not in {"d:links", "m:links", *_URIS}:
        raise FormatError(f"the element {root!r} where links were due")
    counts = found.named("m:count", "d:count")
    following = found.named("d:next", "m:next")
    return Links(
        uris=[absolute(base, uri) for uri in found.named(*_URIS)],
        count=read_total({"__count": counts[0]}) if counts else None,
        next_link=absolute(base, following[0]) if following else None,
        is_feed=root not in _URIS,
    )


def read_service(body: bytes) -> list[str]:
    """Return the names of the collections in a service document.

    Raises:
        FormatError: It is none.
    """
    if not is_xml(body):
        names = as_list(as_object(payload(loads(body))).get("EntitySets"))
        if names is None or not set(map(type, names)) <= {str}:
            raise FormatError("no service document: it has no 'EntitySets'")
        return names
    found = texts_of(body, set())
    if found.root != "app:service":
        raise FormatError(f"the element {found.root!r} where a service document was due")
    return [unquote(href.rstrip("/").rpartition("/")[2]) for href in found.collections]


def _json_links(found: Any, base: str) -> Links:
    answer = as_object(found)
    uri = answer.get("uri")
    if isinstance(uri, str):
        return Links(uris=[absolute(base, uri)], is_feed=False)
    several = as_list(found) if isinstance(found, list) else as_list(answer.get("results"))
    uris = [as_object(each).get("uri") for each in several or ()]
    if several is None or not set(map(type, uris)) <= {str}:
        raise FormatError("no links: there is no 'uri'")
    return Links(
        uris=[absolute(base, as_text(each)) for each in uris],
        count=read_total(answer),
        next_link=next_link(answer, base),
    )
