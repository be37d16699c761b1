from decimal import Decimal

import pytest

from creatio_async.protocol.json import loads


@pytest.mark.parametrize("decimals", [False, True])
def test_json_is_decoded_with_or_without_a_byte_order_mark(*, decimals: bool) -> None:
    assert loads(b'\xef\xbb\xbf{"A":[1,"b",null]}', decimals=decimals) == {"A": [1, "b", None]}


def test_fractions_keep_every_digit_where_that_is_asked_for() -> None:
    [fraction, whole] = loads(b"[0.10000000000000000000000001, 5]", decimals=True)
    assert fraction == Decimal("0.10000000000000000000000001")
    assert type(whole) is int
    assert type(loads(b"0.5")) is float


@pytest.mark.parametrize("decimals", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"\xff",
        b"[" * 100_000,
        b"1e" + b"9" * 30,
        b"1" * 5_000,
    ],
)
def test_what_is_no_json_or_beyond_what_is_read_is_a_value_error(
    body: bytes, *, decimals: bool
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each decoder has its own words
        loads(body, decimals=decimals)
