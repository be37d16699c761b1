"""Rows that are found by a key: added or changed, or a whole set made the same as an input."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal

from attrs import frozen

from creatio_async.bulk.creates import NewId, as_maker, kind_of
from creatio_async.bulk.derived import Derived
from creatio_async.bulk.job import Job
from creatio_async.bulk.keys import Key
from creatio_async.bulk.lookups import Lookup
from creatio_async.bulk.matching import Upserts
from creatio_async.bulk.options import JobOptions
from creatio_async.bulk.report import Progress
from creatio_async.bulk.resolving import with_lookups
from creatio_async.bulk.syncs import Syncs, Within
from creatio_async.protocol.batch.operations import Format
from creatio_async.protocol.odata.spec import RowT
from creatio_async.protocol.pace import AT_ONCE, Adaptive
from creatio_async.query import Query

__all__ = ["Syncing"]

_Rows = Iterable[RowT | Mapping[str, Any]] | AsyncIterable[RowT | Mapping[str, Any]]


@frozen(eq=False)
class Syncing(Query[RowT]):
    """What writes rows of an entity set that are looked for first."""

    def upsert_many(
        self,
        rows: _Rows[RowT],
        *,
        key: str | Sequence[str],
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        lookups: Mapping[str, Lookup] | None = None,
        dead_letters: str | PathLike[str] | None = None,
        journal: str | PathLike[str] | None = None,
        fsync: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job[RowT]:
        """Add rows, or change those that are there, found by *key*.

        Rows are looked up before they are written, a hundred at once; what is there and holds the
        values is `State.UNCHANGED`, of what differs only the columns that differ are written.
        ``Outcome.operation`` tells which it was.

        `State.CONFLICT` is a row whose key an earlier row of the input has, or several rows of the
        server, or one with another `Id` than the row gives. Texts that differ in case only, or in
        blanks at the end, are one key. A row without a value in a column of the key has
        `State.FAILED`. About a hundred bytes are kept for each key.

        The other options are those of `create_many`.

        Args:
            rows: An iterable or async iterable of any length.
            key: ``"Id"``, or the column or columns that tell a row from the others.
            at_once: Batches under way at once.
            batch_size: Rows in a batch, 1 to 100.
            max_bytes: Bytes of a request at most.
            format: How a batch travels.
            new_id: How a row gets its `Id` that is added.
            lookups: Columns in which rows have the name of the row that they refer to.
            dead_letters: A file for the rows that are refused.
            journal: A file from which a run that was killed goes on.
            fsync: Let the journal survive the machine, too.
            progress: Called with a `Progress`.

        Raises:
            ValueError: An option is out of bounds.
        """
        plan = Upserts(
            self._service,
            name=self.name,
            key=Key(key),
            max_bytes=max_bytes,
            format=format,
            new_id=as_maker(new_id, self.name),
            id_kind=kind_of(new_id),
        )
        options = JobOptions(
            at_once=at_once,
            batch_size=batch_size,
            dead_letters=dead_letters,
            journal=journal,
            fsync=fsync,
            progress=progress,
        )
        return options.job(self._service, with_lookups(plan, lookups), rows, self.codec)

    def sync(
        self,
        rows: _Rows[RowT],
        *,
        key: str | Sequence[str],
        delete_missing: bool = False,
        within: Within | None = None,
        dry_run: bool = False,
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        lookups: Mapping[str, Lookup] | None = None,
        dead_letters: str | PathLike[str] | None = None,
        journal: str | PathLike[str] | None = None,
        fsync: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job[RowT]:
        """Make the rows of the server the same as *rows*, with as few writes as possible.

        The rows that are there are read once, page by page, with no more columns than the first
        of *rows* has; then each row is added, or changed where it differs, or left alone. Values
        are compared by what they mean. What rows are found by, and what a `State.CONFLICT` is, is
        as for `upsert_many`. Of each row that is there about 150 bytes are kept, and 2 to 8 more
        for each column; of the input, a window of 500 rows.

        The report tells what was done in `Report.written`. A row that is deleted is an outcome of
        its own, whose index is -1.

        Args:
            rows: An iterable or async iterable of any length. The columns are those of the first
                row; a row may lack some, which are then left as they are.
            key: ``"Id"``, or the column or columns that tell a row from the others.
            delete_missing: Delete the rows that are there *within*, and not among *rows*: once
                *rows* have ended without an error, and not if there were none, or if one of them
                had no key.
            within: A condition: only rows that meet it are read and deleted. A row that is not
                found there is looked up outside before it is added. `ALL` is every row of the
                set; so is None, but *delete_missing* does not take it for that.
            dry_run: Write nothing: outcomes and report are as if everything that is sent would
                succeed, with the requests that it would take.
            at_once: Batches under way at once.
            batch_size: Rows in a batch, 1 to 100.
            max_bytes: Bytes of a request at most.
            format: How a batch travels.
            new_id: How a row gets its `Id` that is added.
            lookups: Columns in which rows have the name of the row that they refer to.
            dead_letters: A file for the rows that are refused.
            journal: A file from which a run that was killed goes on.
            fsync: Let the journal survive the machine, too.
            progress: Called with a `Progress`.

        Raises:
            ValueError: An option is out of bounds, *delete_missing* has no *within*, or *dry_run*
                has a *journal*.
        """
        if dry_run and journal is not None:
            raise ValueError("a dry run writes nothing, and takes no journal")
        plan = Syncs(
            self._service,
            name=self.name,
            key=Key(key),
            within=within,
            deletes=delete_missing,
            is_rehearsal=dry_run,
            max_bytes=max_bytes,
            format=format,
            new_id=as_maker(new_id, self.name),
            id_kind=kind_of(new_id),
        )
        options = JobOptions(
            at_once=at_once,
            batch_size=batch_size,
            dead_letters=dead_letters,
            journal=journal,
            fsync=fsync,
            progress=progress,
        )
        return options.job(self._service, with_lookups(plan, lookups), rows, self.codec)
