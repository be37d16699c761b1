from typing import Any

import orjson
import pytest
from yarl import URL

from creatio_async.errors import BatchError
from creatio_async.messages import Request, Response
from creatio_async.protocol.batch.jsonbatch import decode, encode
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


@pytest.mark.parametrize("status", [0, 20, -1, 1000, "x", None])
def test_an_answer_with_what_is_no_status_is_none(status: Any) -> None:
    request = Request(method="POST", url=URL("http://crm.test/0/odata/$batch"))
    body = orjson.dumps({"responses": [{"id": "1", "status": status}]})
    with pytest.raises(BatchError, match="no answer to this batch"):
        decode(1, request, Response(status=200, body=body))
