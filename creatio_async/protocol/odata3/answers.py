"""What an answer of OData 3 holds, whichever form it has."""

from typing import Any

from attrs import frozen
from yarl import URL

from creatio_async.protocol.names import quote_uri

__all__ = ["Answer", "FormatError", "Links", "Row", "absolute"]

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
    try:
        found = URL(quote_uri(link), encoded=True)
        return str(URL(quote_uri(base), encoded=True).join(found) if base else found)
    except ValueError as error:
        raise FormatError(f"{link!r:.200} is no address: {error}") from None
