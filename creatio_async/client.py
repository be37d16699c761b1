"""`Creatio`: opens and closes a client, and hands out what it can do."""

import asyncio
import os
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, get_args

import aiohttp
from attrs import define
from yarl import URL

from creatio_async.asking import Asking, Body, Download
from creatio_async.auth import Auth, ClientCredentials, Password
from creatio_async.checking import Checked, check
from creatio_async.messages import Headers, Response
from creatio_async.odata import OData
from creatio_async.processes import Processes
from creatio_async.protocol.dialect4 import Dialect4
from creatio_async.protocol.odata.reading import Reading
from creatio_async.protocol.retry import RetryPolicy
from creatio_async.protocol.services import Params
from creatio_async.protocol.site import Runtime, parse_site
from creatio_async.runtime.hooks import Observer
from creatio_async.runtime.limits import Limits, Timeouts
from creatio_async.runtime.opening import Opening
from creatio_async.runtime.sender import Sender
from creatio_async.runtime.transport import Transport
from creatio_async.service import Service
from creatio_async.version import __version__

if TYPE_CHECKING:
    from creatio_async.odata3 import OData3

__all__ = ["Creatio"]


@define
class _Parts:
    """What a client has while it is open."""

    sender: Sender
    odata: OData
    processes: Processes
    asking: Asking
    odata3: "OData3 | None" = None
    """Made when it is asked for."""


