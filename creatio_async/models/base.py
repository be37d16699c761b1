"""The base of classes for rows, whose fields are set or not."""

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    NoReturn,
    TypeVar,
    dataclass_transform,
)

from attrs import define, fields
from attrs import field as attrs_field

__all__ = ["COLUMN", "UNSET", "Model", "ModelWith", "column"]

C_co = TypeVar("C_co", covariant=True)

COLUMN: Final = "creatio_async column"
"""Where the metadata of a field has the name of its column."""


class _Unset:
    """What stands for no value at all, where None would be one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()
"""The default of a field that has no value until one is read or given."""


def column(name: str, *, default: Any = UNSET) -> Any:
    """Return a field for the column *name*, where the field has to be called something else.

    Works in attrs classes as in a `Model`; a dataclass says
    ``field(metadata={"creatio_async column": name})``.
    """
    return attrs_field(default=default, metadata={COLUMN: name})


@dataclass_transform(kw_only_default=True)
class Model:
    """The base of a class for the rows of an entity set.

    ::

        class Contact(Model):
            Id: UUID = UNSET
            Name: str = UNSET
            AccountId: UUID | None = UNSET
            Account: "Account | None" = UNSET

    A subclass is an attrs class whose fields are given by keyword. A field that was neither given
    nor read is unset: reading it raises `AttributeError`. Two rows are equal where the same fields
    are set, to equal values. ``__entity_set__`` names the entity set; without it, the class does.
    """

    __entity_set__: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Make *cls* an attrs class."""
        super().__init_subclass__()
        define(cls, slots=False, kw_only=True, eq=False, repr=False)

    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[Any]  # for `attrs.fields` and its like
    else:  # a checker would take every name for an attribute

        def __attrs_post_init__(self) -> None:
            own = self.__dict__
            for name in [name for name, value in own.items() if value is UNSET]:
                del own[name]

        def __getattr__(self, name: str) -> NoReturn:
            kind = type(self)
            if any(name == each.name for each in fields(kind)):
                raise AttributeError(
                    f"{kind.__name__}.{name} is unset: it was neither selected nor given",
                    name=name,
                    obj=self,
                )
            raise AttributeError(
                f"{kind.__name__!r} has no attribute {name!r}", name=name, obj=self
            )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({shown})"


class ModelWith(Model, Generic[C_co]):
    """A `Model` whose columns have types: those of the class in brackets.

    What ``creatio-async models`` writes are such classes.
    """
