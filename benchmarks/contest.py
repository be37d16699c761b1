"""Runs contestants in turns against one canned server, and says what each of them takes.

Each run is a fresh process on core 0, the server is on core 1. Ratios are of CPU time, and of
runs of the same round, so that a busy moment of the machine meets both sides of a ratio.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

import orjson

from benchmarks.measured import Measure
from creatio_async.data import CITIES

__all__ = ["Entry", "Heat", "main", "serving"]

_ROOT = Path(__file__).parents[1]
_CLIENT, _SERVER = 0, 1
"""The cores of the two sides."""


class Entry(NamedTuple):
    """One line of a table."""

    label: str
    contestant: str
    page_size: int | None = None
    against: str | None = None
    """The label that it is compared with; None is the first one of its heat."""


class Heat(NamedTuple):
    """Contestants that do the same."""

    title: str
    directory: str
    """The first segment of the path: what the server's `$batch` answers with."""
    entries: Sequence[Entry]
    bound: tuple[str, float]
    """A label, and what its ratio should not exceed."""
    of: Literal["cpu", "wall"] = "cpu"
    """What is compared: seconds of the processor, or of the clock."""


class _Given(NamedTuple):
    rows: int
    passes: int
    repeats: int
    latency_ms: float


@contextmanager
def serving(*, rows: int, latency_ms: float = 0.0) -> Iterator[str]:
    """Give the address of a canned server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.canned", "--rows", str(rows)]
    command += ["--latency-ms", str(latency_ms), "--core", str(_SERVER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            if not address:
                raise RuntimeError("the canned server did not start")
            yield address
        finally:
            server.terminate()


def _run(entry: Entry, site: str, given: _Given) -> Measure:
    command = [sys.executable, "-m", "benchmarks.measured", entry.contestant, site]
    command += ["--rows", str(given.rows), "--passes", str(given.passes), "--core", str(_CLIENT)]
    if entry.page_size is not None:
        command += ["--page-size", str(entry.page_size)]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=_ROOT)
    measure = Measure(**orjson.loads(run.stdout))
    if measure.records != given.rows * given.passes:
        raise RuntimeError(f"{entry.label}: {measure.records} records, not all of them")
    return measure


def _summary(entry: Entry, measures: dict[str, list[Measure]], heat: Heat) -> dict[str, Any]:
    own, against = measures[entry.label], entry.against or heat.entries[0].label
    micros = [each.cpu / each.records * 1e6 for each in own]
    pairs = zip(own, measures[against], strict=True)
    return {
        "label": entry.label,
        "against": against,
        "page_size": entry.page_size,
        "cpu_us_per_record": median(micros),
        "cpu_us_least": min(micros),
        "cpu_us_most": max(micros),
        "records_per_second": median(each.records / each.wall for each in own),
        "ratio": median(getattr(mine, heat.of) / getattr(base, heat.of) for mine, base in pairs),
        "server_busy": median(each.server_cpu / each.wall for each in own),
        "requests": own[0].requests,
        "bytes_in": own[0].bytes_in,
        "bytes_out": own[0].bytes_out,
    }


def _held(heat: Heat, site: str, given: _Given, note: Callable[[str], None]) -> dict[str, Any]:
    measures: dict[str, list[Measure]] = {entry.label: [] for entry in heat.entries}
    for turn in range(given.repeats):
        note(f"{heat.title}: round {turn + 1} of {given.repeats}")
        for entry in heat.entries:
            measures[entry.label].append(_run(entry, f"{site}/{heat.directory}", given))
    lines = [_summary(entry, measures, heat) for entry in heat.entries]
    label, bound = heat.bound
    ratio = next(line["ratio"] for line in lines if line["label"] == label)
    return {
        "title": heat.title,
        "records": given.rows * given.passes,
        "entries": lines,
        "bounded": label,
        "bound": bound,
        "holds": ratio <= bound,
    }


def _print(heat: dict[str, Any]) -> None:
    print(f"\n{heat['title']}: {heat['records']:,} records in each run")
    print(f"{'':34}{'CPU us/record':>14}{'from':>7}{'to':>7}", end="")
    print(f"{'records/s':>12}{'ratio':>8}{'server busy':>13}")
    for line in heat["entries"]:
        print(f"{line['label']:34}{line['cpu_us_per_record']:>14.2f}", end="")
        print(f"{line['cpu_us_least']:>7.2f}{line['cpu_us_most']:>7.2f}", end="")
        print(f"{line['records_per_second']:>12,.0f}{line['ratio']:>8.2f}", end="")
        print(f"{line['server_busy']:>13.0%}")
    verdict = "holds" if heat["holds"] else "does NOT hold"
    print(f"{heat['bounded']}: at most {heat['bound']:.2f} {verdict}")


def _natural(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1")
    return number


def main(
    doc: str,
    heats: Sequence[Heat],
    *,
    passes: int,
    argv: Sequence[str] | None,
    latency_ms: float = 0.0,
) -> int:
    """Hold *heats* as the command line says, and print what came of them."""
    parser = argparse.ArgumentParser(
        description=doc, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=_natural, default=CITIES, help="cities in one pass")
    parser.add_argument("--passes", type=_natural, default=passes, help="passes in one run")
    parser.add_argument("--repeats", type=_natural, default=7, help="runs of each contestant")
    parser.add_argument("--latency-ms", type=float, default=latency_ms, help="delay of each answer")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bound is broken")
    given = parser.parse_args(argv)
    if given.rows > CITIES:
        parser.error(f"there are {CITIES:,} cities")
    options = _Given(given.rows, given.passes, given.repeats, given.latency_ms)

    def note(text: str) -> None:
        print(text, file=sys.stderr)

    with serving(rows=options.rows, latency_ms=options.latency_ms) as site:
        held = [_held(heat, site, options, note) for heat in heats]
    if given.json:
        result = {**options._asdict(), "heats": held}
        print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
    else:
        for heat in held:
            _print(heat)
    return 0 if not given.check or all(heat["holds"] for heat in held) else 1
