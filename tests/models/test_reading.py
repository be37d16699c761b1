import dataclasses
import datetime as dt
import pickle
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID, SafeUUID

import attrs
import orjson
import pytest
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from creatio_async import UNSET, Model, ModelError, column
from creatio_async.models.known import Known
from creatio_async.models.reading import rows_as
from creatio_async.models.shapes import shape_of
from creatio_async.models.writing import row_of
from creatio_async.protocol.values import dumps

ZERO = "00000000-0000-0000-0000-000000000000"
KEY = "405947d0-2ffb-4ded-8675-0475f19f5a81"


class Paint(Enum):
    RED = "Red"
    GREEN = "Green"


class Whole(Model):
    """A field of each type."""

    Id: UUID = UNSET
    Guid: UUID | None = UNSET
    Moment: dt.datetime | None = UNSET
    Day: dt.date | None = UNSET
    Time: dt.time | None = UNSET
    Length: dt.timedelta | None = UNSET
    Exact: Decimal | None = UNSET
    Number: int | None = UNSET
    Fraction: float | None = UNSET
    Flag: bool | None = UNSET
    text: str | None = column("Text")
    Data: bytes | None = UNSET
    Color: Paint | None = UNSET
    Colors: list[Paint] = UNSET
    Anything: Any = UNSET
    Parent: "Whole | None" = UNSET
    Children: list["Whole"] = UNSET


MOMENTS = st.datetimes(min_value=dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - naive is what it takes
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Id": st.uuids(),
    "Guid": st.uuids(),
    "Moment": MOMENTS,
    "Day": st.dates(min_value=dt.date(1900, 1, 1)),
    "Time": st.times(),
    "Length": st.timedeltas(),
    "Exact": st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    ),
    "Number": st.integers(-(2**31), 2**31),
    "Fraction": st.floats(allow_nan=False, allow_infinity=False),
    "Flag": st.booleans(),
    "text": st.text(),
    "Data": st.binary(),
    "Color": st.sampled_from(Paint),
    "Colors": st.lists(st.sampled_from(Paint)),
}
ROWS = st.lists(st.fixed_dictionaries({}, optional=VALUES))


def on_the_wire(models: list[Whole]) -> list[dict[str, Any]]:
    shape = shape_of(Whole)
    rows: list[dict[str, Any]] = orjson.loads(dumps([row_of(shape, each, "") for each in models]))
    return rows


@given(ROWS)
def test_what_is_written_is_read_again_whatever_is_set_in_each_row(
    rows: list[dict[str, Any]],
) -> None:
    models = [Whole(**row) for row in rows]
    assert rows_as(shape_of(Whole), on_the_wire(models), Known.nothing()) == models


def read(model: type[Any], *rows: dict[str, Any]) -> list[Any]:
    return rows_as(shape_of(model), list(rows), Known.nothing())


def test_empty_values_are_none_where_none_may_be_and_what_they_are_elsewhere() -> None:
    class Strict(Model):
        Guid: UUID = UNSET
        Moment: dt.datetime = UNSET

    empty = {"Guid": ZERO, "Moment": "0001-01-01T00:00:00Z"}
    assert read(Whole, empty, dict.fromkeys(["Guid", "Moment", "Day", "Color", "Text"])) == [
        Whole(Guid=None, Moment=None),
        Whole(Guid=None, Moment=None, Day=None, Color=None, text=None),
    ]
    assert read(Whole, {"Day": "0001-01-01T00:00:00Z"}) == [Whole(Day=None)]
    first = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
    assert read(Strict, empty) == [Strict(Guid=UUID(int=0), Moment=first)]
    with pytest.raises(ModelError, match=r"^Strict\.Guid cannot be None"):
        read(Strict, {"Guid": None})


def test_values_come_in_the_forms_that_servers_write() -> None:
    (row,) = read(
        Whole,
        {
            "Id": KEY.upper(),
            "Moment": "2020-05-18T17:50:39.3619941Z",
            "Day": "2020-05-18",
            "Number": "9007199254740993",
            "Exact": 5.25,
            "Fraction": 3,
            "Data": "-_-_+/==".rstrip("="),
            "Length": "-P1DT2H3M4.5S",
            "Unknown": {"a": 1},
        },
    )
    assert row.Id == UUID(KEY)
    assert row.Moment == dt.datetime(2020, 5, 18, 17, 50, 39, 361994, dt.UTC)
    assert row.Day == dt.date(2020, 5, 18)
    assert row.Number == 2**53 + 1
    assert row.Exact == Decimal("5.25")
    assert type(row.Fraction) is float
    assert row.Length == -dt.timedelta(days=1, hours=2, minutes=3, seconds=4.5)
    assert not hasattr(row, "Unknown")


