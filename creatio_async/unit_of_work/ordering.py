"""The order of changes: a row before those that lead to it, and deletes the other way round.

What no lookup binds keeps the order in which it was made. Rows that lead to each other in a circle
are cut apart: one is created without the lookup, which is written later; or, before both are
deleted, the lookup of one is emptied. A lookup of a row whose `Id` the server makes is always
written later, as a link: nobody knows yet what to write into the column.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, Final

from attrs import define, evolve, field

from creatio_async.protocol.names import as_guid
from creatio_async.unit_of_work.changes import Planned, change_of
from creatio_async.unit_of_work.rows import TrackedRow, is_row, references

__all__ = ["lookups", "ordered"]

_GUID: Final = 36
"""Signs of a guid."""


def ordered(planned: Sequence[Planned]) -> list[Planned]:
    """Return *planned* in an order that respects the lookups, with what cuts circles."""
    return list(_Graph(planned).walk())


@define(eq=False)
class _Node:
    planned: Planned
    place: int
    waits_for: dict[int, list[str]] = field(factory=dict[int, list[str]])
    """By the place of what comes before: the columns, of either row, that are the reason."""
    is_out: bool = False


class _Graph:
    def __init__(self, planned: Sequence[Planned]) -> None:
        parts = [part for each in planned for part in _parts(each)]
        self._nodes = [_Node(each, place) for place, each in enumerate(parts)]
        self._behind: dict[int, list[_Node]] = {}
        self._free: list[int] = []
        created, deleted = self._places("create"), self._places("delete")
        for node in self._nodes:
            values = node.planned.values
            for name, target in lookups(values.items()):
                self._bind(node, created.get(target, ()), name)
            if node.planned.change.operation == "update" and references(values):
                self._bind(node, created.get(_identity(node.planned.row), ()), "")
            names = None if node.planned.change.operation == "delete" else values
            for name, target in lookups(node.planned.row.standing(names)):
                for place in deleted.get(target, ()):
                    self._bind(self._nodes[place], (node.place,), name)

    def _places(self, operation: str) -> dict[str | int, list[int]]:
        found: dict[str | int, list[int]] = {}
        for node in self._nodes:
            if node.planned.change.operation == operation:
                found.setdefault(_identity(node.planned.row), []).append(node.place)
        return found

    def _bind(self, node: _Node, before: Sequence[int], column: str) -> None:
        for place in before:
            if place != node.place:  # a row may lead to itself
                node.waits_for.setdefault(place, []).append(column)
                self._behind.setdefault(place, []).append(node)

    def walk(self) -> Iterator[Planned]:
        """Give the changes: of those that wait for nothing the one that was made first."""
        for node in self._nodes:
            self._offer(node)
        place = 0
        while place < len(self._nodes):  # what cuts a circle is appended
            while self._free:
                node = self._nodes[heappop(self._free)]
                yield node.planned
                self._leave(node)
            if self._nodes[place].is_out:
                place += 1
            else:
                yield from self._cut(self._circle(self._nodes[place]))

    def _offer(self, node: _Node) -> None:
        if not node.waits_for:
            heappush(self._free, node.place)

    def _leave(self, node: _Node) -> None:
        node.is_out = True
        for other in self._behind.get(node.place, ()):
            if other.waits_for.pop(node.place, None) is not None:
                self._offer(other)

    def _circle(self, node: _Node) -> tuple[_Node, _Node]:
        """Return a row of a circle and the one before it: the row that was changed first."""
        seen: dict[int, int] = {}
        while node.place not in seen:
            seen[node.place] = next(iter(node.waits_for))
            node = self._nodes[seen[node.place]]
        circle = list(seen)[list(seen).index(node.place) :]
        first = min(circle)
        return self._nodes[first], self._nodes[seen[first]]

    def _cut(self, bond: tuple[_Node, _Node]) -> Iterator[Planned]:
        """Let the first of two wait no more for the other."""
        node, before = bond
        columns = node.waits_for.pop(before.place)
        if node.planned.change.operation == "delete":
            empty: dict[str, Any] = dict.fromkeys(columns)
            yield _update(before.planned, empty)
        else:
            later = {name: node.planned.values[name] for name in columns}
            kept = {n: v for n, v in node.planned.values.items() if n not in later}
            node.planned = evolve(node.planned, values=kept)
            self._append(_update(node.planned, later), (node, before))
        self._offer(node)

    def _append(self, planned: Planned, before: Sequence[_Node]) -> None:
        node = _Node(planned, len(self._nodes))
        self._nodes.append(node)
        for each in before:
            self._bind(node, (each.place,), "")


def _parts(planned: Planned) -> Iterator[Planned]:
    """Give a change without lookups of rows that have no `Id` yet, and an update for each of these.

    The update waits for the row itself, too, where that is new.
    """
    later = references(planned.values)
    if len(later) < len(planned.values) or planned.change.operation != "update":
        kept = {n: v for n, v in planned.values.items() if n not in later}
        yield evolve(planned, values=kept) if later else planned
    for name, target in later.items():
        yield _update(planned, {name: target})


def _identity(row: TrackedRow) -> str | int:
    """Return what a row is known by: its `Id`, or itself as long as it has none."""
    return row.id if row.has_id else id(row)


def _update(planned: Planned, values: dict[str, Any]) -> Planned:
    return Planned(change_of("update", planned.row), planned.row, values)


def lookups(values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str | int]]:
    """Give the columns that may lead to a row, with what the row is known by."""
    for name, value in values:
        if is_row(value):
            yield name, _identity(value)
            continue
        if type(value) is str and len(value) != _GUID:
            continue
        guid = as_guid(value)
        if guid is not None and name != "Id":
            yield name, guid
