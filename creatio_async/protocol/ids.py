"""Ids made by the client: what makes a create safe to look up, and to send again."""

import os
from hashlib import shake_128
from typing import Protocol

__all__ = ["MakeIds", "SeededIds", "new_ids", "random_ids"]

_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))

_BLOCK = 1_000
"""Ids that are made at once of a seed: to begin with a hash costs as much as a hundred of them."""


class MakeIds(Protocol):
    """Makes ids for rows of an input."""

    def __call__(self, first: int, count: int) -> list[str]:
        """Return the ids of *count* rows, of which the first is number *first* of the input."""
        ...


def new_ids(count: int) -> list[str]:
    """Return *count* random UUIDs (version 4) as text: many at once cost a quarter of one each."""
    return _as_ids(os.urandom(16 * count).hex())


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
        self._block, self._digits = -1, ""

    def __call__(self, first: int, count: int) -> list[str]:
        """Return the ids of *count* rows, of which the first is number *first* of the input."""
        block, skipped = divmod(first, _BLOCK)
        digits = self._of_block(block)[32 * skipped : 32 * (skipped + count)]
        while len(digits) < 32 * count:
            block += 1
            digits += self._of_block(block)[: 32 * count - len(digits)]
        return _as_ids(digits)

    def _of_block(self, block: int) -> str:
        if self._block != block:
            made = shake_128(self._seed + block.to_bytes(8))
            self._block, self._digits = block, made.hexdigest(16 * _BLOCK)
        return self._digits


def _as_ids(digits: str) -> list[str]:
    """Return UUIDs of random hexadecimal *digits*, 32 for each."""
    each32 = (digits[at : at + 32] for at in range(0, len(digits), 32))
    return [
        f"{each[:8]}-{each[8:12]}-4{each[13:16]}-{_VARIANT[each[16]]}{each[17:20]}-{each[20:]}"
        for each in each32
    ]
