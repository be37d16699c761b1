"""Sessions: the login request and its answer, CSRF, and what a lost session looks like.

Source: academy.creatio.com, "AuthService.svc" and "Call a web service from Postman"; the shapes
of a lost session are those that Creatio's own command line tool looks for.
"""

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
from creatio_async.protocol.json import as_object
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

_LOGGED_IN = frozenset({0, 2})
"""``Code`` of a login that succeeded; 2 recommends to change the password."""

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
        answer: Any = response.json()
        code = int(answer["Code"])
    except (ValueError, TypeError, KeyError):
        detail = "no answer to a login; is this the address of a Creatio site?"
        raise UnexpectedResponseError(request, response, "", detail) from None
    message = str(answer.get("Message") or "")
    if code not in _LOGGED_IN:
        change = answer.get("PasswordChangeUrl")
        hint = f" (change the password at {change})" if change else ""
        detail = (message or "the login was refused") + hint
        raise AuthenticationError(request, response, str(code), detail)
    return Welcome(redirect_url=str(answer.get("RedirectUrl") or ""), message=message)


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
    location = response.headers.get("location", "")
    return 300 <= response.status < 400 and "/login/" in location.lower()


def _is_login_page(response: Response) -> bool:
    if response.status != 200 or not response.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
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
    return response.content_type == "text/html" and "json" in request.headers.get("accept", "")
