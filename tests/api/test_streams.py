"""Stream fields: images and files, up and down."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import define

from creatio_async import (
    Creatio,
    ForbiddenError,
    NotFoundError,
    OData,
    RetryPolicy,
    SessionExpiredError,
    TransportError,
)
from creatio_async.emulator import Cut, DropBefore, Emulator, Expire, Refuse
from tests.api.canned import AT_ONCE, AUTH, answer, canned, client, lost
from tests.api.services import sent

IMAGE = bytes(range(256)) * 4
FILE = "scr_NewContactPhoto.png"


@pytest.fixture
async def image(odata: OData) -> str:
    """Return the id of an image row whose bytes are `IMAGE`."""
    row = await odata["SysImage"].create({"Name": FILE, "MimeType": "image/png"})
    await odata["SysImage"].stream(row["Id"], "Data").write(IMAGE, content_type="image/png")
    return str(row["Id"])


async def produced(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_contact_gets_a_photo_another_one_and_none(
    crm: Creatio, emulator: Emulator
) -> None:
    """The recipe of the documentation, "Stream data type request examples"."""
    contact = await crm.odata["Contact"].create({"Name": "New user"})
    image = await crm.odata["SysImage"].create({
        "Name": FILE,
        "Id": "410006E1-CA4E-4502-A9EC-E54D922D2C01",
        "MimeType": "image/png",
    })
    assert image["Id"] == "410006e1-ca4e-4502-a9ec-e54d922d2c01"
    data = crm.odata["SysImage"].stream(image["Id"], "Data")
    await data.write(IMAGE)
    await crm.odata["Contact"].update(contact["Id"], {"PhotoId": image["Id"]})

    photo = await crm.odata["Contact"].value(contact["Id"], "PhotoId")
    assert await crm.odata["SysImage"].stream(photo, "Data").read() == IMAGE
    await data.write(b"another")
    assert await data.read() == b"another"
    await data.delete()
    assert await data.read() == b""
    sent = [
        (each.method, each.url.path.removeprefix("/0/odata/"))
        for each in emulator.requests
        if "Data" in each.url.path and each.method != "GET"
    ]
    path = "SysImage(410006e1-ca4e-4502-a9ec-e54d922d2c01)/Data"
    assert sent == [("PUT", path), ("PUT", path), ("DELETE", path)]


async def test_bytes_come_whole_and_in_pieces_and_into_a_file(
    odata: OData, image: str, tmp_path: Path
) -> None:
    data = odata["SysImage"].stream(image, "Data")
    assert await data.read() == IMAGE
    assert b"".join([chunk async for chunk in data.chunks()]) == IMAGE
    target = tmp_path / "photo.png"
    target.write_bytes(b"what was there")
    assert await data.download(target) == len(IMAGE)
    assert target.read_bytes() == IMAGE
    assert [each.name for each in tmp_path.iterdir()] == ["photo.png"]


async def test_an_answer_that_breaks_off_is_an_error_and_leaves_no_part_of_a_file(
    odata: OData, emulator: Emulator, image: str, tmp_path: Path
) -> None:
    data = odata["SysImage"].stream(image, "Data")
    target = tmp_path / "photo.png"
    target.write_bytes(b"what was there")
    emulator.troubles.add(Cut(0.5), path="/Data", times=None)
    with pytest.raises(TransportError):
        await data.download(target)
    with pytest.raises(TransportError):
        _ = [chunk async for chunk in data.chunks()]
    with pytest.raises(TransportError):
        await data.read()
    assert target.read_bytes() == b"what was there"
    assert [each.name for each in tmp_path.iterdir()] == ["photo.png"]


SOURCES: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda _: IMAGE,
    "a bytearray": lambda _: bytearray(IMAGE),
    "a path": lambda path: path,
    "the text of a path": str,
    "an async iterable": lambda _: produced(IMAGE[:7], b"", IMAGE[7:]),
}


@pytest.mark.parametrize("source", SOURCES)
async def test_bytes_are_written_from(
    odata: OData, emulator: Emulator, image: str, tmp_path: Path, source: str
) -> None:
    path = tmp_path / "image"
    path.write_bytes(IMAGE)
    data = odata["SysImage"].stream(image, "Data")
    await data.delete()
    await data.write(SOURCES[source](path), content_type="image/png")
    assert emulator.requests[-1].headers["content-type"] == "image/png"
    assert await data.read() == IMAGE


@pytest.mark.parametrize(
    ("options", "announced"),
    [({}, None), ({"length": len(IMAGE)}, str(len(IMAGE))), ({"spool": True}, str(len(IMAGE)))],
)
async def test_an_iterable_goes_out_chunked_unless_its_length_is_known(
    emulator: Emulator, options: dict[str, Any], announced: str | None
) -> None:
    (image,) = emulator.insert("SysImage", [{"Name": FILE}])
    async with emulator.served() as url, client_of(url) as crm:
        data = crm.odata["SysImage"].stream(image, "Data")
        await data.write(produced(IMAGE[:100], IMAGE[100:]), **options)
        headers = emulator.requests[-1].headers
        assert headers.get("content-length") == announced
        assert ("transfer-encoding" in headers) == (announced is None)
        assert await data.read() == IMAGE


def client_of(url: str) -> Creatio:
    return Creatio(url, AUTH, retry=AT_ONCE)


@pytest.mark.parametrize("length", [len(IMAGE) - 1, len(IMAGE) + 1])
async def test_a_source_of_another_length_than_promised_is_an_error(
    odata: OData, image: str, length: int
) -> None:
    data = odata["SysImage"].stream(image, "Data")
    with pytest.raises(ValueError, match="bytes than the"):
        await data.write(produced(IMAGE), length=length)
    assert await data.read() == IMAGE


async def test_what_the_source_raises_is_raised(odata: OData, image: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise LookupError("the source broke")

    data = odata["SysImage"].stream(image, "Data")
    with pytest.raises(LookupError, match="the source broke"):
        await data.write(broken())
    assert await data.read() == IMAGE


async def test_a_source_that_fails_as_a_connection_would_is_still_the_callers(
    emulator: Emulator,
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise OSError(5, "the disk broke")

    image = emulator.insert("SysImage", [{"Name": "a.png"}])[0]
    async with emulator.served() as url, client_of(url) as crm:
        with pytest.raises(OSError, match="the disk broke") as raised:
            await crm.odata["SysImage"].stream(image, "Data").write(broken())
    assert type(raised.value) is OSError


async def test_a_source_that_can_be_read_only_once_is_not_sent_twice(
    odata: OData, emulator: Emulator, image: str
) -> None:
    data = odata["SysImage"].stream(image, "Data")
    for trouble, error in (
        (Expire("401"), SessionExpiredError),
        (Expire("redirect"), SessionExpiredError),
        (DropBefore(), TransportError),
        (Refuse(403), ForbiddenError),
    ):
        emulator.troubles.add(trouble, path="/Data")
        with pytest.raises(error) as refused:
            await data.write(produced(b"once"), length=4)
        assert "can be read only once" in "".join(refused.value.__notes__)
    assert len(sent(emulator, "PUT")) == 5
    assert await data.read() == IMAGE


@pytest.mark.parametrize("source", ["bytes", "a path", "spooled"])
async def test_a_source_that_can_be_read_again_is_sent_again(
    odata: OData, emulator: Emulator, image: str, tmp_path: Path, source: str
) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"again")
    given: Any = {"bytes": b"again", "a path": path, "spooled": produced(b"ag", b"ain")}[source]
    for trouble in (Expire(), DropBefore(), Refuse(503)):
        emulator.troubles.add(trouble, path="/Data")
    data = odata["SysImage"].stream(image, "Data")
    await data.write(given, spool=source == "spooled")
    assert await data.read() == b"again"


async def test_a_lost_session_before_a_download_is_renewed(
    odata: OData, emulator: Emulator, image: str
) -> None:
    data = odata["SysImage"].stream(image, "Data")
    for shape in ("401", "redirect", "html", "json"):
        emulator.troubles.add(Expire(shape), path="/Data")
        assert b"".join([chunk async for chunk in data.chunks()]) == IMAGE
    assert emulator.logins == 5


async def test_a_file_that_is_a_page_is_no_login_page(odata: OData) -> None:
    page = b"<!DOCTYPE html><html><title>A file</title>" + b"<p>text</p>" * 20_000
    row = await odata["SysImage"].create({"Name": "page.html"})
    data = odata["SysImage"].stream(row["Id"], "Data")
    await data.write(page, content_type="text/html")
    assert b"".join([chunk async for chunk in data.chunks()]) == page
    assert await data.read() == page


async def test_a_page_is_handed_on_whole_although_its_start_was_looked_at() -> None:
    page = b"<html>" + b"x" * 200_000
    site = canned(answer(page, content_type="text/html; charset=utf-8"))
    async with client(site) as crm:
        data = crm.odata["SysImage"].stream(uuid4(), "Data")
        assert b"".join([chunk async for chunk in data.chunks()]) == page


async def test_a_row_that_is_not_there_has_no_stream(odata: OData, tmp_path: Path) -> None:
    data = odata["SysImage"].stream(uuid4(), "Data")
    with pytest.raises(NotFoundError):
        await data.read()
    with pytest.raises(NotFoundError):
        await data.download(tmp_path / "none")
    with pytest.raises(NotFoundError):
        await data.write(b"x")
    assert list(tmp_path.iterdir()) == []


async def test_a_download_is_begun_again_until_its_head_has_come() -> None:
    site = canned(lost(), answer(status=503), answer(b"bytes", content_type="image/png"))
    async with client(site, retry=RetryPolicy(wait_initial=0, wait_jitter=0)) as crm:
        data = crm.odata["SysImage"].stream(uuid4(), "Data")
        assert [chunk async for chunk in data.chunks()] == [b"bytes"]


async def test_leaving_a_download_early_gives_its_place_back(odata: OData, image: str) -> None:
    data = odata["SysImage"].stream(image, "Data")
    for _ in range(40):  # more than there are places
        chunks = data.chunks()
        await anext(chunks)
        await chunks.aclose()
    assert await data.read() == IMAGE


async def test_a_mistake_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    site = canned()
    mistake: Any = 5
    async with client(site) as crm:
        with pytest.raises(ValueError, match="not an Id"):
            crm.odata["SysImage"].stream("x", "Data")
        with pytest.raises(ValueError, match="not a column"):
            crm.odata["SysImage"].stream(uuid4(), "Data/x")
        data = crm.odata["SysImage"].stream(uuid4(), "Data")
        with pytest.raises(TypeError, match="bytes, a path or an async iterable"):
            await data.write(mistake)
        with pytest.raises(FileNotFoundError):
            await data.write(tmp_path / "none")
    assert site.requests == []


MEGABYTE = 1 << 20


@define
class Pipe:
    """A server that takes any number of bytes and gives *megabytes*, keeping none.

    The emulator keeps what it is given, and so cannot show that memory stays flat.
    """

    megabytes: int
    received: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await self._head(reader):
                await self._answer(head, writer)
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        left = int(length or 0)
        while left:
            piece = await reader.read(min(left, MEGABYTE))
            left -= len(piece)
            self.received += len(piece) if head.startswith(b"PUT") else 0
        return head

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        body = b'{"Code":0,"RedirectUrl":"/0/Shell"}' if b"AuthService" in head else b""
        size = self.megabytes * MEGABYTE if head.startswith(b"GET") else len(body)
        kind = b"application/json" if body else b"application/octet-stream"
        start = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        writer.write(start % (kind, size) + body)
        for _ in range(self.megabytes if head.startswith(b"GET") else 0):
            writer.write(bytes(MEGABYTE))
            await writer.drain()


@pytest.mark.parametrize(
    "megabytes", [48, pytest.param(1024, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
async def test_memory_stays_flat_for_a_stream_of_any_size(megabytes: int) -> None:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(megabytes):
            yield bytes(MEGABYTE)

    pipe = Pipe(megabytes)
    server = await asyncio.start_server(pipe.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_of(f"http://127.0.0.1:{port}") as crm:
        data = crm.odata["SysImage"].stream(uuid4(), "Data")
        tracemalloc.start()
        try:
            taken = sum([len(chunk) async for chunk in data.chunks()])
            await data.write(source(), length=megabytes * MEGABYTE)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken == pipe.received == megabytes * MEGABYTE
    assert peak < 16 * MEGABYTE
