"""Sessions that outlive the process: one file for one session, for the eyes of one user only.

Nothing that is wrong with such a file is an error: it is as if there were none.
"""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.cookies import Morsel
from pathlib import Path
from typing import Any, Final, get_args
from uuid import uuid4

import aiohttp
import orjson
from attrs import field, frozen
from yarl import URL

from creatio_async.protocol.json import as_list, as_object, as_text
from creatio_async.protocol.site import Runtime

__all__ = ["Keeper", "Kept", "cookies_of"]

_FORMAT: Final = 1
_LARGEST: Final = 1 << 20
"""Bytes of a file that is looked at."""

_ATTRIBUTES: Final = ("path", "expires")
"""What of a cookie is kept, besides its value; its domain where that is not the site."""


@frozen(kw_only=True)
class Kept:
    """A session as it is kept."""

    runtime: Runtime | None
    headers: Mapping[str, str] = field(repr=False)
    """What its requests carry, such as a token; empty for a session of cookies."""
    ends: float | None
    """When it ends, in seconds since 1970; None where that is not known."""
    cookies: tuple[str, ...] = field(repr=False)
    """As ``Set-Cookie`` would have them."""

    def put_into(self, jar: aiohttp.CookieJar, url: URL) -> None:
        """Let *jar* have the cookies of this session, and no others."""
        jar.clear()
        jar.update_cookies_from_headers(list(self.cookies), url)


@frozen
class Keeper:
    """Keeps the session of one user of one site in a file."""

    path: Path
    site: str
    who: str
    """User and way to log in: what is kept for others is not taken."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970, in this process and in others."""

    async def load(self) -> Kept | None:
        """Return the session that is kept, or None.

        A file that others may read or that belongs to somebody else is not taken: they might have
        put it there.
        """
        return await asyncio.to_thread(self._load)

    async def save(self, kept: Kept) -> None:
        """Keep a session; whoever reads at the same time has the old file or the new one.

        Raises:
            OSError: The file cannot be written.
        """
        await asyncio.to_thread(self._save, kept)

    async def forget(self) -> None:
        """Remove the file, if there is one."""
        with suppress(OSError):
            await asyncio.to_thread(self.path.unlink)

    def _load(self) -> Kept | None:
        try:
            # Without O_NONBLOCK a pipe in its place would hold us up until somebody writes to it.
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(handle, "rb") as file:  # noqa: PTH123 - a handle
                if not _is_private(os.fstat(file.fileno())):
                    return None
                found = as_object(orjson.loads(file.read(_LARGEST)))
        except (OSError, ValueError):
            return None
        bound = (found.get("format"), found.get("site"), found.get("who"))
        return _read(found) if bound == (_FORMAT, self.site, self.who) else None

    def _save(self, kept: Kept) -> None:
        content = {
            "format": _FORMAT,
            "site": self.site,
            "who": self.who,
            "runtime": kept.runtime,
            "headers": dict(kept.headers),
            "ends": kept.ends,
            "cookies": kept.cookies,
        }
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.{uuid4().hex}.part")
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as file:  # noqa: PTH123 - a handle with a mode of its own
                file.write(orjson.dumps(content))
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)


def cookies_of(jar: aiohttp.CookieJar, host: str | None) -> tuple[str, ...]:
    """Return the cookies in *jar* as ``Set-Cookie`` of *host* would have them."""
    return tuple(_set_cookie(morsel, host) for morsel in jar)


def _set_cookie(morsel: Morsel[str], host: str | None) -> str:
    parts = [f"{morsel.key}={morsel.coded_value}"]
    parts += [f"{name}={morsel[name]}" for name in _ATTRIBUTES if morsel[name]]
    if morsel["domain"] and morsel["domain"] != host:
        parts.append(f"domain={morsel['domain']}")
    if morsel["secure"]:
        parts.append("secure")
    return "; ".join(parts)


def _is_private(found: os.stat_result) -> bool:
    if not stat.S_ISREG(found.st_mode):
        return False
    if os.name != "posix":  # pragma: no cover - there the mode says nothing
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _read(found: dict[str, Any]) -> Kept | None:
    headers, cookies = as_object(found.get("headers")), as_list(found.get("cookies"))
    runtime, ends = found.get("runtime"), found.get("ends")
    is_whole = (
        cookies is not None
        and runtime in (None, *get_args(Runtime))
        and (ends is None or isinstance(ends, int | float))
        and all(isinstance(each, str) for each in [*headers.values(), *cookies])
        and all(f"{name}{value}".isprintable() for name, value in headers.items())
        and (headers or cookies)
    )
    if cookies is None or not is_whole:
        return None
    kept = tuple(as_text(each) for each in cookies)
    return Kept(runtime=runtime, headers=headers, ends=ends, cookies=kept)
