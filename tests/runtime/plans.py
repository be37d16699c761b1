"""A plan for jobs that touches no network."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from attrs import define, field

from creatio_async import Job, Outcome, State
from creatio_async.bulk.entry import Entry, Later, Ran
from creatio_async.bulk.meter import Meter
from creatio_async.bulk.plan import Before
from creatio_async.bulk.verbs import Verb
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.dialect4 import Dialect4
from creatio_async.protocol.ids import MakeIds, random_ids

__all__ = ["Fake", "job"]

_VERB = Verb(Dialect4(), "City")


async def done(outcomes: list[Outcome]) -> None:
    """Let each row be written."""
    await asyncio.sleep(0)
    for each in outcomes:
        each.state = State.DONE


@define(eq=False)
class Fake:
    """Settles chunks as *settle* has it."""

    settle: Callable[[list[Outcome]], Awaitable[None]] = done
    meter: Meter = field(factory=Meter)
    under_way: int = 0
    most_at_once: int = 0
    chunks: list[list[int]] = field(factory=list[list[int]])

    later: Callable[[list[Entry]], list[Later]] = lambda _: []
    """Says which rows of a chunk are to be run again."""
    kind: ClassVar[str] = "write"
    sifts: ClassVar[bool] = False
    window: ClassVar[int] = 0
    make_ids: MakeIds = random_ids
    are_ids_made: bool = False

    def identity(self) -> dict[str, Any]:
        """Say that it is a plan that touches no network."""
        return {"operation": self.kind}

    def content(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return the rows: they are numbers."""
        return rows

    def parted(self, entries: list[Entry], size: int) -> list[Later]:
        """Return all in one batch."""
        return [Later(0.0, entries[:size], alone=False)] if entries else []

    async def look_back(self, entries: list[Entry]) -> list[Entry]:
        """Send everything."""
        return entries

    def prepare(self, first: int, rows: Sequence[Any], ids: Sequence[str] = ()) -> list[Entry]:  # noqa: ARG002
        """Refuse rows that are no numbers."""
        for at, row in enumerate(rows):
            if not isinstance(row, int):
                raise TypeError(f"row {first + at}: no number")
        return [
            Entry(Outcome(first + at, "create", row, str(row)), Operation("POST", ""), _VERB)
            for at, row in enumerate(rows)
        ]

    async def begin(self, first: int, rows: Sequence[Any]) -> None:
        """Nothing comes before the first rows."""

    def settle_alike(self, first: int, rows: Sequence[Any]) -> None:
        """Everything has to be prepared."""

    async def sift(self, entries: list[Entry]) -> None:
        """Send everything."""

    resolves: ClassVar[bool] = False

    async def resolve(self, entries: list[Entry]) -> None:
        """There are no names."""

    def rest(self) -> Sequence[Any]:
        """Nothing follows."""
        return ()

    async def run(
        self,
        entries: list[Entry],
        before: Before | None = None,
        *,
        is_checked: bool = False,  # noqa: ARG002 - nothing is sent
    ) -> Ran:
        """Settle *entries*."""
        if before is not None:
            await before(entries)
        outcomes = [each.outcome for each in entries]
        self.meter.requests += 1
        self.chunks.append([each.index for each in outcomes])
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.settle(outcomes)
        finally:
            self.under_way -= 1
        return Ran(self.later(entries))


def job(rows: Any, plan: Fake | None = None, **options: Any) -> Job:
    """Return a job of two batches of ten at once."""
    given: dict[str, Any] = {"at_once": 2, "batch_size": 10, "progress": None, **options}
    return Job(plan or Fake(), rows, **given)
