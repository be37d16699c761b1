"""Python values as OData 3 literals in a URL.

Source: OData 3.0, ABNF; [MS-ODATA] 2.2.2, "Abstract Type System". Creatio's columns of dates are
of type Edm.DateTime, which has no zone: ``datetime'2026-01-31T00:00:00'``, in UTC.
"""

import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from creatio_async.protocol.names import as_guid
from creatio_async.protocol.values import datetime_text, duration_text, without_zone

__all__ = ["literal", "naive_text", "quoted", "time_text"]

_INT32: Final = 2**31
_INT64: Final = 2**63

_SUFFIXES: Final[Mapping[str, str]] = {
    "Edm.Int64": "L",
    "Edm.Decimal": "M",
    "Edm.Double": "d",
    "Edm.Single": "f",
}


def quoted(text: str) -> str:
    """Return *text* as a string literal: in quotes, inner quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: Any, edm: str | None = None) -> str:
    """Return *value* as a literal.

    A `UUID` and a string in guid form are guids. A datetime is given in UTC, a `date` is midnight
    in UTC. A number with a fraction has no suffix, so that it fits columns of every such type; a
    `Decimal` has ``M``, an int beyond 32 bits ``L``.

    Args:
        value: The value.
        edm: The type of the column that it is compared with, such as ``Edm.DateTimeOffset``,
            where it is known: the literal is one of that type, if the value can be one.

    Raises:
        ValueError: A datetime has no time zone.
        TypeError: OData 3 has no literal for a value of this type.
    """
    if edm == "Edm.String" and isinstance(value, str):
        return quoted(value)
    if (guid := as_guid(value)) is not None:
        return f"guid'{guid}'"
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return _number(value, edm)
    if isinstance(value, dt.date) and edm == "Edm.DateTimeOffset":
        return f"datetimeoffset'{naive_text(value)}Z'"
    return _other(value)


def _number(value: float | Decimal, edm: str | None) -> str:
    suffix = _SUFFIXES.get(edm or "", "")
    if isinstance(value, int):
        if suffix:
            return f"{value}{suffix}"
        if -_INT32 <= value < _INT32:
            return str(value)
        return f"{value}L" if -_INT64 <= value < _INT64 else f"{value}M"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    if isinstance(value, Decimal):
        return format(value, "f") + (suffix or "M")
    if suffix == "M":
        return format(Decimal(repr(value)), "f") + suffix
    return repr(value) + suffix


def naive_text(value: dt.datetime | dt.date) -> str:
    """Return a point in time in UTC without telling so, as Edm.DateTime wants it.

    Raises:
        ValueError: A datetime has no time zone, or is out of range in UTC.
    """
    if isinstance(value, dt.datetime):
        return datetime_text(value).removesuffix("Z")
    return f"{value.isoformat()}T00:00:00"


def time_text(value: dt.time) -> str:
    """Return a time of the day as Edm.Time wants it: as a duration since midnight.

    Raises:
        ValueError: It has a time zone.
    """
    without_zone(value)
    seconds = f"{value.second}.{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"PT{value.hour}H{value.minute}M{seconds or value.second}S"


def _other(value: Any) -> str:
    if isinstance(value, dt.date):  # a datetime is one
        return f"datetime'{naive_text(value)}'"
    if isinstance(value, dt.time):
        return f"time'{time_text(value)}'"
    if isinstance(value, dt.timedelta):
        return f"time'{duration_text(value)}'"
    if isinstance(value, bytes | bytearray):
        return f"X'{value.hex().upper()}'"
    raise TypeError(f"OData 3 has no literal for {type(value).__name__}")
