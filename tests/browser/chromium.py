"""A headless Chromium, driven through the DevTools protocol."""

import asyncio
import json
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
from attrs import define, field

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_DEADLINE: Final = 60.0
"""Seconds for a start, and for what a page is waited for: a machine may be slow."""
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # it has none for root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
_POLL: Final = """new Promise((resolve) => {
  const look = () => { const found = %s; found ? resolve(found) : setTimeout(look, 20); };
  look();
})"""


@define
class Page:
    """The one page of a browser."""

    _socket: aiohttp.ClientWebSocketResponse
    _session: str = ""
    _numbers: Iterator[int] = field(factory=count)

    async def open(self, url: str) -> None:
        """Go to *url*, and wait until the server answers."""
        await self._call("Page.navigate", url=url)

    async def wait_for(self, expression: str) -> Any:
        """Return the value of *expression* in the page as soon as it is true of anything.

        A page that is left meanwhile takes the question with it; it is asked again of the next.
        """
        async with asyncio.timeout(_DEADLINE):
            while True:
                with suppress(_LeftError):
                    return await self._evaluate(_POLL % expression)

    async def act(self, script: str) -> None:
        """Run *script* in the page."""
        await self._evaluate(f"{{ {script}; undefined }}")

    async def cookies(self, url: str) -> dict[str, str]:
        """Return the cookies that would be sent to *url*."""
        found = await self._call("Network.getCookies", urls=[url])
        return {cookie["name"]: cookie["value"] for cookie in found["cookies"]}

    async def _evaluate(self, expression: str) -> Any:
        answer = await self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def attach(self) -> None:
        """Open the page."""
        target = await self._call("Target.createTarget", url="about:blank")
        attached = await self._call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]

    async def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        asked: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        await self._socket.send_json(asked)
        async with asyncio.timeout(_DEADLINE):
            while True:
                message = json.loads(await self._socket.receive_str())
                if message.get("id") != number:
                    continue
                if "error" in message:
                    raise _LeftError(message["error"]["message"])
                return message["result"]


class _LeftError(Exception):
    """The page is no more the one that was asked."""


@asynccontextmanager
async def chromium(profile: Path) -> AsyncGenerator[Page]:
    """Give a page of a browser whose *profile* is an empty folder; all of it is ended after."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        f"--user-data-dir={profile}",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        async with (
            asyncio.timeout(_DEADLINE),
            aiohttp.ClientSession() as session,
        ):
            address = await _address(process)
            socket = await session.ws_connect(address, max_msg_size=0)
            page = Page(socket)
            await page.attach()
            yield page
            await socket.close()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def _address(process: Process) -> str:
    assert process.stderr is not None
    told: list[str] = []
    while line := (await process.stderr.readline()).decode(errors="replace"):
        told.append(line)
        if line.startswith("DevTools listening on "):
            return line.removeprefix("DevTools listening on ").strip()
    raise AssertionError(f"the browser ended: {''.join(told)}")
