"""A row on its way: its outcome so far, its operation, and what is known beyond that."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from attrs import define

from creatio_async.bulk.report import Outcome
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Operation

if TYPE_CHECKING:
    from creatio_async.bulk.verbs import Verb

__all__ = ["OPEN", "Entry", "Later", "Prepared", "Ran", "is_open", "reopen", "reopening"]

OPEN = frozenset({State.NOT_RUN, State.UNKNOWN})
"""The states of rows that are tried again where a job goes on."""
_NOT_RUN, _UNKNOWN = State.NOT_RUN, State.UNKNOWN  # a member of an enum costs much to look up


@define(eq=False)
class Entry:
    """One row on its way."""

    outcome: Outcome
    operation: Operation
    verb: "Verb"
    was_doubted: bool = False
    """An earlier send may have been carried out."""
    is_looked_for_again: bool = False
    """It was so already when it was looked for the last time."""
    refusals: int = 0
    """How often it was not done for a passing reason."""
    is_in_doubt: bool = False
    """An earlier run may have carried it out, and nobody has looked yet."""
    is_told: bool = False
    """An earlier run settled it for good."""
    made: str = ""
    """The `Id` with which an earlier run sent it, or would have."""
    key: bytes = b""
    """What it is found by, where it is looked for; empty where it has no such value."""


class Later(NamedTuple):
    """Rows that are sent again after a while."""

    seconds: float
    entries: list[Entry]
    alone: bool
    """They are a batch of their own, and not mixed with other rows."""


class Prepared(NamedTuple):
    """Rows that were read, and what is to be done with them."""

    settled: Sequence[Outcome]
    """Rows of which nothing has to be sent."""
    entries: list[Entry]
    """The others."""
    is_checked: bool = False
    """What is sent of them is known to be clean."""


class Ran(NamedTuple):
    """Rows that were sent: what came of it."""

    later: list[Later]
    """Those that are to be sent again."""
    status: int | None = None
    """The status of every answer, where all went at once, and all are done with the same one."""


def is_open(outcome: Outcome) -> bool:
    """Say whether *outcome* is none yet: it was not begun, or nothing is known of it."""
    state = outcome.state
    return state is _NOT_RUN or state is _UNKNOWN


def reopen(entries: Iterable[Entry]) -> None:
    """Let *entries*, which are to be sent again, have no outcome: what is unknown stays so."""
    for entry in entries:
        if entry.outcome.state is not _UNKNOWN:
            entry.outcome.state = _NOT_RUN


@contextmanager
def reopening(entries: Iterable[Entry]) -> Generator[None]:
    """Let *entries*, which were refused for the moment, have no outcome if the block breaks off."""
    try:
        yield
    except BaseException:
        reopen(entries)
        raise
