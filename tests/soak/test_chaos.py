"""Loads under faults of every kind, killed again and again, and the table that comes of it.

The long form is left out by default. To run it, with another seed, more rows or kills if wanted::

    SOAK_SEED=7 python -X dev -m pytest -m soak tests/soak -s

A run is repeated with the seed that it prints.
"""

import asyncio
import os
import random
import secrets
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import define, field

from creatio_async import Creatio, State, read_dead_letters, read_journal
from creatio_async.emulator import (
    Cut,
    Double,
    DropAfter,
    DropBefore,
    Emulator,
    Expire,
    Fail,
    Latency,
    Omit,
    Refuse,
    Trouble,
)
from creatio_async.messages import Request
from tests.api.canned import AUTH
from tests.soak.loads import LOADS, POLICY, Load

SEED = int(os.environ.get("SOAK_SEED") or secrets.randbelow(1_000_000))
ROWS = int(os.environ.get("SOAK_ROWS", "100000"))
KILLS = int(os.environ.get("SOAK_KILLS", "20"))

WHOLE: list[tuple[Trouble, float]] = [
    (DropBefore(), 0.02),
    (DropAfter(), 0.02),
    (Cut(), 0.02),
    (Cut(0.9), 0.01),
    (Refuse(429), 0.02),
    (Refuse(503), 0.02),
    (Fail(), 0.005),
    (Fail(after=True), 0.01),
    (Fail(502, after=True), 0.01),
    (Expire("401"), 0.01),
    (Expire("redirect"), 0.005),
    (Expire("html"), 0.005),
    (Expire("json"), 0.005),
]
INNER: list[tuple[Trouble, float]] = [
    (Refuse(429), 0.002),
    (Refuse(503), 0.002),
    (Fail(after=True), 0.0005),
    (Omit(after=True), 0.0005),
    (Omit(after=False), 0.0005),
    (Double("twice"), 0.0002),
    (Double("misnamed"), 0.0002),
]


def troubled(site: Emulator, chance: random.Random) -> None:
    """Let the requests of *site* meet every kind of fault."""
    for trouble, share in WHOLE:
        seed = chance.randrange(2**32)
        site.troubles.add(trouble, path="$batch", times=None, chance=share, seed=seed)
    for trouble, share in INNER:
        seed = chance.randrange(2**32)
        site.troubles.add(trouble, inner=True, method=None, times=None, chance=share, seed=seed)


