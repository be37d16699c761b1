"""``cast`` and ``isof`` of primitive types. Source: OASIS OData 4.0, Part 2, 5.1.1.8."""

from typing import Final

from creatio_async.emulator.refusals import Refusal, bad_query
from creatio_async.emulator.schema import Kind
from creatio_async.emulator.sql import Fragment

__all__ = ["cast_sql", "isof_sql"]

_KINDS: Final = {
    **{kind.value: kind for kind in Kind},
    **dict.fromkeys(("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int64"), Kind.WHOLE),
    **dict.fromkeys(("Edm.Double", "Edm.Single"), Kind.DECIMAL),
}
_DATE: Final = "Edm.Date"
_CASTS: Final[dict[tuple[Kind | None, Kind], str]] = {
    (Kind.WHOLE, Kind.DECIMAL): "CAST({0} AS REAL)",
    (Kind.DECIMAL, Kind.WHOLE): "CAST({0} AS INTEGER)",
    (Kind.WHOLE, Kind.TEXT): "CAST({0} AS TEXT)",
    (Kind.DECIMAL, Kind.TEXT): "odata_text({0})",
    (Kind.FLAG, Kind.TEXT): "iif({0}, 'true', 'false')",
    (Kind.GUID, Kind.TEXT): "{0}",
    (Kind.DATE, Kind.TEXT): "({0} || 'Z')",
    (Kind.TIME, Kind.TEXT): "{0}",
    (Kind.DATE, Kind.TIME): "substr({0}, 12)",
    (Kind.TEXT, Kind.WHOLE): "odata_whole({0})",
    (Kind.TEXT, Kind.DECIMAL): "odata_number({0})",
    (Kind.TEXT, Kind.FLAG): "odata_flag({0})",
    (Kind.TEXT, Kind.GUID): "odata_guid({0})",
    (Kind.TEXT, Kind.DATE): "odata_moment({0})",
}


def cast_sql(value: Fragment, wanted: str) -> Fragment:
    """Return *value* in the type *wanted*: null where the value is none of it.

    Raises:
        Refusal: 400, the type is unknown, or values of one type are never of the other.
    """
    if wanted == _DATE and value.kind is Kind.DATE:
        text = f"(substr({value.text}, 1, 10) || 'T00:00:00')"
        return Fragment(text, value.parameters, Kind.DATE)
    kind = _KINDS.get(wanted)
    if kind is None:
        raise _unknown(wanted)
    if value.kind in {kind, None}:
        return Fragment(value.text, value.parameters, kind)
    sql = _CASTS.get((value.kind, kind))
    if sql is None:
        raise bad_query(f"A value of another type cannot be cast to '{wanted}'.")
    return Fragment(sql.format(value.text), value.parameters, kind)


def isof_sql(value: Fragment, wanted: str) -> Fragment:
    """Return whether *value* is of the type *wanted*; null is of none.

    Raises:
        Refusal: 400, the type is unknown.
    """
    kind = Kind.DATE if wanted == _DATE else _KINDS.get(wanted)
    if kind is None:
        raise _unknown(wanted)
    same = int(value.kind is kind)
    return Fragment(f"({value.text} IS NOT NULL AND {same})", value.parameters, Kind.FLAG)


def _unknown(name: str) -> Refusal:
    return bad_query(f"The type '{name}' is unknown.")
