"""What a schema says in words, as docstrings of a module: the same text for the same words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

from creatio_async.protocol.odata.schema import (
    ComplexType,
    EnumType,
    NavigationProperty,
    Property,
)

__all__ = ["code_of", "docstring", "said_of"]

_WIDTH: Final = 78
"""Characters of a line, without what it is indented by and the quotes of either side."""
_INDENT: Final = "    "
_QUOTES: Final = '"""'
_BLANK_LINE: Final = re.compile(r"\n[^\S\n]*\n")


def said_of(told: ComplexType | EnumType | NavigationProperty | Property) -> list[str]:
    """Return the paragraphs that describe a type or property; none where nothing is said."""
    both = told.description, told.long_description
    paragraphs = (
        " ".join(paragraph.split())
        for text in dict.fromkeys(both)
        for paragraph in _BLANK_LINE.split("\n".join(text.splitlines()))
    )
    return [each for each in paragraphs if each]


def docstring(paragraphs: Sequence[str]) -> Iterator[str]:
    """Give the lines of a docstring; whatever stands in *paragraphs* cannot end it."""
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        lines += [""] if number else []
        lines += wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
    escaped = [_escaped(line) for line in lines]
    if len(escaped) == 1 and not escaped[0].endswith(('"', "\\")):
        yield f"{_INDENT}{_QUOTES}{escaped[0]}{_QUOTES}"
        return
    yield f"{_INDENT}{_QUOTES}{escaped[0]}"
    yield from (f"{_INDENT}{line}" if line else "" for line in escaped[1:])
    yield f"{_INDENT}{_QUOTES}"


def code_of(lines: Iterable[str]) -> Iterator[str]:
    """Give the *lines* that are in no docstring."""
    within = False
    for line in lines:
        text = line.strip()
        if within:
            within = text != _QUOTES
        elif text.startswith(_QUOTES):
            within = text == _QUOTES or not text.endswith(_QUOTES)
        else:
            yield line


def _escaped(line: str) -> str:
    """Return a line as it stands between quotes: one that is not alone in it is escaped."""
    return "".join(
        f"\\{sign}"
        if sign == "\\" or (sign == '"' and not _is_alone(line, at))
        else sign
        if sign.isprintable()
        else sign.encode("unicode_escape").decode()
        for at, sign in enumerate(line)
    )


def _is_alone(line: str, at: int) -> bool:
    return 0 < at < len(line) - 1 and '"' not in {line[at - 1], line[at + 1]}
