"""An emulated site, and an open client of it: without a socket, and over one."""

from collections.abc import AsyncIterator, Iterator

import pytest

from creatio_async import Creatio
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
