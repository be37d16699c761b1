from collections.abc import Sequence
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async.unit_of_work.changes import Change, Planned
from creatio_async.unit_of_work.changes import planned as changes_of
from creatio_async.unit_of_work.ordering import ordered
from creatio_async.unit_of_work.parts import Rest
from creatio_async.unit_of_work.rows import TrackedRow, plain, references

Operation = Literal["create", "update", "delete"]


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def planned(operation: Operation, number: int, /, **lookups: int | None) -> Planned:
    """Return a change of row *number*; the lookups of a delete are what the row holds."""
    values: dict[str, Any] = {
        name: None if target is None else guid(target) for name, target in lookups.items()
    }
    known = None if operation == "create" else values if operation == "delete" else {}
    row = TrackedRow("Node", guid(number), dict(values), known, lambda _: None)
    sent = {} if operation == "delete" else values
    return Planned(Change(operation, "Node", guid(number)), row, sent)


def shown(plan: Sequence[Planned]) -> list[str]:
    """Return each change as ``create 1 A=2``."""
    return [
        " ".join([
            each.change.operation,
            str(int(each.row.id[-12:])),
            *(f"{n}={v and int(v[-12:])}" for n, v in each.values.items()),
        ])
        for each in plan
    ]


def test_what_no_lookup_binds_keeps_its_order() -> None:
    plan = [planned("delete", 1), planned("create", 2), planned("update", 3, A=9)]
    assert shown(ordered(plan)) == ["delete 1", "create 2", "update 3 A=9"]


def test_a_row_is_created_before_those_that_lead_to_it() -> None:
    plan = [planned("update", 1, A=3), planned("create", 2, A=3), planned("create", 3)]
    assert shown(ordered(plan)) == ["create 3", "update 1 A=3", "create 2 A=3"]


def test_a_row_is_deleted_after_those_that_led_to_it() -> None:
    moved = planned("update", 3, A=9)
    moved.row.take({"A": guid(1)})
    plan = [planned("delete", 1), planned("delete", 2, A=1), moved]
    assert shown(ordered(plan)) == ["delete 2", "update 3 A=9", "delete 1"]


def test_rows_that_lead_to_each_other_are_created_first_and_linked_then() -> None:
    plan = [planned("create", 1, A=2), planned("create", 2, A=3), planned("create", 3, A=1)]
    assert shown(ordered(plan)) == ["create 1", "create 3 A=1", "create 2 A=3", "update 1 A=2"]


def test_rows_that_lead_to_each_other_are_unlinked_first_and_deleted_then() -> None:
    plan = [planned("delete", 1, A=2), planned("delete", 2, A=1)]
    assert shown(ordered(plan)) == ["update 2 A=None", "delete 1", "delete 2"]


def test_a_row_may_lead_to_itself() -> None:
    plan = [planned("create", 1, A=1), planned("delete", 2, A=2)]
    assert shown(ordered(plan)) == ["create 1 A=1", "delete 2"]


links = st.lists(
    st.dictionaries(st.sampled_from("ABC"), st.integers(0, 9), max_size=3), min_size=10, max_size=10
)


@settings(deadline=None)
@given(links, st.lists(st.sampled_from(["create", "delete", "old"]), min_size=10, max_size=10))
def test_no_lookup_leads_nowhere_at_any_moment_and_in_the_end_all_is_as_wanted(
    wanted: list[dict[str, int]], kinds: list[str]
) -> None:
    """Carries the changes out on a table that has foreign keys, checked after each of them."""
    alive = {number for number, kind in enumerate(kinds) if kind != "delete"}
    gone = set(range(10)) - alive
    table: dict[str, dict[str, Any]] = {}
    plan: list[Planned] = []
    for number, (lookups, kind) in enumerate(zip(wanted, kinds, strict=True)):
        kept = {n: t for n, t in lookups.items() if (t in alive) or kind == "delete"}
        if kind == "create":
            plan.append(planned("create", number, **kept))
        elif kind == "delete":
            kept = {n: t for n, t in kept.items() if kinds[t] != "create"}
            plan.append(planned("delete", number, **kept))
            table[guid(number)] = {name: guid(target) for name, target in kept.items()}
        else:  # it leads to a row that goes, until it is changed
            before = {name: min(gone) for name in kept} if gone else {}
            update = planned("update", number, **kept)
            update.row.take({name: guid(target) for name, target in before.items()})
            plan.append(update)
            table[guid(number)] = {name: guid(target) for name, target in before.items()}
    for each in ordered(plan):
        key = each.row.id
        match each.change.operation:
            case "create":
                assert key not in table
                table[key] = dict(each.values)
            case "update":
                table[key].update(each.values)
            case _:
                del table[key]
        targets = {target for row in table.values() for target in row.values()} - {None}
        assert targets <= table.keys()
    assert set(table) == {guid(number) for number in alive}
    for number in alive:
        expected = {n: guid(t) for n, t in wanted[number].items() if t in alive}
        assert table[guid(number)] == expected


def carried_out(part: Sequence[Planned], table: dict[int, dict[str, Any]]) -> dict[int, TrackedRow]:
    """Carry out one change set; return the rows that it creates and whose ids the server makes."""
    created: dict[int, TrackedRow] = {}
    for each in part:
        number, later = each.row.number, references(each.values)
        if each.change.operation == "create":
            assert number not in table
            assert not later
            table[number] = {}
            if not each.row.has_id:
                created[number] = each.row
        assert each.row.has_id or number in created
        for target in later.values():  # a link of its own, to what this part has created
            assert len(each.values) == 1
            assert target.number in created
        for name, value in each.values.items():
            if name != "Id" and name not in later:
                assert int(value[-12:]) in table
            table[number][name] = value
    return created


@settings(deadline=None)
@given(links, st.lists(st.sampled_from(["server", "create", "old"]), min_size=10, max_size=10))
def test_rows_without_ids_are_referred_to_only_by_links_and_only_once_they_are_there(
    wanted: list[dict[str, int]], kinds: list[str]
) -> None:
    """Carries the changes out, in parts of any size, on a table that makes ids itself."""
    rows = [
        TrackedRow(
            "Node",
            None if kind == "server" else guid(number),
            {} if kind == "server" else {"Id": guid(number)},
            {} if kind == "old" else None,
            lambda _: None,
            number=number,
        )
        for number, kind in enumerate(kinds)
    ]
    for row, lookups in zip(rows, wanted, strict=True):
        for name, target in lookups.items():
            row[f"{name}Id"] = rows[target]
    table: dict[int, dict[str, Any]] = {
        number: {} for number, kind in enumerate(kinds) if kind == "old"
    }
    plan = Rest(ordered([each for row in rows if (each := changes_of(row)) is not None]))
    size = 1 + sum(map(len, wanted)) % 7
    while part := plan.take(size):
        created = carried_out(part, table)
        for made, row in created.items():
            row.identify(guid(made))
    assert {number: plain(row) for number, row in table.items()} == {
        number: plain({
            **({} if kinds[number] == "old" or "Id" not in table[number] else {"Id": guid(number)}),
            **{f"{name}Id": rows[target] for name, target in lookups.items()},
        })
        for number, lookups in enumerate(wanted)
    }
