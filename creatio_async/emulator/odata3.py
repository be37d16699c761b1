"""OData 3 as Creatio's EntityDataService.svc answers it: an operation in, an answer out.

Source: academy.creatio.com, "EntityDataService.svc web service (OData 3)" and "WCF client"; where
they are silent, OData 3.0 and what is documented of WCF Data Services, on which it is built.
"""

from typing import Final

from attrs import evolve, field, frozen

from creatio_async.emulator.answering import not_allowed, only
from creatio_async.emulator.atom import AtomWriter
from creatio_async.emulator.bodies3 import entry_of, raw_value_of, value_of
from creatio_async.emulator.conditions import etag_header, not_modified
from creatio_async.emulator.formats3 import (
    ATOM,
    DOCUMENT,
    SERVICE,
    Format,
    answer3,
    check_version,
    format_of,
    refused,
    xml_type,
)
from creatio_async.emulator.links3 import Links3
from creatio_async.emulator.metadata3 import metadata3
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.pages3 import Pages3
from creatio_async.emulator.places3 import Place, Places
from creatio_async.emulator.queries import Query
from creatio_async.emulator.reads import ETAG, Reader, Row
from creatio_async.emulator.refusals import (
    ODATA_VERSION,
    Answer,
    Refusal,
    bad_query,
    bad_request,
    not_found,
    odata_error,
)
from creatio_async.emulator.schema import Column, Kind, Schema
from creatio_async.emulator.shapes3 import Shape, entity_query, shape_of
from creatio_async.emulator.sql import Rules
from creatio_async.emulator.store import Store, TooComplexError
from creatio_async.emulator.streams import Streams
from creatio_async.emulator.systables import check_open
from creatio_async.emulator.uris3 import Segment, entity_path, options3, segments, unknown_segment
from creatio_async.emulator.values3 import plain_text
from creatio_async.emulator.verbose import VERBOSE, VerboseWriter
from creatio_async.emulator.writes import Writer
from creatio_async.emulator.writes3 import Writer3

__all__ = ["OData3Service", "errors_in_json"]

_METHODS: Final = {"GET", "POST", "PUT", "MERGE", "PATCH", "DELETE"}
_TUNNELLED: Final = {"PUT", "MERGE", "PATCH", "DELETE"}
_CHANGES: Final = {"PUT", "MERGE", "PATCH"}
_OF_SETS: Final = {"$orderby", "$inlinecount", "$skip", "$top", "$skiptoken"}
"""Options that make no sense for one row. Source: the refusal of WCF Data Services."""
_PREFERENCES: Final = {"return-content", "return-no-content"}
_TEXT: Final = "text/plain;charset=utf-8"
_XML: Final = "application/xml;charset=utf-8"


