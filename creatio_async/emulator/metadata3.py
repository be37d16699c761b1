"""``$metadata`` of OData 3: the schema as EDMX with CSDL 3, from which clients generate classes.

Source: [MC-CSDL], [MC-EDMX]; the name of the container is that of the class in academy.creatio.com,
"WCF client", ``new Creatio(serverUri)``. The names of associations are inferred.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import quoteattr

from creatio_async.emulator.filters3 import TYPES_NAMESPACE
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.uris3 import COLLECTION
from creatio_async.emulator.values3 import EDM

__all__ = ["metadata3"]

_EDMX: Final = "http://schemas.microsoft.com/ado/2007/06/edmx"
_META: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
_EDM: Final = "http://schemas.microsoft.com/ado/2009/11/edm"
_EDM_2: Final = "http://schemas.microsoft.com/ado/2008/09/edm"
_ALWAYS: Final = {Kind.FLAG, Kind.WHOLE, Kind.DECIMAL}
"""Kinds that Creatio has no null for."""


def metadata3(schemas: dict[str, Schema], *, streams: bool) -> bytes:
    """Return the document that describes *schemas*; without *streams* it is one of version 2."""
    return _document(tuple(schemas.values()), streams)


@lru_cache(maxsize=8)
def _document(schemas: tuple[Schema, ...], streams: bool) -> bytes:  # noqa: FBT001 - for the cache
    types = "".join(_entity_type(schema, streams=streams) for schema in schemas)
    ways = [(schema, navigation) for schema in schemas for navigation in _lookups(schema)]
    associations = "".join(_association(schema, navigation) for schema, navigation in ways)
    sets = "".join(
        f"<EntitySet Name={quoteattr(schema.name + COLLECTION)} EntityType={_type(schema.name)}/>"
        for schema in schemas
    )
    sets += "".join(_association_set(schema, navigation) for schema, navigation in ways)
    version, space = ("3.0", _EDM) if streams else ("2.0", _EDM_2)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<edmx:Edmx Version="1.0" xmlns:edmx="{_EDMX}">'
        f'<edmx:DataServices xmlns:m="{_META}" m:DataServiceVersion="{version}" '
        f'm:MaxDataServiceVersion="3.0"><Schema Namespace="{TYPES_NAMESPACE}" xmlns="{space}">'
        f'{types}{associations}<EntityContainer Name="Creatio" m:IsDefaultEntityContainer="true">'
        f"{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def _type(name: str) -> str:
    return quoteattr(f"{TYPES_NAMESPACE}.{name}")


def _lookups(schema: Schema) -> Iterator[Navigation]:
    return (navigation for navigation in schema.navigations if not navigation.many)


def _entity_type(schema: Schema, *, streams: bool) -> str:
    parts = [f"<EntityType Name={quoteattr(schema.name)}>"]
    parts.append('<Key><PropertyRef Name="Id"/></Key>')
    parts += [_property(c) for c in schema.columns if streams or c.kind is not Kind.STREAM]
    for navigation in schema.navigations:
        owner, lookup = schema.name, navigation.name
        if navigation.many:
            owner, lookup = navigation.target, navigation.partner
        parts.append(
            f"<NavigationProperty Name={quoteattr(navigation.name)} "
            f"Relationship={_type(f'{owner}_{lookup}')} "
            f"ToRole={quoteattr(navigation.name)} FromRole={quoteattr(navigation.partner)}/>"
        )
    parts.append("</EntityType>")
    return "".join(parts)


def _property(column: Column) -> str:
    never = column.name == "Id" or column.kind in {*_ALWAYS, Kind.STREAM}
    nullable = ' Nullable="false"' if never else ""
    return f'<Property Name={quoteattr(column.name)} Type="{EDM[column.kind]}"{nullable}/>'


def _association(schema: Schema, navigation: Navigation) -> str:
    return (
        f"<Association Name={quoteattr(f'{schema.name}_{navigation.name}')}>"
        f"<End Type={_type(navigation.target)} Role={quoteattr(navigation.name)} "
        'Multiplicity="0..1"/>'
        f"<End Type={_type(schema.name)} Role={quoteattr(navigation.partner)} "
        'Multiplicity="*"/></Association>'
    )


def _association_set(schema: Schema, navigation: Navigation) -> str:
    name = f"{schema.name}_{navigation.name}"
    target, own = navigation.target + COLLECTION, schema.name + COLLECTION
    return (
        f"<AssociationSet Name={quoteattr(f'{name}Set')} Association={_type(name)}>"
        f"<End Role={quoteattr(navigation.name)} EntitySet={quoteattr(target)}/>"
        f"<End Role={quoteattr(navigation.partner)} EntitySet={quoteattr(own)}/></AssociationSet>"
    )
