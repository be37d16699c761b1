"""A day in a minute: many calls over lost sessions, dropped connections and refusals.

Left out by default. To run it, with more calls if wanted::

    SOAK_CALLS=200000 python -X dev -m pytest -m soak -s tests/api/test_soak.py
"""

import asyncio
import gc
import os
import random
import tracemalloc
from collections import Counter
from math import ceil
from time import perf_counter
from typing import Any

import pytest

from creatio_async import Creatio, CreatioError, Limits, Observer, RetryPolicy
from creatio_async.emulator import Cut, DropAfter, DropBefore, Emulator, Fail, Refuse
from tests.api.canned import AUTH
from tests.api.scripted import eventually, open_sockets

CALLS = int(os.environ.get("SOAK_CALLS", "20000"))
TASKS = 200
EVERY = max(1_000, ceil(CALLS / 30))
"""Calls from one expiry of all sessions to the next."""

POLICY = RetryPolicy(attempts=6, wait_initial=0.001, wait_max=0.01, wait_jitter=0.001)


class Counting(Observer):
    """Counts logins."""

    def __init__(self) -> None:
        self.logins = 0

    def logged_in(self, _user: str, _seconds: float, /) -> None:
        """Count one."""
        self.logins += 1


async def call(crm: Creatio, kind: int) -> None:
    cities = crm.odata["City"]
    match kind:
        case 0:
            await cities.create({"Name": "Burbank"})
        case 1:
            batch = crm.odata.batch()
            created = batch.create("City", {"Name": "Spokane"})
            await batch.send()
            created.result()
        case 2:
            await crm.request("GET", "odata/City?$top=1")
        case 3:
            async with crm.stream("GET", "odata/") as download:
                await download.read()
        case 4:
            async for _ in cities.select("Id").top(20):
                pass
        case _:
            await crm.odata["Contact"].select("Name").top(1)


async def driven(crm: Creatio, emulator: Emulator, calls: int) -> "tuple[Counter[str], int]":
    """Make so many calls from many tasks; return what became of them, and the expiries."""
    became: Counter[str] = Counter()
    chance = random.Random(7)  # noqa: S311 - no secret
    left, expiries = calls, 0

    async def work() -> None:
        nonlocal left, expiries
        while left > 0:
            left -= 1
            if left % EVERY == 0:
                emulator.expire()
                expiries += 1
            try:
                async with asyncio.timeout(60):
                    await call(crm, chance.randrange(12))
            except CreatioError as error:
                became[type(error).__name__] += 1
            else:
                became["done"] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            group.create_task(work())
    return became, expiries


def troubled(emulator: Emulator) -> None:
    troubles: list[Any] = [Refuse(429, retry_after=0), DropBefore(), DropAfter(), Cut(), Fail()]
    for seed, trouble in enumerate(troubles):
        emulator.troubles.add(trouble, path="odata", times=None, chance=0.01, seed=seed)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_every_call_is_answered_or_fails_in_a_known_way_and_nothing_is_left() -> None:
    sockets, tasks = open_sockets(), len(asyncio.all_tasks())
    counting = Counting()
    with Emulator(max_file_size=0) as emulator:
        async with emulator.served() as url:
            options: dict[str, Any] = {"retry": POLICY, "limits": Limits(at_once=32)}
            async with Creatio(url, AUTH, observe=counting, **options) as crm:
                await driven(crm, emulator, 2_000)
                troubled(emulator)
                counting.logins = 0
                gc.collect()
                tracemalloc.start()
                before = tracemalloc.get_traced_memory()[0]
                began = perf_counter()
                became, expiries = await driven(crm, emulator, CALLS)
                seconds = perf_counter() - began
                met = sum(rule.hits for rule in emulator.troubles.rules)
                emulator.troubles.clear()
                emulator._store.all('DELETE FROM "City"')
                await crm.odata["Contact"].top(1)
                emulator.requests.clear()
                gc.collect()
                grown = tracemalloc.get_traced_memory()[0] - before
                tracemalloc.stop()
                print(  # noqa: T201 - the figures are what it is run for
                    f"\n{CALLS:,} calls of {TASKS} tasks in {seconds:,.0f} s: {dict(became)}; "
                    f"{met:,} troubles, {expiries} expiries, {counting.logins} logins, "
                    f"{grown:,} bytes more"
                )
                assert sum(became.values()) == CALLS
                assert became["done"] > 0.97 * CALLS, became
                assert expiries == ceil(CALLS / EVERY)
                assert counting.logins == expiries, "one login for each expiry"
                assert grown < 2_000_000, f"{grown:,} bytes"
    await eventually(lambda: open_sockets() == sockets)
    await eventually(lambda: len(asyncio.all_tasks()) == tasks)
