"""Operations of a batch that are done all or not at all."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from creatio_async.batch.sent import Kind, Sent
from creatio_async.models.codec import DICTS, Codec, set_of
from creatio_async.protocol.batch.operations import Method, Operation
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.values import check_changes, check_row
from creatio_async.rows import with_id

__all__ = ["Group", "Key", "Set", "key_of"]

Set = str | type[Any]
"""An entity set: its name, or the class for its rows."""

Key = UUID | str | Sent
"""What a row is found by: its `Id`, or the operation of the same batch that creates it."""


class Group:
    """Operations that are done all or not at all; made by `Batch.atomic`.

    A row that is created in the same batch can be referred to: its `Sent` stands for its `Id`, as
    a key and as a value.
    """

    def __init__(self, dialect: Dialect, name: str | None = None) -> None:
        self._dialect = dialect
        self._name = name
        self._operations: list[Sent] = []

    @property
    def operations(self) -> Sequence[Sent]:
        """The operations so far, in order."""
        return tuple(self._operations)

    def create(self, entity_set: Set, row: Any) -> Sent:
        """Add a row. `Id` is filled in where *row* has none.

        Raises:
            ValueError: A value has no place in OData, a navigation property is set, or `Id` is
                no UUID.
            TypeError: *row* is no mapping, or a value is of a type that OData does not have.
        """
        name, codec = set_of(entity_set)
        place = f"create {name}"
        body = _resolved(with_id(codec.sent(row, place), place), place)
        check_row(body, place)
        path = self._dialect.set_path(name)
        return self._add("POST", path, "create", body["Id"], body, codec=codec)

    def update(self, entity_set: Set, key: Key, values: Any) -> Sent:
        """Change some fields of a row.

        Raises:
            ValueError: As for `create`; or *values* is empty.
            TypeError: As for `create`.
        """
        name, codec = set_of(entity_set)
        place, row = f"update {name}", key_of(key)
        body = _resolved(codec.sent(values, place), place)
        check_changes(body, place)
        path = self._dialect.entity_path(name, row)
        return self._add(self._dialect.change, path, "update", row, body)

    def replace(self, entity_set: str, key: Key, row: Mapping[str, Any]) -> Sent:
        """Put *row* in the place of a row: fields that it leaves out get their defaults (``PUT``).

        Creatio does not document it for rows; other services have it.

        Raises:
            ValueError: As for `create`.
            TypeError: As for `create`.
        """
        place = f"replace {entity_set}"
        body = _resolved(row, place)
        check_row(body, place)
        found = key_of(key)
        path = self._dialect.entity_path(entity_set, found)
        return self._add("PUT", path, "replace", found, body)

    def delete(self, entity_set: str, key: Key) -> Sent:
        """Take a row away."""
        row = key_of(key)
        return self._add("DELETE", self._dialect.entity_path(entity_set, row), "delete", row)

    def link(self, entity_set: str, key: Key, navigation: str, target: Key) -> Sent:
        """Let the lookup *navigation* of a row lead to the row *target*: ``XxxId`` is set."""
        column = f"{check_name(navigation, 'lookup')}Id"
        return self.update(entity_set, key, {column: key_of(target)})

    def unlink(self, entity_set: str, key: Key, navigation: str) -> Sent:
        """Let the lookup *navigation* of a row lead nowhere: ``XxxId`` is set to null."""
        return self.update(entity_set, key, {f"{check_name(navigation, 'lookup')}Id": None})

    def _add(
        self,
        method: Method,
        path: str,
        kind: Kind,
        key: str | None = None,
        body: dict[str, Any] | None = None,
        *,
        codec: Codec[Any] = DICTS,
    ) -> Sent:
        operation = Operation(method, path, body, self._name)
        sent = Sent(operation, kind, self._dialect, key, codec=codec)
        self._operations.append(sent)
        return sent


def key_of(key: Key) -> str:
    """Return the `Id` that *key* stands for."""
    return key_text(key.id if isinstance(key, Sent) else key)


def _resolved(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a copy of *row* in which an operation is replaced by the `Id` of its row."""
    if not isinstance(row, Mapping):
        raise TypeError(f"{place}: takes a mapping of columns to values, not {row!r:.80}")
    return {name: value.id if isinstance(value, Sent) else value for name, value in row.items()}
