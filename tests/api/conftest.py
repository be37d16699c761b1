"""An emulated site, and an open client of it: without a socket, and over one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from creatio_async import Creatio, OData
from creatio_async.emulator import Emulator
from tests.api.canned import AT_ONCE, AUTH, client


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Return a site of its own, with the rows of a new one."""
    with Emulator() as site:
        yield site


@pytest.fixture(params=["in process", "over a socket"])
async def crm(request: pytest.FixtureRequest, emulator: Emulator) -> AsyncIterator[Creatio]:
    """Return an open client of the site, in both ways to reach it."""
    if request.param == "in process":
        async with client(emulator) as opened:
            yield opened
    else:
        async with emulator.served() as url, Creatio(url, AUTH, retry=AT_ONCE) as opened:
            yield opened


@pytest.fixture(
    params=[
        "OData 4",
        "OData 4, over a socket",
        "OData 3 in Atom, over a socket",
        "OData 3 in JSON, through POST",
    ]
)
async def odata(request: pytest.FixtureRequest, emulator: Emulator) -> AsyncIterator[OData]:
    """Return a service of the site, in each version: what holds of one holds of all."""
    how: str = request.param
    async with AsyncExitStack() as stack:
        crm = client(emulator)
        if "socket" in how:
            crm = Creatio(await stack.enter_async_context(emulator.served()), AUTH, retry=AT_ONCE)
        await stack.enter_async_context(crm)
        if "OData 4" in how:
            yield crm.odata
        else:
            is_json = "JSON" in how
            yield crm.odata3.using("json" if is_json else "atom", tunnel=is_json)
