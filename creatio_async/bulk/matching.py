"""Rows that are found by a key: those that are there are changed, and the others added."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from attrs import define, evolve, field

from creatio_async.bulk.creates import NewId
from creatio_async.bulk.derived import NoKeyError
from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.keys import Key
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.retrying import asked_wait, is_passing
from creatio_async.bulk.sending import Sending
from creatio_async.bulk.shapes import Shapes, key_of
from creatio_async.bulk.verbs import OnCreate, OnUpdate, differing
from creatio_async.errors import (
    AuthenticationError,
    BatchError,
    ResponseError,
    ServerError,
    SessionExpiredError,
    TransportError,
)
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.ids import new_ids
from creatio_async.protocol.odata.spec import Row
from creatio_async.protocol.values import check_row

__all__ = ["Matching", "Upserts"]


@define(eq=False)
class Matching(Sending):
    """What plans have in common that find rows by a key."""

    sifts: ClassVar[bool] = True

    name: str = field(kw_only=True)
    key: Key = field(kw_only=True)
    new_id: NewId | None = field(kw_only=True, default=None)
    id_kind: str = field(kw_only=True, default="uuid4")
    """What *new_id* is, in words."""
    _shapes: Shapes = field(init=False, factory=Shapes)
    _seen: set[bytes] = field(init=False, factory=set[bytes])
    _named: set[bytes] = field(init=False, factory=set[bytes])
    """The same of keys that have names in the place of ids."""
    _made: OnCreate = field(init=False)
    _given: OnCreate = field(init=False)
    _changed: OnUpdate = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        dialect, is_made_here = self.service.dialect, self.new_id is None
        self._made = OnCreate(dialect, self.name, is_made_here, self.return_rows)
        self._given = evolve(self._made, is_made_here=False)
        self._changed = OnUpdate(dialect, self.name)

    def identity(self) -> dict[str, Any]:
        """Return what tells this job from others of the site."""
        own = {"entity_set": self.name, "key": list(self.key.columns), "new_id": self.id_kind}
        return {**super().identity(), **own}

    def prepare(
        self,
        first: int,
        rows: Sequence[Any],
        ids: Sequence[str] = (),  # noqa: ARG002 - they have them once they are looked up
    ) -> list[Entry]:
        """Return an entry for each of *rows*, of which the first is number *first*.

        One without a key, or with that of an earlier row, is settled at once.

        Raises:
            TypeError: A row is no mapping.
            ValueError: An `Id` is no UUID, or a key is no column.
        """
        return [self._entry(first + at, row) for at, row in enumerate(rows)]

    def _read(self, index: int, given: Any) -> tuple[Outcome, dict[str, Any]]:
        """Return the outcome of a row, still open, and what is to be written of it."""
        row = self._shapes.check(index, given)
        own = {**row, "Id": key_of(index, row["Id"])} if "Id" in row else dict(row)
        outcome = Outcome(index, self.kind, row, own.get("Id", ""))
        if self.resolver is not None:
            self.resolver.move(outcome, own)
        return outcome, own

    def _entry(self, index: int, given: Any) -> Entry:
        outcome, own = self._read(index, given)
        entry = Entry(outcome, Operation("POST", self._made.path, own), self._made)
        key = self.key.of(own)
        entry.key = key or b""
        if key is None:
            self._has_no_key()
            _settle(outcome, State.FAILED, f"it has no value in {' and '.join(self.key.columns)}")
        elif not (_is_new(key, self._named) if self._has_named_keys else self._is_first(key)):
            _settle(outcome, State.CONFLICT, "an earlier row of the input has the same key")
        return entry

    @property
    def _has_named_keys(self) -> bool:
        """Columns of the key have names in the place of ids."""
        return self.resolver is not None and not self.resolver.columns.isdisjoint(self.key.columns)

    def _is_first(self, key: bytes) -> bool:
        """Take note of *key*, and say whether no row before had it."""
        return _is_new(key, self._seen)

    async def resolve(self, entries: list[Entry]) -> None:
        """Put ids in the place of names; rows whose keys turn out to be one are a conflict.

        Raises:
            AuthenticationError: The login was refused.
        """
        if not self._has_named_keys:
            await super().resolve(entries)
            return
        named = [entry for entry in entries if is_open(entry.outcome) and not entry.is_told]
        told = [entry for entry in entries if entry.is_told]
        copies = [
            Entry(
                Outcome(entry.outcome.index, self.kind, entry.outcome.row, ""),
                entry.operation,
                entry.verb,
            )
            for entry in told
        ]
        await super().resolve([*named, *copies])
        for entry, known in zip([*named, *told], [*named, *copies], strict=True):
            key = self.key.of(known.operation.body or {}) if is_open(known.outcome) else None
            entry.key = key or b""
            if key is None:
                self._has_no_key()
            elif not self._is_first(key) and not entry.is_told:
                _settle(entry.outcome, State.CONFLICT, "an earlier row stands for the same")

    def _has_no_key(self) -> None:
        """Take note that a row of the input stands for nobody knows which."""

    async def match(self, entries: Sequence[Entry]) -> None:
        """Look up *entries* by their keys; let each be a create or an update, or settle it."""
        if not entries:
            return
        try:
            found = await self._find_patiently(entries)
        except AuthenticationError:
            raise
        except (TransportError, ResponseError, BatchError) as error:
            for entry in entries:
                state = State.UNKNOWN if entry.is_in_doubt else State.FAILED
                entry.outcome.state, entry.outcome.error = state, error
            return
        for entry in entries:
            rows = found.get(entry.key, [])
            if self.was_added(entry, (str(row["Id"]).lower() for row in rows)):
                continue
            if not rows:
                self.add(entry)
            elif len(rows) > 1:
                _settle(entry.outcome, State.CONFLICT, f"{len(rows)} rows have this key")
            else:
                sent = entry.operation.body or {}
                self.change(entry, str(rows[0]["Id"]).lower(), partial(differing, sent, rows[0]))

    @staticmethod
    def was_added(entry: Entry, there: Iterable[str]) -> bool:
        """Settle *entry* if an earlier run made the id of one of the rows that are *there*."""
        outcome = entry.outcome
        if not entry.is_in_doubt or outcome.operation != "create" or entry.made not in there:
            return False
        outcome.id, outcome.state, outcome.error = entry.made, State.DONE, None
        return True

    def add(self, entry: Entry) -> None:
        """Let *entry* be a row to be added."""
        outcome, body = entry.outcome, dict(entry.operation.body or {})
        if "Id" in body:
            entry.verb = self._given
        elif entry.made and entry.outcome.operation != "update":
            body["Id"] = entry.made
        elif self.new_id is not None:
            try:
                body["Id"] = key_of(outcome.index, self.new_id(body))
            except NoKeyError as error:
                _settle(outcome, State.FAILED, str(error))
                return
        else:
            body["Id"] = new_ids(1)[0]
        outcome.operation, outcome.id = "create", body["Id"]
        entry.operation = Operation("POST", self._made.path, body)
        _is_to_be_sent(entry)

    def change(self, entry: Entry, key: str, differs: Callable[[], dict[str, Any]]) -> None:
        """Let *entry* be a change of the row *key*, or settle it where nothing *differs*.

        Raises:
            ValueError: A value has no place in OData; the row and the column are named.
            TypeError: A value is of a type that OData does not have.
        """
        outcome, body = entry.outcome, entry.operation.body or {}
        if body.get("Id", key) != key:
            _settle(outcome, State.CONFLICT, f"the row that has its key is {key}")
            return
        outcome.id = key
        try:
            values = differs()
        except (TypeError, ValueError):
            check_row(body, f"row {outcome.index}")
            raise
        if not values:
            was_sent = entry.is_in_doubt and outcome.operation == "update"
            outcome.state = State.DONE if was_sent else State.UNCHANGED
            outcome.error = None
            return
        outcome.operation, entry.verb = "update", self._changed
        entry.operation = self._changed.operation(key, values)
        _is_to_be_sent(entry)

    async def _find_patiently(self, entries: Sequence[Entry]) -> dict[bytes, list[Row]]:
        """Return what is there, by its key; what an answer lacks is asked for again."""
        sender, attempt = self.service.sender, 1
        while True:
            try:
                return await self._find(entries)
            except (ResponseError, BatchError) as error:
                if attempt >= sender.retry.attempts or not _may_be_there_later(error):
                    raise
                asked = min(asked_wait(error), sender.retry.timeout)
            await sender.sleep(max(sender.retry.pause(attempt), asked))
            attempt += 1

    async def _find(self, entries: Sequence[Entry]) -> dict[bytes, list[Row]]:
        """Return what is there, by its key."""
        bodies = [entry.operation.body or {} for entry in entries]
        columns = dict.fromkeys((
            "Id",
            *self.key.columns,
            *(name for row in bodies for name in row),
        ))
        return await self.search(self.name, self.key, bodies, tuple(columns))


@define(eq=False)
class Upserts(Matching):
    """The plan of a job that adds rows, or changes those that are there."""

    kind: ClassVar[str] = "upsert"

    async def sift(self, entries: list[Entry]) -> None:
        """Find out which of *entries* are there, and which hold what they should.

        Raises:
            AuthenticationError: The login was refused.
        """
        await self.match([entry for entry in entries if is_open(entry.outcome)])


def _may_be_there_later(error: ResponseError | BatchError) -> bool:
    if isinstance(error, AuthenticationError):
        return False
    return isinstance(error, BatchError | SessionExpiredError | ServerError) or is_passing(error)


def _is_new(key: bytes, seen: set[bytes]) -> bool:
    count = len(seen)
    seen.add(key)
    return len(seen) > count


def _is_to_be_sent(entry: Entry) -> None:
    if entry.is_in_doubt:  # an earlier run did not carry it out
        entry.is_in_doubt, entry.was_doubted = False, True
        entry.outcome.state = State.NOT_RUN


def _settle(outcome: Outcome, state: State, why: str) -> None:
    outcome.state, outcome.error = state, ValueError(f"row {outcome.index}: {why}")
