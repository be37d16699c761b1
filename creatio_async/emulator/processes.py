"""``ProcessEngineService.svc``: business processes that are Python functions.

Source: academy.creatio.com, "ProcessEngineService.svc web service", "Run a business process via the
web service".
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote, unquote_plus
from xml.sax.saxutils import escape

import orjson
from attrs import define, field, frozen

from creatio_async.emulator.jsontypes import as_list, as_object
from creatio_async.emulator.refusals import JSON, Answer, service_error
from creatio_async.emulator.schema import Schema, stable_id
from creatio_async.emulator.store import Store
from creatio_async.emulator.tables import SUPERVISOR
from creatio_async.emulator.values import now
from creatio_async.emulator.writes import Writer

__all__ = ["STATUSES", "Process", "Processes", "process_row", "status_id"]

Process = Callable[..., Any]
"""Keyword parameters in, a mapping of result parameters out (or None); it may be async."""

_NAMESPACE: Final = "http://schemas.microsoft.com/2003/10/Serialization/"
_ITEM_NOT_FOUND: Final = "Terrasoft.Common.ItemNotFoundException"
_FAILED: Final = (
    "An error has occurred during the process execution. Please check the process log for details"
)
_XML: Final = ("Content-Type", "application/xml; charset=utf-8")

STATUSES: Final = ("Inactive", "Running", "Done", "Error", "Canceled", "Cancelling")
"""Source: ``SysProcessStatus`` in the platform's own scripts; the place is the ``Value``."""


def status_id(name: str) -> str:
    """Return the id of a row of SysProcessStatus."""
    return stable_id("SysProcessStatus", name)


def process_row(name: str) -> dict[str, str]:
    """Return the row of SysSchema for a process; its ids depend on the name only."""
    return {
        "Id": stable_id("SysSchema", name),
        "UId": stable_id("UId", name),
        "Name": name,
        "Caption": name,
        "ManagerName": "ProcessSchemaManager",
    }


def _not_found(name: str) -> str:
    return f"Item with name {name} not found in ProcessSchemaManager"


def _nothing() -> None:
    """Do what an element does that has run already."""


def _ran(
    run: str = "",
    *,
    status: str = "Inactive",
    results: Mapping[str, Any] | None = None,
    error: str = "",
) -> Answer:
    told = {"errorCode": "", "message": error, "stackTrace": None} if error else None
    body = {
        "processId": run,
        "processStatus": STATUSES.index(status),
        "resultParameterValues": results,
        "executionData": None,
        "success": not error,
        "errorInfo": told,
    }
    return Answer(200, (JSON,), orjson.dumps(body, default=str))


@frozen
class _Run:
    """What came of one run: its row in the log, its results, and what it raised."""

    id: str
    results: Mapping[str, Any]
    error: str


