"""Answers that are broken, cut and put together at random; no input may surprise the reader.

Run: ``python -X dev -m pytest tests/fuzz -m fuzz -s -p no:cacheprovider``

``CREATIO_FUZZ_SECONDS`` is how long each target runs (20 by default); ``CREATIO_FUZZ_SEED`` is the
number of the first case, for running a case again that a failure named. Every case has a seed of
its own, one more than the one before.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from creatio_async.errors import BatchError
from creatio_async.protocol.batch.heads import MultipartError
from creatio_async.protocol.batch.multipart import Limits, Part, Reader
from creatio_async.protocol.batch.multipartbatch import decode
from tests.fuzz.wires import OUTER, REQUEST, Ways, response, some_groups, some_said, wire

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0)]

SECONDS = float(os.environ.get("CREATIO_FUZZ_SECONDS", "20"))
FIRST = int(os.environ.get("CREATIO_FUZZ_SEED", "0")) or random.SystemRandom().randrange(10**9)
NAMES: list[Callable[[str], str]] = [str, str.lower, str.upper]
LIMITS = Limits(head=300, parts=20, total=20_000)


def cases(name: str) -> Iterator[tuple[int, random.Random]]:
    """Give seeds, and a source of chance for each, until the time is over."""
    until = time.monotonic() + SECONDS
    seed = FIRST
    for seed in count(FIRST):
        if time.monotonic() > until:
            break
        yield seed, random.Random(seed)  # noqa: S311 - no secret
    sys.stdout.write(f"\n{name}: seeds {FIRST} to {seed - 1}\n")


def some_wire(draw: random.Random) -> tuple[bytes, list[str | None]]:
    """Return an answer, and the groups of the operations."""
    groups = some_groups(draw, draw.randrange(1, 8))
    ways = Ways(
        newline=draw.choice([b"\r\n", b"\n"]),
        content_id=draw.choice(["part", "inner", "none"]),
        nested=draw.random() < 0.7,
        closing=draw.random() < 0.8,
        length=draw.random() < 0.3,
        padding=draw.choice([b"", b" ", b"\t \t"]),
        preamble=draw.choice([b"", b"This is a multipart."]),
        epilogue=draw.choice([b"", b"The end.", f"--{OUTER}\r\n".encode()]),
        name=draw.choice(NAMES),
    )
    return wire([some_said(draw) for _ in groups], groups, ways), groups


def broken(draw: random.Random, body: bytes) -> bytes:
    """Return *body* with some bytes changed, lost, doubled, or put elsewhere."""
    changed = bytearray(body)
    for _ in range(draw.randrange(6)):
        at = draw.randrange(len(changed) + 1)
        to = min(len(changed), at + draw.randrange(40))
        match draw.randrange(5):
            case 0:
                changed[at:to] = b""
            case 1:
                changed[at:at] = changed[at:to]
            case 2:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 3:
                changed[at:at] = draw.choice([
                    b"\r\n",
                    b"\n",
                    b"\r",
                    b"--",
                    f"\n--{OUTER}".encode(),
                    b": ",
                    b"\r\n\r\n",
                    b"\x00",
                ])
            case _:
                del changed[at + draw.randrange(200) :]
    return bytes(changed)


def outcome(body: bytes, chunks: Callable[[bytes], Iterator[bytes]]) -> list[Part] | None:
    """Return the parts of *body*; None where the reader refuses it."""
    reader = Reader(OUTER, LIMITS)
    parts: list[Part] = []
    try:
        for chunk in chunks(body):
            parts += reader.feed(chunk)
        return parts + reader.close()
    except MultipartError:
        return None


def test_however_a_broken_answer_is_cut_its_parts_are_the_same() -> None:
    for seed, draw in cases("cuts"):
        body = broken(draw, some_wire(draw)[0])

        def cut(data: bytes, draw: random.Random = draw) -> Iterator[bytes]:
            at = 0
            while at < len(data):
                size = draw.choice([1, 1, 2, 3, 7, 50, 400])
                yield data[at : at + size]
                at += size

        whole = outcome(body, lambda data: iter([data]))
        assert outcome(body, cut) == whole, f"CREATIO_FUZZ_SEED={seed}"


def test_a_broken_answer_is_read_or_refused_and_nothing_else() -> None:
    for seed, draw in cases("decode"):
        body, groups = some_wire(draw)
        body = broken(draw, body)
        try:
            answers = decode(len(groups), REQUEST, response(body), groups=groups)
        except BatchError:
            continue
        except Exception as error:
            raise AssertionError(f"CREATIO_FUZZ_SEED={seed}") from error
        assert len(answers) == len(groups), f"CREATIO_FUZZ_SEED={seed}"
        assert all(item is None or 100 <= item["status"] <= 999 for item in answers)


def test_what_a_cut_answer_gives_is_what_the_whole_one_gives_or_nothing() -> None:
    for seed, draw in cases("truncation"):
        body, groups = some_wire(draw)
        whole = decode(len(groups), REQUEST, response(body), groups=groups)
        size = draw.randrange(len(body))
        try:
            cut = decode(len(groups), REQUEST, response(body[:size]), groups=groups)
        except BatchError:
            continue
        for item, full in zip(cut, whole, strict=True):
            assert item is None or item == full, f"CREATIO_FUZZ_SEED={seed}"
        assert cut.cut_off or cut == whole, f"CREATIO_FUZZ_SEED={seed}"
