"""One query as several, where a list of values is longer than a server takes at once.

Servers count the nodes of a filter and refuse more than 100 (Microsoft's default, which Creatio
ships). A long ``in_`` is therefore asked for in parts; the parts have no row in common.
"""

from collections.abc import Iterator

from attrs import evolve

from creatio_async.protocol.odata.filters import node_count
from creatio_async.protocol.odata.nodes import And, Comparison, Condition, In, terms
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
    for at, condition in enumerate(where):
        if isinstance(condition, In) and (size := _chunk(condition, where)) < len(condition.values):
            if spec.order or spec.skip or spec.top is not None:
                if len(condition.values) <= CHAIN:
                    continue
                raise _too_long(condition, "next to order_by, top or skip")
            for start in range(0, len(condition.values), size):
                part = In(condition.column, condition.values[start : start + size])
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


def _chunk(condition: In, where: tuple[Condition, ...]) -> int:
    """Return how many of the values fit into one request."""
    others = sum(node_count(each) + 1 for each in where if each is not condition)
    widest = max(
        node_count(Comparison("eq", condition.column, value)) for value in condition.values
    )
    return max(1, min(CHAIN, (_NODES - _FOR_PAGING - others) // (widest + 1)))


def _refuse_within(condition: Condition) -> None:
    for term in terms(condition):
        if isinstance(term, In) and term is not condition and len(term.values) > CHAIN:
            raise _too_long(term, "below the top level of the condition")


def _too_long(condition: In, where: str) -> ValueError:
    return ValueError(
        f"in_ of {len(condition.values)} values of {condition.column} {where} cannot be split into "
        f"requests of {CHAIN}; rows with known ids are read with get_many"
    )
