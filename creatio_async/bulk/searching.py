"""The answers to a batch of queries, each read to its end."""

from collections.abc import Sequence

from creatio_async.bulk.meter import Meter
from creatio_async.errors import BatchError
from creatio_async.operations import inner_refusal, inner_request
from creatio_async.protocol.batch.jsonbatch import Answers, as_response
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.odata.spec import QuerySpec, Row
from creatio_async.protocol.odata.trail import Trail
from creatio_async.runtime.sender import Reply
from creatio_async.service import Service

__all__ = ["read_queries"]


async def read_queries(
    service: Service,
    meter: Meter,
    asked: Sequence[tuple[Operation, QuerySpec]],
    reply: Reply,
    items: Answers,
) -> list[Row]:
    """Return the rows of all queries of a batch.

    Args:
        service: What was asked, and is asked for the rest of an answer that was cut into pages.
        meter: Counts what that takes.
        asked: The queries.
        reply: The answer to the batch.
        items: The answers to the queries.

    Raises:
        TransportError: No answer came.
        ResponseError: A query was refused.
        BatchError: An answer is left out.
    """
    base = str(reply.request.url).removesuffix("$batch")
    rows: list[Row] = []
    for (operation, spec), item in zip(asked, items, strict=True):
        if item is None:
            detail = "the answer leaves out which rows are there"
            raise BatchError(reply.request, reply.response, detail)
        request, response = inner_request(base, operation), as_response(item)
        error = inner_refusal(request, response)
        if error is not None:
            raise error
        page, trail = service.dialect.page(request, response, expanded=False), Trail()
        rows += page.rows
        while page.next_link is not None:
            trail.check(page.next_link, len(page.rows))
            meter.requests += 1
            page, _ = await service.follow(page.next_link, spec)
            rows += page.rows
    return rows
