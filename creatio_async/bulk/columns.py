"""Many rows at once, column by column: what costs a call for each value costs one for a column."""

from array import array
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from itertools import count
from operator import itemgetter
from secrets import token_hex
from struct import Struct
from typing import Any

from creatio_async.bulk.comparing import mark
from creatio_async.protocol.values import ZERO_GUID

__all__ = [
    "PLAIN",
    "Marks",
    "ambiguous",
    "column_of",
    "columns_of",
    "folded",
    "guid_keys",
    "guids",
    "marks",
    "text_keys",
    "wholes",
]

_GUID_LENGTH = 36
_DASHES = (8, 13, 18, 23)
_NO_CAPITALS = bytes.maketrans(b"ABCDEF", b"??????")
_ZEROS = bytes(16)
_IN_BYTES = Struct("16s")
PLAIN = frozenset({str, type(None)})
_SCALARS = frozenset({bool, int, float})
_SERIAL = count()
"""Stands for values of which no two are taken for alike."""
_AFTER_DIGITS = ":"
"""What a text is less than that is empty, or begins with a digit."""
_DIGITS = frozenset("0123456789")
_SALT = token_hex(8)
_FIRST = itemgetter(0)
_FEW, _OFTEN, _MOST = 128, 4, 1_000
"""Values of a column that are few: so many, and one more for each so many rows, up to the last."""


def column_of(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return the value that each of *rows* has of a column, None where it has none."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name) for row in rows]


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    """Return the values that *rows* have of each of several columns.

    Raises:
        KeyError: A row lacks a column.
    """
    return [list(map(itemgetter(name), rows)) for name in names]


def guids(values: Sequence[Any]) -> bytes | None:
    """Return 16 bytes for each of *values*.

    None unless all of them are guids as Creatio writes them, bare and in lower case, and none is
    the empty one.
    """
    try:
        text = "".join(values).encode()
    except TypeError:  # not all are texts
        return None
    dashes = b"-" * len(values)
    if set(map(len, values)) != {_GUID_LENGTH}:
        return None
    if any(text[at::_GUID_LENGTH] != dashes for at in _DASHES):
        return None
    try:
        digits = unhexlify(text.translate(_NO_CAPITALS, b"-"))
    except ValueError:
        return None
    if len(digits) != 16 * len(values):  # there were further dashes
        return None
    return None if _ZEROS in digits and ZERO_GUID in values else digits


def guid_keys(values: Sequence[Any]) -> list[bytes] | None:
    """Return what `guids` does, each by itself."""
    digits = guids(values)
    return None if digits is None else [key for (key,) in _IN_BYTES.iter_unpack(digits)]


def folded(values: Sequence[Any]) -> list[str] | None:
    """Return *values* without regard to case and blanks at the end; None if not all are texts."""
    try:
        texts = "\0".join(values).casefold().split("\0")
    except TypeError:
        return None
    return list(map(str.rstrip, texts)) if len(texts) == len(values) else None


def ambiguous(texts: Sequence[str]) -> list[int]:
    """Return the places of those `folded` texts that may not mean just what they say."""
    some = [
        at for at, text in enumerate(texts) if text < _AFTER_DIGITS or len(text) == _GUID_LENGTH
    ]
    return [at for at in some if not _is_a_mere_code(texts[at])]


def _is_a_mere_code(text: str) -> bool:
    """Say whether *text* is neither empty nor a guid, nor a point in time with a zone."""
    if not text or len(text) == _GUID_LENGTH:
        return False
    return "-" not in text and "+" not in text and text[-1] != "z"


def text_keys(texts: Sequence[str]) -> list[bytes]:
    """Return 16 bytes for each of *texts*: two of Python's hashes, which hold for this process."""
    both = array("q", bytes(16 * len(texts)))
    both[::2] = array("q", list(map(hash, texts)))
    both[1::2] = array("q", list(map(hash, map(_SALT.__add__, texts))))
    return [key for (key,) in _IN_BYTES.iter_unpack(both.tobytes())]


def marks(values: Sequence[Any]) -> list[int]:
    """Return the `mark` of each of *values*, as they are read from JSON."""
    if set(map(type, values)) != {str}:
        return list(map(mark, values))
    if _GUID_LENGTH in map(len, values):
        if guids(values) is not None:
            return list(map(hash, values))
    elif _begin_with_no_digit(values):
        return list(map(hash, values))
    return [
        mark(text) if text < _AFTER_DIGITS or len(text) == _GUID_LENGTH else hash(text)
        for text in values
    ]


def _begin_with_no_digit(texts: Sequence[str]) -> bool:
    try:
        return _DIGITS.isdisjoint(map(_FIRST, texts))
    except IndexError:  # one is empty
        return False


class _TooManyError(Exception):
    """A column has more values than are worth remembering."""


class _Known(dict[Any, int]):
    """Numbers of some values, each given when it is asked for the first time; and their marks."""

    def __init__(self) -> None:
        self.limit = 0
        self.marks: list[int] = []

    def __missing__(self, value: Any) -> int:
        if len(self) >= self.limit:
            raise _TooManyError
        self.marks.append(mark(value))
        number = self[value] = len(self)
        return number


class Marks:
    """The marks of the values of a column, which are numbered: 2 bytes each, or 8.

    As long as there are few values, each is marked once, and it is kept which of them it is.
    """

    def __init__(self) -> None:
        self._known = _Known()
        self._few = array("H")
        self._many = array("q")
        """Those of later values, once there were many."""
        self._are_few = True

    def __getitem__(self, number: int) -> int:
        after = number - len(self._few)
        return self._known.marks[self._few[number]] if after < 0 else self._many[after]

    def add(self, values: Sequence[Any]) -> None:
        """Take in the values that come next."""
        if self._are_few:
            self._known.limit = min(_FEW + (len(self._few) + len(values)) // _OFTEN, _MOST)
            try:
                self._few.extend(array("H", list(map(self._known.__getitem__, values))))
            except (_TooManyError, TypeError):  # a list or an object has no hash
                self._are_few = False
            else:
                return
        self._many.extend(array("q", marks(values)))


def wholes(columns: Sequence[Sequence[Any]], rows: int) -> list[int]:
    """Return 64 bits for each of *rows* rows, the values of which are in *columns*.

    Rows have the same ones where their values are written alike in JSON, but for a chance as with
    `mark`. Rows that mean the same may have others; one with a value that is neither a text nor a
    number, a bool or None has some of its own.
    """
    if not columns:
        return [0] * rows
    return list(map(hash, zip(*map(_told_apart, columns), strict=True)))


def _told_apart(values: Sequence[Any]) -> Sequence[Any]:
    """Return *values* in a form of which the hashes differ: those of -1 and -2 are one."""
    if set(map(type, values)) <= PLAIN:
        return values
    return [value if type(value) in PLAIN else _written(value) for value in values]


def _written(value: Any) -> object:
    return (repr(value),) if type(value) in _SCALARS else (next(_SERIAL),)
