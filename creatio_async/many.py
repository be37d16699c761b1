"""Any number of rows of an entity set at once, through pipelines of ``$batch``."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal
from uuid import UUID

from attrs import frozen

from creatio_async.batch import Format
from creatio_async.bulk.changes import Deletes, Updates
from creatio_async.bulk.creates import Creates, NewId
from creatio_async.bulk.derived import Derived
from creatio_async.bulk.job import Job
from creatio_async.bulk.keys import Key
from creatio_async.bulk.matching import Upserts
from creatio_async.bulk.order import Order
from creatio_async.bulk.report import Progress
from creatio_async.bulk.syncs import Syncs, Within
from creatio_async.bulk.verbs import IfExists
from creatio_async.bulk.writer import Writer
from creatio_async.protocol.limiter import Adaptive
from creatio_async.query import Query

__all__ = ["Many"]

_Rows = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]


@frozen(eq=False)
class Many(Query):
    """What writes any number of rows of an entity set.

    Each call returns a `Job`, which runs once: await it for its `Report`, or enter it for one
    `Outcome` for each row. The calls have most of their options in common; `create_many` tells
    of them.
    """

    def create_many(
        self,
        rows: _Rows,
        *,
        at_once: int | Adaptive = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format = "json",  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "none",
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        if_exists: IfExists = "conflict",
        return_rows: bool = False,
        dead_letters: str | PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
        """Add any number of rows through ``$batch``, several batches at once.

        ``await`` the job for its report, or enter it for the outcomes, one for each row::

            report = await cities.create_many(rows)

            async with cities.create_many(rows) as outcomes:
                async for outcome in outcomes: ...

        Args:
            rows: An iterable or async iterable of any length; read no faster than it is sent.
            at_once: Batches under way at once; `Adaptive()` finds out how many the site gains by.
                A quarter of the client's `Limits.at_once` is left to single calls, in any case.
            batch_size: Rows in a batch, 1 to 100.
            max_bytes: Bytes of a request at most; what is more is split.
            format: How a batch travels: ``"json"``, or ``"multipart"`` (multipart/mixed).
            atomic: Make each batch one group, whose rows are written all or not at all. It is
                never split: where its bytes are too many, all its rows fail.
            continue_on_error: Go on within a batch after a row that fails. Without it the rows
                after one that fails are `State.NOT_RUN`, in its batch.
            order: ``"input"`` gives the outcomes in the order of the rows; ``"key"`` sends what
                concerns one `Id` one after another, the next when the one before is settled.
            new_id: How a row without `Id` gets one: at random, by `derived` from some of its
                columns, or by a function of the row.
            if_exists: What is done about a row whose `Id` is taken by one with other values:
                ``"conflict"`` leaves it, as `State.CONFLICT`; ``"update"`` writes the columns
                that differ.
            return_rows: Fill `Outcome.saved` with the rows that were added, as the server has
                them.
            dead_letters: A file, written anew, for each row whose outcome is not `ok`;
                `read_dead_letters` reads it.
            progress: Called with a `Progress`, at most every half second and at the end.

        Raises:
            ValueError: An option is out of bounds.
        """
        plan = Creates(
            self._service,
            name=self.name,
            max_bytes=max_bytes,
            format=format,
            is_atomic=atomic,
            continue_on_error=continue_on_error,
            new_id=self._maker(new_id),
            if_exists=if_exists,
            return_rows=return_rows,
        )
        sender = self._service.sender
        return Job(
            plan,
            rows,
            at_once=sender.gate.lane(at_once, sender.clock),
            batch_size=batch_size,
            progress=progress,
            order=order,
            dead_letters=dead_letters,
            clock=sender.clock,
            sleep=sender.sleep,
        )

    def update_many(
        self,
        rows: _Rows,
        *,
        at_once: int | Adaptive = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format = "json",  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "none",
        dead_letters: str | PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
        """Change any number of rows: each has the `Id` of a row, and the columns to write.

        An update is sent again where nothing is known of it, for a second one changes nothing
        more; the last write wins. A row that is not there has `State.FAILED`.

        The options are those of `create_many`.

        Raises:
            ValueError: An option is out of bounds.
        """
        plan = Updates(
            self._service,
            name=self.name,
            max_bytes=max_bytes,
            format=format,
            is_atomic=atomic,
            continue_on_error=continue_on_error,
        )
        sender = self._service.sender
        return Job(
            plan,
            rows,
            at_once=sender.gate.lane(at_once, sender.clock),
            batch_size=batch_size,
            progress=progress,
            order=order,
            dead_letters=dead_letters,
            clock=sender.clock,
            sleep=sender.sleep,
        )

    def delete_many(
        self,
        keys: Iterable[UUID | str] | AsyncIterable[UUID | str],
        *,
        at_once: int | Adaptive = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format = "json",  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "none",
        dead_letters: str | PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
        """Take the rows away whose `Id` is one of *keys*, any number of them.

        A row that is not there has `State.FAILED`; where an answer was lost before, it is
        `State.DONE`.

        *keys* are an iterable or async iterable of any length; `Outcome.row` is the key. The
        options are those of `create_many`.

        Raises:
            ValueError: An option is out of bounds.
        """
        plan = Deletes(
            self._service,
            name=self.name,
            max_bytes=max_bytes,
            format=format,
            is_atomic=atomic,
            continue_on_error=continue_on_error,
        )
        sender = self._service.sender
        return Job(
            plan,
            keys,
            at_once=sender.gate.lane(at_once, sender.clock),
            batch_size=batch_size,
            progress=progress,
            order=order,
            dead_letters=dead_letters,
            clock=sender.clock,
            sleep=sender.sleep,
        )

    def writer(
        self,
        *,
        linger: float = 0.05,
        at_once: int | Adaptive = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format = "json",  # noqa: A002
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        if_exists: IfExists = "conflict",
        return_rows: bool = False,
    ) -> Writer:
        """Return a writer, to which any number of tasks push single rows.

        ::

            async with cities.writer() as writer:
                outcome = await writer.create({"Name": "Burbank"})

        Options that are not told of here are those of `create_many`.

        Args:
            linger: Seconds for which a row waits for others that it is sent with.
            at_once: Batches under way at once.
            batch_size: Rows in a batch at most.
            max_bytes: Bytes of a request at most.
            format: How a batch travels.
            new_id: How a row without `Id` gets one.
            if_exists: What is done about a row whose `Id` is taken by one with other values.
            return_rows: Fill `Outcome.saved` with the rows that were added.

        Raises:
            ValueError: An option is out of bounds.
            TypeError: *at_once* or *batch_size* is no number.
        """
        common: dict[str, Any] = {"name": self.name, "max_bytes": max_bytes, "format": format}
        creates = Creates(
            self._service,
            **common,
            new_id=self._maker(new_id),
            if_exists=if_exists,
            return_rows=return_rows,
        )
        updates, deletes = Updates(self._service, **common), Deletes(self._service, **common)
        sender = self._service.sender
        return Writer(
            {"create": creates, "update": updates, "delete": deletes},
            sender.gate.lane(at_once, sender.clock),
            linger=linger,
            batch_size=batch_size,
        )

    def upsert_many(
        self,
        rows: _Rows,
        *,
        key: str | Sequence[str],
        at_once: int | Adaptive = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format = "json",  # noqa: A002
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        dead_letters: str | PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
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
            dead_letters: A file for the rows that are refused.
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
            new_id=self._maker(new_id),
        )
        sender = self._service.sender
        return Job(
            plan,
            rows,
            at_once=sender.gate.lane(at_once, sender.clock),
            batch_size=batch_size,
            progress=progress,
            dead_letters=dead_letters,
            clock=sender.clock,
            sleep=sender.sleep,
        )

    def sync(
        self,
        rows: _Rows,
        *,
        key: str | Sequence[str],
        delete_missing: bool = False,
        within: Within | None = None,
        dry_run: bool = False,
        at_once: int | Adaptive = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format = "json",  # noqa: A002
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        dead_letters: str | PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
        """Make the rows of the server the same as *rows*, with as few writes as possible.

        The rows that are there are read once, page by page, with no more columns than the first
        of *rows* has; then each row is added, or changed where it differs, or left alone. Values
        are compared by what they mean. What rows are found by, and what a `State.CONFLICT` is, is
        as for `upsert_many`. Of each row that is there about 150 bytes are kept, and 8 more for
        each column; of the input, a window.

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
            dead_letters: A file for the rows that are refused.
            progress: Called with a `Progress`.

        Raises:
            ValueError: An option is out of bounds, or *delete_missing* has no *within*.
        """
        plan = Syncs(
            self._service,
            name=self.name,
            key=Key(key),
            within=within,
            deletes=delete_missing,
            is_rehearsal=dry_run,
            max_bytes=max_bytes,
            format=format,
            new_id=self._maker(new_id),
        )
        sender = self._service.sender
        return Job(
            plan,
            rows,
            at_once=sender.gate.lane(at_once, sender.clock),
            batch_size=batch_size,
            progress=progress,
            dead_letters=dead_letters,
            clock=sender.clock,
            sleep=sender.sleep,
        )

    def _maker(self, new_id: Literal["uuid4"] | Derived | NewId) -> NewId | None:
        if new_id == "uuid4":
            return None
        return new_id.within(self.name) if isinstance(new_id, Derived) else new_id
