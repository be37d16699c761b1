import heapq
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.protocol.sizing import Sizing


def simulated(
    sizing: Sizing, seconds_per_row: float, *, fixed: float = 0.0, batches: int = 200, at_once: int
) -> list[tuple[int, float]]:
    """Send batches to a site with one worker; return the size and the answer time of each."""
    under_way: list[tuple[float, float, int]] = []
    told: list[tuple[int, float]] = []
    now = free = 0.0
    while len(told) < batches:
        while len(under_way) < at_once:
            free = max(free, now) + fixed + seconds_per_row * sizing.size
            heapq.heappush(under_way, (free, now, sizing.size))
        now, begun, rows = heapq.heappop(under_way)
        took = now - begun
        told.append((rows, took))
        if took > sizing.longest:
            sizing.lost(rows)
        else:
            sizing.took(rows, took)
    return told


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("seconds", [0.3, 1.5, 4.0])
def test_after_a_while_no_batch_comes_near_the_time_at_which_it_is_given_up(
    seconds: float, at_once: int
) -> None:
    told = simulated(Sizing(100), seconds, at_once=at_once)
    assert max(took for _, took in told[30:]) <= 40
    assert sum(took > 120 for _, took in told) <= (2 if at_once == 1 else 20)
    sure = math.floor(8 / seconds / at_once)
    assert min(rows for rows, _ in told[100:]) >= max(1, min(100, sure))


def test_a_site_that_is_quick_gets_whole_batches() -> None:
    assert {rows for rows, _ in simulated(Sizing(100), 0.05, at_once=4)} == {100}


def test_batches_grow_again_when_the_site_is_quick_again() -> None:
    sizing = Sizing(100)
    simulated(sizing, 4.0, at_once=2)
    assert sizing.size < 10
    told = simulated(sizing, 0.01, at_once=2)
    assert [rows for rows, _ in told] == sorted(rows for rows, _ in told)  # step by step
    assert sizing.size == 100


def test_batches_that_are_lost_together_halve_the_size_once() -> None:
    sizing = Sizing(100)
    for _ in range(4):
        sizing.lost(100)
    assert sizing.size == 50
    sizing.lost(50)
    assert sizing.size == 25


def test_a_batch_that_was_not_full_says_nothing_about_larger_ones() -> None:
    sizing = Sizing(100)
    sizing.lost(100)
    for _ in range(100):
        sizing.took(3, 0.1)
    assert sizing.size == 50


def test_the_time_of_this_side_counts_where_it_is_the_shorter_one() -> None:
    sizing = Sizing(100, longest=6.0)
    sizing.took(100, 3.0)
    assert sizing.size == 33


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1e6), st.booleans())),
)
def test_a_size_is_never_below_one_nor_above_the_most(
    most: int, answers: list[tuple[int, float, bool]]
) -> None:
    sizing = Sizing(most)
    for rows, seconds, is_lost in answers:
        if is_lost:
            sizing.lost(rows)
        else:
            sizing.took(rows, seconds)
        assert 1 <= sizing.size <= most
