"""Collections of OData 3 in pages of 40 rows, each of which tells where the next one begins.

A ``$skiptoken`` holds what the last row of a page is ordered by, and its id: rows that are added or
deleted in between neither repeat others nor hide them. Source: "forced paging" in the vendor's
guides for 7.10 to 7.14; the form of the token is that of WCF Data Services.
"""

from typing import Any
from urllib.parse import quote, unquote_plus

from attrs import evolve, frozen
from odata_query import ast

from creatio_async.emulator.filters import compiled
from creatio_async.emulator.filters3 import filter_tree, order_of
from creatio_async.emulator.literals import literal_sql
from creatio_async.emulator.literals3 import literal, tokens
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.queries import Query
from creatio_async.emulator.reads import Reader, Row
from creatio_async.emulator.refusals import Refusal, bad_query
from creatio_async.emulator.schema import Kind, Schema
from creatio_async.emulator.scopes import Scope
from creatio_async.emulator.shapes3 import PAGE, Shape, entity_query, shape_of
from creatio_async.emulator.sql import Fragment
from creatio_async.emulator.uris3 import number_of, options3

__all__ = ["Page", "Pages3"]

_SAFE = "'(),:$"
_PAGING = {"$top", "$skip", "$skiptoken"}


@frozen
class Page:
    """Some rows of a collection."""

    rows: list[Row]
    shape: Shape
    count: int | None
    """All rows, whatever the paging, where that was asked."""
    following: str | None
    """The address of the next page."""


@frozen
class Pages3:
    """Reads pages by *reader*."""

    reader: Reader

    def shape(self, schema: Schema, given: dict[str, str]) -> Shape:
        """Return what the options *given* show of rows of *schema*."""
        schemas = self.reader.store.schemas
        return shape_of(schema, schemas, given.get("$expand"), given.get("$select"))

    def count(self, operation: Operation, schema: Schema, within: Fragment | None) -> int:
        """Return the number of rows that the filter of an address finds.

        Raises:
            Refusal: 400, an option is malformed or unknown.
        """
        return self.reader.count(self._query(options3(operation.query), schema), within)

    def page(
        self, operation: Operation, schema: Schema, within: Fragment | None, given: dict[str, str]
    ) -> Page:
        """Return the page that an address asks for; *within* is a condition on the table ``t``.

        Raises:
            Refusal: 400, an option is malformed or names what is not there; 500, where Creatio
                fails.
        """
        shape = self.shape(schema, given)
        query = self._query(given, schema)
        wanted = entity_query(shape)
        query = evolve(query, select=wanted.select, expand=wanted.expand)
        count = self.reader.count(query, within) if _counts(given) else None
        top = number_of("$top", given["$top"]) if "$top" in given else None
        skip = number_of("$skip", given["$skip"]) if "$skip" in given else 0
        if "$skiptoken" in given:
            after = self._after(query, given["$skiptoken"])
            within = after if within is None else _both(within, after)
        size = PAGE + 1 if top is None or top > PAGE else top
        rows = self.reader.rows(evolve(query, top=size, skip=skip), self.reader.tagged, within)
        following = None
        if len(rows) > PAGE:
            del rows[PAGE:]
            left = None if top is None else top - PAGE
            token = self._token(query, rows[-1]["Id"])
            following = _next(operation, token, left)
        return Page(rows, shape, count, following)

    def _query(self, given: dict[str, str], schema: Schema) -> Query:
        rules = self.reader.rules
        query = Query(schema=schema)
        if given.get("$filter"):
            query = evolve(query, where=filter_tree(given["$filter"], rules))
        if given.get("$orderby"):
            query = evolve(query, order=order_of(given["$orderby"], rules))
        return query

    def _ordered(self, query: Query, alias: str) -> tuple[Scope, list[Fragment]]:
        scope = Scope(query.schema, self.reader.store.schemas, alias, self.reader.rules)
        return scope, [compiled(item.tree, scope, condition=False) for item in query.order]

    def _token(self, query: Query, key: str) -> str:
        """The place of a row in the order of *query*."""
        scope, items = self._ordered(query, "s")
        words: list[str] = []
        if items:
            columns = ", ".join(item.text for item in items)
            parameters = (*(p for item in items for p in item.parameters), key)
            sql = f'SELECT {columns} FROM {scope.source()} WHERE s."Id" = ?'  # noqa: S608
            values = self.reader.store.one(sql, parameters) or ()
            words = [_literal(i.kind, value) for i, value in zip(items, values, strict=True)]
        return ",".join([*words, f"guid'{key}'"])

    def _after(self, query: Query, token: str) -> Fragment:
        """The condition of the rows that come after a token in the order of *query*."""
        try:
            parts = [t for t in tokens(token) if t.kind != "end"]
            nodes = [literal(part.text) for part in parts[::2] if part.kind == "literal"]
        except ValueError:
            raise _malformed(token) from None
        commas = all(part.text == "," for part in parts[1::2])
        whole = len(nodes) == len(query.order) + 1 and len(parts) == 2 * len(nodes) - 1
        if not (whole and commas) or not isinstance(nodes[-1], ast.GUID):
            raise _malformed(token)
        key = literal_sql(nodes[-1], self.reader.rules)
        if not query.order:
            return Fragment('t."Id" > ?', key.parameters, Kind.FLAG)
        scope, items = self._ordered(query, "s")
        same: list[Fragment] = []
        ways: list[Fragment] = []
        for order, item, node in zip(query.order, items, nodes[:-1], strict=True):
            value = literal_sql(node, self.reader.rules)
            if not _comparable(item.kind, value.kind):
                raise _malformed(token)
            ways.append(_all([*same, _beyond(item, value, down=order.descending)]))
            same.append(item.beside(value, f"({item.text} IS {value.text})", Kind.FLAG))
        ways.append(_all([*same, Fragment('s."Id" > ?', key.parameters, Kind.FLAG)]))
        text = " OR ".join(f"({way.text})" for way in ways)
        inner = f'SELECT s."Id" FROM {scope.source()} WHERE {text}'  # noqa: S608
        parameters = tuple(p for way in ways for p in way.parameters)
        return Fragment(f't."Id" IN ({inner})', parameters, Kind.FLAG)


