"""Throttles of the package aiolimiter, as the documentation shows them."""

import asyncio

from aiolimiter import AsyncLimiter

from creatio_async import Creatio, Limits, State
from creatio_async.emulator import Emulator, Refuse
from tests.api.canned import AT_ONCE, AUTH
from tests.api.scripted import eventually


def asked(emulator: Emulator) -> int:
    return sum("/odata/" in request.url.path for request in emulator.requests)


async def test_a_limiter_lets_so_many_sends_through_and_no_login_counts(emulator: Emulator) -> None:
    limits = Limits(throttle=AsyncLimiter(3, time_period=3600))
    async with emulator.served() as url, Creatio(url, AUTH, limits=limits) as crm:
        tasks = [asyncio.create_task(crm.odata["City"].count()) for _ in range(5)]
        await eventually(lambda: sum(task.done() for task in tasks) == 3)
        assert (asked(emulator), emulator.logins) == (3, 1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert asked(emulator) == 3


async def test_repeats_count_and_two_clients_may_share_a_limiter(emulator: Emulator) -> None:
    emulator.troubles.add(Refuse(503, retry_after=0), path="City")
    limits = Limits(throttle=AsyncLimiter(4, time_period=3600))
    async with (
        emulator.served() as url,
        Creatio(url, AUTH, limits=limits, retry=AT_ONCE) as one,
        Creatio(url, AUTH, limits=limits) as other,
    ):
        assert await one.odata["City"].count() == 0  # the second send
        assert await other.odata["City"].count() == 0
        batch = other.odata.batch()
        batch.create("City", {"Name": "A"})
        await batch.send()
        waiting = asyncio.create_task(one.odata["City"].count())
        await asyncio.sleep(0.01)
        assert (asked(emulator), waiting.done()) == (4, False)
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_a_limiter_that_refills_lets_everything_through_in_the_end(
    emulator: Emulator,
) -> None:
    limits = Limits(throttle=AsyncLimiter(5, time_period=0.05))
    async with emulator.served() as url, Creatio(url, AUTH, limits=limits) as crm:
        report = await crm.odata["City"].create_many(
            ({"Name": str(number)} for number in range(40)), batch_size=2
        )
    assert report.counts == {State.DONE: 40}
    assert len(emulator.rows("City")) == 40
