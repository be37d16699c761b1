"""What a site says of itself and of its user, and what is done explicitly with a session."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from attrs import define, evolve

from creatio_async import AuthenticationError, ClientCredentials, Creatio, ForbiddenError
from creatio_async.checking import check
from creatio_async.emulator import Emulator, Refuse, User
from creatio_async.messages import Request, Response
from tests.api.canned import SITE, answer, client
from tests.api.scripted import Scripted
from tests.api.senders import ready

FACTOR = "Terrasoft.Authentication.TwoFactor.Exceptions.StartAuthFlowException"
TOTP = "Terrasoft.Authentication.TOTP.Exceptions.TotpIsNotEnabledException"


async def test_a_site_says_what_it_is_and_who_is_logged_in(crm: Creatio) -> None:
    checked = await crm.check()
    assert (checked.user, checked.runtime, checked.version) == (
        "Supervisor",
        "framework",
        "8.3.2.0",
    )
    assert checked.contact_id == "410006e1-ca4e-4502-a9ec-e54d922d2c00"
    assert (checked.time_zone, checked.notice) == (timedelta(0), "")
    assert checked.site in repr(crm)
    assert checked.clock is None or abs(checked.clock) < timedelta(seconds=5)


async def test_with_a_token_the_site_knows_who_it_is() -> None:
    with Emulator(clients={"app": "s3cret"}) as emulator:
        auth = ClientCredentials("app", "s3cret", SITE)
        async with client(emulator, auth=auth) as crm:
            assert (await crm.check()).user == "Supervisor"


@pytest.mark.parametrize(
    ("user", "info", "wanted"),
    [
        (answer(status=404), answer(status=403), ("Supervisor", None, None, None)),
        (answer(b"<html>"), answer([1]), ("Supervisor", None, None, None)),
        (
            answer({"Result": {"UserName": "Ann", "ContactId": "c"}}),
            answer({"applicationInfo": {"sysValues": {"userTimezoneOffset": 180}}}),
            ("Ann", "c", None, timedelta(hours=3)),
        ),
        (
            answer({"a": {"a": {"a": {"a": {"a": {"username": "deep"}}}}}}),
            answer({"applicationInfo": {"sysValues": {"userTimezoneOffset": "x"}}}),
            ("Supervisor", None, None, None),
        ),
    ],
)
async def test_what_a_site_does_not_tell_is_unknown(
    user: Response, info: Response, wanted: Any
) -> None:
    def reply(request: Request) -> Response:
        if request.url.path.endswith("/odata/"):
            return answer({"value": []})
        return user if "UserInfo" in request.url.path else info

    async with client(Scripted(reply)) as crm:
        found = await crm.check()
    assert (found.user, found.contact_id, found.version, found.time_zone) == wanted


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        (format_datetime(datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC), usegmt=True), 30.5),
        ("", None),
        ("Thu, 01 Jan 2026 12:00:30", None),
        ("soon", None),
    ],
)
async def test_the_clocks_are_compared(date: str, ahead: float | None) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    site = Scripted(lambda _: answer({}, headers=[("Date", date)]))
    sender, _ = await ready(site)
    found = (await check(sender, lambda: noon)).clock
    assert found == (None if ahead is None else timedelta(seconds=ahead))


async def test_a_site_that_refuses_its_service_document_is_no_success() -> None:
    async with client(Scripted(lambda _: answer(status=403))) as crm:
        with pytest.raises(ForbiddenError):
            await crm.check()


async def test_a_password_that_ends_soon_is_told_of() -> None:
    users = {"Supervisor": User("Supervisor", code=2, message="Your password expires soon.")}
    with Emulator(users=users) as emulator:
        async with client(emulator) as crm:
            assert (await crm.check()).notice == "Your password expires soon."


# Refusals of a login, each in its own words


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (User("other"), "user name or password is wrong"),
        (User("Supervisor", code=1, exception=FACTOR), "a second factor is wanted"),
        (User("Supervisor", code=1, exception=TOTP), "has to be set up for the user first"),
        (User("Supervisor", code=1, message="Gesperrt: locked"), "the account is locked"),
        (User("Supervisor", code=3), "no licence is granted to the user"),
        (User("Supervisor", code=4), "there is no licence for the user"),
        (
            User("Supervisor", code=5),
            "the password has expired: change it at http://crm.test/Login/ChangePassword.aspx",
        ),
    ],
)
async def test_each_refusal_says_what_is_to_be_done(user: User, says: str) -> None:
    with Emulator(users={"Supervisor": user}) as emulator:
        with pytest.raises(AuthenticationError) as caught:
            await client(emulator).__aenter__()
        assert says in str(caught.value)
        assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"Code": 9}, "refused with the code 9"),
        ({"Code": 5, "PasswordChangeUrl": "https://x.test/c"}, "at https://x.test/c"),
        ({"Code": "1", "Message": None, "Exception": []}, "is wrong"),
    ],
)
async def test_a_refusal_of_any_shape_says_something(given: Any, says: str) -> None:
    site = Scripted(login=lambda _: answer(given))
    with pytest.raises(AuthenticationError, match=says):
        await client(site).__aenter__()


async def test_five_wrong_passwords_are_the_callers_own_doing() -> None:
    with Emulator(users={"Supervisor": "other"}) as emulator:
        said = []
        for _ in range(6):
            with pytest.raises(AuthenticationError) as caught:
                await client(emulator).__aenter__()
            said.append("the account is locked" in str(caught.value))
    assert said == [False] * 4 + [True] * 2


# Logging in and out


async def test_after_logging_out_nothing_is_sent_until_somebody_logs_in(
    crm: Creatio, emulator: Emulator
) -> None:
    await crm.logout()
    assert emulator.requests[-1].url.path.endswith("/Logout")
    with pytest.raises(RuntimeError, match=r"await crm\.login\(\)"):
        await crm.odata["Contact"].top(1)
    await crm.login()
    assert await crm.odata["Contact"].top(1)
    assert emulator.logins == 2
    emulator.expire()
    assert await crm.odata["Contact"].top(1)
    assert emulator.logins == 3


# What the Z of a date is worth


@define
class Elsewhere:
    """A site whose dates are those of another time zone, and say that they are UTC."""

    emulator: Emulator
    ahead: timedelta

    async def send(self, request: Request, /) -> Response:
        """Answer *request*."""
        response = await self.emulator.send(request)
        body = re.sub(rb'(?<="CreatedOn":")[^"]+', self._moved, response.body)
        return evolve(response, body=body)

    def _moved(self, found: re.Match[bytes]) -> bytes:
        moment = datetime.fromisoformat(found[0].decode()) + self.ahead
        return moment.isoformat().replace("+00:00", "Z").encode()


@pytest.mark.parametrize("hours", [0, 3, -5, 5.75])
async def test_a_probe_tells_how_far_the_dates_of_a_site_are_from_utc(
    emulator: Emulator, hours: float
) -> None:
    ahead = timedelta(hours=hours)
    async with client(Elsewhere(emulator, ahead)) as crm:
        checked = await crm.check(probe="City")
    assert (checked.dates, checked.gives_utc) == (ahead, hours == 0)
    assert emulator.rows("City") == []


async def test_without_a_probe_only_a_user_in_utc_can_be_sure(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        sure = await crm.check()
    assert (sure.dates, sure.gives_utc) == (None, True)
    assert [each.method for each in emulator.requests if "City" in each.url.path] == []
    values = {"applicationInfo": {"sysValues": {"userTimezoneOffset": 180}}}
    async with client(Scripted(lambda _: answer(values))) as crm:
        assert (await crm.check()).gives_utc is None


async def test_the_row_of_a_probe_is_removed_whatever_happens(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        emulator.troubles.add(Refuse(403), path="City(", method="GET")
        with pytest.raises(ForbiddenError):
            await crm.check(probe="City")
        assert emulator.rows("City") == []
        with pytest.raises(ValueError, match="entity set"):
            await crm.check(probe="City/..")


@pytest.mark.parametrize("created", ["soon", "2026-01-31T09:30:00", None])
async def test_a_date_that_cannot_be_read_tells_nothing(created: Any) -> None:
    async with client(Scripted(lambda _: answer({"CreatedOn": created}))) as crm:
        checked = await crm.check(probe="City")
    assert (checked.dates, checked.gives_utc) == (None, None)
