"""Answers of OData 3 in XML: feeds and entries of Atom, properties, links, the service document.

Source: answers printed in academy.creatio.com, "EntityDataService.svc web service (OData 3)", and
in the vendor's collection of samples; [MS-ODATA] 2.2.6.2 for what they leave out.
"""

from collections.abc import Iterable
from typing import Final

from attrs import frozen

from creatio_async.emulator.filters3 import TYPES_NAMESPACE
from creatio_async.emulator.formats3 import clean, quoted
from creatio_async.emulator.pages3 import Page
from creatio_async.emulator.reads import ETAG, Row
from creatio_async.emulator.schema import Column, Kind, Navigation, Schema
from creatio_async.emulator.shapes3 import PAGE, Shape
from creatio_async.emulator.uris3 import COLLECTION, entity_path
from creatio_async.emulator.values import now
from creatio_async.emulator.values3 import EDM, plain_text

__all__ = ["ATOM_NS", "DATA", "META", "RELATED", "AtomWriter", "following_of"]

ATOM_NS: Final = "http://www.w3.org/2005/Atom"
DATA: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices"
META: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
RELATED: Final = f"{DATA}/related/"
_SCHEME: Final = f"{DATA}/scheme"
_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>'
_OCTETS: Final = "application/octet-stream"


@frozen
class AtomWriter:
    """Writes documents of the service at *root*, an address with a slash at its end."""

    root: str
    streams: bool
    """Whether streams are told, which a caller of version 2 would not understand."""

    @property
    def _spaces(self) -> str:
        return f'xml:base="{quoted(self.root)}" xmlns="{ATOM_NS}" xmlns:d="{DATA}" xmlns:m="{META}"'

    def feed(self, page: Page, place: str, title: str) -> bytes:
        """Return a page of the collection at *place*, an address relative to the root."""
        text = self._feed(page, (place, title), f" {self._spaces}")
        return (_HEAD + text).encode()

    def entry(self, row: Row, shape: Shape) -> bytes:
        """Return one row as a document."""
        return (_HEAD + self._entry(row, shape, f" {self._spaces}")).encode()

    def property(self, column: Column, row: Row) -> bytes:
        """Return one value as a document."""
        return (_HEAD + _value(column, row[column.name], f' xmlns:d="{DATA}"')).encode()

    def link(self, schema: Schema, key: str) -> bytes:
        """Return where one row is."""
        return f'{_HEAD}<uri xmlns="{DATA}">{self._uri(schema, key)}</uri>'.encode()

    def links(self, schema: Schema, page: Page) -> bytes:
        """Return where the rows of a page are."""
        uris = "".join(f"<uri>{self._uri(schema, row['Id'])}</uri>" for row in page.rows)
        count = "" if page.count is None else f'<m:count xmlns:m="{META}">{page.count}</m:count>'
        following = f"<next>{clean(page.following)}</next>" if page.following else ""
        return f'{_HEAD}<links xmlns="{DATA}">{count}{uris}{following}</links>'.encode()

    def service(self, names: Iterable[str]) -> bytes:
        """Return the service document."""
        sets = "".join(
            f'<collection href="{quoted(n)}{COLLECTION}">'
            f"<atom:title>{clean(n)}{COLLECTION}</atom:title></collection>"
            for n in names
        )
        return (
            f'{_HEAD}<service xml:base="{quoted(self.root)}" '
            f'xmlns="http://www.w3.org/2007/app" xmlns:atom="{ATOM_NS}"><workspace>'
            f"<atom:title>Default</atom:title>{sets}</workspace></service>"
        ).encode()

    def _uri(self, schema: Schema, key: str) -> str:
        return clean(self.root + entity_path(schema, key))

    def _feed(self, page: Page, place: tuple[str, str], spaces: str) -> str:
        href, title = (quoted(text) for text in place)
        parts = [f"<feed{spaces}><id>{clean(self.root + place[0])}</id>"]
        parts.append(f'<title type="text">{clean(place[1])}</title>')
        parts.append(f"<updated>{_updated()}</updated>")
        parts.append(f'<link rel="self" title="{title}" href="{href}"/>')
        if page.count is not None:
            parts.append(f"<m:count>{page.count}</m:count>")
        if not page.rows:
            parts.append("<author><name/></author>")
        parts += [self._entry(row, page.shape, "") for row in page.rows]
        if page.following is not None:
            parts.append(f'<link rel="next" href="{quoted(page.following)}"/>')
        parts.append("</feed>")
        return "".join(parts)

    def _entry(self, row: Row, shape: Shape, spaces: str) -> str:
        schema = shape.schema
        place = entity_path(schema, row["Id"])
        href = quoted(place)
        etag = f' m:etag="{quoted(row[ETAG])}"' if ETAG in row else ""
        parts = [
            f"<entry{spaces}{etag}><id>{clean(self.root + place)}</id>",
            f'<category term="{TYPES_NAMESPACE}.{quoted(schema.name)}" scheme="{_SCHEME}"/>',
            f'<link rel="edit" title="{quoted(schema.name)}" href="{href}"/>',
        ]
        opened = {navigation.name: inner for navigation, inner in shape.expands}
        shown = {*opened, *(navigation.name for navigation in shape.links)}
        parts += [
            self._link(row, place, navigation, opened.get(navigation.name))
            for navigation in schema.navigations
            if navigation.name in shown
        ]
        if self.streams:
            parts += [_stream(c, href) for c in shape.columns if c.kind is Kind.STREAM]
        parts.append(f"<title/><updated>{_updated()}</updated><author><name/></author>")
        parts.append('<content type="application/xml"><m:properties>')
        parts += [
            _value(column, row[column.name])
            for column in shape.columns
            if column.kind is not Kind.STREAM
        ]
        parts.append("</m:properties></content></entry>")
        return "".join(parts)

    def _link(self, row: Row, place: str, navigation: Navigation, inner: Shape | None) -> str:
        kind = "feed" if navigation.many else "entry"
        name = quoted(navigation.name)
        text = (
            f'<link rel="{RELATED}{name}" type="application/atom+xml;type={kind}" '
            f'title="{name}" href="{quoted(place)}/{name}"'
        )
        if inner is None:
            return text + "/>"
        found = row[navigation.name]
        if found is None:
            return text + "><m:inline/></link>"
        if not navigation.many:
            return f"{text}><m:inline>{self._entry(found, inner, '')}</m:inline></link>"
        where = f"{place}/{navigation.name}"
        following = following_of(self.root + where, found, inner)
        feed = self._feed(Page(found[:PAGE], inner, None, following), (where, navigation.name), "")
        return f"{text}><m:inline>{feed}</m:inline></link>"


