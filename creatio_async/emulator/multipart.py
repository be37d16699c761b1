"""A ``$batch`` in ``multipart/mixed``: its parts, checked before any of them runs.

Source: academy.creatio.com, "Batch request examples", whose boundaries have no quotes, whose
``Content-ID`` stands among the inner headers and which close no boundary. The rules of the reader
are those of Microsoft.OData.Core 7.10, which Creatio ships.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from creatio_async.emulator.batches import Answered, Group, Item, repeated_id
from creatio_async.emulator.operations import media_type
from creatio_async.emulator.refusals import Answer, bad_request
from creatio_async.emulator.values import new_guid

__all__ = ["decode", "encode"]

_METHODS: Final = {"GET", "POST", "PUT", "PATCH", "DELETE", "MERGE"}
_PARAMETER: Final = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_LONGEST: Final = 70
"""Signs of a boundary. Source: RFC 2046, 5.1.1."""
_BLANK_LINE: Final = re.compile(rb"^[ \t]*\r?\n", re.MULTILINE)
_FOLD: Final = re.compile(r"\r?\n[ \t]+(?=\S)")
"""Where a header goes on in the next line. Source: RFC 5322, 2.2.3; libraries for mail do so."""
_KIND: Final = "content-type"
_ID: Final = "content-id"


def decode(body: bytes, content_type: str) -> list[Item | Group]:
    """Return the parts of a batch in their order; a change set is one part.

    Lines may end with LF alone; what stands before the first boundary and after the last is left
    out; a boundary that is missing at the end closes with what surrounds it.

    Raises:
        Refusal: 400, the batch is malformed; nothing may run then.
    """
    parts: list[Item | Group] = []
    ids: set[str] = set()
    for part, end in _pieces(body, _boundary(content_type)):
        headers, rest = _headers(part)
        if media_type(headers.get(_KIND, "")) == "multipart/mixed":
            parts.append(_change_set(rest, headers[_KIND]))
        else:
            parts.append(_operation(headers, rest, end, ids))
    if not parts:
        raise bad_request("A batch must hold at least one operation.")
    return parts


def _change_set(body: bytes, content_type: str) -> Group:
    group = Group("")
    ids: set[str] = set()  # each change set is a scope of its own in OData 4.0
    for part, end in _pieces(body, _boundary(content_type)):
        headers, rest = _headers(part)
        if media_type(headers.get(_KIND, "")) == "multipart/mixed":
            raise bad_request("Nested change sets in a batch are not allowed.")
        item = _operation(headers, rest, end, ids)
        if item.method == "GET":
            raise bad_request(
                f"An invalid HTTP method '{item.method}' was detected for a request in a change "
                "set. Requests in change sets only support the HTTP methods 'POST', 'PUT', "
                "'DELETE', and 'PATCH'."
            )
        group.items.append(item)
    if not group.items:
        raise bad_request("A change set must hold at least one operation.")
    return group


def _boundary(content_type: str) -> str:
    match = _PARAMETER.search(content_type)
    boundary = (match[1] or match[2] or "") if match else ""
    if not 0 < len(boundary) <= _LONGEST:
        raise bad_request(f"Invalid multi-part content type '{content_type}': its boundary.")
    return boundary


@lru_cache(maxsize=64)
def _delimiter(boundary: str) -> re.Pattern[bytes]:
    mark = re.escape(boundary.encode())
    return re.compile(rb"(\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")


def _pieces(body: bytes, boundary: str) -> list[tuple[bytes, bytes]]:
    """What stands between the delimiters, and the line end after it, which belongs to the next."""
    found: list[tuple[bytes, bytes]] = []
    start = -1
    for match in _delimiter(boundary).finditer(body):
        if start >= 0:
            found.append((body[start : match.start()], match[1]))
        start = match.end()
        if match[2]:
            return found
    if start < 0:
        raise bad_request(f"The boundary '{boundary}' is not found in the body.")
    return [*found, (body[start:], b"")]


def _headers(part: bytes) -> tuple[dict[str, str], bytes]:
    """The headers of a part, names in lower case, and what stands after them."""
    return _fields(part.removeprefix(b"\r").removeprefix(b"\n"))


def _fields(text: bytes) -> tuple[dict[str, str], bytes]:
    blank = _BLANK_LINE.search(text)
    end, after = blank.span() if blank else (len(text), len(text))
    found: dict[str, str] = {}
    head = _FOLD.sub(" ", text[:end].decode(errors="replace").rstrip("\r\n"))
    for line in head.split("\n") if head else ():
        name, colon, value = line.partition(":")
        lowered = name.strip().lower()
        if not colon or not lowered:
            raise bad_request(f"An invalid header '{line}' was found in a part of the batch.")
        if lowered in found:
            raise bad_request(f"The header '{name}' was found more than once in a part.")
        found[lowered] = value.strip()
    return found, text[after:]


def _operation(outer: dict[str, str], text: bytes, end: bytes, ids: set[str]) -> Item:
    if media_type(outer.get(_KIND, "")) != "application/http":
        raise bad_request(
            f"The content type of a part is '{outer.get(_KIND, '')}'; it must be "
            "'application/http' or 'multipart/mixed'."
        )
    if outer.get("content-transfer-encoding", "").lower() != "binary":
        raise bad_request("The header 'Content-Transfer-Encoding' of a part must be 'binary'.")
    first, _, rest = text.lstrip(b"\r\n").partition(b"\n")
    method, url = _request_line(first.rstrip(b"\r").decode(errors="replace"))
    headers, body = _fields(rest)
    name = outer.get(_ID) or headers.pop(_ID, "")
    if name:
        if name in ids:
            raise repeated_id(name)
        ids.add(name)
    return Item(
        id=name,
        method=method,
        url=url,
        headers=headers,
        body=_body(body, end, headers.pop("content-length", "")),
    )


def _request_line(line: str) -> tuple[str, str]:
    """The method, and the address: all that stands between the first blank and the last."""
    method, _, rest = line.partition(" ")
    url, _, version = rest.rpartition(" ")
    if not url.strip():
        raise bad_request(f"The request line '{line}' of a part is malformed.")
    if version != "HTTP/1.1":
        raise bad_request(
            f"An invalid HTTP version '{version}' was found in the request line; it must be "
            "'HTTP/1.1'."
        )
    if method not in _METHODS:
        raise bad_request(f"An invalid HTTP method '{method}' was detected for a request.")
    return method, url.strip()


def _body(body: bytes, end: bytes, length: str) -> bytes | None:
    """The body of an operation; its length may count the line end before the next delimiter.

    System.Data.Services.Client does so.
    """
    if length:
        body += end
        size = int(length) if length.isascii() and length.isdigit() else len(body) + 1
        if size > len(body):
            raise bad_request(f"The 'Content-Length' of a part is '{length}', but it is shorter.")
        body = body[:size]
    return body or None


def encode(answers: Iterable[Answered], *, bare_failures: bool) -> tuple[str, bytes]:
    """Return the boundary and the body of the answer: change sets in a ``multipart/mixed`` each.

    With *bare_failures* the one answer to a change set that failed stands outside of one, as
    OData 4.0 wants it; otherwise it is the only part of one. Source: inferred from the library.
    """
    boundary = f"batchresponse_{new_guid()}"
    opening, lines = f"--{boundary}\r\n".encode(), list[bytes]()
    delimiter, closing, current = opening, b"", ""
    for answered in answers:
        group = "" if bare_failures and not answered.answer.ok else answered.group
        if group != current and closing:
            lines.append(closing)
            closing = b""
        if group and group != current:
            inner = f"changesetresponse_{new_guid()}"
            kind = f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n"
            lines += [opening, kind.encode()]
            closing = f"--{inner}--\r\n".encode()
            delimiter = f"--{inner}\r\n".encode()
        else:
            delimiter = delimiter if group else opening
        current = group
        lines += [delimiter, *_shown(answered)]
    lines += [closing, f"--{boundary}--\r\n".encode()]
    return boundary, b"".join(lines)


def _shown(answered: Answered) -> list[bytes]:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    if answered.id:
        head += f"Content-ID: {answered.id}\r\n"
    answer = answered.answer
    head += f"\r\nHTTP/1.1 {answer.status} {_phrase(answer)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    return [head.encode(), b"\r\n", answer.body, b"\r\n"]


def _phrase(answer: Answer) -> str:
    try:
        return HTTPStatus(answer.status).phrase
    except ValueError:
        return "Unknown"
