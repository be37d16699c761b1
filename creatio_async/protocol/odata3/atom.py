"""Feeds and entries of Atom as rows, while they arrive.

Source: OData 3.0, Atom Format; [MS-ODATA] 2.2.6.2; RFC 4287. Names are taken with any prefix, and
with ``https://`` as well, which some printed documents have.
"""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from attrs import frozen

from creatio_async.protocol.odata3.annotations import link_annotations, navigation_of, relation_of
from creatio_async.protocol.odata3.answers import Answer, FormatError, absolute
from creatio_async.protocol.odata3.broken import BrokenOff
from creatio_async.protocol.odata3.edm import Values
from creatio_async.protocol.odata3.frames import Entry, Feed, Place
from creatio_async.protocol.odata3.mapped import MappedReader
from creatio_async.protocol.odata3.properties import PropertyReader
from creatio_async.protocol.odata3.types import Columns
from creatio_async.protocol.odata3.verbose import Types
from creatio_async.protocol.odata3.vocabulary import (
    ShortNames,
    full_names,
    local_name,
    short_attributes,
)
from creatio_async.protocol.xmlreader import XmlError, XmlFeed

__all__ = ["AtomReader", "read_atom"]

_MAX_BYTES: Final = 256 * 1024 * 1024
_MAX_DEPTH: Final = 100
"""Elements in one another, those of complex values apart."""

_INLINE_NAMES: Final = frozenset(full_names("m:inline"))
_IS_FEED: Final = re.compile(r'\btype\s*=\s*"?feed\b', re.IGNORECASE)


@frozen
class _State:
    """What an element may hold, and what is done at its end."""

    steps: "dict[str, Callable[[AtomReader, list[str]], _State | None]]"
    """By the names of elements. Others are passed over with all that they hold, and so are those
    whose step gives no state."""
    leave: "Callable[[AtomReader], None] | None" = None


def _keep(_: "AtomReader", __: list[str]) -> None:
    """Mark a link whose attributes are only kept: it is done where it is found, most often."""


def _state(
    steps: "Mapping[str, Callable[[AtomReader, list[str]], _State | None]]",
    leave: "Callable[[AtomReader], None] | None" = None,
) -> _State:
    """Return a state whose *steps* are told by the short names of elements."""
    return _State({full: step for name, step in steps.items() for full in full_names(name)}, leave)


