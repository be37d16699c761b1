import asyncio
from types import TracebackType
from typing import Any

import pytest

from creatio_async import (
    BadRequestError,
    Creatio,
    Limits,
    NotFoundError,
    RetryPolicy,
    ServerError,
    ThrottledError,
    Timeouts,
    TransportError,
    UnavailableError,
)
from creatio_async.emulator import Cut, DropAfter, DropBefore, Emulator, Expire, Fail, Refuse
from creatio_async.protocol.retry import Repeat
from creatio_async.runtime.limits import Gate
from creatio_async.runtime.sender import Call
from tests.api.canned import AUTH, SITE, Answer, answer, canned, client, lost
from tests.api.scripted import Scripted
from tests.api.senders import BUSY, READ, hold, ready

LATER = answer(status=429, headers=[("Retry-After", "7")])
FAILED = answer({}, 500)
GONE = answer(status=504)


# What is sent again


@pytest.mark.parametrize("failure", [LATER, BUSY, FAILED, GONE, lost(), lost(sent=False)])
async def test_a_read_is_repeated_until_it_succeeds(failure: Answer) -> None:
    site = canned(failure, failure, answer({"value": []}))
    sender, waited = await ready(site)
    await sender.send(READ)
    assert len(site.requests) == 3
    assert len(waited) == 2


@pytest.mark.parametrize(
    ("repeat", "failure", "kind"),
    [
        (Repeat.REFUSED, lost(), TransportError),
        (Repeat.REFUSED, FAILED, ServerError),
        (Repeat.REFUSED, GONE, ServerError),
        (Repeat.IDEMPOTENT, FAILED, ServerError),
        (Repeat.NEVER, LATER, ThrottledError),
        (Repeat.NEVER, BUSY, UnavailableError),
        (Repeat.NEVER, lost(), TransportError),
        (Repeat.NEVER, lost(sent=False), TransportError),
        (Repeat.READ, answer({}, 400), BadRequestError),
        (Repeat.READ, answer(status=404), NotFoundError),
    ],
)
async def test_what_may_have_been_done_or_never_will_be_is_sent_once(
    repeat: Repeat, failure: Answer, kind: type[Exception]
) -> None:
    site = canned(failure)
    sender, waited = await ready(site)
    with pytest.raises(kind):
        await sender.send(Call(method="POST", path="odata/Contact", repeat=repeat))
    assert len(site.requests) == 1
    assert waited == []


@pytest.mark.parametrize(
    ("repeat", "failure", "doubtful"),
    [
        (Repeat.REFUSED, LATER, False),
        (Repeat.REFUSED, BUSY, False),
        (Repeat.REFUSED, lost(sent=False), False),
        (Repeat.IDEMPOTENT, lost(), True),
        (Repeat.IDEMPOTENT, GONE, True),
        (Repeat.IDEMPOTENT, LATER, False),
    ],
)
async def test_what_was_not_begun_or_does_no_harm_is_sent_again(
    repeat: Repeat, failure: Answer, *, doubtful: bool
) -> None:
    site = canned(failure, answer(status=204))
    sender, _ = await ready(site)
    reply = await sender.send(Call(method="DELETE", path="odata/Contact(1)", repeat=repeat))
    assert len(site.requests) == 2
    assert reply.doubtful is doubtful


async def test_waits_grow_and_honour_what_the_server_asks() -> None:
    sender, waited = await ready(canned(BUSY, LATER, BUSY, answer({"value": []})))
    await sender.send(READ)
    assert waited == [1.0, 7.0, 4.0]


async def test_no_wait_ends_later_than_the_policy_allows() -> None:
    policy = RetryPolicy(wait_initial=1, wait_jitter=0, timeout=8, attempts=9)
    sender, waited = await ready(canned(BUSY, BUSY, BUSY, LATER), retry=policy)
    with pytest.raises(ThrottledError):
        await sender.send(READ)
    assert waited == [1.0, 2.0, 4.0]


async def test_the_last_refusal_is_the_one_that_is_raised() -> None:
    sender, _ = await ready(canned(lost(), BUSY, lost(), FAILED))
    with pytest.raises(ServerError) as caught:
        await sender.send(READ)
    assert caught.value.status == 500


async def test_a_status_that_is_fine_is_no_error() -> None:
    sender, _ = await ready(canned(answer(status=404)))
    reply = await sender.send(Call(method="DELETE", path="odata/X(1)", fine=frozenset({404})))
    assert reply.response.status == 404


# Where it goes


@pytest.mark.parametrize(
    "path",
    [
        "http://evil.test/0/odata/Contact",
        "https://crm.test/0/odata/Contact",
        "http://crm.test:8080/0/odata/Contact",
        "http://crm.test.evil.test/",
        "http://crm.test@evil.test/",
        "HTTP://EVIL.TEST/",
    ],
)
async def test_nothing_is_sent_to_another_origin(path: str) -> None:
    site = canned()
    sender, _ = await ready(site)
    with pytest.raises(ValueError, match="not the site"):
        await sender.send(Call(method="GET", path=path))
    assert site.requests == []


