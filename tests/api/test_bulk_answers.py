"""What comes of rows whose answers are missing, doubtful, doubled or wrong."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async import (
    AuthenticationError,
    BatchError,
    Creatio,
    ForbiddenError,
    Outcome,
    Password,
    Report,
    RetryPolicy,
    ServerError,
    State,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Double, DropAfter, Emulator, Omit, Refuse, Trouble
from tests.api.canned import client
from tests.api.table import Script, Table

OURS = UUID(int=7)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"Name": str(number)} for number in range(count)]


async def written(
    table: Any, source: Any, **options: Any
) -> tuple[list[Outcome], list[Outcome], Report]:
    """Write *source*; return the outcomes, what is unfinished, and the report."""
    async with client(table) as crm:
        job = crm.odata["City"].create_many(source, **options)
        async with job as outcomes:
            taken = [each async for each in outcomes]
        return taken, job.unfinished, job.report


async def states(table: Table, source: Any, **options: Any) -> list[State]:
    taken, _, _ = await written(table, source, **options)
    return [each.state for each in sorted(taken, key=lambda each: each.index)]


UNCLEAR = ["drop after", "500 after", "502 after", "page", "half", "doubled", "foreign"]
UNDONE = ["drop before", "429", "503", "401"]


@pytest.mark.parametrize("whole", [*UNCLEAR, *UNDONE, "reordered"])
async def test_whatever_becomes_of_an_answer_the_rows_are_there_once(whole: str) -> None:
    table = Table([Script(whole)])
    assert await states(table, rows(3)) == [State.DONE] * 3
    assert sorted(row["Name"] for row in table.rows.values()) == ["0", "1", "2"]


@pytest.mark.parametrize("whole", UNCLEAR)
async def test_what_may_be_written_is_looked_up_and_not_sent_again(whole: str) -> None:
    table = Table([Script(whole)])
    await written(table, rows(3))
    assert [each[0]["method"] for each in table.batches] == ["POST", "GET"]


async def test_only_what_a_look_up_misses_is_sent_again() -> None:
    acts = ["left out before", "left out after", "done", "left out before"]
    table = Table([Script(rows=acts)])
    taken, _, report = await written(table, rows(4))
    assert [len(each) for each in table.batches] == [4, 3, 2]
    assert [each.attempts for each in sorted(taken, key=lambda o: o.index)] == [2, 1, 1, 2]
    assert report.requests == 3


async def test_a_500_of_a_row_of_its_own_is_looked_up_and_final() -> None:
    table = Table([Script(rows=["500 before", "500 after"])])
    taken, _, _ = await written(table, rows(2))
    assert [each.state for each in taken] == [State.FAILED, State.DONE]
    assert isinstance(taken[0].error, ServerError)
    assert len(table.writes) == 1


@pytest.mark.parametrize("status", ["429", "503"])
async def test_a_row_turned_away_is_sent_again_alone(status: str) -> None:
    table = Table([Script(rows=["done", status, "done"])])
    assert await states(table, rows(3)) == [State.DONE] * 3
    assert [len(each) for each in table.batches] == [3, 1]


async def test_a_row_turned_away_each_time_fails_with_the_last_refusal() -> None:
    table = Table([Script(rows=["429"])] * 4)
    taken, _, _ = await written(table, rows(1))
    assert (taken[0].state, taken[0].attempts, taken[0].http_status) == (State.FAILED, 4, 429)
    assert isinstance(taken[0].error, ThrottledError)


async def test_a_batch_turned_away_each_time_fails() -> None:
    table = Table([Script("429")] * 4)
    taken, _, _ = await written(table, rows(2))
    assert [each.state for each in taken] == [State.FAILED] * 2
    assert len(table.batches) == 4


async def test_a_lost_answer_after_a_refusal_of_the_row_itself_is_still_repeated() -> None:
    table = Table([Script(rows=["429"]), Script("drop before")])
    assert await states(table, rows(1)) == [State.DONE]


@pytest.mark.parametrize(("policy", "waited"), [(30.0, 7.0), (5.0, 5.0)])
async def test_the_wait_before_a_repeat_honours_what_the_server_asks_for_a_row(
    policy: float, waited: float
) -> None:
    class Busy(Table):
        def _run(self, items: Any, acts: Any, go_on: object) -> list[dict[str, Any]]:
            answers = super()._run(items, acts, go_on)
            for each in answers:
                if each["status"] == 429:
                    each["headers"] = {"Retry-After": "7"}
            return answers

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    table = Busy([Script(rows=["429"])])
    patient = RetryPolicy(wait_initial=0, wait_jitter=0, timeout=policy)
    async with client(table, retry=patient) as crm:
        cities = crm.odata["City"]
        cities._service.sender.sleep = sleep
        await cities.create_many(rows(1))
    assert slept == [waited]


async def test_without_an_answer_to_the_look_up_the_rows_are_unknown() -> None:
    table = Table([Script("drop after"), *[Script("drop before")] * 4])
    taken, unfinished, report = await written(table, rows(2))
    assert [each.state for each in taken] == [State.UNKNOWN] * 2
    assert unfinished == []
    assert report.failed == 2
    assert isinstance(taken[0].error, TransportError)
    assert "looking it up failed, too" in taken[0].error.__notes__[0]
    assert len(taken[0].error.__notes__) == 1


@pytest.mark.parametrize("act", ["left out before", "400"])
async def test_a_look_up_that_does_not_tell_leaves_the_row_unknown(act: str) -> None:
    table = Table([Script("drop after"), Script(rows=[act])])
    assert await states(table, rows(2)) == [State.UNKNOWN, State.DONE]


async def test_an_answer_that_is_lost_each_time_ends_after_so_many_attempts() -> None:
    table = Table([Script("drop before"), Script()] * 4)
    taken, _, _ = await written(table, rows(1))
    assert (taken[0].state, taken[0].attempts) == (State.FAILED, 4)


async def test_a_login_refused_before_the_look_up_leaves_the_rows_unknown() -> None:
    table = Table([Script("drop after"), Script("401")])
    async with client(table) as crm:
        table.code = 1
        job = crm.odata["City"].create_many(rows(2))
        with pytest.raises(AuthenticationError):
            await job
    assert [each.state for each in job.unfinished] == [State.UNKNOWN] * 2
    assert isinstance(job.unfinished[0].error, TransportError)


async def test_rows_of_any_number_of_shapes_are_checked_each() -> None:
    table = Table()
    source = [{f"Column{number}": number, "Name": str(number)} for number in range(1_100)]
    assert await states(table, source) == [State.DONE] * 1_100


# Rows whose id the caller gave


@define(eq=False)
class Taken(Table):
    """Refuses every row."""

    status: int = 500

    def _add(self, row: dict[str, Any]) -> tuple[int, Any]:  # noqa: ARG002 - any row
        return self.status, {"error": {"message": "UNIQUE KEY constraint"}}


@pytest.mark.parametrize("status", [409, 500])
@pytest.mark.parametrize(("name", "state"), [("ours", State.UNCHANGED), ("other", State.CONFLICT)])
async def test_an_id_that_is_taken_is_a_conflict_unless_the_row_is_the_same(
    name: str, state: State, status: int
) -> None:
    table = Taken(rows={str(OURS): {"Id": str(OURS), "Name": name}}, status=status)
    assert await states(table, [{"Id": OURS, "Name": "ours"}]) == [state]
    assert table.rows[str(OURS)]["Name"] == name


@pytest.mark.parametrize(("name", "state"), [("ours", State.DONE), ("other", State.UNKNOWN)])
async def test_after_a_lost_answer_a_given_id_is_ours_if_the_values_are(
    name: str, state: State
) -> None:
    table = Table([Script("drop after")], rows={str(OURS): {"Id": str(OURS), "Name": name}})
    assert await states(table, [{"Id": str(OURS).upper(), "Name": "ours"}]) == [state]


@pytest.mark.parametrize(("name", "state"), [("ours", State.DONE), ("other", State.CONFLICT)])
async def test_a_conflict_of_a_repeat_is_ours_if_the_values_are(name: str, state: State) -> None:
    table = Table([Script(rows=["429"])], rows={str(OURS): {"Id": str(OURS), "Name": name}})
    assert await states(table, [{"Id": OURS, "Name": "ours"}]) == [state]


@define(eq=False)
class Late(Table):
    """Carries out what it gave no answer to only after it was asked whether it has."""

    def _read(self, item: dict[str, Any]) -> tuple[int, Any]:
        answer = super()._read(item)
        self.rows.setdefault(str(OURS), {"Id": str(OURS), "Name": self.poison or "ours"})
        self.poison = ""
        return answer


@pytest.mark.parametrize(("name", "state"), [("", State.DONE), ("changed", State.UNKNOWN)])
async def test_a_conflict_after_a_lost_answer_is_ours_or_unknown_and_never_a_guess(
    name: str, state: State
) -> None:
    table = Late([Script("drop before")], poison=name)
    assert await states(table, [{"Id": OURS, "Name": "ours"}]) == [state]
    assert len(table.writes) == 2


async def test_a_key_that_is_taken_is_a_conflict_for_a_row_that_is_not_there() -> None:
    table = Taken([Script(rows=["429"])])
    assert await states(table, rows(1)) == [State.CONFLICT]


async def test_ids_by_a_function_of_the_row_make_a_second_run_harmless() -> None:
    table = Table([Script("drop after")])
    ids = {"0": UUID(int=1), "1": UUID(int=2)}
    options = {"new_id": lambda row: ids[row["Name"]]}
    assert await states(table, rows(2), **options) == [State.DONE] * 2
    assert await states(table, rows(2), **options) == [State.UNCHANGED] * 2
    assert set(table.rows) == {str(each) for each in ids.values()}


async def test_return_rows_fills_in_what_the_server_has() -> None:
    table = Table([Script("drop after")])
    taken, _, _ = await written(table, rows(2), return_rows=True, batch_size=1, at_once=1)
    assert [each.saved for each in taken] == list(table.rows.values())


# Stopping at the first failure


@pytest.mark.parametrize("how", ["json", "multipart"])
@pytest.mark.parametrize("atomic", [False, True])
async def test_a_server_that_can_answer_without_the_rows_does_unless_they_are_asked_for(
    how: Any,
    atomic: bool,  # noqa: FBT001
) -> None:
    with Emulator(honours_return=True) as emulator:
        options: Any = {"format": how, "atomic": atomic}
        bare, _, _ = await written(emulator, rows(2), **options)
        whole, _, _ = await written(emulator, rows(2), **options, return_rows=True)
    assert [(each.state, each.http_status) for each in bare] == [(State.DONE, 204)] * 2
    assert [(each.state, each.http_status) for each in whole] == [(State.DONE, 201)] * 2
    assert [each.saved and each.saved["Name"] for each in whole] == ["0", "1"]


async def test_without_going_on_the_rows_after_a_failure_are_not_run() -> None:
    table = Table([Script(rows=["done", "400"])])
    taken, _, report = await written(table, rows(4), continue_on_error=False)
    expected = [State.DONE, State.FAILED, State.NOT_RUN, State.NOT_RUN]
    assert [each.state for each in taken] == expected
    assert isinstance(taken[3].error, BatchError)
    assert report.failed == 3
    assert len(table.rows) == 1


@pytest.mark.parametrize("act", ["429", "500 after"])
async def test_what_stops_a_batch_and_is_no_failure_does_not_hold_up_the_rows_after_it(
    act: str,
) -> None:
    table = Table([Script(rows=["done", act])])
    assert await states(table, rows(4), continue_on_error=False) == [State.DONE] * 4
    assert [row["Name"] for row in table.rows.values()] == ["0", "1", "2", "3"]


async def test_what_fails_for_good_after_a_look_up_leaves_the_rows_after_it_alone() -> None:
    table = Table([Script(rows=["500 before"])])
    expected = [State.FAILED, State.NOT_RUN]
    assert await states(table, rows(2), continue_on_error=False) == expected


async def test_a_row_left_out_without_a_failure_before_it_is_looked_up() -> None:
    table = Table([Script(rows=["left out after", "done", "400"])])
    expected = [State.DONE, State.DONE, State.FAILED, State.NOT_RUN]
    assert await states(table, rows(4), continue_on_error=False) == expected


# Refusals


async def test_an_unknown_entity_set_fails_each_row_with_the_hint_and_logs_in_once() -> None:
    with Emulator() as emulator:
        async with client(emulator) as crm:
            report = await crm.odata["Citty"].create_many(rows(3))
        assert emulator.logins == 1
    assert report.counts == {State.FAILED: 3}
    assert isinstance(report.failures[0].error, ForbiddenError)
    assert "does not know" in str(report.failures[0].error)


async def test_a_page_of_a_proxy_is_no_proof_that_nothing_was_written() -> None:
    table = Table([Script("page"), *[Script("page")] * 8])
    taken, _, _ = await written(table, rows(1))
    assert taken[0].state is State.UNKNOWN
    assert isinstance(taken[0].error, UnexpectedResponseError)


async def test_bodies_larger_than_max_bytes_are_split() -> None:
    table = Table()
    assert await states(table, rows(40), max_bytes=1_500) == [State.DONE] * 40
    assert max(table.bodies) <= 1_500
    assert [row["Name"] for row in table.rows.values()] == [str(number) for number in range(40)]


async def test_a_row_too_large_alone_fails_alone() -> None:
    table = Table()
    source = [{"Name": "a"}, {"Name": "b" * 2_000}, {"Name": "c"}]
    taken, _, _ = await written(table, source, max_bytes=1_000)
    assert [each.state for each in taken] == [State.DONE, State.FAILED, State.DONE]
    assert isinstance(taken[1].error, ValueError)
    assert "row 1 alone" in str(taken[1].error)


# Conservation

_WHOLE = st.sampled_from(["answer"] * 6 + [*UNCLEAR, *UNDONE, "reordered"])
_ACTS = st.sampled_from([
    "done",
    "400",
    "429",
    "503",
    "500 before",
    "500 after",
    "left out before",
    "left out after",
])
_SCRIPTS = st.lists(st.builds(Script, _WHOLE, st.lists(_ACTS, max_size=5)), max_size=12)
_STOPPING = st.sampled_from(["done", "400", "429", "503", "500 before", "500 after"])
_STOPPING_SCRIPTS = st.lists(st.builds(Script, _WHOLE, st.lists(_STOPPING, max_size=5)), max_size=9)

_ABSENT = {State.FAILED, State.NOT_RUN, State.CONFLICT}


def check(table: Table, outcomes: list[Outcome], unfinished: list[Outcome], read: int) -> None:
    """Each row has one outcome; what it says is true; nothing is there twice."""
    told = [each.index for each in outcomes] + [each.index for each in unfinished]
    assert sorted(told) == list(range(read))
    names = [row["Name"] for row in table.rows.values()]
    assert len(names) == len(set(names))
    for each in [*outcomes, *unfinished]:
        is_there = each.row["Name"] in names
        assert is_there or each.state is not State.DONE
        assert not is_there or each.state not in _ABSENT, each


@given(_SCRIPTS, st.integers(0, 20), st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_every_row_has_one_outcome_that_is_true(
    scripts: list[Script], count: int, at_once: int, batch_size: int
) -> None:
    table = Table(scripts)
    taken, unfinished, report = asyncio.run(
        written(table, rows(count), at_once=at_once, batch_size=batch_size)
    )
    check(table, taken, unfinished, count)
    assert unfinished == []
    assert report.total == count
    assert table.most_at_once <= at_once


_ODD = st.sampled_from(["answer", "reordered", "doubled", "foreign", "half", "page", "drop after"])
_ODD_SCRIPTS = st.lists(st.builds(Script, _ODD, st.lists(_ACTS, max_size=5)), max_size=12)


@given(_ODD_SCRIPTS, st.integers(0, 20), st.integers(1, 3), st.integers(1, 5), st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_answers_are_missing_doubled_or_foreign_each_row_has_one_outcome(
    scripts: list[Script],
    count: int,
    at_once: int,
    batch_size: int,
    atomic: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    table = Table(scripts)
    taken, unfinished, report = asyncio.run(
        written(table, rows(count), at_once=at_once, batch_size=batch_size, atomic=atomic)
    )
    assert sorted(each.index for each in taken) == list(range(count))
    assert unfinished == []
    assert report.total == sum(report.counts.values()) == count
    names = [row["Name"] for row in table.rows.values()]
    assert len(names) == len(set(names))
    if not atomic:  # the table carries out groups in part, which no honest server does
        check(table, taken, unfinished, count)


@given(_STOPPING_SCRIPTS, st.integers(0, 12), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_every_row_has_one_outcome_that_is_true_where_a_failure_stops_its_batch(
    scripts: list[Script], count: int, batch_size: int
) -> None:
    table = Table(scripts)
    taken, unfinished, _ = asyncio.run(
        written(table, rows(count), batch_size=batch_size, continue_on_error=False)
    )
    check(table, taken, unfinished, count)


@given(_SCRIPTS, st.integers(0, 20), st.integers(1, 3), st.integers(1, 5), st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_every_row_that_was_read_is_accounted_for_where_the_block_is_left_early(
    scripts: list[Script], count: int, at_once: int, batch_size: int, enough: int
) -> None:
    table = Table(scripts)
    read = 0
    taken: list[Outcome] = []

    def source() -> Any:
        nonlocal read
        for row in rows(count):
            read += 1
            yield row

    async def leave() -> tuple[list[Outcome], Report]:
        async with client(table) as crm:
            job = crm.odata["City"].create_many(source(), at_once=at_once, batch_size=batch_size)
            async with job as outcomes:
                async for each in outcomes:
                    taken.append(each)
                    if len(taken) >= enough:
                        break
            return job.unfinished, job.report

    unfinished, report = asyncio.run(leave())
    assert report.total == read
    told = {each.index for each in [*taken, *unfinished]}
    assert len(told) == len(taken) + len(unfinished)
    names = [row["Name"] for row in table.rows.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("odd", [Omit(after=False), Double("misnamed")], ids=str)
async def test_every_row_is_there_once_however_odd_the_answers_over_a_socket(
    odd: Trouble, seed: int
) -> None:
    troubles: list[Trouble] = [
        odd,
        Omit(after=True),
        Double("twice"),
        Refuse(429, retry_after=0),
        Refuse(503, retry_after=0),
    ]
    with Emulator(workers=2, serial_sessions=True) as emulator:
        for place, trouble in enumerate(troubles):
            emulator.troubles.add(
                trouble, inner=True, method="POST", times=6, chance=0.2, seed=10 * seed + place
            )
        at_once = RetryPolicy(attempts=20, wait_initial=0, wait_max=0)
        async with (
            emulator.served() as url,
            Creatio(url, Password("Supervisor", "Supervisor"), retry=at_once) as crm,
        ):
            report = await crm.odata["City"].create_many(rows(60), batch_size=7)
        assert report.counts == {State.DONE: 60}
        assert all(rule.hits == 6 for rule in emulator.troubles.rules)
        names = sorted(int(row["Name"]) for row in emulator.rows("City"))
        assert names == list(range(60))


@pytest.mark.parametrize("honours", [False, True])
@pytest.mark.parametrize("how", ["json", "multipart", "odata3"])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_the_answer_to_another_row_is_no_answer_to_the_one_that_has_none(
    how: Any,
    method: str,
    honours: bool,  # noqa: FBT001
) -> None:
    with Emulator(honours_return=honours) as emulator:
        add = emulator.troubles.add
        add(Omit(after=False), inner=True, method=method, skip=1)
        add(Double("misnamed"), inner=True, method=method, skip=2)
        if method == "GET":
            add(DropAfter(), path="$batch")
        async with client(emulator) as crm:
            service = crm.odata3 if how == "odata3" else crm.odata
            options: Any = {"format": how} if how == "multipart" else {}
            source = [{"Name": f"~{n}"} for n in range(4)]
            report = await service["City"].create_many(source, **options)
        names = [row["Name"] for row in emulator.rows("City") if row["Name"].startswith("~")]
    assert sorted(names) == ["~0", "~1", "~2", "~3"]
    looked_up_in_vain = 2 * (method == "GET")  # what nobody can tell is not guessed
    assert report.counts.pop(State.UNKNOWN, 0) == looked_up_in_vain
    assert report.counts == {State.DONE: 4 - looked_up_in_vain}
