"""What reading a page of OData 3 costs, in Atom and in verbose JSON, against code written for it.

Usage: python benchmarks/atom.py [ENTRIES]

Makes a page of 500 entries (or ENTRIES) with 52 properties and 16 links each, as Creatio has them
for a contact, the same in every run. In Atom the floor is lxml's ``iterparse`` over the elements
of properties alone, with the conversions that the columns need and without a look at links, at the
next page, at errors or at bounds. In verbose JSON it is orjson, and a pass that knows which columns
to touch. Both give the same rows as the library, and run in turns with it, so that a busy moment of
the machine meets both; printed are medians of processor time and the ratios. Exits with 1 where
reading Atom takes longer than 1.5 times its floor, or verbose JSON longer than 1.8 times.
"""

import random
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from statistics import median
from time import process_time
from typing import Any
from uuid import UUID

import orjson
from lxml import etree

from creatio_async.protocol.odata3.atom import read_atom
from creatio_async.protocol.odata3.verbose import read_verbose

ENTRIES = 500
RUNS = 11
BOUNDS = {"Atom": 1.5, "verbose JSON": 1.8}
"""Times the floor, for a page of `ENTRIES`."""

COLUMNS = 52
LINKS = 16

_ATOM = "http://www.w3.org/2005/Atom"
_DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
_BASE = "https://crm.test/0/ServiceModel/EntityDataService.svc/"
_OTHERS = ("Edm.DateTime", "Edm.Boolean", "Edm.Int32", "Edm.Decimal")
_TEXTS = ("", "Mary King & Co", "a text of some length, as people write it")

Row = dict[str, Any]


