"""What an answer of OData 3 holds, whichever form it has."""

import re
from functools import lru_cache
from typing import Any, Final

from attrs import frozen
from yarl import URL

from creatio_async.protocol.names import quote_uri

__all__ = ["Answer", "FormatError", "Links", "Row", "absolute"]

_RELATIVE: Final = re.compile(r"\w+(?:\(guid'[\w-]+'\))?(?:/\$?\w+)*", re.ASCII)
"""How a service writes where rows and their properties are, and most often."""
_DIRECTORY: Final = re.compile(r"(https?://[\w.:-]+/(?:[\w.-]*\w/)*)[\w.-]*", re.ASCII)

Row = dict[str, Any]
"""The fields of a row by name, with the values that OData 4 gives for them."""


class FormatError(ValueError):
    """The bytes are no such document of OData 3; the sentence tells why."""


@frozen(kw_only=True)
class Answer:
    """Rows: all of an answer, or a page of them."""

    rows: list[Row]
    count: int | None = None
    """How many rows match in all; None where it is not told."""
    next_link: str | None = None
    """Where the answer goes on, as an absolute address."""
    is_feed: bool = True
    """Whether it is a collection; else it is one row, or none where there is none."""


@frozen(kw_only=True)
class Links:
    """The addresses of rows: what ``$links`` gives."""

    uris: list[str]
    """Absolute addresses."""
    count: int | None = None
    next_link: str | None = None
    is_feed: bool = True
    """Whether it is a collection; else it is the address of one row."""


def absolute(base: str, link: str) -> str:
    """Return *link*, which may be relative to *base*, as an absolute address.

    Raises:
        FormatError: It is no address.
    """
    if _RELATIVE.fullmatch(link) and (directory := _directory(base)):
        return directory + link  # as below, in a tenth of the time
    try:
        found = URL(quote_uri(link), encoded=True)
        return str(URL(quote_uri(base), encoded=True).join(found) if base else found)
    except ValueError as error:
        raise FormatError(f"{link!r:.200} is no address: {error}") from None


@lru_cache(maxsize=256)
def _directory(base: str) -> str:
    """Return what stands before the last segment of an address; empty where it is a rare one."""
    match = _DIRECTORY.fullmatch(base)
    return match[1] if match else ""
