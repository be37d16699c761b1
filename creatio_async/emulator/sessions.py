"""Logins, cookies, the BPMCSRF token, and tokens of OAuth.

Source: academy.creatio.com, "AuthService.svc web service", "Authentication basics", "Platform
cookies". A refused login is a 200 as well, with a ``Code`` other than 0.
"""

import secrets
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import orjson
from attrs import define, field, frozen, validators

from creatio_async.emulator.jsontypes import as_object
from creatio_async.emulator.oauth import Client, granted, who_asks
from creatio_async.emulator.refusals import JSON, Answer, service_error

__all__ = ["AUTHENTICATION_FAILED", "Session", "Sessions", "User", "cookies_of"]

_TOKEN: Final = string.ascii_letters + string.digits
_EXPIRED: Final = 5
_REMEMBERED: Final = timedelta(days=30)
_BEARER: Final = "Bearer "
_LOCKED: Final = "Your user account is locked."
_TYPES: Final = {
    1: "System.Security.SecurityException",
    3: "Terrasoft.Core.LicException",
    4: "Terrasoft.Core.LicException",
    5: "Terrasoft.Core.Users.PasswordExpiredException",
}
_MESSAGES: Final = {
    0: "",
    1: "You have entered incorrect username or password.",
    2: "Your password expires soon. It is recommended to change it.",
    3: "The user has no license. Grant a license to the user.",
    4: "There is no license for this user.",
    5: "Your password has expired.",
}

AUTHENTICATION_FAILED: Final = service_error(
    401, "Authentication failed.", "System.InvalidOperationException"
)


@frozen
class User:
    """Someone who may log in, and what the login answers.

    Codes: 0 lets in, 1 refuses, 2 lets in and recommends another password, 3 and 4 lack a licence,
    5 has an expired password. Source: the platform's own login page.
    """

    password: str = field(repr=False)
    code: int = field(default=0, validator=validators.in_(sorted(_MESSAGES)), kw_only=True)
    message: str = field(default="", kw_only=True)
    """The ``Message`` of the answer; empty for one that fits the code."""
    exception: str = field(default="", kw_only=True)
    """The ``Type`` of the exception of a refusal, such as the one that wants a second factor,
    ``Terrasoft.Authentication.TwoFactor.Exceptions.StartAuthFlowException``."""

    @property
    def lets_in(self) -> bool:
        """Whether the login ends in a session."""
        return self.code in {0, 2}


@define
class Session:
    """One login: its ticket, its token, and the cookies that the next answer has to set."""

    user: str
    ticket: str = field(repr=False)
    csrf: str = field(repr=False)
    touched: float
    session_id: str = field(default="", repr=False)
    """The value of BPMSESSIONID; empty until the first answer of the workspace."""
    ends: float | None = None
    """When it ends, in use or not; None for a session of cookies."""
    pending: list[str] = field(factory=list[str], repr=False)


def cookies_of(header: str) -> dict[str, str]:
    """Return the cookies of a Cookie header; quotes belong to the value, as for Creatio."""
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            found[name] = value
    return found


@define
class _Failures:
    """Logins of a user that failed one after the other, and since when there were too many."""

    count: int = 0
    locked_at: float | None = None


def _token(length: int) -> str:
    return "".join(secrets.choice(_TOKEN) for _ in range(length))


def _csrf() -> str:
    """A token with the signs that Creatio's tokens have, and careless cookie jars put in quotes."""
    return f"{_token(2)}/{_token(2)}.{_token(16)}"


