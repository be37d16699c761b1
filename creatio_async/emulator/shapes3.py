"""What an answer of OData 3 shows of a row: ``$select`` and ``$expand`` as paths, made into a tree.

Source: OData 3.0, URL conventions, 10.2.3.6 and 10.2.3.7: ``$expand=Account,Account/Type`` and
``$select=Id,Account/Name``. What is expanded and not selected is left out.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen
from odata_query import ast

from creatio_async.emulator.filters3 import TYPES_NAMESPACE
from creatio_async.emulator.queries import Expand, Order, Query
from creatio_async.emulator.refusals import Refusal, bad_query
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema

__all__ = ["PAGE", "Shape", "entity_query", "page_order", "shape_of"]

PAGE: Final = 40
"""Rows of a page, of an expanded collection as well. Source: the vendor's guides for 7.10 to 7.14;
that it holds for what is expanded is inferred from WCF Data Services."""

_DEEPEST: Final = 12
"""Segments of a path."""

Paths = tuple[tuple[str, ...], ...]


@frozen(eq=False)
class Shape:
    """What is shown of each row of *schema*."""

    schema: Schema
    columns: tuple[Column, ...]
    """In the order of the schema, streams among them."""
    links: tuple[Navigation, ...]
    """Navigation properties of which only the address is shown."""
    expands: tuple[tuple[Navigation, "Shape"], ...] = ()
    whole: bool = True
    """Whether nothing was left out by ``$select``."""

    @property
    def has_streams(self) -> bool:
        """Whether a stream is shown of a row or of one that is expanded, which takes version 3."""
        own = any(column.kind is Kind.STREAM for column in self.columns)
        return own or any(shape.has_streams for _, shape in self.expands)

    @property
    def is_whole(self) -> bool:
        """Whether ``$select`` left out nothing here or in what is expanded."""
        return self.whole and all(shape.is_whole for _, shape in self.expands)

    def options(self) -> str:
        """Return the query text that gives this shape: for a link to more rows of it."""
        expand = _expanded(self)
        found = [f"$expand={','.join(expand)}"] if expand else []
        if not self.is_whole:
            found.append(f"$select={','.join(_selected(self))}")
        return "&".join(found)


def _expanded(shape: Shape) -> list[str]:
    found: list[str] = []
    for navigation, inner in shape.expands:
        found.append(navigation.name)
        found += [f"{navigation.name}/{path}" for path in _expanded(inner)]
    return found


def _selected(shape: Shape) -> list[str]:
    names = ["*"] if shape.whole else [column.name for column in shape.columns]
    names += [navigation.name for navigation in shape.links]
    for navigation, inner in shape.expands:
        if inner.is_whole:
            names.append(navigation.name)
        else:
            names += [f"{navigation.name}/{name}" for name in _selected(inner)]
    return names


def shape_of(
    schema: Schema, schemas: Mapping[str, Schema], expand: str | None, select: str | None
) -> Shape:
    """Return the shape that the two options make; None stands for an option that is not given.

    Raises:
        Refusal: 400, a path is malformed, or names what is not there or not expanded.
    """
    expands = _paths(expand or "")
    selects = None if select is None or not select.strip() else _paths(select)
    return _shape(schema, schemas, expands, selects)


def _paths(text: str) -> Paths:
    found: list[tuple[str, ...]] = []
    for item in text.split(","):
        path = tuple(name.strip() for name in item.split("/"))
        if path == ("",) and not text.strip():
            continue
        if not all(path) or len(path) > _DEEPEST:
            raise bad_query(f"Syntax error: the path '{item}' is not valid.")
        found.append(path)
    return tuple(found)


def _shape(
    schema: Schema, schemas: Mapping[str, Schema], expands: Paths, selects: Paths | None
) -> Shape:
    below: dict[str, list[tuple[str, ...]]] = {}
    for name, *rest in expands:
        below.setdefault(name, [])
        if rest:
            below[name].append(tuple(rest))
    navigations = {navigation.name: navigation for navigation in schema.navigations}
    for name in below:
        if name not in navigations:
            raise _unknown(name, schema)
    names, inner = _chosen(schema, navigations, below, selects)
    whole = selects is None or "*" in names
    columns = tuple(c for c in schema.columns if whole or c.name in names)
    opened: list[tuple[Navigation, Shape]] = []
    links: list[Navigation] = []
    for name, navigation in navigations.items():
        shown = selects is None or name in names or name in inner
        if not shown:
            continue
        if name not in below:
            links.append(navigation)
            continue
        chosen = None if selects is None or name in names else tuple(inner[name])
        target = schemas[navigation.target]
        opened.append((navigation, _shape(target, schemas, tuple(below[name]), chosen)))
    return Shape(schema, columns, tuple(links), tuple(opened), whole)


def _chosen(
    schema: Schema,
    navigations: Mapping[str, Navigation],
    below: Mapping[str, object],
    selects: Paths | None,
) -> tuple[set[str], dict[str, list[tuple[str, ...]]]]:
    """The names that are selected of the row itself, and the paths into what is expanded."""
    names: set[str] = set()
    inner: dict[str, list[tuple[str, ...]]] = {}
    for name, *rest in selects or ():
        if not rest and (name == "*" or name in navigations or name in schema.by_name):
            names.add(name)
        elif not rest or name not in navigations:
            raise _unknown(name, schema)
        elif name not in below:
            raise bad_query(
                f"Only navigation properties specified in expand option can be traversed in select "
                f"option, but found '{name}'."
            )
        else:
            inner.setdefault(name, []).append(tuple(rest))
    return names, inner


def _unknown(name: str, schema: Schema) -> Refusal:
    return bad_query(
        f"Could not find a property named '{name}' on type '{TYPES_NAMESPACE}.{schema.name}'."
    )


def page_order() -> tuple[Order, ...]:
    """Return the order of rows by their ids."""
    return (Order(ast.Identifier("Id"), descending=False),)


def entity_query(shape: Shape) -> Query:
    """Return the query that reads rows of *shape*: the id is always among the columns."""
    plain = [c for c in shape.columns if c.kind is not Kind.STREAM]
    key = shape.schema.by_name["Id"]
    select = tuple(plain) if key in plain else (key, *plain)
    expand = tuple(Expand(navigation, _inner(navigation, s)) for navigation, s in shape.expands)
    return Query(schema=shape.schema, select=select, expand=expand)


def _inner(navigation: Navigation, shape: Shape) -> Query:
    query = entity_query(shape)
    if not navigation.many:
        return query
    return Query(
        schema=query.schema,
        select=query.select,
        expand=query.expand,
        order=page_order(),
        top=PAGE + 1,  # one more, to see whether there is a next page
    )
