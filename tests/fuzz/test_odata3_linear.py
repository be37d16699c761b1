"""Documents of OData 3 made to be slow: four times the size takes about four times as long.

Run: ``python -X dev -m pytest tests/fuzz/test_odata3_linear.py -m fuzz -p no:cacheprovider``
"""

from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest

from creatio_async.protocol.odata3.answers import FormatError
from creatio_async.protocol.odata3.atom import read_atom
from creatio_async.protocol.odata3.documents import read_links
from creatio_async.protocol.odata3.verbose import read_verbose
from tests.fuzz.documents3 import ATOM, DATA

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(600)]

SPACES = f'xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{DATA}/metadata"'


def feed(entries: str) -> bytes:
    return f"<feed {SPACES}>{entries}</feed>".encode()


def entry(properties: str, before: str = "") -> str:
    return f"<entry>{before}<content><m:properties>{properties}</m:properties></content></entry>"


def link(inner: str) -> str:
    return f'<link rel="{DATA}/related/A"><m:inline>{inner}</m:inline></link>'


ATOMS: dict[str, Callable[[int], bytes]] = {
    "entities in a text": lambda n: feed(entry(f"<d:A>{'&amp;' * n}</d:A>")),
    "parts of a text": lambda n: feed(entry(f"<d:A>{'a<![CDATA[b]]><!---->' * n}</d:A>")),
    "parts of an item": lambda n: feed(
        entry(f"<d:A><d:element>{'a<?p?>&lt;' * n}</d:element></d:A>")
    ),
    "lines": lambda n: feed(entry("<d:A>" + "\r\n" * n + "</d:A>")),
    "columns": lambda n: feed(entry("".join(f"<d:A{at}>1</d:A{at}>" for at in range(n)))),
    "one column": lambda n: feed(entry("<d:A>1</d:A>" * n)),
    "items": lambda n: feed(entry(f"<d:A>{'<d:element>1</d:element>' * n}</d:A>")),
    "strange elements": lambda n: feed(entry("<x>" * n + "</x>" * n)),
    "strange siblings": lambda n: feed(entry(f"<d:A>1</d:A>{'<x><y/></x>' * n}")),
    "prefixes": lambda n: feed(
        entry("".join(f'<d:A xmlns:p{at}="u{at}">1</d:A>' for at in range(n)))
    ),
    "attributes": lambda n: feed(entry("<d:A " + " ".join(f"a{at}='1'" for at in range(n)) + "/>")),
    "links": lambda n: feed(entry("", link(entry("<d:B>1</d:B>")) * n)),
    "rows in rows": lambda n: feed(entry("", link(f"<feed>{entry('<d:B>1</d:B>') * n}</feed>"))),
    "a long number": lambda n: feed(entry(f'<d:A m:type="Edm.Decimal">{"0" * n}x</d:A>')),
    "a long date": lambda n: feed(entry(f'<d:A m:type="Edm.DateTime">{"2" * n}</d:A>')),
    "a tag without end": lambda n: f"<feed {SPACES}><a b='".encode() + b"x" * n * 10,
}

ROW = '"A%d":{"__deferred":{"uri":"x"}},"When":"2020-01-01T00:00:00"'
VERBOSES: dict[str, Callable[[int], bytes]] = {
    "rows of one column": lambda n: b'{"d":[%s]}' % ",".join(['{"A":"1"}'] * n).encode(),
    "rows that differ": lambda n: (
        b'{"d":[%s]}' % ",".join(f"{{{ROW % at}}}" for at in range(n)).encode()
    ),
    "dates but for the last": lambda n: (
        b'{"d":[%s{"A":"x"}]}' % ('{"A":"2020-01-01T00:00:00.1234567"},' * n).encode()
    ),
    "rows in rows": lambda n: (
        b'{"d":[{"A":{"results":[%s]}}]}' % ",".join(['{"B":{"C":1}}'] * n).encode()
    ),
    "a long text": lambda n: b'{"d":{"A":"%s"}}' % (b"2020-01-01T00:00:00" * n),
}

LINKS: dict[str, Callable[[int], bytes]] = {
    "links": lambda n: f'<links xmlns="{DATA}">{"<uri>X(1)</uri>" * n}</links>'.encode(),
    "one link": lambda n: f'<uri xmlns="{DATA}">{"&amp;" * n}</uri>'.encode(),
}


def seconds(read: Callable[[bytes], object], body: bytes) -> float:
    best = float("inf")
    for _ in range(3):
        began = process_time()
        with suppress(FormatError):
            read(body)
        best = min(best, process_time() - began)
    return best


@pytest.mark.parametrize(
    ("read", "made"),
    [
        pytest.param(read, made, id=f"{read.__name__}: {name}")
        for read, documents in ((read_atom, ATOMS), (read_verbose, VERBOSES), (read_links, LINKS))
        for name, made in documents.items()
    ],
)
def test_the_time_grows_with_the_size_and_no_faster(
    read: Callable[[bytes], object], made: Callable[[int], bytes]
) -> None:
    small = seconds(read, made(10_000))
    large = seconds(read, made(40_000))
    assert large < 10 * small + 0.02  # 16 times, if it grew with the square
