"""What OData 3 tells of a row beside its values, under the names that OData 4 has for it."""

from collections.abc import Mapping
from typing import Final

from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.odata3.answers import Row, absolute
from creatio_async.protocol.odata3.vocabulary import DATA

__all__ = [
    "link_annotations",
    "metadata_annotations",
    "navigation_of",
    "relation_of",
    "stream_annotations",
]

_REGISTERED: Final = "http://www.iana.org/assignments/relation/"
"""What stands before a registered relation where it is written in full. Source: RFC 4287,
4.2.7.2."""

_OF_ROW: Final = {
    "edit": "@odata.editLink",
    "self": "@odata.readLink",
    "edit-media": "@odata.mediaEditLink",
}
_OF_COLUMN: Final = {
    "related": "@odata.navigationLink",
    "relatedlinks": "@odata.associationLink",
    "mediaresource": "@odata.mediaReadLink",
    "edit-media": "@odata.mediaEditLink",
}

_METADATA: Final = {
    "id": "@odata.id",
    "uri": "@odata.editLink",
    "etag": "@odata.etag",
    "edit_media": "@odata.mediaEditLink",
    "media_src": "@odata.mediaReadLink",
    "media_etag": "@odata.mediaEtag",
    "content_type": "@odata.mediaContentType",
}
"""What ``__metadata`` and ``__mediaresource`` tell in verbose JSON."""
_LINKS: Final = {"uri", "edit_media", "media_src"}


def navigation_of(link: Mapping[str, str]) -> str:
    """Return the navigation property that a link of an entry is about, or an empty text."""
    relation, name = _relation(link)
    return name if relation == "related" else ""


def link_annotations(link: Mapping[str, str], base: str) -> Row:
    """Return what a link of an entry says: its address, and those that come with it.

    Args:
        link: Attributes by their short names.
        base: What its address may be relative to.
    """
    relation, name = _relation(link)
    known = (_OF_COLUMN if name else _OF_ROW).get(relation)
    if known is None:
        return {}
    told: Row = {name + known: absolute(base, link.get("href", ""))}
    if "m:etag" in link:
        told[f"{name}@odata.mediaEtag"] = link["m:etag"]
    if relation == "mediaresource" and "type" in link:
        told[f"{name}@odata.mediaContentType"] = link["type"]
    return told


def relation_of(link: Mapping[str, str]) -> str:
    """Return what a link is: a registered relation in its short form, or an address."""
    rel = link.get("rel", "").strip()
    if ":" not in rel:
        return rel.lower()  # Source: RFC 8288, 2.1.1
    return rel.replace("https:", "http:", 1).removeprefix(_REGISTERED)


def _relation(link: Mapping[str, str]) -> tuple[str, str]:
    """Return what a link is, and the property that it is about, empty where it is the row."""
    rel = relation_of(link)
    if not rel.startswith(f"{DATA}/"):
        return rel, ""
    relation, _, name = rel[len(DATA) + 1 :].partition("/")
    return relation, name


def metadata_annotations(told: Row, base: str) -> Row:
    """Return what the ``__metadata`` of a row in verbose JSON says."""
    found = _named("", told, base)
    if "@odata.editLink" in found:
        found.setdefault("@odata.id", found["@odata.editLink"])
    if kind := as_text(told.get("type")):
        found["@odata.type"] = f"#{kind}"
    for name, links in as_object(told.get("properties")).items():
        if link := as_text(as_object(links).get("associationuri")):
            found[f"{name}@odata.associationLink"] = absolute(base, link)
    return found


def stream_annotations(name: str, told: Row, base: str) -> Row:
    """Return what verbose JSON says of a property whose value is elsewhere."""
    if link := as_text(as_object(told.get("__deferred")).get("uri")):
        return {f"{name}@odata.navigationLink": absolute(base, link)}
    return _named(name, as_object(told.get("__mediaresource")), base)


def _named(name: str, told: Row, base: str) -> Row:
    return {
        name + known: absolute(base, text) if key in _LINKS else text
        for key, known in _METADATA.items()
        if (text := as_text(told.get(key)))
    }
