"""What is to be saved, what was, and why it was not."""

from typing import Any, Literal

from attrs import define, field, frozen

from creatio_async.errors import CreatioError
from creatio_async.unit_of_work.rows import TrackedRow

__all__ = [
    "Change",
    "Planned",
    "SaveError",
    "Saved",
    "UnknownOutcomeError",
    "change_of",
    "planned",
    "told",
]

_NAMED = 3
"""Changes that a message names; of more it tells the number."""


@frozen
class Change:
    """One change: ``create Contact c4ed336c-3e9b-40fe-8b82-5632476472b4``."""

    operation: Literal["create", "update", "delete"]
    entity_set: str
    id: str | None
    """The `Id` of the row, in lower case; None before the server has made it."""
    number: int = 0
    """What the row is told by that has no `Id` yet, as in ``Contact new 1``; else 0."""

    def __str__(self) -> str:
        return f"{self.operation} {self.entity_set} {self.id or f'new {self.number}'}"


@define(eq=False)
class Planned:
    """A change on its way, with what is sent for it."""

    change: Change
    row: TrackedRow
    values: dict[str, Any] = field(factory=dict[str, Any])
    """The columns that are written; none for a delete. One that is to lead to a row without `Id`
    holds that row."""


@frozen(eq=False)
class Saved:
    """The response to one change that was saved."""

    change: Change
    row: TrackedRow = field(repr=False)
    status: int | None = None
    """The HTTP status of its answer; None where the answer was lost, and looking it up told."""


@define(slots=False, eq=False)
class SaveError(CreatioError):
    """The server refused one of the changes of a unit of work, and with it its change set.

    Every row is as changed as it was before; what was saved by earlier change sets of the same
    ``save(atomic=False)`` is saved.
    """

    change: Change | None
    """The change that was refused; None where the server does not say which one it was."""
    error: CreatioError
    """Why, by meaning: a `ConflictError`, a `NotFoundError`."""
    saved: tuple[Change, ...] = ()
    """What this ``save()`` saved before."""

    def __str__(self) -> str:
        what = "one of the changes" if self.change is None else str(self.change)
        return f"{what}: {self.error} ({told(self.saved)})"


@define(slots=False, eq=False)
class UnknownOutcomeError(CreatioError):
    """Rows whose ids the server makes were sent, and what became of them is not known.

    They cannot be looked up, and are not sent again: they are `EntityState.UNKNOWN`, and each
    ``save()`` raises this error, until they are detached.
    """

    changes: tuple[Change, ...]
    """What was in the change set: all of it was carried out, or none."""
    error: CreatioError | None = None
    """Why no more is known; None after a ``save()`` that was cancelled."""
    saved: tuple[Change, ...] = ()
    """What this ``save()`` saved before."""
    refused: Change | None = None
    """The change that *error* answers, if it answers one: a 500, which may have come too late."""

    def __str__(self) -> str:
        what, *more = map(str, self.changes)
        others = f" and {len(more)} more changes were" if more else " was"
        why = "the save was cancelled" if self.error is None else str(self.error)
        if self.refused is not None:
            why = f"{self.refused}: {why}"
        return (
            f"whether {what}{others} carried out is unknown, and cannot be looked up: the server "
            f"makes the ids ({why}; {told(self.saved)})"
        )


def change_of(operation: Literal["create", "update", "delete"], row: TrackedRow) -> Change:
    """Return what is done with *row*."""
    if row.has_id:
        return Change(operation, row.entity_set, row.id)
    return Change(operation, row.entity_set, None, row.number)


def told(saved: tuple[Change, ...]) -> str:
    """Return what was saved as a clause."""
    if not saved:
        return "nothing was saved"
    if len(saved) > _NAMED:
        return f"{len(saved)} changes were saved before, up to {saved[-1]}"
    return f"saved before: {', '.join(map(str, saved))}"


def planned(row: TrackedRow) -> Planned | None:
    """Return what is to be sent for *row*, if anything is."""
    if row.is_deleted:
        return None if row.is_forgettable else Planned(change_of("delete", row), row)
    values = row.changes
    if row.is_new:
        return Planned(change_of("create", row), row, values)
    return Planned(change_of("update", row), row, values) if values else None
