"""The shapes of decoded JSON, for code that must not trust them."""

from typing import Any, cast

__all__ = ["as_list", "as_object", "as_text"]


def as_object(value: Any) -> dict[str, Any]:
    """Return *value* if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any] | None:
    """Return *value* if it is a JSON array, else None."""
    return cast(list[Any], value) if isinstance(value, list) else None  # type: ignore[redundant-cast]  # pyright narrows to list[Unknown]


def as_text(value: Any) -> str:
    """Return *value* if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""
