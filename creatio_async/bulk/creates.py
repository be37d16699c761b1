"""Rows to be added to one entity set.

A row has its `Id` before it is first sent: after a lost answer it can be looked up, and is never
written twice.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args
from uuid import UUID

from attrs import define, evolve, field

from creatio_async.bulk.derived import Derived, NoKeyError
from creatio_async.bulk.entry import Entry
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.sending import Sending
from creatio_async.bulk.shapes import Shapes, key_of
from creatio_async.bulk.verbs import IfExists, OnCreate
from creatio_async.protocol.batch.operations import Operation

__all__ = ["Creates", "NewId", "as_maker", "kind_of"]

NewId = Callable[[Mapping[str, Any]], UUID | str]


def as_maker(given: Literal["uuid4"] | Derived | NewId, entity_set: str) -> NewId | None:
    """Return the function that makes the ids of the rows of *entity_set*; None for random ones."""
    if given == "uuid4":
        return None
    return given.within(entity_set) if isinstance(given, Derived) else given


def kind_of(given: Literal["uuid4"] | Derived | NewId) -> str:
    """Return how ids are made, in words: the same in every run."""
    if isinstance(given, Derived):
        return f"derived of {', '.join(given.columns)}"
    return given if isinstance(given, str) else "made by a function"


@define(eq=False)
class Creates(Sending):
    """The plan of a job that adds rows to one entity set."""

    kind: ClassVar[str] = "create"

    name: str = field(kw_only=True)
    new_id: NewId | None = field(kw_only=True, default=None)
    id_kind: str = field(kw_only=True, default="uuid4")
    """What *new_id* is, in words."""
    if_exists: IfExists = field(kw_only=True, default="conflict")
    _shapes: Shapes = field(init=False, factory=Shapes)
    _made: OnCreate = field(init=False)
    _given: OnCreate = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.if_exists not in get_args(IfExists):
            raise ValueError(f"if_exists is 'conflict' or 'update', not {self.if_exists!r}")
        whole = self.return_rows
        dialect, is_made_here = self.service.dialect, self.new_id is None
        self._made = OnCreate(dialect, self.name, is_made_here, whole, self.if_exists)
        self._given = evolve(self._made, is_made_here=False)

    def identity(self) -> dict[str, Any]:
        """Return what tells this job from others of the site."""
        own = {"entity_set": self.name, "new_id": self.id_kind, "if_exists": self.if_exists}
        return {**super().identity(), **own}

    def prepare(self, first: int, rows: Sequence[Any], ids: Sequence[str] = ()) -> list[Entry]:
        """Return an entry, still open, for each of *rows*, of which the first is number *first*.

        *ids* are those that an earlier run gave them, if there was one.

        Raises:
            TypeError: A row is no mapping.
            ValueError: An `Id` is no UUID, or a key is no column.
        """
        verb, known = self._made, self._shapes.known
        path, is_plain = verb.path, self.new_id is None and self.resolver is None
        self.are_ids_made = True
        entries: list[Entry] = []
        for index, row, made in zip(
            range(first, first + len(rows)),
            rows,
            ids or self.make_ids(first, len(rows)),
            strict=True,
        ):
            # Nearly all rows are of this kind, and a call for each would cost as much again.
            given = row
            if is_plain and type(given) is dict and tuple(row) in known and "Id" not in row:
                body = {**row, "Id": made}
                outcome = Outcome(index, "create", row, made)
                entries.append(Entry(outcome, Operation("POST", path, body), verb))
            else:
                entries.append(self._entry(index, row, made, is_known=bool(ids)))
        return entries

    def _entry(self, index: int, given: Any, made: str, *, is_known: bool) -> Entry:
        row, verb = self._shapes.check(index, given), self._made
        if "Id" in row:
            made, verb = key_of(index, row["Id"]), self._given
            self.are_ids_made = False
        elif self.new_id is not None and not is_known:
            made = self._new_key(index, self.new_id, row)
            self.are_ids_made = False
        outcome, body = Outcome(index, "create", row, made), {**row, "Id": made}
        if self.resolver is not None:
            self.resolver.move(outcome, body)
        return Entry(outcome, Operation("POST", verb.path, body), verb)

    @staticmethod
    def _new_key(index: int, new_id: NewId, row: Mapping[str, Any]) -> str:
        try:
            made = new_id(row)
        except NoKeyError as error:
            raise ValueError(f"row {index}: {error}") from None
        return key_of(index, made)
