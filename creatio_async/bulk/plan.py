"""What a job has to be told: how its rows are prepared and run."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from creatio_async.bulk.entry import Entry, Later

__all__ = ["Plan"]


class Plan(Protocol):
    """What a job does with a chunk of rows."""

    requests: int
    kind: ClassVar[str]
    """What the job does to a row, in a word."""
    sifts: ClassVar[bool]
    """Rows are looked at before they are sent, and some of them then need not be."""

    def prepare(self, first: int, rows: Sequence[Any]) -> list[Entry]:
        """Return an open entry for each of *rows*; the first of them is number *first*."""
        ...

    async def run(self, entries: list[Entry]) -> list[Later]:
        """Settle *entries*; return those of them that are to be run again later."""
        ...

    async def sift(self, entries: list[Entry]) -> None:
        """Settle those of *entries* of which nothing has to be sent."""
        ...

    def rest(self) -> Sequence[Any]:
        """Return what follows from an input that ended well, as further rows to prepare."""
        ...
