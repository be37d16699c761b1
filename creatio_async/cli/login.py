"""The options that say who logs in, shared by every command that talks to a site."""

from typing import Annotated, Literal

from attrs import field, frozen
from cyclopts import Group, Parameter

from creatio_async import ClientCredentials, Creatio, Password

__all__ = ["Login"]


@Parameter(name="*", group=Group("Login"))
@frozen(kw_only=True)
class Login:
    """Who logs in to a site: a user with a password, or a client with a secret."""

    user: Annotated[
        str | None,
        Parameter(env_var="CREATIO_USER", help="Name of the user, as at the login page."),
    ] = None
    password: Annotated[
        str | None,
        Parameter(
            env_var="CREATIO_PASSWORD",
            help="Better given in the environment: options can be seen in the list of processes.",
        ),
    ] = field(default=None, repr=False)
    client_id: Annotated[
        str | None,
        Parameter(env_var="CREATIO_CLIENT_ID", help="OAuth 2.0 client, instead of a user."),
    ] = None
    client_secret: Annotated[
        str | None, Parameter(env_var="CREATIO_CLIENT_SECRET", help="Its secret.")
    ] = field(default=None, repr=False)
    identity_url: Annotated[
        str | None, Parameter(help="Identity service; found from the address where none is given.")
    ] = None
    runtime: Annotated[
        Literal["framework", "net"] | None,
        Parameter(help="What the site runs on; found out where it is not said."),
    ] = None

    def opened(self, url: str) -> Creatio:
        """Return a client of the site at *url*, still to be entered.

        Raises:
            ValueError: No whole pair of credentials is given, or *url* is no address of a site.
        """
        return Creatio(url, self._credentials(), runtime=self.runtime)

    def _credentials(self) -> Password | ClientCredentials:
        if self.client_id and self.client_secret:
            return ClientCredentials(
                self.client_id, self.client_secret, identity_url=self.identity_url
            )
        if self.user and self.password:
            return Password(self.user, self.password)
        raise ValueError(
            "No credentials. Set CREATIO_USER and CREATIO_PASSWORD, or CREATIO_CLIENT_ID and "
            "CREATIO_CLIENT_SECRET, or give the options of the same names."
        )
