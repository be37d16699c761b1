"""Any number of rows of an entity set at once, through pipelines of ``$batch``."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from os import PathLike
from typing import Any, Literal
from uuid import UUID

from attrs import frozen

from creatio_async.bulk.changes import Deletes, Updates
from creatio_async.bulk.creates import Creates, NewId, as_maker, kind_of
from creatio_async.bulk.derived import Derived
from creatio_async.bulk.job import Job
from creatio_async.bulk.lookups import Lookup
from creatio_async.bulk.options import JobOptions
from creatio_async.bulk.order import Order
from creatio_async.bulk.report import Progress
from creatio_async.bulk.resolving import with_lookups
from creatio_async.bulk.verbs import IfExists
from creatio_async.bulk.writer import Writer
from creatio_async.protocol.batch.operations import Format
from creatio_async.protocol.odata.spec import RowT
from creatio_async.protocol.pace import AT_ONCE, Adaptive
from creatio_async.syncing import Syncing

__all__ = ["Many"]

_Rows = Iterable[RowT | Mapping[str, Any]] | AsyncIterable[RowT | Mapping[str, Any]]


@frozen(eq=False)
class Many(Syncing[RowT]):
    """What writes any number of rows of an entity set.

    Each call returns a `Job`, which runs once: await it for its `Report`, or enter it for one
    `Outcome` for each row. The calls have most of their options in common; `create_many` tells
    of them.
    """

    def create_many(
        self,
        rows: _Rows[RowT],
        *,
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "none",
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        if_exists: IfExists = "conflict",
        return_rows: bool = False,
        lookups: Mapping[str, Lookup] | None = None,
        dead_letters: str | PathLike[str] | None = None,
        journal: str | PathLike[str] | None = None,
        fsync: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job[RowT]:
        """Add any number of rows through ``$batch``, several batches at once.

        ``await`` the job for its report, or enter it for the outcomes, one for each row::

            report = await cities.create_many(rows)

            async with cities.create_many(rows) as outcomes:
                async for outcome in outcomes: ...

        Args:
            rows: An iterable or async iterable of any length; read no faster than it is sent.
            at_once: Batches under way at once: as many as the site gains by, which is found out
                while they run, or a number. A quarter of the client's `Limits.at_once` is left to
                single calls, in any case.
            batch_size: Rows in a batch, 1 to 100.
            max_bytes: Bytes of a request at most; what is more is split.
            format: How a batch travels: ``"json"``, or ``"multipart"`` (multipart/mixed). None
                is JSON in OData 4.
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
            lookups: Columns in which rows have the name of the row that they refer to, and how it
                is found: ``{"CountryId": lookup("Country", by="Name")}``.
            dead_letters: A file, written anew, for each row whose outcome is not `ok`;
                `read_dead_letters` reads it.
            journal: A file in which the job writes what it does: a run that was killed goes on
                where it stopped when the same call is made with the same file and the same rows.
                `read_journal` reads it.
            fsync: Let nothing be sent before the disk has what the journal says of it: then it
                survives the machine, too.
            progress: Called with a `Progress`, at most every half second and at the end.

        Raises:
            ValueError: An option is out of bounds, or *lookups* are given with *atomic*.
        """
        plan = Creates(
            self._service,
            name=self.name,
            max_bytes=max_bytes,
            format=format,
            is_atomic=atomic,
            continue_on_error=continue_on_error,
            new_id=as_maker(new_id, self.name),
            id_kind=kind_of(new_id),
            if_exists=if_exists,
            return_rows=return_rows,
        )
        options = JobOptions(
            at_once=at_once,
            batch_size=batch_size,
            order=order,
            dead_letters=dead_letters,
            journal=journal,
            fsync=fsync,
            progress=progress,
        )
        return options.job(self._service, with_lookups(plan, lookups), rows, self.codec)

    def update_many(
        self,
        rows: _Rows[RowT],
        *,
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "none",
        lookups: Mapping[str, Lookup] | None = None,
        dead_letters: str | PathLike[str] | None = None,
        journal: str | PathLike[str] | None = None,
        fsync: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job[RowT]:
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
        options = JobOptions(
            at_once=at_once,
            batch_size=batch_size,
            order=order,
            dead_letters=dead_letters,
            journal=journal,
            fsync=fsync,
            progress=progress,
        )
        return options.job(self._service, with_lookups(plan, lookups), rows, self.codec)

    def delete_many(
        self,
        keys: Iterable[UUID | str] | AsyncIterable[UUID | str],
        *,
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "none",
        dead_letters: str | PathLike[str] | None = None,
        journal: str | PathLike[str] | None = None,
        fsync: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job[RowT]:
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
        options = JobOptions(
            at_once=at_once,
            batch_size=batch_size,
            order=order,
            dead_letters=dead_letters,
            journal=journal,
            fsync=fsync,
            progress=progress,
        )
        return options.job(self._service, plan, keys)

    def writer(
        self,
        *,
        linger: float = 0.05,
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        new_id: Literal["uuid4"] | Derived | NewId = "uuid4",
        if_exists: IfExists = "conflict",
        return_rows: bool = False,
    ) -> Writer[RowT]:
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
            new_id=as_maker(new_id, self.name),
            id_kind=kind_of(new_id),
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
            longest=sender.gate.longest,
            codec=self.codec,
        )
