"""Classes for rows as the text of a Python module, made of what ``$metadata`` tells."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import define, field, frozen

from creatio_async.models.chosen import Chosen, choose
from creatio_async.models.docstrings import code_of, docstring, said_of
from creatio_async.models.naming import IMPORTED, IN_CLASSES, IN_ENUMS, Names
from creatio_async.protocol.odata.schema import (
    ComplexType,
    NavigationProperty,
    Property,
    Schema,
)

__all__ = ["MADE_BY", "source_of"]

MADE_BY: Final = "# Made by `creatio-async models`"
"""What the text begins with."""

_WIDTH: Final = 88
"""Characters of a line that every formatter leaves alone."""

_WORDS: Final = re.compile(r"\w+")
_TEXTS: Final = re.compile(r"""\"{3}.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")

_TYPES: Final = {
    "Edm.Binary": ("bytes", "bytes"),
    "Edm.Boolean": ("bool", "bool"),
    "Edm.Byte": ("int", "int"),
    "Edm.Date": ("date", "date"),
    "Edm.DateTime": ("datetime", "datetime | date"),
    "Edm.DateTimeOffset": ("datetime", "datetime | date"),
    "Edm.Decimal": ("Decimal", "Decimal | float"),
    "Edm.Double": ("float", "float"),
    "Edm.Duration": ("timedelta", "timedelta"),
    "Edm.Guid": ("UUID", "UUID | str"),
    "Edm.Int16": ("int", "int"),
    "Edm.Int32": ("int", "int"),
    "Edm.Int64": ("int", "int"),
    "Edm.SByte": ("int", "int"),
    "Edm.Single": ("float", "float"),
    "Edm.String": ("str", "str"),
    "Edm.Time": ("timedelta", "timedelta"),
    "Edm.TimeOfDay": ("time", "time"),
}
"""The type of a value, and what its column is compared with."""


def source_of(schema: Schema, entity_sets: Iterable[str] | None, origin: str) -> str:
    """Return a module with a class for each of *entity_sets*, or for all there are.

    The same schema gives the same text, in whatever order the sets are named. A navigation
    property is there where the class that it leads to is.

    Args:
        schema: What the service tells.
        entity_sets: Their names, those of their types, or those of Creatio's schemas.
        origin: Where the schema is from, for the first line.

    Raises:
        KeyError: There is no such entity set; the error proposes names that are like it.
    """
    body = list(_Module(schema, choose(schema, entity_sets)).lines())
    head = [
        f"{MADE_BY} from {' '.join(origin.split())}.",
        "# Make it again rather than change it: what is written here is replaced.",
        "# ruff: noqa",
        '"""Classes for the rows of a Creatio site."""',
        "",
        "from __future__ import annotations",
        "",
        *_imports(body),
    ]
    return "".join(f"{line}\n" for line in [*head, *body])


def _imports(body: Sequence[str]) -> Iterator[str]:
    used = {word for line in code_of(body) for word in _WORDS.findall(_TEXTS.sub("", line))}
    for module, names in IMPORTED.items():
        if module == "creatio_async":  # what is not of Python itself stands apart
            yield ""
        if wanted := [name for name in names if name in used]:
            yield f"from {module} import {', '.join(wanted)}"


@frozen
class _Line:
    """A field of a class, and the column of it."""

    name: str
    column: str
    type: str
    compared: str
    """The type in the class of columns."""
    paragraphs: Sequence[str] = ()
    """What there is to say of it."""


