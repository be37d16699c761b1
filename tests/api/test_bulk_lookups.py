"""Columns that rows give by the name of the row that they refer to."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from creatio_async import Creatio, F, Job, State, lookup, read_dead_letters
from creatio_async.bulk.lookups import Lookup
from creatio_async.bulk.resolving import _Names, _number
from creatio_async.emulator import Emulator
from creatio_async.emulator.troubles import DropAfter, Refuse
from tests.api.canned import client

BY_NAME = {"CountryId": lookup("Country", by="Name")}
NOTHING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def ids(crm: Creatio) -> dict[str, str]:
    """Return the ids of two countries of the test's own, by their names."""
    rows = [{"Name": "Elbonia", "Code": "EL"}, {"Name": "Freedonia", "Code": "FR"}]
    return {row["Name"]: (await crm.odata["Country"].create(row))["Id"] for row in rows}


async def countries(crm: Creatio) -> dict[str, str]:
    """Return by the names of all cities of the tests the ids of their countries."""
    mine = crm.odata["City"].where(F.Name.startswith("~")).select("Name", "CountryId")
    return {row["Name"]: row["CountryId"] async for row in mine}


async def test_names_become_ids_and_each_is_asked_for_once(
    crm: Creatio, ids: dict[str, str]
) -> None:
    names = ["Elbonia", "Freedonia", ids["Elbonia"].upper(), None, ""]
    rows = [{"Name": f"~{n}", "CountryId": names[n % 5]} for n in range(300)]
    job = crm.odata["City"].create_many(rows, lookups=BY_NAME, at_once=4)
    async with job as outcomes:
        told = [outcome async for outcome in outcomes]
    assert job.report.counts == {State.DONE: 300}
    assert job.report.look_ups <= 2
    assert all(outcome.row is rows[outcome.index] for outcome in told)
    wanted = [ids["Elbonia"], ids["Freedonia"], ids["Elbonia"], NOTHING, NOTHING]
    assert await countries(crm) == {f"~{n}": wanted[n % 5] for n in range(300)}


async def test_a_name_that_nobody_or_several_have_is_the_outcome_of_its_rows_alone(
    crm: Creatio, ids: dict[str, str], tmp_path: Path
) -> None:
    await crm.odata["Country"].create_many([
        {"Name": "Twice"},
        {"Name": "Twice"},
        {"Name": "TWICE"},
    ])
    rows = [
        {"Name": "~0", "CountryId": "Elbonia"},
        {"Name": "~1", "CountryId": "Nowhere"},
        {"Name": "~2", "CountryId": "Twice"},
        {"Name": "~3", "CountryId": "Freedonia"},
        {"Name": "~4", "CountryId": "NOWHERE"},
    ]
    refused = tmp_path / "refused.jsonl"
    async with crm.odata["City"].create_many(
        rows, lookups=BY_NAME, order="input", dead_letters=refused
    ) as outcomes:
        told = [outcome async for outcome in outcomes]
    failed, conflict, done = State.FAILED, State.CONFLICT, State.DONE
    assert [outcome.state for outcome in told] == [done, failed, conflict, done, failed]
    assert str(told[1].error) == (
        "row 1: 'CountryId' is found by a row of Country, and none has the Name 'Nowhere'"
    )
    assert str(told[2].error).endswith("and 2 have the Name 'Twice'")
    assert [outcome.attempts for outcome in told] == [1, 0, 0, 1, 0]
    assert await countries(crm) == {"~0": ids["Elbonia"], "~3": ids["Freedonia"]}

    await crm.odata["Country"].create({"Name": "Nowhere"})
    again = await crm.odata["City"].create_many(read_dead_letters(refused), lookups=BY_NAME)
    assert again.counts == {done: 2, conflict: 1}


async def test_of_names_alike_the_very_one_is_taken(crm: Creatio) -> None:
    made = await crm.odata["Country"].create({"Name": "Land"})
    other = await crm.odata["Country"].create({"Name": "LAND"})
    rows = [{"Name": "~0", "CountryId": "LAND"}, {"Name": "~1", "CountryId": "Land"}]
    await crm.odata["City"].create_many(rows, lookups=BY_NAME)
    assert await countries(crm) == {"~0": other["Id"], "~1": made["Id"]}


