"""The rows that a unit of work follows: by key, by object, and in the order of their changes."""

from collections.abc import Iterator, Sequence
from itertools import count

from attrs import define, field

from creatio_async.unit_of_work.changes import Planned
from creatio_async.unit_of_work.ordering import lookups
from creatio_async.unit_of_work.rows import TrackedRow, references

__all__ = ["Followed"]


@define(eq=False)
class Followed:
    """Rows, each of them once."""

    _rows: dict[int, TrackedRow] = field(init=False, factory=dict[int, TrackedRow])
    """By the identity of the rows, in the order in which they came."""
    _by_key: dict[tuple[str, str], TrackedRow] = field(
        init=False, factory=dict[tuple[str, str], TrackedRow]
    )
    _by_object: dict[int, TrackedRow] = field(init=False, factory=dict[int, TrackedRow])
    """By the identity of the objects, which the rows keep alive."""
    _order: dict[int, int] = field(init=False, factory=dict[int, int])
    """When each row was first changed."""
    _moments: Iterator[int] = field(init=False, factory=count)
    _never: dict[str, str] = field(init=False, factory=dict[str, str])
    """The ids, made here, of rows that were deleted before they were saved, and what they were."""

    @property
    def rows(self) -> tuple[TrackedRow, ...]:
        """The rows, in the order in which they came."""
        return tuple(self._rows.values())

    def find(self, entity_set: str, key: str) -> TrackedRow | None:
        """Return the row of this `Id`."""
        return self._by_key.get((entity_set, key))

    def of(self, given: object) -> TrackedRow | None:
        """Return the row that *given* is, or stands for."""
        row = given if isinstance(given, TrackedRow) else self._by_object.get(id(given))
        return row if row is not None and id(row) in self._rows else None

    def add(self, row: TrackedRow) -> None:
        """Follow *row*."""
        self._rows[id(row)] = row
        self._by_object[id(row.object)] = row
        self.know(row)
        if row.has_id:
            self._never.pop(row.id, None)

    def know(self, row: TrackedRow) -> None:
        """Let *row* be found by its `Id`."""
        if row.has_id:
            self._by_key.setdefault(row.key, row)

    def forget(self, row: TrackedRow) -> None:
        """Follow *row* no more."""
        row.is_tracked = False
        self._rows.pop(id(row), None)
        self._by_object.pop(id(row.object), None)
        self._order.pop(id(row), None)
        if row.has_id and self._by_key.get(row.key) is row:
            del self._by_key[row.key]
        if row.is_forgettable and row.is_id_made_here:
            self._never[row.id] = repr(row)

    def changed(self, row: TrackedRow) -> None:
        """Take note that *row* was changed, if it was not before."""
        if row.is_tracked:
            self._order.setdefault(id(row), next(self._moments))

    def unchanged(self, row: TrackedRow) -> None:
        """Forget when *row* was changed."""
        self._order.pop(id(row), None)

    def in_order(self, changes: Sequence[Planned]) -> list[Planned]:
        """Return *changes* in the order in which their rows were first changed.

        Raises:
            ValueError: One leads to a row without `Id` that is not followed, and so gets none; or
                to one that was deleted before it was saved.
        """
        for each in changes:
            self.changed(each.row)  # what is assigned to an object is seen only now
            for column, row in references(each.values).items():
                if self.of(row) is None:
                    raise _leads_nowhere(each, column, repr(row))
            for column, target in lookups(each.values.items()) if self._never else ():
                if target in self._never and column.endswith("Id"):
                    raise _leads_nowhere(each, column, self._never[target])
        return sorted(changes, key=lambda change: self._order[id(change.row)])


def _leads_nowhere(planned: Planned, column: str, row: str) -> ValueError:
    return ValueError(f"{planned.change}: {column!r} leads to {row}, which is not to be created")
