"""Which lookup column a navigation property is, on either of its ends."""

import re
from typing import Final
from uuid import UUID

from creatio_async.protocol.names import check_name, key_text
from creatio_async.unit_of_work.rows import TrackedRow

__all__ = ["lookup_of"]

_COLLECTION: Final = re.compile(r"(?P<set>\w+)CollectionBy(?P<lookup>\w+)")
"""The rows that lead to a row by a lookup. Source: a captured ``$metadata`` of Creatio."""


def lookup_of(
    row: TrackedRow, navigation: str, target: TrackedRow | UUID | str | None
) -> tuple[TrackedRow, str, TrackedRow | str | None]:
    """Return the row that holds the lookup of *navigation*, its column, and what is in it.

    Raises:
        ValueError: *navigation* is no identifier, *target* no UUID or no row of the collection.
    """
    name = check_name(navigation, "navigation property")
    collection = _COLLECTION.fullmatch(name)
    if collection is None:
        if target is not None and not isinstance(target, TrackedRow):
            target = key_text(target)
        return row, f"{name}Id", target
    if not isinstance(target, TrackedRow) or target.entity_set != collection["set"]:
        raise ValueError(
            f"{row!r}: {name} holds rows of {collection['set']} that are followed, not {target!r}"
        )
    return target, f"{collection['lookup']}Id", row
