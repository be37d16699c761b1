"""Rows and links as the bodies of requests: entries of Atom, objects of verbose JSON.

Source: OData 3.0, Atom Format and JSON Verbose Format; [MS-ODATA] 2.2.6. Datetimes go out in UTC
as Edm.DateTime, which has no zone and is what Creatio's columns of dates are. Its columns of
numbers with a fraction are of type Edm.Decimal, so that a float goes out as one.
"""

import datetime as dt
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID
from xml.parsers import expat
from xml.sax.saxutils import escape

import orjson

from creatio_async.protocol.names import check_name
from creatio_async.protocol.odata3.literals import naive_text, time_text
from creatio_async.protocol.odata3.vocabulary import ATOM, DATA, METADATA, RELATED, SCHEME
from creatio_async.protocol.values import check_row, duration_text, number_text

__all__ = ["Hrefs", "atom_entry", "atom_link", "verbose_entry", "verbose_link"]

Hrefs = Mapping[str, str | Sequence[str]]
"""The address of another row by navigation property; several of one that leads to several."""

_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>'
_SPACES: Final = f'xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{METADATA}"'
_AUTHOR: Final = "<title/><updated>1970-01-01T00:00:00Z</updated><author><name/></author>"
"""What Atom wants to be there, and no service of OData reads."""
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INT32: Final = 2**31
_INT64: Final = 2**63


def atom_entry(
    values: Mapping[str, Any],
    *,
    links: Hrefs | None = None,
    type_name: str | None = None,
    types: Mapping[str, str] | None = None,
) -> bytes:
    """Return a row as an entry of Atom.

    Args:
        values: Values by column, such as `creatio_async.EntitySet.create` takes them. A string
            goes out without a type, so that it fits columns of guids as well.
        links: Addresses of the rows that it is to be linked with.
        type_name: The full name of its type, such as ``Terrasoft.Configuration.Contact``.
        types: Types of columns, as far as they are known; else the values tell them.

    Raises:
        ValueError: A value has no place in OData, or in XML; a name is no identifier, or is that
            of a column and of a link. The column is named.
        TypeError: A value is of a type that OData does not have.
    """
    told = _hrefs(values, links)
    properties = "".join(
        _property(name, value, edm, text) for name, value, edm, text in _texts(values, types or {})
    )
    category = (
        f'<category term="{_quoted(type_name, "type_name")}" scheme="{SCHEME}"/>'
        if type_name
        else ""
    )
    ways = "".join(
        f'<link rel="{RELATED}{name}" type="application/atom+xml;type={kind}" '
        f'title="{name}" href="{_quoted(href, name)}"/>'
        for name, kind, hrefs in told
        for href in hrefs
    )
    return (
        f"{_HEAD}<entry {_SPACES}>{category}<id/>{_AUTHOR}{ways}"
        f'<content type="application/xml"><m:properties>{properties}</m:properties></content>'
        "</entry>"
    ).encode()


def atom_link(href: str) -> bytes:
    """Return the body that links a row with the one at *href*, in XML."""
    return f'{_HEAD}<uri xmlns="{DATA}">{_clean(href, "href")}</uri>'.encode()


def verbose_entry(
    values: Mapping[str, Any],
    *,
    links: Hrefs | None = None,
    type_name: str | None = None,
    types: Mapping[str, str] | None = None,
) -> bytes:
    """Return a row as an object of verbose JSON; what it takes and raises is as in `atom_entry`.

    Numbers with a fraction are texts, as [MS-ODATA] has them for Edm.Decimal; those of Edm.Double
    may be so.
    """
    told = _hrefs(values, links)
    row: dict[str, Any] = {"__metadata": {"type": type_name}} if type_name else {}
    for name, value, edm, text in _texts(values, types or {}):
        as_it_is = isinstance(value, bool | str) or (isinstance(value, int) and edm in _SMALL)
        row[name] = value if as_it_is else text
    for name, kind, hrefs in told:
        found = [{"__metadata": {"uri": href}} for href in hrefs]
        row[name] = found if kind == "feed" else found[0]
    return orjson.dumps(row)


def verbose_link(href: str) -> bytes:
    """Return the body that links a row with the one at *href*, in verbose JSON."""
    return orjson.dumps({"uri": href})


