"""Rows as objects of a class, by a function that is compiled for each set of columns.

It makes the rows of a page in one loop, without a call for each field. Constructors are not
called: a row may lack what they want. A guid or a point in time that is that of the row before is
not looked for again.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import repeat
from types import MemberDescriptorType
from typing import Any, Final, NoReturn, cast
from uuid import UUID

from creatio_async.errors import ModelError
from creatio_async.models.known import WRONG, Known, guids_of, moment_of, moment_or_none_of
from creatio_async.models.shapes import Kind, Shape, is_model, shape_of
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
    as_str,
    as_time,
)
from creatio_async.protocol.values import YEAR_ONE

__all__ = ["rows_as"]

_KEY: Final = "Id"
"""A column that no two rows of a page have the same value in."""

_SHARED: Final = 30
"""Attributes that CPython keeps without a dict of the object's own, at most."""

_KEPT: Final = 200
"""Sets of columns for which a class keeps its functions."""

_Reader = Callable[[list[Row], Known], list[Any]]
"""Makes objects of the first rows, as many as have the columns that it is for."""


def rows_as(shape: Shape, rows: list[Row], known: Known) -> list[Any]:
    """Return *rows* as objects of the class of *shape*.

    A field is unset where the row has no such column; columns without a field are left out.

    Raises:
        ModelError: A value is of another kind than its field; the field is named.
    """
    if not rows:
        return []
    made = more = _made(shape, rows, known)
    while (done := len(made)) < len(rows):  # the next one has other columns
        more = _made(shape, rows[done : done + 2 * len(more)], known)
        made += more
    return made


def _made(shape: Shape, rows: list[Row], known: Known) -> list[Any]:
    """Return objects of the rows that have the columns of the first one, up to one that has not."""
    reader = _reader(shape, tuple(rows[0]))
    try:
        return reader(rows, known)
    except WRONG as error:
        _refuse(shape, rows, known, error)


def _reader(shape: Shape, columns: tuple[str, ...]) -> _Reader:
    readers = shape.readers
    reader: _Reader | None = readers.get(columns)
    if reader is None:
        if len(readers) >= _KEPT:
            readers.clear()
        reader = readers[columns] = _compiled(shape, columns)
    return reader


def _compiled(shape: Shape, columns: tuple[str, ...]) -> _Reader:
    """Return the function for rows that have these *columns*.

    Its text holds names of fields, which are identifiers. The names of columns are those that the
    rows have themselves: a dict finds the same object in half of the time of an equal one. Objects
    are made before they are filled: so the garbage collector, which looks at new ones, finds them
    empty.
    """
    cls = shape.cls
    names: dict[str, Any] = {"new": cls.__new__, "cls": cls, "repeat": repeat, "columns": columns}
    fields = [shape.fields[column] for column in columns if column in shape.fields]
    before = [f"[{', '.join(f'column{number}' for number in range(len(columns)))}] = rows[0]"]
    values: list[str] = []
    targets, sources = "row, made", "source, objects"
    for number, column in enumerate(columns):
        each = shape.fields.get(column)
        if each is None:
            continue
        if column == _KEY and each.kind == Kind(UUID):
            names["guids_of"] = guids_of
            targets, sources = f"{targets}, key", f"{sources}, guids_of(rows, column{number})"
            values.append("key")
        elif each.kind.item is None and each.kind.row_type is not None:
            names[f"behind{number}"] = _behind(each.kind)
            targets += f", other{number}"
            sources += f", behind{number}(rows, column{number}, known)"
            values.append(f"other{number}")
        else:
            values.append(_value(each.kind, number, names, before))
    lines = [*_assignments(cls, [each.name for each in fields], values, names)]
    _share_names(shape)
    if shape.others:
        names["complete"] = _completing(shape.others)
        lines.append("complete(made)")
    other = f"len(row) != {len(columns)}"
    if len(fields) != len(columns):  # then it does not tell that all fields are there
        other = "tuple(row) != columns"
    start, body = "\n    ".join(before), "\n            ".join(lines)
    text = f"""
def read(rows, known):
    guids_or_none, guids = known
    {start}
    objects = list(map(new, repeat(cls, len(rows))))
    source = iter(rows)
    try:
        for {targets} in zip({sources}):
            if {other}:
                break
            {body}
        else:
            return objects
    except KeyError:  # a column is not there; the first row has all of them
        if source.__length_hint__() >= len(rows) - 1:
            raise
    return objects[:len(rows) - 1 - source.__length_hint__()]
"""
    exec(compile(text, f"<rows of {cls.__name__}>", "exec"), names)  # noqa: S102 - our own text
    reader: _Reader = names["read"]
    return reader


