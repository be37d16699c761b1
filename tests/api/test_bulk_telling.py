"""What a bulk job tells: progress, the report, and a picture of it."""

import asyncio
import builtins
import math
import pickle
import sys
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async import BulkError, Create, Creatio, Password, Progress, Report, State
from creatio_async.bulk.meter import Meter, Times
from creatio_async.bulk.plotting import rates
from creatio_async.bulk.telling import Teller
from creatio_async.bulk.timeline import Moment, Timeline
from creatio_async.emulator import Emulator
from creatio_async.protocol.limiter import Limiter
from creatio_async.protocol.pace import Adaptive
from creatio_async.runtime.adaptive import Fixed, Lane
from tests.api.canned import client
from tests.api.table import Script, Table

rows = [{"Name": f"City {number}"} for number in range(250)]


# Progress


def teller(told: list[Progress], report: Report | None = None) -> Teller:
    return Teller(report or Report(), Meter(), Lane(Fixed(3), lambda: 0.0), told.append)


def test_progress_comes_at_most_every_half_second_and_at_the_end() -> None:
    told: list[Progress] = []
    given = teller(told)
    for tenth in range(100):
        given.tell(tenth / 10, read=0, total=None)
    given.tell(9.95, read=0, total=None, last=True)
    assert [each.seconds for each in told] == [*(n / 2 for n in range(1, 20)), 9.95]


def test_the_present_speed_is_that_of_the_last_seconds_and_tells_what_is_left() -> None:
    told: list[Progress] = []
    report = Report()
    given = teller(told, report)
    for second in range(1, 41):  # 100 a second, then 10
        report.counts[State.DONE] = 100 * min(second, 20) + 10 * max(second - 20, 0)
        given.tell(float(second), read=3_000, total=3_000)
    assert told[19].per_second_now == told[19].per_second == pytest.approx(100)
    assert told[39].per_second_now == pytest.approx(10)
    assert told[39].per_second == pytest.approx(55)
    assert told[39].eta == pytest.approx(80)
    assert (told[39].finished, told[39].in_flight, told[39].at_once) == (2_200, 800, 3)


async def test_a_job_tells_of_requests_bytes_and_batches_at_once() -> None:
    told: list[Progress] = []
    table = Table([Script(rows=["429"]), Script(whole="drop after")])
    async with client(table) as crm:
        job = crm.odata["City"].create_many(rows, at_once=2, progress=told.append)
        report = await job
    assert report.counts == {State.DONE: 250}
    assert (report.requests, report.look_ups, report.sent_again) == (5, 1, 1)
    assert report.bytes_sent == sum(table.bodies) == told[-1].bytes_sent
    assert report.bytes_received == told[-1].bytes_received > 10_000
    assert told[-1].at_once == report.at_once == 2
    assert told[-1].eta == 0
    assert report.times.count == 3  # not the one without an answer
    assert report.timeline[-1].done == 250


# The report


def test_a_report_reads_well() -> None:
    report = Report(
        counts={State.DONE: 34_000, State.FAILED: 6},
        written={"create": 34_000},
        requests=343,
        look_ups=2,
        sent_again=7,
        bytes_sent=9_999,
        bytes_received=22_100_000,
        at_once=12,
        seconds=12.5,
    )
    for each in range(100):
        report.times.add(0.1 if each < 90 else 0.5)
    assert str(report).splitlines() == [
        "34,006 rows in 12.5 s, 2,720 a second: 34,000 done, 6 failed",
        "written: create 34,000",
        "343 requests, 2 of them look-ups; 7 rows sent again; 9,999 bytes sent, 22.1 MB received",
        "a batch took 0.1 s (median), 0.1 s (90 %), 0.5 s (99 %); 12 at once in the end",
        "and 1 more that were not written",
    ]
    assert str(Report()).splitlines()[0] == "0 rows in 0.0 s, 0 a second: nothing to do"


async def test_a_report_shows_the_first_failures_and_survives_another_process() -> None:
    async with client(Table([Script(rows=["400"] * 7)])) as crm:
        report = await crm.odata["City"].create_many(rows[:10])
    told = str(report).splitlines()
    assert [line[:13] for line in told[-6:-1]] == [f"row {at}: failed" for at in range(5)]
    assert told[-1] == "and 2 more that were not written"
    copy = pickle.loads(pickle.dumps(BulkError(report)))  # noqa: S301 - our own
    assert str(copy.report) == str(report)


@given(st.lists(st.floats(1e-5, 1e5), min_size=1, max_size=300), st.floats(0.01, 1.0))
def test_a_quantile_is_off_by_a_percent_at_most(seconds: list[float], part: float) -> None:
    times = Times()
    for each in seconds:
        times.add(each)
    exact = sorted(seconds)[math.ceil(part * len(seconds)) - 1]
    assert times.quantile(part) == pytest.approx(exact, rel=0.011)


