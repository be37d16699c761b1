"""Names of a service as names of Python: each becomes an identifier, and none is there twice."""

import keyword
import unicodedata
from collections.abc import Iterable
from typing import Final

from attrs import define, field

__all__ = ["IMPORTED", "IN_CLASSES", "IN_ENUMS", "IN_MODULES", "Names"]

IMPORTED: Final = {
    "datetime": ("date", "datetime", "time", "timedelta"),
    "decimal": ("Decimal",),
    "enum": ("Enum",),
    "typing": ("Any",),
    "uuid": ("UUID",),
    "creatio_async": ("EnumMember",),
    "creatio_async.models": ("UNSET", "ColumnOf", "Columns", "ManyOf", "ModelWith", "column"),
}
"""What a module of classes may import, by where it comes from."""

IN_MODULES: Final = frozenset({
    *(name for names in IMPORTED.values() for name in names),
    *("annotations", "bool", "bytes", "float", "int", "list", "str"),
})
"""What such a module needs to mean what it means."""
IN_CLASSES: Final = IN_MODULES | {"self"}
IN_ENUMS: Final = IN_MODULES | {"mro", "name", "value"}


@define
class Names:
    """Identifiers, each of them once: those of a module, or of a class."""

    _reserved: frozenset[str]
    _taken: set[str] = field(init=False, factory=set[str])

    def of_all(self, names: Iterable[str]) -> dict[str, str]:
        """Return an identifier for each of *names*: itself, wherever it can be one.

        Names that need no change come first, so none of them is changed because of another.
        """
        given = list(dict.fromkeys(names))
        kept = {name for name in given if _identifier(name, self._reserved) == name}
        self._taken |= kept
        return {name: name if name in kept else self.of(name) for name in given}

    def of(self, name: str) -> str:
        """Return an identifier that is like *name*, and was not returned before."""
        wanted = found = _identifier(name, self._reserved)
        number = 1
        while found in self._taken:
            number += 1
            found = f"{wanted}_{number}"
        self._taken.add(found)
        return found


def _identifier(name: str, reserved: frozenset[str]) -> str:
    """Return an identifier without underscores before it: those mean something to classes."""
    normal = unicodedata.normalize("NFKC", name)  # as Python does with the names of a program
    kept = "".join(each if f"x{each}".isidentifier() else "_" for each in normal).lstrip("_")
    if not kept.isidentifier():
        kept = f"x_{kept}"
    return f"{kept}_" if kept in reserved or keyword.iskeyword(kept) else kept
