"""How a chunk of rows is sent, its answers read, and what is unclear settled.

What got no answer, or a 5xx, is looked up with one ``$batch`` of reads; only what is not done is
sent again. What a server turns away for the moment goes back, to be sent with later rows. A batch
that is refused whole is cut in halves until the row is found that is to blame.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import define, field

from creatio_async.bulk.answers import Left, read_answers, refuse_whole
from creatio_async.bulk.entry import Entry, Later, Ran, reopen, reopening
from creatio_async.bulk.keys import Key
from creatio_async.bulk.meter import Meter
from creatio_async.bulk.plan import Before, Resolves
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.retrying import Failure, asked_wait, is_about_a_row, is_unsettled
from creatio_async.bulk.searching import read_queries
from creatio_async.errors import AuthenticationError, BatchError, ResponseError, TransportError
from creatio_async.operations import call_of, inner_request
from creatio_async.outcomes import State
from creatio_async.protocol.batch.jsonbatch import Answers, Item, as_response
from creatio_async.protocol.batch.operations import Format, Operation
from creatio_async.protocol.dialect import Encoded
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.ids import MakeIds, random_ids
from creatio_async.protocol.odata.spec import QuerySpec, Row
from creatio_async.runtime.adaptive import was_refused
from creatio_async.runtime.sender import Reply
from creatio_async.service import Service

__all__ = ["Sending"]


@define(eq=False)
class Sending:
    """Sends operations of any kind, in batches, until each of them is settled or put off."""

    kind: ClassVar[str] = "write"
    """What such a job does to a row, in a word."""
    sifts: ClassVar[bool] = False
    window: ClassVar[int] = 0

    service: Service
    max_bytes: int = field(kw_only=True)
    continue_on_error: bool = field(kw_only=True, default=True)
    return_rows: bool = field(kw_only=True, default=False)
    format: Format | None = field(kw_only=True, default=None)
    """None leaves it to the version of OData."""
    is_atomic: bool = field(kw_only=True, default=False)
    is_rehearsal: bool = field(kw_only=True, default=False)
    """Nothing is sent: each operation is taken to succeed, and each request is counted."""

    meter: Meter = field(init=False, factory=Meter)
    resolver: Resolves | None = field(init=False, default=None)
    """Puts ids in the place of names."""
    make_ids: MakeIds = field(init=False, default=random_ids)
    """Makes the ids of rows that have none."""
    are_ids_made: bool = field(init=False, default=False)
    """All rows that were prepared last have ids of `make_ids`."""
    _format: Format = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes is a number of bytes, not {self.max_bytes}")
        self._format = self.service.dialect.batch_format(
            self.format, continue_on_error=self.continue_on_error
        )

    @property
    def mixes(self) -> bool:
        """Rows that are sent again may be in one batch with others."""
        return self.continue_on_error and not self.is_atomic

    @property
    def resolves(self) -> bool:
        """Rows have names in the place of ids."""
        return self.resolver is not None

    async def resolve(self, entries: list[Entry]) -> None:
        """Put ids in the place of names; settle those of *entries* of which a name is none.

        Raises:
            AuthenticationError: The login was refused.
        """
        if self.resolver is not None:
            await self.resolver.resolve(entries)

    async def sift(self, entries: list[Entry]) -> None:
        """Send everything."""

    async def begin(self, first: int, rows: Sequence[Any]) -> None:
        """Nothing comes before the first rows."""

    def settle_alike(
        self, first: int, rows: Sequence[Any]
    ) -> tuple[Sequence[Outcome], list[Entry]] | None:
        """Nothing is settled before it is looked at row by row."""

    def rest(self) -> Sequence[Any]:
        """Nothing follows."""
        return ()

    def identity(self) -> dict[str, Any]:
        """Return what tells this job from others of the site."""
        lookups = {"lookups": self.resolver.identity()} if self.resolver is not None else {}
        return {"operation": self.kind, "atomic": self.is_atomic, **lookups}

    def content(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return *rows*: they are of values that JSON has."""
        return rows

    def parted(self, entries: list[Entry], size: int) -> list[Later]:
        """Return *entries*, which an earlier run left open, as batches; a group stays one."""
        step = len(entries) if self.is_atomic else size
        parts = [entries[at : at + step] for at in range(0, len(entries), step or 1)]
        return [Later(0.0, part, alone=not self.mixes) for part in parts]

    async def look_back(self, entries: list[Entry]) -> list[Entry]:
        """Settle those of *entries* that an earlier run has carried out; return the others.

        Raises:
            AuthenticationError: The login was refused.
        """
        doubted = [entry for entry in entries if entry.is_in_doubt]
        asked = [each for each in doubted if self.is_atomic or not each.verb.is_repeatable]
        again = await self._look_up(asked) if asked else []
        for entry in doubted:
            entry.is_in_doubt, entry.was_doubted = False, True
        if self.is_atomic and len(again) < len(asked):
            for entry in again:
                entry.outcome.state = State.GROUP_FAILED
            again = []
        reopen(again)
        settled = {id(entry) for entry in asked} - {id(entry) for entry in again}
        return [entry for entry in entries if id(entry) not in settled]

    async def run(
        self, entries: list[Entry], before: Before | None = None, *, is_checked: bool = False
    ) -> Ran:
        """Send *entries*; return those that are to be sent again later.

        *before* is called once, when it is certain that each of them can be sent. With *is_checked*
        their bodies are known to be clean.

        Raises:
            AuthenticationError: The login was refused; no row can be sent any more.
            ValueError: A value has no place in OData. No row of its batch was sent.
            TypeError: A value is of a type that OData does not have. No row of its batch was sent.
        """
        later: list[Later] = []
        parts = [entries]
        while parts:
            part = parts.pop()
            encoded = self._encoded(part, is_checked=is_checked)
            if len(encoded.body) > self.max_bytes:
                if len(part) == 1 or self.is_atomic:
                    self._too_large(part, len(encoded.body))
                else:
                    parts += _halves(part)
                continue
            if before is not None:
                await before(entries)
                before = None
            left = await self._send(part, encoded)
            if left.status is not None and part is entries:
                return Ran([], left.status)
            if left.doubtful:
                with reopening(left.again):
                    left.again += await self._look_up(left.doubtful)
            if self.is_atomic and len(left.again) + len(left.behind) < len(part):
                _give_up_group(left)
            narrows = len(part) > 1 and not self.is_atomic and is_about_a_row(left.whole)
            if narrows and not left.doubtful:
                reopen(part)
                parts += _halves(part)
            elif narrows and left.again:
                later += self._put_off_halves(left)
            else:
                later += self._put_off(left)
        return Ran(later)

    def _encoded(self, entries: list[Entry], *, is_checked: bool) -> Encoded:
        operations = [entry.operation for entry in entries]
        if self.is_atomic:
            for operation in operations:
                operation.group = "g1"
        goes_on = self.continue_on_error
        return self._encode(operations, entries, goes_on=goes_on, is_checked=is_checked)

    def _encode(
        self,
        operations: Sequence[Operation],
        entries: Sequence[Entry],
        *,
        goes_on: bool,
        is_checked: bool = False,
    ) -> Encoded:
        def place(at: int) -> str:
            outcome = entries[at].outcome
            return f"row {outcome.index}" if outcome.index >= 0 else f"row {outcome.id}"

        return self.service.dialect.encode_batch(
            operations,
            place,
            self._format,
            continue_on_error=goes_on,
            is_checked=is_checked,
            rows=self.return_rows,
        )

    def _too_large(self, entries: list[Entry], size: int) -> None:
        for entry in entries:
            outcome = entry.outcome
            what = f"row {outcome.index} alone" if len(entries) == 1 else "its group"
            outcome.state = State.FAILED
            outcome.error = ValueError(
                f"{what} makes a request of {size:,} bytes, and max_bytes is {self.max_bytes:,}"
            )

    async def _send(self, entries: list[Entry], encoded: Encoded) -> Left:
        for entry in entries:
            entry.outcome.attempts += 1
        if self.is_rehearsal:
            self.meter.requests += 1
            for entry in entries:
                entry.outcome.state = State.DONE
            return Left()
        try:
            reply, items = await self._exchange(len(entries), encoded, reads=False)
        except AuthenticationError as error:
            for entry in entries:  # refused at the door
                entry.outcome.attempts -= 1
                entry.outcome.error = error
            raise
        except (TransportError, ResponseError, BatchError) as error:
            return refuse_whole(entries, error, is_unsettled=is_unsettled(error))
        except BaseException:  # broken off: it may be on its way
            for entry in entries:
                entry.outcome.state = State.UNKNOWN
            raise
        return read_answers(
            entries,
            reply,
            items,
            goes_on=self.continue_on_error,
            is_atomic=self.is_atomic,
            returns=self.service.dialect if self.return_rows else None,
        )

    async def _look_up(self, entries: list[Entry]) -> list[Entry]:
        """Settle *entries*, which may have been carried out; return those to send again."""
        for entry in entries:
            entry.is_looked_for_again, entry.was_doubted = entry.was_doubted, True
        operations = [entry.verb.look(entry) for entry in entries]
        encoded = self._encode(operations, entries, goes_on=True)
        try:
            reply, items = await self._exchange(len(entries), encoded, reads=True)
        except AuthenticationError:
            raise
        except (TransportError, ResponseError, BatchError) as failure:
            return _without_look(entries, failure)
        again: list[Entry] = []
        base = str(reply.request.url).removesuffix("$batch")
        for entry, operation, item in zip(entries, operations, items, strict=True):
            outcome = entry.outcome
            if item is None:
                outcome.state = State.UNKNOWN
                is_again = entry.verb.is_repeatable
            elif item["status"] == 200:
                is_again = self._was_found(entry, operation, item, reply)
            else:
                error = refusal(inner_request(base, operation), as_response(item))
                if item["status"] == 404 and error is not None:
                    is_again = entry.verb.missing(entry, error)
                else:
                    outcome.state, outcome.error = State.UNKNOWN, error
                    is_again = entry.verb.is_repeatable
            if is_again:
                again.append(entry)
        return again

    def _was_found(self, entry: Entry, operation: Operation, item: Item, reply: Reply) -> bool:
        """Settle *entry*, whose row is there; return True if it is to be sent again."""
        outcome = entry.outcome
        try:
            row = self.service.dialect.row_of(item, operation.path)
            if (key := str(row.get("Id", outcome.id)).lower()) != outcome.id:
                raise ValueError(f"it is that of {key}")  # noqa: TRY301 - as for any other answer
        except ValueError as error:
            detail = f"what was looked up is no row: {error}"
            outcome.state = State.UNKNOWN
            outcome.error = BatchError(reply.request, reply.response, detail)
            return entry.verb.is_repeatable
        is_again = entry.verb.found(entry, row)
        if self.return_rows and outcome.ok:
            outcome.saved = row
        return is_again

    async def search(
        self, name: str, key: Key, rows: Sequence[Mapping[str, Any]], columns: tuple[str, ...]
    ) -> dict[bytes, list[Row]]:
        """Return what the set *name* has of the keys of *rows*, by these keys.

        Raises:
            TransportError: No answer came.
            ResponseError: A question was refused.
            BatchError: The answer leaves something out.
        """
        specs = [
            QuerySpec(where=(condition,), select=columns) for condition in key.conditions(rows)
        ]
        dialect = self.service.dialect
        operations = [Operation("GET", dialect.collection_path(name, spec)) for spec in specs]
        encoded = dialect.encode_batch(operations, str, self._format)
        reply, items = await self._exchange(len(specs), encoded, reads=True)
        asked = list(zip(operations, specs, strict=True))
        found: dict[bytes, list[Row]] = {}
        for row in await read_queries(self.service, self.meter, asked, reply, items):
            found.setdefault(key.of(row) or b"", []).append(row)
        return found

    def _put_off(self, left: Left) -> list[Later]:
        """Return *left* as what is sent again; what was refused too often already stays refused."""
        attempts = self.service.sender.retry.attempts
        again: list[Entry] = []
        for entry in left.again:
            entry.refusals += 1
            if entry.refusals < attempts:
                again.append(entry)
        if left.behind and left.has_reason_to_go_on(again):
            again += left.behind
            again.sort(key=lambda entry: entry.outcome.index)
        if not again:
            return []
        return [self._later(again, max(entry.refusals for entry in again), alone=not self.mixes)]

    def _put_off_halves(self, left: Left) -> list[Later]:
        """Return the halves of a batch that failed whole: each waits, and is sent by itself."""
        for entry in left.again:
            entry.refusals += 1
        attempts = max(entry.refusals for entry in left.again)
        if len(left.again) == 1:
            return [self._later(left.again, attempts, alone=True)]
        return [self._later(half, attempts, alone=True) for half in reversed(_halves(left.again))]

    def _later(self, entries: list[Entry], attempt: int, *, alone: bool) -> Later:
        retry = self.service.sender.retry
        asked = max(asked_wait(entry.outcome.error) for entry in entries)
        self.meter.sent_again += len(entries)
        reopen(entries)
        seconds = retry.pause(max(attempt, 1), min(asked, retry.timeout))
        return Later(seconds, entries, alone)

    async def _exchange(
        self, count: int, encoded: Encoded, *, reads: bool
    ) -> tuple[Reply, Answers]:
        meter, dialect, sender = self.meter, self.service.dialect, self.service.sender
        meter.requests += 1
        meter.look_ups += reads
        meter.bytes_sent += len(encoded.body)
        begun = sender.clock()
        try:
            reply = await self.service.exchange(call_of(dialect, encoded, reads=reads))
        except (TransportError, ResponseError) as error:
            if not reads and not self.is_atomic:  # a group keeps the size that it was given
                meter.failed(count, sender.clock() - begun, error)
            raise
        meter.bytes_received += len(reply.response.body)
        if not reads and not was_refused():
            meter.answered(count if not self.is_atomic else 0, sender.clock() - begun)
        groups = ["g1" if self.is_atomic and not reads else None] * count
        return reply, dialect.decode_batch(count, reply.request, reply.response, groups=groups)


def _halves(entries: list[Entry]) -> list[list[Entry]]:
    """Return the halves of *entries*, the second one first: the last is what is taken next."""
    middle = len(entries) // 2
    return [entries[middle:], entries[:middle]]


def _without_look(entries: list[Entry], failure: Failure) -> list[Entry]:
    """Leave *entries* unknown, with a note; return those that may be sent again all the same."""
    errors = {id(error): error for entry in entries if (error := entry.outcome.error)}
    for error in errors.values():
        error.add_note(f"looking it up failed, too: {failure}")
    for entry in entries:
        entry.outcome.state = State.UNKNOWN
    return [entry for entry in entries if entry.verb.is_repeatable]


def _give_up_group(left: Left) -> None:
    """Send nothing of a group again of which a part is done: the rest would be no group."""
    for entry in left.again:
        if entry is not left.stop:
            entry.outcome.state = State.GROUP_FAILED
    left.again = []
