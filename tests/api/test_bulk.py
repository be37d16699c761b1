"""`create_many` against a site that has troubles, in both ways to reach it."""

import asyncio
import datetime as dt
import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from attrs import define

from creatio_async import (
    AuthenticationError,
    BulkError,
    Creatio,
    OData,
    OData3,
    Outcome,
    Progress,
    State,
)
from creatio_async.emulator import (
    Cut,
    DropAfter,
    DropBefore,
    Emulator,
    Expire,
    Fail,
    Refuse,
    Trouble,
    User,
)
from creatio_async.messages import Request, Response
from tests.api.canned import COOKIES, WELCOME, answer, client
from tests.api.table import Script, Table, batch_of


def rows(count: int) -> list[dict[str, Any]]:
    return [{"Name": f"City {number}"} for number in range(count)]


async def later(count: int) -> AsyncIterator[dict[str, Any]]:
    for row in rows(count):
        await asyncio.sleep(0)
        yield row


def names(emulator: Emulator) -> list[str]:
    return sorted(row["Name"] for row in emulator.rows("City") if row["Name"].startswith("City "))


def expected(count: int) -> list[str]:
    return sorted(row["Name"] for row in rows(count))


def batches(emulator: Emulator) -> list[list[dict[str, Any]]]:
    sent = [each for each in emulator.requests if each.url.path.endswith("/$batch")]
    return [batch_of(each) for each in sent]


@pytest.mark.parametrize("source", [rows, later])
async def test_every_row_arrives_once_in_batches_of_a_hundred(
    source: Any, crm: Creatio, emulator: Emulator
) -> None:
    report = await crm.odata["City"].create_many(source(250))
    assert names(emulator) == expected(250)
    assert sorted(len(each) for each in batches(emulator)) == [50, 100, 100]
    assert (report.done, report.requests) == (250, 3)
    report.raise_for_failures()


