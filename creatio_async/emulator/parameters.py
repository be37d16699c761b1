"""Parameters of a process: texts on the way in, values of the types that its function names."""

import inspect
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin
from uuid import UUID

import orjson

__all__ = ["arguments"]


def arguments(function: Callable[..., Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Return those of *given* that *function* takes, as the types of its annotations.

    Others are dropped in silence, as by Creatio; what has no annotation stays a text.

    Raises:
        ValueError: A text is no value of the type.
    """
    own = inspect.signature(function, eval_str=True).parameters
    others = next((p for p in own.values() if p.kind is inspect.Parameter.VAR_KEYWORD), None)
    found: dict[str, Any] = {}
    for name, text in given.items():
        parameter = own.get(name, others)
        if parameter is not None:
            found[name] = _value(name, text, parameter.annotation)
    return found


def _value(name: str, text: str, annotation: Any) -> Any:
    kinds = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    kind = next((each for each in kinds if each is not NoneType), None)
    read = _READERS.get(get_origin(kind) or kind)
    try:
        return text if read is None else read(text)
    except (ValueError, KeyError, InvalidOperation):
        what = getattr(kind, "__name__", str(kind))
        raise ValueError(f"The value '{text}' of parameter '{name}' is no {what}.") from None


def _flag(text: str) -> bool:
    """As ``bool.Parse`` of .NET."""
    return {"true": True, "false": False}[text.strip().lower()]


def _collection(kind: type[list[Any]] | type[dict[str, Any]]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = orjson.loads(text)
        if not isinstance(value, kind):
            raise ValueError
        return value  # pyright: ignore[reportUnknownVariableType] - it is what JSON gives

    return read


_READERS: Final[Mapping[Any, Callable[[str], Any]]] = {
    int: int,
    float: float,
    Decimal: Decimal,
    bool: _flag,
    UUID: UUID,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    list: _collection(list),
    dict: _collection(dict),
}
