"""A site that is a function, for tests that decide over every answer and when it comes."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable

from attrs import define, field

from creatio_async.messages import Request, Response
from tests.api.canned import COOKIES, WELCOME, answer

__all__ = ["Scripted", "eventually", "open_sockets"]


async def eventually(condition: Callable[[], bool]) -> None:
    """Let other tasks go on until *condition* holds; fail if it does not."""
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0)


def open_sockets() -> int:
    """Return how many sockets this process holds open."""
    held = (each for each in gc.get_objects() if isinstance(each, socket.socket))
    return sum(each.fileno() != -1 for each in held)


@define(eq=False)
class Scripted:
    """Answers each request with what *reply* returns or awaits; keeps and counts them.

    Logins are let in unless *login* says otherwise; logouts are always answered.
    """

    reply: Callable[[Request], Response | Awaitable[Response]] = lambda _: answer({"value": []})
    login: Callable[[Request], Response | Awaitable[Response]] = lambda _: answer(
        WELCOME, headers=COOKIES
    )
    requests: list[Request] = field(factory=list[Request])
    logins: list[Request] = field(factory=list[Request])
    logouts: list[Request] = field(factory=list[Request])
    under_way: int = 0
    most_at_once: int = 0

    async def send(self, request: Request, /) -> Response:
        """Answer *request*."""
        path = request.url.raw_path
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            if path.endswith("/Logout"):
                self.logouts.append(request)
                return answer()
            is_login = path.endswith("/Login")
            (self.logins if is_login else self.requests).append(request)
            given = self.login(request) if is_login else self.reply(request)
            await asyncio.sleep(0)
            return given if isinstance(given, Response) else await given
        finally:
            self.under_way -= 1
