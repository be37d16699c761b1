"""OData 3 as a dialect: Atom, or verbose JSON, in both directions.

Source: academy.creatio.com, "EntityDataService.svc web service (OData 3)"; OData 3.0; [MS-ODATA].
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeVar, get_args

import orjson
from attrs import define, field, frozen

from creatio_async.errors import UnexpectedResponseError
from creatio_async.messages import Request, Response
from creatio_async.protocol.batch import multipartbatch
from creatio_async.protocol.batch.jsonbatch import Item
from creatio_async.protocol.batch.multipartbatch import decode_by_type
from creatio_async.protocol.batch.operations import Format, Operation
from creatio_async.protocol.dialect import Encoded, Returns
from creatio_async.protocol.odata.reading import read_count
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.odata.spec import Page, Row
from creatio_async.protocol.odata3 import addresses
from creatio_async.protocol.odata3.answers import Answer, FormatError
from creatio_async.protocol.odata3.atom import AtomReader, read_atom
from creatio_async.protocol.odata3.documents import is_xml, read_property, read_service
from creatio_async.protocol.odata3.taker import AtomTaker
from creatio_async.protocol.odata3.types import types_at
from creatio_async.protocol.odata3.verbose import Types, read_verbose
from creatio_async.protocol.odata3.writing import atom_entry, atom_link, verbose_entry, verbose_link
from creatio_async.protocol.taking import Take, Taken, Taker

__all__ = ["Change", "Dialect3", "Form"]

Form = Literal["atom", "json"]
"""What bodies and answers of OData 3 are: Atom, or verbose JSON."""

Change = Literal["MERGE", "PATCH"]
"""The method that changes some fields of a row."""

_ETAG: Final = "@odata.etag"
_NEWEST: Final = {"MaxDataServiceVersion": "3.0"}
_PREFER: Final[Mapping[Returns, str]] = {
    "minimal": "return-no-content",
    "representation": "return-content",
}
_TUNNELLED: Final = frozenset({"MERGE", "PATCH", "PUT", "DELETE"})

T = TypeVar("T")


@frozen(kw_only=True)
class _Words:
    """What one of the forms is called in headers, and how it is written."""

    rows: str
    """The media types of rows."""
    others: str
    """Those of everything else that is read."""
    row: str
    """The media type of a row that is sent."""
    link: str
    """The media type of a link that is sent."""
    write_row: Callable[[Mapping[str, Any]], bytes]
    write_link: Callable[[str], bytes]


_ATOM: Final = "application/atom+xml"
_ID: Final = re.compile(rb"<(?:[\w.-]+:)?Id\b([^>]*)>")
"""The key of a row in Atom; the ``id`` of an entry is in lower case."""

_JSON: Final = "application/json;odata=verbose"
_ANY_JSON: Final = f"{_JSON}, application/json;q=0.9"
"""A server of version 2, whose JSON is always verbose, does not know the parameter."""
_WORDS: Final[Mapping[Form, _Words]] = {
    "atom": _Words(
        rows="application/atom+xml",
        others="application/xml, application/atomsvc+xml;q=0.9, application/atom+xml;q=0.8",
        row="application/atom+xml;type=entry",
        link="application/xml",
        write_row=atom_entry,
        write_link=atom_link,
    ),
    "json": _Words(
        rows=_ANY_JSON,
        others=_ANY_JSON,
        row=_JSON,
        link=_JSON,
        write_row=verbose_entry,
        write_link=verbose_link,
    ),
}


@define
class _Learnt:
    schema: Schema | None = None
    is_told: bool = False
    """Answers tell the types of their columns."""


@frozen(kw_only=True)
class Dialect3:
    """OData 3: what `Dialect` asks for. An answer is read as what it is, whatever was asked for."""

    form: Form = "atom"
    change: Change = "MERGE"
    tunnel: bool = False
    """Send what is neither GET nor POST as a POST, with ``X-HTTP-Method``."""
    nulls: bool = False
    decimals: bool = False
    typed: bool | None = None
    """Read by the types of the columns, from the schema: always, never, or (None) where an answer
    does not tell them, as verbose JSON never does."""

    service: str = field(init=False, default=addresses.SERVICE)
    has_links: bool = field(init=False, default=True)
    _learnt: _Learnt = field(init=False, factory=_Learnt, eq=False, repr=False)

    set_path = staticmethod(addresses.set_path)
    entity_path = staticmethod(addresses.entity_path)
    related_path = staticmethod(addresses.related_path)
    reference_step = staticmethod(addresses.reference_step)
    collection_in = staticmethod(addresses.collection_in)
    collection_path = staticmethod(addresses.collection_path)
    count_path = staticmethod(addresses.count_path)
    count = staticmethod(read_count)
    decode_batch = staticmethod(decode_by_type)

    def __attrs_post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise ValueError(f"OData 3 is spoken in 'atom' or 'json', not in {self.form!r}")
        if self.change not in get_args(Change):
            raise ValueError(f"a row is changed with 'MERGE' or 'PATCH', not with {self.change!r}")

    @property
    def _words(self) -> _Words:
        return _WORDS[self.form]

    @property
    def is_ready(self) -> bool:
        """The types of columns are known, or answers tell them, or nobody asks."""
        learnt = self._learnt
        told = learnt.is_told and self.typed is None
        return told or self.typed is False or learnt.schema is not None

    def needs_schema(self, response: Response | None = None) -> bool:
        """Say whether the types of columns are needed.

        In Atom the first answer with an ``Id`` decides: the guid that it is has a type there, if
        anything has.
        """
        if self.is_ready:
            return False
        if self.form == "json" or self.typed:
            return True
        found = None if response is None else _ID.search(response.body)
        self._learnt.is_told = found is not None and b"type" in found[1]
        return found is not None and not self._learnt.is_told

    def learn(self, schema: Schema) -> None:
        """Take note of the types of columns."""
        self._learnt.schema = schema

    def sent_as(self, method: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Return what goes through a server in between that takes GET and POST only."""
        if self.tunnel and method in _TUNNELLED:
            return "POST", {**headers, "X-HTTP-Method": method}
        return method, headers

    # --- Headers ---

    @property
    def accept(self) -> Mapping[str, str]:
        """Ask for what holds no rows."""
        return {"Accept": self._words.others, **_NEWEST}

    def accept_rows(self, *, annotated: bool) -> Mapping[str, str]:  # noqa: ARG002 - they come in any case
        """Ask for rows."""
        return {"Accept": self._words.rows, **_NEWEST}

    def write(self, returns: Returns | None = None) -> Mapping[str, str]:
        """Send a row."""
        words = self._words
        headers = {"Accept": words.rows, "Content-Type": words.row, **_NEWEST}
        if returns is not None:  # a word of version 3.0, and that has to be told
            headers |= {"Prefer": _PREFER[returns], "DataServiceVersion": "3.0"}
        return headers

    @property
    def write_reference(self) -> Mapping[str, str]:
        """Send a link."""
        return {"Accept": self._words.others, "Content-Type": self._words.link, **_NEWEST}

    # --- Bodies ---

    def row_body(self, row: Mapping[str, Any], place: str) -> bytes:
        """Return *row* as an entry of Atom, or as JSON."""
        try:
            return self._words.write_row(row)
        except (ValueError, TypeError) as error:
            raise type(error)(str(error).replace("the row", place, 1)) from None

    def reference_body(self, root: str, name: str, key: str) -> bytes:
        """Return the address of a row as ``$links`` takes it."""
        return self._words.write_link(root + addresses.entity_path(name, key))

    # --- Answers ---

    def take_rows(self, *, annotated: bool) -> Take | None:
        """Read Atom as it comes, once nothing more has to be known for that.

        None of JSON, which is read whole.
        """
        if self.form == "json" or not self.is_ready:
            return None
        return partial(self._taker, annotated=annotated)

    def _taker(self, request: Request, response: Response, *, annotated: bool) -> Taker | None:
        if response.status != 200 or response.content_type != _ATOM:
            return None
        asked = str(request.url)
        types = self._types(asked)
        return AtomTaker(
            AtomReader(
                base=asked,
                types=None if isinstance(types, str) else types,
                annotated=annotated,
                decimals=self.decimals,
                nulls=self.nulls,
            )
        )

    def page(
        self,
        request: Request,
        response: Response,
        *,
        expanded: bool,  # noqa: ARG002 - every row is looked through
        annotated: bool = False,
    ) -> Page:
        """Return the rows of an answer."""
        answer = self._answer(request, response, annotated=annotated)
        if not answer.is_feed:
            given = response.plain() if isinstance(response, Taken) else response
            raise UnexpectedResponseError(request, given, "", "no collection: it is one row")
        return _page(answer, response)

    def entity(self, request: Request, response: Response, *, annotated: bool = False) -> Row:
        """Return the row of an answer; its ``ETag`` is one of its annotations."""
        answer = self._answer(request, response, annotated=annotated)
        if answer.is_feed or not answer.rows:
            raise UnexpectedResponseError(request, response, "", "no row: it is a collection")
        return _with_etag(answer.rows[0], response) if annotated else answer.rows[0]

    def row_or_page(
        self, request: Request, response: Response, *, annotated: bool = False
    ) -> Row | Page | None:
        """Return what the answer holds."""
        if response.status == 204:
            return None
        answer = self._answer(request, response, annotated=annotated)
        if answer.is_feed:
            return _page(answer, response)
        row = answer.rows[0] if answer.rows else None
        return _with_etag(row, response) if annotated and row is not None else row

    def property(self, request: Request, response: Response) -> Any:
        """Return the value of an answer that holds a single field."""
        if response.status == 204:
            return None
        edm = self._types(str(request.url))
        return _read(
            request,
            response,
            lambda: read_property(
                response.body,
                edm=edm,
                decimals=self.decimals,
                nulls=self.nulls,
            ),
        )

    def entity_sets(self, request: Request, response: Response) -> list[str]:
        """Return the names of the schemas that there are collections of."""
        names = _read(request, response, lambda: read_service(response.body))
        return [name.removesuffix(addresses.SUFFIX) for name in names]

    def _answer(self, request: Request, response: Response, *, annotated: bool) -> Answer:
        if isinstance(response, Taken) and isinstance(response.taker, AtomTaker):
            return _read(request, response.plain(), response.taker.answer)
        asked = str(request.url)
        return _read(
            request, response, lambda: self._rows(response.body, asked, annotated=annotated)
        )

    def _rows(self, body: bytes, asked: str, *, annotated: bool) -> Answer:
        options: dict[str, bool] = {
            "annotated": annotated,
            "decimals": self.decimals,
            "nulls": self.nulls,
        }
        types = self._types(asked)
        known = None if isinstance(types, str) else types
        if is_xml(body):
            return read_atom(body, base=asked, types=known, **options)
        return read_verbose(body, base=asked, types=known, **options)

    def _types(self, asked: str) -> "Types | str | None":
        schema = self._learnt.schema
        return None if schema is None else types_at(schema, asked)

    # --- Batches ---

    def batch_format(self, wanted: Format | None, *, continue_on_error: bool) -> Format:
        """Return the only format that there is.

        Raises:
            ValueError: Another is wanted; or a batch that stops at the first failure.
        """
        if wanted not in {None, "multipart"}:
            raise ValueError(
                f"a batch of OData 3 travels as 'multipart' only, not as {wanted!r}; leave it out"
            )
        if not continue_on_error:
            raise ValueError(
                "OData 3 carries out every operation of a batch, whatever became of the others: "
                "continue_on_error=False is for crm.odata; a group is done all or not at all"
            )
        return "multipart"

    def encode_batch(
        self,
        operations: Sequence[Operation],
        place: Callable[[int], str],
        format: Format,  # noqa: A002, ARG002 - there is one
        *,
        continue_on_error: bool = True,  # noqa: ARG002 - every batch does
        is_checked: bool = False,  # noqa: ARG002 - each body is written, and checked, by itself
        rows: bool = True,  # noqa: ARG002 - asking for none takes version 3.0, which it may refuse
    ) -> Encoded:
        """Return a batch whose writes stand in change sets, each in one of its own."""
        words = self._words
        form = multipartbatch.Form(
            accept=words.rows,
            content_type=words.row,
            body=lambda row, at: self.row_body(row, at()),
            link_type=words.link,
            link=words.write_link,
            own_sets=True,
            inner_ids=True,
        )
        body, content_type = multipartbatch.encode(operations, place, form)
        return Encoded(body, {**multipartbatch.ACCEPT, "Content-Type": content_type, **_NEWEST})

    def row_of(self, item: Item, asked: str, *, annotated: bool = False) -> Row:
        """Return the row in one answer of a batch; an empty one where there is none.

        Raises:
            ValueError: The answer is no row.
        """
        body = item.get("body")
        if not body:
            return {}
        encoded = body.encode() if isinstance(body, str) else orjson.dumps(body)
        answer = self._rows(encoded, asked, annotated=annotated)
        if answer.is_feed:
            raise FormatError("rows where one was due")
        return answer.rows[0] if answer.rows else {}


def _read(request: Request, response: Response, read: Callable[[], T]) -> T:
    try:
        return read()
    except FormatError as error:
        raise UnexpectedResponseError(request, response, "", str(error)) from None


def _page(answer: Answer, response: Response) -> Page:
    return Page(
        rows=answer.rows,
        count=answer.count,
        next_link=answer.next_link,
        size=response.size,
    )


def _with_etag(row: Row, response: Response) -> Row:
    etag = response.headers.get("etag")
    if etag is not None:
        row.setdefault(_ETAG, etag)
    return row
