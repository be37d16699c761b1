"""One client in a web application: aiohttp.web and Starlette, behind real ports."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from creatio_async import Creatio, CreatioError, Limits, NotFoundError, ThrottledError
from creatio_async.emulator import Emulator, Latency, Refuse
from tests.api.canned import AT_ONCE, AUTH
from tests.api.scripted import eventually, open_sockets

CRM = web.AppKey("crm", Creatio)
DEADLINES = {"Account": 0.3}
"""Seconds; for the others so many that a busy machine keeps them."""

Backend = Callable[[str], AbstractAsyncContextManager[str]]


async def rows(crm: Creatio, name: str) -> tuple[int, Any]:
    """Return a status and a body, as a handler would make them."""
    try:
        async with asyncio.timeout(DEADLINES.get(name, 50)):
            return 200, await crm.odata[name].select("Name").top(1)
    except NotFoundError:
        return 404, None
    except TimeoutError:
        return 504, None
    except ThrottledError:
        return 503, None
    except CreatioError as error:
        return 502, type(error).__name__


def opened(site: str) -> Creatio:
    return Creatio(site, AUTH, retry=AT_ONCE, limits=Limits(at_once=8))


@asynccontextmanager
async def with_aiohttp(site: str) -> AsyncGenerator[str]:
    async def context(app: web.Application) -> AsyncIterator[None]:
        async with opened(site) as app[CRM]:
            yield  # noqa: ASYNC119 - aiohttp runs it to its end

    async def handler(request: web.Request) -> web.Response:
        status, body = await rows(request.app[CRM], request.match_info["name"])
        return web.json_response(body, status=status)

    app = web.Application()
    app.cleanup_ctx.append(context)
    app.router.add_get("/{name}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def with_starlette(site: str) -> AsyncGenerator[str]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[dict[str, Creatio]]:
        async with opened(site) as crm:
            yield {"crm": crm}

    async def handler(request: Request) -> Response:
        status, body = await rows(request.state.crm, request.path_params["name"])
        return JSONResponse(body, status_code=status)

    app = Starlette(routes=[Route("/{name}", handler)], lifespan=lifespan)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http="h11", ws="none", lifespan="on", log_config=None
    )
    server = uvicorn.Server(config)
    # Its signal handlers are for a process of its own.
    serving = asyncio.create_task(server._serve())
    try:
        await eventually(lambda: server.started or serving.done())
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(params=[with_aiohttp, with_starlette], ids=["aiohttp.web", "Starlette"])
def backend(request: pytest.FixtureRequest) -> Backend:
    made: Backend = request.param
    return made


@asynccontextmanager
async def running(
    backend: Backend, emulator: Emulator
) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    async with (
        emulator.served() as site,
        backend(site) as url,
        aiohttp.ClientSession() as browser,
    ):
        yield browser, url


async def status_of(browser: aiohttp.ClientSession, url: str) -> int:
    async with browser.get(url) as answer:
        await answer.read()
        return answer.status


async def test_all_requests_share_one_session(backend: Backend, emulator: Emulator) -> None:
    sockets = open_sockets()
    async with running(backend, emulator) as (browser, url):
        asked = [status_of(browser, f"{url}/Contact") for _ in range(100)]
        assert set(await asyncio.gather(*asked)) == {200}
        assert emulator.logins == 1
        assert emulator.most_at_once <= 8
    assert emulator.requests[-1].url.path.endswith("/Logout")
    await eventually(lambda: open_sockets() == sockets)


async def test_a_lost_session_costs_one_login_and_no_request(
    backend: Backend, emulator: Emulator
) -> None:
    async with running(backend, emulator) as (browser, url):
        for _ in range(3):
            emulator.expire()
            asked = [status_of(browser, f"{url}/Contact") for _ in range(50)]
            assert set(await asyncio.gather(*asked)) == {200}
        assert emulator.logins == 4


async def test_what_goes_wrong_has_a_status_of_its_own(
    backend: Backend, emulator: Emulator
) -> None:
    async with running(backend, emulator) as (browser, url):
        emulator.troubles.add(Refuse(429), path="City", times=4)
        emulator.troubles.add(Latency(60), path="Account")
        assert await status_of(browser, f"{url}/Contakt") == 502
        assert await status_of(browser, f"{url}/City") == 503
        assert await status_of(browser, f"{url}/Account") == 504
        assert await status_of(browser, f"{url}/Contact") == 200


async def test_a_browser_that_goes_away_leaves_nothing_behind(
    backend: Backend, emulator: Emulator
) -> None:
    async with running(backend, emulator) as (browser, url):
        await status_of(browser, f"{url}/Contact")
        emulator.troubles.add(Latency(0.05), path="Contact", times=None)
        asked = [asyncio.create_task(status_of(browser, f"{url}/Contact")) for _ in range(20)]
        await eventually(lambda: emulator._under_way == 8)
        for each in asked:
            each.cancel()
        for each in asked:
            with suppress(asyncio.CancelledError):
                await each
        emulator.troubles.clear()
        again = [status_of(browser, f"{url}/Contact") for _ in range(20)]
        assert set(await asyncio.gather(*again)) <= {200}
        assert emulator.logins == 1


async def test_a_site_that_refuses_the_login_keeps_the_application_from_starting(
    emulator: Emulator,
) -> None:
    emulator._sessions.users = {}
    async with emulator.served() as site:
        with pytest.raises(CreatioError):
            async with with_aiohttp(site):
                pass
