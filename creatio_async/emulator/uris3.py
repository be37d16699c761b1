"""Addresses of OData 3: segments with keys, query options, and where rows are.

Source: OData 3.0, URL conventions; the addresses in academy.creatio.com, "EntityDataService.svc
web service (OData 3)".
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, unquote_plus

from attrs import frozen

from creatio_async.emulator.literals3 import guid_of
from creatio_async.emulator.refusals import Refusal, bad_query, not_found
from creatio_async.emulator.schema import Schema

__all__ = [
    "COLLECTION",
    "Segment",
    "entity_path",
    "number_of",
    "options3",
    "segments",
    "unknown_segment",
]

COLLECTION: Final = "Collection"
"""What the name of an entity set has after that of its table. Source: academy.creatio.com."""

_SEGMENT: Final = re.compile(r"(?P<name>[^()]+)(?:\((?P<key>.*)\))?", re.DOTALL)
_NAMED_KEY: Final = re.compile(r"\s*Id\s*=(?P<key>.*)", re.DOTALL)
_OPTIONS: Final = {
    *("$filter", "$orderby", "$top", "$skip", "$select", "$expand", "$inlinecount", "$format"),
    *("$skiptoken", "$count"),
}
"""``$count=true`` is no option of OData 3; academy.creatio.com lists it, so it does no harm."""
_DIGITS: Final = 10


@frozen
class Segment:
    """A part of a path: a name, and the id in parentheses after it, if there is one."""

    name: str
    key: str | None = None


@lru_cache(maxsize=4096)
def segments(path: str) -> tuple[Segment, ...]:
    """Return the parts of *path*, which is relative to the service root and percent-encoded.

    Empty parentheses are as good as none: a WCF client writes them.

    Raises:
        Refusal: 400, a part is malformed or its key no guid.
    """
    return tuple(_segment(unquote(part)) for part in path.split("/") if part)


def _segment(text: str) -> Segment:
    match = _SEGMENT.fullmatch(text)
    if match is None:
        raise bad_query(f"Bad Request - Error in query syntax: '{text}'.")
    if not (match["key"] or "").strip():
        return Segment(match["name"])
    named = _NAMED_KEY.fullmatch(match["key"])
    key = guid_of(named["key"] if named else match["key"])
    if key is None:
        raise bad_query(f"The key '({match['key']})' is not in the format of guid'...'.")
    return Segment(match["name"], key)


def unknown_segment(name: str) -> Refusal:
    """Return the 404 of an address that leads nowhere, with the text of WCF Data Services.

    Source of the status: academy.creatio.com, "EntityDataService.svc web service (OData 3)", which
    wants no body. For a set that is unknown a live site answered 401 in OData 4; that it does here
    was seen nowhere.
    """
    return not_found(f"Resource not found for the segment '{name}'.")


def options3(raw: str) -> dict[str, str]:
    """Return the query options in *raw* by name; those without ``$`` are left out.

    Raises:
        Refusal: 400, an option is unknown or stands there twice.
    """
    found: dict[str, str] = {}
    for pair in raw.split("&"):
        name, _, value = pair.partition("=")
        name = unquote_plus(name).strip()
        if not name.startswith("$"):
            continue
        if name not in _OPTIONS:
            raise bad_query(
                f"The query parameter '{name}' begins with a system-reserved '$' character but is "
                "not recognized."
            )
        if name in found:
            raise bad_query(f"Query parameter '{name}' is specified, but it should be once only.")
        found[name] = unquote_plus(value).strip()
    return found


def number_of(name: str, text: str) -> int:
    """Return the number in an option such as ``$top``.

    Raises:
        Refusal: 400, it is none.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise bad_query(
            f"Incorrect format for {name} argument '{text}': a number that is not negative is "
            "expected."
        )
    return int(text)


def entity_path(schema: Schema, key: str) -> str:
    """Return where a row is, relative to the service root."""
    return f"{schema.name}{COLLECTION}(guid'{key}')"