@define
class Sessions:
    """The sessions of one site; they end after *timeout* seconds without a request."""

    users: Mapping[str, User]
    framework: bool
    directory: str
    """The virtual directory, as ``/studio``; empty at the root."""
    timeout: float
    clock: Callable[[], float]
    clients: Mapping[str, Client] = field(factory=dict[str, Client])
    attempts: int = 5
    """Wrong passwords after which a user is locked out; 0 for any number."""
    lockout: float = 900.0
    """Seconds for which that holds."""
    logins: int = 0
    tokens: int = 0
    _open: dict[str, Session] = field(factory=dict[str, Session])
    _failures: dict[str, _Failures] = field(factory=dict[str, _Failures])

    def login(self, body: bytes) -> Answer:
        """Answer a login. Refusals are a 200 with a ``Code``; a body that is no JSON is a 400."""
        try:
            given = as_object(orjson.loads(body))
        except ValueError:
            given = None
        if given is None:
            return service_error(400, "The body is no JSON object.", "System.Runtime.Serialization")
        name, password = given.get("UserName"), given.get("UserPassword")
        name = name if isinstance(name, str) else ""
        user = self.users.get(name)
        if self._is_locked(name):
            return _outcome(1, _LOCKED)
        if user is None or user.password != password:
            return _outcome(1, _LOCKED if self._fail(name) else _MESSAGES[1])
        message = user.message or _MESSAGES[user.code]
        if not user.lets_in:
            return _outcome(user.code, message, exception=user.exception)
        self._failures.pop(name, None)
        self.logins += 1
        redirect = f"{self.directory}/0/Shell" if self.framework else None
        answer = _outcome(user.code, message, redirect)
        cookies = [("Set-Cookie", cookie) for cookie in self._opened(name)]
        return Answer(200, (*answer.headers, *cookies), answer.body)

    def _is_locked(self, name: str) -> bool:
        failures = self._failures.get(name)
        if failures is None or failures.locked_at is None:
            return False
        if self.clock() - failures.locked_at < self.lockout:
            return True
        del self._failures[name]
        return False

    def _fail(self, name: str) -> bool:
        """Count a wrong password; return whether it was the last one that is allowed.

        Source: academy.creatio.com, the settings ``LoginAttemptCount`` and
        ``UserLockoutDuration``, whose recommended values are 5 and 15 minutes.
        """
        failures = self._failures.setdefault(name, _Failures())
        failures.count += 1
        if self.attempts and failures.count >= self.attempts:
            failures.locked_at = self.clock()
        return failures.locked_at is not None

    def grant(self, body: bytes) -> Answer:
        """Answer who asks for a token with the form *body*."""
        client = who_asks(self.clients, body)
        if isinstance(client, Answer):
            return client
        self.tokens += 1
        ticket = _BEARER + _token(64)
        now = self.clock()
        self._open[ticket] = Session(client.user, ticket, "", now, "-", ends=now + client.lasts)
        return granted(client, ticket.removeprefix(_BEARER))

    def _opened(self, name: str) -> list[str]:
        session = Session(name, _token(64), _csrf(), self.clock())
        self._open[session.ticket] = session
        own = f"path={self.directory or '/'}; HttpOnly"
        expires = format_datetime(datetime.now(UTC) + _REMEMBERED, usegmt=True)
        codes = "|".join(str(ord(sign)) for sign in name)
        remembered = f"UserName={codes}; expires={expires}; path=/; HttpOnly"
        cookies = [f".ASPXAUTH={session.ticket}; {own}"]
        if self.framework:
            cookies = [f"BPMLOADER={_token(24)}; {own}", *cookies, f"BPMSESSIONID=; {own}"]
        else:
            session.session_id = _token(24)
            cookies.append(f"BPMSESSIONID={session.session_id}; {own}")
            cookies.append(f"CsrfToken={_token(40)}; {own}")
        return [*cookies, f"BPMCSRF={session.csrf}; path=/", remembered]

    def find(self, cookies: Mapping[str, str], authorization: str = "") -> Session | None:
        """Return the session that a request belongs to, or None.

        One of cookies is alive for longer then; a token ends when it ends. With an
        *authorization* cookies do not count.
        """
        ticket = authorization or cookies.get(".ASPXAUTH", "").removeprefix(_BEARER)
        session = self._open.get(ticket)
        if session is None:
            return None
        now = self.clock()
        ends = session.touched + self.timeout if session.ends is None else session.ends
        if now > ends:
            del self._open[session.ticket]
            return None
        session.touched = now
        return session

    def workspace_cookies(self, session: Session) -> list[tuple[str, str]]:
        """Return the cookies that an answer of the workspace has to set for *session*.

        On .NET Framework the first one brings BPMSESSIONID. Source: seen in the code of a client.
        """
        if not session.session_id:
            session.session_id = _token(24)
            own = f"path={self.directory or '/'}; HttpOnly"
            session.pending.append(f"BPMSESSIONID={session.session_id}; {own}")
        cookies, session.pending = session.pending, []
        return [("Set-Cookie", cookie) for cookie in cookies]

    def end(self, session: Session) -> None:
        """Log out; a session that has ended already is no harm."""
        self._open.pop(session.ticket, None)

    def end_all(self) -> None:
        """End every session."""
        self._open.clear()

    def rotate_csrf(self) -> None:
        """Give every session another token; its next answer sets the cookie."""
        for session in self._open.values():
            if session.ends is None:
                session.csrf = _csrf()
                session.pending.append(f"BPMCSRF={session.csrf}; path=/")


def _outcome(
    code: int, message: str, redirect: str | None = None, *, exception: str = ""
) -> Answer:
    refused = code not in {0, 2}
    body = {
        "Code": code,
        "Message": message,
        "Exception": {
            "HelpLink": None,
            "InnerException": None,
            "Message": message,
            "StackTrace": None,
            "Type": exception or _TYPES[code],
        }
        if refused
        else None,
        "PasswordChangeUrl": "/Login/ChangePassword.aspx" if code == _EXPIRED else None,
        "RedirectUrl": redirect,
    }
    return Answer(200, (JSON,), orjson.dumps(body))
