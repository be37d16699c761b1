"""Rows that know what was changed in them since the server had them."""

from collections.abc import Callable, Container, Iterator, Mapping, MutableMapping
from enum import Enum
from typing import Any, Final, TypeGuard, cast

from attrs import define, field

from creatio_async.protocol.names import key_text
from creatio_async.protocol.values import check_row, same_value

__all__ = ["EntityState", "TrackedRow", "check_values", "is_row", "plain", "references"]

_NOTHING: Final[Mapping[str, Any]] = {}


class EntityState(Enum):
    """What the next ``save()`` makes of a row."""

    ADDED = "added"
    """It is created."""
    UNCHANGED = "unchanged"
    """Nothing is sent."""
    MODIFIED = "modified"
    """The columns that were changed are written."""
    DELETED = "deleted"
    """It is taken away."""
    DETACHED = "detached"
    """Nothing is sent: it was deleted, or its unit of work no longer follows it."""
    UNKNOWN = "unknown"
    """It was sent, to get an `Id` from the server, and nothing is known of what became of it: it
    cannot be looked up. Nothing is sent until it is detached."""


class _Followed:
    """What tells a row: to ask an abstract class, which a mapping is, takes ten times as long."""

    __slots__ = ()


@define(eq=False, repr=False)
class TrackedRow(_Followed, MutableMapping[str, Any]):
    """A row of a unit of work: a mapping of columns to values, changed by assignment.

    Only columns whose value differs from the server's are written. Setting a column to the value
    that it has is no change; neither is setting it back.
    """

    entity_set: str
    _id: str | None
    _values: dict[str, Any]
    _original: dict[str, Any] | None
    """What the server has, as far as it is known; None before the row is saved."""
    _changed: Callable[["TrackedRow"], None]
    """Told of every change."""
    is_id_made_here: bool = field(default=False, kw_only=True)
    """Nobody else can have created a row with this `Id`."""
    number: int = field(default=0, kw_only=True)
    """What a row is told by that has no `Id` yet."""
    is_in_doubt: bool = field(init=False, default=False)
    """It was sent, to get an `Id` from the server, and whether it was created is not known."""
    is_deleted: bool = field(init=False, default=False)
    is_tracked: bool = field(init=False, default=True)
    _touched: dict[str, None] = field(init=False, factory=dict[str, None])
    """The columns that may differ from what the server has, in the order of assignment."""
    _doubted: dict[str, list[Any]] = field(init=False, factory=dict[str, list[Any]])
    """What the server may have in columns of which that is not known."""

    @property
    def id(self) -> str:
        """Its `Id`, in lower case; a row has one before it is saved, unless the server makes it.

        Raises:
            AttributeError: The server makes it, and the row is not saved yet.
        """
        if self._id is None:
            raise AttributeError(f"{self.label} has no Id before the server has made one")
        return self._id

    @property
    def has_id(self) -> bool:
        """Whether its `Id` is known; if not, the server makes it."""
        return self._id is not None

    @property
    def label(self) -> str:
        """What it is called: ``Contact c4ed336c-...``, or ``Contact new 1`` before it has one."""
        return f"{self.entity_set} {self._id or f'new {self.number}'}"

    @property
    def state(self) -> EntityState:
        """What the next ``save()`` makes of it."""
        if not self.is_tracked:
            return EntityState.DETACHED
        if self.is_in_doubt:
            return EntityState.UNKNOWN
        if self.is_deleted:
            return EntityState.DELETED
        if self._original is None:
            return EntityState.ADDED
        return EntityState.MODIFIED if self.changes else EntityState.UNCHANGED

    @property
    def key(self) -> tuple[str, str]:
        """What it is found by: its entity set, and its `Id`."""
        return self.entity_set, self.id

    @property
    def changes(self) -> dict[str, Any]:
        """The columns that the server does not have like this, with their values."""
        self._look()
        known, values = self._original, self._values
        if known is None:
            return plain(values)
        return plain({
            name: values[name]
            for name in self._touched
            if name not in known or not _is_same(values[name], known[name])
        })

    @property
    def is_new(self) -> bool:
        """Whether it has not been saved yet."""
        return self._original is None

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing is to be done for it: it was deleted before it was saved."""
        return self.is_new and self.is_deleted

    @property
    def known(self) -> Mapping[str, Any]:
        """What the server has, as far as it is known."""
        return _NOTHING if self._original is None else self._original

    def standing(self, names: Container[str] | None = None) -> Iterator[tuple[str, Any]]:
        """Give what the server has, and may have, in the columns *names*; in all where it is None.

        A column of which it is not known whether it was written comes with each of its values.
        """
        for name, value in self.known.items():
            if names is None or name in names:
                yield name, value
        for name, values in self._doubted.items():
            if names is None or name in names:
                yield from ((name, value) for value in values)

    @property
    def object(self) -> object:
        """The object that it stands for; a row that was given as a mapping is its own."""
        return self

    def __getitem__(self, name: str) -> Any:
        self._look()
        return _plain(self._values[name])

    def __setitem__(self, name: str, value: Any) -> None:
        """Change a column; a row stands for its `Id`, also before it has one.

        Raises:
            ValueError: The value has no place in OData, or it is another `Id`.
            TypeError: The value is of a type that OData does not have.
        """
        if name == "Id":
            if key_text(value) != self._id:
                raise ValueError(f"{self.label}: the Id of a row stays")
            return
        values = plain({name: value})
        check_values(values, self.label)
        self._assign(values)
        self._show(values)

    def _assign(self, values: Mapping[str, Any]) -> None:
        self._values.update(values)
        self._touched.update(dict.fromkeys(values))
        self._changed(self)

    def __delitem__(self, name: str) -> None:
        """Take a column out of a row that is not saved yet.

        Raises:
            ValueError: The row is saved, or the column is its `Id`.
        """
        if self._original is not None or name == "Id":
            raise ValueError(f"{self.label}: {name!r} stays; a column is emptied by None")
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._look()
        return iter(self._values)

    def __len__(self) -> int:
        self._look()
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{self.label} {self.state.value}>"

    def _look(self) -> None:
        """Find what was changed elsewhere than here."""

    def _show(self, values: Mapping[str, Any]) -> None:
        """Show elsewhere what has changed here."""

    def identify(self, key: str) -> None:
        """Take over the `Id` that the server has made."""
        self._id = key
        self.is_id_made_here = True  # as good as: nobody else has it
        self.is_in_doubt = False
        self._values = {"Id": key, **self._values}

    def take(self, row: Mapping[str, Any], sent: Mapping[str, Any] = _NOTHING) -> None:
        """Take over what the server has; what was changed here stays changed.

        Args:
            row: Columns as the server has them.
            sent: Columns that were written just now: the server had these before those.
        """
        if self._original is None:
            self._touched = dict.fromkeys(self._values)
        linked = references(sent)
        known = self._original = {**self.known, **(plain(sent) if linked else sent)}
        if self._id is not None:
            known["Id"] = self._id
        changed = self.changes  # what was assigned while the change was on its way, too
        self._touched = dict.fromkeys(changed)
        filled = {n: v for n, v in row.items() if n not in changed and n != "Id"}
        known |= row
        self._doubted = {n: v for n, v in self._doubted.items() if n not in known}
        self._values |= filled
        self._show({**{n: known[n] for n in linked if n not in changed}, **filled})

    def meet(self, row: Mapping[str, Any]) -> None:
        """Take over what the server has from what may be this row: a change in it is no news."""
        changed = self.changes
        self.take({n: v for n, v in row.items() if n not in changed or not _is_same(v, changed[n])})

    def doubt(self, sent: Mapping[str, Any]) -> None:
        """Forget what the server has in the columns of *sent*: it may have these values or not."""
        if self._original is None:
            return
        for name, value in sent.items():
            possible = self._doubted.setdefault(name, [])
            if name in self._original:
                possible.append(self._original.pop(name))
            if all(value is not each for each in possible):
                possible.append(value)
            self._touched[name] = None


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of *values* in which a row is replaced by its `Id`, where it has one."""
    return {n: _plain(v) if isinstance(v, _Followed) else v for n, v in values.items()}