async def test_so_many_batches_are_under_way_at_once() -> None:
    with Emulator(latency=0.002) as emulator:
        async with client(emulator) as crm:
            await crm.odata["City"].create_many(rows(200), batch_size=10, at_once=3)
        assert emulator.most_at_once == 3
        assert names(emulator) == expected(200)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "trouble",
    [
        DropBefore(),
        DropAfter(),
        Cut(),
        Cut(0.9),
        Refuse(429),
        Refuse(503),
        Refuse(504),
        Fail(after=True),
        Fail(after=False),
        Expire("401"),
        Expire("redirect"),
        Expire("html"),
        Expire("json"),
    ],
    ids=repr,
)
async def test_whatever_happens_to_a_batch_nothing_is_lost_or_doubled(
    trouble: Any, times: int, odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(trouble, path="$batch", skip=1, times=times)
    job = odata["City"].create_many(rows(100), batch_size=10)
    async with job as outcomes:
        told = [each async for each in outcomes]
    assert sorted(each.index for each in told) == list(range(100))
    assert names(emulator) == sorted(each.row["Name"] for each in told if each.ok)
    assert job.unfinished == []
    if times == 1:
        assert names(emulator) == expected(100)


@pytest.mark.parametrize(
    ("trouble", "is_lasting"),
    [
        (Refuse(429), False),
        (Refuse(503), False),
        (Fail(after=True), False),
        (Fail(after=False), True),
        (Refuse(400), True),
    ],
    ids=repr,
)
async def test_whatever_happens_to_a_row_nothing_is_lost_or_doubled(
    trouble: Any, odata: OData, emulator: Emulator, *, is_lasting: bool
) -> None:
    if isinstance(trouble, Fail) and isinstance(odata, OData3):
        is_lasting = True  # the change set that fails is undone, and the row not there
    emulator.troubles.add(trouble, method="POST", inner=True, skip=3, times=7)
    job = odata["City"].create_many(rows(50), batch_size=10)
    report = await job
    assert report.total == 50
    assert report.failed == (7 if is_lasting else 0)
    failed = {each.row["Name"] for each in report.failures}
    assert names(emulator) == [name for name in expected(50) if name not in failed]


async def test_troubles_by_chance_all_through_a_run_lose_and_double_nothing(
    odata: OData, emulator: Emulator
) -> None:
    troubles: list[Trouble] = [DropAfter(), DropBefore(), Cut(), Refuse(429), Expire()]
    for seed, trouble in enumerate(troubles):
        emulator.troubles.add(trouble, path="$batch", times=None, chance=0.1, seed=seed)
    emulator.troubles.add(Refuse(503), inner=True, times=None, chance=0.02, seed=9)
    job = odata["City"].create_many(rows(600), batch_size=20)
    async with job as outcomes:
        told = [each async for each in outcomes]
    assert sorted(each.index for each in told) == list(range(600))
    assert len(names(emulator)) == len(set(names(emulator)))
    there = set(names(emulator))
    for each in told:
        assert (each.row["Name"] in there) == each.ok or each.state is State.UNKNOWN


async def test_a_session_lost_in_the_middle_is_renewed_once_for_all_batches(
    odata: OData, emulator: Emulator
) -> None:
    async with odata["City"].create_many(rows(200), batch_size=10, at_once=4) as outcomes:
        taken = 0
        async for _ in outcomes:
            taken += 1
            if taken == 50:
                emulator.expire()
    assert emulator.logins == 2
    assert names(emulator) == expected(200)


async def test_a_token_changed_in_the_middle_is_taken_over(
    odata: OData, emulator: Emulator
) -> None:
    async with odata["City"].create_many(rows(100), batch_size=10) as outcomes:
        async for each in outcomes:
            if each.index == 20:
                emulator.rotate_csrf()
    assert emulator.logins == 1
    assert names(emulator) == expected(100)


async def test_a_login_refused_in_the_middle_ends_the_job_and_all_is_accounted_for() -> None:
    with Emulator(users={"Supervisor": User("Supervisor")}) as emulator:
        async with client(emulator) as crm:
            job = crm.odata["City"].create_many(rows(200), batch_size=10, at_once=4)
            told = []
            with pytest.raises(AuthenticationError):  # noqa: PT012 - the outcomes come first
                async with job as outcomes:
                    async for each in outcomes:
                        told.append(each)
                        if len(told) == 50:
                            emulator._sessions.users = {"Supervisor": User("changed")}
                            emulator.expire()
        assert len([each for each in emulator.requests if "Login" in each.url.path]) == 2
        assert names(emulator) == sorted(each.row["Name"] for each in told)
        assert {each.state for each in told} == {State.DONE}
        assert {each.state for each in job.unfinished} == {State.NOT_RUN}
        tried = [each for each in job.unfinished if each.error is not None]
        assert {type(each.error) for each in tried} == {AuthenticationError}
        told_of = sorted(each.index for each in [*told, *job.unfinished])
        assert told_of == list(range(job.report.total))


# Rows that cannot be sent


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"Name": "x", "CreatedOn": dt.datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001
        ({"Name": "x", "Population": float("nan")}, ValueError),
        ({"Name": "x", "Country": {"Id": "1"}}, ValueError),
        ({"Name": "x", "Country/Id": "1"}, ValueError),
        ({"Name": "x", "Id": "no uuid"}, ValueError),
        ({"Name": "x", "Id": None}, TypeError),
        ({"Name": "x", "Extra": object()}, TypeError),
        (["Name", "x"], TypeError),
        ("x", TypeError),
        (None, TypeError),
    ],
    ids=repr,
)
async def test_a_row_that_cannot_be_sent_is_named_and_its_chunk_is_not_sent(
    bad: Any, error: type[Exception], odata: OData, emulator: Emulator
) -> None:
    source: list[Any] = rows(30)
    source[15] = bad
    job = odata["City"].create_many(source, batch_size=10, at_once=1)
    with pytest.raises(error, match="row 15"):
        await job
    assert names(emulator) == sorted(row["Name"] for row in rows(10))
    assert [each.index for each in job.unfinished] == list(range(10, 20))
    assert {each.state for each in job.unfinished} == {State.NOT_RUN}


@pytest.mark.parametrize("source", [{"Name": "x"}, "Name", b"Name", 5])
async def test_what_is_not_several_rows_is_refused_at_once(source: Any, odata: OData) -> None:
    with pytest.raises(TypeError):
        odata["City"].create_many(source)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"at_once": 0}, ValueError),
        ({"batch_size": 101}, ValueError),
        ({"max_bytes": 0}, ValueError),
        ({"at_most": 3}, TypeError),
    ],
)
async def test_an_option_that_is_wrong_is_refused_at_once(
    options: dict[str, Any], error: type[Exception], odata: OData
) -> None:
    with pytest.raises(error):
        odata["City"].create_many(rows(1), **options)


# Ids


