"""A plan for jobs that touches no network."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from attrs import define, field

from creatio_async import Job, Outcome, State

__all__ = ["Fake", "job"]


async def done(outcomes: list[Outcome]) -> None:
    """Let each row be written."""
    await asyncio.sleep(0)
    for each in outcomes:
        each.state = State.DONE


@define(eq=False)
class Fake:
    """Settles chunks as *settle* has it."""

    settle: Callable[[list[Outcome]], Awaitable[None]] = done
    requests: int = 0
    under_way: int = 0
    most_at_once: int = 0
    chunks: list[list[int]] = field(factory=list[list[int]])

    def prepare(self, first: int, rows: Sequence[Any]) -> list[Outcome]:
        """Refuse rows that are no numbers."""
        for at, row in enumerate(rows):
            if not isinstance(row, int):
                raise TypeError(f"row {first + at}: no number")
        return [Outcome(first + at, "create", row, str(row)) for at, row in enumerate(rows)]

    async def run(self, outcomes: list[Outcome]) -> None:
        """Settle *outcomes*."""
        self.requests += 1
        self.chunks.append([each.index for each in outcomes])
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.settle(outcomes)
        finally:
            self.under_way -= 1


def job(rows: Any, plan: Fake | None = None, **options: Any) -> Job:
    """Return a job of two batches of ten at once."""
    given: dict[str, Any] = {"at_once": 2, "batch_size": 10, "progress": None, **options}
    return Job(plan or Fake(), rows, **given)
