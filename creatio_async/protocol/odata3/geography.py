"""Places on the map: the elements of GML in which Atom has them, as the GeoJSON of OData 4.

Source: OData 3.0, Atom Format, 4.2; the GeoJSON is that of OData 4.0, JSON Format, 7.1: the
longitude first, and the reference system as ``{"type": "name", ...}``.
"""

from collections.abc import Iterator
from typing import Any, Final

from creatio_async.protocol.odata3.answers import FormatError
from creatio_async.protocol.odata3.frames import Node

__all__ = ["geography_of", "gml_name"]

_GML: Final = ("http://www.opengis.net/gml ", "http://www.opengis.net/gml/3.2 ")
_MARK: Final = "gml:"
_MEMBERS: Final = {
    "MultiPoint": "MultiPoint",
    "MultiCurve": "MultiLineString",
    "MultiLineString": "MultiLineString",
    "MultiSurface": "MultiPolygon",
    "MultiPolygon": "MultiPolygon",
    "MultiGeometry": "GeometryCollection",
}
"""What holds others, by its name in GML."""
_EPSG: Final = "/EPSG/0/"


def gml_name(name: str) -> str:
    """Return a name as expat gives it as ``gml:Point``; empty where it is none of GML."""
    return next((_MARK + name[len(each) :] for each in _GML if name.startswith(each)), "")


def geography_of(column: str, edm: str, node: Node) -> dict[str, Any] | None:
    """Return what a value consists of as GeoJSON; None where it is no element of GML.

    Args:
        column: Named in errors.
        edm: The type: of an ``Edm.Geometry...`` the coordinates stay in their order, those of
            anything else are the latitude and the longitude, and change places.
        node: What is in the element of the column.

    Raises:
        FormatError: Coordinates are no numbers.
    """
    if not node.children or not node.children[0].name.startswith(_MARK):
        return None
    shape = node.children[0]
    try:
        found = _shape(shape, swap=not edm.startswith("Edm.Geometry"))
    except ValueError:
        raise FormatError(f"{column!r} holds coordinates that are no numbers") from None
    system = next((v for n, v in _pairs(shape.attributes) if n.rpartition(" ")[2] == "srsName"), "")
    if _EPSG in system:
        name = f"EPSG:{system.rpartition(_EPSG)[2]}"
        found["crs"] = {"type": "name", "properties": {"name": name}}
    return found


def _shape(node: Node, *, swap: bool) -> dict[str, Any]:
    kind = node.name.removeprefix(_MARK)
    if kind in _MEMBERS:
        members = [_shape(each, swap=swap) for held in node.children for each in held.children]
        kind = _MEMBERS[kind]
        if kind == "GeometryCollection":
            return {"type": kind, "geometries": members}
        return {"type": kind, "coordinates": [each.get("coordinates") for each in members]}
    if kind == "Polygon":
        rings = [ring for edge in node.children for ring in edge.children]
        return {"type": kind, "coordinates": [list(_positions(ring, swap=swap)) for ring in rings]}
    positions = list(_positions(node, swap=swap))
    if kind == "Point":
        return {"type": kind, "coordinates": positions[0] if positions else []}
    return {"type": kind, "coordinates": positions}


def _positions(node: Node, *, swap: bool) -> Iterator[list[float]]:
    for each in node.children:
        numbers = [float(word) for text in each.texts for word in text.split()]
        size = 2 if each.name == f"{_MARK}posList" else max(len(numbers), 1)
        for at in range(0, len(numbers), size):
            first, *rest = numbers[at : at + size]
            yield [rest[0], first, *rest[1:]] if swap and rest else [first, *rest]


def _pairs(attributes: list[str]) -> Iterator[tuple[str, str]]:
    return zip(attributes[::2], attributes[1::2], strict=True)
