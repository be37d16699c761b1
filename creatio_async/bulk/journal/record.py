"""A job's own journal: what it writes before it sends and after it is answered, and goes on from.

Rows are known again by their place and by a checksum of those that were read together. What was
told of a row for good stays; of a row that was sent, and of which nothing was told, the server is
asked before it is sent again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, cast
from zlib import crc32

from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.journal.file import JournalFile
from creatio_async.bulk.journal.index import Chunk, Index, Known, find, is_final
from creatio_async.bulk.journal.lines import (
    Fate,
    Line,
    deletions,
    end_line,
    fates,
    head_line,
    missing_line,
    parse_line,
    read_line,
    sent_line,
)
from creatio_async.bulk.report import Outcome
from creatio_async.errors import RecordedError
from creatio_async.outcomes import State
from creatio_async.protocol.names import as_guid
from creatio_async.protocol.values import check_row, dumps, dumps_rows

__all__ = ["Journal"]


class Journal:
    """Written by one job at a time; opened before anything is sent."""

    def __init__(
        self,
        path: str | PathLike[str],
        job: Mapping[str, Any],
        *,
        content: Callable[[Sequence[Any]], Sequence[Any]],
        sifts: bool,
        fsync: bool,
    ) -> None:
        """Keep the options.

        Args:
            path: The file.
            job: What tells this job from others; of values that JSON has.
            content: Says what of rows tells them from others, in values that JSON has.
            sifts: Rows are looked up before they are sent, and have their ids only then.
            fsync: Nothing is sent before it would survive the machine that it was written.
        """
        self._job = job
        self._content = content
        self._sifts = sifts
        self._file = JournalFile(path, fsync=fsync)
        self._past = Index("")
        self._overtaken: set[int] = set()
        self._pending: list[bytes] = []
        """What was read, and is written before any of it is sent."""
        self._read = self._rows = 0
        self._is_halted = False

    # Beginning

    def open(self) -> None:
        """Read what an earlier run left, or begin anew.

        Raises:
            ValueError: The file is no journal, or that of another job, or in use.
            OSError: It cannot be read or written.
        """
        with self._file.opening() as lines:
            found = find(lines, self._file.path)
            if found is None:
                self._file.cut(0)
                self._file.write(head_line(self._job))
            else:
                self._check(found.job)
                self._file.cut(found.size)
                self._past = found.index
                self._overtaken = found.index.overtaken(self._line_at)
                self._read = self._rows = found.index.rows

    def _check(self, job: Mapping[str, Any]) -> None:
        for name in {**self._job, **job}:
            ours, theirs = self._job.get(name), job.get(name)
            if ours != theirs:
                raise ValueError(
                    f"the journal {self._file.path} is that of another job: there {name} is "
                    f"{theirs!r}, and here {ours!r}"
                )

    @property
    def is_ended(self) -> bool:
        """An earlier run came to its end: nothing is to be sent any more."""
        return self._past.is_ended

    @property
    def rows_before(self) -> int:
        """Rows of the input that earlier runs read."""
        return self._past.rows

    def sizes(self) -> Iterator[int]:
        """Give the numbers of rows that earlier runs read together, in their order."""
        return self._past.sizes()

    # What was

    def prepared(
        self, prepare: Callable[..., list[Entry]], first: int, rows: Sequence[Any]
    ) -> list[Entry]:
        """Return what *prepare* makes of *rows*, as earlier runs left it if they read them.

        Args:
            prepare: Takes the number of the first row, the rows, and the ids that they had.
            first: The number of the first row; -1 for rows that are not of the input.
            rows: The rows as they came.

        Raises:
            ValueError: They are not the rows that were read then; or one cannot be sent.
            TypeError: A row cannot be sent.
        """
        if first < 0:
            entries = prepare(first, rows)
            for entry in entries:
                entry.was_doubted = entry.outcome.id in self._past.missing
            return entries
        chunk = self._chunk(first, rows)
        if chunk is None:
            entries = prepare(first, rows)
            self._take(first, rows, entries)
        else:
            entries = prepare(first, rows, chunk.ids)
            for entry, known in zip(entries, chunk.rows, strict=True):
                _recall(entry, known, may_be_tried=entry.outcome.index not in self._overtaken)
        return entries

    def _chunk(self, first: int, rows: Sequence[Any]) -> Chunk | None:
        if first >= self._past.rows:
            if self.is_ended:
                raise ValueError(
                    f"row {first}: the input has changed: it has more rows than the "
                    f"{self._past.rows:,} of the journal {self._file.path}, whose job has ended"
                )
            return None
        chunk = self._past.chunk(first, self._line_at)
        if len(rows) < len(chunk.rows):
            raise self.ended_early(first + len(rows))
        if self._checksum(rows) != chunk.crc:
            raise ValueError(
                f"{_differing(chunk, rows)} the input has changed: this is not what the journal "
                f"{self._file.path} has there"
            )
        return chunk

    def _checksum(self, rows: Sequence[Any]) -> str:
        try:
            return f"{crc32(dumps(self._content(rows))):08x}"
        except (TypeError, ValueError):  # rows that could not be sent are others in any case
            return ""

    def ended_early(self, rows: int) -> ValueError:
        """Return the error that an input is which has fewer rows than earlier runs read of it."""
        return ValueError(
            f"the input has changed: it ended after {rows:,} rows, and of it the journal "
            f"{self._file.path} has {self._past.rows:,}"
        )

    def _line_at(self, at: int) -> Line:
        return parse_line(self._file.line_at(at))

    def deletions(self, there: Sequence[str]) -> tuple[list[Outcome], list[str]]:
        """Return what became of rows that the input does not have, and the ids of the others.

        Args:
            there: The ids of such rows that are there now.
        """
        still = set(there)
        told: list[Outcome] = []
        for key, fate in self._past.missing.items():
            outcome = Outcome(-1, "delete", key, key)
            if fate is not None and is_final(fate):
                _settle(outcome, key, fate)
                still.discard(key)
            elif key not in still and (fate is None or fate.state is State.UNKNOWN):
                outcome.state = State.DONE
                outcome.attempts = 1 if fate is None else fate.attempts
                self._file.write(deletions([outcome]))
            else:
                continue
            told.append(outcome)
        return told, [key for key in there if key in still]

    # What is

    def _take(self, first: int, rows: Sequence[Any], entries: Sequence[Entry]) -> None:
        """Note rows that are about to be sent."""

        def bodies() -> Iterator[tuple[str, Mapping[str, Any]]]:
            for entry in entries:
                if entry.operation.body is not None:
                    yield f"row {entry.outcome.index}", entry.operation.body

        content = self._content(rows)
        if self._sifts:  # rows that cannot be sent must not stand for a chunk that was read
            encoded = dumps_rows(content, bodies, objects=len(content))
        else:
            try:
                encoded = dumps(content)
            except (TypeError, ValueError):
                for place, body in bodies():
                    check_row(body, place)
                raise
        ids = () if self._sifts else [entry.outcome.id for entry in entries]
        self._pending.append(read_line(first, len(content), crc32(encoded), ids))
        self._read = first + len(content)

    async def sending(self, entries: Sequence[Entry]) -> None:
        """Write what has to be known of *entries* before they are sent.

        Raises:
            OSError: It cannot be written: nothing must be sent.
            RuntimeError: The job was halted: nothing must be sent.
        """
        if self._is_halted:
            raise RuntimeError("the job has ended")
        if self._sifts:
            self._pending += _sent(entries)
        if self._flush() or self._file.is_broken:
            await self._file.sync()

    def _flush(self) -> bool:
        if not self._pending:
            return False
        lines, self._pending = b"".join(self._pending), []
        self._file.write(lines)
        self._rows = self._read
        return True

    def halt(self) -> None:
        """Let nothing more be sent: what was read and not written has been read by nobody."""
        self._is_halted = True
        self._pending.clear()

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Write what became of rows.

        Raises:
            OSError: It cannot be written.
        """
        if self._pending and any(each.index >= self._rows for each in outcomes):
            self._flush()  # rows that need not be sent are told of all the same
        if self._is_halted:
            outcomes = [each for each in outcomes if each.index < self._rows]
        if not outcomes:
            return
        if outcomes[0].index < 0:
            self._file.write(deletions(outcomes))
        else:
            self._file.write(fates(outcomes, with_ids=self._sifts))

    def left(self, outcomes: Sequence[Outcome]) -> None:
        """Write which of the rows that a run leaves open were not sent after all.

        Raises:
            OSError: It cannot be written.
        """
        if self._file.is_broken:
            return
        kept = [each for each in outcomes if each.state is State.NOT_RUN and each.id]
        if known := [each for each in kept if 0 <= each.index < self._rows]:
            self._file.write(fates(known, with_ids=self._sifts))

    def ended(self, rows: int) -> None:
        """Write that the job has come to its end.

        Raises:
            OSError: It cannot be written.
        """
        if not self.is_ended:
            self._flush()
            self._file.write(end_line(rows))

    def close(self) -> None:
        """Close the file; closing it twice is no harm."""
        self._file.close()


