"""A job that is killed, at any moment, and run again with its journal."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creatio_async import Create, Creatio, Delete, Job, Outcome, State, Update, read_journal
from tests.api.table import Script
from tests.journal.moments import Make, Ran, ran, shown

COUNT = 23
OPTIONS: dict[str, Any] = {"batch_size": 4, "at_once": 2}

WHOLE = ("answer", "drop before", "drop after", "429", "503", "500 after", "502 after", "half")
ROWS = ("done", "done", "done", "400", "429", "500 before", "500 after", "left out before")

scripts = st.lists(
    st.builds(
        Script,
        whole=st.sampled_from(WHOLE),
        rows=st.lists(st.sampled_from(ROWS), max_size=4).map(tuple),
    ),
    max_size=8,
).map(tuple)


def key(number: int) -> str:
    return str(UUID(int=number + 1))


def rows() -> list[dict[str, Any]]:
    return [{"Name": f"City {number}"} for number in range(COUNT)]


def there() -> dict[str, dict[str, Any]]:
    return {key(number): {"Id": key(number), "Name": "before"} for number in range(COUNT)}


def creates(crm: Creatio, journal: Path) -> Job:
    return crm.odata["City"].create_many(rows(), journal=journal, **OPTIONS)


def creates_of_own_ids(crm: Creatio, journal: Path) -> Job:
    own = [{"Id": key(number), **row} for number, row in enumerate(rows())]
    return crm.odata["City"].create_many(own, journal=journal, **OPTIONS)


def creates_in_groups(crm: Creatio, journal: Path) -> Job:
    return crm.odata["City"].create_many(rows(), journal=journal, atomic=True, **OPTIONS)


def updates(crm: Creatio, journal: Path) -> Job:
    changed = [{"Id": key(number), **row} for number, row in enumerate(rows())]
    return crm.odata["City"].update_many(changed, journal=journal, **OPTIONS)


def deletes(crm: Creatio, journal: Path) -> Job:
    keys = [key(number) for number in range(COUNT)]
    return crm.odata["City"].delete_many(keys, journal=journal, **OPTIONS)


def writes(crm: Creatio, journal: Path) -> Job:
    operations: list[Any] = []
    for number, row in enumerate(rows()):
        made = Create("City", {"Id": key(100 + number), "Name": "made"})
        renamed = Update("City", made.row["Id"], row)
        operations += [made, renamed, Delete("City", key(number))]
        if number % 3 == 0:
            operations.append(Delete("City", made.row["Id"]))
    return crm.odata.write_many(operations, journal=journal, **OPTIONS)


def assert_created(result: Ran) -> None:
    """Each row is there once, under the id that was told; or it is told why not."""
    names = [row["Name"] for row in result.table.rows.values()]
    assert len(names) == len(set(names))
    for each in result.outcomes:
        found = result.table.rows.get(each.id)
        assert each.state in {State.DONE, State.UNCHANGED} or not each.ok
        if each.state is not State.UNKNOWN:
            assert (found is not None) == each.ok, each
        if found is not None:
            assert found["Name"] == each.row["Name"]


def assert_updated(result: Ran) -> None:
    for each in result.outcomes:
        if each.state is not State.UNKNOWN:
            assert (result.table.rows[each.id]["Name"] == each.row["Name"]) == each.ok, each


def assert_deleted(result: Ran) -> None:
    for each in result.outcomes:
        if each.state is not State.UNKNOWN:
            assert (each.id not in result.table.rows) == each.ok, each


def assert_written(result: Ran) -> None:
    if all(each.ok for each in result.outcomes):
        last = {each.id: each for each in result.outcomes}
        there = {each: row["Name"] for each, row in result.table.rows.items()}
        assert there == {
            each: outcome.row.values["Name"]
            for each, outcome in last.items()
            if isinstance(outcome.row, Update)
        }


JOBS = [
    (creates, {}, assert_created),
    (creates_of_own_ids, {}, assert_created),
    (updates, there(), assert_updated),
    (deletes, there(), assert_deleted),
    (writes, there(), assert_written),
]


def operations_of(result: Ran) -> list[tuple[int, str]]:
    return [(each.index, each.operation) for each in result.outcomes]


def is_settled(outcomes: list[Outcome]) -> bool:
    return not {State.UNKNOWN, State.NOT_RUN} & {each.state for each in outcomes}


async def assert_journal_agrees(make: Make, journal: Path, result: Ran) -> None:
    """The journal has what was told; if that was final, running it again sends nothing."""
    recorded = read_journal(journal)
    assert shown(list(recorded)) == shown(result.outcomes)
    assert recorded.finished == is_settled(result.outcomes)
    if recorded.finished:
        again = await ran(make, journal, rows=result.table.rows)
        assert again.table.batches == []
        assert shown(again.outcomes) == shown(result.outcomes)
        assert again.report.counts == result.report.counts
        assert again.report.written == result.report.written


@pytest.mark.parametrize(
    ("make", "before", "check"), JOBS, ids=lambda each: getattr(each, "__name__", "")
)
async def test_a_run_that_is_killed_at_any_moment_goes_on_where_it_stopped(
    make: Make, before: Any, check: Any, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    whole = await ran(make, journal, rows=before)
    check(whole)
    assert {each.state for each in whole.outcomes} == {State.DONE}
    await assert_journal_agrees(make, journal, whole)
    for moment in whole.moments:
        resumed = await ran(make, journal, moment)
        check(resumed)
        assert {each.state for each in resumed.outcomes} == {State.DONE}
        assert operations_of(resumed) == operations_of(whole)
        for written in moment.rows if make is creates else ():
            assert written in resumed.table.rows
        await assert_journal_agrees(make, journal, resumed)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), first=scripts, second=scripts)
async def test_whatever_happens_in_two_runs_nothing_is_lost_or_doubled(
    data: st.DataObject, first: Any, second: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make, before, check = data.draw(st.sampled_from(JOBS))
    journal = tmp_path_factory.mktemp("journals") / "journal"
    whole = await ran(make, journal, rows=before, scripts=first)
    check(whole)
    await assert_journal_agrees(make, journal, whole)
    moment = data.draw(st.sampled_from(whole.moments))
    resumed = await ran(make, journal, moment, scripts=second)
    assert [each.index for each in resumed.outcomes] == [each.index for each in whole.outcomes]
    check(resumed)
    await assert_journal_agrees(make, journal, resumed)
    third = await ran(make, journal, rows=resumed.table.rows)
    check(third)
    overtaken = {each.id for each in third.outcomes if each.state is State.UNKNOWN}
    assert is_settled([each for each in third.outcomes if each.id not in overtaken])
    assert make is writes or not overtaken
