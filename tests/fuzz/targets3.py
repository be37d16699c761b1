"""What must hold for documents of OData 3, whole and broken; each takes a source of chance."""

import random
from collections.abc import Callable
from typing import Any
from unittest import mock

from creatio_async.protocol import xmlreader
from creatio_async.protocol.odata3.answers import Answer, FormatError
from creatio_async.protocol.odata3.atom import AtomReader, read_atom
from creatio_async.protocol.odata3.documents import (
    read_error,
    read_links,
    read_property,
    read_service,
)
from creatio_async.protocol.odata3.verbose import Types, read_verbose
from tests.fuzz.documents3 import TYPES, broken, some_atom, some_rows, some_verbose

__all__ = ["TARGETS"]

_INNER: Types = {**TYPES, "Account": TYPES, "Calls": TYPES, "Address": TYPES}
_DEEP: Types = {**_INNER, "Account": _INNER, "Calls": _INNER}
BASE = "http://crm.test/x/"


def whole_documents_give_their_rows(draw: random.Random) -> None:
    rows = some_rows(draw)
    assert read_atom(some_atom(draw, rows)).rows == rows
    assert read_verbose(some_verbose(draw, rows), types=_DEEP).rows == rows


def broken_atom_is_read_or_refused(draw: random.Random) -> None:
    body = broken(draw, some_atom(draw, some_rows(draw)))
    options: dict[str, Any] = {"annotated": draw.random() < 0.5, "nulls": draw.random() < 0.3}
    whole = _outcome(lambda: read_atom(body, base=BASE, **options))
    with mock.patch.object(xmlreader, "_BLOCK", draw.choice([1, 5, 100])):
        assert _outcome(lambda: read_atom(body, base=BASE, **options)) == whole


def a_part_of_atom_is_refused(draw: random.Random) -> None:
    body = some_atom(draw, some_rows(draw))
    reader = AtomReader()
    reader.feed(body[: draw.randrange(len(body.rstrip()) - 2)])
    assert _outcome(reader.close) is None


def broken_verbose_json_is_read_or_refused(draw: random.Random) -> None:
    body = broken(draw, some_verbose(draw, some_rows(draw)))
    options: dict[str, Any] = {
        "annotated": draw.random() < 0.5,
        "nulls": draw.random() < 0.3,
        "decimals": draw.random() < 0.3,
        "types": draw.choice([None, _DEEP]),
    }
    _outcome(lambda: read_verbose(body, base=BASE, **options))


def small_documents_are_read_or_refused(draw: random.Random) -> None:
    rows = some_rows(draw)
    body = draw.choice([some_atom, some_verbose])(draw, rows)
    for old, new in ((b"entry", b"uri"), (b"feed", b"links"), (b"d:", b"m:"), (b"m:", b"d:")):
        if draw.random() < 0.3:
            body = body.replace(old, new)
    body = broken(draw, body)
    for read in (read_links, read_property, read_service):
        _outcome(lambda read=read: read(body))  # type: ignore[misc]  # each has its own type
    read_error(body)


TARGETS: list[Callable[[random.Random], None]] = [
    whole_documents_give_their_rows,
    broken_atom_is_read_or_refused,
    a_part_of_atom_is_refused,
    broken_verbose_json_is_read_or_refused,
    small_documents_are_read_or_refused,
]


def _outcome(read: Callable[[], Answer | Any]) -> Any:
    """Return what is read; None where it is refused."""
    try:
        return read()
    except FormatError:
        return None
