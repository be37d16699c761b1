"""Rows on their way out."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from creatio_async.protocol.names import key_text

__all__ = ["with_id"]


def with_id(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a copy of *row* that has an `Id`: its own in lower case, or a new one.

    Raises:
        TypeError: *row* is no mapping, or its `Id` is neither a UUID nor a string.
        ValueError: Its `Id` is no UUID.
    """
    if not isinstance(row, Mapping):
        raise TypeError(f"{place}: a row is a mapping of columns to values, not {row!r:.80}")
    if "Id" not in row:
        return {"Id": str(uuid4()), **row}
    try:
        return {**row, "Id": key_text(row["Id"])}
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}, 'Id': {error}") from None
