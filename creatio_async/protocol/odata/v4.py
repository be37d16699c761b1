"""OData 4 as Creatio serves it under ``odata``: addresses and headers.

Source: academy.creatio.com, "odata web service (OData 4)"; where that is silent, OASIS OData 4.0.
Spaces go out as ``%20``, never as ``+``; an address is built once and sent as built.
"""

from collections.abc import Mapping
from functools import lru_cache

from creatio_async.protocol.names import check_name, quote_segment
from creatio_async.protocol.odata.options import query_options
from creatio_async.protocol.odata.spec import Collection, QuerySpec

__all__ = [
    "JSON",
    "SERVICE",
    "WRITE",
    "accept",
    "collection_in",
    "collection_path",
    "count_path",
    "entity_path",
    "reference_step",
    "related_path",
    "set_path",
]

SERVICE = "odata"
"""The path of the service, relative to the workspace."""

JSON: Mapping[str, str] = {"Accept": "application/json"}
WRITE: Mapping[str, str] = {**JSON, "Content-Type": "application/json; charset=utf-8"}

_LEVELS = {
    False: "application/json;odata.metadata=none, application/json;q=0.9",
    True: "application/json;odata.metadata=minimal, application/json;q=0.9",
}


def accept(*, annotated: bool) -> Mapping[str, str]:
    """Return the header that asks for rows without annotations, or with them.

    A server that does not know the levels of metadata answers with plain JSON.
    """
    return {"Accept": _LEVELS[annotated]}


@lru_cache(maxsize=4096)
def set_path(name: str) -> str:
    """Return the path of an entity set, relative to the service.

    Raises:
        ValueError: *name* is no identifier.
    """
    return quote_segment(check_name(name, "entity set"))


def collection_in(name: str, key: str, navigation: str) -> Collection:
    """Return the name of the rows behind a navigation property of a row.

    Raises:
        ValueError: A name is no identifier.
    """
    return Collection(related_path(name, key, navigation, QuerySpec()))


def _rows_path(name: str) -> str:
    return name if isinstance(name, Collection) else set_path(name)


def entity_path(name: str, key: str, spec: QuerySpec | None = None) -> str:
    """Return the path of one row; *key* is a guid."""
    row = f"{set_path(name)}({key})"
    return row if spec is None else row + query_options(spec)


def related_path(name: str, key: str, navigation: str, spec: QuerySpec) -> str:
    """Return the path of what is behind a navigation property of a row."""
    return f"{set_path(name)}({key})/{_step(navigation)}{query_options(spec)}"


def reference_step(navigation: str) -> str:
    """Return the way from a row to the reference that a navigation property is."""
    return f"/{_step(navigation)}/$ref"


def _step(navigation: str) -> str:
    return quote_segment(check_name(navigation, "navigation property"))


def collection_path(name: str, spec: QuerySpec) -> str:
    """Return the path of the rows that *spec* asks for."""
    return _rows_path(name) + query_options(spec)


def count_path(name: str, spec: QuerySpec) -> str:
    """Return the path of the number of the rows that match; order, top and skip do not count."""
    return f"{_rows_path(name)}/$count{query_options(QuerySpec(where=spec.where))}"
