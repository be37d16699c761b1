"""Jobs that are stopped dead at every moment at which anything is on the wire."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from attrs import define, field

from creatio_async import Creatio, Job, Outcome, Report
from creatio_async.messages import Request, Response
from tests.api.canned import client
from tests.api.table import Item, Script, Table

__all__ = ["Camera", "Moment", "Ran", "full_after", "ran", "shown"]

Make = Callable[[Creatio, Path], Job]


class Moment(NamedTuple):
    """What a process that is killed leaves: its journal, and what the server has done."""

    journal: bytes
    rows: dict[str, Item]


@define(eq=False)
class Camera:
    """Passes requests on to a table; keeps what there is before and after each ``$batch``."""

    table: Table
    journal: Path
    moments: list[Moment] = field(factory=list[Moment])

    async def send(self, request: Request, /) -> Response:
        """Answer *request*."""
        is_batch = request.url.path.endswith("/$batch")
        if is_batch:
            self._take()
        try:
            return await self.table.send(request)
        finally:
            if is_batch:
                self._take()

    def _take(self) -> None:
        self.moments.append(Moment(self.journal.read_bytes(), copy.deepcopy(self.table.rows)))


class Ran(NamedTuple):
    """A job that ran."""

    outcomes: list[Outcome]
    report: Report
    table: Table
    moments: list[Moment]


async def ran(
    make: Make,
    journal: Path,
    moment: Moment | None = None,
    *,
    rows: dict[str, Item] | None = None,
    scripts: tuple[Script, ...] = (),
) -> Ran:
    """Run a job to its end: from the beginning, or from what there is at a *moment*."""
    if moment is not None:
        journal.write_bytes(moment.journal)
        rows = moment.rows
    table = Table(scripts=list(scripts), rows=copy.deepcopy(rows or {}))
    camera = Camera(table, journal)
    async with client(camera) as crm:
        job = make(crm, journal)
        async with job as outcomes:
            told: list[Outcome] = [each async for each in outcomes]
    assert job.unfinished == []
    told.sort(key=lambda each: each.index)
    return Ran(told, job.report, table, camera.moments)


def shown(outcomes: list[Outcome]) -> list[tuple[Any, ...]]:
    """Return what a journal keeps of *outcomes*."""
    return [
        (
            each.index,
            each.operation,
            each.id,
            each.state,
            each.http_status,
            each.attempts,
            None if each.error is None else str(each.error),
        )
        for each in outcomes
    ]


def full_after(lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full after so many writes, in the middle of a line."""
    write_for_real, left = os.write, [lines]

    def written(handle: int, data: bytes) -> int:
        left[0] -= 1
        if left[0] == 0:
            return write_for_real(handle, data[:7])
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write_for_real(handle, data)

    monkeypatch.setattr(os, "write", written)
