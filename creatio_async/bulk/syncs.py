"""An entity set, or a part of it, made the same as the input, with as few writes as possible."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum
from struct import Struct
from typing import Any, ClassVar, Literal

from attrs import define, field
from orjson import dumps

from creatio_async.bulk.comparing import is_marked, mark
from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.matching import Matching
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.verbs import OnDelete
from creatio_async.outcomes import State
from creatio_async.protocol.odata.nodes import Condition
from creatio_async.query import Query

__all__ = ["ALL", "Syncs", "Within"]

_GUID = 16


class _All(Enum):
    ALL = "all rows of the set"


ALL = _All.ALL
"""Every row of an entity set."""

Within = Condition | str | Literal[_All.ALL]


@define(eq=False)
class Syncs(Matching):
    """The plan of a job that makes rows the same as the input.

    Of each row that is there, 16 bytes of its `Id`, 16 of its key, 8 of each column and 8 of all of
    them are kept: rows that are written alike need no look at their columns.
    """

    kind: ClassVar[str] = "sync"

    within: Within | None = field(kw_only=True, default=None)
    deletes: bool = field(kw_only=True, default=False)
    _deleted: OnDelete = field(init=False)
    _columns: tuple[str, ...] | None = field(init=False, default=None)
    _names: frozenset[str] = field(init=False, default=frozenset())
    _packing: Struct = field(init=False, default=Struct(""))
    """How the id of a row and the marks of its columns are kept."""
    _there: dict[bytes, bytes] = field(init=False, factory=dict[bytes, bytes])
    _twice: dict[bytes, list[bytes]] = field(init=False, factory=dict[bytes, list[bytes]])
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
            self._packing = Struct(f"{_GUID}s{1 + len(self._columns)}q")
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
                entry.is_in_doubt and self.was_added(entry, self._ids_of(key))
            ):
                self._pop(key)
            elif key in self._twice:
                count = len(self._twice.pop(key))
                entry.outcome.state = State.CONFLICT
                entry.outcome.error = ValueError(
                    f"row {entry.outcome.index}: {count} rows have this key"
                )
            elif key in self._there:
                self._compare(entry, self._there.pop(key))
            elif self.within is None or self.within is ALL:
                self.add(entry)
            else:
                strange.append(entry)
        await self.match(strange)  # a row may be there, and not within

    def _ids_of(self, key: bytes) -> list[str]:
        """Return the ids of the rows that have *key*."""
        one = self._there.get(key)
        several = self._twice.get(key, []) if one is None else [one]
        return [_text(each[:_GUID]) for each in several]

    def _pop(self, key: bytes) -> None:
        """Let the rows that have *key* be neither compared nor deleted."""
        self._there.pop(key, None)
        self._twice.pop(key, None)

    def _compare(self, entry: Entry, kept: bytes) -> None:
        sent = entry.operation.body or {}
        key, whole, *marks = self._packing.unpack(kept)

        def differs() -> dict[str, Any]:
            if whole and self._whole(sent) == whole:
                return {}
            return {
                name: sent[name]
                for name, theirs in zip(self._columns or (), marks, strict=True)
                if name in sent and not is_marked(sent[name], theirs)
            }

        self.change(entry, _text(key), differs)

    def _whole(self, row: Mapping[str, Any]) -> int:
        """Return a mark of all columns: rows with the same one, but for 0, are written alike."""
        try:
            values = [row[name] for name in self._columns or ()]
            text = dumps(values)
        except (KeyError, TypeError):
            return 0
        is_sure = b"null" not in text or text.count(b"null") == values.count(None)  # no NaN
        return hash(text) if is_sure else 0

    async def _load(self) -> None:
        columns, pack = self._columns or (), self._packing.pack
        query = Query(self.service, self.name).select(
            *dict.fromkeys(("Id", *self.key.columns, *columns))
        )
        if self.within is not None and self.within is not ALL:
            query = query.where(self.within)
        async for page in query.pages(count=False):
            self.meter.requests += 1
            self.meter.bytes_received += page.size
            for row in page.rows:
                key = self.key.of(row)
                if key is None:
                    continue
                own = bytes.fromhex(row["Id"].replace("-", ""))
                kept = pack(own, self._whole(row), *[mark(row.get(name)) for name in columns])
                if key in self._twice:
                    self._twice[key].append(kept[:_GUID])
                elif (other := self._there.pop(key, None)) is not None:
                    self._twice[key] = [other[:_GUID], kept[:_GUID]]
                else:
                    self._there[key] = kept

    def rest(self) -> Sequence[str]:
        """Return the ids of the rows that are there, and not in the input, if they are to go."""
        if not self.deletes or not self._is_sure:
            return ()
        self._is_over = True
        ids = [kept[:_GUID] for kept in self._there.values()]
        ids += [each for several in self._twice.values() for each in several]
        self._there.clear()
        return [_text(each) for each in ids]


def _text(key: bytes) -> str:
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
