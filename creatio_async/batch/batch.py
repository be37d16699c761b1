"""One ``$batch``: what it is filled with, how it is sent, and what its answer says."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, overload

from creatio_async.batch.group import Group, Key, key_of
from creatio_async.batch.sent import Sent
from creatio_async.errors import (
    BatchError,
    FailedDependencyError,
    ResponseError,
    TransportError,
)
from creatio_async.messages import Response
from creatio_async.models.codec import set_of
from creatio_async.operations import call_of, inner_request
from creatio_async.outcomes import State
from creatio_async.protocol.batch.jsonbatch import Answers, as_response
from creatio_async.protocol.batch.operations import Format, Operation, check_count
from creatio_async.protocol.dialect import Encoded
from creatio_async.protocol.odata.nodes import Named
from creatio_async.protocol.odata.spec import Expand, QuerySpec, Row, RowT, as_columns, as_expands
from creatio_async.protocol.odata.splitting import split
from creatio_async.protocol.retry import is_doubtful
from creatio_async.query import Query
from creatio_async.runtime.sender import Reply
from creatio_async.service import Service

__all__ = ["Batch"]

_CUT_OFF = "the answer broke off before that to this operation"
_STOPPED = "the batch stopped before this operation"
_LEFT_OUT = "the answer leaves this operation out"


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
        self._ready: tuple[list[Operation], Encoded] | None = None
        self._groups = 0

    @overload
    def get(
        self,
        entity_set: str,
        key: Key,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Sent[Row]: ...
    @overload
    def get(
        self,
        entity_set: type[RowT],
        key: Key,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Sent[RowT]: ...
    def get(
        self,
        entity_set: Any,
        key: Key,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Sent[Any]:
        """Read one row."""
        spec = QuerySpec(select=as_columns(select), expand=as_expands(expand))
        (name, codec), row = set_of(entity_set), key_of(key)
        path = self._dialect.entity_path(name, row, spec)
        sent = self._add("GET", path, "get", row, codec=codec)
        sent.spec = spec
        return sent

    def query(self, query: Query[RowT]) -> Sent[list[RowT]]:
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
        operations, encoded = self._prepared()
        reads = all(each.method == "GET" for each in operations)
        call = call_of(self._dialect, encoded, reads=reads)
        self._was_sent = True
        for sent, operation in zip(self._operations, operations, strict=True):
            sent.operation = operation
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

    @property
    def size(self) -> int:
        """How many bytes the request has.

        Raises:
            ValueError: A value has no place in OData.
            TypeError: A value is of a type that OData does not have.
        """
        return len(self._prepared()[1].body)

    def _prepared(self) -> tuple[list[Operation], Encoded]:
        """Return the operations as they are sent, and encoded: once for as many as there are."""
        if self._ready is not None and len(self._ready[0]) == len(self._operations):
            return self._ready
        places = {id(sent): place for place, sent in enumerate(self._operations, 1)}
        operations = [sent.wire(places) for sent in self._operations]
        encoded = self._dialect.encode_batch(
            operations,
            lambda at: f"operation {at + 1}",
            self._format,
            continue_on_error=self._continue,
        )
        self._ready = operations, encoded
        return self._ready

    async def _read_on(self, sent: Sent[Any]) -> None:
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
                sent.take(inner_request(base, sent.operation), response)
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
