from collections.abc import AsyncGenerator, Iterator

import pytest

from creatio_async.emulator import Emulator

from .caller import Caller, caller_of, socket_caller


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(params=["in process", "over a socket"])
async def anyone(request: pytest.FixtureRequest, emulator: Emulator) -> AsyncGenerator[Caller]:
    """A caller who has not logged in."""
    if request.param == "in process":
        yield caller_of(emulator)
    else:
        async with socket_caller(emulator) as caller:
            yield caller


@pytest.fixture
async def site(anyone: Caller) -> Caller:
    """A caller who has."""
    assert (await anyone.login()).json()["Code"] == 0
    return anyone


@pytest.fixture
async def crm(emulator: Emulator) -> Caller:
    """The same in process only, where a socket could change nothing."""
    caller = caller_of(emulator)
    await caller.login()
    return caller