@pytest.mark.parametrize("count", [3, 50])
def test_ids_are_those_of_their_rows_however_they_are_written(count: int) -> None:
    ids = [UUID(int=number * 7**40) for number in range(1, count + 1)]
    rows = [{"Id": str(each)} for each in ids]
    assert [each.Id for each in read(Whole, *rows)] == ids
    assert all(pickle.loads(pickle.dumps(each.Id)) == each.Id for each in read(Whole, *rows))  # noqa: S301 - our own
    assert {each.Id.is_safe for each in read(Whole, *rows)} == {SafeUUID.unknown}
    rows[1] = {"Id": ids[1].hex.upper()}
    assert [each.Id for each in read(Whole, *rows)] == ids


@pytest.mark.parametrize(
    "bad",
    [
        None,
        5,
        "",
        KEY[:-1],
        f"{KEY}0",
        KEY.replace("-", ","),
        f"{KEY[:-1]},",
        f"{KEY[:-1]}g",
        "é" * 36,
    ],
)
@pytest.mark.parametrize("count", [2, 50])
def test_an_id_that_is_none_is_told_among_many(bad: Any, count: int) -> None:
    rows = [{"Id": KEY, "Number": number} for number in range(count)]
    with pytest.raises(ModelError, match=r"^Whole\.Id cannot be ") as told:
        read(Whole, *rows, {"Id": bad, "Number": -1}, *rows)
    assert repr(bad) in str(told.value)


def test_ids_that_are_of_the_right_length_together_only_are_none() -> None:
    rows = [{"Id": KEY}] * 20
    with pytest.raises(ModelError, match=r"^Whole\.Id cannot be "):
        read(Whole, *rows, {"Id": KEY[:-1]}, {"Id": f"{KEY[-1]}{KEY}"})


def test_values_that_are_those_of_the_row_before_are_not_mistaken_for_others() -> None:
    class Mixed(Model):
        Guid: UUID = UNSET
        Other: UUID | None = UNSET
        Moment: dt.datetime = UNSET
        End: dt.datetime | None = UNSET

    first, second = "2026-01-31T09:30:00.5Z", "2026-02-01T00:00:00"
    rows: list[dict[str, Any]] = [
        {"Guid": KEY, "Other": None, "Moment": first, "End": None},
        {"Guid": KEY, "Other": KEY, "Moment": first, "End": second},
        {"Guid": ZERO, "Other": ZERO, "Moment": second, "End": "0001-01-01T00:00:00Z"},
        {"Guid": KEY, "Other": None, "Moment": "/Date(0)/", "End": None},
        {"Guid": KEY, "Other": KEY, "Moment": first, "End": "/Date(0)/"},
    ]
    start, end = (
        dt.datetime(2026, 1, 31, 9, 30, 0, 500000, dt.UTC),
        dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
    )
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert read(Mixed, *rows) == [
        Mixed(Guid=UUID(KEY), Other=None, Moment=start, End=None),
        Mixed(Guid=UUID(KEY), Other=UUID(KEY), Moment=start, End=end),
        Mixed(Guid=UUID(int=0), Other=None, Moment=end, End=None),
        Mixed(Guid=UUID(KEY), Other=None, Moment=epoch, End=None),
        Mixed(Guid=UUID(KEY), Other=UUID(KEY), Moment=start, End=epoch),
    ]
    for name in ("Guid", "Moment"):
        with pytest.raises(ModelError, match=rf"^Mixed\.{name} cannot be None"):
            read(Mixed, {**rows[0], name: None})


def test_rows_whose_columns_change_in_the_middle_are_all_read() -> None:
    rows: list[dict[str, Any]] = [
        {"Id": str(UUID(int=number)), "Number": number} for number in range(40)
    ]
    rows[12:20] = [{"Id": each["Id"]} for each in rows[12:20]]
    rows[25] = {"Number": 25, "Text": "no id"}
    made = read(Whole, *rows)
    assert [vars(each) for each in made] == [
        {
            {"Text": "text"}.get(name, name): UUID(value) if name == "Id" else value
            for name, value in row.items()
        }
        for row in rows
    ]
    assert read(Whole) == []


def test_rows_behind_navigation_properties_are_objects_however_deep() -> None:
    (row,) = read(
        Whole,
        {
            "Parent": {"Text": "up", "Parent": None, "Guid": KEY},
            "Children": [{"Text": "a", "Children": [{"Guid": KEY}]}, {"Number": 1}],
        },
    )
    assert row.Parent == Whole(text="up", Parent=None, Guid=UUID(KEY))
    assert row.Children == [
        Whole(text="a", Children=[Whole(Guid=UUID(KEY))]),
        Whole(Number=1),
    ]