class AtomReader:
    """Reads a feed or an entry in parts: `feed` it, then `close` it for the `Answer`.

    Args:
        base: The address that was asked, which relative ones belong to.
        types: The types of columns, for those that do not tell theirs.
        annotated: Put into the rows what is told beside the values, under the names of OData 4:
            ``@odata.id``, ``@odata.etag``, ``Account@odata.navigationLink`` and others.
        decimals: Numbers with a fraction become `Decimal`.
        nulls: Creatio's empty values, the zero guid and the first moment of year 1, become None.
        max_bytes: Bytes at most.
    """

    def __init__(
        self,
        *,
        base: str = "",
        types: Types | None = None,
        annotated: bool = False,
        decimals: bool = False,
        nulls: bool = False,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self._names = ShortNames()
        self._xml = XmlFeed(max_bytes=max_bytes)
        self._annotated = annotated
        self._values = Values(decimals=decimals, nulls=nulls)
        self._mapped = MappedReader(self._xml, self._leave_taken)
        self._properties = PropertyReader(
            self._xml,
            self._names,
            self._values,
            annotated=annotated,
            done=self._leave_taken,
            foreign=self._foreign,
        )
        self._open = [self._DOCUMENT]
        self._steps = self._DOCUMENT.steps
        self._passed = 0
        self._link: list[str] | None = None
        self._places = [Place(base, types=types)]
        self._targets = [self._places[0].rows]
        self._feeds: list[Feed] = []
        self._entries: list[Entry] = []
        self._texts: list[str] = []
        self._xml.handle(self._start_document, self._end)

    def feed(self, data: bytes) -> None:
        """Take the next bytes, any number of them.

        Raises:
            FormatError: What was read up to here is no feed and no entry; or the server broke off
                with an error, which is told. Some of the bytes are read only later.
            ValueError: The reader is closed.
        """
        try:
            self._xml.feed(data)
        except XmlError as error:
            raise FormatError(str(error)) from None

    def close(self) -> Answer:
        """Return the rows: the document has ended.

        Raises:
            FormatError: The document is not whole, or as with `feed`.
            ValueError: The reader is closed.
        """
        try:
            self._xml.close()
        except XmlError as error:
            raise FormatError(str(error)) from None
        finally:
            self._properties.release()
            self._mapped.release()
        place = self._places[0]
        if place.feed is None:
            return Answer(rows=place.rows, is_feed=False)
        feed = place.feed
        return Answer(rows=feed.rows, count=feed.count, next_link=feed.next_link)

    def _listen(self) -> None:
        self._xml.handle(self._start, self._end)

    def _start(self, name: str, attributes: list[str]) -> None:
        if self._passed:
            if self._passed > 1 or name not in _INLINE_NAMES or self._link is None:
                self._passed += 1
                return
            self._passed = 0  # the link is not to be passed over: it holds rows
            self._enter(self._LINK)
        step = self._steps.get(name)
        if step is None:
            self._link = None
            self._passed = 1
        elif step is _keep:
            self._link = attributes
            self._passed = 1
        elif (state := step(self, attributes)) is not None:
            self._enter(state)
        else:
            self._passed = 1

    def _start_document(self, name: str, attributes: list[str]) -> None:
        if name not in self._steps:
            raise FormatError(f"the element {local_name(name)!r} where a feed or entry was due")
        self._listen()
        self._start(name, attributes)

    def _end(self, _: str) -> None:
        if self._passed:
            self._passed -= 1
            return
        leave = self._open.pop().leave
        self._steps = self._open[-1].steps
        if leave is not None:
            leave(self)

    def _enter(self, state: _State) -> None:
        self._open.append(state)
        self._steps = state.steps
        if len(self._open) > _MAX_DEPTH:
            raise FormatError(f"more than {_MAX_DEPTH} elements in one another")

    def _told(self, attributes: list[str]) -> dict[str, str]:
        return short_attributes(self._names, attributes)

    def _based(self, base: str, told: Mapping[str, str]) -> str:
        return absolute(base, told["xml:base"]) if "xml:base" in told else base

    def _begin_feed(self, attributes: list[str]) -> _State:
        feed = Feed(self._based(self._places[-1].base, self._told(attributes)))
        self._places[-1].feed = feed
        self._feeds.append(feed)
        self._targets.append(feed.rows)
        return self._FEED

    def _leave_feed(self) -> None:
        self._feeds.pop()
        self._targets.pop()

    def _feed_link(self, attributes: list[str]) -> None:
        told = self._told(attributes)
        if relation_of(told) == "next" and "href" in told:
            feed = self._feeds[-1]
            feed.next_link = absolute(self._based(feed.base, told), told["href"])

    def _begin_entry(self, attributes: list[str]) -> _State:
        base = self._feeds[-1].base if self._open[-1] is self._FEED else self._places[-1].base
        entry = Entry(base, {}, self._places[-1].types)
        self._entries.append(entry)
        if attributes:
            told = self._told(attributes)
            entry.base = self._based(base, told)
            if self._annotated and "m:etag" in told:
                entry.row["@odata.etag"] = told["m:etag"]
        state = self._ANNOTATED_ENTRY if self._annotated else self._ENTRY
        types = entry.types
        return state if not isinstance(types, Columns) else self._mapped_entry(state, types)

    def _mapped_entry(self, state: _State, types: Columns) -> _State:
        targets = types.targets
        if not targets:
            return state

        def step(name: str) -> Callable[[AtomReader, list[str]], _State]:
            def begin(reader: AtomReader, attributes: list[str]) -> _State:
                entry = reader._entries[-1]
                entry.mapped = entry.mapped or {}
                reader._mapped.read_into(entry.mapped, targets, name, attributes)
                return reader._MAPPED

            return begin

        return _State({**{path[0]: step(path[0]) for path in targets}, **state.steps}, state.leave)

    def _leave_entry(self) -> None:
        entry = self._entries.pop()
        if entry.mapped and isinstance(entry.types, Columns):
            entry.types.fill(entry.row, entry.mapped, self._values)
        if entry.expanded:
            entry.row.update(entry.expanded)
        self._targets[-1].append(entry.row)

    def _annotated_link(self, attributes: list[str]) -> None:
        entry = self._entries[-1]
        told = self._told(attributes)
        entry.row.update(link_annotations(told, self._based(entry.base, told)))
        self._link = attributes

    def _begin_inline(self, attributes: list[str]) -> _State:
        entry = self._entries[-1]
        entry.link = self._link or []
        link = self._told(entry.link)
        base = self._based(entry.base, link)
        known = None if entry.types is None else entry.types.get(navigation_of(link))
        types = known if isinstance(known, Mapping) else None
        place = Place(self._based(base, self._told(attributes)), types=types)
        self._places.append(place)
        self._targets.append(place.rows)
        return self._INLINE

    def _leave_inline(self) -> None:
        place = self._places.pop()
        self._targets.pop()
        entry = self._entries[-1]
        link = self._told(entry.link or [])
        name = navigation_of(link)
        if not name:
            raise FormatError("rows within a link that leads to no navigation property")
        expanded = entry.expanded = entry.expanded or {}
        if place.feed is not None:
            expanded[name] = place.feed.rows
            if self._annotated:
                expanded.update(place.feed.annotations(name))
        elif place.rows:
            expanded[name] = place.rows[-1]
        else:
            expanded[name] = [] if _IS_FEED.search(link.get("type", "")) else None

    def _content(self, attributes: list[str]) -> _State:
        if self._annotated and attributes:
            told = self._told(attributes)
            entry = self._entries[-1]
            if "src" in told:
                source = absolute(self._based(entry.base, told), told["src"])
                entry.row["@odata.mediaReadLink"] = source
                entry.row["@odata.mediaContentType"] = told.get("type", "")
        return self._CONTENT

    def _category(self, attributes: list[str]) -> None:
        term = self._told(attributes).get("term")
        if term:
            self._entries[-1].row["@odata.type"] = f"#{term}"

    def _begin_properties(self, _: list[str]) -> _State:
        entry = self._entries[-1]
        self._properties.read_into(entry.row, entry.types)
        return self._PROPERTIES

    def _leave_taken(self) -> None:
        self._end("")
        self._listen()

    def _foreign(self, name: str, attributes: list[str]) -> None:
        """Take an element among the columns that is none: an error, or nothing known."""
        self._listen()
        step = self._steps.get(name)
        self._enter((step and step(self, attributes)) or self._FOREIGN)

    def _resume(self) -> None:
        self._properties.resume()

    def _gather(self) -> None:
        self._texts.clear()
        self._xml.handle(self._start, self._end, self._texts.append)

    def _gathered(self) -> str:
        self._listen()
        return "".join(self._texts).strip()

    def _begin_count(self, _: list[str]) -> _State:
        self._gather()
        return self._COUNT

    def _leave_count(self) -> None:
        text = self._gathered()
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise FormatError(f"the count {text!r:.80} is no number")
        self._feeds[-1].count = int(text)

    def _begin_id(self, _: list[str]) -> _State:
        self._gather()
        return self._ID

    def _leave_id(self) -> None:
        self._entries[-1].row["@odata.id"] = self._gathered()

    def _begin_error(self, _: list[str]) -> None:
        BrokenOff(self._xml)

    _FOREIGN: ClassVar = _State({}, _resume)
    _COUNT: ClassVar = _State({}, _leave_count)
    _ID: ClassVar = _State({}, _leave_id)
    _MAPPED: ClassVar = _State({})
    _PROPERTIES: ClassVar = _state({"m:error": _begin_error})
    _CONTENT: ClassVar = _state({"m:properties": _begin_properties})
    _DOCUMENT: ClassVar = _state({
        "a:feed": _begin_feed,
        "a:entry": _begin_entry,
        "m:error": _begin_error,
    })
    _INLINE: ClassVar = _State(_DOCUMENT.steps, _leave_inline)
    _LINK: ClassVar = _state({"m:inline": _begin_inline})
    _FEED: ClassVar = _state(
        {
            "a:entry": _begin_entry,
            "a:link": _feed_link,
            "m:count": _begin_count,
            "m:error": _begin_error,
        },
        _leave_feed,
    )
    _ENTRY: ClassVar = _state(
        {
            "a:link": _keep,
            "a:content": _content,
            "m:properties": _begin_properties,
            "m:error": _begin_error,
        },
        _leave_entry,
    )
    _ABOUT: ClassVar = _state({
        "a:id": _begin_id,
        "a:category": _category,
        "a:link": _annotated_link,
    })
    _ANNOTATED_ENTRY: ClassVar = _State(_ENTRY.steps | _ABOUT.steps, _leave_entry)


def read_atom(
    body: bytes,
    *,
    base: str = "",
    types: Types | None = None,
    annotated: bool = False,
    decimals: bool = False,
    nulls: bool = False,
) -> Answer:
    """Return the rows of a feed, or the one of an entry; the options are those of `AtomReader`.

    Raises:
        FormatError: The document is neither.
    """
    reader = AtomReader(base=base, types=types, annotated=annotated, decimals=decimals, nulls=nulls)
    reader.feed(body)
    return reader.close()
