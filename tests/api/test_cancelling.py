import asyncio
from contextlib import suppress
from typing import Any

import pytest

from creatio_async import (
    Creatio,
    Limits,
)
from creatio_async.emulator import Emulator
from creatio_async.messages import Request, Response
from creatio_async.runtime.limits import Gate
from tests.api.canned import AUTH, answer
from tests.api.scripted import Scripted, eventually, open_sockets
from tests.api.senders import BUSY, READ, hold, ready


async def test_cancelled_while_it_waits_for_a_place_it_takes_none() -> None:
    site = Scripted(hold)
    sender, _ = await ready(site, gate=Gate(Limits(at_once=1)))
    first = asyncio.create_task(sender.send(READ))
    await eventually(lambda: site.under_way == 1)
    waiting = [asyncio.create_task(sender.send(READ)) for _ in range(3)]
    await asyncio.sleep(0)
    for each in [waiting[0], waiting[2], first]:
        each.cancel()
    site.reply = lambda _: answer({"value": []})
    assert (await waiting[1]).response.status == 200
    assert not sender.gate.places.locked()


async def test_cancelled_while_it_waits_for_a_login_it_leaves_the_login_alone() -> None:
    holding = asyncio.Event()
    site = Scripted(lambda _: answer(status=401))
    sender, _ = await ready(site)
    welcome = site.login(READ)  # type: ignore[arg-type]

    async def slowly(_: Request) -> Response:
        await holding.wait()
        site.reply = lambda _: answer({"value": []})
        assert isinstance(welcome, Response)
        return welcome

    site.login = slowly
    tasks = [asyncio.create_task(sender.send(READ)) for _ in range(4)]
    await eventually(lambda: len(site.logins) == 2)
    for each in tasks[1:3]:
        each.cancel()
    holding.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in done] == [0, 1, 1, 0]
    assert len(site.logins) == 2


async def test_cancelled_during_a_backoff_it_holds_nothing() -> None:
    async def sleep(_: float) -> None:
        await asyncio.get_running_loop().create_future()

    sender, _ = await ready(Scripted(lambda _: BUSY), sleep=sleep, gate=Gate(Limits(at_once=1)))
    asked = asyncio.create_task(sender.send(READ))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not sender.gate.places.locked()


@pytest.mark.parametrize("moment", range(0, 60, 3))
async def test_cancelled_at_any_moment_it_leaves_a_client_that_works(
    moment: int, emulator: Emulator
) -> None:
    async with emulator.served() as url:
        sockets = open_sockets()
        async with Creatio(url, AUTH, limits=Limits(at_once=2)) as crm:
            await crm.odata["Contact"].top(1)
            emulator.expire()
            tasks = len(asyncio.all_tasks())
            asked = [asyncio.ensure_future(top(crm)) for _ in range(8)]
            for _ in range(moment):
                await asyncio.sleep(0)
            for each in asked:
                each.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*asked, return_exceptions=True)
            assert len(await asyncio.gather(*(top(crm) for _ in range(8)))) == 8
            assert emulator.logins in {2, 3}, "3 where a login was cancelled that was let in"
            assert len(asyncio.all_tasks()) <= tasks + 4, "those of the server's connections"
            assert open_sockets() <= sockets + 2 * 2, "two connections of two ends"
        await eventually(lambda: open_sockets() == sockets)


async def top(crm: Creatio) -> list[dict[str, Any]]:
    return await crm.odata["Contact"].top(1)
