"""What creates, updates and deletes mean where an answer is missing or doubtful.

Each says what it is to find the row, or to find none, after a send of which nothing is known for
certain. Updates and deletes change nothing more when they are carried out twice; a create is sent
again only where its row is not there.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from attrs import define, field

from creatio_async.bulk.entry import Entry
from creatio_async.bulk.retrying import is_passing
from creatio_async.errors import ConflictError, ResponseError
from creatio_async.operations import state_of
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.odata.spec import QuerySpec
from creatio_async.protocol.retry import is_doubtful
from creatio_async.protocol.values import same_value

__all__ = ["IfExists", "OnCreate", "OnDelete", "OnUpdate", "Verb", "differing"]

IfExists = Literal["conflict", "update"]

_ID_ONLY = QuerySpec(select=("Id",))


@define(eq=False)
class Verb:
    """What one kind of operation means for the rows of one entity set."""

    is_repeatable: ClassVar[bool] = True
    """It may be sent again where nothing is known of it."""
    is_done_by_absence: ClassVar[bool] = False
    """That there is no such row, found when it is sent again, is what was wanted."""

    dialect: Dialect
    entity_set: str

    def look(self, entry: Entry) -> Operation:
        """Return the operation that tells whether *entry* was carried out."""
        return Operation("GET", self._path(entry.outcome.id))

    def leaves_doubt(self, error: ResponseError) -> bool:
        """Say whether the row may be written although the server answered with *error*."""
        return is_doubtful(error) and not isinstance(error, ConflictError)

    def found(self, entry: Entry, row: Mapping[str, Any]) -> bool:
        """Settle *entry*, whose row is there; or return True if it is to be sent again."""
        raise NotImplementedError

    def missing(self, entry: Entry, error: ResponseError) -> bool:
        """Settle *entry*, of which there is no row; or return True if it is to be sent again."""
        raise NotImplementedError

    def _path(self, key: str, spec: QuerySpec | None = None) -> str:
        return self.dialect.entity_path(self.entity_set, key, spec)


@define(eq=False)
class OnCreate(Verb):
    """Rows that are added."""

    is_repeatable: ClassVar[bool] = False

    is_made_here: bool
    """The `Id` was made by this run: nobody else can have written it."""
    reads_back: bool
    """The row is wanted as the server has it."""
    if_exists: IfExists = "conflict"
    path: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.path = self.dialect.set_path(self.entity_set)

    def look(self, entry: Entry) -> Operation:
        """Ask for the `Id` only where nothing has to be compared."""
        spec = QuerySpec() if self.reads_back or not self.is_made_here else _ID_ONLY
        return Operation("GET", self._path(entry.outcome.id, spec))

    def leaves_doubt(self, error: ResponseError) -> bool:
        """A key that is taken may be taken by this very row."""
        return is_doubtful(error) or isinstance(error, ConflictError)

    def found(self, entry: Entry, row: Mapping[str, Any]) -> bool:
        """The row is this run's, if it made the id or the values are those that it sent.

        Where an earlier send may have been carried out, other values prove nothing: the server, or
        somebody, may have changed what that send wrote.
        """
        outcome, sent = entry.outcome, entry.operation.body or {}
        is_taken = isinstance(outcome.error, ConflictError)
        other = {} if self.is_made_here else differing(sent, row)
        if not other:
            was_there = outcome.attempts == 1 and is_taken
            outcome.state = State.UNCHANGED if was_there else State.DONE
            outcome.error = None
        elif self.if_exists == "update":
            _as_update(entry, other)
            return True
        elif is_taken and not entry.is_looked_for_again:
            outcome.state = State.CONFLICT
        return bool(other) and entry.is_in_doubt  # the server says whether the key was taken

    def missing(self, entry: Entry, error: ResponseError) -> bool:  # noqa: ARG002 - as of others
        """It is sent again, unless the server has answered for it, and for good."""
        outcome = entry.outcome
        outcome.state = _refused_state(entry)
        return outcome.http_status is None or is_passing(outcome.error)


@define(eq=False)
class OnUpdate(Verb):
    """Rows of which some columns are written."""

    def operation(self, key: str, values: Mapping[str, Any]) -> Operation:
        """Return the operation that writes *values*."""
        return Operation(self.dialect.change, self._path(key), values)

    def found(self, entry: Entry, row: Mapping[str, Any]) -> bool:
        """It was carried out if the row holds the values."""
        outcome = entry.outcome
        if not differing(entry.operation.body or {}, row):
            outcome.state, outcome.error = State.DONE, None
            return False
        outcome.state = _refused_state(entry)
        return outcome.http_status is None or is_passing(outcome.error)

    def missing(self, entry: Entry, error: ResponseError) -> bool:
        """There is nothing to write to."""
        entry.outcome.state, entry.outcome.error = State.FAILED, error
        return False


@define(eq=False)
class OnDelete(Verb):
    """Rows that are taken away."""

    is_done_by_absence: ClassVar[bool] = True

    def operation(self, key: str) -> Operation:
        """Return the operation that takes a row away."""
        return Operation("DELETE", self._path(key))

    def look(self, entry: Entry) -> Operation:
        """Ask whether the row is there."""
        return Operation("GET", self._path(entry.outcome.id, _ID_ONLY))

    def found(self, entry: Entry, row: Mapping[str, Any]) -> bool:  # noqa: ARG002 - as of others
        """It was not carried out."""
        outcome = entry.outcome
        outcome.state = _refused_state(entry)
        return outcome.http_status is None or is_passing(outcome.error)

    def missing(self, entry: Entry, error: ResponseError) -> bool:  # noqa: ARG002 - as of others
        """It was carried out."""
        entry.outcome.state, entry.outcome.error = State.DONE, None
        return False


def differing(sent: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of *sent* is not in *row*, by value."""
    return {
        name: value
        for name, value in sent.items()
        if name not in row or not same_value(value, row[name])
    }


def _refused_state(entry: Entry) -> State:
    error = entry.outcome.error
    answered = entry.outcome.http_status is not None and isinstance(error, ResponseError)
    return state_of(error) if answered and isinstance(error, ResponseError) else State.FAILED


def _as_update(entry: Entry, values: dict[str, Any]) -> None:
    outcome = entry.outcome
    verb = entry.verb = OnUpdate(entry.verb.dialect, entry.verb.entity_set)
    entry.operation = verb.operation(outcome.id, values)
    outcome.operation, outcome.state = "update", State.NOT_RUN
    outcome.error = outcome.http_status = None
