"""Rows on their way into the store: what a body may say, defaults, and what Creatio fills in."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from creatio_async.emulator.refusals import Refusal, bad_request, not_found, server_error
from creatio_async.emulator.schema import EMPTY_DATE, EMPTY_GUID, Kind, Schema
from creatio_async.emulator.store import ConstraintError, Store
from creatio_async.emulator.tables import SUPERVISOR
from creatio_async.emulator.values import new_guid, now, stored

__all__ = ["Writer"]


@frozen
class Writer:
    """Writes rows into *store*; with *nulls* an unset lookup or date is null, not empty."""

    store: Store
    nulls: bool
    _defaults: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]], init=False)

    def insert(
        self, schema: Schema, body: Mapping[str, Any], *, ieee754: bool = False
    ) -> dict[str, Any]:
        """Add a row and return it as it is stored, with the id in *body* or a new one.

        Raises:
            Refusal: 400, a property is unknown or its value of another type; 500, the id is taken
                or a lookup points to no row, with the database's text.
        """
        row = self.prepared(schema, self._changes(schema, body, ieee754=ieee754))
        try:
            self.store.insert(schema, row)
        except ConstraintError as error:
            raise _database_error(error) from None
        return row

    def prepared(self, schema: Schema, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return a whole row as it is stored: *changes*, defaults, and what Creatio fills in."""
        row = {**self.defaults(schema), **changes}
        if row["Id"] == EMPTY_GUID:
            row["Id"] = new_guid()
        _fill_in(schema, row)
        return row

    def update(
        self, schema: Schema, key: str, body: Mapping[str, Any], *, ieee754: bool = False
    ) -> None:
        """Change the columns that *body* names.

        Raises:
            Refusal: 400 and 500 as for `insert`; 404, there is no such row.
        """
        changes = self._changes(schema, body, ieee754=ieee754)
        changes.pop("Id", None)
        changes.setdefault("ModifiedOn", now())
        try:
            if not self.store.update(schema, key, changes):
                raise not_found()
        except ConstraintError as error:
            raise _database_error(error) from None

    def delete(self, schema: Schema, key: str) -> None:
        """Delete a row.

        Raises:
            Refusal: 404, there is no such row; 500, another row looks it up.
        """
        try:
            if not self.store.delete(schema, key):
                raise not_found()
        except ConstraintError as error:
            raise _database_error(error) from None

    def defaults(self, schema: Schema) -> dict[str, Any]:
        """Return a row in which nothing is set."""
        row = self._defaults.get(schema.name)
        if row is None:
            row = {
                column.name: self._unset(column.kind, column.default) for column in schema.columns
            }
            row["Id"] = EMPTY_GUID
            self._defaults[schema.name] = row
        return row

    def _unset(self, kind: Kind, default: Any) -> Any:
        if default is not None:
            return default
        return None if self.nulls and kind in {Kind.GUID, Kind.DATE} else kind.empty

    def _changes(self, schema: Schema, body: Mapping[str, Any], *, ieee754: bool) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, value in body.items():
            column = schema.by_name.get(name)
            if column is None:
                self._other(schema, name)
            elif column.kind is Kind.STREAM:
                raise bad_request(f"The stream property '{name}' cannot be written in a body.")
            else:
                changes[name] = stored(column, value, ieee754=ieee754, nulls=self.nulls)
        return changes

    def _other(self, schema: Schema, name: str) -> None:
        """Take a name that is no column: an annotation, or a navigation property.

        Creatio drops a navigation property in silence. Source: seen on a live site.
        """
        own, at, _ = name.partition("@")
        navigation = next((n for n in schema.navigations if n.name == own.partition("/")[0]), None)
        if at and (navigation is not None or not own or own in schema.by_name):
            return
        if navigation is None:
            raise bad_request(
                f"The property '{name}' does not exist on type '{schema.type_name}'. Make sure to "
                "only use property names that are defined by the type."
            )


def _fill_in(schema: Schema, row: dict[str, Any]) -> None:
    moment = now()
    for name in ("CreatedOn", "ModifiedOn"):
        if row[name] in {None, EMPTY_DATE}:
            row[name] = moment
    for name in ("CreatedById", "ModifiedById"):
        if row[name] in {None, EMPTY_GUID}:
            row[name] = SUPERVISOR
    if schema.name == "Contact" and not (row["Surname"] or row["GivenName"]):
        # Source: the answer to a new contact "New user", "Stream data type request examples".
        first, _, last = row["Name"].partition(" ")
        row["GivenName"], row["Surname"] = (first, last) if last else ("", first)


def _database_error(error: ConstraintError) -> Refusal:
    return server_error(error.message, "Terrasoft.Common.DbOperationException")
