"""Bodies that are taken while they come."""

import gzip
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from attrs import define, field
from yarl import URL

from creatio_async import Timeouts
from creatio_async.errors import TransportError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.taking import Taken
from creatio_async.runtime.aiohttp_transport import AiohttpTransport
from creatio_async.runtime.channels import Incoming, InProcess, taken
from tests.runtime.raw import Raw

REQUEST = Request(method="GET", url=URL("http://crm.test/0/odata/Contact"))


@define
class Pieces(InProcess):
    """A way on which an answer comes in pieces; None is where it breaks off."""

    pieces: list[bytes | None]
    log: list[str]
    status: int = 200

    @asynccontextmanager
    async def stream(self, request: Request, /) -> AsyncGenerator[Incoming]:
        """Give the pieces."""

        async def chunks() -> AsyncIterator[bytes]:
            for piece in self.pieces:
                if piece is None:
                    raise TransportError(request, "the answer broke off")
                self.log.append(f"came {len(piece)}")
                yield piece

        yield Incoming(request, self.status, Headers({"ETag": "1"}), chunks)
        self.log.append("given back")


@define
class Recorder:
    """Takes what comes."""

    log: list[str]
    taken: bytearray = field(factory=bytearray)

    def take(self, chunk: bytes, /) -> None:
        """Keep it."""
        self.log.append(f"took {len(chunk)}")
        self.taken += chunk

    @property
    def size(self) -> int:
        """Return how much was taken."""
        return len(self.taken)


async def test_a_body_is_taken_while_it_comes() -> None:
    log: list[str] = []
    recorder = Recorder(log)
    seen: list[Response] = []

    def take(request: Request, response: Response) -> Recorder:
        assert request is REQUEST
        seen.append(response)
        return recorder

    way = Pieces([b"ab", b"c" * 70_000, b"def"], log)
    response = await taken(way, REQUEST, take)
    assert log == ["came 2", "took 2", "came 70000", "took 70000", "came 3", "took 3", "given back"]
    assert [(each.status, each.headers["etag"], each.body) for each in seen] == [(200, "1", b"")]
    assert isinstance(response, Taken)
    assert (response.taker, response.size) == (recorder, 70_005)
    plain = response.plain()
    assert (type(plain), plain.body, plain.size) == (Response, b"ab" + b"c" * 70_000, 70_002)
    assert plain.headers == Headers({"ETag": "1"})


async def test_what_nobody_takes_is_read_whole() -> None:
    log: list[str] = []
    response = await taken(Pieces([b"ab", b"c"], log, 404), REQUEST, lambda *_: None)
    assert response == Response(status=404, headers=Headers({"ETag": "1"}), body=b"abc")
    assert log == ["came 2", "came 1", "given back"]


async def test_a_body_that_breaks_off_is_no_answer() -> None:
    log: list[str] = []
    with pytest.raises(TransportError, match="broke off"):
        await taken(Pieces([b"ab", None], log), REQUEST, lambda *_: Recorder(log))
    assert log == ["came 2", "took 2"]


PLAIN = b"".join(b"%d, " % number**9 for number in range(30_000))
PACKED = gzip.compress(PLAIN)


def _always(recorder: Recorder, *_: object) -> Recorder:
    return recorder


def packed(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = (body[at : at + 999] for at in range(0, len(body), 999))
    return head + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


async def test_a_packed_body_is_taken_unpacked_and_its_connection_serves_again() -> None:
    raw = Raw(lambda _: packed(PACKED))
    async with raw.served() as url:
        way = AiohttpTransport.open(Timeouts())
        for _ in range(3):
            recorder = Recorder([])
            asked = Request(method="GET", url=URL(url))
            response = await taken(way, asked, partial(_always, recorder))
            assert recorder.taken == PLAIN
            assert (response.status, response.size) == (200, len(PLAIN))
            assert len(recorder.log) > 1
        await way.aclose()
    assert (len(raw.requests), raw.connections) == (3, 1)


@pytest.mark.parametrize("body", [b"nothing packed", PACKED[:500] + bytes(50) + PACKED[550:]])
async def test_a_packed_body_that_is_damaged_is_no_answer_and_its_connection_is_let_go(
    body: bytes,
) -> None:
    raw = Raw(lambda number: packed(body if number == 1 else PACKED))
    async with raw.served() as url:
        way = AiohttpTransport.open(Timeouts())
        asked = Request(method="GET", url=URL(url))
        with pytest.raises(TransportError, match="broke off"):
            await taken(way, asked, lambda *_: Recorder([]))
        recorder = Recorder([])
        await taken(way, asked, lambda *_: recorder)
        await way.aclose()
    assert recorder.taken == PLAIN
    assert raw.connections == 2
