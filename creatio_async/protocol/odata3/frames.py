"""What is open while a document of Atom is read. A base is what relative addresses belong to."""

from attrs import define, field

from creatio_async.protocol.odata3.answers import Row

__all__ = ["Entry", "Feed", "Place"]


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
    expanded: Row | None = None
    """Put behind the columns, where OData 4 has them."""
    link: list[str] | None = None
    """The attributes of the link that rows are within."""


@define
class Place:
    """Where a document or an expanded property may hold rows: a feed, or an entry."""

    base: str
    rows: list[Row] = field(factory=list[Row])
    feed: Feed | None = None
