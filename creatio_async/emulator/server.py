"""The same site behind a port: aiohttp's server, and nothing that answers by itself."""

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


@asynccontextmanager
async def served(
    deliver: Callable[[Request], Awaitable[Delivery]], host: str, port: int
) -> AsyncGenerator[str]:
    """Listen on *host* and *port* inside the block; give the address without a slash at its end."""

    async def answer(incoming: web.Request) -> web.StreamResponse:
        request = Request(
            method=incoming.method,
            url=URL(f"http://{incoming.host}{incoming.raw_path}", encoded=True),
            headers=Headers(incoming.headers.items()),
            body=await incoming.read(),
        )
        delivery = await deliver(request)
        if delivery.response is None:
            _drop(incoming)
            return web.Response()
        if delivery.cut is not None:
            return await _cut(incoming, delivery.response, delivery.cut)
        return _whole(delivery.response)

    app = web.Application(client_max_size=_LARGEST)
    app.router.add_route(hdrs.METH_ANY, "/{path:.*}", answer)
    # Handlers that still wait, as in a latency, are cancelled at once when the block ends.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{bound}"
    finally:
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
