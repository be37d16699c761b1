"""Updates, deletes and operations of any kind: whatever becomes of the answers."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async import (
    Create,
    Delete,
    NotFoundError,
    OData,
    Outcome,
    ServerError,
    State,
    Update,
)
from creatio_async.emulator import Cut, DropAfter, DropBefore, Emulator, Expire, Fail, Refuse
from tests.api.canned import client
from tests.api.table import Script, Table, key_of


def key(number: int) -> str:
    return str(UUID(int=number + 1))


def there(count: int) -> dict[str, dict[str, Any]]:
    return {key(number): {"Id": key(number), "Name": "before"} for number in range(count)}


def changes(count: int) -> list[dict[str, Any]]:
    return [{"Id": key(number), "Name": str(number)} for number in range(count)]


async def outcomes(job: Any) -> list[Outcome]:
    """Run *job* to its end; return its outcomes in the order of the input."""
    async with job as told:
        taken = [each async for each in told]
    assert job.unfinished == []
    return sorted(taken, key=lambda each: each.index)


async def updated(table: Table, count: int, **options: Any) -> list[Outcome]:
    async with client(table) as crm:
        return await outcomes(crm.odata["City"].update_many(changes(count), **options))


async def deleted(table: Table, count: int, **options: Any) -> list[Outcome]:
    async with client(table) as crm:
        keys = [key(number) for number in range(count)]
        return await outcomes(crm.odata["City"].delete_many(keys, **options))


def states(told: list[Outcome]) -> list[State]:
    return [each.state for each in told]


# Updates


async def test_an_update_sends_the_columns_and_not_the_id() -> None:
    table = Table(rows=there(2))
    told = await updated(table, 2)
    assert states(told) == [State.DONE] * 2
    assert [each["body"] for each in table.batches[0]] == [{"Name": "0"}, {"Name": "1"}]
    assert [each.operation for each in told] == ["update"] * 2
    assert [each.row for each in told] == changes(2)
    assert table.rows[key(1)]["Name"] == "1"


async def test_an_update_of_a_row_that_is_not_there_fails() -> None:
    told = await updated(Table(rows=there(1)), 2)
    assert states(told) == [State.DONE, State.FAILED]
    assert isinstance(told[1].error, NotFoundError)


@pytest.mark.parametrize("row", [{"Name": "x"}, {}])
async def test_an_update_without_an_id_is_a_mistake(row: dict[str, Any]) -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="row 0: an update is of the row whose 'Id' it has"):
            await crm.odata["City"].update_many([row])


async def test_an_update_of_no_column_is_a_mistake() -> None:
    async with client(Table(rows=there(1))) as crm:
        with pytest.raises(ValueError, match="row 1: there is nothing to change"):
            await crm.odata["City"].update_many([{"Id": key(0), "Name": "x"}, {"Id": key(0)}])
        async with crm.odata["City"].writer() as writer:
            with pytest.raises(ValueError, match="nothing to change"):
                await writer.update(key(0), {})


UNCLEAR = ["drop before", "drop after", "500 after", "502 after", "page", "half", "doubled"]


@pytest.mark.parametrize("whole", [*UNCLEAR, "foreign", "429", "503", "401", "reordered"])
async def test_whatever_becomes_of_an_answer_updates_and_deletes_are_done(whole: str) -> None:
    table = Table([Script(whole)], rows=there(3))
    assert states(await updated(table, 3)) == [State.DONE] * 3
    assert [row["Name"] for row in table.rows.values()] == ["0", "1", "2"]
    table.scripts = [Script(whole)]
    assert states(await deleted(table, 3)) == [State.DONE] * 3
    assert table.rows == {}


async def test_an_update_that_is_found_done_is_not_sent_again() -> None:
    table = Table([Script("drop after")], rows=there(2))
    await updated(table, 2)
    assert [each[0]["method"] for each in table.batches] == ["PATCH", "GET"]


async def test_an_update_is_sent_again_though_it_cannot_be_looked_up() -> None:
    lost = [Script("drop after"), *[Script("drop before")] * 4]
    told = await updated(Table(lost, rows=there(1)), 1)
    assert (states(told), told[0].attempts) == ([State.DONE], 2)


async def test_an_update_of_which_nothing_can_be_known_is_unknown() -> None:
    told = await updated(Table([Script("drop after")] * 40, rows=there(1)), 1)
    assert (states(told), told[0].attempts) == ([State.UNKNOWN], 4)


@pytest.mark.parametrize(
    ("act", "state"), [("500 before", State.FAILED), ("500 after", State.DONE)]
)
async def test_an_update_that_a_500_answered_is_what_the_row_says(act: str, state: State) -> None:
    told = await updated(Table([Script(rows=[act])], rows=there(1)), 1)
    assert states(told) == [state]
    assert state is State.DONE or isinstance(told[0].error, ServerError)


async def test_an_update_whose_row_is_gone_when_looked_up_fails() -> None:
    told = await updated(Table([Script(rows=["500 before"])]), 1)
    assert states(told) == [State.FAILED]
    assert isinstance(told[0].error, NotFoundError)


async def test_a_look_up_that_is_refused_or_left_out_lets_an_update_be_sent_again() -> None:
    scripts = [Script("drop after"), Script(rows=["400", "left out before"])]
    assert states(await updated(Table(scripts, rows=there(2)), 2)) == [State.DONE] * 2


# Deletes


async def test_a_delete_of_what_is_not_there_fails_unless_it_is_a_repeat() -> None:
    assert states(await deleted(Table(), 1)) == [State.FAILED]
    lost = [Script("drop after"), *[Script("drop before")] * 4]
    assert states(await deleted(Table(lost, rows=there(1)), 1)) == [State.DONE]


async def test_a_delete_that_is_found_not_done_is_sent_again() -> None:
    table = Table([Script("drop before")], rows=there(2))
    told = await deleted(table, 2)
    assert (states(told), told[0].attempts) == ([State.DONE] * 2, 2)
    assert [each[0]["method"] for each in table.batches] == ["DELETE", "GET", "DELETE"]


@pytest.mark.parametrize(
    ("act", "state"), [("500 before", State.FAILED), ("500 after", State.DONE)]
)
async def test_a_delete_that_a_500_answered_is_what_the_row_says(act: str, state: State) -> None:
    assert states(await deleted(Table([Script(rows=[act])], rows=there(1)), 1)) == [state]


@pytest.mark.parametrize("bad", ["none", None, 5])
async def test_a_key_that_is_none_is_named(bad: Any) -> None:
    async with client(Table()) as crm:
        with pytest.raises((ValueError, TypeError), match="row 0, 'Id'"):
            await crm.odata["City"].delete_many([bad])


# Operations of any kind


async def test_operations_of_any_kind_go_to_any_set_in_one_batch() -> None:
    table = Table(rows=there(2))
    operations: list[Create | Update | Delete] = [
        Create("Account", {"Name": "new"}),
        Update("Contact", key(0), {"Name": "now"}),
        Delete("Case", UUID(key(1))),
    ]
    async with client(table) as crm:
        told = await outcomes(crm.odata.write_many(operations))
    assert states(told) == [State.DONE] * 3
    assert [each.row for each in told] == operations
    assert [each.operation for each in told] == ["create", "update", "delete"]
    asked = [f"{each['method']} {each['url'].partition('(')[0]}" for each in table.batches[0]]
    assert asked == ["POST Account", "PATCH Contact", "DELETE Case"]
    assert table.rows[key(0)]["Name"] == "now"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"Name": "x"}, "row 0: takes Create, Update and Delete"),
        (Update("City", key(0), {"Id": key(0)}), "row 0: the 'Id' of a row"),
        (Update("City", "none", {}), "row 0, 'Id'"),
        (Update("City", key(0), {}), "row 0: there is nothing to change"),
        (Create("City", {"Country": {}}), "row 0, 'Country'"),
        (Create("City", 5), "row 0: a row is a mapping"),  # type: ignore[arg-type]
    ],
)
async def test_an_operation_that_is_none_is_named(bad: Any, words: str) -> None:
    async with client(Table()) as crm:
        with pytest.raises((ValueError, TypeError), match=words):
            await crm.odata.write_many([bad])


@pytest.mark.parametrize("kind", [Create, Update, Delete])
def test_an_operation_names_its_entity_set(kind: Any) -> None:
    with pytest.raises(ValueError, match="is not a entity set"):
        kind("no set", *[{}] * (1 + (kind is Update)))


async def test_a_create_among_operations_is_never_done_twice() -> None:
    given = Create("City", {"Id": key(5), "Name": "given"})
    table = Table([Script("drop after")])
    async with client(table) as crm:
        told = await outcomes(crm.odata.write_many([Create("City", {"Name": "made"}), given]))
    assert states(told) == [State.DONE] * 2
    assert len(table.writes) == 1


# Against the emulator, in both versions of OData


@pytest.mark.parametrize("how", [None, "multipart"])
@pytest.mark.parametrize(
    "trouble",
    [DropBefore(), DropAfter(), Cut(), Cut(0.9), Refuse(429), Fail(after=True), Expire("html")],
    ids=repr,
)
async def test_whatever_happens_to_a_batch_updates_and_deletes_end_well(
    trouble: Any, how: Any, odata: OData, emulator: Emulator
) -> None:
    ids = emulator.insert("City", [{"Name": f"City {number}"} for number in range(40)])
    emulator.troubles.add(trouble, path="$batch", skip=1)
    rows = [{"Id": each, "Description": "new"} for each in ids]
    report = await odata["City"].update_many(rows, batch_size=10, format=how)
    assert report.counts == {State.DONE: 40}
    changed = [row for row in emulator.rows("City") if row["Id"] in set(ids)]
    assert {row["Description"] for row in changed} == {"new"}
    emulator.troubles.add(trouble, path="$batch", skip=1)
    report = await odata["City"].delete_many(ids, batch_size=10, format=how)
    assert report.counts == {State.DONE: 40}
    assert not {row["Id"] for row in emulator.rows("City")} & set(ids)


# Conservation

_WHOLE = st.sampled_from(["answer"] * 6 + [*UNCLEAR, "foreign", "429", "503", "401", "reordered"])
_ACTS = st.sampled_from([
    "done",
    "400",
    "429",
    "503",
    "500 before",
    "500 after",
    "500 deadlock",
    "left out before",
    "left out after",
])
_SCRIPTS = st.lists(st.builds(Script, _WHOLE, st.lists(_ACTS, max_size=5)), max_size=12)
_KINDS = st.lists(st.sampled_from(["create", "update", "delete", "gone"]), max_size=16)


def operation(kind: str, number: int) -> Create | Update | Delete:
    if kind == "create":
        return Create("City", {"Name": str(number)})
    if kind == "update":
        return Update("City", key(number), {"Name": str(number)})
    return Delete("City", key(number))


def check(table: Table, told: list[Outcome], before: set[str]) -> None:
    """What each outcome says is true."""
    names = [row["Name"] for row in table.rows.values() if row["Name"] != "before"]
    assert len(names) == len(set(names))
    for each in told:
        is_done = (
            each.id not in table.rows if each.operation == "delete" else (str(each.index) in names)
        )
        assert is_done or not each.ok
        never = each.operation == "delete" and each.id not in before
        assert not is_done or each.ok or each.state is State.UNKNOWN or never, each


@given(_SCRIPTS, _KINDS, st.integers(1, 3), st.integers(1, 5), st.sampled_from(["none", "input"]))
@settings(max_examples=60, deadline=None)
def test_every_operation_has_one_outcome_that_is_true(
    scripts: list[Script], kinds: list[str], at_once: int, batch_size: int, order: Any
) -> None:
    rows = {k: row for k, row in there(len(kinds)).items() if kinds[UUID(k).int - 1] != "gone"}
    table, before = Table(scripts, rows=rows), set(rows)
    operations = [operation(kind, number) for number, kind in enumerate(kinds)]

    async def run() -> list[Outcome]:
        async with client(table) as crm:
            job = crm.odata.write_many(
                operations, at_once=at_once, batch_size=batch_size, order=order
            )
            async with job as outcomes:
                taken = [each async for each in outcomes]
            assert job.unfinished == []
            return taken

    told = asyncio.run(run())
    indexes = [each.index for each in told]
    assert sorted(indexes) == list(range(len(kinds)))
    assert order != "input" or indexes == sorted(indexes)
    check(table, told, before)


@given(_SCRIPTS, st.lists(st.integers(0, 3), max_size=16), st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_operations_on_one_row_never_overtake_each_other(
    scripts: list[Script], rows: list[int], at_once: int, batch_size: int
) -> None:
    table = Table(scripts, rows=there(4))
    operations = [Update("City", key(row), {"Name": str(at)}) for at, row in enumerate(rows)]

    async def run() -> list[Outcome]:
        async with client(table) as crm:
            return await outcomes(
                crm.odata.write_many(operations, at_once=at_once, batch_size=batch_size)
            )

    told = asyncio.run(run())
    assert len(told) == len(rows)
    sent: dict[str, list[int]] = {}
    for batch in table.writes:
        for each in batch:
            sent.setdefault(key_of(each), []).append(int(each["body"]["Name"]))
    for names in sent.values():
        assert names == sorted(names)
