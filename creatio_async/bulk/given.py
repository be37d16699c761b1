"""Objects of a class as the rows of a bulk job, and the outcomes with these objects again."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from typing import Any, cast

from creatio_async.bulk.report import Outcome
from creatio_async.models.codec import Codec
from creatio_async.protocol.odata.spec import Row

__all__ = ["Given", "give_back", "row_given", "rows_given"]


class Given(dict[str, Any]):
    """The columns of an object, and the object."""

    __slots__ = ("whole",)

    def __init__(self, columns: Mapping[str, Any], whole: object) -> None:
        super().__init__(columns)
        self.whole = whole


def rows_given(
    codec: Codec[Any], rows: Iterable[Any] | AsyncIterable[Any]
) -> Iterable[Any] | AsyncIterable[Any]:
    """Return *rows* with each object as a `Given`; what is a mapping stays one."""
    if codec.shape is None or isinstance(rows, str | bytes | Mapping):
        return cast("Iterable[Any]", rows)
    if isinstance(rows, AsyncIterable):
        return _Later(codec, rows)
    return _Counted(codec, rows) if isinstance(rows, Sized) else _Now(codec, rows)


def row_given(codec: Codec[Any], row: Any, place: str) -> Any:
    """Return *row* as a `Given`, if it is an object.

    Raises:
        ValueError: A navigation property is set.
        TypeError: It is of the class of another entity set.
    """
    columns = codec.sent(row, place)
    return row if columns is row else Given(columns, row)


def give_back(codec: Codec[Any], outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return *outcomes* with the objects that were given, and rows of the server as objects."""
    if codec.shape is None:
        return outcomes
    outcomes = [*outcomes]  # some are made when they are looked at
    for outcome in outcomes:
        if isinstance(outcome.row, Given):
            outcome.row = outcome.row.whole
        saved: object = outcome.saved
        if isinstance(saved, dict):
            outcome.saved = codec.returned(cast("Row", saved))
    return outcomes


class _Now:
    """Rows of an iterable."""

    def __init__(self, codec: Codec[Any], rows: Iterable[Any]) -> None:
        self._codec = codec
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        for index, row in enumerate(self._rows):
            yield row_given(self._codec, row, f"row {index}")


class _Counted(_Now):
    """Rows of which it is known how many they are."""

    def __len__(self) -> int:
        assert isinstance(self._rows, Sized)  # noqa: S101 - that is when it is made
        return len(self._rows)


class _Later:
    """Rows of an async iterable."""

    def __init__(self, codec: Codec[Any], rows: AsyncIterable[Any]) -> None:
        self._codec = codec
        self._rows = aiter(rows)
        self._index = -1

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        row = await anext(self._rows)
        self._index += 1
        return row_given(self._codec, row, f"row {self._index}")
