import pytest

from creatio_async.emulator import Client, Emulator
from creatio_async.messages import Response

from .caller import Caller, caller_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASKS = b"client_id=app&client_secret=s3cret&grant_type=client_credentials"


async def asked(caller: Caller, body: bytes = ASKS, method: str = "POST") -> Response:
    return await caller.ask(method, "/connect/token", body, FORM, signed=False)


async def bearer(caller: Caller) -> dict[str, str]:
    token = (await asked(caller)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


async def test_a_client_gets_a_token_in_the_documented_form() -> None:
    # academy.creatio.com, "OAuth 2.0 authorization"
    with Emulator(clients={"app": "s3cret"}) as emulator:
        answer = await asked(caller_of(emulator))
        assert answer.status == 200
        assert answer.headers["Cache-Control"].startswith("no-store")
        body = answer.json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
        assert body["scope"].startswith("ApplicationAccess_")
        assert (emulator.tokens, emulator.logins) == (1, 0)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (ASKS.replace(b"s3cret", b"wrong"), "invalid_client"),
        (ASKS.replace(b"app", b"other"), "invalid_client"),
        (ASKS.replace(b"client_credentials", b"password"), "unsupported_grant_type"),
        (b"", "unsupported_grant_type"),
        (b"\xff=\xff&&&", "unsupported_grant_type"),
    ],
)
async def test_who_is_no_client_gets_none(body: bytes, error: str) -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        answer = await asked(caller_of(emulator), body)
    assert (answer.status, answer.json()) == (400, {"error": error})


async def test_a_token_is_asked_for_with_post() -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        assert (await asked(caller_of(emulator), method="GET")).status == 405


async def test_a_site_without_an_identity_service_answers_with_a_page() -> None:
    with Emulator() as emulator:
        answer = await asked(caller_of(emulator))
    assert (answer.status, answer.content_type) == (200, "text/html")


async def test_with_a_token_nothing_else_is_needed_to_write() -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        caller = caller_of(emulator)
        headers = await bearer(caller)
        answer = await caller.ask(
            "POST", "/0/odata/City", {"Name": "Burbank"}, headers, signed=False
        )
        assert answer.status == 201
        assert answer.headers.get_all("set-cookie") == []


async def test_a_token_ends_when_it_ends_however_much_it_is_used() -> None:
    time = 0.0
    clients = {"app": Client("s3cret", lasts=100)}
    with Emulator(clients=clients, clock=lambda: time) as emulator:
        caller = caller_of(emulator)
        headers = await bearer(caller)
        for _ in range(2):
            time += 50
            assert (await caller.ask("GET", "/0/odata/", None, headers)).status == 200
        time += 1
        assert (await caller.ask("GET", "/0/odata/", None, headers)).status == 401


async def test_a_token_ends_with_all_sessions() -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        caller = caller_of(emulator)
        headers = await bearer(caller)
        emulator.rotate_csrf()
        assert (await caller.ask("GET", "/0/odata/", None, headers)).status == 200
        emulator.expire()
        assert (await caller.ask("GET", "/0/odata/", None, headers)).status == 401


async def test_a_token_that_is_none_is_not_made_good_by_cookies() -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        caller = caller_of(emulator)
        headers = await bearer(caller)
        token = headers["Authorization"]
        await caller.login()
        wrong = {"Authorization": "Bearer wrong"}
        assert (await caller.ask("GET", "/0/odata/", None, wrong)).status == 401
        caller.cookies = {".ASPXAUTH": token}
        assert (await caller.ask("GET", "/0/odata/")).status == 401


def test_a_client_does_not_show_its_secret() -> None:
    assert "s3cret" not in repr(Client("s3cret"))
