"""Navigation in CSDL 1 to 3: from a role of an association to the other one."""

from collections.abc import Iterator
from itertools import permutations

from attrs import define, frozen

from creatio_async.protocol.odata.csdl import (
    Association,
    Document,
    Facets,
    References,
    as_dict,
    name_of,
)

__all__ = ["Associations", "End"]


@frozen
class _Way:
    """From which role of which association to which."""

    association: str
    start: str
    end: str


@frozen
class End:
    """What an association tells of a navigation property, as CSDL 4 has it."""

    target: str
    is_collection: bool
    nullable: bool
    partner: str
    constraints: tuple[tuple[str, str], ...]


@define
class Associations:
    """The associations of a document, and the ways that its navigation properties take."""

    _associations: dict[str, Association]
    _references: References
    _ways: dict[str, dict[str, _Way]]
    """By the full name of a type, and the name of the navigation property."""
    _partners: dict[_Way, str]
    _names: dict[str, dict[_Way, str]]
    """The other way round: by the type, and what the navigation property goes through."""
    _bindings: dict[str, list[tuple[_Way, str]]]
    """Where ways lead from an entity set, by its name."""

    @classmethod
    def of(cls, document: Document, references: References) -> "Associations":
        """Return those of *document*."""
        ways: dict[str, dict[str, _Way]] = {}
        for element in document.types if document.associations else ():
            own = ways.setdefault(f"{element.namespace}.{element.name}", {})
            own.update(_ways(element.navigations, references))
        partners = {way: name for own in ways.values() for name, way in own.items()}
        names = {kind: {way: name for name, way in own.items()} for kind, own in ways.items()}
        bindings: dict[str, list[tuple[_Way, str]]] = {}
        for each in document.association_sets:
            association, _ = references[each.association]
            for (start, source), (end, target) in permutations(each.sets.items(), 2):
                way = _Way(association, start, end)
                bindings.setdefault(source, []).append((way, target))
        return cls(document.associations, references, ways, partners, names, bindings)

    def end(self, type_name: str, navigation: str) -> End | None:
        """Return what is known of a navigation property; None where no association tells it."""
        way = self._ways.get(type_name, {}).get(navigation)
        association = self._associations.get(way.association) if way else None
        if way is None or association is None or way.end not in association.ends:
            return None
        kind, multiplicity = association.ends[way.end]
        pairs = zip(association.dependent_columns, association.principal_columns, strict=False)
        return End(
            target=self._references[kind][0],
            is_collection=multiplicity == "*",
            nullable=multiplicity != "1",
            partner=self._partners.get(_Way(way.association, way.end, way.start), ""),
            constraints=tuple(pairs) if way.start == association.dependent else (),
        )

    def bindings(self, type_name: str, entity_set: str) -> dict[str, str]:
        """Return the entity sets that the navigation properties of a type lead to from a set."""
        names = self._names.get(type_name, {})
        ways = self._bindings.get(entity_set, ())
        return {names[way]: target for way, target in ways if way in names}


def _ways(navigations: list[Facets], references: References) -> Iterator[tuple[str, _Way]]:
    for facets in navigations:
        given = as_dict(facets)
        if "Relationship" in given:
            association, _ = references[given["Relationship"]]
            way = _Way(association, given.get("FromRole", ""), given.get("ToRole", ""))
            yield name_of(given, "a NavigationProperty"), way
