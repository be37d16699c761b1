"""A tree of ``$filter`` or ``$orderby`` as SQL with parameters.

Every constant of the text becomes a parameter; names are looked up in the schema, and only what was
found there is written into the SQL. Text is compared exactly, with regard to case, in every script
(on Creatio that depends on the database).
"""

from typing import Any, Final

from attrs import frozen
from odata_query import ast

from creatio_async.emulator.arithmetic import arithmetic_sql
from creatio_async.emulator.calls import call_sql
from creatio_async.emulator.casts import cast_sql, isof_sql
from creatio_async.emulator.grammar import (
    FilterSyntaxError,
    UnsupportedError,
    count_nodes,
    parse,
)
from creatio_async.emulator.literals import literal_sql
from creatio_async.emulator.refusals import bad_query
from creatio_async.emulator.schema import EMPTY_GUID, Kind, Schema
from creatio_async.emulator.scopes import Scope
from creatio_async.emulator.sql import Fragment, Rules, incompatible, missing

__all__ = ["compiled", "parsed"]

_COMPARISONS: Final[dict[type[Any], tuple[str, str]]] = {
    ast.Eq: ("IS", "Equal"),
    ast.NotEq: ("IS NOT", "NotEqual"),
    ast.Lt: ("<", "LessThan"),
    ast.LtE: ("<=", "LessThanOrEqual"),
    ast.Gt: (">", "GreaterThan"),
    ast.GtE: (">=", "GreaterThanOrEqual"),
}
_NUMBERS = {Kind.WHOLE, Kind.DECIMAL}


def parsed(text: str, rules: Rules) -> Any:
    """Return the tree of *text*.

    Raises:
        Refusal: 400, it is no expression or too large; 501, it needs what is not implemented.
    """
    try:
        tree = parse(text)
    except FilterSyntaxError as error:
        raise bad_query(str(error)) from None
    except UnsupportedError as error:
        raise missing(rules, str(error)) from None
    if rules.node_limit and count_nodes(tree) > rules.node_limit:
        raise bad_query(
            f"The node count limit of '{rules.node_limit}' has been exceeded. To increase the "
            "limit, set the 'MaxNodeCount' property on EnableQueryAttribute or "
            "ODataValidationSettings."
        )
    return tree


def compiled(tree: Any, scope: Scope, *, condition: bool) -> Fragment:
    """Return *tree* as SQL over *scope*; a *condition* must be true or false.

    Raises:
        Refusal: 400, a name is unknown or types do not fit; 500, where Creatio fails.
    """
    fragment = _Compiler(scope, {}, condition).sql(tree)
    if condition and fragment.kind not in {Kind.FLAG, None}:
        raise bad_query("The $filter expression must evaluate to a single boolean value.")
    return fragment


