"""Who is told of what is sent, and what is never told."""

import asyncio
import gc
import logging
import pickle
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import define, field

from creatio_async import (
    AuthenticationError,
    BadRequestError,
    ClientCredentials,
    Creatio,
    Door,
    Exchange,
    Grant,
    LogObserver,
    Observer,
    Password,
    RetryPolicy,
    Timeouts,
    TransportError,
)
from creatio_async.emulator import Cut, DropAfter, Emulator, Expire, Refuse
from tests.api.canned import AT_ONCE, AUTH, SITE, answer, client
from tests.api.scripted import Scripted
from tests.api.senders import hold
from tests.runtime.raw import Raw


@define(eq=False)
class Told(Observer):
    """Keeps what it is told."""

    words: list[str] = field(factory=list[str])
    exchanges: list[Exchange] = field(factory=list[Exchange])

    def sent(self, exchange: Exchange, /) -> None:
        """Keep a request."""
        self.words.append(f"sent {exchange.method} {exchange.attempt}")

    def answered(self, exchange: Exchange, /) -> None:
        """Keep an answer."""
        self.words.append(f"answered {exchange.status}")
        self.exchanges.append(exchange)

    def waiting(self, seconds: float, error: Any, /) -> None:
        """Keep a wait."""
        self.words.append(f"waiting {seconds:.0f} {type(error).__name__}")

    def logged_in(self, user: str, seconds: float, /) -> None:
        """Keep a login."""
        assert seconds >= 0
        self.words.append(f"logged in {user}")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(params=["in process", "over a socket"])
async def crm(request: Any, emulator: Emulator, told: Told) -> AsyncIterator[Creatio]:
    if request.param == "in process":
        async with client(emulator, observe=told) as opened:
            yield opened
    else:
        async with (
            emulator.served() as url,
            Creatio(url, AUTH, retry=AT_ONCE, observe=[told]) as opened,
        ):
            yield opened


async def test_what_is_sent_and_what_comes_of_it_is_told(crm: Creatio, told: Told) -> None:
    await crm.odata["Contact"].select("Name").top(1)
    await crm.odata["City"].create({"Name": "Burbank"})
    assert told.words == [
        "logged in Supervisor",
        "sent GET 1",
        "answered 200",
        "sent POST 1",
        "answered 201",
    ]
    read, write = told.exchanges
    assert read.url.path == "/0/odata/Contact"
    assert (read.bytes_sent, read.error) == (0, None)
    assert read.bytes_received is not None
    assert read.bytes_received > 0
    assert read.seconds is not None
    assert write.bytes_sent is not None
    assert write.bytes_sent > 10


async def test_waits_logins_and_errors_are_told(
    crm: Creatio, emulator: Emulator, told: Told
) -> None:
    emulator.troubles.add(Refuse(429, retry_after=0), path="Contact")
    emulator.troubles.add(DropAfter(), path="Contact", skip=1)
    emulator.troubles.add(Expire(), path="Contact", skip=2)
    await crm.odata["Contact"].top(1)
    assert told.words == [
        "logged in Supervisor",
        "sent GET 1",
        "answered 429",
        "waiting 0 ThrottledError",
        "sent GET 2",
        "answered None",
        "waiting 0 TransportError",
        "sent GET 3",
        "answered 401",
        "logged in Supervisor",
        "sent GET 3",
        "answered 200",
    ]
    kinds = [type(each.error).__name__ for each in told.exchanges]
    assert kinds == ["ThrottledError", "TransportError", "SessionExpiredError", "NoneType"]


async def test_a_request_that_is_cancelled_is_told_of_too(told: Told) -> None:
    async with client(Scripted(hold), observe=told) as crm:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await crm.odata["Contact"]
    assert told.words[1:] == ["sent GET 1", "answered None"]
    assert isinstance(told.exchanges[0].error, asyncio.CancelledError)


async def test_a_stream_is_told_of_when_its_head_is_there(crm: Creatio, told: Told) -> None:
    async with crm.stream("GET", "odata/") as download:
        assert told.words[-1] == "answered 200"
        await download.read()