def _hrefs(values: Mapping[str, Any], links: Hrefs | None) -> list[tuple[str, str, Sequence[str]]]:
    """Return the links with their kind; checks what can be said without the values."""
    check_row(values, "the row")
    found: list[tuple[str, str, Sequence[str]]] = []
    for name, hrefs in (links or {}).items():
        if check_name(name, "navigation property") in values:
            raise ValueError(f"{name!r} is given as a column and as a link")
        if isinstance(hrefs, str):
            found.append((name, "entry", [hrefs]))
        else:
            found.append((name, "feed", hrefs))
    return found


def _texts(
    values: Mapping[str, Any], types: Mapping[str, str]
) -> Iterator[tuple[str, Any, str, str | None]]:
    """Give the columns and their values, the types, empty where none is told, and the texts."""
    for name, value in values.items():
        _check_element(name)
        given = types.get(name)
        if value is None:
            yield name, value, given or "", None
            continue
        edm, write = _kind_of(name, value)
        text = write(value)
        if given == "Edm.DateTimeOffset" and isinstance(value, dt.date):
            text += "Z"
        elif edm == "Edm.Int32" and not -_INT32 <= value < _INT32:
            edm = "Edm.Int64" if -_INT64 <= value < _INT64 else "Edm.Decimal"
        yield name, value, given or edm, text


def _kind_of(name: str, value: object) -> "_Kind":
    known = _KINDS.get(type(value))
    if known is None:  # its class is derived from one of them
        known = next((its for kind, its in _KINDS.items() if isinstance(value, kind)), None)
    if known is None:
        raise TypeError(f"the row, {name!r}: OData has no type for {type(value).__name__}")
    return known


def _flag(value: bool) -> str:  # noqa: FBT001 - the value, as of every other type
    return "true" if value else "false"


def _float_text(value: float) -> str:
    return number_text(Decimal(repr(value)))


def _base64(value: bytes | bytearray) -> str:
    return b64encode(value).decode("ascii")


_Kind = tuple[str, Callable[[Any], str]]
_KINDS: Final[dict[type, _Kind]] = {
    str: ("", str),
    bool: ("Edm.Boolean", _flag),
    int: ("Edm.Int32", int.__repr__),
    float: ("Edm.Decimal", _float_text),
    Decimal: ("Edm.Decimal", number_text),
    UUID: ("Edm.Guid", str),
    dt.date: ("Edm.DateTime", naive_text),
    dt.datetime: ("Edm.DateTime", naive_text),
    dt.time: ("Edm.Time", time_text),
    dt.timedelta: ("Edm.Time", duration_text),
    bytes: ("Edm.Binary", _base64),
    bytearray: ("Edm.Binary", _base64),
}
"""The type that a value goes out with, and how it is written once `check_row` has let it pass."""

_SMALL: Final = frozenset({"Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32"})
"""Types whose numbers JSON has as they are; longer ones are texts in it."""


def _property(name: str, value: object, edm: str, text: str | None) -> str:
    typed = _typed(edm)
    if text is None:
        return f'<d:{name}{typed} m:null="true"/>'
    if not isinstance(value, str):
        return f"<d:{name}{typed}>{text}</d:{name}>"
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f"<d:{name}{typed}{space}>{_clean(text, name)}</d:{name}>"


@lru_cache(maxsize=256)
def _typed(edm: str) -> str:
    """Return the attribute that tells a type; texts need none."""
    return f' m:type="{_quoted(edm, "types")}"' if edm not in {"", "Edm.String"} else ""


def _clean(text: str, name: str) -> str:
    """Return *text* as it stands in an element."""
    found = _NO_XML.search(text)
    if found is not None:
        raise ValueError(f"the row, {name!r}: XML has no place for {found[0]!r}")
    return escape(text, {"\r": "&#xD;"})


def _quoted(text: str, name: str) -> str:
    """Return *text* as it stands between the quotes of an attribute."""
    clean = _clean(text, name).replace('"', "&quot;")
    return clean.replace("\n", "&#xA;").replace("\t", "&#x9;")


@lru_cache(maxsize=4096)
def _check_element(name: str) -> None:
    """Refuse a name that XML has no place for: not every identifier is one of its names."""
    check_name(name, "column")
    try:
        expat.ParserCreate().Parse(f"<{name}/>".encode(), True)  # noqa: FBT003 - the last part
    except expat.ExpatError:
        raise ValueError(f"{name!r} is not the name of a column: XML has none like it") from None
