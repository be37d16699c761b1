"""Closing while calls are under way, other event loops, forks, and clients that were forgotten."""

import asyncio
import gc
import multiprocessing
import os
from typing import Any

import aiohttp
import pytest

from creatio_async import Creatio, Limits, Password, State, TransportError
from creatio_async.emulator import Answer, Emulator, Latency
from creatio_async.runtime.keepalive import KeepAlive
from tests.api.canned import AUTH, answer, client
from tests.api.scripted import Scripted, eventually, open_sockets
from tests.api.senders import READ, hold, ready

CUT_OFF = "the client was closed while this was under way"


async def asked(crm: Creatio) -> list[dict[str, Any]]:
    return await crm.odata["Contact"].top(1)


async def held(site: Scripted, calls: int) -> None:
    """Let *calls* get so far that the site holds them."""
    await eventually(lambda: site.under_way == calls)
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("connector", ["ours", "the caller's"])
async def test_what_is_under_way_when_the_client_closes_ends_with_an_error(
    connector: str, emulator: Emulator
) -> None:
    sockets = open_sockets()
    given = aiohttp.TCPConnector() if connector == "the caller's" else None
    async with emulator.served() as url:
        emulator.troubles.add(Latency(60), times=None, path="Contact")
        async with Creatio(url, AUTH, connector=given, limits=Limits(at_once=16)) as crm:
            tasks = [asyncio.create_task(asked(crm)) for _ in range(20)]
            await eventually(lambda: emulator._under_way == 16)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert {(type(each), CUT_OFF in str(each)) for each in done} == {(TransportError, True)}
        assert emulator.requests[-1].url.path.endswith("/Logout")
    if given is not None:
        assert not given.closed
        await given.close()
    await eventually(lambda: open_sockets() == sockets)


async def test_without_a_socket_it_ends_as_well() -> None:
    site = Scripted(hold)
    async with client(site) as crm:
        tasks = [asyncio.create_task(asked(crm)) for _ in range(3)]
        await held(site, 3)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert {(type(each), CUT_OFF in str(each)) for each in done} == {(TransportError, True)}
    assert (site.under_way, len(site.logouts)) == (0, 1)


async def test_a_write_that_is_under_way_says_that_it_may_have_been_carried_out() -> None:
    site = Scripted(hold)

    async def saved(crm: Creatio) -> None:
        async with crm.odata.unit_of_work() as work:
            work.add("City", {"Name": "A"})

    async with client(site) as crm:
        create = asyncio.create_task(crm.odata["City"].create({"Name": "A"}))
        save = asyncio.create_task(saved(crm))
        load = asyncio.ensure_future(crm.odata["City"].create_many([{"Name": "A"}]))
        await held(site, 3)
    with pytest.raises(TransportError, match=CUT_OFF) as caught:
        await create
    assert "was written is unknown" in caught.value.__notes__[0]
    with pytest.raises(TransportError, match="whether that was carried out is unknown"):
        await save
    assert (await load).counts == {State.UNKNOWN: 1}
    assert len(site.requests) == 3


async def test_a_login_that_is_under_way_ends_too() -> None:
    site = Scripted()
    async with client(site) as crm:
        site.login = hold
        task = asyncio.create_task(crm.login())
        await held(site, 1)
        session = crm._open.sender.session
    with pytest.raises(RuntimeError, match="the client is closed"):
        await task
    assert session.is_closed
    assert (site.under_way, len(site.logouts)) == (0, 1)


async def test_what_waits_to_be_repeated_ends_too() -> None:
    async def sleep(_: float) -> None:
        await asyncio.get_running_loop().create_future()

    sender, _ = await ready(Scripted(lambda _: answer(status=503)), sleep=sleep)
    task = asyncio.create_task(sender.send(READ))
    await asyncio.sleep(0.01)
    await sender.end()
    with pytest.raises(TransportError, match="was closed"):
        await task
    with pytest.raises(RuntimeError, match="the client is closed"):
        await sender.send(READ)


async def test_a_stream_that_is_read_breaks_off(emulator: Emulator) -> None:
    emulator.troubles.add(Answer(answer(b"x" * 50_000_000, content_type="image/png")), path="x")
    async with emulator.served() as url, aiohttp.TCPConnector() as connector:
        reading, closed = asyncio.Event(), asyncio.Event()

        async def read(crm: Creatio) -> None:
            async with crm.stream("GET", "rest/x") as download:
                async for _ in download.chunks():
                    reading.set()
                    await closed.wait()

        async with Creatio(url, AUTH, connector=connector) as crm:
            task = asyncio.create_task(read(crm))
            await reading.wait()
        closed.set()
        with pytest.raises(TransportError):
            await task


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_stream_that_has_not_begun_ends_as_a_call_does(*, cancelled: bool) -> None:
    async def begin(crm: Creatio) -> None:
        async with crm.stream("GET", "rest/x"):
            raise AssertionError

    site = Scripted(hold)
    async with client(site) as crm:
        task = asyncio.create_task(begin(crm))
        await held(site, 1)
        if cancelled:
            task.cancel()
    with pytest.raises(asyncio.CancelledError if cancelled else TransportError):
        await task


