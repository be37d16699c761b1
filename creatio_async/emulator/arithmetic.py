"""Arithmetic of ``$filter``: numbers, and dates with durations.

Source: OASIS OData 4.0, Part 2, 5.1.1.2; a duration times a number is OData 4.01.
"""

from typing import Final

from creatio_async.emulator.schema import Kind
from creatio_async.emulator.sql import Fragment, incompatible

__all__ = ["arithmetic_sql"]

_W, _N, _D, _S = Kind.WHOLE, Kind.DECIMAL, Kind.DATE, Kind.DURATION

_NUMBERS: Final = {
    "Add": "({0} + {1})",
    "Sub": "({0} - {1})",
    "Mult": "({0} * {1})",
    "Div": "(CAST({0} AS REAL) / {1})",
    "Mod": "odata_mod({0}, {1})",
}
_WHOLE: Final = _NUMBERS | {"Div": "({0} / {1})", "Mod": "({0} % {1})"}
_TIMES: Final[dict[tuple[str, Kind | None, Kind | None], tuple[str, Kind]]] = {
    ("Add", _D, _S): ("odata_later({0}, {1})", _D),
    ("Sub", _D, _S): ("odata_earlier({0}, {1})", _D),
    ("Sub", _D, _D): ("odata_between({0}, {1})", _S),
    ("Add", _S, _S): ("({0} + {1})", _S),
    ("Sub", _S, _S): ("({0} - {1})", _S),
    **{("Mult", _S, kind): ("CAST({0} * {1} AS INTEGER)", _S) for kind in (_W, _N)},
    **{("Mult", kind, _S): ("CAST({0} * {1} AS INTEGER)", _S) for kind in (_W, _N)},
    **{("Div", _S, kind): ("CAST({0} / {1} AS INTEGER)", _S) for kind in (_W, _N)},
}


def arithmetic_sql(operator: str, left: Fragment, right: Fragment) -> Fragment:
    """Return ``left operator right``; whole numbers are divided without a rest, as in OData.

    What is divided by zero is null.

    Raises:
        Refusal: 400, the types do not fit.
    """
    kinds = (left.kind, right.kind)
    if kinds == (_W, _W):
        sql, kind = _WHOLE[operator], _W
    elif set(kinds) <= {_W, _N}:
        sql, kind = _NUMBERS[operator], _N
    else:
        found = _TIMES.get((operator, *kinds))
        if found is None:
            raise incompatible(operator, *kinds)
        sql, kind = found
    return left.beside(right, sql.format(left.text, right.text), kind)
