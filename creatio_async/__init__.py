"""An asyncio client for Creatio: OData, ``$batch``, bulk pipelines, business processes.

::

    from creatio_async import Creatio, F, Password

    async with Creatio("https://acme.creatio.com", Password("Supervisor", secret)) as crm:
        contacts = await crm.odata["Contact"].where(F.Name.contains("User")).top(5)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from creatio_async.asking import Download
    from creatio_async.auth import Auth, ClientCredentials, Door, Grant, Password
    from creatio_async.batch.batch import Batch
    from creatio_async.batch.group import Group
    from creatio_async.batch.sent import Sent
    from creatio_async.bulk.changes import Create, Delete, Update
    from creatio_async.bulk.derived import derived
    from creatio_async.bulk.job import Job
    from creatio_async.bulk.journal.reading import RecordedJob, read_journal
    from creatio_async.bulk.letters import read_dead_letters
    from creatio_async.bulk.lookups import lookup
    from creatio_async.bulk.report import BulkError, Outcome, Progress, Report
    from creatio_async.bulk.syncs import ALL
    from creatio_async.bulk.writer import Writer
    from creatio_async.checking import Checked
    from creatio_async.client import Creatio
    from creatio_async.entities import EntitySet
    from creatio_async.errors import (
        AuthenticationError,
        BadRequestError,
        BatchError,
        ConflictError,
        CreatioError,
        CsrfError,
        FailedDependencyError,
        ForbiddenError,
        GoneError,
        MethodNotAllowedError,
        ModelError,
        MultipleRowsError,
        NotAcceptableError,
        NotFoundError,
        NotImplementedByServerError,
        PreconditionFailedError,
        ProcessError,
        RecordedError,
        ResponseError,
        RowLimitError,
        ServerError,
        ServiceError,
        SessionExpiredError,
        SystemTableError,
        ThrottledError,
        TooLargeError,
        TransportError,
        UnavailableError,
        UnexpectedResponseError,
        UnsupportedMediaTypeError,
    )
    from creatio_async.finding import Found
    from creatio_async.logs import LogObserver
    from creatio_async.messages import Headers, Request, Response
    from creatio_async.models.base import UNSET, Model, ModelWith, column
    from creatio_async.models.columns import AnyColumns, ColumnOf, Columns, ManyOf, columns
    from creatio_async.odata import OData
    from creatio_async.odata3 import OData3
    from creatio_async.outcomes import State
    from creatio_async.process_state import ProcessState
    from creatio_async.processes import Processes
    from creatio_async.processes.classes import Process, parameter, result
    from creatio_async.processes.jobs import ProcessJob, ProcessOutcome, ProcessReport
    from creatio_async.processes.runs import ProcessRun
    from creatio_async.protocol.odata.expressions import (
        Column,
        Expression,
        F,
        isof,
        maxdatetime,
        mindatetime,
        now,
    )
    from creatio_async.protocol.odata.nodes import Condition, EnumMember
    from creatio_async.protocol.odata.schema import Schema
    from creatio_async.protocol.odata.spec import Expand, Page
    from creatio_async.protocol.pace import Adaptive, Pace, Phase
    from creatio_async.protocol.process_runs import ProcessLog
    from creatio_async.protocol.retry import RetryPolicy
    from creatio_async.query import Query
    from creatio_async.runtime.hooks import Exchange, Login, Observer
    from creatio_async.runtime.limits import Limits, Timeouts
    from creatio_async.runtime.transport import Transport
    from creatio_async.streams import Stream
    from creatio_async.telemetry import OpenTelemetryObserver
    from creatio_async.unit_of_work.changes import Change, Saved, SaveError, UnknownOutcomeError
    from creatio_async.unit_of_work.rows import EntityState, TrackedRow
    from creatio_async.unit_of_work.work import UnitOfWork
    from creatio_async.uris import UriQuery
    from creatio_async.version import __version__

__all__ = [
    "ALL",
    "UNSET",
    "Adaptive",
    "AnyColumns",
    "Auth",
    "AuthenticationError",
    "BadRequestError",
    "Batch",
    "BatchError",
    "BulkError",
    "Change",
    "Checked",
    "ClientCredentials",
    "Column",
    "ColumnOf",
    "Columns",
    "Condition",
    "ConflictError",
    "Create",
    "Creatio",
    "CreatioError",
    "CsrfError",
    "Delete",
    "Door",
    "Download",
    "EntitySet",
    "EntityState",
    "EnumMember",
    "Exchange",
    "Expand",
    "Expression",
    "F",
    "FailedDependencyError",
    "ForbiddenError",
    "Found",
    "GoneError",
    "Grant",
    "Group",
    "Headers",
    "Job",
    "Limits",
    "LogObserver",
    "Login",
    "ManyOf",
    "MethodNotAllowedError",
    "Model",
    "ModelError",
    "ModelWith",
    "MultipleRowsError",
    "NotAcceptableError",
    "NotFoundError",
    "NotImplementedByServerError",
    "OData",
    "OData3",
    "Observer",
    "OpenTelemetryObserver",
    "Outcome",
    "Pace",
    "Page",
    "Password",
    "Phase",
    "PreconditionFailedError",
    "Process",
    "ProcessError",
    "ProcessJob",
    "ProcessLog",
    "ProcessOutcome",
    "ProcessReport",
    "ProcessRun",
    "ProcessState",
    "Processes",
    "Progress",
    "Query",
    "RecordedError",
    "RecordedJob",
    "Report",
    "Request",
    "Response",
    "ResponseError",
    "RetryPolicy",
    "RowLimitError",
    "SaveError",
    "Saved",
    "Schema",
    "Sent",
    "ServerError",
    "ServiceError",
    "SessionExpiredError",
    "State",
    "Stream",
    "SystemTableError",
    "ThrottledError",
    "Timeouts",
    "TooLargeError",
    "TrackedRow",
    "Transport",
    "TransportError",
    "UnavailableError",
    "UnexpectedResponseError",
    "UnitOfWork",
    "UnknownOutcomeError",
    "UnsupportedMediaTypeError",
    "Update",
    "UriQuery",
    "Writer",
    "__version__",
    "column",
    "columns",
    "derived",
    "isof",
    "lookup",
    "maxdatetime",
    "mindatetime",
    "now",
    "parameter",
    "read_dead_letters",
    "read_journal",
    "result",
]

# A name is loaded when it is first asked for: a program that needs an error class or the version
# does not wait for the rest.
_HOMES = {
    "asking": ("Download",),
    "auth": ("Auth", "ClientCredentials", "Door", "Grant", "Password"),
    "batch.batch": ("Batch",),
    "batch.group": ("Group",),
    "batch.sent": ("Sent",),
    "bulk.changes": ("Create", "Delete", "Update"),
    "bulk.derived": ("derived",),
    "bulk.job": ("Job",),
    "bulk.journal.reading": ("RecordedJob", "read_journal"),
    "bulk.letters": ("read_dead_letters",),
    "bulk.lookups": ("lookup",),
    "bulk.report": ("BulkError", "Outcome", "Progress", "Report"),
    "bulk.syncs": ("ALL",),
    "bulk.writer": ("Writer",),
    "checking": ("Checked",),
    "client": ("Creatio",),
    "entities": ("EntitySet",),
    "errors": (
        "AuthenticationError",
        "BadRequestError",
        "BatchError",
        "ConflictError",
        "CreatioError",
        "CsrfError",
        "FailedDependencyError",
        "ForbiddenError",
        "GoneError",
        "MethodNotAllowedError",
        "ModelError",
        "MultipleRowsError",
        "NotAcceptableError",
        "NotFoundError",
        "NotImplementedByServerError",
        "PreconditionFailedError",
        "ProcessError",
        "RecordedError",
        "ResponseError",
        "RowLimitError",
        "ServerError",
        "ServiceError",
        "SessionExpiredError",
        "SystemTableError",
        "ThrottledError",
        "TooLargeError",
        "TransportError",
        "UnavailableError",
        "UnexpectedResponseError",
        "UnsupportedMediaTypeError",
    ),
    "finding": ("Found",),
    "logs": ("LogObserver",),
    "messages": ("Headers", "Request", "Response"),
    "models.base": ("UNSET", "Model", "ModelWith", "column"),
    "models.columns": ("AnyColumns", "ColumnOf", "Columns", "ManyOf", "columns"),
    "odata": ("OData",),
    "odata3": ("OData3",),
    "outcomes": ("State",),
    "process_state": ("ProcessState",),
    "processes": ("Processes",),
    "processes.classes": ("Process", "parameter", "result"),
    "processes.jobs": ("ProcessJob", "ProcessOutcome", "ProcessReport"),
    "processes.runs": ("ProcessRun",),
    "protocol.odata.expressions": (
        "Column",
        "Expression",
        "F",
        "isof",
        "maxdatetime",
        "mindatetime",
        "now",
    ),
    "protocol.odata.nodes": ("Condition", "EnumMember"),
    "protocol.odata.schema": ("Schema",),
    "protocol.odata.spec": ("Expand", "Page"),
    "protocol.pace": ("Adaptive", "Pace", "Phase"),
    "protocol.process_runs": ("ProcessLog",),
    "protocol.retry": ("RetryPolicy",),
    "query": ("Query",),
    "runtime.hooks": ("Exchange", "Login", "Observer"),
    "runtime.limits": ("Limits", "Timeouts"),
    "runtime.transport": ("Transport",),
    "streams": ("Stream",),
    "telemetry": ("OpenTelemetryObserver",),
    "unit_of_work.changes": ("Change", "SaveError", "Saved", "UnknownOutcomeError"),
    "unit_of_work.rows": ("EntityState", "TrackedRow"),
    "unit_of_work.work": ("UnitOfWork",),
    "uris": ("UriQuery",),
    "version": ("__version__",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load *name* from the module that it lives in."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
