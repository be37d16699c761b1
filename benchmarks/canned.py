"""A server of canned answers, in a process of its own: it costs the client what a site would.

Usage: python -m benchmarks.canned [--rows N] [--latency-ms N] [--core N]

Its first line of output is its address. The first segment of a path says how `$batch` answers:
``/full/`` with a 201 and the whole row for each operation, ``/wide/`` with the 55 columns of a
contact, ``/bare/`` with a 204 for each. It
parses as little as it can: a method, a path, the length of a body.
"""

import argparse
import asyncio
import re
import time
from functools import cache
from itertools import islice
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from benchmarks.pinning import pin
from creatio_async.data import CITIES, City, cities

__all__ = ["Canned", "city_row", "contact_row", "printed_row"]

_HOST = "127.0.0.1"
_ROOT = f"http://{_HOST}/0/odata/"
_MOMENT = "2026-01-31T09:30:00.1234567Z"
_USER = "410006e1-ca4e-4502-a9ec-e54d922d2c00"
_NONE = "00000000-0000-0000-0000-000000000000"

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOP = re.compile(rb"[?&]\$top=(\d+)")
_AFTER = re.compile(rb"Id%20gt%20([0-9a-f]{8})")
_MANY = 1_000_000


def city_row(city: City) -> dict[str, str]:
    """Return *city* as a row to be written, without an `Id`."""
    return {
        "Name": city.name,
        "CountryId": str(uuid5(NAMESPACE_OID, city.country_code)),
        "TimeZoneId": str(uuid5(NAMESPACE_OID, city.time_zone)),
    }


def printed_row(number: int, city: City) -> dict[str, Any]:
    """Return *city* as a site prints it; its `Id` begins with its *number*, from 1."""
    row = city_row(city)
    return {
        "Id": f"{number:08x}-ca4e-4502-a9ec-e54d922d2c00",
        "CreatedOn": _MOMENT,
        "CreatedById": _USER,
        "ModifiedOn": _MOMENT,
        "ModifiedById": _USER,
        "Name": row["Name"],
        "Description": "",
        "CountryId": row["CountryId"],
        "RegionId": _NONE,
        "TimeZoneId": row["TimeZoneId"],
        "ProcessListeners": 0,
    }


def contact_row(city: City) -> dict[str, Any]:
    """Return a row of 54 columns to be written, without an `Id`, as wide as a contact."""
    row = city_row(city)
    texts = {f"UsrText{number}": f"{city.name} {number}" for number in range(20)}
    lookups = {f"Usr{number}Id": row["CountryId"] for number in range(14)}
    empty: dict[str, Any] = {f"UsrEmpty{number}": None for number in range(10)}
    numbers: dict[str, Any] = {f"UsrNumber{number}": number * 7 for number in range(7)}
    return {**row, **texts, **lookups, **empty, **numbers}


def _wide(city: City) -> dict[str, Any]:
    return {"Id": _NONE, **contact_row(city)}


def _item(number: int, row: dict[str, Any], *, full: bool) -> dict[str, Any]:
    if not full:
        return {"id": str(number), "status": 204, "headers": {"odata-version": "4.0"}}
    return {
        "id": str(number),
        "status": 201,
        "headers": {
            "location": f"{_ROOT}City({row['Id']})",
            "content-type": "application/json; odata.metadata=minimal",
            "odata-version": "4.0",
        },
        "body": {"@odata.context": f"{_ROOT}$metadata#City/$entity", **row},
    }


