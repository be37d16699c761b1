"""Constants of OData 3 in addresses: ``guid'...'``, ``datetime'...'``, ``12.5M`` and others.

Source: OData 3.0, ABNF; [MS-ODATA] 2.2.2, "Abstract Type System".
"""

import re
from typing import Any, Final

from attrs import frozen
from odata_query import ast

from creatio_async.emulator.values import is_guid

__all__ = ["Token", "TypeUnsupportedError", "guid_of", "literal", "tokens"]

_TOKEN: Final = re.compile(
    r"\s*(?:"
    r"(?P<literal>(?:[A-Za-z]+)?'(?:[^']|'')*'"
    r"|-?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[mMlLdDfF]?(?!\w)|INF[dDf]?\b)"
    r"|(?:NaN[dDf]?|true|false|null)\b(?!\s*[/(]))"
    r"|(?P<name>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<sign>[-(),/:])"
    r"|(?P<end>\Z))"
)
_QUOTED: Final = re.compile(r"([A-Za-z]*)'(.*)'", re.DOTALL)
_TIME: Final = re.compile(
    r"-?P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.ASCII
)
_LONGEST: Final = 400
"""Signs of a number; Python itself takes a few thousand at most."""


class TypeUnsupportedError(ValueError):
    """A constant is of a type that the emulator has no values of; the message names it."""


@frozen
class Token:
    """A piece of an expression: a ``literal``, a ``name``, a ``sign`` or the ``end``."""

    kind: str
    text: str
    place: int


def tokens(text: str) -> list[Token]:
    """Return the pieces of *text*, the last of which is its end.

    Raises:
        ValueError: It has a piece that is none.
    """
    found: list[Token] = []
    place = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"Syntax error at position {place} in '{text}'.")
        kind = match.lastgroup or ""
        found.append(Token(kind, match[kind], match.start(kind)))
        place = match.end()
    return found


def literal(text: str) -> Any:
    """Return the node of a constant; a ``datetime`` has no zone and is taken for UTC.

    Raises:
        ValueError: It is no value of its type.
        TypeUnsupportedError: It is binary: no column is, and streams cannot be compared.
    """
    match = _QUOTED.fullmatch(text)
    if match is not None:
        return _quoted(match[1], match[2].replace("''", "'"), text)
    if text in {"true", "false"}:
        return ast.Boolean(text)
    if text == "null":
        return ast.Null()
    if len(text) > _LONGEST:
        raise ValueError(f"The number {text[:20]}... is too long.")
    if "INF" in text or "NaN" in text:
        return ast.Float(text.rstrip("dDf"))
    number = text.rstrip("mMlLdDfF")
    suffix = text[len(number) :].lower()
    whole = number.lstrip("-").isdigit()
    if suffix == "l" and not whole:
        raise ValueError(f"'{text}' is no constant of the type 'Edm.Int64'.")
    return ast.Integer(number) if whole and suffix in {"", "l"} else ast.Float(number)


def _quoted(prefix: str, value: str, text: str) -> Any:
    match prefix:
        case "":
            return ast.String(value)
        case "guid":
            if is_guid(value):
                return ast.GUID(value)
        case "datetime":
            return ast.DateTime(_zoned(value))
        case "datetimeoffset":
            return ast.DateTime(value)
        case "time":
            if _TIME.fullmatch(value) and len(value) <= _LONGEST:
                return ast.Duration(value)
        case "X" | "binary":
            if re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", value):
                raise TypeUnsupportedError("A constant of the type Edm.Binary")
        case _:
            pass
    raise ValueError(f"Syntax error: unrecognized constant {text}.")


def _zoned(value: str) -> str:
    """A date and time, or a date alone, with the zone that `values.moment` wants."""
    if "T" not in value:
        value += "T00:00:00"
    return value if value.endswith("Z") else value + "Z"


def guid_of(text: str) -> str | None:
    """Return the guid in a constant ``guid'...'``, in lower case; None if it is none."""
    match = _QUOTED.fullmatch(text.strip())
    if match is None or match[1] != "guid" or not is_guid(match[2]):
        return None
    return match[2].lower()
