import heapq
import math
import pickle
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.protocol.limiter import Limiter
from creatio_async.protocol.pace import Adaptive, Pace, Phase


def limiter(start: int = 4, ceiling: int = 32) -> Limiter:
    return Limiter(Adaptive(start, ceiling))


class Site:
    """So many workers who take so long for a batch, and always another batch for them."""

    def __init__(self, found: Limiter, workers: int = 99, seconds: float = 1.0) -> None:
        self.found = found
        self.seconds = seconds
        self.scatter = 0.5
        self.now = 0.0
        self._chance = Random(1)  # noqa: S311 - they must not march in step, no more
        self._free = [(number + 1) / 1000 for number in range(workers)]
        self._under_way: list[tuple[float, float]] = []

    def answer(self, answers: int = 1) -> None:
        """Let so many batches be answered, and send others in their place."""
        for _ in range(answers):
            while len(self._under_way) < self.found.limit:
                begin = max(heapq.heappop(self._free), self.now)
                end = begin + self.seconds * self._chance.uniform(
                    1 - self.scatter, 1 + self.scatter
                )
                heapq.heappush(self._under_way, (end, self.now))
                heapq.heappush(self._free, end)
            self.now, started = heapq.heappop(self._under_way)
            self.found.sample(started, self.now, 100)

    def refuse(self, times: int = 1) -> None:
        """Refuse so many, one after the other."""
        for _ in range(times):
            self.found.sample(self.now, self.now + 0.001, 100, refused=True)
            self.now += 0.01

    def until(self, phase: Phase) -> int:
        """Go on until *phase*; return the limit then."""
        for _ in range(20_000):
            if self.found.phase is phase:
                return self.found.limit
            self.answer()
        raise AssertionError(self.found)

    def grown(self, limit: int) -> None:
        """Go on until the limit is so high."""
        while self.found.limit < limit:
            self.answer()


def settled() -> Site:
    """Return a site with six workers, and some time until the next probe."""
    site = Site(limiter(), 6)
    site.until(Phase.PROBING)
    site.until(Phase.SETTLED)
    site.answer(20)
    return site


# The setting


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0,), ValueError),
        ((4, 3), ValueError),
        ((33,), ValueError),
        ((1.5,), TypeError),
        ((1, "32"), TypeError),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(
    arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Adaptive(*arguments)


def test_settings_are_values() -> None:
    assert Adaptive() == Adaptive(4, 32)
    assert {Adaptive(): 1}[Adaptive(start=4)] == 1
    assert pickle.loads(pickle.dumps(Adaptive(2))) == Adaptive(2)  # noqa: S301 - our own


# Finding the knee


def test_a_small_job_is_sent_as_many_at_once_as_it_is_to_start_with() -> None:
    found = limiter(start=4)
    site = Site(found)
    for _ in range(16):
        assert (found.limit, found.phase) == (4, Phase.GROWING)
        site.answer()


def test_before_it_has_more_waiting_than_a_site_gains_by_it_measures_one_at_a_time() -> None:
    site = Site(limiter(start=4), 5)
    assert site.until(Phase.MEASURING) == 1
    site.answer(3 + 16)  # of those that are under way, and four alone
    assert site.found.phase is Phase.SETTLED
    assert site.found.snapshot().per_record == pytest.approx(0.01, rel=0.5)


def test_where_throughput_is_in_proportion_twice_nothing_has_to_be_measured() -> None:
    found = limiter()
    assert Site(found).until(Phase.SETTLED) == 32
    assert [limit for _, limit in found.snapshot().history] == [8, 16, 32]
    assert found.snapshot().per_record == pytest.approx(0.01, rel=0.2)


def test_where_answers_take_long_one_at_a_time_comes_before_more() -> None:
    site = Site(limiter(), 1, seconds=20.0)
    assert site.until(Phase.MEASURING) == 1
    assert site.until(Phase.SETTLED) <= 4
    assert all(limit <= 4 for _, limit in site.found.snapshot().history)


def test_long_answers_for_which_nobody_waits_are_no_reason_to_stop() -> None:
    site = Site(limiter(), seconds=20.0)
    assert site.until(Phase.MEASURING) == 1
    site.grown(32)


def test_a_start_of_one_goes_on_at_two() -> None:
    found = limiter(start=1)
    Site(found).answer(17)
    assert found.limit == 2


def test_it_doubles_while_throughput_keeps_pace_and_stops_at_the_ceiling() -> None:
    found = limiter(ceiling=24)
    assert Site(found).until(Phase.SETTLED) == 24
    assert [limit for _, limit in found.snapshot().history] == [8, 16, 24]


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 6, 10, 12, 24])
def test_it_settles_a_little_above_the_number_of_workers(workers: int) -> None:
    site = Site(limiter(), workers)
    site.until(Phase.SETTLED)
    site.answer(1_000)
    site.until(Phase.SETTLED)
    assert 0.95 * workers <= site.found.limit <= 1.3 * workers + 3.5


