"""Links between rows, as resources of their own: ``$ref``.

Source: OASIS OData 4.0, Part 1, 11.4.6. Creatio's documents promise bindings and show none; that
it answers like this is inferred.
"""

from urllib.parse import parse_qs, urljoin

from attrs import frozen

from creatio_async.emulator.answering import json_answer, not_allowed
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.pages import Pages
from creatio_async.emulator.paths import target
from creatio_async.emulator.refusals import ODATA_VERSION, Answer, bad_request, not_found
from creatio_async.emulator.schema import EMPTY_GUID, Navigation, Schema
from creatio_async.emulator.sql import Fragment
from creatio_async.emulator.store import Store
from creatio_async.emulator.writes import Writer

__all__ = ["Links", "below_root", "linked_id", "resolved"]

_DONE = Answer(204, (ODATA_VERSION,))


def resolved(link: str, operation: Operation) -> str:
    """Return *link* with ``$1`` replaced by the row that operation 1 of the same batch created."""
    name, slash, rest = link.removeprefix("/").partition("/")
    place = operation.places.get(name[1:]) if name.startswith("$") else None
    return link if place is None else place + slash + rest


def below_root(link: str, operation: Operation) -> str:
    """Return *link* relative to the service root: it may be absolute, or relative to the host.

    One that leads elsewhere is returned as it is.
    """
    whole = resolved(link, operation)
    joined = urljoin(operation.root, whole)
    return joined.removeprefix(operation.root) if joined.startswith(operation.root) else whole


@frozen
class Links:
    """Reads, sets and removes links."""

    store: Store
    writer: Writer
    pages: Pages

    def one(
        self,
        operation: Operation,
        schema: Schema,
        key: str,
        navigation: Navigation,
        linked: str | None,
    ) -> Answer:
        """Answer ``Nav/$ref`` of a lookup, which points to the row *linked* or to none.

        Raises:
            Refusal: 400, the body is no link to such a row; 404, that row is not there; 405.
        """
        match operation.method:
            case "GET":
                if linked is None:
                    return _DONE
                place = f"{operation.root}{navigation.target}({linked})"
                context = f"{operation.root}$metadata#$ref"
                return json_answer(200, {"@odata.context": context, "@odata.id": place}, operation)
            case "PUT" | "POST":
                found = self._given(operation, navigation)
                self.writer.update(schema, key, {navigation.column: found})
                return _DONE
            case "DELETE":
                self.writer.update(schema, key, {navigation.column: None})
                return _DONE
            case _:
                raise not_allowed("GET, PUT, POST, DELETE")

    def many(
        self, operation: Operation, key: str, navigation: Navigation, within: Fragment
    ) -> Answer:
        """Answer ``Nav/$ref`` of a collection: the rows *within* that look up the row *key*.

        Raises:
            Refusal: 400, the body or ``$id`` is no link to such a row; 404, that row is not there,
                or not in the collection; 405.
        """
        related = self.store.schemas[navigation.target]
        match operation.method:
            case "GET":
                return self.pages.answer(operation, related, within, references=True)
            case "POST":
                self.join(key, navigation, self._given(operation, navigation))
                return _DONE
            case "DELETE":
                given = parse_qs(operation.query).get("$id", [""])[0]
                return self.remove(key, navigation, self.key_of(given, operation, navigation))
            case _:
                raise not_allowed("GET, POST, DELETE")

    def remove(self, key: str, navigation: Navigation, member: str) -> Answer:
        """Take the row *member* out of a collection of the row *key*.

        Raises:
            Refusal: 404, it is not in there.
        """
        related = self.store.schemas[navigation.target]
        sql = f'SELECT "{navigation.column}" FROM "{related.name}" WHERE "Id" = ?'  # noqa: S608
        if self.store.one(sql, (member,)) != (key,):
            raise not_found()
        self.writer.update(related, member, {navigation.column: None})
        return _DONE

    def _given(self, operation: Operation, navigation: Navigation) -> str:
        link = operation.json().get("@odata.id")
        if not isinstance(link, str):
            raise bad_request("The body of a link must be an object with '@odata.id'.")
        key = self.key_of(link, operation, navigation)
        sql = f'SELECT 1 FROM "{navigation.target}" WHERE "Id" = ?'  # noqa: S608
        if self.store.one(sql, (key,)) is None:
            raise not_found()
        return key

    def join(self, key: str, navigation: Navigation, member: str) -> None:
        """Put the row *member* into a collection of the row *key*."""
        related = self.store.schemas[navigation.target]
        self.writer.update(related, member, {navigation.column: key})

    def key_of(self, link: str, operation: Operation, navigation: Navigation) -> str:
        """Return the id of the row that *link* leads to.

        Raises:
            Refusal: 400, it is no link to a row of the target of *navigation*.
        """
        aim = target(below_root(link, operation))
        schema = self.store.schema(aim.name)
        if schema is None or schema.name != navigation.target or aim.key is None or aim.rest:
            raise bad_request(f"'{link}' is no link to a row of '{navigation.target}'.")
        return aim.key


def linked_id(value: str | None) -> str | None:
    """Return what a lookup points to; None where it is empty."""
    return None if value in {None, EMPTY_GUID} else value
