"""Rows as they come: checked once for each set of columns, and with ids in one form."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, cast

from attrs import define, field

from creatio_async.bulk.given import Given
from creatio_async.protocol.names import key_text
from creatio_async.protocol.values import check_row

__all__ = ["Shapes", "have_columns", "key_of"]

_KEPT = 1_000
"""Sets of column names that are remembered as checked."""
_DICTS = frozenset({dict, Given})


@define(eq=False)
class Shapes:
    """Checks the names of the columns of rows; most rows have those of the row before."""

    known: set[tuple[Any, ...]] = field(init=False, factory=set[tuple[Any, ...]])
    """Columns of dicts that need no check; for whoever cannot afford to ask for each row."""

    def check(self, index: int, row: Any) -> Mapping[str, Any]:
        """Return *row*, number *index* of the input, if it is a mapping of columns to values.

        Raises:
            TypeError: It is no mapping, or a key is no string.
            ValueError: A key is no column.
        """
        if type(row) is not dict and not isinstance(row, Mapping):
            raise TypeError(
                f"row {index}: a row is a mapping of columns to values, not {row!r:.80}"
            )
        checked = cast("Mapping[str, Any]", row)
        shape = tuple(checked)
        if shape not in self.known:
            check_row(dict.fromkeys(shape), f"row {index}")
            if len(self.known) < _KEPT:
                self.known.add(shape)
        return checked


def have_columns(rows: Sequence[Any], columns: Sequence[str]) -> bool:
    """Say whether *rows* are dicts, each of them with just these *columns*, in their order."""
    if not set(map(type, rows)) <= _DICTS:
        return False
    return list(chain.from_iterable(rows)) == [*columns] * len(rows)


def key_of(index: int, given: object) -> str:
    """Return the `Id` that *given* is, in lower case.

    Raises:
        TypeError: It is neither a UUID nor a string.
        ValueError: It is a string, but not in guid form.
    """
    try:
        return key_text(given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"row {index}, 'Id': {error}") from None
