"""The rows that are there, in as few bytes as can say what of them differs from a row."""

from array import array
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID

from attrs import define, field

from creatio_async.bulk.columns import column_of, guid_keys, marks, wholes
from creatio_async.bulk.comparing import is_marked
from creatio_async.bulk.keys import Key

__all__ = ["Standing"]

_ID = 16


@define(eq=False)
class Standing:
    """Rows by their keys: each has a number, under which columns of numbers tell its values.

    Of each row 16 bytes of its `Id`, 16 of its key, 8 of each column and 8 of all of them are kept:
    rows that are written alike need no look at their columns. A row that was taken is given once.
    """

    key: Key
    columns: tuple[str, ...]
    _numbers: dict[bytes, int] = field(init=False, factory=dict[bytes, int])
    _twice: dict[bytes, list[int]] = field(init=False, factory=dict[bytes, list[int]])
    _ids: bytearray = field(init=False, factory=bytearray)
    _wholes: "array[int]" = field(init=False)
    _marks: "list[array[int]]" = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._wholes = array("q")
        self._marks = [array("q") for _ in self.columns]

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in *rows* that are there; those without a key are nobody's business."""
        told = self.key.of_all(rows)
        keys = [key for key in told if key is not None]
        if len(keys) < len(rows):
            rows = [row for row, key in zip(rows, told, strict=True) if key is not None]
            if not rows:
                return
        self._ids += b"".join(keys if self.key.columns == ("Id",) else _ids_of(rows))
        values = [column_of(rows, name) for name in self.columns]
        for kept, column in zip(self._marks, values, strict=True):
            kept.extend(array("q", marks(column)))
        first = len(self._wholes)
        self._wholes.extend(array("q", wholes(values, len(rows))))
        numbers = range(first, first + len(rows))
        placed = list(map(self._numbers.setdefault, keys, numbers))
        if placed != [*numbers]:
            for key, number, there in zip(keys, numbers, placed, strict=True):
                if there != number:
                    self._twice.setdefault(key, [there]).append(number)

    def take_alike(
        self, keys: Sequence[bytes], columns: Sequence[Sequence[Any]]
    ) -> list[int | None]:
        """Take the rows that have *keys* and are written as *columns* are; return their numbers.

        None stands for a row that is not there, or there more than once, or written otherwise.
        """
        kept, numbers = self._wholes, self._numbers
        found = list(map(numbers.pop, keys, repeat(None)))
        told = wholes(columns, len(keys))
        if None not in found and not self._twice and [kept[at or 0] for at in found] == told:
            return found
        for at, whole in enumerate(told):
            number = found[at]
            if number is not None and (kept[number] != whole or keys[at] in self._twice):
                numbers[keys[at]], found[at] = number, None
        return found

    def take(self, key: bytes) -> list[int]:
        """Take the rows that have *key*: they are given no more. Return their numbers."""
        number = self._numbers.pop(key, None)
        several = self._twice.pop(key, None)
        return several or ([] if number is None else [number])

    def ids_of(self, key: bytes) -> list[str]:
        """Return the ids of the rows that have *key*."""
        number = self._numbers.get(key)
        several = self._twice.get(key, [] if number is None else [number])
        return list(map(self.id_of, several))

    def id_of(self, number: int) -> str:
        """Return the `Id` of a row."""
        digits = self._ids[number * _ID : (number + 1) * _ID].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def ids_of_all(self, numbers: Sequence[int | None]) -> list[str]:
        """Return the `Id` of each row; nothing for None."""
        return ["" if number is None else self.id_of(number) for number in numbers]

    def differing(self, number: int, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of *sent* the row *number* does not have, by what values mean."""
        return {
            name: sent[name]
            for name, kept in zip(self.columns, self._marks, strict=True)
            if name in sent and not is_marked(sent[name], kept[number])
        }

    def rest(self) -> list[str]:
        """Return the ids of the rows that were not taken."""
        left = [number for key, number in self._numbers.items() if key not in self._twice]
        left += [number for several in self._twice.values() for number in several]
        return list(map(self.id_of, left))


def _ids_of(rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    ids = column_of(rows, "Id")
    return guid_keys(ids) or [UUID(each).bytes for each in ids]
