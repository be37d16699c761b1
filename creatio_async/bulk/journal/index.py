"""Where in a journal it is said what became of each row: some bytes for each line of it.

A journal is as long as its job: its lines are read again, chunk by chunk, when the rows they are
of come by. What is kept is where they are: 24 bytes for each chunk of rows, and 16 for each line
that says something of one, which is about half a byte for a row in batches of a hundred.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from attrs import frozen

from creatio_async.bulk.journal.lines import (
    Deleted,
    End,
    Fate,
    Head,
    Line,
    Missing,
    Read,
    Sent,
    Told,
    parse_head,
    parse_line,
)
from creatio_async.outcomes import State
from creatio_async.protocol.ids import MakeIds, SeededIds

__all__ = ["Chunk", "Found", "Index", "Known", "find", "is_final"]

_FINAL = frozenset(State) - {State.NOT_RUN, State.UNKNOWN}
_FINE = frozenset({State.DONE, State.UNCHANGED})


def is_final(fate: Fate | None) -> bool:
    """Say whether *fate* stays when the job is run again."""
    return fate is not None and fate.state in _FINAL


class Known(NamedTuple):
    """What is known of a row that was read."""

    id: str
    """Empty where it was not found out."""
    sent_as: str
    """The operation as which it was, or may have been, sent; empty where it was not sent."""
    fate: Fate | None
    """None where it was never told."""


class Chunk(NamedTuple):
    """Successive rows that were read together."""

    first: int
    crc: str
    rows: list[Known]

    @property
    def ids(self) -> list[str]:
        """The ids of the rows."""
        return [row.id for row in self.rows]


class Index:
    """Takes the lines of a journal in their order, and finds what concerns a chunk of rows."""

    def __init__(self, operation: str, make_ids: MakeIds) -> None:
        """Begin with nothing.

        Args:
            operation: What the job does.
            make_ids: Makes the ids that are not written out.
        """
        self._operation = operation
        self._make_ids = make_ids
        self._firsts = array("q")
        self._at = array("q")
        """Where the line of each chunk begins."""
        self._last = array("q")
        """The number of the last line that says something of the chunk; -1 for none."""
        self._line_at = array("q")
        self._line_before = array("q")
        """The number of the line before it that says something of the same chunk."""
        self.rows = 0
        """Rows that were read."""
        self.missing: dict[str, Fate | None] = {}
        """What became of the rows that were deleted because the input does not have them."""
        self.is_ended = False
        self._has_open = False

    def add(self, line: Line, at: int) -> None:
        """Take the next line, which begins at byte *at*.

        Raises:
            ValueError: It contradicts those before it.
        """
        match line:
            case Told(places, fate):
                self._has_open = self._has_open or not is_final(fate)
                self._note(places, at)
            case Sent(places):
                self._note(places, at)
            case Read(first, size):
                if first != self.rows:
                    raise ValueError(f"rows from {first} on follow {self.rows} rows")
                self._firsts.append(first)
                self._at.append(at)
                self._last.append(-1)
                self.rows += size
            case Missing(ids):
                self.missing.update(dict.fromkeys(ids))
            case Deleted(ids, fate):
                self.missing.update(dict.fromkeys(ids, fate))
            case End(rows):
                if rows != self.rows:
                    raise ValueError(f"{rows} rows in all, and {self.rows} were read")
                self.is_ended = True

    def _note(self, places: Sequence[int], at: int) -> None:
        last = -1
        for first, count in zip(places[::2], places[1::2], strict=True):
            if first + count > self.rows:
                raise ValueError(f"row {first + count - 1} was not read before")
            chunk = bisect_right(self._firsts, first) - 1
            while chunk < len(self._firsts) and self._firsts[chunk] < first + count:
                if chunk != last:
                    self._line_at.append(at)
                    self._line_before.append(self._last[chunk])
                    self._last[chunk] = len(self._line_at) - 1
                    last = chunk
                chunk += 1

    def sizes(self) -> Iterator[int]:
        """Give the numbers of rows of the chunks, in their order."""
        for first, after in pairwise(self._firsts):
            yield after - first
        if self._firsts:
            yield self.rows - self._firsts[-1]

    def overtaken(self, line_at: Callable[[int], Line]) -> set[int]:
        """Return rows that were told open while a later row of the same `Id` was carried out.

        They must not be tried again: what they write would come after what is newer.
        """
        if not self._has_open:
            return set()
        later: dict[str, int] = {}
        for _, known in self._known(line_at):
            if known.fate is not None and not is_final(known.fate):
                later[known.id] = -1
        for index, known in self._known(line_at):
            if known.id in later and known.fate is not None and known.fate.state in _FINE:
                later[known.id] = index
        return {
            index
            for index, known in self._known(line_at)
            if index < later.get(known.id, -1) and known.fate and not is_final(known.fate)
        }

    def _known(self, line_at: Callable[[int], Line]) -> Iterator[tuple[int, Known]]:
        for first in self._firsts:
            yield from enumerate(self.chunk(first, line_at).rows, first)

    def chunk(self, first: int, line_at: Callable[[int], Line]) -> Chunk:
        """Return what is known of the chunk that begins with row *first*.

        Args:
            first: The first row of a chunk.
            line_at: Reads the line that begins at a byte.
        """
        number = bisect_right(self._firsts, first) - 1
        read = line_at(self._at[number])
        if not isinstance(read, Read):
            raise ValueError(f"the journal was changed while it was read, at row {first}")
        ids = self._make_ids(first, read.size) if read.are_ids_made else read.ids
        sent_as = self._operation if ids else ""
        rows = [Known(each, sent_as, None) for each in ids or [""] * read.size]
        seen = bytearray(read.size)
        line = self._last[number]
        while line >= 0:  # the last line counts
            _tell(line_at(self._line_at[line]), first, rows, seen)
            line = self._line_before[line]
        return Chunk(first, read.crc, rows)


def _tell(line: Line, first: int, rows: list[Known], seen: bytearray) -> None:
    """Write what *line* says into *rows*, of which the first is number *first*."""
    if not isinstance(line, Told | Sent):
        return
    at = 0
    for begin, count in zip(line.places[::2], line.places[1::2], strict=True):
        for place in range(begin - first, begin - first + count):
            if 0 <= place < len(rows) and not seen[place]:
                seen[place] = 1
                known = line.ids[at] if line.ids else rows[place].id
                rows[place] = (
                    Known(known, line.operation, None)
                    if isinstance(line, Sent)
                    else _known(known, line.fate)
                )
            at += 1


def _known(key: str, fate: Fate) -> Known:
    return Known(key, "" if fate.state is State.NOT_RUN else fate.operation, fate)


@frozen
class Found:
    """A journal, as it was found."""

    head: Head
    """Its first line."""
    index: Index
    size: int
    """Bytes of its whole lines; what is behind them was being written when the process died."""


def find(lines: Iterable[tuple[int, bytes]], path: Path) -> Found | None:
    """Read all lines of a journal; return None where not even the first one is whole.

    Raises:
        ValueError: The journal is of another version, or damaged.
    """
    iterator = iter(lines)
    _, head = next(iterator, (0, b""))
    if not head.endswith(b"\n"):
        return None
    try:
        said = parse_head(head)
    except ValueError as error:
        raise ValueError(f"the journal {path} cannot be read: {error}") from None
    index = Index(str(said.job.get("operation")), SeededIds(said.seed))
    size, torn = len(head), ""
    for number, (at, text) in enumerate(iterator, 2):
        try:
            line = parse_line(text)
        except ValueError as error:
            torn = torn or f"line {number}: {error}"
            continue
        if torn:  # what broke off has nothing behind it
            raise ValueError(f"the journal {path} is damaged at {torn}")
        try:
            index.add(line, at)
        except ValueError as error:
            raise ValueError(f"the journal {path} is damaged at line {number}: {error}") from None
        size = at + len(text)
    return Found(said, index, size)
