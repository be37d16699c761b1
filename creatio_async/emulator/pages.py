"""Collections: their rows, their number, and pages with a link to the next one.

Creatio never pages by itself (no next link was ever seen); a site can be told to, so that a client
can be tried against one that does.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, frozen

from creatio_async.emulator.answering import json_answer
from creatio_async.emulator.operations import Operation, level_of
from creatio_async.emulator.queries import Query, options, query_of
from creatio_async.emulator.reads import Reader
from creatio_async.emulator.refusals import ODATA_VERSION, Answer
from creatio_async.emulator.schema import Schema
from creatio_async.emulator.sql import Fragment, Rules

__all__ = ["TEXT", "Pages", "text_body"]

TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")
_BOM: Final = b"\xef\xbb\xbf"
_MOST_DIGITS: Final = 9


def text_body(text: str, rules: Rules) -> bytes:
    """Return text as it is sent: with a byte order mark, as seen on live sites."""
    return text.encode() if rules.plain else _BOM + text.encode()


@frozen
class Pages:
    """Answers reads of whole collections."""

    reader: Reader
    rules: Rules

    def query(self, operation: Operation, schema: Schema) -> Query:
        """Return the query that an address asks.

        Raises:
            Refusal: 400, an option is malformed or unknown; 501, it is not implemented.
        """
        if not operation.query:
            return Query(schema=schema)
        schemas: Mapping[str, Schema] = self.reader.store.schemas
        return query_of(options(operation.query, self.rules), schema, schemas, self.rules)

    def count(self, operation: Operation, schema: Schema, within: Fragment | None = None) -> Answer:
        """Answer ``/$count``: a number as text."""
        found = self.reader.count(self.query(operation, schema), within)
        return Answer(200, (TEXT, ODATA_VERSION), text_body(str(found), self.rules))

    def answer(
        self,
        operation: Operation,
        schema: Schema,
        within: Fragment | None = None,
        *,
        references: bool = False,
    ) -> Answer:
        """Answer the rows of a collection, or only where they are: *references* as ``$ref`` has it.

        *within* is a further condition on the table ``t``.
        """
        query = self.query(operation, schema)
        name = "#Collection($ref)" if references else f"#{schema.name}{query.shape}"
        body: dict[str, Any] = {"@odata.context": f"{operation.root}$metadata{name}"}
        if query.count:
            body["@odata.count"] = self.reader.count(query, within)
        size, wished = self._size(operation)
        read = _page(query, size) if size else query
        level = level_of(operation.headers.get("accept", ""))
        if references:
            read = evolve(read, select=(schema.by_name["Id"],), expand=())
        rows = self.reader.rows(read, level, within)
        more = bool(size) and len(rows) > size
        body["value"] = rows[:size] if more else rows
        if references:
            place = f"{operation.root}{schema.name}"
            body["value"] = [{"@odata.id": f"{place}({row['Id']})"} for row in body["value"]]
        if more:
            body["@odata.nextLink"] = self._next(operation, query.token + size)
        applied = (("Preference-Applied", f"odata.maxpagesize={wished}"),) if wished else ()
        return json_answer(200, body, operation, *applied)

    def _size(self, operation: Operation) -> tuple[int, int]:
        """The rows of a page, 0 for no paging; and what a preference that is honoured wishes."""
        own = self.rules.page_size
        text = operation.preference("maxpagesize") if self.rules.plain else ""
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text)):
            return own, 0
        wished = int(text)
        return min(own, wished) if own else wished, wished

    def _next(self, operation: Operation, token: int) -> str:
        pairs = [pair for pair in operation.query.split("&") if pair and not _is_token(pair)]
        link = f"{operation.path}?{'&'.join([*pairs, f'$skiptoken={token}'])}"
        return link if self.rules.relative_links else operation.root + link


def _page(query: Query, size: int) -> Query:
    """The query of one page: one row more than it holds, to see whether there is a next one."""
    top = size + 1
    if query.top is not None:
        top = min(top, max(query.top - query.token, 0))
    return evolve(query, skip=query.skip + query.token, top=top)


def _is_token(pair: str) -> bool:
    return pair.partition("=")[0].lower().replace("%24", "$") == "$skiptoken"
