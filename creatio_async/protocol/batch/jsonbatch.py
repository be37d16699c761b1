"""``$batch`` as JSON (OData JSON Format 4.01, section 19), as strictly as Creatio's parser wants.

Ids are position numbers, so that they cannot repeat and mean nothing in an address; every item has
``headers``, of its own, because on .NET Framework it inherits none; ``body`` is there only for an
object.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from json import JSONDecoder
from typing import Any

import orjson

from creatio_async.errors import BatchError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.batch.operations import MAX_OPERATIONS, Operation
from creatio_async.protocol.json import as_object
from creatio_async.protocol.values import dumps, dumps_rows

__all__ = [
    "CONTINUE",
    "HEADERS",
    "MINIMAL",
    "Answers",
    "Item",
    "as_response",
    "decode",
    "encode",
    "link_body",
]

Item = dict[str, Any]
"""One answer, as JSON gives it: ``id``, ``status``, ``headers``, ``body``."""


class Answers(list[Item | None]):
    """The answers in the order of the operations; None where there is none.

    An item whose ``id`` is empty stands for its whole group: the group failed, and the server
    does not say at which operation.
    """

    cut_off: bool = False
    """The answer broke off: of an operation without an answer nothing is known. Where it is
    False, such an operation was not run, or its group failed, or the server left it out.
    """


HEADERS: Mapping[str, str] = {"Accept": "application/json", "Content-Type": "application/json"}

CONTINUE: Mapping[str, str] = {"Prefer": "continue-on-error, odata.continue-on-error"}
"""Go on after an operation that fails: OData 4.01's spelling, which Creatio documents, and 4.0's.

It counts on the outer request only.
"""

_BOM = b"\xef\xbb\xbf"
_START = re.compile(r'\s*\{\s*"responses"\s*:\s*\[\s*')
_COMMA = re.compile(r"\s*,\s*")
_DECODER = JSONDecoder()

MINIMAL: Mapping[str, str] = {"Prefer": "return=minimal"}
"""Leave a row that was added out of its answer.

It counts on the operation itself. Whether Creatio honours it is not known; a server that does not
ignores it (OData 4.0 part 1, section 8.2.8).
"""

_READ = {"Accept": "application/json"}
_WRITE = {"Accept": "application/json", "Content-Type": "application/json"}
_ADD = {**_WRITE, **MINIMAL}
_IDS = [str(number) for number in range(1, MAX_OPERATIONS + 1)]
_PLACES = {text: place for place, text in enumerate(_IDS)}


def encode(
    operations: Sequence[Operation],
    place: Callable[[int], str],
    *,
    is_checked: bool = False,
    rows: bool = True,
) -> bytes:
    """Return the body of the request.

    Args:
        operations: 1 to 100; those of one group side by side.
        place: Names an operation by its position, for the error.
        is_checked: The bodies are known to be clean, as `values.is_clean` says it.
        rows: Whether the answers shall hold the rows that were added.

    Raises:
        ValueError: A value in a body has no place in OData.
        TypeError: A value in a body is of a type that OData does not have.
    """
    add, write = _WRITE if rows else _ADD, _WRITE
    bodies = [each.body for each in operations]
    items = [
        # Nearly all items are of this kind, and a call for each would double the time.
        {
            "id": name,
            "method": each.method,
            "url": each.path,
            "headers": add if each.method == "POST" else write,
            "body": body,
        }
        if each.group is None and body is not None
        else _item(name, each, add)
        for name, each, body in zip(_IDS, operations, bodies, strict=False)
    ]
    document = {"requests": items}
    if is_checked:
        return dumps(document)
    return dumps_rows(
        document,
        lambda: ((place(at), each.body) for at, each in enumerate(operations) if each.body),
        objects=1 + 3 * len(items) - bodies.count(None),
        bodies=bodies,
    )


def _item(name: str, operation: Operation, add: Mapping[str, str]) -> Item:
    item: Item = {"id": name, "method": operation.method, "url": operation.path}
    if operation.group is not None:
        item["atomicityGroup"] = operation.group
    if operation.depends_on:  # what is not among these cannot be referred to
        item["dependsOn"] = [str(place) for place in operation.depends_on]
    if operation.link is not None:
        item["headers"] = _WRITE
        item["body"] = link_body(operation.link)
    elif operation.body is None:
        item["headers"] = _READ
    else:
        item["headers"] = add if operation.method == "POST" else _WRITE
        item["body"] = operation.body
    return item


def link_body(address: str) -> dict[str, str]:
    """Return the object that ``$ref`` takes (OData JSON Format 4.0, section 14)."""
    return {"@odata.id": address}


def decode(count: int, request: Request, response: Response) -> Answers:
    """Return the answers in the order of the *count* operations.

    None stands where there is no answer: the server stopped before the operation, or left it out,
    or its group failed as a whole, or the answer is cut off.

    Raises:
        BatchError: The body is no answer to this batch: no JSON, or an answer that belongs to no
            operation, or two that belong to one.
    """
    answers = Answers([None] * count)
    try:
        for item in _items(response.body, answers):
            place = _PLACES[item["id"]]
            if answers[place] is not None:
                raise BatchError(request, response, f"two answers have the id {item['id']}")
            item["status"] = _status(item["status"])
            answers[place] = item
    except (ValueError, TypeError, KeyError, IndexError) as error:
        detail = f"the body is no answer to this batch: {type(error).__name__} {error}"
        raise BatchError(request, response, detail) from None
    return answers


def _status(given: Any) -> int:
    status = int(given)
    if not 100 <= status <= 999:  # a smaller one would pass for success
        raise ValueError(f"{status} is no status")
    return status


def _items(body: bytes, answers: "Answers") -> Iterable[Item]:
    items: list[Item]
    try:
        items = orjson.loads(body.removeprefix(_BOM))["responses"]
    except ValueError:
        items = _whole_items(body.decode("utf-8-sig", errors="replace"))
        if not items:
            raise
        answers.cut_off = True
    return items


def _whole_items(text: str) -> list[Item]:
    """Return the answers that came whole before the body broke off."""
    start = _START.match(text)
    at = start.end() if start else len(text)
    whole: list[Item] = []
    while at < len(text):
        try:
            item, at = _DECODER.raw_decode(text, at)
        except ValueError:
            break
        whole.append(item)
        comma = _COMMA.match(text, at)
        at = comma.end() if comma else len(text)
    return whole


def as_response(item: Item) -> Response:
    """Return one answer as if it had come by itself."""
    body = item.get("body")
    headers = {name: str(value) for name, value in as_object(item.get("headers")).items()}
    return Response(
        status=item["status"],
        headers=Headers(headers),
        body=b"" if body is None else body.encode() if isinstance(body, str) else dumps(body),
    )
