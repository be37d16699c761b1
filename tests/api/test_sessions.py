import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

from creatio_async import (
    AuthenticationError,
    Creatio,
    CsrfError,
    ForbiddenError,
    RetryPolicy,
    SessionExpiredError,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Emulator, Expire, User
from creatio_async.messages import Request, Response
from creatio_async.runtime.channels import Channel, InProcess
from creatio_async.runtime.limits import Limits
from creatio_async.runtime.session import Session
from tests.api.canned import AUTH, COOKIES, WELCOME, answer, client, lost
from tests.api.scripted import Scripted, eventually
from tests.api.senders import READ, ready

Shape = Literal["401", "redirect", "html", "json"]
SHAPES: tuple[Shape, ...] = ("401", "redirect", "html", "json")

UNAUTHORIZED = answer(status=401)
FORBIDDEN = answer({"Message": "no"}, 403)
PAGE = answer("<html><title>Maintenance</title></html>", content_type="text/html")
NOBODY = RetryPolicy(attempts=1)


def is_service_document(request: Request) -> bool:
    return request.url.path.endswith("/odata/")


def of(emulator: Emulator, path: str) -> list[Request]:
    return [each for each in emulator.requests if path in each.url.path]


async def names(crm: Creatio) -> list[Any]:
    return [row["Name"] for row in await crm.odata["Contact"].select("Name").top(1)]


@pytest.mark.parametrize("shape", SHAPES)
async def test_each_shape_of_a_lost_session_leads_to_a_login_and_one_repeat(
    shape: Shape, crm: Creatio, emulator: Emulator
) -> None:
    emulator.troubles.add(Expire(shape))
    assert await names(crm) == ["Supervisor"]
    assert emulator.logins == 2
    assert len(of(emulator, "Contact")) == 2


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_write_that_met_a_lost_session_is_done_once(
    shape: Shape, crm: Creatio, emulator: Emulator
) -> None:
    before = len(emulator.rows("City"))
    emulator.troubles.add(Expire(shape), method="POST", path="City")
    await crm.odata["City"].create({"Name": "Burbank"})
    assert len(emulator.rows("City")) == before + 1
    assert emulator.logins == 2


@pytest.mark.parametrize("tasks", [100, 1_000])
async def test_any_number_of_tasks_that_meet_it_log_in_once(
    tasks: int, crm: Creatio, emulator: Emulator
) -> None:
    emulator.expire()
    found = await asyncio.gather(*(names(crm) for _ in range(tasks)))
    assert found == [["Supervisor"]] * tasks
    assert emulator.logins == 2


async def test_what_waits_for_its_turn_is_not_sent_in_a_session_that_is_lost() -> None:
    with Emulator() as emulator:
        async with client(emulator, limits=Limits(at_once=4)) as crm:
            emulator.latency = 0.001
            emulator.expire()
            before = len(emulator.requests)
            await asyncio.gather(*(names(crm) for _ in range(100)))
            sent = list(emulator.requests)[before:]
            asked = [each for each in sent if each.url.path.endswith("/Contact")]
            assert len(asked) == 104, "those under way met the loss, and no others"
            assert emulator.most_at_once == 4, "the login takes the place of what it is for"


async def test_a_write_that_waited_for_its_turn_has_the_token_of_the_session_it_is_sent_in() -> (
    None
):
    with Emulator() as emulator:
        async with client(emulator, limits=Limits(at_once=1)) as crm:
            emulator.expire()
            rows = ({"Name": str(number)} for number in range(20))
            await asyncio.gather(*(crm.odata["City"].create(row) for row in rows))
            assert len([r for r in of(emulator, "/City") if r.method == "POST"]) == 21


async def test_a_session_lost_again_and_again_is_renewed_each_time(
    crm: Creatio, emulator: Emulator
) -> None:
    for _ in range(10):
        emulator.expire()
        assert await names(crm) == ["Supervisor"]
    assert emulator.logins == 11


@pytest.mark.parametrize("tasks", [1, 100])
async def test_a_new_token_in_the_refusal_is_taken_without_a_login(
    tasks: int, crm: Creatio, emulator: Emulator
) -> None:
    before = len(emulator.rows("City"))
    emulator.rotate_csrf()
    rows = [{"Name": f"City {number}"} for number in range(tasks)]
    await asyncio.gather(*(crm.odata["City"].create(row) for row in rows))
    assert len(emulator.rows("City")) == before + tasks
    assert emulator.logins == 1


async def test_a_token_that_is_refused_leads_to_one_login_and_the_second_refusal_surfaces() -> None:
    site = Scripted(lambda _: answer({"Message": "The BPMCSRF token is wrong."}, 403))
    async with client(site) as crm:
        with pytest.raises(CsrfError):
            await crm.odata["City"].create({"Name": "Burbank"})
        assert (len(site.logins), len(site.requests)) == (2, 2)
        with pytest.raises(CsrfError):
            await crm.odata["City"].create({"Name": "Burbank"})
        assert (len(site.logins), len(site.requests)) == (2, 3), "no login for each in a loop"


async def test_a_403_on_a_read_is_no_lost_session() -> None:
    site = Scripted(lambda _: FORBIDDEN)
    async with client(site) as crm:
        with pytest.raises(ForbiddenError):
            await crm.odata["City"]
    assert (len(site.logins), len(site.requests)) == (1, 1)


async def test_an_unknown_entity_set_is_forbidden_with_a_hint_and_without_a_login(
    crm: Creatio, emulator: Emulator
) -> None:
    for _ in range(3):
        with pytest.raises(ForbiddenError, match="entity set that it does not know"):
            await crm.odata["Contakt"].top(1)
    assert emulator.logins == 1


async def test_a_thousand_tasks_with_a_typo_share_two_looks_and_log_in_never() -> None:
    """The second look is for those who were refused after the first one had begun."""
    site = Scripted(lambda r: answer({}) if is_service_document(r) else UNAUTHORIZED)
    async with client(site, limits=Limits(at_once=1_000)) as crm:
        asked = (names(crm) for _ in range(1_000))
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in answers} == {ForbiddenError}
    assert len(site.logins) == 1
    assert len([each for each in site.requests if is_service_document(each)]) == 2


