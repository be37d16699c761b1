"""Rows that are read a page at a time are what they are when each is read by itself."""

import datetime as dt
import gc
import re
import weakref
from decimal import Decimal
from enum import Enum
from threading import Barrier, Thread
from typing import Any, Self
from uuid import UUID

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creatio_async import UNSET, Model, ModelError
from creatio_async.models.codec import codec_of
from creatio_async.models.known import Known
from creatio_async.models.reading import rows_as
from creatio_async.models.shapes import shape_of

KEY = "405947d0-2ffb-4ded-8675-0475f19f5a81"
ZERO = "00000000-0000-0000-0000-000000000000"


class Each(Model):
    """Fields of each type for which anything is kept from one row to the next."""

    Id: UUID = UNSET
    Guid: UUID = UNSET
    GuidOrNone: UUID | None = UNSET
    Moment: dt.datetime = UNSET
    MomentOrNone: dt.datetime | None = UNSET
    Day: dt.date | None = UNSET
    Number: int = UNSET
    Exact: Decimal | None = UNSET
    Texts: list[str] = UNSET
    Parent: "Each | None" = UNSET
    Owner: "Each" = UNSET
    Children: list["Each"] = UNSET


GUIDS = st.sampled_from([
    KEY,
    KEY.upper(),
    KEY.replace("-", ""),
    ZERO,
    f"{{{KEY}}}",
    f"urn:uuid:{KEY}",
    f" {KEY}",
    f"{KEY[:-1]}",
    f"{KEY}0",
    f"{KEY[:-1]}\uff11",
    f"{KEY[:-2]}_1",
    f"+{KEY[1:]}",
    f"0x{KEY[2:]}",
    f"{KEY[:18]}  {KEY[18:]}",
    KEY.replace("-", ","),
]) | st.uuids().map(str)
MOMENTS = st.sampled_from([
    "2026-01-31T09:30:00Z",
    "2026-01-31T09:30:00z",
    "2026-01-31t09:30:00Z",
    "2026-01-31 09:30:00",
    "2026-01-31T09:30:00+03:00",
    "2026-01-31T09:30:00.123456789-05:30",
    "2026-01-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-01-31",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00.0000001",
    "0001-01-01T00:00:00+03:00",
    "0001-06-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "-0044-03-15T00:00:00Z",
    "\uff12\uff10\uff12\uff16-01-31T09:30:00Z",
    "/Date(0)/",
    "/Date(-62135596800000)/",
    "/Date(99999999999999999)/",
    "/Date(1-0500)/",
]) | st.datetimes(timezones=st.just(dt.UTC)).map(dt.datetime.isoformat)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "Id": GUIDS,
    "Guid": GUIDS,
    "GuidOrNone": GUIDS | st.none(),
    "Moment": MOMENTS,
    "MomentOrNone": MOMENTS | st.none(),
    "Day": MOMENTS | st.none(),
    "Number": st.integers() | st.sampled_from(["5", "1E9999999", "NaN"]),
    "Exact": st.none() | st.floats(allow_nan=False) | st.just("5.25"),
    "Texts": st.lists(st.text(max_size=2), max_size=2),
    "Other": JSON,
}


def rows_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    behind = {"Parent": inner | st.none(), "Owner": inner, "Children": st.lists(inner, max_size=3)}
    whole = st.fixed_dictionaries({}, optional={**GOOD, **behind})
    damaged = st.tuples(whole, st.sampled_from([*GOOD, *behind]), JSON).map(
        lambda given: {**given[0], given[1]: given[2]}
    )
    mixed = whole.flatmap(lambda row: st.permutations(list(row.items()))).map(dict)
    return st.one_of(whole, mixed, damaged)


ROW = rows_of(rows_of(st.just({})))


def told(model: type[Any], rows: list[dict[str, Any]]) -> list[Any] | str:
    try:
        return rows_as(shape_of(model), rows, Known.nothing())
    except ModelError as error:
        return str(error)


def by_themselves(rows: list[dict[str, Any]]) -> list[Any] | str:
    made: list[Any] = []
    for row in rows:
        found = told(Each, [row])
        if isinstance(found, str):
            return found
        made += found
    return made


@given(st.lists(ROW, max_size=8), st.integers(0, 12))
@example([{"Id": KEY, "Owner": None}, {"Id": KEY, "Owner": {"Number": "x"}}], 0)
def test_a_page_is_its_rows(rows: list[dict[str, Any]], alike: int) -> None:
    rows += rows[:1] * alike
    assert told(Each, rows) == by_themselves(rows)