def _answer(body: bytes, *more: str, status: str = "200 OK") -> bytes:
    head = (
        f"HTTP/1.1 {status}",
        "Cache-Control: no-cache",
        "Content-Type: application/json; odata.metadata=minimal",
        "OData-Version: 4.0",
        "Date: Sat, 31 Jan 2026 09:30:00 GMT",
        *more,
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + _END_OF_HEAD + body


_LOGIN = _answer(
    orjson.dumps({"Code": 0, "Message": "", "PasswordChangeUrl": None, "RedirectUrl": "/0/Shell"}),
    "Set-Cookie: BPMLOADER=abcdefghijklmnopqrstuvwx; path=/; HttpOnly",
    "Set-Cookie: .ASPXAUTH=" + "0123456789ABCDEF" * 16 + "; path=/; HttpOnly",
    "Set-Cookie: BPMCSRF=ABCDEFGHIJKLMNOPQRSTUV; path=/",
    "Set-Cookie: UserName=83|117|112; path=/; HttpOnly",
)
_DONE = _answer(b"{}")
_UNKNOWN = _answer(b"{}", status="404 Not Found")


class Canned:
    """The answers of a site that has *rows* cities."""

    def __init__(self, rows: int) -> None:
        self._rows = [printed_row(at, city) for at, city in enumerate(islice(cities(), rows), 1)]
        self._texts = [orjson.dumps(row) for row in self._rows]
        self.requests = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self._batch = cache(self._make_batch)

    def answer(self, method: bytes, target: bytes, body: bytes) -> bytes:
        """Return the whole answer to a request."""
        if target == b"/stats":
            return self._stats()
        answer = self._chosen(method, target, body)
        self.requests += 1
        self.bytes_in += len(body)
        self.bytes_out += len(answer)
        return answer

    def _chosen(self, method: bytes, target: bytes, body: bytes) -> bytes:
        path = target.partition(b"?")[0]
        if path.endswith(b"/odata/$batch"):
            kind = target.split(b"/", 2)[1].decode()
            return self._batch(body.count(b'"method":"POST"'), kind)
        if method == b"GET" and path.endswith(b"/odata/City"):
            return self._page(target)
        if path.endswith(b"/AuthService.svc/Login"):
            return _LOGIN
        return _DONE if path.endswith(b"/AuthService.svc/Logout") else _UNKNOWN

    def _make_batch(self, count: int, kind: str) -> bytes:
        some = [_wide(city) for city in islice(cities(), count)] if kind == "wide" else self._rows
        rows = islice(some * (count // len(some) + 1), count)
        items = [_item(number, row, full=kind != "bare") for number, row in enumerate(rows, 1)]
        return _answer(orjson.dumps({"responses": items}))

    def _page(self, target: bytes) -> bytes:
        top, after = _TOP.search(target), _AFTER.search(target)
        size = int(top[1]) if top else len(self._texts)
        first = int(after[1], 16) if after else 0
        count = f'"@odata.count":{len(self._texts)},' if b"$count=true" in target else ""
        head = f'{{"@odata.context":"{_ROOT}$metadata#City",{count}"value":['
        return _answer(b"%b%b]}" % (head.encode(), b",".join(self._texts[first : first + size])))

    def _stats(self) -> bytes:
        return _answer(
            orjson.dumps({
                "cpu": time.process_time(),
                "wall": time.perf_counter(),
                "requests": self.requests,
                "bytes_in": self.bytes_in,
                "bytes_out": self.bytes_out,
            })
        )


class _Connection(asyncio.Protocol):
    """One connection: requests in turn, none before the answer to the one before it."""

    def __init__(self, canned: Canned, latency: float) -> None:
        self._canned = canned
        self._latency = latency
        self._pieces: list[bytes] = []
        self._missing = 0
        """Bytes of the body still to come."""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_MANY)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        if self._missing > 0:
            self._missing -= len(data)
        else:
            received = b"".join(self._pieces)
            end = received.find(_END_OF_HEAD)
            if end < 0:
                return
            length = _LENGTH.search(received, 0, end)
            total = end + len(_END_OF_HEAD) + (int(length[1]) if length else 0)
            self._missing = total - len(received)
        if self._missing <= 0:
            received, self._pieces = b"".join(self._pieces), []
            head, _, body = received.partition(_END_OF_HEAD)
            method, target, _ = head.split(b" ", 2)
            self._reply(self._canned.answer(method, target, body))

    def _reply(self, answer: bytes) -> None:
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(canned: Canned, latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(canned, latency), _HOST, 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://{_HOST}:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=CITIES)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--core", type=int, default=None)
    given = parser.parse_args()
    pin(given.core)
    asyncio.run(_serve(Canned(given.rows), given.latency_ms / 1000))


if __name__ == "__main__":
    main()
