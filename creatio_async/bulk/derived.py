"""Ids that are made of what a row stands for, so that a second run makes them again."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from attrs import field, frozen

from creatio_async.bulk.comparing import meaning
from creatio_async.protocol.names import check_name
from creatio_async.protocol.values import dumps

__all__ = ["Derived", "NoKeyError", "derived"]

_KEY = b"creatio_async"
_VARIANT = "89ab" * 4


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        raise ValueError("derived() takes the names of columns, at least one")
    return tuple(check_name(name, "column") for name in given)


class NoKeyError(ValueError):
    """A row has no value where its `Id` comes from."""


def derived(*columns: str) -> "Derived":
    """Return what makes the `Id` of a row of the values of *columns* and of its entity set.

    ``create_many(rows, new_id=derived("Code"))``: as often as the rows are written, each of them
    has the same `Id`, on every machine. Values are taken by their meaning: ``1`` and
    ``Decimal("1.0")`` are one, and so are a guid in upper and in lower case.

    Args:
        columns: What tells a row from any other of its set.

    Raises:
        ValueError: There is none, or one is no identifier.
    """
    return Derived(columns)


@frozen
class Derived:
    """Makes ids of the values of some columns."""

    columns: tuple[str, ...] = field(converter=_names)

    def within(self, entity_set: str) -> Callable[[Mapping[str, Any]], str]:
        """Return the function that makes the ids of the rows of *entity_set*.

        It raises a `NoKeyError` for a row that has no value in one of the columns: all such rows
        would have one id.
        """
        columns = self.columns
        start = blake2b(dumps([entity_set, *columns]), digest_size=16, key=_KEY)

        def make(row: Mapping[str, Any]) -> str:
            digest = start.copy()
            for column in columns:
                value = meaning(row.get(column))
                if not value:
                    raise NoKeyError(f"an 'Id' derived of {column!r} needs a value there")
                digest.update(value + b"\n")
            text = digest.hexdigest()
            variant = _VARIANT[int(text[16], 16)]
            return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

        return make
