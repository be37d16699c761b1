import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.protocol.values import check_row, dumps, dumps_rows, duration_text, same_value

GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"
PLUS_3 = dt.timezone(dt.timedelta(hours=3))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UUID(GUID.upper()), f'"{GUID}"'),
        (dt.datetime(2026, 1, 31, 3, tzinfo=PLUS_3), '"2026-01-31T00:00:00Z"'),
        (dt.datetime(1, 1, 1, tzinfo=dt.UTC), '"0001-01-01T00:00:00Z"'),
        (dt.datetime(2026, 1, 31, 0, 0, 0, 5, dt.UTC), '"2026-01-31T00:00:00.000005Z"'),
        (dt.date(2026, 1, 31), '"2026-01-31T00:00:00Z"'),
        (dt.time(10, 30), '"10:30:00"'),
        (dt.timedelta(days=1, microseconds=500_000), '"P1DT0.5S"'),
        (Decimal("0.1000"), "0.1000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (b"\xfb\xff", '"-_8="'),
        (bytearray(b"a"), '"YQ=="'),
        (True, "true"),
        (None, "null"),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ("\u2028 é", '"\u2028 é"'),
    ],
    ids=str,
)
def test_each_type_has_its_json(value: Any, text: str) -> None:
    assert dumps(value).decode() == text


MISTAKES: list[tuple[dict[Any, Any], type[Exception], str]] = [
    ({"A": dt.time(10, tzinfo=PLUS_3)}, ValueError, "'A': the time 10:00:00.* has a time zone"),
    ({"A": dt.datetime(2026, 1, 1)}, ValueError, "'A': the datetime .* has no time zone"),  # noqa: DTZ001
    ({"A": dt.datetime.min.replace(tzinfo=PLUS_3)}, ValueError, "'A': .* out of range"),
    ({"A": float("nan")}, ValueError, "'A': nan has no place"),
    ({"A": float("-inf")}, ValueError, "'A': -inf has no place"),
    ({"A": Decimal("NaN")}, ValueError, "'A': NaN has no place"),
    ({"A": [1.0, float("nan")]}, ValueError, r"'A'\[1\]: nan has no place"),
    ({"A": 2**64}, ValueError, "'A': .*64-bit"),
    ({"A": "\ud800"}, ValueError, "'A': .*surrogates"),
    ({"Account": {"Id": GUID}}, ValueError, "'Account': .* set 'AccountId' instead"),
    ({"Account": MappingProxyType({})}, ValueError, "'Account': .* set 'AccountId' instead"),
    ({"Account": {}}, ValueError, "'Account': .* navigation property"),
    ({"Activities": [{"Title": "x"}]}, ValueError, "'Activities': .* navigation property"),
    ({"Account/Id": GUID}, ValueError, "'Account/Id': .* set 'AccountId' instead"),
    ({5: "x"}, TypeError, "5: the name of a column is a string"),
    ({"A": object()}, TypeError, "'A': .*object"),
    ({"A": 1j}, TypeError, "'A': .*complex"),
    ({"A": {1, 2}}, TypeError, "'A': .*set"),
]


