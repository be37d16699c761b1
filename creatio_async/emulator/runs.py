"""Runs of processes: tasks that go on after the answer, wait at elements, and can be cancelled.

Each has its row in ``SysProcessLog`` from its begin on. Source: notes on live sites.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from attrs import define, field

from creatio_async.emulator.parameters import arguments
from creatio_async.emulator.schema import stable_id
from creatio_async.emulator.store import Store
from creatio_async.emulator.tables import SUPERVISOR
from creatio_async.emulator.values import now
from creatio_async.emulator.writes import Writer

__all__ = ["STATUSES", "Process", "Run", "Runs", "status_id"]

Process = Callable[..., Any]
"""Keyword parameters in, a mapping of result parameters out (or None); it may be async."""

STATUSES: Final = ("Inactive", "Running", "Done", "Error", "Canceled", "Cancelling")
"""Source: ``SysProcessStatus`` in the platform's own scripts; the place is the ``Value``."""


def status_id(name: str) -> str:
    """Return the id of a row of SysProcessStatus."""
    return stable_id("SysProcessStatus", name)


@define(eq=False)
class Run:
    """One run: what its row in the log says, and what came of it so far."""

    id: str
    name: str
    status: str = "Running"
    results: Mapping[str, Any] = field(factory=dict[str, Any])
    error: str = ""
    page: Any = None
    """What the element shows that it waits at."""
    rests: asyncio.Event = field(factory=asyncio.Event, repr=False)
    """Set where it has ended or waits at an element."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


_current: ContextVar[Run] = ContextVar("creatio_async emulator run")


@define(eq=False)
class Runs:
    """The runs of one site that have not ended, and the log of all of them."""

    store: Store
    writer: Writer
    active: dict[str, Run] = field(factory=dict[str, Run])
    _waiting: dict[str, tuple[Run, asyncio.Future[None]]] = field(
        factory=dict[str, tuple[Run, asyncio.Future[None]]]
    )
    _passed: set[str] = field(factory=set[str])

    def begin(self, name: str, process: Process, parameters: Mapping[str, str]) -> Run:
        """Let *process* run in a task of its own; a function that is not async ends in one go."""
        row = {
            "Name": name,
            "StartDate": f"{now()}Z",
            "OwnerId": SUPERVISOR,
            "StatusId": status_id("Running"),
        }
        run = Run(self.writer.insert(self.store.schemas["SysProcessLog"], row)["Id"], name)
        self.active[run.id] = run
        run.task = asyncio.create_task(self._carry_out(run, process, parameters))
        return run

    async def wait_at(self, uid: str, page: Any) -> None:
        """Let the current run wait at the element *uid* until `execute` is told to go on.

        Raises:
            RuntimeError: This is no process that runs, or another one waits there.
        """
        run = _current.get(None)
        if run is None:
            raise RuntimeError("only a process that runs can wait at an element")
        key = uid.lower()
        if key in self._waiting:
            raise RuntimeError(f"a process waits at the element {uid} already")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = run, future
        run.page = page
        run.rests.set()
        try:
            await future
        finally:
            del self._waiting[key]
            self._passed.add(key)
            run.page = None

    async def execute(self, uid: str) -> bool:
        """Let the run that waits at *uid* go on until it rests again; say whether there was one.

        An element that has run already is not run again.
        """
        waiting = self._waiting.get(uid)
        if waiting is None:
            return uid in self._passed
        run, future = waiting
        if not future.done():
            run.rests.clear()
            future.set_result(None)
        await run.rests.wait()
        return True

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel those of the runs *ids* that have not ended."""
        for key in ids:
            run = self.active.get(key.lower())
            if run is not None and run.task is not None:
                self._set(run, "Cancelling")
                run.task.cancel()

    def close(self) -> None:
        """End what still runs, without a word in the log."""
        active, self.active = self.active, {}
        for run in active.values():
            if run.task is not None and not run.task.get_loop().is_closed():
                run.task.cancel()

    async def _carry_out(self, run: Run, process: Process, parameters: Mapping[str, str]) -> None:
        _current.set(run)
        try:
            found = process(**arguments(process, parameters))
            if isinstance(found, Awaitable):
                found = await found  # pyright: ignore[reportUnknownVariableType] - a user's function
            run.results = dict(found or {})  # pyright: ignore[reportUnknownArgumentType]
            self._end(run, "Done")
        except asyncio.CancelledError:
            self._end(run, "Canceled")
        except Exception as raised:  # noqa: BLE001 - whatever a process raises goes to the log
            run.error = f"{type(raised).__name__}: {raised}"
            self._end(run, "Error")
        finally:
            run.rests.set()

    def _end(self, run: Run, status: str) -> None:
        if self.active.pop(run.id, None) is not None:
            self._set(run, status, {"CompleteDate": now(), "ErrorDescription": run.error})

    def _set(self, run: Run, status: str, changes: Mapping[str, Any] | None = None) -> None:
        run.status = status
        row = {**(changes or {}), "StatusId": status_id(status), "ModifiedOn": now()}
        self.store.update(self.store.schemas["SysProcessLog"], run.id, row)