async def test_an_observer_that_fails_does_no_harm(emulator: Emulator) -> None:
    class Failing(Observer):
        def sent(self, exchange: Exchange, /) -> None:
            """Fail."""
            raise KeyError(exchange.method)

    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    async with client(emulator, observe=[Failing(), Observer()]) as crm:
        assert await crm.odata["Contact"].top(1)
    assert [type(each["exception"]) for each in heard] == [KeyError]
    assert "an observer of a Creatio client failed" in heard[0]["message"]


@define(eq=False)
class Giving(Observer):
    """Sends headers along."""

    given: dict[str, str]

    def headers(self, exchange: Exchange, /) -> dict[str, str]:
        """Give them, with the number of the attempt."""
        return {
            name: value.replace("#", str(exchange.attempt)) for name, value in self.given.items()
        }


async def test_observers_may_send_headers_along_with_each_request(
    emulator: Emulator,
) -> None:
    first, second = Giving({"X-One": "1-#"}), Giving({"X-Two": "2"})
    async with client(emulator, observe=[first, Observer(), second]) as crm:
        emulator.troubles.add(Refuse(503, retry_after=0), path="Contact")
        await crm.odata["Contact"].top(1)
    sent = [each.headers for each in emulator.requests]
    asked = [each for each in sent if "x-one" in each]
    assert [(each["x-one"], each["x-two"]) for each in asked] == [("1-1", "2"), ("1-2", "2")]
    assert "x-one" not in sent[0]  # a login is none of their business
    exchange = Exchange("GET", emulator.requests[-1].url, 1, 0.0)
    assert Observer().headers(exchange) == {}  # so that one may add to what is sent along anyway


@pytest.mark.parametrize(
    "given",
    [
        {"Accept": "text/html"},
        {"forceusesession": "false"},
        {"Cookie": "a=b"},
        {"X-Fine": "1", "Host": "elsewhere.test"},
        {"Content-Length": "5"},
        {"Authorization": "Bearer x"},
        {"Proxy-Authorization": "Basic x"},
        {"content-encoding": "gzip"},
        {"X-Line": "a\r\nX-Other: b"},
        {"X Blank": "a"},
    ],
)
async def test_headers_that_are_not_an_observers_are_not_sent_along(
    emulator: Emulator, given: dict[str, str]
) -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    async with client(emulator, observe=[Giving(given), Giving({"X-Later": "1"})]) as crm:
        assert await crm.odata["Contact"].top(1)
    [sent] = [each.headers for each in emulator.requests if "odata" in each.url.path]
    assert not {name.lower() for name in given if name.startswith("X")} & set(sent)
    assert sent["accept"].startswith("application/json")
    assert sent["x-later"] == "1"
    assert [type(each["exception"]) for each in heard] == [ValueError]


@pytest.mark.parametrize("observe", [5, [Observer], "x", Observer])
def test_what_is_no_observer_is_refused(observe: Any) -> None:
    with pytest.raises(TypeError):
        Creatio(SITE, AUTH, observe=observe)


def test_observers_may_come_from_any_iterable_and_serve_twice() -> None:
    crm = Creatio(SITE, AUTH, observe=(each for each in [Observer(), Observer()]))
    assert isinstance(crm._opening.observe, tuple)
    assert len(crm._opening.observe) == 2


# The log


async def test_the_log_has_one_line_for_each_event_and_no_query(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "creatio_async")
    emulator.troubles.add(Refuse(503), path="Contact")
    emulator.troubles.add(Cut(), path="Contact", skip=1)
    async with client(emulator, observe=LogObserver()) as crm:
        await crm.odata["Contact"].where("Name eq 'S3cret'")
        image = await crm.odata["SysImage"].create({"Name": "x"})
        await crm.odata["SysImage"].stream(image["Id"], "Data").write(_produced())
    lines = [record.getMessage() for record in caplog.records]
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert lines[0].startswith("logged in as Supervisor in ")
    assert lines[1] == "GET /0/odata/Contact, attempt 1, 0 bytes"
    assert lines[2].startswith("GET /0/odata/Contact -> 503, 0 bytes in ")
    assert lines[3] == "GET /0/odata/Contact waits 0.000 s after UnavailableError"
    assert "-> TransportError, ? bytes" in "\n".join(lines)
    assert "attempt 1, ? bytes" in lines[-2]
    assert "S3cret" not in "\n".join(lines)


