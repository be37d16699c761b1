"""Answers in verbose JSON, ``{"d": ...}``, as rows.

Source: OData 3.0, JSON Verbose Format; [MS-ODATA] 2.2.6.3. JSON does not tell types: dates, and
numbers that travel as texts, are known by the types of the columns where these are given. Without
them a text that is a date and time without a zone is taken for one if it is so in every row that
has a text in this column; numbers that are texts stay texts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, cast

from creatio_async.protocol.json import as_list, as_object, as_text
from creatio_async.protocol.json import loads as decoded
from creatio_async.protocol.odata3.annotations import metadata_annotations, stream_annotations
from creatio_async.protocol.odata3.answers import Answer, FormatError, Row, absolute
from creatio_async.protocol.odata3.edm import Values

__all__ = ["Types", "loads", "next_link", "payload", "read_total", "read_value", "read_verbose"]

Types = Mapping[str, "str | Types"]
"""Types of columns by their names: ``{"CreatedOn": "Edm.DateTime"}``. For a navigation property,
or one of a complex type, those of the columns within: ``{"Account": {"Name": "Edm.String"}}``."""

_HOLDERS: Final = (dict, list)
_MAX_DEPTH: Final = 64
"""Rows in one another."""


def read_verbose(
    body: bytes,
    *,
    base: str = "",
    types: Types | None = None,
    annotated: bool = False,
    decimals: bool = False,
    nulls: bool = False,
) -> Answer:
    """Return the rows of a collection, or a single one.

    Args:
        body: The answer; a byte order mark before it is no harm.
        base: The address that was asked, which relative ones belong to.
        types: The types of the columns, as far as they are known.
        annotated: Put into the rows what is told beside the values, under the names of OData 4:
            ``@odata.id``, ``@odata.etag``, ``Account@odata.navigationLink`` and others.
        decimals: Numbers with a fraction become `Decimal`; that takes about ten times as long.
        nulls: Creatio's empty values, the zero guid and the first moment of year 1, become None.

    Raises:
        FormatError: The body is no verbose JSON, or holds something else than rows.
    """
    found = payload(loads(body, decimals=decimals))
    values = Values(decimals=decimals, nulls=nulls)
    reader = _Reader(values, base, annotated=annotated)
    if found is None:
        return Answer(rows=[], is_feed=False)
    several = as_list(found)
    if several is not None:
        return Answer(rows=reader.rows(several, types or {}))
    answer = as_object(found)
    results = as_list(answer.get("results"))
    if results is not None and "__metadata" not in answer:
        return Answer(
            rows=reader.rows(results, types or {}),
            count=read_total(answer),
            next_link=next_link(answer, base),
        )
    if not isinstance(found, dict):
        raise FormatError(f"{found!r:.80} where rows were due")
    if isinstance(answer.get("results"), dict) and len(answer) == 1:
        answer = as_object(answer["results"])
    return Answer(rows=reader.rows([answer], types or {}), is_feed=False)


def read_value(
    body: bytes,
    *,
    edm: "str | Types | None" = None,
    annotated: bool = False,
    decimals: bool = False,
    nulls: bool = False,
) -> Any:
    """Return the value of a document that holds a single property.

    Args:
        body: The answer.
        edm: The type of the property, or those of the columns of a complex one, where it is known.
        annotated: Types of complex values are told.
        decimals: A number with a fraction becomes a `Decimal`.
        nulls: Creatio's empty values become None.

    Raises:
        FormatError: It is no such document.
    """
    found = as_object(payload(loads(body, decimals=decimals)))
    if isinstance(found.get("results"), list):
        found = {"results": found}  # a collection, in the answer without its name
    elif isinstance(found.get("results"), dict) and len(found) == 1:
        found = as_object(found["results"])
    told = {name: value for name, value in found.items() if name != "__metadata"}
    if len(told) != 1:
        raise FormatError("no document of a single property")
    [name] = told
    values = Values(decimals=decimals, nulls=nulls)
    reader = _Reader(values, "", annotated=annotated)
    return reader.rows([told], {} if edm is None else {name: edm})[0].get(name)


def loads(body: bytes, *, decimals: bool = False) -> dict[str, Any]:
    """Return the object that *body* is; a byte order mark before it is no harm.

    Raises:
        FormatError: It is no JSON, or no object.
    """
    try:
        found = decoded(body, decimals=decimals)
    except ValueError as error:
        raise FormatError(f"no JSON, or only a part of it: {error}") from None
    if not isinstance(found, dict):
        raise FormatError("no JSON object")
    return as_object(found)


def payload(answer: dict[str, Any]) -> Any:
    """Return what is in the ``d`` of *answer*.

    Raises:
        FormatError: It has none; where it is an error instead, its message is told.
    """
    if "d" in answer:
        return answer["d"]
    message = as_object(answer.get("error")).get("message")
    said = as_text(as_object(message).get("value", message))
    raise FormatError(f"an error: {said}" if said else "no verbose JSON: it has no 'd'")


def read_total(answer: dict[str, Any]) -> int | None:
    """Return the count of a collection, which is a text.

    Raises:
        FormatError: It is no number.
    """
    count = answer.get("__count")
    if count is None or (isinstance(count, int) and count >= 0):
        return count
    text = as_text(count)
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FormatError(f"the count {count!r:.80} is no number")
    return int(text)


def next_link(answer: dict[str, Any], base: str) -> str | None:
    """Return where a collection goes on, as an absolute address.

    Raises:
        FormatError: It is no address.
    """
    link = as_text(answer.get("__next"))
    return absolute(base, link) if link else None


class _Reader:
    """Reads rows in place: they are ours, fresh from the decoder."""

    def __init__(self, values: Values, base: str, *, annotated: bool) -> None:
        self._values = values
        self._base = base
        self._annotated = annotated
        self._depth = 0

    def rows(self, given: list[Any], types: Types) -> list[Row]:
        """Read *given*, column by column: what need not be touched is not."""
        if not set(map(type, given)) <= {dict}:
            raise FormatError("no collection of rows")
        rows = cast("list[Row]", given)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise FormatError(f"more than {_MAX_DEPTH} rows in one another")
        if not self._annotated:
            _drop_links(rows)
        for name, having, values in _columns(rows):
            self._column(name, having, values, types.get(name))
        self._depth -= 1
        return rows

    def _column(
        self, name: str, rows: list[Row], values: tuple[Any, ...], edm: "str | Types | None"
    ) -> None:
        if name == "__metadata":
            self._metadata(rows)
            return
        kinds = set(map(type, values))
        if not kinds.isdisjoint(_HOLDERS):
            self._objects(name, rows, values, edm)
        elif str in kinds:
            read = self._texts(name, values, kinds, edm if isinstance(edm, str) else None)
            if read is not None:
                for row, value in zip(rows, read, strict=True):
                    row[name] = value

    def _texts(
        self, name: str, given: tuple[Any, ...], kinds: set[type], edm: str | None
    ) -> list[Any] | None:
        """Return the values of a column that holds texts; None where they are what is given."""
        values = self._values
        at_once = values.columns.get(edm or "Edm.DateTime") if len(kinds) == 1 else None
        if at_once is not None and (found := at_once(given)) is not None:
            return found
        if edm is None:
            try:
                return _each(values.guessed, given, kinds)
            except ValueError:  # it is no column of dates
                reader = values.text
        else:
            reader = values.readers.get(edm, values.text)
        if reader is None:
            return None
        try:
            read = _each(reader, given, kinds)
        except (ValueError, LookupError):
            read = _each(partial(values.read, name, edm or "Edm.String"), given, kinds)
        return None if tuple(read) == given else read

    def _metadata(self, rows: list[Row]) -> None:
        for row in rows:
            told = as_object(row.pop("__metadata"))
            if self._annotated:
                row.update(metadata_annotations(told, self._base))

    def _objects(
        self, name: str, rows: list[Row], values: Iterable[Any], edm: "str | Types | None"
    ) -> None:
        """Read a column of what is more than a text or a number: other rows, or where they are."""
        inner: list[Any] = []
        for row, value in zip(rows, values, strict=True):
            held = as_object(value)
            members = as_list(held.get("results", value))
            if "__deferred" in held or "__mediaresource" in held:
                del row[name]
                if self._annotated:
                    row.update(stream_annotations(name, held, self._base))
            elif members is not None:
                row[name] = members
                if self._annotated:
                    row.update(self._about(name, held))
                if not self._items(name, members, edm):
                    inner += members
            elif held:
                inner.append(held)
        if inner:
            self.rows(inner, edm if isinstance(edm, Mapping) else {})

    def _items(self, name: str, members: list[Any], edm: "str | Types | None") -> bool:
        """Read the values of a collection; return whether they are values, and no rows."""
        if dict in set(map(type, members)):
            return False
        if isinstance(edm, str):
            item = edm.removeprefix("Collection(").removesuffix(")")
            members[:] = [
                self._values.read(name, item, each) if isinstance(each, str) else each
                for each in members
            ]
        return True

    def _about(self, name: str, held: Row) -> Row:
        told = {
            f"{name}@odata.count": read_total(held),
            f"{name}@odata.nextLink": next_link(held, self._base),
        }
        return {known: value for known, value in told.items() if value is not None}


_values = dict[str, Any].values


def _each(reader: Callable[[str], Any], given: tuple[Any, ...], kinds: set[type]) -> list[Any]:
    """Return what *reader* makes of the texts among values of these *kinds*."""
    if len(kinds) == 1:
        return list(map(reader, given))
    return [reader(each) if isinstance(each, str) else each for each in given]


def _drop_links(rows: list[Row]) -> None:
    """Drop what only tells where other rows are: row by row, as it lies in memory."""
    told = [name for name, value in (rows[0] if rows else {}).items() if _is_link(value)]
    for row in rows:
        for name in told:
            if _is_link(row.get(name)):
                del row[name]


def _is_link(value: object) -> bool:
    return isinstance(value, dict) and "__deferred" in value


def _columns(rows: list[Row]) -> Iterator[tuple[str, list[Row], tuple[Any, ...]]]:
    """Give the columns: the name, the rows that have it, and their values."""
    if not rows:
        return
    names = list(rows[0])
    if all(list(row) == names for row in rows):
        columns = list(zip(*map(_values, rows), strict=True))  # the rows are to change
        for name, values in zip(names, columns, strict=True):
            yield name, rows, values
        return
    found: dict[str, tuple[list[Row], list[Any]]] = {}
    for row in rows:
        for name, value in row.items():
            having, its = found.setdefault(name, ([], []))
            having.append(row)
            its.append(value)
    for name, (having, its) in found.items():
        yield name, having, tuple(its)
