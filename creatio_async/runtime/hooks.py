"""Observers: they are told what a client sends, and what comes of it.

Where there are none, a request pays for one comparison.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self

from attrs import define, evolve, field, frozen
from yarl import URL

from creatio_async.errors import ResponseError, TransportError
from creatio_async.messages import Request, Response
from creatio_async.protocol.batch.httpparts import field_lines

__all__ = ["Exchange", "Login", "Observer", "Watch"]

_NOT_GIVEN: Final = {
    *("authorization", "bpmcsrf", "cookie", "forceusesession", "proxy-authorization"),
    *("connection", "content-encoding", "content-length", "expect", "host", "keep-alive"),
    *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
}
"""Headers that are about credentials, or about how a request travels."""


@define(eq=False)
class Exchange:
    """One request on its way, and its answer. It has no bodies and no credentials.

    The same object comes to `Observer.sent` and `Observer.answered`.
    """

    method: str
    url: URL
    """With its query, in which the values of a filter stand."""
    attempt: int
    """Which send of the same call it is, from 1; the repeat after a new login has the same."""
    started: float = field(repr=False)
    """Seconds, from anywhere."""
    bytes_sent: int | None = None
    """Bytes of the body; None where it is produced while it is sent."""
    status: int | None = None
    """The HTTP status; None where no answer came."""
    bytes_received: int | None = None
    """Bytes of the body; None where none came, or where it is read as it comes."""
    seconds: float | None = None
    """From sending to the whole answer, or to the head of one that is read as it comes."""
    error: BaseException | None = None
    """Why it failed, if it did; a cancellation, too."""


@frozen
class Login:
    """A login that has ended, or the renewal of a token; it has no credentials."""

    user: str
    """Who logs in: the name of the user, or the id of the client."""
    site: URL
    """The root of the site."""
    seconds: float
    error: BaseException | None = None
    """Why it failed, if it did; a cancellation, too."""


class Observer:
    """Is told what a client sends: override what you need.

    The methods are called in the midst of things: they must not wait. What they raise goes to the
    event loop's exception handler, and does no harm to the call.
    """

    def sent(self, exchange: Exchange, /) -> None:
        """A request is about to be sent. Logins are told by `logged_in` instead."""

    def headers(self, exchange: Exchange, /) -> Mapping[str, str]:  # noqa: ARG002 - for those who override it
        """Return headers to send along, such as ``traceparent``; called after `sent`.

        None of them may be one that the request has already, or that is about credentials or about
        how the request travels: then none is sent along. The operations within a batch and logins
        get none.
        """
        return {}

    def answered(self, exchange: Exchange, /) -> None:
        """It came to its end: with an answer, or with an error, or with both."""

    def waiting(self, seconds: float, error: TransportError | ResponseError, /) -> None:
        """A call will be sent again after *seconds*, because of *error*."""

    def logged_in(self, user: str, seconds: float, /) -> None:
        """A login succeeded, or a token was renewed; it took *seconds*."""

    def login_ended(self, login: Login, /) -> None:
        """A login came to its end, well or not; this tells `logged_in` of those that did well."""
        if login.error is None:
            self.logged_in(login.user, login.seconds)


@frozen
class Watch:
    """The observers of one client."""

    observers: tuple[Observer, ...]
    clock: Callable[[], float]
    givers: tuple[Observer, ...]
    """Those that have headers to send along."""

    @classmethod
    def of(
        cls, given: Observer | Iterable[Observer] | None, clock: Callable[[], float]
    ) -> Self | None:
        """Return a watch, or None where nobody looks.

        Raises:
            TypeError: One of them is no observer.
        """
        observers = (given,) if isinstance(given, Observer) else tuple(given or ())
        for each in observers:
            if not isinstance(each, Observer):
                raise TypeError(f"observe is an Observer or several, not {each!r:.80}")
        givers = tuple(each for each in observers if type(each).headers is not Observer.headers)
        return cls(observers, clock, givers) if observers else None

    def sent(self, request: Request, attempt: int) -> Exchange:
        """Tell that *request* goes out."""
        upload = request.upload
        size = len(request.body) if upload is None else upload.length
        exchange = Exchange(request.method, request.url, attempt, self.clock(), size)
        self._tell(lambda each: each.sent(exchange))
        return exchange

    def given(self, request: Request, exchange: Exchange) -> Request:
        """Return *request* with the headers that observers send along."""
        for each in self.givers:
            try:
                headers = each.headers(exchange)
                if headers:
                    _check(request, headers)
                    request = evolve(request, headers=request.headers.merged(headers))
            except Exception as error:  # noqa: BLE001 - it is the observer's, and not the call's
                _failed(each, error)
        return request

    def answered(
        self, exchange: Exchange, response: Response | None, error: BaseException | None
    ) -> None:
        """Tell what came of it."""
        exchange.seconds = self.clock() - exchange.started
        exchange.error = error
        if response is not None:
            exchange.status = response.status
            exchange.bytes_received = response.size
        self._tell(lambda each: each.answered(exchange))

    def waiting(self, seconds: float, error: TransportError | ResponseError) -> None:
        """Tell that a call waits."""
        self._tell(lambda each: each.waiting(seconds, error))

    def login_ended(
        self, user: str, site: URL, seconds: float, error: BaseException | None = None
    ) -> None:
        """Tell that a login came to its end."""
        login = Login(user, site, seconds, error)
        self._tell(lambda each: each.login_ended(login))

    def _tell(self, tell: Callable[[Observer], None]) -> None:
        for each in self.observers:
            try:
                tell(each)
            except Exception as error:  # noqa: BLE001 - it is the observer's, and not the call's
                _failed(each, error)


def _failed(observer: Observer, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler({
        "message": f"an observer of a Creatio client failed: {observer!r}",
        "exception": error,
    })


def _check(request: Request, headers: Mapping[str, str]) -> None:
    """Refuse headers that an observer may not send along.

    Raises:
        ValueError: One is there already, or is none of an observer's, or is malformed.
    """
    field_lines(headers)
    for name in headers:
        if name in request.headers or name.lower() in {*_NOT_GIVEN, *request.secrets}:
            raise ValueError(f"an observer cannot send the header {name!r} along")
