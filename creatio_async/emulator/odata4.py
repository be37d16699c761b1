"""OData 4 as Creatio answers it: an operation in, an answer out.

Source: academy.creatio.com, "odata web service (OData 4)", "Stream data type request examples";
where they are silent, OASIS OData 4.0.
"""

from typing import Any

import orjson
from attrs import field, frozen

from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.operations import (
    Operation,
    acceptable,
    level_of,
    takes_ieee754,
)
from creatio_async.emulator.paths import target
from creatio_async.emulator.queries import Query, options, query_of
from creatio_async.emulator.reads import Reader, Row
from creatio_async.emulator.refusals import (
    JSON,
    JSON_MINIMAL,
    ODATA_VERSION,
    Answer,
    Refusal,
    bad_query,
    not_found,
    odata_error,
)
from creatio_async.emulator.schema import EMPTY_GUID, Column, Kind, Navigation, Schema
from creatio_async.emulator.sql import Fragment, Rules
from creatio_async.emulator.store import Store, TooComplexError
from creatio_async.emulator.writes import Writer

__all__ = ["ODataService"]

_BOM = b"\xef\xbb\xbf"
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_NO_CONTENT = Answer(204, (ODATA_VERSION,))


@frozen
class ODataService:
    """Answers operations on *store*; *plain* is OData as the standard has it."""

    store: Store
    rules: Rules
    plain: bool
    reader: Reader = field(init=False)
    writer: Writer = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "reader", Reader(self.store, self.rules))
        object.__setattr__(self, "writer", Writer(self.store, self.rules.nulls))

    def answer(self, operation: Operation) -> Answer:
        """Carry out *operation*, whole or not at all."""
        try:
            return self._answer(operation)
        except Refusal as refusal:
            return refusal.answer
        except TooComplexError as error:
            return bad_query(f"The expression is too complex: {error}.").answer

    def _answer(self, operation: Operation) -> Answer:
        aim = target(operation.path)
        if aim.name == "$metadata":
            _only(operation, "GET")
            return Answer(
                200,
                (("Content-Type", "application/xml"), ODATA_VERSION),
                metadata(self.store.schemas),
            )
        if not aim.name:
            _only(operation, "GET")
            return self._service_document(operation)
        schema = self.store.schema(aim.name)
        if schema is None:
            raise self._unknown_set(aim.name)
        if aim.key is None:
            return self._set(operation, schema, aim.rest)
        return self._entity(operation, schema, aim.key, aim.rest)

    def _unknown_set(self, name: str) -> Refusal:
        if self.plain:
            return not_found(f"Resource not found for the segment '{name}'.")
        # Source: seen on a live site, with a session that was alive. The body is inferred.
        body = {"Message": "Authorization has been denied for this request."}
        return Refusal(Answer(401, (JSON,), orjson.dumps(body)))

    def _service_document(self, operation: Operation) -> Answer:
        sets = [{"name": n, "kind": "EntitySet", "url": n} for n in self.store.schemas]
        return _json(
            200, {"@odata.context": f"{operation.root}$metadata", "value": sets}, operation
        )

    def _set(self, operation: Operation, schema: Schema, rest: tuple[str, ...]) -> Answer:
        if rest == ("$count",):
            _only(operation, "GET")
            return self._count(operation, schema)
        if rest:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        match operation.method:
            case "GET":
                return self._collection(operation, schema, f"#{schema.name}", None)
            case "POST":
                return self._create(operation, schema)
            case _:
                raise _not_allowed("GET, POST")

    def _text(self, text: str) -> bytes:
        """Text as it is sent: with a byte order mark, as seen on live sites."""
        return text.encode() if self.plain else _BOM + text.encode()

    def _count(
        self, operation: Operation, schema: Schema, within: Fragment | None = None
    ) -> Answer:
        query = self._query(operation, schema)
        body = self._text(str(self.reader.count(query, within)))
        return Answer(200, (_TEXT, ODATA_VERSION), body)

    def _collection(
        self, operation: Operation, schema: Schema, name: str, within: Fragment | None
    ) -> Answer:
        query = self._query(operation, schema)
        level = level_of(operation.headers.get("accept", ""))
        body: dict[str, Any] = {"@odata.context": f"{operation.root}$metadata{name}{query.shape}"}
        if query.count:
            body["@odata.count"] = self.reader.count(query, within)
        body["value"] = self.reader.rows(query, level, within)
        return _json(200, body, operation)

    def _create(self, operation: Operation, schema: Schema) -> Answer:
        ieee754 = takes_ieee754(operation.headers.get("content-type", ""))
        stored = self.writer.insert(schema, operation.json(), ieee754=ieee754)
        place = ("Location", f"{operation.root}{schema.name}({stored['Id']})")
        if self.plain and "return=minimal" in operation.headers.get("prefer", ""):
            return Answer(204, (place, ("OData-EntityId", place[1]), ODATA_VERSION))
        level = level_of(operation.headers.get("accept", ""))
        context = f"{operation.root}$metadata#{schema.name}/$entity"
        row = self.reader.shown(schema, stored, level)
        return _json(201, {"@odata.context": context, **row}, operation, place)

    def _entity(
        self, operation: Operation, schema: Schema, key: str, rest: tuple[str, ...]
    ) -> Answer:
        if rest:
            return self._member(operation, schema, key, rest)
        match operation.method:
            case "GET":
                query = self._query(operation, schema) if operation.query else None
                return self._one(operation, query, schema, key)
            case "PATCH" | "MERGE":
                ieee754 = takes_ieee754(operation.headers.get("content-type", ""))
                self.writer.update(schema, key, operation.json(), ieee754=ieee754)
                if self.plain and "return=representation" in operation.headers.get("prefer", ""):
                    return self._one(operation, None, schema, key)
                return _NO_CONTENT
            case "DELETE":
                self.writer.delete(schema, key)
                return Answer(204)  # without headers. Source: "Batch request examples"
            case _:
                raise _not_allowed("GET, PATCH, DELETE")

    def _one(self, operation: Operation, query: Query | None, schema: Schema, key: str) -> Answer:
        level = level_of(operation.headers.get("accept", ""))
        if query is None:
            row, shape = self.reader.entity(schema, key, level), ""
        else:
            row, shape = self.reader.row(query, key, level), query.shape
        if row is None:
            raise not_found()
        context = f"{operation.root}$metadata#{schema.name}{shape}/$entity"
        return _json(200, {"@odata.context": context, **row}, operation)

    def _member(
        self, operation: Operation, schema: Schema, key: str, rest: tuple[str, ...]
    ) -> Answer:
        if rest[-1] == "$ref":
            raise odata_error(501, "Links are set by the lookup column; $ref is not implemented.")
        column = schema.column(rest[0])
        if column is not None:
            if column.kind is Kind.STREAM:
                return self._stream(operation, schema, key, column)
            return self._property(operation, schema, key, column, rest[1:])
        navigation = schema.navigation(rest[0])
        if navigation is None:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        if navigation.many:
            return self._related(operation, schema, key, navigation, rest[1:])
        _only(operation, "GET")
        found = self._value(schema, key, schema.by_name[navigation.column])
        if found in {None, EMPTY_GUID}:
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
        _only(operation, "GET")
        self._value(schema, key, schema.by_name["Id"])
        within = Fragment(f't."{navigation.column}" = ?', (key,), Kind.FLAG)
        related = self.store.schemas[navigation.target]
        if rest == ("$count",):
            return self._count(operation, related, within)
        if rest:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        return self._collection(operation, related, f"#{related.name}", within)

    def _property(
        self, operation: Operation, schema: Schema, key: str, column: Column, rest: tuple[str, ...]
    ) -> Answer:
        _only(operation, "GET")
        if rest not in {(), ("$value",)}:
            raise not_found(f"Resource not found for the segment '{rest[0]}'.")
        row: Row | None = self.reader.row(Query(schema=schema, select=(column,)), key)
        if row is None:
            raise not_found()
        value = row[column.name]
        if value is None:
            return _NO_CONTENT
        if rest:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            return Answer(200, (_TEXT, ODATA_VERSION), self._text(text))
        context = f"{operation.root}$metadata#{schema.name}({key})/{column.name}"
        return _json(200, {"@odata.context": context, "value": value}, operation)

    def _stream(self, operation: Operation, schema: Schema, key: str, column: Column) -> Answer:
        match operation.method:
            case "GET":
                data: bytes = self._value(schema, key, column) or b""
                return Answer(200, (("Content-Type", "application/octet-stream"),), data)
            case "PUT":
                self._write_stream(schema, key, column, operation.data())
                return Answer(200)
            case "DELETE":
                self._write_stream(schema, key, column, b"")
                return _NO_CONTENT
            case _:
                raise _not_allowed("GET, PUT, DELETE")

    def _write_stream(self, schema: Schema, key: str, column: Column, data: bytes) -> None:
        if not self.store.update(schema, key, {column.name: data}):
            raise not_found()

    def _value(self, schema: Schema, key: str, column: Column) -> Any:
        sql = f'SELECT "{column.name}" FROM "{schema.name}" WHERE "Id" = ?'  # noqa: S608
        found = self.store.one(sql, (key,))
        if found is None:
            raise not_found()
        return found[0]

    def _query(self, operation: Operation, schema: Schema) -> Query:
        if not operation.query:
            return Query(schema=schema)
        return query_of(options(operation.query), schema, self.store.schemas, self.rules)


def _json(
    status: int, body: dict[str, Any], operation: Operation, *headers: tuple[str, str]
) -> Answer:
    accept = operation.headers.get("accept", "")
    if not acceptable(accept):
        raise odata_error(406, f"The answer cannot be had as '{accept}'.")
    level = level_of(accept)
    kind = JSON_MINIMAL
    if level != "minimal":
        kind = ("Content-Type", f"application/json; odata.metadata={level}")
        if level == "none":
            body.pop("@odata.context", None)
    return Answer(status, (*headers, kind, ODATA_VERSION), orjson.dumps(body))


def _only(operation: Operation, method: str) -> None:
    if operation.method != method:
        raise _not_allowed(method)


def _not_allowed(methods: str) -> Refusal:
    refusal = odata_error(405, "The requested resource does not support the http method.")
    answer = refusal.answer
    return Refusal(Answer(405, (*answer.headers, ("Allow", methods)), answer.body))