@define
class _Module:
    _schema: Schema
    _chosen: Chosen
    _hidden: set[str] = field(init=False, factory=set[str])
    """Classes that a field of a class has the name of."""

    def lines(self) -> Iterator[str]:
        """Give the text of the classes, without what they import."""
        chosen = self._chosen
        enums = sorted((name, kind) for kind, name in chosen.enums.items())
        for name, kind in enums:
            yield from self._enum(name, kind)
        for kind in sorted(chosen.names, key=lambda each: chosen.names[each].own):
            yield from self._class(kind)
        if self._hidden:
            yield from ("", "", "# In a class that has a field of the same name:")
            yield from (f"_{name} = {name}" for name in sorted(self._hidden))

    def _enum(self, name: str, kind: str) -> Iterator[str]:
        told = self._schema.enum_types[kind]
        yield from ("", "", f"class {name}(Enum):")
        yield from docstring([f"A value of the type `{_spoken(told.name)}`.", *said_of(told)])
        yield from _after_docstring(
            f"    {member} = {_quoted(wire)}"
            for wire, member in Names(IN_ENUMS).of_all(told.members).items()
        )

    def _class(self, kind: str) -> Iterator[str]:
        name, entity_set = self._chosen.names[kind], self._chosen.rows.get(kind)
        told = self._told(kind)
        lines = list(self._fields(told))
        yield from ("", "", _unwrapped(f"class {name.columns}(Columns):"))
        yield f'    """The columns of `{name.own}`."""'
        yield from _after_docstring(
            _unwrapped(f"    {each.name}: {each.compared}") for each in lines
        )
        yield from ("", "", _unwrapped(f"class {name.own}(ModelWith[{name.columns}]):"))
        if entity_set is None:
            first = f"A value of the type `{_spoken(told.name)}`."
        else:
            first = f"A row of the entity set `{_spoken(entity_set)}`."
        yield from docstring([first, *said_of(told), *_streams(told)])
        if entity_set is not None:
            yield from ("", _unwrapped(f"    __entity_set__ = {_quoted(entity_set)}"))
        yield from _after_docstring(text for each in lines for text in _assignment(each))

    def _told(self, kind: str) -> ComplexType:
        known = self._schema.entity_types
        return known[kind] if kind in known else self._schema.complex_types[kind]

    def _fields(self, told: ComplexType) -> Iterator[_Line]:
        """Give the fields of a class: a lookup after its column, and collections last."""
        properties = [each for each in told.properties.values() if not each.is_stream]
        known, others = self._chosen.names, told.navigations.values()
        navigations = [
            each for each in others if each.target in known and each.name not in told.properties
        ]
        beside = {each.column: each for each in navigations if each.column}
        ordered: list[Property | NavigationProperty] = []
        for one in properties:
            ordered.append(one)
            if one.name in beside:
                ordered.append(beside[one.name])
        ordered += [each for each in navigations if not each.column]
        names = Names(IN_CLASSES).of_all(each.name for each in ordered)
        taken = frozenset(names.values())
        for each in ordered:
            if isinstance(each, Property):
                yield self._property(each, names[each.name], taken)
            else:
                yield self._navigation(each, names[each.name], taken)

    def _navigation(self, told: NavigationProperty, name: str, taken: frozenset[str]) -> _Line:
        target = self._chosen.names[told.target]
        own, columns = self._seen(target.own, taken), self._seen(target.columns, taken)
        if told.is_collection:
            return _Line(name, told.name, f"list[{own}]", f"ManyOf[{columns}]", said_of(told))
        return _Line(name, told.name, f"{own} | None", columns, said_of(told))

    def _property(self, told: Property, name: str, taken: frozenset[str]) -> _Line:
        kind, compared = self._types(told.type, taken)
        paragraphs = said_of(told)
        if told.is_collection:
            kind, compared = f"list[{kind}]", "ColumnOf[Any]"
        elif told.nullable and kind != "Any":
            kind = f"{kind} | None"
        if told.max_length and told.type in {"Edm.String", "Edm.Binary"}:
            counted = "character" if told.type == "Edm.String" else "byte"
            plural = "" if told.max_length == 1 else "s"
            paragraphs.append(f"{told.max_length:,} {counted}{plural} at most.")
        return _Line(name, told.name, kind, compared, paragraphs)

    def _types(self, kind: str, taken: frozenset[str]) -> tuple[str, str]:
        """Return the type of a value in a row, and that of its column."""
        schema, chosen = self._schema, self._chosen
        if kind in schema.type_definitions:
            kind = schema.type_definitions[kind].underlying.type
        if kind in chosen.names:
            name = chosen.names[kind]
            return self._seen(name.own, taken), self._seen(name.columns, taken)
        if kind in chosen.enums:
            several = schema.enum_types[kind].is_flags
            own = "str" if several else self._seen(chosen.enums[kind], taken)
            return own, "ColumnOf[EnumMember]"
        own, compared = _TYPES.get(kind, ("Any", "Any"))
        return own, f"ColumnOf[{compared}]"

    def _seen(self, name: str, taken: frozenset[str]) -> str:
        """Return a name of a class that stands for it where fields have the names *taken*."""
        if name not in taken:
            return name
        self._hidden.add(name)
        return f"_{name}"


def _streams(told: ComplexType) -> Iterator[str]:
    streams = [each.name for each in told.properties.values() if each.is_stream]
    if streams:
        named = ", ".join(f"`{_spoken(name)}`" for name in streams)
        yield f"Streams, which have no field: {named}."


def _after_docstring(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == 0:
            yield ""
        yield line


def _assignment(line: _Line) -> Iterator[str]:
    value = "UNSET" if line.name == line.column else f"column({_quoted(line.column)})"
    yield _unwrapped(f"    {line.name}: {line.type} = {value}")
    if line.paragraphs:
        yield from docstring(line.paragraphs)


def _unwrapped(line: str) -> str:
    """Return *line* so that no formatter breaks it: not in the middle of an annotation."""
    width = sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line)
    return line if width <= _WIDTH else f"{line}  # fmt: skip"


def _quoted(text: str) -> str:
    """Return *text* as a literal, with the quotes that formatters choose."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_sign(each, quote) for each in text) + quote


def _sign(sign: str, quote: str) -> str:
    if sign in {quote, "\\"}:
        return f"\\{sign}"
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


def _spoken(text: str) -> str:
    """Return *text* as it can stand in a docstring."""
    return "".join(each if each.isprintable() and each not in '"\\' else "_" for each in text)
