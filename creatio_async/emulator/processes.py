"""``ProcessEngineService.svc``: business processes that are Python functions.

Source: academy.creatio.com, "ProcessEngineService.svc web service", "Run a business process via the
web service".
"""

import inspect
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus
from xml.sax.saxutils import escape

import orjson
from attrs import define, field

from creatio_async.emulator.refusals import Answer, service_error
from creatio_async.emulator.schema import Schema
from creatio_async.emulator.store import Store
from creatio_async.emulator.tables import SUPERVISOR
from creatio_async.emulator.values import now
from creatio_async.emulator.writes import Writer

__all__ = ["STATUSES", "Process", "Processes"]

Process = Callable[..., Any]
"""Keyword parameters in, a mapping of result parameters out (or None); it may be async."""

_NAMESPACE: Final = "http://schemas.microsoft.com/2003/10/Serialization/"
_XML: Final = ("Content-Type", "application/xml; charset=utf-8")

STATUSES: Final = ("Inactive", "Running", "Done", "Error", "Canceled", "Cancelling")
"""Source: ``SysProcessStatus`` in the platform's own scripts; the place is the ``Value``."""


def status_id(name: str) -> str:
    """Return the id of a row of SysProcessStatus."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"SysProcessStatus/{name}"))


@define
class Processes:
    """The processes of one site, and the log of their runs in ``SysProcessLog``."""

    store: Store
    writer: Writer
    known: dict[str, Process] = field(factory=dict[str, Process])

    def __attrs_post_init__(self) -> None:
        self.known["UsrAddNewExternalContact"] = self._add_contact
        self.known["UsrGetAllContacts"] = self._all_contacts

    async def execute(self, name: str, query: str) -> Answer:
        """Run the process *name*; the answer holds one result parameter, or nothing.

        A process that fails is a 200 all the same: only the log tells. Source: seen on a live site.
        That an unknown process is a 500 is inferred.
        """
        process = self.known.get(name)
        if process is None:
            return service_error(
                500,
                f"Item with name {name} not found in ProcessSchemaManager",
                "Terrasoft.Common.ItemNotFoundException",
            )
        parameters = _parameters(query)
        wanted = parameters.pop("ResultParameterName", "")
        results = await self._run(name, process, parameters)
        if not wanted:
            return Answer(200)
        value = orjson.dumps(results.get(wanted), default=str).decode()
        body = f'<string xmlns="{_NAMESPACE}">{escape(value)}</string>'
        return Answer(200, (_XML,), body.encode())

    async def _run(
        self, name: str, process: Process, parameters: Mapping[str, str]
    ) -> Mapping[str, Any]:
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
        self.writer.insert(self.store.schemas["SysProcessLog"], row)
        return results

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
