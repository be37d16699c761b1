import asyncio
from typing import Any

import aiohttp
import pytest

from creatio_async import Creatio, Limits, Password, RetryPolicy, Timeouts, TransportError
from creatio_async.emulator import Emulator
from tests.api.canned import AUTH, SITE, canned, client, rows_of
from tests.api.scripted import Scripted, open_sockets
from tests.runtime.raw import Raw


def test_making_a_client_needs_no_loop_and_sends_nothing() -> None:
    site = Scripted()
    assert repr(client(site)) == "<Creatio http://crm.test as Supervisor, closed>"
    assert site.logins == []


@pytest.mark.parametrize(
    "pasted",
    [
        "http://crm.test",
        "http://crm.test/",
        "http://crm.test/0",
        "http://crm.test/0/",
        "http://crm.test/0/odata",
        "http://crm.test/0/odata/Contact?$top=1",
        "HTTP://CRM.TEST:80/Login/NuiLogin.aspx",
    ],
)
async def test_the_address_is_taken_as_a_person_would_paste_it(
    pasted: str, emulator: Emulator
) -> None:
    async with Creatio(pasted, AUTH, transport=emulator) as crm:
        await crm.odata["Contact"].top(1)
    assert str(emulator.requests[1].url.origin()) == SITE


@pytest.mark.parametrize("pasted", ["", "/0", "0/odata"])
async def test_the_address_of_a_server_by_number_and_port_is_taken(
    pasted: str, emulator: Emulator
) -> None:
    async with emulator.served() as url, Creatio(f"{url}/{pasted.lstrip('/')}", AUTH) as crm:
        assert await crm.odata["Contact"].count() > 0


