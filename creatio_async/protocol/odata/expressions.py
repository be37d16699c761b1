"""`F` and what grows from it: columns, functions of them, conditions.

``F.Name`` is a column, ``F.Account.Name`` a path; comparing one gives a condition, and conditions
are joined with ``& | ~``. All of them are frozen values: they can be kept, compared and printed.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

from creatio_async.protocol.names import check_name, check_path
from creatio_async.protocol.odata.filters import value_text
from creatio_async.protocol.odata.literals import literal
from creatio_async.protocol.odata.nodes import (
    Arithmetic,
    Comparison,
    Condition,
    EnumMember,
    Function,
    In,
    Lambda,
    Literal,
    Named,
    Negation,
    Order,
    Path,
    Predicate,
    TypeName,
    Value,
)

__all__ = ["Column", "Expression", "F", "isof", "maxdatetime", "mindatetime", "now", "quantified"]

Row = TypeVar("Row")


class Expression:
    """A value that is made of columns: compare it, calculate with it, ask a function of it.

    Methods that are named after a function of OData send that function; a method that returns an
    `Expression` can be followed by another.
    """

    __slots__ = ("node",)
    __hash__ = None  # type: ignore[assignment]  # `==` gives a condition

    def __init__(self, node: Value) -> None:
        self.node = node

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self!r} is a column, and cannot be iterated")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self!r} is a column: compare it, for instance with == True")

    def __repr__(self) -> str:
        return f"<{value_text(self.node)}>"

    # --- Comparisons ---

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared("eq", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared("ne", other)

    def __lt__(self, other: object) -> Condition:
        return self._compared("lt", other)

    def __le__(self, other: object) -> Condition:
        return self._compared("le", other)

    def __gt__(self, other: object) -> Condition:
        return self._compared("gt", other)

    def __ge__(self, other: object) -> Condition:
        return self._compared("ge", other)

    def is_null(self) -> Condition:
        """It is null. Creatio rather holds empty values: a zero guid, ``""``, year 1."""
        return self._compared("eq", None)

    def has(self, flags: EnumMember) -> Condition:
        """It has all of *flags*, of its enum type."""
        return self._compared("has", flags)

    def in_(self, values: Iterable[object]) -> Condition:
        """It has one of *values*.

        Up to 20 values are one request. More are split into several requests; that needs the
        condition at the top level of a query without `order_by`, `top` and `skip`.
        """
        if isinstance(values, str | bytes):
            raise TypeError("in_ takes several values, not a text; compare with == instead")
        distinct = {literal(value): Literal(value) for value in values}
        return In(self.node, tuple(distinct.values()))

    def contains(self, text: "str | Expression") -> Condition:
        """The text holds *text* somewhere."""
        return self._predicate("contains", text)

    def startswith(self, text: "str | Expression") -> Condition:
        """The text begins with *text*."""
        return self._predicate("startswith", text)

    def endswith(self, text: "str | Expression") -> Condition:
        """The text ends with *text*."""
        return self._predicate("endswith", text)

    def asc(self) -> Order:
        """Sort by it, smallest first."""
        return Order(self.node)

    def desc(self) -> Order:
        """Sort by it, greatest first."""
        return Order(self.node, descending=True)

    # --- Arithmetic ---

    def __add__(self, other: object) -> "Expression":
        return self._calculated("add", self, other)

    def __radd__(self, other: object) -> "Expression":
        return self._calculated("add", other, self)

    def __sub__(self, other: object) -> "Expression":
        return self._calculated("sub", self, other)

    def __rsub__(self, other: object) -> "Expression":
        return self._calculated("sub", other, self)

    def __mul__(self, other: object) -> "Expression":
        return self._calculated("mul", self, other)

    def __rmul__(self, other: object) -> "Expression":
        return self._calculated("mul", other, self)

    def __truediv__(self, other: object) -> "Expression":
        return self._calculated("div", self, other)

    def __rtruediv__(self, other: object) -> "Expression":
        return self._calculated("div", other, self)

    def __mod__(self, other: object) -> "Expression":
        return self._calculated("mod", self, other)

    def __rmod__(self, other: object) -> "Expression":
        return self._calculated("mod", other, self)

    def __neg__(self) -> "Expression":
        return Expression(Negation(self.node))

    # --- Functions of texts ---

    def lower(self) -> "Expression":
        """The text in lower case (``tolower``)."""
        return self._function("tolower")

    def upper(self) -> "Expression":
        """The text in upper case (``toupper``)."""
        return self._function("toupper")

    def trim(self) -> "Expression":
        """The text without white space around it."""
        return self._function("trim")

    def length(self) -> "Expression":
        """The characters of the text."""
        return self._function("length")

    def indexof(self, text: "str | Expression") -> "Expression":
        """Where *text* begins in the text, from 0; -1 where it does not stand there."""
        return self._function("indexof", _text(text))

    def substring(self, start: int, length: int | None = None) -> "Expression":
        """The text from character number *start*, counted from 0, *length* characters at most."""
        rest = () if length is None else (Literal(length),)
        return self._function("substring", Literal(start), *rest)

    def concat(self, text: "str | Expression") -> "Expression":
        """The text, followed by *text*."""
        return self._function("concat", _text(text))

    # --- Functions of points in time ---

    def year(self) -> "Expression":
        """The year."""
        return self._function("year")

    def month(self) -> "Expression":
        """The month, from 1."""
        return self._function("month")

    def day(self) -> "Expression":
        """The day of the month, from 1."""
        return self._function("day")

    def hour(self) -> "Expression":
        """The hour, from 0."""
        return self._function("hour")

    def minute(self) -> "Expression":
        """The minute, from 0."""
        return self._function("minute")

    def second(self) -> "Expression":
        """The second, from 0, without its fraction."""
        return self._function("second")

    def fractionalseconds(self) -> "Expression":
        """The fraction of the second."""
        return self._function("fractionalseconds")

    def date(self) -> "Expression":
        """The day: compare it with a `datetime.date`."""
        return self._function("date")

    def time(self) -> "Expression":
        """The time of the day: compare it with a `datetime.time`."""
        return self._function("time")

    def totalseconds(self) -> "Expression":
        """The seconds of the duration, with their fraction."""
        return self._function("totalseconds")

    def totaloffsetminutes(self) -> "Expression":
        """The offset of the time zone, in minutes."""
        return self._function("totaloffsetminutes")

    # --- Functions of numbers, types ---

    def round(self) -> "Expression":
        """The nearest whole number."""
        return self._function("round")

    def floor(self) -> "Expression":
        """The greatest whole number that is not above it."""
        return self._function("floor")

    def ceiling(self) -> "Expression":
        """The smallest whole number that is not below it."""
        return self._function("ceiling")

    def cast(self, type_name: str) -> "Expression":
        """It as another type, such as ``Edm.String``."""
        return self._function("cast", _type_name(type_name))

    def isof(self, type_name: str) -> Condition:
        """It is of the type *type_name*."""
        return Predicate("isof", (self.node, _type_name(type_name)))

    def _compared(self, operator: str, other: object) -> Condition:
        return Comparison(operator, self.node, _value(other))

    def _predicate(self, function: str, text: "str | Expression") -> Condition:
        return Predicate(function, (self.node, _text(text)))

    def _function(self, name: str, *arguments: Value | TypeName) -> "Expression":
        return Expression(Function(name, (self.node, *arguments)))

    @staticmethod
    def _calculated(operator: str, left: object, right: object) -> "Expression":
        for side in (left, right):
            if isinstance(side, str):
                raise TypeError("a text cannot be calculated with; join texts with concat()")
        return Expression(Arithmetic(operator, _value(left), _value(right)))


class Column(Expression, Named):
    """A column of a row, or the way to one; made by `F`.

    An attribute goes one step further (``F.Account.Name``); so does an index, for names that mean
    something else here (``F.Account["date"]``).
    """

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __way__(self) -> Path:
        return self.path

    def __getattr__(self, name: str) -> "Column":
        if name.startswith("__"):  # asked for by copy, pickle and inspect
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> "Column":
        return Column(Path((*self.path.names, *check_path(name, "column"))))

    def __repr__(self) -> str:
        return f"F[{str(self.path)!r}]"

    def any(self, condition: "Callable[[Column], Condition] | None" = None) -> Condition:
        """At least one of the rows behind this collection meets *condition*; or is there at all.

        ``F.Activities.any(lambda a: a.Title == "x")``
        """
        return Lambda("any", self.path) if condition is None else self._lambda("any", condition)

    def all(self, condition: "Callable[[Column], Condition]") -> Condition:
        """Each of the rows behind this collection meets *condition*."""
        return self._lambda("all", condition)

    def _lambda(self, quantifier: str, condition: "Callable[[Column], Condition]") -> Condition:
        return quantified(quantifier, self.path, condition, Column)


def quantified(
    quantifier: str, path: Path, condition: Callable[[Row], Condition], row: Callable[[Path], Row]
) -> Condition:
    """Return ``any`` or ``all`` of what is behind *path*, of which *row* makes what it is called.

    Raises:
        TypeError: *condition* is no function of one row, or gives no condition.
    """
    names = list(inspect.signature(condition).parameters)
    if len(names) != 1:
        raise TypeError(f"{quantifier}() takes a function of one row, not of {len(names)}")
    variable = check_name(names[0], "variable")
    inner = condition(row(Path((variable,))))
    if not isinstance(inner, Condition):
        raise TypeError(f"{quantifier}() takes a function that gives a condition")
    return Lambda(quantifier, path, variable, inner)


def _value(value: object) -> Value:
    return value.node if isinstance(value, Expression) else Literal(value)


def _text(text: object) -> Value:
    if not isinstance(text, str | Expression):
        raise TypeError(f"takes a text, not {type(text).__name__}")
    return _value(text)


def _type_name(name: str) -> TypeName:
    for part in name.split("."):
        check_name(part, "type")
    return TypeName(name)


class _Columns:
    """Gives columns by name: ``F.Name``, ``F["Name"]``, ``F["Account/Name"]``."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Column:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Column:
        return Column(Path(("$it",) if name == "$it" else check_path(name, "column")))

    def __repr__(self) -> str:
        return "F"


F = _Columns()
"""The columns of whatever set a query reads: ``F.Name == "x"``, ``F.Account.Name``.

``F["$it"]`` is the row itself, or the value in a collection of plain values.
"""


def now() -> Expression:
    """Return the server's present point in time."""
    return Expression(Function("now"))


def mindatetime() -> Expression:
    """Return the earliest point in time that the server knows."""
    return Expression(Function("mindatetime"))


def maxdatetime() -> Expression:
    """Return the latest point in time that the server knows."""
    return Expression(Function("maxdatetime"))


def isof(type_name: str) -> Condition:
    """Return the condition that the row is of the type *type_name*."""
    return Predicate("isof", (_type_name(type_name),))
