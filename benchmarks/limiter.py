"""How well rules for the number of batches at once do, at sites that are simulated.

A site has so many workers, a queue, and answer times that scatter as those of real sites do. Time
is simulated and chance is seeded: a run of minutes takes a moment, and comes out the same again.
"""

import argparse
import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from statistics import mean, median

from attrs import define, field, frozen

from creatio_async.protocol.limiter import Limiter
from creatio_async.protocol.pace import Adaptive
from creatio_async.runtime.adaptive import Fixed, Limit

__all__ = ["CASES", "HARDER", "RULES", "Case", "Run", "Site", "main", "simulate"]

Batch = tuple[float, int]
"""When it was sent, and how many records it has."""

_TICK = 0.1
_REFUSAL = 0.001
"""Seconds that a refusal takes."""


@define
class Aimd:
    """Additive increase, multiplicative decrease: one more each round, and 0.7 on a refusal."""

    limit: int = 4
    ceiling: int = 32
    _answers: int = 0
    _cut_at: float = -math.inf

    @property
    def most(self) -> int:
        """The ceiling."""
        return self.ceiling

    def sample(self, started: float, ended: float, _: int, *, refused: bool = False) -> None:
        """Grow after as many answers as are under way, shrink on a refusal."""
        if refused:
            if started >= self._cut_at:
                self.limit, self._cut_at = max(1, int(0.7 * self.limit)), ended
            return
        self._answers += 1
        if self._answers >= self.limit:
            self._answers = 0
            self.limit = min(self.limit + 1, self.ceiling)


@frozen
class Site:
    """A site under load."""

    workers: int
    seconds: float
    """For a batch of 100 records, on average."""
    scatter: float = 0.6
    """Sigma of the log-normal distribution of those times; 0 for always the same."""
    room: int | None = None
    """Batches that may wait for a worker; further ones are refused with 429."""
    way: float = 0.0
    """Seconds that a batch and its answer are on their way."""
    is_in_order: bool = True
    """Batches are worked on in the order in which they came; else any of them is the next."""
    long: tuple[float, float] = (0.0, 1.0)
    """The part of the batches that take longer, and how many times as long."""
    contention: float = 0.0
    """By how much batches that are worked on at once hinder each other: with `n` of them each takes
    ``1 + contention * (n - 1) ** 2`` times as long."""

    @property
    def capacity(self) -> float:
        """Records per second at most."""
        return max(100 * n / self.seconds / self.slower(n) for n in range(self.workers + 1))

    def slower(self, running: int) -> float:
        """Return how many times as long it takes with so many at once."""
        return 1 + self.contention * (running - 1) ** 2

    def takes(self, records: int, running: int, chance: Random) -> float:
        """Return the seconds that a worker takes for a batch."""
        seconds = self.seconds * records / 100 * self.slower(running)
        seconds *= math.exp(chance.gauss(-(self.scatter**2) / 2, self.scatter))
        part, times = self.long
        if part:
            seconds *= (times if chance.random() < part else 1.0) / (1 + part * (times - 1))
        return seconds


@frozen
class Run:
    """What came of a simulation."""

    share: float
    """Throughput as a part of what the site could have done."""
    p50: float
    """The median answer time, in seconds."""
    refusals: int
    limits: list[tuple[float, int]]
    """When the limit changed, and to what."""
    answers: int
    waiting: list[tuple[float, int]]
    """Whenever something happened: the time, and how many waited for a worker then."""
    ended: float
    """When the last answer came."""