async def test_an_unknown_entity_set_in_a_session_that_is_lost_is_told_apart(
    crm: Creatio, emulator: Emulator
) -> None:
    emulator.expire()
    with pytest.raises(ForbiddenError, match="does not know"):
        await crm.odata["Contakt"].top(1)
    assert emulator.logins == 2


async def test_a_session_that_a_login_does_not_bring_back_is_called_lost() -> None:
    site = Scripted(lambda _: UNAUTHORIZED)
    async with client(site) as crm:
        with pytest.raises(SessionExpiredError):
            await crm.odata["Contact"]
        assert len(site.logins) == 2


@pytest.mark.parametrize("refusal", [UNAUTHORIZED, answer({"Message": "Authentication failed."})])
async def test_logins_that_do_not_help_are_not_repeated_for_ever(refusal: Response) -> None:
    site = Scripted(lambda _: refusal)
    async with client(site) as crm:
        for _ in range(20):
            with pytest.raises(SessionExpiredError):
                await crm.odata["Contact"]
        assert len(site.logins) == 3
        await crm.login()
        assert len(site.logins) == 4


async def test_after_a_minute_a_login_that_did_not_help_is_tried_again() -> None:
    now = 0.0
    site = Scripted(lambda _: UNAUTHORIZED)
    session = Session(parsed(), AUTH, InProcess(site), lambda: now)
    await session.login()
    for _ in range(5):
        await lose(session)
    assert len(site.logins) == 3
    now = 61.0
    await lose(session)
    assert len(site.logins) == 4


async def test_a_page_in_place_of_data_leads_to_no_login_while_the_session_is_alive() -> None:
    site = Scripted(lambda request: answer({}) if is_service_document(request) else PAGE)
    async with client(site) as crm:
        with pytest.raises(UnexpectedResponseError, match="a page came"):
            await crm.odata["Contact"]
    assert len(site.logins) == 1


@pytest.mark.parametrize("silence", [lambda _: answer(status=500), lost()], ids=["500", "lost"])
async def test_where_a_look_does_not_tell_a_login_is_tried_once_a_minute(
    silence: Callable[[Request], Response],
) -> None:
    site = Scripted(lambda r: silence(r) if is_service_document(r) else UNAUTHORIZED)
    async with client(site) as crm:
        for _ in range(5):
            with pytest.raises(SessionExpiredError):
                await crm.odata["Contact"]
        assert len(site.logins) == 2


# A login that fails half-way through