def test_rows_behind_many_rows_are_those_of_their_rows() -> None:
    class Child(Model):
        Id: UUID = UNSET
        Parent: Whole = UNSET

    rows: list[dict[str, Any]] = [
        {"Number": number, "Parent": {"Number": -number} if number % 3 else None}
        for number in range(30)
    ]
    rows[20] = {"Number": 20}
    made = read(Whole, *rows)
    assert [each.Number for each in made] == list(range(30))
    assert [getattr(each, "Parent", "unset") for each in made] == [
        "unset" if number == 20 else Whole(Number=-number) if number % 3 else None
        for number in range(30)
    ]
    rows = [{"Id": KEY, "Parent": {"Number": number}} for number in range(20)]
    assert [each.Parent.Number for each in read(Child, *rows)] == list(range(20))
    with pytest.raises(ModelError, match=r"^Child\.Parent cannot be None"):
        read(Child, *rows, {"Id": KEY, "Parent": None})
    with pytest.raises(ModelError, match=r"^Whole\.Number cannot be 'x'"):
        read(Child, *rows, {"Id": KEY, "Parent": {"Number": "x"}})


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"Id": "no guid"}, "Id"),
        ({"Id": None}, "Id"),
        ({"Id": KEY, "Guid": [1]}, "Guid"),
        ({"Moment": "yesterday"}, "Moment"),
        ({"Moment": 5}, "Moment"),
        ({"Number": 1.5}, "Number"),
        ({"Number": True}, "Number"),
        ({"Exact": "many"}, "Exact"),
        ({"Flag": "perhaps"}, "Flag"),
        ({"Text": 5}, "text"),
        ({"Data": "%"}, "Data"),
        ({"Length": "P"}, "Length"),
        ({"Color": "Blue"}, "Color"),
        ({"Colors": ["Red", "Blue"]}, "Colors"),
        ({"Parent": [{}]}, "Parent"),
        ({"Children": {}}, "Children"),
        ({"Children": [5]}, "Children"),
        ({"Parent": {"Number": "x"}}, "Number"),
    ],
)
def test_a_value_of_another_kind_is_told_with_its_field(bad: dict[str, Any], field: str) -> None:
    good = {name: None for name in bad if name not in {"Id", "Colors", "Children"}}
    with pytest.raises(ModelError, match=rf"^Whole\.{field} cannot be "):
        read(Whole, good, bad, good)


# --- Classes of other kinds ---------------------------------------------------------------------


@frozen
class Slotted:
    Id: UUID
    Name: str = "none"
    seen: list[str] = field(init=False, factory=list)
    whole: str = field(init=False, default=attrs.Factory(lambda self: self.Name, takes_self=True))


@define(slots=False)
class Checked:
    Name: str = field(validator=attrs.validators.max_len(3))


@dataclasses.dataclass(frozen=True)
class Data:
    Id: UUID
    name: str = dataclasses.field(metadata={"creatio_async column": "Name"})
    seen: list[str] = dataclasses.field(init=False, default_factory=list)


def test_classes_of_all_kinds_are_made_without_their_constructors() -> None:
    row = {"Id": KEY, "Name": "Burbank"}
    (slotted,) = read(Slotted, row)
    assert slotted == Slotted(UUID(KEY), "Burbank")
    (checked,) = read(Checked, row)
    assert checked.Name == "Burbank"
    (data,) = read(Data, row)
    assert data == Data(UUID(KEY), "Burbank")
    (partial,) = read(Slotted, {"Id": KEY})
    with pytest.raises(AttributeError):
        _ = partial.Name


def test_what_is_set_in_them_is_what_is_written() -> None:
    assert row_of(shape_of(Slotted), read(Slotted, {"Id": KEY})[0], "") == {"Id": UUID(KEY)}
    assert row_of(shape_of(Data), Data(UUID(KEY), "x"), "") == {"Id": UUID(KEY), "Name": "x"}
    renamed = define(type("Renamed", (), {"__annotations__": {"a": int}, "a": column("A")}))
    assert row_of(shape_of(renamed), renamed(), "") == {}
    assert row_of(shape_of(renamed), renamed(a=1), "") == {"A": 1}


def test_rows_of_many_shapes_forget_old_readers() -> None:
    many = define(type("Many", (), {"__annotations__": {f"c{n}": int for n in range(300)}}))
    rows = [{f"c{number}": number} for number in range(300)] * 2
    made = rows_as(shape_of(many), rows, Known.nothing())
    assert [getattr(each, f"c{number % 300}") for number, each in enumerate(made)] == [
        *range(300),
        *range(300),
    ]


def test_two_fields_of_one_column_and_an_annotation_of_nothing_are_refused() -> None:
    class Twice(Model):
        a: int = column("A")
        A: int = UNSET

    class Nothing(Model):
        a: "Nowhere" = UNSET  # type: ignore[name-defined]  # noqa: F821 - the mistake is the test

    with pytest.raises(ValueError, match="a and A are one column"):
        shape_of(Twice)
    with pytest.raises(TypeError, match="Nothing: an annotation cannot be read"):
        shape_of(Nothing)
