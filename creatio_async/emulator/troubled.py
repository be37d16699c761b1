"""The answers that troubles give, and the troubles of an operation inside of a ``$batch``."""

from collections.abc import Callable

import orjson
from attrs import evolve
from yarl import URL

from creatio_async.emulator.batches import Spoilt
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.refusals import Answer, odata_error, server_error
from creatio_async.emulator.troubles import (
    Double,
    Fail,
    Omit,
    Redirect,
    Refuse,
    Trouble,
    Troubles,
)
from creatio_async.messages import Headers, Request

__all__ = ["elsewhere", "failure", "inside", "refused"]


def refused(trouble: Refuse) -> Answer:
    """Return the answer of who is turned away."""
    return Answer(trouble.status, _later(trouble.retry_after), trouble.body)


def elsewhere(trouble: Redirect) -> Answer:
    """Return the answer of who is sent elsewhere."""
    place = ("Location", trouble.location)
    return Answer(trouble.status, (place, *_later(trouble.retry_after)))


def failure(trouble: Fail) -> Answer:
    """Return the answer of whose work failed."""
    told = server_error(trouble.message) if trouble.message else odata_error(trouble.status, "")
    return evolve(told.answer, status=trouble.status)


def _later(wait: int | None) -> tuple[tuple[str, str], ...]:
    return () if wait is None else (("Retry-After", str(wait)),)


def inside(troubles: Troubles, operation: Operation, carry_out: Callable[[], Answer]) -> Answer:
    """Answer an operation of a ``$batch``, and let it meet its troubles before and after."""
    path = operation.path + (f"?{operation.query}" if operation.query else "")

    def request() -> Request:
        body = b"" if operation.body is None else operation.body
        return Request(
            method=operation.method,
            url=URL(operation.root + path, encoded=True),
            headers=Headers(operation.headers),
            body=body if isinstance(body, bytes) else orjson.dumps(body),
        )

    met = troubles.met(operation.method, path, request, inner=True)
    answer = _before(met) or carry_out()
    for trouble in met:
        match trouble:
            case Fail(after=True):
                answer = failure(trouble)
            case Omit():
                return Spoilt(answer.status, answer.headers, answer.body, copies=0)
            case Double():
                twice = trouble.how == "twice"
                return Spoilt(
                    answer.status,
                    answer.headers,
                    answer.body,
                    copies=2 if twice else 1,
                    misnamed=not twice,
                )
            case _:
                pass
    return answer


def _before(met: list[Trouble]) -> Answer | None:
    """The answer to an operation that is not to be carried out; None for one that is."""
    for trouble in met:
        match trouble:
            case Refuse():
                return refused(trouble)
            case Fail(after=False):
                return failure(trouble)
            case Omit(after=False):
                return Answer(204)
            case _:
                pass
    return None
