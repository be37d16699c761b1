"""The text of ``$filter`` and ``$orderby`` of OData 3, as the tree that `filters.compiled` takes.

Source: OData 3.0, URL conventions, 10.2.3; [MS-ODATA] 2.2.3.6.1.1. The tree is the one of OData 4:
``substringof`` becomes ``contains`` with its arguments turned round, a type gets the name that it
has there, and what only OData 4 knows is refused here.
"""

from functools import lru_cache
from typing import Any, Final

from attrs import define
from odata_query import ast

from creatio_async.emulator.literals3 import Token, TypeUnsupportedError, literal, tokens
from creatio_async.emulator.queries import Order
from creatio_async.emulator.refusals import bad_query
from creatio_async.emulator.schema import NAMESPACE
from creatio_async.emulator.sql import Rules, missing

__all__ = ["TYPES_NAMESPACE", "filter_tree", "order_of"]

TYPES_NAMESPACE: Final = "Terrasoft.Configuration"
"""Of the entity types. Source: answers printed in the vendor's collection of samples."""

_DEEPEST: Final = 100
"""Levels of parentheses and signs. Source: inferred, ``RecursionLimit`` of WCF Data Services."""
_COMPARISONS: Final = {
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "lt": ast.Lt,
    "le": ast.LtE,
    "gt": ast.Gt,
    "ge": ast.GtE,
}
_SUMS: Final = {"add": ast.Add, "sub": ast.Sub}
_PRODUCTS: Final = {"mul": ast.Mult, "div": ast.Div, "mod": ast.Mod}
_SAME: Final = {
    *("startswith", "endswith", "length", "indexof", "substring", "tolower", "toupper", "trim"),
    *("concat", "year", "month", "day", "hour", "minute", "second"),
    *("round", "floor", "ceiling", "cast", "isof"),
}
"""Functions that are the same in both versions."""
_REPLACE: Final = ast.Identifier("replace", ("3",))
"""No name that a text of OData 4 could hold, which has no such function."""
_TYPES: Final = {"Edm.DateTime": "Edm.DateTimeOffset", "Edm.Time": "Edm.Duration"}


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Any:
    parser = _Parser(tokens(text), text)
    tree = parser.expression()
    parser.end()
    return tree


def filter_tree(text: str, rules: Rules) -> Any:
    """Return the tree of a ``$filter``.

    Raises:
        Refusal: 400, it is no expression; 400 or 501, it has a constant of a type that no column
            has.
    """
    try:
        return _parsed(text)
    except TypeUnsupportedError as error:
        raise missing(rules, str(error)) from None
    except ValueError as error:
        raise bad_query(str(error)) from None


def order_of(text: str, rules: Rules) -> tuple[Order, ...]:
    """Return the items of an ``$orderby``.

    Raises:
        Refusal: as for `filter_tree`.
    """
    found: list[Order] = []
    try:
        parser = _Parser(tokens(text), text)
        while True:
            tree = parser.expression()
            word = parser.taken("asc", "desc")
            found.append(Order(tree, word == "desc"))
            if not parser.taken(","):
                parser.end()
                return tuple(found)
    except TypeUnsupportedError as error:
        raise missing(rules, str(error)) from None
    except ValueError as error:
        raise bad_query(str(error)) from None


@define
class _Parser:
    """A parser by recursive descent; operators of one strength are read in a loop."""

    tokens: list[Token]
    text: str
    place: int = 0
    depth: int = 0

    def end(self) -> None:
        if self.tokens[self.place].text:
            raise self._wrong()

    def taken(self, *words: str) -> str:
        """Go past the next token if it is one of *words*, and return it; else nothing."""
        token = self.tokens[self.place]
        if token.kind in {"name", "sign"} and token.text in words:
            self.place += 1
            return token.text
        return ""

    def expression(self) -> Any:
        self._deeper()
        tree = self._conjunction()
        while self.taken("or"):
            tree = ast.BoolOp(ast.Or(), tree, self._conjunction())
        self.depth -= 1
        return tree

    def _conjunction(self) -> Any:
        tree = self._comparison()
        while self.taken("and"):
            tree = ast.BoolOp(ast.And(), tree, self._comparison())
        return tree

    def _comparison(self) -> Any:
        tree = self._sum()
        while word := self.taken(*_COMPARISONS):
            tree = ast.Compare(_COMPARISONS[word](), tree, self._sum())
        return tree

    def _sum(self) -> Any:
        tree = self._product()
        while word := self.taken(*_SUMS):
            tree = ast.BinOp(_SUMS[word](), tree, self._product())
        return tree

    def _product(self) -> Any:
        tree = self._unary()
        while word := self.taken(*_PRODUCTS):
            tree = ast.BinOp(_PRODUCTS[word](), tree, self._unary())
        return tree

    def _unary(self) -> Any:
        sign = self.taken("-", "not")
        if not sign:
            return self._primary()
        self._deeper()
        operand = self._unary()
        self.depth -= 1
        return ast.UnaryOp(ast.Not() if sign == "not" else ast.USub(), operand)

    def _primary(self) -> Any:
        token = self.tokens[self.place]
        if self.taken("("):
            tree = self.expression()
            self._expect(")")
            return tree
        self.place += 1
        if token.kind == "name":
            if self.taken("("):
                return self._call(token.text)
            return self._path(token.text)
        if token.kind == "literal":
            return literal(token.text)
        raise self._wrong(token)

    def _path(self, name: str) -> Any:
        tree: Any = ast.Identifier(name)
        while self.taken("/"):
            word = self._name()
            if word in {"any", "all"} and self.taken("("):
                return self._lambda(tree, word)
            tree = ast.Attribute(tree, word)
        return tree

    def _lambda(self, owner: Any, word: str) -> Any:
        operator = ast.Any() if word == "any" else ast.All()
        if word == "any" and self.taken(")"):
            return ast.CollectionLambda(owner, operator, None)
        variable = ast.Identifier(self._name())
        self._expect(":")
        body = self.expression()
        self._expect(")")
        return ast.CollectionLambda(owner, operator, ast.Lambda(variable, body))

    def _call(self, name: str) -> Any:
        arguments: list[Any] = []
        if not self.taken(")"):
            arguments.append(self.expression())
            while self.taken(","):
                arguments.append(self.expression())
            self._expect(")")
        if name == "substringof" and len(arguments) == 2:
            return ast.Call(ast.Identifier("contains"), arguments[::-1])
        if name == "replace":
            return ast.Call(_REPLACE, arguments)
        if name not in _SAME and name != "substringof":
            raise ValueError(f"Unknown function '{name}' in '{self.text}'.")
        if name in {"cast", "isof"} and arguments:
            arguments[-1] = _type(arguments[-1])
        return ast.Call(ast.Identifier(name), arguments)

    def _name(self) -> str:
        token = self.tokens[self.place]
        if token.kind != "name":
            raise self._wrong()
        self.place += 1
        return token.text

    def _expect(self, sign: str) -> None:
        if not self.taken(sign):
            raise self._wrong()

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("Recursion reached allowed limit.")

    def _wrong(self, token: Token | None = None) -> ValueError:
        place = (token or self.tokens[self.place]).place
        return ValueError(f"Syntax error at position {place} in '{self.text}'.")


def _type(node: Any) -> Any:
    """The name of a type, in quotes, as OData 4 has it."""
    if not isinstance(node, ast.String):
        return node
    name = _TYPES.get(node.val, node.val)
    prefix = f"{TYPES_NAMESPACE}."
    return ast.String(NAMESPACE + "." + name.removeprefix(prefix) if prefix in name else name)
