"""Which lookup column a navigation property is, on either of its ends."""

import re
from typing import Final
from uuid import UUID

from creatio_async.protocol.names import as_guid, check_name, key_text
from creatio_async.protocol.values import ZERO_GUID
from creatio_async.unit_of_work.rows import TrackedRow, is_row

__all__ = ["check_leads_to", "lookup_of"]

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


def check_leads_to(row: TrackedRow, column: str, target: TrackedRow | str | None) -> None:
    """Refuse to take *row* away from *target* if it is known to lead to another row.

    Raises:
        ValueError: It does: what is unlinked would be that one.
    """
    held = row.get(column)
    if target is None or held is target or not (is_row(held) or as_guid(held)):
        return
    wanted = target.id if isinstance(target, TrackedRow) and target.has_id else target
    if as_guid(held) not in (wanted, ZERO_GUID):
        told, other = (each.label if is_row(each) else each for each in (held, target))
        raise ValueError(f"{row.label}: {column!r} leads to {told}, not to {other}")
