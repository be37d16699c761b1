"""A session that is lost in the midst of something longer than one request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest

from creatio_async import Creatio, SessionExpiredError
from creatio_async.emulator import DropAfter, Emulator, Expire

Shape = Literal["401", "redirect", "html", "json"]
SHAPES: tuple[Shape, ...] = ("401", "redirect", "html", "json")


@pytest.fixture(params=SHAPES)
def lose(request: pytest.FixtureRequest, emulator: Emulator) -> Callable[..., None]:
    """Return what lets the next request of a kind meet the loss of its session."""

    def add(path: str, **options: Any) -> None:
        emulator.troubles.add(Expire(request.param), path=path, **options)

    return add


async def test_between_two_pages(
    lose: Callable[..., None], crm: Creatio, emulator: Emulator
) -> None:
    emulator.insert("City", [{"Name": f"City {number}"} for number in range(30)])
    lose("City", skip=1)
    found = [row["Name"] async for page in crm.odata["City"].pages(10) for row in page.rows]
    assert len(set(found)) == 30
    assert emulator.logins == 2


async def test_before_a_batch(lose: Callable[..., None], crm: Creatio, emulator: Emulator) -> None:
    lose("$batch")
    batch = crm.odata.batch()
    created = [batch.create("City", {"Name": f"City {number}"}) for number in range(10)]
    await batch.send()
    assert all(each.result()["Name"] for each in created)
    assert (len(emulator.rows("City")), emulator.logins) == (10, 2)


async def test_in_a_bulk_load(lose: Callable[..., None], crm: Creatio, emulator: Emulator) -> None:
    lose("$batch", skip=2)
    rows = ({"Name": f"City {number}"} for number in range(700))
    report = await crm.odata["City"].create_many(rows, at_once=4)
    report.raise_for_failures()
    assert (len(emulator.rows("City")), emulator.logins) == (700, 2)


async def test_before_an_upload_that_can_be_read_again(
    lose: Callable[..., None], crm: Creatio, emulator: Emulator
) -> None:
    row = await crm.odata["SysImage"].create({"Name": "x"})
    lose("/Data")
    data = crm.odata["SysImage"].stream(row["Id"], "Data")
    await data.write(b"x" * 100_000)
    assert await data.read() == b"x" * 100_000
    assert emulator.logins == 2


async def test_before_an_upload_that_can_be_read_once(
    lose: Callable[..., None], crm: Creatio, emulator: Emulator
) -> None:
    async def produced() -> AsyncIterator[bytes]:
        yield b"x"

    row = await crm.odata["SysImage"].create({"Name": "x"})
    lose("/Data")
    data = crm.odata["SysImage"].stream(row["Id"], "Data")
    with pytest.raises(SessionExpiredError) as caught:
        await data.write(produced())
    assert "can be read only once" in caught.value.__notes__[0]
    assert await data.read() == b"", "the next call logs in"
    assert emulator.logins == 2


async def test_before_a_stream_down(
    lose: Callable[..., None], crm: Creatio, emulator: Emulator
) -> None:
    lose("odata/")
    async with crm.stream("GET", "odata/", headers={"Accept": "application/json"}) as download:
        assert b"Contact" in await download.read()
    assert emulator.logins == 2


async def test_before_a_process(
    lose: Callable[..., None], crm: Creatio, emulator: Emulator
) -> None:
    runs = 0

    @emulator.process("UsrCount")
    def count() -> None:
        nonlocal runs
        runs += 1

    lose("UsrCount")
    await crm.processes.start("UsrCount")
    assert (runs, emulator.logins) == (1, 2)


async def test_what_may_have_been_carried_out_is_not_repeated_after_a_login(
    crm: Creatio, emulator: Emulator
) -> None:
    """The answer is lost, and then the session: the row is looked up, and is there."""
    emulator.troubles.add(DropAfter(), method="POST", path="City")
    emulator.troubles.add(Expire(), method="GET", path="City")
    await crm.odata["City"].create({"Name": "Burbank"})
    assert (len(emulator.rows("City")), emulator.logins) == (1, 2)


async def test_all_of_these_at_once_log_in_once(crm: Creatio, emulator: Emulator) -> None:
    emulator.insert("City", [{"Name": f"City {number}"} for number in range(50)])

    async def paged() -> int:
        return len([row async for row in crm.odata["City"].select("Id").top(50)])

    async def batched() -> None:
        batch = crm.odata.batch()
        batch.create("Account", {"Name": "a"})
        await batch.send()

    emulator.expire()
    await asyncio.gather(
        *(paged() for _ in range(20)),
        *(batched() for _ in range(20)),
        *(crm.request("GET", "odata/") for _ in range(20)),
        *(crm.check() for _ in range(20)),
    )
    assert emulator.logins == 2
    assert len(emulator.rows("Account")) >= 20