def test_a_ceiling_of_one_leaves_nothing_to_find() -> None:
    found = limiter(1, 1)
    Site(found).answer(2_000)
    assert found.limit == 1
    assert found.snapshot().history == ()


def test_a_probe_without_gain_comes_back_and_another_one_follows() -> None:
    site = Site(limiter(), 6)
    site.until(Phase.PROBING)
    settled = site.until(Phase.SETTLED)
    for _ in range(3):
        assert site.until(Phase.PROBING) == math.ceil(1.25 * settled)
        assert site.until(Phase.SETTLED) == settled


def test_a_probe_that_gains_is_followed_by_larger_ones_up_to_the_ceiling() -> None:
    found = settled().found
    more = Site(found)  # workers have come
    more.now = 1_000.0
    more.seconds = 1.3  # so that it is no leap, which would be measured anew
    limit = found.limit
    expected = [math.ceil(1.25 * limit)]
    while expected[-1] < 32:
        expected.append(min(math.ceil(1.5 * expected[-1]), 32))
    begin = len(found.snapshot().history)
    more.until(Phase.PROBING)
    assert more.until(Phase.SETTLED) == 32
    assert [level for _, level in found.snapshot().history[begin:]] == expected


def test_after_twenty_probes_all_is_measured_anew() -> None:
    site = Site(limiter(), 6)
    for _ in range(19):
        site.until(Phase.PROBING)
        site.until(Phase.SETTLED)
    assert site.until(Phase.GROWING) == 4


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_site_that_has_become_faster_or_slower_is_measured_anew(factor: float) -> None:
    site = settled()
    site.seconds *= factor
    site.answer(80)
    assert site.found.limit == 1 or site.found.phase is Phase.GROWING


def test_a_short_while_in_which_it_is_slow_changes_nothing() -> None:
    site = settled()
    limit = site.found.limit
    site.seconds = 4
    site.answer(8)
    site.seconds = 1
    site.answer(64)
    assert (site.found.phase, site.found.limit) == (Phase.SETTLED, limit)


def test_what_was_sent_under_another_limit_is_not_counted() -> None:
    found = limiter()
    site = Site(found)
    site.grown(8)
    before = found.snapshot()
    for number in range(40):
        found.sample(site.now - 0.1, site.now + number, 100)
    assert found.snapshot() == before


def test_callers_with_little_to_send_say_nothing_about_the_site() -> None:
    site = Site(limiter(), 6)
    site.until(Phase.SETTLED)
    before = site.found.snapshot()
    for _ in range(500):
        site.found.sample(site.now, site.now + 1, 100)
        site.now += 20
    assert site.found.snapshot() == before


def test_records_count_and_not_batches() -> None:
    found = limiter(1, 1)
    for number in range(17):
        found.sample(number, number + 0.5 * (number % 2 + 1), 50 * (number % 2 + 1))
    assert found.snapshot().per_record == pytest.approx(0.01)


def test_an_empty_batch_teaches_nothing() -> None:
    found = limiter()
    for number in range(100):
        found.sample(number, number + 1, 0)
    assert found.snapshot() == limiter().snapshot()


def test_a_gain_that_lucky_batches_have_hidden_gets_a_second_look() -> None:
    site = Site(limiter(), seconds=0.3)  # far too fast
    site.grown(8)
    site.seconds = 1.0
    while site.found.limit == 8:
        site.answer()
    assert (site.found.limit, site.found.phase) == (4, Phase.GROWING)
    site.answer(100)
    assert site.found.limit >= 16


def test_a_second_look_that_shows_no_gain_either_settles() -> None:
    site = Site(limiter(), 3)
    site.grown(8)
    assert site.until(Phase.SETTLED) <= 6
    assert [limit for _, limit in site.found.snapshot().history][:3] == [8, 4, 1]