@frozen
class OData3Service:
    """Answers operations on the tables of *store*, by the *rules* of the profile."""

    store: Store
    rules: Rules
    max_file_size: int
    """Bytes of one stream; 0 for no limit."""
    _reader: Reader = field(init=False)
    _pages: Pages3 = field(init=False)
    _places: Places = field(init=False)
    _writer: Writer3 = field(init=False)
    _links: Links3 = field(init=False)
    _streams: Streams = field(init=False)

    def __attrs_post_init__(self) -> None:
        # What Web API limits or tells in OData 4, WCF Data Services does not: inferred.
        rules = evolve(
            self.rules,
            node_limit=0,
            expand_depth=0,
            order_limit=0,
            select_covers_filter=False,
            exact_names=True,
        )
        set_ = object.__setattr__
        set_(self, "_reader", Reader(self.store, rules))
        set_(self, "_pages", Pages3(self._reader))
        set_(self, "_places", Places(self.store))
        set_(self, "_writer", Writer3(Writer(self.store, rules.nulls), self._places))
        set_(self, "_links", Links3(self._places, self._writer, self._pages))
        set_(self, "_streams", Streams(self.store, self.max_file_size))

    def answer(self, operation: Operation) -> Answer:
        """Carry out *operation*, whole or not at all."""
        try:
            answer = self._answer(operation)
        except Refusal as refusal:
            answer = refusal.answer
        except TooComplexError as error:
            answer = bad_query(f"The expression is too complex: {error}.").answer
        except RecursionError:
            answer = bad_query("Recursion reached allowed limit.").answer
        if ODATA_VERSION not in answer.headers:
            return answer
        return refused(answer, as_json=errors_in_json(operation))

    def _answer(self, operation: Operation) -> Answer:
        operation = _untunnelled(operation)
        check_version(operation.headers)
        if operation.method not in _METHODS:
            raise odata_error(501, f"The method '{operation.method}' is not implemented.")
        if not self.rules.system_tables:
            check_open(operation)
        path = segments(operation.path)
        if not path:
            only(operation, "GET")
            return self._service_document(operation)
        if path == (Segment("$metadata"),):
            only(operation, "GET")
            form = format_of(operation, ("application/xml",))
            streams = form.newest == 3
            body = metadata3(self.store.schemas, streams=streams)
            return answer3(200, _XML, body, version=3 if streams else 2)
        place, rest = self._places.walked(path)
        if place.key is None:
            return self._collection(operation, place, rest)
        if self.rules.etags and operation.method != "POST" and _is_of_row(place, rest):
            etag = self._reader.etag(place.schema, place.key)
            known = not_modified(operation.method, operation.headers, etag)
            if known is not None:
                return known
        if rest:
            return self._member(operation, place.schema, place.key, rest)
        return self._entity(operation, place.schema, place.key)

    def _service_document(self, operation: Operation) -> Answer:
        wish = options3(operation.query).get("$format")
        form = format_of(operation, SERVICE, wish)
        if form.is_json:
            return answer3(200, VERBOSE, _json(operation, form).service(self.store.schemas))
        body = _atom(operation, form).service(self.store.schemas)
        return answer3(200, xml_type(form), body)

    def _collection(self, operation: Operation, place: Place, rest: tuple[Segment, ...]) -> Answer:
        if rest == (Segment("$count"),) and not place.is_null:
            only(operation, "GET")
            found = self._pages.count(operation, place.schema, place.within)
            return answer3(200, _TEXT, str(found).encode(), version=2)
        if rest:
            raise unknown_segment(rest[0].name)
        if place.is_null:
            only(operation, "GET")
            return answer3(204, "", b"")
        match operation.method:
            case "GET":
                return self._feed(operation, place)
            case "POST":
                return self._create(operation, place)
            case _:
                raise not_allowed("GET, POST")

    def _feed(self, operation: Operation, place: Place) -> Answer:
        given = options3(operation.query)
        form = format_of(operation, ATOM, given.get("$format"))
        page = self._pages.page(operation, place.schema, place.within, given)
        told = page.count is not None or page.following is not None or "$select" in given
        version = _version(form, page.shape, 2 if told else 1)
        if form.is_json:
            return answer3(200, VERBOSE, _json(operation, form).feed(page), version=version)
        where, title = _named(operation)
        body = _atom(operation, form).feed(page, where, title)
        return answer3(200, "application/atom+xml;type=feed;charset=utf-8", body, version=version)

    def _create(self, operation: Operation, place: Place) -> Answer:
        form = format_of(operation, ATOM)
        schema = place.schema
        stored = self._writer.create(operation, place, entry_of(operation, schema))
        where = operation.root + entity_path(schema, stored["Id"])
        headers = (("Location", where), ("DataServiceId", where), *_applied(operation))
        if _preference(operation) == "return-no-content":
            return answer3(204, "", b"", *self._tag(schema, stored["Id"]), *headers, version=3)
        shape = shape_of(schema, self.store.schemas, None, None)
        row = self._row(shape, stored["Id"])
        return _entry_answer(201, operation, form, shape, row, *headers)

    def _entity(self, operation: Operation, schema: Schema, key: str) -> Answer:
        match operation.method:
            case "GET":
                given = options3(operation.query)
                _check_one(given)
                form = format_of(operation, ATOM, given.get("$format"))
                shape = self._pages.shape(schema, given)
                row = self._row(shape, key)
                return _entry_answer(200, operation, form, shape, row)
            case "PUT" | "MERGE" | "PATCH":
                form = format_of(operation, ATOM)
                body = entry_of(operation, schema)
                whole = operation.method == "PUT"
                self._writer.update(operation, schema, key, body, whole=whole)
                headers = _applied(operation)
                if _preference(operation) == "return-content":
                    shape = shape_of(schema, self.store.schemas, None, None)
                    row = self._row(shape, key)
                    return _entry_answer(200, operation, form, shape, row, *headers)
                return answer3(204, "", b"", *self._tag(schema, key), *headers)
            case "DELETE":
                self._writer.writer.delete(schema, key)
                return answer3(204, "", b"")
            case _:
                raise not_allowed("GET, PUT, MERGE, PATCH, DELETE")

    def _row(self, shape: Shape, key: str) -> Row:
        row = self._reader.row(entity_query(shape), key, self._reader.tagged)
        if row is None:
            raise not_found()
        return row

    def _tag(self, schema: Schema, key: str) -> tuple[tuple[str, str], ...]:
        return etag_header(self._reader.etag(schema, key)) if self.rules.etags else ()

    def _member(
        self, operation: Operation, schema: Schema, key: str, rest: tuple[Segment, ...]
    ) -> Answer:
        first, *others = rest
        if first.name == "$links" and others and not others[1:]:
            return self._links.answer(operation, schema, key, others[0])
        column = schema.by_name.get(first.name)
        if column is None or first.key is not None:
            raise unknown_segment(first.name)
        if column.kind is Kind.STREAM:
            if others:
                raise unknown_segment(others[0].name)
            answer = self._streams.answer(operation, schema, key, column)
            if operation.method == "PUT":
                return answer3(204, "", b"", version=3)
            kept = tuple(h for h in answer.headers if h[0] != "OData-Version")
            return answer3(answer.status, "", answer.body, *kept, version=3)
        if others not in ([], [Segment("$value")]):
            raise unknown_segment(others[0].name)
        return self._property(operation, schema, key, column, raw=bool(others))

    def _property(
        self, operation: Operation, schema: Schema, key: str, column: Column, *, raw: bool
    ) -> Answer:
        if operation.method == "GET":
            query = Query(schema=schema, select=(column,))
            row = self._reader.row(query, key, "none")
            if row is None:
                raise not_found()
            return _value_answer(operation, column, row, raw=raw)
        if operation.method in _CHANGES:
            value = (raw_value_of if raw else value_of)(operation, column)
        elif operation.method == "DELETE" and raw:
            value = None
        else:
            raise not_allowed("GET, PUT, MERGE, PATCH, DELETE" if raw else "GET, PUT, MERGE, PATCH")
        if column.name == "Id":
            raise bad_request("The key of a row cannot be changed.")
        self._writer.writer.update(schema, key, {column.name: value}, ieee754=True)
        return answer3(204, "", b"")


