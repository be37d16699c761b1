"""The one place from which anything is sent: in turn, signed, checked, repeated."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from attrs import define, evolve, field, frozen
from yarl import URL

from creatio_async.errors import ResponseError, TransportError, UnexpectedResponseError
from creatio_async.messages import Headers, Request, Response, Upload
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.pending import ON_THE_WAY, final, next_address
from creatio_async.protocol.retry import Repeat, RetryPolicy, is_doubtful
from creatio_async.protocol.session import disguised
from creatio_async.runtime.adaptive import failed
from creatio_async.runtime.channels import Incoming
from creatio_async.runtime.limits import Gate
from creatio_async.runtime.session import Session

__all__ = ["Call", "Reply", "Sender"]

_NOTHING: Final[frozenset[int]] = frozenset()

_AMBIGUOUS = frozenset({"text/html", "application/json"})
"""What may be a file of the caller's as well as the words of a lost session."""

_PATIENCE = 3600.0
"""Seconds for which the answer to a 202 is waited for."""

_STILL_PENDING = "accepted, and still not carried out after an hour"

_REFUSAL = 1 << 16
"""Bytes of a refusal, or of a page that may be the login page, that are read of a stream."""


@frozen(kw_only=True)
class Call:
    """A request still without an address of a certain site and without a session."""

    method: str
    path: str
    """Relative to the workspace, percent-encoded; or an absolute URL of the same origin."""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    repeat: Repeat = Repeat.READ
    upload: Upload | None = field(default=None, repr=False)
    """A body that is produced while it is sent, instead of `body`."""
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


