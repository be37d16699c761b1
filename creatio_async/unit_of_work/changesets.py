"""A change set on its way out, and what its answer says of the changes in it."""

from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from creatio_async.batch.batch import Batch
from creatio_async.batch.group import Group
from creatio_async.batch.sent import Sent
from creatio_async.errors import (
    BatchError,
    ConflictError,
    CreatioError,
    NotFoundError,
    ResponseError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Format
from creatio_async.protocol.odata.spec import Row
from creatio_async.protocol.retry import is_doubtful
from creatio_async.service import Service
from creatio_async.unit_of_work.changes import Change, Planned
from creatio_async.unit_of_work.rows import TrackedRow, references

__all__ = ["ChangeSet", "Failure", "Refusal", "change_set", "identify", "read", "row_of"]

Failure = TransportError | ResponseError | BatchError


@frozen(eq=False)
class Refusal:
    """Why a change set is not known to have been carried out."""

    error: Failure
    is_answer: bool
    """It is what the server says of one of the changes, not of the request."""
    is_unsettled: bool
    """The change set may have been carried out all the same."""
    change: Change | None = None
    """The one that was refused, where the server says which."""

    @property
    def is_of_a_repeat(self) -> bool:
        """Whether an earlier send that was carried out could be the reason."""
        operation = "delete" if self.change is None else self.change.operation
        if isinstance(self.error, ConflictError):
            return operation == "create"
        return operation != "create" and isinstance(self.error, NotFoundError)


@frozen(eq=False)
class ChangeSet:
    """Changes that travel together, in a batch of their own."""

    planned: Sequence[Planned]
    batch: Batch
    sent: Sequence[Sent[Any]]
    """What stands for *planned* in the batch."""


def change_set(
    service: Service,
    planned: Sequence[Planned],
    format: Format | None,  # noqa: A002
) -> ChangeSet:
    """Return *planned* as one change set."""
    batch = Batch(service, format=format)
    with batch.atomic() as group:
        filling = _Filling(group)
        sent = [filling.add(each) for each in planned]
    return ChangeSet(planned, batch, sent)


@define(eq=False)
class _Filling:
    """Puts changes into a group, and knows what creates the rows that have no `Id` yet."""

    group: Group
    _created: dict[int, Sent[Any]] = field(init=False, factory=dict[int, Sent[Any]])

    def add(self, planned: Planned) -> Sent[Any]:
        """Add a change.

        Raises:
            ValueError: It has to do with a row without `Id` that is not created before.
        """
        name, row = planned.change.entity_set, planned.row
        match planned.change.operation:
            case "create":
                sent = self.group.create(
                    name,
                    {"Id": row.id, **planned.values} if row.has_id else planned.values,
                    new_id="server",
                )
                self._created[id(row)] = sent
                return sent
            case "update":
                for column, target in references(planned.values).items():  # it is the only one
                    navigation = column.removesuffix("Id")
                    return self.group.link(name, self._key(row), navigation, self._key(target))
                return self.group.update(name, self._key(row), planned.values)
            case _:
                return self.group.delete(name, self._key(row))

    def _key(self, row: TrackedRow) -> str | Sent[Any]:
        return row.id if row.has_id else self._created[id(row)]


def read(planned: Sequence[Planned], sent: Sequence[Sent[Any]]) -> Refusal | None:
    """Return why not all of a change set was carried out; None if it was."""
    pairs = list(zip(planned, sent, strict=True))
    for _, answer in pairs:
        if answer.state is State.UNKNOWN and answer.error is not None:
            return Refusal(answer.error, is_answer=False, is_unsettled=True)
    for each, answer in pairs:
        if answer.state in {State.FAILED, State.CONFLICT} and answer.error is not None:
            # A server that answers to others in the set with a success has not kept it whole.
            is_split = any(other.status and other.status < 300 for other in sent)
            is_taken = isinstance(answer.error, ConflictError)  # a 500, and yet for certain
            is_unsettled = is_split or (is_doubtful(answer.error) and not is_taken)
            return Refusal(
                answer.error, is_answer=True, is_unsettled=is_unsettled, change=each.change
            )
    error = sent[0].error
    return None if error is None else Refusal(error, is_answer=True, is_unsettled=False)


def identify(row: TrackedRow, answer: Sent[Any]) -> None:
    """Give *row* the `Id` that the server has made.

    Raises:
        UnexpectedResponseError: The answer does not tell it; the row is followed no more.
    """
    if answer.id is None:
        row.is_tracked = False
        assert answer.answer is not None  # noqa: S101 - it is that to a change that was carried out
        raise UnexpectedResponseError(*answer.answer, "", "it tells no Id that is a guid")
    row.identify(answer.id)


def row_of(answer: Sent[Any]) -> Row | None:
    """Return the row that an answer holds, if it holds one that can be read."""
    try:
        row: Row | None = answer.result()
    except CreatioError:  # a success whose body cannot be read is one
        return None
    return row