async def test_a_call_that_is_cancelled_by_its_caller_as_well_is_cancelled() -> None:
    site = Scripted(hold)
    async with client(site) as crm:
        task = asyncio.create_task(asked(crm))
        await held(site, 1)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_deadline_around_a_call_that_was_cut_off_stays_the_callers() -> None:
    site = Scripted(hold)

    async def within() -> str:
        try:
            async with asyncio.timeout(30):
                await asked(crm)
        except TransportError:
            await asyncio.sleep(0)
            return "cut off"
        return "answered"

    async with client(site) as crm:
        task = asyncio.create_task(within())
        await held(site, 1)
    assert await task == "cut off"


async def test_a_call_that_does_not_heed_the_end_holds_it_up_shortly_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("creatio_async.runtime.underway._PATIENCE", 0.01)
    released = asyncio.Event()

    async def stubborn(_: Any) -> Any:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return answer({"value": []})

    site = Scripted(stubborn)
    async with client(site) as crm:
        task = asyncio.create_task(asked(crm))
        await held(site, 1)
    released.set()
    assert await task == []


async def test_whoever_closes_it_within_a_call_is_not_cut_off(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        sender = crm._open.sender
        place = sender.under_way.enter()
        await sender.end()
        assert not place.is_cut_off
        sender.under_way.leave(place)


# Other event loops, and forks


def test_a_client_of_another_event_loop_says_so() -> None:
    site = Scripted()
    crm = client(site)
    with asyncio.Runner() as one, asyncio.Runner() as other:
        one.run(crm.__aenter__())
        assert one.run(asked(crm)) == []
        with pytest.raises(RuntimeError, match="opened in another event loop, or before a fork"):
            other.run(asked(crm))
        for use in (crm.login, crm.logout, crm.check, lambda: crm.__aexit__(None, None, None)):
            with pytest.raises(RuntimeError, match="opened in another event loop"):
                other.run(use())
        assert one.run(asked(crm)) == [], "nothing of it was touched"
        one.run(crm.__aexit__(None, None, None))
    assert len(site.requests) == 2
    assert (len(site.logins), len(site.logouts)) == (1, 1)


def _in_child(crm: Creatio, pipe: Any) -> None:
    try:
        asyncio.run(asked(crm))
    except RuntimeError as error:
        pipe.send(str(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_client_in_a_forked_process_says_so() -> None:
    crm = client(Scripted())
    with asyncio.Runner() as runner:
        runner.run(crm.__aenter__())
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(target=_in_child, args=(crm, theirs))
        child.start()
        child.join(10)
        assert ours.poll(0)
        assert "before a fork" in ours.recv()
        runner.run(crm.__aexit__(None, None, None))
        ours.close()
        theirs.close()


# Clients that were forgotten


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:Unclosed")
async def test_a_client_that_was_never_closed_warns() -> None:
    crm = client(Scripted())
    await crm.__aenter__()
    stack = crm._stack
    with pytest.warns(ResourceWarning, match=r"<Creatio http://crm.test as Supervisor, open> was"):
        del crm
    await stack.aclose()


async def test_a_closed_client_and_one_that_was_refused_do_not_warn() -> None:
    async with client(Scripted()):
        pass
    with pytest.raises(ValueError, match="runtime"):
        client(Scripted(), runtime="java")
    gc.collect()


# Kept awake


async def test_a_session_that_is_not_used_is_kept_awake() -> None:
    site = Scripted()
    sender, waited = await ready(site)
    rounds = 0

    async def sleep(seconds: float) -> None:
        nonlocal rounds
        waited.append(seconds)
        rounds += 1
        if rounds == 2:
            await sender.send(READ)
        if rounds == 4:
            site.reply = lambda _: answer(status=500)
        if rounds == 6:
            raise KeyboardInterrupt
        await asyncio.sleep(0)

    sender.sleep = sleep
    sender.retry = sender.retry.__class__(attempts=1)
    with pytest.raises(KeyboardInterrupt):
        await KeepAlive(sender, 300).run()
    assert [each.url.path for each in site.requests] == [
        "/0/odata/",
        "/0/odata/Contact",
        "/0/odata/",
        "/0/odata/",
        "/0/odata/",
    ]
    assert waited == [300] * 6


async def test_a_vault_that_fails_does_not_end_keeping_awake(emulator: Emulator) -> None:
    asked_for = 0

    def secret() -> str:
        nonlocal asked_for
        asked_for += 1
        if asked_for == 2:
            raise OSError("sealed")
        return "Supervisor"

    async with client(emulator, auth=Password("Supervisor", secret), keep_alive=0.001):
        emulator.expire()
        await eventually(lambda: emulator.logins == 2)
    assert asked_for == 3


async def test_a_client_keeps_awake_until_it_is_closed(emulator: Emulator) -> None:
    before = len(asyncio.all_tasks())
    async with client(emulator, keep_alive=0.001):
        await eventually(lambda: any(r.url.path == "/0/odata/" for r in emulator.requests))
        assert len(asyncio.all_tasks()) == before + 1
    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize("bad", [0, -1, float("inf"), float("nan")])
def test_a_pause_is_seconds_above_0(bad: float) -> None:
    with pytest.raises(ValueError, match="keep_alive is a number of seconds"):
        client(Scripted(), keep_alive=bad)
