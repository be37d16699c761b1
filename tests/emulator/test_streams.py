from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from creatio_async.emulator import Emulator

from .caller import ZERO, Caller, caller_of, message_of, socket_caller

LIMIT = 10 * 2**20


@pytest.fixture
async def image(site: Caller) -> str:
    """The address of the stream of a new image."""
    return f"SysImage({(await site.create('SysImage', Name='a.png'))['Id']})/Data"


async def put(crm: Caller, path: str, data: bytes, kind: str = "-") -> int:
    return (await crm.odata("PUT", path, data, {"Content-Type": kind})).status


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("image/png", "image/png"),
        ("application/octet-stream; IEEE754Compatible=true", "application/octet-stream"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("-", "application/octet-stream"),
        ("; charset=utf-8", "application/octet-stream"),
    ],
)
async def test_a_stream_comes_back_in_the_type_in_which_it_was_sent(
    site: Caller, image: str, sent: str, kept: str
) -> None:
    assert await put(site, image, b"\x89PNG", sent) == 200
    response = await site.odata("GET", image)
    assert (response.status, response.body) == (200, b"\x89PNG")
    assert response.headers["content-type"] == kept


async def test_a_stream_that_was_never_written_is_null_and_an_empty_one_is_not(
    site: Caller, image: str
) -> None:
    # OASIS OData 4.0, Part 1, 11.2: a null value is a 204
    assert (await site.odata("GET", image)).status == 204
    assert await put(site, image, b"", "text/plain") == 200
    response = await site.odata("GET", image)
    assert (response.status, response.body, response.content_type) == (200, b"", "text/plain")
    assert (await site.odata("DELETE", image)).status == 204
    assert (await site.odata("GET", image)).status == 204
    assert (await site.odata("DELETE", image)).status == 204


async def test_the_key_of_a_stream_may_be_a_segment(site: Caller, image: str) -> None:
    path = image.replace("(", "/").replace(")", "")
    assert await put(site, path, b"x") == 200
    assert (await site.odata("GET", path)).body == b"x"
    assert (await site.odata("GET", f"{image}/$value")).status == 404


async def test_a_stream_ends_with_its_row(crm: Caller) -> None:
    [key] = crm.emulator.insert("SysImage", [{"Name": "a.png"}])
    assert await put(crm, f"SysImage({key})/Data", b"x", "image/png") == 200
    assert (await crm.odata("DELETE", f"SysImage({key})")).status == 204
    crm.emulator.insert("SysImage", [{"Id": key, "Name": "b.png"}])
    assert (await crm.odata("GET", f"SysImage({key})/Data")).status == 204


async def test_a_stream_of_no_row_is_not_found(crm: Caller) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await crm.odata(method, f"SysImage({ZERO})/Data", b"x")
        assert response.status == 404
    response = await crm.odata("POST", f"SysImage({ZERO})/Data", b"x")
    assert (response.status, response.headers["allow"]) == (405, "GET, PUT, DELETE")


async def test_a_stream_larger_than_the_setting_is_refused(site: Caller, image: str) -> None:
    # academy.creatio.com, "OData", limitations: MaxFileSize, 10 MB
    assert await put(site, image, b"x" * LIMIT) == 200
    response = await site.odata("PUT", image, b"y" * (LIMIT + 1))
    assert response.status == 413
    assert "MaxFileSize" in message_of(response)
    assert (await site.odata("GET", image)).body == b"x" * LIMIT


@pytest.mark.parametrize("options", [{"max_file_size": 0}, {"profile": "standard"}])
async def test_thirty_megabytes_are_taken_without_a_limit(options: Any) -> None:
    data = b"x" * 30 * 2**20
    with Emulator(**options) as emulator:
        [key] = emulator.insert("SysImage", [{"Name": "big.png"}])
        async with socket_caller(emulator) as crm:
            await crm.login()
            assert await put(crm, f"SysImage({key})/Data", data) == 200
            assert (await crm.odata("GET", f"SysImage({key})/Data")).body == data


async def test_a_stream_may_come_in_chunks() -> None:
    async def chunks() -> AsyncGenerator[bytes]:
        for letter in (b"a", b"b", b"c"):
            yield letter * 1000

    data: AsyncIterator[bytes] = chunks()
    with Emulator(max_file_size=3000) as emulator:
        [key] = emulator.insert("SysImage", [{"Name": "a.txt"}])
        async with socket_caller(emulator) as crm, aiohttp.ClientSession() as session:
            await crm.login()
            cookies = "; ".join(f"{name}={value}" for name, value in crm.cookies.items())
            headers = {"Cookie": cookies, "BPMCSRF": crm.cookies["BPMCSRF"]}
            address = f"{crm.base}/0/odata/SysImage({key})/Data"
            async with session.put(address, data=data, headers=headers) as answer:
                assert answer.status == 200
                assert answer.request_info.headers["Transfer-Encoding"] == "chunked"
            assert (await crm.odata("GET", f"SysImage({key})/Data")).body == (
                b"a" * 1000 + b"b" * 1000 + b"c" * 1000
            )


async def test_streams_are_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "crm.sqlite"
    with Emulator(database=path) as emulator:
        [key] = emulator.insert("SysImage", [{"Name": "a.png"}])
        crm = caller_of(emulator)
        await crm.login()
        await put(crm, f"SysImage({key})/Data", b"x", "image/png")
    with Emulator(database=path) as emulator:
        crm = caller_of(emulator)
        await crm.login()
        response = await crm.odata("GET", f"SysImage({key})/Data")
        assert (response.body, response.content_type) == (b"x", "image/png")
