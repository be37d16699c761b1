"""``ProcessEngineService.svc``: business processes that are Python functions.

Source: academy.creatio.com, "ProcessEngineService.svc web service", "Run a business process via the
web service".
"""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote, unquote_plus
from xml.sax.saxutils import escape

import orjson
from attrs import define, field, frozen

from creatio_async.emulator.jsontypes import as_list, as_object
from creatio_async.emulator.refusals import JSON, Answer, service_error
from creatio_async.emulator.runs import STATUSES, Process, Run, Runs, status_id
from creatio_async.emulator.schema import Schema, stable_id
from creatio_async.emulator.store import Store
from creatio_async.emulator.writes import Writer

__all__ = ["STATUSES", "Process", "Processes", "process_row", "status_id"]

_NAMESPACE: Final = "http://schemas.microsoft.com/2003/10/Serialization/"
_ITEM_NOT_FOUND: Final = "Terrasoft.Common.ItemNotFoundException"
_FAILED: Final = (
    "An error has occurred during the process execution. Please check the process log for details"
)
_XML: Final = ("Content-Type", "application/xml; charset=utf-8")


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


def _ran(
    run: Run | None = None,
    *,
    results: Mapping[str, Any] | None = None,
    error: str = "",
) -> Answer:
    """The shape of ``errorInfo`` is inferred."""
    told = {"errorCode": "", "message": error, "stackTrace": None} if error else None
    body = {
        "processId": "" if run is None else run.id,
        "processStatus": 0 if run is None else STATUSES.index(run.status),
        "resultParameterValues": results,
        "executionData": None if run is None else run.page,
        "success": not error,
        "errorInfo": told,
    }
    return Answer(200, (JSON,), orjson.dumps(body, default=_plain))


@frozen(kw_only=True)
class _Known:
    """A process as it was registered."""

    function: Process
    background: bool = False
    """It is not waited for, unless a result is asked of it."""
    results: frozenset[str] | None = None
    """The codes of its results, where they are known before it runs."""
    silent: bool = False
    """It fails with ``success: true``."""


