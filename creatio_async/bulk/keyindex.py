"""Where a key stands among many: a hash table of numbers, in 6 to 8 bytes for each key."""

from array import array
from collections.abc import Iterator
from struct import Struct

__all__ = ["KEY", "KeyIndex"]

KEY = 16
"""Bytes of a key."""
_KEYS = Struct(f"{KEY}s")
_NONE = -1


class KeyIndex:
    """Finds the numbers of keys, which lie one after another in a bytearray.

    Keys whose hashes end alike are a chain: the last one is known, and each knows the one before.
    """

    def __init__(self, keys: bytearray) -> None:
        """Take in all of *keys*; there must come no more while it is in use."""
        count = len(keys) // KEY
        self._keys = keys
        self._mask = (1 << count.bit_length()) // 2 - 1 if count else 0
        self._last = last = array("i", [_NONE]) * (self._mask + 1)
        self._before = before = array("i")
        mask, note = self._mask, before.append
        with memoryview(keys) as view:
            for number, key in enumerate(_KEYS.iter_unpack(view)):
                end = hash(key) & mask
                note(last[end])
                last[end] = number

    def find(self, key: bytes) -> list[int]:
        """Return the numbers of *key*, in their order."""
        number = self._last[hash((key,)) & self._mask]
        found: list[int] = []
        while number != _NONE:
            if self._key(number) == key:
                found.append(number)
            number = self._before[number]
        return found[::-1]

    def repeated(self) -> Iterator[list[int]]:
        """Give the numbers of each key that is there more than once."""
        told: set[bytes] = set()
        for number in self._suspects():
            key = self._key(number)
            if key not in told and len(numbers := self.find(key)) > 1:
                told.add(key)
                yield numbers

    def _suspects(self) -> list[int]:
        """Return the numbers of keys of which another begins with the same 8 bytes."""
        found: list[int] = []
        before = self._before
        with memoryview(self._keys) as view, view.cast("q") as halves:
            for number, other in enumerate(before):
                at = other
                while at != _NONE:
                    if halves[2 * at] == halves[2 * number]:
                        found.append(number)
                        break
                    at = before[at]
        return found

    def _key(self, number: int) -> bytes:
        return bytes(self._keys[number * KEY : (number + 1) * KEY])
