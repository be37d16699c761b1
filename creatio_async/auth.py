"""Who the client is, and how it is let in.

Whatever has a name and a `login` is an `Auth`: what is here uses nothing that is not public.
"""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol, runtime_checkable

from attrs import Attribute, field, frozen
from attrs.validators import and_, instance_of, min_len, optional

from creatio_async.messages import Request, Response
from creatio_async.protocol.oauth import identity_root, read_token, token_request
from creatio_async.protocol.session import login_request, read_login
from creatio_async.protocol.site import parse_site

__all__ = ["Auth", "ClientCredentials", "Door", "Grant", "Password", "Secret"]

Secret = str | Callable[[], str | Awaitable[str]]
"""A text; or what gives it, called for each login and not kept, for instance from a vault."""


class Door(Protocol):
    """A site as it is for someone who is still to be let in."""

    @property
    def root(self) -> str:
        """The address of the site, without a slash at the end and without ``/0``."""
        ...

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*, whatever its status; cookies that it sets are kept.

        Redirects are not followed, and nothing is sent twice.

        Raises:
            TransportError: No whole answer came.
        """
        ...


@frozen(kw_only=True)
class Grant:
    """What a login brings, besides the cookies that came with it."""

    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    """Sent with each request, such as ``Authorization``. Where there are any, the session is not
    one of cookies: no BPMCSRF token is sent, and nobody logs out."""
    lasts: float | None = None
    """Seconds until it ends: it is renewed before. None: it lasts until the site says otherwise."""
    redirect_url: str = ""
    """Where a browser would go next; ``/0/...`` tells that the site is on .NET Framework."""
    notice: str = ""
    """What the site has to say to the user, such as that the password ends soon."""


@runtime_checkable
class Auth(Protocol):
    """A way to be let in. One may serve several clients, and be asked any number of times."""

    @property
    def user(self) -> str:
        """Who it is, for messages and for sessions that are kept. It is no secret."""
        ...

    async def login(self, door: Door, /) -> Grant:
        """Log in at *door*. It is called once at a time for each session.

        Raises:
            AuthenticationError: It was refused; it is then not tried again by itself.
            ResponseError: The site failed.
            TransportError: No answer came.
        """
        ...


def _is_secret(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if not isinstance(value, str) and not callable(value):
        raise TypeError(f"{attribute.name} is a text, or a function that gives one")


async def _told(secret: Secret) -> str:
    if isinstance(secret, str):
        return secret
    given = secret()
    told = await given if isawaitable(given) else given
    if not isinstance(told, str):
        raise TypeError(f"the function for a secret gives a text, not {type(told).__name__}")
    return told


_NAME = and_(instance_of(str), min_len(1))


@frozen
class Password:
    """A user's name and password, for a login at ``AuthService.svc``. Never shown."""

    user: str = field(validator=_NAME)
    password: Secret = field(repr=False, validator=_is_secret)
    """A text, or a function without arguments that gives it, sync or async."""

    async def login(self, door: Door, /) -> Grant:
        """Log in; the session is one of cookies."""
        request = login_request(parse_site(door.root), self.user, await _told(self.password))
        welcome = read_login(request, await door.send(request))
        return Grant(redirect_url=welcome.redirect_url, notice=welcome.message)


@frozen
class ClientCredentials:
    """A client of the identity service, for OAuth 2.0 client credentials. Its secret never shows.

    Requests run as the technical user that the client is bound to.
    """

    client_id: str = field(validator=_NAME)
    client_secret: Secret = field(repr=False, validator=_is_secret)
    """A text, or a function without arguments that gives it, sync or async."""
    identity_url: str | None = field(default=None, validator=optional(_NAME))
    """Where the identity service is. None: of ``acme.creatio.com`` it is
    ``https://acme-is.creatio.com``; elsewhere it has to be said."""

    def __attrs_post_init__(self) -> None:
        if self.identity_url is not None:
            parse_site(self.identity_url)

    @property
    def user(self) -> str:
        """The id of the client."""
        return self.client_id

    async def login(self, door: Door, /) -> Grant:
        """Ask for a token.

        Raises:
            ValueError: The site is not in the cloud, and *identity_url* was not given.
        """
        identity = self.identity_url or identity_root(door.root)
        request = token_request(identity, self.client_id, await _told(self.client_secret))
        token = read_token(request, await door.send(request))
        return Grant(headers={"Authorization": f"Bearer {token.value}"}, lasts=token.lasts)
