"""Rows that OData 3 creates, changes and links.

Source: [MS-ODATA] 2.2.7.2 to 2.2.7.4. A PUT sets what it does not name to what it is in a new row;
MERGE and PATCH leave it alone.
"""

from typing import Any, Final

from attrs import frozen

from creatio_async.emulator.bodies3 import Body
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.places3 import Place, Places
from creatio_async.emulator.refusals import bad_request
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.values import moment
from creatio_async.emulator.writes import Writer

__all__ = ["Writer3"]

_KEPT: Final = {"Id", "CreatedOn", "CreatedById", "ModifiedOn", "ModifiedById"}
"""What a PUT does not touch unless it names it."""


@frozen
class Writer3:
    """Writes by *writer* what bodies of OData 3 say."""

    writer: Writer
    places: Places

    def create(self, operation: Operation, place: Place, body: Body) -> dict[str, Any]:
        """Add a row to the collection at *place*, and link it; return it as it is stored.

        Raises:
            Refusal: 400, a property is unknown or a value of another type; 404, a linked row is not
                there; 500, the database refuses it.
        """
        with self.writer.store.transaction():
            schema = place.schema
            fields = dict(body.fields)
            if fields.get("Id", "") is None:
                del fields["Id"]
            if place.navigation is not None:
                fields[place.navigation.column] = place.owner
            many = self._linked(operation, schema, body, fields)
            stored = self.writer.insert(schema, fields, ieee754=True)
            self._join(many, stored["Id"])
            return stored

    def update(
        self, operation: Operation, schema: Schema, key: str, body: Body, *, whole: bool
    ) -> None:
        """Change one row, or with *whole* replace it. Raises as `create`; 404 for no such row."""
        with self.writer.store.transaction():
            fields = dict(body.fields)
            self._leave_out(schema, key, fields)
            many = self._linked(operation, schema, body, fields)
            if whole:
                fields = {**_defaults(schema), **fields}
            self.writer.update(schema, key, fields, ieee754=True)
            self._join(many, key)

    def set_link(self, schema: Schema, key: str, navigation: Navigation, linked: str) -> None:
        """Let *navigation* of one row lead to the row *linked*, or let a collection hold it."""
        if navigation.many:
            self._join([(navigation, linked)], key)
        else:
            self.writer.update(schema, key, {navigation.column: linked})

    def remove_link(self, schema: Schema, key: str, column: str) -> None:
        """Empty a lookup of one row."""
        self.writer.update(schema, key, {column: None})

    def _leave_out(self, schema: Schema, key: str, fields: dict[str, Any]) -> None:
        """Drop a time of change that comes back as it was read: a WCF client sends whole rows."""
        name = "ModifiedOn"
        given = fields.get(name)
        if isinstance(given, str):
            try:
                same = moment(given) == self.places.value(schema, key, schema.by_name[name])
            except ValueError:
                return  # the writer tells what is wrong with it
            if same:
                del fields[name]

    def _linked(
        self, operation: Operation, schema: Schema, body: Body, fields: dict[str, Any]
    ) -> list[tuple[Navigation, str]]:
        """Put the links to one row into *fields*; return those that put rows into collections."""
        many: list[tuple[Navigation, str]] = []
        for name, link in body.links:
            navigation = schema.navigation(name)
            if navigation is None or navigation.name != name:
                raise bad_request(f"The property '{name}' is no navigation property.")
            if link is None:
                if navigation.many:
                    raise bad_request(f"The collection '{name}' cannot be null.")
                fields[navigation.column] = None
                continue
            found = self.places.linked(link, operation, navigation)
            if found is None:
                continue
            if navigation.many:
                many.append((navigation, found))
            else:
                fields[navigation.column] = found
        return many

    def _join(self, many: list[tuple[Navigation, str]], owner: str) -> None:
        for navigation, member in many:
            schema = self.writer.store.schemas[navigation.target]
            self.writer.update(schema, member, {navigation.column: owner})


def _defaults(schema: Schema) -> dict[str, Any]:
    return {column.name: _default(column) for column in schema.plain if column.name not in _KEPT}


def _default(column: Column) -> Any:
    if column.kind is Kind.FLAG and column.default is not None:
        return bool(column.default)
    return column.default
