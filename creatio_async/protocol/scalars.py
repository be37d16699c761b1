"""Single values of JSON as values of a Python type that an annotation asks for.

Each function raises a `TypeError`, a `ValueError` or an `ArithmeticError` where the value is of
another kind.
"""

import datetime as dt
import re
from base64 import urlsafe_b64decode
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

__all__ = [
    "as_bool",
    "as_bytes",
    "as_date",
    "as_decimal",
    "as_duration",
    "as_float",
    "as_int",
    "as_moment",
    "as_str",
    "as_time",
    "as_uuid",
    "split_none",
]

_WCF_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/", re.ASCII)
"""A point in time in milliseconds since 1970, as .NET's DataContractJsonSerializer writes it."""
_DIGITS = 1_000
"""Digits of a whole number at most: it takes a second to make one of ``1E9999999``."""
_BASE64 = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_DURATION = re.compile(
    r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)


def split_none(hint: Any) -> tuple[Any, bool]:
    """Return *hint* without None, and whether None was in it; a union of more stays one."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint, hint is NoneType
    kinds = [each for each in get_args(hint) if each is not NoneType]
    return Union[tuple(kinds)], len(kinds) < len(get_args(hint))  # noqa: UP007 - made of a list


def as_str(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def as_int(value: Any) -> int:
    """Return a whole number, of a text of it as well."""
    number = as_decimal(value)
    if number.adjusted() > _DIGITS or number != int(number):
        raise ValueError("no whole number")
    return int(number)


def as_decimal(value: Any) -> Decimal:
    """Return a number, of a text of it as well.

    A float has its shortest text: Creatio wrote 5.25, and not the nearest binary fraction.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise TypeError("no number")
    return Decimal(str(value))


def as_float(value: Any) -> float:
    """Return a number, of a text of it as well."""
    return float(as_decimal(value))


def as_bool(value: Any) -> bool:
    """Return True or False, of a text of them as well."""
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ValueError("neither true nor false")
    return found


def as_uuid(value: Any) -> UUID:
    """Return a guid."""
    return UUID(as_str(value))


def as_moment(value: Any) -> dt.datetime:
    """Return a point in time, as ISO 8601 or WCF write it; without a zone where it has none."""
    text = as_str(value)
    wcf = _WCF_DATE.fullmatch(text)
    if wcf is None:
        return dt.datetime.fromisoformat(text)
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=int(wcf[1]))


def as_date(value: Any) -> dt.date:
    """Return a day, of a point in time as well: Creatio writes its dates so."""
    text = as_str(value)
    return dt.date.fromisoformat(text) if len(text) == len("2026-01-31") else as_moment(text).date()


def as_time(value: Any) -> dt.time:
    """Return a time of the day."""
    return dt.time.fromisoformat(as_str(value))


def as_duration(value: Any) -> dt.timedelta:
    """Return a duration, as ISO 8601 writes it with days and smaller units."""
    text = as_str(value)
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PT-":
        raise ValueError("no duration")
    days, hours, minutes = (int(each or 0) for each in match.groups()[1:4])
    # As a Decimal: a float could lose the last digits of what is counted in microseconds.
    micros = int(Decimal(match[5] or 0) * 1_000_000)
    found = dt.timedelta(days=days, hours=hours, minutes=minutes, microseconds=micros)
    return -found if match[1] else found


def as_bytes(value: Any) -> bytes:
    """Return bytes that are written as base64, in either alphabet, padded or not."""
    text = as_str(value).replace("+", "-").replace("/", "_").rstrip("=")
    if not _BASE64.fullmatch(text):
        raise ValueError("no base64")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
