"""An entity set, or a part of it, made the same as the input, with as few writes as possible."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import compress, count, repeat
from operator import not_
from typing import Any, ClassVar, Literal

from attrs import define, field

from creatio_async.bulk.columns import columns_of, guid_keys
from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.matching import Matching
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.standing import Standing
from creatio_async.bulk.verbs import OnDelete
from creatio_async.outcomes import State
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

    within: Within | None = field(kw_only=True, default=None)
    deletes: bool = field(kw_only=True, default=False)
    _deleted: OnDelete = field(init=False)
    _columns: tuple[str, ...] | None = field(init=False, default=None)
    _names: frozenset[str] = field(init=False, default=frozenset())
    _standing: Standing = field(init=False)
    _loading: asyncio.Lock = field(init=False, factory=asyncio.Lock)
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

    def _entry(self, index: int, given: Any) -> Entry:
        entry = super()._entry(index, given)
        row: Mapping[str, Any] = entry.operation.body or {}
        if self._columns is None:
            self._columns = tuple(name for name in row if name != "Id")
            self._names = frozenset(("Id", *self._columns))
        if not row.keys() <= self._names:
            strange = sorted(row.keys() - self._names)
            raise ValueError(
                f"row {index}: the first row does not have the column {', '.join(strange)}, "
                "and what is compared are the columns of the first row"
            )
        return entry

    def _has_no_key(self) -> None:
        self._is_sure = False  # the row that it stands for would seem to be missing

    async def resolve(self, entries: list[Entry]) -> None:
        """Put ids in the place of names, of which the ids of rows to delete have none.

        Raises:
            AuthenticationError: The login was refused.
        """
        if not self._is_over:
            await super().resolve(entries)

    async def sift(self, entries: list[Entry]) -> None:
        """Find out which of *entries* are there, and which hold what they should.

        Raises:
            ResponseError: The rows that are there cannot be read.
            TransportError: The rows that are there cannot be read.
        """
        if self._is_over:
            return
        async with self._loading:
            if not self._is_loaded:
                await self._load()
                self._is_loaded = True
        strange: list[Entry] = []
        for entry in entries:
            key = entry.key
            if not is_open(entry.outcome) or (
                entry.is_in_doubt and self.was_added(entry, self._standing.ids_of(key))
            ):
                self._standing.take(key)  # it is neither compared nor deleted
            elif found := self._standing.take(key):
                self._compare(entry, found)
            elif self.within is None or self.within is ALL:
                self.add(entry)
            else:
                strange.append(entry)
        await self.match(strange)  # a row may be there, and not within

    def _compare(self, entry: Entry, found: Sequence[int]) -> None:
        outcome = entry.outcome
        if len(found) > 1:
            outcome.state = State.CONFLICT
            outcome.error = ValueError(f"row {outcome.index}: {len(found)} rows have this key")
            return
        number, sent = found[0], entry.operation.body or {}
        differs = partial(self._standing.differing, number, sent)
        self.change(entry, self._standing.id_of(number), differs)

    async def _load(self) -> None:
        self._standing = Standing(self.key, self._columns or ())
        query = Query(self.service, self.name).select(
            *dict.fromkeys(("Id", *self.key.columns, *self._standing.columns))
        )
        if self.within is not None and self.within is not ALL:
            query = query.where(self.within)
        async for page in query.pages(count=False):
            self.meter.requests += 1
            self.meter.bytes_received += page.size
            self._standing.add(page.rows)

    def settle_alike(
        self, first: int, rows: Sequence[Any]
    ) -> tuple[list[Outcome], list[Entry]] | None:
        """Settle the rows that are there, and written alike; return the others as entries.

        None if that cannot be told of *rows* together: they are of several shapes, or not all of
        them are fine.
        """
        if not self._is_loaded or self._is_over or self.resolver is not None:
            return None
        if not self._shapes.are_alike(rows) or not self._has_all_columns(rows[0]):
            return None
        try:
            values = columns_of(rows, (*self._standing.columns, *rows[0].keys() & {"Id"}))
        except KeyError:
            return None
        ids = values.pop() if "Id" in rows[0] else None
        keys = self._keys_of(rows, ids)
        if keys is None or not self._seen.isdisjoint(keys):
            return None
        found = self._standing.take_alike(keys, values)
        is_alike = [number is not None for number in found]
        self._seen.update(compress(keys, is_alike))
        outcomes: Iterable[Outcome] = map(
            Outcome,
            compress(count(first), is_alike),
            repeat(self.kind),
            compress(rows, is_alike),
            compress(ids or self._standing.ids_of_all(found), is_alike),
            repeat(State.UNCHANGED),
        )
        others = compress(enumerate(rows, first), map(not_, is_alike))
        return list(outcomes), [self._entry(index, row) for index, row in others]

    def _has_all_columns(self, row: Mapping[str, Any]) -> bool:
        return row.keys() | {"Id"} == self._names

    def _keys_of(self, rows: Sequence[Any], ids: Sequence[Any] | None) -> list[bytes] | None:
        """Return the keys of *rows*; None if one has none, or an `Id` has to be looked at."""
        if ids is not None:
            return guid_keys(ids) if self.key.columns == ("Id",) else None
        keys = [key for key in self.key.of_all(rows) if key is not None]
        return keys if len(keys) == len(rows) else None

    def rest(self) -> Sequence[str]:
        """Return the ids of the rows that are there, and not in the input, if they are to go."""
        if not self.deletes or not self._is_sure:
            return ()
        self._is_over = True
        ids = self._standing.rest()
        self._standing = Standing(self.key, ())
        return ids
