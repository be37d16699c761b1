"""One query as several, where a list of values is longer than a server takes at once.

Servers count the nodes of a filter and refuse more than 100 (Microsoft's default, which Creatio
ships). A long ``in_`` is therefore asked for in parts; the parts have no row in common.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from attrs import evolve

from creatio_async.protocol.odata.filters import node_count
from creatio_async.protocol.odata.literals import literal
from creatio_async.protocol.odata.nodes import And, Comparison, Condition, In, Literal, terms
from creatio_async.protocol.odata.spec import QuerySpec

__all__ = ["CHAIN", "split"]

CHAIN = 20
"""Values of an ``in_`` that go into one request at most."""

_NODES = 100
_FOR_PAGING = 5
"""Nodes that ``and Id gt ...`` adds when a query is read page by page."""


def split(spec: QuerySpec) -> Iterator[QuerySpec]:
    """Give the queries that *spec* is sent as; none where an ``in_`` at the top has no values.

    Raises:
        ValueError: A list of more than 20 values cannot be split: it does not stand at the top
            level, or the query has an order, a top or a skip.
    """
    where = tuple(_flat(spec.where))
    if any(isinstance(each, In) and not each.values for each in where):
        return
    room = _room(where)
    for at, condition in enumerate(where):
        if isinstance(condition, In) and (size := _size(condition, room)) < len(condition.values):
            if spec.order or spec.skip or spec.top is not None:
                if len(condition.values) <= CHAIN:
                    continue
                raise _too_long(condition, "next to order_by, top or skip")
            for values in _chunks(condition.values, size):
                part = In(condition.column, values)
                yield from split(evolve(spec, where=(*where[:at], part, *where[at + 1 :])))
            return
        _refuse_within(condition)
    yield spec


def _flat(conditions: tuple[Condition, ...]) -> Iterator[Condition]:
    for condition in conditions:
        if isinstance(condition, And):
            yield from _flat(condition.items)
        else:
            yield condition


def _room(where: tuple[Condition, ...]) -> int:
    """Return how many nodes each long ``in_`` may have: an equal share of what the others leave."""
    left = _NODES - _FOR_PAGING
    lists: list[In] = []
    for condition in where:
        if isinstance(condition, In):
            lists.append(condition)
        else:
            left -= node_count(condition) + 1
    for number, condition in enumerate(sorted(lists, key=node_count)):
        share = left // (len(lists) - number)
        if node_count(condition) + 1 > share:
            return share
        left -= node_count(condition) + 1
    return _NODES


def _size(condition: In, room: int) -> int:
    """Return how many of the values fit into one request."""
    if node_count(condition) + 1 <= room:
        return CHAIN
    widest = max(
        node_count(Comparison("eq", condition.column, value)) for value in condition.values
    )
    return max(1, min(CHAIN, room // (widest + 1)))


def _chunks(values: Sequence[Literal], size: int) -> Iterator[tuple[Literal, ...]]:
    """Cut *values* so that those which a server may take for equal stay together.

    A row that has both ``ann`` and ``Ann`` in its list would come twice otherwise: MS SQL Server
    disregards case, and blanks at the end.
    """
    alike: dict[object, list[Literal]] = {}
    for value in values:
        alike.setdefault(_sense(value.value), []).append(value)
    chunk: list[Literal] = []
    for group in alike.values():
        if chunk and len(chunk) + len(group) > size:
            yield tuple(chunk)
            chunk = []
        chunk += group
        while len(chunk) > size:
            yield tuple(chunk[:size])
            chunk = chunk[size:]
    yield tuple(chunk)


def _sense(value: object) -> object:
    if isinstance(value, str):
        return value.casefold().rstrip()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value  # equal numbers are one key, whatever their types
    return str, literal(value)


def _refuse_within(condition: Condition) -> None:
    for term in terms(condition):
        if isinstance(term, In) and term is not condition and len(term.values) > CHAIN:
            raise _too_long(term, "below the top level of the condition")


def _too_long(condition: In, where: str) -> ValueError:
    return ValueError(
        f"in_ of {len(condition.values)} values of {condition.column} {where} cannot be split into "
        f"requests of {CHAIN}; rows with known ids are read with get_many"
    )
