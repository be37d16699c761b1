"""A plan that is more than one change set takes: part by part, each as large as it may be."""

from collections.abc import Callable, Sequence

from attrs import evolve

from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.unit_of_work.changes import Change, Planned, change_of, told
from creatio_async.unit_of_work.rows import plain, references

__all__ = ["MAX_BYTES", "MAX_BYTES_OF_PART", "check_whole", "next_part", "resolved"]

MAX_BYTES = 30_000_000
"""Bytes of a request that a server takes as it is shipped: ``maxAllowedContentLength`` of IIS,
``MaxRequestBodySize`` of Kestrel."""

MAX_BYTES_OF_PART = 900_000
"""Bytes of a request where there may be several, as of bulk calls."""

_Size = Callable[[Sequence[Planned]], int]


def check_whole(plan: Sequence[Planned], size: _Size, max_bytes: int | None) -> None:
    """Refuse a plan that is too large for one change set.

    Raises:
        ValueError: There are more than 100 changes, or more than *max_bytes*.
    """
    several = "save(atomic=False) sends several"
    if len(plan) > MAX_OPERATIONS:
        raise ValueError(
            f"{len(plan)} changes are more than one change set takes ({MAX_OPERATIONS}): {several}"
        )
    limit = MAX_BYTES if max_bytes is None else max_bytes
    if plan and (found := size(plan)) > limit:
        raise ValueError(
            f"{len(plan)} changes make a change set of {found:,} bytes, and at most {limit:,} may "
            f"be sent at once: {several}"
        )


def next_part(
    plan: Sequence[Planned], size: _Size, max_bytes: int | None, saved: tuple[Change, ...]
) -> Sequence[Planned]:
    """Return the changes at the start of *plan* that fit into one change set.

    Raises:
        ValueError: The first of them alone is too large.
    """
    limit = MAX_BYTES_OF_PART if max_bytes is None else max_bytes
    part = plan[:MAX_OPERATIONS]
    while (found := size(part)) > limit:
        if len(part) == 1:
            raise ValueError(
                f"{part[0].change} alone makes a request of {found:,} bytes, and at most {limit:,} "
                f"may be sent at once ({told(saved)})"
            )
        part = part[: len(part) // 2]
    return part


def resolved(plan: Sequence[Planned]) -> list[Planned]:
    """Return what is left of a plan, with the ids that have become known since it was made.

    A lookup that would have been written later is a column of its row like any other then.
    """
    creating = {id(each.row): each for each in plan if each.change.operation == "create"}
    left: list[Planned] = []
    for each in plan:
        rows = references(each.values).values()
        is_known = bool(rows) and all(row.has_id for row in rows)
        created = creating.get(id(each.row))
        if is_known and created is not None:
            created.values |= plain(each.values)
            continue
        values = plain(each.values) if is_known else each.values
        left.append(evolve(each, change=change_of(each.change.operation, each.row), values=values))
    return left
