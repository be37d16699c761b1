"""What writing and reading a `$batch` costs, without a network: JSON and multipart.

Usage: python -m benchmarks.batch_codec [--rows N] [--rounds N]

A batch adds cities, and each answer holds the whole row. Printed are microseconds of CPU for one
part, the best of several rounds; for JSON also the ratio to the floor, which is the same envelope
made and read by hand, with nothing checked. Exits with 1 where multipart is above its bound.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson
from yarl import URL

from creatio_async.data import City, cities
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.batch import jsonbatch, multipartbatch
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.ids import new_ids

MULTIPART_BOUND = 8.0
"""Microseconds a part."""

_ROOT = "http://creatio.test/0/odata/"
_MOMENT = "2026-01-31T09:30:00.1234567Z"
_USER = "410006e1-ca4e-4502-a9ec-e54d922d2c00"
_NONE = "00000000-0000-0000-0000-000000000000"
_REQUEST = Request(method="POST", url=URL(f"{_ROOT}$batch"))


def city_row(city: City) -> dict[str, str]:
    """Return *city* as a row to be written, without an `Id`."""
    return {
        "Name": city.name,
        "CountryId": str(uuid5(NAMESPACE_OID, city.country_code)),
        "TimeZoneId": str(uuid5(NAMESPACE_OID, city.time_zone)),
    }


def operations(rows: int) -> list[Operation]:
    """Return a batch that adds cities."""
    found = islice(cities(), rows)
    return [
        Operation("POST", "City", {**city_row(city), "Id": made})
        for city, made in zip(found, new_ids(rows), strict=True)
    ]


def answer_rows(sent: Sequence[Operation]) -> list[dict[str, Any]]:
    """Return the rows as a site prints them."""
    fixed = {
        "CreatedOn": _MOMENT,
        "CreatedById": _USER,
        "ModifiedOn": _MOMENT,
        "ModifiedById": _USER,
        "Description": "",
        "RegionId": _NONE,
        "ProcessListeners": 0,
    }
    context = {"@odata.context": f"{_ROOT}$metadata#City/$entity"}
    return [{**context, **(each.body or {}), **fixed} for each in sent]


def headers_of(row: dict[str, Any]) -> dict[str, str]:
    """Return the header fields of the answer that holds *row*."""
    return {
        "Location": f"{_ROOT}City({row['Id']})",
        "Content-Type": "application/json; odata.metadata=minimal",
        "OData-Version": "4.0",
    }


def json_answer(rows: Sequence[dict[str, Any]]) -> Response:
    """Return the answer in JSON."""
    items = [
        {
            "id": str(number),
            "status": 201,
            "headers": {name.lower(): text for name, text in headers_of(row).items()},
            "body": row,
        }
        for number, row in enumerate(rows, 1)
    ]
    return Response(
        status=200,
        headers=Headers({"Content-Type": "application/json"}),
        body=orjson.dumps({"responses": items}),
    )


def multipart_answer(rows: Sequence[dict[str, Any]]) -> Response:
    """Return the answer as a multipart."""
    boundary = "batchresponse_e17aace9-5cbb-49bd-b7ad-f1be8cc8c9d8"
    body = bytearray()
    for number, row in enumerate(rows, 1):
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers_of(row).items())
        head = (
            f"--{boundary}\r\nContent-Type: application/http\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-ID: {number}\r\n\r\n"
            f"HTTP/1.1 201 Created\r\n{lines}\r\n"
        )
        body += head.encode() + orjson.dumps(row) + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    content_type = f"multipart/mixed; boundary={boundary}"
    return Response(status=200, headers=Headers({"Content-Type": content_type}), body=bytes(body))


def envelope(sent: Sequence[Operation]) -> bytes:
    """Return the request in JSON, made by hand: nothing is checked."""
    write = {"Accept": "application/json", "Content-Type": "application/json"}
    return orjson.dumps({
        "requests": [
            {
                "id": str(number),
                "method": each.method,
                "url": each.path,
                "headers": write,
                "body": each.body,
            }
            for number, each in enumerate(sent, 1)
        ]
    })


def best(tasks: dict[str, Callable[[], object]], parts: int, rounds: int) -> dict[str, float]:
    """Return the microseconds that one of *parts* takes in the best of *rounds*.

    The tasks take turns, so that a busy moment of the machine meets all of them.
    """
    calls = max(1, 2_000 // parts)
    found = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            began = time.process_time()
            for _ in range(calls):
                task()
            micros = (time.process_time() - began) / calls / parts * 1e6
            found[name] = min(found[name], micros)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="What writing and reading a $batch costs.")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=50)
    asked = parser.parse_args()
    count = asked.rows
    sent = operations(count)
    rows = answer_rows(sent)
    in_json, in_multipart = json_answer(rows), multipart_answer(rows)
    read = [
        [item and item["body"] for item in jsonbatch.decode(count, _REQUEST, in_json)],
        [item and item["body"] for item in multipartbatch.decode(count, _REQUEST, in_multipart)],
    ]
    assert read == [rows, rows]

    def place(at: int) -> str:
        return f"row {at}"

    own_sets = multipartbatch.Form(own_sets=True)
    tasks: dict[str, Callable[[], object]] = {
        "floor encode": lambda: envelope(sent),
        "json encode": lambda: jsonbatch.encode(sent, place),
        "floor decode": lambda: orjson.loads(in_json.body),
        "json decode": lambda: jsonbatch.decode(count, _REQUEST, in_json),
        "multipart encode": lambda: multipartbatch.encode(sent, place),
        "multipart encode, own sets": lambda: multipartbatch.encode(sent, place, own_sets),
        "multipart decode": lambda: multipartbatch.decode(count, _REQUEST, in_multipart),
    }
    took = best(tasks, count, asked.rounds)
    for name, micros in took.items():
        print(f"{name:28}{micros:8.2f} us a part")
    for way in ("encode", "decode"):
        ratio = took[f"json {way}"] / took[f"floor {way}"]
        print(f"json {way} / floor{ratio:>16.2f}")
    above = [name for name in took if "multipart" in name and took[name] > MULTIPART_BOUND]
    if above:
        print("above its bound:", ", ".join(above))
    return bool(above)


if __name__ == "__main__":
    sys.exit(main())
