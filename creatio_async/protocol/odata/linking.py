"""From the elements of a document to a `Schema`: names looked up, lookups paired.

Creatio tells no ReferentialConstraint; ``Account`` and ``AccountId`` belong together by their
names.
"""

from collections.abc import Container, Iterator
from sys import intern
from typing import Any

from attrs import evolve

from creatio_async.protocol.odata.associations import Associations
from creatio_async.protocol.odata.csdl import (
    Document,
    Facets,
    MetadataError,
    OperationElement,
    References,
    SetElement,
    TypeElement,
    as_dict,
    is_true,
    name_of,
)
from creatio_async.protocol.odata.descriptions import place_apart, said_of
from creatio_async.protocol.odata.feeds import FeedMapping, feed_mappings
from creatio_async.protocol.odata.schema import (
    ByName,
    ComplexType,
    EntitySet,
    EntityType,
    EnumType,
    NavigationProperty,
    Operation,
    OperationImport,
    Property,
    Schema,
    TypeDefinition,
)

__all__ = ["link"]

_LONGEST_LINE = 64
"""Types that may derive from one another."""

_MOST_INHERITED = 1_000_000
"""Inherited properties in all: each takes a place in the type that inherits it."""

_LONGEST_NUMBER = 20
"""Characters of a number at most: the least one of 64 bits has as many."""


def link(document: Document) -> Schema:
    """Return the schema that *document* tells. Of elements with the same name the last counts.

    Raises:
        MetadataError: A type derives from itself or from too many, or something has no name.
    """
    place_apart(document)
    linker = _Linker(document)
    types = linker.types()
    entities = {name: each for name, each in types.items() if isinstance(each, EntityType)}
    values = {name: each for name, each in types.items() if name not in entities}
    enums = {_full_name(each): linker.enum(each) for each in document.enums}
    definitions = {_full_name(each): linker.definition(each) for each in document.definitions}
    sets = {each.name: linker.entity_set(each) for each in document.sets}
    alone = {each.name for each in document.sets if each.is_singleton}
    imports = {
        each.name: OperationImport(
            name=each.name,
            operation=linker.references[each.operation][0],
            entity_set=each.entity_set,
        )
        for each in document.imports
    }
    return Schema(
        namespaces=tuple(dict.fromkeys(document.namespaces)),
        entity_types=ByName(entities, "entity type"),
        complex_types=ByName(values, "complex type"),
        enum_types=ByName(enums, "enum type"),
        type_definitions=ByName(definitions, "type definition"),
        operations=ByName(linker.operations(), "operation"),
        entity_sets=ByName({name: sets[name] for name in sets if name not in alone}, "entity set"),
        singletons=ByName({name: sets[name] for name in sets if name in alone}, "singleton"),
        operation_imports=ByName(imports, "operation import"),
    )


def _full_name(element: TypeElement | OperationElement) -> str:
    return intern(f"{element.namespace}.{element.name}")


