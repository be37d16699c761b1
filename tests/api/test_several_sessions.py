"""Several logins of one user, used in turn."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from creatio_async import AuthenticationError, ClientCredentials, Creatio, Limits
from creatio_async.emulator import Emulator, Expire, User
from creatio_async.messages import Request
from creatio_async.runtime.keepalive import KeepAlive
from tests.api.canned import AT_ONCE, AUTH, SITE, client
from tests.api.scripted import open_sockets


def ticket(request: Request) -> str:
    return next(
        part for part in request.headers["Cookie"].split("; ") if part.startswith(".ASPXAUTH=")
    )


def tickets(emulator: Emulator) -> "Counter[str]":
    return Counter(ticket(each) for each in emulator.requests if "/odata/" in each.url.path)


async def top(crm: Creatio) -> list[dict[str, Any]]:
    return await crm.odata["Contact"].top(1)


async def test_requests_are_dealt_in_turn(emulator: Emulator) -> None:
    async with client(emulator, sessions=4) as crm:
        await asyncio.gather(*(top(crm) for _ in range(20)))
    assert emulator.logins == 4
    assert sorted(tickets(emulator).values()) == [5, 5, 5, 5]


async def test_they_share_one_connector(emulator: Emulator) -> None:
    async with emulator.served() as url:
        before = open_sockets()
        async with Creatio(url, AUTH, sessions=3, limits=Limits(at_once=2), retry=AT_ONCE) as crm:
            await asyncio.gather(*(top(crm) for _ in range(30)))
            assert open_sockets() <= before + 2 * 2, "two connections of two ends"
        assert sorted(tickets(emulator).values()) == [10, 10, 10]
    assert emulator.logins == 3


async def test_writes_have_the_token_of_their_session(emulator: Emulator) -> None:
    async with client(emulator, sessions=3) as crm:
        for number in range(9):
            await crm.odata["City"].create({"Name": str(number)})
    assert len(emulator.rows("City")) == 9
    assert emulator.logins == 3


async def test_each_is_renewed_by_itself(emulator: Emulator) -> None:
    async with client(emulator, sessions=3) as crm:
        emulator.troubles.add(Expire(), path="Contact")
        await asyncio.gather(*(top(crm) for _ in range(30)))
        assert emulator.logins == 4
        emulator.expire()
        await asyncio.gather(*(top(crm) for _ in range(30)))
        assert emulator.logins == 7


async def test_a_password_that_was_changed_is_tried_once_by_all_together() -> None:
    with Emulator(users={"Supervisor": User("Supervisor")}) as emulator:
        async with client(emulator, sessions=4) as crm:
            emulator._sessions.users = {"Supervisor": User("changed")}
            emulator.expire()
            done = await asyncio.gather(*(top(crm) for _ in range(20)), return_exceptions=True)
            assert {type(each) for each in done} == {AuthenticationError}
            logins = [each for each in emulator.requests if each.url.path.endswith("/Login")]
            assert len(logins) <= 4 + 1


async def test_a_first_login_that_is_refused_is_the_only_one() -> None:
    with Emulator(users={"Supervisor": User("changed")}) as emulator:
        with pytest.raises(AuthenticationError):
            await client(emulator, sessions=4).__aenter__()
        assert len(emulator.requests) == 1


async def test_all_log_out_and_log_in(emulator: Emulator) -> None:
    async with client(emulator, sessions=3) as crm:
        await crm.logout()
        await crm.login()
        await top(crm)
    paths = [each.url.path.rpartition("/")[2] for each in emulator.requests]
    assert Counter(paths) == {"Login": 6, "Logout": 6, "Contact": 1}


async def test_each_token_is_its_own() -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        auth = ClientCredentials("app", "s3cret", SITE)
        async with client(emulator, sessions=2, auth=auth) as crm:
            await asyncio.gather(*(top(crm) for _ in range(4)))
        assert emulator.tokens == 2


async def test_each_has_a_file_of_its_own(emulator: Emulator, tmp_path: Path) -> None:
    for _ in range(2):
        async with client(emulator, sessions=3, cookies=tmp_path / "s.json") as crm:
            await top(crm)
    assert emulator.logins == 3
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["s-2.json", "s-3.json", "s.json"]


async def test_each_is_kept_awake(emulator: Emulator) -> None:
    async with client(emulator, sessions=3) as crm:
        sender = crm._open.sender

        async def sleep(_: float) -> None:
            if len(tickets(emulator)) == 3:
                raise KeyboardInterrupt

        sender.sleep = sleep
        with pytest.raises(KeyboardInterrupt):
            await KeepAlive(sender, 60).run()
        assert list(tickets(emulator).values()) == [1, 1, 1]


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), ("2", TypeError), (None, TypeError)])
def test_the_number_of_sessions_is_a_number_from_1(bad: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Creatio(SITE, AUTH, sessions=bad)
