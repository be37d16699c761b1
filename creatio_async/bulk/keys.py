"""Natural keys: which columns tell a row from the others, and which values mean the same row."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from attrs import field, frozen
from orjson import loads

from creatio_async.bulk.columns import ambiguous, column_of, folded, guid_keys, text_keys
from creatio_async.bulk.comparing import meaning
from creatio_async.protocol.names import as_guid, check_name
from creatio_async.protocol.odata.filters import node_count
from creatio_async.protocol.odata.nodes import And, Comparison, Condition, In, Literal, Or, Path
from creatio_async.protocol.odata.splitting import CHAIN
from creatio_async.protocol.values import ZERO_GUID

__all__ = ["Key"]

_NODES = 95
"""Nodes of a condition that a server takes, of 100 by default; some are left for paging."""


def _folded(value: Any) -> bytes:
    """Return the `meaning` of *value*; of texts that are one key, the same."""
    text = meaning(value)
    if isinstance(value, str) and text[:1] == b'"':
        return meaning(value.casefold().rstrip())
    return text


def _columns(given: str | Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not names:
        raise ValueError("a key is one column or several, not none")
    return tuple(check_name(name, "column") for name in names)


@frozen
class Key:
    """The columns by which rows are found."""

    columns: tuple[str, ...] = field(converter=_columns)

    def of(self, row: Mapping[str, Any]) -> bytes | None:
        """Return 16 bytes that stand for the key of *row*; None where a value of it is missing.

        They hold for this process alone. Texts that differ in case only, or in blanks at the end,
        are one key: for many databases they are.
        """
        if len(self.columns) == 1 and (guid := as_guid(row.get(self.columns[0]))) is not None:
            return bytes.fromhex(guid.replace("-", "")) if guid != ZERO_GUID else None
        digest = blake2b(digest_size=16)
        for column in self.columns:
            text = _folded(row.get(column))
            if not text:
                return None
            if len(self.columns) == 1 and text[:1] == b'"':
                [key] = text_keys([loads(text)])
                return key
            digest.update(text + b"\n")
        return digest.digest()

    def of_all(self, rows: Sequence[Mapping[str, Any]]) -> list[bytes | None]:
        """Return the key of each of *rows*, as `of` does."""
        if len(self.columns) != 1:
            return [self.of(row) for row in rows]
        values = column_of(rows, self.columns[0])
        if (guids := guid_keys(values)) is not None:
            return [*guids]
        if (texts := folded(values)) is None:
            return [self.of(row) for row in rows]
        keys: list[bytes | None] = [*text_keys(texts)]
        for at in ambiguous(texts):
            keys[at] = self.of(rows[at])
        return keys

    def conditions(self, rows: Sequence[Mapping[str, Any]]) -> list[Condition]:
        """Return conditions that together hold for whatever has the key of one of *rows*."""
        if len(self.columns) == 1:
            path, column = Path(self.columns), self.columns[0]
            values = [Literal(row[column]) for row in rows]
            return [In(path, tuple(values[at : at + CHAIN])) for at in range(0, len(rows), CHAIN)]
        found: list[list[Condition]] = [[]]
        for row in rows:
            one = And(
                tuple(Comparison("eq", Path((name,)), Literal(row[name])) for name in self.columns)
            )
            if found[-1] and node_count(Or((*found[-1], one))) > _NODES:
                found.append([])
            found[-1].append(one)
        return [each[0] if len(each) == 1 else Or(tuple(each)) for each in found]
