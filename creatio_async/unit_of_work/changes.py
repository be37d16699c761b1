"""What is to be saved, what was, and why it was not."""

from typing import Any, Literal

from attrs import define, field, frozen

from creatio_async.errors import CreatioError
from creatio_async.unit_of_work.rows import TrackedRow

__all__ = ["Change", "Planned", "SaveError", "Saved", "planned", "told"]

_NAMED = 3
"""Changes that a message names; of more it tells the number."""


@frozen
class Change:
    """One change: ``create Contact c4ed336c-3e9b-40fe-8b82-5632476472b4``."""

    operation: Literal["create", "update", "delete"]
    entity_set: str
    id: str
    """The `Id` of the row, in lower case."""

    def __str__(self) -> str:
        return f"{self.operation} {self.entity_set} {self.id}"


@define(eq=False)
class Planned:
    """A change on its way, with what is sent for it."""

    change: Change
    row: TrackedRow
    values: dict[str, Any] = field(factory=dict[str, Any])
    """The columns that are written; none for a delete."""


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
        change = Change("delete", row.entity_set, row.id)
        return None if row.is_new else Planned(change, row)
    values = row.changes
    if row.is_new:
        return Planned(Change("create", row.entity_set, row.id), row, values)
    return Planned(Change("update", row.entity_set, row.id), row, values) if values else None
