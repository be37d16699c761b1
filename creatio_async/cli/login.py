"""The options that say who logs in, shared by every command that talks to a site."""

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated, Literal

from attrs import field, frozen
from cyclopts import Group, Parameter

from creatio_async import Auth, ClientCredentials, Creatio, Password

__all__ = ["Login"]

_LARGEST = 1 << 16
"""Bytes of a file that may be a secret."""


@Parameter(name="*", group=Group("Login"))
@frozen(kw_only=True)
class Login:
    """Who logs in to a site, and what the site runs on."""

    user: Annotated[
        str | None,
        Parameter(help="Name of the user, as at the login page; CREATIO_USER where not given."),
    ] = None
    password: Annotated[
        str | None,
        Parameter(
            help="CREATIO_PASSWORD where not given, and better given there or with --secret-file: "
            "options can be seen in the list of processes.",
        ),
    ] = field(default=None, repr=False)
    client_id: Annotated[
        str | None,
        Parameter(
            help="Id of a client of OAuth 2.0, instead of a user; CREATIO_CLIENT_ID where not "
            "given. Its secret comes from CREATIO_CLIENT_SECRET, or from --secret-file."
        ),
    ] = None
    identity_url: Annotated[
        str | None,
        Parameter(
            help="Where its identity service is; CREATIO_IDENTITY_URL where not given. Not needed "
            "for a site in the cloud."
        ),
    ] = None
    secret_file: Annotated[
        Path | None,
        Parameter(help='File with the password or the client\'s secret; "-" is standard input.'),
    ] = None
    runtime: Annotated[
        Literal["framework", "net"] | None,
        Parameter(help="What the site runs on; found out where it is not said."),
    ] = None

    def opened(self, url: str) -> Creatio:
        """Return a client of the site at *url*, still to be entered.

        Where there is a terminal, a secret that was given nowhere is asked for.

        Raises:
            ValueError: Nobody, or more than one, was said to log in; there is no secret; or *url*
                is no address of a site.
            OSError: The file with the secret cannot be read.
        """
        return Creatio(url, self._auth(), runtime=self.runtime)

    def _auth(self) -> Auth:
        user, client = self.user, self.client_id
        if not user and not client:  # what is said here goes before what the environment says
            user, client = os.environ.get("CREATIO_USER"), os.environ.get("CREATIO_CLIENT_ID")
        if user and client:
            raise ValueError("Both a user and a client are to log in. Name one of them.")
        if client:
            if self.password:
                raise ValueError("--password is that of a user; a client has --secret-file.")
            identity = self.identity_url or os.environ.get("CREATIO_IDENTITY_URL") or None
            secret = self._secret("", "CREATIO_CLIENT_SECRET", f"Secret of {client}: ")
            return ClientCredentials(client, secret, identity)
        if user:
            secret = self._secret(self.password, "CREATIO_PASSWORD", f"Password of {user}: ")
            return Password(user, secret)
        raise ValueError(
            "No credentials. Set CREATIO_USER and CREATIO_PASSWORD, or CREATIO_CLIENT_ID and "
            "CREATIO_CLIENT_SECRET, or give --user or --client-id."
        )

    def _secret(self, given: str | None, variable: str, question: str) -> str:
        if self.secret_file is not None:
            if given:
                raise ValueError("Both --password and --secret-file were given.")
            return _read(self.secret_file)
        secret = given or os.environ.get(variable)
        if not secret and sys.stdin.isatty():
            secret = getpass(question)
        if not secret:
            raise ValueError(f"No secret. Set {variable}, or give --secret-file.")
        return secret


def _read(path: Path) -> str:
    """Return the text of a file without the line end after it, which editors put there."""
    if str(path) == "-":
        text = sys.stdin.read(_LARGEST)
    else:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LARGEST)
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret or "\n" in secret:
        raise ValueError(f"{path} holds no secret: it is empty, or has several lines.")
    return secret
