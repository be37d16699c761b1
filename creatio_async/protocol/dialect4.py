"""OData 4 as a dialect: JSON, in both directions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

from attrs import field, frozen

from creatio_async.messages import Request, Response
from creatio_async.protocol.batch import jsonbatch, multipartbatch
from creatio_async.protocol.batch.jsonbatch import Item
from creatio_async.protocol.batch.operations import Format, Method, Operation
from creatio_async.protocol.dialect import Encoded, Returns
from creatio_async.protocol.json import as_object
from creatio_async.protocol.odata import v4
from creatio_async.protocol.odata.reading import (
    Reading,
    is_collection,
    read_count,
    read_entity_sets,
)
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.odata.spec import Page, Row
from creatio_async.protocol.values import dumps, dumps_rows

__all__ = ["Dialect4"]

_PREFERRING: Final[Mapping[Returns, Mapping[str, str]]] = {
    "minimal": {**v4.WRITE, "Prefer": "return=minimal"},
    "representation": {**v4.WRITE, "Prefer": "return=representation"},
}


@frozen
class Dialect4:
    """OData 4: what `Dialect` asks for."""

    reading: Reading = field(factory=Reading)
    """How values are read."""

    service: str = field(init=False, default=v4.SERVICE)
    change: Method = field(init=False, default="PATCH")
    has_links: bool = field(init=False, default=False)
    is_ready: bool = field(init=False, default=True)
    accept: Mapping[str, str] = field(init=False, default=v4.JSON, repr=False)
    write_reference: Mapping[str, str] = field(init=False, default=v4.WRITE, repr=False)

    accept_rows = staticmethod(v4.accept)
    set_path = staticmethod(v4.set_path)
    entity_path = staticmethod(v4.entity_path)
    related_path = staticmethod(v4.related_path)
    reference_step = staticmethod(v4.reference_step)
    collection_in = staticmethod(v4.collection_in)
    collection_path = staticmethod(v4.collection_path)
    count_path = staticmethod(v4.count_path)
    count = staticmethod(read_count)
    entity_sets = staticmethod(read_entity_sets)
    decode_batch = staticmethod(multipartbatch.decode_by_type)

    def needs_schema(self, response: Response | None = None) -> bool:  # noqa: ARG002
        """Do without: JSON tells what is a number."""
        return False

    def take_rows(self, *, annotated: bool) -> None:
        """Read JSON whole: that is what decodes it fastest."""

    def learn(self, schema: Schema) -> None:
        """Do without as well."""

    def sent_as(self, method: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Return both as they are."""
        return method, headers

    def write(self, returns: Returns | None = None) -> Mapping[str, str]:
        """Send JSON."""
        return v4.WRITE if returns is None else _PREFERRING[returns]

    def row_body(self, row: Mapping[str, Any], place: str) -> bytes:
        """Return *row* as JSON."""
        return dumps_rows(dict(row), lambda: [(place, row)], objects=1)

    def reference_body(self, root: str, name: str, key: str) -> bytes:
        """Return the address of a row as the object that ``$ref`` takes."""
        return dumps(jsonbatch.link_body(root + v4.entity_path(name, key)))

    def page(
        self, request: Request, response: Response, *, expanded: bool, annotated: bool = False
    ) -> Page:
        """Return the rows of an answer."""
        return self.reading.page(request, response, expanded=expanded, annotated=annotated)

    def entity(self, request: Request, response: Response, *, annotated: bool = False) -> Row:
        """Return the row of an answer."""
        return self.reading.entity(request, response, annotated=annotated)

    def row_or_page(
        self, request: Request, response: Response, *, annotated: bool = False
    ) -> Row | Page | None:
        """Return what the answer holds."""
        return self.reading.row_or_page(request, response, annotated=annotated)

    def property(self, request: Request, response: Response) -> Any:
        """Return the value of an answer that holds a single field."""
        return self.reading.property(request, response)

    def batch_format(self, wanted: Format | None, *, continue_on_error: bool) -> Format:  # noqa: ARG002 - the other version cannot stop
        """Return *wanted*, or JSON."""
        if wanted not in {None, *get_args(Format)}:
            raise ValueError(f"a batch travels as 'json' or 'multipart', not as {wanted!r}")
        return wanted or "json"

    def encode_batch(
        self,
        operations: Sequence[Operation],
        place: Callable[[int], str],
        format: Format,  # noqa: A002
        *,
        continue_on_error: bool = True,
        is_checked: bool = False,
        rows: bool = True,
    ) -> Encoded:
        """Return a batch in either format."""
        prefer: Mapping[str, str] = jsonbatch.CONTINUE if continue_on_error else {}
        if format == "json":
            body = jsonbatch.encode(operations, place, is_checked=is_checked, rows=rows)
            return Encoded(body, {**jsonbatch.HEADERS, **prefer})
        form = multipartbatch.JSON if rows else multipartbatch.MINIMAL
        body, content_type = multipartbatch.encode(operations, place, form)
        headers = {**multipartbatch.ACCEPT, "Content-Type": content_type, **prefer}
        return Encoded(body, headers)

    def row_of(self, item: Item, asked: str, *, annotated: bool = False) -> Row:  # noqa: ARG002 - JSON tells it all
        """Return the row in one answer of a batch.

        Raises:
            ValueError: The answer holds several.
        """
        answer = as_object(item.get("body"))
        if is_collection(answer):
            raise ValueError("rows where one was due")
        return self.reading.row(answer, annotated=annotated)
