"""Entity sets: a query that asks for all of it, and what changes its rows."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from typing import Any, cast, overload
from uuid import UUID

from attrs import evolve, frozen

from creatio_async.creating import create_row
from creatio_async.finding import Found, find_many
from creatio_async.many import Many
from creatio_async.models.codec import changes_of
from creatio_async.protocol.dialect import Returns
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.odata.nodes import Named
from creatio_async.protocol.odata.spec import Expand, QuerySpec, Row, RowT, as_columns, as_expands
from creatio_async.protocol.values import check_changes
from creatio_async.query import Query
from creatio_async.streams import Stream

__all__ = ["EntitySet"]


@frozen(eq=False)
class EntitySet(Many[RowT]):
    """The rows of one kind, by the name of their schema: ``crm.odata["Contact"]``.

    It is the query that asks for all of them, so it can be awaited, iterated and narrowed like
    any other; and it reads, adds, changes and deletes single rows and many. Rows are dicts, or
    objects of the class that it was asked for with: ``crm.odata[Contact]``.
    """

    def annotated(self) -> "EntitySet[RowT]":
        """Leave annotations such as ``@odata.etag`` in the rows."""
        return evolve(self, spec=evolve(self.spec, annotated=True))

    async def get(
        self,
        key: UUID | str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> RowT:
        """Return the row whose `Id` is *key*.

        Args:
            key: A UUID, or a string in guid form.
            select: The columns to read; none of them means all.
            expand: Navigation properties whose rows are put into the row.

        Raises:
            NotFoundError: There is no such row.
        """
        spec = self._one_spec(select, expand)
        row = await self._service.get(self.name, key, spec)
        assert row is not None  # noqa: S101 - only a version that is asked for may be unchanged
        return self.codec.row(row)

    async def get_if_changed(
        self,
        key: UUID | str,
        etag: str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> RowT | None:
        """Return the row whose `Id` is *key*, or None where *etag* is its version.

        Creatio itself gives its rows no versions; other services do, as ``@odata.etag`` in the
        rows of `annotated` queries.
        """
        spec = self._one_spec(select, expand)
        row = await self._service.get(self.name, key, spec, if_none_match=etag)
        return None if row is None else self.codec.row(row)

    def get_many(
        self,
        keys: Iterable[UUID | str] | AsyncIterable[UUID | str],
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> AsyncGenerator[Found[RowT]]:
        """Give the rows whose `Id` is one of *keys*, any number of them, in the order asked.

        `Found.row` is None where there is no such row. Reads 100 rows in one ``$batch``.

        Raises:
            ResponseError: Creatio refused to read one of the rows.
            BatchError: The answer cannot be read, or leaves out rows time and again.
        """
        spec = self._one_spec(select, expand)
        return find_many(self._service, self.name, keys, spec, self.codec)

    async def value(self, key: UUID | str, field: str) -> Any:
        """Return one field of the row whose `Id` is *key*.

        Raises:
            NotFoundError: There is no such row.
        """
        return await self._service.value(self.name, key, field)

    async def text(self, key: UUID | str, field: str) -> str:
        """Return one field of the row whose `Id` is *key* as text (``/$value``).

        Raises:
            NotFoundError: There is no such row.
        """
        return await self._service.text(self.name, key, field)

    @overload
    async def related(
        self: "EntitySet[Row]",
        key: UUID | str,
        navigation: str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Row | list[Row] | None: ...
    @overload
    async def related(
        self,
        key: UUID | str,
        navigation: str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Any: ...
    async def related(
        self,
        key: UUID | str,
        navigation: str,
        *,
        select: Sequence[str | Named] = (),
        expand: Sequence[str | Named | Expand] = (),
    ) -> Any:
        """Return what is behind a navigation property of the row whose `Id` is *key*.

        A row, or None where the lookup is empty; a list where the property leads to several. Rows
        are objects of the class that the property has in the class of this set, or else dicts.

        Raises:
            NotFoundError: There is no such row.
        """
        spec = self._one_spec(select, expand)
        found = await self._service.related(self.name, key, navigation, spec)
        codec = self.codec.related(navigation)
        if isinstance(found, list):
            return codec.rows(found)
        return None if found is None else codec.row(found)

    @overload
    def collection(self: "EntitySet[Row]", key: UUID | str, navigation: str) -> Query: ...
    @overload
    def collection(self, key: UUID | str, navigation: str) -> Query[Any]: ...
    def collection(self, key: UUID | str, navigation: str) -> Query[Any]:
        """Return the query for the rows behind a navigation property of the row *key*.

        For a property that leads to many; nothing is sent. Rows are what they are for `related`.

        Raises:
            ValueError: *key* is no UUID, or *navigation* no identifier.
        """
        name = self._service.dialect.collection_in(self.name, key_text(key), navigation)
        return Query(self._service, name, QuerySpec(), self.codec.related(navigation))

    def stream(self, key: UUID | str, field: str | None = None) -> Stream:
        """Return the stream in *field* of the row whose `Id` is *key*; nothing is sent.

        Without *field* it is the bytes that the row itself stands for, where it is a media entry.
        Creatio has none; other services do.

        Raises:
            ValueError: *key* is no UUID, or *field* no identifier.
        """
        return Stream(self._service, self._service.stream_path(self.name, key, field))

    async def create(self, row: RowT | Mapping[str, Any], *, return_row: bool = True) -> RowT:
        """Add *row*; return it as the server has it, with its defaults.

        `Id` is filled in with a new UUID where *row* has none, so that the create cannot happen
        twice: after a lost answer or a 5xx the row is looked up, and it is sent again, with the
        same `Id`, only if no answer came and it is not there.

        Args:
            row: Columns and their values, or an object of the class of this set.
            return_row: Without it the server is asked for no row (``Prefer: return=minimal``),
                and the row comes back as it was sent where the server complies.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, or `Id` is
                no UUID. Nothing was sent.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
            ConflictError: The `Id`, or another key, is taken.
            ResponseError: Creatio refused. What a 5xx left behind was looked up: nothing.
            TransportError: No answer came. A note on it says what is known.
        """
        given = self.codec.sent(row, f"create {self.name}")
        saved = await create_row(self._service, self.name, given, return_row=return_row)
        return self.codec.returned(saved)

    async def update(
        self,
        key: UUID | str,
        values: RowT | Mapping[str, Any],
        *,
        return_row: bool = False,
        if_match: str | None = None,
    ) -> RowT | None:
        """Change the fields in *values* of the row whose `Id` is *key*. The last write wins.

        Args:
            key: A UUID, or a string in guid form.
            values: Columns and their new values, or an object of the class of this set.
            return_row: Return the row as the server has it then.
            if_match: The version that must not have changed, of a service that has versions.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, *values* is
                empty, or an object with another `Id`: nothing was sent.
            TypeError: *values* is no mapping, or holds a value of a type that OData does not have.
            NotFoundError: There is no such row.
            PreconditionFailedError: The row has another version.
        """
        place = f"update {self.name}"
        given = changes_of(self.codec, key, values, place)
        if not isinstance(given, Mapping):
            raise TypeError(f"{place}: takes a mapping of columns to values, not {given!r:.80}")
        row = cast("Mapping[str, Any]", given)
        check_changes(row, place)
        body = self._service.dialect.row_body(row, place)
        returns: Returns | None = "representation" if return_row else None
        saved = await self._service.update(self.name, key, body, returns=returns, if_match=if_match)
        if not return_row:
            return None
        return self.codec.row(saved) if saved is not None else await self.get(key)

    async def delete(self, key: UUID | str, *, if_match: str | None = None) -> None:
        """Delete the row whose `Id` is *key*.

        Raises:
            NotFoundError: There is no such row. Where an answer was lost and the repeat finds no
                row, the delete has happened.
            PreconditionFailedError: The row has another version than *if_match*.
        """
        await self._service.delete(self.name, key, if_match=if_match)

    async def link(
        self, key: UUID | str, navigation: str, target: UUID | str, *, ref: str | None = None
    ) -> None:
        """Let the lookup *navigation* of the row *key* lead to the row *target*.

        Args:
            key: A UUID, or a string in guid form.
            navigation: The lookup, such as ``Account``: its column ``AccountId`` is set.
            target: The `Id` of the row that it is to lead to.
            ref: The entity set of that row; then ``$ref`` is written instead of the column.

        Raises:
            NotFoundError: There is no such row.
        """
        if ref is None:
            await self.update(key, {f"{check_name(navigation, 'lookup')}Id": key_text(target)})
        else:
            await self._service.refer(self.name, key, navigation, ref, key_text(target))

    async def unlink(self, key: UUID | str, navigation: str, *, ref: bool = False) -> None:
        """Let the lookup *navigation* of the row *key* lead nowhere.

        Args:
            key: A UUID, or a string in guid form.
            navigation: The lookup, such as ``Account``: its column ``AccountId`` is set to null.
            ref: Delete ``$ref`` instead of writing the column.

        Raises:
            NotFoundError: There is no such row.
        """
        if ref:
            await self._service.forget(self.name, key, navigation)
        else:
            await self.update(key, {f"{check_name(navigation, 'lookup')}Id": None})

    def _one_spec(
        self, select: Sequence[str | Named], expand: Sequence[str | Named | Expand]
    ) -> QuerySpec:
        return QuerySpec(
            select=as_columns(select),
            expand=as_expands(expand),
            annotated=self.spec.annotated,
        )
