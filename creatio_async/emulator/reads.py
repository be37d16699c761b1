"""Rows read from the store as JSON would have them."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from attrs import evolve, frozen

from creatio_async.emulator.filters import compiled
from creatio_async.emulator.queries import Expand, Order, Query
from creatio_async.emulator.refusals import Refusal, bad_query, server_error
from creatio_async.emulator.schema import EMPTY_GUID, Column, Kind, Schema
from creatio_async.emulator.scopes import Scope
from creatio_async.emulator.search import search_sql
from creatio_async.emulator.sql import Fragment, Rules
from creatio_async.emulator.store import Store

__all__ = ["ETAG", "Level", "Reader", "Row"]

Row = dict[str, Any]

Level = str
"""How much is told beside the fields: ``none``, ``minimal`` or ``full``."""

ETAG = "@odata.etag"

_AT_ONCE = 500
"""Ids in one IN of an expansion; SQLite takes 999 parameters in its older versions."""


@frozen
class _Projection:
    """The SQL that gives the fields of a row, and the names that they have in JSON."""

    sql: str
    names: tuple[str, ...]
    flags: tuple[str, ...]

    def row(self, values: Iterable[Any]) -> Row:
        row = dict(zip(self.names, values, strict=True))
        for name in self.flags:
            row[name] = bool(row[name])
        return row


@lru_cache(maxsize=1024)
def _entity(schema: Schema, level: Level, etags: bool) -> tuple[str, _Projection]:  # noqa: FBT001
    projection = _projection(schema, schema.columns, "t", level, etags)
    table = schema.name
    return f'SELECT {projection.sql} FROM "{table}" AS t WHERE t."Id" = ?', projection  # noqa: S608


@lru_cache(maxsize=1024)
def _projection(
    schema: Schema,
    columns: tuple[Column, ...],
    alias: str,
    level: Level,
    etags: bool,  # noqa: FBT001 - the cache knows places faster than names
) -> _Projection:
    """Return how *columns* are read; the last value of a row is for the emulator itself: its id."""
    pairs: list[tuple[str, str]] = []
    if etags and level != "none":
        pairs.append((ETAG, _etag(alias)))
    if level == "full":
        link = f"'{schema.name}(' || {alias}.\"Id\" || ')'"
        pairs += [
            ("@odata.type", f"'#{schema.type_name}'"),
            ("@odata.id", link),
            ("@odata.editLink", link),
        ]
    for column in columns:
        place = f'{alias}."{column.name}"'
        match column.kind:
            case Kind.STREAM:
                pairs += _stream(schema, column, alias) if level != "none" else []
            case Kind.DATE:
                pairs += _typed(column, level)
                pairs.append((column.name, f"{place} || 'Z'"))
            case _:
                pairs += _typed(column, level)
                pairs.append((column.name, place))
    return _Projection(
        ", ".join(sql for _, sql in pairs) or "NULL",
        tuple(name for name, _ in pairs),
        tuple(column.name for column in columns if column.kind is Kind.FLAG),
    )


def _etag(alias: str) -> str:
    return f"'W/\"' || {alias}.\"ModifiedOn\" || '\"'"


def _typed(column: Column, level: Level) -> list[tuple[str, str]]:
    if level != "full" or column.kind in {Kind.TEXT, Kind.FLAG, Kind.WHOLE}:
        return []
    return [(f"{column.name}@odata.type", f"'#{column.kind.value.removeprefix('Edm.')}'")]


def _stream(schema: Schema, column: Column, alias: str) -> list[tuple[str, str]]:
    """The three annotations of a stream; both links are relative.

    Source: academy.creatio.com, "Stream data type request examples".
    """
    link = f"'{schema.name}(' || {alias}.\"Id\" || ')/{column.name}'"
    return [
        (f"{column.name}@odata.mediaEditLink", link),
        (f"{column.name}@odata.mediaReadLink", link),
        (f"{column.name}@odata.mediaContentType", "'application/octet-stream'"),
    ]


@frozen
class Reader:
    """Reads queries from *store* by the *rules* of a profile."""

    store: Store
    rules: Rules

    @property
    def tagged(self) -> Level:
        """The least level that tells the entity tags of rows, where there are any."""
        return "minimal" if self.rules.etags else "none"

    def count(self, query: Query, within: Fragment | None = None) -> int:
        """Return the number of rows that the filter of *query* finds, whatever its paging."""
        scope = self._scope(query.schema)
        where, parameters = self._where(query, scope, within)
        found = self.store.one(f"SELECT count(*) FROM {scope.source()}{where}", parameters)  # noqa: S608
        return int(found[0]) if found else 0

    def rows(
        self, query: Query, level: Level = "minimal", within: Fragment | None = None
    ) -> list[Row]:
        """Return the rows of *query*; *within* is a further condition, on the table ``t``.

        Raises:
            Refusal: 400, a name is unknown; 500, there are more rows than one answer may hold.
        """
        scope = self._scope(query.schema)
        where, parameters = self._where(query, scope, within)
        order, order_parameters = self._order(query, scope)
        columns = query.select if query.select is not None else query.schema.columns
        expands = query.expand
        read = self._with_lookups(columns, expands, query.schema)
        etags = self.rules.etags
        projection = _projection(query.schema, read, scope.alias, level, etags)
        limit = self._limit(query)
        sql = f"SELECT {projection.sql} FROM {scope.source()}{where}{order}{limit}"  # noqa: S608
        found = self.store.all(sql, parameters + order_parameters)
        if self.rules.row_limit and len(found) > self.rules.row_limit:
            raise _too_many(self.rules.row_limit)
        if not projection.names:
            return [{} for _ in found]
        rows = [projection.row(values) for values in found]
        for expand in expands:
            self._expand(rows, expand, level)
        for name in {column.name for column in read} - {column.name for column in columns}:
            for row in rows:
                del row[name]
        return rows

    def row(self, query: Query, key: str, level: Level = "minimal") -> Row | None:
        """Return the one row of that id, or None."""
        found = self.rows(query, level, Fragment('t."Id" = ?', (key,), Kind.FLAG))
        return found[0] if found else None

    def entity(self, schema: Schema, key: str, level: Level = "minimal") -> Row | None:
        """Return the row of that id with every field, or None: `row` for the plainest query."""
        sql, projection = _entity(schema, level, self.rules.etags)
        values = self.store.one(sql, (key,))
        return None if values is None else projection.row(values)

    def shown(self, schema: Schema, stored: Row, level: Level) -> Row:
        """Return a row that was *stored* just now; where it is easy, without reading it back."""
        if schema.dates is None or level != "minimal" or self.rules.etags:
            return self.entity(schema, stored["Id"], level) or {}
        row = dict(stored)
        for name in schema.dates:
            if row[name] is not None:
                row[name] += "Z"
        return row

    def etag(self, schema: Schema, key: str) -> str | None:
        """Return the entity tag of one row, or None if there is no such row."""
        sql = f'SELECT {_etag("t")} FROM "{schema.name}" AS t WHERE t."Id" = ?'  # noqa: S608
        found = self.store.one(sql, (key,))
        return None if found is None else str(found[0])

    def _scope(self, schema: Schema) -> Scope:
        return Scope(schema, self.store.schemas, "t", self.rules)

    def _where(
        self, query: Query, scope: Scope, within: Fragment | None
    ) -> tuple[str, tuple[Any, ...]]:
        found = [within] if within is not None else []
        if query.where is not None:
            found.append(compiled(query.where, scope, condition=True))
            self._check_cover(query, scope)
        if query.search is not None:
            found.append(search_sql(query.search, query.schema, scope.alias))
        if not found:
            return "", ()
        text = " AND ".join(fragment.text for fragment in found)
        return f" WHERE {text}", tuple(p for fragment in found for p in fragment.parameters)

    def _check_cover(self, query: Query, scope: Scope) -> None:
        if not self.rules.select_covers_filter or query.select is None:
            return
        selected = {column.name for column in query.select}
        for name in sorted(scope.columns - selected):
            raise server_error(
                f"Column by path {name} not found in schema {query.schema.name}",
                "Terrasoft.Common.ItemNotFoundException",
            )

    def _order(self, query: Query, scope: Scope) -> tuple[str, tuple[Any, ...]]:
        paged = query.top is not None or query.skip
        if not (query.order or paged):
            return "", ()
        items = [(self._ordered(item, scope), item.descending) for item in query.order]
        words = [f"{item.text} {'DESC' if down else 'ASC'}" for item, down in items]
        # Pages of equal keys would overlap otherwise. Source: the setting
        # UseAdditionalSortingByIdWhenOffsetFetch is on by default.
        words.append(f'{scope.alias}."Id"')
        parameters = tuple(p for item, _ in items for p in item.parameters)
        return f" ORDER BY {', '.join(words)}", parameters

    @staticmethod
    def _ordered(item: Order, scope: Scope) -> Fragment:
        fragment = compiled(item.tree, scope, condition=False)
        if fragment.navigation or fragment.kind is None:
            raise bad_query(
                "The $orderby expression must evaluate to a single value of primitive type."
            )
        return fragment

    def _limit(self, query: Query) -> str:
        most = self.rules.row_limit + 1 if self.rules.row_limit else -1
        if query.top is not None:
            most = query.top if most < 0 else min(query.top, most)
        return f" LIMIT {most} OFFSET {query.skip}" if most >= 0 or query.skip else ""

    @staticmethod
    def _with_lookups(
        columns: tuple[Column, ...], expands: tuple[Expand, ...], schema: Schema
    ) -> tuple[Column, ...]:
        """The columns to read: those asked for, and those by which an expansion finds its rows."""
        needed = ["Id" if e.navigation.many else e.navigation.column for e in expands]
        given = {column.name for column in columns}
        extra = [schema.by_name[name] for name in dict.fromkeys(needed) if name not in given]
        return (*columns, *extra)

    def _expand(self, rows: list[Row], expand: Expand, level: Level) -> None:
        navigation = expand.navigation
        if navigation.many:
            self._expand_many(rows, expand, level)
            return
        ids = dict.fromkeys(row[navigation.column] for row in rows)
        ids.pop(EMPTY_GUID, None)
        ids.pop(None, None)
        found = {row.pop("Id", ""): shown for row, shown in self._by_id(expand, list(ids), level)}
        for row in rows:
            row[navigation.name] = found.get(row[navigation.column])

    def _by_id(self, expand: Expand, ids: list[str], level: Level) -> list[tuple[Row, Row]]:
        rows: list[tuple[Row, Row]] = []
        for start in range(0, len(ids), _AT_ONCE):
            some = tuple(ids[start : start + _AT_ONCE])
            within = Fragment(f't."Id" IN ({_places(len(some))})', some, Kind.FLAG)
            rows += self._keyed(expand, "Id", level, within)
        return rows

    def _expand_many(self, rows: list[Row], expand: Expand, level: Level) -> None:
        navigation, query, form = expand.navigation, expand.query, expand.form
        members: dict[str, list[Row]] = {row["Id"]: [] for row in rows}
        ids = list(members)
        for start in range(0, len(ids), _AT_ONCE):
            some = tuple(ids[start : start + _AT_ONCE])
            text = f't."{navigation.column}" IN ({_places(len(some))})'
            within = Fragment(text, some, Kind.FLAG)
            for row, shown in self._keyed(expand, navigation.column, level, within):
                members[row[navigation.column]].append(shown)
        stop = None if query.top is None else query.skip + query.top
        for row in rows:
            found = members[row["Id"]]
            if query.count or form == "/$count":
                row[f"{navigation.name}@odata.count"] = len(found)
            if form != "/$count":
                row[navigation.name] = found[query.skip : stop]

    def _keyed(
        self, expand: Expand, key: str, level: Level, within: Fragment
    ) -> list[tuple[Row, Row]]:
        """Rows of all parents at once: each with its key, and as it is shown."""
        query = expand.query
        if expand.form:
            query = evolve(query, select=(query.schema.by_name["Id"],), expand=())
        columns = query.schema.columns if query.select is None else query.select
        hidden = key not in {column.name for column in columns}
        found: list[tuple[Row, Row]] = []
        for row in self.rows(_widened(query, key), level, within):
            shown = row
            if expand.form:
                shown = {"@odata.id": f"{query.schema.name}({row['Id']})"}
            elif hidden:
                shown = {n: v for n, v in row.items() if n != key}
            found.append(({key: row[key]}, shown))
        return found


def _widened(query: Query, key: str) -> Query:
    """The query for the rows of many parents: with the key, without the paging for each."""
    select = query.select
    if select is not None and key not in {column.name for column in select}:
        select = (*select, query.schema.by_name[key])
    return Query(
        schema=query.schema,
        select=select,
        expand=query.expand,
        where=query.where,
        search=query.search,
        order=query.order,
    )


def _places(count: int) -> str:
    return ", ".join("?" * count)


def _too_many(limit: int) -> Refusal:
    return server_error(
        f"The number of rows in the result exceeds the limit of {limit} (MaxEntityRowCount).",
        "System.InvalidObjectStateException",
    )
