"""Answers that are read as they come: by whom, and what is left of the answer itself."""

from collections.abc import Callable
from typing import Protocol

from attrs import field, frozen

from creatio_async.messages import Request, Response

__all__ = ["Take", "Taken", "Taker"]


class Taker(Protocol):
    """Makes something of a body while it comes. One that breaks off is let go, half read."""

    def take(self, chunk: bytes, /) -> None:
        """Take the next bytes. What is wrong with them is told at the end."""
        ...

    @property
    def size(self) -> int:
        """Bytes that were taken."""
        ...


Take = Callable[[Request, Response], Taker | None]
"""Says who takes the body of an answer, by its status and headers; None has it read whole."""


@frozen(kw_only=True)
class Taken(Response):
    """An answer whose body was taken as it came: `body` is the beginning, for those who report."""

    taker: Taker = field(repr=False, eq=False)

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return self.taker.size

    def plain(self) -> Response:
        """Return what is left of it, which can be pickled."""
        return Response(status=self.status, headers=self.headers, body=self.body)
