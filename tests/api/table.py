"""A table behind ``$batch`` that really keeps its rows, and misbehaves as a script says."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from attrs import define, field

from creatio_async import TransportError
from creatio_async.messages import Request, Response
from tests.api.canned import COOKIES, WELCOME, answer

__all__ = ["Script", "Table", "batch_of", "key_of"]

Item = dict[str, Any]

_NONE = {"error": {"message": "none"}}
_TAKEN = {"error": {"message": "Violation of PRIMARY KEY constraint 'PK': duplicate key"}}


@define
class Script:
    """What happens to one ``$batch``."""

    whole: str = "answer"
    """``answer``, ``drop before``, ``drop after``, ``429``, ``503``, ``500 before``,
    ``500 after``, ``502 after``, ``401``, ``page``, ``half``, ``reordered``, ``doubled``,
    ``foreign``."""
    rows: Sequence[str] = ()
    """By the place of a row: ``done``, ``400``, ``429``, ``503``, ``500 before``, ``500 after``,
    ``500 deadlock``, ``left out before``, ``left out after``; beyond the end it is ``done``."""


@define(eq=False)
class Table:
    """One entity set, or several that have no id in common; lets everybody in."""

    scripts: list[Script] = field(factory=list[Script])
    rows: dict[str, Item] = field(factory=dict[str, Item])
    batches: list[list[Item]] = field(factory=list[list[Item]])
    """The operations of each ``$batch`` that was seen."""
    bodies: list[int] = field(factory=list[int])
    logins: int = 0
    code: int = 0
    """The ``Code`` of a login."""
    under_way: int = 0
    most_at_once: int = 0
    poison: str = ""
    """A ``$batch`` with a row of this name is refused whole, with the status `poisoned`."""
    poisoned: int = 400
    refused: int = 0
    """How often that was done."""
    before: Callable[[], Any] | None = None
    """Awaited before a ``$batch`` is looked at."""

    async def send(self, request: Request, /) -> Response:
        """Answer *request*."""
        path = request.url.raw_path
        if path.endswith("/Logout"):
            return answer()
        if path.endswith("/Login"):
            self.logins += 1
            return answer({**WELCOME, "Code": self.code}, headers=COOKIES)
        if path.endswith("/odata/"):
            return answer({"value": []})
        assert path.endswith("/$batch"), path
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await (self.before() if self.before else asyncio.sleep(0))
            return self._batch(request)
        finally:
            self.under_way -= 1

    @property
    def writes(self) -> list[list[Item]]:
        """The batches that write."""
        return [each for each in self.batches if each[0]["method"] != "GET"]

    def _batch(self, request: Request) -> Response:
        script = self.scripts.pop(0) if self.scripts else Script()
        whole, when = script.whole, script.whole.partition(" ")[2]
        items = batch_of(request)
        self.batches.append(items)
        self.bodies.append(len(request.body))
        if self.poison and any(
            (each.get("body") or {}).get("Name") == self.poison for each in items
        ):
            self.refused += 1
            return answer({"error": {"message": "poisoned"}}, self.poisoned)
        refusals = {"429": 429, "503": 503, "500 before": 500, "401": 401}
        if whole in refusals:
            body = {"Message": "Authentication failed."} if whole == "401" else {}
            return answer(body, refusals[whole])
        if whole == "drop before":
            raise TransportError(request, "dropped")
        answers = self._run(items, script.rows, "continue-on-error" in str(request.headers))
        if whole == "drop after":
            raise TransportError(request, "dropped")
        if when == "after":
            return answer({}, int(whole[:3]))
        if whole == "page":
            return answer("<html>proxy</html>", content_type="text/html")
        if whole == "reordered":
            answers.reverse()
        if whole == "doubled":
            answers += answers[:1]
        if whole == "foreign":
            answers.append({"id": "100", "status": 201, "headers": {}})
        told = orjson.dumps({"responses": answers})
        return answer(told[: len(told) // 2] if whole == "half" else told)

    def _run(self, items: list[Item], acts: Sequence[str], go_on: object) -> list[Item]:
        goes_on = bool(go_on)
        answers: list[Item] = []
        for place, item in enumerate(items):
            act = acts[place] if place < len(acts) else "done"
            status, body = self._one(item, act)
            if not act.startswith("left out"):
                shown = {"id": item["id"], "status": status, "headers": {}, "body": body}
                answers.append(shown)
            if status >= 300 and not goes_on:
                break
        return answers

    def _one(self, item: Item, act: str) -> tuple[int, Any]:
        if act in {"400", "429", "503", "500 before", "500 deadlock"}:
            return int(act[:3]), {"error": {"message": act}}
        if act == "left out before":
            return 200, None
        done = {"GET": self._read, "PATCH": self._change, "DELETE": self._take}
        method = done.get(item["method"])
        status, body = method(item) if method else self._add(item["body"])
        return (500, {"error": {"message": act}}) if act == "500 after" else (status, body)

    def _read(self, item: Item) -> tuple[int, Any]:
        key = key_of(item)
        return (200, self.rows[key]) if key in self.rows else (404, _NONE)

    def _change(self, item: Item) -> tuple[int, Any]:
        if key_of(item) not in self.rows:
            return 404, _NONE
        self.rows[key_of(item)].update(item["body"])
        return 204, None

    def _take(self, item: Item) -> tuple[int, Any]:
        return (204, None) if self.rows.pop(key_of(item), None) else (404, _NONE)

    def _add(self, row: Item) -> tuple[int, Any]:
        if row["Id"] in self.rows:
            return 500, _TAKEN
        self.rows[row["Id"]] = row
        return 201, row


def key_of(item: Item) -> str:
    """Return the `Id` in the address of an operation."""
    key: str = item["url"].partition("(")[2][:36]
    return key


def batch_of(request: Request) -> list[Item]:
    """Return the operations of a ``$batch``."""
    operations: list[Item] = orjson.loads(request.body)["requests"]
    return operations