def test_the_times_of_any_number_of_batches_take_a_few_hundred_counters() -> None:
    times, chance = Times(), Random(1)  # noqa: S311 - a test
    for _ in range(100_000):
        times.add(chance.lognormvariate(0, 1))
    assert times.count == 100_000
    assert len(times._counts) < 600


@pytest.mark.parametrize("spacing", [0.001, 0.3, 7.0])
def test_a_run_of_any_length_is_five_hundred_moments_evenly_spaced(spacing: float) -> None:
    timeline = Timeline()
    for number in range(1, 20_001):
        timeline.add(Moment(spacing * number, number, 0, 4), last=number == 20_000)
    seconds = [moment.seconds for moment in timeline.moments]
    assert len(seconds) <= 500
    assert seconds[-1] == pytest.approx(spacing * 20_000)
    assert seconds == sorted(set(seconds))
    gaps = [after - before for before, after in pairwise(seconds[:-1])]
    assert max(gaps[1:]) <= 2.1 * min(gaps[1:])


# What it advises


async def advice(sessions: int) -> str:
    """Return that of a job at a site that works on a session's requests one after another."""
    now = 0.0
    free: dict[int, float] = {}

    def took(batch: int) -> tuple[float, float]:
        nonlocal now
        mine = batch % sessions
        free[mine] = max(free.get(mine, 0.0), now) + 1.0
        return now, free[mine]

    lane = Lane(Limiter(Adaptive()), lambda: now)
    under_way: list[tuple[float, float]] = []
    for batch in range(400):
        while len(under_way) < lane.limit.limit:
            under_way.append(took(batch + len(under_way)))
        under_way.sort(key=lambda each: each[1])
        begun, now = under_way.pop(0)
        lane.learn(begun, 100, refused=False)
    report = Report()
    Teller(report, Meter(), lane, None, sessions).tell(1.0, read=0, total=0, last=True)
    return report.advice


async def test_a_site_that_works_on_one_batch_of_a_session_at_a_time_is_told_of() -> None:
    told = await advice(1)
    assert "more than 1 at once" in told
    assert "sessions=4" in told
    assert await advice(4) == ""


async def test_several_sessions_help_where_a_site_serves_each_one_after_another() -> None:
    most: dict[int, int] = {}
    for sessions in (1, 4):
        at_work = 0

        async def work(seconds: float) -> None:
            nonlocal at_work
            at_work += 1
            most[sessions] = max(most.get(sessions, 0), at_work)  # noqa: B023 - of this round
            await asyncio.sleep(seconds)
            at_work -= 1

        emulator = Emulator(serial_sessions=True, service_time=0.002, sleep=work)
        async with (
            emulator.served() as url,
            Creatio(url, Password("Supervisor", "Supervisor"), sessions=sessions) as crm,
        ):
            report = await crm.odata["City"].create_many(rows, batch_size=10, at_once=8)
        assert report.done == 250
    assert most == {1: 1, 4: 4}


# A picture


@pytest.fixture
async def report() -> Report:
    async with client(Table([Script(rows=["400"] * 50)])) as crm:
        return await crm.odata.write_many(
            [Create("City", row) for row in rows], at_once=1, order="none"
        )


@pytest.mark.parametrize(("name", "begin"), [("run.png", b"\x89PNG"), ("run.SVG", b"<?xml")])
def test_a_report_is_drawn(report: Report, tmp_path: Path, name: str, begin: bytes) -> None:
    report.plot(tmp_path / name)
    drawn = (tmp_path / name).read_bytes()
    assert drawn.startswith(begin)
    assert len(drawn) > 10_000


def test_a_plot_with_another_suffix_or_of_nothing_is_refused(
    report: Report, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"\.svg or \.png, not as 'run\.pdf'"):
        report.plot(tmp_path / "run.pdf")
    with pytest.raises(ValueError, match="nothing to plot"):
        Report().plot(tmp_path / "run.png")


def test_without_the_library_a_plot_names_the_extra(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name, name="matplotlib")
        return imported(name, *given, **named)

    for name in [each for each in sys.modules if each.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'creatio-async\[plot\]'"):
        report.plot(tmp_path / "run.png")


def test_throughput_is_that_between_the_moments() -> None:
    moments = [Moment(1.0, 100, 0, 4), Moment(1.001, 100, 7, 4), Moment(3.0, 500, 7, 8)]
    assert rates(moments) == ([0.0, 1.0, 3.0], [100.0, 200.0], [0.0, 3.5])
    moments.append(Moment(3.01, 602, 7, 8))  # too short for a bar of its own
    edges, done, _ = rates(moments)
    assert edges == [0.0, 1.0, 3.01]
    assert done == [100.0, pytest.approx(502 / 2.01)]
