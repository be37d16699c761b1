"""Conditions as the text of ``$filter`` in OData 4, in Creatio's dialect.

Creatio refuses a lookup's scalar column in a filter (``AccountId eq ...`` is a 500, "Column by
path AccountId not found in schema Contact"), so a comparison of such a column with a guid goes out
along the navigation property: ``Account/Id eq ...``.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from creatio_async.protocol.names import as_guid
from creatio_async.protocol.odata.literals import literal, quoted
from creatio_async.protocol.odata.nodes import (
    And,
    Arithmetic,
    Comparison,
    Condition,
    Function,
    In,
    Lambda,
    Literal,
    Negation,
    Not,
    Or,
    Path,
    Predicate,
    Raw,
    TypeName,
    Value,
    paths,
    terms,
)

__all__ = ["Filters", "columns_of", "filter_text", "node_count", "value_text"]

# How tightly an operator binds (OData 4.0 URL conventions, 5.1.1.13): what binds less than its
# surroundings stands in parentheses.
_OR, _AND, _COMPARISON, _ADDITIVE, _MULTIPLICATIVE, _UNARY = 1, 2, 3, 4, 5, 6


class Filters:
    """Writes conditions and values in the words of OData 4.

    Another version replaces `literal`, `call`, `argument`, `operand` and `operator`.
    """

    def condition(self, condition: Condition, surroundings: int = 0) -> str:
        """Return *condition* as text, not yet percent-encoded, with parentheses where needed."""
        text, binding = self._render(condition)
        return f"({text})" if binding < surroundings else text

    def value(self, value: Value, surroundings: int = 0) -> str:
        """Return *value* as text, in parentheses where its operator binds less than its place."""
        match value:
            case Path():
                return str(value)
            case Literal(given):
                return self.literal(given)
            case Function(name, arguments):
                return self.call(name, arguments)
            case Arithmetic(operator, left, right):
                binding = _ADDITIVE if operator in {"add", "sub"} else _MULTIPLICATIVE
                # On the right the same operator needs parentheses: a sub (b sub c).
                text = f"{self.value(left, binding)} {operator} {self.value(right, binding + 1)}"
                return f"({text})" if binding < surroundings else text
            case Negation(inner):
                return f"-{self.value(inner, _UNARY)}"

    def literal(self, value: Any) -> str:
        """Return a value of the caller's as text."""
        return literal(value)

    def call(self, function: str, arguments: Sequence[Value | TypeName]) -> str:
        """Return a function of the protocol with its arguments."""
        return f"{function}({','.join(map(self.argument, arguments))})"

    def argument(self, value: Value | TypeName) -> str:
        """Return an argument of a function: a text in guid form is a text here."""
        if isinstance(value, TypeName):
            return value.name
        if isinstance(value, Literal) and isinstance(value.value, str):
            return quoted(value.value)
        return self.value(value)

    def operand(self, value: Value, beside: Value) -> str:
        """Return one side of a comparison: beside ``date()`` a day is Edm.Date, not midnight."""
        if (
            isinstance(value, Literal)
            and isinstance(value.value, dt.date)
            and not isinstance(value.value, dt.datetime)
            and isinstance(beside, Function)
            and beside.name == "date"
        ):
            return value.value.isoformat()
        return self.value(value)

    def operator(self, name: str) -> str:
        """Return the operator of a comparison."""
        return name

    def _render(self, condition: Condition) -> tuple[str, int]:
        match condition:
            case And(items):
                return " and ".join(self.condition(item, _AND) for item in items), _AND
            case Or(items):
                return " or ".join(self.condition(item, _OR) for item in items), _OR
            case Not(item):
                return f"not {self.condition(item, _UNARY)}", _UNARY
            case Comparison(operator, left, right):
                left, right = _dialect(left, right)
                sign = self.operator(operator)
                return (
                    f"{self.operand(left, right)} {sign} {self.operand(right, left)}",
                    _COMPARISON,
                )
            case Predicate(function, arguments):
                return self.call(function, arguments), _UNARY
            case In(column, values):
                equal = [self.condition(Comparison("eq", column, each), _OR) for each in values]
                return " or ".join(equal) or "false", _OR if len(equal) > 1 else _COMPARISON
            case Lambda(quantifier, collection, variable, inner):
                body = "" if inner is None else f"{variable}:{self.condition(inner)}"
                return f"{collection}/{quantifier}({body})", _UNARY
            case Raw(text):
                return text, 0
            case _:
                raise TypeError(f"{condition!r} cannot be made into a filter")


_FILTERS = Filters()
filter_text = _FILTERS.condition
value_text = _FILTERS.value


def _dialect(left: Value, right: Value) -> tuple[Value, Value]:
    if isinstance(left, Path) and isinstance(right, Literal) and as_guid(right.value):
        return _through_lookup(left), right
    return left, right


def _through_lookup(path: Path) -> Path:
    """Return ``Account/Id`` for ``AccountId``; the row's own ``Id`` and ``UId`` stay.

    By Creatio's convention a column such as ``UId`` or ``EntitySchemaUId`` is a plain guid.
    """
    *before, name = path.names
    if not name.endswith("Id") or name.endswith("UId") or name == "Id":
        return path
    return Path((*before, name.removesuffix("Id"), "Id"))


def columns_of(condition: Condition) -> Iterator[str]:
    """Give the columns of the row itself that *condition* looks at.

    Creatio may refuse a filter on a column that ``$select`` leaves out. ``Account/Id`` is the
    column ``AccountId``; what lies further away is no column of the row.
    """
    variables = {term.variable for term in terms(condition) if isinstance(term, Lambda)}
    for term in terms(condition):
        for path in _paths_in(term):
            if path.names[0] not in variables:
                yield from _own(path)


def _paths_in(term: Condition) -> Iterator[Path]:
    match term:
        case Comparison(_, left, right):
            yield from paths(left)
            yield from paths(right)
        case Predicate(_, arguments):
            for argument in arguments:
                yield from paths(argument)
        case In(column, _):
            yield from paths(column)
        case _:
            pass


def _own(path: Path) -> Iterator[str]:
    match path.names:
        case ("$it", *_):
            pass
        case (name,):
            yield name
        case (lookup, "Id"):
            yield f"{lookup}Id"
        case _:
            pass


def node_count(condition: Condition) -> int:
    """Return how many nodes a server counts in *condition*: its limit is 100 by default.

    Each operator, function, constant and step of a path is one.
    """
    count = 0
    for term in terms(condition):
        match term:
            case And(items) | Or(items):
                count += len(items) - 1
            case Comparison(_, left, right):
                count += 1 + sum(map(_size, _dialect(left, right)))
            case Predicate(_, arguments):
                count += 1 + sum(map(_size, arguments))
            case In(column, values):
                each = (node_count(Comparison("eq", column, value)) for value in values)
                count += sum(each) + max(len(values) - 1, 0)
            case _:
                count += 1
    return count


def _size(value: Value | TypeName) -> int:
    match value:
        case Path(names):
            return len(names)
        case Function(_, arguments):
            return 1 + sum(map(_size, arguments))
        case Arithmetic(_, left, right):
            return 1 + _size(left) + _size(right)
        case Negation(inner):
            return 1 + _size(inner)
        case _:
            return 1
