"""Values on their way from JSON into the store."""

import random
import re
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final

from creatio_async.emulator.refusals import Refusal, bad_request
from creatio_async.emulator.schema import Column, Kind

__all__ = ["TICKS", "is_guid", "moment", "new_guid", "now", "stored"]

TICKS: Final = 10_000_000
"""Units of time in a second, as .NET counts: 100 nanoseconds."""

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?"
    r"(Z|[+-]\d\d:\d\d)?",
    re.IGNORECASE | re.ASCII,
)
_WHOLE_MIN, _WHOLE_MAX = -(2**31), 2**31 - 1


def is_guid(text: str) -> bool:
    """Tell whether *text* is a guid with hyphens and without braces."""
    return _GUID.fullmatch(text) is not None


def new_guid() -> str:
    """Return a random guid (version 4) as text; `uuid.uuid4` would take ten times as long."""
    digits = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def now() -> str:
    """Return the time in UTC as it is stored: up to 7 digits of a second, as .NET counts."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    fraction = f"{nanoseconds // 100:07d}".rstrip("0")
    return f"{_second(seconds)}.{fraction}" if fraction else _second(seconds)


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def moment(text: str) -> str:
    """Return the date and time *text* as it is stored: in UTC.

    Raises:
        ValueError: The text is no date and time, or has no zone; the message says which.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'."
        )
    *numbers, fraction, zone = match.groups()
    if zone is None:
        raise ValueError(
            f"The time zone information is missing on the DateTimeOffset value '{text}'. "
            "A DateTimeOffset value must contain the time zone information."
        )
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    try:
        when = datetime(year, month, day, hour, minute, second, tzinfo=_zone(zone))
        return _text(when.astimezone(UTC), (fraction or "")[:7])
    except (ValueError, OverflowError):
        raise ValueError(
            f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'."
        ) from None


def _zone(text: str) -> timezone:
    if text in {"Z", "z"}:
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _text(when: datetime, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    whole = when.isoformat()[:19]
    return f"{whole}.{fraction}" if fraction else whole


def stored(column: Column, value: Any, *, ieee754: bool, nulls: bool) -> Any:
    """Return the JSON *value* as *column* stores it.

    With *nulls* a null stays one for a lookup and a date; otherwise it becomes the empty value,
    as in Creatio. *ieee754* tells whether the body was sent with ``IEEE754Compatible=true``: the
    library that Creatio ships wants decimals as text with it, and as numbers without it.

    Raises:
        Refusal: 400, the value is of another type.
    """
    kind = column.kind
    if kind is Kind.TEXT and isinstance(value, str):
        return value
    if value is None:
        return None if nulls and kind in {Kind.GUID, Kind.DATE} else kind.empty
    match kind, value:
        case Kind.GUID, str() if is_guid(value):
            return value.lower()
        case Kind.DATE, str():
            try:
                return moment(value)
            except ValueError as error:
                raise bad_request(str(error)) from None
        case Kind.FLAG, bool():
            return int(value)
        case Kind.WHOLE, int() if not isinstance(value, bool):
            if _WHOLE_MIN <= value <= _WHOLE_MAX:
                return value
        case Kind.DECIMAL, int() | float() | str() if not isinstance(value, bool):
            return _decimal(value, ieee754=ieee754)
        case _:
            pass
    raise _mismatch(value, kind)


def _decimal(value: float | str, *, ieee754: bool) -> float:
    if isinstance(value, str) is not ieee754:
        raise bad_request(
            "Cannot convert a value to target type 'Edm.Decimal' because of conflict between "
            f"input format string/number and parameter 'IEEE754Compatible' {str(ieee754).lower()}."
        )
    try:
        number = float(value)
    except ValueError:
        raise _mismatch(value, Kind.DECIMAL) from None
    return int(number) if number.is_integer() else number


def _mismatch(value: Any, kind: Kind) -> Refusal:
    return bad_request(f"Cannot convert the literal '{value}' to the expected type '{kind.value}'.")
