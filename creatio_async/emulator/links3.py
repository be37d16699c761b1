"""Links between rows, as resources of their own: ``$links``.

Source: OData 3.0, Core, 10.2.5 and 10.3.5; [MS-ODATA] 2.2.3.5.
"""

from attrs import frozen

from creatio_async.emulator.answering import not_allowed
from creatio_async.emulator.atom import AtomWriter
from creatio_async.emulator.bodies3 import uri_of
from creatio_async.emulator.formats3 import DOCUMENT, answer3, format_of, xml_type
from creatio_async.emulator.links import linked_id
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.pages3 import Pages3
from creatio_async.emulator.places3 import Places
from creatio_async.emulator.refusals import Answer, bad_query, bad_request, not_found
from creatio_async.emulator.schema import Kind, Navigation, Schema
from creatio_async.emulator.sql import Fragment
from creatio_async.emulator.uris3 import Segment, options3, unknown_segment
from creatio_async.emulator.verbose import VERBOSE, VerboseWriter
from creatio_async.emulator.writes3 import Writer3

__all__ = ["Links3"]


@frozen
class Links3:
    """Reads, sets and removes links."""

    places: Places
    writer: Writer3
    pages: Pages3

    def answer(self, operation: Operation, schema: Schema, key: str, segment: Segment) -> Answer:
        """Answer ``$links`` of the row *key*; *segment* names the navigation property after it.

        Raises:
            Refusal: 400, the body is no link to such a row; 404, a row is not there, or the link is
                not; 405.
        """
        navigation = schema.navigation(segment.name)
        if navigation is None or navigation.name != segment.name:
            raise unknown_segment(segment.name)
        if navigation.many:
            return self._many(operation, schema, key, navigation, segment.key)
        if segment.key is not None:
            raise bad_query(f"The segment '{segment.name}' is one row and takes no key.")
        return self._one(operation, schema, key, navigation)

    def _one(
        self, operation: Operation, schema: Schema, key: str, navigation: Navigation
    ) -> Answer:
        match operation.method:
            case "GET":
                column = schema.by_name[navigation.column]
                linked = linked_id(self.places.value(schema, key, column))
                if linked is None:
                    raise not_found(f"The link '{navigation.name}' is empty.")
                return self._uri(operation, navigation, linked)
            case "PUT" | "MERGE" | "PATCH":
                self._set(operation, schema, key, navigation)
            case "DELETE":
                self.writer.remove_link(schema, key, navigation.column)
            case _:
                raise not_allowed("GET, PUT, MERGE, PATCH, DELETE")
        return answer3(204, "", b"")

    def _many(
        self,
        operation: Operation,
        schema: Schema,
        key: str,
        navigation: Navigation,
        member: str | None,
    ) -> Answer:
        self.places.value(schema, key, schema.by_name["Id"])
        related = self.places.store.schemas[navigation.target]
        if member is not None:
            if self.places.value(related, member, related.by_name[navigation.column]) != key:
                raise not_found()
            if operation.method == "GET":
                return self._uri(operation, navigation, member)
            if operation.method != "DELETE":
                raise not_allowed("GET, DELETE")
            self.writer.remove_link(related, member, navigation.column)
            return answer3(204, "", b"")
        if operation.method == "POST":
            self._set(operation, schema, key, navigation)
            return answer3(204, "", b"")
        if operation.method != "GET":
            raise not_allowed("GET, POST")
        given = options3(operation.query)
        form = format_of(operation, DOCUMENT, given.get("$format"))
        within = Fragment(f't."{navigation.column}" = ?', (key,), Kind.FLAG)
        shown = {**given, "$select": "Id"}
        shown.pop("$expand", None)
        page = self.pages.page(operation, related, within, shown)
        if form.is_json:
            body = VerboseWriter(operation.root, form.newest).links(related, page)
            return answer3(200, VERBOSE, body)
        body = AtomWriter(operation.root, streams=False).links(related, page)
        return answer3(200, xml_type(form), body)

    def _uri(self, operation: Operation, navigation: Navigation, key: str) -> Answer:
        form = format_of(operation, DOCUMENT, options3(operation.query).get("$format"))
        related = self.places.store.schemas[navigation.target]
        if form.is_json:
            body = VerboseWriter(operation.root, form.newest).link(related, key)
            return answer3(200, VERBOSE, body)
        body = AtomWriter(operation.root, streams=False).link(related, key)
        return answer3(200, xml_type(form), body)

    def _set(self, operation: Operation, schema: Schema, key: str, navigation: Navigation) -> None:
        uri = uri_of(operation)
        linked = self.places.linked(uri, operation, navigation)
        if linked is None:
            raise bad_request(f"'{uri}' is no link to a row.")
        self.writer.set_link(schema, key, navigation, linked)
