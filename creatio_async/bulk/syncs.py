"""An entity set, or a part of it, made the same as the input, with as few writes as possible."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Literal

from attrs import define, field

from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.matching import Matching
from creatio_async.bulk.report import Outcome, Unchanged
from creatio_async.bulk.shapes import have_columns
from creatio_async.bulk.standing import Standing
from creatio_async.bulk.verbs import OnDelete
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.protocol.odata.nodes import Condition
from creatio_async.query import Query

__all__ = ["ALL", "Syncs", "Within"]


class _All(Enum):
    ALL = "all rows of the set"


ALL = _All.ALL
"""Every row of an entity set."""

Within = Condition | str | Literal[_All.ALL]


@define(eq=False)
class Syncs(Matching):
    """The plan of a job that makes rows the same as the input.

    What is there is kept as `Standing`. Once it is, most rows need no more than a look whether they
    are written as there: the others are what work is done for.
    """

    kind: ClassVar[str] = "sync"
    window: ClassVar[int] = 500

    within: Within | None = field(kw_only=True, default=None)
    deletes: bool = field(kw_only=True, default=False)
    _deleted: OnDelete = field(init=False)
    _columns: tuple[str, ...] | None = field(init=False, default=None)
    """Those of the first row."""
    _standing: Standing = field(init=False)
    _is_loaded: bool = field(init=False, default=False)
    _is_sure: bool = field(init=False, default=True)
    _is_over: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.deletes and self.within is None:
            raise ValueError(
                "delete_missing takes within=: the condition of the rows that may be deleted, "
                "or ALL for every row of the set"
            )
        self._standing = Standing(self.key, ())
        self._deleted = OnDelete(self.service.dialect, self.name)

    def identity(self) -> dict[str, Any]:
        """Return what tells this job from others of the site."""
        within = None if self.within is None else str(self.within)
        return {**super().identity(), "within": within, "delete_missing": self.deletes}

    def prepare(self, first: int, rows: Sequence[Any], ids: Sequence[str] = ()) -> list[Entry]:
        """Return an entry for each of *rows*; for the ids of rows to delete, after the input.

        Raises:
            TypeError: A row is no mapping.
            ValueError: An `Id` is no UUID, or a row has a column that the first one has not.
        """
        if self._is_over:
            return [self._deletion(key) for key in rows]
        return super().prepare(first, rows, ids)

    def _deletion(self, key: str) -> Entry:
        verb = self._deleted
        return Entry(Outcome(-1, "delete", key, key), verb.operation(key), verb)

    def _read(self, index: int, given: Any) -> tuple[Outcome, dict[str, Any]]:
        outcome, own = super()._read(index, given)
        if self._columns is None:
            self._columns = tuple(own)
        if strange := own.keys() - {"Id", *self._columns}:
            names = ", ".join(sorted(strange))
            raise ValueError(
                f"row {index}: the first row does not have the column {names}, "
                "and what is compared are the columns of the first row"
            )
        return outcome, own

    def _is_first(self, key: bytes) -> bool:
        numbers = self._standing.find(key)
        return self._standing.take(numbers) if numbers else super()._is_first(key)

    def _has_no_key(self) -> None:
        self._is_sure = False  # the row that it stands for would seem to be missing

    async def resolve(self, entries: list[Entry]) -> None:
        """Put ids in the place of names, of which the ids of rows to delete have none.

        Raises:
            AuthenticationError: The login was refused.
        """
        if not self._is_over:
            await super().resolve(entries)

    async def begin(self, first: int, rows: Sequence[Any]) -> None:
        """Read what is there, before the first *rows* are prepared.

        Raises:
            TypeError: The first row is no mapping.
            ValueError: Its `Id` is no UUID, or a key is no column.
            ResponseError: The rows that are there cannot be read.
            TransportError: The rows that are there cannot be read.
        """
        if self._is_loaded:
            return
        self._read(first, rows[0])
        columns = dict.fromkeys((*(self._columns or ()), *self.key.columns))
        self._standing = Standing(self.key, tuple(columns))
        query = Query(self.service, self.name).select(
            *dict.fromkeys(("Id", *self.key.columns, *columns))
        )
        if self.within is not None and self.within is not ALL:
            query = query.where(self.within)
        async for page in query.pages(count=False):
            self.meter.requests += 1
            self.meter.bytes_received += page.size
            self._standing.add(page.rows)
        self._standing.complete()
        self._is_loaded = True

    async def sift(self, entries: list[Entry]) -> None:
        """Find out which of *entries* are there, and which hold what they should.

        Raises:
            AuthenticationError: The login was refused.
        """
        if self._is_over:
            return
        strange: list[Entry] = []
        for entry in entries:
            numbers = self._standing.find(entry.key)
            if not is_open(entry.outcome) or (
                entry.is_in_doubt and self.was_added(entry, map(self._standing.id_of, numbers))
            ):
                continue
            if numbers:
                self._compare(entry, numbers)
            elif self.within is None or self.within is ALL:
                self.add(entry)
            else:
                strange.append(entry)
        for at in range(0, len(strange), MAX_OPERATIONS):  # a row may be there, and not within
            await self.match(strange[at : at + MAX_OPERATIONS])

    def _compare(self, entry: Entry, numbers: Sequence[int]) -> None:
        outcome = entry.outcome
        if len(numbers) > 1:
            outcome.state = State.CONFLICT
            outcome.error = ValueError(f"row {outcome.index}: {len(numbers)} rows have this key")
            return
        number, sent = numbers[0], entry.operation.body or {}
        differs = partial(self._standing.differing, number, sent)
        self.change(entry, self._standing.id_of(number), differs)

    def settle_alike(
        self, first: int, rows: Sequence[Any]
    ) -> tuple[Sequence[Outcome], list[Entry]] | None:
        """Settle the rows that are there, and written alike; return the others as entries.

        None if that cannot be told of *rows* together: they have not the columns of the first row
        and of the key.
        """
        standing, columns = self._standing, self._standing.columns
        is_ready = self._is_loaded and not self._is_over and self.resolver is None
        if not is_ready or not have_columns(rows, columns):
            return None
        told = standing.told(rows)
        entries = [self._entry(first + at, rows[at]) for at in standing.others(told)]
        places: Sequence[int] = range(first, first + len(rows))
        if entries:
            others = {entry.outcome.index for entry in entries}
            places = [at for at in places if at not in others]
            rows = [rows[at - first] for at in places]
        return Unchanged(places, self.kind, rows, partial(self._ids_of, standing, rows)), entries

    def _ids_of(self, standing: Standing, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the ids of *rows*, which are there, and written alike."""
        if "Id" in standing.columns:
            return [row["Id"] for row in rows]
        return [standing.id_of(standing.find(key or b"")[0]) for key in self.key.of_all(rows)]

    def rest(self) -> Sequence[str]:
        """Return the ids of the rows that are there, and not in the input, if they are to go."""
        if not self.deletes or not self._is_sure:
            return ()
        self._is_over = True
        ids = self._standing.rest()
        self._standing = Standing(self.key, ())
        return ids
