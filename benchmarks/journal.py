"""What a journal costs a bulk load, beside the same load without one, in the same process.

Usage: python -m benchmarks.journal [--rows N] [--rounds N] [--folder PATH] [--json]

The answers are made beforehand and given without a socket, so that what is compared is the work of
the client alone. Loads take turns; of each the fastest round counts, for what disturbs a round only
ever makes it slower. Prints microseconds of CPU and of time for a row:

- ``no journal``, ``a journal``, ``a journal, fsync``: rows of cities are added;
- ``a job that has ended``: the same rows with the journal of such a load, of which nothing is sent.

Memory is what the process has at its most beyond what it had before, while a load of so many rows
goes on from a journal, beside the same load without one.
"""

import argparse
import asyncio
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson

from benchmarks.canned import city_row
from creatio_async import Creatio, Password
from creatio_async.data import cities
from creatio_async.messages import Headers, Request, Response

__all__ = ["Line", "main", "measured"]

_AS = Password("Supervisor", "Supervisor")
_ROUNDS = 9
_WELCOME = {"Code": 0, "Message": "", "RedirectUrl": "/0/Shell"}


class _Answers:
    """A site that has done whatever it is asked."""

    def __init__(self) -> None:
        self._made: dict[int, Response] = {}
        self.batches = 0

    async def send(self, request: Request, /) -> Response:
        """Answer *request*."""
        path = request.url.path
        if path.endswith("/$batch"):
            self.batches += 1
            return self._batch(request.body.count(b'"method":"POST"'))
        if path.endswith("/Login"):
            cookies = [("Set-Cookie", f"{name}=x; path=/") for name in (".ASPXAUTH", "BPMCSRF")]
            return _json(_WELCOME, cookies)
        return _json({"value": []})

    def _batch(self, count: int) -> Response:
        if count not in self._made:
            items = [{"id": str(at), "status": 204, "headers": {}} for at in range(1, count + 1)]
            self._made[count] = _json({"responses": items})
        return self._made[count]


def _json(body: Any, headers: Sequence[tuple[str, str]] = ()) -> Response:
    given = Headers([("Content-Type", "application/json"), *headers])
    return Response(status=200, headers=given, body=orjson.dumps(body))


class Line(NamedTuple):
    """One kind of load."""

    label: str
    cpu: float
    """Microseconds of CPU for a row."""
    wall: float
    batches: int


async def _load(crm: Creatio, rows: Any, **options: Any) -> None:
    report = await crm.odata["City"].create_many(rows, at_once=4, **options)
    report.raise_for_failures()


async def measured(rows: int, rounds: int, folder: Path) -> list[Line]:
    """Return what the loads take."""
    given = [city_row(city) for city in islice(cycle(cities()), rows)]
    site = _Answers()
    kept = folder / "kept.journal"
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("no journal", {}),
        ("a journal", {"journal": folder / "new.journal"}),
        ("a journal, fsync", {"journal": folder / "new.journal", "fsync": True}),
        ("a job that has ended", {"journal": kept}),
    ]
    best: dict[str, Line] = {}
    async with Creatio("http://crm.test", _AS, transport=site) as crm:
        await _load(crm, given, journal=kept)
        for _ in range(rounds):
            for label, options in kinds:
                (folder / "new.journal").unlink(missing_ok=True)
                site.batches = 0
                cpu, wall = time.process_time(), time.perf_counter()
                await _load(crm, given, **options)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                line = Line(label, 1e6 * cpu / rows, 1e6 * wall / rows, site.batches)
                before = best.get(label, line)
                best[label] = line._replace(
                    cpu=min(line.cpu, before.cpu), wall=min(line.wall, before.wall)
                )
    return list(best.values())


async def _peak(rows: int, journal: Path | None) -> int:
    """Return the bytes that a load of generated rows takes at its most."""

    def source() -> Iterator[dict[str, str]]:
        return ({"Name": f"City {number}"} for number in range(rows))

    async with Creatio("http://crm.test", _AS, transport=_Answers()) as crm:
        if journal is not None:
            await _load(crm, source(), journal=journal)
        tracemalloc.start()
        try:
            await _load(crm, source(), journal=journal)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def _run(rows: int, rounds: int, folder: Path) -> dict[str, Any]:
    lines = await measured(rows, rounds, folder)
    return {
        "rows": rows,
        "loads": [line._asdict() for line in lines],
        "peak_without": await _peak(rows, None),
        "peak_going_on": await _peak(rows, folder / "memory.journal"),
    }


def _print(found: dict[str, Any]) -> None:
    first = found["loads"][0]
    print(f"{'':24}{'CPU us/row':>12}{'more':>8}{'us/row':>12}{'more':>8}{'batches':>9}")
    for each in found["loads"]:
        cpu, wall = each["cpu"] - first["cpu"], each["wall"] - first["wall"]
        print(
            f"{each['label']:24}{each['cpu']:>12.2f}{cpu:>+8.2f}{each['wall']:>12.2f}{wall:>+8.2f}"
            f"{each['batches']:>9,}"
        )
    print(
        f"memory of {found['rows']:,} rows: {found['peak_without'] / 1e6:.2f} MB without a journal,"
        f" {found['peak_going_on'] / 1e6:.2f} MB going on from one"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=34_000)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    with TemporaryDirectory(dir=given.folder) as folder:
        found = asyncio.run(_run(given.rows, given.rounds, Path(folder)))
    if given.json:
        print(orjson.dumps(found).decode())
    else:
        _print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
