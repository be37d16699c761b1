"""Sessions: the login request and its answer, CSRF, and what a lost session looks like.

Source: academy.creatio.com, "AuthService.svc" and "Call a web service from Postman"; the shapes
of a lost session are those that Creatio's own command line tool looks for.
"""

import re
from collections.abc import Collection
from enum import Enum
from typing import Any

from attrs import frozen
from yarl import URL

from creatio_async.errors import (
    AuthenticationError,
    ResponseError,
    SessionExpiredError,
    UnexpectedResponseError,
)
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.site import Runtime, Site
from creatio_async.protocol.values import dumps

__all__ = [
    "CSRF_COOKIE",
    "SAFE_METHODS",
    "Loss",
    "Welcome",
    "disguised",
    "guess_runtime",
    "login_request",
    "logout_request",
    "loss",
    "read_login",
]

CSRF_COOKIE = "BPMCSRF"
"""The cookie whose value every modifying request must echo in the header of the same name."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_AUTH_SERVICE = "ServiceModel/AuthService.svc"

_ERROR = 1
_SUCCESSES = {0: "", 2: "the password ends soon; it is recommended to change it"}
_LOGGED_IN = frozenset(_SUCCESSES)
"""``Code`` of a login that succeeded; 2 recommends to change the password."""

_REFUSALS = {
    _ERROR: "user name or password is wrong, or the user may not log in from here",
    3: "no licence is granted to the user",
    4: "there is no licence for the user",
    5: "the password has expired",
}
"""What the other codes mean. Source: the platform's own login page."""

_SECOND_FACTOR = {
    "StartAuthFlowException": "a second factor is wanted, which a program does not have: take "
    "ClientCredentials, or a user without one",
    "TotpIsNotEnabledException": "a second factor has to be set up for the user first: take "
    "ClientCredentials, or a user without one",
}
"""Types of the exception that the platform's own login page tells apart."""

_LOCKED = re.compile(r"\block", re.IGNORECASE)

_XML = frozenset({
    "application/xml",
    "text/xml",
    "application/atom+xml",
    "application/atomsvc+xml",
})

_LOGIN_PAGE_HEAD = 4096
"""Bytes of a page in which the marks of the login page are looked for."""


@frozen
class Welcome:
    """What the answer to a login tells besides the success."""

    redirect_url: str = ""
    message: str = ""


class Loss(Enum):
    """How a refusal looks like the loss of a session."""

    CERTAIN = "the login page, or the words of a lost session"
    LIKELY = "401, which an unknown entity set gets too, or a page where data was due"
    TOKEN = "403 on a modifying call: the CSRF token may have changed"  # noqa: S105


def login_request(site: Site, user: str, password: str) -> Request:
    """Return the request that logs in. It goes to the root of the site, never under ``/0``.

    ``TimeZoneOffset`` 0 keeps a user without a time zone of his own at UTC.
    """
    login = {"UserName": user, "UserPassword": password, "TimeZoneOffset": 0}
    return _service_request(site, "Login", dumps(login))


def logout_request(site: Site) -> Request:
    """Return the request that ends the session."""
    return _service_request(site, "Logout", b"{}")


def _service_request(site: Site, method: str, body: bytes) -> Request:
    return Request(
        method="POST",
        url=URL(f"{site.root}/{_AUTH_SERVICE}/{method}", encoded=True),
        headers=Headers({
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
            "ForceUseSession": "true",
        }),
        body=body,
    )


