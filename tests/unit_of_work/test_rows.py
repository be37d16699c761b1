import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async import EntityState
from creatio_async.unit_of_work.rows import TrackedRow

ID = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
OTHER = "410006e1-ca4e-4502-a9ec-e54d922d2c00"


def read(**values: Any) -> TrackedRow:
    """Return a row as it was read."""
    given = {"Id": ID, **values}
    return TrackedRow("Contact", ID, dict(given), given, lambda _: None)


def added(**values: Any) -> TrackedRow:
    """Return a row that is not saved."""
    return TrackedRow("Contact", ID, {"Id": ID, **values}, None, lambda _: None)


def test_a_row_that_was_read_has_no_changes_until_something_is_assigned() -> None:
    row = read(Name="Ann", Notes="")
    assert (row.state, row.changes) == (EntityState.UNCHANGED, {})
    row["Notes"] = "x"
    assert (row.state, row.changes) == (EntityState.MODIFIED, {"Notes": "x"})
    row["Notes"] = ""
    assert row.state is EntityState.UNCHANGED


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (OTHER, UUID(OTHER)),
        (OTHER, OTHER.upper()),
        ("2026-11-21T22:00:00Z", dt.datetime(2026, 11, 21, 22, tzinfo=dt.UTC)),
        (10.5, Decimal("10.50")),
        (3, 3.0),
        (None, None),
    ],
)
def test_a_value_that_means_the_same_is_no_change(theirs: Any, ours: Any) -> None:
    row = read(Value=theirs)
    row["Value"] = ours
    assert row.changes == {}


@pytest.mark.parametrize(("theirs", "ours"), [(0, None), ("", None), (None, 0), (None, False)])
def test_none_is_a_change_where_something_else_stands(theirs: Any, ours: Any) -> None:
    row = read(Value=theirs)
    row["Value"] = ours
    assert row.changes == {"Value": ours}


def test_a_column_that_was_not_read_is_changed_by_any_assignment() -> None:
    row = read()
    row["Notes"] = None
    assert row.changes == {"Notes": None}


def test_a_row_stands_for_its_id_as_a_value() -> None:
    row = read()
    row["AccountId"] = TrackedRow("Account", OTHER, {"Id": OTHER}, None, lambda _: None)
    assert row["AccountId"] == OTHER


def test_what_cannot_be_sent_is_refused_where_it_is_assigned() -> None:
    row = read(Name="Ann")
    with pytest.raises(ValueError, match=f"Contact {ID}, 'Account': .* set 'AccountId'"):
        row["Account"] = {"Name": "Acme"}
    with pytest.raises(ValueError, match=r"'When': the datetime .* has no time zone"):
        row["When"] = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="the Id of a row stays"):
        row["Id"] = uuid4()
    row["Id"] = UUID(ID)
    with pytest.raises(ValueError, match="emptied by None"):
        del row["Name"]
    assert row.changes == {}


def test_a_column_of_a_new_row_can_be_taken_out_but_not_its_id() -> None:
    row = added(Name="Ann", Notes="x")
    del row["Notes"]
    assert row.changes == {"Id": ID, "Name": "Ann"}
    with pytest.raises(ValueError, match="'Id' stays"):
        del row["Id"]


def test_what_the_server_fills_in_is_there_and_what_was_changed_meanwhile_stays() -> None:
    row = added(Name=" Ann ", Phone="1")
    sent = row.changes
    row["Phone"] = "2"
    row.take({"Id": ID, "Name": "Ann", "Phone": "1", "Age": 0}, sent)
    assert dict(row) == {"Id": ID, "Name": "Ann", "Phone": "2", "Age": 0}
    assert row.changes == {"Phone": "2"}


def test_a_column_of_which_nobody_knows_whether_it_was_written_is_written_again() -> None:
    row = read(Name="old", Phone="1")
    row["Name"] = "new"
    row.doubt({"Name": "x"})
    row["Name"] = "old"
    assert row.changes == {"Name": "old"}


def test_a_row_shows_no_values() -> None:
    assert repr(read(Name="secret")) == f"<Contact {ID} unchanged>"


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2))),
)
def test_the_changes_are_what_makes_the_row_of_the_server_the_row_here(
    theirs: dict[str, int], assigned: list[tuple[str, int]]
) -> None:
    row = read(**theirs)
    for name, value in assigned:
        row[name] = value
    assert {"Id": ID, **theirs, **row.changes} == dict(row)
    assert all(theirs.get(name) != value for name, value in row.changes.items())
    row.take({}, row.changes)
    assert row.state is EntityState.UNCHANGED
