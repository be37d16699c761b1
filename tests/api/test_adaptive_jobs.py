"""Bulk jobs that find out how many batches at once a site gains by."""

import asyncio
from typing import Any

import pytest

from creatio_async import Create, Limits, State
from creatio_async.protocol.pace import Adaptive
from tests.api.canned import client
from tests.api.scripted import eventually
from tests.api.table import Script, Table


def rows(count: int) -> list[dict[str, Any]]:
    return [{"Name": f"City {number}"} for number in range(count)]


async def test_a_job_begins_with_four_at_once_and_has_as_many_as_the_site_gains_by() -> None:
    table, seen, now = Table(), list[int](), 0.0

    async def pass_time() -> None:
        nonlocal now
        while True:
            now += 0.02
            await asyncio.sleep(0)

    async def take_a_second() -> None:  # each of its own, so that nobody waits for another
        seen.append(table.under_way)
        over = now + 1.0
        while now < over:  # noqa: ASYNC110 - the clock is one of the test
            await asyncio.sleep(0)

    table.before = take_a_second
    async with client(table) as crm:
        crm._open.sender.clock = lambda: now
        time = asyncio.create_task(pass_time())
        job = crm.odata["City"].create_many(rows(1_500), batch_size=10)
        report = await job
        time.cancel()
    assert report.counts == {State.DONE: 1_500}
    assert max(seen[:16]) == 4
    assert table.most_at_once == 32
    assert job.pace is not None
    assert job.pace.per_record == pytest.approx(0.1, rel=0.2)


async def test_a_job_with_a_number_finds_nothing_out() -> None:
    async with client(Table()) as crm:
        job = crm.odata["City"].create_many(rows(10), at_once=2)
        await job
    assert job.pace is None


async def test_jobs_of_one_client_share_what_they_find() -> None:
    table = Table()
    async with client(table, limits=Limits(at_once=8)) as crm:
        cities, setting = crm.odata["City"], Adaptive(2, 4)
        jobs = [
            cities.create_many(rows(200), at_once=setting, batch_size=10),
            crm.odata.write_many([Create("City", row) for row in rows(200)], at_once=setting),
        ]
        reports = await asyncio.gather(*jobs)
        assert [report.done for report in reports] == [200, 200]
        assert jobs[0].pace == jobs[1].pace
        again = cities.create_many(rows(1), at_once=setting)
        await again
    assert table.most_at_once <= 4
    assert again.pace is not None
    assert again.pace.history == jobs[0].pace.history if jobs[0].pace else ()


async def test_a_refusal_lowers_the_limit_although_the_rows_get_through() -> None:
    table = Table([Script()] * 12 + [Script(whole="429")])
    async with client(table) as crm:
        job = crm.odata["City"].create_many(rows(400), at_once=Adaptive(), batch_size=10)
        report = await job
    assert report.counts == {State.DONE: 400}
    assert job.pace is not None
    assert job.pace.refusals >= 1


async def test_however_many_bulk_jobs_run_a_single_call_gets_through() -> None:
    table = Table()
    hold = asyncio.Event()
    table.before = hold.wait
    async with client(table, limits=Limits(at_once=4)) as crm:
        cities = crm.odata["City"]
        jobs = [cities.create_many(rows(300), at_once=4) for _ in range(3)]
        loads = [asyncio.ensure_future(job) for job in jobs]
        await eventually(lambda: table.under_way == 3)
        async with asyncio.timeout(3):
            assert await crm.odata.entity_sets() == []
        hold.set()
        reports = await asyncio.gather(*loads)
    assert [report.done for report in reports] == [300, 300, 300]
    assert table.most_at_once == 3


async def test_a_job_that_is_left_while_it_waits_for_its_turn_accounts_for_every_row() -> None:
    table = Table()
    hold = asyncio.Event()
    table.before = hold.wait
    async with client(table, limits=Limits(at_once=2)) as crm:
        cities = crm.odata["City"]
        first = asyncio.ensure_future(cities.create_many(rows(10)))
        await eventually(lambda: table.under_way == 1)
        second = cities.create_many(rows(30), batch_size=10)
        running = asyncio.ensure_future(second)
        await eventually(lambda: second._accounts.under_way != {})
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        hold.set()
        assert (await first).done == 10
    assert second.report.counts == {State.NOT_RUN: 10}
    assert [each.index for each in second.unfinished] == list(range(10))
