"""The unit of work: rows that are followed, and saved together."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from attrs import define, field

from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.odata.expressions import Column
from creatio_async.protocol.odata.spec import Expand, QuerySpec, as_columns, as_expands
from creatio_async.protocol.values import check_row
from creatio_async.query import Query
from creatio_async.rows import with_id
from creatio_async.service import Service
from creatio_async.unit_of_work.changes import Change, Planned, Saved
from creatio_async.unit_of_work.navigation import lookup_of
from creatio_async.unit_of_work.ordering import ordered
from creatio_async.unit_of_work.rows import TrackedRow, plain
from creatio_async.unit_of_work.saving import Saver

__all__ = ["UnitOfWork"]


@define(eq=False, repr=False)
class UnitOfWork:
    """Follows rows, and saves what was changed in them: ``crm.odata.unit_of_work()``.

    As a context manager it saves when its block ends well, and does nothing after an exception.
    One task uses it at a time.
    """

    _service: Service
    _saver: Saver = field(init=False)
    _rows: dict[tuple[str, str], TrackedRow] = field(
        init=False, factory=dict[tuple[str, str], TrackedRow]
    )
    _order: dict[tuple[str, str], int] = field(init=False, factory=dict[tuple[str, str], int])
    """When each row was first changed."""
    _numbers: Iterator[int] = field(init=False, factory=count)
    _is_saving: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._saver = Saver(self._service)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.save()

    @property
    def rows(self) -> tuple[TrackedRow, ...]:
        """The rows that are followed, in the order in which they came."""
        return tuple(self._rows.values())

    @property
    def pending(self) -> tuple[Change, ...]:
        """What `save` would do, in its order."""
        return tuple(each.change for each in self._plan())

    def add(self, entity_set: str, row: Mapping[str, Any]) -> TrackedRow:
        """Follow a new row, which `save` will create.

        It has its `Id` at once, a new one where *row* has none, so that other rows can refer to
        it: as a value it stands for its `Id`.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, `Id` is no
                UUID, or a row with this `Id` is followed already.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
        """
        place = f"add {check_name(entity_set, 'entity set')}"
        values = plain(with_id(row, place))
        check_row(values, place)
        if (entity_set, values["Id"]) in self._rows:
            raise ValueError(f"{place}: {values['Id']} is followed already")
        tracked = TrackedRow(
            entity_set,
            values["Id"],
            values,
            None,
            self._changed,
            is_id_made_here="Id" not in row,
        )
        self._changed(tracked)
        return self._follow(tracked)

    def attach(self, entity_set: str, row: Mapping[str, Any]) -> TrackedRow:
        """Follow a row that the server has, such as one that was read.

        What is assigned from now on is written by `save`; an `Id` alone is enough for that, and
        to delete it. A row that is followed already is returned, with the values of *row* in
        what was not changed.

        Raises:
            ValueError: It has no `Id`, or one that is no UUID.
            TypeError: *row* is no mapping.
        """
        place = f"attach {check_name(entity_set, 'entity set')}"
        values = with_id(row, place)
        if "Id" not in row:
            raise ValueError(f"{place}: the row has no 'Id'")
        known = self._rows.get((entity_set, values["Id"]))
        if known is not None:
            if not known.is_new:
                known.take(values)
            return known
        tracked = TrackedRow(entity_set, values["Id"], values, dict(values), self._changed)
        return self._follow(tracked)

    async def get(
        self,
        entity_set: str,
        key: UUID | str,
        *,
        select: Sequence[str | Column] = (),
        expand: Sequence[str | Column | Expand] = (),
    ) -> TrackedRow:
        """Read the row whose `Id` is *key*, and follow it.

        Raises:
            NotFoundError: There is no such row.
        """
        spec = QuerySpec(select=as_columns(select), expand=as_expands(expand))
        row = await self._service.get(entity_set, key, spec)
        return self.attach(entity_set, {"Id": key_text(key), **(row or {})})

    async def read(self, query: Query) -> list[TrackedRow]:
        """Read the rows of *query*, and follow them.

        Raises:
            ValueError: The rows have no `Id`: it has to be among what is selected. Or they are
                those behind a row, and not of an entity set.
        """
        check_name(query.name, "entity set")
        return [self.attach(query.name, row) async for row in query]

    async def refresh(self, row: TrackedRow) -> None:
        """Read *row* again; what was changed in it stays changed.

        Raises:
            ValueError: It is not followed, or not saved yet.
            NotFoundError: It is no more.
        """
        self._check(row)
        if row.is_new:
            raise ValueError(f"{row!r} is not saved yet")
        row.take(await self._service.get(row.entity_set, row.id, QuerySpec()) or {})

    def delete(self, row: TrackedRow) -> None:
        """Let `save` take *row* away; one that was added and not saved is forgotten.

        Raises:
            ValueError: It is not followed.
        """
        self._check(row)
        if row.is_new and not self._saver.is_in_doubt(row):
            self.detach(row)
            return
        row.is_deleted = True
        self._order.pop(row.key, None)
        self._changed(row)

    def detach(self, row: TrackedRow) -> None:
        """Follow *row* no more: what was changed in it is not saved.

        Raises:
            ValueError: It is not followed.
        """
        self._check(row)
        row.is_tracked = False
        self._forget(row)

    def link(self, row: TrackedRow, navigation: str, target: TrackedRow | UUID | str) -> None:
        """Let a navigation property of *row* lead to *target*.

        Args:
            row: A row that is followed.
            navigation: A lookup, such as ``Account``: its column ``AccountId`` is set. Or the
                rows of a lookup, such as ``ContactCollectionByAccount``: the lookup of *target*
                is set, which then has to be followed as well.
            target: A row, or its `Id`.

        Raises:
            ValueError: A row is not followed, *navigation* is no identifier, or *target* no row
                of that collection.
        """
        self._link(row, navigation, target, is_set=True)

    def unlink(
        self, row: TrackedRow, navigation: str, target: TrackedRow | UUID | str | None = None
    ) -> None:
        """Let a navigation property of *row* lead nowhere, or no more to *target*.

        Args:
            row: A row that is followed.
            navigation: As for `link`.
            target: The row that is to leave the collection; for a lookup none is needed.

        Raises:
            ValueError: As for `link`.
        """
        self._link(row, navigation, target, is_set=False)

    async def save(self, *, atomic: bool = True) -> list[Saved]:
        """Write what was changed; return one response for each change, in the order of sending.

        Up to 100 changes travel as one change set: all of them are carried out or none. Rows are
        created before those that lead to them, and deleted after them. Where rows lead to each
        other in a circle, a lookup is written by an update of its own.

        After a lost answer the rows are looked up, and only what was not carried out is sent
        again. What a call left open, also one that was cancelled, the next one settles first.

        Args:
            atomic: Without it any number of changes is taken, 100 in each change set, one after
                another.

        Raises:
            ValueError: There are more than 100 changes; nothing was sent.
            SaveError: The server refused a change, and with it its change set: it tells which,
                and what was saved before.
            ResponseError: The server refused the request; a note tells what was saved before.
            TransportError: No answer came. A note says that nothing was written, or the message
                that this could not be found out.
            RuntimeError: Another `save` is under way.
        """
        if self._is_saving:
            raise RuntimeError("this unit of work is being saved")
        self._is_saving = True
        self._saver.saved = []
        try:
            await self._saver.settle()
            self._clean()
            plan = self._plan()
            if atomic and len(plan) > MAX_OPERATIONS:
                raise ValueError(
                    f"{len(plan)} changes are more than one change set takes "
                    f"({MAX_OPERATIONS}): save(atomic=False) sends several"
                )
            for start in range(0, len(plan), MAX_OPERATIONS):
                await self._saver.save(plan[start : start + MAX_OPERATIONS])
            return self._saver.saved
        finally:
            self._is_saving = False
            self._clean()

    def _plan(self) -> list[Planned]:
        rows = sorted(self._rows.values(), key=lambda row: self._order.get(row.key, 0))
        planned = (_planned(row) for row in rows)
        return ordered([each for each in planned if each is not None])

    def _link(
        self,
        row: TrackedRow,
        navigation: str,
        target: TrackedRow | UUID | str | None,
        *,
        is_set: bool,
    ) -> None:
        self._check(row)
        if isinstance(target, TrackedRow):
            self._check(target)
        holder, column, value = lookup_of(row, navigation, target)
        if is_set and target is None:
            raise ValueError(f"{row!r}: {navigation} is to lead to a row, and there is none")
        holder[column] = value if is_set else None

    def _changed(self, row: TrackedRow) -> None:
        if row.is_tracked:
            self._order.setdefault(row.key, next(self._numbers))

    def _follow(self, row: TrackedRow) -> TrackedRow:
        self._rows[row.key] = row
        return row

    def _check(self, row: TrackedRow) -> None:
        if self._rows.get(row.key) is not row:
            raise ValueError(f"{row!r} is not followed by this unit of work")

    def _forget(self, row: TrackedRow) -> None:
        self._rows.pop(row.key, None)
        self._order.pop(row.key, None)

    def _clean(self) -> None:
        """Forget what is done: rows that are gone, and when rows were changed that are saved."""
        for row in self.rows:
            if not row.is_tracked or (
                row.is_new and row.is_deleted and not self._saver.is_in_doubt(row)
            ):
                row.is_tracked = False
                self._forget(row)
            elif _planned(row) is None:
                self._order.pop(row.key, None)


def _planned(row: TrackedRow) -> Planned | None:
    """Return what is to be sent for *row*, if anything is."""
    if row.is_deleted:
        change = Change("delete", row.entity_set, row.id)
        return None if row.is_new else Planned(change, row)
    values = row.changes
    if row.is_new:
        return Planned(Change("create", row.entity_set, row.id), row, values)
    return Planned(Change("update", row.entity_set, row.id), row, values) if values else None
