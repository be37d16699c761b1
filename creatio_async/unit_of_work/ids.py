"""Where the ids of new rows come from."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from creatio_async.bulk.creates import NewId, as_maker
from creatio_async.bulk.derived import Derived
from creatio_async.protocol.names import key_text
from creatio_async.rows import with_id

__all__ = ["NewIds", "check_new_id", "identified"]

NewIds = Literal["uuid4", "server"] | Derived | NewId
"""At random, here; by the server; `derived` from columns; or by a function of the row."""


def check_new_id(given: NewIds) -> NewIds:
    """Return *given*, if ids can come from there.

    Raises:
        ValueError: They cannot.
    """
    if given in {"uuid4", "server"} or isinstance(given, Derived) or callable(given):
        return given
    raise ValueError(f"new_id is 'uuid4', 'server', derived() or a function, not {given!r}")


def identified(row: Any, new_id: NewIds, entity_set: str, place: str) -> dict[str, Any]:
    """Return a copy of *row* with its `Id`; without one, where the server is to make it.

    Raises:
        TypeError: *row* is no mapping.
        ValueError: Its `Id`, or the one that was made for it, is no UUID; or it has no value where
            its `Id` comes from.
    """
    if new_id == "uuid4" or not isinstance(row, Mapping) or "Id" in row:
        return with_id(cast("Mapping[str, Any]", row), place)
    if new_id == "server":
        return dict(cast("Mapping[str, Any]", row))
    maker = as_maker(new_id, entity_set)
    assert maker is not None  # noqa: S101 - only for random ones
    given = cast("Mapping[str, Any]", row)
    try:
        return {"Id": key_text(maker(given)), **given}
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}, new_id: {error}") from None
