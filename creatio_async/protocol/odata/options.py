"""The query options of OData 4, from a query as a value to the text behind the ``?``.

Spaces go out as ``%20``, never as ``+``; string literals are percent-encoded more strictly than
what is around them, so that no value can end one (OData 4.0 ABNF, ``pchar-no-SQUOTE``).
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

from attrs import evolve

from creatio_async.protocol.odata.filters import columns_of, filter_text, value_text
from creatio_async.protocol.odata.nodes import Condition, Order, Value, conjunction
from creatio_async.protocol.odata.spec import Expand, QuerySpec

__all__ = ["encoded", "joined", "ordering", "query_options", "selected"]

_IN_TEXT = "!$()*,:=@-._~"
"""What stands as it is within a string literal."""

_IN_OPTION = _IN_TEXT + "'/;"
"""What stands as it is elsewhere in the value of a query option."""

_HARMLESS = re.compile(r"[A-Za-z0-9 !$()*,:=@\-._~]*")

_TEXT = re.compile(r"'((?:[^']|'')*)'")


def query_options(spec: QuerySpec) -> str:
    """Return the options of *spec*, with the ``?`` before them; empty where there are none."""
    return joined(_options(spec))


def joined(options: Iterable[tuple[str, str]]) -> str:
    """Return *options* as they stand in an address, with the ``?`` before them if there are any."""
    text = "&".join(f"{name}={encoded(value)}" for name, value in options)
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
        given.append(("$select", ",".join(selected(spec, condition))))
    if spec.expand:
        given.append(("$expand", _expansion(spec.expand)))
    if spec.order:
        given.append(("$orderby", ordering(spec.order, value_text)))
    if spec.top is not None:
        given.append(("$top", str(spec.top)))
    if spec.skip:
        given.append(("$skip", str(spec.skip)))
    if spec.count:
        given.append(("$count", "true"))
    return [*given, *spec.options]


def selected(spec: QuerySpec, condition: Condition | None) -> Iterable[str]:
    """Return the columns that *spec* selects, and those that its *condition* looks at."""
    needed = columns_of(condition) if condition is not None else ()
    return dict.fromkeys((*spec.select, *needed))


def ordering(orders: Iterable[Order], text: Callable[[Value], str]) -> str:
    """Return what to sort by; *text* writes a value."""
    return ",".join(text(each.column) + (" desc" if each.descending else "") for each in orders)


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
