"""Dead letters: the rows that were refused, in a file from which they can be fed in again."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakSet

from creatio_async.bulk.changes import Create, Delete, Update
from creatio_async.bulk.report import Outcome
from creatio_async.protocol.values import dumps

__all__ = ["Letters", "read_dead_letters"]

_KINDS = {"create": Create, "update": Update, "delete": Delete}


class Letters:
    """Writes a line for each outcome that is not `ok`, batch by batch."""

    def __init__(self, path: str | PathLike[str], kind: str) -> None:
        self._path = Path(path)
        self._kind = kind
        self._handle = -1
        self._size = 0
        self._error: OSError | None = None

    def open(self) -> None:
        """Begin the file anew.

        Raises:
            ValueError: What it holds is being read.
            OSError: It cannot be written.
        """
        place = self._path.resolve()
        if any(each.place == place and not each.is_over for each in _READING):
            raise ValueError(
                f"the dead letters {self._path} are being read, and would be lost: "
                "name another file for the new ones, or make a list of the old ones first"
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        self._handle = os.open(self._path, flags, 0o666)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Write those of *outcomes* that are not `ok`, at once: what is written survives.

        Raises:
            OSError: They cannot be written. From then on nothing is written any more.
            ValueError: A row holds what JSON has no place for.
            TypeError: A row holds what JSON has no place for.
        """
        lines = b"".join(
            dumps(_letter(outcome, self._kind)) + b"\n" for outcome in outcomes if not outcome.ok
        )
        if self._error is not None:
            raise self._error
        try:
            self._write(lines)
        except OSError as error:
            self._error = error
            raise

    def _write(self, lines: bytes) -> None:
        written = 0
        try:
            while written < len(lines):  # a full disk takes a part, and then says what it is
                written += os.write(self._handle, lines[written:])
        except OSError:
            if written:
                whole = lines.rfind(b"\n", 0, written) + 1
                os.truncate(self._handle, self._size + whole)
            raise
        self._size += written

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _letter(outcome: Outcome, kind: str) -> dict[str, Any]:
    letter: dict[str, Any] = {
        "index": outcome.index,
        "operation": outcome.operation,
        "id": outcome.id,
        "state": outcome.state.value,
        "http_status": outcome.http_status,
        "error": None if outcome.error is None else str(outcome.error),
    }
    given = outcome.row
    if isinstance(given, Create | Update | Delete):
        letter["entity_set"] = given.entity_set
    if isinstance(given, Create):
        letter["row"] = {**given.row, "Id": outcome.id}
    elif isinstance(given, Update):
        letter["row"] = given.values
    elif isinstance(given, Mapping) and kind == "create":
        letter["row"] = {**given, "Id": outcome.id}
    elif not isinstance(given, Delete):
        letter["row"] = given
    return letter


class _Reader(Iterator[Any]):
    """Gives what a file of dead letters holds."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.place = Path(path).resolve()
        self.is_over = False
        self._letters = _letters(path)
        _READING.add(self)

    def __next__(self) -> Any:
        try:
            return next(self._letters)
        except BaseException:
            self.is_over = True
            raise


_READING: WeakSet[_Reader] = WeakSet()
"""Those that somebody may yet read on."""


def read_dead_letters(path: str | PathLike[str]) -> Iterator[Any]:
    """Give what a file of dead letters holds, in a form that the same bulk call takes again.

    Rows of `create_many` have the `Id` that they had, so that what was written after all is found
    and not written twice. Values are those of JSON: numbers with a fraction are `Decimal`, points
    in time and guids texts.

    Args:
        path: A file that the option ``dead_letters`` of a bulk call named.

    Raises:
        ValueError: A line is none that was written there.
        OSError: The file cannot be read.
    """
    return _Reader(path)


def _letters(path: str | PathLike[str]) -> Iterator[Any]:
    with Path(path).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield _given(json.loads(line, parse_float=Decimal))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number} is no dead letter: {error}") from None


def _given(letter: dict[str, Any]) -> Any:
    if "entity_set" not in letter:
        return letter["row"]
    kind = _KINDS[letter["operation"]]
    if kind is Create:
        return Create(letter["entity_set"], letter["row"])
    return kind(letter["entity_set"], letter["id"], *([letter["row"]] if kind is Update else []))
