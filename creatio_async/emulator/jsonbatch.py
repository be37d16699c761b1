"""A ``$batch`` in JSON: its items, checked before any of them runs.

Source: academy.creatio.com, "Batch request examples"; the rules of the reader are those of
Microsoft.OData.Core 7.10, which Creatio ships.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Final

import orjson

from creatio_async.emulator.batches import Answered, Group, Item, repeated_id
from creatio_async.emulator.jsontypes import as_list, as_object
from creatio_async.emulator.operations import media_type
from creatio_async.emulator.refusals import Refusal, bad_request
from creatio_async.emulator.values import new_guid

__all__ = ["decode", "encode"]

_KNOWN: Final = {"id", "atomicitygroup", "dependson", "method", "url", "headers", "body", "status"}
_METHODS: Final = {"GET", "POST", "PUT", "PATCH", "DELETE", "MERGE"}
_ID: Final = "id"


def decode(body: bytes) -> list[Item | Group]:
    """Return the parts of a batch in their order; a group is one part.

    Raises:
        Refusal: 400, the batch is malformed; nothing may run then.
    """
    try:
        whole: Any = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise bad_request(f"An error occurred while reading the JSON: {error}") from None
    top = as_object(whole)
    if top is None or next(iter(top), None) != "requests":
        raise bad_request("The first property of a batch must be 'requests'.")
    requests = as_list(top["requests"])
    if requests is None or len(top) > 1:
        raise bad_request("A batch must hold an array 'requests', and nothing else.")
    if not requests:
        raise bad_request("The array 'requests' of a batch must not be empty.")
    return _grouped(_item(item) for item in requests)


def _grouped(items: Iterable[Item]) -> list[Item | Group]:
    parts: list[Item | Group] = []
    groups: dict[str, Group] = {}
    ids: set[str] = set()
    for item in items:
        if not item.group:
            scope: set[str] = ids
            parts.append(item)
        else:
            group = groups.get(item.group)
            if group is None:
                group = groups[item.group] = Group(item.group)
                parts.append(group)
            elif parts[-1] is not group:
                raise bad_request(
                    f"Message with id [{item.id}] is positioned incorrectly: all messages of same "
                    f"groupId [{item.group}] must be adjacent."
                )
            scope = {other.id for other in group.items}
            group.items.append(item)
        _check_dependencies(item, ids, groups)
        if item.id in scope:
            raise repeated_id(item.id)
        if not item.group:
            ids.add(item.id)
    return parts


def _check_dependencies(item: Item, ids: set[str], groups: dict[str, Group]) -> None:
    own = {other.id for other in groups[item.group].items[:-1]} if item.group else set[str]()
    for name in item.depends_on:
        if name in ids or name in own or (name in groups and name != item.group):
            continue
        raise bad_request(
            f"The dependsOn request Id '{name}' in request '{item.id}' is not found among the "
            "requests before it, or belongs to a group."
        )


def _item(given: Any) -> Item:
    fields = as_object(given)
    if fields is None:
        raise bad_request("An item of 'requests' must be an object.")
    known = fields if fields.keys() <= _KNOWN else {n.lower(): v for n, v in fields.items()}
    for name in known:
        if name not in _KNOWN:
            raise bad_request(f"Unknown property name '{name}' for message in batch")
    group = _string(known, "atomicitygroup") if "atomicitygroup" in known else ""
    method = _string(known, "method").upper()
    if method not in _METHODS:
        raise bad_request(f"An invalid HTTP method '{method}' was detected for a request.")
    headers = _headers(known, group)
    return Item(
        id=_string(known, _ID),
        method=method,
        url=_string(known, "url"),
        headers=headers,
        body=_body(known, headers),
        group=group,
        depends_on=_strings(known.get("dependson", [])),
    )


def _string(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"The property '{name}' of an item of a batch must be a string.")
    return value


def _strings(value: Any) -> tuple[str, ...]:
    names = as_list(value)
    if names is None or not all(isinstance(name, str) for name in names):
        raise bad_request("The property 'dependsOn' of an item of a batch must be an array of ids.")
    return tuple(names)


def _headers(item: dict[str, Any], group: str) -> dict[str, str]:
    if "headers" not in item and not group:
        return {}
    headers = as_object(item.get("headers"))
    if headers is None:
        # Without headers a message of a group is a null reference in the library.
        raise bad_request("The property 'headers' of an item of a batch must be an object.")
    if not all(isinstance(text, str) for text in headers.values()):
        raise bad_request("A header of an item of a batch must be a string.")
    return {name.lower(): text for name, text in headers.items()}


def _body(item: dict[str, Any], headers: dict[str, str]) -> Any:
    if "body" not in item:
        return None
    body = item["body"]
    fields = as_object(body)
    if fields is not None:
        return fields
    if not isinstance(body, str):
        raise bad_request("The property 'body' of an item of a batch must be an object.")
    if media_type(headers.get("content-type", "")).startswith("text/"):
        return body.encode()
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _no_base64() from None


def _no_base64() -> Refusal:
    return bad_request("The body of an item of a batch is neither an object nor base64url text.")


def encode(answers: Iterable[Answered]) -> bytes:
    """Return the body of the answer: names of headers in lower case, no body for a 204.

    Source: academy.creatio.com, "Batch request examples".
    """
    return orjson.dumps({"responses": [_shown(answered) for answered in answers]})


def _shown(answered: Answered) -> dict[str, Any]:
    answer = answered.answer
    # Operations of a multipart batch need no id, and those of an answer in JSON do.
    shown: dict[str, Any] = {"id": answered.id or new_guid()}
    if answered.group:
        shown["atomicityGroup"] = answered.group
    shown["status"] = answer.status
    headers = {name.lower(): value for name, value in answer.headers}
    shown["headers"] = headers
    if answer.body:
        kind = media_type(headers.get("content-type", ""))
        if kind == "application/json":
            shown["body"] = orjson.Fragment(answer.body)
        elif kind.startswith("text/"):
            shown["body"] = answer.body.decode("utf-8-sig")
        else:
            shown["body"] = base64.urlsafe_b64encode(answer.body).decode().rstrip("=")
    return shown
