"""What keeps an order: operations on one row, and outcomes in the order of the input."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Literal

from creatio_async.bulk.entry import Entry
from creatio_async.bulk.report import Outcome

__all__ = ["Lanes", "Order", "Turns"]

Order = Literal["none", "input", "key"]
"""What is kept in order: nothing, the outcomes, or the operations on each `Id`."""


class Lanes:
    """Lets the operations on one row be sent one after another: the next when one is settled."""

    def __init__(self) -> None:
        self._behind: dict[tuple[str, str], deque[Entry]] = {}

    def admit(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those of *entries* that may be sent now; keep those that have to wait."""
        free: list[Entry] = []
        for entry in entries:
            behind = self._behind.get(_lane(entry))
            if behind is None:
                self._behind[_lane(entry)] = deque()
                free.append(entry)
            else:
                behind.append(entry)
        return free

    def release(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those that have waited for *entries*, which are settled."""
        following: list[Entry] = []
        for entry in entries:
            behind = self._behind[_lane(entry)]
            if behind:
                following.append(behind.popleft())
            else:
                del self._behind[_lane(entry)]
        return following

    def rest(self) -> list[Entry]:
        """Return all that wait, and let go of them."""
        waiting = [entry for behind in self._behind.values() for entry in behind]
        self._behind.clear()
        return waiting


def _lane(entry: Entry) -> tuple[str, str]:
    return entry.verb.entity_set, entry.outcome.id


class Turns:
    """Keeps outcomes back until those of all rows before them are there."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        """Held while outcomes are handed over: they would overtake each other otherwise."""
        self._next = 0
        self._early: dict[int, Outcome] = {}

    @property
    def kept(self) -> int:
        """Outcomes that are kept back."""
        return len(self._early)

    def put(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Take *outcomes*; return those whose turn it is."""
        for outcome in outcomes:
            self._early[outcome.index] = outcome
        ready: list[Outcome] = []
        while self._next in self._early:
            ready.append(self._early.pop(self._next))
            self._next += 1
        return ready

    def rest(self) -> list[Outcome]:
        """Return what is kept back for rows that have no outcome, and let go of it."""
        late = [self._early[index] for index in sorted(self._early)]
        self._early.clear()
        return late
