"""What a journal costs a bulk load, beside the same load without one, in the same process.

Usage: python -m benchmarks.journal [--rows N] [--rounds N] [--folder PATH] [--json]

The answers are made beforehand and given without a socket, so that what is compared is the work of
the client alone. Loads take turns, in one order and then in the other. Prints microseconds of CPU
for a row: the median of each kind of load, and of what it took more than the load without a journal
in the same round, with the quarter of the rounds below and above that:

- ``no journal``, ``a journal``, ``a journal, fsync``: rows of cities are added;
- ``the same again``: no journal, too; what is more or less there is the noise of the machine;
- ``a job that has ended``: the same rows with the journal of such a load, of which nothing is sent.

Then the parts of what a journal does, each by itself, in a loop: there the processor has at hand
what in a load it has to fetch.

Memory is what the process has at its most beyond what it had before, while a load of so many rows
goes on from a journal, beside the same load without one.
"""

import argparse
import asyncio
import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from benchmarks.canned import city_row
from creatio_async import Creatio, Password
from creatio_async.bulk.journal.lines import done_line, read_line
from creatio_async.data import cities
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.ids import SeededIds, new_ids
from creatio_async.protocol.values import dumps, is_clean

__all__ = ["Line", "main", "measured", "parts"]

_AS = Password("Supervisor", "Supervisor")
_ROUNDS = 30
_BATCH = 100
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
    """Microseconds of CPU for a row: the median of all rounds."""
    more: float
    """The median of what it took more than the load without a journal in the same round."""
    low: float
    """A quarter of the rounds took no more than this."""
    high: float
    """A quarter of the rounds took more than this."""
    batches: int


async def _load(crm: Creatio, rows: Any, **options: Any) -> None:
    report = await crm.odata["City"].create_many(rows, at_once=4, **options)
    report.raise_for_failures()


async def measured(rows: int, rounds: int, folder: Path) -> list[Line]:
    """Return what the loads take."""
    given = [city_row(city) for city in islice(cycle(cities()), rows)]
    site = _Answers()
    kept = folder / "kept.journal"
    kinds: dict[str, dict[str, Any]] = {
        "no journal": {},
        "the same again": {},
        "a journal": {"journal": folder / "new.journal"},
        "a journal, fsync": {"journal": folder / "new.journal", "fsync": True},
        "a job that has ended": {"journal": kept},
    }
    taken: dict[str, list[float]] = {label: [] for label in kinds}
    batches: dict[str, int] = {}
    async with Creatio("http://crm.test", _AS, transport=site) as crm:
        await _load(crm, given, journal=kept)
        for number in range(rounds):
            for label in kinds if number % 2 else reversed(kinds):
                (folder / "new.journal").unlink(missing_ok=True)
                site.batches = 0
                gc.collect()
                begun = time.process_time()
                await _load(crm, given, **kinds[label])
                taken[label].append(1e6 * (time.process_time() - begun) / rows)
                batches[label] = site.batches
    return [_line(label, taken[label], taken["no journal"], batches[label]) for label in kinds]


def _line(label: str, taken: Sequence[float], base: Sequence[float], batches: int) -> Line:
    more = [one - other for one, other in zip(taken, base, strict=True)]
    low, middle, high = quantiles(more, n=4)
    return Line(label, median(taken), middle, low, high, batches)


def parts(rows: int) -> dict[str, float]:
    """Return the microseconds of CPU for a row that the parts take by themselves."""
    given = [city_row(city) for city in islice(cycle(cities()), rows)]
    chunks = [given[at : at + _BATCH] for at in range(0, rows, _BATCH)]
    encoded = [dumps(chunk) for chunk in chunks]
    heads = {"Accept": "application/json", "Content-Type": "application/json"}
    item: dict[str, Any] = {"id": "1", "method": "POST", "url": "City", "headers": heads}
    made = new_ids(1)[0]
    bodies = [
        dumps({"requests": [{**item, "body": {**row, "Id": made}} for row in chunk]})
        for chunk in chunks
    ]
    seeded = SeededIds(os.urandom(32))
    said = read_line(rows, _BATCH, 2**31, None) + done_line(rows, _BATCH, "create", 201)

    def look(bodies: Sequence[bytes], objects: int) -> None:
        for body in bodies:
            is_clean(body, list, objects)

    with TemporaryDirectory() as folder:
        handle = os.open(Path(folder) / "lines", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        whole: dict[str, Callable[[], object]] = {
            "the JSON of the rows": lambda: [dumps(chunk) for chunk in chunks],
            "its checksum": lambda: [crc32(each) for each in encoded],
            "a look whether it is clean": lambda: look(encoded, _BATCH),
            "less a look at the whole batch": lambda: look(bodies, 3 * _BATCH + 1),
            "ids of a seed": lambda: [seeded(at, _BATCH) for at in range(0, rows, _BATCH)],
            "less ids at random": lambda: [new_ids(_BATCH) for _ in chunks],
            "two lines": lambda: [
                read_line(at, _BATCH, 2**31, None) + done_line(at, _BATCH, "create", 201)
                for at in range(0, rows, _BATCH)
            ],
            "a write of them": lambda: [os.write(handle, said) for _ in chunks],
        }
        try:
            return {
                label: (-1 if label.startswith("less") else 1) * _least(work) / rows
                for label, work in whole.items()
            }
        finally:
            os.close(handle)


def _least(work: Callable[[], object]) -> float:
    """Return the microseconds of CPU of the fastest of some rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return 1e6 * best


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
        "parts": parts(rows // _BATCH * _BATCH),
        "peak_without": await _peak(rows, None),
        "peak_going_on": await _peak(rows, folder / "memory.journal"),
    }


def _print(found: dict[str, Any]) -> None:
    print(f"{'us of CPU for a row':24}{'median':>8}{'more':>8}{'half of them':>18}{'batches':>9}")
    for each in found["loads"]:
        between = f"{each['low']:+.2f} .. {each['high']:+.2f}"
        print(
            f"{each['label']:24}{each['cpu']:>8.2f}{each['more']:>+8.2f}{between:>18}"
            f"{each['batches']:>9,}"
        )
    print("parts by themselves:")
    for label, took in found["parts"].items():
        print(f"  {label:30}{took:>+8.3f}")
    print(f"  {'together':30}{sum(found['parts'].values()):>+8.3f}")
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
    if given.rounds < 2:
        parser.error("what half of the rounds took is told of two at least")
    with TemporaryDirectory(dir=given.folder) as folder:
        found = asyncio.run(_run(given.rows, given.rounds, Path(folder)))
    if given.json:
        print(orjson.dumps(found).decode())
    else:
        _print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
