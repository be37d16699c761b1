"""The same site behind a port: aiohttp's server, and nothing that answers by itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import hdrs, web
from yarl import URL

from creatio_async.emulator.routes import Delivery
from creatio_async.messages import Headers, Request, Response

__all__ = ["served"]

_LARGEST: Final = 64 * 2**20
"""Bytes of a request body; IIS and Kestrel take about 30 MB."""

_PATIENCE: Final = 0.5
"""Seconds that a body which is still on its way is waited for, when the block ends."""


@asynccontextmanager
async def served(
    deliver: Callable[[Request], Awaitable[Delivery]], host: str, port: int
) -> AsyncGenerator[str]:
    """Listen on *host* and *port* inside the block; give the address without a slash at its end."""
    under_way: set[asyncio.Future[Delivery]] = set()

    async def answer(incoming: web.Request) -> web.StreamResponse:
        request = Request(
            method=incoming.method,
            url=URL(f"http://{incoming.host}{incoming.raw_path}", encoded=True),
            headers=Headers(incoming.headers.items()),
            body=await incoming.read(),
        )
        # A task of its own, so that the end of the block can end it: a caller that goes away does
        # not, as little as on Creatio.
        work = asyncio.ensure_future(deliver(request))
        under_way.add(work)
        work.add_done_callback(under_way.discard)
        await asyncio.wait([work])
        delivery = Delivery(None) if work.cancelled() else work.result()
        if delivery.response is None:
            _drop(incoming)
            return web.Response()
        if delivery.cut is not None:
            return await _cut(incoming, delivery.response, delivery.cut)
        return _whole(delivery.response)

    app = web.Application(client_max_size=_LARGEST)
    app.router.add_route(hdrs.METH_ANY, "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_PATIENCE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{bound}"
    finally:
        for work in under_way:
            work.cancel()
        await runner.cleanup()


def _whole(response: Response) -> web.Response:
    answer = web.Response(status=response.status, body=response.body)
    answer.headers.clear()
    for name, value in response.headers.pairs:
        answer.headers.add(name, value)
    return answer


async def _cut(incoming: web.Request, response: Response, at: int) -> web.StreamResponse:
    answer = web.StreamResponse(status=response.status)
    for name, value in response.headers.pairs:
        answer.headers.add(name, value)
    answer.content_length = len(response.body)
    await answer.prepare(incoming)
    await answer.write(response.body[:at])
    _drop(incoming)
    return answer


def _drop(incoming: web.Request) -> None:
    if incoming.transport is not None:
        incoming.transport.close()