@frozen
class _Compiler:
    scope: Scope
    lambdas: dict[str, Scope]
    """The scopes of the variables of lambda expressions, by name."""
    condition: bool

    def sql(self, node: Any) -> Fragment:  # noqa: C901 - one case for each kind of node
        match node:
            case ast.Identifier() | ast.Attribute():
                return self._path(node)
            case ast.Compare(ast.In(), left, ast.List(values)):
                return self._within(self.sql(left), [self.sql(value) for value in values])
            case ast.Compare(comparator, left, right):
                sign, name = _COMPARISONS[type(comparator)]
                return self._comparison(self.sql(left), sign, name, self.sql(right))
            case ast.BoolOp():
                return self._chain(node)
            case ast.UnaryOp(ast.Not(), operand):
                inner = self._flag(operand, "Not")
                return Fragment(f"(NOT {inner.text})", inner.parameters, Kind.FLAG)
            case ast.UnaryOp(_, operand):
                inner = self.sql(operand)
                if inner.kind not in _NUMBERS | {Kind.DURATION}:
                    raise incompatible("Negate", inner.kind, inner.kind)
                return Fragment(f"(- {inner.text})", inner.parameters, inner.kind)
            case ast.BinOp(op, left, right):
                return arithmetic_sql(type(op).__name__, self.sql(left), self.sql(right))
            case ast.Call(func, args):
                return self._call(_full_name(func), args)
            case ast.CollectionLambda(owner, operator, lambda_):
                return self._lambda(owner, operator, lambda_)
            case _:
                return literal_sql(node, self.scope.rules)

    def _path(self, node: Any) -> Fragment:
        scope, path = self._resolved(_names(node))
        if not path:
            raise missing(self.scope.rules, "A variable without a property")
        return scope.column(path, condition=self.condition)

    def _resolved(self, path: tuple[str, ...]) -> tuple[Scope, tuple[str, ...]]:
        """The rows that a path begins at, and the rest of it; a name alone begins at ``$it``."""
        scope = self.lambdas.get(path[0])
        if scope is not None:
            return scope, path[1:]
        return self.scope, path[1:] if path[0] == "$it" else path

    def _call(self, name: str, args: list[Any]) -> Fragment:
        rules = self.scope.rules
        if name not in {"cast", "isof"}:
            return call_sql(name, [self.sql(arg) for arg in args], rules)
        if not 1 <= len(args) <= 2:
            raise bad_query(f"'{name}' takes a value and a type, or a type alone.")
        *given, kind = args
        wanted = kind.val if isinstance(kind, ast.String) else ".".join(_names(kind))
        found = self._row(given)
        if found is not None:
            if all(schema.type_name != wanted for schema in self.scope.schemas.values()):
                raise bad_query(f"The type '{wanted}' is unknown.")
            if name == "cast":
                raise missing(rules, "A cast of a row")
            return Fragment(str(int(found.type_name == wanted)), (), Kind.FLAG)
        value = self.sql(given[0])
        if value.navigation:
            return self._navigation(name, given[0], value, wanted)
        return (cast_sql if name == "cast" else isof_sql)(value, wanted)

    def _row(self, given: list[Any]) -> Schema | None:
        """The schema of a row that is meant as a whole: by ``$it``, by a variable, by nothing."""
        if not given:
            return self.scope.schema
        if not isinstance(given[0], ast.Identifier):
            return None
        scope, path = self._resolved(_names(given[0]))
        return None if path else scope.schema

    def _navigation(self, name: str, node: Any, value: Fragment, wanted: str) -> Fragment:
        if name == "cast":
            raise missing(self.scope.rules, "A cast of a row")
        scope, path = self._resolved(_names(node))
        there = Fragment(f"(ifnull({value.text}, ?) <> ?)", (EMPTY_GUID,) * 2, Kind.FLAG)
        same = scope.target(path).type_name == wanted
        return there if same else Fragment("0", (), Kind.FLAG)

    def _flag(self, node: Any, operator: str) -> Fragment:
        fragment = self.sql(node)
        if fragment.kind is not Kind.FLAG:
            raise incompatible(operator.capitalize(), fragment.kind, Kind.FLAG)
        return fragment

    def _chain(self, node: Any) -> Fragment:
        """Join the operands of ``a or b or c`` on one level: SQLite nests a hundred levels only."""
        operands: list[Any] = []
        rest, word = node, "AND" if isinstance(node.op, ast.And) else "OR"
        while isinstance(rest, ast.BoolOp) and type(rest.op) is type(node.op):
            operands.append(rest.right)
            rest = rest.left
        fragments = [self._flag(operand, word) for operand in (rest, *reversed(operands))]
        text = f" {word} ".join(fragment.text for fragment in fragments)
        parameters = tuple(p for fragment in fragments for p in fragment.parameters)
        return Fragment(f"({text})", parameters, Kind.FLAG)

    def _comparison(self, left: Fragment, sign: str, name: str, right: Fragment) -> Fragment:
        null = left.kind is None or right.kind is None
        left, right = self._fitted(left, name, right), self._fitted(right, name, left)
        if null and not self._kept(left.kind):
            # A row that is not there, at the end of a path, has empty values as well.
            left, right = _filled(left), _filled(right)
        text = f"({left.text} {sign} {right.text})"
        if "IS" not in sign:
            text = self._two_valued(text, left, right)
        return left.beside(right, text, Kind.FLAG)

    def _two_valued(self, text: str, *operands: Fragment) -> str:
        """A comparison with null is false in OData, and so is no null to be negated.

        On Creatio it is the database that compares; in SQL its negation is as little true. The
        key is left alone: it is never null, and a function around it would keep its index away.
        """
        key = all(operand.text in {'t."Id"', "?"} for operand in operands)
        return f"ifnull({text}, 0)" if self.scope.rules.plain and not key else text

    def _kept(self, kind: Kind | None) -> bool:
        """Whether a null of that kind is one in the store too."""
        return self.scope.rules.nulls and kind in {Kind.GUID, Kind.DATE}

    def _within(self, left: Fragment, values: list[Fragment]) -> Fragment:
        fitted = [self._fitted(value, "In", left) for value in values]
        for value in fitted:
            self._fitted(left, "In", value)
        places = ", ".join(value.text for value in fitted)
        parameters = left.parameters + tuple(p for value in fitted for p in value.parameters)
        text = self._two_valued(f"({left.text} IN ({places}))", left)
        return Fragment(text, parameters, Kind.FLAG)

    def _fitted(self, one: Fragment, name: str, other: Fragment) -> Fragment:
        """Return *one* in the type of *other*, against which it is held."""
        if one.navigation and other.kind is not None:
            raise bad_query("A navigation property can be compared with null only.")
        if one.kind is None:
            if other.kind is None or self._kept(other.kind):
                return one
            return Fragment("?", (other.kind.empty,), other.kind)
        if other.kind is None or one.kind is other.kind:
            return one
        if one.kind in _NUMBERS and other.kind in _NUMBERS:
            return one
        raise incompatible(name, one.kind, other.kind)

    def _lambda(self, owner: Any, operator: Any, lambda_: Any) -> Fragment:
        scope, path = self._resolved(_names(owner))
        if not path:
            raise bad_query("Any/All may only be used following a collection.")
        if self.scope.rules.node_limit and self.lambdas:
            raise bad_query("The Any/All nesting limit of '1' has been exceeded.")
        alias, navigation = scope.collection(path)
        inner = scope.inner(self.scope.schemas[navigation.target])
        member = f'{inner.alias}."{navigation.column}" = {alias}."Id"'
        if lambda_ is None:
            return Fragment(_exists(inner, member), (), Kind.FLAG)
        name = lambda_.identifier.name
        body = _Compiler(self.scope, {**self.lambdas, name: inner}, self.condition)
        found = body._flag(lambda_.expression, "Any")
        every = isinstance(operator, ast.All)
        test = f"NOT {found.text}" if every else found.text
        exists = _exists(inner, f"{member} AND {test}")
        return Fragment(f"NOT {exists}" if every else exists, found.parameters, Kind.FLAG)


def _exists(scope: Scope, condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM {scope.source()} WHERE {condition})"  # noqa: S608


def _filled(one: Fragment) -> Fragment:
    if one.kind is None:
        return one
    return Fragment(f"ifnull({one.text}, ?)", (*one.parameters, one.kind.empty), one.kind)


def _full_name(identifier: Any) -> str:
    return ".".join((*identifier.namespace, identifier.name))


def _names(node: Any) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.owner
    if not isinstance(node, ast.Identifier):
        raise bad_query("A name was expected.")
    return (_full_name(node), *reversed(names))
