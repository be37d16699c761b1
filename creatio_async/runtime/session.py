"""One logged-in session: who logs in, when again, and when not.

Any number of tasks use one session at once. Whoever meets its loss first logs in, and all others
wait for that one login: they know by the session's number whether it has been renewed since they
sent their request. A login that fails while they wait has failed for them, too.

A session that says when it ends is renewed before, by whoever is about to use it. A session that is
kept in a file may be renewed there by another process: it is taken over from it, if it lives.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from attrs import define, evolve, field, frozen
from yarl import URL

from creatio_async.auth import Auth, Grant
from creatio_async.errors import (
    AuthenticationError,
    CreatioError,
    ForbiddenError,
    ResponseError,
)
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.session import (
    CSRF_COOKIE,
    Loss,
    Welcome,
    guess_runtime,
    logout_request,
    loss,
)
from creatio_async.protocol.site import Runtime, Site
from creatio_async.runtime.attempts import Attempts
from creatio_async.runtime.channels import Channel
from creatio_async.runtime.hooks import Watch
from creatio_async.runtime.keeping import Keeper, Kept, cookies_of
from creatio_async.runtime.looking import Looks, Pulse

__all__ = ["Session", "Standing", "unknown"]

_MARGIN = 60.0
"""Seconds before its end at which a session is renewed; a fifth of its life where that is less."""

_LATER = 10.0
"""Seconds after which a renewal that failed is tried again, while the session still lives."""


@define(eq=False)
class Standing:
    """What the sessions of one user share."""

    refused: AuthenticationError | None = None
    """How the user was turned away: another attempt would count towards a lock-out."""


@frozen
class _Entrance:
    """The site as a way to log in sees it."""

    root: str
    _channel: Channel

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*."""
        return await self._channel.send(request)


