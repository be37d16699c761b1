"""Runs of processes: what came of one, and what the process log says of it."""

from typing import Any, Generic, TypeVar

from attrs import define, evolve, field, frozen

from creatio_async.errors import (
    ForbiddenError,
    NotFoundError,
    ProcessError,
    SystemTableError,
)
from creatio_async.process_state import ProcessState
from creatio_async.protocol.odata.nodes import Raw
from creatio_async.protocol.odata.spec import QuerySpec, as_expands
from creatio_async.protocol.process_runs import ProcessLog, read_log
from creatio_async.service import Service

__all__ = ["Journal", "ProcessRun"]

_LOG = "SysProcessLog"
_SCHEMAS = "SysSchema"

R = TypeVar("R")


@define(eq=False)
class Journal:
    """What OData tells of processes: the log of their runs, and the names of their schemas."""

    service: Service
    closed: str = field(init=False, default="")
    """Why the log could not be read when it was last asked; empty where it could."""

    async def log(self, run_id: str) -> ProcessLog | None:
        """Return what the process log has of a run, or None.

        Raises:
            SystemTableError: ``SysProcessLog`` is closed to OData.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came.
        """
        spec = QuerySpec(expand=as_expands(["Status"]))
        try:
            row = await self.service.get(_LOG, run_id, spec)
        except NotFoundError:
            return None
        except ForbiddenError as error:
            closed = _closed(error, _LOG)
            self.closed = str(closed)
            raise closed from error
        self.closed = ""
        return None if row is None else read_log(row)

    async def name_of(self, schema_id: str) -> str:
        """Return the code of the process whose schema has *schema_id* as its ``UId`` or ``Id``.

        Raises:
            ProcessError: There is none.
            SystemTableError: ``SysSchema`` is closed to OData.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came.
        """
        spec = QuerySpec(
            # Creatio may refuse a filter on a column that is not selected.
            select=("Id", "UId", "Name", "ManagerName"),
            where=(
                Raw(f"UId eq {schema_id} or Id eq {schema_id}"),
                Raw("ManagerName eq 'ProcessSchemaManager'"),
            ),
            top=1,
        )
        try:
            page, reply = await self.service.ask(_SCHEMAS, spec)
        except (ForbiddenError, NotFoundError) as error:
            raise _closed(error, _SCHEMAS) from error
        for row in page.rows:
            return str(row["Name"])
        detail = "SysSchema has no process of this id"
        raise ProcessError(schema_id, detail, request=reply.request, response=reply.response)


def _closed(error: ForbiddenError | NotFoundError, table: str) -> SystemTableError:
    """Source: the feature is on in the settings of a demo site."""
    detail = (
        f"{table} cannot be read through OData: Creatio closes system tables by default "
        "(Feature-DisableODataSystemTablesAccess)"
    )
    return SystemTableError(error.request, error.response, error.code, detail)


@frozen(eq=False, kw_only=True)
class ProcessRun(Generic[R]):
    """One run of a business process, as it was when Creatio answered."""

    process: str
    """The code of its schema, or the id that it was asked for by."""
    id: str
    """That of its row in ``SysProcessLog``. Empty where Creatio put the process into a queue: such
    a run cannot be found again."""
    state: ProcessState
    """`ProcessState.DONE`; `RUNNING` where it waits at an element, for a user or a timer;
    `INACTIVE` where it is in a queue."""
    results: R
    """The results that were asked for and came, decoded."""
    page: Any = field(default=None, repr=False)
    """What the element shows that the run waits at, as Creatio tells it (``executionData``)."""
    _journal: Journal = field(repr=False, alias="journal")

    @property
    def is_queued(self) -> bool:
        """It is in a queue, and has no id by which it could be followed.

        Only a process that is set to run in the background is queued, and only where no result is
        asked of it.
        """
        return not self.id

    async def log(self) -> ProcessLog | None:
        """Return what the process log says of it now; None where it has no row, or it no id.

        Raises:
            SystemTableError: ``SysProcessLog`` is closed to OData.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came.
        """
        return await self._journal.log(self.id) if self.id else None

    async def wait(
        self, deadline: float = 60.0, *, pause: float = 0.5, pause_max: float = 10.0
    ) -> "ProcessRun[R]":
        """Return the run when it is done, by reading ``SysProcessLog`` now and then.

        `results` stay what they are: the log does not have them.

        Args:
            deadline: Seconds to wait at most.
            pause: Seconds between the first two readings; it doubles from one to the next.
            pause_max: Seconds between two readings at most.

        Raises:
            ValueError: A time is negative, or *pause* is 0.
            ProcessError: It failed or was cancelled, or is not done in time (its `state` then is
                what the log says), or it is in a queue and cannot be followed.
            SystemTableError: ``SysProcessLog`` is closed to OData.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came.
        """
        if deadline < 0 or not 0 < pause <= pause_max:
            raise ValueError(
                "wait() takes a deadline from 0 on, and pauses above 0 up to pause_max"
            )
        if self.state.is_final:
            return self
        if self.is_queued:
            detail = "it is in a queue and has no id; a process of which a result is asked has one"
            raise ProcessError(self.process, detail, state=self.state)
        sender = self._journal.service.sender
        until = sender.clock() + deadline
        while True:
            log = await self._journal.log(self.id)
            state = None if log is None else log.state
            if log is not None and state is not None and state.is_final:
                return self._ended(log.error, state)
            left = until - sender.clock()
            if left <= 0:
                known = "SysProcessLog has no row of it" if log is None else "it has not ended"
                raise ProcessError(self.process, f"{known} after {deadline:g} s", self.id, state)
            await sender.sleep(min(pause, left))
            pause = min(2 * pause, pause_max)

    def _ended(self, error: str, state: ProcessState) -> "ProcessRun[R]":
        if state is ProcessState.DONE:
            return evolve(self, state=state)
        raise ProcessError(self.process, error or "the log gives no reason", self.id, state)
