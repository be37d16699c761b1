from statistics import median
from typing import Any

import pytest

from benchmarks.limiter import CASES, HARDER, Case, Run, Site, main, simulate
from creatio_async.protocol.limiter import Limiter
from creatio_async.protocol.pace import Adaptive
from creatio_async.runtime.adaptive import Fixed, Limit

SEEDS = range(8)


def run(site: Any, seed: int, **options: Any) -> Run:
    return simulate(site, Limiter(Adaptive()), seed=seed, **options)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_three_quarters_of_what_a_site_can_do_are_used_from_the_first_second_on(
    case: Case, seed: int
) -> None:
    assert isinstance(case.site, Site)
    found = run(case.site, seed, seconds=15)
    assert found.share >= 0.75
    assert found.p50 <= (4 if case.site.workers > 1 else 8) * case.site.seconds
    assert found.refusals <= 10


@pytest.mark.parametrize("site", [Site(6, 0.05), Site(24, 0.2)], ids=["6", "24"])
def test_three_quarters_are_no_matter_of_luck(site: Site) -> None:
    assert min(run(site, seed).share for seed in range(8, 60)) >= 0.75


@pytest.mark.parametrize("scatter", [0.0, 0.6, 1.0])
def test_never_do_more_than_four_wait_for_one_worker(scatter: float) -> None:
    for seed in range(40):
        found = run(Site(1, 0.05, scatter), seed, seconds=30)
        assert max(waiting for _, waiting in found.waiting) <= 4
        assert found.share >= 0.75


def test_for_one_worker_who_takes_them_in_any_order_few_wait_in_the_end() -> None:
    for seed in range(8):
        site = Site(1, 0.05, is_in_order=False)
        found = run(site, seed, seconds=60, settled=40)
        waited = [waiting for _, waiting in found.waiting]
        assert sum(waited) / len(waited) <= 5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", HARDER, ids=lambda case: case.name)
def test_half_of_what_is_there_is_had_where_the_knee_is_hard_to_find(case: Case, seed: int) -> None:
    found = run(case.site, seed, seconds=case.seconds or 15.0, records=case.records)
    assert found.share >= (0.45 if "24 x 200 ms, 200 ms on the way" in case.name else 0.65)


@pytest.mark.parametrize("batches", [1, 4, 16, 32])
@pytest.mark.parametrize("workers", [1, 2, 4, 6, 24])
def test_a_small_job_takes_no_longer_than_with_four_at_once(workers: int, batches: int) -> None:
    def ended(rule: Limit, seed: int) -> float:
        return simulate(Site(workers, 0.2), rule, seconds=99, seed=seed, batches=batches).ended

    ratios = [ended(Limiter(Adaptive()), seed) / ended(Fixed(4), seed) for seed in range(20)]
    assert median(ratios) <= 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("site", [Site(6, 0.05), Site(24, 0.2)], ids=["6", "24"])
def test_batches_of_any_size_are_no_hindrance(site: Site, seed: int) -> None:
    found = run(site, seed, seconds=30, records=lambda chance, _: chance.randint(1, 100))
    assert found.share >= 0.75


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [0.05, 0.3])
def test_a_site_that_does_one_at_a_time_keeps_at_most_four_waiting(
    seconds: float, seed: int
) -> None:
    found = run(Site(1, seconds), seed, seconds=600 * seconds, settled=100 * seconds)
    assert max(waiting for _, waiting in found.waiting) <= 4
    assert found.share >= 0.75


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("room", [0, 6, 12])
def test_a_site_that_refuses_what_is_too_much_is_hardly_ever_made_to(room: int, seed: int) -> None:
    found = run(Site(6, 0.05, room=room), seed, seconds=60)
    assert found.share >= 0.75
    answers = found.answers
    assert found.refusals <= (answers / 50 if room == 0 else answers / 100)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Site(6, 0.05), Site(6, 0.2)),
        (Site(6, 0.2), Site(6, 0.05)),
        (Site(6, 0.1), Site(24, 0.1)),
        (Site(24, 0.1), Site(6, 0.1)),
        (Site(1, 0.1), Site(6, 0.1)),
        (Site(6, 0.1), Site(1, 0.1)),
    ],
    ids=["slower", "faster", "6 to 24", "24 to 6", "1 to 6", "6 to 1"],
)
def test_it_follows_a_site_that_changes(before: Site, after: Site, seed: int) -> None:
    found = run(lambda time: before if time < 20 else after, seed, seconds=80, settled=40)
    assert found.share >= 0.75
    assert found.p50 <= 6 * after.seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_it_comes_back_after_an_outage(seed: int) -> None:
    up, down = Site(6, 0.05, room=99), Site(0, 0.05, room=0)
    found = run(lambda time: down if 10 <= time < 20 else up, seed, seconds=40, settled=25)
    assert found.share >= 0.75


@pytest.mark.parametrize("seed", SEEDS)
def test_it_does_not_drift_to_the_ceiling(seed: int) -> None:
    found = run(Site(6, 0.05), seed, seconds=300, settled=10)
    assert found.p50 <= 3 * 0.05
    times = [*(time for time, _ in found.limits[1:]), 300.0]
    high = sum(
        until - since
        for (since, limit), until in zip(found.limits, times, strict=True)
        if limit > 18
    )
    assert high < 0.1 * 300


def test_the_same_seed_gives_the_same_run() -> None:
    assert run(Site(6, 0.05), 3) == run(Site(6, 0.05), 3)
    assert run(Site(6, 0.05), 3) != run(Site(6, 0.05), 4)


def test_the_table_has_a_line_for_each_site_and_a_column_for_each_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--seconds", "2", "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    for words in ("fixed 8", "AIMD", "Adaptive()", *(case.name for case in CASES)):
        assert words in printed
    assert all(case.name in printed for case in HARDER)