def following_of(where: str, rows: list[Row], shape: Shape) -> str | None:
    """Return the address of what follows the first page of an expanded collection, if anything."""
    if len(rows) <= PAGE:
        return None
    options = shape.options()
    token = f"$skiptoken=guid'{rows[PAGE - 1]['Id']}'"
    return f"{where}?{options}&{token}" if options else f"{where}?{token}"


def _stream(column: Column, href: str) -> str:
    name = quoted(column.name)
    return "".join(
        f'<link rel="{DATA}/{kind}/{name}" type="{_OCTETS}" title="{name}" href="{href}/{name}"/>'
        for kind in ("mediaresource", "edit-media")
    )


def _value(column: Column, value: object, spaces: str = "") -> str:
    """An element for a value; in a document of its own it declares the names that it uses."""
    text = plain_text(column, value)
    name = f"d:{column.name}"
    typed = "" if column.kind is Kind.TEXT else f' m:type="{EDM[column.kind]}"'
    null = ' m:null="true"' if text is None else ""
    if spaces and (typed or null):
        spaces += f' xmlns:m="{META}"'
    if text is None:
        return f"<{name}{spaces}{typed}{null}/>"
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f"<{name}{spaces}{typed}{space}>{clean(text)}</{name}>"


def _updated() -> str:
    return f"{now()[:19]}Z"