async def _produced() -> AsyncIterator[bytes]:
    yield b"x"


async def test_without_an_observer_nothing_is_logged(
    crm: Creatio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    await crm.odata["Contact"].top(1)
    assert [each for each in caplog.records if each.name.startswith("creatio_async")] == []


# Secrets


def everything(error: BaseException) -> str:
    """Return what a careful reporter of errors would show: causes, arguments, attributes."""
    shown = "".join(traceback.format_exception(error))
    while error is not None:
        shown += repr(error) + str(error) + repr(error.args) + repr(vars(error))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return shown


async def test_no_error_and_no_cause_of_one_shows_a_cookie_or_a_token(told: Told) -> None:
    secret = "s3cretticket"
    login = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n"
        b"Set-Cookie: .ASPXAUTH=s3cretticket; path=/\r\nSet-Cookie: BPMCSRF=s3cretticket; "
        b"path=/\r\n\r\n" + b'{"Code":0}'
    )
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nBad Header\r\nSet-Cookie: A=s3cretticket"
    raw = Raw(lambda number: login if number == 1 else broken + b"\r\n\r\n")
    async with raw.served() as url:
        options: dict[str, Any] = {"retry": RetryPolicy(attempts=1), "observe": told}
        options |= {"runtime": "net", "timeouts": Timeouts(read=5)}
        async with Creatio(url, Password("Ann", secret), **options) as crm:
            with pytest.raises(TransportError) as caught:
                await crm.odata["Contact"]
            assert secret not in everything(caught.value)
            assert secret not in repr([crm, told.exchanges, crm._open.sender.session.grant])


async def test_a_token_does_not_show_either(told: Told) -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        auth = ClientCredentials("app", "s3cret", SITE)
        async with client(emulator, auth=auth, observe=told) as crm:
            token = crm._open.sender.session.grant.headers["Authorization"].split()[1]
            emulator.troubles.add(Cut(), method="POST", path="City")
            with pytest.raises(TransportError) as caught:
                await crm.request("POST", "odata/City", json={"Name": "x"})
            shown = everything(caught.value) + repr(told.exchanges) + repr(crm._open)
    assert token not in shown
    assert "s3cret" not in shown


@define
class Gateway:
    """A way to be let in by what stands before the site, in a header of any name."""

    user: str = "ann"

    async def login(self, door: Door, /) -> Grant:  # noqa: ARG002
        """Have been let in already."""
        return Grant(headers={"X-Mark": "s3cret"})


async def test_what_a_way_of_ones_own_brought_and_the_keys_of_a_gateway_do_not_show() -> None:
    given = {"X-Api-Key": "s3cret", "Ocp-Apim-Subscription-Key": "s3cret", "X-Auth-Token": "s3cret"}
    refused = Scripted(lambda _: answer(status=400))
    async with client(refused, auth=Gateway(), headers={**given, "X-Tenant": "a"}) as crm:
        with pytest.raises(BadRequestError) as caught:
            await crm.request("POST", "rest/X/Y")
    assert refused.requests[-1].headers["X-Mark"] == "s3cret"
    assert caught.value.request.headers["X-Tenant"] == "a"
    assert "s3cret" not in everything(caught.value)
    assert b"s3cret" not in pickle.dumps(caught.value)


async def test_a_refused_login_shows_no_secret_anywhere() -> None:
    for auth in (Password("Supervisor", "s3cret"), ClientCredentials("app", "s3cret", SITE)):
        with Emulator(clients={"app": "other"}) as emulator:
            with pytest.raises(AuthenticationError) as caught:
                await Creatio(SITE, auth, transport=emulator).__aenter__()
            assert "s3cret" not in everything(caught.value)
    gc.collect()
