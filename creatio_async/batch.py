"""One ``$batch``: several operations in one round trip."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

from attrs import define, field

from creatio_async.errors import (
    BatchError,
    FailedDependencyError,
    ResponseError,
    TransportError,
)
from creatio_async.messages import Request, Response
from creatio_async.models.codec import DICTS, Codec, set_of
from creatio_async.operations import call_of, inner_refusal, inner_request, state_of
from creatio_async.outcomes import State
from creatio_async.protocol.batch.jsonbatch import Answers, as_response
from creatio_async.protocol.batch.operations import Format, Method, Operation, check_count
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.odata.nodes import Named
from creatio_async.protocol.odata.spec import Expand, Page, QuerySpec, Row, as_columns, as_expands
from creatio_async.protocol.odata.splitting import split
from creatio_async.protocol.retry import is_doubtful
from creatio_async.protocol.values import check_changes, check_row
from creatio_async.query import Query
from creatio_async.rows import with_id
from creatio_async.runtime.sender import Reply
from creatio_async.service import Service

__all__ = ["Batch", "Format", "Group", "Sent"]

_CUT_OFF = "the answer broke off before that to this operation"
_STOPPED = "the batch stopped before this operation"
_LEFT_OUT = "the answer leaves this operation out"

_Kind = Literal["create", "update", "replace", "delete", "get", "query"]


@define(eq=False)
class Sent:
    """One operation of a batch: what is known of it, and what it gave."""

    operation: Operation = field(repr=False)
    kind: _Kind
    dialect: Dialect = field(repr=False)
    """How its answer is read."""
    id: str | None = None
    """The `Id` of the row, in lower case; for a create the one that was made for it."""
    state: State = State.NOT_RUN
    status: int | None = None
    """The HTTP status of its own answer."""
    error: TransportError | ResponseError | BatchError | None = None
    """Why it failed, or why nothing is known of it."""
    answer: tuple[Request, Response] | None = field(default=None, repr=False)
    """Its own answer, and the request that it stands for."""
    spec: QuerySpec = field(factory=QuerySpec, repr=False)
    """What a query asks for."""
    rows: list[Row] | None = field(default=None, repr=False)
    """What a query or a get gave, where it has been read to its end."""
    codec: Codec[Any] = field(default=DICTS, repr=False)
    """What rows are given as."""

    def result(self) -> Any:
        """Return what the operation gave.

        A create and a get give the row, a query its rows, an update and a delete None.

        Raises:
            RuntimeError: The batch has not been sent, or its sending was cancelled.
            ResponseError: The server refused this operation, or one of its group
                (`FailedDependencyError`).
            BatchError: The batch stopped before this operation.
            TransportError: The batch got no answer.
        """
        if self.error is not None:
            raise self.error
        if self.answer is None:
            raise RuntimeError("the batch has no answer yet: await batch.send() first")
        request, response = self.answer
        if self.kind == "query":
            return self.codec.rows(self.page().rows if self.rows is None else self.rows)
        if self.kind == "get" and self.rows is not None:
            return self.codec.row(self.rows[0])
        if self.kind in {"create", "get"} and response.body:
            row = self.dialect.entity(request, response, annotated=self.spec.annotated)
            return self.codec.row(row)
        return None

    def page(self, *, annotated: bool | None = None) -> Page:
        """Return the rows of the answer to a query."""
        assert self.answer is not None  # noqa: S101 - only once there is one
        spec = self.spec
        annotated = spec.annotated if annotated is None else annotated
        return self.dialect.page(*self.answer, expanded=bool(spec.expand), annotated=annotated)


Set = str | type[Any]
"""An entity set: its name, or the class for its rows."""

Key = UUID | str | Sent
"""What a row is found by: its `Id`, or the operation of the same batch that creates it."""


class Group:
    """Operations that are done all or not at all; made by `Batch.atomic`.

    A row that is created in the same batch can be referred to: its `Sent` stands for its `Id`, as
    a key and as a value.
    """

    def __init__(self, dialect: Dialect, name: str | None = None) -> None:
        self._dialect = dialect
        self._name = name
        self._operations: list[Sent] = []

    @property
    def operations(self) -> Sequence[Sent]:
        """The operations so far, in order."""
        return tuple(self._operations)

    def create(self, entity_set: Set, row: Any) -> Sent:
        """Add a row. `Id` is filled in where *row* has none.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, or `Id` is
                no UUID.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
        """
        name, codec = set_of(entity_set)
        place = f"create {name}"
        body = _resolved(with_id(codec.sent(row, place), place), place)
        check_row(body, place)
        path = self._dialect.set_path(name)
        return self._add("POST", path, "create", body["Id"], body, codec=codec)

    def update(self, entity_set: Set, key: Key, values: Any) -> Sent:
        """Change some fields of a row.

        Raises:
            ValueError: As for `create`; or *values* is empty.
            TypeError: As for `create`.
        """
        name, codec = set_of(entity_set)
        place, row = f"update {name}", _key(key)
        body = _resolved(codec.sent(values, place), place)
        check_changes(body, place)
        path = self._dialect.entity_path(name, row)
        return self._add(self._dialect.change, path, "update", row, body)

    def replace(self, entity_set: str, key: Key, row: Mapping[str, Any]) -> Sent:
        """Put *row* in the place of a row: fields that it leaves out get their defaults (``PUT``).

        Creatio does not document it for rows; other services have it.

        Raises:
            ValueError: As for `create`.
            TypeError: As for `create`.
        """
        place = f"replace {entity_set}"
        body = _resolved(row, place)
        check_row(body, place)
        found = _key(key)
        path = self._dialect.entity_path(entity_set, found)
        return self._add("PUT", path, "replace", found, body)

    def delete(self, entity_set: str, key: Key) -> Sent:
        """Take a row away."""
        row = _key(key)
        return self._add("DELETE", self._dialect.entity_path(entity_set, row), "delete", row)

    def link(self, entity_set: str, key: Key, navigation: str, target: Key) -> Sent:
        """Let the lookup *navigation* of a row lead to the row *target*: ``XxxId`` is set."""
        column = f"{check_name(navigation, 'lookup')}Id"
        return self.update(entity_set, key, {column: _key(target)})

    def unlink(self, entity_set: str, key: Key, navigation: str) -> Sent:
        """Let the lookup *navigation* of a row lead nowhere: ``XxxId`` is set to null."""
        return self.update(entity_set, key, {f"{check_name(navigation, 'lookup')}Id": None})

    def _add(
        self,
        method: Method,
        path: str,
        kind: _Kind,
        key: str | None = None,
        body: dict[str, Any] | None = None,
        *,
        codec: Codec[Any] = DICTS,
    ) -> Sent:
        operation = Operation(method, path, body, self._name)
        sent = Sent(operation, kind, self._dialect, key, codec=codec)
        self._operations.append(sent)
        return sent


class Batch(Group):
    """Operations that travel together: at most 100, sent once, in one request.

    They are carried out one after another. What fails does not stop the ones after it, unless
    the batch was made with ``continue_on_error=False``.
    """

    def __init__(
        self,
        service: Service,
        *,
        continue_on_error: bool = True,
        format: Format | None = None,  # noqa: A002
    ) -> None:
        super().__init__(service.dialect)
        self._service = service
        self._format: Format = service.dialect.batch_format(
            format, continue_on_error=continue_on_error
        )
        self._continue = continue_on_error
        self._was_sent = False
        self._groups = 0

    def get(
        self,
        entity_set: Set,
        key: Key,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Sent:
        """Read one row."""
        spec = QuerySpec(select=as_columns(select), expand=as_expands(expand))
        (name, codec), row = set_of(entity_set), _key(key)
        path = self._dialect.entity_path(name, row, spec)
        sent = self._add("GET", path, "get", row, codec=codec)
        sent.spec = spec
        return sent

    def query(self, query: Query[Any]) -> Sent:
        """Read the rows of *query*: 20,000 at most, or as many as the server's links lead to.

        Raises:
            ValueError: A long ``in_`` would need several requests, or one has no values.
        """
        parts = list(split(query.spec))
        if not parts:
            raise ValueError("this query asks for no row: its in_ has no values")
        if len(parts) > 1:
            raise ValueError("the in_ of this query does not fit into one request")
        sent = self._add("GET", self._dialect.collection_path(query.name, parts[0]), "query")
        sent.spec, sent.codec = query.spec, query.codec
        return sent

    @contextmanager
    def atomic(self) -> Generator[Group]:
        """Collect a group of writes that are done all or not at all.

        The group is added when the block ends well; nothing is added if the block raises.
        """
        self._groups += 1
        group = Group(self._dialect, f"g{self._groups}")
        yield group
        self._operations += group.operations

    async def send(self) -> None:
        """Send the operations; each then has its state and its result.

        A batch of reads is repeated like any read. One with a write is sent again only where it
        certainly was not begun: after an error the state of each write is `State.UNKNOWN`.

        Raises:
            ValueError: There are not 1 to 100 operations; or a value has no place in OData.
            RuntimeError: The batch has been sent before.
            BatchError: The answer cannot be read as one to this batch.
            ResponseError: The server refused the batch as a whole.
            TransportError: No answer came.
        """
        check_count(self._operations)
        if self._was_sent:
            raise RuntimeError("a batch is sent once; make a new one")
        operations = [sent.operation for sent in self._operations]
        encoded = self._dialect.encode_batch(
            operations,
            lambda at: f"operation {at + 1}",
            self._format,
            continue_on_error=self._continue,
        )
        reads = all(each.method == "GET" for each in operations)
        call = call_of(self._dialect, encoded, reads=reads)
        self._was_sent = True
        for sent in self._operations:
            sent.state = State.UNKNOWN  # until there is an answer, and if waiting is cancelled
        try:
            reply = await self._service.exchange(call)
            groups = [each.group for each in operations]
            items = self._dialect.decode_batch(
                len(operations), reply.request, reply.response, groups=groups
            )
        except (TransportError, ResponseError, BatchError) as error:
            self._lost(error)
            raise
        self._settle(reply, items)
        for sent in self._operations:
            reads = sent.kind == "query" or (sent.kind == "get" and bool(sent.spec.expand))
            if reads and sent.state is State.DONE:
                await self._read_on(sent)

    async def _read_on(self, sent: Sent) -> None:
        """Read the rest of an answer that the server has cut into pages."""
        service, spec = self._service, sent.spec
        annotated = service.shows_links(spec)
        try:
            if sent.kind == "query":
                page = sent.page(annotated=annotated)
                await service.complete(page.rows, spec)
                sent.rows = await service.rest(page, spec)
            elif sent.answer is not None:
                sent.rows = [self._dialect.entity(*sent.answer, annotated=annotated)]
                await service.complete(sent.rows, spec)
        except (TransportError, ResponseError) as error:
            sent.state, sent.error = State.FAILED, error

    def _lost(self, error: TransportError | ResponseError | BatchError) -> None:
        doubt = isinstance(error, BatchError) or is_doubtful(error)
        for sent in self._operations:
            sent.state = State.UNKNOWN if doubt else State.NOT_RUN
            sent.error = error

    def _settle(self, reply: Reply, items: Answers) -> None:
        base = str(reply.request.url).removesuffix("$batch")
        failed: dict[str | None, Response] = {}
        stop = len(items) if self._continue else _stopped_at(items)
        for place, (sent, item) in enumerate(zip(self._operations, items, strict=True)):
            if item is None:
                sent.state = State.NOT_RUN if place > stop else State.UNKNOWN
                detail = _STOPPED if place > stop else _CUT_OFF if items.cut_off else _LEFT_OUT
                sent.error = BatchError(reply.request, reply.response, detail)
                continue
            response = as_response(item)
            if item["id"]:  # else it stands for the whole group
                _answered(sent, inner_request(base, sent.operation), response)
            if response.status >= 400:
                failed[sent.operation.group] = response
        failed.pop(None, None)
        for sent in self._operations:
            group = failed.get(sent.operation.group)
            if group is not None and sent.state not in {State.FAILED, State.CONFLICT}:
                request = inner_request(base, sent.operation)
                detail = "another operation of its group failed"
                sent.state = State.GROUP_FAILED
                sent.error = FailedDependencyError(request, group, "", detail)


def _stopped_at(items: Answers) -> int:
    """Return the place of the failure that stopped the batch; their number if none did."""
    last = max((at for at, item in enumerate(items) if item is not None), default=None)
    item = None if last is None else items[last]
    if last is None or item is None or items.cut_off or item["status"] < 400:
        return len(items)
    return last


def _key(key: Key) -> str:
    return key_text(key.id if isinstance(key, Sent) else key)


def _resolved(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a copy of *row* in which an operation is replaced by the `Id` of its row."""
    if not isinstance(row, Mapping):
        raise TypeError(f"{place}: takes a mapping of columns to values, not {row!r:.80}")
    return {name: value.id if isinstance(value, Sent) else value for name, value in row.items()}


def _answered(sent: Sent, request: Request, response: Response) -> None:
    sent.answer, sent.status = (request, response), response.status
    sent.error = inner_refusal(request, response)
    sent.state = state_of(sent.error)
