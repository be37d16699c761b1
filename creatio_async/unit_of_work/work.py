"""The unit of work: rows that are followed, and saved together."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload
from uuid import UUID

from attrs import define, field

from creatio_async.models.codec import codec_of
from creatio_async.protocol.batch.operations import Format
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.odata.nodes import Named
from creatio_async.protocol.odata.spec import Expand, QuerySpec, Row, as_columns, as_expands
from creatio_async.query import Query
from creatio_async.rows import with_id
from creatio_async.service import Service
from creatio_async.unit_of_work.changes import Change, Planned, Saved, planned
from creatio_async.unit_of_work.followed import Followed
from creatio_async.unit_of_work.ids import NewIds, check_new_id, identified
from creatio_async.unit_of_work.navigation import check_leads_to, lookup_of
from creatio_async.unit_of_work.objects import TrackedObject, give_id, named
from creatio_async.unit_of_work.ordering import ordered
from creatio_async.unit_of_work.parts import Rest, whole
from creatio_async.unit_of_work.rows import TrackedRow, check_values, plain
from creatio_async.unit_of_work.saving import Saver

__all__ = ["UnitOfWork"]

ObjectT = TypeVar("ObjectT", bound=object)


@define(eq=False, repr=False)
class UnitOfWork:
    """Follows rows, and saves what was changed in them: ``crm.odata.unit_of_work()``.

    As a context manager it saves when its block ends well, and does nothing after an exception.
    One task uses it at a time.
    """

    _service: Service
    new_id: NewIds = field(default="uuid4", converter=check_new_id, kw_only=True)
    format: Format | None = field(default=None, kw_only=True)
    max_bytes: int | None = field(default=None, kw_only=True)
    _saver: Saver = field(init=False)
    _unnamed: Iterator[int] = field(init=False, factory=lambda: count(1))
    """The numbers of rows that have no `Id` yet."""
    _followed: Followed = field(init=False, factory=Followed)
    _is_saving: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        if self.max_bytes is not None and self.max_bytes < 1:
            raise ValueError(f"max_bytes is a number of bytes, not {self.max_bytes}")
        wanted = self._service.dialect.batch_format(self.format, continue_on_error=True)
        self._saver = Saver(self._service, wanted)

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
        return self._followed.rows

    @property
    def pending(self) -> tuple[Change, ...]:
        """What `save` would do, in its order."""
        return tuple(each.change for each in self._plan())

    @overload
    def add(
        self, entity_set: str, row: Mapping[str, Any], *, new_id: NewIds | None = ...
    ) -> TrackedRow: ...
    @overload
    def add(self, entity_set: ObjectT, *, new_id: NewIds | None = ...) -> ObjectT: ...
    def add(
        self,
        entity_set: Any,
        row: Mapping[str, Any] | None = None,
        *,
        new_id: NewIds | None = None,
    ) -> Any:
        """Follow a new row, which `save` will create.

        Other rows can refer to it at once: as a value it stands for its `Id`, which it has from
        the beginning, or gets from the server when it is saved.

        Args:
            entity_set: The name of its entity set; or, alone, an object of a class for rows,
                which is returned itself.
            row: Columns and their values.
            new_id: Where its `Id` comes from if it has none; as for `OData.unit_of_work`, whose
                choice None is.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, `Id` is no
                UUID, or a row with this `Id` is followed already.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
        """
        name, given = named(entity_set, row, "add")
        place = f"add {name}"
        if row is None and (known := self._followed.of(entity_set)) is not None:
            raise ValueError(f"{place}: {known!r} is followed already")
        new_id = self.new_id if new_id is None else check_new_id(new_id)
        values = plain(identified(given, new_id, name, place))
        check_values(values, place)
        key: str | None = values.get("Id")
        if key is not None and self._followed.find(name, key) is not None:
            raise ValueError(f"{place}: {key} is followed already")
        is_missing = "Id" not in given
        if row is None and is_missing:
            give_id(entity_set, key)
        is_id_made_here = is_missing and new_id == "uuid4"
        return self._follow(name, values, None, entity_set, is_id_made_here=is_id_made_here)

    @overload
    def attach(self, entity_set: str, row: Mapping[str, Any]) -> TrackedRow: ...
    @overload
    def attach(self, entity_set: ObjectT) -> ObjectT: ...
    def attach(self, entity_set: Any, row: Mapping[str, Any] | None = None) -> Any:
        """Follow a row that the server has, such as one that was read.

        What is assigned from now on is written by `save`; an `Id` alone is enough for that, and
        to delete it. A row that is followed already is returned, with the values of *row* in
        what was not changed.

        Args:
            entity_set: The name of its entity set; or, alone, an object of a class for rows.
            row: Columns and their values.

        Raises:
            ValueError: It has no `Id`, or one that is no UUID.
            TypeError: *row* is no mapping.
        """
        name, given = named(entity_set, row, "attach")
        values = with_id(given, f"attach {name}")
        if "Id" not in given:
            raise ValueError(f"attach {name}: the row has no 'Id'")
        known = self._followed.find(name, values["Id"])
        if known is None:
            return self._follow(name, values, dict(values), entity_set)
        if not known.is_new:
            known.meet(values)
        if row is None and not isinstance(known.object, type(entity_set)):
            raise TypeError(f"{known!r} is followed already, and not as this class")
        return known.object if row is None else known

    def entry(self, given: object) -> TrackedRow:
        """Return what is known of an object that is followed: its state, its changes.

        Raises:
            ValueError: It is not followed.
        """
        found = self._followed.of(given)
        if found is None:
            raise ValueError(f"{given!r:.80} is not followed by this unit of work")
        return found

    @overload
    async def get(
        self,
        entity_set: str,
        key: UUID | str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> TrackedRow: ...
    @overload
    async def get(
        self,
        entity_set: type[ObjectT],
        key: UUID | str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> ObjectT: ...
    async def get(
        self,
        entity_set: Any,
        key: UUID | str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Any:
        """Read the row whose `Id` is *key*, and follow it.

        Args:
            entity_set: The name of the entity set, or a class for its rows.
            key: A UUID, or a string in guid form.
            select: The columns to read; none of them means all.
            expand: Navigation properties whose rows are put into the row.

        Raises:
            NotFoundError: There is no such row.
        """
        codec = None if isinstance(entity_set, str) else codec_of(entity_set)
        name = entity_set if codec is None else codec.entity_set
        spec = QuerySpec(select=as_columns(select), expand=as_expands(expand))
        row = {"Id": key_text(key), **(await self._service.get(name, key, spec) or {})}
        return self.attach(name, row) if codec is None else self.attach(codec.row(row))

    @overload
    async def read(self, query: Query[Row]) -> list[TrackedRow]: ...
    @overload
    async def read(self, query: Query[ObjectT]) -> list[ObjectT]: ...
    async def read(self, query: Query[Any]) -> list[Any]:
        """Read the rows of *query*, and follow them.

        Raises:
            ValueError: The rows have no `Id`: it has to be among what is selected. Or they are
                those behind a row, and not of an entity set.
        """
        name = check_name(query.name, "entity set")
        return [
            self.attach(name, cast("Row", row)) if isinstance(row, dict) else self.attach(row)
            async for row in query
        ]

    async def refresh(self, row: object) -> None:
        """Read *row* again; what was changed in it stays changed.

        Raises:
            ValueError: It is not followed, or not saved yet.
            NotFoundError: It is no more.
        """
        entry = self.entry(row)
        if entry.is_new:
            raise ValueError(f"{entry!r} is not saved yet")
        entry.take(await self._service.get(entry.entity_set, entry.id, QuerySpec()) or {})

    def delete(self, row: object) -> None:
        """Let `save` take *row* away; one that was added and not saved is forgotten.

        Raises:
            ValueError: It is not followed, or it is `EntityState.UNKNOWN`.
        """
        entry = self.entry(row)
        if entry.is_in_doubt:
            raise ValueError(f"{entry!r}: whether it is there is not known; it can be detached")
        entry.is_deleted = True
        if entry.is_new and not (self._is_saving or self._saver.is_in_doubt(entry)):
            self._followed.forget(entry)
            return
        self._followed.unchanged(entry)
        self._followed.changed(entry)

    def detach(self, row: object) -> None:
        """Follow *row* no more: what was changed in it is not saved.

        Raises:
            ValueError: It is not followed.
        """
        self._followed.forget(self.entry(row))

    def link(self, row: object, navigation: str, target: object) -> None:
        """Let a navigation property of *row* lead to *target*.

        Args:
            row: A row that is followed.
            navigation: A lookup, such as ``Account``: its column ``AccountId`` is set. Or the
                rows of a lookup, such as ``ContactCollectionByAccount``: the lookup of *target*
                is set, which then has to be followed as well.
            target: A row that is followed, or the `Id` of any.

        Raises:
            ValueError: A row is not followed, *navigation* is no identifier, or *target* no row
                of that collection.
        """
        if target is None:
            raise ValueError(f"{self.entry(row)!r}: {navigation} is to lead to a row, not to None")
        holder, column, value = lookup_of(self.entry(row), navigation, self._target(target))
        holder[column] = value

    def unlink(self, row: object, navigation: str, target: object = None) -> None:
        """Let a navigation property of *row* lead nowhere, or no more to *target*.

        Args:
            row: A row that is followed.
            navigation: As for `link`.
            target: The row that is to leave the collection; for a lookup none is needed.

        Raises:
            ValueError: As for `link`; or the lookup is known to lead to another row than *target*.
        """
        holder, column, left = lookup_of(self.entry(row), navigation, self._target(target))
        check_leads_to(holder, column, left)
        holder[column] = None

    async def save(self, *, atomic: bool = True) -> list[Saved]:
        """Write what was changed; return one response for each change, in the order of sending.

        Up to 100 changes travel as one change set: all of them are carried out or none. Rows are
        created before those that lead to them, and deleted after them. Where rows lead to each
        other in a circle, or to one whose `Id` the server makes, a lookup is written by an update
        of its own.

        After a lost answer the rows are looked up, and only what was not carried out is sent
        again. What a call left open, also one that was cancelled, the next one settles first.

        Args:
            atomic: Without it any number of changes is taken, at most 100 in each change set, one
                after another.

        Raises:
            ValueError: There are more than 100 changes, or more bytes than may be sent at once;
                or a row leads to a new one that is not followed. Nothing was sent; without
                *atomic*, the message tells what was.
            SaveError: The server refused a change, and with it its change set: it tells which,
                and what was saved before.
            ResponseError: The server refused the request; a note tells what was saved before.
            TransportError: No answer came. A note says that nothing was written, or the message
                that this could not be found out.
            UnknownOutcomeError: What became of rows whose ids the server makes is not known, by
                this call or by an earlier one.
            UnexpectedResponseError: The server does not tell an `Id` that it has made.
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
            if atomic:
                if plan:
                    await self._saver.save(whole(plan, self._saver.change_set, self.max_bytes))
                return self._saver.saved
            rest = Rest(plan)
            while part := rest.next_part(
                self._saver.change_set, self.max_bytes, self._saver.changes
            ):
                await self._saver.save(part)
            return self._saver.saved
        finally:
            self._is_saving = False
            self._clean()

    def _plan(self) -> list[Planned]:
        changes = [change for row in self.rows if (change := planned(row)) is not None]
        return ordered(self._followed.in_order(changes))

    def _target(self, target: object) -> TrackedRow | UUID | str | None:
        if target is None or isinstance(target, UUID | str):
            return target
        return self.entry(target)

    def _follow(
        self,
        name: str,
        values: dict[str, Any],
        known: dict[str, Any] | None,
        given: object,
        *,
        is_id_made_here: bool = False,
    ) -> object:
        """Follow a row, or the object *given*, which a name is not; return what the caller uses."""
        key = values.get("Id")
        number = next(self._unnamed) if key is None else 0
        told = self._followed.changed
        options: dict[str, Any] = {"is_id_made_here": is_id_made_here, "number": number}
        row = (
            TrackedRow(name, key, values, known, told, **options)
            if isinstance(given, str)
            else TrackedObject(name, key, values, known, told, **options, given=given)
        )
        self._followed.add(row)
        if known is None:
            told(row)
        return row.object

    def _clean(self) -> None:
        """Forget the rows that are gone, and when those were changed that are saved."""
        for each in self._saver.saved:
            self._followed.unchanged(each.row)
        for row in self.rows:
            self._followed.know(row)
            is_nothing = row.is_forgettable and not self._saver.is_in_doubt(row)
            if is_nothing or not row.is_tracked:
                self._followed.forget(row)
