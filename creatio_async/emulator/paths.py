"""The path of an address below the service root, taken apart."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from attrs import frozen

from creatio_async.emulator.refusals import bad_query
from creatio_async.emulator.values import is_guid

__all__ = ["Target", "split_key", "target"]

_SEGMENT: Final = re.compile(r"(?P<name>[^()]+)(?:\((?P<key>.*)\))?", re.DOTALL)
_NAMED_KEY: Final = re.compile(r"Id\s*=\s*(?P<key>.*)", re.IGNORECASE | re.DOTALL)


@frozen
class Target:
    """What a path leads to: an entity set, a row of it, and what stands after that."""

    name: str
    """The entity set as it was spelt; empty for the service document, or ``$metadata``."""
    key: str | None
    """The id in lower case; None for the whole set."""
    rest: tuple[str, ...]


@lru_cache(maxsize=4096)
def target(path: str) -> Target:
    """Return what *path* leads to; it is relative to the service root and still percent-encoded.

    The key may stand in parentheses, bare or in quotes, or in a segment of its own.

    Raises:
        Refusal: 400, the path is malformed.
    """
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    match = _SEGMENT.fullmatch(segments[0])
    if match is None:
        if not segments[0]:
            return Target("", None, tuple(segments[1:]))
        raise bad_query(f"Bad Request - Error in query syntax: '{segments[0]}'.")
    name, text, rest = match["name"], match["key"], segments[1:]
    if text:
        return Target(name, _key(text), tuple(rest))
    if text is None and rest and is_guid(rest[0]):
        return Target(name, rest[0].lower(), tuple(rest[1:]))
    return Target(name, None, tuple(rest))


def split_key(rest: tuple[str, ...]) -> tuple[str, ...]:
    """Return *rest* of a path with the key of its first segment, if any, in one of its own.

    Raises:
        Refusal: 400, the key is no guid.
    """
    match = _SEGMENT.fullmatch(rest[0])
    if match is None or not match["key"]:
        return rest
    return (match["name"], _key(match["key"]), *rest[1:])


def _key(text: str) -> str:
    named = _NAMED_KEY.fullmatch(text.strip())
    bare = (named["key"] if named else text).strip()
    if bare.startswith("'") and bare.endswith("'"):
        bare = bare[1:-1]
    if not is_guid(bare):
        raise bad_query(f"The key '({text})' is not in the format of 'Edm.Guid'.")
    return bare.lower()
