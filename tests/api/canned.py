"""A transport with answers prepared by the test, and clients that never wait."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import orjson
from attrs import define, field

from creatio_async import Creatio, Password, RetryPolicy, TransportError
from creatio_async.messages import Headers, Request, Response

SITE = "http://crm.test"
AUTH = Password("Supervisor", "Supervisor")
AT_ONCE = RetryPolicy(wait_initial=0, wait_jitter=0)
"""The policy of every test that does not look at the waits themselves."""

Answer = Response | Exception | Callable[[Request], Response]

WELCOME = {
    "Code": 0,
    "Message": "",
    "Exception": None,
    "PasswordChangeUrl": None,
    "RedirectUrl": "/0/Shell",
}
COOKIES = (
    ("Set-Cookie", "BPMLOADER=loader; path=/; HttpOnly"),
    ("Set-Cookie", ".ASPXAUTH=ticket; path=/; HttpOnly"),
    ("Set-Cookie", "BPMCSRF=Zx/q9.Lm2Kp0WvT7aYcB1u; path=/"),
)


def answer(
    body: Any = b"",
    status: int = 200,
    *,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = "application/json; charset=utf-8",
) -> Response:
    """Return an answer; what is no bytes and no text becomes JSON."""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = orjson.dumps(body)
    given = [("Content-Type", content_type)] if body else []
    return Response(status=status, headers=Headers([*given, *headers]), body=body)


def rows_of(*rows: dict[str, Any], **annotations: Any) -> Response:
    """Return the answer that holds *rows*: ``rows_of(row, nextLink="...")``."""
    named = {f"@odata.{name}": value for name, value in annotations.items()}
    return answer({"@odata.context": "$metadata#Contact", **named, "value": list(rows)})


def lost(
    reason: str = "the connection was dropped", *, sent: bool = True
) -> Callable[[Request], Response]:
    """Return an answer that never comes; not *sent* means that the server saw nothing."""

    def drop(request: Request) -> NoReturn:
        raise TransportError(request, reason, sent)

    return drop


@define(eq=False)
class Canned:
    """Lets everybody in; gives *answers*, one for each request, and keeps the requests.

    An answer is a `Response`, an exception to raise, or a function of the request. Logins and
    logouts are answered by itself, and counted in `logins`; they are not among `requests`.
    A request for which no answer is left fails the test.
    """

    answers: list[Answer] = field(factory=list[Answer])
    requests: list[Request] = field(factory=list[Request])
    logins: int = 0

    async def send(self, request: Request, /) -> Response:
        """Return the next answer."""
        path = request.url.raw_path
        if path.endswith("/Logout"):
            return answer()
        if path.endswith("/Login"):
            self.logins += 1
            return answer(WELCOME, headers=COOKIES)
        self.requests.append(request)
        assert self.answers, f"not expected: {request.method} {request.url}"
        given = self.answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, Response) else given(request)

    @property
    def paths(self) -> list[str]:
        """What was asked, as sent: method, path and query below the workspace."""
        shown = (f"{each.method} {each.url.raw_path_qs}" for each in self.requests)
        return [each.replace(" /0/", " ", 1) for each in shown]


def canned(*answers: Answer) -> Canned:
    """Return a transport that gives *answers* in order."""
    return Canned(list(answers))


def client(transport: Any, **options: Any) -> Creatio:
    """Return a client over *transport*, not yet open, that never waits before a repeat."""
    given: dict[str, Any] = {"auth": AUTH, "retry": AT_ONCE, **options}
    return Creatio(SITE, transport=transport, **given)
