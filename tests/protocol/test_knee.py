import math
from random import Random

import pytest

from creatio_async.protocol.knee import Levels, Several, Window


def levels(workers: int, *limits: int, answers: int = 16, seconds: float = 0.01) -> Levels:
    seen = Levels()
    for limit in limits:
        seen.put(limit, answers, seconds * max(limit / workers, 1))
    return seen


# Levels


@pytest.mark.parametrize("workers", [1, 2, 3, 6, 13, 24, 32])
def test_the_number_of_workers_is_found_by_levels_above_and_below_it(workers: int) -> None:
    seen = levels(workers, 1, 4, 8, 16, 32)
    assert seen.workers() == workers
    assert seen.per_record() == pytest.approx(0.01)
    assert seen.doubt(workers) == 0.0


def test_more_workers_than_the_highest_level_are_as_many() -> None:
    seen = levels(99, 4, 8)
    assert seen.workers() == 8
    assert seen.doubt(8) == seen.doubt(99) == 0.0


def test_of_one_level_nothing_can_be_told() -> None:
    seen = levels(2, 4)
    assert seen.workers() == 4
    assert {seen.doubt(workers) for workers in range(1, 9)} == {0.0}


def test_doubt_is_in_standard_errors() -> None:
    seen = levels(4, 4, 8)
    error = 0.66 * math.sqrt(1 / 16 + 1 / 16)
    assert seen.doubt(8) == pytest.approx(math.log(2) / error)


def test_with_more_answers_there_is_less_room_for_other_numbers() -> None:
    few, many = levels(6, 4, 8, 16), levels(6, 4, 8, 16, answers=160)
    assert few.workers(1.0) > many.workers(1.0) == 6


def test_the_last_word_on_a_level_counts() -> None:
    seen = levels(4, 4, 8)
    seen.put(8, 16, 0.01)
    assert seen.workers() == 8
    assert (seen.lowest, seen.highest, seen.below(8), seen.below(4)) == (4, 8, 4, 0)
    assert seen.answers(8) == 16


def test_without_levels_there_is_neither_a_lowest_nor_a_highest() -> None:
    assert (Levels().lowest, Levels().highest) == (0, 0)


# Several


def test_answers_in_order_do_not_tell_of_several() -> None:
    seen, chance, now = Several(), Random(1), 0.0  # noqa: S311 - a simulation
    sent = [0.0] * 4
    for _ in range(1_000):
        now += chance.lognormvariate(0, 1)
        seen.add(sent.pop(0), now)
        sent.append(now)
    assert not seen.is_plain


def test_two_answers_that_were_overtaken_do() -> None:
    seen = Several()
    seen.add(0.0, 1.0)
    seen.add(1.0, 2.0)
    seen.add(0.0, 3.0)
    assert not seen.is_plain
    seen.add(0.0, 4.0)
    assert seen.is_plain


def test_what_was_sent_before_any_answer_came_in_between_was_not_overtaken() -> None:
    seen = Several()
    seen.add(0.3, 1.0)
    for number in range(3):
        seen.add(number / 10, 2.0 + number)
    assert not seen.is_plain


@pytest.mark.parametrize(
    ("alone", "plain"),
    [
        ([4.0, 4.0, 4.0, 4.0], True),
        ([4.0, 4.0, 4.0], False),
        ([4.0, 4.0, 4.0, 1.9], False),
        ([4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 1.9], True),
        ([4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 1.9, 1.9], False),
        ([1.0] * 12, False),
    ],
)
def test_neither_do_some_alone_that_do_not_take_longer_than_two_in_a_row(
    alone: list[float],
    plain: bool,  # noqa: FBT001 - pytest passes it by its name
) -> None:
    seen = Several()
    seen.alone.extend((seconds, 100) for seconds in alone)
    seen.compare(100.0)
    assert seen.is_plain is plain


# Windows


def test_a_place_that_is_taken_all_the_time_tells_how_long_a_record_takes() -> None:
    window = Window(begun=0.0, ended=0.0)
    for number in range(1, 5):
        window.add(number - 1, number, 50)
    assert window.throughput == 50
    assert window.per_record(1) == 0.02
    assert window.per_record(3) == 0.06
