"""Requests of the caller's own to any service of the site."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from creatio_async import (
    Creatio,
    ForbiddenError,
    NotFoundError,
    ServerError,
    ServiceError,
    SessionExpiredError,
    ThrottledError,
    TransportError,
    UnavailableError,
)
from creatio_async.emulator import Answer, DropAfter, Emulator, Expire, Refuse
from creatio_async.messages import Request, Response
from creatio_async.protocol.retry import Repeat
from creatio_async.protocol.services import repeat_of
from tests.api.canned import SITE, answer, canned, client, lost
from tests.api.scripted import Scripted

WHO = "ServiceModel/UserInfoService.svc/GetCurrentUserInfo"
ORDER = "rest/UsrOrderService/Recalculate"


async def produced(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_service_of_the_site_is_asked_and_answers(crm: Creatio, emulator: Emulator) -> None:
    answered = await crm.request("POST", WHO, json={})
    assert answered.status == 200
    assert answered.json()["userName"] == "Supervisor"
    assert answered.headers["content-type"].startswith("application/json")
    assert answered.body.startswith(b"{")
    sent = emulator.requests[-1]
    assert sent.headers["BPMCSRF"]
    assert sent.headers["ForceUseSession"] == "true"
    assert sent.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("rest/A/B", "/0/rest/A/B"),
        ("/rest/A/B", "/rest/A/B"),
        ("/0/rest/A/B", "/0/rest/A/B"),
        (f"{SITE}/0/rest/A", "/0/rest/A"),
        ("rest/Ä b?q=x y", "/0/rest/%C3%84%20b?q=x%20y"),
        ("rest/A?u=http://evil.test/", "/0/rest/A?u=http://evil.test/"),
        (" rest/A#part", "/0/rest/A"),
        ("//evil.test/x", "//evil.test/x"),
    ],
)
async def test_a_path_is_relative_to_the_workspace_or_to_the_site(path: str, asked: str) -> None:
    site = canned(answer())
    async with client(site) as crm:
        await crm.request("GET", path)
    url = site.requests[0].url
    assert (str(url.origin()), url.raw_path_qs) == (SITE, asked)


async def test_an_absolute_path_is_below_the_virtual_directory() -> None:
    site = canned(answer())
    async with Creatio(f"{SITE}/studio", client(site)._opening.auth, transport=site) as crm:
        await crm.request("GET", "/api/x")
    assert site.requests[0].url.path == "/studio/api/x"


@pytest.mark.parametrize(
    "path",
    [
        "http://evil.test/0/rest/A",
        "https://crm.test/0/rest/A",
        "http://crm.test:8080/x",
        "HTTP://EVIL.TEST/",
        "http://crm.test@evil.test/",
        "javascript:alert(1)",
        "mailto:a@evil.test",
        "",
        "#x",
    ],
)
async def test_another_origin_is_refused_before_anything_is_sent(path: str) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(ValueError):  # noqa: PT011 - each in its own words
            await crm.request("POST", path, json={})
        with pytest.raises(ValueError):  # noqa: PT011
            async with crm.stream("GET", path):
                pass
    assert site.requests == []


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"a": "x y&z", "b": 5}, "a=x%20y%26z&b=5"),
        ([("a", True), ("a", False)], "a=true&a=false"),
        ({"id": UUID(int=1)}, "id=00000000-0000-0000-0000-000000000001"),
        ({}, ""),
    ],
)
async def test_a_query_is_encoded(params: Any, query: str) -> None:
    site = canned(answer(), answer())
    async with client(site) as crm:
        await crm.request("GET", "rest/A", params=params)
        await crm.request("GET", "rest/A?z=1", params=params)
    first, second = (each.url.raw_query_string for each in site.requests)
    assert first == query
    assert second == ("z=1" + (f"&{query}" if query else ""))


# Bodies


async def test_json_is_what_the_rest_of_the_library_sends() -> None:
    site = canned(answer())
    async with client(site) as crm:
        await crm.request("POST", ORDER, json={"id": UUID(int=1), "n": Decimal("1.50")})
    assert orjson.loads(site.requests[0].body)["id"] == str(UUID(int=1))


@pytest.mark.parametrize("body", ["ä", "ä".encode(), bytearray("ä".encode())])
async def test_a_body_is_sent_as_it_is(body: Any, crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Answer(answer(b"ok")), path="Usr")
    await crm.request("POST", ORDER, body=body, headers={"content-type": "text/plain"})
    assert emulator.requests[-1].body == "ä".encode()
    assert emulator.requests[-1].headers.get_all("Content-Type") == ["text/plain"]


async def test_a_body_is_read_while_it_is_sent(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Answer(answer(b"ok")), path="Usr")
    body = produced(b"one", b"two")
    assert (await crm.request("POST", ORDER, body=body)).body == b"ok"
    assert emulator.requests[-1].body == b"onetwo"


@pytest.mark.parametrize("trouble", [Refuse(503), Expire()])
async def test_a_body_that_was_read_is_not_sent_again(
    trouble: Any, crm: Creatio, emulator: Emulator
) -> None:
    emulator.troubles.add(trouble, path="Usr")
    with pytest.raises((UnavailableError, SessionExpiredError)) as caught:
        await crm.request("POST", ORDER, body=produced(b"one"), repeat=True)
    assert "can be read only once" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"json": {}, "body": b"x"}, ValueError),
        ({"body": 5}, TypeError),
        ({"body": ["x"]}, TypeError),
        ({"json": object()}, TypeError),
    ],
)
async def test_what_is_no_body_is_refused(arguments: Any, error: type[Exception]) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(error):
            await crm.request("POST", ORDER, **arguments)
    assert site.requests == []


@pytest.mark.parametrize("method", ["post", "", "GET X", None])
async def test_a_method_is_a_word_in_capitals(method: Any) -> None:
    async with client(canned()) as crm:
        with pytest.raises(ValueError, match="in capitals"):
            await crm.request(method, ORDER)


async def test_a_path_is_a_text() -> None:
    async with client(canned()) as crm:
        with pytest.raises(TypeError, match="a path is a text"):
            await crm.request("GET", 5)  # type: ignore[arg-type]


# What is sent again


@pytest.mark.parametrize(
    ("method", "path", "repeat", "how"),
    [
        ("GET", "rest/A", None, Repeat.READ),
        ("PUT", "rest/A", None, Repeat.IDEMPOTENT),
        ("DELETE", "rest/A", None, Repeat.IDEMPOTENT),
        ("POST", "rest/A", None, Repeat.REFUSED),
        ("PATCH", "rest/A", None, Repeat.REFUSED),
        ("POST", "rest/A", True, Repeat.READ),
        ("GET", "rest/A", False, Repeat.NEVER),
        ("GET", "ServiceModel/ProcessEngineService.svc/Usr/Execute", None, Repeat.NEVER),
        ("GET", "ServiceModel/ProcessEngineService.svc/Usr/Execute", True, Repeat.READ),
    ],
)
def test_only_what_may_be_repeated_is(
    method: str,
    path: str,
    repeat: bool | None,  # noqa: FBT001
    how: Repeat,
) -> None:
    assert repeat_of(method, path, repeat) is how


async def test_a_post_whose_answer_was_lost_is_sent_again_on_request_only() -> None:
    site = canned(lost(), lost(), answer({"done": True}))
    async with client(site) as crm:
        with pytest.raises(TransportError):
            await crm.request("POST", ORDER, json={})
        assert (await crm.request("POST", ORDER, json={}, repeat=True)).json() == {"done": True}
    assert len(site.requests) == 3


async def test_what_was_turned_away_is_sent_again(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Refuse(429, retry_after=0), path="UserInfo", times=2)
    emulator.troubles.add(Expire(), path="UserInfo", skip=2)
    assert (await crm.request("POST", WHO, json={})).status == 200
    assert emulator.logins == 2


async def test_a_get_survives_a_lost_answer(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(DropAfter(), path="odata")
    assert (await crm.request("GET", "odata/")).status == 200


# What is an error


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, ForbiddenError), (404, NotFoundError), (429, ThrottledError), (500, ServerError)],
)
async def test_a_refusal_has_its_class(status: int, kind: type[Exception]) -> None:
    site = Scripted(lambda _: answer(status=status))
    async with client(site) as crm:
        with pytest.raises(kind):
            await crm.request("POST", ORDER, repeat=False)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (
            {"success": False, "errorInfo": {"errorCode": "SecurityException", "message": "No."}},
            "SecurityException",
            "No.",
        ),
        (
            {"responseStatus": {"ErrorCode": "E", "Message": "m"}, "success": False},
            "E",
            "m",
        ),
        ({"Success": False, "Message": "Well"}, "", "Well"),
        ({"success": False, "errorInfo": None}, "", "says that it failed, and not why"),
        ({"success": False, "errorInfo": {}}, "", "says that it failed, and not why"),
        (
            {"SaveResult": {"success": False, "errorInfo": {"errorCode": "E", "message": "No."}}},
            "E",
            "No.",
        ),
    ],
)
async def test_a_service_that_fails_with_a_200_is_an_error(body: Any, code: str, says: str) -> None:
    site = canned(answer(body), answer(body))
    async with client(site) as crm:
        with pytest.raises(ServiceError, match=says) as caught:
            await crm.request("POST", "DataService/json/SyncReply/SelectQuery", json={})
        assert caught.value.code == code
        assert caught.value.status == 200
        unchecked = await crm.request("POST", "DataService/json/SyncReply/X", json={}, check=False)
        assert unchecked.json() == body


@pytest.mark.parametrize(
    "body",
    [
        {"success": True},
        {"success": "false"},
        [{"success": False}],
        b'not json "success"',
        {"rows": [{"success": False}]},
        {"row": {"success": False}},
        {"SaveResult": [{"success": False}]},
        b"",
    ],
)
async def test_whatever_else_a_service_says_is_its_answer(body: Any) -> None:
    async with client(canned(answer(body))) as crm:
        assert (await crm.request("POST", ORDER, json={})).status == 200


async def test_a_page_that_was_asked_for_is_an_answer() -> None:
    page = answer("<html><title>Report</title></html>", content_type="text/html")
    async with client(canned(page)) as crm:
        assert (await crm.request("GET", "rest/Report")).text().startswith("<html>")


# Streams down


async def test_an_answer_is_read_as_it_comes(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Answer(answer(b"x" * 300_000, content_type="image/png")), path="File")
    async with crm.stream("GET", "rest/FileService/Download/X/1") as download:
        assert download.status == 200
        assert download.headers["content-type"] == "image/png"
        assert sum([len(chunk) async for chunk in download.chunks()]) == 300_000


async def test_an_answer_may_be_read_at_once(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Expire(), path="odata")
    async with crm.stream("GET", "odata/", headers={"Accept": "application/json"}) as download:
        assert b"Contact" in await download.read()
    assert emulator.logins == 2


@pytest.mark.parametrize("status", [404, 500])
async def test_a_stream_that_is_refused_is_an_error(status: int) -> None:
    site = Scripted(lambda _: answer({"Message": "no"}, status))
    async with client(site) as crm:
        with pytest.raises((NotFoundError, ServerError), match="no"):
            async with crm.stream("POST", ORDER, json={}):
                pass


async def test_up_and_down_at_once(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Answer(answer(b"ok")), path="Usr")
    async with crm.stream("POST", ORDER, body=produced(b"a", b"b")) as download:
        assert await download.read() == b"ok"
    assert emulator.requests[-1].body == b"ab"


@pytest.fixture
def slow() -> Scripted:
    async def never(_: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    return Scripted(never)


async def test_a_deadline_ends_it(slow: Scripted) -> None:
    async with client(slow) as crm:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await crm.request("GET", "rest/Slow")
    assert slow.under_way == 0


async def test_a_client_that_is_not_open_sends_nothing() -> None:
    crm = client(canned())
    with pytest.raises(RuntimeError, match="not open"):
        await crm.request("GET", "rest/A")
    with pytest.raises(RuntimeError, match="not open"):
        crm.stream("GET", "rest/A")
