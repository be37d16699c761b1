"""The functions of ``$filter`` that SQLite lacks, or has for ASCII only."""

import math
import sqlite3
from datetime import datetime, timedelta

from creatio_async.emulator.values import TICKS, is_guid, moment

__all__ = ["add_functions"]

Number = int | float | None


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _floor(value: Number) -> Number:
    return value if value is None or math.isinf(value) else math.floor(value)


def _ceiling(value: Number) -> Number:
    return value if value is None or math.isinf(value) else math.ceil(value)


def _startswith(text: str | None, start: str | None) -> bool:
    return text is not None and start is not None and text.startswith(start)


def _endswith(text: str | None, end: str | None) -> bool:
    return text is not None and end is not None and text.endswith(end)


def _mod(value: Number, divisor: Number) -> Number:
    if value is None or not divisor or math.isinf(value):
        return None
    return math.fmod(value, divisor)


_START = datetime(1, 1, 1)  # noqa: DTZ001 - dates are kept in UTC, without a zone


def _ticks(date: str) -> int:
    whole = datetime.fromisoformat(date[:19]) - _START
    return (whole.days * 86400 + whole.seconds) * TICKS + int(date[20:].ljust(7, "0"))


def _date(ticks: int) -> str | None:
    seconds, rest = divmod(ticks, TICKS)
    try:
        whole = (_START + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return None
    fraction = f"{rest:07d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _later(date: str | None, ticks: int | None) -> str | None:
    return None if date is None or ticks is None else _date(_ticks(date) + ticks)


def _earlier(date: str | None, ticks: int | None) -> str | None:
    return None if date is None or ticks is None else _date(_ticks(date) - ticks)


def _between(date: str | None, other: str | None) -> int | None:
    return None if date is None or other is None else _ticks(date) - _ticks(other)


def _text(value: Number) -> str | None:
    if value is None or not float(value).is_integer():
        return None if value is None else repr(value)
    return str(int(value))


def _whole(text: str | None) -> int | None:
    try:
        value = int(text or "")
    except ValueError:
        return None
    return value if abs(value) < 2**63 else None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _flag(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get((text or "").lower())


def _guid(text: str | None) -> str | None:
    return text.lower() if text is not None and is_guid(text) else None


def _moment(text: str | None) -> str | None:
    try:
        return moment(text or "")
    except ValueError:
        return None


def add_functions(database: sqlite3.Connection) -> None:
    """Give *database* the functions that the SQL of a filter calls."""
    add = database.create_function
    add("odata_lower", 1, _lower, deterministic=True)
    add("odata_upper", 1, _upper, deterministic=True)
    add("odata_floor", 1, _floor, deterministic=True)
    add("odata_ceiling", 1, _ceiling, deterministic=True)
    add("odata_startswith", 2, _startswith, deterministic=True)
    add("odata_endswith", 2, _endswith, deterministic=True)
    add("odata_mod", 2, _mod, deterministic=True)
    add("odata_later", 2, _later, deterministic=True)
    add("odata_earlier", 2, _earlier, deterministic=True)
    add("odata_between", 2, _between, deterministic=True)
    add("odata_text", 1, _text, deterministic=True)
    add("odata_whole", 1, _whole, deterministic=True)
    add("odata_number", 1, _number, deterministic=True)
    add("odata_flag", 1, _flag, deterministic=True)
    add("odata_guid", 1, _guid, deterministic=True)
    add("odata_moment", 1, _moment, deterministic=True)
