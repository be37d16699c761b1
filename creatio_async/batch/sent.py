"""One operation of a batch: what is known of it, and what it gave."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, cast

from attrs import define, evolve, field

from creatio_async.errors import BatchError, ResponseError, TransportError, UnexpectedResponseError
from creatio_async.messages import Request, Response
from creatio_async.models.codec import DICTS, Codec
from creatio_async.operations import inner_refusal, state_of
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import Operation
from creatio_async.protocol.dialect import Dialect
from creatio_async.protocol.names import as_guid, guid_at_end
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row

__all__ = ["Kind", "Sent"]

Kind = Literal["create", "update", "replace", "delete", "get", "query"]

_PLACES: Final = ("Location", "OData-EntityId", "DataServiceId")
"""Headers that tell where a row is that was created."""


if TYPE_CHECKING:  # the TypeVar of Python 3.11 has no default
    from typing_extensions import TypeVar

    ResultT = TypeVar("ResultT", default=Any)
else:
    from typing import TypeVar

    ResultT = TypeVar("ResultT")


@define(eq=False)
class Sent(Generic[ResultT]):
    """One operation of a batch: what is known of it, and what it gave."""

    operation: Operation = field(repr=False)
    kind: Kind
    dialect: Dialect = field(repr=False)
    """How its answer is read."""
    id: str | None = None
    """The `Id` of the row, in lower case; for a create the one that was made for it.

    None where the server makes it, until its answer tells.
    """
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
    origin: "Sent[Any] | None" = field(default=None, repr=False)
    """What creates the row from which its path goes on: the server knows its `Id` only then."""
    target: "Sent[Any] | None" = field(default=None, repr=False)
    """What creates the row to which a link leads."""

    def result(self) -> ResultT:
        """Return what the operation gave.

        A create and a get give the row, a query its rows, an update and a delete None. Where the
        answer to a create holds no row, it is as it was sent; with its `Id`, where that is known.

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
        return cast("ResultT", self._result(*self.answer))

    def _result(self, request: Request, response: Response) -> Any:
        if self.kind == "query":
            return self.codec.rows(self.page().rows if self.rows is None else self.rows)
        if self.kind == "get" and self.rows is not None:
            return self.codec.row(self.rows[0])
        if self.kind in {"create", "get"} and response.body:
            row = self.dialect.entity(request, response, annotated=self.spec.annotated)
            return self.codec.row(row)
        if self.kind == "create":
            row = {**(self.operation.body or {}), "Id": self.id}
            if self.id is None:  # the answer to a row whose Id the server makes does not tell it
                del row["Id"]
            return self.codec.returned(row)
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
        if self.kind == "create" and self.id is None and self.error is None:
            self.id = self._made()

    def _made(self) -> str | None:
        """Return the `Id` that the server has made, where its answer tells it."""
        assert self.answer is not None  # noqa: S101 - only once there is one
        headers = self.answer[1].headers
        for name in _PLACES:
            key = guid_at_end(headers.get(name, ""))
            if key is not None:
                return key
        try:
            row = self.dialect.entity(*self.answer)
        except UnexpectedResponseError:  # it tells nothing
            return None
        return as_guid(row.get("Id"))

    def wire(self, places: Mapping[int, int]) -> Operation:
        """Return the operation as it is sent, with ``$1`` for a row that operation 1 creates.

        Args:
            places: The places of the operations of the batch, from 1, by identity.
        """
        if self.origin is None and self.target is None:
            return self.operation
        origin, target = (
            None if each is None else places[id(each)] for each in (self.origin, self.target)
        )
        path = self.operation.path
        return evolve(
            self.operation,
            path=path if origin is None else f"${origin}{path}",
            link=None if target is None else f"${target}",
            depends_on=sorted({place for place in (origin, target) if place is not None}),
        )
