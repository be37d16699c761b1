"""Looks at a site: whether a session lives, and what the site runs on."""

from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from attrs import define, field

from creatio_async.errors import TransportError
from creatio_async.messages import Request, Response
from creatio_async.protocol.session import loss
from creatio_async.protocol.site import Runtime, Site
from creatio_async.runtime.channels import Channel

__all__ = ["Looks", "Pulse"]


class Pulse(Enum):
    """What a look at a session tells."""

    ALIVE = "a request succeeds"
    LOST = "a request is refused as one without a session"
    UNCLEAR = "neither"


@define(eq=False)
class Looks:
    """The looks of one session at its site."""

    channel: Channel
    request: Callable[[str], Request]
    """Makes the request for an address, signed."""
    begun: int = field(init=False, default=0)
    """How many times it was looked whether the session lives."""
    _told: int = field(init=False, default=0)
    _pulse: Pulse = field(init=False, default=Pulse.UNCLEAR)

    async def since(self, number: int, workspace: str) -> Pulse:
        """Look whether the session lives, unless a look after *number* has told.

        An unknown entity set gets a 401 on a living session, too.
        """
        if self._told <= number:
            self.begun += 1
            self._pulse, self._told = await self.feel(workspace), self.begun
        return self._pulse

    async def feel(self, workspace: str) -> Pulse:
        """Look whether the session lives."""
        request = self.request(f"{workspace}/odata/")
        response = await self._answer(request)
        if response is None:
            return Pulse.UNCLEAR
        if loss(request, response) is not None:
            return Pulse.LOST
        return Pulse.ALIVE if response.status == 200 else Pulse.UNCLEAR

    async def find_runtime(self, site: Site) -> Runtime:
        """Find out under which prefix the workspace answers."""
        runtimes: tuple[Runtime, Runtime] = ("framework", "net")
        for runtime in runtimes:
            response = await self._answer(self.request(f"{site.workspace(runtime)}/odata/"))
            if response is not None and response.status == 200 and _is_json(response):
                return runtime
        return site.pasted or "framework"

    async def _answer(self, request: Request) -> Response | None:
        with suppress(TransportError):
            return await self.channel.send(request)
        return None


def _is_json(response: Response) -> bool:
    return response.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
