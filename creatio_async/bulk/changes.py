"""Rows to be changed or taken away, and operations of any kind on several entity sets."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar
from uuid import UUID

from attrs import astuple, define, field, fields, frozen

from creatio_async.bulk.entry import Entry
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.sending import Sending
from creatio_async.bulk.shapes import Shapes, key_of
from creatio_async.bulk.verbs import OnCreate, OnDelete, OnUpdate
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.names import check_name

__all__ = ["Create", "Delete", "Deletes", "Mixed", "Update", "Updates"]


def _name(given: str) -> str:
    return check_name(given, "entity set")


@frozen
class Create:
    """A row to be added: ``Create("City", {"Name": "Burbank"})``."""

    entity_set: str = field(converter=_name)
    row: Mapping[str, Any]


@frozen
class Update:
    """Columns of a row to be written: ``Update("City", city_id, {"Name": "Burbach"})``."""

    entity_set: str = field(converter=_name)
    id: UUID | str
    values: Mapping[str, Any]


@frozen
class Delete:
    """A row to be taken away: ``Delete("City", city_id)``."""

    entity_set: str = field(converter=_name)
    id: UUID | str


@define(eq=False)
class _ByIds(Sending):
    """A plan for rows of one entity set that the server has, and that are found by their ids."""

    name: str = field(kw_only=True)

    def identity(self) -> dict[str, Any]:
        """Return what tells this job from others of the site."""
        return {**super().identity(), "entity_set": self.name}

    def prepare(
        self,
        first: int,
        rows: Sequence[Any],
        ids: Sequence[str] = (),  # noqa: ARG002 - they have their own
    ) -> list[Entry]:
        """Return an entry, still open, for each of *rows*, of which the first is number *first*.

        Raises:
            TypeError: A row, or an id, is of another kind.
            ValueError: It has no `Id`, or one that is no UUID, or a key is no column.
        """
        return [self._entry(first + at, row) for at, row in enumerate(rows)]

    @abstractmethod
    def _entry(self, index: int, given: Any) -> Entry: ...


@define(eq=False)
class Updates(_ByIds):
    """The plan of a job that writes some columns of rows of one entity set."""

    kind: ClassVar[str] = "update"

    _shapes: Shapes = field(init=False, factory=Shapes)
    _verb: OnUpdate = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._verb = OnUpdate(self.service.dialect, self.name)

    def _entry(self, index: int, given: Any) -> Entry:
        values = dict(self._shapes.check(index, given))
        if "Id" not in values:
            raise ValueError(
                f"row {index}: an update is of the row whose 'Id' it has, and has none"
            )
        key = key_of(index, values.pop("Id"))
        _check_changes(index, values)
        outcome = Outcome(index, "update", given, key)
        if self.resolver is not None:
            self.resolver.move(outcome, values)
        return Entry(outcome, self._verb.operation(key, values), self._verb)


def _check_changes(index: int, values: Mapping[str, Any]) -> None:
    if not values:
        raise ValueError(f"row {index}: there is nothing to change, no column is named")


@define(eq=False)
class Deletes(_ByIds):
    """The plan of a job that takes rows of one entity set away."""

    kind: ClassVar[str] = "delete"

    _verb: OnDelete = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._verb = OnDelete(self.service.dialect, self.name)

    def _entry(self, index: int, given: Any) -> Entry:
        key = key_of(index, given)
        operation = self._verb.operation(key)
        return Entry(Outcome(index, "delete", given, key), operation, self._verb)


def _fields(row: Any) -> tuple[Any, ...]:
    return astuple(row, recurse=False)


_FIELDS: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    kind: attrgetter(*(each.name for each in fields(kind))) for kind in (Create, Update, Delete)
}
"""Give the same as `_fields`, in an eighth of the time, for what is no class of the caller's."""


@define(eq=False)
class Mixed(Sending):
    """The plan of a job that carries out operations of any kind on any entity sets."""

    _shapes: Shapes = field(init=False, factory=Shapes)
    _verbs: dict[tuple[object, ...], Any] = field(init=False, factory=dict[tuple[object, ...], Any])

    def content(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return what the operations have in their fields."""
        kinds: list[type[Any]] = list(map(type, rows))
        return [
            (kind.__name__, *_FIELDS.get(kind, _fields)(row))
            for kind, row in zip(kinds, rows, strict=True)
        ]

    def prepare(self, first: int, rows: Sequence[Any], ids: Sequence[str] = ()) -> list[Entry]:
        """Return an entry, still open, for each of *rows*, of which the first is number *first*.

        Raises:
            TypeError: It is no `Create`, `Update` or `Delete`, or its row is no mapping.
            ValueError: An `Id` is no UUID, or a key is no column.
        """
        has_new = any(isinstance(row, Create) for row in rows)
        known = ids or (self.make_ids(first, len(rows)) if has_new else [""] * len(rows))
        self.are_ids_made = has_new
        return [
            self._entry(first + at, row, key)
            for at, (row, key) in enumerate(zip(rows, known, strict=True))
        ]

    def _entry(self, index: int, given: Any, known: str) -> Entry:
        if isinstance(given, Create):
            row = self._shapes.check(index, given.row)
            made = "Id" not in row
            key = known if made else key_of(index, row["Id"])
            self.are_ids_made = self.are_ids_made and made
            verb = self._verb(OnCreate, given.entity_set, made, self.return_rows)
            operation = Operation("POST", verb.path, {**row, "Id": key})
            return Entry(Outcome(index, "create", given, key), operation, verb)
        self.are_ids_made = False
        if isinstance(given, Update):
            values = dict(self._shapes.check(index, given.values))
            if "Id" in values:
                raise ValueError(f"row {index}: the 'Id' of a row is not among what is written")
            key = key_of(index, given.id)
            _check_changes(index, values)
            verb = self._verb(OnUpdate, given.entity_set)
            return Entry(Outcome(index, "update", given, key), verb.operation(key, values), verb)
        if isinstance(given, Delete):
            key = key_of(index, given.id)
            verb = self._verb(OnDelete, given.entity_set)
            return Entry(Outcome(index, "delete", given, key), verb.operation(key), verb)
        raise TypeError(f"row {index}: takes Create, Update and Delete, not {given!r:.80}")

    def _verb(self, kind: Any, *options: Any) -> Any:
        """Return the one verb of its kind for an entity set."""
        found = self._verbs.get((kind, *options))
        if found is None:
            found = self._verbs[kind, *options] = kind(self.service.dialect, *options)
        return found
