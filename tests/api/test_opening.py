import asyncio
from typing import Any

import pytest

from creatio_async import (
    AuthenticationError,
    Creatio,
    Password,
    UnexpectedResponseError,
)
from creatio_async.emulator import Emulator, User
from creatio_async.messages import Request, Response
from tests.api.canned import AUTH, SITE, WELCOME, answer, client, lost
from tests.api.scripted import Scripted, eventually, open_sockets


def of(emulator: Emulator, path: str) -> list[Request]:
    return [each for each in emulator.requests if path in each.url.path]


async def closed(opening: Creatio) -> None:
    """Open and close a client, for tests of the opening."""
    async with opening:
        pass


async def names(crm: Creatio) -> list[Any]:
    return [row["Name"] for row in await crm.odata["Contact"].select("Name").top(1)]


async def test_the_login_goes_to_the_root_of_the_site_and_is_the_first_request(
    crm: Creatio, emulator: Emulator
) -> None:
    await names(crm)
    paths = [each.url.path for each in emulator.requests]
    assert paths == ["/ServiceModel/AuthService.svc/Login", "/0/odata/Contact"]
    assert emulator.logins == 1


async def test_closing_logs_out_at_the_root_with_the_token() -> None:
    with Emulator() as emulator:
        await closed(client(emulator))
        *_, goodbye = emulator.requests
        assert goodbye.url.path == "/ServiceModel/AuthService.svc/Logout"
        assert goodbye.headers["BPMCSRF"]


@pytest.mark.parametrize("code", [0, 2])
async def test_codes_0_and_2_let_in(code: int) -> None:
    with Emulator(users={"Supervisor": User("Supervisor", code=code)}) as emulator:
        async with client(emulator) as crm:
            assert await names(crm) == ["Supervisor"]


@pytest.mark.parametrize("code", [1, 3, 4, 5])
async def test_other_codes_refuse_with_the_words_of_the_server_and_are_not_tried_again(
    code: int,
) -> None:
    user = User("Supervisor", code=code, message="Come back on Monday.")
    with Emulator(users={"Supervisor": user}) as emulator:
        with pytest.raises(AuthenticationError, match="Come back on Monday") as caught:
            await closed(client(emulator))
        assert caught.value.code == str(code)
        assert len(emulator.requests) == 1, "neither a second login nor a logout"


async def test_a_refused_login_shows_no_password() -> None:
    with Emulator() as emulator:
        wrong = Creatio(SITE, Password("Supervisor", "s3cret"), transport=emulator)
        with pytest.raises(AuthenticationError) as caught:
            await closed(wrong)
        assert "s3cret" not in repr(caught.value) + str(caught.value) + repr(wrong)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_login_turned_away_by_status_is_refused_too(status: int) -> None:
    site = Scripted(login=lambda _: answer(status=status))
    with pytest.raises(AuthenticationError, match="refused"):
        await closed(client(site))
    assert len(site.logins) == 1


async def test_what_is_no_creatio_says_so() -> None:
    with pytest.raises(UnexpectedResponseError, match="is this the address of a Creatio site"):
        await closed(client(Scripted(login=lambda _: answer({"hello": "world"}))))


async def test_a_failed_login_leaves_no_connection_and_no_task(emulator: Emulator) -> None:
    async with emulator.served() as url:
        sockets, tasks = open_sockets(), len(asyncio.all_tasks())
        for _ in range(3):
            with pytest.raises(AuthenticationError):
                await closed(Creatio(url, Password("Supervisor", "wrong")))
        await eventually(lambda: open_sockets() == sockets)
        await eventually(lambda: len(asyncio.all_tasks()) == tasks)


async def test_entering_that_is_cancelled_half_way_logs_out_again() -> None:
    """The login lets in, says nothing about the runtime, and the probe for it never ends."""
    reached = asyncio.Event()

    async def never(_: Request) -> Response:
        reached.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    site = Scripted(login=lambda _: answer({"Code": 0}), reply=never)
    opening = asyncio.create_task(closed(client(site)))
    await reached.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert len(site.logouts) == 1


async def test_the_runtime_is_read_from_the_answer_to_the_login(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        assert crm.runtime == "framework"
    with Emulator(runtime="net") as net:
        async with client(net) as crm:
            assert crm.runtime == "net"
            assert await names(crm) == ["Supervisor"]
            assert of(net, "/odata/")[0].url.path == "/odata/Contact"


@pytest.mark.parametrize(("prefix", "runtime"), [("/0/odata/", "framework"), ("/odata/", "net")])
async def test_where_the_login_says_nothing_the_runtime_is_found_by_looking(
    prefix: str, runtime: str
) -> None:
    def reply(request: Request) -> Response:
        return answer({"value": []}, 200 if request.url.path.startswith(prefix) else 404)

    site = Scripted(reply, login=lambda _: answer({"Code": 0}))
    async with client(site) as crm:
        assert crm.runtime == runtime
    assert len(site.logins) == 1


async def test_where_looking_fails_the_pasted_address_decides() -> None:
    site = Scripted(lambda _: answer(status=500), login=lambda _: answer({"Code": 0}))
    async with Creatio(f"{SITE}/odata", AUTH, transport=site) as crm:
        assert crm.runtime == "net"
    site = Scripted(lost(), login=lambda _: answer({"Code": 0}))
    async with client(site) as crm:
        assert crm.runtime == "framework"


async def test_a_given_runtime_is_not_looked_for() -> None:
    site = Scripted(login=lambda _: answer({"Code": 0}))
    async with client(site, runtime="net") as crm:
        await crm.odata["Contact"]
    assert [each.url.path for each in site.requests] == ["/odata/Contact"]


# Cookies and tokens


async def test_values_of_cookies_come_back_as_they_were_set(
    crm: Creatio, emulator: Emulator
) -> None:
    await names(crm)
    last = emulator.requests[-1]
    cookies = dict(pair.split("=", 1) for pair in last.headers["Cookie"].split("; "))
    assert cookies["UserName"] == "|".join(str(ord(sign)) for sign in "Supervisor")
    assert cookies["BPMCSRF"] == last.headers["BPMCSRF"]
    assert {"/", "."} <= set(cookies["BPMCSRF"])
    assert '"' not in last.headers["Cookie"]


async def test_every_request_has_the_token_and_asks_for_the_session(
    crm: Creatio, emulator: Emulator
) -> None:
    await names(crm)
    await crm.odata["City"].create({"Name": "Burbank"})
    for request in list(emulator.requests)[1:]:
        assert request.headers["ForceUseSession"] == "true"
        assert request.headers["BPMCSRF"]


async def test_a_site_without_tokens_gets_none() -> None:
    site = Scripted(login=lambda _: answer(WELCOME))
    async with client(site) as crm:
        await crm.odata["Contact"]
    assert "BPMCSRF" not in site.requests[0].headers