def _untunnelled(operation: Operation) -> Operation:
    """The operation that a POST stands for. Source: [MS-ODATA] 2.2.5.8, ``X-HTTP-Method``."""
    wanted = operation.headers.get("x-http-method")
    if wanted is None:
        return operation
    if operation.method != "POST":
        raise bad_request("The header 'X-HTTP-Method' can be sent with a POST only.")
    if wanted not in _TUNNELLED:
        raise bad_request(f"The header 'X-HTTP-Method' has an invalid value: '{wanted}'.")
    return evolve(operation, method=wanted)


def _check_one(given: dict[str, str]) -> None:
    wrong = sorted(_OF_SETS & given.keys())
    if wrong:
        raise bad_query(f"Query options {', '.join(wrong)} cannot be applied to one row.")


def _preference(operation: Operation) -> str:
    words = [word.strip().lower() for word in operation.headers.get("prefer", "").split(",")]
    return next((word for word in words if word in _PREFERENCES), "")


def _applied(operation: Operation) -> tuple[tuple[str, str], ...]:
    wanted = _preference(operation)
    return (("Preference-Applied", wanted),) if wanted else ()


def errors_in_json(operation: Operation) -> bool:
    """Whether a refusal is told in JSON: where that is what the caller would rather have."""
    try:
        wish = options3(operation.query).get("$format")
        return format_of(operation, DOCUMENT, wish).is_json
    except Refusal:
        try:
            return format_of(operation, ATOM).is_json
        except Refusal:
            return False


def _atom(operation: Operation, form: Format) -> AtomWriter:
    return AtomWriter(operation.root, form.newest == 3)


def _json(operation: Operation, form: Format) -> VerboseWriter:
    return VerboseWriter(operation.root, form.newest)


def _is_of_row(place: Place, rest: tuple[Segment, ...]) -> bool:
    """Whether it is about the row itself, or a value in it: not a link, not a stream."""
    column = place.schema.by_name.get(rest[0].name) if rest else None
    return not rest or (column is not None and column.kind is not Kind.STREAM)


def _version(form: Format, shape: Shape, least: int) -> int:
    """The version that it takes to understand an answer, as far as the caller goes.

    In JSON that is the version whose dates are written.
    """
    if form.is_json and form.newest == 3:
        return 3
    return min(form.newest, 3 if shape.has_streams else least)


def _entry_answer(
    status: int,
    operation: Operation,
    form: Format,
    shape: Shape,
    row: Row,
    *headers: tuple[str, str],
) -> Answer:
    version = _version(form, shape, 1 if shape.is_whole else 2)
    if ETAG in row:
        headers = (("ETag", row[ETAG]), *headers)
    if form.is_json:
        body, kind = _json(operation, form).entry(row, shape), VERBOSE
    else:
        body = _atom(operation, form).entry(row, shape)
        kind = "application/atom+xml;type=entry;charset=utf-8"
    return answer3(status, kind, body, *headers, version=version)


def _value_answer(operation: Operation, column: Column, row: Row, *, raw: bool) -> Answer:
    if raw:
        text = plain_text(column, row[column.name])
        if text is None:
            # Source: OData 3.0, Core, 10.2.4.1.
            raise not_found(f"The value of the property '{column.name}' is null.")
        return answer3(200, _TEXT, text.encode())
    form = format_of(operation, DOCUMENT, options3(operation.query).get("$format"))
    if form.is_json:
        version = 3 if form.newest == 3 and column.kind is Kind.DATE else 1
        return answer3(200, VERBOSE, _json(operation, form).property(column, row), version=version)
    kind = xml_type(form)
    return answer3(200, kind, _atom(operation, form).property(column, row))


def _named(operation: Operation) -> tuple[str, str]:
    """Where a feed is, and what it is called: the path and its last segment."""
    where = operation.path.strip("/").removesuffix("()")
    return where, where.rpartition("/")[2]
