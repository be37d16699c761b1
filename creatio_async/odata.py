"""The OData service of a site: entity sets by name, batches, any address, and what there is."""

import os
from collections.abc import AsyncIterable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from attrs import define

from creatio_async.batch.batch import Batch
from creatio_async.bulk.changes import Create, Delete, Mixed, Update
from creatio_async.bulk.job import Job
from creatio_async.bulk.options import JobOptions
from creatio_async.bulk.order import Order
from creatio_async.bulk.report import Progress
from creatio_async.entities import EntitySet
from creatio_async.metadata import read_metadata
from creatio_async.models.codec import set_of
from creatio_async.protocol.batch.operations import Format
from creatio_async.protocol.names import check_name
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.odata.spec import QuerySpec, RowT
from creatio_async.protocol.pace import AT_ONCE, Adaptive
from creatio_async.service import Service
from creatio_async.uris import UriQuery

if TYPE_CHECKING:
    from creatio_async.unit_of_work.ids import NewIds
    from creatio_async.unit_of_work.work import UnitOfWork

__all__ = ["OData"]

_Operation = Create | Update | Delete


@define(eq=False, repr=False)
class OData:
    """OData 4: ``crm.odata``."""

    _service: Service

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._service.root}>"

    @overload
    def __getitem__(self, name: str) -> EntitySet: ...
    @overload
    def __getitem__(self, name: type[RowT]) -> EntitySet[RowT]: ...
    def __getitem__(self, name: str | type[Any]) -> EntitySet[Any]:
        """Return the entity set of the schema *name*; nothing is sent.

        Of a class, it is the set that the class says it is for, with rows that are its objects.

        Raises:
            ValueError: *name* is no identifier.
            TypeError: *name* is neither a string nor a class for rows; or the type of a field of
                the class is none that a column can have.
        """
        entity_set, codec = set_of(name)
        return EntitySet(self._service, check_name(entity_set, "entity set"), QuerySpec(), codec)

    def batch(
        self,
        *,
        continue_on_error: bool = True,
        format: Format | None = None,  # noqa: A002
    ) -> Batch:
        """Return an empty batch; fill it, then ``await batch.send()``.

        Args:
            continue_on_error: Go on after an operation that fails. Without it the operations
                after the first failure are not run.
            format: How it travels: ``"json"``, or ``"multipart"`` (multipart/mixed). None is JSON
                in OData 4.

        Raises:
            ValueError: There is no such format.
        """
        return Batch(self._service, continue_on_error=continue_on_error, format=format)

    def unit_of_work(
        self,
        *,
        new_id: "NewIds" = "uuid4",
        format: Format | None = None,  # noqa: A002
        max_bytes: int | None = None,
    ) -> "UnitOfWork":
        """Return a unit of work, which follows rows and saves what was changed in them.

        As a context manager it saves when its block ends well; nothing is sent before.

        Args:
            new_id: How a new row without `Id` gets one: at random, by `derived` from some of its
                columns, by a function of the row, or, as ``"server"``, from the server. After a
                lost answer rows of the first three kinds are looked up; of the last nothing is
                known then.
            format: How change sets travel: ``"json"``, or ``"multipart"`` (multipart/mixed). None
                is JSON in OData 4.
            max_bytes: Bytes of a request at most. None is 30,000,000 for one change set, which a
                server takes as it is shipped, and 900,000 for each where there may be several.

        Raises:
            ValueError: There is no such *new_id* or *format*, or *max_bytes* is no number of them.
        """
        from creatio_async.unit_of_work.work import UnitOfWork  # noqa: PLC0415 - most have no use for it

        return UnitOfWork(self._service, new_id=new_id, format=format, max_bytes=max_bytes)

    def write_many(
        self,
        operations: Iterable[_Operation] | AsyncIterable[_Operation],
        *,
        at_once: int | Adaptive = AT_ONCE,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        format: Format | None = None,  # noqa: A002
        atomic: bool = False,
        continue_on_error: bool = True,
        order: Order = "key",
        return_rows: bool = False,
        dead_letters: str | os.PathLike[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        fsync: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
        """Carry out any number of operations of any kind, on any entity sets.

        They are `Create`, `Update` and `Delete`, and each is an `Outcome.row`. What concerns one
        row is carried out in the order in which it comes; batches run beside each other, so
        nothing is said about the order of what concerns different rows.

        Options that are not told of here are those of `EntitySet.create_many`. With *order* as
        ``"none"`` or ``"input"`` operations on one row may overtake each other.

        Raises:
            ValueError: An option is out of bounds.
        """
        plan = Mixed(
            self._service,
            max_bytes=max_bytes,
            format=format,
            is_atomic=atomic,
            continue_on_error=continue_on_error,
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
        return options.job(self._service, plan, operations)

    def read(self, uri: str) -> UriQuery:
        """Return a query for the rows at *uri*; nothing is sent.

        Args:
            uri: Relative to the service, such as ``Contact?$top=5``; or absolute, within it.

        Raises:
            ValueError: It leads out of the service; raised when the query is run.
        """
        return UriQuery(self._service, uri)

    async def metadata(self, *, cache: str | os.PathLike[str] | None = None) -> Schema:
        """Return the schema of the service: types, columns, lookups, entity sets.

        Nothing else here needs it. A large site has a few megabytes of it.

        Args:
            cache: A file that keeps the document. It is read instead of the site as long as the
                site's own hash of its configuration stays the same; a site that tells none is
                asked each time.

        Raises:
            UnexpectedResponseError: The answer is no ``$metadata``.
            OSError: The file cannot be written.
        """
        service = self._service
        path = None if cache is None else Path(cache)
        return await read_metadata(service.sender, service.dialect.service, path)

    async def entity_sets(self) -> list[str]:
        """Return the names of the entity sets, in the order of the service."""
        return await self._service.entity_sets()
