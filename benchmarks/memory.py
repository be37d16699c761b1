"""How much memory a bulk create of any length takes.

Usage: python -m benchmarks.memory [--rows N] [--json] [--check]

One process writes 50,000 cities from a generator, then N more, and tells what it holds after each
(resident, of Linux). Exits with 1, with --check, where the second is 16 MB above the first.
"""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks.canned import city_row
from benchmarks.contest import serving
from creatio_async import Creatio, Password
from creatio_async.data import cities

__all__ = ["main"]

BOUND = 16.0
"""Megabytes."""
_FIRST = 50_000


def _rows(count: int) -> Iterator[dict[str, Any]]:
    some = [city_row(city) for city in islice(cities(), 1_000)]
    return ({**row} for row in islice(cycle(some), count))


def _resident() -> float:
    """Return the megabytes that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _run(site: str, rows: int) -> dict[str, float]:
    async with Creatio(f"{site}/full", Password("Supervisor", "Supervisor")) as crm:
        held: list[float] = []
        for count in (min(_FIRST, rows), rows):
            report = await crm.odata["City"].create_many(_rows(count))
            report.raise_for_failures()
            held.append(_resident())
    return {"rows": rows, "first": held[0], "second": held[1], "more": held[1] - held[0]}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(argv)
    with serving(rows=1_000) as site:
        found = asyncio.run(_run(site, given.rows))
    if given.json:
        print(orjson.dumps(found).decode())
    else:
        print(f"{found['first']:.1f} MB after {_FIRST:,} rows")
        print(f"{found['second']:.1f} MB after {given.rows:,} more: {found['more']:+.1f} MB")
    return int(given.check and found["more"] > BOUND)


if __name__ == "__main__":
    sys.exit(main())
