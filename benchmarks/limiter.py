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

__all__ = ["CASES", "RULES", "Case", "Run", "Site", "main", "simulate"]

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

    @property
    def capacity(self) -> float:
        """Records per second at most."""
        return 100 * self.workers / self.seconds


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
    waiting: list[tuple[float, int]]
    """At each answer: the time, and how many waited for a worker."""
    ended: float
    """When the last answer came."""


@define(eq=False)
class _Simulation:
    site: Callable[[float], Site]
    rule: Limit
    chance: Random
    records: Callable[[Random], int]
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
                records = self.records(self.chance)
                self.left -= 1
            site = self.site(self.now)
            is_full = site.room is not None and len(self.queue) >= site.room
            if is_full and self.running >= site.workers:
                self.at(_REFUSAL, "refused", (self.now, records))
            else:
                self.queue.append((self.now, records))
                self.work()

    def work(self) -> None:
        site = self.site(self.now)
        while self.queue and self.running < site.workers:
            batch = self.queue.popleft()
            self.running += 1
            scatter = self.chance.gauss(-(site.scatter**2) / 2, site.scatter)
            self.at(site.seconds * batch[1] / 100 * math.exp(scatter), "answered", batch)


def simulate(
    site: Site | Callable[[float], Site],
    rule: Limit,
    *,
    seconds: float = 15.0,
    seed: int = 1,
    records: Callable[[Random], int] = lambda _: 100,
    settled: float = 0.0,
    batches: float = math.inf,
) -> Run:
    """Keep *site* busy under *rule* for so many simulated *seconds*; count from *settled* on.

    Args:
        site: The site, or a function of the time that gives it.
        rule: What says how many batches may be under way.
        seconds: How long it runs.
        seed: Of all that is left to chance.
        records: Gives the number of records of the next batch.
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
        if what == "tick":
            run.at(_TICK, what, batch)
        elif what == "again":
            run.again.append(batch[1])
        else:
            run.under_way -= 1
            refused = what == "refused"
            if refused:
                refusals += run.now >= settled
                # As the retry policy does: the place is free while the batch waits.
                run.at(0.2 + 0.5 * run.chance.random(), "again", batch)
            else:
                run.running -= 1
                ended = run.now
                if run.now >= settled:
                    done += batch[1]
                    latencies.append(run.now - batch[0])
                    waiting.append((run.now, len(run.queue)))
            rule.sample(batch[0], run.now, batch[1], refused=refused)
            if rule.limit != limits[-1][1]:
                limits.append((run.now, rule.limit))
        run.work()
        run.fill()
    p50 = median(latencies) if latencies else math.inf
    return Run(done / possible if possible else 0.0, p50, refusals, limits, waiting, ended)


@frozen
class Case:
    """A line of the table."""

    name: str
    site: Site


CASES = (
    Case("1 x 50 ms, always the same", Site(1, 0.05, 0.0)),
    Case("6 x 50 ms, always the same", Site(6, 0.05, 0.0)),
    Case("24 x 200 ms, always the same", Site(24, 0.2, 0.0)),
    Case("1 x 50 ms", Site(1, 0.05)),
    Case("6 x 50 ms", Site(6, 0.05)),
    Case("6 x 50 ms, 429 above a queue of 12", Site(6, 0.05, room=12)),
    Case("24 x 200 ms", Site(24, 0.2)),
)

RULES: dict[str, Callable[[], Limit]] = {
    "fixed 8": lambda: Fixed(8),
    "AIMD": Aimd,
    "Adaptive()": lambda: Limiter(Adaptive()),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, for each site and rule, the share of the capacity, the median time, the refusals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="simulated, for each run")
    parser.add_argument("--seeds", type=int, default=20, help="runs for each cell")
    given = parser.parse_args(arguments)
    print(f"{given.seeds} runs of {given.seconds:g} simulated seconds each: share of capacity,")
    print("mean (least); median of the answer times; refusals in a run, mean")
    print(f"{'':36}" + "".join(f"{name:>28}" for name in RULES))
    for case in CASES:
        cells = ""
        for rule in RULES.values():
            runs = [
                simulate(case.site, rule(), seconds=given.seconds, seed=seed)
                for seed in range(given.seeds)
            ]
            shares = [run.share for run in runs]
            cell = (
                f"{mean(shares):.0%} ({min(shares):.0%}) {median(r.p50 for r in runs) * 1e3:.0f} ms"
            )
            if case.site.room is not None:
                cell += f" {mean(run.refusals for run in runs):.1f}x"
            cells += f"{cell:>28}"
        print(f"{case.name:36}{cells}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
