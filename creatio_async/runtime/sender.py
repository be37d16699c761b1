"""The one place from which anything is sent: in turn, signed, checked, repeated."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from typing import Final

from attrs import define, field, frozen
from yarl import URL

from creatio_async.errors import ResponseError, TransportError, UnexpectedResponseError
from creatio_async.messages import Headers, Request, Response, Upload
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.pending import ON_THE_WAY, final, next_address
from creatio_async.protocol.retry import Repeat, RetryPolicy, is_doubtful
from creatio_async.protocol.session import disguised
from creatio_async.protocol.taking import Take
from creatio_async.runtime.adaptive import failed
from creatio_async.runtime.channels import Incoming, taken
from creatio_async.runtime.heads import head
from creatio_async.runtime.hooks import Watch
from creatio_async.runtime.limits import Gate
from creatio_async.runtime.session import Session
from creatio_async.runtime.underway import UnderWay

__all__ = ["Call", "Reply", "Sender"]

_NOTHING: Final[frozenset[int]] = frozenset()

_PATIENCE = 3600.0
"""Seconds for which the answer to a 202 is waited for."""

_STILL_PENDING = "accepted, and still not carried out after an hour"

_CLOSED = "the client is closed: nothing is sent any more"
_LOGGED_OUT = "the client has logged out: await crm.login() before anything else"
_CUT_OFF = "the client was closed while this was under way"


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
    take: Take | None = field(default=None, repr=False)
    """Says who takes the body of an answer as it comes; the answer is `Taken` then."""


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
class _Stream:
    """An answer that is read as it comes: its connection, and the place of its call."""

    held: AsyncExitStack
    """What is held until the caller has read enough."""
    incoming: Incoming | None = None
    _connection: AsyncExitStack = field(factory=AsyncExitStack)

    async def begin(self, session: Session, request: Request) -> Response:
        """Send *request*; return what can be judged of the answer."""
        async with AsyncExitStack() as connection:
            incoming = await connection.enter_async_context(session.channel.stream(request))
            response, self.incoming = await head(incoming)
            self._connection = connection.pop_all()
            self.held.push_async_exit(self._connection)
        return response

    async def drop(self) -> None:
        """Give the connection of a refusal back, before anybody logs in: it may be the last."""
        await self._connection.aclose()


@define(eq=False)
class Sender:
    """Sends calls in a session, or in several in turn; any number of tasks may call it at once.

    A cancelled call leaves nothing behind: its place, its connection and its turn at the login
    are given back.
    """

    session: Session
    gate: Gate
    retry: RetryPolicy
    headers: Headers
    sleep: Callable[[float], Awaitable[object]]
    clock: Callable[[], float]
    others: tuple[Session, ...] = ()
    """Further sessions of the same user, used in turn."""
    watch: Watch | None = None

    under_way: UnderWay = field(init=False, factory=UnderWay)
    _turns: Iterator[Session] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turns = cycle(self.sessions)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions."""
        return (self.session, *self.others)

    async def send(self, call: Call, session: Session | None = None) -> Reply:
        """Return the answer to *call*, which is a success or one of its `Call.fine` statuses.

        A lost session leads to one new login and one repeat. Other failures are repeated as the
        policy and `Call.repeat` allow; the place is free for others while this one waits. A 202
        that says where its answer will be is followed there, for an hour at most.

        Args:
            call: What to send.
            session: In which session; None is the one whose turn it is.

        Raises:
            ResponseError: Creatio refused; the last refusal, where there were several.
            TransportError: No answer came, or the client was closed in the meantime.
            ValueError: The address is of another origin.
            RuntimeError: Nothing is sent any more, or this is another event loop.
        """
        place = self.under_way.enter()
        session = session or next(self._turns)
        try:
            if self.under_way.was_just_cut_off():
                raise TransportError(self._request(call, session), _CUT_OFF, sent=False)
            reply = await self._deliver(call, session)
            if reply.response.status == 202:
                return await self._settled(call, session, reply)
        except asyncio.CancelledError:
            if place.was_only_cut_off():
                raise TransportError(self._request(call, session), _CUT_OFF) from None
            raise
        finally:
            self.under_way.leave(place)
        return reply

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Incoming]:
        """Give the answer to *call* as soon as the head of it is there; its body is read as asked.

        Until then it is as with `send`. The place and the connection are held until the block
        ends, and what breaks off then is not begun again.

        Raises:
            ResponseError: Creatio refused; the last refusal, where there were several.
            TransportError: No answer came, or, within the block, only a part of one.
        """
        async with AsyncExitStack() as held:
            # Only up to here: the block may go on in another task. What it reads is ended with
            # its connection.
            stream = _Stream(held)
            place = self.under_way.enter()
            session = next(self._turns)
            try:
                await self._deliver(call, session, stream)
            except asyncio.CancelledError:
                if place.was_only_cut_off():
                    raise TransportError(self._request(call, session), _CUT_OFF) from None
                raise
            finally:
                self.under_way.leave(place)
            assert stream.incoming is not None  # noqa: S101 - it was begun
            yield stream.incoming

    async def login(self) -> None:
        """Log in anew, in each session.

        Raises:
            AuthenticationError: A login was refused.
            ResponseError: The site failed.
            TransportError: No answer came.
            RuntimeError: The client was closed in the meantime, or this is another event loop.
        """
        place = self.under_way.enter()
        try:
            for session in self.sessions:
                await session.login()
        except asyncio.CancelledError:
            if place.was_only_cut_off():
                raise RuntimeError(_CLOSED) from None
            raise
        finally:
            self.under_way.leave(place)

    async def end(self) -> None:
        """Send nothing more, and let what is under way end with an error; wait for it shortly."""
        for session in self.sessions:
            session.is_closed = True
        await self.under_way.end()

    async def _settled(self, call: Call, session: Session, reply: Reply) -> Reply:
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
            reply = await self._deliver(poll, session)
        if reply is accepted:
            return reply
        try:
            response = final(reply.response)
        except ValueError as error:
            raise UnexpectedResponseError(
                reply.request, reply.response, "", f"no whole answer: {error}"
            ) from None
        refused = _refused(call, reply.request, response)
        if refused is not None:
            raise refused
        return Reply(reply.request, response, accepted.doubtful)

    async def _deliver(self, call: Call, session: Session, stream: _Stream | None = None) -> Reply:
        """Send *call* until it succeeds; of a *stream*, what that holds on to is left in it."""
        started, attempt, doubtful = self.clock(), 0, False
        while True:
            attempt += 1
            if stream is None:
                async with self.gate.places:
                    done = await self._attempt(call, session, None, attempt)
            else:
                await stream.held.enter_async_context(self.gate.places)
                done = await self._attempt(call, session, stream, attempt)
            if not isinstance(done, _Failure):
                return Reply(*done, doubtful)
            if stream is not None:
                await stream.held.aclose()
            failed(done.error)
            wait = self.retry.wait(
                done.error, repeat=done.repeat, attempt=attempt, elapsed=self.clock() - started
            )
            if wait is None:
                raise done.error
            doubtful = doubtful or done.doubtful
            if self.watch is not None:
                self.watch.waiting(wait, done.error)
            await self.sleep(wait)

    async def _attempt(
        self, call: Call, session: Session, stream: _Stream | None, attempt: int
    ) -> "tuple[Request, Response] | _Failure":
        """Send *call*; once more, in the same place, in a new session.

        Whoever logs in or waits for it keeps his place: what is still in line is not sent in a
        session that is lost. The request is signed last, in the session that it is sent in.
        """
        may_renew, throttle = True, self.gate.throttle
        while True:
            try:
                if session.is_stale and not session.is_closed:
                    await session.refresh()
            except (TransportError, ResponseError) as failure:
                return _Failure(failure, Repeat.IDEMPOTENT, doubtful=False)
            try:
                if throttle is None:
                    seen, request, response, refused = await self._sent(
                        call, session, stream, attempt
                    )
                else:
                    async with throttle:
                        seen, request, response, refused = await self._sent(
                            call, session, stream, attempt
                        )
            except TransportError as error:
                return _failure(call, error)
            if refused is None:
                session.proved()
                return request, response
            if stream is not None:
                await stream.drop()
            may_renew = may_renew and not _is_spent(call)
            try:
                verdict = await session.judge(seen, request, refused, may_renew=may_renew)
            except (TransportError, ResponseError) as failure:
                # Of the call itself nothing was begun, and a login is no harm.
                return _Failure(failure, Repeat.IDEMPOTENT, doubtful=False)
            if verdict is not None:
                return _failure(call, verdict)
            may_renew = False

    async def _sent(
        self, call: Call, session: Session, stream: _Stream | None, attempt: int
    ) -> tuple[int, Request, Response, ResponseError | None]:
        if session.is_closed:
            raise RuntimeError(_CLOSED if self.under_way.is_ended else _LOGGED_OUT)
        seen, request, watch = session.number, self._request(call, session), self.watch
        exchange = None
        if watch is not None:
            exchange = watch.sent(request, attempt)
            request = watch.given(request, exchange)
        try:
            if stream is not None:
                response = await stream.begin(session, request)
            elif call.take is not None:
                response = await taken(session.channel, request, call.take)
            else:
                response = await session.channel.send(request)
        except BaseException as error:
            if watch is not None and exchange is not None:
                watch.answered(exchange, None, error)
            raise
        refused = _refused(call, request, response)
        if watch is not None and exchange is not None:
            watch.answered(exchange, response, refused)
        return seen, request, response, refused

    def _request(self, call: Call, session: Session) -> Request:
        return Request(
            method=call.method,
            url=self._address(call.path),
            headers=self.headers.merged({**call.headers, **session.signature()}),
            body=call.body,
            upload=call.upload,
            secrets=session.secrets,
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


def _refused(call: Call, request: Request, response: Response) -> ResponseError | None:
    if response.status in call.fine:
        return None
    return disguised(request, response) or refusal(request, response)
