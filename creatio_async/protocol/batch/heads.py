"""The head of a part: lines before an empty one, most of them header fields (RFC 5322)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

__all__ = [
    "MultipartError",
    "boundary_of",
    "fields_of",
    "head_and_body",
    "lines_of",
    "part_fields",
]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FOLD = re.compile(r"\r?\n[ \t]+")
_PARAMETER = re.compile(r"""[;\s]*([^\s=;"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?""")
_QUOTED_PAIR = re.compile(r"\\(.)")
_SHORT = 128
"""Bytes of a head that is worth keeping."""


class MultipartError(ValueError):
    """The bytes are no multipart, or larger than the limits allow."""


def head_and_body(data: bytes, limit: int) -> tuple[bytes, bytes | None]:
    """Return what stands before the first empty line, and what follows it.

    None stands for the body where there is no empty line: all of *data* is head then.

    Raises:
        MultipartError: The head has more than *limit* bytes.
    """
    crlf = data.find(b"\n\r\n")
    plain = data.find(b"\n\n") if crlf < 0 else data.find(b"\n\n", 0, crlf)
    if plain >= 0:
        end, begin = plain, plain + 2
    elif crlf >= 0:
        end, begin = crlf, crlf + 3
    else:
        end, begin = len(data), -1
    if end > limit:
        raise MultipartError(f"the head of a part has more than {limit:,} bytes")
    return data[:end], data[begin:] if begin >= 0 else None


def lines_of(head: bytes) -> list[str]:
    """Return the lines of a head; a folded line is one."""
    text = head.decode("utf-8", "replace")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    return text.split("\n")


def fields_of(lines: list[str]) -> dict[str, str]:
    """Return header fields: names in lower case, and of repeated ones the first.

    Raises:
        MultipartError: A line is no field.
    """
    fields: dict[str, str] = {}
    for line in lines:
        before, colon, value = line.partition(":")
        name = _name(before)
        if colon and name:
            fields.setdefault(name, value.strip())
        elif line.strip():
            raise MultipartError(f"no header field: {line!r:.80}")
    return fields


@lru_cache(256)
def _name(text: str) -> str:
    """Return the name of a field in lower case; an empty text where *text* is none."""
    text = text.rstrip()
    return text.lower() if _NAME.fullmatch(text) else ""


def part_fields(head: bytes) -> Mapping[str, str] | None:
    """Return the fields of a part, which nobody can change; None where the first line is none.

    Raises:
        MultipartError: A later line is no field.
    """
    return _kept(head) if len(head) <= _SHORT else _part_fields(head)


def _part_fields(head: bytes) -> Mapping[str, str] | None:
    lines = lines_of(head)
    before, colon, _ = lines[0].partition(":")
    return MappingProxyType(fields_of(lines)) if colon and _name(before) else None


_kept = lru_cache(512)(_part_fields)  # batch after batch, the parts have the same fields


def boundary_of(content_type: str) -> str:
    """Return the boundary that *content_type* names, in quotes or not.

    Raises:
        MultipartError: It names none.
    """
    at = content_type.find(";")
    while at >= 0 and (found := _PARAMETER.match(content_type, at)):
        name, quoted, plain = found.groups(default="")
        if name.lower() == "boundary":
            return _QUOTED_PAIR.sub(r"\1", quoted) or plain
        at = found.end()
    raise MultipartError(f"no boundary in the content type {content_type!r:.80}")
