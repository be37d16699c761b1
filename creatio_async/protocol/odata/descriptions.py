"""What a document says of its elements in words, in whichever of the forms that there are.

CSDL 4 has annotations with terms of Org.OData.Core.V1, in the element or in a block that names its
target; CSDL 1 to 3 has ``Documentation``; SAP's vocabulary, which others use as well, attributes.
The words are kept among the attributes of the element, under keys that no attribute can have.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from creatio_async.protocol.odata.csdl import Document, TypeElement, as_dict

__all__ = ["TEXT", "described", "of_navigation", "of_property", "of_type", "place_apart", "said_of"]

_SHORT, _LONG = " short", " long"
_TERMS = {
    "Org.OData.Core.V1.Description": _SHORT,
    "Org.OData.Core.V1.LongDescription": _LONG,
}
_SAP = "http://www.sap.com/Protocols/SAPData"
_LABEL, _INFO = f"{_SAP} label", f"{_SAP} quickinfo"
_KEYS = frozenset({_SHORT, _LONG, _LABEL, _INFO})
_NOTHING: dict[str, str] = {}

Place: TypeAlias = "Callable[[Document, str, str], None]"
"""Keeps words under a key, for the element that is being read."""
Steps: TypeAlias = "dict[str, Callable[[Document, list[str]], Steps]]"

TEXT: Steps = {}
"""What a step returns for an element whose text is wanted: that is given to the hearer."""


def of_type(document: Document, key: str, words: str) -> None:
    """Keep words about the last entity type or complex type."""
    document.types[-1].given[key] = words


def of_property(document: Document, key: str, words: str) -> None:
    """Keep words about the last property."""
    properties = document.types[-1].properties
    properties[-1] = document.facets([*properties[-1], key, words])


def of_navigation(document: Document, key: str, words: str) -> None:
    """Keep words about the last navigation property."""
    navigations = document.types[-1].navigations
    navigations[-1] = (*navigations[-1], key, words)


def described(place: Place) -> Steps:
    """Return the elements in which an element is described."""

    def annotation(document: Document, attributes: list[str]) -> Steps:
        given = as_dict(attributes)
        namespace, _, term = given.get("Term", "").rpartition(".")
        key = _TERMS.get(f"{document.aliases.get(namespace, namespace)}.{term}")
        if key is None or "Qualifier" in given:  # with one it is for some readers only
            return {}
        if "String" in given:
            place(document, key, given["String"])
            return {}
        return {"String": words(key)}

    def words(key: str) -> Callable[[Document, list[str]], Steps]:
        def step(document: Document, _: list[str]) -> Steps:
            document.hearer = lambda text: place(document, key, text)
            return TEXT

        return step

    documentation: Steps = {"Summary": words(_SHORT), "LongDescription": words(_LONG)}
    return {"Annotation": annotation, "Documentation": lambda _document, _attributes: documentation}


def said_of(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is said of an element with these attributes, as fields of the schema."""
    if _KEYS.isdisjoint(given):
        return _NOTHING
    short, long = given.get(_SHORT) or given.get(_LABEL), given.get(_LONG) or given.get(_INFO)
    return {"description": (short or "").strip(), "long_description": (long or "").strip()}


def place_apart(document: Document) -> None:
    """Give the words in blocks apart to the elements that they are about."""
    if not document.apart:
        return
    types = {f"{each.namespace}.{each.name}": each for each in (*document.types, *document.enums)}
    for target, key, words in document.apart:
        path, _, member = target.partition("/")
        namespace, _, name = path.rpartition(".")
        element = types.get(f"{document.aliases.get(namespace, namespace)}.{name}")
        if element is None:
            continue
        if not member:
            element.given.setdefault(key, words)
        else:
            _place_within(document, element, member, (key, words))


def _place_within(
    document: Document, element: TypeElement, name: str, said: tuple[str, str]
) -> None:
    for several in (element.properties, element.navigations):
        for at, facets in enumerate(several):
            given = as_dict(facets)
            if given.get("Name") == name and said[0] not in given:
                several[at] = document.facets([*facets, *said])
