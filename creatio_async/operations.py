"""An operation of a ``$batch`` by itself: which request it stands for, what its answer means."""

from yarl import URL

from creatio_async.errors import ConflictError, ResponseError
from creatio_async.messages import Headers, Request, Response
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.dialect import Dialect, Encoded
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.retry import Repeat
from creatio_async.runtime.sender import Call
from creatio_async.runtime.session import unknown

__all__ = ["call_of", "inner_refusal", "inner_request", "state_of"]


def inner_refusal(request: Request, response: Response) -> ResponseError | None:
    """Return the error that the answer to one operation is: the session of a batch is alive."""
    error = refusal(request, response)
    return unknown(error) if error is not None and error.status == 401 else error


def state_of(error: ResponseError | None) -> State:
    """Return what the server's own answer to an operation makes of it."""
    if error is None:
        return State.DONE
    return State.CONFLICT if isinstance(error, ConflictError) else State.FAILED


def call_of(dialect: Dialect, encoded: Encoded, *, reads: bool) -> Call:
    """Return the call that sends an *encoded* batch; *reads* says that it holds no write."""
    return Call(
        method="POST",
        path=f"{dialect.service}/$batch",
        headers=encoded.headers,
        body=encoded.body,
        repeat=Repeat.READ if reads else Repeat.REFUSED,
    )


def inner_request(base: str, operation: Operation) -> Request:
    """Return *operation* as the request that it stands for, without its body."""
    return Request(
        method=operation.method, url=URL(base + operation.path, encoded=True), headers=Headers()
    )
