"""One row is added, and only once, whatever becomes of the answers."""

from collections.abc import Mapping
from typing import Any

from creatio_async.errors import (
    ConflictError,
    CreatioError,
    ResponseError,
    TransportError,
)
from creatio_async.protocol.dialect import Returns
from creatio_async.protocol.odata.spec import Row
from creatio_async.protocol.retry import Repeat, is_doubtful
from creatio_async.protocol.values import check_row, same_value
from creatio_async.rows import with_id
from creatio_async.service import Service

__all__ = ["create_row"]


async def create_row(
    service: Service, name: str, row: Mapping[str, Any], *, return_row: bool
) -> Row:
    """Add *row* to the entity set *name*; return it as the server has it, or as it was sent.

    The row has its `Id` before it is first sent. After a lost answer or a 5xx it is looked up;
    it is sent again only if no answer came and it is not there.
    """
    place = f"create {name}"
    body = with_id(row, place)
    check_row(body, place)
    encoded = service.dialect.row_body(body, place)
    returns: Returns | None = None if return_row else "minimal"
    started, attempt, doubt = service.sender.clock(), 0, False
    while True:
        attempt += 1
        try:
            saved = await service.insert(name, encoded, returns=returns)
        except (TransportError, ResponseError) as error:
            conflict = isinstance(error, ConflictError)
            # The caller's own id that is taken before any doubt is another's row.
            doubtful = doubt or "Id" not in row if conflict else is_doubtful(error)
            if not doubtful:
                raise
            found = await _look_up(service, name, body["Id"], error)
            if found is not None and ("Id" not in row or _holds(found, body)):
                return found
            is_there = "is there, with other values" if found is not None else "is not there"
            error.add_note(f"the row {body['Id']} {is_there}")
            wait = None
            if found is None and isinstance(error, TransportError):
                wait = service.sender.retry.wait(
                    error,
                    repeat=Repeat.IDEMPOTENT,
                    attempt=attempt,
                    elapsed=service.sender.clock() - started,
                )
            if wait is None:
                raise
            doubt = True
            await service.sender.sleep(wait)
        else:
            if saved is not None or not return_row:
                return saved or dict(body)
            return await _look_up(service, name, body["Id"], None) or dict(body)


async def _look_up(service: Service, name: str, key: str, error: CreatioError | None) -> Row | None:
    try:
        return await service.find(name, key)
    except CreatioError as failure:
        if error is None:
            raise
        error.add_note(f"whether the row {key} was written is unknown: {failure}")
        raise error from failure


def _holds(found: Row, sent: Mapping[str, Any]) -> bool:
    return all(name in found and same_value(value, found[name]) for name, value in sent.items())