@given(GUIDS)
def test_guids_are_those_of_the_standard_library_where_they_are_digits_alone(text: str) -> None:
    is_plain = re.fullmatch(r"[0-9A-Fa-f-]+", text) and len(text.replace("-", "")) == 32
    for rows in ([{"Id": text}], [{"Id": text}] * 20, [{"Guid": text}]):
        made = told(Each, rows)
        if is_plain:
            assert {one for each in made for one in vars(each).values()} == {UUID(text)}
        else:
            assert isinstance(made, str)


@given(MOMENTS)
def test_moments_are_those_of_the_standard_library(text: str) -> None:
    made = told(Each, [{"Moment": text}])
    if text.startswith("/"):
        number = int(re.findall(r"-?\d+", text)[0])
        try:
            expected = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=number)
        except OverflowError:
            assert isinstance(made, str)
            return
    else:
        try:
            expected = dt.datetime.fromisoformat(text)
        except ValueError:
            assert isinstance(made, str)
            return
    assert not isinstance(made, str)
    found = made[0].Moment
    assert found == (expected if expected.tzinfo else expected.replace(tzinfo=dt.UTC))
    assert found.tzinfo is not None


def test_rows_of_two_kinds_by_turns_cost_as_much_as_they_are() -> None:
    made, count = 0, 50

    class Counted(Model):
        Id: UUID = UNSET
        Number: int = UNSET

        def __new__(cls) -> Self:
            nonlocal made
            made += 1
            return super().__new__(cls)

    rows: list[dict[str, Any]] = [{"Id": KEY}, {"Number": 1}] * count
    assert len(rows_as(shape_of(Counted), rows, Known.nothing())) == 2 * count
    assert made < 10 * count


def test_classes_that_nobody_has_any_more_are_forgotten() -> None:
    def one() -> "tuple[weakref.ref[type[Any]], ...]":
        class Contact(Model):
            Id: UUID = UNSET

        @attrs.define
        class Account:
            Id: UUID

        assert codec_of(Contact).row({"Id": KEY}).Id == codec_of(Account).row({"Id": KEY}).Id
        return weakref.ref(Contact), weakref.ref(Account)

    refs = one()
    gc.collect()
    assert [each() for each in refs] == [None, None]


def test_a_class_that_is_made_of_another_has_its_own_fields() -> None:
    @attrs.define(slots=False)
    class First:
        Id: UUID

    assert codec_of(First).row({"Id": KEY}).Id == UUID(KEY)
    with_slots: Any = attrs.define(slots=True)(First)  # a copy, with all that the class had
    assert type(codec_of(with_slots).row({"Id": KEY})) is with_slots


def test_threads_read_at_once() -> None:
    codec = codec_of(Each)
    rows = [{"Id": str(UUID(int=n)), "GuidOrNone": str(UUID(int=n % 7))} for n in range(500)]
    wanted = codec_of(Each).rows(rows)
    start = Barrier(4)
    found: list[bool] = []

    def read() -> None:
        start.wait(10)
        found.extend(codec.rows(rows) == wanted for _ in range(20))

    threads = [Thread(target=read) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [True] * 80


class Paint(Enum):
    RED = "Red"

    @classmethod
    def _missing_(cls, value: object) -> "Paint":
        return cls[str(value)]  # a KeyError where there is none


class Painted(Model):
    Number: int = UNSET
    Color: Paint = UNSET


def test_a_value_that_an_enum_does_not_find_by_its_name_is_told_with_its_field() -> None:
    good: list[dict[str, Any]] = [{"Number": 1, "Color": "RED"}, {"Color": "Red"}]
    assert [each.Color for each in codec_of(Painted).rows(good)] == [Paint.RED] * 2
    for rows in ([{"Color": "blue"}], [*good, {"Color": "blue"}, *good], [good[1], {"Color": "b"}]):
        with pytest.raises(ModelError, match=r"^Painted\.Color cannot be 'b"):
            codec_of(Painted).rows(rows)


def test_what_a_default_raises_comes_to_the_caller() -> None:
    @attrs.define
    class Named:
        Code: str
        name: str = attrs.field(
            init=False, default=attrs.Factory(lambda self: {"a": "A"}[self.Code], takes_self=True)
        )

    assert codec_of(Named).row({"Code": "a"}).name == "A"
    with pytest.raises(KeyError, match="b"):
        codec_of(Named).rows([{"Code": "a"}, {"Code": "b"}])
