"""The functions of ``$filter`` as SQL. Source of what they do: OASIS OData 4.0, Part 2, 5.1.1.4."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from creatio_async.emulator.refusals import bad_query
from creatio_async.emulator.schema import Kind
from creatio_async.emulator.sql import Fragment, Rules, missing
from creatio_async.emulator.values import now

__all__ = ["call_sql"]


@frozen
class _Function:
    takes: tuple[Kind, ...]
    sql: str
    """``{0}`` stands for the first argument; each is written once, in this order."""
    gives: Kind


_T, _D, _N, _W = Kind.TEXT, Kind.DATE, Kind.DECIMAL, Kind.WHOLE
_C, _S = Kind.TIME, Kind.DURATION

_MISSING: Final = {
    "geo.distance",
    "geo.intersects",
    "geo.length",
    "hassubsequence",
    "hassubset",
    "matchesPattern",
}
"""Functions of OData that are not here."""

# An argument may stand in the SQL once only, in order, because its parameters are given once. A
# text that is found at the start or the end is therefore looked for by functions of our own.
_FUNCTIONS: Final[dict[str, tuple[_Function, ...]]] = {
    "contains": (_Function((_T, _T), "(instr({0}, {1}) > 0)", Kind.FLAG),),
    "startswith": (_Function((_T, _T), "odata_startswith({0}, {1})", Kind.FLAG),),
    "endswith": (_Function((_T, _T), "odata_endswith({0}, {1})", Kind.FLAG),),
    "tolower": (_Function((_T,), "odata_lower({0})", _T),),
    "toupper": (_Function((_T,), "odata_upper({0})", _T),),
    "trim": (_Function((_T,), "trim({0})", _T),),
    "3.replace": (_Function((_T, _T, _T), "replace({0}, {1}, {2})", _T),),  # of OData 3 alone
    "length": (_Function((_T,), "length({0})", _W),),
    "indexof": (_Function((_T, _T), "(instr({0}, {1}) - 1)", _W),),
    "concat": (_Function((_T, _T), "({0} || {1})", _T),),
    "substring": (
        _Function((_T, _W), "substr({0}, {1} + 1)", _T),
        _Function((_T, _W, _W), "substr({0}, {1} + 1, {2})", _T),
    ),
    "year": (_Function((_D,), "CAST(substr({0}, 1, 4) AS INTEGER)", _W),),
    "month": (_Function((_D,), "CAST(substr({0}, 6, 2) AS INTEGER)", _W),),
    "day": (_Function((_D,), "CAST(substr({0}, 9, 2) AS INTEGER)", _W),),
    "hour": (
        _Function((_D,), "CAST(substr({0}, 12, 2) AS INTEGER)", _W),
        _Function((_C,), "CAST(substr({0}, 1, 2) AS INTEGER)", _W),
    ),
    "minute": (
        _Function((_D,), "CAST(substr({0}, 15, 2) AS INTEGER)", _W),
        _Function((_C,), "CAST(substr({0}, 4, 2) AS INTEGER)", _W),
    ),
    "second": (
        _Function((_D,), "CAST(substr({0}, 18, 2) AS INTEGER)", _W),
        _Function((_C,), "CAST(substr({0}, 7, 2) AS INTEGER)", _W),
    ),
    "fractionalseconds": (
        _Function((_D,), "CAST('0' || substr({0}, 20) AS REAL)", _N),
        _Function((_C,), "CAST('0' || substr({0}, 9) AS REAL)", _N),
    ),
    "time": (_Function((_D,), "substr({0}, 12)", _C),),
    "totalseconds": (_Function((_S,), "({0} / 1e7)", _N),),
    "date": (_Function((_D,), "(substr({0}, 1, 10) || 'T00:00:00')", _D),),
    "totaloffsetminutes": (_Function((_D,), "({0} IS NULL) * 0", _W),),
    "mindatetime": (_Function((), "'0001-01-01T00:00:00'", _D),),
    "maxdatetime": (_Function((), "'9999-12-31T23:59:59.9999999'", _D),),
    "round": (_Function((_N,), "round({0})", _N),),
    "floor": (_Function((_N,), "odata_floor({0})", _N),),
    "ceiling": (_Function((_N,), "odata_ceiling({0})", _N),),
}


def call_sql(name: str, arguments: Sequence[Fragment], rules: Rules) -> Fragment:
    """Return the call of the function *name* as SQL.

    Raises:
        Refusal: 400, there is no such function, or it does not take these arguments; 400 or 501,
            it is not implemented.
    """
    if name == "now" and not arguments:
        return Fragment("?", (now(),), Kind.DATE)
    known = (_Function((), "", _D),) if name == "now" else _FUNCTIONS.get(name)
    if known is None:
        if name in _MISSING:
            raise missing(rules, f"The function '{name}'")
        raise bad_query(f"An unknown function with name '{name}' was found.")
    for function in known:
        if len(function.takes) == len(arguments) and all(map(_fits, function.takes, arguments)):
            text = function.sql.format(*(argument.text for argument in arguments))
            parameters = tuple(p for argument in arguments for p in argument.parameters)
            return Fragment(text, parameters, function.gives)
    raise bad_query(
        f"No function signature for the function with name '{name}' matches the specified "
        "arguments."
    )


def _fits(wanted: Kind, argument: Fragment) -> bool:
    if argument.navigation:
        return False
    return argument.kind in {wanted, None} or (
        wanted is Kind.DECIMAL and argument.kind is Kind.WHOLE
    )
