"""A tree of ``$filter`` or ``$orderby`` as SQL with parameters.

Every constant of the text becomes a parameter; names are looked up in the schema, and only what was
found there is written into the SQL. Text is compared exactly, with regard to case, in every script
(on Creatio that depends on the database).
"""

from typing import Any, Final

from attrs import field, frozen
from odata_query import ast

from creatio_async.emulator.calls import call_sql
from creatio_async.emulator.grammar import (
    FilterSyntaxError,
    UnsupportedError,
    count_nodes,
    parse,
)
from creatio_async.emulator.refusals import Refusal, bad_query, odata_error, server_error
from creatio_async.emulator.schema import Kind, Navigation, Schema
from creatio_async.emulator.sql import Fragment, Rules, incompatible
from creatio_async.emulator.values import moment

__all__ = ["Scope", "compiled", "parsed"]

_COMPARISONS: Final[dict[type[Any], tuple[str, str]]] = {
    ast.Eq: ("IS", "Equal"),
    ast.NotEq: ("IS NOT", "NotEqual"),
    ast.Lt: ("<", "LessThan"),
    ast.LtE: ("<=", "LessThanOrEqual"),
    ast.Gt: (">", "GreaterThan"),
    ast.GtE: (">=", "GreaterThanOrEqual"),
}
_ARITHMETIC: Final[dict[type[Any], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
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
        raise odata_error(501, str(error)) from None
    if rules.node_limit and count_nodes(tree) > rules.node_limit:
        raise bad_query(
            f"The node count limit of '{rules.node_limit}' has been exceeded. To increase the "
            "limit, set the 'MaxNodeCount' property on EnableQueryAttribute or "
            "ODataValidationSettings."
        )
    return tree


@frozen
class Scope:
    """The rows of one table in a query, and the tables joined to them by navigation paths."""

    schema: Schema
    schemas: dict[str, Schema]
    alias: str
    rules: Rules
    joins: dict[tuple[str, ...], tuple[str, Schema]] = field(
        factory=dict[tuple[str, ...], tuple[str, Schema]], init=False
    )
    join_sql: list[str] = field(factory=list[str], init=False)
    columns: set[str] = field(factory=set[str], init=False)
    """The columns of the table itself that a filter has named."""
    aliases: list[str] = field(factory=list[str])
    """Every alias of the whole query, so that each is used once."""

    def source(self) -> str:
        """Return what stands after FROM."""
        return " ".join([f'"{self.schema.name}" AS {self.alias}', *self.join_sql])

    def column(self, path: tuple[str, ...], *, condition: bool) -> Fragment:
        """Return the column at the end of *path*, joining the tables on the way.

        In a *condition* a lookup is refused where it must be asked by its path. Source: seen on
        live sites for ``$filter``; nothing tells the same of ``$orderby``.
        """
        *way, last = path
        alias, schema = self._joined(tuple(way))
        column = schema.column(last)
        if column is None:
            navigation = schema.navigation(last)
            if navigation is None:
                raise _unknown(last, schema)
            if navigation.many:
                raise bad_query(f"The property '{last}' is a collection; use any or all.")
            found = schema.by_name[navigation.column]
            return Fragment(f'{alias}."{found.name}"', (), Kind.GUID, navigation=True)
        if condition and column.lookup and self.rules.lookup_by_path:
            dotted = ".".join([*way, column.name])
            raise server_error(
                f"Column by path {dotted} not found in schema {self.schema.name}",
                "Terrasoft.Common.ItemNotFoundException",
            )
        if column.kind is Kind.STREAM:
            raise bad_query(f"The property '{column.name}' is a stream and cannot be compared.")
        if not way:
            self.columns.add(column.name)
        return Fragment(f'{alias}."{column.name}"', (), column.kind)

    def collection(self, path: tuple[str, ...]) -> tuple[str, Navigation]:
        """Return the alias whose id the rows of the collection at *path* look up."""
        *way, last = path
        alias, schema = self._joined(tuple(way))
        navigation = schema.navigation(last)
        if navigation is None:
            raise _unknown(last, schema)
        if not navigation.many:
            raise bad_query(f"Any/All may only be used following a collection; '{last}' is none.")
        return alias, navigation

    def inner(self, schema: Schema) -> "Scope":
        """Return a scope for rows of *schema* inside this one, as of a lambda expression."""
        return Scope(schema, self.schemas, self._new_alias(), self.rules, self.aliases)

    def _joined(self, way: tuple[str, ...]) -> tuple[str, Schema]:
        if not way:
            return self.alias, self.schema
        key = tuple(name.lower() for name in way)
        if key in self.joins:
            return self.joins[key]
        alias, schema = self._joined(way[:-1])
        navigation = schema.navigation(way[-1])
        if navigation is None:
            raise _unknown(way[-1], schema)
        if navigation.many:
            raise bad_query(f"The property '{way[-1]}' is a collection; use any or all.")
        target, joined = self.schemas[navigation.target], self._new_alias()
        self.join_sql.append(
            f'LEFT JOIN "{target.name}" AS {joined} '
            f'ON {joined}."Id" = {alias}."{navigation.column}"'
        )
        self.joins[key] = joined, target
        return joined, target

    def _new_alias(self) -> str:
        self.aliases.append(f"t{len(self.aliases) + 1}")
        return self.aliases[-1]


def _unknown(name: str, schema: Schema) -> Refusal:
    return bad_query(f"Could not find a property named '{name}' on type '{schema.type_name}'.")


def compiled(tree: Any, scope: Scope, *, condition: bool) -> Fragment:
    """Return *tree* as SQL over *scope*; a *condition* must be true or false.

    Raises:
        Refusal: 400, a name is unknown or types do not fit; 500, where Creatio fails.
    """
    try:
        fragment = _Compiler(scope, {}, condition).sql(tree)
    except RecursionError:
        raise bad_query("The recursion limit has been exceeded.") from None
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
                if inner.kind not in _NUMBERS:
                    raise incompatible("Negate", inner.kind, inner.kind)
                return Fragment(f"(- {inner.text})", inner.parameters, inner.kind)
            case ast.BinOp(op, left, right):
                return self._arithmetic(op, self.sql(left), self.sql(right))
            case ast.Call(func, args):
                return call_sql(_full_name(func), [self.sql(arg) for arg in args])
            case ast.CollectionLambda(owner, operator, lambda_):
                return self._lambda(owner, operator, lambda_)
            case _:
                return self._literal(node)

    def _path(self, node: Any) -> Fragment:
        path = _names(node)
        scope = self.lambdas.get(path[0])
        if scope is not None:
            path = path[1:]
        else:
            scope = self.scope
            path = path[1:] if path[0] == "$it" else path
        if not path:
            raise odata_error(501, "A variable without a property is not implemented.")
        return scope.column(path, condition=self.condition)

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
        return left.beside(right, f"({left.text} {sign} {right.text})", Kind.FLAG)

    def _kept(self, kind: Kind | None) -> bool:
        """Whether a null of that kind is one in the store too."""
        return self.scope.rules.nulls and kind in {Kind.GUID, Kind.DATE}

    def _within(self, left: Fragment, values: list[Fragment]) -> Fragment:
        fitted = [self._fitted(value, "In", left) for value in values]
        for value in fitted:
            self._fitted(left, "In", value)
        places = ", ".join(value.text for value in fitted)
        parameters = left.parameters + tuple(p for value in fitted for p in value.parameters)
        return Fragment(f"({left.text} IN ({places}))", parameters, Kind.FLAG)

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

    def _arithmetic(self, op: Any, left: Fragment, right: Fragment) -> Fragment:
        if left.kind not in _NUMBERS or right.kind not in _NUMBERS:
            raise incompatible(type(op).__name__, left.kind, right.kind)
        whole = left.kind is Kind.WHOLE and right.kind is Kind.WHOLE
        first, sign = left.text, _ARITHMETIC[type(op)]
        if sign == "/" and not whole:
            first = f"CAST({first} AS REAL)"
        kind = Kind.WHOLE if whole else Kind.DECIMAL
        return left.beside(right, f"({first} {sign} {right.text})", kind)

    def _lambda(self, owner: Any, operator: Any, lambda_: Any) -> Fragment:
        path = _names(owner)
        outer = self.lambdas.get(path[0])
        scope, path = (outer, path[1:]) if outer is not None else (self.scope, path)
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

    def _literal(self, node: Any) -> Fragment:
        match node:
            case ast.Null():
                return Fragment("NULL", (), None)
            case ast.String(text):
                return Fragment("?", (text,), Kind.TEXT)
            case ast.GUID(text):
                return Fragment("?", (text.lower(),), Kind.GUID)
            case ast.Boolean():
                return Fragment("?", (int(node.py_val),), Kind.FLAG)
            case ast.Integer(text):
                return self._number(int(text))
            case ast.Float(text):
                return Fragment("?", (float(text),), Kind.DECIMAL)
            case ast.DateTime(text):
                return _date(text)
            case ast.Date(text):
                return _date(f"{text}T00:00:00Z")
            case _:
                name = type(node).__name__
                raise odata_error(501, f"A constant of the type {name} is not implemented.")

    @staticmethod
    def _number(value: int) -> Fragment:
        if abs(value) >= 2**63:
            return Fragment("?", (float(value),), Kind.DECIMAL)
        return Fragment("?", (value,), Kind.WHOLE)


def _exists(scope: Scope, condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM {scope.source()} WHERE {condition})"  # noqa: S608


def _filled(one: Fragment) -> Fragment:
    if one.kind is None:
        return one
    return Fragment(f"ifnull({one.text}, ?)", (*one.parameters, one.kind.empty), one.kind)


def _date(text: str) -> Fragment:
    try:
        return Fragment("?", (moment(text),), Kind.DATE)
    except ValueError as error:
        raise bad_query(str(error)) from None


def _full_name(identifier: Any) -> str:
    return ".".join((*identifier.namespace, identifier.name))


def _names(node: Any) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.owner
    return (_full_name(node), *reversed(names))
