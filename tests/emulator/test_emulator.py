import asyncio
import gc
import socket
import time
import warnings
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from creatio_async.emulator import Emulator, Latency
from creatio_async.messages import Request, Response

from .caller import ANDREW, SUPERVISOR, Caller, caller_of, inner, socket_caller


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "odata"},
        {"runtime": "java"},
        {"latency": -1},
        {"session_timeout": 0},
        {"row_limit": -1},
        {"page_size": -1},
        {"max_file_size": -1},
    ],
)
def test_an_option_with_a_value_unknown_is_a_mistake(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Emulator(**options)


def test_an_option_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        Emulator(colour="blue")  # type: ignore[call-arg]


async def test_both_ways_answer_the_same(emulator: Emulator) -> None:
    def shown(response: Response, base: str) -> tuple[Any, ...]:
        left_out = {"date", "server", "content-length", "set-cookie"}
        headers = [
            (n.lower(), v.replace(base, ""))
            for n, v in response.headers.pairs
            if n.lower() not in left_out
        ]
        return response.status, headers, response.body.replace(base.encode(), b"")

    async def asked(caller: Caller) -> list[tuple[Any, ...]]:
        await caller.login()
        await caller.odata("GET", "")
        await caller.odata("GET", f"Contact({ANDREW})?$select=Name,Phone")
        await caller.odata("GET", "Contact/$count")
        await caller.odata("GET", "Nothing")
        await caller.odata("GET", "Contact?$top=x")
        await caller.odata("DELETE", f"City({ANDREW})")
        await caller.odata("PATCH", f"Contact({ANDREW})", {"Age": 1})
        await caller.odata("POST", "City", {"Name": "A"}, {"BPMCSRF": "-"})
        await caller.odata("PUT", f"Contact({ANDREW})/ContactPhoto", b"x")
        await caller.odata("GET", f"Contact({ANDREW})/ContactPhoto")
        await caller.batch(inner("1", "GET", "Country?$orderby=Code&$top=2"))
        await caller.ask("GET", "/0/nothing/here//there?x=1")
        await caller.ask("GET", "/Login/NuiLogin.aspx")
        await caller.ask("GET", "/0/odata/City", signed=False)
        return [shown(response, caller.base) for response in caller.seen]

    in_process = await asked(caller_of(emulator))
    async with socket_caller(emulator) as caller:
        assert await asked(caller) == in_process


async def test_what_was_asked_can_be_seen(site: Caller) -> None:
    emulator = site.emulator
    await site.odata("GET", "City?$top=1")
    await site.batch(inner("1", "GET", "City"), inner("2", "GET", "Contact"))
    assert [request.method for request in emulator.requests] == ["POST", "GET", "POST"]
    assert emulator.requests[-1].url.path == "/0/odata/$batch"
    assert emulator.requests[1].url.raw_path_qs == "/0/odata/City?$top=1"
    assert emulator.operations == 3
    assert emulator.logins == 1
    assert emulator.most_at_once == 1


async def test_requests_under_way_together_are_counted() -> None:
    with Emulator(latency=0.01) as emulator:
        caller = caller_of(emulator)
        await caller.login()
        await asyncio.gather(*(caller.odata("GET", "City") for _ in range(7)))
        assert emulator.most_at_once == 7


async def test_several_clients_have_sessions_of_their_own(emulator: Emulator) -> None:
    ann, bob = caller_of(emulator), caller_of(emulator)
    await ann.login()
    await bob.login()
    await ann.ask("POST", "/ServiceModel/AuthService.svc/Logout", {})
    assert (await ann.odata("GET", "City")).status == 401
    assert (await bob.odata("GET", "City")).status == 200
    assert emulator.logins == 2


def test_rows_are_arranged_without_http(emulator: Emulator) -> None:
    ids = emulator.insert("City", [{"Name": "A"}, {"Id": SUPERVISOR.upper(), "Name": "B"}])
    assert ids[1] == SUPERVISOR
    rows = emulator.rows("City")
    assert [(row["Id"], row["Name"]) for row in rows] == [(ids[0], "A"), (ids[1], "B")]
    with pytest.raises(ValueError, match="duplicate key"):
        emulator.insert("City", [{"Name": "C"}, {"Id": SUPERVISOR, "Name": "D"}])
    with pytest.raises(ValueError, match="Nothing"):
        emulator.insert("City", [{"Nothing": 1}])
    assert len(emulator.rows("City")) == 2
    with pytest.raises(KeyError):
        emulator.rows("Nothing")


def test_a_new_site_has_countries_zones_and_contacts(emulator: Emulator) -> None:
    countries = emulator.rows("Country")
    assert len(countries) == len({row["Code"] for row in countries}) == 250
    names = {row["Code"]: row["Name"] for row in countries}
    assert (names["UA"], names["XK"], names["AX"]) == ("Ukraine", "Kosovo", "Åland Islands")
    zones = {row["Code"]: row["Name"] for row in emulator.rows("TimeZone")}
    assert zones["America/Argentina/Buenos_Aires"] == "Buenos Aires (America/Argentina)"
    assert zones["UTC"] == "UTC"
    assert [row["Name"] for row in emulator.rows("Contact")] == [
        "Supervisor",
        "Andrew Baker (sample)",
        "Email Supervisor",
    ]


def test_seeded_ids_are_the_same_in_every_site(emulator: Emulator) -> None:
    with Emulator() as other:
        for table in ("Country", "TimeZone", "AccountType", "SysSchema", "SysProcessStatus"):
            ids = [row["Id"] for row in other.rows(table)]
            assert [row["Id"] for row in emulator.rows(table)] == ids
    ukraine = next(row for row in emulator.rows("Country") if row["Code"] == "UA")
    assert ukraine["Id"] == "fcf1a8bc-8855-5fe4-8555-4975a7ab8aed"


def test_a_file_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "crm.sqlite"
    with Emulator(database=path) as emulator:
        [key] = emulator.insert("City", [{"Name": "A"}])
    with Emulator(database=str(path)) as emulator:
        assert [row["Id"] for row in emulator.rows("City")] == [key]
        assert len(emulator.rows("Country")) == 250
        emulator.close()


def test_an_emulator_that_is_dropped_leaves_nothing_open() -> None:
    emulator = Emulator()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        del emulator
        gc.collect()


async def test_it_is_served_twice_and_the_port_is_free_again(emulator: Emulator) -> None:
    for _ in range(2):
        async with emulator.served() as url:
            port = int(url.rpartition(":")[2])
            assert url == f"http://127.0.0.1:{port}"
            with pytest.raises(OSError, match="in use"):
                async with emulator.served(port=port):
                    pass
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))