async def test_a_given_id_is_kept_in_lower_case(odata: OData, emulator: Emulator) -> None:
    given = uuid4()
    source = [{"Id": str(given).upper(), "Name": "City 0"}]
    async with odata["City"].create_many(source) as outcomes:
        (outcome,) = [each async for each in outcomes]
    assert outcome.id == str(given)
    assert str(given) in {row["Id"] for row in emulator.rows("City")}
    assert source == [{"Id": str(given).upper(), "Name": "City 0"}], "the input is the caller's"


@pytest.mark.parametrize(
    ("name", "state"), [("City 0", State.UNCHANGED), ("City 1", State.CONFLICT)]
)
async def test_a_row_that_is_there_already_is_unchanged_if_it_is_the_same(
    name: str, state: State, odata: OData, emulator: Emulator
) -> None:
    (taken,) = emulator.insert("City", [{"Name": "City 0"}])
    report = await odata["City"].create_many([{"Id": UUID(taken), "Name": name}])
    assert report.counts == {state: 1}
    assert names(emulator) == ["City 0"]


async def test_ids_made_by_a_function_make_a_second_run_of_it_all_harmless(
    odata: OData, emulator: Emulator
) -> None:
    ids = {row["Name"]: uuid4() for row in rows(30)}
    for state in (State.DONE, State.UNCHANGED):
        report = await odata["City"].create_many(
            rows(30), new_id=lambda row: ids[row["Name"]], batch_size=10
        )
        assert report.counts == {state: 30}
        assert report.done == 30
    assert names(emulator) == expected(30)


async def test_an_id_that_a_function_makes_and_that_is_none_is_named(odata: OData) -> None:
    job = odata["City"].create_many(rows(3), new_id=lambda _: "none")
    with pytest.raises(ValueError, match="row 0"):
        await job


# What is told


async def test_a_report_raises_for_what_failed(odata: OData, emulator: Emulator) -> None:
    emulator.troubles.add(Fail(), inner=True)
    report = await odata["City"].create_many(rows(3))
    assert (report.done, report.failed) == (2, 1)
    with pytest.raises(BulkError, match=r"1 of 3 rows were not written .* the first is row 0"):
        report.raise_for_failures()


async def test_a_report_keeps_the_first_thousand_failures_and_counts_the_rest() -> None:
    table = Table([Script(rows=["400"] * 100)] * 12)
    async with client(table) as crm:
        report = await crm.odata["City"].create_many(rows(1_200), at_once=1)
    assert len(report.failures) == 1_000
    assert report.more_failures == 200
    assert report.failed == 1_200


async def test_progress_ends_with_every_record(odata: OData) -> None:
    told: list[Progress] = []
    await odata["City"].create_many(rows(120), progress=told.append)
    last = told[-1]
    assert (last.done, last.failed, last.in_flight, last.total) == (120, 0, 0, 120)


async def test_saved_rows_have_what_the_server_added(odata: OData) -> None:
    async with odata["City"].create_many(rows(2), return_rows=True) as outcomes:
        saved = [each.saved async for each in outcomes]
    assert all(each is not None and "CreatedOn" in each for each in saved)


# Memory


@define(eq=False)
class Nothing:
    """Takes any number of rows, and keeps none."""

    async def send(self, request: Request, /) -> Response:
        """Answer a login or a batch."""
        if not request.url.path.endswith("$batch"):
            return answer(WELCOME, headers=COOKIES)
        await asyncio.sleep(0)
        done = [{"id": each["id"], "status": 204, "headers": {}} for each in batch_of(request)]
        return answer({"responses": done})


async def test_memory_does_not_grow_with_the_input() -> None:
    async def most(count: int) -> int:
        source = ({"Name": f"City {number}"} for number in range(count))
        gc.collect()
        tracemalloc.start()
        async with client(Nothing()) as crm, crm.odata["City"].create_many(source) as outcomes:
            async for _ in outcomes:
                pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    await most(1_000)  # what is loaded once
    assert await most(50_000) < 1.5 * await most(5_000)


async def test_no_more_rows_are_alive_than_are_under_way_or_ready() -> None:
    alive = 0

    class Row(dict[str, Any]):
        def __init__(self, number: int) -> None:
            nonlocal alive
            alive += 1
            super().__init__(Name=str(number))

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def source() -> Iterator[Row]:
        for number in range(5_000):
            yield Row(number)

    most = 0
    async with (
        client(Nothing()) as crm,
        crm.odata["City"].create_many(source(), batch_size=10, at_once=2) as outcomes,
    ):
        async for each in outcomes:
            assert isinstance(each, Outcome)
            most = max(most, alive)
    assert most <= (2 * 2 + 2) * 10
