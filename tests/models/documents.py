"""Documents with names that no program would have chosen, and modules made of documents."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from uuid import uuid4
from xml.sax.saxutils import quoteattr

from creatio_async.protocol.odata.metadata import read_schema
from creatio_async.protocol.odata.schema import Schema

__all__ = [
    "ODD",
    "WORDS",
    "annotated",
    "imported",
    "lookups",
    "odd_schema",
    "properties",
    "schema_of",
]

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"

ODD = (
    *("class", "None", "True", "def", "async", "match", "type", "print", "self", "cls"),
    *("UUID", "datetime", "date", "int", "str", "list", "Any", "UNSET", "column", "Decimal"),
    *("Model", "ModelWith", "Columns", "ColumnOf", "ManyOf", "Enum", "annotations"),
    *("__init__", "__class__", "__entity_set__", "__way__", "_x", "__x", "x", "x_", "_", "__"),
    *("1C", "a-b", "a_b", "a b", "a.b", "a/b", "Имя", "姓名", "ﬁ", "fi", "é", "e\u0301"),
    *("a'b", 'a"b', "a'\"b", "back\\slash", "{brace}", "%s", '"""', "name", "value", "mro"),
    "N" * 100,
)


WORDS = (
    'He said "no", and """three""" times',
    '"',
    '""',
    '""" + __import__("os").abort() + """',
    "back\\slash and \\",
    '\\"""',
    "one\ntwo\n\n\nthree\tfour",
    "\a bell, \u202e the other way, \u2028 a line",
    "Имя контакта: фамилия, имя и отчество",
    "date int UUID {brace} %s #: noqa",
    "word " * 60,
    "w" * 200,
    "''' '",
)
"""What may stand in a description."""


def annotated(words: str, term: str = "Org.OData.Core.V1.Description") -> str:
    """Return CSDL of an annotation that describes the element it stands in."""
    text = quoteattr(words, {"\n": "&#10;", "\t": "&#9;"}).replace("\a", " ")
    return f'<Annotation Term="{term}" String={text}/>'


def schema_of(types: Mapping[str, str], more: str = "") -> Schema:
    """Return the schema of a service with entity types of such contents; *more* is CSDL, too."""
    sets = "".join(
        f"<EntitySet Name={quoteattr(name)} EntityType={quoteattr('N.' + name)}/>" for name in types
    )
    kinds = "".join(
        f"<EntityType Name={quoteattr(name)}>"
        '<Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Guid"/>'
        f"{content}</EntityType>"
        for name, content in types.items()
    )
    return read_schema(
        f'<edmx:Edmx Version="4.0" xmlns:edmx="{_EDMX}"><edmx:DataServices>'
        f'<Schema Namespace="N" xmlns="{_EDM}">{kinds}{more}'
        f'<EntityContainer Name="C">{sets}</EntityContainer></Schema>'
        "</edmx:DataServices></edmx:Edmx>".encode()
    )


def properties(names: Iterable[str], kind: str = "Edm.String") -> str:
    """Return CSDL of properties."""
    return "".join(f'<Property Name={quoteattr(name)} Type="{kind}"/>' for name in names)


def lookups(targets: Mapping[str, str]) -> str:
    """Return CSDL of lookups: their names, and the entity types that they lead to."""
    return "".join(
        f'<Property Name={quoteattr(name + "Id")} Type="Edm.Guid"/>'
        f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr('N.' + target)}/>"
        f"<NavigationProperty Name={quoteattr(name + 'Many')} "
        f"Type={quoteattr(f'Collection(N.{target})')}/>"
        for name, target in targets.items()
    )


def odd_schema() -> Schema:
    """Return a schema in which everything has every odd name."""
    every = properties(ODD) + lookups({f"{a}L": b for a, b in zip(ODD, reversed(ODD), strict=True)})
    members = "".join(f"<Member Name={quoteattr(name)}/>" for name in ODD)
    more = (
        f'<EnumType Name="Color">{members}</EnumType>'
        f'<EnumType Name="Marks" IsFlags="true">{members}</EnumType>'
        f'<ComplexType Name="Address">{properties(ODD)}</ComplexType>'
        f'<EntityType Name="Other">{every}</EntityType>'
    )
    kinds = '<Property Name="Color" Type="N.Color"/><Property Name="Marks" Type="N.Marks"/>'
    kinds += '<Property Name="Address" Type="N.Address"/>'
    kinds += '<Property Name="Colors" Type="Collection(N.Color)"/>'
    kinds += '<Property Name="Place" Type="Edm.GeographyPoint"/>'
    kinds += '<Property Name="Code" Type="Edm.String" MaxLength="1" Nullable="false"/>'
    kinds += annotated("\n\n".join(WORDS))
    kinds += "".join(
        f'<Property Name="{name}{number}" {facets}>{annotated(words)}</Property>'
        for number, words in enumerate(WORDS)
        for name, facets in {
            "Said": 'Type="Edm.String" MaxLength="5"',
            "Just": 'Type="Edm.Int32"',
        }.items()
    )
    return schema_of({**dict.fromkeys(ODD, every), "Color": kinds}, more)


@contextmanager
def imported(source: str) -> Iterator[ModuleType]:
    """Give a module with that text, which can be found by its name as long as the block lasts."""
    module = ModuleType(f"made_{uuid4().hex}")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, f"{module.__name__}.py", "exec"), vars(module))  # noqa: S102 - ours
        yield module
    finally:
        del sys.modules[module.__name__]
