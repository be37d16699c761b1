"""Rows as objects of a class, by a function that is compiled for each set of columns.

It makes the rows of a page in one loop, without a call for each field. Constructors are not
called: a row may lack what they want. A guid or a point in time that stands in rows more than
once, as those behind lookups do, is made once.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from types import MemberDescriptorType
from typing import Any, Final, NamedTuple, NoReturn, cast
from uuid import UUID, SafeUUID
from weakref import WeakKeyDictionary

from creatio_async.errors import ModelError
from creatio_async.models.shapes import Kind, Shape, shape_of
from creatio_async.protocol.json import as_list
from creatio_async.protocol.odata.spec import Row
from creatio_async.protocol.scalars import (
    as_bool,
    as_bytes,
    as_date,
    as_decimal,
    as_duration,
    as_float,
    as_int,
    as_moment,
    as_str,
    as_time,
)
from creatio_async.protocol.values import YEAR_ONE, ZERO_GUID

__all__ = ["Known", "rows_as"]

_SET_INT: Final = cast("Any", UUID).int.__set__
_SET_SAFE: Final = cast("Any", UUID).is_safe.__set__

_KEY: Final = (
    "data = fromhex(row['Id'].replace('-', ''))",
    "if len(data) != 16: raise ValueError",
    "key = new_guid(UUID)",
    "set_int(key, from_bytes(data))",
    "set_safe(key, unknown)",
)
"""What `_guid` does, as lines of a loop: a call would double what it costs."""

_GIVEN: Final[Mapping[str, Any]] = {
    "UUID": UUID,
    "from_bytes": int.from_bytes,
    "fromhex": bytes.fromhex,
    "islice": islice,
    "new_guid": UUID.__new__,
    "set_int": _SET_INT,
    "set_safe": _SET_SAFE,
    "unknown": SafeUUID.unknown,
}

_SHARED: Final = 30
"""Attributes that CPython keeps without a dict of the object's own, at most."""

_KEPT: Final = 200
"""Sets of columns for which a class keeps its functions."""

_WRONG: Final = (ArithmeticError, AttributeError, TypeError, ValueError, LookupError)
"""What a value raises that is of another kind."""


class _Guids(dict[Any, UUID | None]):
    """Guids by their texts."""

    def __missing__(self, text: Any) -> UUID:
        self[text] = made = _guid(text)
        return made


class _Moments(dict[Any, dt.datetime | None]):
    """Points in time by their texts."""

    def __missing__(self, text: Any) -> dt.datetime | None:
        made: dt.datetime | None = as_aware(text)
        if None in self and text.startswith(YEAR_ONE):
            made = None
        self[text] = made
        return made


class Known(NamedTuple):
    """What was made before. Where a field may be None, empty values are that."""

    guids_or_none: _Guids
    guids: _Guids
    moments_or_none: _Moments
    moments: _Moments

    @classmethod
    def nothing(cls) -> "Known":
        """Return what is known at first."""
        return cls(
            _Guids({None: None, ZERO_GUID: None}), _Guids(), _Moments({None: None}), _Moments()
        )

    @property
    def size(self) -> int:
        """How many values are kept."""
        guids = len(self.guids_or_none) + len(self.guids)
        return guids + len(self.moments_or_none) + len(self.moments)


_Reader = Callable[[list[Row], list[Any], Known], None]
"""Makes objects of rows as long as they have the same columns, beginning with the first row that
there is no object of."""

_READERS: WeakKeyDictionary[type[Any], dict[tuple[str, ...], _Reader]] = WeakKeyDictionary()


def rows_as(shape: Shape, rows: list[Row], known: Known) -> list[Any]:
    """Return *rows* as objects of the class of *shape*.

    A field is unset where the row has no such column; columns without a field are left out.

    Raises:
        ModelError: A value is of another kind than its field; the field is named.
    """
    made: list[Any] = []
    while (done := len(made)) < len(rows):
        reader = _reader(shape, tuple(rows[done]))
        try:
            reader(rows, made, known)
        except _WRONG as error:
            _refuse(shape, rows[len(made)], known, error)
        if len(made) == done:
            raise AssertionError(f"no {shape.cls.__name__} was made of a row")
    return made


def _guid(text: Any) -> UUID:
    """Return what ``UUID(text)`` does, in less than half of the time."""
    data = bytes.fromhex(as_str(text).replace("-", ""))
    if len(data) != 16:
        raise ValueError("no guid")
    made = UUID.__new__(UUID)
    _SET_INT(made, int.from_bytes(data))
    _SET_SAFE(made, SafeUUID.unknown)
    return made


