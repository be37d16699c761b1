"""`Creatio`: opens and closes a client, and hands out what it can do."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, get_args

import aiohttp
from yarl import URL

from creatio_async.auth import Auth, ClientCredentials, Password
from creatio_async.messages import Headers
from creatio_async.odata import OData
from creatio_async.processes import Processes
from creatio_async.protocol.odata.reading import Reading
from creatio_async.protocol.retry import RetryPolicy
from creatio_async.protocol.site import Runtime, parse_site
from creatio_async.runtime.aiohttp_transport import AiohttpTransport
from creatio_async.runtime.channels import Channel, InProcess
from creatio_async.runtime.limits import Gate, Limits, Timeouts
from creatio_async.runtime.sender import Sender
from creatio_async.runtime.session import Session
from creatio_async.runtime.transport import Transport
from creatio_async.service import Service
from creatio_async.version import __version__

__all__ = ["Creatio"]


class Creatio:
    """A client of one site, logged in as one user; any number of tasks use it at once.

    ::

        async with Creatio("https://acme.creatio.com", Password("Supervisor", secret)) as crm:
            contacts = await crm.odata["Contact"].where(F.Name.contains("User")).top(5)

    Entering it logs in; leaving it logs out and closes the connections. Nothing is read from the
    environment and nothing is logged.
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
        self._site = parse_site(url)
        self._auth = auth
        self._runtime: Runtime | None = runtime
        self._retry = retry or RetryPolicy()
        self._limits = limits or Limits()
        self._timeouts = timeouts or Timeouts()
        agent = {"User-Agent": f"creatio-async/{__version__}"}
        self._headers = Headers(agent).merged(headers or {})
        self._connector = connector
        self._proxy = URL(proxy) if proxy is not None else None
        self._transport = transport
        self._reading = Reading(nulls=nulls, decimals=decimals)
        self._opened: tuple[Session, OData, Processes] | None = None
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
        return self._parts[1]

    @property
    def processes(self) -> Processes:
        """Business processes."""
        return self._parts[2]

    @property
    def runtime(self) -> Runtime | None:
        """What the site runs on; None before it is known."""
        return self._opened[0].runtime if self._opened else self._runtime

    async def login(self) -> None:
        """Log in anew, for instance after a refused password was changed on the site.

        Raises:
            AuthenticationError: The login was refused. It is not tried again by itself.
            TransportError: No answer came.
        """
        await self._parts[0].login()

    async def __aenter__(self) -> Self:
        if self._opened is not None:
            raise RuntimeError("this client is open already; make another one")
        async with AsyncExitStack() as stack:
            channel = self._open_channel()
            stack.push_async_callback(channel.aclose)
            session = Session(
                site=self._site,
                auth=self._auth,
                channel=channel,
                clock=time.monotonic,
                runtime=self._runtime,
            )
            stack.push_async_callback(session.logout)
            await session.login()
            sender = Sender(
                session=session,
                gate=Gate(self._limits),
                retry=self._retry,
                headers=self._headers,
                sleep=asyncio.sleep,
                clock=time.monotonic,
            )
            self._opened = session, OData(Service(sender, self._reading)), Processes(sender)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened = None
        await self._stack.aclose()

    def __repr__(self) -> str:
        state = "open" if self._opened else "closed"
        return f"<Creatio {self._site.root} as {self._auth.user}, {state}>"

    @property
    def _parts(self) -> tuple[Session, OData, Processes]:
        if self._opened is None:
            raise RuntimeError("the client is not open: use it within 'async with Creatio(...)'")
        return self._opened

    def _open_channel(self) -> Channel:
        if self._transport is not None:
            return InProcess(self._transport)
        return AiohttpTransport.open(
            self._timeouts,
            connector=self._connector,
            connections=self._limits.at_once,
            proxy=self._proxy,
        )


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
