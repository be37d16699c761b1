"""Single values of JSON as values of a Python type that an annotation asks for.

Each function raises a `TypeError`, a `ValueError` or an `ArithmeticError` where the value is of
another kind.
"""

import datetime as dt
import re
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

__all__ = [
    "as_bool",
    "as_decimal",
    "as_float",
    "as_int",
    "as_moment",
    "as_str",
    "as_uuid",
    "split_none",
]

_WCF_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/", re.ASCII)
"""A point in time in milliseconds since 1970, as .NET's DataContractJsonSerializer writes it."""


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
    if number != int(number):
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
