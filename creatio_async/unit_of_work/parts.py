"""A plan that is more than one change set takes: part by part, each as large as it may be."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from attrs import evolve

from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.unit_of_work.changes import Change, Planned, change_of, told
from creatio_async.unit_of_work.changesets import ChangeSet
from creatio_async.unit_of_work.rows import plain, references

__all__ = ["MAX_BYTES", "MAX_BYTES_OF_PART", "Rest", "whole"]

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


class Rest:
    """What is left of a plan that more than one change set takes, one after another.

    What has become known since the plan was made is regarded. A lookup that would have been
    written later is a column of its row like any other where the `Id` is known by now. A row that
    was detached meanwhile is not written, one that was deleted not created, and no link written to
    one that gets no `Id`.
    """

    def __init__(self, plan: Iterable[Planned]) -> None:
        self._left = deque(plan)
        self._links: dict[int, list[Planned]] = {}
        """By the identity of its row: what writes a lookup of a row that had no `Id`."""
        self._merged: set[int] = set()
        """The identities of those that are columns of their rows by now."""
        for each in self._left:
            if references(each.values):
                self._links.setdefault(id(each.row), []).append(each)

    def next_part(
        self, make: _Make, max_bytes: int | None, saved: Callable[[], tuple[Change, ...]]
    ) -> ChangeSet | None:
        """Return as many of the next changes as fit into one change set; None where none are left.

        Raises:
            ValueError: The first of them alone is too large.
        """
        limit = MAX_BYTES_OF_PART if max_bytes is None else max_bytes
        head = self.take(MAX_OPERATIONS)
        if not head:
            return None
        made = make(head)
        while made.batch.size > limit:
            if len(made.planned) == 1:
                raise ValueError(
                    f"{head[0].change} alone makes a request of {made.batch.size:,} bytes, and at "
                    f"most {limit:,} may be sent at once ({told(saved())})"
                )
            made = make(head[: len(made.planned) // 2])
        self._left.extendleft(reversed(head[len(made.planned) :]))
        return made

    def take(self, count: int) -> list[Planned]:
        """Take the next changes off, *count* at most."""
        return list(islice(self._taken(), count))

    def _taken(self) -> Iterator[Planned]:
        while self._left:
            each = self._left.popleft()
            if id(each) in self._merged:
                self._merged.remove(id(each))
            elif _is_wanted(each):
                yield self._known(each)

    def _known(self, planned: Planned) -> Planned:
        """Return a change with the ids that are known by now."""
        if planned.change.operation == "create":
            links = self._links.pop(id(planned.row), [])
            for each in filter(_leads_to_known, links):
                planned.values |= plain(each.values)
                self._merged.add(id(each))
            return planned
        change = change_of(planned.change.operation, planned.row)
        return evolve(planned, change=change, values=plain(planned.values))


def _leads_to_known(planned: Planned) -> bool:
    return all(row.has_id for row in references(planned.values).values())


def _is_wanted(planned: Planned) -> bool:
    needed = [row for row in references(planned.values).values() if not row.has_id]
    return all(row.is_tracked and not row.is_forgettable for row in [planned.row, *needed])