@define(eq=False)
class Chaos:
    """A site in this process, and a load in one of its own that is killed."""

    site: Emulator
    url: str
    kind: str
    rows: int
    folder: Path
    chance: random.Random
    seen: int = 0
    """The ``$batch`` requests so far."""
    kill_at: int = 0
    victim: asyncio.subprocess.Process | None = None
    kills: int = 0
    tells: list[str] = field(factory=list[str])

    def __attrs_post_init__(self) -> None:
        self.site.troubles.add(Latency(0), path="$batch", times=None, where=self._notice)

    @property
    def load(self) -> Load:
        """What is loaded."""
        return LOADS[self.kind]

    def _notice(self, _: Request) -> bool:
        self.seen += 1
        self.site.requests.clear()
        if self.seen == self.kill_at:
            delay = self.chance.choice([0.0, 0.0, 0.001, 0.005, 0.02])
            asyncio.get_running_loop().call_later(delay, self._kill)
        return False

    def _kill(self) -> None:
        if self.victim is not None and self.victim.returncode is None:
            self.victim.kill()
            self.kills += 1

    async def run(self) -> dict[str, Any] | None:
        """Start the load, or go on with it; return its report, or None if it was killed."""
        files = [self.folder / "journal", self.folder / "letters"]
        arguments = [self.url, *map(str, files), self.kind, str(self.rows)]
        self.victim = await asyncio.create_subprocess_exec(
            *[sys.executable, "-W", "error", "-m", "tests.soak.loads", *arguments],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        out, err = await self.victim.communicate()
        if self.victim.returncode == -9:
            return None
        assert (self.victim.returncode, err) == (0, b""), err.decode()
        report: dict[str, Any] = orjson.loads(out)
        return report

    async def until_the_end(self, kills: int) -> dict[str, Any]:
        """Run the load until it comes to its end, killing it so often on its way."""
        batches = max(self.rows // 100, 1)
        for number in range(kills):
            # So many batches more, of those that are left, until the next one dies.
            self.kill_at = self.seen + 1 + self.chance.randrange(max(2 * batches // (kills + 1), 2))
            report = await self.run()
            if report is not None:
                return report
            self.tells.append(f"kill {number + 1} at request {self.seen}")
        self.kill_at = 0
        report = await self.run()
        assert report is not None
        return report


async def chaos(kind: str, rows: int, kills: int, seed: int, folder: Path) -> None:
    """Run a load in chaos; see that the table is what it has to be, and that the journal agrees."""
    load, chance = LOADS[kind], random.Random(seed)  # noqa: S311 - no secret
    print(f"{kind}, {rows:,} rows, SOAK_SEED={seed}")  # noqa: T201
    with Emulator() as site:
        site.insert("City", load.before(rows))
        async with site.served() as url:
            run = Chaos(site, url, kind, rows, folder, chance)
            troubled(site, chance)
            report = await run.until_the_end(kills)
            first = read_journal(folder / "journal")
            assert Counter(each.state.value for each in first) == report["counts"]
            site.troubles.clear()
            last = await run.run()  # what nobody could settle is settled now
            assert last is not None
            assert not {"unknown", "not run"} & last["counts"].keys(), last
            assert_refused(site, folder / "journal")
            await mend(run)
        print(f"{run.kills} kills, {run.seen:,} batches: {last['counts']}")  # noqa: T201
        print(*last["failures"], sep="\n")  # noqa: T201
        assert_exact(site, load, rows)
        assert_agrees(site, load, rows, folder / "journal")


def assert_refused(site: Emulator, journal: Path) -> None:
    """What was not added is not there."""
    there = {row["Id"] for row in site.rows("City")}
    for each in read_journal(journal):
        if each.operation == "create" and each.state is State.FAILED:
            assert each.id not in there, each


async def mend(run: Chaos) -> None:
    """Feed in again what the site refused for good, as a fault may have it."""
    async with Creatio(run.url, AUTH, retry=POLICY) as crm:
        if run.kind == "sync":
            refused = run.load.source(run.rows)
        else:
            refused = read_dead_letters(run.folder / "letters")
        report = await run.load.job(crm, refused, {})
        assert report.failed == 0, report.failures[:3]


def assert_exact(site: Emulator, load: Load, rows: int) -> None:
    """The table holds what it has to hold, each row once, and nothing else."""
    there = Counter((row["Name"], row["Description"]) for row in site.rows("City"))
    wanted = Counter((row["Name"], row["Description"]) for row in load.after(rows))
    assert list((there - wanted).items())[:5] == []
    assert list((wanted - there).items())[:5] == []


def assert_agrees(site: Emulator, load: Load, rows: int, journal: Path) -> None:
    """The journal says what is there, and that the job has ended."""
    there = {row["Id"]: row["Name"] for row in site.rows("City")}
    recorded, given = read_journal(journal), list(load.source(rows))
    assert recorded.finished
    assert recorded.rows == len(given)
    told = list(recorded)
    assert [each.index for each in told if each.index >= 0] == list(range(len(given)))
    for each in told:
        row = given[each.index] if each.index >= 0 else None
        if not each.ok:
            assert each.state in {State.FAILED, State.CONFLICT}, each
        elif isinstance(row, dict) and "Name" in row:
            assert there[each.id] == row["Name"]
        elif each.index < 0:
            assert each.id not in there


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "rows"), [("create", 3_000), ("sync", 1_500)])
async def test_a_load_that_is_killed_thrice_under_faults_is_exact(
    kind: str, rows: int, tmp_path: Path
) -> None:
    await chaos(kind, rows, 3, SEED, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", LOADS)
async def test_a_long_load_that_is_killed_again_and_again_under_faults_is_exact(
    kind: str, tmp_path: Path
) -> None:
    await chaos(kind, ROWS if kind == "create" else ROWS // 5, KILLS, SEED, tmp_path)
