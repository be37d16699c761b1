"""Customizable feeds: properties that Atom has elsewhere than among the properties of an entry.

Source: OData 3.0, CSDL, 16 (``m:FC_TargetPath`` and the like); [MC-CSDL] 2.2. Criteria and links of
Atom as targets are not read.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from creatio_async.protocol.odata.csdl import as_dict, is_true

__all__ = ["FeedMapping", "feed_mappings"]

_TARGET: Final = "/metadata FC_TargetPath"


@frozen(kw_only=True)
class FeedMapping:
    """Where the value of a property is."""

    path: str
    """The property; one of a complex type with the names before it: ``Address/City``."""
    target: str
    """A word of the specification, ``SyndicationTitle``; or elements below the entry, the last of
    which may be an attribute: ``place/@code``."""
    namespace: str = ""
    """The one of those elements."""


def feed_mappings(attributes: Sequence[str], name: str = "") -> Iterator[FeedMapping]:
    """Give the mappings that an element tells, without those whose values are kept in the content.

    Args:
        attributes: Those of a property, or of an entity type.
        name: The property; empty for an entity type, which tells the paths itself.
    """
    if not any(_TARGET in each for each in attributes[::2]):
        return
    given = as_dict(attributes)
    for each, target in given.items():
        before, found, suffix = each.partition(_TARGET)
        if not found:
            continue
        told = {
            word: given.get(f"{before}/metadata FC_{word}{suffix}")
            for word in ("SourcePath", "KeepInContent", "NsUri")
        }
        path = "/".join(filter(None, (name, told["SourcePath"])))
        if path and told["KeepInContent"] is not None and not is_true(told["KeepInContent"]):
            yield FeedMapping(path=path, target=target, namespace=told["NsUri"] or "")
