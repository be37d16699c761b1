"""Constants of ``$filter``, each of which becomes a parameter."""

import re
from typing import Any, Final

from odata_query import ast

from creatio_async.emulator.refusals import bad_query
from creatio_async.emulator.schema import Kind
from creatio_async.emulator.sql import Fragment, Rules, missing
from creatio_async.emulator.values import TICKS, moment

__all__ = ["literal_sql"]

_DURATION: Final = re.compile(
    r"([+-])?P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?"
)


def literal_sql(node: Any, rules: Rules) -> Fragment:  # noqa: C901 - one case for each type
    """Return the constant *node*; whole numbers that SQLite cannot hold become fractions.

    Raises:
        Refusal: 400, it is no value of its type; 400 or 501, the type is not implemented.
    """
    match node:
        case ast.Null():
            return Fragment("NULL", (), None)
        case ast.String(text):
            return Fragment("?", (text,), Kind.TEXT)
        case ast.GUID(text):
            return Fragment("?", (text.lower(),), Kind.GUID)
        case ast.Boolean():
            return Fragment("?", (int(node.py_val),), Kind.FLAG)
        case ast.Integer(text):
            value = int(text)
            if abs(value) >= 2**63:
                return Fragment("?", (float(value),), Kind.DECIMAL)
            return Fragment("?", (value,), Kind.WHOLE)
        case ast.Float(text):
            return Fragment("?", (float(text),), Kind.DECIMAL)
        case ast.DateTime(text):
            return _date(text)
        case ast.Date(text):
            return _date(f"{text}T00:00:00Z")
        case ast.Time(text):
            return Fragment("?", (_time(text),), Kind.TIME)
        case ast.Duration(text):
            return Fragment("?", (_ticks(text),), Kind.DURATION)
        case _:
            raise missing(rules, f"A constant of the type {type(node).__name__}")


def _date(text: str) -> Fragment:
    try:
        return Fragment("?", (moment(text),), Kind.DATE)
    except ValueError as error:
        raise bad_query(str(error)) from None


def _time(text: str) -> str:
    """A time of day as it stands in a date: with seconds, 7 digits at most, no zeros at the end."""
    whole, _, fraction = text.partition(".")
    fraction = fraction[:7].rstrip("0")
    whole = whole if whole.count(":") > 1 else f"{whole}:00"
    return f"{whole}.{fraction}" if fraction else whole


def _ticks(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise bad_query(f"'{text}' is no constant of the type 'Edm.Duration'.")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    whole = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60
    ticks = (whole + int(seconds or 0)) * TICKS + int((fraction or "")[:7].ljust(7, "0"))
    if ticks >= 2**63:
        raise bad_query(f"'{text}' is too long for the type 'Edm.Duration'.")
    return -ticks if sign == "-" else ticks
