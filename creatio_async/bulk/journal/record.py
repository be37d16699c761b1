"""A job's own journal: what it writes before it sends and after it is answered, and goes on from.

Rows are known again by their place and by a checksum of those that were read together. What was
told of a row for good stays; of a row that was sent, and of which nothing was told, the server is
asked before it is sent again.
"""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any
from zlib import crc32

from creatio_async.bulk.entry import Entry, Prepared
from creatio_async.bulk.journal.file import JournalFile
from creatio_async.bulk.journal.index import Chunk, Index, find, is_final
from creatio_async.bulk.journal.lines import (
    Line,
    deletions,
    done_line,
    end_line,
    fates,
    head_line,
    missing_line,
    new_head,
    parse_line,
    read_line,
    sent_line,
)
from creatio_async.bulk.journal.recalling import differing, recall, settle
from creatio_async.bulk.plan import Plan
from creatio_async.bulk.report import Outcome
from creatio_async.outcomes import State
from creatio_async.protocol.ids import SeededIds, random_ids
from creatio_async.protocol.values import check_row, dumps, is_clean

__all__ = ["Journal"]


class Journal:
    """Written by one job at a time; opened before anything is sent."""

    def __init__(
        self, path: str | PathLike[str], plan: Plan, job: Mapping[str, Any], *, fsync: bool
    ) -> None:
        """Keep the options.

        Args:
            path: The file.
            plan: What is done with the rows; once the journal is open, its ids are of that.
            job: What tells this job from others; of values that JSON has.
            fsync: Nothing is sent before it would survive the machine that it was written.
        """
        self._plan = plan
        self._job = job
        self._file = JournalFile(path, fsync=fsync)
        self._past = Index("", random_ids)
        self._overtaken: set[int] = set()
        self._pending: list[bytes] = []
        """What was read, and is written before any of it is sent."""
        self._told: list[bytes] = []
        """What became of rows, and is written before anybody else knows."""
        self._made: set[int] = set()
        """The first rows of chunks under way whose ids were all made here."""
        self._read = self._rows = 0
        self._announced = 0
        """Bytes of the file up to the last line about rows that may be sent."""
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
                head = new_head(self._job)
                self._file.cut(0)
                self._file.write(head_line(head))
            else:
                head = found.head
                self._check(head.job)
                self._file.cut(found.size)
                self._past = found.index
                self._overtaken = found.index.overtaken(self._line_at)
                self._read = self._rows = found.index.rows
            self._plan.make_ids = SeededIds(head.seed)

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

    def prepared(self, first: int, rows: Sequence[Any], *, parts: bool) -> Prepared:
        """Return *rows*, prepared, as earlier runs left them if they read them.

        Args:
            first: The number of the first row; -1 for rows that are not of the input.
            rows: The rows as they came.
            parts: Rows of which nothing has to be sent may be settled apart from the others.

        Raises:
            ValueError: They are not the rows that were read then; or one cannot be sent.
            TypeError: A row cannot be sent.
        """
        if first < 0:
            entries = self._plan.prepare(first, rows)
            for entry in entries:
                entry.was_doubted = entry.outcome.id in self._past.missing
            return Prepared([], entries)
        if first < self._past.rows:
            return Prepared([], self._recalled(first, rows))
        if self._past.is_ended:
            raise ValueError(
                f"row {first}: the input has changed: it has more rows than the "
                f"{self._past.rows:,} of the journal {self._file.path}, whose job has ended"
            )
        parted = self._plan.settle_alike(first, rows) if parts else None
        settled, entries = parted or ([], self._plan.prepare(first, rows))
        is_checked = self._take(first, rows, settled, entries)
        return Prepared(settled, entries, is_checked)

    def _recalled(self, first: int, rows: Sequence[Any]) -> list[Entry]:
        """Return *rows*, prepared anew, where earlier runs left them."""
        plan, chunk = self._plan, self._chunk(first, rows)
        entries = plan.prepare(first, rows, chunk.ids)
        for entry, known in zip(entries, chunk.rows, strict=True):
            may_be_tried = entry.outcome.index not in self._overtaken
            recall(entry, known, plan.kind, may_be_tried=may_be_tried)
        return entries

    def _chunk(self, first: int, rows: Sequence[Any]) -> Chunk:
        """Return what is known of *rows*, which an earlier run read."""
        chunk = self._past.chunk(first, self._line_at)
        if len(rows) < len(chunk.rows):
            raise self.ended_early(first + len(rows))
        if self._checksum(rows) != chunk.crc:
            raise ValueError(
                f"{differing(chunk, rows)} the input has changed: this is not what the journal "
                f"{self._file.path} has there"
            )
        return chunk

    def _checksum(self, rows: Sequence[Any]) -> str:
        try:
            return f"{crc32(dumps(self._plan.content(rows))):08x}"
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
                settle(outcome, key, fate)
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

    def _take(
        self,
        first: int,
        rows: Sequence[Any],
        settled: Sequence[Outcome],
        entries: Sequence[Entry],
    ) -> bool:
        """Note rows that are about to be sent; say whether their bodies are known to be clean."""
        plan = self._plan
        content = plan.content(rows)
        try:
            encoded = dumps(content)
        except (TypeError, ValueError):
            _check(settled, entries)
            raise
        objects = len(content)
        if not plan.are_ids_made:  # of what is deleted there is none
            objects -= sum(entry.operation.body is None for entry in entries)
        is_checked = is_clean(
            encoded, lambda: [body for _, body in _bodies(settled, entries)], objects
        )
        if plan.sifts and not is_checked:
            _check(settled, entries)  # what cannot be sent must not stand for a chunk that was read
        ids: Sequence[str] | None = ()
        if plan.are_ids_made:
            ids = None
            self._made.add(first)
        elif not plan.sifts:
            ids = [entry.outcome.id for entry in entries]
        self._pending.append(read_line(first, len(content), crc32(encoded), ids))
        self._read = first + len(content)
        return is_checked and not plan.resolves

    async def sending(self, entries: Sequence[Entry]) -> None:
        """Write what has to be known of *entries* before they are sent.

        Raises:
            OSError: It cannot be written: nothing must be sent.
            RuntimeError: The job was halted: nothing must be sent.
        """
        if self._is_halted:
            raise RuntimeError("the job has ended")
        if self._plan.sifts:
            self._pending += _sent(entries)
        if self._pending:
            self._flush()
        if not self._file.is_safe(self._announced):  # others may have flushed, and wait
            await self._file.sync(self._announced)

    def _flush(self) -> None:
        lines = b"".join((*self._told, *self._pending))
        self._told, self._pending = [], []
        self._file.write(lines)
        self._rows, self._announced = self._read, self._file.written

    @property
    def is_behind(self) -> bool:
        """Something is known of rows that is not written yet."""
        return bool(self._told)

    def tell(self) -> None:
        """Write what became of rows of which somebody is told now.

        Raises:
            OSError: It cannot be written.
        """
        if self._told:
            lines, self._told = b"".join(self._told), []
            self._file.write(lines)

    def halt(self) -> None:
        """Let nothing more be sent: what was read and not written has been read by nobody."""
        self._is_halted = True
        self._pending.clear()

    def settled(self, outcomes: Sequence[Outcome], status: int | None = None) -> None:
        """Take note of what became of rows.

        It is written at once, unless it is all well, and could be found out again for certain: then
        it is written with the next lines, or before somebody is told of it.

        Args:
            outcomes: Of any rows that are settled.
            status: The one with which *outcomes*, of successive rows that a run sent for the first
                time, were all done; None where that cannot be said of them.

        Raises:
            OSError: It cannot be written.
        """
        if status is not None and self._is_new(outcomes[0]):
            one = outcomes[0]
            self._told.append(done_line(one.index, len(outcomes), one.operation, status))
            if one.index in self._made:
                self._made.remove(one.index)
            else:
                self.tell()
            return
        self.tell()
        if self._pending and any(each.index >= self._rows for each in outcomes):
            self._flush()  # rows that need not be sent are told of all the same
        if self._is_halted:
            outcomes = [each for each in outcomes if each.index < self._rows]
        if not outcomes:
            return
        if outcomes[0].index < 0:
            self._file.write(deletions(outcomes))
        else:
            self._file.write(fates(outcomes, with_ids=self._plan.sifts))

    def _is_new(self, outcome: Outcome) -> bool:
        """Say whether no earlier run read the row, and all like it have one operation."""
        return outcome.index >= self._past.rows and outcome.operation == self._plan.kind

    def left(self, outcomes: Sequence[Outcome]) -> None:
        """Write which of the rows that a run leaves open were not sent after all.

        Raises:
            OSError: It cannot be written.
        """
        if self._file.is_broken:
            return
        self.tell()
        kept = [each for each in outcomes if each.state is State.NOT_RUN and each.id]
        if known := [each for each in kept if 0 <= each.index < self._rows]:
            self._file.write(fates(known, with_ids=self._plan.sifts))

    def ended(self, rows: int) -> None:
        """Write that the job has come to its end.

        Raises:
            OSError: It cannot be written.
        """
        if not self.is_ended:
            if self._pending:
                self._flush()
            self._told.append(end_line(rows))
            self.tell()

    def close(self) -> None:
        """Write what was not written yet, and close the file; closing it twice is no harm.

        Raises:
            OSError: It cannot be written.
        """
        try:
            if not self._file.is_broken:
                self.tell()
        finally:
            self._file.close()


def _bodies(
    settled: Sequence[Outcome], entries: Sequence[Entry]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what is sent, or would be, of rows that were read, and their places."""
    for outcome in settled:
        yield f"row {outcome.index}", outcome.row
    for entry in entries:
        if entry.operation.body is not None:
            yield f"row {entry.outcome.index}", entry.operation.body


def _check(settled: Sequence[Outcome], entries: Sequence[Entry]) -> None:
    for place, body in _bodies(settled, entries):
        check_row(body, place)


def _sent(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Give the lines of rows that are sent for the first time, or with what is new."""
    fresh = [each.outcome for each in entries if not each.outcome.attempts or each.was_doubted]
    if missing := [each.id for each in fresh if each.index < 0]:
        yield missing_line(missing)
    for operation in ("create", "update"):
        if those := [each for each in fresh if each.index >= 0 and each.operation == operation]:
            yield sent_line(those, operation)
