"""What an answer about a process means: a failure, a refusal, or that nothing is known."""

from attrs import evolve

from creatio_async.errors import (
    CreatioError,
    ProcessError,
    ResponseError,
    ServerError,
    TransportError,
)
from creatio_async.process_state import ProcessState
from creatio_async.processes.runs import Journal
from creatio_async.protocol.process_runs import RunAnswer
from creatio_async.protocol.processes import SERVICE
from creatio_async.protocol.retry import is_doubtful
from creatio_async.runtime.sender import Reply

__all__ = ["described", "failure_of", "knows_no", "may_have_run", "unknown", "was_sent"]

_FINE = frozenset({ProcessState.INACTIVE, ProcessState.RUNNING, ProcessState.DONE})


def failure_of(process: str, answer: RunAnswer, reply: Reply) -> ProcessError | None:
    """Return the error that *answer* is, or None where the process is done or goes on."""
    refused = answer.state is ProcessState.INACTIVE and not answer.success
    if not refused and answer.state in _FINE:
        return None
    reason = "it was not started" if refused else f"it ended as {answer.state.name.lower()}"
    return ProcessError(
        process,
        answer.error or reason,
        answer.id,
        None if refused else answer.state,
        reply.request,
        reply.response,
    )


async def described(journal: Journal, error: ProcessError) -> ProcessError:
    """Return *error* with what the process log says of its run, where that can be had.

    A log that was closed is not asked again for this alone: most sites have it closed for good.
    """
    reason = journal.closed
    if not reason:
        try:
            log = await journal.log(error.run_id)
        except (CreatioError, ValueError) as failure:
            reason = str(failure)
        else:
            return error if log is None or not log.error else evolve(error, detail=log.error)
    error.add_note(f"the process log could not be asked for the reason: {reason}")
    return error


def knows_no(process: str, error: ServerError) -> bool:
    """Say whether *error* means that Creatio has no process of that code.

    Source: ``ItemNotFoundException`` is what its schema manager raises; that it is a 500 here is
    inferred.
    """
    body = error.response.text()
    return "ItemNotFoundException" in body and process in body


def was_sent(error: TransportError | ResponseError) -> bool:
    """Say whether it is the call of a process that failed, and not a login before it."""
    is_login = SERVICE not in error.request.url.raw_path
    return not is_login and (error.sent if isinstance(error, TransportError) else True)


def may_have_run(error: TransportError | ResponseError) -> bool:
    """Say whether the process, or what was asked of it, may have run although *error* came."""
    return was_sent(error) and is_doubtful(error)


def unknown(what: str) -> str:
    """Return the note on an error after which nobody knows whether *what* ran."""
    return (
        f"whether {what} ran is unknown, and it is not sent again: the process log of the site "
        "(SysProcessLog) has a row of each run, with its StartDate"
    )
