"""The one place from which anything is sent: in turn, signed, checked, repeated."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from attrs import define, field, frozen
from yarl import URL

from creatio_async.errors import ResponseError, TransportError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.retry import Repeat, RetryPolicy, is_doubtful
from creatio_async.protocol.session import disguised
from creatio_async.runtime.limits import Gate
from creatio_async.runtime.session import Session

__all__ = ["Call", "Reply", "Sender"]

_NOTHING: Final[frozenset[int]] = frozenset()


@frozen(kw_only=True)
class Call:
    """A request still without an address of a certain site and without a session."""

    method: str
    path: str
    """Relative to the workspace, percent-encoded; or an absolute URL of the same origin."""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    repeat: Repeat = Repeat.READ
    fine: frozenset[int] = _NOTHING
    """Statuses besides 2xx that are no error to the caller."""


@frozen
class Reply:
    """What came of a call."""

    request: Request
    response: Response
    doubtful: bool
    """An earlier send of the same call may have been carried out."""


@frozen
class _Failure:
    """Why an attempt failed, and what that allows."""

    error: TransportError | ResponseError
    repeat: Repeat
    doubtful: bool
    """It may have been carried out all the same."""


@define(eq=False)
class Sender:
    """Sends calls in a session; any number of tasks may call it at once.

    A cancelled call leaves nothing behind: its place, its connection and its turn at the login
    are given back.
    """

    session: Session
    gate: Gate
    retry: RetryPolicy
    headers: Headers
    sleep: Callable[[float], Awaitable[object]]
    clock: Callable[[], float]

    async def send(self, call: Call) -> Reply:
        """Return the answer to *call*, which is a success or one of its `Call.fine` statuses.

        A lost session leads to one new login and one repeat. Other failures are repeated as the
        policy and `Call.repeat` allow; the place is free for others while this one waits.

        Raises:
            ResponseError: Creatio refused; the last refusal, where there were several.
            TransportError: No answer came.
            ValueError: The address is of another origin.
        """
        started, attempt, doubtful = self.clock(), 0, False
        while True:
            done = await self._attempt(call)
            if not isinstance(done, _Failure):
                return Reply(*done, doubtful)
            attempt += 1
            wait = self.retry.wait(
                done.error, repeat=done.repeat, attempt=attempt, elapsed=self.clock() - started
            )
            if wait is None:
                raise done.error
            doubtful = doubtful or done.doubtful
            await self.sleep(wait)

    async def _attempt(self, call: Call) -> "tuple[Request, Response] | _Failure":
        """Send *call* when its turn comes; once more, in the same place, in a new session.

        Whoever logs in or waits for it keeps his place: what is still in line is not sent in a
        session that is lost. The request is signed last, in the session that it is sent in.
        """
        async with self.gate.places:
            may_renew = True
            while True:
                try:
                    seen, request, response = await self._exchange(call)
                except TransportError as error:
                    return _Failure(error, call.repeat, is_doubtful(error))
                refused = None if response.status in call.fine else _refusal(request, response)
                if refused is None:
                    self.session.proved()
                    return request, response
                try:
                    verdict = await self.session.judge(seen, request, refused, may_renew=may_renew)
                except (TransportError, ResponseError) as failure:
                    # Of the call itself nothing was begun, and a login is no harm.
                    return _Failure(failure, Repeat.IDEMPOTENT, doubtful=False)
                if verdict is not None:
                    return _Failure(verdict, call.repeat, is_doubtful(verdict))
                may_renew = False

    async def _exchange(self, call: Call) -> tuple[int, Request, Response]:
        async with self.gate.throttle:
            if self.session.is_closed:
                raise RuntimeError("the client is closed: nothing is sent any more")
            seen, request = self.session.number, self._request(call)
            return seen, request, await self.session.channel.send(request)

    def _request(self, call: Call) -> Request:
        request = Request(
            method=call.method,
            url=self._address(call.path),
            headers=self.headers.merged(call.headers),
            body=call.body,
        )
        return self.session.sign(request)

    def _address(self, path: str) -> URL:
        if "://" not in path.partition("?")[0]:
            return URL(f"{self.session.workspace}/{path}", encoded=True)
        url = URL(path, encoded=True)
        if not self.session.site.owns(url):
            raise ValueError(f"{url.origin()} is not the site: cookies and tokens do not go there")
        return url


def _refusal(request: Request, response: Response) -> ResponseError | None:
    return disguised(request, response) or refusal(request, response)
