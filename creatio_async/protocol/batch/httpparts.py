"""``application/http``: a request or an answer as the body of a part (RFC 9112, section 10.2)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from creatio_async.protocol.batch.heads import (
    MultipartError,
    fields_of,
    head_and_body,
    lines_of,
)
from creatio_async.protocol.batch.jsonbatch import Item
from creatio_async.protocol.batch.multipart import Limits

__all__ = ["check_token", "field_lines", "read_answer", "request_line"]

_STATUS_LINE = re.compile(r"HTTP/[0-9](?:\.[0-9])?[ \t]+([1-9][0-9]{2})(?:[ \t].*)?\s*", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_TARGET = re.compile(r"[\x21-\x7e]+")
_HEAD_LIMIT = Limits().head
_NO_BODY = frozenset({204, 304})
_JSON = "application/json"
_LINE_ENDS = b"\r\n"
_BOM = b"\xef\xbb\xbf"


def request_line(method: str, target: str) -> bytes:
    """Return the first line of a request, with its end.

    Raises:
        ValueError: *method* is no token, or *target* holds what is not printable ASCII: a line
            end or a blank would let it write lines of its own.
    """
    check_token(method)
    if _TARGET.fullmatch(target) is None:
        raise ValueError(f"the address {target!r:.200} must be printable ASCII without blanks")
    return f"{method} {target} HTTP/1.1\r\n".encode("ascii")


def field_lines(headers: Mapping[str, str]) -> bytes:
    """Return header fields as lines, in their order.

    Raises:
        ValueError: A name is no token, or a value holds what is not printable ASCII.
    """
    for name, value in headers.items():
        check_token(name)
        if _VALUE.fullmatch(value) is None:
            raise ValueError(f"the header {name} must be printable ASCII, not {value!r:.200}")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")


def check_token(text: str) -> None:
    """Refuse what can be neither a method nor the name of a header.

    Raises:
        ValueError: *text* is no token.
    """
    if _TOKEN.fullmatch(text) is None:
        raise ValueError(f"{text!r:.200} is no token of HTTP")


def read_answer(data: bytes, *, whole: bool = True) -> Item | None:
    """Return the answer that *data* is; its ``id`` is the ``Content-ID`` among its headers, if any.

    Headers are by name in lower case, of repeated ones the first. The body is decoded where it is
    JSON, text otherwise, and None where it is empty.

    Where *data* is not the *whole* part, but cut off somewhere, the answer is given only if it
    tells by itself that nothing is missing: by ``Content-Length``, by a JSON text that is
    complete, or by a status that has no body. Otherwise None.

    Raises:
        MultipartError: *data* is no answer.
    """
    if data[:1] in _LINE_ENDS:
        data = data.lstrip(_LINE_ENDS)
    head, body = head_and_body(data, _HEAD_LIMIT)
    if body is None and not whole:
        return None
    lines = lines_of(head)
    status = _status(lines[0])
    if not status:
        raise MultipartError(f"no status line: {lines[0]!r:.80}")
    headers = fields_of(lines[1:])
    content: Any = None
    if not whole and status not in _NO_BODY:
        body = _complete(headers, body or b"")
        if body is None:
            return None
    if body and status not in _NO_BODY:
        content = _decoded(headers, body)
    name = headers.get("content-id", "")
    return {"id": name, "status": status, "headers": headers, "body": content}


@lru_cache(64)
def _status(line: str) -> int:
    """Return the status; 0 where *line* is no status line."""
    found = _STATUS_LINE.fullmatch(line)
    return int(found[1]) if found else 0


def _complete(headers: dict[str, str], body: bytes) -> bytes | None:
    """Return a body of which it is certain that nothing is missing at its end."""
    length = headers.get("content-length", "")
    if _is_number(length):
        return body[: int(length)] if len(body) >= int(length) else None
    if not _is_json(headers.get("content-type", "")):
        return None
    # An object or an array tells where it ends; what follows may be the half of a delimiter.
    body = body[: max(body.rfind(b"}"), body.rfind(b"]")) + 1]
    try:
        found: Any = orjson.loads(body.removeprefix(_BOM))
    except ValueError:
        return None
    return body if isinstance(found, dict | list) else None


def _trimmed(body: bytes, length: str) -> bytes:
    """Return *body* without line ends beyond its *length*.

    The delimiters are believed in everything else: a length is wrong where something on the way
    has rewritten the line ends.
    """
    if _is_number(length) and not body[int(length) :].strip():
        return body[: int(length)]
    return body


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _decoded(headers: dict[str, str], body: bytes) -> Any:
    if _is_json(headers.get("content-type", _JSON)):
        try:
            return orjson.loads(body.removeprefix(_BOM))
        except ValueError:  # no JSON after all: a proxy's page, or a text without a type
            pass
    if "content-length" in headers:
        body = _trimmed(body, headers["content-length"])
    text = body.decode("utf-8-sig", errors="replace")
    return text if text.strip() else None


@lru_cache(64)
def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].rstrip().lower().endswith("json")