@define(eq=False)
class _Simulation:
    site: Callable[[float], Site]
    rule: Limit
    chance: Random
    records: Callable[[Random, float], int]
    left: float = math.inf
    """Batches that are still to be sent for the first time."""
    now: float = 0.0
    events: list[tuple[float, int, str, Batch]] = field(factory=list[tuple[float, int, str, Batch]])
    queue: deque[Batch] = field(factory=deque[Batch])
    again: deque[int] = field(factory=deque[int])
    under_way: int = 0
    running: int = 0
    number: int = 0

    def at(self, wait: float, what: str, batch: Batch) -> None:
        self.number += 1
        heapq.heappush(self.events, (self.now + wait, self.number, what, batch))

    def fill(self) -> None:
        """Send as many batches as the rule allows, while there are any."""
        while self.under_way < self.rule.limit and (self.again or self.left > 0):
            self.under_way += 1
            if self.again:
                records = self.again.popleft()
            else:
                records = self.records(self.chance, self.now)
                self.left -= 1
            way = self.site(self.now).way
            if way:
                self.at(way / 2, "arrived", (self.now, records))
            else:
                self.arrive((self.now, records))

    def arrive(self, batch: Batch) -> None:
        site = self.site(self.now)
        is_full = site.room is not None and len(self.queue) >= site.room
        if is_full and self.running >= site.workers:
            self.at(_REFUSAL, "refused", batch)
        else:
            self.queue.append(batch)
            self.work()

    def work(self) -> None:
        site = self.site(self.now)
        while self.queue and self.running < site.workers:
            if not site.is_in_order:
                self.queue.rotate(self.chance.randrange(len(self.queue)))
            batch = self.queue.popleft()
            self.running += 1
            self.at(site.takes(batch[1], self.running, self.chance), "worked", batch)

    def happen(self, what: str, batch: Batch) -> str:
        """Let it happen; return what the sender sees of it, "answered" or "refused"."""
        match what:
            case "tick":
                self.at(_TICK, what, batch)
            case "arrived":
                self.arrive(batch)
            case "again":
                self.again.append(batch[1])
            case "worked":
                self.running -= 1
                way = self.site(self.now).way
                if not way:
                    return "answered"
                self.at(way / 2, "answered", batch)
            case "refused":
                # As the retry policy does: the place is free while the batch waits.
                self.at(0.2 + 0.5 * self.chance.random(), "again", batch)
                return what
            case _:
                return what
        return ""


def _full(_: Random, __: float) -> int:
    return 100


def simulate(
    site: Site | Callable[[float], Site],
    rule: Limit,
    *,
    seconds: float = 15.0,
    seed: int = 1,
    records: Callable[[Random, float], int] = _full,
    settled: float = 0.0,
    batches: float = math.inf,
) -> Run:
    """Keep *site* busy under *rule* for so many simulated *seconds*; count from *settled* on.

    Args:
        site: The site, or a function of the time that gives it.
        rule: What says how many batches may be under way.
        seconds: How long it runs.
        seed: Of all that is left to chance.
        records: Gives the number of records of the next batch at a time.
        settled: When counting begins.
        batches: How many there are in all.
    """
    at = (lambda _: site) if isinstance(site, Site) else site
    run = _Simulation(at, rule, Random(seed), records, batches)  # noqa: S311 - a simulation
    done, refusals, latencies, possible, last = 0, 0, list[float](), 0.0, settled
    limits, waiting, ended = [(0.0, rule.limit)], list[tuple[float, int]](), 0.0
    run.at(_TICK, "tick", (0.0, 0))  # a site that stands still may begin to work
    run.fill()
    while run.events and run.events[0][0] <= seconds:
        run.now, _, what, batch = heapq.heappop(run.events)
        if run.now > last:
            possible += at(run.now).capacity * (run.now - last)
            last = run.now
        what = run.happen(what, batch)
        if what == "answered":
            ended = run.now
        if what == "answered" and run.now >= settled:
            done += batch[1]
            latencies.append(run.now - batch[0])
        refusals += what == "refused" and run.now >= settled
        if what in {"answered", "refused"}:
            run.under_way -= 1
            rule.sample(batch[0], run.now, batch[1], refused=what == "refused")
            if rule.limit != limits[-1][1]:
                limits.append((run.now, rule.limit))
        run.work()
        run.fill()
        if run.now >= settled:
            waiting.append((run.now, len(run.queue)))
    p50 = median(latencies) if latencies else math.inf
    share = done / possible if possible else 0.0
    return Run(share, p50, refusals, limits, len(latencies), waiting, ended)


@frozen
class Case:
    """A line of the table."""

    name: str
    site: Site | Callable[[float], Site]
    """As it is, or as it is by so many seconds."""
    records: Callable[[Random, float], int] = _full
    seconds: float | None = None
    """How long it runs, where that is part of the case."""


