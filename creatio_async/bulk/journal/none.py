"""What a job has that keeps no journal."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from creatio_async.bulk.entry import Entry, Prepared
from creatio_async.bulk.plan import Plan
from creatio_async.bulk.report import Outcome

__all__ = ["NoJournal"]


class NoJournal:
    """Takes note of nothing, and knows of nothing that was."""

    is_ended: ClassVar[bool] = False
    is_behind: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0

    def __init__(self, plan: Plan) -> None:
        """Keep what is done with the rows."""
        self._plan = plan

    def open(self) -> None:
        """Nothing is read."""

    def sizes(self) -> Iterator[int]:
        """Give nothing: no rows were read before."""
        return iter(())

    def prepared(self, first: int, rows: Sequence[Any], *, parts: bool) -> Prepared:
        """Return *rows* prepared; those of which nothing has to be sent apart, if *parts* is so."""
        if parts and (parted := self._plan.settle_alike(first, rows)) is not None:
            return Prepared(*parted)
        return Prepared([], self._plan.prepare(first, rows))

    def ended_early(self, rows: int) -> ValueError:
        """Return an error that nobody meets."""
        return ValueError(f"the input ended after {rows} rows")

    def deletions(self, there: Sequence[str]) -> tuple[list[Outcome], Sequence[str]]:
        """Return that all that are *there* are to be deleted."""
        return [], there

    async def sending(self, entries: Sequence[Entry]) -> None:
        """Nothing is written."""

    def settled(self, outcomes: Sequence[Outcome], status: int | None = None) -> None:
        """Nothing is written."""

    def tell(self) -> None:
        """Nothing waits to be written."""

    def left(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is written."""

    def halt(self) -> None:
        """There is nothing to keep from being written."""

    def ended(self, rows: int) -> None:
        """Nothing is written."""

    def close(self) -> None:
        """Nothing is open."""
