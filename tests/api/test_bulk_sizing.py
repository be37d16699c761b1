"""Batches that take long are made smaller, before somebody gives them up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from creatio_async import Creatio, State, Timeouts, TransportError
from creatio_async.messages import Request, Response
from tests.api.canned import client
from tests.api.table import Table, batch_of


class Slow(Table):
    """Takes its time for each row that is written; with its own clock, so nobody waits."""

    now = 0.0
    per_row = 0.0
    gives_up = 120.0
    """Seconds after which there is no answer, although all is done."""

    async def send(self, request: Request, /) -> Response:
        """Answer *request*, or not."""
        answer = await super().send(request)
        if request.url.path.endswith("/$batch"):
            items = batch_of(request)
            seconds = self.per_row * len(items) * (items[0]["method"] != "GET")
            self.now += min(seconds, self.gives_up)
            if seconds > self.gives_up:
                raise TransportError(request, "no answer in time") from TimeoutError()
        return answer

    @property
    def sizes(self) -> list[int]:
        """How many rows the batches had."""
        return [len(batch) for batch in self.writes]


@asynccontextmanager
async def slow(table: Slow, **options: Any) -> AsyncGenerator[Creatio]:
    """Give a client whose clock is that of *table*."""
    async with client(table, **options) as crm:
        crm._open.sender.clock = lambda: table.now
        yield crm


def rows(count: int) -> list[dict[str, Any]]:
    return [{"Name": f"City {number}"} for number in range(count)]


async def test_batches_shrink_that_come_near_the_time_of_the_server_and_grow_again() -> None:
    table = Slow()
    table.per_row = 0.5
    async with slow(table) as crm:
        first = await crm.odata["City"].create_many(rows(400), at_once=1)
        assert table.sizes[:3] == [100, 40, 40]  # 50 s are more than a third of 120
        table.per_row, begin = 0.01, len(table.sizes)
        job = crm.odata["City"].create_many(rows(2_000), at_once=1)
        job._sizing.size = 40
        second = await job
    assert (first.done, second.done) == (400, 2_000)
    grown = table.sizes[begin:-1]
    assert grown == sorted(grown)
    assert max(grown) == 100


async def test_batches_without_an_answer_in_time_are_halved_and_nothing_is_written_twice() -> None:
    table = Slow()
    table.per_row = 2.5
    async with slow(table) as crm:
        report = await crm.odata["City"].create_many(rows(300), at_once=2)
    assert report.counts == {State.DONE: 300}
    assert len(table.rows) == 300
    assert table.sizes[:2] == [100, 100]
    assert max(table.sizes[2:]) <= 50


async def test_rows_that_come_again_come_in_batches_of_the_smaller_size() -> None:
    table = Slow()
    table.per_row = 2.5
    async with slow(table) as crm:
        await crm.odata["City"].create_many({"Id": key, "Name": "x"} for key in ids(100))
        begin = len(table.sizes)
        report = await crm.odata["City"].update_many(
            ({"Id": key, "Name": "y"} for key in ids(100)), at_once=1
        )
    assert report.counts == {State.DONE: 100}
    assert table.sizes[begin] == 100
    assert max(table.sizes[begin + 1 :], default=0) <= 50


def ids(count: int) -> list[str]:
    return [f"00000000-0000-4000-8000-{number:012}" for number in range(count)]


async def test_the_time_that_this_side_waits_counts_as_well() -> None:
    table = Slow()
    table.per_row = 0.1
    async with slow(table, timeouts=Timeouts(total=12)) as crm:
        await crm.odata["City"].create_many(rows(200), at_once=1)
    assert table.sizes[:2] == [100, 20]


async def test_a_group_keeps_the_size_that_it_was_given() -> None:
    table = Slow()
    table.per_row = 1.0
    async with slow(table) as crm:
        await crm.odata["City"].create_many(rows(300), at_once=1, atomic=True)
    assert table.sizes == [100, 100, 100]


async def test_a_writer_makes_smaller_batches_too() -> None:
    table = Slow()
    table.per_row = 1.0
    async with slow(table) as crm, crm.odata["City"].writer(linger=0, at_once=1) as writer:
        outcomes = [await asyncio.gather(*map(writer.create, rows(100))) for _ in range(3)]
    assert all(outcome.ok for several in outcomes for outcome in several)
    assert table.sizes[0] == 100
    assert max(table.sizes[1:]) <= 20


@pytest.mark.parametrize(
    ("timeouts", "longest"),
    [
        (Timeouts(), 120),
        (Timeouts(read=30), 30),
        (Timeouts(read=None), 120),
        (Timeouts(total=60), 60),
    ],
)
async def test_what_is_waited_for_longest_is_the_least_of_all(
    timeouts: Timeouts, longest: float
) -> None:
    async with client(Table(), timeouts=timeouts) as crm:
        assert crm._open.sender.gate.longest == longest
