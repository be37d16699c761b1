"""Where an address of OData 3 leads: along navigation properties to a row, or to a collection."""

from typing import Any

from attrs import frozen

from creatio_async.emulator.links import below_root, linked_id
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.refusals import bad_query, bad_request, not_found
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.sql import Fragment
from creatio_async.emulator.store import Store
from creatio_async.emulator.uris3 import COLLECTION, Segment, segments, unknown_segment

__all__ = ["Place", "Places"]


@frozen(kw_only=True)
class Place:
    """A row, where there is a *key*; no row, at the end of an empty lookup; or a collection."""

    schema: Schema
    key: str | None = None
    is_null: bool = False
    within: Fragment | None = None
    """The condition of the rows of a collection on the table ``t``; None for a whole set."""
    owner: str = ""
    """The row whose collection it is."""
    navigation: Navigation | None = None
    """The way from there."""


@frozen
class Places:
    """Finds places in *store*."""

    store: Store

    def walked(self, path: tuple[Segment, ...]) -> tuple[Place, tuple[Segment, ...]]:
        """Return where *path* leads, and what stands after that: a property, ``$links``, ...

        Raises:
            Refusal: 404, there is no such set, or no row on the way; 400, a key is where none is.
        """
        first, *rest = path
        name = first.name.removesuffix(COLLECTION)
        schema = self.store.schemas.get(name)
        if schema is None or name == first.name:
            raise unknown_segment(first.name)
        place = Place(schema=schema, key=first.key)
        while rest and place.key is not None:
            navigation = place.schema.navigation(rest[0].name)
            if navigation is None or navigation.name != rest[0].name:
                break
            place = self._followed(place.schema, place.key, navigation, rest.pop(0).key)
        if rest and place.is_null:
            raise unknown_segment(rest[0].name)
        return place, tuple(rest)

    def _followed(
        self, schema: Schema, owner: str, navigation: Navigation, key: str | None
    ) -> Place:
        target = self.store.schemas[navigation.target]
        if not navigation.many:
            if key is not None:
                raise bad_query(f"The segment '{navigation.name}' is one row and takes no key.")
            found = linked_id(self.value(schema, owner, schema.by_name[navigation.column]))
            if found is not None and not self.exists(target, found):
                found = None
            return Place(schema=target, key=found, is_null=found is None, navigation=navigation)
        self.value(schema, owner, schema.by_name["Id"])
        if key is None:
            within = Fragment(f't."{navigation.column}" = ?', (owner,), Kind.FLAG)
            return Place(schema=target, within=within, owner=owner, navigation=navigation)
        if self.value(target, key, target.by_name[navigation.column]) != owner:
            raise not_found()
        return Place(schema=target, key=key)

    def value(self, schema: Schema, key: str, column: Column) -> Any:
        """Return a value as it is stored.

        Raises:
            Refusal: 404, there is no such row.
        """
        sql = f'SELECT "{column.name}" FROM "{schema.name}" WHERE "Id" = ?'  # noqa: S608
        found = self.store.one(sql, (key,))
        if found is None:
            raise not_found()
        return found[0]

    def exists(self, schema: Schema, key: str) -> bool:
        """Tell whether there is such a row."""
        return self.store.one(f'SELECT 1 FROM "{schema.name}" WHERE "Id" = ?', (key,)) is not None  # noqa: S608

    def linked(self, link: str, operation: Operation, navigation: Navigation) -> str | None:
        """Return the id of the row that a *link* of *operation* leads to; None for a collection.

        A link is absolute, or relative to the host or to the service root; ``$1`` is the row that
        operation 1 of the same change set created.

        Raises:
            Refusal: 400, it is no link to a row of the target of *navigation*; 404, that row is not
                there.
        """
        whole = below_root(link, operation)
        path = () if "://" in whole or "?" in whole else segments(whole)
        if not path or path[0].name.startswith("$"):
            raise bad_request(f"'{link}' is no link to a row of '{navigation.target}'.")
        place, rest = self.walked(path)
        if rest or place.schema.name != navigation.target:
            raise bad_request(f"'{link}' is no link to a row of '{navigation.target}'.")
        if place.key is not None and not self.exists(place.schema, place.key):
            raise not_found()
        return place.key
