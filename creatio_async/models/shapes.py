"""What a class says of the rows that it is for: fields, their columns, and their types."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from types import MemberDescriptorType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
from attrs import NOTHING, Factory, field, frozen

from creatio_async.models.base import COLUMN
from creatio_async.protocol.scalars import split_none

__all__ = ["Field", "Kind", "Shape", "is_model", "shape_of"]

_PLAIN = frozenset({
    UUID,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    Decimal,
    int,
    float,
    bool,
    str,
    bytes,
    Any,
    dict,
})


@frozen
class Kind:
    """What a value is to become: of which type, and whether it may be None."""

    cls: Any
    """A type of single values, an enum, a class for rows, `dict`, or `Any`; None for a list."""
    optional: bool = False
    item: "Kind | None" = None
    """What a list holds."""

    @property
    def row_type(self) -> type[Any] | None:
        """The class of the row or rows that it is; None where it is none."""
        inner = self.item or self
        return inner.cls if is_model(inner.cls) else None

    @property
    def is_enum(self) -> bool:
        """It is a member of an enum, or a list of them."""
        inner = self.item or self
        return isinstance(inner.cls, type) and issubclass(inner.cls, Enum)


@frozen
class Field:
    """A field of a class, and the column that it stands for."""

    name: str
    column: str
    kind: Kind


@frozen(eq=False)
class Shape:
    """A class for rows."""

    cls: type[Any]
    entity_set: str
    fields: Mapping[str, Field]
    """By the name of the column."""
    by_name: Mapping[str, Field] = field(init=False, repr=False)
    others: Mapping[str, Callable[[Any], Any]] = field(repr=False)
    """What makes the values of fields that the constructor does not take, of the new object: they
    are no columns."""
    navigations: frozenset[str] = field(init=False, repr=False)
    """The names of the fields that are rows, or lists of rows."""
    enums: frozenset[str] = field(init=False, repr=False)
    """The names of the fields that are members of enums, or lists of them."""
    has_dict: bool = field(init=False, repr=False)
    """Its objects keep their fields in a dict, where an unset one is not."""
    readers: dict[tuple[str, ...], Any] = field(
        init=False, factory=dict[tuple[str, ...], Any], repr=False
    )
    """What was made to read rows, by the columns that they have."""

    def __attrs_post_init__(self) -> None:
        by_name = {each.name: each for each in self.fields.values()}
        rows = frozenset(name for name, each in by_name.items() if each.kind.row_type is not None)
        object.__setattr__(self, "by_name", by_name)  # frozen, and this is still its making
        object.__setattr__(self, "navigations", rows)
        enums = frozenset(name for name, each in by_name.items() if each.kind.is_enum)
        object.__setattr__(self, "enums", enums)
        slots = (getattr(self.cls, name, None) for name in by_name)
        has_dict = not any(isinstance(each, MemberDescriptorType) for each in slots)
        object.__setattr__(self, "has_dict", has_dict)


_FACTORY: Any = attrs.Factory  # a class that is told as a function

_SHAPE: Final = "__creatio_shape__"
"""Where a class has its shape: the two refer to each other, and are forgotten together."""


def is_model(kind: Any) -> bool:
    """Say whether *kind* is a class with fields: of attrs, or a dataclass."""
    return isinstance(kind, type) and (attrs.has(kind) or dataclasses.is_dataclass(kind))


def shape_of(cls: Any) -> Shape:
    """Return what *cls* says of its rows.

    Raises:
        TypeError: It is no class with fields, or the type of a field is none that a column can
            have; the field is named.
        ValueError: Two fields are one column.
    """
    known = vars(cls).get(_SHAPE) if isinstance(cls, type) else None
    if isinstance(known, Shape) and known.cls is cls:  # not one that was copied from another class
        return known
    if not is_model(cls):
        raise TypeError(f"rows are of an attrs class or a dataclass, not of {cls!r:.80}")
    shape = _made(cls)
    setattr(cls, _SHAPE, shape)
    return shape


def _made(cls: type[Any]) -> Shape:
    try:
        hints = get_type_hints(cls)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise TypeError(f"{cls.__name__}: an annotation cannot be read: {error}") from error
    found: dict[str, Field] = {}
    others: dict[str, Callable[[Any], Any]] = {}
    for name, column, init, default in _told(cls):
        if not init:
            if default is not NOTHING:
                others[name] = _maker(default)
            continue
        if column in found:
            raise ValueError(f"{cls.__name__}: {found[column].name} and {name} are one column")
        kind = _kind(hints.get(name, Any), f"{cls.__name__}.{name}")
        found[column] = Field(name, column, kind)
    entity_set: str = getattr(cls, "__entity_set__", cls.__name__)
    return Shape(cls, entity_set, found, others)


def _told(cls: type[Any]) -> Iterator[tuple[str, str, bool, Any]]:
    """Give name, column, whether the constructor takes it, and default of each field."""
    if attrs.has(cls):
        for each in attrs.fields(cls):
            yield each.name, each.metadata.get(COLUMN, each.name), each.init, each.default
        return
    for one in dataclasses.fields(cls):
        default = one.default
        if one.default_factory is not dataclasses.MISSING:
            default = Factory(one.default_factory)
        elif default is dataclasses.MISSING:
            default = NOTHING
        yield one.name, one.metadata.get(COLUMN, one.name), one.init, default


def _maker(default: Any) -> Callable[[Any], Any]:
    if not isinstance(default, _FACTORY):
        return lambda _: default
    return default.factory if default.takes_self else lambda _: default.factory()


def _kind(hint: Any, place: str) -> Kind:
    inner, optional = split_none(hint)
    origin = get_origin(inner) or inner
    if origin is list:
        (item,) = get_args(inner) or (Any,)
        return Kind(None, optional, _kind(item, place))
    if origin in _PLAIN:
        return Kind(origin, optional or origin is Any)
    if is_model(origin) or (isinstance(origin, type) and issubclass(origin, Enum)):
        return Kind(cast("Any", origin), optional)
    raise TypeError(f"{place}: no column is of the type {hint!r}")
