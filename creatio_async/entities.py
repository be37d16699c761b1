"""Entity sets: a query that asks for all of it, and what changes its rows."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from attrs import frozen

from creatio_async.bulk.creates import Creates
from creatio_async.bulk.job import Job
from creatio_async.bulk.report import Progress
from creatio_async.errors import (
    ConflictError,
    CreatioError,
    ResponseError,
    TransportError,
)
from creatio_async.protocol.odata.spec import QuerySpec, Row, as_columns, as_expands
from creatio_async.protocol.retry import Repeat, is_doubtful
from creatio_async.protocol.values import check_row, dumps_rows, same_value
from creatio_async.query import Query
from creatio_async.rows import with_id

__all__ = ["EntitySet"]


@frozen(eq=False)
class EntitySet(Query):
    """The rows of one kind, by the name of their schema: ``crm.odata["Contact"]``.

    It is the query that asks for all of them, so it can be awaited, iterated and narrowed like
    any other; and it reads, adds, changes and deletes single rows and many.
    """

    async def get(
        self, key: UUID | str, *, select: Sequence[str] = (), expand: Sequence[str] = ()
    ) -> Row:
        """Return the row whose `Id` is *key*.

        Args:
            key: A UUID, or a string in guid form.
            select: The columns to read; none of them means all.
            expand: Navigation properties whose rows are put into the row.

        Raises:
            NotFoundError: There is no such row.
        """
        spec = QuerySpec(select=as_columns(select), expand=as_expands(expand))
        return await self._service.get(self.name, key, spec)

    async def create(self, row: Mapping[str, Any]) -> Row:
        """Add *row*; return it as the server has it, with its defaults.

        `Id` is filled in with a new UUID where *row* has none, so that the create cannot happen
        twice: after a lost answer or a 5xx the row is looked up, and it is sent again, with the
        same `Id`, only if no answer came and it is not there.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, or `Id` is
                no UUID. Nothing was sent.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
            ConflictError: The `Id`, or another key, is taken.
            ResponseError: Creatio refused. What a 5xx left behind was looked up: nothing.
            TransportError: No answer came. A note on it says what is known.
        """
        place = f"create {self.name}"
        body = with_id(row, place)
        check_row(body, place)
        encoded = dumps_rows(body, lambda: [(place, body)], bodies=0)
        sender = self._service.sender
        started, attempt, doubt = sender.clock(), 0, False
        while True:
            attempt += 1
            try:
                saved = await self._service.insert(self.name, encoded)
            except (TransportError, ResponseError) as error:
                if not (is_doubtful(error) or (doubt and isinstance(error, ConflictError))):
                    raise
                found = await self._look_up(body["Id"], error)
                if found is not None and ("Id" not in row or _holds(found, body)):
                    return found
                is_there = "is there, with other values" if found is not None else "is not there"
                error.add_note(f"the row {body['Id']} {is_there}")
                wait = None
                if found is None and isinstance(error, TransportError):
                    wait = sender.retry.wait(
                        error,
                        repeat=Repeat.IDEMPOTENT,
                        attempt=attempt,
                        elapsed=sender.clock() - started,
                    )
                if wait is None:
                    raise
                doubt = True
                await sender.sleep(wait)
            else:
                return saved if saved is not None else await self.get(body["Id"])

    async def update(self, key: UUID | str, values: Mapping[str, Any]) -> None:
        """Change the fields in *values* of the row whose `Id` is *key*. The last write wins.

        Raises:
            ValueError: A value has no place in OData, or a navigation property is set.
            TypeError: *values* is no mapping, or holds a value of a type that OData does not have.
            NotFoundError: There is no such row.
        """
        place = f"update {self.name}"
        check_row(values, place)
        body = dumps_rows(dict(values), lambda: [(place, values)], bodies=0)
        await self._service.update(self.name, key, body)

    async def delete(self, key: UUID | str) -> None:
        """Delete the row whose `Id` is *key*.

        Raises:
            NotFoundError: There is no such row. Where an answer was lost and the repeat finds no
                row, the delete has happened.
        """
        await self._service.delete(self.name, key)

    def create_many(
        self,
        rows: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        at_once: int = 4,
        batch_size: int = 100,
        max_bytes: int = 900_000,
        continue_on_error: bool = True,
        new_id: Literal["uuid4"] | Callable[[Mapping[str, Any]], UUID | str] = "uuid4",
        return_rows: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> Job:
        """Add any number of rows through ``$batch``, several batches at once.

        ``await`` the job for its report, or enter it for the outcomes, one for each row::

            report = await cities.create_many(rows)

            async with cities.create_many(rows) as outcomes:
                async for outcome in outcomes: ...

        Args:
            rows: An iterable or async iterable of any length; read no faster than it is sent.
            at_once: Batches under way at once.
            batch_size: Rows in a batch, 1 to 100.
            max_bytes: Bytes of a request at most; what is more is split.
            continue_on_error: Go on within a batch after a row that fails. Without it the rows
                after one that fails are `State.NOT_RUN`, in its batch.
            new_id: How a row without `Id` gets one: at random, or by a function of the row.
            return_rows: Fill `Outcome.saved` with the rows as the server has them.
            progress: Called with a `Progress`, at most every half second and at the end.

        Raises:
            ValueError: An option is out of bounds.
        """
        plan = Creates(
            self._service,
            self.name,
            max_bytes=max_bytes,
            continue_on_error=continue_on_error,
            new_id=None if new_id == "uuid4" else new_id,
            return_rows=return_rows,
        )
        return Job(plan, rows, at_once=at_once, batch_size=batch_size, progress=progress)

    async def _look_up(self, key: str, error: CreatioError) -> Row | None:
        try:
            return await self._service.find(self.name, key)
        except CreatioError as failure:
            error.add_note(f"whether the row {key} was written is unknown: {failure}")
            raise error from failure


def _holds(found: Row, sent: Mapping[str, Any]) -> bool:
    return all(name in found and same_value(value, found[name]) for name, value in sent.items())