async def test_names_may_stand_elsewhere_and_be_found_by_another_column(
    crm: Creatio, ids: dict[str, str]
) -> None:
    row = {"Name": "~0", "Land": "EL"}
    found = {"CountryId": lookup("Country", by="Code", under="Land")}
    report = await crm.odata["City"].create_many([row], lookups=found)
    assert report.done == 1
    assert await countries(crm) == {"~0": ids["Elbonia"]}
    with pytest.raises(ValueError, match="found by 'Land', and has a value of its own"):
        await crm.odata["City"].create_many([{**row, "CountryId": None}], lookups=found)


async def test_a_name_that_is_created_is_created_once_however_many_rows_have_it(
    crm: Creatio, emulator: Emulator
) -> None:
    made = {"CountryId": lookup("Country", by="Name", create=True)}
    emulator.troubles.add(DropAfter(), method="POST", path="$batch", times=3, skip=2)
    spelled = ["Made {}", "MADE {}"]
    rows = [{"Name": f"~{n}", "CountryId": spelled[n > 390].format(n % 130)} for n in range(600)]
    cities = crm.odata["City"]
    reports = await asyncio.gather(cities.create_many(rows, lookups=made, batch_size=50))
    assert [report.counts for report in reports] == [{State.DONE: 600}]
    there = await crm.odata["Country"].where(F.Name.startswith("Made ")).select("Id", "Name")
    assert sorted(row["Name"] for row in there) == sorted(f"Made {n}" for n in range(130))
    by_name = {row["Name"]: row["Id"] for row in there}
    assert await countries(crm) == {f"~{n}": by_name[f"Made {n % 130}"] for n in range(600)}


async def test_an_update_finds_its_lookups_as_well(crm: Creatio, ids: dict[str, str]) -> None:
    city = await crm.odata["City"].create({"Name": "~0"})
    rows = [{"Id": city["Id"], "CountryId": "Freedonia"}, {"Id": uuid4(), "CountryId": "Nowhere"}]
    report = await crm.odata["City"].update_many(rows, lookups=BY_NAME, order="key")
    assert report.counts == {State.DONE: 1, State.FAILED: 1}
    assert await countries(crm) == {"~0": ids["Freedonia"]}


@pytest.mark.parametrize("verb", ["sync", "upsert_many"])
async def test_a_second_run_finds_the_ids_that_are_there_already(
    crm: Creatio, ids: dict[str, str], verb: str
) -> None:
    def job(rows: list[dict[str, Any]], **options: Any) -> Job:
        run = getattr(crm.odata["City"], verb)
        made: Job = run(rows, key=("Name", "CountryId"), lookups=BY_NAME, **options)
        return made

    rows = [
        {"Name": f"~{n}", "CountryId": ["Elbonia", "Freedonia", "Nowhere"][n % 3]}
        for n in range(60)
    ]
    report = await job(rows)
    assert report.counts == {State.DONE: 40, State.FAILED: 20}
    again = await job(rows)
    assert again.counts == {State.UNCHANGED: 40, State.FAILED: 20}
    twice = await job([rows[0], {**rows[0], "CountryId": ids["Elbonia"]}])
    assert twice.counts == {State.UNCHANGED: 1, State.CONFLICT: 1}


def mine(crm: Creatio, rows: Any, **options: Any) -> Job:
    """Make the cities of the tests the same as *rows*, and delete all others."""
    within = F.Name.startswith("~")
    return crm.odata["City"].sync(
        rows, within=within, delete_missing=True, lookups=BY_NAME, **options
    )


@pytest.mark.parametrize(("key", "is_gone"), [("Name", True), (("Name", "CountryId"), False)])
async def test_a_row_that_names_nobody_is_not_deleted_as_if_it_were_missing(
    crm: Creatio, ids: dict[str, str], key: Any, *, is_gone: bool
) -> None:
    rows = [{"Name": f"~{n}", "CountryId": ids["Elbonia"]} for n in range(3)]
    await crm.odata["City"].create_many(rows)
    source = [{**rows[0], "CountryId": "Nowhere"}, {**rows[1], "CountryId": "Elbonia"}]
    report = await mine(crm, source, key=key)
    assert report.counts.pop(State.DONE, 0) == is_gone  # nobody knows the key of the first row
    assert report.counts == {State.FAILED: 1, State.UNCHANGED: 1}
    assert await countries(crm) == {
        row["Name"]: row["CountryId"] for row in (rows[:2] if is_gone else rows)
    }


