"""The query options of OData 4, from a query as a value to the text behind the ``?``.

Spaces go out as ``%20``, never as ``+``; string literals are percent-encoded more strictly than
what is around them, so that no value can end one (OData 4.0 ABNF, ``pchar-no-SQUOTE``).
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

from attrs import evolve

from creatio_async.protocol.odata.filters import columns_of, filter_text, value_text
from creatio_async.protocol.odata.nodes import conjunction
from creatio_async.protocol.odata.spec import Expand, QuerySpec

__all__ = ["encoded", "query_options"]

_IN_TEXT = "!$()*,:=@-._~"
"""What stands as it is within a string literal."""

_IN_OPTION = _IN_TEXT + "'/;"
"""What stands as it is elsewhere in the value of a query option."""

_HARMLESS = re.compile(r"[A-Za-z0-9 !$()*,:=@\-._~]*")

_TEXT = re.compile(r"'((?:[^']|'')*)'")


def query_options(spec: QuerySpec) -> str:
    """Return the options of *spec*, with the ``?`` before them; empty where there are none."""
    text = "&".join(f"{name}={encoded(value)}" for name, value in _options(spec))
    return f"?{text}" if text else ""


def encoded(text: str) -> str:
    """Return the value of a query option percent-encoded, string literals more strictly."""
    if _HARMLESS.fullmatch(text):  # most values are, and the rest takes ten times as long
        return text.replace(" ", "%20")
    pieces = _TEXT.split(text)  # outside, inside, outside, inside, ..., outside
    for at, piece in enumerate(pieces):
        pieces[at] = _quote_text(piece) if at % 2 else quote(piece, safe=_IN_OPTION)
    return "".join(pieces)


def _quote_text(text: str) -> str:
    inner = quote(text, safe=_IN_TEXT + "'")
    return f"'{inner}'"


def _options(spec: QuerySpec) -> list[tuple[str, str]]:
    given: list[tuple[str, str]] = []
    condition = conjunction(spec.where)
    if condition is not None:
        given.append(("$filter", filter_text(condition)))
    if spec.select:
        needed = columns_of(condition) if condition is not None else ()
        given.append(("$select", ",".join(dict.fromkeys((*spec.select, *needed)))))
    if spec.expand:
        given.append(("$expand", _expansion(spec.expand)))
    if spec.order:
        given.append(("$orderby", _ordering(spec)))
    if spec.top is not None:
        given.append(("$top", str(spec.top)))
    if spec.skip:
        given.append(("$skip", str(spec.skip)))
    if spec.count:
        given.append(("$count", "true"))
    return [*given, *spec.options]


def _ordering(spec: QuerySpec) -> str:
    return ",".join(
        value_text(each.column) + (" desc" if each.descending else "") for each in spec.order
    )


def _expansion(expands: Iterable[Expand]) -> str:
    """Return ``Account($expand=Type),City`` for ``Account``, ``Account/Type`` and ``City``."""
    return ",".join(map(_expanded, _merged(expands)))


def _expanded(expand: Expand) -> str:
    options = _options(expand.spec)
    if expand.levels is not None:
        options.append(("$levels", str(expand.levels)))
    inner = ";".join(f"{name}={value}" for name, value in options)
    return f"{expand.name}({inner})" if inner else expand.name


def _merged(expands: Iterable[Expand]) -> Iterable[Expand]:
    """Join what is expanded along the same property: a name must stand once only."""
    merged: dict[str, Expand] = {}
    for expand in expands:
        known = merged.get(expand.name)
        if known is None:
            merged[expand.name] = expand
        elif evolve(expand, expand=()) == Expand(expand.name):
            merged[expand.name] = evolve(known, expand=(*known.expand, *expand.expand))
        elif evolve(known, expand=()) == Expand(expand.name):
            merged[expand.name] = evolve(expand, expand=(*known.expand, *expand.expand))
        else:
            raise ValueError(f"{expand.name} is expanded twice, with options of its own each time")
    return merged.values()
