"""Values of OData 3, on their way out of the store and on their way into it.

A date has no zone and is UTC; where Creatio keeps its empty date, it is null here. Source: the
answers printed in the vendor's collection of samples, and bodies seen in clients.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from creatio_async.emulator.refusals import Refusal, bad_request
from creatio_async.emulator.schema import EMPTY_DATE, Column, Kind

__all__ = ["EDM", "from_json", "from_text", "plain_json", "plain_text", "verbose_json"]

EDM: Final = {
    Kind.GUID: "Edm.Guid",
    Kind.TEXT: "Edm.String",
    Kind.DATE: "Edm.DateTime",
    Kind.FLAG: "Edm.Boolean",
    Kind.WHOLE: "Edm.Int32",
    Kind.DECIMAL: "Edm.Decimal",
    Kind.STREAM: "Edm.Stream",
}
"""The types of columns by their names in OData 3."""

_NUMBER: Final = re.compile(r"[+-]?\d{1,29}(?:\.\d{1,29})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_TICKS: Final = re.compile(r"/Date\((-?\d{1,15})([+-]\d{1,4})?\)/", re.ASCII)
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d:\d\d)\Z", re.IGNORECASE)
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def plain_text(column: Column, value: Any) -> str | None:
    """Return a *value*, as `reads` gives it, as it stands in XML; None for null."""
    shown = plain_json(column, value)
    if isinstance(shown, bool):
        return "true" if shown else "false"
    return None if shown is None else str(shown)


def plain_json(column: Column, value: Any) -> Any:
    """Return a *value*, as `reads` gives it, as it stands in verbose JSON of version 3."""
    if value is None:
        return None
    if column.kind is Kind.DATE:
        date = str(value).removesuffix("Z")
        return None if date == EMPTY_DATE else date
    if column.kind is Kind.DECIMAL:
        return f"{Decimal(repr(value)):f}"
    return value


def verbose_json(column: Column, value: Any, version: int) -> Any:
    """Return a *value*, as `reads` gives it, as verbose JSON of a *version* has it.

    Dates are ``/Date(...)/`` before version 3. Source: [MS-ODATA] 2.2.6.3.1.
    """
    shown = plain_json(column, value)
    if version == 3 or column.kind is not Kind.DATE or shown is None:
        return shown
    when = datetime.fromisoformat(shown).replace(tzinfo=UTC)
    return f"/Date({(when - _EPOCH) // timedelta(milliseconds=1)})/"


def from_text(column: Column, text: str) -> Any:
    """Return the *text* of an element as the JSON value of OData 4 that a row is written from.

    Raises:
        Refusal: 400, it is no value of the type of *column*.
    """
    match column.kind:
        case Kind.TEXT:
            return text
        case Kind.GUID:
            return text.strip()
        case Kind.DATE:
            return _zoned(text.strip())
        case Kind.FLAG:
            if text.strip() in _FLAGS:
                return _FLAGS[text.strip()]
        case Kind.WHOLE:
            if _WHOLE.fullmatch(text.strip()):
                return int(text)
        case _:
            if _NUMBER.fullmatch(text.strip()):
                return text.strip()
    raise _mismatch(column, text)


def from_json(column: Column, value: Any) -> Any:
    """Return a *value* of JSON as the one of OData 4 that a row is written from.

    Dates come as ISO 8601 or as ``/Date(...)/``, decimals as text or as numbers.

    Raises:
        Refusal: 400, it is no value of the type of *column*.
    """
    match column.kind, value:
        case Kind.DATE, str():
            ticks = _TICKS.fullmatch(value)
            if ticks is None:
                return _zoned(value)
            # The milliseconds are those of a clock that is so many minutes ahead of UTC.
            return _moment(column, int(ticks[1]) - int(ticks[2] or 0) * 60_000)
        case Kind.DECIMAL, int() | float() if not isinstance(value, bool):
            return f"{Decimal(repr(value)):f}"
        case Kind.DECIMAL, str() if not _NUMBER.fullmatch(value):
            raise _mismatch(column, value)
        case _:
            return value


def _moment(column: Column, milliseconds: int) -> str:
    try:
        when = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise _mismatch(column, milliseconds) from None
    return when.isoformat()


def _zoned(text: str) -> str:
    if "T" not in text:
        text += "T00:00:00"
    return text if _ZONE.search(text) else f"{text}Z"


def _mismatch(column: Column, value: Any) -> Refusal:
    return bad_request(
        f"Error processing request stream. The value '{value}' of the property '{column.name}' is "
        f"no '{EDM[column.kind]}'."
    )
