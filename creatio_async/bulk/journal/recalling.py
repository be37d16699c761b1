"""Rows that are prepared anew, and put where an earlier run left them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.journal.index import Chunk, Known, is_final
from creatio_async.bulk.journal.lines import Fate
from creatio_async.bulk.report import Outcome
from creatio_async.errors import RecordedError
from creatio_async.outcomes import State
from creatio_async.protocol.names import as_guid

__all__ = ["differing", "recall", "settle"]


def recall(entry: Entry, known: Known, kind: str, *, may_be_tried: bool) -> None:
    """Let *entry*, prepared anew by a plan of this *kind*, be where earlier runs left it."""
    outcome, fate = entry.outcome, known.fate
    if fate is not None and (is_final(fate) or not may_be_tried):
        entry.is_told = True
        settle(outcome, known.id, fate)
    elif is_open(outcome):
        entry.made = known.id
        if fate is not None:
            outcome.attempts = fate.attempts
        if known.sent_as:
            entry.is_in_doubt = True
            outcome.id = known.id or outcome.id
            if known.sent_as != kind:  # it was found out what it is
                outcome.operation = known.sent_as
            outcome.state = State.UNKNOWN
            outcome.attempts = outcome.attempts or 1
            outcome.error = ValueError(f"row {outcome.index}: an earlier run got no answer for it")


def settle(outcome: Outcome, key: str, fate: Fate) -> None:
    """Let *outcome* be what was told of a row for good."""
    outcome.id = key or outcome.id
    outcome.operation, outcome.state = fate.operation, fate.state
    outcome.http_status, outcome.attempts = fate.http_status, fate.attempts
    outcome.error = None if fate.error is None else RecordedError(*fate.error)


def differing(chunk: Chunk, rows: Sequence[Any]) -> str:
    """Return which row is another one now, as far as its `Id` tells."""
    for at, (row, known) in enumerate(zip(rows, chunk.rows, strict=False)):
        key = cast("Mapping[str, object]", row).get("Id") if isinstance(row, Mapping) else row
        if known.id and key is not None and as_guid(key) not in {None, known.id}:
            return f"row {chunk.first + at}:"
    last = chunk.first + len(chunk.rows) - 1
    return f"row {chunk.first}:" if last == chunk.first else f"rows {chunk.first} to {last}:"
