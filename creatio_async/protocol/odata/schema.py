"""What a service offers, as values: types and their properties, entity sets, operations.

Everything is frozen and can be pickled. Types are known by their full names, such as
``Terrasoft.Configuration.OData.Contact``; equal properties of several types are one object.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from creatio_async.protocol.odata.feeds import FeedMapping

__all__ = [
    "ByName",
    "ComplexType",
    "EntitySet",
    "EntityType",
    "EnumType",
    "NavigationProperty",
    "Operation",
    "OperationImport",
    "Property",
    "Schema",
    "TypeDefinition",
    "UnknownNameError",
]

T_co = TypeVar("T_co", covariant=True)

_CLOSE = 3
"""Names that an error proposes at most."""


class UnknownNameError(KeyError):
    """There is nothing of this name; the sentence proposes names that are like it."""

    def __str__(self) -> str:
        return str(self.args[0])


class ByName(Mapping[str, T_co], Generic[T_co]):
    """Things by their names, in the order of the document.

    An unknown name is an `UnknownNameError`, which is a KeyError.
    """

    __slots__ = ("_items", "_what")

    def __init__(self, items: Mapping[str, T_co] | None = None, what: str = "name") -> None:
        self._items = dict(items or {})
        self._what = what

    def __getitem__(self, name: str, /) -> T_co:
        try:
            return self._items[name]
        except KeyError:
            raise unknown(self._what, name, self._items) from None

    def __contains__(self, name: object, /) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ByName):
            return NotImplemented
        return self._items == other._items  # pyright: ignore[reportUnknownMemberType]

    def __hash__(self) -> int:
        return hash(tuple(self._items))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._items, self._what)

    def __repr__(self) -> str:
        return f"<{len(self):,} by name, each a {self._what}>"


def unknown(what: str, name: object, known: Mapping[str, object]) -> UnknownNameError:
    """Return the error that there is no *what* of this *name*, with the *known* names like it."""
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(each.casefold(), each)
    close = get_close_matches(str(name).casefold(), folded, _CLOSE)
    proposed = ", ".join(repr(folded[each]) for each in close)
    hint = f"; did you mean {proposed}?" if proposed else ""
    return UnknownNameError(f"there is no {what} {name!r}{hint}")


@frozen(kw_only=True, repr=False)
class Property:
    """A property of a type; also a parameter or the result of an operation.

    A facet that the document leaves out, or whose value is no number, is None.
    """

    name: str
    """Empty for the result of an operation."""
    type: str
    """The full name, that of an element where it is a collection: ``Edm.Guid``."""
    is_collection: bool = False
    nullable: bool = True
    """What the document says; it says nothing of most, and that means yes. No key is nullable."""
    max_length: int | None = None
    """Characters, or bytes of a binary value; None for ``Max``, too."""
    precision: int | None = None
    """Digits of a decimal; digits of the fraction of a second."""
    scale: int | None = None
    """Digits after the point; None for ``variable`` and ``floating``, too."""
    unicode: bool = True
    default: str | None = None
    """As it is written in the document. Creatio tells none."""
    navigation: str = ""
    """The navigation property of the same lookup: ``Account`` for ``AccountId``."""
    description: str = ""
    """What the document says of it in words; empty where it says nothing, as Creatio does."""
    long_description: str = ""
    """The same at length."""

    @property
    def is_stream(self) -> bool:
        """The value has an address of its own, and is not in the row."""
        return self.type == "Edm.Stream"

    def __repr__(self) -> str:
        return f"Property({self.name}: {_written(self.type, self.is_collection)})"


@frozen(kw_only=True, repr=False)
class NavigationProperty:
    """A way from a row to another row, or to those that look it up."""

    name: str
    target: str
    """The full name of the type at the other end."""
    is_collection: bool = False
    nullable: bool = True
    partner: str = ""
    """The navigation property of the target that leads back."""
    column: str = ""
    """The property of this type that holds the key of the other row: ``AccountId`` for
    ``Account``. From a constraint where there is one; Creatio sends none, so else by the names.
    Empty for a collection."""
    constraints: tuple[tuple[str, str], ...] = ()
    """Each a property of this type, and the one of the target that has the same value."""
    contains_target: bool = False
    description: str = ""
    """What the document says of it in words; empty where it says nothing, as Creatio does."""
    long_description: str = ""
    """The same at length."""

    def __repr__(self) -> str:
        return f"NavigationProperty({self.name}: {_written(self.target, self.is_collection)})"


def _written(kind: str, is_collection: bool) -> str:  # noqa: FBT001 - a field, passed on
    return f"Collection({kind})" if is_collection else kind


@frozen(kw_only=True, repr=False)
class ComplexType:
    """A type of values that have properties."""

    name: str
    namespace: str
    base_type: str = ""
    """The full name; empty where there is none."""
    is_abstract: bool = False
    is_open: bool = False
    """Rows may have properties that are told nowhere."""
    properties: ByName[Property] = field(factory=ByName[Property])
    """The ones of the base types first, then its own."""
    navigations: ByName[NavigationProperty] = field(factory=ByName[NavigationProperty])
    """In the same order."""
    feed: tuple[FeedMapping, ...] = ()
    """Properties that OData 3 has elsewhere in Atom, those of the base types first."""
    description: str = ""
    """What the document says of it in words; empty where it says nothing, as Creatio does."""
    long_description: str = ""
    """The same at length."""

    @property
    def full_name(self) -> str:
        """The name with its namespace."""
        return f"{self.namespace}.{self.name}"

    def __repr__(self) -> str:
        counted = f"{len(self.properties)} properties, {len(self.navigations)} navigations"
        return f"{type(self).__name__}({self.full_name}: {counted})"


@frozen(kw_only=True, repr=False)
class EntityType(ComplexType):
    """A type of rows."""

    keys: tuple[str, ...] = ()
    """The properties, or paths to them, that tell a row from the others."""
    has_stream: bool = False
    """A row has content of its own beside its properties."""


@frozen(kw_only=True)
class EnumType:
    """A type of names for numbers."""

    name: str
    namespace: str
    underlying: str = "Edm.Int32"
    is_flags: bool = False
    """Several members may be combined."""
    members: ByName[int] = field(factory=ByName[int], repr=False)
    description: str = field(default="", repr=False)
    """What the document says of it in words; empty where it says nothing, as Creatio does."""
    long_description: str = field(default="", repr=False)
    """The same at length."""


@frozen(kw_only=True)
class TypeDefinition:
    """Another name for a primitive type, with facets."""

    name: str
    namespace: str
    underlying: Property = field(repr=False)
    """The primitive type and the facets; its own name is empty."""


@frozen(kw_only=True)
class EntitySet:
    """Rows with an address, or a single one (a singleton)."""

    name: str
    type: str
    """The full name of the type of its rows."""
    bindings: ByName[str] = field(factory=ByName[str], repr=False)
    """The entity set that a navigation property leads to, by the path of the property."""


@frozen(kw_only=True)
class Operation:
    """A function, or an action: that may change something."""

    name: str
    namespace: str
    is_action: bool = False
    is_bound: bool = False
    """It is called on a row or on rows, which are the first parameter."""
    parameters: ByName[Property] = field(factory=ByName[Property], repr=False)
    returns: Property | None = None
    """Its name is empty; None where nothing comes back."""


@frozen(kw_only=True)
class OperationImport:
    """An operation with an address of its own."""

    name: str
    operation: str
    """The full name."""
    entity_set: str = ""
    """The set that the rows which come back belong to."""


@frozen(kw_only=True, repr=False)
class Schema:
    """All that a service offers. ``schema["Contact"]`` is the type of the rows of an entity set.

    Types are found by their full names; `type` takes short ones, too.
    """

    namespaces: tuple[str, ...] = ()
    entity_types: ByName[EntityType] = field(factory=ByName[EntityType])
    complex_types: ByName[ComplexType] = field(factory=ByName[ComplexType])
    enum_types: ByName[EnumType] = field(factory=ByName[EnumType])
    type_definitions: ByName[TypeDefinition] = field(factory=ByName[TypeDefinition])
    operations: ByName[tuple[Operation, ...]] = field(factory=ByName[tuple[Operation, ...]])
    """By full name; several where they differ in their parameters."""
    entity_sets: ByName[EntitySet] = field(factory=ByName[EntitySet])
    singletons: ByName[EntitySet] = field(factory=ByName[EntitySet])
    operation_imports: ByName[OperationImport] = field(factory=ByName[OperationImport])

    _short: dict[str, tuple[str, ...]] = field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        short: dict[str, tuple[str, ...]] = {}
        for full_name, found in self.entity_types.items():
            short[found.name] = (*short.get(found.name, ()), full_name)
        object.__setattr__(self, "_short", short)  # frozen, and this is still its making

    def __getitem__(self, name: str, /) -> EntityType:
        return self.entity_set(name)

    def __contains__(self, name: object, /) -> bool:
        return name in self.entity_sets

    def __iter__(self) -> Iterator[str]:
        return iter(self.entity_sets)

    def entity_set(self, name: str) -> EntityType:
        """Return the type of the rows of the entity set *name*; `entity_sets` has the set itself.

        Raises:
            KeyError: There is no such set, or the document does not tell its type.
        """
        return self.entity_types[self.entity_sets[name].type]

    def type(self, name: str) -> EntityType:
        """Return an entity type by its name, short or full. It has what it inherits, too.

        Raises:
            KeyError: There is none of this name, or several namespaces have one.
        """
        if name in self.entity_types:
            return self.entity_types[name]
        match self._short.get(name, ()):
            case ():
                known = self.entity_types if "." in name else self._short
                raise unknown("entity type", name, known)
            case (full_name,):
                return self.entity_types[full_name]
            case several:
                raise UnknownNameError(f"there are several types {name!r}: {', '.join(several)}")

    def __repr__(self) -> str:
        return (
            f"Schema({', '.join(self.namespaces[:3])}: {len(self.entity_types):,} entity types, "
            f"{len(self.entity_sets):,} entity sets)"
        )