_Receive = Callable[[Request, AsyncExitStack], Awaitable[Response]]
"""Sends a request and returns its answer; what must stay open goes onto the stack."""


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
        policy and `Call.repeat` allow; the place is free for others while this one waits. A 202
        that says where its answer will be is followed there, for an hour at most.

        Raises:
            ResponseError: Creatio refused; the last refusal, where there were several.
            TransportError: No answer came.
            ValueError: The address is of another origin.
        """
        async with AsyncExitStack() as stack:
            reply = await self._deliver(call, stack, self._whole)
        return await self._settled(call, reply) if reply.response.status == 202 else reply

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Incoming]:
        """Give the answer to *call* as soon as the head of it is there; its body is read as asked.

        Until then it is as with `send`. The place and the connection are held until the block
        ends, and what breaks off then is not begun again.

        Raises:
            ResponseError: Creatio refused; the last refusal, where there were several.
            TransportError: No answer came, or, within the block, only a part of one.
        """
        opened: list[Incoming] = []

        async def begin(request: Request, connection: AsyncExitStack) -> Response:
            incoming = await connection.enter_async_context(self.session.channel.stream(request))
            response, incoming = await _head(incoming)
            opened[:] = [incoming]
            return response

        async with AsyncExitStack() as stack:
            await self._deliver(call, stack, begin)
            yield opened[0]

    async def _settled(self, call: Call, reply: Reply) -> Reply:
        """Wait for the answer that a 202 promises."""
        started, polls, accepted = self.clock(), 0, reply
        while (address := next_address(reply.request, reply.response)) is not None:
            if reply.response.status == 202:
                polls += 1
                error = UnexpectedResponseError(reply.request, reply.response, "", _STILL_PENDING)
                wait = error.retry_after
                wait = self.retry.pause(polls) if wait is None else wait
                if self.clock() - started + wait > _PATIENCE:
                    raise error
                await self.sleep(wait)
            headers = {"Accept": call.headers.get("Accept", "*/*")}
            fine = call.fine | ON_THE_WAY
            poll = Call(method="GET", path=address, headers=headers, fine=fine)
            async with AsyncExitStack() as stack:
                reply = await self._deliver(poll, stack, self._whole)
        if reply is accepted:
            return reply
        try:
            response = final(reply.response)
        except ValueError as error:
            raise UnexpectedResponseError(
                reply.request, reply.response, "", f"no whole answer: {error}"
            ) from None
        refused = None if response.status in call.fine else _refusal(reply.request, response)
        if refused is not None:
            raise refused
        return Reply(reply.request, response, accepted.doubtful)

    async def _deliver(self, call: Call, stack: AsyncExitStack, receive: _Receive) -> Reply:
        """Send *call* until it succeeds; what the success holds on to is left on *stack*."""
        started, attempt, doubtful = self.clock(), 0, False
        while True:
            done = await self._attempt(call, stack, receive)
            if not isinstance(done, _Failure):
                return Reply(*done, doubtful)
            await stack.aclose()
            failed(done.error)
            attempt += 1
            wait = self.retry.wait(
                done.error, repeat=done.repeat, attempt=attempt, elapsed=self.clock() - started
            )
            if wait is None:
                raise done.error
            doubtful = doubtful or done.doubtful
            await self.sleep(wait)

    async def _attempt(
        self, call: Call, stack: AsyncExitStack, receive: _Receive
    ) -> "tuple[Request, Response] | _Failure":
        """Send *call* when its turn comes; once more, in the same place, in a new session.

        Whoever logs in or waits for it keeps his place: what is still in line is not sent in a
        session that is lost. The request is signed last, in the session that it is sent in.
        """
        await stack.enter_async_context(self.gate.places)
        may_renew = True
        while True:
            if self.session.is_stale:
                try:
                    await self.session.refresh()
                except (TransportError, ResponseError) as failure:
                    return _Failure(failure, Repeat.IDEMPOTENT, doubtful=False)
            # Of a refusal the connection is given back before anybody logs in: it may be the last.
            async with AsyncExitStack() as connection:
                try:
                    seen, request, response = await self._exchange(call, connection, receive)
                except TransportError as error:
                    return _failure(call, error)
                refused = None if response.status in call.fine else _refusal(request, response)
                if refused is None:
                    self.session.proved()
                    stack.push_async_exit(connection.pop_all())
                    return request, response
            may_renew = may_renew and not _is_spent(call)
            try:
                verdict = await self.session.judge(seen, request, refused, may_renew=may_renew)
            except (TransportError, ResponseError) as failure:
                # Of the call itself nothing was begun, and a login is no harm.
                return _Failure(failure, Repeat.IDEMPOTENT, doubtful=False)
            if verdict is not None:
                return _failure(call, verdict)
            may_renew = False

    async def _exchange(
        self, call: Call, connection: AsyncExitStack, receive: _Receive
    ) -> tuple[int, Request, Response]:
        async with self.gate.throttle:
            if self.session.is_closed:
                raise RuntimeError("the client is closed: nothing is sent any more")
            seen, request = self.session.number, self._request(call)
            return seen, request, await receive(request, connection)

    async def _whole(self, request: Request, _: AsyncExitStack) -> Response:
        return await self.session.channel.send(request)

    def _request(self, call: Call) -> Request:
        return Request(
            method=call.method,
            url=self._address(call.path),
            headers=self.headers.merged({**call.headers, **self.session.signature()}),
            body=call.body,
            upload=call.upload,
        )

    def _address(self, path: str) -> URL:
        if "://" not in path.partition("?")[0]:
            return URL(f"{self.session.workspace}/{path}", encoded=True)
        url = URL(path, encoded=True)
        if not self.session.site.owns(url):
            raise ValueError(f"{url.origin()} is not the site: cookies and tokens do not go there")
        return url


def _is_spent(call: Call) -> bool:
    return call.upload is not None and call.upload.is_spent


def _failure(call: Call, error: TransportError | ResponseError) -> _Failure:
    repeat = call.repeat
    if _is_spent(call):
        error.add_note("not sent again: its source was begun, and can be read only once")
        repeat = Repeat.NEVER
    return _Failure(error, repeat, is_doubtful(error))


async def _head(incoming: Incoming) -> tuple[Response, Incoming]:
    """Return what can be judged of an answer before it is read, and the answer, as if unread."""
    head = Response(status=incoming.status, headers=incoming.headers)
    if head.status >= 300:
        return evolve(head, body=await incoming.read(_REFUSAL)), incoming
    if head.content_type in _AMBIGUOUS:
        incoming, start = await _peeked(incoming)
        head = evolve(head, body=start)
    return head, incoming


async def _peeked(incoming: Incoming) -> tuple[Incoming, bytes]:
    """Read the start of the body; return the answer as if it were unread, and the start."""
    chunks = incoming.chunks()
    start = bytearray()
    async for chunk in chunks:
        start += chunk
        if len(start) >= _REFUSAL:
            break

    async def whole() -> AsyncIterator[bytes]:
        yield bytes(start)
        async for chunk in chunks:
            yield chunk

    return evolve(incoming, chunks=whole), bytes(start)


def _refusal(request: Request, response: Response) -> ResponseError | None:
    return disguised(request, response) or refusal(request, response)
