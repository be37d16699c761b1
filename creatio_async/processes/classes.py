"""A process as a class: parameters with their types go in, results with theirs come out."""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NoReturn,
    TypeVar,
    cast,
    dataclass_transform,
    get_origin,
    get_type_hints,
)
from uuid import UUID
from weakref import WeakKeyDictionary

from attrs import NOTHING, Factory, evolve, fields, frozen
from attrs import field as attrs_field

from creatio_async.protocol.json import as_list, as_object
from creatio_async.protocol.names import check_name
from creatio_async.protocol.processes import decoded_result
from creatio_async.protocol.scalars import (
    as_bool,
    as_decimal,
    as_float,
    as_int,
    as_moment,
    as_str,
    as_uuid,
    split_none,
)

__all__ = ["Process", "parameter", "parameters_of", "result", "results_of", "with_results"]

P = TypeVar("P", bound="Process")

_PLACE = "creatio_async process"


def parameter(
    code: str, *, default: Any = NOTHING, factory: Callable[[], Any] | None = None
) -> Any:
    """Return a field of a `Process` that goes in as the parameter *code*.

    Args:
        code: The code of the parameter; case matters.
        default: The value where none is given; None leaves the parameter out.
        factory: Makes the default instead, for lists and dicts.

    Raises:
        ValueError: *code* is no identifier.
    """
    return attrs_field(
        default=default if factory is None else Factory(factory),
        metadata={_PLACE: _In(check_name(code, "code of a parameter"))},
    )


def result(
    code: str, *, read: Callable[[Any], Any] | None = None, init: Literal[False] = False
) -> Any:
    """Return a field of a `Process` that comes back as the result parameter *code*.

    Args:
        code: The code of the parameter; case matters.
        read: Makes the value of what JSON gives; without it the annotation decides: ``str``,
            ``int``, ``float``, ``Decimal``, ``bool``, ``UUID``, ``datetime``, ``list``, ``dict``,
            ``Any``, each with ``| None`` as well.
        init: Tells type checkers that the constructor does not take it.

    Raises:
        ValueError: *code* is no identifier.
    """
    out = _Out(check_name(code, "code of a parameter"), read)
    return attrs_field(init=init, eq=False, metadata={_PLACE: out})


@frozen
class _In:
    code: str


@frozen
class _Out:
    code: str
    read: Callable[[Any], Any] | None


@frozen
class _Shape:
    """What a class says of its process: fields by name."""

    code: str
    parameters: Mapping[str, str]
    results: Mapping[str, str]
    readers: Mapping[str, Callable[[Any], Any]]


_SHAPES: WeakKeyDictionary[type[Any], _Shape] = WeakKeyDictionary()


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(parameter, result)
)
class Process:
    """The base of a class that describes a business process.

    ::

        class CalcDiscount(Process, code="UsrCalcDiscount"):
            amount: Decimal = parameter("Amount")
            is_vip: bool = parameter("IsVip", default=False)
            discount: Decimal = result("Discount")

        run = await crm.processes.run(CalcDiscount(amount=Decimal("10.5")))
        run.results.discount

    A subclass is a frozen attrs class whose fields are given by keyword. A field that is neither a
    `parameter` nor a `result` is a parameter of its own name. Two instances are equal where their
    parameters are. A result that has not come is unset: reading it raises `AttributeError`.
    """

    def __init_subclass__(cls, *, code: str) -> None:
        """Make *cls* an attrs class of the process *code*.

        Raises:
            ValueError: *code* is no identifier.
            TypeError: The type of a result is none that can be read.
        """
        check_name(code, "code of a process")
        frozen(cls, slots=False, kw_only=True)
        hints = get_type_hints(cls)
        inputs: dict[str, str] = {}
        outputs: dict[str, str] = {}
        readers: dict[str, Callable[[Any], Any]] = {}
        for each in fields(cast("Any", cls)):
            place = each.metadata.get(_PLACE, _In(each.name))
            if isinstance(place, _Out):
                outputs[each.name] = place.code
                readers[each.name] = _reader(each.name, hints[each.name], place.read)
            else:
                inputs[each.name] = place.code
        _SHAPES[cls] = _Shape(code, inputs, outputs, readers)

    if not TYPE_CHECKING:  # a checker would take every name for an attribute

        def __getattr__(self, name: str) -> NoReturn:
            if name in _SHAPES[type(self)].results:
                raise AttributeError(f"{name!r} is not there: the run has not given this result")
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


def parameters_of(process: Process) -> tuple[str, dict[str, Any]]:
    """Return the code of *process*, and its parameters by their codes."""
    shape = _SHAPES[type(process)]
    return shape.code, {code: getattr(process, name) for name, code in shape.parameters.items()}


def results_of(process: Process) -> list[str]:
    """Return the codes of the results of *process*."""
    return list(_SHAPES[type(process)].results.values())


def with_results(process: P, results: Mapping[str, Any]) -> P:
    """Return a copy of *process* that has those of *results* that came.

    Raises:
        ValueError: One of them is not of its type.
    """
    shape = _SHAPES[type(process)]
    copy: P = evolve(cast("Any", process))
    for name, code in shape.results.items():
        if code in results:
            try:
                value = shape.readers[name](results[code])
            except (ArithmeticError, TypeError, ValueError, LookupError) as error:
                raise ValueError(
                    f"the result {code!r} is {results[code]!r:.80}: {error}"
                ) from error
            object.__setattr__(copy, name, value)
    return copy


def _reader(name: str, hint: Any, read: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """Return what makes a value of the type *hint* of a result as it came."""
    if read is not None:
        return lambda value: read(decoded_result(value))
    kind, optional = split_none(hint)
    known = _READERS.get(get_origin(kind) or kind)
    if known is None:
        raise TypeError(f"{name}: no result is read as {hint!r}; say how with read=")
    return lambda value: None if optional and value is None else known(value)


def _list(value: Any) -> list[Any]:
    found = as_list(decoded_result(value))
    if found is None:
        raise TypeError("no list")
    return found


def _dict(value: Any) -> dict[str, Any]:
    found = decoded_result(value)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return as_object(found)


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: as_str,
    int: as_int,
    float: as_float,
    Decimal: as_decimal,
    bool: as_bool,
    UUID: as_uuid,
    dt.datetime: as_moment,
    list: _list,
    dict: _dict,
    Any: decoded_result,
}
