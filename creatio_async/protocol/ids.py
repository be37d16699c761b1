"""Ids made by the client: what makes a create safe to look up, and to send again."""

import os
from binascii import hexlify
from hashlib import shake_128
from struct import Struct
from typing import Protocol

__all__ = ["MakeIds", "SeededIds", "new_ids", "random_ids"]

_VERSION_4 = bytes(0x40 | byte & 0x0F for byte in range(256))
_VARIANT_1 = bytes(0x80 | byte & 0x3F for byte in range(256))
"""What becomes of the bytes 6 and 8 of a UUID."""
_GROUPS = Struct("8s4s4s4s12s")
"""The digits between the hyphens."""
_BLOCK = 1_000
"""Ids that are made at once of a seed: beginning a hash costs as much as a hundred of them."""


class MakeIds(Protocol):
    """Makes ids for rows of an input."""

    def __call__(self, first: int, count: int) -> list[str]:
        """Return the ids of *count* rows, of which the first is number *first* of the input."""
        ...


def new_ids(count: int) -> list[str]:
    """Return *count* random UUIDs (version 4) as text: many at once cost an eighth of one each."""
    return _as_ids(os.urandom(16 * count))


def random_ids(first: int, count: int) -> list[str]:  # noqa: ARG001 - as for ids of a seed
    """Return *count* random UUIDs, wherever in the input the rows are."""
    return new_ids(count)


class SeededIds:
    """The ids of all rows of an input, made of a seed: the same for a row whenever it is asked for.

    They are UUIDs of version 4 as `new_ids` makes them, and as hard to guess as the seed.
    """

    def __init__(self, seed: bytes) -> None:
        """Keep *seed*, which is random, of 16 bytes at least, and used for one input only."""
        self._seed = seed
        self._block, self._pool = -1, b""

    def __call__(self, first: int, count: int) -> list[str]:
        """Return the ids of *count* rows, of which the first is number *first* of the input."""
        block, skipped = divmod(first, _BLOCK)
        pool = self._of_block(block)[16 * skipped : 16 * (skipped + count)]
        while len(pool) < 16 * count:
            block += 1
            pool += self._of_block(block)[: 16 * count - len(pool)]
        return _as_ids(pool)

    def _of_block(self, block: int) -> bytes:
        if self._block != block:
            made = shake_128(self._seed + block.to_bytes(8))
            self._block, self._pool = block, made.digest(16 * _BLOCK)
        return self._pool


def _as_ids(pool: bytes) -> list[str]:
    """Return UUIDs of random bytes, 16 for each: all at once, for that takes half the time."""
    raw = bytearray(pool)
    raw[6::16] = raw[6::16].translate(_VERSION_4)
    raw[8::16] = raw[8::16].translate(_VARIANT_1)
    return (
        b" ".join([b"-".join(each) for each in _GROUPS.iter_unpack(hexlify(raw))]).decode().split()
    )
