"""What a CSDL document says, element by element, before anything is looked up.

A name may be used before it is told, and an alias too; so the elements are kept as they are
written until the document has ended.
"""

from collections.abc import Callable, Sequence
from sys import intern

from attrs import define, field

__all__ = [
    "Association",
    "AssociationSet",
    "Document",
    "Facets",
    "ImportElement",
    "MetadataError",
    "OperationElement",
    "References",
    "SetElement",
    "TypeElement",
    "as_dict",
    "is_true",
    "name_of",
]


class MetadataError(ValueError):
    """The bytes are no ``$metadata``: no XML, half of it, XML of another kind, or too much.

    It knows no request and no answer, as a document may come from a file: who asked the site for
    it has those.
    """


Facets = tuple[str, ...]
"""The attributes of an element, each name followed by its value: to be kept, and to be a key."""


def as_dict(attributes: Sequence[str]) -> dict[str, str]:
    """Return the attributes by name."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def is_true(text: str | None) -> bool:
    """Say whether an attribute is there and true."""
    return text is not None and text.strip().lower() in {"true", "1"}


def name_of(given: dict[str, str], what: str) -> str:
    """Return the name of an element; the strings of equal names are one.

    Raises:
        MetadataError: It has none.
    """
    name = given.get("Name")
    if not name:
        raise MetadataError(f"{what} without a Name")
    return intern(name)


class References(dict[str, tuple[str, bool]]):
    """Full names of types, and whether a collection of them is meant, by what is written.

    *aliases* are namespaces by their aliases. A name without a namespace is one of Edm's, as
    CSDL 1 to 3 allow.
    """

    def __init__(self, aliases: dict[str, str]) -> None:
        super().__init__()
        self._aliases = aliases

    def __missing__(self, written: str) -> tuple[str, bool]:
        name = written.strip()
        is_collection = name.startswith("Collection(") and name.endswith(")")
        if is_collection:
            name = name[len("Collection(") : -1].strip()
        namespace, dot, short = name.rpartition(".")
        if not dot:
            namespace, short = "Edm", name or "Untyped"
        full = intern(f"{self._aliases.get(namespace, namespace)}.{short}")
        self[written] = found = full, is_collection
        return found


@define
class TypeElement:
    """An entity type, complex type, enum type or type definition."""

    namespace: str
    name: str
    given: dict[str, str]
    is_entity: bool = False
    has_stream: bool = False
    keys: list[str] = field(factory=list[str])
    properties: list[Facets] = field(factory=list[Facets])
    """Of an enum type the members."""
    navigations: list[Facets] = field(factory=list[Facets])
    constraints: dict[int, list[tuple[str, str]]] = field(factory=dict[int, list[tuple[str, str]]])
    """Pairs of properties, by the place of the navigation property."""


@define
class Association:
    """Two ends that navigation properties of CSDL 1 to 3 lead from and to, by their roles."""

    ends: dict[str, tuple[str, str]] = field(factory=dict[str, tuple[str, str]])
    """The type and the multiplicity of a role."""
    principal: str = ""
    """The role that is looked up, where there is a constraint."""
    dependent: str = ""
    """The role that looks up."""
    principal_columns: list[str] = field(factory=list[str])
    dependent_columns: list[str] = field(factory=list[str])
    """Properties with the same values, in the same order."""


@define
class AssociationSet:
    """The entity sets that play the roles of an association."""

    association: str
    sets: dict[str, str] = field(factory=dict[str, str])


@define
class SetElement:
    """An entity set or singleton."""

    name: str
    type: str
    is_singleton: bool
    bindings: dict[str, str] = field(factory=dict[str, str])


@define
class OperationElement:
    """A function or action; its import, too, where CSDL 1 to 3 tell both in one."""

    namespace: str
    name: str
    is_action: bool
    is_bound: bool
    parameters: list[Facets] = field(factory=list[Facets])
    returns: Facets | None = None


@define
class ImportElement:
    """An operation with an address of its own."""

    name: str
    operation: str
    entity_set: str


@define
class Document:
    """The elements of a document; the last of a list is the one that is being read."""

    namespaces: list[str] = field(factory=list[str])
    aliases: dict[str, str] = field(factory=dict[str, str])
    types: list[TypeElement] = field(factory=list[TypeElement])
    enums: list[TypeElement] = field(factory=list[TypeElement])
    definitions: list[TypeElement] = field(factory=list[TypeElement])
    associations: dict[str, Association] = field(factory=dict[str, Association])
    association: Association = field(factory=Association)
    association_sets: list[AssociationSet] = field(factory=list[AssociationSet])
    sets: list[SetElement] = field(factory=list[SetElement])
    operations: list[OperationElement] = field(factory=list[OperationElement])
    imports: list[ImportElement] = field(factory=list[ImportElement])
    shared: dict[Facets, Facets] = field(factory=dict[Facets, Facets])
    apart: list[tuple[str, str, str]] = field(factory=list[tuple[str, str, str]])
    """What is said in blocks apart: of which target, under which key, in which words."""
    target: str = ""
    """The one of the block that is being read."""
    hearer: Callable[[str], object] = str
    """Takes the text of the last element whose text is wanted."""

    @property
    def namespace(self) -> str:
        """The one of the schema that is being read."""
        return self.namespaces[-1]

    def facets(self, attributes: list[str]) -> Facets:
        """Return *attributes* to be kept: once, however often they come."""
        facets = tuple(attributes)
        return self.shared.setdefault(facets, facets)