@define
class Processes:
    """The processes of one site, and the log of their runs in ``SysProcessLog``."""

    store: Store
    writer: Writer
    known: dict[str, Process] = field(factory=dict[str, Process])
    background: set[str] = field(factory=set[str])
    """The processes that are not waited for, unless a result is asked of them."""
    elements: dict[str, Process] = field(factory=dict[str, Process])
    """Elements of running processes by uid in lower case."""

    def __attrs_post_init__(self) -> None:
        self.known["UsrAddNewExternalContact"] = self._add_contact
        self.known["UsrGetAllContacts"] = self._all_contacts

    async def answer(self, method: str, path: str, query: str, body: bytes) -> Answer | None:
        """Answer a request to *path* below the service; None if there is no such address."""
        first, _, rest = unquote(path).partition("/")
        match first, rest, method:
            case "RunProcess", "", "POST":
                return await self._run_process(body)
            case "ExecProcElByUId", _, "GET":
                uid = rest or _parameters(query).get("ProcessElementUID", "")
                return await self._element(uid.lower())
            case _, "Execute", "GET" | "POST":
                return await self._execute(first, query)
            case _, "Execute", _:
                return Answer(405, (("Allow", "GET, POST"),))
            case _:
                return None

    def register(self, name: str, process: Process, *, background: bool) -> None:
        """Make *process* the one of that name, which ``SysSchema`` lists then as well."""
        self.known[name] = process
        self.background.discard(name)
        if background:
            self.background.add(name)
        schema = self.store.schemas["SysSchema"]
        row = process_row(name)
        if not self.store.one('SELECT 1 FROM "SysSchema" WHERE "Id" = ?', (row["Id"],)):
            self.writer.insert(schema, row)

    async def _execute(self, name: str, query: str) -> Answer:
        """Run the process *name*; the answer holds one result parameter, or nothing.

        A process that fails is a 200 all the same: only the log tells. Source: seen on a live site.
        That an unknown process is a 500 is inferred.
        """
        process = self.known.get(name)
        if process is None:
            return service_error(500, _not_found(name), _ITEM_NOT_FOUND)
        parameters = _parameters(query)
        wanted = parameters.pop("ResultParameterName", "")
        run = await self._run(name, process, parameters)
        if not wanted:
            return Answer(200)
        value = orjson.dumps(run.results.get(wanted), default=str).decode()
        text = f'<string xmlns="{_NAMESPACE}">{escape(value)}</string>'
        return Answer(200, (_XML,), text.encode())

    async def _run_process(self, body: bytes) -> Answer:
        """Run a process that is named in *body*: what the answer says is its ``processStatus``.

        That a process has no result of some name shows here only once it has run; Creatio does not
        start it. Source: code of clients and notes on live sites; the shape of ``errorInfo`` is
        inferred.
        """
        try:
            given = as_object(orjson.loads(body))
        except ValueError:
            given = None
        if given is None:
            return service_error(400, "The body is no JSON object.", "System.ArgumentException")
        uid = str(given.get("schemaUId", "")).lower()
        by_uid = {process_row(name)["UId"]: name for name in self.known}
        name = str(given.get("schemaName") or by_uid.get(uid, uid))
        process = self.known.get(name)
        if process is None:
            return _ran(error=_not_found(name))
        pairs = [as_object(pair) or {} for pair in as_list(given.get("parameterValues")) or []]
        parameters = {
            str(p.get("name")): str(p["value"]) for p in pairs if p.get("value") is not None
        }
        wanted = [str(result) for result in as_list(given.get("resultParameterNames")) or []]
        run = await self._run(name, process, parameters)
        if name in self.background and not wanted:
            return _ran()
        if run.error:
            return _ran(run.id, status="Error", error=_FAILED)
        for result in wanted:
            if result not in run.results:
                return _ran(error=f"Item with name {result} not found in parameters of {name}")
        return _ran(run.id, status="Done", results={name: run.results[name] for name in wanted})

    async def _element(self, uid: str) -> Answer:
        """Run an element once; one that has run is not run again.

        Source: "ProcessEngineService.svc web service". That an unknown one is a 500 is inferred.
        """
        element = self.elements.get(uid)
        if element is None:
            return service_error(500, _not_found(uid), _ITEM_NOT_FOUND)
        self.elements[uid] = _nothing
        await self._run(uid, element, {})
        return Answer(200)

    async def _run(self, name: str, process: Process, parameters: Mapping[str, str]) -> _Run:
        started = now()
        error, results = "", dict[str, Any]()
        try:
            found = process(**_taken(process, parameters))
            if isinstance(found, Awaitable):
                found = await found  # pyright: ignore[reportUnknownVariableType] - a user's function
            results = dict(found or {})  # pyright: ignore[reportUnknownArgumentType]
        except Exception as raised:  # noqa: BLE001 - whatever a process raises goes to the log
            error = f"{type(raised).__name__}: {raised}"
        row = {
            "Name": name,
            "ErrorDescription": error,
            "StartDate": f"{started}Z",
            "CompleteDate": f"{now()}Z",
            "OwnerId": SUPERVISOR,
            "StatusId": status_id("Error" if error else "Done"),
        }
        logged = self.writer.insert(self.store.schemas["SysProcessLog"], row)
        return _Run(logged["Id"], results, error)

    def _add_contact(self, ContactName: str = "", ContactPhone: str = "") -> None:  # noqa: N803
        """Add a contact. Source: "Run a business process via the web service"."""
        row = {"Name": ContactName, "Phone": ContactPhone}
        self.writer.insert(self._contact, row)

    def _all_contacts(self) -> dict[str, str]:
        """List the contacts as JSON text. Source: "Run a business process via the web service"."""
        rows = self.store.all('SELECT "Id", "Name", "Phone" FROM "Contact"')
        contacts = [{"Id": key, "Name": name, "Phone": phone} for key, name, phone in rows]
        return {"ContactList": orjson.dumps(contacts).decode()}

    @property
    def _contact(self) -> Schema:
        return self.store.schemas["Contact"]


def _parameters(query: str) -> dict[str, str]:
    """Parameters of a query; a plus is a blank, so that an unescaped "+1" arrives as " 1"."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if equals:
            found[unquote_plus(name)] = unquote_plus(value)
    return found


def _taken(process: Process, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that *process* has; others are dropped in silence, as by Creatio."""
    own = inspect.signature(process).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in own.values()):
        return dict(parameters)
    return {name: value for name, value in parameters.items() if name in own}