class Creatio:
    """A client of one site, logged in as one user; any number of tasks use it at once.

    ::

        async with Creatio("https://acme.creatio.com", Password("Supervisor", secret)) as crm:
            contacts = await crm.odata["Contact"].where(F.Name.contains("User")).top(5)

    Entering it logs in; leaving it logs out and closes the connections, and what is under way then
    ends with a `TransportError`. It belongs to the event loop that it was entered in. Nothing is
    read from the environment and nothing is logged.

    Warns:
        ResourceWarning: It was dropped while it was open.
    """

    def __init__(
        self,
        url: str | URL,
        auth: Auth,
        *,
        # What the site is
        runtime: Runtime | None = None,
        # How it is used
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        headers: Mapping[str, str] | None = None,
        observe: Observer | Iterable[Observer] | None = None,
        # How its session lives
        sessions: int = 1,
        cookies: str | os.PathLike[str] | None = None,
        keep_alive: float | None = None,
        # How it is reached
        connector: aiohttp.BaseConnector | None = None,
        proxy: str | URL | None = None,
        transport: Transport | None = None,
        # How values are read
        nulls: bool = False,
        decimals: bool = False,
    ) -> None:
        """Keep the options; nothing is sent, and no event loop is needed.

        Args:
            url: The site as a person would paste it: a slash at the end, ``/0``, ``/0/odata``, a
                virtual directory, a port, an IP address are all taken.
            auth: Who logs in, and how: `Password`, `ClientCredentials`, or a way of your own.
            runtime: ``"framework"`` (the workspace is under ``/0``) or ``"net"``; None finds out.
            retry: How often a request is sent, and how long to wait in between.
            limits: How many requests are under way at once.
            timeouts: How long to wait, in seconds.
            headers: Sent with each request, for instance a ``User-Agent``.
            observe: Who is told of requests, waits and logins: an `Observer` or several.
            sessions: How many times the user logs in; requests use the sessions in turn.
            cookies: A file in which the session outlives this process, for the eyes of this user
                only; closing then does not log out. With several sessions, the further ones have
                files beside it. The file holds what is as good as a password for a while.
            keep_alive: Seconds without a request after which a session is kept awake with one;
                None lets it end, and logs in again when it is needed.
            connector: An aiohttp connector (TLS, pools), which the caller closes.
            proxy: The address of a proxy.
            transport: What carries the requests instead of aiohttp, for instance an emulator.
            nulls: Read Creatio's empty values, the zero guid and year 1, as None.
            decimals: Read numbers with a fraction as `Decimal`, which is slower; without it they
                are floats, as in any JSON.

        Raises:
            ValueError: *url* is not the address of a site, holds a password, or an option is
                out of bounds; *transport* stands next to *connector* or *proxy*.
            TypeError: *auth* is not a way to log in, or an option is of another class.
        """
        _check_auth(auth)
        _check_type("retry", retry, RetryPolicy)
        _check_type("limits", limits, Limits)
        _check_type("timeouts", timeouts, Timeouts)
        if runtime is not None and runtime not in get_args(Runtime):
            raise ValueError(f"runtime is 'framework', 'net' or None, not {runtime!r}")
        if transport is not None and (connector is not None or proxy is not None):
            raise ValueError("a transport takes no connector and no proxy")
        self._opening = Opening(
            site=parse_site(url),
            auth=auth,
            runtime=runtime,
            retry=retry or RetryPolicy(),
            limits=limits or Limits(),
            timeouts=timeouts or Timeouts(),
            headers=Headers({"User-Agent": f"creatio-async/{__version__}"}).merged(headers or {}),
            observe=observe,
            sessions=sessions,
            cookies=None if cookies is None else Path(cookies),
            keep_alive=keep_alive,
            connector=connector,
            proxy=URL(proxy) if proxy is not None else None,
            transport=transport,
            sleep=asyncio.sleep,
            clock=time.monotonic,
        )
        self._reading = Reading(nulls=nulls, decimals=decimals)
        self._parts: _Parts | None = None
        self._stack = AsyncExitStack()

    @classmethod
    def from_env(cls, **options: object) -> Self:
        """Return a client for ``CREATIO_URL``, as the environment says who logs in.

        That is ``CREATIO_USER`` with ``CREATIO_PASSWORD``, or ``CREATIO_CLIENT_ID`` with
        ``CREATIO_CLIENT_SECRET`` and, where the site is not in the cloud,
        ``CREATIO_IDENTITY_URL``.

        Args:
            options: The keyword options of the constructor.

        Raises:
            ValueError: One of the variables is not set, or both a user and a client are.
        """
        return cls(_wanted("CREATIO_URL")[0], _auth_from_env(), **options)  # type: ignore[arg-type]

    @property
    def odata(self) -> OData:
        """OData 4: entity sets by name, and batches."""
        return self._open.odata

    @property
    def odata3(self) -> "OData3":
        """OData 3, in Atom: ``crm.odata3["Contact"]``. The calls are those of `odata`.

        ``crm.odata3.using("json")`` is the same in verbose JSON.
        """
        parts = self._open
        if parts.odata3 is None:
            from creatio_async.odata3 import OData3  # noqa: PLC0415 - most have no use for it

            reading = self._reading
            parts.odata3 = OData3.of(parts.sender, nulls=reading.nulls, decimals=reading.decimals)
        return parts.odata3

    @property
    def processes(self) -> Processes:
        """Business processes."""
        return self._open.processes

    @property
    def runtime(self) -> Runtime | None:
        """What the site runs on; None before it is known."""
        return self._parts.sender.session.runtime if self._parts else self._opening.runtime

    async def login(self) -> None:
        """Log in anew, for instance after a refused password was changed on the site.

        Raises:
            AuthenticationError: The login was refused. It is not tried again by itself.
            ResponseError: The site failed.
            TransportError: No answer came.
        """
        await self._open.sender.login()

    async def logout(self) -> None:
        """End the session at the site, as well as it can be done in a short time.

        A session that is kept in a file is forgotten. Nothing is sent any more until `login`.
        """
        sender = self._open.sender
        sender.under_way.check_loop()
        for session in sender.sessions:
            await session.logout()

    async def check(self, *, probe: str | None = None) -> Checked:
        """Ask the site who is logged in and what it is; this shows that the session works.

        Args:
            probe: An entity set with a column `Name`, such as ``"City"``, into which a row is
                written and removed again: the date that the site gives it shows whether the dates
                of the site are in UTC, as they say. None writes nothing.

        Raises:
            ResponseError: The site refuses.
            TransportError: No answer came. A row of the probe may be left, if its removal was lost.
            ValueError: *probe* is no name of an entity set.
        """
        return await check(self._open.sender, probe=probe)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        repeat: bool | None = None,
        check: bool = True,
    ) -> Response:
        """Send a request of your own; it is signed, repeated and checked like every other one.

        Args:
            method: In capitals.
            path: Relative to the workspace, such as ``rest/UsrOrderService/Recalculate``; with a
                slash before it, relative to the site; or a whole address of the site.
            json: What is sent as JSON.
            body: What is sent instead: bytes, text, or an async iterable of bytes, which is read
                while it is sent, and never sent a second time.
            headers: Further headers; a body that is not JSON needs its ``Content-Type`` here.
            params: The query: names and values.
            repeat: Whether it may be carried out more than once. None: GET, HEAD, OPTIONS, PUT and
                DELETE may; others are sent again only where they certainly were not begun. A
                process that is run with GET is never sent again.
            check: Raise where the body of a 2xx is JSON whose ``success`` is false.

        Returns:
            The answer, read to its end: ``status``, ``headers``, ``body``, ``json()``.

        Raises:
            ResponseError: The site refused: see the table of status codes.
            ServiceError: It did so with a 200.
            TransportError: No answer came.
            ValueError: The address is of another origin, or not one. Nothing was sent.
            TypeError: An argument is of a type that it cannot be of. Nothing was sent.
        """
        asking = self._open.asking
        call = asking.call(
            method, path, json=json, body=body, headers=headers, params=params, repeat=repeat
        )
        return await asking.request(call, check=check)

    def stream(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        repeat: bool | None = None,
    ) -> AbstractAsyncContextManager[Download]:
        """Send a request of your own, and read its answer as it comes, in flat memory.

        ::

            async with crm.stream("GET", "rest/FileService/Download/ContactFile/...") as answer:
                async for chunk in answer.chunks():
                    ...

        Arguments and errors are those of `request`; the connection is held until the block ends.
        """
        asking = self._open.asking
        call = asking.call(
            method, path, json=json, body=body, headers=headers, params=params, repeat=repeat
        )
        return asking.stream(call)

    async def __aenter__(self) -> Self:
        if self._parts is not None:
            raise RuntimeError("this client is open already; make another one")
        async with AsyncExitStack() as stack:
            sender = await stack.enter_async_context(self._opening.opened())
            odata = OData(Service(sender, Dialect4(self._reading)))
            self._parts = _Parts(sender, odata, Processes(sender), Asking(sender))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._parts is not None:
            self._parts.sender.under_way.check_loop()
        self._parts = None
        await self._stack.aclose()

    def __del__(self) -> None:
        # Half a client, whose constructor has refused an option, has no parts at all.
        if getattr(self, "_parts", None) is not None:
            warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=1)

    def __repr__(self) -> str:
        state = "open" if self._parts else "closed"
        return f"<Creatio {self._opening.site.root} as {self._opening.auth.user}, {state}>"

    @property
    def _open(self) -> _Parts:
        if self._parts is None:
            raise RuntimeError("the client is not open: use it within 'async with Creatio(...)'")
        return self._parts


def _check_type(option: str, value: object, wanted: type) -> None:
    if value is not None and not isinstance(value, wanted):
        raise TypeError(f"{option} is {wanted.__name__}(...), not {value!r:.80}")


def _check_auth(auth: object) -> None:
    if isinstance(auth, type) or not isinstance(auth, Auth):
        raise TypeError(
            "auth is Password(user, password), ClientCredentials(client_id, client_secret) or "
            f"another Auth, not {type(auth).__name__}"
        )


def _wanted(*names: str) -> list[str]:
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise ValueError(f"not set in the environment: {', '.join(missing)}")
    return [os.environ[name] for name in names]


def _auth_from_env() -> Auth:
    is_user, is_client = map(os.environ.get, ("CREATIO_USER", "CREATIO_CLIENT_ID"))
    if is_user and is_client:
        raise ValueError("both CREATIO_USER and CREATIO_CLIENT_ID are set in the environment")
    if not is_client:
        return Password(*_wanted("CREATIO_USER", "CREATIO_PASSWORD"))
    client_id, secret = _wanted("CREATIO_CLIENT_ID", "CREATIO_CLIENT_SECRET")
    return ClientCredentials(client_id, secret, os.environ.get("CREATIO_IDENTITY_URL") or None)
