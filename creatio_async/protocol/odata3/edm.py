"""Values of OData 3 as OData 4 gives them, by their types.

Numbers are read as JSON reads them, whether they travel as text or not. A date has ``Z`` where it
tells no zone. A time (Edm.Time) stays as it is: it is written as a duration of OData 4 is, and so
does a binary value, as base64. ``NaN`` and ``INF`` stay texts, as in version 4.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from creatio_async.protocol.odata3.answers import FormatError
from creatio_async.protocol.values import YEAR_ONE, ZERO_GUID, datetime_text

__all__ = ["Values"]

_WHOLE: Final = ("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64")
_FRACTIONAL: Final = ("Edm.Decimal", "Edm.Double", "Edm.Single")
_DATES: Final = ("Edm.DateTime", "Edm.DateTimeOffset")
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}
_SPECIAL: Final = ("NaN", "INF", "-INF")
_BLANKS: Final = " \t\r\n"

_NAIVE: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?"
_DATE: Final = re.compile(rf"{_NAIVE}(Z|[+-]\d\d:\d\d)?", re.ASCII)
_NAIVE_LINES: Final = re.compile(rf"(?:{_NAIVE}\n)*{_NAIVE}", re.ASCII)
_TICKS: Final = re.compile(r"/Date\((-?\d{1,15})([+-]\d{1,4})?\)/", re.ASCII)
_NUMBER: Final = re.compile(r"([+-]?)0*(?=\.?\d)(\d*)(\.\d*)?([eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST: Final = 400
"""Signs of a number."""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Reader = Callable[[str], Any]
"""Makes a value of a text; a ValueError or a LookupError says that it is none."""

ColumnReader = Callable[[Sequence[str]], list[Any] | None]
"""Makes values of texts, some at least; None says that they have to be read one by one."""


class Values:
    """Reads texts by their types. The options are those of `creatio_async.protocol.odata.reading`.

    Args:
        nulls: Creatio's empty values, the zero guid and the first moment of year 1, become None.
        decimals: Numbers with a fraction become `Decimal`.
    """

    def __init__(self, *, nulls: bool = False, decimals: bool = False) -> None:
        number = _decimal if decimals else _number
        self.readers: dict[str, Reader] = {
            **dict.fromkeys(_WHOLE, _whole),
            **dict.fromkeys(_FRACTIONAL, number),
            **dict.fromkeys(_DATES, _known_date if nulls else _date_text),
            "Edm.Guid": _known_guid if nulls else str.lower,
            "Edm.Boolean": _FLAGS.__getitem__,
        }
        """By type; a type that is not here is left as text."""
        self.text: Reader | None = _known_text if nulls else None
        """Reads texts without a type; None where nothing is done with them."""
        self.guessed: Reader = _known_naive_date if nulls else _naive_date_text
        """Reads what may be a date of JSON; a ValueError says that it is none."""
        self.columns: dict[str, ColumnReader] = {
            **({} if nulls else dict.fromkeys(_DATES, _naive_dates)),
            **({} if decimals else dict.fromkeys(_FRACTIONAL, _numbers)),
        }
        """By type, for those that are read faster all at once."""

    def read(self, name: str, edm: str, text: str) -> Any:
        """Return the value of the type *edm* that *text* is.

        Raises:
            FormatError: It is none; *name* says where it stands.
        """
        reader = self.readers.get(edm, self.text)
        if reader is None:
            return text
        try:
            try:
                return reader(text)
            except (ValueError, LookupError):
                return reader(text.strip(_BLANKS))
        except (ValueError, LookupError):
            raise FormatError(f"{name!r} holds {text!r:.100}, which is no {edm}") from None


def _whole(text: str) -> int:
    value = _number(text)
    if not isinstance(value, int):
        raise ValueError(text)
    return value


def _number(text: str) -> int | float | str:
    try:
        value = orjson.loads(text)
    except ValueError:
        if text in _SPECIAL:
            return text
        value = orjson.loads(_plain(text))
    if type(value) is float or type(value) is int:
        return value
    raise ValueError(text)


def _decimal(text: str) -> int | Decimal | str:
    if text in _SPECIAL:
        return text
    plain = _plain(text)
    return int(plain) if plain.lstrip("-").isdigit() else Decimal(plain)


def _plain(text: str) -> str:
    """Return a number of XML Schema as one of JSON: ``+05.`` as ``5.0``."""
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(text)
    sign, whole, fraction, power = match.groups(default="")
    if fraction == ".":
        fraction = ".0"
    return f"{sign.replace('+', '')}{whole or '0'}{fraction}{power}"


def _date_text(text: str) -> str:
    """Return a date and time with a zone, as OData 4 writes it: UTC where *text* tells none.

    Raises:
        ValueError: It is none.
    """
    match = _DATE.fullmatch(text)
    if match is not None:
        return text if match[1] else text + "Z"
    ticks = _TICKS.fullmatch(text)
    if ticks is None:
        raise ValueError(text)
    # What is added to the milliseconds is told behind them, in minutes.
    offset = dt.timedelta(minutes=int(ticks[2] or 0))
    try:
        found = datetime_text(_EPOCH + dt.timedelta(milliseconds=int(ticks[1])) - offset)
    except OverflowError:
        raise ValueError(text) from None
    return f"{found[:-4]}Z" if "." in found else found


def _naive_date_text(text: str) -> str:
    """Return a date and time with a zone, if *text* tells no zone, as Edm.DateTime has none.

    Raises:
        ValueError: It tells one, or is no date and time.
    """
    date = _date_text(text)
    if date == text:
        raise ValueError(text)
    return date


def _naive_dates(texts: Sequence[str]) -> list[Any] | None:
    lines = "\n".join(texts)
    if lines.count("\n") >= len(texts) or _NAIVE_LINES.fullmatch(lines) is None:
        return None
    return f"{lines}\n".replace("\n", "Z\n").split("\n")[:-1]


def _numbers(texts: Sequence[str]) -> list[Any] | None:
    try:
        values: list[Any] = orjson.loads(f"[{','.join(texts)}]")
    except ValueError:
        return None
    # A text that is not one number gives something else, or makes others give it.
    return values if set(map(type, values)) <= {int, float} and len(values) == len(texts) else None


def _known_guid(text: str) -> str | None:
    return None if text == ZERO_GUID else text.lower()


def _known_date(text: str) -> str | None:
    return _known_text(_date_text(text))


def _known_naive_date(text: str) -> str | None:
    return _known_text(_naive_date_text(text))


def _known_text(text: str) -> str | None:
    """Return *text*, or None for what Creatio holds where nothing was given."""
    return None if text == ZERO_GUID or text.startswith(YEAR_ONE) else text
