"""``$search``: words and phrases in the text columns of a row.

Source: OASIS OData 4.0, Part 2, 5.1.7. What a word is found in is the server's choice: here it is
any part of any text of the row, without regard to case.
"""

import re
from typing import Any, Final

from attrs import frozen

from creatio_async.emulator.refusals import Refusal, bad_query
from creatio_async.emulator.schema import Kind, Schema
from creatio_async.emulator.sql import Fragment

__all__ = ["search_sql", "terms_of"]

_TOKEN: Final = re.compile(r'\s*(?:(?P<sign>[()])|"(?P<phrase>[^"]+)"|(?P<word>[^\s()"]+))')
_DEEPEST: Final = 50


@frozen
class _Term:
    """A word or a phrase."""

    text: str


@frozen
class _Chain:
    """Operands that must be met all, or one of them."""

    word: str
    operands: tuple[Any, ...]


@frozen
class _Not:
    operand: Any


def terms_of(text: str) -> object:
    """Return the tree of a search: NOT binds before AND, which may be left out, before OR.

    Raises:
        Refusal: 400, the text is no search.
    """
    tokens: list[str] = []
    place = 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _malformed(text)
        phrase = match["phrase"]
        tokens.append(f'"{phrase}' if phrase else match["sign"] or match["word"])
        place = match.end()
    tokens.reverse()
    found = _either(tokens, text, 0)
    if tokens:
        raise _malformed(text)
    return found


def _either(tokens: list[str], text: str, depth: int) -> object:
    operands = [_all(tokens, text, depth)]
    while tokens and tokens[-1] == "OR":
        tokens.pop()
        operands.append(_all(tokens, text, depth))
    return operands[0] if len(operands) == 1 else _Chain("OR", tuple(operands))


def _all(tokens: list[str], text: str, depth: int) -> object:
    operands = [_one(tokens, text, depth)]
    while tokens and tokens[-1] not in {"OR", ")"}:
        if tokens[-1] == "AND":
            tokens.pop()
        operands.append(_one(tokens, text, depth))
    return operands[0] if len(operands) == 1 else _Chain("AND", tuple(operands))


def _one(tokens: list[str], text: str, depth: int) -> object:
    if not tokens or tokens[-1] in {"AND", "OR", ")"} or depth > _DEEPEST:
        raise _malformed(text)
    word = tokens.pop()
    if word == "NOT":
        return _Not(_one(tokens, text, depth + 1))
    if word != "(":
        return _Term(word.removeprefix('"'))
    found = _either(tokens, text, depth + 1)
    if not tokens:
        raise _malformed(text)
    tokens.pop()
    return found


def _malformed(text: str) -> Refusal:
    return bad_query(f"Syntax error in the $search expression '{text}'.")


def search_sql(tree: object, schema: Schema, alias: str) -> Fragment:
    """Return the tree of a search as a condition on the rows of *schema*."""
    match tree:
        case _Chain(word, operands):
            found = [search_sql(operand, schema, alias) for operand in operands]
            text = f" {word} ".join(one.text for one in found)
            return Fragment(f"({text})", tuple(p for f in found for p in f.parameters), Kind.FLAG)
        case _Not(operand):
            inner = search_sql(operand, schema, alias)
            return Fragment(f"(NOT {inner.text})", inner.parameters, Kind.FLAG)
        case _Term(word):
            columns = [c.name for c in schema.columns if c.kind is Kind.TEXT]
            tests = [f'(instr(odata_lower({alias}."{name}"), ?) > 0)' for name in columns]
            return Fragment(f"({' OR '.join(tests)})", (word.lower(),) * len(tests), Kind.FLAG)
        case _:  # pragma: no cover - there are no others
            raise AssertionError(tree)
