import asyncio
import socket

import aiohttp
import pytest
from yarl import URL

from creatio_async import Timeouts, TransportError
from creatio_async.messages import Request
from creatio_async.runtime.aiohttp_transport import AiohttpTransport
from tests.api.scripted import eventually, open_sockets
from tests.runtime.raw import OK, Raw

QUICK = Timeouts(read=0.05)


def request(url: str, method: str = "GET", body: bytes = b"") -> Request:
    return Request(method=method, url=URL(f"{url}/x", encoded=True), body=body)


async def failure(raw: Raw, timeouts: Timeouts | None = None) -> TransportError:
    """Return what becomes of one request to *raw*."""
    async with raw.served() as url:
        transport = AiohttpTransport.open(timeouts or Timeouts())
        try:
            with pytest.raises(TransportError) as caught:
                await transport.send(request(url))
        finally:
            await transport.aclose()
    return caught.value


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_on_a_kept_connection_that_closes_is_not_sent_again(method: str) -> None:
    """The server has read it: a process that it started would run twice."""
    raw = Raw(lambda number: OK if number == 1 else None)
    async with raw.served() as url:
        transport = AiohttpTransport.open(Timeouts())
        await transport.send(request(url))
        with pytest.raises(TransportError, match="closed before an answer") as caught:
            await transport.send(request(url, method))
        await transport.aclose()
    assert caught.value.sent
    assert isinstance(caught.value.__cause__, aiohttp.ServerDisconnectedError)
    assert (len(raw.requests), raw.connections) == (2, 1)


async def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        transport = AiohttpTransport.open(Timeouts())
        with pytest.raises(TransportError) as caught:
            await transport.send(request(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        await transport.aclose()
    assert not caught.value.sent
    assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorError)


async def test_an_answer_that_does_not_come_in_time_is_no_answer() -> None:
    raw = Raw()
    raw.held = asyncio.Event()
    error = await failure(raw, QUICK)
    assert error.reason == "no answer in time"
    assert error.sent
    assert isinstance(error.__cause__, TimeoutError)
    raw.held.set()


async def test_the_whole_of_a_request_has_its_limit_too() -> None:
    raw = Raw()
    raw.held = asyncio.Event()
    error = await failure(raw, Timeouts(total=0.05))
    assert error.reason == "no answer in time"
    raw.held.set()


async def test_a_connection_that_does_not_come_about_in_time_was_not_used() -> None:
    """The line of those who wait to be accepted is full."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)  # noqa: FBT003 - as the standard library has it
            each.connect_ex(deaf.getsockname())
        transport = AiohttpTransport.open(Timeouts(connect=0.05))
        with pytest.raises(TransportError, match="no connection in time") as caught:
            await transport.send(request(f"http://127.0.0.1:{deaf.getsockname()[1]}"))
        await transport.aclose()
        for each in waiting:
            each.close()
    assert not caught.value.sent


async def test_half_an_answer_is_none() -> None:
    error = await failure(Closing(lambda _: OK.replace(b"Length: 2", b"Length: 9")))
    assert error.reason == "the answer broke off"
    assert isinstance(error.__cause__, aiohttp.ClientPayloadError)


class Closing(Raw):
    """Closes each connection after its first answer."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.reply(1) or b"")
        await writer.drain()
        writer.close()


async def test_what_is_no_http_is_no_answer() -> None:
    error = await failure(Raw(lambda _: b"SSH-2.0-OpenSSH_9.6\r\n\r\n"))
    assert isinstance(error.__cause__, aiohttp.ClientError)


async def test_redirects_are_answers() -> None:
    raw = Raw(lambda _: b"HTTP/1.1 302 Found\r\nLocation: /Login/\r\nContent-Length: 0\r\n\r\n")
    async with raw.served() as url:
        transport = AiohttpTransport.open(Timeouts())
        answer = await transport.send(request(url))
        await transport.aclose()
    assert (answer.status, answer.headers["location"]) == (302, "/Login/")
    assert len(raw.requests) == 1


async def test_a_body_of_many_bytes_arrives_whole() -> None:
    raw = Raw()
    async with raw.served() as url:
        transport = AiohttpTransport.open(Timeouts())
        answer = await transport.send(request(url, "POST", b"x" * 3_000_000))
        await transport.aclose()
    assert answer.body == b"{}"
    assert len(raw.requests) == 1


async def test_cookies_are_kept_as_they_are_and_sent_back() -> None:
    seen: list[str] = []

    class Cookies(Raw):
        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(2):
                seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(
                    OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: A=Zx/q9.L|m; path=/\r\n\r\n")
                )
                await writer.drain()
            writer.close()

    async with Cookies().served() as url:
        transport = AiohttpTransport.open(Timeouts())
        await transport.send(request(url))
        await transport.send(request(url))
        await transport.aclose()
    assert "Cookie: A=Zx/q9.L|m\r\n" in seen[1]


async def test_a_request_that_is_cancelled_closes_its_connection() -> None:
    raw = Raw()
    raw.held = asyncio.Event()
    async with raw.served() as url:
        sockets = open_sockets()
        transport = AiohttpTransport.open(Timeouts())
        asked = asyncio.create_task(transport.send(request(url)))
        await eventually(lambda: len(raw.requests) == 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        raw.held.set()
        await eventually(lambda: open_sockets() == sockets)
        assert (await transport.send(request(url))).status == 200
        await transport.aclose()


async def test_a_connector_of_the_callers_stays_open() -> None:
    connector = aiohttp.TCPConnector()
    transport = AiohttpTransport.open(Timeouts(), connector=connector)
    await transport.aclose()
    assert not connector.closed
    await connector.close()


async def test_a_proxy_is_asked_for_the_whole_address() -> None:
    raw = Raw()
    async with raw.served() as url:
        transport = AiohttpTransport.open(Timeouts(), proxy=URL(url))
        await transport.send(request("http://crm.test"))
        await transport.aclose()
    assert raw.requests == ["GET http://crm.test/x HTTP/1.1"]


async def test_a_proxy_that_refuses_does_not_show_its_password() -> None:
    raw = Raw(lambda _: b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
    async with raw.served() as url:
        proxy = URL(url).with_user("ann").with_password("s3cret")
        transport = AiohttpTransport.open(Timeouts(), proxy=proxy)
        with pytest.raises(TransportError, match=f"407.*{proxy.port}") as caught:
            await transport.send(request("https://crm.test"))
        await transport.aclose()
    cause = caught.value.__cause__
    assert isinstance(cause, aiohttp.ClientHttpProxyError)
    assert "s3cret" not in repr([caught.value, str(cause), cause, cause.args, vars(cause)])


async def test_a_connection_that_fails_behind_a_proxy_does_not_show_its_password() -> None:
    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 No TLS here\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = URL(f"http://ann:s3cret@127.0.0.1:{port}")
    transport = AiohttpTransport.open(Timeouts(), proxy=proxy)
    with pytest.raises(TransportError, match=r"crm\.test") as caught:
        await transport.send(request("https://crm.test"))
    await transport.aclose()
    server.close()
    cause = caught.value.__cause__
    assert isinstance(cause, aiohttp.ClientConnectorError)
    assert "s3cret" not in repr([caught.value, str(cause), cause, cause.args, vars(cause)])
