"""The rows that a filter is about, and the way from them to others by navigation paths."""

from attrs import field, frozen

from creatio_async.emulator.refusals import Refusal, bad_query, server_error
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.sql import Fragment, Rules

__all__ = ["Scope"]


@frozen
class Scope:
    """The rows of one table in a query, and the tables joined to them by navigation paths."""

    schema: Schema
    schemas: dict[str, Schema]
    alias: str
    rules: Rules
    joins: dict[tuple[str, ...], tuple[str, Schema]] = field(
        factory=dict[tuple[str, ...], tuple[str, Schema]], init=False
    )
    join_sql: list[str] = field(factory=list[str], init=False)
    columns: set[str] = field(factory=set[str], init=False)
    """The columns of the table itself that a filter has named."""
    aliases: list[str] = field(factory=list[str])
    """Every alias of the whole query, so that each is used once."""

    def source(self) -> str:
        """Return what stands after FROM."""
        return " ".join([f'"{self.schema.name}" AS {self.alias}', *self.join_sql])

    def column(self, path: tuple[str, ...], *, condition: bool) -> Fragment:
        """Return the column at the end of *path*, joining the tables on the way.

        In a *condition* a lookup is refused where it must be asked by its path. Source: seen on
        live sites for ``$filter``; nothing tells the same of ``$orderby``.
        """
        *way, last = path
        if last == "$count" and way:
            return self._number(tuple(way))
        alias, schema = self._joined(tuple(way))
        column = self._own_column(schema, last)
        if column is None:
            navigation = self._own_navigation(schema, last)
            if navigation is None:
                raise _unknown(last, schema)
            if navigation.many:
                raise bad_query(f"The property '{last}' is a collection; use any or all.")
            found = schema.by_name[navigation.column]
            return Fragment(f'{alias}."{found.name}"', (), Kind.GUID, navigation=True)
        if condition and column.lookup and self.rules.lookup_by_path:
            dotted = ".".join([*way, column.name])
            raise server_error(
                f"Column by path {dotted} not found in schema {self.schema.name}",
                "Terrasoft.Common.ItemNotFoundException",
            )
        if column.kind is Kind.STREAM:
            raise bad_query(f"The property '{column.name}' is a stream and cannot be compared.")
        if not way:
            self.columns.add(column.name)
        return Fragment(f'{alias}."{column.name}"', (), column.kind)

    def target(self, path: tuple[str, ...]) -> Schema:
        """Return the table at the end of *path*, all of which are lookups."""
        return self._joined(path)[1]

    def collection(self, path: tuple[str, ...]) -> tuple[str, Navigation]:
        """Return the alias whose id the rows of the collection at *path* look up."""
        *way, last = path
        alias, schema = self._joined(tuple(way))
        navigation = self._own_navigation(schema, last)
        if navigation is None:
            raise _unknown(last, schema)
        if not navigation.many:
            raise bad_query(f"Any/All may only be used following a collection; '{last}' is none.")
        return alias, navigation

    def _number(self, path: tuple[str, ...]) -> Fragment:
        """The number of rows of the collection at *path*."""
        alias, navigation = self.collection(path)
        inner = self.inner(self.schemas[navigation.target])
        member = f'{inner.alias}."{navigation.column}" = {alias}."Id"'
        text = f"(SELECT count(*) FROM {inner.source()} WHERE {member})"  # noqa: S608
        return Fragment(text, (), Kind.WHOLE)

    def inner(self, schema: Schema) -> "Scope":
        """Return a scope for rows of *schema* inside this one, as of a lambda expression."""
        return Scope(schema, self.schemas, self._new_alias(), self.rules, self.aliases)

    def _joined(self, way: tuple[str, ...]) -> tuple[str, Schema]:
        if not way:
            return self.alias, self.schema
        key = tuple(name.lower() for name in way)
        if key in self.joins:
            return self.joins[key]
        alias, schema = self._joined(way[:-1])
        navigation = self._own_navigation(schema, way[-1])
        if navigation is None:
            raise _unknown(way[-1], schema)
        if navigation.many:
            raise bad_query(f"The property '{way[-1]}' is a collection; use any or all.")
        target, joined = self.schemas[navigation.target], self._new_alias()
        self.join_sql.append(
            f'LEFT JOIN "{target.name}" AS {joined} '
            f'ON {joined}."Id" = {alias}."{navigation.column}"'
        )
        self.joins[key] = joined, target
        return joined, target

    def _own_column(self, schema: Schema, name: str) -> Column | None:
        return schema.by_name.get(name) if self.rules.exact_names else schema.column(name)

    def _own_navigation(self, schema: Schema, name: str) -> Navigation | None:
        found = schema.navigation(name)
        other = found is not None and self.rules.exact_names and found.name != name
        return None if other else found

    def _new_alias(self) -> str:
        self.aliases.append(f"t{len(self.aliases) + 1}")
        return self.aliases[-1]


def _unknown(name: str, schema: Schema) -> Refusal:
    return bad_query(f"Could not find a property named '{name}' on type '{schema.type_name}'.")
