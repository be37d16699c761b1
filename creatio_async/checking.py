"""What a site says of itself and of who is logged in: ``await crm.check()``.

Source: UserInfoService and ApplicationInfoService were seen in the code of clients; a site that
lacks them, or does not show them to this user, leaves things unknown.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from attrs import frozen

from creatio_async.errors import ResponseError
from creatio_async.messages import Response
from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.odata import v4
from creatio_async.protocol.retry import Repeat
from creatio_async.protocol.site import Runtime
from creatio_async.runtime.sender import Call, Sender

__all__ = ["Checked", "check"]

_JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}
_USER: Final = "ServiceModel/UserInfoService.svc/GetCurrentUserInfo"
_SITE: Final = "ServiceModel/ApplicationInfoService.svc/GetApplicationInfo"
_DEEPEST: Final = 4


@frozen(kw_only=True)
class Checked:
    """What is known of a site, and of who is logged in."""

    site: str
    """The address of the site."""
    runtime: Runtime | None
    """What it runs on."""
    version: str | None
    """The version of its core, such as ``10.2.430``; None where the site does not tell."""
    user: str
    """Who is logged in, as the site calls him; as the client does, where the site does not tell."""
    contact_id: str | None
    """The id of his contact; None where the site does not tell."""
    time_zone: timedelta | None
    """How far his time zone is from UTC now; None where the site does not tell. Some versions of
    Creatio give dates in this zone and mark them with a ``Z`` all the same."""
    clock: timedelta | None
    """How far the clock of the site is ahead of this one's, to about a second; None where the
    site sends no ``Date``."""
    notice: str
    """What the login had to say, such as that the password ends soon; mostly nothing."""


async def check(sender: Sender, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Checked:
    """Ask the site who is logged in, and what it is; three requests that change nothing.

    Raises:
        ResponseError: The site refuses its service document, too.
        TransportError: No answer came.
    """
    session = sender.session
    before = now()
    alive = await sender.send(Call(method="GET", path=f"{v4.SERVICE}/", headers=v4.JSON), session)
    after = now()
    user, about = await _asked(sender, _USER), await _asked(sender, _SITE)
    values = as_object(as_object(about.get("applicationInfo")).get("sysValues"))
    offset: object = values.get("userTimezoneOffset")
    return Checked(
        site=session.site.root,
        runtime=session.runtime,
        version=as_text(values.get("coreVersion")) or None,
        user=_found(user, "username") or session.auth.user,
        contact_id=_found(user, "contactid") or None,
        time_zone=timedelta(minutes=offset) if isinstance(offset, int) else None,
        clock=_ahead(alive.response, before, after),
        notice=session.grant.notice,
    )


async def _asked(sender: Sender, path: str) -> dict[str, Any]:
    """Return what a service says; nothing where it says nothing."""
    call = Call(method="POST", path=path, headers=_JSON, body=b"{}", repeat=Repeat.READ)
    try:
        return as_object((await sender.send(call, sender.session)).response.json())
    except (ResponseError, ValueError):
        return {}


def _found(answer: dict[str, Any], name: str, depth: int = 0) -> str:
    """Return the text called *name*, in any case and at any level: versions differ."""
    for key, value in answer.items():
        if key.lower() == name and isinstance(value, str):
            return value
    if depth == _DEEPEST:
        return ""
    inner = (_found(as_object(value), name, depth + 1) for value in answer.values())
    return next((found for found in inner if found), "")


def _ahead(response: Response, before: datetime, after: datetime) -> timedelta | None:
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
        # The header has no fractions: on the average half a second is missing.
        return date + timedelta(seconds=0.5) - (before + (after - before) / 2)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