def _counts(given: dict[str, str]) -> bool:
    wish = given.get("$inlinecount", "none")
    if wish not in {"none", "allpages"}:
        raise bad_query(f"Unknown $inlinecount option '{wish}', only 'allpages' and 'none' are.")
    return wish == "allpages"


def _beyond(item: Fragment, value: Fragment, *, down: bool) -> Fragment:
    """What comes after a value: in SQLite nulls are less than all else."""
    if value.kind is None:
        text = "0" if down else f"({item.text} IS NOT NULL)"
        return Fragment(text, () if down else item.parameters, Kind.FLAG)
    if not down:
        return item.beside(value, f"({item.text} > {value.text})", Kind.FLAG)
    text = f"({item.text} < {value.text} OR {item.text} IS NULL)"
    return Fragment(text, item.parameters + value.parameters + item.parameters, Kind.FLAG)


def _all(conditions: list[Fragment]) -> Fragment:
    text = " AND ".join(condition.text for condition in conditions)
    return Fragment(text, tuple(p for c in conditions for p in c.parameters), Kind.FLAG)


def _both(one: Fragment, other: Fragment) -> Fragment:
    return one.beside(other, f"{one.text} AND {other.text}", Kind.FLAG)


def _comparable(kind: Kind | None, given: Kind | None) -> bool:
    numbers = {Kind.WHOLE, Kind.DECIMAL}
    return given is None or kind is given or {kind, given} <= numbers


def _literal(kind: Kind | None, value: Any) -> str:
    if value is None:
        return "null"
    match kind:
        case Kind.GUID:
            return f"guid'{value}'"
        case Kind.DATE:
            return f"datetime'{value}'"
        case Kind.TEXT:
            doubled = str(value).replace("'", "''")
            return f"'{doubled}'"
        case Kind.FLAG:
            return "true" if value else "false"
        case Kind.DECIMAL:
            number = f"{value}L" if isinstance(value, int) else f"{value!r}d"
            return number.replace("inf", "INF")
        case _:
            return str(value)


def _malformed(token: str) -> Refusal:
    return bad_query(f"The skiptoken '{token}' is malformed.")


def _next(operation: Operation, token: str, left: int | None) -> str:
    kept = [pair for pair in operation.query.split("&") if pair and _name(pair) not in _PAGING]
    if left is not None:
        kept.append(f"$top={left}")
    kept.append(f"$skiptoken={quote(token, safe=_SAFE)}")
    return f"{operation.root}{operation.path}?{'&'.join(kept)}"


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0]).strip()
