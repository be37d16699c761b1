"""One OData service of a site: what it is asked, and the sender that reaches it."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from attrs import define, evolve, field
from yarl import URL

from creatio_async.errors import CreatioError, NotFoundError, ResponseError
from creatio_async.messages import Upload
from creatio_async.metadata import read_metadata
from creatio_async.protocol.dialect import Dialect, Returns
from creatio_async.protocol.faults import read_detail
from creatio_async.protocol.json import as_list, as_object
from creatio_async.protocol.names import check_name, key_text, quote_segment, quote_uri
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row
from creatio_async.protocol.odata.trail import Trail
from creatio_async.protocol.retry import Repeat
from creatio_async.protocol.taking import Taken
from creatio_async.runtime.sender import Call, Reply, Sender

__all__ = ["Service"]

_NUMBER = {"Accept": "text/plain, application/json;q=0.5"}
_TEXT = {"Accept": "text/plain, */*;q=0.5"}
_MISSING = frozenset({404})
_NEXT = "@odata.nextLink"
_NOT_MODIFIED = frozenset({304})


@define(eq=False)
class Service:
    """Reads and writes rows of entity sets by name."""

    sender: Sender
    dialect: Dialect
    _learning: asyncio.Lock = field(init=False, factory=asyncio.Lock)

    @property
    def root(self) -> str:
        """The address of the service, with a slash at its end."""
        return f"{self.sender.session.workspace}/{self.dialect.service}/"

    def exchange(self, call: Call) -> Awaitable[Reply]:
        """Send *call*, after what is needed to read its answer is known; return the answer."""
        return self.sender.send(call) if self.dialect.is_ready else self._learnt(call)

    async def _learnt(self, call: Call) -> Reply:
        if self.dialect.needs_schema():
            try:
                await self._learn()
            except CreatioError as error:
                error.add_note("the types of columns are in $metadata; typed=False does without")
                raise
        reply = await self.sender.send(call)
        if self.dialect.needs_schema(reply.response):
            try:
                await self._learn()
            except ResponseError:  # nobody asked for types: without them there are texts
                self.dialect.learn(Schema())
        return reply

    async def _learn(self) -> None:
        async with self._learning:
            if not self.dialect.is_ready:
                self.dialect.learn(await read_metadata(self.sender, self.dialect.service))

    async def ask(self, name: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows of one answer to *spec*, and the answer itself."""
        dialect = self.dialect
        return await self.page(f"{dialect.service}/{dialect.collection_path(name, spec)}", spec)

    async def follow(self, link: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows behind a next link of the server's, and the answer itself.

        Raises:
            CreatioError: It leads to another origin.
        """
        try:
            return await self.page(link, spec)
        except ValueError as error:
            raise CreatioError(f"a next link of the server's is not followed: {error}") from None

    async def at(self, uri: str) -> tuple[Page, Reply]:
        """Return the row or rows at *uri*, relative to the service or absolute within it.

        Raises:
            ValueError: It leads out of the service.
        """
        root = self.root
        url = str(URL(root, encoded=True).join(URL(quote_uri(uri), encoded=True)))
        if not url.startswith(root):
            raise ValueError(f"{uri!r} leads out of the service {root}")
        headers = self.dialect.accept_rows(annotated=False)
        reply = await self.exchange(Call(method="GET", path=url, headers=headers))
        found = self.dialect.row_or_page(reply.request, reply.response)
        if isinstance(found, Page):
            return found, reply
        rows = [] if found is None else [found]
        return Page(rows=rows, size=reply.response.size), reply

    async def entity_sets(self) -> list[str]:
        """Return the names in the service document."""
        reply = await self.send("GET", "", Repeat.READ)
        return self.dialect.entity_sets(reply.request, reply.response)

    async def page(self, path: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows behind *path*, and the answer itself."""
        headers = self.dialect.accept_rows(annotated=spec.annotated)
        annotated = self.shows_links(spec)
        take = self.dialect.take_rows(annotated=annotated)
        reply = await self.exchange(Call(method="GET", path=path, headers=headers, take=take))
        page = self.dialect.page(
            reply.request, reply.response, expanded=bool(spec.expand), annotated=annotated
        )
        if isinstance(reply.response, Taken):
            reply = evolve(reply, response=reply.response.plain())
        await self.complete(page.rows, spec)
        return page, reply

    def shows_links(self, spec: QuerySpec) -> bool:
        """Say whether rows are read with annotations: asked for, or needed for `complete`."""
        return spec.annotated or (self.dialect.has_links and bool(spec.expand))

    async def complete(self, rows: list[Row], spec: QuerySpec) -> None:
        """Read the rest of the collections in *rows*, where the server cuts these, too.

        Raises:
            CreatioError: The links lead in a circle, through nothing, or to another origin.
        """
        if not (self.dialect.has_links and spec.expand):
            return
        for row in rows:
            links = [name for name in row if name.endswith(_NEXT)]
            for value in list(row.values()):
                if isinstance(value, dict | list):
                    several = as_list(value)
                    inner: list[Any] = [value] if several is None else several
                    await self.complete([as_object(each) for each in inner], spec)
            for name in links:
                page = Page(rows=row[name.removesuffix(_NEXT)], next_link=row.pop(name))
                await self.rest(page, spec)
            if not spec.annotated:
                for name in [name for name in row if "@" in name]:
                    del row[name]

    async def count(self, name: str, spec: QuerySpec) -> int:
        """Return how many rows match the conditions of *spec*."""
        path = self.dialect.count_path(name, spec)
        reply = await self.send("GET", path, Repeat.READ, headers=_NUMBER)
        return self.dialect.count(reply.request, reply.response)

    async def get(
        self, name: str, key: object, spec: QuerySpec, *, if_none_match: str | None = None
    ) -> Row | None:
        """Return one row; None where *if_none_match* is its version.

        Raises:
            NotFoundError: There is none.
        """
        headers = dict(self.dialect.accept_rows(annotated=spec.annotated))
        if if_none_match is not None:
            headers["If-None-Match"] = if_none_match
        path = self.dialect.entity_path(name, key_text(key), spec)
        reply = await self.send("GET", path, Repeat.READ, headers=headers, fine=_NOT_MODIFIED)
        if reply.response.status == 304:
            return None
        annotated = self.shows_links(spec)
        row = self.dialect.entity(reply.request, reply.response, annotated=annotated)
        await self.complete([row], spec)
        return row

    def field_path(self, name: str, key: object, field: str) -> str:
        """Return the path of one field of a row, relative to the workspace."""
        row = self.dialect.entity_path(name, key_text(key))
        return f"{self.dialect.service}/{row}/{quote_segment(check_name(field, 'column'))}"

    def stream_path(self, name: str, key: object, field: str | None) -> str:
        """Return the path of the bytes in a field of a row, or of those that the row stands for."""
        if field is not None:
            return self.field_path(name, key, field)
        return f"{self.dialect.service}/{self.dialect.entity_path(name, key_text(key))}/$value"

    async def value(self, name: str, key: object, field: str) -> Any:
        """Return one field of a row."""
        path = self.field_path(name, key, field)
        reply = await self.exchange(Call(method="GET", path=path, headers=self.dialect.accept))
        return self.dialect.property(reply.request, reply.response)

    async def text(self, name: str, key: object, field: str) -> str:
        """Return one field of a row as text; a byte order mark before it is no harm."""
        path = f"{self.field_path(name, key, field)}/$value"
        reply = await self.sender.send(Call(method="GET", path=path, headers=_TEXT))
        return reply.response.text()

    async def related(
        self, name: str, key: object, navigation: str, spec: QuerySpec
    ) -> Row | list[Row] | None:
        """Return the row or rows behind a navigation property; None where there is none."""
        headers = self.dialect.accept_rows(annotated=spec.annotated)
        path = self.dialect.related_path(name, key_text(key), navigation, spec)
        reply = await self.send("GET", path, Repeat.READ, headers=headers)
        annotated = self.shows_links(spec)
        found = self.dialect.row_or_page(reply.request, reply.response, annotated=annotated)
        if found is None:
            return None
        await self.complete(found.rows if isinstance(found, Page) else [found], spec)
        return await self.rest(found, spec) if isinstance(found, Page) else found

    async def rest(self, page: Page, spec: QuerySpec) -> list[Row]:
        """Return the rows of *page* and those behind its links.

        Raises:
            CreatioError: The links lead in a circle, through nothing, or to another origin.
        """
        rows, trail = page.rows, Trail()
        while page.next_link is not None:
            trail.check(page.next_link, len(page.rows))
            page, _ = await self.follow(page.next_link, spec)
            rows += page.rows
        return rows

    async def refer(
        self, name: str, key: object, navigation: str, target_set: str, target: str
    ) -> None:
        """Let a navigation property lead to the row *target*: the reference itself is written."""
        body = self.dialect.reference_body(self.root, target_set, target)
        path = self._reference(name, key, navigation)
        await self.send("PUT", path, Repeat.IDEMPOTENT, body, headers=self.dialect.write_reference)

    async def forget(self, name: str, key: object, navigation: str) -> None:
        """Let a navigation property lead nowhere: the reference itself is deleted."""
        path = self._reference(name, key, navigation)
        await self.send("DELETE", path, Repeat.IDEMPOTENT)

    def _reference(self, name: str, key: object, navigation: str) -> str:
        dialect = self.dialect
        return dialect.entity_path(name, key_text(key)) + dialect.reference_step(navigation)

    async def find(self, name: str, key: str) -> Row | None:
        """Return one row whole, or None where there is none."""
        try:
            return await self.get(name, key, QuerySpec())
        except NotFoundError:
            return None

    async def insert(self, name: str, body: bytes, *, returns: Returns | None = None) -> Row | None:
        """Add a row; return it as the server has it, or None where the server does not say.

        It is sent again only where it certainly was not begun.
        """
        headers, path = self.dialect.write(returns), self.dialect.set_path(name)
        reply = await self.send("POST", path, Repeat.REFUSED, body, headers=headers)
        return self._returned(reply)

    async def update(
        self,
        name: str,
        key: object,
        body: bytes,
        *,
        returns: Returns | None = None,
        if_match: str | None = None,
    ) -> Row | None:
        """Change some fields of a row; return it where the server gives it.

        Raises:
            NotFoundError: There is none.
            PreconditionFailedError: *if_match* is not its version.
        """
        headers = _matching(self.dialect.write(returns), if_match)
        # What asks for a version cannot be told from another's write when it is repeated.
        repeat = Repeat.IDEMPOTENT if if_match is None else Repeat.REFUSED
        path, method = self.dialect.entity_path(name, key_text(key)), self.dialect.change
        return self._returned(await self.send(method, path, repeat, body, headers=headers))

    async def delete(self, name: str, key: object, *, if_match: str | None = None) -> None:
        """Take a row away.

        Raises:
            NotFoundError: There is none, and no earlier send of this call can have taken it.
            PreconditionFailedError: *if_match* is not its version.
        """
        reply = await self.send(
            "DELETE",
            self.dialect.entity_path(name, key_text(key)),
            Repeat.IDEMPOTENT,
            headers=_matching(self.dialect.accept, if_match),
            fine=_MISSING,
        )
        if reply.response.status == 404 and not reply.doubtful:
            raise NotFoundError(reply.request, reply.response, *read_detail(reply.response))

    async def send(
        self,
        method: str,
        path: str,
        repeat: Repeat,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        fine: frozenset[int] = frozenset(),
    ) -> Reply:
        """Send a request to *path*, relative to the service; return its answer."""
        path = f"{self.dialect.service}/{path}"
        headers = self.dialect.accept if headers is None else headers
        return await self.exchange(
            self.call(method, path, headers, body=body, repeat=repeat, fine=fine)
        )

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        repeat: Repeat,
        body: bytes = b"",
        upload: Upload | None = None,
        fine: frozenset[int] = frozenset(),
    ) -> Call:
        """Return the call to *path*, relative to the workspace, as this service takes it."""
        method, headers = self.dialect.sent_as(method, headers)
        return Call(
            method=method,
            path=path,
            headers=headers,
            body=body,
            upload=upload,
            repeat=repeat,
            fine=fine,
        )

    def _returned(self, reply: Reply) -> Row | None:
        if reply.response.status == 204 or not reply.response.body:
            return None
        return self.dialect.entity(reply.request, reply.response)


def _matching(headers: Mapping[str, str], version: str | None) -> Mapping[str, str]:
    return headers if version is None else {**headers, "If-Match": version}
