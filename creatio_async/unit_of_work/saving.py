"""How a change set is sent, and how one is settled whose answer was lost: nothing happens twice.

A change set is carried out whole or not at all, and its new rows have their ids before it is sent:
whether they are there tells whether it was carried out. Only what was not is sent again. Of rows
whose ids the server makes nothing can be told then: they stay in doubt, and are not sent again.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

from attrs import define, field, frozen

from creatio_async.batch.batch import Batch
from creatio_async.batch.sent import Sent
from creatio_async.bulk.verbs import differing
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
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata.spec import Row
from creatio_async.protocol.retry import Repeat
from creatio_async.service import Service
from creatio_async.unit_of_work.changes import (
    Change,
    Planned,
    Saved,
    SaveError,
    UnknownOutcomeError,
    change_of,
    told,
)
from creatio_async.unit_of_work.changesets import (
    ChangeSet,
    Failure,
    Refusal,
    change_set,
    identify,
    read,
    row_of,
)

__all__ = ["Saver"]


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
    format: Format | None = None
    """How change sets travel; None leaves that to the service."""
    _unsettled: Sequence[Planned] = field(init=False, default=())
    """What was sent, and is not known to have been carried out or not."""
    _reason: Refusal | None = field(init=False, default=None)
    """Why that is not known; None where waiting was cancelled."""
    _doubted: set[tuple[str, str]] = field(init=False, factory=set[tuple[str, str]])
    """The keys of rows that were looked up in vain: an earlier send may still be carried out."""

    def changes(self) -> tuple[Change, ...]:
        """Return what the call under way has saved so far."""
        return tuple(each.change for each in self.saved)

    async def settle(self) -> None:
        """Find out what became of what an earlier call left unsettled.

        Raises:
            UnknownOutcomeError: It cannot be found out.
            TransportError: It could not be found out.
        """
        left = [each for each in self._unsettled if each.row.has_id or each.row.is_tracked]
        if left:
            await self._look_up(left)
        else:
            self._settled()

    def is_in_doubt(self, row: object) -> bool:
        """Say whether a change of *row* may have been carried out, or not."""
        return any(each.row is row for each in self._unsettled)

    async def save(self, changes: ChangeSet) -> None:
        """Send a change set.

        Raises:
            SaveError: The server refused one of them; none is saved.
            ResponseError: The server refused the request; none is saved.
            BatchError: The answer was none; none is saved.
            TransportError: No answer came. None is saved, and a note says so; or its message
                says that this could not be found out.
            UnknownOutcomeError: There are rows among them whose ids the server makes, and what
                became of them is not known.
        """
        sender = self.service.sender
        started, attempt, left = sender.clock(), 0, _Left(changes.planned)
        while True:
            attempt += 1
            refusal = await self._send(changes if attempt == 1 else self.change_set(left.planned))
            if refusal is None:
                return
            is_repeat = any(
                each.row.has_id and each.row.key in self._doubted for each in left.planned
            )
            if refusal.is_unsettled or (is_repeat and refusal.is_of_a_repeat):
                self._reason = refusal
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

    async def _send(self, changes: ChangeSet) -> Refusal | None:
        """Send a change set; accept what its answer says, or return why it says nothing good."""
        planned, sent = changes.planned, changes.sent
        self._doubt(planned)
        try:
            await changes.batch.send()
        except (TransportError, ResponseError, BatchError) as error:
            is_unsettled = any(each.state is State.UNKNOWN for each in sent)
            return self._refused(Refusal(error, is_answer=False, is_unsettled=is_unsettled))
        except BaseException:
            if all(each.state is State.NOT_RUN for each in sent):
                self._settled()  # it was refused on this side
            raise
        refusal = read(planned, sent)
        if refusal is not None:
            if refusal.is_unsettled:
                _take_ids(planned, sent)
            return self._refused(refusal)
        self._accept([
            (each, row_of(answer), answer) for each, answer in zip(planned, sent, strict=True)
        ])
        return None

    def change_set(self, planned: Sequence[Planned]) -> ChangeSet:
        """Return *planned*, at most 100 changes, as one change set."""
        return change_set(self.service, planned, self.format)

    def _doubt(self, planned: Sequence[Planned]) -> None:
        self._unsettled, self._reason = planned, None
        for each in planned:
            each.row.is_in_doubt = not each.row.has_id

    def _settled(self) -> None:
        for each in self._unsettled:
            each.row.is_in_doubt = False
        self._unsettled = ()

    def _refused(self, refusal: Refusal) -> Refusal:
        if not refusal.is_unsettled:
            self._settled()
        return refusal

    def _accept(self, done: Sequence[tuple[Planned, Row | None, Sent[Any] | None]]) -> None:
        """Take over that changes were carried out, and what the server has of their rows.

        Raises:
            ModelError: A value of the server's does not fit the class of an object.
            ValueError: An object cannot be saved any more, as it is by now; or the server has
                created a row under another `Id`.
            UnexpectedResponseError: It has created a row, and does not tell its `Id`.
        """
        self._settled()
        failures: list[Exception] = []
        for planned, row, answer in done:
            change, tracked = planned.change, planned.row
            if tracked.has_id:
                self._doubted.discard(tracked.key)
            try:
                if not tracked.has_id and answer is not None:
                    identify(tracked, answer)
                if change.id is None:
                    change = change_of(change.operation, tracked)
                if change.operation == "delete":
                    tracked.is_tracked = False
                else:
                    tracked.take(row or {}, planned.values)
                    _check_id(change, row)
            except (CreatioError, ValueError, TypeError) as error:
                error.add_note(f"this is saved: {change}")
                failures.append(error)
            self.saved.append(Saved(change, tracked, None if answer is None else answer.status))
        if failures:
            raise failures[0]

    async def _look_up(self, planned: Sequence[Planned]) -> _Left:
        """Accept what of *planned* was carried out; return the rest, which may be sent again.

        Raises:
            TransportError: It could not be found out.
            UnknownOutcomeError: It cannot be found out.
        """
        self._unsettled = planned
        if not all(each.row.has_id for each in planned):
            raise self._unknowable(planned)
        asked = [each for each in planned if each.change.operation != "update"]
        rows = dict(zip(map(id, asked), await self._rows(asked), strict=True))
        created = [each for each in asked if each.change.operation == "create"]
        there = [each for each in created if rows[id(each)] is not None]
        is_whole = bool(created) and len(there) in {0, len(created)}
        if is_whole:
            done = list(planned) if there else []
        else:  # nothing new to tell by; or a server that does not keep change sets whole
            gone = {id(e.row) for e in asked if e not in created and rows[id(e)] is None}
            done = [e for e in planned if e in there or id(e.row) in gone]
        left = [each for each in planned if each not in done]
        for each in left:
            each.row.doubt(each.values)
            self._doubted.add(each.row.key)
        self._accept([(each, rows.get(id(each)), None) for each in done])
        is_open = not is_whole and any(each.change.operation == "update" for each in left)
        return _Left(left, is_open)

    def _unknowable(self, planned: Sequence[Planned]) -> UnknownOutcomeError:
        changes, why = tuple(each.change for each in planned), self._reason
        if why is None:
            return UnknownOutcomeError(changes, None, self.changes())
        error = UnknownOutcomeError(changes, why.error, self.changes(), why.change)
        error.__cause__ = why.error
        return error

    async def _rows(self, asked: Sequence[Planned]) -> list[Row | None]:
        """Return the rows of *asked* as the server has them; None where there is none."""
        if not asked:
            return []
        batch = Batch(self.service)
        answers = [batch.get(each.change.entity_set, each.row.id) for each in asked]
        try:
            await batch.send()
            return [_found(*pair) for pair in zip(asked, answers, strict=True)]
        except (TransportError, ResponseError, BatchError) as failure:
            raise _unknown(failure, asked, self.changes()) from failure

    def _give_up(self, refusal: Refusal, left: _Left) -> NoReturn:
        error, saved = refusal.error, self.changes()
        if refusal.is_answer:
            raise SaveError(refusal.change, error, saved) from error
        if left.is_open:
            raise _unknown(error, left.planned, saved) from error
        error.add_note(f"none of the {len(left.planned)} changes was carried out; {told(saved)}")
        raise error


def _take_ids(planned: Sequence[Planned], sent: Sequence[Sent[Any]]) -> None:
    """Take over ids that were told although not all is known: those rows can be looked up."""
    for each, answer in zip(planned, sent, strict=True):
        if not each.row.has_id and each.change.operation == "create" and answer.id is not None:
            each.row.identify(answer.id)


def _check_id(change: Change, row: Row | None) -> None:
    """Refuse a row that was created under another `Id`: whatever refers to it leads nowhere."""
    made = change.id if row is None else row.get("Id", change.id)
    if change.operation == "create" and key_text(made) != change.id:
        raise ValueError(f"{change}: the server has made it the row {made}, of another Id")


def _found(planned: Planned, answer: Sent[Any]) -> Row | None:
    """Return the row that was looked up.

    Raises:
        ResponseError: The server does not tell, or it is another's row.
        BatchError: The server does not tell.
    """
    if isinstance(answer.error, NotFoundError):
        return None
    row: Row | None = answer.result()
    assert answer.answer is not None  # noqa: S101 - else there was no result
    if row is None:  # there, or not: nobody has said
        raise UnexpectedResponseError(*answer.answer, "", "it holds no row")
    is_create = planned.change.operation == "create"
    is_other = is_create and not planned.row.is_id_made_here and differing(planned.values, row)
    if is_other:
        raise ConflictError(*answer.answer, "", "the row is there, with other values")
    return row


def _as_transport(error: Failure) -> TransportError | ResponseError:
    if isinstance(error, BatchError):
        return TransportError(error.request, str(error))
    return error


def _unknown(
    error: Failure, planned: Sequence[Planned], saved: tuple[Change, ...]
) -> TransportError:
    reason = (
        f"no answer came to {_names(planned)}, and whether that was carried out is unknown: "
        f"{error} ({told(saved)})"
    )
    return TransportError(error.request, reason)


def _names(planned: Sequence[Planned]) -> str:
    first = str(planned[0].change)
    return first if len(planned) == 1 else f"{first} and {len(planned) - 1} more changes"
