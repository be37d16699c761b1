"""Values by what they mean, in a few bytes: to compare with what was read before.

What `same_value` says of two values, this says of a value and of the mark of the other.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from orjson import loads

from creatio_async.protocol.names import as_guid
from creatio_async.protocol.values import dumps, number_text

__all__ = ["is_marked", "mark", "meaning"]

_EMPTY = frozenset({"", "00000000-0000-0000-0000-000000000000"})
_GUID_LENGTH = 36
_FIRST_DAY = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_ZERO = b"0"


def meaning(value: Any) -> bytes:
    """Return bytes that are the same for values that mean the same; none for an empty value.

    They hold no line end.
    """
    if value is None:
        return b""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return b"1" if value else _ZERO
    if isinstance(value, int | float | Decimal):
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return number_text(exact.normalize() if exact else Decimal(0)).encode()
    guid = as_guid(value)
    if guid is not None:
        return _text(guid)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return _moment(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return _moment(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC))
    encoded = dumps(value)
    return _text(encoded[1:-1].decode()) if encoded[:1] == b'"' else encoded


def _text(value: str) -> bytes:
    guid = as_guid(value)
    if guid is not None:
        value = guid
    elif value[:4].isdigit():
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if moment.tzinfo is not None:
                return _moment(moment)
    return b"" if value in _EMPTY else dumps(value)


def _moment(value: dt.datetime) -> bytes:
    try:
        value = value.astimezone(dt.UTC)
    except OverflowError:  # in another zone it would be before the first day, or after the last
        return dumps(value.isoformat())
    return b"" if value == _FIRST_DAY else value.isoformat().encode()


def mark(value: Any) -> int:
    """Return the mark of *value*: 64 bits, which hold for this process alone.

    Two of ten million values have the same one with a chance of 1 to 300,000.
    """
    if type(value) is str:
        if len(value) == _GUID_LENGTH and (guid := as_guid(value)) is not None:
            return hash(guid) if guid not in _EMPTY else _NOTHING
        if value and not value[0].isdigit():
            return hash(value)
    return _marked(meaning(value))


def _marked(text: bytes) -> int:
    """Return the mark of what has the meaning *text*; texts are marked by what they say."""
    return hash(loads(text)) if text[:1] == b'"' else hash((text,))


_NOTHING, _NONE = _marked(b""), _marked(_ZERO)


def is_marked(ours: Any, theirs: int) -> bool:
    """Say whether *theirs* is the mark of the value that *ours* was, or would be, sent as.

    None is sent where the server holds 0 or False as well as where it holds nothing.
    """
    if ours is None:
        return theirs in {_NOTHING, _NONE}
    return mark(ours) == theirs
