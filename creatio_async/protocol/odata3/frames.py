"""What is open while a document of Atom is read. A base is what relative addresses belong to."""

from attrs import define, field

from creatio_async.protocol.odata3.answers import Row
from creatio_async.protocol.odata3.verbose import Types

__all__ = ["Entry", "Feed", "Node", "Place"]


@define
class Feed:
    """A collection, as far as it is read."""

    base: str
    rows: list[Row] = field(factory=list[Row])
    count: int | None = None
    next_link: str | None = None

    def annotations(self, name: str) -> Row:
        """Return what is told beside the rows where they are those of the property *name*."""
        told: Row = {}
        if self.count is not None:
            told[f"{name}@odata.count"] = self.count
        if self.next_link is not None:
            told[f"{name}@odata.nextLink"] = self.next_link
        return told


@define
class Entry:
    """A row, as far as it is read."""

    base: str
    row: Row
    types: Types | None = None
    expanded: Row | None = None
    """Put behind the columns, where OData 4 has them."""
    mapped: dict[str, str | None] | None = None
    """Texts that are not among the properties, by their columns."""
    link: list[str] | None = None
    """The attributes of the link that rows are within."""


@define
class Place:
    """Where a document or an expanded property may hold rows: a feed, or an entry."""

    base: str
    rows: list[Row] = field(factory=list[Row])
    feed: Feed | None = None
    types: Types | None = None
    """The types of the columns of these rows, where they are known."""


@define
class Node:
    """A value that holds others: a complex one, a collection, a place on the map."""

    name: str
    attributes: list[str]
    texts: list[str] = field(factory=list[str])
    children: "list[Node]" = field(factory=list["Node"])
