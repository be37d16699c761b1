"""``RunProcess`` and ``CancelExecution`` of ``ProcessEngineService.svc``, and the process log.

Source: code of clients and of the platform's own pages, and notes on live sites; the
documentation names these methods and says little more.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from creatio_async.errors import UnexpectedResponseError
from creatio_async.messages import Request, Response
from creatio_async.process_state import ProcessState
from creatio_async.protocol.json import as_list, as_object, as_text
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.processes import SERVICE, parameter_texts
from creatio_async.protocol.values import dumps

__all__ = [
    "CANCEL_PATH",
    "JSON",
    "RUN_PATH",
    "ProcessLog",
    "RunAnswer",
    "cancel_body",
    "read_log",
    "read_run",
    "run_body",
]

RUN_PATH = f"{SERVICE}/RunProcess"
CANCEL_PATH = f"{SERVICE}/CancelExecution"

JSON: Mapping[str, str] = {"Accept": "application/json", "Content-Type": "application/json"}

_NO_ID = "00000000-0000-0000-0000-000000000000"


@frozen(kw_only=True)
class RunAnswer:
    """What ``RunProcess`` answers. The state is the verdict; `success` is not."""

    id: str
    """That of the row in ``SysProcessLog``; empty where there is none."""
    state: ProcessState
    success: bool
    """Creatio took the call; a process that failed may have it, too."""
    error: str
    results: dict[str, Any]
    """As they came: a collection is a text."""
    page: Any
    """What the element shows that the process waits at; mostly None."""


@frozen(kw_only=True)
class ProcessLog:
    """A row of ``SysProcessLog``: what the site has noted of one run of a process."""

    id: str
    """The id of the run."""
    name: str
    """The caption of the process."""
    state: ProcessState | None
    """None where the row has no status that is known."""
    error: str
    """What the process raised; empty where it raised nothing."""
    started: dt.datetime | None
    completed: dt.datetime | None
    """None while it runs."""
    row: dict[str, Any] = field(repr=False)
    """The whole row."""


def run_body(
    schema: Mapping[str, str], parameters: Mapping[str, Any], results: Sequence[str]
) -> bytes:
    """Return the body that runs the process of *schema*, a ``schemaName`` or ``schemaUId``.

    Every value goes out as a text, in the invariant culture.

    Raises:
        ValueError: A name is no identifier, or a value has no text.
        TypeError: A value is of a type that no parameter takes, or *results* is one text.
    """
    if isinstance(results, str):
        raise TypeError(f"results are several codes, such as [{results!r}], not a text")
    texts = parameter_texts(parameters)
    return dumps({
        **schema,
        "parameterValues": [{"name": name, "value": text} for name, text in texts],
        "resultParameterNames": [check_name(code, "code of a parameter") for code in results],
    })


def cancel_body(ids: Sequence[object]) -> bytes:
    """Return the body that cancels the runs *ids*.

    Raises:
        TypeError: One is neither a UUID nor a string.
        ValueError: One is a string, but not in guid form.
    """
    return dumps([key_text(each) for each in ids])


def read_run(request: Request, response: Response) -> RunAnswer:
    """Return what *response* says of a run; a refusal need not tell a status.

    Raises:
        UnexpectedResponseError: It is no answer to ``RunProcess``.
    """
    try:
        answer = as_object(response.json())
        status = answer.get("processStatus", 0 if answer.get("success") is False else None)
        state = ProcessState(status)
    except ValueError:
        detail = "no answer to RunProcess: no processStatus from 0 to 5"
        raise UnexpectedResponseError(request, response, "", detail) from None
    run_id = as_text(answer.get("processId")).lower()
    return RunAnswer(
        id="" if run_id == _NO_ID else run_id,
        state=state,
        success=answer.get("success") is not False,
        error=_error_text(answer.get("errorInfo")),
        results=_results(answer.get("resultParameterValues")),
        page=answer.get("executionData"),
    )


def _error_text(info: Any) -> str:
    told = as_object(info)
    return as_text(info) or as_text(told.get("message")) or as_text(told.get("errorCode"))


def _results(given: Any) -> dict[str, Any]:
    """Results by code: an object, or the list of pairs that WCF makes of a dictionary.

    Source: the object was seen; the pairs are how .NET's DataContractJsonSerializer writes one.
    """
    pairs = as_list(given)
    if pairs is None:
        return as_object(given)
    return {as_text(as_object(pair).get("Key")): as_object(pair).get("Value") for pair in pairs}


def read_log(row: Mapping[str, Any]) -> ProcessLog:
    """Return what *row* of ``SysProcessLog`` says, its ``Status`` expanded."""
    status = as_object(row.get("Status")).get("Value")
    states = {state.value: state for state in ProcessState}
    return ProcessLog(
        id=as_text(row.get("Id")).lower(),
        name=as_text(row.get("Name")),
        state=states.get(status) if isinstance(status, int) else None,
        error=as_text(row.get("ErrorDescription")),
        started=_moment(row.get("StartDate")),
        completed=_moment(row.get("CompleteDate")),
        row=dict(row),
    )


def _moment(text: Any) -> dt.datetime | None:
    """Year 1 is how Creatio writes that there is no date."""
    try:
        moment = dt.datetime.fromisoformat(as_text(text))
    except ValueError:
        return None
    return moment if moment.year > 1 else None
