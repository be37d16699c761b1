"""OData 3 as Creatio serves it in EntityDataService.svc: addresses, relative to the service.

Source: academy.creatio.com, "EntityDataService.svc web service (OData 3)"; where that is silent,
OData 3.0, URL conventions.
"""

from functools import lru_cache

from creatio_async.protocol.names import check_name, quote_segment
from creatio_async.protocol.odata.spec import Collection, QuerySpec
from creatio_async.protocol.odata3.options import query_options

__all__ = [
    "SERVICE",
    "SUFFIX",
    "collection_in",
    "collection_path",
    "count_path",
    "entity_path",
    "reference_step",
    "related_path",
    "set_path",
]

SERVICE = "ServiceModel/EntityDataService.svc"
"""The path of the service, relative to the workspace."""

SUFFIX = "Collection"
"""What the name of an entity set has after that of its schema."""


@lru_cache(maxsize=4096)
def set_path(name: str) -> str:
    """Return the path of an entity set.

    Raises:
        ValueError: *name* is no identifier.
    """
    return quote_segment(check_name(name, "entity set")) + SUFFIX


def entity_path(name: str, key: str, spec: QuerySpec | None = None) -> str:
    """Return the path of one row; *key* is a guid."""
    row = f"{set_path(name)}(guid'{key}')"
    return row if spec is None else row + query_options(spec)


def related_path(name: str, key: str, navigation: str, spec: QuerySpec) -> str:
    """Return the path of what is behind a navigation property of a row."""
    return f"{entity_path(name, key)}/{_step(navigation)}{query_options(spec)}"


def reference_step(navigation: str) -> str:
    """Return the way from a row to the link that a navigation property is."""
    return f"/$links/{_step(navigation)}"


def _step(navigation: str) -> str:
    return quote_segment(check_name(navigation, "navigation property"))


def collection_in(name: str, key: str, navigation: str) -> Collection:
    """Return the name of the rows behind a navigation property of a row.

    Raises:
        ValueError: A name is no identifier.
    """
    return Collection(f"{entity_path(name, key)}/{_step(navigation)}")


def _rows_path(name: str) -> str:
    return name if isinstance(name, Collection) else set_path(name)


def collection_path(name: str, spec: QuerySpec) -> str:
    """Return the path of the rows that *spec* asks for."""
    return _rows_path(name) + query_options(spec)


def count_path(name: str, spec: QuerySpec) -> str:
    """Return the path of the number of the rows that match; order, top and skip do not count."""
    return f"{_rows_path(name)}/$count{query_options(QuerySpec(where=spec.where))}"
