"""Tokens by client credentials, as the identity service gives them.

Source: academy.creatio.com, "OAuth 2.0 authorization"; RFC 6749, sections 4.4 and 5.2. Here the
service is on the host of the site; in the cloud it has one of its own.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

import orjson
from attrs import field, frozen, validators

from creatio_async.emulator.refusals import JSON, Answer

__all__ = ["TOKEN_PATH", "Client", "granted", "who_asks"]

TOKEN_PATH: Final = "/connect/token"  # noqa: S105 - an address

_NO_STORE: Final = ("Cache-Control", "no-store, no-cache, max-age=0")


@frozen
class Client:
    """A client of the identity service, and whose rights it has."""

    secret: str = field(repr=False)
    user: str = field(default="Supervisor", kw_only=True)
    """The technical user that its requests run as."""
    lasts: float = field(default=3600.0, validator=validators.gt(0), kw_only=True)
    """Seconds until a token ends. Source: ``AccessTokenLifetime``, 3600 by default."""


def who_asks(clients: Mapping[str, Client], body: bytes) -> Client | Answer:
    """Return the client that asks for a token in the form *body*, or how it is refused."""
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type")
    client = clients.get(form.get("client_id", ""))
    if client is None or client.secret != form.get("client_secret"):
        return _refused("invalid_client")
    return client


def granted(client: Client, token: str) -> Answer:
    """Return the answer that brings *token*."""
    body = {
        "access_token": token,
        "expires_in": int(client.lasts) or client.lasts,
        "token_type": "Bearer",
        "scope": "ApplicationAccess_0123456789abcdef0123456789abcdef",
    }
    return Answer(200, (JSON, _NO_STORE), orjson.dumps(body))


def _refused(error: str) -> Answer:
    return Answer(400, (JSON, _NO_STORE), orjson.dumps({"error": error}))
