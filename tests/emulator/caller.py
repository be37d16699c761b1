"""A caller that knows HTTP and nothing of Creatio but its cookies."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
import orjson
from attrs import define, field
from yarl import URL

from creatio_async.emulator import Emulator
from creatio_async.messages import Headers, Request, Response

SUPERVISOR = "410006e1-ca4e-4502-a9ec-e54d922d2c00"
ANDREW = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
ZERO = "00000000-0000-0000-0000-000000000000"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@define
class Caller:
    """Sends requests to *base*, with the cookies that were set and the token where it is due."""

    base: str
    carry: Callable[[Request], Awaitable[Response]]
    emulator: Emulator
    workspace: str = "/0"
    cookies: dict[str, str] = field(factory=dict)
    seen: list[Response] = field(factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        signed: bool = True,
    ) -> Response:
        """Send to *path* below the root of the site; *body* is bytes, or is sent as JSON."""
        sent = {"ForceUseSession": "true"} if signed else {}
        if signed and self.cookies:
            sent["Cookie"] = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
            sent["BPMCSRF"] = self.cookies.get("BPMCSRF", "")
        if body is not None and not isinstance(body, bytes):
            body = orjson.dumps(body)
            sent |= JSON
        sent |= headers or {}
        request = Request(
            method=method,
            url=URL(self.base + path, encoded=True),
            headers=Headers({n: v for n, v in sent.items() if v != "-"}),
            body=body or b"",
        )
        response = await self.carry(request)
        for cookie in response.headers.get_all("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.seen.append(response)
        return response

    async def odata(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Send to *path* below the OData service."""
        return await self.ask(method, f"{self.workspace}/odata/{path}", body, headers)

    async def get(self, path: str) -> Any:
        """Return the JSON at *path* below the OData service, which must be there."""
        response = await self.odata("GET", path)
        assert response.status == 200, response.text()
        return response.json()

    async def values(self, path: str) -> list[dict[str, Any]]:
        """Return the rows at *path* below the OData service."""
        rows: list[dict[str, Any]] = (await self.get(path))["value"]
        return rows

    async def names(self, path: str) -> list[str]:
        """Return the names of the rows at *path* below the OData service."""
        return [row["Name"] for row in await self.values(path)]

    async def create(self, entity_set: str, **fields: Any) -> dict[str, Any]:
        """Create a row and return it."""
        response = await self.odata("POST", entity_set, fields)
        assert response.status == 201, response.text()
        row: dict[str, Any] = response.json()
        return row

    async def batch(self, *items: dict[str, Any], **headers: str) -> Response:
        """Send a ``$batch`` in JSON."""
        return await self.odata("POST", "$batch", {"requests": list(items)}, headers)

    async def login(
        self,
        user: str = "Supervisor",
        password: str = "Supervisor",  # noqa: S107 - no secret
    ) -> Response:
        """Log in."""
        body = {"UserName": user, "UserPassword": password, "TimeZoneOffset": 0}
        return await self.ask("POST", "/ServiceModel/AuthService.svc/Login", body, signed=False)


def caller_of(emulator: Emulator, **options: Any) -> Caller:
    """Return a caller without a socket."""
    return Caller("http://crm.test", emulator.send, emulator, **options)


@asynccontextmanager
async def socket_caller(emulator: Emulator, **options: Any) -> AsyncGenerator[Caller]:
    """Give a caller over a socket."""
    async with (
        emulator.served() as url,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):

        async def carry(request: Request) -> Response:
            async with session.request(
                request.method,
                request.url,
                headers=request.headers.pairs,
                data=BytesIO(request.body) if request.body else None,
                allow_redirects=False,
                skip_auto_headers=["Content-Type", "Accept", "Accept-Encoding", "User-Agent"],
            ) as answer:
                return Response(
                    status=answer.status,
                    headers=Headers(answer.headers.items()),
                    body=await answer.read(),
                )

        yield Caller(url, carry, emulator, **options)


def inner(id_: str, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
    """Return an item of a batch."""
    item: dict[str, Any] = {"id": id_, "method": method, "url": url, "headers": dict(JSON)}
    if body is not None:
        item["body"] = body
    return item | more


def message_of(response: Response) -> str:
    """Return the innermost message of an OData error."""
    error = response.json()["error"]
    told = error.get("innererror", {})
    found: str = told.get("internalexception", told).get("message", error["message"])
    return found
