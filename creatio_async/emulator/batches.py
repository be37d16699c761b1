"""The operations of a ``$batch``, whatever format they came in: run in order, answered one by one.

Source: academy.creatio.com, "Batch request examples": at most 100 requests; the first failure stops
the batch unless ``Prefer: continue-on-error`` was sent with the outer request.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urljoin

from attrs import define, evolve, field, frozen

from creatio_async.emulator.operations import Operation, acceptable
from creatio_async.emulator.refusals import Answer, Refusal, bad_request, odata_error
from creatio_async.emulator.store import Store
from creatio_async.emulator.values import new_guid

__all__ = [
    "Answered",
    "BatchLimits",
    "BatchRunner",
    "Group",
    "Item",
    "Service",
    "Spoilt",
    "repeated_id",
]

_REFERENCE: Final = re.compile(r"^/?\$(?P<id>[^/(?$]+)")
_TURN: Final = 0.01
"""Seconds for which a batch may hold the event loop."""
_NOT_INHERITED: Final = {"content-type", "content-length", "prefer"}


@frozen(kw_only=True)
class Item:
    """One operation of a batch."""

    id: str
    """Empty where a multipart batch gives none."""
    method: str
    url: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """Bytes, a decoded JSON object, or None."""
    group: str = ""
    depends_on: tuple[str, ...] = ()


@define
class Group:
    """Operations that are done all or not at all."""

    name: str
    items: list[Item] = field(factory=list[Item])


@frozen
class Answered:
    """The answer to one item, with the guid that the server gave to its group, if it is in one."""

    id: str
    group: str
    answer: Answer


@frozen
class Spoilt(Answer):
    """An answer that does not stand in the answer to its batch as it should."""

    copies: int = 1
    """How many times it stands there."""
    misnamed: bool = False
    """Whether it stands there with the id of a neighbour."""


@frozen(kw_only=True)
class BatchLimits:
    """How large a batch may be."""

    parts: int = 100
    """Top-level operations and groups. Source: inferred, ``MaxPartsPerBatch`` of the library."""
    group: int = 1000
    """Operations of one group. Source: inferred, ``MaxOperationsPerChangeset`` of the library."""
    operations: int = 100
    """Operations in all; 0 for no limit. Source: "Batch request examples"."""
    unique_ids: bool = False
    """Whether an id may stand in the whole batch once only, as newer versions want it."""

    def check(self, parts: list[Item | Group]) -> None:
        """Refuse a batch that is too large, before anything of it runs.

        Raises:
            Refusal: 400.
        """
        items = [item for part in parts for item in _items(part)]
        largest = max(len(_items(part)) for part in parts)
        if len(parts) > self.parts or (self.operations and len(items) > self.operations):
            raise bad_request(
                "The current batch message contains too many parts. A maximum number of "
                f"'{self.parts}' query operations and change sets are allowed in a batch message."
            )
        if largest > self.group:
            raise bad_request(
                "The current change set contains too many operations. A maximum number of "
                f"'{self.group}' operations are allowed in a change set."
            )
        ids = [item.id for item in items if item.id]
        if self.unique_ids and len(set(ids)) < len(ids):
            raise bad_request("The content IDs of a batch must be unique.")


def repeated_id(name: str) -> Refusal:
    """Return the refusal of an id that stands twice in a scope."""
    return bad_request(
        f"The content ID '{name}' was found more than once in the same change set or same batch "
        "request. Content IDs have to be unique across all operations of a change set for OData "
        "V4.0 and have to be unique across all operations in the whole batch request for OData "
        "V4.01."
    )


def _items(part: Item | Group) -> list[Item]:
    return part.items if isinstance(part, Group) else [part]


class Service(Protocol):
    """What carries out the operations of a batch."""

    @property
    def store(self) -> Store:
        """Where it keeps what the operations write."""
        ...

    def answer(self, operation: Operation) -> Answer:
        """Carry out *operation*, whole or not at all."""
        ...


@define
class BatchRunner:
    """Runs the parts of one batch."""

    service: Service
    root: str
    """The address of the service, with a slash at its end."""
    inherited: Mapping[str, str]
    """Headers of the outer request that every operation has; none on .NET Framework."""
    go_on: bool
    """Whether a failure does not stop the batch."""
    bodiless_500: bool
    """Whether an inner 500 has no body. Source: inferred, an exception on .NET."""
    intercept: Callable[[Operation, Callable[[], Answer]], Answer]
    """Given each operation and what would carry it out."""
    own_places: bool = False
    """Whether a row that was created can be meant by an id in its own change set only."""
    _places: dict[str, str] = field(factory=dict[str, str])
    _failed: set[str] = field(factory=set[str])

    async def run(self, parts: list[Item | Group]) -> list[Answered]:
        """Return the answers; after a failure that stops the batch there are no more of them."""
        return _spoilt(await self._run(parts))

    async def _run(self, parts: list[Item | Group]) -> list[Answered]:
        answers: list[Answered] = []
        store = self.service.store
        waiting = iter(parts)
        part = next(waiting)
        while True:
            stop = time.perf_counter() + _TURN
            # One transaction for as much as is done in one turn: a commit each would cost more
            # than the inserts. A statement that fails undoes itself alone.
            with store.transaction():
                while True:
                    found = self._part(part)
                    answers += found
                    if not self.go_on and not all(a.answer.ok for a in found):
                        return answers
                    following = next(waiting, None)
                    if following is None:
                        return answers
                    part = following
                    if time.perf_counter() >= stop:
                        break
            await asyncio.sleep(0)

    def _part(self, part: Item | Group) -> list[Answered]:
        if isinstance(part, Item):
            answer = self._item(part)
            if not answer.ok:
                self._failed.add(part.id)
            return [Answered(part.id, "", answer)]
        guid = new_guid()
        answers: list[Answered] = []
        if self.own_places:
            self._places = {}
        try:
            with self.service.store.transaction():
                for item in part.items:
                    answer = self._item(item)
                    if not answer.ok:
                        raise _Undone(Answered(item.id, guid, answer))  # noqa: TRY301
                    answers.append(Answered(item.id, guid, answer))
        except _Undone as undone:
            self._failed.add(part.name)
            self._failed.update(item.id for item in part.items)
            # One answer for the whole change set. Source: inferred from the library.
            return [undone.answered]
        return answers

    def _item(self, item: Item) -> Answer:
        if any(name in self._failed for name in item.depends_on):
            return odata_error(424, "An operation on which this one depends has failed.").answer
        try:
            operation = self._operation(item)
        except Refusal as refusal:
            return refusal.answer
        answer = self.intercept(operation, lambda: self.service.answer(operation))
        if item.method == "POST" and item.id and answer.ok:
            place = next((v for n, v in answer.headers if n == "Location"), None)
            if place is not None:
                self._places[item.id] = place
        if self.bodiless_500 and answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return evolve(answer, headers=(), body=b"")
        return answer

    def _operation(self, item: Item) -> Operation:
        path, _, query = self._relative(item.url, item.headers).partition("?")
        headers = {**self.inherited, **item.headers} if self.inherited else item.headers
        return Operation(item.method, path, query, headers, item.body, self.root, self._places)

    def _relative(self, url: str, headers: Mapping[str, str]) -> str:
        """The address relative to the service root, with a reference replaced by what it means."""
        below = url.removeprefix(self.root)
        if "$" in below[:2]:
            match = _REFERENCE.match(below)
            if match and match["id"] in self._places:
                url = self._places[match["id"]] + below[match.end() :]
        if not url.startswith("/") and "://" not in url.partition("?")[0]:
            return url
        base = self.root
        if url.startswith("/") and "host" in headers:
            base = f"{base.partition('://')[0]}://{headers['host']}/"
        whole = urljoin(base, url)
        if not whole.startswith(self.root):
            raise odata_error(404, f"'{url}' is no address of this service.")
        return whole[len(self.root) :]


def _spoilt(answers: list[Answered]) -> list[Answered]:
    """The answers as they stand in the answer to the batch."""
    shown: list[Answered] = []
    for place, answered in enumerate(answers):
        answer = answered.answer
        if not isinstance(answer, Spoilt):
            shown.append(answered)
        elif answer.misnamed:
            neighbour = answers[place - 1 if place else min(1, len(answers) - 1)]
            shown.append(evolve(answered, id=neighbour.id))
        else:
            shown += [answered] * answer.copies
    return shown


def inherited_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an outer request that the inner ones have as well, on .NET.

    An Accept for ``multipart/mixed`` is about the outer answer alone: inferred.
    """
    kept = {n.lower(): v for n, v in headers.items() if n.lower() not in _NOT_INHERITED}
    if not acceptable(kept.get("accept", "")):
        del kept["accept"]
    return kept


def goes_on(prefer: str) -> bool:
    """Tell whether a Prefer header lets a batch go on after a failure.

    Source: "Batch request examples"; that it is a search in the text is inferred.
    """
    text = prefer.replace(" ", "").lower()
    return "continue-on-error" in text and "continue-on-error=false" not in text


@define(slots=False)
class _Undone(Exception):  # noqa: N818 - it carries an answer out of a transaction
    answered: Answered
