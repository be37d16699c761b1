"""The second act of the demo: a file that has changed, and a load that is killed and goes on.

``python -m creatio_async.cli.second SITE JOURNAL ROWS AT_ONCE`` is the load that is killed: it says
how far it is on standard output, and never comes to its end, for its last row is never there; it is
gone when whoever started it is. Who logs in is in the environment, as `Creatio.from_env` takes it.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from threading import Thread
from typing import Any

from attrs import define, frozen

from creatio_async import Creatio, Report, read_journal
from creatio_async.cli.trial import Lookups, Tally
from creatio_async.data import cities

__all__ = ["Killed", "Resumed", "changed", "changed_rows", "kill_half_way", "resume", "twins"]

_EVERY = 100
"""Of so many rows of the file one changes."""
_TWINS = 4
"""Of so many cities one is given a twin."""


def changed(rows: int) -> int:
    """Return how many of the first *rows* rows of the file change."""
    return len(range(0, rows, _EVERY))


def changed_rows(lookups: Lookups, rows: int) -> Iterator[dict[str, Any]]:
    """Give the first *rows* cities, one of a hundred with another name."""
    for number, city in enumerate(islice(cities(), rows)):
        row = lookups.row(city)
        yield row if number % _EVERY else {**row, "Name": f"{city.name} (renamed)"}


def twins(lookups: Lookups, rows: int) -> Iterator[dict[str, Any]]:
    """Give a twin of every fourth of the first *rows* cities, without an `Id`."""
    for city in islice(cities(), 0, rows, _TWINS):
        row = lookups.row(city)
        del row["Id"]
        yield {**row, "Name": f"{city.name} (twin)"}


@frozen
class Killed:
    """What a load has left that was killed."""

    journal: Path
    rows: int
    """Rows that it was to write."""
    told: int
    """Rows of which its journal knows what became of them."""


async def kill_half_way(
    site: str, environment: dict[str, str], journal: Path, *, rows: int, at_once: int
) -> Killed:
    """Start a load in a process of its own, and kill that when half of the rows are written."""
    total = len(range(0, rows, _TWINS))
    arguments = [site, str(journal), str(rows), str(at_once)]
    child = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "creatio_async.cli.second", *arguments],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which then ends that one
        env={**os.environ, **environment},
    )
    try:
        async for line in _lines(child.stdout):
            if int(line) >= total // 2:
                break
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()
    told = sum(outcome.ok for outcome in read_journal(journal))
    return Killed(journal, total, told)


async def _lines(stream: asyncio.StreamReader | None) -> AsyncIterator[bytes]:
    if stream is not None:
        async for line in stream:
            yield line


@define
class Resumed:
    """What became of the rows of a load that went on."""

    report: Report
    written: Tally
    """The rows, with the ids that they have."""
    requests: int
    """``$batch`` requests of this run."""


async def resume(
    crm: Creatio,
    lookups: Lookups,
    killed: Killed,
    *,
    rows: int,
    at_once: int,
    step: Callable[[int], None],
) -> Resumed:
    """Go on with a load that was killed; *step* is called for each row."""
    written = Tally()
    job = crm.odata["City"].create_many(
        twins(lookups, rows), at_once=at_once, journal=killed.journal, batch_size=_size(rows)
    )
    async with job as outcomes:
        async for outcome in outcomes:
            if outcome.ok:
                written.add({**outcome.row, "Id": outcome.id})
            step(1)
    return Resumed(job.report, written, job.report.requests)


def _size(rows: int) -> int:
    """Return a size of batches that makes several of few rows, too."""
    return max(1, min(100, rows // (_TWINS * 10)))


async def _never_ending(rows: Iterator[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """Give all of *rows* but for the last, which never comes."""
    for row, _ in pairwise(rows):
        yield row
    await asyncio.Event().wait()


def _end_with_standard_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


async def _load(site: str, journal: Path, rows: int, at_once: int) -> None:
    Thread(target=_end_with_standard_input, daemon=True).start()
    os.environ["CREATIO_URL"] = site
    async with Creatio.from_env() as crm:
        lookups = await Lookups.read(crm)
        job = crm.odata["City"].create_many(
            _never_ending(twins(lookups, rows)),
            at_once=at_once,
            journal=journal,
            batch_size=_size(rows),
        )
        async with job as outcomes:
            print(0, flush=True)
            async for _ in outcomes:
                print(job.report.total, flush=True)


if __name__ == "__main__":
    asyncio.run(_load(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
