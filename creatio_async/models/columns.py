"""The columns of a class for rows, with their types: ``columns(Contact).Account.Name``."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args, get_origin, overload

from creatio_async.models.base import ModelWith
from creatio_async.models.shapes import Shape, shape_of
from creatio_async.protocol.names import check_name
from creatio_async.protocol.odata.expressions import Column, Expression, quantified
from creatio_async.protocol.odata.nodes import Condition, Lambda, Named, Path

__all__ = ["AnyColumns", "ColumnOf", "Columns", "ManyOf", "columns"]

T = TypeVar("T")
C = TypeVar("C", bound="Columns")
_START = Path(())


class ColumnOf(Expression, Named, Generic[T]):
    """A column that is compared with values of the type *T*; anything else is an error of types.

    It can do what every `Expression` can: ``columns(Contact).Name.lower() == "ann"``.
    """

    __slots__ = ("_path",)
    __hash__ = None  # type: ignore[assignment]  # `==` gives a condition

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path

    def __way__(self) -> Path:
        return self._path

    # Narrower than those of `Expression` on purpose: that is what a checker refuses by.

    def __eq__(self, other: "T | Expression | None") -> Condition:  # type: ignore[override]
        return self._compared("eq", other)

    def __ne__(self, other: "T | Expression | None") -> Condition:  # type: ignore[override]
        return self._compared("ne", other)

    def __lt__(self, other: "T | Expression") -> Condition:  # type: ignore[override]
        return self._compared("lt", other)

    def __le__(self, other: "T | Expression") -> Condition:  # type: ignore[override]
        return self._compared("le", other)

    def __gt__(self, other: "T | Expression") -> Condition:  # type: ignore[override]
        return self._compared("gt", other)

    def __ge__(self, other: "T | Expression") -> Condition:  # type: ignore[override]
        return self._compared("ge", other)

    def in_(self, values: Iterable[T]) -> Condition:  # type: ignore[override]
        """It has one of *values*, as `Expression.in_` has it."""
        return super().in_(values)

    def contains(self: "ColumnOf[str]", text: str | Expression) -> Condition:
        """The text holds *text* somewhere."""
        return self._predicate("contains", text)

    def startswith(self: "ColumnOf[str]", text: str | Expression) -> Condition:
        """The text begins with *text*."""
        return self._predicate("startswith", text)

    def endswith(self: "ColumnOf[str]", text: str | Expression) -> Condition:
        """The text ends with *text*."""
        return self._predicate("endswith", text)


class Columns(Named):
    """The columns of a class for rows, as attributes; made by `columns`.

    A subclass tells their types, and has no code. Where it stands for a lookup it can be given to
    `expand`.
    """

    __slots__ = ("_path", "_shape")
    _shape: Shape
    _path: Path

    def __init__(self, shape: Shape, path: Path = _START) -> None:
        self._shape = shape
        self._path = path

    def __way__(self) -> Path:
        return self._path

    def __repr__(self) -> str:
        behind = f" behind {self._path}" if self._path.names else ""
        return f"<columns of {self._shape.cls.__name__}{behind}>"

    if not TYPE_CHECKING:  # a checker would take every name for a column

        def __getattr__(self, name: str) -> Any:
            found = self._shape.by_name.get(name)
            if found is None:
                raise AttributeError(
                    f"{self._shape.cls.__name__!r} has no column {name!r}", name=name, obj=self
                )
            path = Path((*self._path.names, check_name(found.column, "column")))
            row_type = found.kind.row_type
            if row_type is None:
                return ColumnOf(path) if not isinstance(self, AnyColumns) else Column(path)
            if found.kind.item is not None:
                return ManyOf(shape_of(row_type), path)
            return _columns(shape_of(row_type), path)


class AnyColumns(Columns):
    """The columns of a class that does not tell their types."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Column: ...


class ManyOf(Named, Generic[C]):
    """A navigation property that leads to several rows, which have the columns *C*."""

    __slots__ = ("_path", "_shape")

    def __init__(self, shape: Shape, path: Path) -> None:
        self._shape = shape
        self._path = path

    def __way__(self) -> Path:
        return self._path

    def __repr__(self) -> str:
        return f"<rows behind {self._path}>"

    def any(self, condition: Callable[[C], Condition] | None = None) -> Condition:
        """At least one of the rows meets *condition*; or is there at all."""
        if condition is None:
            return Lambda("any", self._path)
        return quantified("any", self._path, condition, self._row)

    def all(self, condition: Callable[[C], Condition]) -> Condition:
        """Each of the rows meets *condition*."""
        return quantified("all", self._path, condition, self._row)

    def _row(self, path: Path) -> C:
        return cast("C", _columns(self._shape, path))


# Every class is an object, and of those with columns that have types this one is right.
@overload
def columns(model: type[ModelWith[C]], /) -> C: ...  # type: ignore[overload-overlap]
@overload
def columns(model: type[object], /) -> AnyColumns: ...
def columns(model: type[Any], /) -> Any:
    """Return the columns of the class *model*, for conditions and wherever a column is named.

    ``columns(Contact).Name`` and, through a lookup, ``columns(Contact).Account.Name``. Of a class
    that ``creatio-async models`` wrote they have types: a comparison with a value of another type
    is an error for type checkers.

    Raises:
        TypeError: *model* is no class for rows.
    """
    return _columns(shape_of(model), _START)


def _columns(shape: Shape, path: Path) -> Columns:
    for base in getattr(shape.cls, "__orig_bases__", ()):
        if get_origin(base) is ModelWith:
            return cast("Columns", get_args(base)[0](shape, path))
    return AnyColumns(shape, path)
