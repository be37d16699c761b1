"""The options that say who logs in, shared by every command that talks to a site."""

from typing import Annotated, Literal

from attrs import field, frozen
from cyclopts import Group, Parameter

from creatio_async import Creatio, Password

__all__ = ["Login"]


@Parameter(name="*", group=Group("Login"))
@frozen(kw_only=True)
class Login:
    """Who logs in to a site, and what the site runs on."""

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
    runtime: Annotated[
        Literal["framework", "net"] | None,
        Parameter(help="What the site runs on; found out where it is not said."),
    ] = None

    def opened(self, url: str) -> Creatio:
        """Return a client of the site at *url*, still to be entered.

        Raises:
            ValueError: The user or the password is missing, or *url* is no address of a site.
        """
        if not self.user or not self.password:
            raise ValueError(
                "No credentials. Set CREATIO_USER and CREATIO_PASSWORD, or give --user and "
                "--password."
            )
        return Creatio(url, Password(self.user, self.password), runtime=self.runtime)
