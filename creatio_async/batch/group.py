"""Operations of a batch that are done all or not at all."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeGuard, cast, overload
from uuid import UUID

from creatio_async.batch.sent import Kind, Sent
from creatio_async.models.codec import DICTS, Codec, changes_of, set_of
from creatio_async.protocol.batch.operations import Method, Operation
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.odata.spec import Row, RowT
from creatio_async.protocol.values import check_changes, check_row
from creatio_async.rows import with_id

__all__ = ["Group", "Key", "Set", "key_of"]

Set = str | type[Any]
"""An entity set: its name, or the class for its rows."""

Key = UUID | str | Sent[Any]
"""What a row is found by: its `Id`, or the operation of the same batch that creates it."""

_NO_ROW = "this operation stands for no row with a known Id: name the one that creates it"


class Group:
    """Operations that are done all or not at all; made by `Batch.atomic`.

    A row that is created in the same batch can be referred to: its `Sent` stands for its `Id`, as
    a key and as a value. Where the server makes the `Id`, that is so within the group that creates
    the row: as a key, and as what `link` leads to.

    An entity set is told by its name, or by the class for its rows.
    """

    def __init__(self, dialect: Dialect, name: str | None = None) -> None:
        self._dialect = dialect
        self._name = name
        self._operations: list[Sent[Any]] = []

    @property
    def operations(self) -> Sequence[Sent[Any]]:
        """The operations so far, in order."""
        return tuple(self._operations)

    @overload
    def create(
        self, entity_set: str, row: Mapping[str, Any], *, new_id: Literal["uuid4", "server"] = ...
    ) -> Sent[Row]: ...
    @overload
    def create(
        self,
        entity_set: type[RowT],
        row: RowT | Mapping[str, Any],
        *,
        new_id: Literal["uuid4", "server"] = ...,
    ) -> Sent[RowT]: ...
    def create(
        self, entity_set: Any, row: Any, *, new_id: Literal["uuid4", "server"] = "uuid4"
    ) -> Sent[Any]:
        """Add a row.

        Args:
            entity_set: Its entity set.
            row: A mapping of columns to values, or an object of the class.
            new_id: How a row without `Id` gets one: at random, here, so that it can be looked up
                after a lost answer; or from the server, whose answer then tells it.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, or `Id` is
                no UUID.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
        """
        name, codec = set_of(entity_set)
        place = f"create {name}"
        given: Any = codec.sent(row, place)
        if new_id == "server" and _is_without_id(given):
            body, key = self._resolved(given, place), None
        elif new_id in {"uuid4", "server"}:
            body = self._resolved(with_id(given, place), place)
            key = body["Id"]
        else:
            raise ValueError(f"{place}: new_id is 'uuid4' or 'server', not {new_id!r}")
        check_row(body, place)
        path = self._dialect.set_path(name)
        return self._add("POST", path, "create", key, body, codec=codec)

    @overload
    def update(self, entity_set: str, key: Key, values: Mapping[str, Any]) -> Sent[None]: ...
    @overload
    def update(
        self, entity_set: type[RowT], key: Key, values: RowT | Mapping[str, Any]
    ) -> Sent[None]: ...
    def update(self, entity_set: Any, key: Key, values: Any) -> Sent[None]:
        """Change some fields of a row.

        Raises:
            ValueError: As for `create`; or *values* is empty.
            TypeError: As for `create`.
        """
        name, codec = set_of(entity_set)
        place = f"update {name}"
        body = self._resolved(self._changes(codec, key, values, place), place)
        check_changes(body, place)
        return self._to_row(self._dialect.change, name, key, "update", body)

    @overload
    def replace(self, entity_set: str, key: Key, row: Mapping[str, Any]) -> Sent[None]: ...
    @overload
    def replace(
        self, entity_set: type[RowT], key: Key, row: RowT | Mapping[str, Any]
    ) -> Sent[None]: ...
    def replace(self, entity_set: Any, key: Key, row: Any) -> Sent[None]:
        """Put *row* in the place of a row: fields that it leaves out get their defaults (``PUT``).

        Creatio does not document it for rows; other services have it.

        Raises:
            ValueError: As for `create`.
            TypeError: As for `create`.
        """
        name, codec = set_of(entity_set)
        place = f"replace {name}"
        body = self._resolved(self._changes(codec, key, row, place), place)
        check_row(body, place)
        return self._to_row("PUT", name, key, "replace", body)

    def delete(self, entity_set: Set, key: Key) -> Sent[None]:
        """Take a row away."""
        return self._to_row("DELETE", set_of(entity_set)[0], key, "delete")

    def link(self, entity_set: Set, key: Key, navigation: str, target: Key) -> Sent[None]:
        """Let the lookup *navigation* of a row lead to the row *target*.

        ``XxxId`` is set. Where the server makes the `Id` of *target*, the link itself is written
        (``$ref``, or ``$links`` in OData 3), to ``$1``.
        """
        step = check_name(navigation, "lookup")
        if not _is_unknown(target):
            return self.update(set_of(entity_set)[0], key, {f"{step}Id": key_of(target)})
        self._check_within(target)
        path = self._dialect.reference_step(step)
        sent = self._to_row("PUT", set_of(entity_set)[0], key, "update", step=path)
        sent.target = target
        return sent

    def unlink(self, entity_set: Set, key: Key, navigation: str) -> Sent[None]:
        """Let the lookup *navigation* of a row lead nowhere: ``XxxId`` is set to null."""
        column = f"{check_name(navigation, 'lookup')}Id"
        return self.update(set_of(entity_set)[0], key, {column: None})

    def _to_row(
        self,
        method: Method,
        name: str,
        key: Key,
        kind: Kind,
        body: dict[str, Any] | None = None,
        *,
        step: str = "",
    ) -> Sent[None]:
        """Add an operation on one row, or on what is behind *step* from it."""
        if _is_unknown(key):
            self._check_within(key)
            sent = self._add(method, step, kind, None, body)
            sent.origin = key
            return sent
        row = key_of(key)
        return self._add(method, self._dialect.entity_path(name, row) + step, kind, row, body)

    def _check_within(self, creating: Sent[Any]) -> None:
        if self._name is None or not any(each is creating for each in self._operations):
            raise ValueError(
                "the server makes the Id of this row: only the group that creates it can refer to "
                "it before it is there"
            )

    @staticmethod
    def _changes(codec: Codec[Any], key: Key, values: Any, place: str) -> Any:
        if _is_unknown(key):
            return codec.sent(values, place)
        return changes_of(codec, key_of(key), values, place)

    @staticmethod
    def _resolved(row: Any, place: str) -> dict[str, Any]:
        """Return a copy of *row* in which an operation is replaced by the `Id` of its row."""
        if not isinstance(row, Mapping):
            raise TypeError(f"{place}: takes a mapping of columns to values, not {row!r:.80}")
        given = cast("Mapping[str, Any]", row)
        for name, value in given.items():
            if _is_unknown(value):
                raise ValueError(
                    f"{place}, {name!r}: the server makes the Id of that row; link() leads to it"
                )
            if isinstance(value, Sent) and value.id is None:
                raise ValueError(f"{place}, {name!r}: {_NO_ROW}")
        return {n: value.id if isinstance(value, Sent) else value for n, value in given.items()}

    def _add(
        self,
        method: Method,
        path: str,
        kind: Kind,
        key: str | None = None,
        body: dict[str, Any] | None = None,
        *,
        codec: Codec[Any] = cast("Any", DICTS),  # noqa: B008 - frozen
    ) -> Sent[Any]:
        operation = Operation(method, path, body, self._name)
        sent = Sent[Any](operation, kind, self._dialect, key, codec=codec)
        self._operations.append(sent)
        return sent


def key_of(key: Key) -> str:
    """Return the `Id` that *key* stands for.

    Raises:
        ValueError: The server makes it; it stands for no row; or it is no UUID.
    """
    if _is_unknown(key):
        raise ValueError("the server makes the Id of this row, which is not known before")
    if isinstance(key, Sent) and key.id is None:
        raise ValueError(_NO_ROW)
    return key_text(key.id if isinstance(key, Sent) else key)


def _is_without_id(row: object) -> bool:
    return isinstance(row, Mapping) and "Id" not in row


def _is_unknown(key: object) -> TypeGuard[Sent[Any]]:
    """Whether it stands for a row whose `Id` the server makes, and has not told yet."""
    return isinstance(key, Sent) and key.kind == "create" and key.id is None
