"""The namespaces of Atom and of OData 3, and short names for what is in them."""

from typing import Final

__all__ = [
    "APP",
    "ATOM",
    "DATA",
    "METADATA",
    "RELATED",
    "SCHEME",
    "ColumnNames",
    "ShortNames",
    "full_names",
    "local_name",
    "short_attributes",
]

ATOM: Final = "http://www.w3.org/2005/Atom"
APP: Final = "http://www.w3.org/2007/app"
DATA: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices"
METADATA: Final = f"{DATA}/metadata"
RELATED: Final = f"{DATA}/related/"
SCHEME: Final = f"{DATA}/scheme"

_PREFIXES: Final = {
    "": "",
    ATOM: "a:",
    APP: "app:",
    DATA: "d:",
    METADATA: "m:",
    "http://www.w3.org/XML/1998/namespace": "xml:",
}


def _known(namespace: str) -> str:
    """Return *namespace* by its true name: printed documents have ``https://`` in it."""
    return "http" + namespace[5:] if namespace.startswith("https:") else namespace


def full_names(short: str) -> tuple[str, ...]:
    """Return the names that expat gives for what is shortly called ``m:type`` or the like."""
    prefix, _, local = short.rpartition(":")
    [namespace] = (known for known, its in _PREFIXES.items() if its == f"{prefix}:")
    return f"{namespace} {local}", f"{namespace.replace('http:', 'https:', 1)} {local}"


def local_name(name: str) -> str:
    """Return a name as expat gives it, without its namespace."""
    return name.rpartition(" ")[2]


class ShortNames(dict[str, str]):
    """``a:entry``, ``d:Id``, ``m:type``, ``href`` by the names that expat gives; else ``""``."""

    def __missing__(self, name: str) -> str:
        namespace, _, local = name.rpartition(" ")
        prefix = _PREFIXES.get(_known(namespace))
        self[name] = short = "" if prefix is None else prefix + local
        return short


class ColumnNames(dict[str, str]):
    """Names of columns by those that expat gives; ``""`` for what is no column."""

    def __missing__(self, name: str) -> str:
        namespace, _, local = name.rpartition(" ")
        self[name] = column = local if _known(namespace) == DATA else ""
        return column


def short_attributes(names: ShortNames, attributes: list[str]) -> dict[str, str]:
    """Return attributes by their short names."""
    return {
        names[name]: value for name, value in zip(attributes[::2], attributes[1::2], strict=True)
    }
