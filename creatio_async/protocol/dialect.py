"""What a version of OData makes of the words of this package: the one seam between the two.

A service is asked in addresses, headers and bodies, and answers in bodies; a `Dialect` has all of
these for one version and one format. Whatever speaks to a service speaks to its dialect.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from creatio_async.messages import Request, Response
from creatio_async.protocol.batch.jsonbatch import Answers, Item
from creatio_async.protocol.batch.operations import Format, Method, Operation
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row
from creatio_async.protocol.taking import Take

__all__ = ["Dialect", "Encoded", "Returns"]

Returns = Literal["minimal", "representation"]
"""What a write is asked to answer with: nothing, or the row."""


class Encoded(NamedTuple):
    """A ``$batch`` on its way out."""

    body: bytes
    headers: Mapping[str, str]


class Dialect(Protocol):
    """One version of OData: addresses, headers, bodies and answers.

    Addresses are relative to the service, and percent-encoded. Names are those of the schema:
    ``Contact``. What is no identifier is a `ValueError`; so is what the version cannot do.
    """

    @property
    def service(self) -> str:
        """The path of the service, relative to the workspace."""
        ...

    @property
    def change(self) -> Method:
        """The method that changes some fields of a row, and leaves the others."""
        ...

    @property
    def has_links(self) -> bool:
        """The server cuts every answer into pages, and its links lead to all of the rows."""
        ...

    @property
    def is_ready(self) -> bool:
        """Answers can be read, whatever they hold; else `needs_schema` is to be asked."""
        ...

    def needs_schema(self, response: Response | None = None) -> bool:
        """Say whether an answer can be read only with the schema of the service.

        Args:
            response: The answer; None for any that is to come.
        """
        ...

    def learn(self, schema: Schema) -> None:
        """Take note of the schema of the service."""
        ...

    def sent_as(self, method: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Return the method and the headers that a request with these goes out with."""
        ...

    # --- Headers ---------------------------------------------------------------------------------

    @property
    def accept(self) -> Mapping[str, str]:
        """Ask for what holds no rows: one field, the names of the sets."""
        ...

    def accept_rows(self, *, annotated: bool) -> Mapping[str, str]:
        """Ask for rows, without annotations or with them."""
        ...

    def write(self, returns: Returns | None = None) -> Mapping[str, str]:
        """Send a row, and ask for an answer to it; None leaves that to the server."""
        ...

    @property
    def write_reference(self) -> Mapping[str, str]:
        """Send a reference to a row."""
        ...

    # --- Addresses -------------------------------------------------------------------------------

    def set_path(self, name: str) -> str:
        """Return where an entity set is."""
        ...

    def entity_path(self, name: str, key: str, spec: QuerySpec | None = None) -> str:
        """Return where one row is; *key* is a guid in lower case."""
        ...

    def related_path(self, name: str, key: str, navigation: str, spec: QuerySpec) -> str:
        """Return where that is to which a navigation property of a row leads."""
        ...

    def reference_step(self, navigation: str) -> str:
        """Return the way from a row to the reference that a navigation property of it is."""
        ...

    def collection_in(self, name: str, key: str, navigation: str) -> str:
        """Return the name under which the rows behind a navigation property can be asked for."""
        ...

    def collection_path(self, name: str, spec: QuerySpec) -> str:
        """Return where the rows are that *spec* asks for."""
        ...

    def count_path(self, name: str, spec: QuerySpec) -> str:
        """Return where the number of the rows is that match."""
        ...

    # --- Bodies ----------------------------------------------------------------------------------

    def row_body(self, row: Mapping[str, Any], place: str) -> bytes:
        """Return the body that a row is sent as; *place* names it in errors.

        Raises:
            ValueError: A value has no place in OData, or a navigation property is set.
            TypeError: A value is of a type that OData does not have.
        """
        ...

    def reference_body(self, root: str, name: str, key: str) -> bytes:
        """Return the body that a reference to a row is sent as; *root* is that of the service."""
        ...

    # --- Answers; each raises UnexpectedResponseError where the body is none ---------------------

    def take_rows(self, *, annotated: bool) -> Take | None:
        """Say who takes rows as they come, for `page` with the same *annotated*.

        None where answers of this form are read whole.
        """
        ...

    def page(
        self, request: Request, response: Response, *, expanded: bool, annotated: bool = False
    ) -> Page:
        """Return the rows of an answer; with *expanded* they may hold other rows."""
        ...

    def entity(self, request: Request, response: Response, *, annotated: bool = False) -> Row:
        """Return the row of an answer."""
        ...

    def row_or_page(
        self, request: Request, response: Response, *, annotated: bool = False
    ) -> Row | Page | None:
        """Return the row or the rows of an answer; None where it holds nothing (204)."""
        ...

    def property(self, request: Request, response: Response) -> Any:
        """Return the value of an answer that holds a single field; None where it is null."""
        ...

    def count(self, request: Request, response: Response) -> int:
        """Return the number of an answer that is one."""
        ...

    def entity_sets(self, request: Request, response: Response) -> list[str]:
        """Return the names of the entity sets in a service document."""
        ...

    # --- Batches ---------------------------------------------------------------------------------

    def batch_format(self, wanted: Format | None, *, continue_on_error: bool) -> Format:
        """Return the format of a batch; None leaves the choice to the version.

        Raises:
            ValueError: There is no such format, or no such batch in this version.
        """
        ...

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
        """Return the body and the headers of a batch; *place* names an operation in errors.

        With *is_checked* the bodies are known to be clean, and need not be looked at again. Without
        *rows* the server is asked to answer without the rows that it added, if the version has a
        word for that; it need not comply.

        Raises:
            ValueError: A value in a body has no place in OData, or a group is none.
            TypeError: A value in a body is of a type that OData does not have.
        """
        ...

    def decode_batch(
        self,
        count: int,
        request: Request,
        response: Response,
        *,
        groups: Sequence[str | None] = (),
    ) -> Answers:
        """Return the answers to *count* operations, in their order.

        Raises:
            BatchError: The body is no answer to the batch.
        """
        ...

    def row_of(self, item: Item, asked: str, *, annotated: bool = False) -> Row:
        """Return the row in one answer of a batch; an empty one where there is none.

        Args:
            item: The answer.
            asked: The address that was asked; an absolute one where *annotated*.
            annotated: Leave annotations in the row.

        Raises:
            ValueError: The answer holds something else.
        """
        ...