@pytest.mark.parametrize(("row", "kind", "words"), MISTAKES)
def test_a_mistake_is_told_with_its_place(
    row: dict[Any, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=f"row 7, {words}"):
        check_row(row, "row 7")


@pytest.mark.parametrize(
    ("row", "kind", "words"), [each for each in MISTAKES if "Account/Id" not in each[0]]
)
@pytest.mark.parametrize("enveloped", [False, True])
def test_rows_are_checked_where_the_bytes_show_a_mistake(
    row: dict[Any, Any],
    kind: type[Exception],
    words: str,
    enveloped: bool,  # noqa: FBT001
) -> None:
    document = {"requests": [{"headers": {}, "body": row}]} if enveloped else row
    with pytest.raises(kind, match=f"row 7, {words}"):
        dumps_rows(document, lambda: [("row 7", row)], objects=4 if enveloped else 1)


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.uuids()
HARMFUL = st.sampled_from([math.nan, math.inf, 1.5, [math.nan], [], (), {"Id": GUID}, {}])
ROWS = st.lists(
    st.dictionaries(st.sampled_from("ABCD"), SCALARS | HARMFUL, min_size=1),
    min_size=1,
    max_size=4,
)


@given(ROWS)
def test_types_let_nothing_through_that_the_bytes_do_not(rows: list[dict[str, Any]]) -> None:
    document = {"Long": "x" * 1_000, "Rows": rows}
    places = [(f"row {at}", row) for at, row in enumerate(rows)]

    def written(bodies: list[dict[str, Any]]) -> object:
        try:
            return dumps_rows(document, lambda: places, 1 + len(rows), bodies)
        except ValueError as error:
            return str(error)

    assert written(rows) == written([])


def test_where_types_tell_that_rows_are_plain_their_bytes_are_not_searched() -> None:
    row = {"Name": "{null}" * 20, "Id": UUID(GUID), "Code": 5, "Is": True, "Of": None}

    def never() -> Any:
        raise AssertionError

    assert orjson.loads(dumps_rows(row, never, 1, [row]))["Of"] is None
    with pytest.raises(AssertionError):
        dumps_rows(row, never, 1)


@pytest.mark.parametrize("row", [{"A": None}, {"A": "null"}, {"A": ':{"x'}, {"A": ":["}, {"A": []}])
def test_what_only_looks_like_a_mistake_is_none(row: dict[str, Any]) -> None:
    assert orjson.loads(dumps_rows(row, lambda: [("row", row)], objects=1)) == row


def test_rows_without_a_suspect_are_not_walked() -> None:
    def never() -> Any:
        raise AssertionError

    row = {"Id": UUID(GUID), "Name": "x", "Amount": Decimal("1.5"), "At": dt.date(2026, 1, 1)}
    document = {"requests": [{"headers": {}, "body": row}, {"headers": {}, "body": row}]}
    assert dumps_rows(document, never, objects=7).count(b'"1.5"') == 0
    assert dumps_rows(row, never, objects=1).startswith(b'{"Id":"4c63')


def test_an_envelope_that_cannot_be_encoded_is_an_error_of_its_own() -> None:
    with pytest.raises(TypeError, match="object"):
        dumps_rows({"x": object()}, lambda: [("row", {"A": 1})], objects=2)


@pytest.mark.parametrize("row", [None, 5, "x", ["Name"]])
def test_a_row_is_a_mapping(row: Any) -> None:
    with pytest.raises(TypeError, match="row 7: takes a mapping"):
        check_row(row, "row 7")


def test_a_clean_row_passes_whatever_mapping_it_is() -> None:
    row: Mapping[str, Any] = MappingProxyType({"Name": "x", "Tags": ["a", 1, None]})
    check_row(row, "row")


@given(st.timedeltas())
def test_a_duration_keeps_every_microsecond(value: dt.timedelta) -> None:
    text = duration_text(value)
    sign = -1 if text.startswith("-") else 1
    days, _, seconds = text.lstrip("-").removeprefix("P").removesuffix("S").partition("DT")
    whole, _, fraction = seconds.partition(".")
    micros = int(fraction.ljust(6, "0")) if fraction else 0
    found = dt.timedelta(days=int(days), seconds=int(whole), microseconds=micros)
    assert sign * found == value


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.uuids()
    | st.datetimes(timezones=st.sampled_from([dt.UTC, PLUS_3]), min_value=dt.datetime(1900, 1, 1))  # noqa: DTZ001
    | st.dates()
    | st.decimals(
        allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
    )
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=9)
    | st.times()
    | st.timedeltas()
)


@given(scalars)
def test_a_value_that_comes_back_as_it_was_sent_is_the_same(value: Any) -> None:
    assert same_value(value, orjson.loads(dumps(value)))


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (GUID.upper(), GUID, True),
        (GUID, "00000000-0000-0000-0000-000000000000", False),
        (dt.date(2026, 1, 31), "2026-01-31T00:00:00.0000000Z", True),
        (dt.date(2026, 1, 31), "2026-01-31T03:00:00+03:00", True),
        (dt.date(2026, 1, 31), "2026-02-01T00:00:00Z", False),
        (dt.date(2026, 1, 31), "soon", False),
        ("2026-01-31T03:00:00+03:00", "2026-01-31T00:00:00Z", True),
        ("a", "b", False),
        ("a", None, False),
        (Decimal("10.50"), 10.5, True),
        (Decimal("10.51"), 10.5, False),
        (1, 1.0, True),
        (1, "1", False),
        (None, "", True),
        (None, "00000000-0000-0000-0000-000000000000", True),
        (None, "0001-01-01T00:00:00Z", True),
        (None, 0, True),
        (None, False, True),
        (None, "x", False),
        (None, GUID, False),
        (b"\xfb\xff", "-_8=", True),
        (UUID(GUID), GUID, True),
        (UUID(GUID), GUID.upper(), True),
    ],
)
def test_values_are_compared_by_what_they_mean(
    ours: Any,
    theirs: Any,
    same: bool,  # noqa: FBT001
) -> None:
    assert same_value(ours, theirs) is same


@pytest.mark.parametrize(
    "row",
    [
        {"A": None, "B": float("nan")},
        {"A": "null", "B": float("inf")},
        {"A": None, "B": [None, float("nan")]},
        {"A": "null, null", "B": None, "C": {"Id": None}},
    ],
)
def test_among_nulls_and_texts_that_look_like_them_what_has_no_place_is_found(
    row: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match=r"row 1, '[BC]'"):
        dumps_rows(
            {"rows": [{"A": None}, row]}, lambda: [("row 0", {"A": None}), ("row 1", row)], 3
        )


@pytest.mark.parametrize("row", [{"A": None, "B": "null"}, {"null": 1, "B": [None, 1.5]}, {}])
def test_nulls_that_were_given_are_nulls(row: dict[str, Any]) -> None:
    encoded = dumps_rows({"rows": [row, row]}, lambda: [("row 0", row), ("row 1", row)], 3)
    assert orjson.loads(encoded) == {"rows": [row, row]}


def test_a_guid_of_a_database_driver_is_a_guid() -> None:
    class Key(UUID):
        """Such as asyncpg gives."""

    row = {"Id": Key(int=5)}
    check_row(row, "row 1")
    assert dumps_rows(row, lambda: [("row 1", row)], 1) == (
        b'{"Id":"00000000-0000-0000-0000-000000000005"}'
    )
