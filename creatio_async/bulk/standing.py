"""The rows that are there, in as few bytes as can say what of them differs from a row."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from operator import length_hint
from typing import Any
from uuid import UUID

from attrs import define, field

from creatio_async.bulk.columns import PLAIN, Marks, column_of, columns_of, guids, wholes
from creatio_async.bulk.comparing import is_marked
from creatio_async.bulk.keyindex import KEY, KeyIndex
from creatio_async.bulk.keys import Key

__all__ = ["Standing"]

_VALUES = dict[str, Any].values
_BLOCK = 512
"""Rows that are taken in at once: what is made of them stays in the processor's caches."""


@define(eq=False)
class Standing:
    """Rows that are there: each has a number, under which columns tell its values.

    Of each row 16 bytes of its `Id`, 16 of another key, 8 of each column and 8 of all of them are
    kept, and one object for each row that was not taken yet: 64 bits that stand for what is written
    in it. A row of the input that is written alike takes it with a single look.
    """

    key: Key
    columns: tuple[str, ...]
    """Those that are compared, in the order in which the input has them."""
    _wholes: list[int] = field(init=False, factory=list[int])
    _taken: int = field(init=False, default=0)
    """Rows that were taken in their order, one after another, from the first."""
    _rest: set[int] | None = field(init=False, default=None)
    """The `wholes` of rows that were not taken, but for those that share a key; None as long as
    rows are taken in their order."""
    _ids: bytearray = field(init=False, factory=bytearray)
    _keys: bytearray = field(init=False)
    _marks: dict[str, Marks] = field(init=False)
    _index: KeyIndex | None = field(init=False, default=None)
    _twice: dict[int, list[int]] = field(init=False, factory=dict[int, list[int]])
    """Rows that share a key and were not taken, by the first of them."""

    def __attrs_post_init__(self) -> None:
        self._keys = self._ids if self.key.columns == ("Id",) else bytearray()
        self._marks = {name: Marks() for name in self.columns if name != "Id"}

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in *rows* that are there; those without a key are nobody's business."""
        for at in range(0, len(rows), _BLOCK):
            self._add(rows[at : at + _BLOCK])

    def _add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if self._keys is not self._ids:
            told = self.key.of_all(rows)
            keys = [key for key in told if key is not None]
            if len(keys) < len(rows):
                rows = [row for row, key in zip(rows, told, strict=True) if key is not None]
                if not rows:
                    return
            self._keys += b"".join(keys)
        ids = column_of(rows, "Id")
        self._ids += guids(ids) or b"".join([UUID(each).bytes for each in ids])
        values = {name: ids if name == "Id" else column_of(rows, name) for name in self.columns}
        for name, kept in self._marks.items():
            kept.add(values[name])
        self._wholes += wholes([*values.values()], len(rows))

    def complete(self) -> None:
        """Take note that all rows are there; several may have one key, unless it is the `Id`."""
        if self._keys is self._ids:
            return
        for several in self._indexed().repeated():
            self._twice[several[0]] = several
            self._open.difference_update([self._wholes[number] for number in several])

    @property
    def _open(self) -> set[int]:
        if self._rest is None:
            self._rest = set(islice(self._wholes, self._taken, None))
        return self._rest

    def told(self, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Return the `wholes` of *rows*, which have the columns that are compared, in their order.

        Where all values are texts or None, those are the hashes of the rows as they are. Bytes, or
        a member of an enumeration, may have the hash of a text that it is not sent as.
        """
        values = list(chain.from_iterable(map(_VALUES, rows)))
        if PLAIN.issuperset(map(type, values)):
            return list(map(hash, zip(*[iter(values)] * len(self.columns), strict=True)))
        return wholes(columns_of(rows, self.columns), len(rows))

    def others(self, told: Sequence[int]) -> Iterator[int]:
        """Take the rows of which the `wholes` are *told*; give the places of those without a row.

        Those that are given may be taken by their keys before the next one is asked for.
        """
        if self._follow(told):
            self._taken += len(told)
            return
        take, rest = self._open.remove, iter(told)
        while True:
            try:
                deque(map(take, rest), maxlen=0)
            except KeyError:
                yield len(told) - length_hint(rest) - 1
            else:
                return

    def _follow(self, told: Sequence[int]) -> bool:
        """Say whether those are the rows that come next, in the order in which they were read."""
        first = self._taken
        return self._rest is None and self._wholes[first : first + len(told)] == told

    def find(self, key: bytes) -> list[int]:
        """Return the numbers of the rows that have *key*, whether they were taken or not."""
        return self._indexed().find(key) if key else []

    def take(self, numbers: Sequence[int]) -> bool:
        """Take the rows that have one key; return False if they were taken before."""
        if len(numbers) > 1:
            return self._twice.pop(numbers[0], None) is not None
        whole = self._wholes[numbers[0]]
        is_there = whole in self._open
        self._open.discard(whole)
        return is_there

    def id_of(self, number: int) -> str:
        """Return the `Id` of a row."""
        digits = self._ids[number * KEY : (number + 1) * KEY].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def differing(self, number: int, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of *sent* the row *number* does not have, by what values mean."""
        return {
            name: sent[name]
            for name, kept in self._marks.items()
            if name in sent and not is_marked(sent[name], kept[number])
        }

    def rest(self) -> list[str]:
        """Return the ids of the rows that were not taken."""
        later = enumerate(islice(self._wholes, self._taken, None), self._taken)
        left = [number for number, whole in later if self._rest is None or whole in self._rest]
        left += [number for several in self._twice.values() for number in several]
        return list(map(self.id_of, left))

    def _indexed(self) -> KeyIndex:
        if self._index is None:
            self._index = KeyIndex(self._keys)
        return self._index