async def test_leaving_takes_no_time_though_requests_wait_and_connections_are_open(
    emulator: Emulator,
) -> None:
    arrived = asyncio.Event()

    def waits(_: Request) -> bool:
        arrived.set()
        return True

    emulator.troubles.add(Latency(30), path="City", where=waits, times=None)
    async with aiohttp.ClientSession() as session:
        async with emulator.served() as url:
            async with session.get(f"{url}/0/ping") as response:
                assert response.status == 200
            waiting = asyncio.create_task(session.get(f"{url}/0/odata/City").__aenter__())
            await arrived.wait()
            began = time.monotonic()
        assert time.monotonic() - began < 1
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_a_caller_that_goes_away_does_not_undo_the_work(emulator: Emulator) -> None:
    arrived = asyncio.Event()

    def waits(_: Request) -> bool:
        arrived.set()
        return True

    async with socket_caller(emulator) as caller:
        await caller.login()
        emulator.troubles.add(Latency(0.02), path="City", where=waits)
        asked = asyncio.create_task(caller.odata("POST", "City", {"Name": "A"}))
        await arrived.wait()
        asked.cancel()
        await asyncio.wait([asked])
        while not emulator.rows("City"):  # noqa: ASYNC110 - nothing tells of the end of the work
            await asyncio.sleep(0)


async def test_an_address_of_version_six_stands_in_brackets(emulator: Emulator) -> None:
    try:
        async with emulator.served("::1") as url:
            assert url.startswith("http://[::1]:")
    except OSError:
        pytest.skip("no IPv6 here")