@pytest.mark.parametrize("path", ["http://crm.test\\@evil.test/", "http://crm.test:99999/", "://"])
async def test_what_is_no_address_is_not_sent(path: str) -> None:
    site = canned()
    sender, _ = await ready(site)
    with pytest.raises(ValueError):  # noqa: PT011 - in the words of the parser
        await sender.send(Call(method="GET", path=path))
    assert site.requests == []


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("odata/Contact?$filter=x eq 'http://evil.test/'", None),
        ("//evil.test/x", f"{SITE}/0///evil.test/x"),
        ("http://CRM.test/0/odata/Contact?$skiptoken=1", None),
        ("http://crm.test:80/0/odata/Contact", None),
    ],
)
async def test_what_looks_like_another_origin_and_is_none_stays_on_the_site(
    path: str, url: str | None
) -> None:
    site = canned(answer({"value": []}))
    sender, _ = await ready(site)
    await sender.send(Call(method="GET", path=path))
    (sent,) = site.requests
    assert (sent.url.host, sent.url.port, sent.url.scheme) == ("crm.test", 80, "http")
    assert url is None or str(sent.url) == url


# How many at once


@pytest.mark.parametrize("at_once", [1, 3, 16])
async def test_so_many_requests_are_under_way_and_no_more(at_once: int) -> None:
    site = Scripted()
    async with client(site, limits=Limits(at_once=at_once)) as crm:
        await asyncio.gather(*(top(crm) for _ in range(60)))
    assert site.most_at_once == at_once


async def test_no_more_are_under_way_over_a_socket_and_while_a_session_is_renewed(
    emulator: Emulator,
) -> None:
    async with emulator.served() as url, Creatio(url, AUTH, limits=Limits(at_once=3)) as crm:
        emulator.latency = 0.001
        emulator.expire()
        await asyncio.gather(*(top(crm) for _ in range(60)))
    assert emulator.most_at_once <= 3


async def test_what_waits_to_be_repeated_leaves_its_place_to_others() -> None:
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await awake.wait()

    site = canned(BUSY, answer({"value": []}), answer({"value": []}))
    sender, _ = await ready(site, gate=Gate(Limits(at_once=1)), sleep=sleep)
    first = asyncio.create_task(sender.send(READ))
    await asleep.wait()
    await sender.send(READ)
    awake.set()
    await first
    assert len(site.requests) == 3


async def test_a_throttle_is_entered_before_each_send() -> None:
    class Throttle:
        entered = 0

        async def __aenter__(self) -> None:
            self.entered += 1

        async def __aexit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None,
        ) -> None:
            pass

    throttle = Throttle()
    sender, _ = await ready(
        canned(BUSY, BUSY, answer({"value": []})), gate=Gate(Limits(throttle=throttle))
    )
    await sender.send(READ)
    assert throttle.entered == 3


@pytest.mark.parametrize("bad", [0, -1])
def test_fewer_than_one_at_once_is_refused(bad: int) -> None:
    with pytest.raises(ValueError, match="at_once"):
        Limits(at_once=bad)


@pytest.mark.parametrize("bad", [1.5, "4", None])
def test_at_once_is_a_whole_number(bad: Any) -> None:
    with pytest.raises(TypeError):
        Limits(at_once=bad)


@pytest.mark.parametrize("name", ["connect", "read", "total"])
@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_seconds_above_0(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is a number of seconds"):
        Timeouts(**{name: bad})


async def top(crm: Creatio) -> list[dict[str, Any]]:
    return await crm.odata["Contact"].top(1)


# Troubles, in both ways to reach a site


@pytest.mark.parametrize(
    "trouble",
    [
        DropBefore(),
        DropAfter(),
        Cut(),
        Refuse(429),
        Refuse(503),
        Refuse(502),
        Fail(),
        Fail(after=True),
        Expire(),
    ],
    ids=repr,
)
async def test_a_read_survives_any_trouble(trouble: Any, crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(trouble, path="Contact")
    assert len(await crm.odata["Contact"].top(1)) == 1


@pytest.mark.parametrize("trouble", [DropBefore(), DropAfter(), Cut(), Refuse(429), Fail()])
async def test_a_process_is_never_sent_again(
    trouble: Any, crm: Creatio, emulator: Emulator
) -> None:
    runs = 0

    @emulator.process("UsrCount")
    def count() -> dict[str, Any]:
        nonlocal runs
        runs += 1
        return {"Runs": "x" * 100}

    emulator.troubles.add(trouble, path="UsrCount")
    with pytest.raises((TransportError, ThrottledError, ServerError)):
        await crm.processes.execute("UsrCount", result="Runs")
    sent = [each for each in emulator.requests if "UsrCount" in each.url.path]
    assert len(sent) == 1
    assert runs <= 1


async def test_a_delete_whose_answer_was_lost_has_happened(
    crm: Creatio, emulator: Emulator
) -> None:
    (city,) = emulator.insert("City", [{"Name": "Burbank"}])
    emulator.troubles.add(DropAfter(), method="DELETE")
    await crm.odata["City"].delete(city)
    with pytest.raises(NotFoundError):
        await crm.odata["City"].delete(city)


async def test_a_deadline_of_the_callers_ends_the_repeats() -> None:
    async with client(Scripted(hold)) as crm:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await crm.odata["Contact"]
