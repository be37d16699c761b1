"""How a change set is sent, and how one is settled whose answer was lost: nothing happens twice.

A change set is carried out whole or not at all, and its new rows have their ids before it is sent:
whether they are there tells whether it was carried out. Only what was not is sent again.
"""

from collections.abc import Sequence
from typing import NoReturn

from attrs import define, field, frozen

from creatio_async.batch.batch import Batch
from creatio_async.batch.group import Group
from creatio_async.batch.sent import Sent
from creatio_async.bulk.verbs import differing
from creatio_async.errors import (
    BatchError,
    ConflictError,
    CreatioError,
    NotFoundError,
    ResponseError,
    TransportError,
)
from creatio_async.outcomes import State
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata.spec import Row
from creatio_async.protocol.retry import Repeat, is_doubtful
from creatio_async.service import Service
from creatio_async.unit_of_work.changes import Change, Planned, Saved, SaveError, told

__all__ = ["Saver"]

_Failure = TransportError | ResponseError | BatchError


@frozen(eq=False)
class _Refusal:
    """Why a change set is not known to have been carried out."""

    error: _Failure
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
        return operation == "delete" and isinstance(self.error, NotFoundError)


@frozen(eq=False)
class _Left:
    """What is to be sent, or is left of it after a send."""

    planned: Sequence[Planned]
    is_open: bool = False
    """There are updates in it that may have been carried out: to do them again does no harm."""


@define(eq=False)
class Saver:
    """Saves the change sets of one unit of work, one after another."""

    service: Service
    saved: list[Saved] = field(init=False, factory=list[Saved])
    """What the call under way has saved so far."""
    _unsettled: Sequence[Planned] = field(init=False, default=())
    """What was sent, and is not known to have been carried out or not."""

    async def settle(self) -> None:
        """Find out what became of what an earlier call left unsettled.

        Raises:
            TransportError: It could not be found out.
        """
        if self._unsettled:
            await self._look_up(self._unsettled)

    def is_in_doubt(self, row: object) -> bool:
        """Say whether a change of *row* may have been carried out, or not."""
        return any(each.row is row for each in self._unsettled)

    async def save(self, planned: Sequence[Planned]) -> None:
        """Send *planned*, at most 100 changes, as one change set.

        Raises:
            SaveError: The server refused one of them; none is saved.
            ResponseError: The server refused the request; none is saved.
            BatchError: The answer was none; none is saved.
            TransportError: No answer came. None is saved, and a note says so; or its message
                says that this could not be found out.
        """
        sender = self.service.sender
        started, attempt, was_doubted, left = sender.clock(), 0, False, _Left(planned)
        while True:
            attempt += 1
            refusal = await self._send(left.planned)
            if refusal is None:
                return
            if refusal.is_unsettled or (was_doubted and refusal.is_of_a_repeat):
                was_doubted = True
                left = await self._look_up(left.planned)
                if not left.planned:
                    return
            elif not refusal.is_answer:  # the sender has tried often enough
                self._give_up(refusal, left)
            wait = sender.retry.wait(
                _as_transport(refusal.error),
                # What is left was not done, or does no harm when it is done again.
                repeat=Repeat.REFUSED if refusal.is_answer else Repeat.IDEMPOTENT,
                attempt=attempt,
                elapsed=sender.clock() - started,
            )
            if wait is None:
                self._give_up(refusal, left)
            await sender.sleep(wait)

    async def _send(self, planned: Sequence[Planned]) -> _Refusal | None:
        """Send a change set; accept what its answer says, or return why it says nothing good."""
        batch = Batch(self.service)
        with batch.atomic() as group:
            sent = [_add(group, each) for each in planned]
        self._unsettled = planned
        try:
            await batch.send()
        except (TransportError, ResponseError, BatchError) as error:
            is_unsettled = any(each.state is State.UNKNOWN for each in sent)
            return self._refused(_Refusal(error, is_answer=False, is_unsettled=is_unsettled))
        except BaseException:
            if all(each.state is State.NOT_RUN for each in sent):
                self._unsettled = ()  # it was refused on this side
            raise
        refusal = _read(planned, sent)
        if refusal is not None:
            return self._refused(refusal)
        self._accept([
            (each, _row_of(answer), answer.status)
            for each, answer in zip(planned, sent, strict=True)
        ])
        return None

    def _refused(self, refusal: _Refusal) -> _Refusal:
        if not refusal.is_unsettled:
            self._unsettled = ()
        return refusal

    def _accept(self, done: Sequence[tuple[Planned, Row | None, int | None]]) -> None:
        """Take over that changes were carried out, and what the server has of their rows.

        Raises:
            ModelError: A value of the server's does not fit the class of an object.
            ValueError: An object cannot be saved any more, as it is by now; or the server has
                created a row under another `Id`.
        """
        self._unsettled = ()
        failures: list[Exception] = []
        for planned, row, status in done:
            change, tracked = planned.change, planned.row
            self.saved.append(Saved(change, tracked, status))
            if change.operation == "delete":
                tracked.is_tracked = False
                continue
            try:
                tracked.take(row or {}, planned.values)
                _check_id(change, row)
            except (CreatioError, ValueError, TypeError) as error:
                error.add_note(f"this is saved: {change}")
                failures.append(error)
        if failures:
            raise failures[0]

    async def _look_up(self, planned: Sequence[Planned]) -> _Left:
        """Accept what of *planned* was carried out; return the rest, which may be sent again.

        Raises:
            TransportError: It could not be found out.
        """
        self._unsettled = planned
        asked = [each for each in planned if each.change.operation != "update"]
        rows = dict(zip(map(id, asked), await self._rows(asked), strict=True))
        created = [each for each in asked if each.change.operation == "create"]
        there = [each for each in created if rows[id(each)] is not None]
        is_whole = bool(created) and len(there) in {0, len(created)}
        if is_whole:
            done = list(planned) if there else []
        else:  # nothing new to tell by; or a server that does not keep change sets whole
            is_gone = [e for e in asked if e not in created and rows[id(e)] is None]
            done = [*there, *is_gone]
        left = [each for each in planned if each not in done]
        for each in left:
            each.row.doubt(each.values)
        self._accept([(each, rows.get(id(each)), None) for each in done])
        is_open = not is_whole and any(each.change.operation == "update" for each in left)
        return _Left(left, is_open)

    async def _rows(self, asked: Sequence[Planned]) -> list[Row | None]:
        """Return the rows of *asked* as the server has them; None where there is none."""
        if not asked:
            return []
        batch = Batch(self.service)
        answers = [batch.get(each.change.entity_set, each.change.id) for each in asked]
        try:
            await batch.send()
            return [_found(*pair) for pair in zip(asked, answers, strict=True)]
        except (TransportError, ResponseError, BatchError) as failure:
            raise _unknown(failure, asked, self._changes()) from failure

    def _give_up(self, refusal: _Refusal, left: _Left) -> NoReturn:
        error, saved = refusal.error, self._changes()
        if refusal.is_answer:
            raise SaveError(refusal.change, error, saved) from error
        if left.is_open:
            raise _unknown(error, left.planned, saved) from error
        error.add_note(f"none of the {len(left.planned)} changes was carried out; {told(saved)}")
        raise error

    def _changes(self) -> tuple[Change, ...]:
        return tuple(each.change for each in self.saved)


