"""OData 4 as Creatio answers it: an operation in, an answer out.

Source: academy.creatio.com, "odata web service (OData 4)", "Stream data type request examples";
where they are silent, OASIS OData 4.0.
"""

from typing import Any
from urllib.parse import unquote, unquote_plus

import orjson
from attrs import evolve, field, frozen

from creatio_async.emulator.answering import (
    check_acceptable,
    json_acceptable,
    json_answer,
    not_allowed,
    only,
)
from creatio_async.emulator.bindings import Bindings, Bound
from creatio_async.emulator.conditions import etag_header, not_modified
from creatio_async.emulator.links import Links, linked_id
from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.operations import Operation, level_of, takes_ieee754
from creatio_async.emulator.pages import TEXT, Pages, text_body
from creatio_async.emulator.paths import split_key, target
from creatio_async.emulator.queries import Query
from creatio_async.emulator.reads import Reader
from creatio_async.emulator.refusals import (
    JSON,
    ODATA_VERSION,
    Answer,
    Refusal,
    bad_query,
    not_found,
    odata_error,
)
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.sql import Fragment, Rules
from creatio_async.emulator.store import Store, TooComplexError
from creatio_async.emulator.streams import Streams
from creatio_async.emulator.systables import check_open
from creatio_async.emulator.values import is_guid
from creatio_async.emulator.writes import Writer

__all__ = ["ODataService"]

_FORMATS = {
    "json": "application/json",
    "xml": "application/xml",
    "atom": "application/atom+xml",
}
_METHODS = {"GET", "POST", "PUT", "PATCH", "MERGE", "DELETE", "HEAD", "OPTIONS"}
_NO_CONTENT = Answer(204, (ODATA_VERSION,))


