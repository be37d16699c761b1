"""What a job has that keeps no journal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from creatio_async.bulk.entry import Entry
from creatio_async.bulk.report import Outcome

__all__ = ["NoJournal"]


class NoJournal:
    """Takes note of nothing, and knows of nothing that was."""

    is_ended: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0

    def open(self) -> None:
        """Nothing is read."""

    def sizes(self) -> Iterator[int]:
        """Give nothing: no rows were read before."""
        return iter(())

    def prepared(
        self, prepare: Callable[..., list[Entry]], first: int, rows: Sequence[Any]
    ) -> list[Entry]:
        """Return *rows* prepared."""
        return prepare(first, rows)

    def ended_early(self, rows: int) -> ValueError:
        """Return an error that nobody meets."""
        return ValueError(f"the input ended after {rows} rows")

    def deletions(self, there: Sequence[str]) -> tuple[list[Outcome], Sequence[str]]:
        """Return that all that are *there* are to be deleted."""
        return [], there

    async def sending(self, entries: Sequence[Entry]) -> None:
        """Nothing is written."""

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is written."""

    def left(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is written."""

    def halt(self) -> None:
        """There is nothing to keep from being written."""

    def ended(self, rows: int) -> None:
        """Nothing is written."""

    def close(self) -> None:
        """Nothing is open."""