def _drifting(now: float) -> Site:
    return Site(6, 0.05 * (1 + now / 30))


def _changing(now: float) -> Site:
    return Site(6 if 20 <= now < 40 else 24, 0.2)


def _shrinking(_: Random, now: float) -> int:
    return max(100 - int(3 * now), 10)


CASES = (
    Case("1 x 50 ms, always the same", Site(1, 0.05, 0.0)),
    Case("6 x 50 ms, always the same", Site(6, 0.05, 0.0)),
    Case("24 x 200 ms, always the same", Site(24, 0.2, 0.0)),
    Case("1 x 50 ms", Site(1, 0.05)),
    Case("6 x 50 ms", Site(6, 0.05)),
    Case("6 x 50 ms, 429 above a queue of 12", Site(6, 0.05, room=12)),
    Case("24 x 200 ms", Site(24, 0.2)),
)
"""Sites as they are."""

HARDER = (
    Case("1 x 50 ms, in any order", Site(1, 0.05, is_in_order=False)),
    Case("1 x 50 ms, 20 ms on the way", Site(1, 0.05, way=0.02)),
    Case("1 x 50 ms, 200 ms on the way", Site(1, 0.05, way=0.2)),
    Case("6 x 50 ms, 20 ms on the way", Site(6, 0.05, way=0.02)),
    Case("6 x 50 ms, 200 ms on the way", Site(6, 0.05, way=0.2)),
    Case("24 x 200 ms, 200 ms on the way", Site(24, 0.2, way=0.2)),
    Case("1 x 50 ms, sigma 1.0", Site(1, 0.05, 1.0)),
    Case("6 x 50 ms, sigma 1.0", Site(6, 0.05, 1.0)),
    Case("24 x 200 ms, sigma 1.0", Site(24, 0.2, 1.0)),
    Case("24 x 200 ms, one in ten takes 5 times", Site(24, 0.2, long=(0.1, 5.0))),
    Case("24 x 200 ms, that hinder each other", Site(24, 0.2, contention=0.02)),
    Case("6 x 50 ms, three times in 60 s", _drifting, seconds=60),
    Case("24, then 6, then 24 x 200 ms, 60 s", _changing, seconds=60),
    Case("6 x 50 ms, batches that shrink, 30 s", Site(6, 0.05), _shrinking, 30),
)
"""Sites that are harder to find the knee of, and such that change."""

RULES: dict[str, Callable[[], Limit]] = {
    "fixed 8": lambda: Fixed(8),
    "AIMD": Aimd,
    "Adaptive()": lambda: Limiter(Adaptive()),
}


def _cell(case: Case, rule: Callable[[], Limit], given: argparse.Namespace) -> str:
    runs = [
        simulate(
            case.site,
            rule(),
            seconds=case.seconds or given.seconds,
            seed=seed,
            records=case.records,
        )
        for seed in range(given.seeds)
    ]
    shares = [run.share for run in runs]
    waiting = max(waiting for run in runs for _, waiting in run.waiting)
    cell = f"{mean(shares):.0%} ({min(shares):.0%}) {median(r.p50 for r in runs) * 1e3:.0f} ms"
    refusals = mean(run.refusals for run in runs)
    return f"{cell} {waiting}" + (f" {refusals:.1f}x" if refusals else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, for each site and rule, the share of the capacity, the median time, the refusals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="simulated, for each run")
    parser.add_argument("--seeds", type=int, default=20, help="runs for each cell")
    parser.add_argument("--only", default="", help="sites that have this in their name")
    given = parser.parse_args(arguments)
    print(f"{given.seeds} runs of {given.seconds:g} simulated seconds each: share of capacity,")
    print("mean (least); median of the answer times; most that waited; refusals in a run, mean")
    print(f"{'':40}" + "".join(f"{name:>32}" for name in RULES))
    for case in (case for case in CASES + HARDER if given.only in case.name):
        cells = "".join(f"{_cell(case, rule, given):>32}" for rule in RULES.values())
        print(f"{case.name:40}{cells}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
