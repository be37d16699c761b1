"""Rows and links as the bodies of requests: entries of Atom, objects of verbose JSON.

Source: OData 3.0, Atom Format and JSON Verbose Format; [MS-ODATA] 2.2.6. Datetimes go out in UTC
as Edm.DateTime, which has no zone and is what Creatio's columns of dates are. Its columns of
numbers with a fraction are of type Edm.Decimal, so that a float goes out as one.
"""

import datetime as dt
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
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
    known = types or {}
    told = _hrefs(values, links)
    properties = "".join(_property(name, edm, text) for name, edm, text in _texts(values, known))
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
    for name, edm, text in _texts(values, types or {}):
        value = values[name]
        row[name] = value if isinstance(value, bool | str) or edm == "Edm.Int32" else text
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
) -> Iterator[tuple[str, str, str | None]]:
    """Give the columns with their types, empty where none is told, and values as text."""
    for name, value in values.items():
        _check_element(name)
        edm = types.get(name) or _type_of(name, value)
        yield name, edm, None if value is None else _text(value, edm)


def _type_of(name: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        if -_INT32 <= value < _INT32:
            return "Edm.Int32"
        return "Edm.Int64" if -_INT64 <= value < _INT64 else "Edm.Decimal"
    edm = next((edm for kind, edm in _TYPES if isinstance(value, kind)), None)
    if edm is None:
        raise TypeError(f"the row, {name!r}: OData has no type for {type(value).__name__}")
    return edm


_TYPES: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "Edm.Boolean"),
    (UUID, "Edm.Guid"),
    (float | Decimal, "Edm.Decimal"),
    (dt.date, "Edm.DateTime"),  # a datetime is a date
    (dt.time | dt.timedelta, "Edm.Time"),
    (bytes | bytearray, "Edm.Binary"),
)


def _text(value: Any, edm: str) -> str:
    """Return *value* as both formats write it, one that `check_row` has let pass."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, dt.date):
        return naive_text(value) + ("Z" if edm == "Edm.DateTimeOffset" else "")
    if isinstance(value, dt.time):
        return time_text(value)
    if isinstance(value, dt.timedelta):
        return duration_text(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode("ascii")
    return str(value)


def _property(name: str, edm: str, text: str | None) -> str:
    typed = f' m:type="{_quoted(edm, name)}"' if edm and edm != "Edm.String" else ""
    if text is None:
        return f'<d:{name}{typed} m:null="true"/>'
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f"<d:{name}{typed}{space}>{_clean(text, name)}</d:{name}>"


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
