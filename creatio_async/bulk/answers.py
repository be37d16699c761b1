"""What the answers to a batch say of each of its rows, and what they leave open."""

from collections.abc import Sequence

from attrs import define, field

from creatio_async.bulk.entry import Entry
from creatio_async.bulk.retrying import Failure, is_passing
from creatio_async.errors import (
    BatchError,
    FailedDependencyError,
    NotFoundError,
    ResponseError,
    SessionExpiredError,
)
from creatio_async.operations import inner_refusal, inner_request, state_of
from creatio_async.outcomes import State
from creatio_async.protocol.batch.jsonbatch import Answers, Item, as_response
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.odata.spec import Row
from creatio_async.runtime.sender import Reply

__all__ = ["Left", "read_answers", "refuse_whole"]

_DONE = State.DONE  # a member of an enum costs more to look up than to set


@define(eq=False)
class Left:
    """What is open after a send, by what is to be done."""

    goes_on: bool = True
    """A row without an answer says nothing about the batch having stopped."""
    again: list[Entry] = field(factory=list[Entry])
    """Not done, for a passing reason."""
    doubtful: list[Entry] = field(factory=list[Entry])
    """They may have been carried out."""
    behind: list[Entry] = field(factory=list[Entry])
    """They were not done because of `stop`."""
    stop: Entry | None = None
    """The first that was refused."""
    whole: Failure | None = None
    """Why there are no answers."""
    status: int | None = None
    """The status of every answer, where all tell that the row is done and have the same one."""

    def has_reason_to_go_on(self, again: Sequence[Entry]) -> bool:
        """Say whether what stopped the batch is no failure, or may yet turn out to be none."""
        stop = self.stop
        return stop is not None and (stop in again or stop.outcome.ok)


def refuse_whole(entries: list[Entry], error: Failure, *, is_unsettled: bool) -> Left:
    """Let *error* be the outcome of each of *entries*, which have no answers of their own."""
    left = Left(whole=error)
    for entry in entries:
        outcome = entry.outcome
        outcome.error, outcome.http_status = error, None
        if is_unsettled or outcome.state is State.UNKNOWN:
            outcome.state = State.UNKNOWN
            left.doubtful.append(entry)
        else:
            outcome.state = State.FAILED
            if isinstance(error, SessionExpiredError):  # lost again by the time it was sent again
                left.again.append(entry)
    return left


def read_answers(
    entries: list[Entry],
    reply: Reply,
    items: Answers,
    *,
    goes_on: bool,
    is_atomic: bool,
    returns: Dialect | None,
) -> Left:
    """Give each of *entries* the outcome that its answer says; return what is open.

    Args:
        entries: The rows of the batch.
        reply: Its answer.
        items: The answer to each of the rows.
        goes_on: The server was asked to go on after a row that fails.
        is_atomic: The batch is one group.
        returns: How `Outcome.saved` is read; None where it is not wanted.
    """
    left = Left(goes_on=goes_on or items.cut_off)
    if is_atomic and any(item is not None and item["status"] >= 400 for item in items):
        _read_failed_group(entries, reply, items, left)
        return left
    left.status = _status_of_all(items)
    if left.status is not None and returns is None:
        for entry in entries:
            outcome = entry.outcome
            outcome.state, outcome.http_status = _DONE, left.status
            outcome.error = None
        return left
    ids = {entry.outcome.id for entry in entries} if None in items else frozenset[str]()
    for entry, item in zip(entries, items, strict=True):
        if item is None:
            _missing(entry, reply, left)
        elif ids and item["status"] < 300 and _id_in(entry, item) in ids - {entry.outcome.id}:
            _unanswered(entry, reply, "the answer to this row is that to another", left)
        elif item["status"] < 300:
            outcome = entry.outcome
            outcome.state, outcome.http_status = _DONE, item["status"]
            outcome.error = None
            if returns is not None:
                outcome.saved = _row(entry, item, returns)
        else:
            _refused(entry, reply, item, left)
    return left