@define(eq=False)
class Session:
    """A login at a site, and the cookies or the token that come of it."""

    site: Site
    auth: Auth
    channel: Channel
    clock: Callable[[], float]
    """Seconds, from anywhere, never going back."""
    runtime: Runtime | None = None
    """What the site runs on; found out at the first login where it is None."""
    patience: float = 5.0
    """Seconds that a logout may take."""
    standing: Standing = field(factory=Standing)
    keeper: Keeper | None = None
    """What keeps the session when this process ends; None where nothing does."""
    watch: Watch | None = None

    is_closed: bool = field(init=False, default=False)
    """Logged out, until somebody logs in explicitly."""
    grant: Grant = field(init=False, factory=Grant)
    """What the latest login brought."""
    secrets: frozenset[str] = field(init=False, default=frozenset())
    """Names in lower case of the headers that it brought."""
    uses: int = field(init=False, default=0)
    """How many requests succeeded in it."""
    number: int = field(init=False, default=0)
    """How many logins there have been: a request remembers in which session it was sent."""
    _turn: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _known: Kept | None = field(init=False, default=None)
    """What of the kept session is known: written, or read and tried."""
    _stale_at: float | None = field(init=False, default=None)
    _ends_at: float = field(init=False, default=0.0)
    _attempts: Attempts = field(init=False)
    _looks: Looks = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.channel.jar.home = self.site.url
        self._attempts = Attempts(self.clock)
        self._looks = Looks(self.channel, self._request)

    @property
    def workspace(self) -> str:
        """The address of the workspace; known after the first login."""
        return self.site.workspace(self.runtime or "framework")

    def sign(self, request: Request) -> Request:
        """Return *request* with what the session has to add: its CSRF token.

        The token is read from the jar each time: a later answer may have changed it.
        """
        return evolve(request, headers=request.headers.merged(self.signature()))

    def signature(self) -> Mapping[str, str]:
        """Return the headers that say in which session a request is."""
        if self.grant.headers:
            return self.grant.headers
        token = self._token()
        signature = {"ForceUseSession": "true"}
        if token:
            signature["BPMCSRF"] = token
        return signature

    @property
    def is_stale(self) -> bool:
        """Whether it ends soon, and has to be renewed before it is used."""
        return self._stale_at is not None and self.clock() >= self._stale_at

    async def open(self) -> None:
        """Log in, or go on with the session that is kept, if it lives.

        Raises:
            AuthenticationError: The login was refused.
            ResponseError: The site failed.
            TransportError: No answer came.
            OSError: The session cannot be kept.
        """
        async with self._turn:
            if not await self._took_over():
                await self._login()
                await self._keep()

    async def login(self) -> None:
        """Log in anew, whatever the state; a refusal of earlier is forgotten.

        Raises:
            AuthenticationError: The login was refused.
            ResponseError: The site failed.
            TransportError: No answer came.
        """
        async with self._turn:
            self.standing.refused = None
            self._attempts.proved()  # who asks for a login knows what it is for
            await self._login()
            self.is_closed = False
            with suppress(OSError):
                await self._keep()

    async def refresh(self) -> None:
        """Renew what is stale. While it lives, a renewal that fails is no harm: it is tried later.

        Raises:
            AuthenticationError: The login was refused.
            ResponseError: The site failed.
            TransportError: No answer came.
        """
        failures = self._attempts.failures
        async with self._turn:
            if not self.is_stale:
                return  # somebody else has renewed it
            self._attempts.share(failures)
            try:
                await self._renew()
            except Exception:  # a vault may fail in its own way
                now = self.clock()
                if now >= self._ends_at:
                    raise
                self._stale_at = min(now + _LATER, self._ends_at)

    async def logout(self) -> None:
        """End the session, as well as it can be done in a short time: nobody waits for it.

        Nothing logs in again by itself afterwards. A token ends by itself.
        """
        self.is_closed = True
        if self.keeper is not None:
            await self.keeper.forget()
        if self.number and not self.grant.headers:
            with suppress(CreatioError, TimeoutError):
                async with asyncio.timeout(self.patience):
                    await self.channel.send(self.sign(logout_request(self.site)))

    async def close(self) -> None:
        """Let go of the session: log out, unless it is kept.

        One that another process has renewed since stays as that has left it.
        """
        if self.keeper is None:
            await self.logout()
            return
        self.is_closed = True
        kept = await self.keeper.load()
        if self.number and (kept is None or kept == self._known):
            with suppress(OSError):
                await self._keep()

    def proved(self) -> None:
        """Note that a request succeeded: the login of this session was worth it."""
        self._attempts.proved()
        self.uses += 1

    async def judge(
        self, seen: int, request: Request, error: ResponseError, *, may_renew: bool
    ) -> ResponseError | None:
        """Return what a refusal means, or None: send it again, in what is a new session now.

        Args:
            seen: The number of the session in which the request was sent.
            request: As it was sent.
            error: What it got.
            may_renew: Whether the session may be renewed for it: it was not yet.

        Raises:
            AuthenticationError: The new login was refused.
            ResponseError: The new login failed.
            TransportError: The new login got no answer.
        """
        how = loss(request, error.response)
        if how is None or (how is Loss.TOKEN and self.grant.headers):
            return error
        failures, looks = self._attempts.failures, self._looks.begun
        async with self._turn:
            if may_renew and not self.is_closed:
                if self.number != seen:
                    return None  # somebody else has renewed it
                if how is Loss.TOKEN and request.headers.get("bpmcsrf") != self._token():
                    return None  # an answer in between has brought a new token
                self._attempts.share(failures)
                if await self._is_worth_a_login(how, looks):
                    await self._renew()
                    self._attempts.renewed(how)
                    return None
            if error.status == 401 and how is Loss.LIKELY:
                is_alive = await self._looks.since(looks, self.workspace) is Pulse.ALIVE
                return unknown(error) if is_alive else error
        return error

    async def _is_worth_a_login(self, how: Loss, looks: int) -> bool:
        if self._attempts.are_fruitless():
            return False
        if how is Loss.CERTAIN:
            return True
        recent = self._attempts.were_tried(how)
        if how is Loss.TOKEN:
            return not recent
        pulse = await self._looks.since(looks, self.workspace)
        return pulse is Pulse.LOST or (pulse is Pulse.UNCLEAR and not recent)

    async def _renew(self) -> None:
        """Go on with what another process has kept since, or log in."""
        if not await self._took_over():
            await self._login()
            # A file that cannot be written is no reason to refuse what is under way.
            with suppress(OSError):
                await self._keep()

    async def _took_over(self) -> bool:
        """Go on with the session that is kept, if it is another one and lives; return whether."""
        kept = None if self.keeper is None else await self.keeper.load()
        if self.keeper is None or kept is None or kept == self._known:
            return False
        now, wall = self.clock(), self.keeper.clock()
        if kept.ends is not None and kept.ends <= wall:
            return False
        self._known = kept
        kept.put_into(self.channel.jar, self.site.url)
        self.runtime = self.runtime or kept.runtime
        lasts = None if kept.ends is None else kept.ends - wall
        self.grant = Grant(headers=kept.headers, lasts=lasts)
        if self.runtime is None or await self._looks.feel(self.workspace) is not Pulse.ALIVE:
            self.channel.jar.clear()
            return False
        self._begin(self.grant, now)
        return True

    async def _keep(self) -> None:
        if self.keeper is None:
            return
        ends = None
        if self.grant.lasts is not None:
            ends = self.keeper.clock() + self._ends_at - self.clock()
        self._known = Kept(
            runtime=self.runtime,
            headers=self.grant.headers,
            ends=ends,
            cookies=cookies_of(self.channel.jar, self.site.url.host),
        )
        await self.keeper.save(self._known)

    async def _login(self) -> None:
        if self.standing.refused is not None:
            raise _again(self.standing.refused)
        began = self.clock()
        try:
            grant = await self.auth.login(_Entrance(self.site.root, self.channel))
        except BaseException as error:
            if isinstance(error, Exception):  # a vault may fail in its own way
                self._attempts.failed(error)
            if isinstance(error, AuthenticationError):
                self.standing.refused = error
            self._tell(began, error)
            raise
        self._begin(grant, began)
        self._tell(began)
        self._attempts.unproved()
        if self.runtime is None:
            names = {morsel.key for morsel in self.channel.jar}
            welcome = Welcome(redirect_url=grant.redirect_url)
            guessed = guess_runtime(self.site, welcome, names)
            self.runtime = guessed or await self._looks.find_runtime(self.site)

    def _tell(self, began: float, error: BaseException | None = None) -> None:
        if self.watch is not None:
            seconds = self.clock() - began
            self.watch.login_ended(self.auth.user, self.site.url, seconds, error)

    def _begin(self, grant: Grant, began: float) -> None:
        """Go on with what a login brought that began at *began*."""
        self.grant = grant
        self.secrets = frozenset(map(str.lower, grant.headers))
        self._stale_at = None
        if grant.lasts is not None:
            self._ends_at = began + grant.lasts
            self._stale_at = self._ends_at - min(_MARGIN, grant.lasts / 5)
        self._attempts.began()
        self.number += 1

    def _request(self, url: str) -> Request:
        request = Request(
            method="GET",
            url=URL(url, encoded=True),
            headers=Headers({"Accept": "application/json"}),
        )
        return self.sign(request)

    def _token(self) -> str | None:
        return self.channel.jar.value(CSRF_COOKIE)


def unknown(error: ResponseError) -> ResponseError:
    """Return what the 401 in *error* means where the session is known to be alive."""
    detail = (
        "401 on a session that is alive: Creatio answers so for an entity set that it does not "
        "know (names are case-sensitive) or that the user may not see"
    )
    return ForbiddenError(error.request, error.response, error.code, detail)


def _again(error: AuthenticationError) -> AuthenticationError:
    detail = f"{error.detail} (not tried again: log in explicitly, or open a new client)"
    return AuthenticationError(error.request, error.response, error.code, detail)
