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
        for number, before in enumerate(self._before):
            if before != _NONE and (key := self._key(number)) not in told:
                numbers = self.find(key)
                if len(numbers) > 1:
                    told.add(key)
                    yield numbers

    def _key(self, number: int) -> bytes:
        return bytes(self._keys[number * KEY : (number + 1) * KEY])
