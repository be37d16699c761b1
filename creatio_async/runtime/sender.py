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
        started, attempt, renewed, doubtful = self.clock(), 0, False, False
        while True:
            seen = self.session.number
            request = self._request(call)
            error: TransportError | ResponseError
            try:
                response = await self._exchange(request)
            except TransportError as failure:
                error = failure
            else:
                refused = None if response.status in call.fine else _refusal(request, response)
                if refused is None:
                    self.session.proved()
                    return Reply(request, response, doubtful)
                if not renewed and await self.session.renew(seen, request, response):
                    renewed = True
                    continue
                error = self.session.verdict(refused)
            attempt += 1
            wait = self.retry.wait(
                error, repeat=call.repeat, attempt=attempt, elapsed=self.clock() - started
            )
            if wait is None:
                raise error
            doubtful = doubtful or is_doubtful(error)
            await self.sleep(wait)

    async def _exchange(self, request: Request) -> Response:
        async with self.gate.place():
            return await self.session.channel.send(request)

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
