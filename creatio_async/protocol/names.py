"""Identifiers: what may stand in a URL as a name, and so cannot change its structure."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote
from uuid import UUID

__all__ = [
    "as_guid",
    "check_name",
    "check_path",
    "guid_at_end",
    "key_text",
    "quote_segment",
    "quote_uri",
]

_LONGEST = 128
"""Characters of an identifier at most (OData 4.0 ABNF, ``odataIdentifier``)."""

_IN_URI = "!$()*,:=@-._~'/;%?&+#[]"
"""What stands as it is in a whole URI."""

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_GUID_LENGTH = 36
_AT_END = re.compile(rf"(?:\(|/|\(\w+=)(?:guid)?'?({_GUID.pattern})'?\)?/?$", re.ASCII)


@lru_cache(maxsize=4096)
def check_name(name: str, what: str = "name") -> str:
    """Return *name* if it is an identifier of any script.

    Raises:
        ValueError: It is not: it is empty, too long, or holds something else than letters,
            digits and underscores.
        TypeError: It is no string.
    """
    if not isinstance(name, str):
        raise TypeError(f"a {what} is a string, not {name!r:.80}")
    if not name.isidentifier() or len(name) > _LONGEST:
        raise ValueError(
            f"{name!r} is not a {what}: letters, digits and underscores, {_LONGEST} at most"
        )
    return name


def check_path(path: str, what: str = "path") -> tuple[str, ...]:
    """Return the names of a path such as ``Account/Name``.

    Raises:
        ValueError: One of them is no identifier.
        TypeError: *path* is no string.
    """
    if not isinstance(path, str):
        raise TypeError(f"a {what} is a string, not {path!r:.80}")
    return tuple(check_name(name, what) for name in path.split("/"))


def as_guid(value: object) -> str | None:
    """Return *value* as Creatio writes a guid (bare, lower case), or None if it is none."""
    if isinstance(value, str):
        return value.lower() if len(value) == _GUID_LENGTH and _GUID.fullmatch(value) else None
    return str(value) if isinstance(value, UUID) else None


def key_text(key: object) -> str:
    """Return the text of the key of a row.

    Raises:
        TypeError: It is neither a UUID nor a string.
        ValueError: It is a string, but not in guid form.
    """
    guid = as_guid(key)
    if guid is not None:
        return guid
    if not isinstance(key, str):
        raise TypeError(f"an Id is a UUID or a string in guid form, not {type(key).__name__}")
    raise ValueError(f"{key!r} is not an Id: Creatio's rows are found by a UUID")


def quote_uri(uri: str) -> str:
    """Return *uri* with what must be percent-encoded so; what is, stays.

    Some servers leave blanks and letters of any script as they are.
    """
    return quote(uri, safe=_IN_URI)


def quote_segment(name: str) -> str:
    """Return *name* percent-encoded as one segment of a path."""
    return name if name.isascii() else quote(name, safe="")


def guid_at_end(address: str) -> str | None:
    """Return the guid of the row at *address*, in lower case; None where there is none.

    It is taken in every form that a server may write: ``Contact(...)``, ``Contact(guid'...')``,
    ``Contact(Id=...)``, ``Contact/...``.
    """
    found = _AT_END.search(unquote(address))
    return None if found is None else found[1].lower()
