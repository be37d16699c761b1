"""Client credentials, and ways to log in of one's own."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest
from attrs import define, field
from yarl import URL

from creatio_async import (
    Auth,
    AuthenticationError,
    ClientCredentials,
    Creatio,
    Door,
    ForbiddenError,
    Grant,
    Password,
    Request,
    Response,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Client, DropBefore, Emulator, Expire, Refuse
from creatio_async.messages import Headers
from creatio_async.protocol.site import parse_site
from creatio_async.runtime.channels import InProcess
from creatio_async.runtime.session import Session
from tests.api.canned import AT_ONCE, SITE, answer, client, lost
from tests.api.scripted import Scripted

SHAPES: tuple[Literal["401", "redirect", "html", "json"], ...]
SHAPES = ("401", "redirect", "html", "json")
APP = ClientCredentials("app", "s3cret", SITE)


@pytest.fixture
def emulator() -> Any:
    with Emulator(clients={"app": Client("s3cret", lasts=3600)}) as site:
        yield site


@pytest.fixture(params=["in process", "over a socket"])
async def crm(request: pytest.FixtureRequest, emulator: Emulator) -> AsyncIterator[Creatio]:
    if request.param == "in process":
        async with Creatio(SITE, APP, transport=emulator, retry=AT_ONCE) as opened:
            yield opened
    else:
        async with emulator.served() as url:
            auth = ClientCredentials("app", "s3cret", f"{url}/connect/token")
            async with Creatio(url, auth, retry=AT_ONCE) as opened:
                yield opened


async def names(crm: Creatio) -> list[Any]:
    return [row["Name"] for row in await crm.odata["Contact"].select("Name").top(1)]


async def test_a_client_reads_and_writes_without_cookies_and_without_a_csrf_token(
    crm: Creatio, emulator: Emulator
) -> None:
    assert await names(crm) == ["Supervisor"]
    await crm.odata["City"].create({"Name": "Burbank"})
    assert (emulator.tokens, emulator.logins) == (1, 0)
    for request in list(emulator.requests)[1:]:
        assert request.headers["Authorization"].startswith("Bearer ")
        assert "BPMCSRF" not in request.headers
        assert "ForceUseSession" not in request.headers
        assert "Cookie" not in request.headers


async def test_the_runtime_is_found_by_looking(crm: Creatio) -> None:
    assert crm.runtime == "framework"
    with Emulator(clients={"app": "s3cret"}, runtime="net") as net:
        async with Creatio(SITE, APP, transport=net) as other:
            assert other.runtime == "net"
            assert await names(other) == ["Supervisor"]


async def test_nobody_logs_out_of_a_token(emulator: Emulator) -> None:
    async with Creatio(SITE, APP, transport=emulator):
        pass
    assert [each for each in emulator.requests if "AuthService" in each.url.path] == []


@pytest.mark.parametrize("tasks", [1, 100])
async def test_a_token_that_was_refused_leads_to_one_new_one_and_one_repeat(
    tasks: int, crm: Creatio, emulator: Emulator
) -> None:
    emulator.expire()
    rows = ({"Name": f"City {number}"} for number in range(tasks))
    await asyncio.gather(*(crm.odata["City"].create(row) for row in rows))
    assert len(emulator.rows("City")) == tasks
    assert emulator.tokens == 2


async def test_each_shape_of_a_refused_token_is_known(crm: Creatio, emulator: Emulator) -> None:
    for shape in SHAPES:
        emulator.troubles.add(Expire(shape))
        assert await names(crm) == ["Supervisor"]
    assert emulator.tokens == 5


async def test_an_identity_service_at_another_port_gets_no_cookies_of_the_site() -> None:
    def reply(request: Request) -> Response:
        if request.url.port == 8090:
            return answer({"access_token": "t"})
        return answer({"value": []}, headers=[("Set-Cookie", "BPMSESSIONID=ours; path=/")])

    site = Scripted(reply)
    app = ClientCredentials("app", "s3cret", "http://crm.test:8090")
    async with client(site, auth=app, runtime="net") as crm:
        await names(crm)
        await crm.login()
        await names(crm)
    cookies = [each.headers.get("cookie") for each in site.requests]
    assert cookies == [None, None, None, "BPMSESSIONID=ours"]


async def test_a_403_is_no_reason_for_another_token(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Refuse(403), method="POST", path="City")
    with pytest.raises(ForbiddenError):
        await crm.odata["City"].create({"Name": "Burbank"})
    assert emulator.tokens == 1


async def test_an_unknown_entity_set_is_no_reason_for_another_token(
    crm: Creatio, emulator: Emulator
) -> None:
    with pytest.raises(ForbiddenError, match="entity set that it does not know"):
        await crm.odata["Contakt"].top(1)
    assert emulator.tokens == 1


# Its end


def timed(site: Any, **options: Any) -> tuple[Session, list[float]]:
    now = [0.0]
    session = Session(parse_site(SITE), APP, InProcess(site), lambda: now[0], **options)
    return session, now


@pytest.mark.parametrize(("lasts", "fresh", "stale"), [(3600, 3539, 3541), (100, 79, 81)])
async def test_a_token_is_renewed_before_it_ends(lasts: float, fresh: float, stale: float) -> None:
    with Emulator(clients={"app": Client("s3cret", lasts=lasts)}) as emulator:
        session, now = timed(emulator, runtime="framework")
        await session.login()
        now[0] = fresh
        assert not session.is_stale
        now[0] = stale
        assert session.is_stale
        await asyncio.gather(*(session.refresh() for _ in range(10)))
        assert emulator.tokens == 2
        assert not session.is_stale


async def test_a_call_gets_a_new_token_before_it_is_sent() -> None:
    with Emulator(clients={"app": Client("s3cret", lasts=100)}) as emulator:
        async with Creatio(SITE, APP, transport=emulator, retry=AT_ONCE) as crm:
            session = crm._open.sender.session
            session.clock = lambda: session._ends_at
            session._stale_at = session._ends_at
            before = len(emulator.requests)
            assert await names(crm) == ["Supervisor"]
            sent = [each.url.path for each in emulator.requests][before:]
    assert sent == ["/connect/token", "/0/odata/Contact"]


def sealed(_: Request) -> Response:
    raise OSError("sealed")


@pytest.mark.parametrize("failure", [lost(), lambda _: answer(status=503), sealed])
async def test_a_renewal_that_fails_is_no_harm_while_the_token_lives(
    failure: Callable[[Request], Response],
) -> None:
    tokens = 0

    def reply(request: Request) -> Response:
        nonlocal tokens
        if not request.url.path.endswith("/connect/token"):
            return answer({"value": []})
        tokens += 1
        if tokens in {2, 3}:
            return failure(request)
        return answer({"access_token": f"t{tokens}", "expires_in": 100})

    session, now = timed(Scripted(reply), runtime="net")
    await session.login()
    now[0] = 85
    await session.refresh()
    assert session.grant.headers == {"Authorization": "Bearer t1"}
    assert not session.is_stale, "it is tried again ten seconds later"
    now[0] = 100
    assert session.is_stale
    with pytest.raises((TransportError, ThrottledError, OSError)):
        await session.refresh()
    await session.refresh()
    assert session.grant.headers == {"Authorization": "Bearer t4"}


async def test_all_who_wait_for_a_token_that_does_not_come_share_its_failure() -> None:
    site = Scripted(lambda _: answer({"access_token": "t", "expires_in": 100}))
    session, now = timed(site, runtime="net")
    await session.login()

    async def silence(request: Request) -> Response:
        await asyncio.sleep(0)
        return lost()(request)

    now[0], site.reply = 100.0, silence
    failed = await asyncio.gather(*(session.refresh() for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in failed} == {TransportError}
    assert len(site.requests) == 2


async def test_a_call_that_needs_a_token_is_repeated_until_there_is_one() -> None:
    with Emulator(clients={"app": Client("s3cret", lasts=100)}) as emulator:
        async with Creatio(SITE, APP, transport=emulator, retry=AT_ONCE) as crm:
            session = crm._open.sender.session
            session.clock = lambda: session._ends_at
            session._stale_at = session._ends_at
            emulator.troubles.add(DropBefore(), path="/connect/token", times=2)
            await crm.processes.start("UsrAddNewExternalContact", {"ContactName": "Ann"})
            assert emulator.tokens == 2


# Refusals


async def test_a_client_that_is_refused_is_not_tried_again() -> None:
    with Emulator(clients={"app": "another"}) as emulator:
        with pytest.raises(AuthenticationError, match="does not know this client id") as caught:
            await Creatio(SITE, APP, transport=emulator).__aenter__()
        assert caught.value.code == "invalid_client"
        assert len(emulator.requests) == 1


async def test_the_site_itself_in_place_of_its_identity_service_is_named() -> None:
    with Emulator() as emulator, pytest.raises(UnexpectedResponseError, match=r"crm\.test is hard"):
        await Creatio(SITE, APP, transport=emulator).__aenter__()


async def test_where_the_service_cannot_be_known_nothing_is_sent() -> None:
    site = Scripted()
    with pytest.raises(ValueError, match="identity_url"):
        await client(site, auth=ClientCredentials("app", "s3cret")).__aenter__()
    assert site.requests == site.logins == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("", "s"), ValueError),
        ((None, "s"), TypeError),
        (("app", 5), TypeError),
        (("app", "s", ""), ValueError),
        (("app", "s", "ftp://x"), ValueError),
        (("app", "s", "https://user:pw@x"), ValueError),
    ],
)
def test_a_client_is_two_texts_and_an_address(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        ClientCredentials(*arguments)


# Secrets


async def test_no_secret_shows() -> None:
    with Emulator(clients={"app": "another"}) as emulator:
        wrong = Creatio(SITE, APP, transport=emulator)
        with pytest.raises(AuthenticationError) as caught:
            await wrong.__aenter__()
    shown = repr(caught.value) + str(caught.value) + repr(wrong) + repr(APP)
    assert "s3cret" not in shown + repr(pickle.dumps(caught.value))
    assert "<Creatio http://crm.test as app, closed>" in shown


async def from_vault() -> str:
    await asyncio.sleep(0)
    return "s3cret"


@pytest.mark.parametrize("secret", [lambda: "s3cret", from_vault], ids=["sync", "async"])
async def test_a_secret_may_come_from_a_function(secret: Any, emulator: Emulator) -> None:
    auth = ClientCredentials("app", secret, SITE)
    async with Creatio(SITE, auth, transport=emulator) as crm:
        assert await names(crm) == ["Supervisor"]
    users = {"Ann": "s3cret"}
    with Emulator(users=users) as other:
        async with Creatio(SITE, Password("Ann", secret), transport=other):
            assert other.logins == 1


async def test_a_function_is_asked_for_each_login(emulator: Emulator) -> None:
    asked = 0

    def secret() -> str:
        nonlocal asked
        asked += 1
        return "s3cret"

    auth = ClientCredentials("app", secret, SITE)
    async with Creatio(SITE, auth, transport=emulator) as crm:
        emulator.expire()
        await names(crm)
    assert asked == 2


async def test_a_vault_that_fails_says_so_itself(emulator: Emulator) -> None:
    def sealed() -> str:
        raise OSError("the vault is sealed")

    with pytest.raises(OSError, match="sealed"):
        await Creatio(SITE, Password("Ann", sealed), transport=emulator).__aenter__()
    auth = Password("Ann", lambda: 5)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="gives a text, not int"):
        await Creatio(SITE, auth, transport=emulator).__aenter__()
    assert len(emulator.requests) == 0


class SealedError(Exception):
    """One that cannot be copied."""

    def __init__(self, *, since: str) -> None:
        super().__init__(f"sealed since {since}")


@pytest.mark.parametrize("failure", [OSError("sealed"), SealedError(since="noon")], ids=repr)
async def test_a_vault_that_fails_is_asked_once_by_all_who_wait(failure: Exception) -> None:
    asked = 0

    async def secret() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if asked > 1:
            raise failure
        return "s3cret"

    with Emulator(users={"Ann": "s3cret"}) as emulator:
        async with Creatio(SITE, Password("Ann", secret), transport=emulator) as crm:
            emulator.expire()
            calls = (names(crm) for _ in range(30))
            answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(each) for each in answers} == {type(failure)}
    assert {str(each) for each in answers} == {str(failure)}
    assert asked == 2


# Ways of one's own


@define
class Refreshed:
    """An access token by a refresh token, as the authorization code flow has it."""

    refresh_token: str = field(repr=False)
    user: str = "ann"

    async def login(self, door: Door, /) -> Grant:
        """Get another pair of tokens."""
        body = f"grant_type=refresh_token&refresh_token={self.refresh_token}".encode()
        url = URL(f"{door.root}/0/connect/token", encoded=True)
        given = (await door.send(Request(method="POST", url=url, body=body))).json()
        self.refresh_token = given["refresh_token"]
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        return Grant(headers=headers, lasts=given["expires_in"])


async def test_a_way_of_ones_own_logs_in_and_renews() -> None:
    def reply(request: Request) -> Response:
        if request.url.path == "/0/connect/token":
            number = int(request.body.rpartition(b"r")[2])
            return answer({
                "access_token": f"a{number}",
                "refresh_token": f"r{number + 1}",
                "expires_in": 180,
            })
        is_new = request.headers["Authorization"] == "Bearer a2"
        return answer({"value": []}) if is_new else answer(status=401)

    auth: Auth = Refreshed("r1")
    site = Scripted(reply)
    async with Creatio(SITE, auth, transport=site, runtime="net", retry=AT_ONCE) as crm:
        assert await crm.odata["Contact"] == []
        assert repr(crm) == "<Creatio http://crm.test as ann, open>"
    assert auth.refresh_token == "r3"  # type: ignore[attr-defined]


@define
class Windows:
    """A login that sets cookies, at another method of the service."""

    user: str = "ACME\\ann"

    async def login(self, door: Door, /) -> Grant:
        """Log in."""
        url = URL(f"{door.root}/ServiceModel/AuthService.svc/Login", encoded=True)
        headers = Headers({"Authorization": "Negotiate abc"})
        await door.send(Request(method="POST", url=url, headers=headers))
        return Grant()


async def test_a_way_of_ones_own_may_bring_cookies() -> None:
    site = Scripted()
    async with Creatio(SITE, Windows(), transport=site) as crm:
        await crm.odata["Contact"]
        assert crm.runtime == "framework"
    assert site.requests[0].headers["BPMCSRF"]
    assert len(site.logouts) == 1


@pytest.mark.parametrize("auth", [Password, object(), "Supervisor"])
def test_what_cannot_log_in_is_no_way_to_log_in(auth: Any) -> None:
    with pytest.raises(TypeError, match="or another Auth"):
        Creatio(SITE, auth)
