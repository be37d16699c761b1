"""``$metadata``: the schema as EDMX, CSDL 4.

Source: the fragment captured on a live site: no DefaultValue, no ReferentialConstraint, and no
Nullable on the key, so that ``Account`` and ``AccountId`` belong together by their names only.
"""

from functools import lru_cache
from xml.sax.saxutils import quoteattr

from creatio_async.emulator.schema import NAMESPACE, Schema

__all__ = ["metadata"]

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"


def metadata(schemas: dict[str, Schema]) -> bytes:
    """Return the document that describes *schemas*."""
    return _document(tuple(schemas.values()))


@lru_cache(maxsize=8)
def _document(schemas: tuple[Schema, ...]) -> bytes:
    types = "".join(map(_entity_type, schemas))
    sets = "".join(map(_entity_set, schemas))
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<edmx:Edmx Version="4.0" xmlns:edmx="{_EDMX}"><edmx:DataServices>'
        f'<Schema Namespace="{NAMESPACE}" xmlns="{_EDM}">{types}</Schema>'
        f'<Schema Namespace="Default" xmlns="{_EDM}">'
        f'<EntityContainer Name="Container">{sets}</EntityContainer></Schema>'
        "</edmx:DataServices></edmx:Edmx>"
    )
    return text.encode()


def _entity_type(schema: Schema) -> str:
    parts = [f"<EntityType Name={quoteattr(schema.name)}>"]
    parts.append('<Key><PropertyRef Name="Id" /></Key>')
    parts += [
        f'<Property Name={quoteattr(c.name)} Type="{c.kind.value}" />' for c in schema.columns
    ]
    for navigation in schema.navigations:
        target = f"{NAMESPACE}.{navigation.target}"
        kind = f"Collection({target})" if navigation.many else target
        parts.append(
            f"<NavigationProperty Name={quoteattr(navigation.name)} Type={quoteattr(kind)} "
            f"Partner={quoteattr(navigation.partner)} />"
        )
    parts.append("</EntityType>")
    return "".join(parts)


def _entity_set(schema: Schema) -> str:
    name, kind = quoteattr(schema.name), quoteattr(schema.type_name)
    bindings = "".join(
        f"<NavigationPropertyBinding Path={quoteattr(n.name)} Target={quoteattr(n.target)} />"
        for n in schema.navigations
    )
    return f"<EntitySet Name={name} EntityType={kind}>{bindings}</EntitySet>"
