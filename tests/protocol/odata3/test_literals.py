import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from creatio_async.protocol.odata3.literals import literal

GUID = "405947d0-2ffb-4ded-8675-0475f19f5a81"
MOMENT = dt.datetime(2026, 1, 31, 12, 30, 5, 250000, tzinfo=dt.timezone(dt.timedelta(hours=3)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UUID(GUID), f"guid'{GUID}'"),
        (GUID.upper(), f"guid'{GUID}'"),
        ("O'Brien", "'O''Brien'"),
        ("", "''"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (-(2**31), "-2147483648"),
        (2**31, "2147483648L"),
        (2**63, "9223372036854775808M"),
        (10.5, "10.5"),
        (float("nan"), "NaN"),
        (float("-inf"), "-INF"),
        (Decimal("10.50"), "10.50M"),
        (Decimal("1E+3"), "1000M"),
        (MOMENT, "datetime'2026-01-31T09:30:05.250000'"),
        (dt.date(1990, 12, 12), "datetime'1990-12-12T00:00:00'"),
        (dt.time(13, 20), "time'PT13H20M0S'"),
        (dt.time(0, 0, 5, 500000), "time'PT0H0M5.5S'"),
        (dt.timedelta(days=1, seconds=5.5), "time'P1DT5.5S'"),
        (b"\x00\xff", "X'00FF'"),
        (b"", "X''"),
    ],
)
def test_a_value_has_its_literal(value: Any, text: str) -> None:
    assert literal(value) == text


def test_a_time_with_a_zone_has_none() -> None:
    with pytest.raises(ValueError, match="has a time zone"):
        literal(MOMENT.timetz())


@pytest.mark.parametrize(
    ("value", "edm", "text"),
    [
        (5, "Edm.Int64", "5L"),
        (5, "Edm.Decimal", "5M"),
        (5, "Edm.Int32", "5"),
        (10.5, "Edm.Decimal", "10.5M"),
        (1e-7, "Edm.Decimal", "0.0000001M"),
        (10.5, "Edm.Double", "10.5d"),
        (10.5, "Edm.Single", "10.5f"),
        (Decimal("10.5"), "Edm.Double", "10.5d"),
        (MOMENT, "Edm.DateTimeOffset", "datetimeoffset'2026-01-31T09:30:05.250000Z'"),
        (dt.date(1990, 12, 12), "Edm.DateTimeOffset", "datetimeoffset'1990-12-12T00:00:00Z'"),
        (MOMENT, "Edm.DateTime", "datetime'2026-01-31T09:30:05.250000'"),
        (GUID, "Edm.String", f"'{GUID}'"),
        (GUID, "Edm.Guid", f"guid'{GUID}'"),
        (None, "Edm.Int64", "null"),
    ],
)
def test_a_known_type_decides_where_the_value_leaves_it_open(
    value: Any, edm: str, text: str
) -> None:
    assert literal(value, edm) == text


def test_a_datetime_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        literal(MOMENT.replace(tzinfo=None))


@pytest.mark.parametrize("value", [object(), [1], {"a": 1}, 1j])
def test_what_has_no_literal_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no literal for"):
        literal(value)
