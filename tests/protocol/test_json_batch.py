import orjson

from creatio_async.protocol.batch.jsonbatch import encode
from creatio_async.protocol.batch.operations import Operation

OPERATIONS = [
    Operation("POST", "City", {"Name": "Burbank"}),
    Operation("POST", "City", {"Name": "Burbank"}, group="g"),
    Operation("PATCH", "City(1)", {"Name": "Burbach"}),
    Operation("PATCH", "City(1)", {"Name": "Burbach"}, group="h"),
    Operation("DELETE", "City(1)"),
    Operation("GET", "City(1)"),
    Operation("POST", "City(1)/Rows/$ref", link="City(2)"),
]


def preferences(body: bytes) -> list[str | None]:
    return [item["headers"].get("Prefer") for item in orjson.loads(body)["requests"]]


def test_rows_that_are_added_ask_for_no_row_where_it_is_not_wanted() -> None:
    assert preferences(encode(OPERATIONS, str, rows=False)) == ["return=minimal"] * 2 + [None] * 5


def test_where_rows_are_wanted_nothing_is_preferred() -> None:
    assert preferences(encode(OPERATIONS, str)) == [None] * 7