@define
class Processes:
    """The processes of one site by name, and their elements."""

    store: Store
    writer: Writer
    runs: Runs = field(init=False)
    known: dict[str, _Known] = field(factory=dict[str, _Known])
    elements: dict[str, Process] = field(factory=dict[str, Process])
    """Elements of running processes by uid in lower case; one that has run is no longer there."""
    _ran: set[str] = field(factory=set[str])

    def __attrs_post_init__(self) -> None:
        self.runs = Runs(self.store, self.writer)
        self.known["UsrAddNewExternalContact"] = _Known(function=self._add_contact)
        self.known["UsrGetAllContacts"] = _Known(function=self._all_contacts)

    async def answer(self, method: str, path: str, query: str, body: bytes) -> Answer | None:
        """Answer a request to *path* below the service; None if there is no such address."""
        first, _, rest = unquote(path).partition("/")
        match first, rest, method:
            case "RunProcess", "", "POST":
                return await self._run_process(body)
            case "CancelExecution", "", "POST":
                return self._cancel(body)
            case "ExecProcElByUId", _, "GET":
                uid = rest or _parameters(query).get("ProcessElementUID", "")
                return await self._element(uid.lower())
            case _, "Execute", "GET" | "POST":
                return await self._execute(first, query)
            case _, "Execute", _:
                return Answer(405, (("Allow", "GET, POST"),))
            case _:
                return None

    def register(
        self,
        name: str,
        function: Process,
        *,
        background: bool,
        results: Iterable[str] | None,
        silent: bool,
    ) -> None:
        """Make *function* the process of that name, which ``SysSchema`` lists then as well."""
        self.known[name] = _Known(
            function=function,
            background=background,
            results=None if results is None else frozenset(results),
            silent=silent,
        )
        schema = self.store.schemas["SysSchema"]
        row = process_row(name)
        if not self.store.one('SELECT 1 FROM "SysSchema" WHERE "Id" = ?', (row["Id"],)):
            self.writer.insert(schema, row)

    async def _execute(self, name: str, query: str) -> Answer:
        """Run the process *name*; the answer holds one result parameter, or nothing.

        Without a result it goes on after the answer. A process that fails is a 200 all the same:
        only the log tells. Source: seen on a live site. That an unknown process is a 500 is
        inferred.
        """
        known = self.known.get(name)
        if known is None:
            return service_error(500, _not_found(name), _ITEM_NOT_FOUND)
        parameters = _parameters(query)
        wanted = parameters.pop("ResultParameterName", "")
        run = self.runs.begin(name, known.function, parameters)
        if not wanted:
            await asyncio.sleep(0)  # a function that is not async has ended then
            return Answer(200)
        await run.rests.wait()
        value = orjson.dumps(run.results.get(wanted), default=_plain).decode()
        text = f'<string xmlns="{_NAMESPACE}">{escape(value)}</string>'
        return Answer(200, (_XML,), text.encode())

    async def _run_process(self, body: bytes) -> Answer:
        """Run a process that is named in *body*: what the answer says is its ``processStatus``.

        Creatio does not start a process that has no result of a name that is asked for; here that
        shows only once it has run, unless the results were told when it was registered. Source:
        code of clients and notes on live sites.
        """
        given = as_object(_json(body))
        if given is None:
            return _no_json("object")
        uid = str(given.get("schemaUId", "")).lower()
        by_uid = {process_row(name)["UId"]: name for name in self.known}
        name = str(given.get("schemaName") or by_uid.get(uid, uid))
        known = self.known.get(name)
        if known is None:
            return _ran(error=_not_found(name))
        pairs = [as_object(pair) or {} for pair in as_list(given.get("parameterValues")) or []]
        parameters = {
            str(p.get("name")): str(p["value"]) for p in pairs if p.get("value") is not None
        }
        wanted = [str(result) for result in as_list(given.get("resultParameterNames")) or []]
        told = wanted if known.results is None else known.results
        missing = [each for each in wanted if each not in told]
        if missing:
            return _ran(error=_no_result(missing[0], name))
        run = self.runs.begin(name, known.function, parameters)
        if known.background and not wanted:
            await asyncio.sleep(0)  # as above
            return _ran()
        await run.rests.wait()
        return _verdict(run, wanted, silent=known.silent)

    def _cancel(self, body: bytes) -> Answer:
        """Cancel runs; one that has ended or is unknown stays as it is. The answer is inferred."""
        ids = as_list(_json(body))
        if ids is None:
            return _no_json("list")
        self.runs.cancel(map(str, ids))
        return Answer(200)

    async def _element(self, uid: str) -> Answer:
        """Run an element once; one that has run is not run again.

        Source: "ProcessEngineService.svc web service". That an unknown one is a 500 is inferred.
        """
        element = self.elements.pop(uid, None)
        if element is not None:
            self._ran.add(uid)
            await self.runs.begin(uid, element, {}).rests.wait()
        elif uid not in self._ran and not await self.runs.execute(uid):
            return service_error(500, _not_found(uid), _ITEM_NOT_FOUND)
        return Answer(200)

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


def _plain(value: Any) -> Any:
    return orjson.Fragment(format(value, "f")) if isinstance(value, Decimal) else str(value)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def _no_json(kind: str) -> Answer:
    return service_error(400, f"The body is no JSON {kind}.", "System.ArgumentException")


def _no_result(name: str, process: str) -> str:
    return f"Item with name {name} not found in parameters of {process}"


def _verdict(run: Run, wanted: Iterable[str], *, silent: bool) -> Answer:
    if run.status == "Error":
        return _ran(run, error="" if silent else _FAILED)
    if run.status == "Running":
        return _ran(run)
    for result in wanted:
        if result not in run.results and run.status == "Done":
            return _ran(error=_no_result(result, run.name))
    return _ran(run, results={name: run.results.get(name) for name in wanted})