def _add(group: Group, planned: Planned) -> Sent:
    change = planned.change
    match change.operation:
        case "create":
            return group.create(change.entity_set, {"Id": change.id, **planned.values})
        case "update":
            return group.update(change.entity_set, change.id, planned.values)
        case _:
            return group.delete(change.entity_set, change.id)


def _read(planned: Sequence[Planned], sent: Sequence[Sent]) -> _Refusal | None:
    """Return why not all of a change set was carried out; None if it was."""
    pairs = list(zip(planned, sent, strict=True))
    for _, answer in pairs:
        if answer.state is State.UNKNOWN and answer.error is not None:
            return _Refusal(answer.error, is_answer=False, is_unsettled=True)
    for each, answer in pairs:
        if answer.state in {State.FAILED, State.CONFLICT} and answer.error is not None:
            # A server that answers to others in the set with a success has not kept it whole.
            is_split = any(other.status and other.status < 300 for other in sent)
            is_taken = isinstance(answer.error, ConflictError)  # a 500, and yet for certain
            is_unsettled = is_split or (is_doubtful(answer.error) and not is_taken)
            return _Refusal(
                answer.error, is_answer=True, is_unsettled=is_unsettled, change=each.change
            )
    error = sent[0].error
    return None if error is None else _Refusal(error, is_answer=True, is_unsettled=False)


def _row_of(answer: Sent) -> Row | None:
    try:
        row: Row | None = answer.result()
    except CreatioError:  # a success whose body cannot be read is one
        return None
    return row


def _check_id(change: Change, row: Row | None) -> None:
    """Refuse a row that was created under another `Id`: whatever refers to it leads nowhere."""
    made = change.id if row is None else row.get("Id", change.id)
    if change.operation == "create" and key_text(made) != change.id:
        raise ValueError(f"{change}: the server has made it the row {made}, of another Id")


def _found(planned: Planned, answer: Sent) -> Row | None:
    """Return the row that was looked up.

    Raises:
        ResponseError: The server does not tell, or it is another's row.
        BatchError: The server does not tell.
    """
    if isinstance(answer.error, NotFoundError):
        return None
    row: Row = answer.result()
    is_create = planned.change.operation == "create"
    is_other = is_create and not planned.row.is_id_made_here and differing(planned.values, row)
    if is_other and answer.answer is not None:
        raise ConflictError(*answer.answer, "", "the row is there, with other values")
    return row


def _as_transport(error: _Failure) -> TransportError | ResponseError:
    if isinstance(error, BatchError):
        return TransportError(error.request, str(error))
    return error


def _unknown(
    error: _Failure, planned: Sequence[Planned], saved: tuple[Change, ...]
) -> TransportError:
    reason = (
        f"no answer came to {_names(planned)}, and whether that was carried out is unknown: "
        f"{error} ({told(saved)})"
    )
    return TransportError(error.request, reason)


def _names(planned: Sequence[Planned]) -> str:
    first = str(planned[0].change)
    return first if len(planned) == 1 else f"{first} and {len(planned) - 1} more changes"