def _status_of_all(items: Answers) -> int | None:
    """Return the one status of *items*, if each of them tells that its row is done."""
    statuses: list[int] = [item["status"] for item in items if item is not None]
    if not statuses or statuses[0] >= 300 or statuses.count(statuses[0]) < len(items):
        return None
    return statuses[0]


def _row(entry: Entry, item: Item, dialect: Dialect) -> Row | None:
    try:
        return dialect.row_of(item, entry.operation.path) or None
    except ValueError:  # it is written, whatever stands in the answer
        return None


def _id_in(entry: Entry, item: Item) -> str:
    """Return the id of the row that an answer holds, or that it has the address of."""
    row = _row(entry, item, entry.verb.dialect)
    if row:
        return str(row.get("Id")).lower()
    address = as_response(item).headers.get("Location", "")
    return address.rpartition("(")[2].removesuffix(")").lower()


def _missing(entry: Entry, reply: Reply, left: Left) -> None:
    outcome = entry.outcome
    outcome.http_status = None
    if left.stop is not None and not left.goes_on and outcome.state is not State.UNKNOWN:
        detail = "the batch stopped before this row"
        outcome.state = State.NOT_RUN
        left.behind.append(entry)
        outcome.error = BatchError(reply.request, reply.response, detail)
    else:  # a server that leaves it out has not said that it stopped
        _unanswered(entry, reply, "the answer leaves this row out", left)


def _unanswered(entry: Entry, reply: Reply, detail: str, left: Left) -> None:
    outcome = entry.outcome
    outcome.http_status, outcome.state = None, State.UNKNOWN
    outcome.error = BatchError(reply.request, reply.response, detail)
    left.doubtful.append(entry)


def _refused(entry: Entry, reply: Reply, item: Item, left: Left) -> None:
    error = _error_of(entry, reply, item)
    outcome, verb = entry.outcome, entry.verb
    outcome.http_status, outcome.error = item["status"], error
    if isinstance(error, NotFoundError) and verb.is_done_by_absence and entry.was_doubted:
        outcome.state, outcome.error = State.DONE, None
        return
    is_known = outcome.state is not State.UNKNOWN  # of an earlier send
    if isinstance(error, FailedDependencyError) and left.stop is not None and is_known:
        outcome.state = State.NOT_RUN
        left.behind.append(entry)
        return
    left.stop = left.stop or entry
    outcome.state = state_of(error)
    if not is_known or (error is not None and verb.leaves_doubt(error)):
        outcome.state = State.UNKNOWN  # until it is looked up
        left.doubtful.append(entry)
    elif is_passing(error):
        left.again.append(entry)


def _read_failed_group(entries: list[Entry], reply: Reply, items: Answers, left: Left) -> None:
    """Read the answer to a group that failed: the server tells of one of its rows at most."""
    at = next(at for at, item in enumerate(items) if item is not None and item["status"] >= 400)
    item = items[at] or {}
    stop = left.stop = entries[at]
    error = _error_of(stop, reply, item)
    response = as_response(item)
    base = str(reply.request.url).removesuffix("$batch")
    is_known = all(entry.outcome.state is not State.UNKNOWN for entry in entries)
    for entry in entries:
        outcome = entry.outcome
        if entry is stop and item["id"]:
            outcome.http_status, outcome.error = item["status"], error
            outcome.state = state_of(error)
        else:
            request = inner_request(base, entry.operation)
            detail = "another operation of its group failed"
            outcome.http_status, outcome.state = None, State.GROUP_FAILED
            outcome.error = FailedDependencyError(request, response, "", detail)
    if not is_known or (error is not None and stop.verb.leaves_doubt(error)):
        for entry in entries:
            entry.outcome.state = State.UNKNOWN  # until it is looked up
        left.doubtful = entries
    elif is_passing(error):
        left.again = [stop]
        left.behind = [entry for entry in entries if entry is not stop]


def _error_of(entry: Entry, reply: Reply, item: Item) -> ResponseError | None:
    base = str(reply.request.url).removesuffix("$batch")
    return inner_refusal(inner_request(base, entry.operation), as_response(item))
