"""One operation of a batch: what is known of it, and what it gave."""

from typing import Any, Literal

from attrs import define, field

from creatio_async.errors import BatchError, ResponseError, TransportError
from creatio_async.messages import Request, Response
from creatio_async.models.codec import DICTS, Codec
from creatio_async.operations import inner_refusal, state_of
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row

__all__ = ["Kind", "Sent"]

Kind = Literal["create", "update", "replace", "delete", "get", "query"]


@define(eq=False)
class Sent:
    """One operation of a batch: what is known of it, and what it gave."""

    operation: Operation = field(repr=False)
    kind: Kind
    dialect: Dialect = field(repr=False)
    """How its answer is read."""
    id: str | None = None
    """The `Id` of the row, in lower case; for a create the one that was made for it."""
    state: State = State.NOT_RUN
    status: int | None = None
    """The HTTP status of its own answer."""
    error: TransportError | ResponseError | BatchError | None = None
    """Why it failed, or why nothing is known of it."""
    answer: tuple[Request, Response] | None = field(default=None, repr=False)
    """Its own answer, and the request that it stands for."""
    spec: QuerySpec = field(factory=QuerySpec, repr=False)
    """What a query asks for."""
    rows: list[Row] | None = field(default=None, repr=False)
    """What a query or a get gave, where it has been read to its end."""
    codec: Codec[Any] = field(default=DICTS, repr=False)
    """What rows are given as."""

    def result(self) -> Any:
        """Return what the operation gave.

        A create and a get give the row, a query its rows, an update and a delete None.

        Raises:
            RuntimeError: The batch has not been sent, or its sending was cancelled.
            ResponseError: The server refused this operation, or one of its group
                (`FailedDependencyError`).
            BatchError: The batch stopped before this operation.
            TransportError: The batch got no answer.
        """
        if self.error is not None:
            raise self.error
        if self.answer is None:
            raise RuntimeError("the batch has no answer yet: await batch.send() first")
        request, response = self.answer
        if self.kind == "query":
            return self.codec.rows(self.page().rows if self.rows is None else self.rows)
        if self.kind == "get" and self.rows is not None:
            return self.codec.row(self.rows[0])
        if self.kind in {"create", "get"} and response.body:
            row = self.dialect.entity(request, response, annotated=self.spec.annotated)
            return self.codec.row(row)
        return None

    def page(self, *, annotated: bool | None = None) -> Page:
        """Return the rows of the answer to a query."""
        assert self.answer is not None  # noqa: S101 - only once there is one
        spec = self.spec
        annotated = spec.annotated if annotated is None else annotated
        return self.dialect.page(*self.answer, expanded=bool(spec.expand), annotated=annotated)

    def take(self, request: Request, response: Response) -> None:
        """Take note of its own answer, and of what that makes of it."""
        self.answer, self.status = (request, response), response.status
        self.error = inner_refusal(request, response)
        self.state = state_of(self.error)
