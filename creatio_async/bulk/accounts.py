"""The rows of a job that have no outcome yet: under way with somebody, or left for good."""

from collections.abc import Sequence
from typing import Any

from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.given import give_back
from creatio_async.bulk.report import Outcome
from creatio_async.models.codec import Codec

__all__ = ["Accounts"]


class Accounts:
    """What keeps rows from being lost, however a job ends."""

    def __init__(self, kind: str, codec: Codec[Any]) -> None:
        """Keep the options.

        Args:
            kind: What is done with the rows.
            codec: What they are given back as.
        """
        self._kind = kind
        self._codec = codec
        self.under_way: dict[int, list[Entry]] = {}
        """What each worker has taken."""
        self.unfinished: list[Outcome] = []
        """Rows that were taken from the input and have no final outcome."""
        self.are_given = True
        """Whether rows are those of the input, and not what follows from it."""

    def broken_off(self, number: int) -> list[Outcome]:
        """Part what a worker has that broke off: return what is settled, and keep the rest."""
        settled: list[Outcome] = []
        for entry in self.under_way.pop(number, ()):
            (self.unfinished if is_open(entry.outcome) else settled).append(entry.outcome)
        give_back(self._codec, settled)
        return settled

    def unprepared(self, first: int, rows: Sequence[Any]) -> None:
        """Keep *rows*, the first of which is number *first*, that were taken and not prepared."""
        for index, row in enumerate(rows, first):
            self.unfinished.append(Outcome(index if self.are_given else -1, self._kind, row, ""))

    def left(self, entries: Sequence[Entry]) -> None:
        """Keep *entries*, of which nothing is sent any more, and order all by their places."""
        self.unfinished += [entry.outcome for entry in entries]
        give_back(self._codec, self.unfinished)
        self.unfinished.sort(key=lambda outcome: outcome.index)
