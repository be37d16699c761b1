"""A journal as others read it: what became of every row of a job."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from attrs import field, frozen

from creatio_async.bulk.journal.file import journal_lines
from creatio_async.bulk.journal.index import Index, Known, find
from creatio_async.bulk.journal.lines import Fate, Line, parse_line
from creatio_async.bulk.report import Outcome
from creatio_async.errors import RecordedError
from creatio_async.outcomes import State

__all__ = ["RecordedJob", "read_journal"]


@frozen(kw_only=True)
class RecordedJob:
    """What a journal says of its job. Iterate over it for one `Outcome` for each row."""

    path: Path
    site: str
    """The address of the site."""
    operation: str
    """What was done with the rows: ``create``, ``update``, ``delete``, ``upsert``, ``sync``, or
    ``write`` for operations of any kind."""
    entity_set: str
    """Empty for operations of any kind."""
    finished: bool
    """The job has come to its end, and each row has a final outcome."""
    rows: int
    """Rows that were read from the input."""
    _index: Index = field(repr=False, alias="index")

    def __iter__(self) -> Iterator[Outcome]:
        """Give what became of each row, in the order of the input; then what `sync` deleted.

        `Outcome.row` is None, for a journal does not have the rows, and `Outcome.error` a
        `RecordedError`. A row that was sent, and whose answer is not recorded, is
        `State.UNKNOWN`.

        Raises:
            OSError: The file cannot be read.
        """
        with self.path.open("rb") as file:

            def line_at(at: int) -> Line:
                file.seek(at)
                return parse_line(file.readline())

            first = 0
            for size in self._index.sizes():
                for at, known in enumerate(self._index.chunk(first, line_at).rows):
                    yield self._outcome(first + at, known)
                first += size
        for key, fate in self._index.missing.items():
            yield _told(Outcome(-1, "delete", None, key, State.UNKNOWN), fate)

    def _outcome(self, index: int, known: Known) -> Outcome:
        state = State.UNKNOWN if known.sent_as else State.NOT_RUN
        outcome = Outcome(index, known.sent_as or self.operation, None, known.id, state)
        return _told(outcome, known.fate)


def _told(outcome: Outcome, fate: Fate | None) -> Outcome:
    if fate is not None:
        outcome.operation, outcome.state = fate.operation, fate.state
        outcome.http_status, outcome.attempts = fate.http_status, fate.attempts
        outcome.error = None if fate.error is None else RecordedError(*fate.error)
    return outcome


def read_journal(path: str | PathLike[str]) -> RecordedJob:
    """Return what the journal *path* of a bulk job says, whether that has ended or not.

    Args:
        path: A file that the option ``journal`` of a bulk call named.

    Raises:
        ValueError: It is no journal, or damaged.
        OSError: It cannot be read.
    """
    found = find(journal_lines(Path(path)), Path(path))
    if found is None:
        raise ValueError(f"{path} is no journal of a bulk job: it has no whole line")
    job = found.head.job
    return RecordedJob(
        path=Path(path),
        site=str(job.get("site", "")),
        operation=str(job.get("operation", "")),
        entity_set=str(job.get("entity_set", "")),
        finished=found.index.is_ended,
        rows=found.index.rows,
        index=found.index,
    )
