"""The emulated site: a function from `Request` to `Response`, and what a test may ask of it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from attrs import evolve

from creatio_async.emulator.batches import BatchLimits
from creatio_async.emulator.batching import Batches
from creatio_async.emulator.oauth import Client
from creatio_async.emulator.odata4 import ODataService
from creatio_async.emulator.processes import Processes
from creatio_async.emulator.queries import Query
from creatio_async.emulator.reads import Reader
from creatio_async.emulator.refusals import Refusal
from creatio_async.emulator.routes import Delivery, Site
from creatio_async.emulator.runs import Process
from creatio_async.emulator.seed import new_site
from creatio_async.emulator.server import served
from creatio_async.emulator.sessions import Sessions, User
from creatio_async.emulator.sql import Rules
from creatio_async.emulator.store import Store
from creatio_async.emulator.tables import creatio_tables
from creatio_async.emulator.troubles import Troubles
from creatio_async.emulator.turns import LogNormal, Turns
from creatio_async.errors import TransportError
from creatio_async.messages import Request, Response

__all__ = ["Emulator"]

_KEPT = 1000
"""Requests that are remembered."""

_MAX_FILE_SIZE = 10 * 2**20
"""Source: the system setting ``MaxFileSize``, 10 MB by default."""

_Function = TypeVar("_Function", bound=Process)


class Emulator:
    """A look-alike of a Creatio site, for tests and trials: no licence, no network, own rows.

    As a transport it answers without a socket, ``Creatio("http://crm.test", auth,
    transport=Emulator())``; with `served` it listens on a port for any HTTP client. Any number of
    clients may use it at once, in one event loop. Comparisons of text regard case, in every script.

    Args:
        profile: ``creatio`` keeps Creatio's limits and refusals; ``standard`` is plain OData: no
            limits, 404 for an unknown set, lookups filtered either way, nulls for empty lookups
            and dates, entity tags, and a 501 that names what is missing.
        runtime: ``framework`` is .NET Framework, with the workspace below ``/0``; ``net`` is .NET,
            without it. Source: academy.creatio.com, "OData".
        database: A file of SQLite that keeps the rows, or ``:memory:``.
        users: Passwords by user name, or a `User` where the login should answer otherwise.
        clients: Secrets by client id, or a `Client`, for tokens of OAuth at ``/connect/token``.
            Without any the site has no identity service.
        login_attempts: Wrong passwords in a row after which a user is locked out; 0 for any
            number. Source: the system setting ``LoginAttemptCount``.
        lockout: Seconds for which that holds. Source: ``UserLockoutDuration``, 15 minutes.
        latency: Seconds that each request waits before it is looked at, as on a long way.
        workers: Requests that the site works on at once; others wait. None for any number.
        service_time: Seconds that the work on a request takes and holds a worker, or a `LogNormal`.
        serial_sessions: Whether the requests of one session are worked on one after another, a
            session being a login or a token. Source: ``SynchronizeUserSessions``, and the blocking
            mode in academy.creatio.com, "Integrations and API"; unknown is which services have it.
        session_timeout: Seconds without a request after which a session ends. Source: the system
            setting ``UserSessionTimeout``, 60 minutes.
        csrf: Whether requests that modify need the ``BPMCSRF`` header. Trial sites do not ask for
            it. Source: academy.creatio.com, "Call a web service from Postman".
        unique_batch_ids: Whether a ``$batch`` may have an id once only; newer versions want that.
        select_covers_filter: Whether a column of ``$filter`` must be in ``$select``, if there is
            one. Source: seen in the code of a client.
        row_limit: Rows in one answer; more are a 500. 0 for no limit. Ignored by the profile
            ``standard``. Source: academy.creatio.com, "OData", limitations.
        max_file_size: Bytes of one stream; more are a 413 (that it is this status is inferred). 0
            for no limit; None for the one of the profile: 10 MB in ``creatio``, as the system
            setting ``MaxFileSize`` has it, and none in ``standard``.
        system_tables: Whether the tables of processes, ``SysProcessLog`` and the others whose names
            begin with ``SysProcess`` or ``VwSysProcess``, are open to OData. On a site they are not
            unless ``Feature-DisableODataSystemTablesAccess`` is off: they are a 403 then.
        honours_return: Whether ``Prefer: return=minimal`` and ``return=representation`` decide what
            the answer to a create and to an update holds; None for the way of the profile: no in
            ``creatio``, of which nobody knows, and yes in ``standard``.
        page_size: Rows after which an answer ends in an ``@odata.nextLink``; 0 for none, as Creatio
            has none. The profile ``standard`` takes ``Prefer: odata.maxpagesize`` as well.
        relative_links: Whether next links are relative to the service root, instead of absolute.
        virtual_directory: Where on its host the site is, such as ``/studio``; also the path of its
            cookies.
        clock: Seconds that only ever grow; sessions end by it.
        sleep: Waits for so many seconds; latency and service times are waited for with it.

    Raises:
        ValueError: An option has a value that it does not know.
        sqlite3.DatabaseError: The file of the database cannot be opened, or is no database.
    """

    def __init__(
        self,
        *,
        profile: Literal["creatio", "standard"] = "creatio",
        runtime: Literal["framework", "net"] = "framework",
        database: str | Path = ":memory:",
        users: Mapping[str, str | User] | None = None,
        clients: Mapping[str, str | Client] | None = None,
        login_attempts: int = 5,
        lockout: float = 900.0,
        latency: float = 0.0,
        workers: int | None = None,
        service_time: float | LogNormal = 0.0,
        serial_sessions: bool = False,
        session_timeout: float = 3600.0,
        csrf: bool = True,
        unique_batch_ids: bool = False,
        select_covers_filter: bool = False,
        row_limit: int = 20_000,
        max_file_size: int | None = None,
        system_tables: bool = True,
        honours_return: bool | None = None,
        page_size: int = 0,
        relative_links: bool = False,
        virtual_directory: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        _one_of("profile", profile, "creatio", "standard")
        _one_of("runtime", runtime, "framework", "net")
        if latency < 0 or session_timeout <= 0 or row_limit < 0:
            raise ValueError("latency, session_timeout and row_limit must not be negative")
        if page_size < 0 or (max_file_size or 0) < 0 or login_attempts < 0 or lockout < 0:
            raise ValueError(
                "page_size, max_file_size, login_attempts and lockout must not be negative"
            )
        if workers is not None and workers < 1:
            raise ValueError("workers must be at least 1")
        if not isinstance(service_time, LogNormal):
            service_time = LogNormal(service_time, sigma=0)
        directory = "/" + virtual_directory.strip("/") if virtual_directory.strip("/") else ""
        plain = profile == "standard"
        self.latency = latency
        self.troubles = Troubles()
        self.requests: deque[Request] = deque(maxlen=_KEPT)
        """The latest requests, newest last; a ``$batch`` is one."""
        self.most_at_once = 0
        """The greatest number of requests that were under way together."""
        self._under_way = 0
        self._sleep = sleep
        self._turns = Turns(workers, service_time, serial_sessions, sleep)
        rules = Rules(
            row_limit=0 if plain else row_limit,
            node_limit=0 if plain else 100,
            expand_depth=0 if plain else 2,
            order_limit=0 if plain else 5,
            lookup_by_path=not plain,
            select_covers_filter=select_covers_filter,
            nulls=plain,
            etags=plain,
            honours_return=plain if honours_return is None else honours_return,
            page_size=page_size,
            system_tables=system_tables,
            relative_links=relative_links,
            plain=plain,
        )
        given = {"Supervisor": "Supervisor"} if users is None else users
        self._sessions = Sessions(
            users={n: u if isinstance(u, User) else User(u) for n, u in given.items()},
            framework=runtime == "framework",
            directory=directory,
            timeout=session_timeout,
            clock=clock,
            clients={
                n: c if isinstance(c, Client) else Client(c) for n, c in (clients or {}).items()
            },
            attempts=login_attempts,
            lockout=lockout,
        )
        self._store = Store(database, creatio_tables(), new_site(nulls=plain))
        largest = (0 if plain else _MAX_FILE_SIZE) if max_file_size is None else max_file_size
        self._service = ODataService(self._store, rules, largest)
        self._processes = Processes(self._store, self._service.writer)
        self._site = Site(
            directory=directory,
            framework=runtime == "framework",
            csrf=csrf,
            sessions=self._sessions,
            service=self._service,
            processes=self._processes,
            troubles=self.troubles,
            sleep=sleep,
            batches=Batches(
                self._service,
                BatchLimits(operations=0 if plain else 100, unique_ids=unique_batch_ids),
                framework=runtime == "framework",
            ),
        )

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*. Cookies come and go in its headers; none are kept here.

        Raises:
            TransportError: A trouble dropped the connection, or cut the answer short.
        """
        delivery = await self.deliver(request)
        if delivery.response is None:
            raise TransportError(request, "the connection was dropped")
        if delivery.cut is not None:
            size = len(delivery.response.body)
            raise TransportError(request, f"the answer ended after {delivery.cut} of {size} bytes")
        return delivery.response

    async def deliver(self, request: Request) -> Delivery:
        """Return what is to be put on the wire for *request*: an answer, a part of one, nothing."""
        self.requests.append(request)
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            if self.latency:
                await self._sleep(self.latency)
            async with self._turns.turn(lambda: self._site.ticket(request)):
                return await self._site.deliver(request)
        finally:
            self._under_way -= 1

    @asynccontextmanager
    async def served(self, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
        """Listen on *port* inside the block, on one that is free if it is 0; give the address.

        Leaving the block drops connections that are open and frees the port.

        Raises:
            OSError: The port is taken.
        """
        async with served(self.deliver, host, port) as url:
            yield url

    def close(self) -> None:
        """End the processes that run, and close the database; closing twice is no harm.

        An emulator that is dropped is closed.
        """
        self._processes.runs.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def logins(self) -> int:
        """The logins so far that let a user in."""
        return self._sessions.logins

    @property
    def tokens(self) -> int:
        """The tokens that were given so far."""
        return self._sessions.tokens

    @property
    def operations(self) -> int:
        """The OData operations so far, those inside of a ``$batch`` counted one by one.

        Source: Creatio's price list counts them so.
        """
        return self._site.operations

    def expire(self) -> None:
        """End every session now, and every token."""
        self._sessions.end_all()

    def rotate_csrf(self) -> None:
        """Give every session another BPMCSRF token; its next answer brings the cookie."""
        self._sessions.rotate_csrf()

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return every row of the entity set *name* as JSON would have it, in order of insertion.

        Raises:
            KeyError: There is no such entity set.
        """
        schema = self._store.schemas[name]
        fields = Query(schema=schema, select=schema.plain)
        unlimited = Reader(self._store, evolve(self._service.rules, row_limit=0, etags=False))
        return unlimited.rows(fields)

    def insert(self, name: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Add *rows* to the entity set *name*, all or none; return their ids.

        Raises:
            KeyError: There is no such entity set.
            ValueError: A row is refused, as over HTTP; the message is the text of the refusal.
        """
        schema = self._store.schemas[name]
        try:
            with self._store.transaction():
                return [self._service.writer.insert(schema, row)["Id"] for row in rows]
        except Refusal as refusal:
            raise ValueError(refusal.answer.body.decode()) from None

    def process(
        self,
        name: str,
        *,
        background: bool = False,
        results: Iterable[str] | None = None,
        silent: bool = False,
    ) -> Callable[[_Function], _Function]:
        """Make the decorated function the business process *name*.

        Its keyword parameters are the parameters of the process, as the types that it names: str,
        int, float, Decimal, bool, UUID, datetime, list, dict; a text where it names none. What it
        returns, a mapping or None, holds the result parameters. It may be async, and wait at
        elements with `wait_at`. What it raises goes to ``SysProcessLog``, which has a row of each
        run from its begin on.

        Args:
            name: The code of its schema.
            background: RunProcess answers without waiting and without a handle, unless a result is
                asked of it.
            results: The codes of its results: RunProcess then refuses others before it runs.
            silent: RunProcess says ``success: true`` of a run that failed, as a site does on which
                ``Feature-SetErrorInfoIfProcessHasFailedExecution`` is off.
        """

        def register(function: _Function) -> _Function:
            self._processes.register(
                name, function, background=background, results=results, silent=silent
            )
            return function

        return register

    async def wait_at(self, uid: str, page: Any = None) -> None:
        """Let the process that calls this wait at its element *uid* until that is executed.

        RunProcess then answers that the process runs, with *page* as its ``executionData``.

        Raises:
            RuntimeError: It is called by no process, or another one waits at that element.
        """
        await self._processes.runs.wait_at(uid, page)

    def element(self, uid: str) -> Callable[[_Function], _Function]:
        """Make the decorated function the element *uid* of a running process; it runs once."""

        def register(function: _Function) -> _Function:
            self._processes.elements[uid.lower()] = function
            return function

        return register


def _one_of(option: str, value: str, *known: str) -> None:
    if value not in known:
        raise ValueError(f"{option} must be one of {', '.join(known)}, not {value!r}")
