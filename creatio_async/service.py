"""One OData service of a site: what it is asked, and the sender that reaches it."""

from collections.abc import Mapping
from typing import Any

from attrs import define, field
from yarl import URL

from creatio_async.errors import CreatioError, NotFoundError
from creatio_async.protocol.faults import read_detail
from creatio_async.protocol.names import check_name, key_text, quote_segment, quote_uri
from creatio_async.protocol.odata import v4
from creatio_async.protocol.odata.reading import (
    Reading,
    read_count,
    read_entity_sets,
)
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row
from creatio_async.protocol.retry import Repeat
from creatio_async.protocol.values import dumps
from creatio_async.runtime.sender import Call, Reply, Sender

__all__ = ["Service"]

_TEXT = {"Accept": "text/plain, */*;q=0.5"}
_MISSING = frozenset({404})
_NOT_MODIFIED = frozenset({304})


@define(eq=False)
class Service:
    """Reads and writes rows of entity sets by name."""

    sender: Sender
    reading: Reading = field(factory=Reading)

    async def ask(self, name: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows of one answer to *spec*, and the answer itself."""
        return await self.page(f"{v4.SERVICE}/{v4.collection_path(name, spec)}", spec)

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
        root = f"{self.sender.session.workspace}/{v4.SERVICE}/"
        url = str(URL(root, encoded=True).join(URL(quote_uri(uri), encoded=True)))
        if not url.startswith(root):
            raise ValueError(f"{uri!r} leads out of the service {root}")
        reply = await self.sender.send(
            Call(method="GET", path=url, headers=v4.accept(annotated=False))
        )
        return self.reading.page_or_entity(reply.request, reply.response), reply

    async def entity_sets(self) -> list[str]:
        """Return the names in the service document."""
        reply = await self.send("GET", "", Repeat.READ)
        return read_entity_sets(reply.request, reply.response)

    async def page(self, path: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows behind *path*, and the answer itself."""
        headers = v4.accept(annotated=spec.annotated)
        reply = await self.sender.send(Call(method="GET", path=path, headers=headers))
        page = self.reading.page(
            reply.request, reply.response, expanded=bool(spec.expand), annotated=spec.annotated
        )
        return page, reply

    async def count(self, name: str, spec: QuerySpec) -> int:
        """Return how many rows match the conditions of *spec*."""
        path = f"{v4.SERVICE}/{v4.count_path(name, spec)}"
        headers = {"Accept": "text/plain, application/json;q=0.5"}
        reply = await self.sender.send(Call(method="GET", path=path, headers=headers))
        return read_count(reply.request, reply.response)

    async def get(
        self, name: str, key: object, spec: QuerySpec, *, if_none_match: str | None = None
    ) -> Row | None:
        """Return one row; None where *if_none_match* is its version.

        Raises:
            NotFoundError: There is none.
        """
        headers = dict(v4.accept(annotated=spec.annotated))
        if if_none_match is not None:
            headers["If-None-Match"] = if_none_match
        path = v4.entity_path(name, key_text(key), spec)
        reply = await self.send("GET", path, Repeat.READ, headers=headers, fine=_NOT_MODIFIED)
        if reply.response.status == 304:
            return None
        return self.reading.entity(reply.request, reply.response, annotated=spec.annotated)

    def field_path(self, name: str, key: object, field: str) -> str:
        """Return the path of one field of a row, relative to the workspace."""
        row = v4.entity_path(name, key_text(key))
        return f"{v4.SERVICE}/{row}/{quote_segment(check_name(field, 'column'))}"

    async def value(self, name: str, key: object, field: str) -> Any:
        """Return one field of a row."""
        call = Call(method="GET", path=self.field_path(name, key, field), headers=v4.JSON)
        reply = await self.sender.send(call)
        return self.reading.property(reply.request, reply.response)

    async def text(self, name: str, key: object, field: str) -> str:
        """Return one field of a row as text; a byte order mark before it is no harm."""
        path = f"{self.field_path(name, key, field)}/$value"
        reply = await self.sender.send(Call(method="GET", path=path, headers=_TEXT))
        return reply.response.text()

    async def related(
        self, name: str, key: object, navigation: str, spec: QuerySpec
    ) -> Row | list[Row] | None:
        """Return the row or rows behind a navigation property; None where there is none."""
        headers = v4.accept(annotated=spec.annotated)
        path = v4.related_path(name, key_text(key), navigation, spec)
        reply = await self.send("GET", path, Repeat.READ, headers=headers)
        if reply.response.status == 204:
            return None
        row = self.reading.entity(reply.request, reply.response, annotated=spec.annotated)
        if "value" not in row or "Id" in row:
            return row
        page = self.reading.page(
            reply.request, reply.response, expanded=bool(spec.expand), annotated=spec.annotated
        )
        return page.rows

    async def refer(
        self, name: str, key: object, navigation: str, target_set: str, target: str
    ) -> None:
        """Let a navigation property lead to the row *target*, through ``$ref``."""
        root = f"{self.sender.session.workspace}/{v4.SERVICE}"
        body = dumps({"@odata.id": f"{root}/{v4.entity_path(target_set, target)}"})
        path = v4.reference_path(name, key_text(key), navigation)
        await self.send("PUT", path, Repeat.IDEMPOTENT, body, headers=v4.WRITE)

    async def forget(self, name: str, key: object, navigation: str) -> None:
        """Let a navigation property lead nowhere, through ``$ref``."""
        path = v4.reference_path(name, key_text(key), navigation)
        await self.send("DELETE", path, Repeat.IDEMPOTENT)

    async def find(self, name: str, key: str) -> Row | None:
        """Return one row whole, or None where there is none."""
        try:
            return await self.get(name, key, QuerySpec())
        except NotFoundError:
            return None

    async def insert(self, name: str, body: bytes, *, prefer: str | None = None) -> Row | None:
        """Add a row; return it as the server has it, or None where the server does not say.

        It is sent again only where it certainly was not begun.
        """
        headers = _preferring(v4.WRITE, prefer)
        reply = await self.send("POST", v4.set_path(name), Repeat.REFUSED, body, headers=headers)
        return self._returned(reply)

    async def update(
        self,
        name: str,
        key: object,
        body: bytes,
        *,
        prefer: str | None = None,
        if_match: str | None = None,
    ) -> Row | None:
        """Change some fields of a row; return it where the server gives it.

        Raises:
            NotFoundError: There is none.
            PreconditionFailedError: *if_match* is not its version.
        """
        headers = _matching(_preferring(v4.WRITE, prefer), if_match)
        # What asks for a version cannot be told from another's write when it is repeated.
        repeat = Repeat.IDEMPOTENT if if_match is None else Repeat.REFUSED
        path = v4.entity_path(name, key_text(key))
        return self._returned(await self.send("PATCH", path, repeat, body, headers=headers))

    async def delete(self, name: str, key: object, *, if_match: str | None = None) -> None:
        """Take a row away.

        Raises:
            NotFoundError: There is none, and no earlier send of this call can have taken it.
            PreconditionFailedError: *if_match* is not its version.
        """
        reply = await self.send(
            "DELETE",
            v4.entity_path(name, key_text(key)),
            Repeat.IDEMPOTENT,
            headers=_matching(v4.JSON, if_match),
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
        headers: Mapping[str, str] = v4.JSON,
        fine: frozenset[int] = frozenset(),
    ) -> Reply:
        """Send a request to *path*, relative to the service; return its answer."""
        call = Call(
            method=method,
            path=f"{v4.SERVICE}/{path}",
            headers=headers,
            body=body,
            repeat=repeat,
            fine=fine,
        )
        return await self.sender.send(call)

    def _returned(self, reply: Reply) -> Row | None:
        if reply.response.status == 204 or not reply.response.body:
            return None
        return self.reading.entity(reply.request, reply.response)


def _preferring(headers: Mapping[str, str], prefer: str | None) -> Mapping[str, str]:
    return headers if prefer is None else {**headers, "Prefer": f"return={prefer}"}


def _matching(headers: Mapping[str, str], version: str | None) -> Mapping[str, str]:
    return headers if version is None else {**headers, "If-Match": version}
