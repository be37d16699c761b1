"""JSON as it comes, and the shapes of it, for code that must not trust them."""

import json
from decimal import Decimal
from typing import Any, NoReturn, cast

import orjson

__all__ = ["as_list", "as_object", "as_text", "loads"]

_BOM = b"\xef\xbb\xbf"


def loads(body: bytes, *, decimals: bool = False) -> Any:
    """Return *body* decoded; a byte order mark before it is no harm.

    Args:
        body: JSON.
        decimals: Numbers with a fraction become `Decimal`; that takes about ten times as long.

    Raises:
        ValueError: It is no JSON, or holds more levels or a larger number than are read.
    """
    body = body.removeprefix(_BOM)
    if not decimals:
        return orjson.loads(body)
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(f"beyond what is read: {error!r}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def as_object(value: Any) -> dict[str, Any]:
    """Return *value* if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any] | None:
    """Return *value* if it is a JSON array, else None."""
    return cast(list[Any], value) if isinstance(value, list) else None  # type: ignore[redundant-cast]  # pyright narrows to list[Unknown]


def as_text(value: Any) -> str:
    """Return *value* if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""
