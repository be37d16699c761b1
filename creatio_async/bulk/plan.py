"""What a job has to be told: how its rows are prepared and run."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol

from creatio_async.bulk.entry import Entry, Later, Ran
from creatio_async.bulk.meter import Meter
from creatio_async.bulk.report import Outcome
from creatio_async.protocol.ids import MakeIds

__all__ = ["Before", "Plan", "Resolves"]

Before = Callable[[Sequence[Entry]], Awaitable[object]]
"""Called with rows before they are sent; what it raises keeps them from being sent."""


class Plan(Protocol):
    """What a job does with a chunk of rows."""

    meter: Meter
    """What it has sent so far."""
    kind: ClassVar[str]
    """What the job does to a row, in a word."""
    sifts: ClassVar[bool]
    """Rows are looked at before they are sent, and some of them then need not be."""
    make_ids: MakeIds
    """Makes the ids of rows that have none."""
    are_ids_made: bool
    """All rows that were prepared last have ids of `make_ids`."""

    window: ClassVar[int]
    """Rows that are looked at together; 0 where there is no gain in more than a batch."""

    @property
    def resolves(self) -> bool:
        """Rows have names in the place of ids."""
        ...

    async def resolve(self, entries: list[Entry]) -> None:
        """Put ids in the place of names; settle those of *entries* of which a name is none."""
        ...

    async def begin(self, first: int, rows: Sequence[Any]) -> None:
        """Do what has to be done before the first *rows* are prepared, if `sifts`."""
        ...

    def prepare(self, first: int, rows: Sequence[Any], ids: Sequence[str] = ()) -> list[Entry]:
        """Return an open entry for each of *rows*; the first of them is number *first*.

        *ids* are those that an earlier run gave them, if there was one.
        """
        ...

    def settle_alike(
        self, first: int, rows: Sequence[Any]
    ) -> tuple[Sequence[Outcome], list[Entry]] | None:
        """Return outcomes of *rows* of which nothing has to be sent, and entries for the others.

        None if they have to be prepared and looked at row by row.
        """
        ...

    async def run(
        self, entries: list[Entry], before: Before | None = None, *, is_checked: bool = False
    ) -> Ran:
        """Settle *entries*, but for those that are to be run again later.

        With *is_checked* what is sent of them is known to be clean.
        """
        ...

    async def sift(self, entries: list[Entry]) -> None:
        """Settle those of *entries* of which nothing has to be sent."""
        ...

    def rest(self) -> Sequence[Any]:
        """Return what follows from an input that ended well, as further rows to prepare."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return what tells this plan from others, of values that JSON has."""
        ...

    def content(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return what of *rows* tells them from others, of values that JSON has."""
        ...

    async def look_back(self, entries: list[Entry]) -> list[Entry]:
        """Settle those of *entries* that an earlier run has carried out; return the others."""
        ...

    def parted(self, entries: list[Entry], size: int) -> list[Later]:
        """Return *entries*, which an earlier run left open, as batches of *size* at most."""
        ...


class Resolves(Protocol):
    """Puts ids in the place of names."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are given by names."""
        ...

    def move(self, outcome: Outcome, body: dict[str, Any]) -> None:
        """Put the names into the columns that they are for, where they stand elsewhere."""
        ...

    async def resolve(self, entries: Iterable[Entry]) -> None:
        """Put ids into the bodies of *entries*; settle those of which a name is none."""
        ...

    def identity(self) -> list[list[Any]]:
        """Return what tells these lookups from others, of values that JSON has."""
        ...
