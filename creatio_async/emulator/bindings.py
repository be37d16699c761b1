"""``Nav@odata.bind`` in the body of a row: links to rows, which may be of the same batch.

Source: OASIS OData JSON Format 4.0, section 8.5. Creatio drops it in silence, as was seen on a live
site; this is for the profile "standard".
"""

from typing import Any, Final

from attrs import define, field, frozen

from creatio_async.emulator.jsontypes import as_list
from creatio_async.emulator.links import Links
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.refusals import bad_request
from creatio_async.emulator.schema import Navigation, Schema

__all__ = ["Bindings", "Bound"]

_BIND: Final = "@odata.bind"


@define
class Bound:
    """What a body says of a row, with links replaced by ids."""

    fields: dict[str, Any]
    members: list[tuple[Navigation, str]] = field(factory=list[tuple[Navigation, str]])
    """Rows that go into collections of the row."""


@frozen
class Bindings:
    """Follows bindings by *links*."""

    links: Links

    def read(self, operation: Operation, schema: Schema) -> Bound:
        """Return what the body of *operation* says.

        Raises:
            Refusal: 400, a binding is of no navigation property, or leads to no row of its target.
        """
        bound = Bound({})
        for name, value in operation.json().items():
            if not name.endswith(_BIND):
                bound.fields[name] = value
                continue
            navigation = schema.navigation(name.removesuffix(_BIND))
            if navigation is None:
                raise bad_request(f"'{name}' binds no navigation property.")
            if navigation.many:
                links = as_list(value)
                if links is None:
                    raise bad_request(f"'{name}' must be an array of links.")
                bound.members += [(navigation, self._key(operation, navigation, x)) for x in links]
            else:
                bound.fields[navigation.column] = self._key(operation, navigation, value)
        return bound

    def join(self, bound: Bound, key: str) -> None:
        """Put the rows that go into collections of the row *key* there."""
        for navigation, member in bound.members:
            self.links.join(key, navigation, member)

    def _key(self, operation: Operation, navigation: Navigation, link: Any) -> str:
        if not isinstance(link, str):
            raise bad_request(f"'{navigation.name}' is bound by an address.")
        return self.links.key_of(link, operation, navigation)
