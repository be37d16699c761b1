"""OAuth 2.0: where tokens are, how one is asked for, and what comes of it.

Source: academy.creatio.com, "OAuth 2.0 authorization", client credentials. No scope is sent: it
comes of the client. Where the identity service of a site in the cloud is was seen in the code of
clients.
"""

from typing import Any, Final
from urllib.parse import urlencode

from attrs import evolve, field, frozen
from yarl import URL

from creatio_async.errors import AuthenticationError, UnexpectedResponseError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.site import parse_site

__all__ = ["Token", "identity_root", "read_token", "token_request"]

_CLOUD: Final = ".creatio.com"

_MEANINGS: Final = {
    "invalid_client": "the identity service does not know this client id, or its secret is another",
    "unauthorized_client": "this client may not log in by client credentials",
    "invalid_grant": "the grant was refused",
    "invalid_scope": "the client has no scope: bind it to a technical user",
}
"""What the codes of RFC 6749 mean here."""


@frozen
class Token:
    """An access token."""

    value: str = field(repr=False)
    lasts: float | None
    """Seconds until it ends; None where the server does not say."""


def identity_root(root: str) -> str:
    """Return the address of the identity service that belongs to the site at *root*.

    Raises:
        ValueError: It is no site in the cloud: the address cannot be known.
    """
    url = URL(root, encoded=True)
    host = url.host or ""
    if not host.endswith(_CLOUD) or host.removesuffix(_CLOUD).endswith("-is"):
        raise ValueError(
            f"where the identity service of {host} is cannot be known: pass identity_url=, which "
            "is the system setting OAuth20IdentityServerUrl of the site"
        )
    return f"{url.scheme}://{host.removesuffix(_CLOUD)}-is{_CLOUD}"


def token_request(identity_url: str, client_id: str, client_secret: str) -> Request:
    """Return the request for a token at the identity service.

    Raises:
        ValueError: *identity_url* is no address.
    """
    form = {
        "client_id": client_id,
        "client_secret": client_secret,
        "grant_type": "client_credentials",
    }
    return Request(
        method="POST",
        url=URL(f"{parse_site(identity_url).root}/connect/token", encoded=True),
        headers=Headers({
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }),
        body=urlencode(form).encode(),
    )


def read_token(request: Request, response: Response) -> Token:
    """Return the token that *response* brings.

    Raises:
        AuthenticationError: The client was refused.
        UnexpectedResponseError: The answer is a page, or holds no token.
        ResponseError: The server refused the request itself.
    """
    if _is_page(response) or (response.status == 404 and not response.body):
        detail = (
            f"no token, but a page: {request.url.host} is hardly the identity service. It is not "
            "the site itself: in the cloud acme.creatio.com has acme-is.creatio.com; elsewhere "
            "identity_url= is what the system setting OAuth20IdentityServerUrl says"
        )
        raise UnexpectedResponseError(request, response, "", detail)
    answer = _answer(response)
    code = as_text(answer.get("error"))
    if response.status in {400, 401, 403} and (code or response.status != 400):
        said = as_text(answer.get("error_description"))
        meaning = _MEANINGS.get(code, "the identity service refused the client")
        detail = f"{meaning} ({said})" if said else meaning
        raise AuthenticationError(request, response, code or str(response.status), detail)
    if (error := refusal(request, response)) is not None:
        raise error
    # What came may hold a token in a form of its own: no error may keep it.
    hidden = evolve(response, body=b"")
    value, kind = as_text(answer.get("access_token")), as_text(answer.get("token_type"))
    if not value.isascii() or not value.isprintable() or not value:
        raise UnexpectedResponseError(request, hidden, "", "no access_token in the answer")
    if kind.lower() not in {"", "bearer"}:
        raise UnexpectedResponseError(request, hidden, "", f"a token of the kind {kind!r}")
    return Token(value, _seconds(answer.get("expires_in")))


def _is_page(response: Response) -> bool:
    start = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    return response.content_type == "text/html" or start.startswith(b"<")


def _answer(response: Response) -> dict[str, Any]:
    try:
        return as_object(response.json())
    except ValueError:
        return {}


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None