def read_login(request: Request, response: Response) -> Welcome:
    """Return what a login that succeeded tells.

    Creatio refuses with a 200 and a ``Code`` other than 0 and 2 in the body.

    Raises:
        AuthenticationError: The login was refused; the server's message is in it.
        UnexpectedResponseError: The answer is no answer to a login.
        ResponseError: The server refused the request itself.
    """
    if response.status in {401, 403}:
        detail = "the login was refused; is this the address of a Creatio site?"
        raise AuthenticationError(request, response, str(response.status), detail)
    if (error := refusal(request, response)) is not None:
        raise error
    try:
        answer = as_object(response.json())
        code = int(answer["Code"])
    except (ValueError, TypeError, KeyError):
        detail = "no answer to a login; is this the address of a Creatio site?"
        raise UnexpectedResponseError(request, response, "", detail) from None
    message = as_text(answer.get("Message"))
    if code not in _LOGGED_IN:
        raise AuthenticationError(request, response, str(code), _reason(request, code, answer))
    redirect_url = as_text(answer.get("RedirectUrl"))
    return Welcome(redirect_url=redirect_url, message=message or _SUCCESSES[code])


def _reason(request: Request, code: int, answer: dict[str, Any]) -> str:
    """Return the words of the server, and what is to be done about them."""
    said = as_text(answer.get("Message"))
    kind = as_text(as_object(answer.get("Exception")).get("Type")).rpartition(".")[2]
    if kind in _SECOND_FACTOR:
        meaning = _SECOND_FACTOR[kind]
    elif code == _ERROR and _LOCKED.search(said):
        meaning = "the account is locked; mostly it opens again by itself after 15 minutes"
    else:
        meaning = _REFUSALS.get(code, f"the login was refused with the code {code}")
    if change := as_text(answer.get("PasswordChangeUrl")):
        there = f"{request.url.origin()}{change}" if change.startswith("/") else change
        meaning += f": change it at {there}"
    return f"{said} ({meaning})" if said else meaning


def guess_runtime(site: Site, welcome: Welcome, cookies: Collection[str]) -> Runtime | None:
    """Return what the answer to the login says about the runtime, or None."""
    directory = site.url.raw_path.rstrip("/")
    if welcome.redirect_url.startswith((f"{directory}/0/", "/0/")) or "BPMLOADER" in cookies:
        return "framework"
    return "net" if "CsrfToken" in cookies else None


def loss(request: Request, response: Response) -> Loss | None:
    """Return how *response* looks like the loss of the session, or None where it does not."""
    if _is_login_redirect(response) or _is_login_page(response) or _says_so(response):
        return Loss.CERTAIN
    if response.status == 401 or (response.status == 200 and _is_page(request, response)):
        return Loss.LIKELY
    if response.status == 403 and request.method not in SAFE_METHODS:
        return Loss.TOKEN
    return None


def disguised(request: Request, response: Response) -> ResponseError | None:
    """Return the error that a loss is whose status does not tell: a redirect, or a 200."""
    how = loss(request, response)
    if how is Loss.CERTAIN and response.status != 401:
        detail = "the session is lost: the login page came, or the words for it"
        return SessionExpiredError(request, response, "", detail)
    if how is Loss.LIKELY and response.status == 200:
        detail = "a page came where data was due; is this the address of a Creatio site?"
        return UnexpectedResponseError(request, response, "", detail)
    return None


def _is_login_redirect(response: Response) -> bool:
    if not 300 <= response.status < 400:
        return False
    return "/login/" in response.headers.get("location", "").lower()


def _is_login_page(response: Response) -> bool:
    if response.status != 200 or not response.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return False
    if response.content_type in _XML:  # data, which may hold such an address
        return False
    head = response.body[:_LOGIN_PAGE_HEAD]
    return b"/Login/" in head or b'"bootstrap.login"' in head


def _says_so(response: Response) -> bool:
    if b"Authentication failed." not in response.body[:_LOGIN_PAGE_HEAD]:
        return False
    try:
        answer = response.json()
    except ValueError:
        return False
    return as_object(answer).get("Message") == "Authentication failed."


def _is_page(request: Request, response: Response) -> bool:
    """Say whether a page came where data was asked for."""
    if response.content_type != "text/html":
        return False
    accept = request.headers.get("accept", "")
    return "json" in accept or "xml" in accept
