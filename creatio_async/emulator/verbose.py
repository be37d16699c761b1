"""Answers of OData 3 in verbose JSON: ``{"d": ...}``.

Source: OData 3.0, JSON Verbose Format; that dates are ISO 8601 without a zone, as in its version 3,
was seen in the code of a client of Creatio. The older versions: [MS-ODATA] 2.2.6.3.
"""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from attrs import frozen

from creatio_async.emulator.atom import following_of
from creatio_async.emulator.filters3 import TYPES_NAMESPACE
from creatio_async.emulator.pages3 import Page
from creatio_async.emulator.reads import ETAG, Row
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.shapes3 import PAGE, Shape
from creatio_async.emulator.uris3 import COLLECTION, entity_path
from creatio_async.emulator.values3 import verbose_json

__all__ = ["VERBOSE", "VerboseWriter"]

VERBOSE: Final = "application/json;odata=verbose;charset=utf-8"
_OCTETS: Final = "application/octet-stream"


@frozen
class VerboseWriter:
    """Writes documents of the service at *root*, an address with a slash at its end."""

    root: str
    version: int
    """The newest that the caller knows. Only version 3 has streams, and dates in ISO 8601."""

    def feed(self, page: Page) -> bytes:
        """Return a page of a collection."""
        rows = [self._row(row, page.shape) for row in page.rows]
        return _document(self._paged(rows, page))

    def entry(self, row: Row, shape: Shape) -> bytes:
        """Return one row."""
        return _document(self._row(row, shape))

    def property(self, column: Column, row: Row) -> bytes:
        """Return one value, under its name."""
        return _document({column.name: verbose_json(column, row[column.name], self.version)})

    def link(self, schema: Schema, key: str) -> bytes:
        """Return where one row is."""
        return _document({"uri": self.root + entity_path(schema, key)})

    def links(self, schema: Schema, page: Page) -> bytes:
        """Return where the rows of a page are."""
        uris = [{"uri": self.root + entity_path(schema, row["Id"])} for row in page.rows]
        return _document(self._paged(uris, page))

    def service(self, names: Iterable[str]) -> bytes:
        """Return the service document."""
        return _document({"EntitySets": [name + COLLECTION for name in names]})

    def _row(self, row: Row, shape: Shape) -> dict[str, Any]:
        uri = self.root + entity_path(shape.schema, row["Id"])
        told = {"id": uri, "uri": uri, "type": f"{TYPES_NAMESPACE}.{shape.schema.name}"}
        if ETAG in row:
            told["etag"] = row[ETAG]
        shown: dict[str, Any] = {"__metadata": told}
        for column in shape.columns:
            if column.kind is not Kind.STREAM:
                shown[column.name] = verbose_json(column, row[column.name], self.version)
            elif self.version == 3:
                place = f"{uri}/{column.name}"
                media = {"edit_media": place, "media_src": place, "content_type": _OCTETS}
                shown[column.name] = {"__mediaresource": media}
        for navigation in shape.links:
            shown[navigation.name] = {"__deferred": {"uri": f"{uri}/{navigation.name}"}}
        for navigation, inner in shape.expands:
            shown[navigation.name] = self._inline(row, uri, navigation, inner)
        return shown

    def _inline(
        self, row: Row, uri: str, navigation: Navigation, inner: Shape
    ) -> dict[str, Any] | list[dict[str, Any]] | None:
        found = row[navigation.name]
        if not navigation.many:
            return None if found is None else self._row(found, inner)
        following = following_of(f"{uri}/{navigation.name}", found, inner)
        rows = [self._row(member, inner) for member in found[:PAGE]]
        return self._paged(rows, Page(found[:PAGE], inner, None, following))

    def _paged(
        self, rows: list[dict[str, Any]], page: Page
    ) -> dict[str, Any] | list[dict[str, Any]]:
        found: dict[str, Any] = {"results": rows}
        if page.count is not None:
            found["__count"] = str(page.count)
        if page.following is not None:
            found["__next"] = page.following
        # Version 1 has neither, and no object around the rows.
        return rows if self.version == 1 and len(found) == 1 else found


def _document(content: dict[str, Any] | list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"d": content})
