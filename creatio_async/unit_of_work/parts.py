"""A plan that is more than one change set takes: part by part, each as large as it may be."""

from collections.abc import Callable, Sequence

from attrs import evolve

from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.unit_of_work.changes import Change, Planned, change_of, told
from creatio_async.unit_of_work.changesets import ChangeSet
from creatio_async.unit_of_work.rows import plain, references

__all__ = ["MAX_BYTES", "MAX_BYTES_OF_PART", "next_part", "resolved", "whole"]

MAX_BYTES = 30_000_000
"""Bytes of a request that a server takes as it is shipped: ``maxAllowedContentLength`` of IIS,
``MaxRequestBodySize`` of Kestrel."""

MAX_BYTES_OF_PART = 900_000
"""Bytes of a request where there may be several, as of bulk calls."""

_Make = Callable[[Sequence[Planned]], ChangeSet]


def whole(plan: Sequence[Planned], make: _Make, max_bytes: int | None) -> ChangeSet:
    """Return *plan* as one change set.

    Raises:
        ValueError: There are more than 100 changes, or more than *max_bytes*.
    """
    several = "save(atomic=False) sends several"
    if len(plan) > MAX_OPERATIONS:
        raise ValueError(
            f"{len(plan)} changes are more than one change set takes ({MAX_OPERATIONS}): {several}"
        )
    limit = MAX_BYTES if max_bytes is None else max_bytes
    made = make(plan)
    if made.batch.size > limit:
        raise ValueError(
            f"{len(plan)} changes make a change set of {made.batch.size:,} bytes, and at most "
            f"{limit:,} may be sent at once: {several}"
        )
    return made


def next_part(
    plan: Sequence[Planned], make: _Make, max_bytes: int | None, saved: tuple[Change, ...]
) -> ChangeSet:
    """Return as many changes at the start of *plan* as fit into one change set.

    Raises:
        ValueError: The first of them alone is too large.
    """
    limit = MAX_BYTES_OF_PART if max_bytes is None else max_bytes
    made = make(plan[:MAX_OPERATIONS])
    while made.batch.size > limit:
        if len(made.planned) == 1:
            raise ValueError(
                f"{plan[0].change} alone makes a request of {made.batch.size:,} bytes, and at most "
                f"{limit:,} may be sent at once ({told(saved)})"
            )
        made = make(plan[: len(made.planned) // 2])
    return made


def resolved(plan: Sequence[Planned]) -> list[Planned]:
    """Return what is left of a plan, with what has become known since it was made.

    A lookup that would have been written later is a column of its row like any other where the
    `Id` is known by now. A row that was detached meanwhile is not written, one that was deleted not
    created, and no link written to one that gets no `Id`.
    """
    plan = [each for each in plan if _is_wanted(each)]
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


def _is_wanted(planned: Planned) -> bool:
    needed = [row for row in references(planned.values).values() if not row.has_id]
    return all(row.is_tracked and not row.is_forgettable for row in [planned.row, *needed])
