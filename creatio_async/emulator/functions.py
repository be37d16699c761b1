"""The functions of ``$filter`` that SQLite lacks, or has for ASCII only."""

import math
import sqlite3

__all__ = ["add_functions"]

Number = int | float | None


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _floor(value: Number) -> Number:
    return None if value is None else math.floor(value)


def _ceiling(value: Number) -> Number:
    return None if value is None else math.ceil(value)


def _startswith(text: str | None, start: str | None) -> bool:
    return text is not None and start is not None and text.startswith(start)


def _endswith(text: str | None, end: str | None) -> bool:
    return text is not None and end is not None and text.endswith(end)


def add_functions(database: sqlite3.Connection) -> None:
    """Give *database* the functions that the SQL of a filter calls."""
    add = database.create_function
    add("odata_lower", 1, _lower, deterministic=True)
    add("odata_upper", 1, _upper, deterministic=True)
    add("odata_floor", 1, _floor, deterministic=True)
    add("odata_ceiling", 1, _ceiling, deterministic=True)
    add("odata_startswith", 2, _startswith, deterministic=True)
    add("odata_endswith", 2, _endswith, deterministic=True)