@frozen
class ODataService:
    """Answers operations on *store* by *rules*."""

    store: Store
    rules: Rules
    max_file_size: int
    """Bytes of one stream; 0 for no limit."""
    reader: Reader = field(init=False)
    writer: Writer = field(init=False)
    _pages: Pages = field(init=False)
    _links: Links = field(init=False)
    _bindings: Bindings = field(init=False)
    _streams: Streams = field(init=False)

    def __attrs_post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "reader", Reader(self.store, self.rules))
        set_(self, "writer", Writer(self.store, self.rules.nulls))
        set_(self, "_pages", Pages(self.reader, self.rules))
        set_(self, "_links", Links(self.store, self.writer, self._pages))
        set_(self, "_bindings", Bindings(self._links))
        set_(self, "_streams", Streams(self.store, self.max_file_size))

    def answer(self, operation: Operation) -> Answer:
        """Carry out *operation*, whole or not at all."""
        try:
            return self._answer(operation)
        except Refusal as refusal:
            return refusal.answer
        except TooComplexError as error:
            return bad_query(f"The expression is too complex: {error}.").answer
        except RecursionError:
            return bad_query("The recursion limit has been exceeded.").answer

    def _answer(self, operation: Operation) -> Answer:
        operation = _formatted(operation)
        if operation.method not in _METHODS:
            raise odata_error(501, f"The method '{operation.method}' is not implemented.")
        if not self.rules.system_tables:
            check_open(operation)
        aim = target(operation.path)
        if aim.name == "$metadata":
            only(operation, "GET")
            return Answer(
                200,
                (("Content-Type", "application/xml"), ODATA_VERSION),
                metadata(self.store.schemas),
            )
        if not aim.name:
            only(operation, "GET")
            return self._service_document(operation)
        schema = self.store.schema(aim.name)
        if schema is None:
            raise self._unknown_set(aim.name)
        if aim.key is None:
            return self._set(operation, schema, aim.rest)
        return self._entity(operation, schema, aim.key, aim.rest)

    def _unknown_set(self, name: str) -> Refusal:
        if self.rules.plain:
            return not_found(f"Resource not found for the segment '{name}'.")
        # Source: seen on a live site, with a session that was alive. The body is inferred.
        body = {"Message": "Authorization has been denied for this request."}
        return Refusal(Answer(401, (JSON,), orjson.dumps(body)))

    def _service_document(self, operation: Operation) -> Answer:
        sets = [{"name": n, "kind": "EntitySet", "url": n} for n in self.store.schemas]
        context = f"{operation.root}$metadata"
        return json_answer(200, {"@odata.context": context, "value": sets}, operation)

    def _set(self, operation: Operation, schema: Schema, rest: tuple[str, ...]) -> Answer:
        if rest == ("$count",):
            only(operation, "GET")
            return self._pages.count(operation, schema)
        if rest:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        match operation.method:
            case "GET":
                return self._pages.answer(operation, schema)
            case "POST":
                return self._create(operation, schema)
            case _:
                raise not_allowed("GET, POST")

    def _create(self, operation: Operation, schema: Schema) -> Answer:
        check_acceptable(operation)
        ieee754 = takes_ieee754(operation.headers.get("content-type", ""))
        body = self._body(operation, schema)
        with self.store.transaction():
            stored = self.writer.insert(schema, body.fields, ieee754=ieee754)
            self._bindings.join(body, stored["Id"])
        place = ("Location", f"{operation.root}{schema.name}({stored['Id']})")
        headers: tuple[tuple[str, str], ...] = (place,)
        if self.rules.honours_return or self.rules.etags:
            wanted = self._wanted(operation)
            headers = (place, *self._etag(schema, stored["Id"]), *_applied(wanted))
            if wanted == "minimal":
                return Answer(204, (("OData-EntityId", place[1]), *headers, ODATA_VERSION))
        level = level_of(operation.headers.get("accept", ""))
        context = f"{operation.root}$metadata#{schema.name}/$entity"
        row = self.reader.shown(schema, stored, level)
        return json_acceptable(201, {"@odata.context": context, **row}, operation, *headers)

    def _body(self, operation: Operation, schema: Schema) -> Bound:
        """What the body of a write says; Creatio does not see the links in it."""
        if self.rules.plain:
            return self._bindings.read(operation, schema)
        return Bound(operation.json())

    def _wanted(self, operation: Operation) -> str:
        """What the answer to a write shall hold, if that is honoured."""
        if not self.rules.honours_return:
            return ""
        wanted = operation.preference("return")
        return wanted if wanted in {"minimal", "representation"} else ""

    def _etag(self, schema: Schema, key: str) -> tuple[tuple[str, str], ...]:
        return etag_header(self.reader.etag(schema, key)) if self.rules.etags else ()

    def _entity(
        self, operation: Operation, schema: Schema, key: str, rest: tuple[str, ...]
    ) -> Answer:
        if rest:
            return self._member(operation, schema, key, rest)
        if self.rules.etags:
            etag = self.reader.etag(schema, key)
            known = not_modified(operation.method, operation.headers, etag)
            if known is not None:
                return known
        match operation.method:
            case "GET":
                query = self._pages.query(operation, schema) if operation.query else None
                return self._one(operation, query, schema, key)
            case "PATCH" | "MERGE":
                return self._update(operation, schema, key)
            case "DELETE":
                self.writer.delete(schema, key)
                return Answer(204)  # without headers. Source: "Batch request examples"
            case _:
                raise not_allowed("GET, PATCH, DELETE")

    def _update(self, operation: Operation, schema: Schema, key: str) -> Answer:
        wanted = self._wanted(operation)
        if wanted == "representation":
            check_acceptable(operation)
        ieee754 = takes_ieee754(operation.headers.get("content-type", ""))
        body = self._body(operation, schema)
        with self.store.transaction():
            self.writer.update(schema, key, body.fields, ieee754=ieee754)
            self._bindings.join(body, key)
        if wanted == "representation":
            return self._one(operation, None, schema, key, *_applied(wanted))
        headers = (*self._etag(schema, key), *_applied(wanted))
        return Answer(204, (*headers, ODATA_VERSION)) if headers else _NO_CONTENT

    def _one(
        self,
        operation: Operation,
        query: Query | None,
        schema: Schema,
        key: str,
        *headers: tuple[str, str],
    ) -> Answer:
        level = level_of(operation.headers.get("accept", ""))
        if query is None:
            row, shape = self.reader.entity(schema, key, level), ""
        else:
            row, shape = self.reader.row(query, key, level), query.shape
        if row is None:
            raise not_found()
        context = f"{operation.root}$metadata#{schema.name}{shape}/$entity"
        told = (*self._etag(schema, key), *headers)
        return json_answer(200, {"@odata.context": context, **row}, operation, *told)

    def _member(
        self, operation: Operation, schema: Schema, key: str, rest: tuple[str, ...]
    ) -> Answer:
        name, *others = rest = split_key(rest)
        column = schema.column(name)
        if column is not None:
            if column.kind is Kind.STREAM and not others:
                return self._streams.answer(operation, schema, key, column)
            return self._property(operation, schema, key, column, rest[1:])
        navigation = schema.navigation(name)
        if navigation is None:
            raise not_found(f"Resource not found for the segment '{name}'.")
        if navigation.many:
            return self._related(operation, schema, key, navigation, rest[1:])
        found = linked_id(self._value(schema, key, schema.by_name[navigation.column]))
        if rest[1:] == ("$ref",):
            return self._links.one(operation, schema, key, navigation, found)
        only(operation, "GET")
        if found is None:
            return _NO_CONTENT
        return self._entity(operation, self.store.schemas[navigation.target], found, rest[1:])

    def _related(
        self,
        operation: Operation,
        schema: Schema,
        key: str,
        navigation: Navigation,
        rest: tuple[str, ...],
    ) -> Answer:
        self._value(schema, key, schema.by_name["Id"])
        within = Fragment(f't."{navigation.column}" = ?', (key,), Kind.FLAG)
        related = self.store.schemas[navigation.target]
        if rest == ("$ref",):
            return self._links.many(operation, key, navigation, within)
        if rest and is_guid(rest[0]):
            return self._in_collection(operation, key, navigation, rest[0].lower(), rest[1:])
        only(operation, "GET")
        if rest == ("$count",):
            return self._pages.count(operation, related, within)
        if rest:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        return self._pages.answer(operation, related, within)

    def _in_collection(
        self,
        operation: Operation,
        key: str,
        navigation: Navigation,
        member: str,
        rest: tuple[str, ...],
    ) -> Answer:
        """Answer one row of a collection, which must be in there."""
        if rest == ("$ref",):
            only(operation, "DELETE")
            return self._links.remove(key, navigation, member)
        related = self.store.schemas[navigation.target]
        if self._value(related, member, related.by_name[navigation.column]) != key:
            raise not_found()
        return self._entity(operation, related, member, rest)

    def _property(
        self, operation: Operation, schema: Schema, key: str, column: Column, rest: tuple[str, ...]
    ) -> Answer:
        only(operation, "GET")
        if rest not in {(), ("$value",)} or column.kind is Kind.STREAM:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        row = self.reader.row(Query(schema=schema, select=(column,)), key)
        if row is None:
            raise not_found()
        value = row[column.name]
        if value is None:
            return _NO_CONTENT
        if rest:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            return Answer(200, (TEXT, ODATA_VERSION), text_body(text, self.rules))
        context = f"{operation.root}$metadata#{schema.name}({key})/{column.name}"
        return json_answer(200, {"@odata.context": context, "value": value}, operation)

    def _value(self, schema: Schema, key: str, column: Column) -> Any:
        sql = f'SELECT "{column.name}" FROM "{schema.name}" WHERE "Id" = ?'  # noqa: S608
        found = self.store.one(sql, (key,))
        if found is None:
            raise not_found()
        return found[0]


def _formatted(operation: Operation) -> Operation:
    """Let ``$format`` go before Accept. Source: OASIS OData 4.0, Part 1, 11.2.11."""
    if "format=" not in operation.query:
        return operation
    pairs = (pair.partition("=") for pair in operation.query.split("&"))
    wish = next((unquote_plus(value) for n, _, value in pairs if unquote(n) == "$format"), "")
    if not wish:
        return operation
    accept = _FORMATS.get(wish.lower(), wish)
    return evolve(operation, headers={**operation.headers, "accept": accept})


def _applied(wanted: str) -> tuple[tuple[str, str], ...]:
    return (("Preference-Applied", f"return={wanted}"),) if wanted else ()
