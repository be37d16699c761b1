"""The query options of OData 3: ``$select`` and ``$expand`` as paths, ``$inlinecount``.

Source: OData 3.0, URL conventions, 10.2; that ``$select`` decides what is shown of an expanded row,
too, is 10.2.3.7 there: ``$expand=Account,Account/Type&$select=Id,Account/Name``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from creatio_async.protocol.odata.nodes import conjunction
from creatio_async.protocol.odata.options import joined, ordering, selected
from creatio_async.protocol.odata.spec import Expand, QuerySpec
from creatio_async.protocol.odata3.filters import Filters3

__all__ = ["query_options"]

_FILTERS: Final = Filters3()
_KNOWN: Final = frozenset({"$format", "$skiptoken"})
"""Options with a ``$`` that a caller may give himself."""

_Tree = Mapping[str, Iterable[Expand]]
"""What is expanded along each navigation property, at one level."""


def query_options(spec: QuerySpec) -> str:
    """Return the options of *spec*, with the ``?`` before them; empty where there are none.

    Raises:
        ValueError: OData 3 has no such option, or no word for a part of the condition.
    """
    return joined(_options(spec))


def _options(spec: QuerySpec) -> list[tuple[str, str]]:
    given: list[tuple[str, str]] = []
    condition = conjunction(spec.where)
    if condition is not None:
        given.append(("$filter", _FILTERS.condition(condition)))
    tree = _tree(spec.expand)
    columns = tuple(selected(spec, condition)) if spec.select else ()
    if columns or any(map(_selects, spec.expand)):
        given.append(("$select", ",".join(_selection(columns, tree))))
    if tree:
        given.append(("$expand", ",".join(_expansion(tree))))
    if spec.order:
        given.append(("$orderby", ordering(spec.order, _FILTERS.value)))
    if spec.top is not None:
        given.append(("$top", str(spec.top)))
    if spec.skip:
        given.append(("$skip", str(spec.skip)))
    if spec.count:
        given.append(("$inlinecount", "allpages"))
    for name, value in spec.options:
        if name.startswith("$") and name not in _KNOWN:
            raise ValueError(f"OData 3 has no query option {name}; crm.odata has it, where Creatio")
        given.append((name, value))
    return given


def _tree(expands: Iterable[Expand]) -> _Tree:
    """Return *expands* by the property that they go along.

    Raises:
        ValueError: One says which rows, and OData 3 expands all.
    """
    found: dict[str, list[Expand]] = {}
    for each in expands:
        if each.where or each.order_by or each.top is not None or each.skip or each.count:
            raise ValueError(
                f"OData 3 expands all rows of {each.name!r}, in the server's order: read the rows "
                f"of one by themselves, with collection(key, {each.name!r})"
            )
        if each.levels is not None:
            raise ValueError(f"OData 3 has no levels: write expand({each.name}/{each.name}) out")
        found.setdefault(each.name, []).append(each)
    return found


def _selects(expand: Expand) -> bool:
    return bool(expand.select) or any(map(_selects, expand.expand))


def _within(several: Iterable[Expand]) -> tuple[tuple[str, ...], _Tree]:
    """Return the columns that are read of the rows along one property, and what they hold.

    Where one selects none, such as that of ``Account/Type``, the others say it, as in OData 4.
    """
    several = tuple(several)
    columns = dict.fromkeys(name for each in several for name in each.select)
    return tuple(columns), _tree(inner for each in several for inner in each.expand)


def _expansion(tree: _Tree) -> Iterator[str]:
    for name, several in tree.items():
        yield name
        yield from (f"{name}/{path}" for path in _expansion(_within(several)[1]))


def _selection(columns: Iterable[str], tree: _Tree) -> Iterator[str]:
    """Give what is shown; an expanded row that is not among it would be left out."""
    yield from columns or ("*",)
    for name, several in tree.items():
        inner, below = _within(several)
        if inner or any(map(_selects, (each for rest in below.values() for each in rest))):
            yield from (f"{name}/{path}" for path in _selection(inner, below))
        else:
            yield name
