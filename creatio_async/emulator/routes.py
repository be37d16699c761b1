"""Where a request goes: login, workspace, OData, ``$batch``, processes, login pages.

Source: academy.creatio.com, "Authentication basics" and "odata web service (OData 4)"; what a lost
session looks like was seen in the code and logs of clients.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import orjson
from attrs import define, field, frozen

from creatio_async.emulator.about import about
from creatio_async.emulator.batching import Batches
from creatio_async.emulator.entities import ENTITIES, Entities
from creatio_async.emulator.loginpage import login_page, login_path
from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.monitors import Monitors
from creatio_async.emulator.oauth import TOKEN_PATH
from creatio_async.emulator.odata4 import ODataService
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.processes import Processes
from creatio_async.emulator.refusals import (
    JSON,
    Answer,
    Refusal,
    service_error,
)
from creatio_async.emulator.sessions import AUTHENTICATION_FAILED, Session, Sessions, cookies_of
from creatio_async.emulator.troubled import elsewhere, failure, inside, refused
from creatio_async.emulator.troubles import (
    Accepted,
    Cut,
    DropAfter,
    DropBefore,
    Expire,
    Fail,
    Latency,
    Redirect,
    Refuse,
    Trouble,
    Troubles,
)
from creatio_async.emulator.troubles import Answer as Canned
from creatio_async.messages import Headers, Request, Response

__all__ = ["Delivery", "Site"]

_MODIFYING: Final = {"POST", "PUT", "PATCH", "DELETE", "MERGE"}
_AUTH: Final = "/ServiceModel/AuthService.svc/"
_PROCESSES: Final = "/ServiceModel/ProcessEngineService.svc/"
_HASHES: Final = "/api/ClientCache/Hashes"
_MONITORS: Final = "$monitor/"
_HTML: Final = ("Content-Type", "text/html; charset=utf-8")
_NOT_FOUND: Final = Answer(404)


@frozen
class Delivery:
    """What goes out on the wire: an answer, its first *cut* bytes, or (None) nothing."""

    response: Response | None
    cut: int | None = None


@define
class Site:
    """One site, from its root: every address that it answers."""

    directory: str
    framework: bool
    csrf: bool
    sessions: Sessions
    service: ODataService
    processes: Processes
    troubles: Troubles
    batches: Batches
    sleep: Callable[[float], Awaitable[object]]
    operations: int = 0
    monitors: Monitors = field(factory=Monitors)
    _entities: Entities = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._entities = Entities(self.service, self.batches.limits)

    async def deliver(self, request: Request) -> Delivery:
        """Answer *request*, and let it meet its troubles before and after."""
        path = request.url.path_qs
        met = self.troubles.met(request.method, path, lambda: request)
        for trouble in met:
            early = await self._before(trouble, request)
            if early is not None:
                return early
        response = _response(await self._answer(request))
        for trouble in met:
            match trouble:
                case DropAfter():
                    return Delivery(None)
                case Cut() if response.body:
                    return Delivery(response, trouble.length(len(response.body)))
                case Fail(after=True):
                    return Delivery(_response(self._failed(trouble, request)))
                case Accepted():
                    root = self._root(request) + _MONITORS
                    return Delivery(_response(self.monitors.accept(trouble, response, root)))
                case _:
                    pass
        return Delivery(response)

    async def _before(self, trouble: Trouble, request: Request) -> Delivery | None:
        match trouble:
            case Latency():
                await self.sleep(trouble.seconds)
            case Refuse():
                return Delivery(_response(refused(trouble)))
            case DropBefore():
                return Delivery(None)
            case Canned():
                return Delivery(trouble.response)
            case Redirect():
                return Delivery(_response(elsewhere(trouble)))
            case Fail(after=False):
                return Delivery(_response(self._failed(trouble, request)))
            case Expire():
                session = self._session(request)
                if session is not None:
                    self.sessions.end(session)
                return Delivery(_response(self._lost(trouble.shape, request)))
            case _:
                pass
        return None

    def _failed(self, trouble: Fail, request: Request) -> Answer:
        answer = failure(trouble)
        return self._entities.told(answer, request) if ENTITIES in request.url.path else answer

    def ticket(self, request: Request) -> str | None:
        """Return what tells the session of *request* from others; None where it has none."""
        session = self._session(request)
        return None if session is None else session.ticket

    def _session(self, request: Request) -> Session | None:
        cookies = cookies_of("; ".join(request.headers.get_all("cookie")))
        return self.sessions.find(cookies, request.headers.get("authorization", ""))

    async def _answer(self, request: Request) -> Answer:
        path = request.url.raw_path
        if not path.startswith(self.directory):
            return _NOT_FOUND
        path = path[len(self.directory) :]
        public = self._public(path, request)
        if public is not None:
            return public
        session = self._session(request)
        below = self._workspace_path(path)
        if below is None:
            return _NOT_FOUND
        if session is None:
            return self._anonymous(below, request)
        if self.csrf and session.ends is None and request.method.upper() in _MODIFYING:
            given = request.headers.get("bpmcsrf", "")
            if given != session.csrf:
                return self._with_cookies(_forbidden(), session)
        if below in {_AUTH + "Logout", "/rest/MainMenuService/Logout"}:
            self.sessions.end(session)
            return Answer(200, (JSON,), b"{}")
        told = about(request.method, below, session.user, self.service.store)
        answer = told or await self._workspace(below, request)
        return self._with_cookies(answer, session)

    def _with_cookies(self, answer: Answer, session: Session) -> Answer:
        cookies = self.sessions.workspace_cookies(session)
        return (
            Answer(answer.status, (*answer.headers, *cookies), answer.body) if cookies else answer
        )

    def _public(self, path: str, request: Request) -> Answer | None:
        """Answer what needs no session; None if *path* needs one."""
        if path == _AUTH + "Login":
            return self._login(request)
        if path == TOKEN_PATH:
            return self._grant(request)
        if path.startswith(_AUTH) and path != _AUTH + "Logout":
            return Answer(403)
        if path.startswith("/0" + _AUTH):
            return AUTHENTICATION_FAILED
        if path in {"/0/ping", "/ping", "/api/HealthCheck/Ping", "/0/api/HealthCheck/Ping"}:
            return Answer(200, (JSON,), b'"Pong"')
        page = login_path(framework=self.framework)
        if path == page:
            return Answer(200, (_HTML,), self._page())
        if path == "/0" + page and self.framework:
            return self._lost("redirect", request)
        return None

    def _login(self, request: Request) -> Answer:
        if request.method != "POST":
            return Answer(405, (("Allow", "POST"),))
        return self.sessions.login(request.body)

    def _grant(self, request: Request) -> Answer:
        """Answer who wants a token; without an identity service, as the site itself does: a page.

        Source: seen by those who took the one for the other.
        """
        if not self.sessions.clients:
            return Answer(200, (_HTML,), self._page())
        if request.method != "POST":
            return Answer(405, (("Allow", "POST"),))
        return self.sessions.grant(request.body)

    def _workspace_path(self, path: str) -> str | None:
        """What stands after the root of the workspace; None for the prefix of the other runtime."""
        if path in {_AUTH + "Logout", _HASHES}:
            return path
        if self.framework:
            return path[2:] if path.startswith("/0/") else None
        if path.startswith("/0" + _PROCESSES):  # Source: ProcessEngineService has both routes.
            return path[2:]
        return None if path.startswith("/0/") else path

    async def _workspace(self, path: str, request: Request) -> Answer:
        if path == "/odata" or path.startswith("/odata/"):
            return await self._odata(path.removeprefix("/odata").lstrip("/"), request)
        if path == ENTITIES or path.startswith(ENTITIES + "/"):
            root = self._root(request, ENTITIES)
            below = path.removeprefix(ENTITIES).lstrip("/")
            return await self._entities.answer(root, below, request, self._inner, self._count)
        if path == _HASHES:
            return self._hashes(request.method)
        if path.startswith(_PROCESSES):
            below, query = path.removeprefix(_PROCESSES), request.url.raw_query_string
            found = await self.processes.answer(request.method, below, query, request.body)
            return found or _NOT_FOUND
        return _NOT_FOUND

    def _hashes(self, method: str) -> Answer:
        """Values that change with the schema. Source: seen in a client; the names are inferred."""
        if method != "GET":
            return Answer(405, (("Allow", "GET"),))
        described = sha256(metadata(self.service.store.schemas)).hexdigest()
        return Answer(200, (JSON,), orjson.dumps({"EntitySchemaManager": described[:32]}))

    def _root(self, request: Request, service: str = "/odata") -> str:
        root = f"{request.url.scheme}://{request.url.raw_authority}{self.directory}"
        return f"{root}{'/0' if self.framework else ''}{service}/"

    async def _odata(self, path: str, request: Request) -> Answer:
        root = self._root(request)
        if path.startswith(_MONITORS):
            try:
                place = path.removeprefix(_MONITORS)
                return self.monitors.answer(request.method, place, root + path)
            except Refusal as refusal:
                return refusal.answer
        if path in {"$batch", "%24batch"}:
            return await self.batches.answer(root, request, self._inner)
        self.operations += 1
        operation = Operation(
            request.method.upper(),
            path,
            request.url.raw_query_string,
            {name.lower(): value for name, value in request.headers.items()},
            request.body,
            root,
        )
        return self.service.answer(operation)

    def _count(self) -> None:
        self.operations += 1

    def _inner(self, operation: Operation, carry_out: Callable[[], Answer]) -> Answer:
        self.operations += 1
        if not self.troubles.rules:
            return carry_out()
        return inside(self.troubles, operation, carry_out)

    def _anonymous(self, path: str, request: Request) -> Answer:
        """The answer to a request without a session.

        Source: logs and code of clients. On .NET Framework OData and services answer 401 where
        ``ForceUseSession`` was sent or a script asks, and redirect otherwise; on .NET OData and
        services always answer 401.
        """
        asks_plainly = (
            request.headers.get("forceusesession", "").lower() == "true"
            or request.headers.get("x-requested-with", "").lower() == "xmlhttprequest"
        )
        rest = path.startswith("/rest/")
        if asks_plainly or (not self.framework and not rest):
            return AUTHENTICATION_FAILED
        return self._lost("redirect", request)

    def _lost(self, shape: str, request: Request) -> Answer:
        match shape:
            case "redirect":
                page = login_path(framework=self.framework)
                back = quote(request.url.raw_path_qs, safe="")
                place = f"{self.directory}{page}?ReturnUrl={back}"
                return Answer(302, (("Location", place), _HTML))
            case "html":
                return Answer(200, (_HTML,), self._page())
            case "json":
                return Answer(200, (JSON,), AUTHENTICATION_FAILED.body)
            case _:
                return AUTHENTICATION_FAILED

    def _page(self) -> bytes:
        return login_page(self.directory, framework=self.framework)


def _forbidden() -> Answer:
    """The refusal of a token. Source: academy.creatio.com for the status; the body is inferred."""
    return service_error(
        403, "The BPMCSRF token is missing or wrong.", "System.Web.HttpAntiForgeryException"
    )


def _response(answer: Answer) -> Response:
    return Response(status=answer.status, headers=Headers(answer.headers), body=answer.body)