def _recall(entry: Entry, known: Known, *, may_be_tried: bool) -> None:
    """Let *entry*, prepared anew, be where earlier runs left it."""
    outcome, fate = entry.outcome, known.fate
    if fate is not None and (is_final(fate) or not may_be_tried):
        entry.is_told = True
        _settle(outcome, known.id, fate)
    elif is_open(outcome):
        entry.made = known.id
        if fate is not None:
            outcome.attempts = fate.attempts
        if known.sent_as:
            entry.is_in_doubt = True
            outcome.id = known.id or outcome.id
            outcome.operation, outcome.state = known.sent_as, State.UNKNOWN
            outcome.attempts = outcome.attempts or 1
            outcome.error = ValueError(f"row {outcome.index}: an earlier run got no answer for it")


def _settle(outcome: Outcome, key: str, fate: Fate) -> None:
    """Let *outcome* be what was told of a row for good."""
    outcome.id = key or outcome.id
    outcome.operation, outcome.state = fate.operation, fate.state
    outcome.http_status, outcome.attempts = fate.http_status, fate.attempts
    outcome.error = None if fate.error is None else RecordedError(*fate.error)


def _sent(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Give the lines of rows that are sent for the first time, or with what is new."""
    fresh = [each.outcome for each in entries if not each.outcome.attempts or each.was_doubted]
    if missing := [each.id for each in fresh if each.index < 0]:
        yield missing_line(missing)
    for operation in ("create", "update"):
        if those := [each for each in fresh if each.index >= 0 and each.operation == operation]:
            yield sent_line(those, operation)


def _differing(chunk: Chunk, rows: Sequence[Any]) -> str:
    """Return which row is another one now, as far as its `Id` tells."""
    for at, (row, known) in enumerate(zip(rows, chunk.rows, strict=False)):
        key = cast("Mapping[str, object]", row).get("Id") if isinstance(row, Mapping) else row
        if known.id and key is not None and as_guid(key) not in {None, known.id}:
            return f"row {chunk.first + at}:"
    last = chunk.first + len(chunk.rows) - 1
    return f"row {chunk.first}:" if last == chunk.first else f"rows {chunk.first} to {last}:"
