"""Any number of rows by their ids, a ``$batch`` of reads at a time."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from typing import Generic
from uuid import UUID

from attrs import frozen

from creatio_async.bulk.source import Source
from creatio_async.errors import BatchError, NotFoundError
from creatio_async.models.codec import Codec
from creatio_async.operations import call_of, inner_refusal, inner_request
from creatio_async.protocol.batch.jsonbatch import as_response
from creatio_async.protocol.batch.operations import MAX_OPERATIONS, Operation
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata.spec import QuerySpec, Row, RowT
from creatio_async.service import Service

__all__ = ["Found", "find_many"]


@frozen
class Found(Generic[RowT]):
    """What there is behind an id."""

    id: str
    """In lower case."""
    row: RowT | None
    """None where there is no such row."""


async def find_many(
    service: Service,
    name: str,
    keys: Iterable[UUID | str] | AsyncIterable[UUID | str],
    spec: QuerySpec,
    codec: Codec[RowT],
) -> AsyncGenerator[Found[RowT]]:
    """Give what is behind each of *keys*, in their order."""
    source = Source(keys)
    while chunk := (await source.take(MAX_OPERATIONS))[1]:
        asked = [key_text(key) for key in chunk]
        while asked:
            found = await _find(service, name, asked, spec)
            rows = iter(codec.rows([each.row for each in found if each.row is not None]))
            for each in found:
                yield Found(each.id, None if each.row is None else next(rows))
            asked = asked[len(found) :]


async def _find(service: Service, name: str, keys: Sequence[str], spec: QuerySpec) -> list[Found]:
    """Return what is behind the first of *keys*: all of them, unless the server stops early."""
    dialect = service.dialect
    operations = [Operation("GET", dialect.entity_path(name, key, spec)) for key in keys]
    travels = dialect.batch_format(None, continue_on_error=True)
    encoded = dialect.encode_batch(operations, lambda at: keys[at], travels)
    reply = await service.exchange(call_of(dialect, encoded, reads=True))
    base, annotated = str(reply.request.url).removesuffix("$batch"), service.shows_links(spec)
    found: list[Found] = []
    items = dialect.decode_batch(len(keys), reply.request, reply.response)
    for key, operation, item in zip(keys, operations, items, strict=True):
        if item is None:
            break
        error = inner_refusal(inner_request(base, operation), as_response(item))
        if error is not None and not isinstance(error, NotFoundError):
            raise error
        row: Row | None = None
        if error is None:
            try:
                row = dialect.row_of(item, base + operation.path, annotated=annotated)
            except ValueError as failure:
                detail = f"the answer to {operation.path} is no row: {failure}"
                raise BatchError(reply.request, reply.response, detail) from None
            await service.complete([row], spec)
        found.append(Found(key, row))
    if not found:
        raise BatchError(reply.request, reply.response, "the first row of the batch has no answer")
    return found