async def test_a_refusal_is_told_to_all_who_wait_and_is_not_tried_again() -> None:
    users = {"Supervisor": User("Supervisor")}
    with Emulator(users=users) as emulator:
        async with client(emulator) as crm:
            emulator._sessions.users = {"Supervisor": User("changed")}
            emulator.expire()
            answers = await asyncio.gather(
                *(names(crm) for _ in range(100)), return_exceptions=True
            )
            assert {type(each) for each in answers} == {AuthenticationError}
            with pytest.raises(AuthenticationError, match="not tried again"):
                await names(crm)
            assert len(of(emulator, "/Login")) == 2
            emulator._sessions.users = users
            await crm.login()
            assert await names(crm) == ["Supervisor"]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (lost(), TransportError),
        (lambda _: answer(status=429), ThrottledError),
    ],
    ids=["no answer", "429"],
)
async def test_all_who_wait_for_a_login_that_fails_share_its_failure(
    failure: Callable[[Request], Response], kind: type[Exception]
) -> None:
    site = Scripted(lambda _: UNAUTHORIZED)
    async with client(site, retry=NOBODY, limits=Limits(at_once=100)) as crm:
        site.login = failure
        asked = (names(crm) for _ in range(100))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in answers} == {kind}
        assert len({id(each) for each in answers}) == 100, "each has an error of its own"
        assert len(site.logins) == 2


async def test_a_login_without_an_answer_is_repeated_with_what_needed_it() -> None:
    is_lost = True

    def reply(_: Request) -> Response:
        return UNAUTHORIZED if is_lost else answer({"value": [{"Name": "Supervisor"}]})

    def login(request: Request) -> Response:
        nonlocal is_lost
        if len(site.logins) == 2:
            return lost()(request)
        is_lost = len(site.logins) == 1
        return answer(WELCOME, headers=COOKIES)

    site = Scripted(reply, login)
    async with client(site) as crm:
        assert await names(crm) == ["Supervisor"]
    assert len(site.logins) == 3


async def test_a_task_cancelled_while_it_logs_in_leaves_the_login_to_the_next() -> None:
    holding, entered = asyncio.Event(), asyncio.Event()
    refused = answer({"Message": "The BPMCSRF token is wrong."}, 403)

    async def login(_: Request) -> Response:
        if len(site.logins) == 2:
            entered.set()
            await holding.wait()
        return answer(WELCOME, headers=COOKIES)

    def reply(_: Request) -> Response:
        return answer({"Id": "1"}, 201) if len(site.logins) > 2 else refused

    site = Scripted(reply)
    async with client(site) as crm:
        site.login = login
        first = asyncio.create_task(crm.odata["City"].create({"Name": "a"}))
        await entered.wait()
        others = [asyncio.create_task(crm.odata["City"].create({"Name": "b"})) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        assert await asyncio.gather(*others) == [{"Id": "1"}] * 5
        assert first.cancelled()
        assert len(site.logins) == 3


async def test_a_look_that_is_cancelled_tells_the_next_nothing() -> None:
    holding, entered = asyncio.Event(), asyncio.Event()

    async def held() -> Response:
        entered.set()
        await holding.wait()
        return answer({})

    looks = 0

    def reply(request: Request) -> Any:
        nonlocal looks
        if not is_service_document(request):
            return UNAUTHORIZED
        looks += 1
        return held() if looks == 1 else answer({})

    site = Scripted(reply)
    async with client(site) as crm:
        first = asyncio.create_task(names(crm))
        await entered.wait()
        second = asyncio.create_task(names(crm))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(ForbiddenError):
            await second
    assert len(site.logins) == 1


# Closing


async def test_a_site_that_does_not_answer_a_logout_does_not_hold_up_the_end() -> None:
    class Deaf(Scripted):
        async def send(self, request: Request, /) -> Response:
            if "Logout" in request.url.path:
                await asyncio.get_running_loop().create_future()
            return await super().send(request)

    session = Session(parsed(), AUTH, InProcess(Deaf()), lambda: 0.0, patience=0.01)
    await session.login()
    await session.logout()
    assert session.is_closed


async def test_a_closed_client_does_not_log_in_again(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        contacts = crm.odata["Contact"]
    with pytest.raises(RuntimeError, match="closed"):
        await contacts.top(1)
    assert emulator.logins == 1


async def test_a_request_that_is_under_way_while_the_client_closes_does_not_log_in_again() -> None:
    holding = asyncio.Event()

    async def reply(_: Request) -> Response:
        await holding.wait()
        return UNAUTHORIZED

    site = Scripted(reply)
    sender, _ = await ready(site)
    asked = asyncio.create_task(sender.send(READ))
    await eventually(lambda: bool(site.requests))
    sender.session.is_closed = True
    holding.set()
    with pytest.raises(SessionExpiredError):
        await asked
    assert len(site.logins) == 1


def parsed() -> Any:
    return client(Scripted())._opening.site


async def lose(session: Session) -> None:
    """Let a request meet a refusal, as the sender would."""
    channel: Channel = session.channel
    request = session._request(f"{session.workspace}/odata/Contact")
    response = await channel.send(request)
    error = SessionExpiredError(request, response)
    await session.judge(session.number, request, error, may_renew=True)
