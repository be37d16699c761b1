"""Python values as OData 4 literals in a URL (OData 4.0 ABNF, ``primitiveLiteral``)."""

import datetime as dt
import math
from base64 import urlsafe_b64encode
from decimal import Decimal
from typing import Any

from creatio_async.protocol.names import as_guid
from creatio_async.protocol.odata.nodes import EnumMember
from creatio_async.protocol.values import datetime_text, duration_text, time_text

__all__ = ["literal", "quoted"]


def quoted(text: str) -> str:
    """Return *text* as a string literal: in quotes, inner quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: Any) -> str:
    """Return *value* as a literal.

    A `UUID` and a string in guid form are bare guids. A `date` is midnight in UTC, because
    Creatio's date columns are of type Edm.DateTimeOffset.

    Raises:
        ValueError: A datetime has no time zone, or a time has one.
        TypeError: OData has no literal for a value of this type.
    """
    if (guid := as_guid(value)) is not None:
        return guid
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    return _other(value)


def _number(value: float | Decimal) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return repr(value) if isinstance(value, float) else format(value, "f")


def _other(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return datetime_text(value)
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, dt.time):
        return time_text(value)
    if isinstance(value, dt.timedelta):
        return f"duration'{duration_text(value)}'"
    if isinstance(value, bytes):
        return f"binary'{urlsafe_b64encode(value).decode('ascii')}'"
    if isinstance(value, EnumMember):
        return f"{value.type}'{value.members}'"
    raise TypeError(f"OData has no literal for {type(value).__name__}")