async def test_a_virtual_directory_is_kept() -> None:
    with Emulator(virtual_directory="/studio") as emulator:
        async with Creatio(f"{SITE}/studio/0/", AUTH, transport=emulator) as crm:
            await crm.odata["Contact"].top(1)
        paths = [each.url.path for each in emulator.requests][:2]
    assert paths == ["/studio/ServiceModel/AuthService.svc/Login", "/studio/0/odata/Contact"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"runtime": "java"}, ValueError),
        ({"transport": canned(), "proxy": "http://127.0.0.1:9"}, ValueError),
        ({"timeout": 5}, TypeError),
        ({"retries": 5}, TypeError),
        ({"retry": 5}, TypeError),
        ({"limits": 5}, TypeError),
        ({"timeouts": 5}, TypeError),
    ],
)
def test_an_option_that_is_wrong_is_refused_at_once(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Creatio(SITE, AUTH, **options)


@pytest.mark.parametrize("auth", [("Supervisor", "Supervisor"), None, "Supervisor"])
def test_who_logs_in_is_a_password_or_another_way(auth: Any) -> None:
    with pytest.raises(TypeError, match=r"auth is Password\(user, password\), Client"):
        Creatio(SITE, auth)


@pytest.mark.parametrize(
    ("user", "password", "error"),
    [("", "x", ValueError), (None, "x", TypeError), ("a", 5, TypeError)],
)
def test_a_password_is_two_texts(user: Any, password: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Password(user, password)


def test_a_password_never_shows() -> None:
    assert "s3cret" not in repr(Password("Supervisor", "s3cret"))


async def test_what_a_client_hands_out_is_shown_in_a_few_words(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        assert [repr(crm.odata), repr(crm.odata3), repr(crm.processes)] == [
            "<OData at http://crm.test/0/odata/>",
            "<OData3 at http://crm.test/0/ServiceModel/EntityDataService.svc/>",
            "<Processes of http://crm.test/0>",
        ]


@pytest.mark.parametrize("name", ["odata", "odata3", "processes"])
async def test_a_client_that_is_not_open_says_so(name: str, emulator: Emulator) -> None:
    crm = client(emulator)
    with pytest.raises(RuntimeError, match="use it within 'async with"):
        getattr(crm, name)
    async with crm:
        assert getattr(crm, name) is not None
        assert repr(crm).endswith("open>")
    with pytest.raises(RuntimeError, match="not open"):
        getattr(crm, name)
    with pytest.raises(RuntimeError, match="not open"):
        await crm.login()


async def test_a_job_of_a_client_that_was_closed_says_so(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        job = crm.odata["City"].create_many([{"Name": "a"}])
    with pytest.raises(RuntimeError, match="closed"):
        await job
    assert len(job.unfinished) == 1


async def test_an_open_client_cannot_be_opened_again(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        with pytest.raises(RuntimeError, match="open already"):
            await crm.__aenter__()
        assert await crm.odata["Contact"].top(1)


async def test_a_closed_client_can_be_opened_anew(emulator: Emulator) -> None:
    crm = client(emulator)
    for _ in range(2):
        async with crm:
            await crm.odata["Contact"].top(1)
    assert emulator.logins == 2


async def test_closing_closes_the_connections_even_where_the_logout_fails(
    emulator: Emulator,
) -> None:
    before = open_sockets()
    async with emulator.served() as url:
        opened = Creatio(url, AUTH, retry=RetryPolicy(attempts=1))
        await opened.__aenter__()
    await opened.__aexit__(None, None, None)
    assert open_sockets() == before


async def test_where_nobody_listens_opening_fails_and_leaves_nothing() -> None:
    async with Raw().served() as url:
        pass
    before = open_sockets()
    with pytest.raises(TransportError, match="nothing was sent"):
        await Creatio(url, AUTH).__aenter__()
    assert open_sockets() == before


async def test_headers_of_the_callers_go_with_each_request() -> None:
    site = canned(rows_of())
    async with client(site, headers={"user-agent": "ours", "X-Trace": "7"}) as crm:
        await crm.odata["Contact"]
    headers = site.requests[0].headers
    assert (headers["User-Agent"], headers["X-Trace"]) == ("ours", "7")
    assert len(headers.get_all("user-agent")) == 1


async def test_the_client_names_itself() -> None:
    site = canned(rows_of())
    async with client(site) as crm:
        await crm.odata["Contact"]
    assert site.requests[0].headers["User-Agent"].startswith("creatio-async/")


async def test_a_connector_of_the_callers_is_used_and_left_open(emulator: Emulator) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        emulator.served() as url,
        Creatio(url, AUTH, connector=connector, timeouts=Timeouts(read=5)) as crm,
    ):
        await asyncio.gather(*(crm.odata["Contact"].top(1) for _ in range(5)))
    assert emulator.most_at_once == 1
    assert not connector.closed
    await connector.close()


async def test_a_proxy_is_used() -> None:
    proxy = Raw(lambda _: b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    async with proxy.served() as url:
        with pytest.raises(Exception, match="502"):
            await Creatio(SITE, AUTH, proxy=url).__aenter__()
    assert proxy.requests == ["POST http://crm.test/ServiceModel/AuthService.svc/Login HTTP/1.1"]


async def test_a_thousand_tasks_share_a_client(crm: Creatio, emulator: Emulator) -> None:
    counts = await asyncio.gather(*(crm.odata["Contact"].count() for _ in range(1_000)))
    assert len(set(counts)) == 1
    assert emulator.logins == 1
    assert emulator.most_at_once <= Limits().at_once


@pytest.mark.parametrize("missing", ["CREATIO_URL", "CREATIO_USER", "CREATIO_PASSWORD"])
async def test_the_environment_names_site_and_user(
    missing: str, monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    monkeypatch.setenv("CREATIO_URL", SITE)
    monkeypatch.setenv("CREATIO_USER", "Supervisor")
    monkeypatch.setenv("CREATIO_PASSWORD", "Supervisor")
    async with Creatio.from_env(transport=emulator, runtime="framework") as crm:
        assert crm.runtime == "framework"
    monkeypatch.setenv(missing, "")
    with pytest.raises(ValueError, match=missing):
        Creatio.from_env()


async def test_the_environment_may_name_a_client_instead_of_a_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CREATIO_USER", raising=False)
    monkeypatch.setenv("CREATIO_URL", SITE)
    monkeypatch.setenv("CREATIO_CLIENT_ID", "app")
    monkeypatch.setenv("CREATIO_IDENTITY_URL", SITE)
    with pytest.raises(ValueError, match="CREATIO_CLIENT_SECRET"):
        Creatio.from_env()
    monkeypatch.setenv("CREATIO_CLIENT_SECRET", "s3cret")
    with Emulator(clients={"app": "s3cret"}) as site:
        async with Creatio.from_env(transport=site):
            assert site.tokens == 1
    monkeypatch.setenv("CREATIO_USER", "Supervisor")
    with pytest.raises(ValueError, match="both CREATIO_USER and CREATIO_CLIENT_ID"):
        Creatio.from_env()


def test_the_runtime_is_unknown_before_the_login() -> None:
    assert client(canned()).runtime is None
    assert client(canned(), runtime="net").runtime == "net"
