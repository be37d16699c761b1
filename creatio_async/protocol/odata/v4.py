"""OData 4 as Creatio serves it under ``odata``: addresses, queries, pages.

Source: academy.creatio.com, "odata web service (OData 4)"; where that is silent, OASIS OData 4.0.
Spaces go out as ``%20``, never as ``+``; an address is built once and sent as built.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from yarl import URL

from creatio_async.errors import UnexpectedResponseError
from creatio_async.messages import Request, Response
from creatio_async.protocol.json import as_list, as_object, as_text
from creatio_async.protocol.names import check_name, quote_segment
from creatio_async.protocol.odata.options import query_options
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row

__all__ = [
    "JSON",
    "WRITE",
    "collection_path",
    "count_path",
    "entity_path",
    "read_count",
    "read_entity",
    "read_page",
]

SERVICE = "odata"
"""The path of the service, relative to the workspace."""

JSON: Mapping[str, str] = {"Accept": "application/json"}
WRITE: Mapping[str, str] = {**JSON, "Content-Type": "application/json; charset=utf-8"}


_IN_URL = "!$()*,:=@-._~'/;%?&+#[]"
"""What stands as it is in a whole URL."""


def set_path(name: str) -> str:
    """Return the path of an entity set, relative to the service.

    Raises:
        ValueError: *name* is no identifier.
    """
    return quote_segment(check_name(name, "entity set"))


def entity_path(name: str, key: str, spec: QuerySpec | None = None) -> str:
    """Return the path of one row; *key* is a guid."""
    return f"{set_path(name)}({key}){query_options(spec or QuerySpec())}"


def collection_path(name: str, spec: QuerySpec) -> str:
    """Return the path of the rows that *spec* asks for."""
    return set_path(name) + query_options(spec)


def count_path(name: str, spec: QuerySpec) -> str:
    """Return the path of the number of the rows that match; order, top and skip do not count."""
    return f"{set_path(name)}/$count{query_options(QuerySpec(where=spec.where))}"


def read_page(request: Request, response: Response, *, expanded: bool) -> Page:
    """Return the rows of an answer, without annotations.

    Args:
        request: What was asked, for the error.
        response: The answer.
        expanded: Rows may hold other rows.

    Raises:
        UnexpectedResponseError: The body is no collection.
    """
    answer = _decoded(request, response)
    rows = as_list(answer.get("value"))
    if rows is None:
        raise UnexpectedResponseError(request, response, "", "no collection: it has no 'value'")
    return Page(
        rows=_plain_rows(request, response, rows, expanded=expanded),
        count=_count(answer),
        next_link=_next_link(request, answer),
        size=len(response.body),
    )


def _count(answer: dict[str, Any]) -> int | None:
    count = answer.get("@odata.count", answer.get("@count"))  # 4.01 may leave out the prefix
    if isinstance(count, int):
        return count
    return int(as_text(count)) if as_text(count).isdecimal() else None


def _next_link(request: Request, answer: dict[str, Any]) -> str | None:
    """Return the next link, which may be relative, as an absolute URL."""
    link = as_text(answer.get("@odata.nextLink") or answer.get("@nextLink"))
    if not link:
        return None
    # Some servers leave blanks and letters of any script as they are.
    return str(request.url.join(URL(quote(link, safe=_IN_URL), encoded=True)))


def read_entity(request: Request, response: Response) -> Row:
    """Return the row of an answer, without annotations.

    Raises:
        UnexpectedResponseError: The body is no row.
    """
    return plain_row(_decoded(request, response))


def read_count(request: Request, response: Response) -> int:
    """Return the number of an answer to ``/$count``; a byte order mark before it is no harm.

    Raises:
        UnexpectedResponseError: The body is no number.
    """
    text = response.text().strip()
    if not (text.isascii() and text.isdigit()):
        raise UnexpectedResponseError(request, response, "", f"no number: {text[:80]!r}")
    return int(text)


def _decoded(request: Request, response: Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError as error:
        detail = f"no JSON, or only a part of it: {error}"
        raise UnexpectedResponseError(request, response, "", detail) from None
    if not isinstance(answer, dict):
        raise UnexpectedResponseError(request, response, "", "no JSON object")
    return as_object(answer)


def _plain_rows(
    request: Request, response: Response, rows: list[Any], *, expanded: bool
) -> list[Row]:
    """Take the annotations out of *rows*; each may have some that the others have not."""
    if not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponseError(request, response, "", "no collection of rows")
    if expanded or any("@" in "".join(row) for row in rows):
        return [plain_row(row) for row in rows]
    return rows


def plain_row(row: Row) -> Row:
    """Return *row*, and the rows within it, without annotations such as ``@odata.context``."""
    return {name: _plain_value(value) for name, value in row.items() if "@" not in name}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return plain_row(as_object(value))
    items = as_list(value)
    return value if items is None else [_plain_value(item) for item in items]
