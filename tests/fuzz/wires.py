"""Answers to a multipart batch, put together in every way that a server may choose."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from attrs import field, frozen
from yarl import URL

from creatio_async.messages import Headers, Request, Response

__all__ = ["OUTER", "REQUEST", "Said", "Ways", "response", "some_groups", "some_said", "wire"]

OUTER = "batchresponse_e17aace9"
REQUEST = Request(method="POST", url=URL("http://creatio.test/0/odata/$batch"))


@frozen
class Said:
    """What a server says to one operation."""

    status: int
    body: Any = None


@frozen(kw_only=True)
class Ways:
    """How it is written down."""

    newline: bytes = b"\r\n"
    content_id: str = "part"
    """``part``, ``inner``, or ``none``."""
    nested: bool = True
    closing: bool = True
    length: bool = False
    padding: bytes = b""
    preamble: bytes = b""
    epilogue: bytes = b""
    name: Callable[[str], str] = field(default=str)
    """Spells the names of header fields."""


def response(body: bytes, content_type: str = f"multipart/mixed; boundary={OUTER}") -> Response:
    """Return an answer with that *body*."""
    return Response(status=200, headers=Headers({"Content-Type": content_type}), body=body)


def wire(said: Sequence[Said], groups: Sequence[str | None], ways: Ways) -> bytes:
    """Return the body of an answer that says *said*; those of one group in one change set.

    Of a group that fails, the first failure stands for all.
    """
    lines = [ways.preamble] if ways.preamble else []
    outer = b"--" + OUTER.encode()
    inner, group = b"", None
    failed: dict[str | None, Said] = {}
    for each, its in zip(said, groups, strict=True):
        if its is not None and each.status >= 400:
            failed.setdefault(its, each)
    for number, (each, its) in enumerate(zip(said, groups, strict=True), 1):
        if failed.get(its, each) is not each:
            continue
        if inner and its != group:
            lines += [inner + b"--" + ways.padding] * ways.closing
            inner = b""
        if its is not None and its != group and ways.nested:
            inner = b"--changesetresponse_%d" % number
            field_name = ways.name("Content-Type").encode()
            lines += [
                outer + ways.padding,
                field_name + b": multipart/mixed; charset=x; boundary=" + inner[2:],
                b"",
            ]
        group = its
        lines += [(inner or outer) + ways.padding, *_part(number, each, ways)]
    if inner:
        lines += [inner + b"--"] * ways.closing
    lines += [outer + b"--" + ways.padding] * ways.closing
    return ways.newline.join(lines) + ways.newline + ways.epilogue


def _part(number: int, said: Said, ways: Ways) -> list[bytes]:
    is_text = isinstance(said.body, str)
    body = b""
    if said.body is not None:
        body = said.body.encode() if is_text else orjson.dumps(said.body)
    outside = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary"}
    inside: dict[str, str] = {"OData-Version": "4.0"}
    if ways.content_id != "none":
        (outside if ways.content_id == "part" else inside)["Content-ID"] = str(number)
    if body:
        inside["Content-Type"] = "text/plain" if is_text else "application/json; charset=utf-8"
    if ways.length:
        inside["Content-Length"] = str(len(body))
    return [
        *(f"{ways.name(name)}: {value}".encode() for name, value in outside.items()),
        b"",
        b"HTTP/1.1 %d Said so" % said.status,
        *(f"{ways.name(name)}: {value}".encode() for name, value in inside.items()),
        b"",
        body,
    ]


def some_said(draw: random.Random) -> Said:
    """Return what a server may say, made from *draw*."""
    if draw.random() < 0.3:
        return Said(204)
    text = "".join(
        draw.choice(["-", "--", OUTER, "x", " ", "é", "}"]) for _ in range(draw.randrange(6))
    )
    if draw.random() < 0.2:
        return Said(400, f"Bad: {text}")
    return Said(draw.choice([200, 201, 404]), {"Name": text, "Nested": [1, {"a": text}]})


def some_groups(draw: random.Random, count: int) -> list[str | None]:
    """Return a group or none for each of *count* operations, groups side by side."""
    groups: list[str | None] = []
    while len(groups) < count:
        size = draw.randrange(1, 4)
        group = f"g{len(groups)}" if draw.random() < 0.5 else None
        groups += [group] * size
    return groups[:count]
