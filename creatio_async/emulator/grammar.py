# pyright: basic
# SLY, on which the parser is built, has no types.
"""The text of ``$filter`` and ``$orderby`` as a tree, by the grammar of *odata-query*.

The parser is a third party's, so that a mistake in the client's own grammar cannot hide behind the
same mistake here. What it lacks for Creatio is added: names in any script, names that begin with a
keyword (``Allowed``, ``Nullable``), the year 1, ``in`` with one value, ``$it``, ``$count``, INF and
NaN. Which functions there are is no matter of the grammar.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from sly.lex import Token  # type: ignore[import-untyped]

__all__ = ["FilterSyntaxError", "UnsupportedError", "count_nodes", "parse"]

_DATE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,12})?)?"
_ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?"


class FilterSyntaxError(ValueError):
    """The text is no expression."""


class UnsupportedError(ValueError):
    """The text is an expression that the emulator cannot carry out; the message names why."""


def _rule(pattern: str, make: Callable[[str], object]) -> Any:
    """Return a rule for the metaclass of SLY: what matches *pattern* gets the value of *make*."""

    def rule(_: object, token: Any) -> Any:
        token.value = make(token.value)
        return token

    found: Any = rule
    found.pattern = pattern
    return found


def _identifier(text: str) -> ast.Identifier:
    *namespace, name = text.split(".")
    return ast.Identifier(name, tuple(namespace))


class _Lexer(ODataLexer):
    tokens = ODataLexer.tokens

    DATETIME = _rule(_DATE + "T" + _TIME + _ZONE, ast.DateTime)
    DATE = _rule(_DATE, ast.Date)
    TIME = _rule(_TIME, ast.Time)
    DECIMAL = _rule(
        r"[+-]?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)|(?-i:INF|NaN)\b(?![/.(])", ast.Float
    )
    BOOLEAN = _rule(r"(?:true|false)\b(?![/.(])", ast.Boolean)
    NULL = _rule(r"null\b(?![/.(])", lambda _: ast.Null())
    NOT = _rule(r"not(?:\s+|(?=\())", lambda _: ast.Not())
    ANY = _rule(r"any(?=\s*\()", lambda _: ast.Any())
    ALL = _rule(r"all(?=\s*\()", lambda _: ast.All())
    ODATA_IDENTIFIER = _rule(r"(?:\$(?:it|count)\b|[^\W\d])(?:\.?\w){0,127}", _identifier)


def _with_commas(tokens: Iterator[Any]) -> Iterator[Any]:
    """Put a comma into ``in ('one')``: the grammar takes a list of one for a parenthesis."""
    depth = 0
    opened: list[list[int]] = []  # for each list after `in`: its depth, and the commas seen in it
    after_in = False
    for token in tokens:
        if token.type == "(":
            depth += 1
            if after_in:
                opened.append([depth, 0])
        elif token.type == "," and opened and opened[-1][0] == depth:
            opened[-1][1] += 1
        elif token.type == ")":
            if opened and opened[-1][0] == depth and not opened.pop()[1]:
                comma = Token()
                comma.type, comma.value = ",", ","
                comma.lineno, comma.index = token.lineno, token.index
                yield comma
            depth -= 1
        after_in = token.type == "IN"
        yield token


@lru_cache(maxsize=1024)
def parse(text: str) -> object:
    """Return the tree of the expression *text*.

    Raises:
        FilterSyntaxError: It is no expression.
        UnsupportedError: It is one, with an operator that is not carried out here.
    """
    outside = "".join(text.split("'")[::2])
    if " has " in outside:
        raise UnsupportedError("The operator 'has', for no column is an enumeration,")
    parser = ODataParser()
    parser._function_call = ast.Call  # type: ignore[method-assign]  # noqa: SLF001
    try:
        tree: object = parser.parse(_with_commas(_Lexer().tokenize(text)))
    except (ODataException, AttributeError, TypeError, NotImplementedError):
        # The grammar's own actions stumble over some texts that are no expressions.
        raise FilterSyntaxError(f"Syntax error in '{text}'.") from None
    return tree


def count_nodes(node: object) -> int:
    """Return the size of a tree as Microsoft's library counts it.

    One for each operator, property or navigation segment, constant and function. Source: inferred
    from Microsoft.AspNet.OData 7.5, whose ``MaxNodeCount`` is 100.
    """
    count, waiting = 0, [node]
    while waiting:
        match waiting.pop():
            case ast.Attribute(owner, _):
                count += 1
                waiting.append(owner)
            case ast.Compare(_, left, right) | ast.BinOp(_, left, right):
                count += 1
                waiting += [left, right]
            case ast.BoolOp(_, left, right):
                count += 1
                waiting += [left, right]
            case ast.UnaryOp(_, operand):
                count += 1
                waiting.append(operand)
            case ast.Call(_, args):
                count += 1
                waiting += args
            case ast.List(values):
                count += 1
                waiting += values
            case ast.CollectionLambda(owner, _, lambda_):
                count += 1
                waiting += [owner, lambda_.expression] if lambda_ else [owner]
            case _:
                count += 1
    return count
