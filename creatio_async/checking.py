"""What a site says of itself and of who is logged in: ``await crm.check()``.

Source: UserInfoService and ApplicationInfoService were seen in the code of clients; a site that
lacks them, or does not show them to this user, leaves things unknown.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from uuid import uuid4

from attrs import frozen

from creatio_async.errors import ResponseError
from creatio_async.messages import Response
from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.odata import v4
from creatio_async.protocol.retry import Repeat
from creatio_async.protocol.site import Runtime
from creatio_async.protocol.values import dumps
from creatio_async.runtime.sender import Call, Sender

__all__ = ["Checked", "check"]

_JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}
_USER: Final = "ServiceModel/UserInfoService.svc/GetCurrentUserInfo"
_SITE: Final = "ServiceModel/ApplicationInfoService.svc/GetApplicationInfo"
_DEEPEST: Final = 4
_PROBE: Final = "creatio_async: a probe, to be removed"
_QUARTER: Final = timedelta(minutes=15)


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
    """How far his time zone is from UTC now; None where the site does not tell."""
    dates: timedelta | None = None
    """How far the dates that the site gives are ahead of UTC, though they are marked with a ``Z``:
    zero where they are what they say; None where it was not probed. Some versions of Creatio give
    them in the user's time zone, and the same one may do so from its next start on."""
    clock: timedelta | None
    """How far the clock of the site is ahead of this one's, to about a second; None where the
    site sends no ``Date``."""
    notice: str
    """What the login had to say, such as that the password ends soon; mostly nothing."""

    @property
    def gives_utc(self) -> bool | None:
        """Whether the dates that the site gives are in UTC; None where nobody can tell.

        They are where the probe says so. Without a probe they are where the user's time zone is
        UTC: then both ways of giving them are the same.
        """
        if self.dates is not None:
            return not self.dates
        return True if self.time_zone == timedelta(0) else None


async def check(
    sender: Sender,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    probe: str | None = None,
) -> Checked:
    """Ask the site who is logged in, and what it is; three requests that change nothing.

    Args:
        sender: Reaches the site.
        now: Gives the time.
        probe: An entity set into which a row is written, to see what date the site gives it, and
            removed again; None does not.

    Raises:
        ResponseError: The site refuses its service document, too; or the probe.
        ValueError: *probe* is no name of an entity set.
        TransportError: No answer came.
    """
    path = None if probe is None else v4.set_path(probe)
    session = sender.session
    before = now()
    alive = await sender.send(Call(method="GET", path=f"{v4.SERVICE}/", headers=v4.JSON), session)
    after = now()
    user, about = await _asked(sender, _USER), await _asked(sender, _SITE)
    values = as_object(as_object(about.get("applicationInfo")).get("sysValues"))
    offset: object = values.get("userTimezoneOffset")
    dates = None if path is None else await _probed(sender, path, now)
    return Checked(
        site=session.site.root,
        runtime=session.runtime,
        version=as_text(values.get("coreVersion")) or None,
        user=_found(user, "username") or session.auth.user,
        contact_id=_found(user, "contactid") or None,
        time_zone=timedelta(minutes=offset) if isinstance(offset, int) else None,
        dates=dates,
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


async def _probed(sender: Sender, path: str, now: Callable[[], datetime]) -> timedelta | None:
    """Return how far the ``CreatedOn`` of a new row is from now, in whole quarters of an hour."""
    row_id = str(uuid4())
    row, session = f"{v4.SERVICE}/{path}({row_id})", sender.session
    body = dumps({"Id": row_id, "Name": _PROBE})
    write = Call(
        method="POST",
        path=f"{v4.SERVICE}/{path}",
        headers=v4.WRITE,
        body=body,
        repeat=Repeat.REFUSED,
    )
    read = Call(method="GET", path=f"{row}?$select=Id,CreatedOn", headers=v4.JSON)
    gone = frozenset({404})
    remove = Call(method="DELETE", path=row, headers=v4.JSON, repeat=Repeat.IDEMPOTENT, fine=gone)
    try:
        written = (await sender.send(write, session)).response
        found = as_object((await sender.send(read, session)).response.json())
        created = datetime.fromisoformat(as_text(found.get("CreatedOn")))
        ahead = (created - (_date(written) or now())) / _QUARTER
    except (ValueError, TypeError):  # no row, no date, or one without a zone
        return None
    finally:
        await sender.send(remove, session)
    return round(ahead) * _QUARTER


def _date(response: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None


def _ahead(response: Response, before: datetime, after: datetime) -> timedelta | None:
    date = _date(response)
    if date is None or date.tzinfo is None:
        return None
    # The header has no fractions: on the average half a second is missing.
    return date + timedelta(seconds=0.5) - (before + (after - before) / 2)