def types() -> dict[str, str]:
    """Return the types of the columns: a third guids, a third texts."""
    kinds = (("Edm.Guid", "Edm.String", _OTHERS[at // 3 % 4])[at % 3] for at in range(COLUMNS))
    return {f"Column{at}": kind for at, kind in enumerate(kinds)}


def rows(entries: int = ENTRIES) -> list[Row]:
    """Return the rows as they are to be read."""
    draw = random.Random(1)  # noqa: S311 - no secret
    return [{name: _value(draw, kind) for name, kind in types().items()} for _ in range(entries)]


def _value(draw: random.Random, kind: str) -> Any:
    match kind:
        case "Edm.Guid":
            return str(UUID(int=draw.getrandbits(128)))
        case "Edm.String":
            return draw.choice(_TEXTS)
        case "Edm.DateTime":
            return f"2017-03-30T14:50:{draw.randrange(10, 60)}.123Z"
        case "Edm.Boolean":
            return draw.random() < 0.5
        case "Edm.Int32":
            return draw.randrange(1000)
        case _:
            return draw.randrange(1000) + 0.25


def _text(value: Any, kind: str) -> str:
    if kind == "Edm.DateTime":
        return str(value).removesuffix("Z")
    return str(value).lower() if kind == "Edm.Boolean" else str(value).replace("&", "&amp;")


def atom(given: list[Row]) -> bytes:
    """Return the page in Atom."""
    head = (
        f'<?xml version="1.0" encoding="utf-8"?><feed xml:base="{_BASE}" xmlns="{_ATOM}" '
        f'xmlns:d="{_DATA}" xmlns:m="{_DATA}/metadata"><id>{_BASE}ContactCollection</id>'
        '<title type="text">ContactCollection</title><updated>2020-04-09T11:25:13Z</updated>'
        '<link rel="self" title="ContactCollection" href="ContactCollection"/>'
    )
    return "".join([head, *(part for row in given for part in _entry(row)), "</feed>"]).encode()


def _entry(row: Row) -> Iterator[str]:
    place = f"ContactCollection(guid'{row['Column0']}')"
    yield f'<entry><id>{_BASE}{place}</id><category term="Terrasoft.Configuration.Contact" '
    yield f'scheme="{_DATA}/scheme"/><link rel="edit" title="Contact" href="{place}"/>'
    for at in range(LINKS):
        yield f'<link rel="{_DATA}/related/Way{at}" type="application/atom+xml;type=entry" '
        yield f'title="Way{at}" href="{place}/Way{at}"/>'
    yield "<title/><updated>2020-04-09T11:25:13Z</updated><author><name/></author>"
    yield '<content type="application/xml"><m:properties>'
    for name, kind in types().items():
        typed = "" if kind == "Edm.String" else f' m:type="{kind}"'
        yield f"<d:{name}{typed}>{_text(row[name], kind)}</d:{name}>"
    yield "</m:properties></content></entry>"


def verbose(given: list[Row]) -> bytes:
    """Return the page in verbose JSON."""
    return orjson.dumps({"d": {"results": [_object(row) for row in given]}})


def _object(row: Row) -> Row:
    place = f"{_BASE}ContactCollection(guid'{row['Column0']}')"
    told: Row = {"__metadata": {"uri": place, "type": "Terrasoft.Configuration.Contact"}}
    as_text = {"Edm.DateTime", "Edm.Decimal"}
    for name, kind in types().items():
        told[name] = _text(row[name], kind) if kind in as_text else row[name]
    for at in range(LINKS):
        told[f"Way{at}"] = {"__deferred": {"uri": f"{place}/Way{at}"}}
    return told


_CONVERT: dict[str, Callable[[str], Any]] = {
    "Edm.Guid": str.lower,
    "Edm.DateTime": "{}Z".format,
    "Edm.Boolean": "true".__eq__,
    "Edm.Int32": int,
    "Edm.Decimal": float,
}


def atom_by_lxml(body: bytes) -> list[Row]:
    """Return the rows of a page in Atom, with lxml."""
    found: list[Row] = []
    kind_of, null, skip = f"{{{_DATA}/metadata}}type", f"{{{_DATA}/metadata}}null", len(_DATA) + 2
    names: dict[str, str] = {}
    for _, properties in etree.iterparse(BytesIO(body), tag=f"{{{_DATA}/metadata}}properties"):
        row: Row = {}
        for element in properties:
            tag, text = element.tag, element.text
            name = names.get(tag) or names.setdefault(tag, tag[skip:])
            if text is None:
                row[name] = None if element.get(null) == "true" else ""
            else:
                kind = element.get(kind_of)
                row[name] = text if kind is None else _CONVERT[kind](text)
        found.append(row)
        properties.clear()
    return found


def verbose_by_hand(body: bytes) -> list[Row]:
    """Return the rows of a page in verbose JSON, with orjson."""
    found: list[Row] = orjson.loads(body)["d"]["results"]
    dates = [name for name, kind in types().items() if kind == "Edm.DateTime"]
    numbers = [name for name, kind in types().items() if kind == "Edm.Decimal"]
    dropped = ["__metadata", *(name for name, value in found[0].items() if isinstance(value, dict))]
    dropped = list(dict.fromkeys(dropped))
    for row in found:
        for name in dropped:
            del row[name]
        for name in dates:
            row[name] += "Z"
        for name in numbers:
            row[name] = float(row[name])
    return found


def seconds(call: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    began = process_time()
    call()
    return process_time() - began


def _times(
    floor: Callable[[], object], ours: Callable[[], object], runs: int
) -> tuple[list[float], list[float]]:
    """Return the times of both. Who comes first changes: what is freed before costs the next."""
    floors: list[float] = []
    others: list[float] = []
    pair = [(floor, floors), (ours, others)]
    for _ in range(runs):
        for read, measured in pair:
            measured.append(seconds(read))
        pair.reverse()
    return floors, others


def main(entries: int = ENTRIES, runs: int = RUNS) -> int:
    """Measure and print; return the exit code."""
    wanted, known = rows(entries), types()
    xml, json = atom(wanted), verbose(wanted)
    contest: dict[str, tuple[Callable[[], list[Row]], Callable[[], list[Row]]]] = {
        "Atom": (lambda: atom_by_lxml(xml), lambda: read_atom(xml).rows),
        "verbose JSON": (
            lambda: verbose_by_hand(json),
            lambda: read_verbose(json, types=known).rows,
        ),
    }
    assert all(read() == wanted for pair in contest.values() for read in pair)
    times = {form: _times(*pair, runs) for form, pair in contest.items()}
    print(f"{entries:,} entries of {COLUMNS} properties and {LINKS} links")
    slow = False
    for form, (floor, ours) in times.items():
        ratio = median(ours) / median(floor)
        size = len(xml if form == "Atom" else json) / 1e6
        print(
            f"{form}, {size:.1f} MB: {median(ours) * 1000:.1f} ms, "
            f"floor {median(floor) * 1000:.1f} ms, ratio {ratio:.2f}"
        )
        if ratio > BOUNDS[form]:
            print(f"slower than {BOUNDS[form]} times the floor")
            slow = True
    return int(slow)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