def _plain(value: Any) -> Any:
    return value.id if is_row(value) and value.has_id else value


def is_row(value: object) -> TypeGuard[TrackedRow]:
    """Say whether *value* is a row."""
    return isinstance(value, _Followed)


def references(values: Mapping[str, Any]) -> dict[str, TrackedRow]:
    """Return those of *values* that are rows."""
    found = {name: value for name, value in values.items() if isinstance(value, _Followed)}
    return cast("dict[str, TrackedRow]", found)


def check_values(values: Mapping[str, Any], place: str) -> None:
    """Refuse what must not stand in a row; rows that have no `Id` yet stand in lookups.

    Raises:
        ValueError: A value has no place in OData, a navigation property is set, or a row without
            `Id` stands elsewhere than in a column such as ``AccountId``.
        TypeError: A value is of a type that OData does not have.
    """
    rows = references(values)
    check_row({n: v for n, v in values.items() if n not in rows} if rows else values, place)
    for name in rows:
        if len(name) <= len("Id") or not name.endswith("Id"):
            raise ValueError(f"{place}, {name!r}: a row stands in a lookup, such as 'AccountId'")


def _is_same(ours: Any, theirs: Any) -> bool:
    """As `same_value`, but None is only None: other services have it beside 0 and an empty text."""
    ours = _plain(ours)
    if ours is theirs:
        return True
    if is_row(ours):
        return False
    return ours is not None and theirs is not None and same_value(ours, theirs)