def test_a_refusal_ends_a_second_look() -> None:
    site = Site(limiter(), 3)
    site.grown(8)
    while site.found.limit == 8:
        site.answer()
    site.refuse()
    assert (site.found.limit, site.found.phase) == (2, Phase.SETTLED)


def test_where_none_overtakes_another_no_more_than_four_wait_for_one_worker() -> None:
    found = limiter()
    for number in range(2_000):  # each is sent when one of the others is answered
        found.sample(max(number - found.limit, 0), number, 100)
        assert found.limit <= 5
    assert found.phase is not Phase.GROWING


def test_a_site_that_is_alike_for_all_is_plainly_one_of_several_workers() -> None:
    site = Site(limiter())
    site.scatter = 0.0
    assert site.until(Phase.MEASURING) == 1
    assert site.until(Phase.SETTLED) == 32


def test_a_job_of_32_batches_goes_on_with_the_start_where_none_overtakes_another() -> None:
    site = Site(limiter())
    site.scatter = 0.0
    site.answer(32)
    assert (site.found.limit, site.found.phase) == (4, Phase.GROWING)


# Refusals


def test_a_refusal_cuts_once_for_all_that_was_sent_before() -> None:
    site = Site(limiter())
    site.grown(16)
    for number in range(10):
        site.found.sample(site.now, site.now + 0.1 + number / 100, 100, refused=True)
    assert (site.found.limit, site.found.phase) == (8, Phase.SETTLED)  # where it went well
    assert site.found.snapshot().refusals == 10


def test_what_is_sent_after_a_cut_and_refused_cuts_again_but_never_below_one() -> None:
    site = Site(limiter())
    site.grown(16)
    site.refuse(40)
    assert site.found.limit == 1


def test_a_cut_falls_to_the_knee_that_is_known_by_then() -> None:
    site = Site(limiter(), 5)
    site.grown(16)
    site.refuse()
    assert 6 <= site.found.limit <= 8


def test_a_limit_that_was_refused_is_not_tried_again_soon() -> None:
    site = Site(limiter())
    site.grown(16)
    site.refuse()
    site.answer(16)
    highest = 0
    for _ in range(500):
        site.answer()
        highest = max(highest, site.found.limit)
    assert highest == 15
    site.answer(5_000)
    assert site.found.limit > 15


def test_after_an_outage_all_is_measured_anew() -> None:
    site = Site(limiter())
    site.grown(16)
    site.refuse(10)
    assert site.found.limit == 1
    site.now += 10
    assert site.until(Phase.GROWING) == 1
    assert site.until(Phase.SETTLED) == 32


def test_after_a_refusal_of_the_very_first_it_finds_its_way_all_the_same() -> None:
    site = Site(limiter())
    site.refuse()
    assert site.found.limit == 2
    assert site.until(Phase.MEASURING) == 1
    site.grown(32)


# What it tells, and what never happens


def test_a_snapshot_keeps_the_last_hundred_changes() -> None:
    site = Site(limiter())
    for _ in range(120):
        site.answer(400)
        site.refuse()
    pace = site.found.snapshot()
    assert isinstance(pace, Pace)
    assert len(pace.history) == 100
    assert pace.limit == pace.history[-1][1] == site.found.limit
    assert list(pace.history) == sorted(pace.history, key=lambda change: change[0])
    assert pace.throughput > 0


moments = st.floats(0, 1e6)
samples = st.lists(st.tuples(moments, moments, st.integers(0, 100), st.booleans()), max_size=400)


@given(samples, st.integers(1, 40), st.integers(0, 40))
def test_it_is_never_below_one_nor_above_the_ceiling(
    given_samples: Iterable[tuple[float, float, int, bool]], start: int, more: int
) -> None:
    found = limiter(start, start + more)
    for started, ended, records, refused in given_samples:
        found.sample(started, ended, records, refused=refused)
        assert 1 <= found.limit <= found.most == start + more
    found.snapshot()


@given(
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 100), st.integers(0, 30)), max_size=1_500),
    st.integers(1, 8),
    st.integers(0, 24),
)
def test_it_is_so_in_a_row_of_samples_that_time_goes_through_as_well(
    steps: Iterable[tuple[float, int, int]], start: int, more: int
) -> None:
    found, now = limiter(start, start + more), 0.0
    for seconds, records, kind in steps:
        now += seconds / 10
        found.sample(now - seconds, now, records, refused=kind == 0)
        assert 1 <= found.limit <= found.most