class _Linker:
    """What is looked up while a schema is made of the elements of a document."""

    def __init__(self, document: Document) -> None:
        self.references = References(document.aliases)
        self._document = document
        self._elements = {_full_name(each): each for each in document.types}
        self._associations = Associations.of(document, self.references)
        self._types: dict[str, ComplexType] = {}
        self._properties: dict[tuple[Facets, str, bool], Property] = {}
        self._feeds: dict[Facets, tuple[FeedMapping, ...]] = {}
        self._inherited = 0

    def types(self) -> dict[str, ComplexType]:
        """Return entity and complex types, in the order of the document."""
        for name in self._elements:
            for each in reversed(self._line(name)):
                if each not in self._types:
                    self._types[each] = self._type(each)
        return {name: self._types[name] for name in self._elements}

    def _line(self, name: str) -> list[str]:
        """Return a type and those that it derives from, as far as the document tells them."""
        line = [name]
        while (base := self._base(line[-1])) in self._elements:
            if base in line:
                raise MetadataError(f"the type {base} derives from itself")
            if len(line) == _LONGEST_LINE:
                raise MetadataError(f"{name} derives from more than {_LONGEST_LINE} types")
            line.append(base)
        return line

    def _base(self, name: str) -> str:
        written = self._elements[name].given.get("BaseType")
        return self.references[written][0] if written else ""

    def _type(self, full_name: str) -> ComplexType:
        element, base_name = self._elements[full_name], self._base(full_name)
        base = self._types.get(base_name, _NO_BASE)
        row = base if isinstance(base, EntityType) else _NO_BASE
        keys = tuple(map(intern, element.keys)) or row.keys
        own = {_name(facets): facets for facets in element.properties}
        key_names = set(keys)
        self._count_inherited(len(base.properties) + len(base.navigations))
        columns = own.keys() | base.properties.keys() if base.properties else own.keys()
        navigations = dict(base.navigations)
        for place, facets in enumerate(element.navigations):
            constraints = tuple(element.constraints.get(place, ()))
            found = self._navigation(full_name, facets, constraints, columns)
            navigations[found.name] = found
        pairs = {each.column: name for name, each in navigations.items() if each.column}
        properties = {
            name: _paired(each, pairs.get(name, each.navigation))
            for name, each in base.properties.items()
        }
        for name, facets in own.items():
            properties[name] = self._property(facets, pairs.get(name, ""), is_key=name in key_names)
        common: dict[str, Any] = {
            "name": element.name,
            "namespace": intern(element.namespace),
            "base_type": base_name,
            "is_abstract": is_true(element.given.get("Abstract")),
            "is_open": is_true(element.given.get("OpenType")) or base.is_open,
            "properties": ByName(properties, "property"),
            "navigations": ByName(navigations, "navigation property"),
            "feed": (*base.feed, *self._feed(element)),
            **said_of(element.given),
        }
        if not element.is_entity:
            return ComplexType(**common)
        has_stream = element.has_stream or row.has_stream
        return EntityType(**common, keys=keys, has_stream=has_stream)

    def _feed(self, element: TypeElement) -> Iterator[FeedMapping]:
        if self._feeds:
            for facets in element.properties:
                yield from self._feeds.get(facets, ())
        yield from feed_mappings([part for pair in element.given.items() for part in pair])

    def _count_inherited(self, count: int) -> None:
        self._inherited += count
        if self._inherited > _MOST_INHERITED:
            raise MetadataError(f"more than {_MOST_INHERITED:,} inherited properties")

    def _property(self, facets: Facets, navigation: str = "", *, is_key: bool = False) -> Property:
        key = facets, navigation, is_key
        found = self._properties.get(key)
        if found is None:
            given = as_dict(facets)
            found = self._typed(given, name_of(given, "a Property"), navigation, is_key=is_key)
            self._properties[key] = found
            if mappings := tuple(feed_mappings(facets, found.name)):
                self._feeds[facets] = mappings
        return found

    def _typed(
        self, given: dict[str, str], name: str, navigation: str = "", *, is_key: bool = False
    ) -> Property:
        kind, is_collection = self.references[given.get("Type", "")]
        return Property(
            name=name,
            type=kind,
            is_collection=is_collection,
            nullable=not is_key and _unless_false(given.get("Nullable")),
            max_length=_number(given.get("MaxLength")),
            precision=_number(given.get("Precision")),
            scale=_number(given.get("Scale")),
            unicode=_unless_false(given.get("Unicode")),
            default=given.get("DefaultValue"),
            navigation=navigation,
            **said_of(given),
        )

    def _navigation(
        self,
        type_name: str,
        facets: Facets,
        constraints: tuple[tuple[str, str], ...],
        columns: Container[str],
    ) -> NavigationProperty:
        given = as_dict(facets)
        name = name_of(given, "a NavigationProperty")
        end = self._associations.end(type_name, name)
        if end is None:
            target, is_collection = self.references[given.get("Type", "")]
            nullable = _unless_false(given.get("Nullable"))
            partner = intern(given.get("Partner", ""))
        else:
            target, is_collection, nullable = end.target, end.is_collection, end.nullable
            partner, constraints = end.partner, end.constraints
        return NavigationProperty(
            name=name,
            target=target,
            is_collection=is_collection,
            nullable=nullable,
            partner=partner,
            column="" if is_collection else _column(name, constraints, columns),
            constraints=constraints,
            contains_target=is_true(given.get("ContainsTarget")),
            **said_of(given),
        )

    def enum(self, element: TypeElement) -> EnumType:
        """Return an enum type; a member without a value follows the one before."""
        members: dict[str, int] = {}
        following = 0
        for facets in element.properties:
            given = as_dict(facets)
            value = _number(given.get("Value"))
            value = following if value is None else value
            members[name_of(given, "a Member")] = value
            following = value + 1
        return EnumType(
            name=element.name,
            namespace=element.namespace,
            underlying=self.references[element.given.get("UnderlyingType", "Int32")][0],
            is_flags=is_true(element.given.get("IsFlags")),
            members=ByName(members, "member"),
            **said_of(element.given),
        )

    def definition(self, element: TypeElement) -> TypeDefinition:
        """Return a type definition."""
        given = {**element.given, "Type": element.given.get("UnderlyingType", "")}
        return TypeDefinition(
            name=element.name, namespace=element.namespace, underlying=self._typed(given, "")
        )

    def entity_set(self, element: SetElement) -> EntitySet:
        """Return an entity set or singleton."""
        kind = self.references[element.type][0]
        bindings: dict[str, str] = {}
        for each in reversed(self._line(kind) if kind in self._elements else ()):
            bindings |= self._associations.bindings(each, element.name)
        bindings |= element.bindings
        return EntitySet(name=element.name, type=kind, bindings=ByName(bindings, "binding"))

    def operations(self) -> dict[str, tuple[Operation, ...]]:
        """Return functions and actions by their full names."""
        found: dict[str, list[Operation]] = {}
        for element in self._document.operations:
            found.setdefault(_full_name(element), []).append(self._operation(element))
        return {name: tuple(overloads) for name, overloads in found.items()}

    def _operation(self, element: OperationElement) -> Operation:
        returns = element.returns
        parameters = [self._property(facets) for facets in element.parameters]
        return Operation(
            name=element.name,
            namespace=element.namespace,
            is_action=element.is_action,
            is_bound=element.is_bound,
            parameters=ByName({each.name: each for each in parameters}, "parameter"),
            returns=None if returns is None else self._typed(as_dict(returns), ""),
        )


_NO_BASE = EntityType(name="", namespace="")


def _name(facets: Facets) -> str:
    if len(facets) > 1 and facets[0] == "Name" and facets[1]:  # where everybody writes it
        return intern(facets[1])
    return name_of(as_dict(facets), "a Property")


def _column(name: str, constraints: tuple[tuple[str, str], ...], columns: Container[str]) -> str:
    """Return the property that holds the key of the row at the other end; empty for none."""
    if len(constraints) == 1 and constraints[0][0] in columns:
        return intern(constraints[0][0])
    by_name = f"{name}Id"
    return intern(by_name) if by_name in columns else ""


def _paired(each: Property, navigation: str) -> Property:
    return each if each.navigation == navigation else evolve(each, navigation=navigation)


def _unless_false(text: str | None) -> bool:
    return text is None or is_true(text)


def _number(text: str | None) -> int | None:
    if text is None or len(text) > _LONGEST_NUMBER or not text.isascii():
        return None
    return int(text) if text.removeprefix("-").isdigit() else None
