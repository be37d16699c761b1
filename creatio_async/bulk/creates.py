"""Rows to be added: how a chunk of them is sent, and how what is unclear is settled.

A row has its `Id` before it is first sent. What got no answer, or a 5xx, is looked up with one
``$batch`` of reads; only what is not there is sent again, and only where no answer came. So a row
is never written twice.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from attrs import define, field

from creatio_async.batch import call_of, inner_refusal, inner_request, state_of
from creatio_async.bulk.report import Outcome
from creatio_async.errors import (
    AuthenticationError,
    BatchError,
    ConflictError,
    ResponseError,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.outcomes import State
from creatio_async.protocol.batch import jsonbatch
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.ids import new_ids
from creatio_async.protocol.json import as_object
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata import v4
from creatio_async.protocol.odata.spec import QuerySpec
from creatio_async.protocol.retry import is_doubtful
from creatio_async.protocol.values import check_row, same_value
from creatio_async.runtime.sender import Reply
from creatio_async.service import Service

__all__ = ["Creates", "NewId"]

NewId = Callable[[Mapping[str, Any]], UUID | str]

_ID_ONLY = QuerySpec(select=("Id",))

_SHAPES = 1_000
"""Sets of column names that are remembered as checked."""


@define(eq=False)
class _Entry:
    """One row on its way: its outcome so far, its operation, and what is still open."""

    outcome: Outcome
    operation: Operation
    made_here: bool
    """Its `Id` was made by this run: nobody else can have written it."""


@define(eq=False)
class _Left:
    """What is open after a send, by what is to be done."""

    goes_on: bool = True
    """A row without an answer says nothing about the batch having stopped."""
    again: list[_Entry] = field(factory=list[_Entry])
    """Refused for a passing reason."""
    doubtful: list[_Entry] = field(factory=list[_Entry])
    """They may have been written."""
    behind: list[_Entry] = field(factory=list[_Entry])
    """The batch stopped before them, at `stop`."""
    stop: _Entry | None = None
    """The first that was refused."""

    def has_reason_to_go_on(self) -> bool:
        """Say whether what stopped the batch is no failure, or may yet turn out to be none."""
        stop = self.stop
        return stop is not None and (stop in self.again or stop.outcome.ok)


@define(eq=False)
class Creates:
    """The plan of a job that adds rows to one entity set."""

    service: Service
    name: str
    max_bytes: int = field(kw_only=True)
    continue_on_error: bool = field(kw_only=True)
    new_id: NewId | None = field(kw_only=True)
    return_rows: bool = field(kw_only=True)

    requests: int = field(init=False, default=0)
    """``$batch`` requests so far, look-ups included."""
    _path: str = field(init=False)
    _shapes: set[tuple[Any, ...]] = field(init=False, factory=set[tuple[Any, ...]])

    def __attrs_post_init__(self) -> None:
        self._path = v4.set_path(self.name)
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes is a number of bytes, not {self.max_bytes}")

    def prepare(self, first: int, rows: Sequence[Any]) -> list[Outcome]:
        """Return an outcome, still open, for each of *rows*, of which the first is number *first*.

        Raises:
            TypeError: A row is no mapping.
            ValueError: An `Id` is no UUID, or a key is no column.
        """
        return [
            self._outcome(index, row, made)
            for index, row, made in zip(
                range(first, first + len(rows)), rows, new_ids(len(rows)), strict=True
            )
        ]

    def _outcome(self, index: int, row: Any, made: str) -> Outcome:
        if type(row) is not dict and not isinstance(row, Mapping):
            raise TypeError(
                f"row {index}: a row is a mapping of columns to values, not {row!r:.80}"
            )
        row = cast("Mapping[str, Any]", row)
        shape = tuple(row)
        if shape not in self._shapes:
            check_row(dict.fromkeys(shape), f"row {index}")
            if len(self._shapes) < _SHAPES:
                self._shapes.add(shape)
        if "Id" in row:
            made = self._key(index, row["Id"])
        elif self.new_id is not None:
            made = self._key(index, self.new_id(row))
        return Outcome(index, "create", row, made)

    @staticmethod
    def _key(index: int, given: object) -> str:
        try:
            return key_text(given)
        except (TypeError, ValueError) as error:
            raise type(error)(f"row {index}, 'Id': {error}") from None

    async def run(self, outcomes: list[Outcome]) -> None:
        """Send the rows of *outcomes*, until each of them is settled.

        Raises:
            AuthenticationError: The login was refused; no row can be sent any more.
            ValueError: A value has no place in OData. None of the rows was sent.
            TypeError: A value is of a type that OData does not have. None of the rows was sent.
        """
        path = self._path
        entries = [
            _Entry(
                each,
                Operation("POST", path, {**each.row, "Id": each.id}),
                "Id" not in each.row and self.new_id is None,
            )
            for each in outcomes
        ]
        retry, attempt = self.service.sender.retry, 0
        while True:
            attempt += 1
            entries = await self._round(entries)
            if not entries or attempt >= retry.attempts:
                return
            asked = max(_asked(entry.outcome) for entry in entries)
            await self.service.sender.sleep(max(retry.pause(attempt), min(asked, retry.timeout)))

    async def _round(self, entries: list[_Entry]) -> list[_Entry]:
        """Send *entries* once, in as many requests as their bytes need; return what is open."""
        body = jsonbatch.encode(
            [entry.operation for entry in entries], lambda at: f"row {entries[at].outcome.index}"
        )
        if len(body) > self.max_bytes:
            if len(entries) == 1:
                self._too_large(entries[0].outcome, len(body))
                return []
            middle = len(entries) // 2
            return [*await self._round(entries[:middle]), *await self._round(entries[middle:])]
        left = await self._send(entries, body)
        if left.doubtful:
            left.again += await self._look_up(left.doubtful)
        if left.behind and left.has_reason_to_go_on():
            left.again += left.behind
            left.again.sort(key=lambda entry: entry.outcome.index)
        return left.again

    def _too_large(self, outcome: Outcome, size: int) -> None:
        outcome.state = State.FAILED
        outcome.error = ValueError(
            f"row {outcome.index} alone makes a request of {size:,} bytes, "
            f"and max_bytes is {self.max_bytes:,}"
        )

    async def _send(self, entries: list[_Entry], body: bytes) -> _Left:
        for entry in entries:
            entry.outcome.attempts += 1
        try:
            reply, items = await self._exchange(len(entries), body, reads=False)
        except AuthenticationError as error:
            for entry in entries:  # refused at the door
                entry.outcome.attempts -= 1
                entry.outcome.error = error
            raise
        except (TransportError, ResponseError, BatchError) as error:
            doubt = _is_doubtful(error)
            for entry in entries:
                entry.outcome.error, entry.outcome.http_status = error, None
                entry.outcome.state = State.UNKNOWN if doubt else State.FAILED
            return _Left(doubtful=entries if doubt else [])
        except BaseException:  # broken off: it may be on its way
            for entry in entries:
                entry.outcome.state = State.UNKNOWN
            raise
        return self._read(entries, reply, items)

    def _read(self, entries: list[_Entry], reply: Reply, items: jsonbatch.Answers) -> _Left:
        left = _Left(goes_on=self.continue_on_error or items.cut_off)
        for entry, item in zip(entries, items, strict=True):
            if item is None:
                self._missing(entry, reply, left)
            elif item["status"] < 300:
                outcome = entry.outcome
                outcome.state, outcome.http_status = State.DONE, item["status"]
                outcome.error = None
                if self.return_rows:
                    outcome.saved = self.service.reading.row(as_object(item.get("body")))
            else:
                self._refused(entry, reply, item, left)
        return left

    def _missing(self, entry: _Entry, reply: Reply, left: _Left) -> None:
        outcome = entry.outcome
        outcome.http_status = None
        if left.stop is not None and not left.goes_on:
            detail = "the batch stopped before this row"
            outcome.state = State.NOT_RUN
            left.behind.append(entry)
        else:  # a server that leaves it out has not said that it stopped
            detail = "the answer leaves this row out"
            outcome.state = State.UNKNOWN
            left.doubtful.append(entry)
        outcome.error = BatchError(reply.request, reply.response, detail)

    def _refused(self, entry: _Entry, reply: Reply, item: jsonbatch.Item, left: _Left) -> None:
        base = str(reply.request.url).removesuffix("$batch")
        error = inner_refusal(inner_request(base, entry.operation), jsonbatch.as_response(item))
        outcome = entry.outcome
        left.stop = left.stop or entry
        outcome.http_status, outcome.error = item["status"], error
        outcome.state = state_of(error)
        if isinstance(error, ThrottledError):
            left.again.append(entry)
        elif error is not None and (is_doubtful(error) or isinstance(error, ConflictError)):
            outcome.state = State.UNKNOWN  # until it is looked up
            left.doubtful.append(entry)

    async def _look_up(self, entries: list[_Entry]) -> list[_Entry]:
        """Settle *entries*, which may have been written; return those to send again."""
        operations = [self._look(entry) for entry in entries]
        body = jsonbatch.encode(operations, lambda at: f"row {entries[at].outcome.index}")
        try:
            reply, items = await self._exchange(len(entries), body, reads=True)
        except AuthenticationError:
            raise
        except (TransportError, ResponseError, BatchError) as failure:
            errors = {id(error): error for entry in entries if (error := entry.outcome.error)}
            for error in errors.values():
                error.add_note(f"looking it up failed, too: {failure}")
            for entry in entries:
                entry.outcome.state = State.UNKNOWN
            return []
        again: list[_Entry] = []
        base = str(reply.request.url).removesuffix("$batch")
        for entry, operation, item in zip(entries, operations, items, strict=True):
            if item is None:
                entry.outcome.state = State.UNKNOWN
            elif item["status"] == 404:
                if self._is_worth_repeating(entry.outcome):
                    again.append(entry)
            elif item["status"] == 200:
                self._found(entry, as_object(item.get("body")))
            else:
                request = inner_request(base, operation)
                entry.outcome.error = refusal(request, jsonbatch.as_response(item))
                entry.outcome.state = State.UNKNOWN
        return again

    def _look(self, entry: _Entry) -> Operation:
        whole = self.return_rows or not entry.made_here
        spec = QuerySpec() if whole else _ID_ONLY
        return Operation("GET", v4.entity_path(self.name, entry.outcome.id, spec))

    @staticmethod
    def _is_worth_repeating(outcome: Outcome) -> bool:
        """A row that is not there is sent again, unless the server has answered for it."""
        answered = outcome.http_status is not None
        is_taken = answered and isinstance(outcome.error, ConflictError)
        outcome.state = State.CONFLICT if is_taken else State.FAILED
        return not answered

    def _found(self, entry: _Entry, row: dict[str, Any]) -> None:
        """The row is there: this run's, if it made the id or the values are those that it sent."""
        outcome, sent = entry.outcome, entry.operation.body or {}
        ours = entry.made_here or all(
            name in row and same_value(value, row[name]) for name, value in sent.items()
        )
        if ours:
            was_there = outcome.attempts == 1 and isinstance(outcome.error, ConflictError)
            outcome.state = State.UNCHANGED if was_there else State.DONE
            outcome.error = None
            if self.return_rows:
                outcome.saved = self.service.reading.row(row)
        elif isinstance(outcome.error, ConflictError):
            outcome.state = State.CONFLICT

    async def _exchange(
        self, count: int, body: bytes, *, reads: bool
    ) -> tuple[Reply, jsonbatch.Answers]:
        self.requests += 1
        go_on = reads or self.continue_on_error
        call = call_of(body, reads=reads, continue_on_error=go_on)
        reply = await self.service.sender.send(call)
        return reply, jsonbatch.decode(count, reply.request, reply.response)


def _is_doubtful(error: TransportError | ResponseError | BatchError) -> bool:
    """Say whether rows may be written in spite of *error*."""
    if isinstance(error, BatchError):
        return True
    answered_otherwise = isinstance(error, UnexpectedResponseError) and error.status < 300
    return answered_otherwise or is_doubtful(error)


def _asked(outcome: Outcome) -> float:
    """Return the seconds that the server asks to wait before the row comes again."""
    error = outcome.error
    return (error.retry_after or 0.0) if isinstance(error, ResponseError) else 0.0
