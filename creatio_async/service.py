"""One OData service of a site: what it is asked, and the sender that reaches it."""

from attrs import define

from creatio_async.errors import CreatioError, NotFoundError
from creatio_async.protocol.faults import read_detail
from creatio_async.protocol.names import key_text
from creatio_async.protocol.odata import v4
from creatio_async.protocol.odata.spec import Page, QuerySpec, Row
from creatio_async.protocol.retry import Repeat
from creatio_async.runtime.sender import Call, Reply, Sender

__all__ = ["Service"]

_MISSING = frozenset({404})


@define(eq=False)
class Service:
    """Reads and writes rows of entity sets by name."""

    sender: Sender

    async def ask(self, name: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows of one answer to *spec*, and the answer itself."""
        reply = await self._send("GET", v4.collection_path(name, spec), Repeat.READ)
        page = v4.read_page(reply.request, reply.response, expanded=bool(spec.expand))
        return page, reply

    async def follow(self, link: str, spec: QuerySpec) -> tuple[Page, Reply]:
        """Return the rows behind a next link of the server's, and the answer itself.

        Raises:
            CreatioError: It leads to another origin.
        """
        try:
            reply = await self.sender.send(Call(method="GET", path=link, headers=v4.JSON))
        except ValueError as error:
            raise CreatioError(f"a next link of the server's is not followed: {error}") from None
        page = v4.read_page(reply.request, reply.response, expanded=bool(spec.expand))
        return page, reply

    async def count(self, name: str, spec: QuerySpec) -> int:
        """Return how many rows match the conditions of *spec*."""
        path = f"{v4.SERVICE}/{v4.count_path(name, spec)}"
        headers = {"Accept": "text/plain, application/json;q=0.5"}
        reply = await self.sender.send(Call(method="GET", path=path, headers=headers))
        return v4.read_count(reply.request, reply.response)

    async def get(self, name: str, key: object, spec: QuerySpec) -> Row:
        """Return one row.

        Raises:
            NotFoundError: There is none.
        """
        path = v4.entity_path(name, key_text(key), spec)
        reply = await self._send("GET", path, Repeat.READ)
        return v4.read_entity(reply.request, reply.response)

    async def find(self, name: str, key: str) -> Row | None:
        """Return one row whole, or None where there is none."""
        try:
            return await self.get(name, key, QuerySpec())
        except NotFoundError:
            return None

    async def insert(self, name: str, body: bytes) -> Row | None:
        """Add a row; return it as the server has it, or None where the server does not say.

        It is sent again only where it certainly was not begun.
        """
        reply = await self._send("POST", v4.set_path(name), Repeat.REFUSED, body)
        if reply.response.status == 204 or not reply.response.body:
            return None
        return v4.read_entity(reply.request, reply.response)

    async def update(self, name: str, key: object, body: bytes) -> None:
        """Change some fields of a row.

        Raises:
            NotFoundError: There is none.
        """
        await self._send("PATCH", v4.entity_path(name, key_text(key)), Repeat.IDEMPOTENT, body)

    async def delete(self, name: str, key: object) -> None:
        """Take a row away.

        Raises:
            NotFoundError: There is none, and no earlier send of this call can have taken it.
        """
        path = f"{v4.SERVICE}/{v4.entity_path(name, key_text(key))}"
        call = Call(
            method="DELETE",
            path=path,
            headers=v4.JSON,
            repeat=Repeat.IDEMPOTENT,
            fine=_MISSING,
        )
        reply = await self.sender.send(call)
        if reply.response.status == 404 and not reply.doubtful:
            raise NotFoundError(reply.request, reply.response, *read_detail(reply.response))

    async def _send(self, method: str, path: str, repeat: Repeat, body: bytes = b"") -> Reply:
        call = Call(
            method=method,
            path=f"{v4.SERVICE}/{path}",
            headers=v4.WRITE if body else v4.JSON,
            body=body,
            repeat=repeat,
        )
        return await self.sender.send(call)