def as_aware(value: Any) -> dt.datetime:
    """Return a point in time that has a zone: UTC, where it tells none."""
    moment = as_moment(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _reader(shape: Shape, columns: tuple[str, ...]) -> _Reader:
    readers = _READERS.setdefault(shape.cls, {})
    reader = readers.get(columns)
    if reader is None:
        if len(readers) >= _KEPT:
            readers.clear()
        reader = readers[columns] = _compiled(shape, columns)
    return reader


def _compiled(shape: Shape, columns: tuple[str, ...]) -> _Reader:
    """Return the function for rows that have these *columns*.

    Its text holds names of columns as literals, and names of fields, which are identifiers.
    """
    cls = shape.cls
    names: dict[str, Any] = {**_GIVEN, "new": cls.__new__, "cls": cls, "columns": columns}
    fields = [shape.fields[column] for column in columns if column in shape.fields]
    lines: list[str] = []
    values: list[str] = []
    for number, each in enumerate(fields):
        value = _expression(each.kind, f"row[{each.column!r}]", number, names)
        if each.column == "Id" and value.startswith("guids["):
            lines += _KEY  # no other row of the page has it: it is made in place, and not kept
            value = "key"
        values.append(value)
    lines += _assignments(cls, [each.name for each in fields], values, names)
    if shape.others:
        names["complete"] = _completing(shape.others)
        lines.append("complete(made)")
    other = f"len(row) != {len(columns)}"
    if len(fields) != len(columns):  # then it does not tell that all fields are there
        other = "tuple(row) != columns"
    body = "\n            ".join(lines)
    text = f"""
def read(rows, all_made, known):
    guids_or_none, guids, moments_or_none, moments = known
    add = all_made.append
    try:
        for row in islice(rows, len(all_made), None):
            if {other}:
                return
            made = new(cls)
            {body}
            add(made)
    except KeyError:
        return
"""
    exec(compile(text, f"<rows of {cls.__name__}>", "exec"), names)  # noqa: S102 - our own text
    reader: _Reader = names["read"]
    return reader


def _assignments(
    cls: type[Any], fields: list[str], values: list[str], names: dict[str, Any]
) -> Iterator[str]:
    """Give what sets the fields of a new object, without what the class does on an assignment."""
    slots = {each: slot for each in fields if (slot := _slot(cls, each)) is not None}
    is_plain = getattr(cls, "__setattr__") is object.__setattr__  # noqa: B009 - as of any class
    if is_plain and (len(slots) == len(fields) or len(fields) <= _SHARED):
        yield from (f"made.{each} = {value}" for each, value in zip(fields, values, strict=True))
        return
    others: list[str] = []
    for number, (each, value) in enumerate(zip(fields, values, strict=True)):
        if each in slots:
            names[f"set{number}"] = slots[each].__set__
            yield f"set{number}(made, {value})"
        else:
            others.append(f"{each!r}: {value}")
    if others:
        yield f"made.__dict__.update({{{', '.join(others)}}})"


def _slot(cls: type[Any], name: str) -> MemberDescriptorType | None:
    found = getattr(cls, name, None)
    return found if isinstance(found, MemberDescriptorType) else None


def _expression(kind: Kind, value: str, number: int, names: dict[str, Any]) -> str:
    """Return an expression that makes *value* what it is to become; add what it needs to *names*.

    What stands in JSON as it is wanted costs a comparison of classes.
    """
    if kind.cls is UUID:
        return f"{'guids_or_none' if kind.optional else 'guids'}[{value}]"
    if kind.cls is dt.datetime:
        return f"{'moments_or_none' if kind.optional else 'moments'}[{value}]"
    if kind.cls is Any:
        return value
    read = f"read{number}"
    if kind.cls is None or kind.row_type is not None:
        names[read] = _within(kind)
        return f"{read}({value}, known)"
    names[read] = _scalar(kind)
    if kind.cls in _AS_IT_IS:
        names[f"is{number}"] = kind.cls
        return f"value if type(value := {value}) is is{number} else {read}(value)"
    return f"{read}({value})"


def _scalar(kind: Kind) -> Callable[[Any], Any]:
    """Return what makes a single value, and None of None where that may be."""
    known = _SCALARS.get(kind.cls)
    read = known if known is not None else kind.cls  # an enum finds its members by their values
    if not kind.optional:
        return read
    if kind.cls is dt.date:
        return lambda value: None if value is None or value.startswith(YEAR_ONE) else read(value)
    return lambda value: None if value is None else read(value)


def _within(kind: Kind) -> Callable[[Any, Known], Any]:
    """Return what makes a row or a list that stands in a row."""

    def read(value: Any, known: Known) -> Any:
        if value is None and kind.optional:
            return None
        if kind.item is None:
            return rows_as(shape_of(kind.cls), [_dict(value)], known)[0]
        values = as_list(value)
        if values is None:
            raise TypeError("no list")
        if kind.row_type is None or kind.item.item is not None or kind.item.optional:
            one = _single(kind.item)
            return [one(each, known) for each in values]
        return rows_as(shape_of(kind.row_type), list(map(_dict, values)), known)

    return read


def _single(kind: Kind) -> Callable[[Any, Known], Any]:
    """Return what makes one value, of whatever kind."""
    names: dict[str, Any] = {}
    made = _expression(kind, "given", 0, names)
    head = "guids_or_none, guids, moments_or_none, moments = known"
    text = f"def read(given, known):\n    {head}\n    return {made}"
    exec(text, names)  # noqa: S102 - our own text
    read: Callable[[Any, Known], Any] = names["read"]
    return read


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return cast("dict[str, Any]", value)


_SCALARS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    str: as_str,
    int: as_int,
    float: as_float,
    bool: as_bool,
    Decimal: as_decimal,
    dt.date: as_date,
    dt.time: as_time,
    dt.timedelta: as_duration,
    bytes: as_bytes,
    dict: _dict,
}
_AS_IT_IS: Final = frozenset({str, int, float, bool, dict})
"""Types that JSON has, too."""


def _completing(others: Mapping[str, Callable[[Any], Any]]) -> Callable[[object], None]:
    """Return what gives an object what its constructor would have set by itself."""

    def complete(made: object) -> None:
        for name, default in others.items():
            # What is made of a field that is unset is unset, too.
            with suppress(AttributeError):
                object.__setattr__(made, name, default(made))  # also where the class is frozen

    return complete


def _refuse(shape: Shape, row: Row, known: Known, error: Exception) -> NoReturn:
    """Raise the error that names the field of *row* whose value is of another kind."""
    for column, each in shape.fields.items():
        if column not in row:
            continue
        try:
            _single(each.kind)(row[column], known)
        except ModelError:
            raise
        except _WRONG as why:
            place = f"{shape.cls.__name__}.{each.name}"
            raise ModelError(f"{place} cannot be {row[column]!r:.80}: {why}") from why
    raise error
