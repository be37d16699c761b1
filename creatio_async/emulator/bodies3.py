"""Bodies of OData 3 on their way in: entries in Atom, objects in JSON, values, links.

Source: [MS-ODATA] 2.2.6; academy.creatio.com for plain objects sent as
``application/json; odata=verbose``. Elements are taken by their true names, with ``http://``.
"""

from typing import Any, Final

import orjson
from attrs import define, field

from creatio_async.emulator.atom import ATOM_NS, DATA, META, RELATED
from creatio_async.emulator.jsontypes import as_list, as_object
from creatio_async.emulator.operations import Operation, media_type
from creatio_async.emulator.refusals import Refusal, bad_request, odata_error
from creatio_async.emulator.schema import Column, Kind, Schema
from creatio_async.emulator.values3 import from_json, from_text
from creatio_async.emulator.xmltree import Element, parsed

__all__ = ["Body", "entry_of", "raw_value_of", "uri_of", "value_of"]

_ENTRIES: Final = {"application/atom+xml", "application/xml", "text/xml"}
_DOCUMENTS: Final = {"application/xml", "text/xml"}
_JSON: Final = "application/json"


@define
class Body:
    """What a body says of a row."""

    fields: dict[str, Any] = field(factory=dict[str, Any])
    """Values by column, as OData 4 has them in JSON; names that are unknown are kept."""
    links: list[tuple[str, str | None]] = field(factory=list[tuple[str, str | None]])
    """Addresses of other rows by navigation property; None for a link that is taken away."""


def entry_of(operation: Operation, schema: Schema) -> Body:
    """Return what the body of *operation* says of a row of *schema*.

    Raises:
        Refusal: 400, it is malformed, or a value is of another type; 415, it is neither Atom nor
            verbose JSON; 501, it holds rows inside of the row.
    """
    if _is_json(operation):
        return _json_entry(_object(operation), schema)
    if media_type(_type(operation)) not in _ENTRIES:
        raise _unsupported(operation)
    return _atom_entry(_document(operation), schema)


def value_of(operation: Operation, column: Column) -> Any:
    """Return the value of *column* in a body that holds that one alone. Raises as `entry_of`."""
    if _is_json(operation):
        fields = _object(operation)
        if set(fields) != {column.name}:
            raise bad_request(f"An object with '{column.name}' alone was expected in the body.")
        return from_json(column, fields[column.name])
    if media_type(_type(operation)) not in _DOCUMENTS:
        raise _unsupported(operation)
    return _element_value(column, _document(operation))


def raw_value_of(operation: Operation, column: Column) -> Any:
    """Return the value of *column* that a body holds as text, whatever its media type."""
    try:
        return from_text(column, operation.data().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise bad_request("The value is no text in UTF-8.") from None


def uri_of(operation: Operation) -> str:
    """Return the address in the body of a link. Raises as `entry_of`."""
    if _is_json(operation):
        uri = _object(operation).get("uri")
        if not isinstance(uri, str):
            raise bad_request("An object with 'uri' was expected in the body of a link.")
        return uri
    if media_type(_type(operation)) not in _DOCUMENTS:
        raise _unsupported(operation)
    root = _document(operation)
    if root.name not in {f"{{{DATA}}}uri", f"{{{META}}}uri"}:
        raise bad_request(f"The element 'uri' was expected in the body, not '{root.local}'.")
    return root.text.strip()


def _type(operation: Operation) -> str:
    return operation.headers.get("content-type", "")


def _is_json(operation: Operation) -> bool:
    name, *parameters = (part.strip() for part in _type(operation).lower().split(";"))
    given = [p.replace(" ", "").partition("=")[2] for p in parameters if p.startswith("odata")]
    return name == _JSON and all(value == "verbose" for value in given)


def _unsupported(operation: Operation) -> Refusal:
    kind = _type(operation)
    return odata_error(415, f"Unsupported media type requested: '{kind}'.")


def _document(operation: Operation) -> Element:
    try:
        return parsed(operation.data())
    except ValueError as error:
        raise bad_request(f"Error processing request stream. {error}") from None


def _object(operation: Operation) -> dict[str, Any]:
    try:
        fields = as_object(orjson.loads(operation.data()))
    except ValueError as error:
        raise bad_request(f"Error processing request stream. {error}") from None
    if fields is None:
        raise bad_request("A JSON object was expected in the body.")
    return fields


def _atom_entry(root: Element, schema: Schema) -> Body:
    if root.name != f"{{{ATOM_NS}}}entry":
        raise bad_request(f"The element 'entry' was expected in the body, not '{root.local}'.")
    body = Body()
    content = root.find(f"{{{ATOM_NS}}}content") or root
    properties = content.find(f"{{{META}}}properties")
    for element in properties.children if properties is not None else ():
        if not element.name.startswith(f"{{{DATA}}}"):
            raise bad_request(f"The element '{element.local}' is no property.")
        column = schema.by_name.get(element.local)
        value = element.text if column is None else _element_value(column, element)
        body.fields[element.local] = value
    for link in root.children:
        rel = link.attributes.get("rel", "")
        if link.name != f"{{{ATOM_NS}}}link" or not rel.startswith(RELATED):
            continue
        if link.find(f"{{{META}}}inline") is not None:
            raise _nested(rel.removeprefix(RELATED))
        body.links.append((rel.removeprefix(RELATED), link.attributes.get("href", "")))
    return body


def _element_value(column: Column, element: Element) -> Any:
    if element.local != column.name or element.children:
        raise bad_request(f"The property '{column.name}' was expected to be a single value.")
    if element.attributes.get(f"{{{META}}}null", "").strip() in {"true", "1"}:
        return None
    return from_text(column, element.text)


def _json_entry(fields: dict[str, Any], schema: Schema) -> Body:
    body = Body()
    navigations = {navigation.name for navigation in schema.navigations}
    for name, value in fields.items():
        column = schema.by_name.get(name)
        if name == "__metadata":
            continue
        if name in navigations:
            body.links += [(name, link) for link in _links(name, value)]
        elif column is None:
            body.fields[name] = value
        elif column.kind is not Kind.STREAM or not _is_told(value, "__mediaresource"):
            body.fields[name] = from_json(column, value)
    return body


def _links(name: str, value: Any) -> list[str | None]:
    """The links in a navigation property: an address each, none if it is only told."""
    if value is None:
        return [None]
    if _is_told(value, "__deferred"):
        return []
    found: list[str | None] = []
    many = as_list(value)
    for member in [value] if many is None else many:
        told = as_object((as_object(member) or {}).get("__metadata"))
        uri = None if told is None else told.get("uri")
        if not isinstance(uri, str) or set(member) != {"__metadata"}:
            raise _nested(name)
        found.append(uri)
    return found


def _is_told(value: Any, name: str) -> bool:
    return name in (as_object(value) or {})


def _nested(name: str) -> Refusal:
    return odata_error(501, f"A row inside of a row, as in '{name}', is not implemented.")
