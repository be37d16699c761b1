"""The seam to the network: all that the rest of the library knows of it."""

from typing import Protocol

from creatio_async.messages import Request, Response

__all__ = ["Transport"]


class Transport(Protocol):
    """Carries one request to a site and brings one answer back.

    A transport keeps no cookies and follows no redirects; any number of calls may be under way
    at once. `creatio_async.emulator.Emulator` is one, without a socket.
    """

    async def send(self, request: Request, /) -> Response:
        """Return the answer to *request*, whatever its status.

        Raises:
            TransportError: No whole answer came.
        """
        ...
