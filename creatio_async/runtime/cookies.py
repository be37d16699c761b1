"""The cookies of a site, and what of them goes into each request."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiohttp
from aiohttp.typedefs import LooseCookies
from yarl import URL

__all__ = ["Jar", "Received"]

_REMEMBERED: Final = 1.0
"""Seconds; a cookie that ends by itself goes out for so long at most after its end."""

_NOWHERE: Final = URL()


class Jar(aiohttp.CookieJar):
    """A jar that suits Creatio, and remembers the header of a site until a cookie changes.

    The values of its cookies hold ``/`` and ``|``, which must not be quoted; and a site reached
    by an IP address would lose all of them in a jar that is not ``unsafe``.

    Cookies do not tell the ports of a host apart. Where `home` is set, they are told apart here:
    what another origin sets, such as an identity service, goes back there alone.
    """

    home: URL | None
    """An address of the site whose cookies these are; None takes those of all hosts together."""
    _below: str
    """The addresses to which `_header` goes begin with this."""
    _header: str
    _until: float
    """When it is to be looked at anew."""
    _values: dict[str, str]
    _values_until: float

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._forget()
        self.home = None
        self._elsewhere: dict[URL, Jar] = {}
        super().__init__(unsafe=True, quote_cookie=False)

    def update_cookies(self, cookies: LooseCookies, response_url: URL = _NOWHERE) -> None:
        """Take in what an answer sets."""
        if (other := self._other(response_url)) is not None:
            other.update_cookies(cookies, response_url)
            return
        self._forget()
        super().update_cookies(cookies, response_url)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Take in what an answer sets, as its headers have it."""
        if (other := self._other(response_url)) is not None:
            other.update_cookies_from_headers(headers, response_url)
            return
        self._forget()
        super().update_cookies_from_headers(headers, response_url)

    def clear(self, predicate: Any = None) -> None:
        """Drop the cookies for which *predicate* is true, or all."""
        self._forget()
        super().clear(predicate)

    def header(self, url: URL) -> str:
        """Return what ``Cookie`` holds in a request to *url*; empty where there are none."""
        if self._clock() < self._until and str(url).startswith(self._below):
            return self._header
        if (other := self._other(url)) is not None:
            return other.header(url)
        cookies = self.filter_cookies(url)
        pairs = [f"{name}={cookies[name].coded_value}" for name in sorted(cookies)]
        header = "; ".join(pairs)
        self._remember(url, header)
        return header

    def value(self, name: str) -> str | None:
        """Return the value of the cookie *name*, or None."""
        now = self._clock()
        if now >= self._values_until:
            values: dict[str, str] = {}
            for morsel in self:
                values.setdefault(morsel.key, morsel.value)
            self._values, self._values_until = values, now + _REMEMBERED
        return self._values.get(name)

    def _other(self, url: URL) -> "Jar | None":
        """Return the jar for the origin of *url*, where that is another one than ours."""
        if self.home is None or not url.host or _origin(url) == _origin(self.home):
            return None
        return self._elsewhere.setdefault(url.origin(), Jar(self._clock))

    def _remember(self, url: URL, header: str) -> None:
        """Keep *header* for addresses below the longest path of a cookie, if *url* is there.

        All cookies are sent to all of those then, but for what depends on scheme and host alone.
        """
        longest = max((morsel["path"] for morsel in self), key=len, default="/").rstrip("/")
        if all(f"{longest}/".startswith(f"{m['path'].rstrip('/')}/") for m in self):
            below = f"{url.scheme}://{url.raw_authority}{longest}/"
            if str(url).startswith(below):
                self._below, self._header = below, header
                self._until = self._clock() + _REMEMBERED

    def _forget(self) -> None:
        self._below, self._header, self._until = "", "", 0.0
        self._values = {}
        self._values_until = 0.0


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


class Received(aiohttp.DummyCookieJar):
    """Puts what answers set into *jar*, and gives nothing: the header goes out ready-made."""

    def __init__(self, jar: Jar) -> None:
        super().__init__()
        self._jar = jar

    def update_cookies(self, cookies: LooseCookies, response_url: URL = _NOWHERE) -> None:
        """Take in what an answer sets."""
        self._jar.update_cookies(cookies, response_url)

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Take in what an answer sets, as its headers have it."""
        self._jar.update_cookies_from_headers(headers, response_url)