def _share_names(shape: Shape) -> None:
    """Fill one object, so that CPython learns which attributes those of the class have.

    From objects that are all made before the first of them is filled it would learn that they have
    none, and give each of them a dict of its own: twice the time, and three times the memory.
    """
    one: object = cast("Any", shape.cls).__new__(shape.cls)
    with suppress(Exception):  # a property that refuses None, or that cannot be set
        for name in (*shape.by_name, *shape.others):
            object.__setattr__(one, name, None)


def _value(kind: Kind, number: int, names: dict[str, Any], before: list[str]) -> str:
    """Return an expression that makes the value of a column of `row` what it is to become.

    Add what it needs to *names*, and what stands before the loop to *before*.
    """
    value = f"row[column{number}]"
    if kind.cls not in {UUID, dt.datetime}:
        return _expression(kind, value, number, names)
    made, text = f"made{number}", f"text{number}"
    names["nothing"] = object()
    before.append(f"{made}, {text} = None, {None if kind.optional else 'nothing'}")
    new = _expression(kind, f"{text} := text", number, names)
    return f"{made} if (text := {value}) == {text} else ({made} := {new})"


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
        names[f"read{number}"] = moment_or_none_of if kind.optional else moment_of
        return f"read{number}({value})"
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
    several = None if kind.item is None else _several(kind.item)

    def read(value: Any, known: Known) -> Any:
        if value is None and kind.optional:
            return None
        if several is None:
            return rows_as(shape_of(kind.cls), [_dict(value)], known)[0]
        values = as_list(value)
        if values is None:
            raise TypeError("no list")
        return several(values, known)

    return read


def _several(item: Kind) -> Callable[[list[Any], Known], list[Any]]:
    """Return what makes the values of a list."""
    if is_model(item.cls) and not item.optional:
        return lambda values, known: rows_as(shape_of(item.cls), list(map(_dict, values)), known)
    one = _single(item)
    return lambda values, known: [one(each, known) for each in values]


def _behind(kind: Kind) -> Callable[[list[Row], str, Known], Iterable[Any]]:
    """Return what makes the rows that stand in a column of rows, each in its turn."""
    one = _within(kind)

    def read(rows: list[Row], column: str, known: Known) -> Iterable[Any]:
        with suppress(ModelError, *WRONG):  # it is told where one by one is made
            values = [row[column] for row in rows]
            if kind.optional or None not in values:
                given = [_dict(value) for value in values if value is not None]
                made = iter(rows_as(shape_of(kind.cls), given, known))
                return [None if value is None else next(made) for value in values]
        return (one(row[column], known) for row in rows)

    return read


def _single(kind: Kind) -> Callable[[Any, Known], Any]:
    """Return what makes one value, of whatever kind."""
    names: dict[str, Any] = {}
    made = _expression(kind, "given", 0, names)
    text = f"def read(given, known):\n    guids_or_none, guids = known\n    return {made}"
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


def _refuse(shape: Shape, rows: list[Row], known: Known, error: Exception) -> NoReturn:
    """Raise the error that names the first field of *rows* whose value is of another kind."""
    fields = [(column, each, _single(each.kind)) for column, each in shape.fields.items()]
    for row in rows:
        for column, each, read in fields:
            if column not in row:
                continue
            try:
                read(row[column], known)
            except ModelError:
                raise
            except WRONG as why:
                place = f"{shape.cls.__name__}.{each.name}"
                raise ModelError(f"{place} cannot be {row[column]!r:.80}: {why}") from why
    raise error