async def test_what_is_missing_is_deleted_where_the_key_is_a_name_and_only_that(
    crm: Creatio, ids: dict[str, str], tmp_path: Path
) -> None:
    await crm.odata["City"].create({"Name": "~old", "CountryId": ids["Freedonia"]})
    rows = [{"Name": f"~{n}", "CountryId": "Elbonia"} for n in range(20)]

    def broken() -> Iterator[dict[str, str]]:
        yield from rows[:10]
        raise OSError("the file ends here")

    how: dict[str, Any] = {
        "key": ("Name", "CountryId"),
        "journal": tmp_path / "journal",
        "batch_size": 5,
    }
    with pytest.raises(OSError, match="ends here"):
        await mine(crm, broken(), **how)
    assert len(await countries(crm)) == 11
    report = await mine(crm, rows, **how)
    assert report.counts == {State.DONE: 21}
    assert report.written == {"create": 20, "delete": 1}
    assert await countries(crm) == {row["Name"]: ids["Elbonia"] for row in rows}


async def test_a_dry_run_creates_no_names(crm: Creatio) -> None:
    made = {"CountryId": lookup("Country", create=True)}
    rows = [{"Name": "~0", "CountryId": "Made"}]
    report = await crm.odata["City"].sync(rows, key="Name", lookups=made, dry_run=True)
    assert report.written == {"create": 1}
    assert await crm.odata["Country"].where(F.Name == "Made").count() == 0


async def test_where_names_cannot_be_asked_for_their_rows_fail_and_say_why() -> None:
    with Emulator() as emulator:
        async with client(emulator) as crm:
            await crm.odata.entity_sets()
            emulator.troubles.add(Refuse(status=503), path="$batch", times=4)
            rows = [{"Name": "~0", "CountryId": "Elbonia"}, {"Name": "~1"}]
            async with crm.odata["City"].create_many(rows, lookups=BY_NAME) as outcomes:
                told = sorted([each async for each in outcomes], key=lambda each: each.index)
    assert [each.state for each in told] == [State.FAILED, State.DONE]
    assert "could not be asked for" in str(told[0].error)


async def test_cancelled_while_names_are_asked_for_a_job_accounts_for_every_row() -> None:
    with Emulator(latency=30.0) as emulator:
        emulator.latency = 0.0
        async with client(emulator) as crm:
            await crm.odata.entity_sets()
            emulator.latency = 30.0
            job = crm.odata["City"].create_many(
                [{"Name": f"~{n}", "CountryId": f"C{n % 7}"} for n in range(300)],
                lookups=BY_NAME,
                at_once=3,
            )
            running = asyncio.ensure_future(job)
            for _ in range(50):
                await asyncio.sleep(0)
            running.cancel()
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait([running])
            emulator.latency = 0.0
    assert job.report.total == len(job.unfinished) == job._source.taken > 0
    assert {each.state for each in job.unfinished} == {State.NOT_RUN}


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        (("Co untry",), {}, ValueError),
        (("Country",), {"by": "Na me"}, ValueError),
        (("Country",), {"under": "Country/Name"}, ValueError),
        ((7,), {}, TypeError),
    ],
)
def test_a_lookup_of_no_names_is_refused(
    arguments: Any, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        lookup(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"lookups": BY_NAME, "atomic": True}, ValueError, "without atomic"),
        ({"lookups": {"CountryId": "Country"}}, TypeError, r"lookup\(\.\.\.\), not 'Country'"),
        (
            {"lookups": {"AId": lookup("A", under="X"), "BId": lookup("B", under="X")}},
            ValueError,
            "a place of its own",
        ),
    ],
)
async def test_lookups_that_make_no_sense_are_refused_before_anything_is_sent(
    crm: Creatio, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        crm.odata["City"].create_many([], **options)


def test_a_name_takes_two_hundred_bytes_at_most() -> None:
    plan: Any = None  # nothing is asked
    names = _Names(plan, "CountryId", Lookup("Country", "Name", None, create=False))
    count = 5_462  # a dictionary has just grown by then: the most that a name can take
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(count):
            names._ids[_number(f"{number:032}")] = uuid4().int
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / count <= 200
