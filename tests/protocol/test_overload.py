from collections.abc import Callable
from typing import Any

import pytest
from yarl import URL

from creatio_async import (
    BatchError,
    ConflictError,
    ServerError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.overload import is_overload
from tests.api.canned import answer

REQUEST = Request(method="POST", url=URL("http://crm.test/0/odata/$batch"), headers=Headers())


def late() -> TransportError:
    error = TransportError(REQUEST, "no answer in time")
    error.__cause__ = TimeoutError()
    return error


def refused(kind: Callable[..., Exception], status: int, body: Any = b"", detail: str = "") -> Any:
    return kind(REQUEST, answer(body, status), "", detail)


SILENT = refused(ServerError, 500)
TOLD = refused(ServerError, 500, detail="The column is too short.")


@pytest.mark.parametrize(
    "errors",
    [
        [None] * 99 + [refused(ThrottledError, 429)],
        [refused(UnavailableError, 503)],
        [late(), None],
        [None, refused(ServerError, 504)],
        [None] * 50 + [SILENT] * 3,
    ],
)
def test_a_site_that_is_too_busy_is_recognized(errors: list[Exception | None]) -> None:
    assert is_overload(errors)


@pytest.mark.parametrize(
    "errors",
    [
        [],
        [None] * 100,
        [None, SILENT, SILENT],
        [SILENT],
        [TOLD] * 100,
        [refused(ConflictError, 409)] * 100,
        [refused(ServerError, 502)] * 100,
        [TransportError(REQUEST, "the connection was dropped")],
        [BatchError(REQUEST, Response(status=200, headers=Headers()), "no answer")],
        [ValueError("too large")],
    ],
)
def test_a_mistake_in_rows_is_not_taken_for_a_busy_site(errors: list[Exception | None]) -> None:
    assert not is_overload(errors)
