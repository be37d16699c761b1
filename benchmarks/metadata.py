"""What reading a ``$metadata`` costs beyond parsing its XML.

Usage: python benchmarks/metadata.py [TYPES]

Makes a document of 1,800 entity types (or TYPES) in the shape that Creatio sends, 5.5 MB, the
same in every run; prints the median processor time of reading it into a `Schema`, and its ratio
to a bare expat pass over the same bytes, whose handlers do nothing. Both run in turns, so that a
busy moment of the machine meets both. Exits with 1 where reading takes longer than the bound,
0.6 s for 1,800 types.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import process_time
from xml.parsers import expat

from creatio_async.protocol.odata.metadata import SchemaReader
from creatio_async.protocol.odata.schema import Schema

TYPES = 1_800
RUNS = 9
BOUND = 0.6
"""Seconds of the processor, for `TYPES` types."""

PART = 64 * 1024
"""Bytes that come at once, about as a socket gives them."""

_NAMESPACE = "Terrasoft.Configuration.OData"
_AUDIT = ("CreatedBy", "ModifiedBy")


def document(types: int = TYPES) -> bytes:
    """Return the ``$metadata`` of a site with so many entity types."""
    names = [f"UsrSection{number}Object" for number in range(types)]
    return "".join([
        '<?xml version="1.0" encoding="utf-8"?>',
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
        "<edmx:DataServices>",
        f'<Schema Namespace="{_NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
        *(_entity_type(names, place) for place in range(types)),
        "</Schema>",
        '<Schema Namespace="Default" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
        '<EntityContainer Name="Container">',
        *(_entity_set(names, place) for place in range(types)),
        "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>",
    ]).encode()


def _lookups(names: list[str], place: int) -> list[tuple[str, str]]:
    """Return the lookups of a type: the name of each, and the type that it points to."""
    near = [names[(place * 7 + step * 13) % len(names)] for step in range(place % 5)]
    targets = dict.fromkeys(near)
    return [*((each, names[0]) for each in _AUDIT), *((each, each) for each in targets)]


def _entity_type(names: list[str], place: int) -> str:
    name, kinds = names[place], ("Edm.String", "Edm.Int32", "Edm.Decimal", "Edm.Boolean")
    lines = [
        f'<EntityType Name="{name}"><Key><PropertyRef Name="Id" /></Key>',
        '<Property Name="Id" Type="Edm.Guid" />',
        '<Property Name="CreatedOn" Type="Edm.DateTimeOffset" />',
        '<Property Name="ModifiedOn" Type="Edm.DateTimeOffset" />',
        '<Property Name="Name" Type="Edm.String" Nullable="false" />',
        '<Property Name="ProcessListeners" Type="Edm.Int32" />',
    ]
    lines += [
        f'<Property Name="Usr{place % 97}Column{column}" Type="{kinds[column % 4]}" />'
        for column in range(place % 13 + 3)
    ]
    for lookup, target in _lookups(names, place):
        lines.append(f'<Property Name="{lookup}Id" Type="Edm.Guid" />')
        lines.append(
            f'<NavigationProperty Name="{lookup}" Type="{_NAMESPACE}.{target}" '
            f'Partner="{name}CollectionBy{lookup}" />'
        )
    for step in range(place % 7 + 3):
        child = names[(place + step * 31) % len(names)]
        lines.append(
            f'<NavigationProperty Name="{child}CollectionByUsrLookup{step}" '
            f'Type="Collection({_NAMESPACE}.{child})" Partner="UsrLookup{step}" />'
        )
    return "".join([*lines, "</EntityType>"])


def _entity_set(names: list[str], place: int) -> str:
    bindings = "".join(
        f'<NavigationPropertyBinding Path="{lookup}" Target="{target}" />'
        for lookup, target in _lookups(names, place)
    )
    name = names[place]
    return f'<EntitySet Name="{name}" EntityType="{_NAMESPACE}.{name}">{bindings}</EntitySet>'


def parts(whole: bytes) -> list[bytes]:
    """Return the document as it comes over the network."""
    return [whole[begin : begin + PART] for begin in range(0, len(whole), PART)]


def read(given: list[bytes]) -> Schema:
    """Read a document that comes in parts."""
    reader = SchemaReader()
    for part in given:
        reader.feed(part)
    return reader.close()


def bare(given: list[bytes]) -> None:
    """Parse a document and do nothing with it."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.ordered_attributes = True
    parser.StartElementHandler = lambda _name, _attributes: None
    parser.EndElementHandler = lambda _name: None
    for part in given:
        parser.Parse(part, False)  # noqa: FBT003 - expat's own signature
    parser.Parse(b"", True)  # noqa: FBT003 - as above


def seconds(call: Callable[[list[bytes]], object], given: list[bytes]) -> float:
    """Return the processor time of one call."""
    began = process_time()
    call(given)
    return process_time() - began


def main(types: int = TYPES, runs: int = RUNS) -> int:
    """Measure and print; return the exit code."""
    whole = document(types)
    given = parts(whole)
    ours: list[float] = []
    base: list[float] = []
    for _ in range(runs):
        base.append(seconds(bare, given))
        ours.append(seconds(read, given))
    ratio = median(ours) / median(base)
    print(f"{types:,} entity types, {len(whole) / 1e6:.1f} MB")
    print(f"bare expat: {median(base) * 1000:.0f} ms")
    print(f"Schema: {median(ours) * 1000:.0f} ms, {ratio:.1f} times that")
    bound = BOUND * types / TYPES
    if median(ours) > bound:
        print(f"slower than {bound * 1000:.0f} ms")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
