"""The rows, in SQLite: tables, keys, transactions.

Values come and go as they are stored (see `creatio_async.emulator.values`). A guid is text in lower
case, so that its order in ``$orderby`` and in ``Id gt`` is one and the same: that of PostgreSQL.
"""

import sqlite3
import weakref
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from creatio_async.emulator.functions import add_functions
from creatio_async.emulator.schema import EMPTY_GUID, Column, Schema

__all__ = ["ConstraintError", "Store", "TooComplexError"]

_UNCHECKED = {"CreatedById", "ModifiedById", "OwnerId", "LanguageId"}
"""Lookups that are not checked, because the site fills them in by itself."""

_STREAMS = (
    'CREATE TABLE IF NOT EXISTS "@Stream" '
    '("Table" TEXT, "Id" TEXT, "Column" TEXT, "Type" TEXT, PRIMARY KEY ("Table", "Id", "Column"))'
)
"""The media types of streams that were written; no entity set has such a name."""


@define(slots=False, eq=False)
class ConstraintError(Exception):
    """The database refuses a row; the message is the text that PostgreSQL would give."""

    message: str


class TooComplexError(Exception):
    """The database cannot take a query of such a size."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Store:
    """Tables of *schemas* in the database at *path*; ``:memory:`` is one that is not kept.

    A database that is new begins as a copy of *image*, which `image` of another one gave; a file
    that is there already keeps the rows that it holds. Used by one event loop at a time; nothing in
    here waits.

    Raises:
        sqlite3.DatabaseError: The file cannot be opened, or is no database.
    """

    def __init__(
        self, path: str | Path, schemas: dict[str, Schema], image: bytes | None = None
    ) -> None:
        self.schemas = schemas
        self._sets = {name.lower(): schema for name, schema in schemas.items()}
        # Transactions are written out below; a thread other than the maker's may run the loop.
        self._database = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self._close = weakref.finalize(self, self._database.close)
        self._present: set[tuple[str, str]] = set()  # rows that lookups were seen to point to
        self._inserts: dict[str, str] = {}
        self._lookups: dict[str, list[Column]] = {}
        self._referrers: dict[str, list[tuple[str, str]]] = {name: [] for name in schemas}
        for schema in schemas.values():
            checked = [
                c for c in schema.columns if c.lookup in schemas and c.name not in _UNCHECKED
            ]
            self._lookups[schema.name] = checked
            for column in checked:
                self._referrers[column.lookup].append((schema.name, column.name))
        try:
            self._begin(image)
        except BaseException:
            self._close()
            raise

    def _begin(self, image: bytes | None) -> None:
        """Make the tables that are missing.

        Raises:
            sqlite3.DatabaseError: The file is no database.
        """
        add_functions(self._database)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        fresh = not self._database.execute("SELECT 1 FROM sqlite_master").fetchone()
        if fresh and image is not None:
            with closing(sqlite3.connect(":memory:")) as source:
                source.deserialize(image)
                source.backup(self._database)
        with self.transaction():
            for schema in self.schemas.values():
                self._create(schema)
            self._database.execute(_STREAMS)

    def image(self) -> bytes:
        """Return the whole database as bytes, from which another may begin."""
        return self._database.serialize()

    def close(self) -> None:
        """Close the database; closing twice is no harm."""
        self._close()

    def schema(self, name: str) -> Schema | None:
        """Return the schema of that entity set, without regard to case."""
        return self.schemas.get(name) or self._sets.get(name.lower())

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do all of the block or, if it raises, nothing. May be nested."""
        run = self._database.execute
        inner = self._database.in_transaction
        run("SAVEPOINT operation" if inner else "BEGIN")
        try:
            yield
        except BaseException:
            self._present.clear()
            run("ROLLBACK TO operation" if inner else "ROLLBACK")
            if inner:
                run("RELEASE operation")
            raise
        run("RELEASE operation" if inner else "COMMIT")

    def insert(self, schema: Schema, row: dict[str, Any]) -> None:
        """Add *row*, which holds a value for every column, in their order.

        Raises:
            ConstraintError: The id is taken, or a lookup points to no row.
        """
        self._check_lookups(schema, row, "insert or update on")
        try:
            self._database.execute(self._insert_sql(schema), tuple(row.values()))
        except sqlite3.IntegrityError:
            raise ConstraintError(
                'duplicate key value violates unique constraint "PK_'
                f'{schema.name}"\nDETAIL: Key ("Id")=({row["Id"]}) already exists. '
                "(Violation of PRIMARY KEY constraint)"
            ) from None

    def insert_all(self, schema: Schema, rows: Iterable[dict[str, Any]]) -> None:
        """Add *rows* as `insert` does, but without a look at their lookups."""
        values = (tuple(row.values()) for row in rows)
        self._database.executemany(self._insert_sql(schema), values)

    def update(self, schema: Schema, key: str, changes: dict[str, Any]) -> bool:
        """Change columns of one row; return False if there is none.

        Raises:
            ConstraintError: A lookup points to no row.
        """
        self._check_lookups(schema, changes, "insert or update on")
        given = ", ".join(f'"{name}" = :{name}' for name in changes)
        sql = f'UPDATE {_quoted(schema.name)} SET {given} WHERE "Id" = :Id'  # noqa: S608
        return self._database.execute(sql, {**changes, "Id": key}).rowcount > 0

    def delete(self, schema: Schema, key: str) -> bool:
        """Delete one row; return False if there is none.

        Raises:
            ConstraintError: Another row looks it up. Source: a 500 with the database's text was
                seen on a live site.
        """
        if not self.one(f'SELECT 1 FROM {_quoted(schema.name)} WHERE "Id" = ?', (key,)):  # noqa: S608
            return False
        for table, column in self._referrers[schema.name]:
            # The second condition is the index's own; SQLite would not use the index without it.
            same = f"{_quoted(column)} = ? AND {_quoted(column)} <> '{EMPTY_GUID}'"
            itself = table == schema.name  # a row that points to itself is in nobody's way
            other = ' AND "Id" <> ?' if itself else ""
            sql = f"SELECT 1 FROM {_quoted(table)} WHERE {same}{other} LIMIT 1"  # noqa: S608
            if self.one(sql, (key, key) if itself else (key,)):
                raise ConstraintError(
                    f'update or delete on table "{schema.name}" violates foreign key constraint '
                    f'"FK_{table}_{column}" on table "{table}"\nDETAIL: Key ("Id")=({key}) is '
                    f'still referenced from table "{table}".'
                )
        self._present.clear()
        self._database.execute(f'DELETE FROM {_quoted(schema.name)} WHERE "Id" = ?', (key,))  # noqa: S608
        if len(schema.plain) < len(schema.columns):
            sql = 'DELETE FROM "@Stream" WHERE "Table" = ? AND "Id" = ?'
            self._database.execute(sql, (schema.name, key))
        return True

    def stream(self, schema: Schema, key: str, column: Column) -> tuple[bytes, str | None] | None:
        """Return a stream and its media type, which is None if it is null; None for no such row."""
        sql = f'SELECT {_quoted(column.name)} FROM {_quoted(schema.name)} WHERE "Id" = ?'  # noqa: S608
        found = self.one(sql, (key,))
        if found is None:
            return None
        sql = 'SELECT "Type" FROM "@Stream" WHERE "Table" = ? AND "Id" = ? AND "Column" = ?'
        kind = self.one(sql, (schema.name, key, column.name))
        return found[0] or b"", kind[0] if kind else None

    def write_stream(
        self, schema: Schema, key: str, column: Column, data: bytes, kind: str | None
    ) -> bool:
        """Keep *data* and its media type, None for a null stream; return False for no such row."""
        with self.transaction():
            if not self.update(schema, key, {column.name: data}):
                return False
            place = (schema.name, key, column.name)
            if kind is None:
                sql = 'DELETE FROM "@Stream" WHERE "Table" = ? AND "Id" = ? AND "Column" = ?'
                self._database.execute(sql, place)
            else:
                sql = 'INSERT OR REPLACE INTO "@Stream" VALUES (?, ?, ?, ?)'
                self._database.execute(sql, (*place, kind))
        return True

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return every row of a query.

        Raises:
            TooComplexError: SQLite cannot parse it.
        """
        try:
            return self._database.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            raise TooComplexError(str(error)) from error

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None. Raises as `all` does."""
        try:
            found: tuple[Any, ...] | None = self._database.execute(sql, parameters).fetchone()
        except sqlite3.OperationalError as error:
            raise TooComplexError(str(error)) from error
        return found

    def _create(self, schema: Schema) -> None:
        columns = ", ".join(
            f"{_quoted(column.name)} {column.kind.affinity}"
            + (" PRIMARY KEY" if column.name == "Id" else "")
            for column in schema.columns
        )
        self._database.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(schema.name)} ({columns})")
        for column in self._lookups[schema.name]:
            index = _quoted(f"IX_{schema.name}_{column.name}")
            on = f"{_quoted(schema.name)} ({_quoted(column.name)})"
            # Empty lookups would make up most of the index, and no query asks for them by it.
            empty = f"WHERE {_quoted(column.name)} <> '{EMPTY_GUID}'"
            self._database.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {on} {empty}")

    def _insert_sql(self, schema: Schema) -> str:
        sql = self._inserts.get(schema.name)
        if sql is None:
            places = ", ".join("?" * len(schema.columns))
            sql = f"INSERT INTO {_quoted(schema.name)} VALUES ({places})"  # noqa: S608
            self._inserts[schema.name] = sql
        return sql

    def _check_lookups(self, schema: Schema, row: dict[str, Any], doing: str) -> None:
        for column in self._lookups[schema.name]:
            value = row.get(column.name, EMPTY_GUID)
            if value == EMPTY_GUID or value is None or (column.lookup, value) in self._present:
                continue
            if column.lookup == schema.name and value == row.get("Id"):
                continue  # a row may point to itself: a database looks when the row is there
            sql = f'SELECT 1 FROM {_quoted(column.lookup)} WHERE "Id" = ?'  # noqa: S608
            if not self.one(sql, (value,)):
                raise ConstraintError(
                    f'{doing} table "{schema.name}" violates foreign key constraint '
                    f'"FK_{schema.name}_{column.name}"\nDETAIL: Key ("{column.name}")=({value}) '
                    f'is not present in table "{column.lookup}".'
                )
            self._present.add((column.lookup, value))
