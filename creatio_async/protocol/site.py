"""The address of a site: from what a person pastes to the URLs that are sent."""

import re
from typing import Literal

from attrs import frozen
from yarl import URL

__all__ = ["Runtime", "Site", "parse_site"]

Runtime = Literal["framework", "net"]
"""What the site runs on: .NET Framework serves its workspace under ``/0``, .NET at the root."""

_OF_THE_SITE = frozenset(
    {"api", "clientapp", "connect", "dataservice", "login", "navigation", "nui", "odata", "rest"}
    | {"servicemodel", "shell"}
)
"""First path segments (in lower case) that belong to Creatio and not to a virtual directory."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_NO_HOST = re.compile(r"[\s/\\@?#<>]")


@frozen
class Site:
    """Where a Creatio is: everything before its first own path segment."""

    root: str
    """Scheme, host, port and virtual directory, without a slash at the end, percent-encoded."""
    pasted: Runtime | None = None
    """What the pasted address says about the runtime; None where it says nothing."""

    def workspace(self, runtime: Runtime) -> str:
        """Return the address under which OData and the services of the workspace are."""
        return f"{self.root}/0" if runtime == "framework" else self.root

    @property
    def url(self) -> URL:
        """The root as a URL."""
        return URL(f"{self.root}/", encoded=True)

    def owns(self, url: URL) -> bool:
        """Say whether *url* is of the same origin: only there may cookies and tokens go."""
        own = self.url  # an origin's own `==` tells :443 from no port at all
        return (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)


def parse_site(text: str | URL) -> Site:
    """Return the site that *text* is an address in.

    A slash at the end, ``/0``, ``/0/odata``, the address of a page or service, a virtual
    directory, a port, an IP address: all are taken. Without a scheme it is https.

    Raises:
        ValueError: It is no http or https address, or it holds a user name or password.
        TypeError: It is no text.
    """
    if not isinstance(text, str | URL):
        raise TypeError(f"the address of a site is a text, not {type(text).__name__}")
    pasted = str(text).strip()
    try:
        url = URL(pasted if _SCHEME.match(pasted) else f"https://{pasted}")
    except ValueError:
        url = URL()
    if "@" in (pasted if not url.host else f"{url.raw_authority}{url.raw_path}"):
        # The text is not quoted: it holds a credential, perhaps one that broke the address.
        raise ValueError("a site's address must not hold a user name or password; pass Password()")
    if url.scheme not in {"http", "https"} or not url.host or _NO_HOST.search(url.host):
        raise ValueError(
            f"{pasted!r} is not the address of a site, such as https://acme.creatio.com"
        )
    own, pasted_runtime = _directory(url)
    return Site(root="/".join([str(url.origin()), *own]), pasted=pasted_runtime)


def _directory(url: URL) -> tuple[list[str], Runtime | None]:
    """Return the segments of the virtual directory, and what comes after them tells."""
    own: list[str] = []
    for segment in url.raw_path.split("/"):
        if segment == "0":
            return own, "framework"
        if segment.lower() in _OF_THE_SITE:
            return own, "net" if segment.lower() in {"odata", "shell"} else None
        if segment:
            own.append(segment)
    return own, None
