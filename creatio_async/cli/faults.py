"""Faults of the emulator as they are written on the command line.

refuse status=503 retry-after=2 path=$batch chance=0.05
"""

import shlex
from collections.abc import Mapping
from typing import Any, Final

import attrs

from creatio_async.emulator import (
    Accepted,
    Cut,
    Double,
    DropAfter,
    DropBefore,
    Expire,
    Fail,
    Latency,
    Omit,
    Redirect,
    Refuse,
    Troubles,
)

__all__ = ["add_fault"]

_KINDS: Final = {
    "latency": Latency,
    "refuse": Refuse,
    "fail": Fail,
    "expire": Expire,
    "drop-before": DropBefore,
    "drop-after": DropAfter,
    "cut": Cut,
    "omit": Omit,
    "double": Double,
    "redirect": Redirect,
    "accepted": Accepted,
}
_WHICH: Final[Mapping[str, type]] = {
    "method": str,
    "path": str,
    "skip": int,
    "times": int,
    "every": int,
    "chance": float,
    "seed": int,
    "inner": bool,
}
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}


def add_fault(troubles: Troubles, text: str, *, seed: int) -> None:
    """Add the fault that *text* names to *troubles*; every request meets it that it does not spare.

    Args:
        troubles: Those of the emulator.
        text: A name, and options as ``name=value``: those of the fault and those that choose the
            requests. Quotes are as in a shell.
        seed: Where its chance begins, unless it says so itself.

    Raises:
        ValueError: It names no fault, or an option that the fault has not.
    """
    try:
        name, *options = shlex.split(text)
        kind = _KINDS[name]
    except (ValueError, KeyError):
        raise ValueError(
            f"--fault {text!r}: it must begin with one of {', '.join(_KINDS)}."
        ) from None
    own = {field.name: field.type for field in attrs.fields(kind)}
    settings: dict[str, Any] = {}
    which: dict[str, Any] = {"times": None, "seed": seed, "inner": kind in {Omit, Double}}
    try:
        for option in options:
            key, _, value = option.partition("=")
            key = key.replace("-", "_")
            if key in own:
                settings[key] = _read(option, value, own[key])
            elif key in _WHICH:
                which[key] = _read(option, value, _WHICH[key])
            else:
                known = ", ".join(each.replace("_", "-") for each in (*own, *_WHICH))
                raise ValueError(f"{option!r} is none of its options, {known}")  # noqa: TRY301
        for field in attrs.fields(kind):
            if field.default is attrs.NOTHING and field.name not in settings:
                raise ValueError(f"{field.name} is missing")  # noqa: TRY301
        troubles.add(kind(**settings), **which)
    except ValueError as error:
        # attrs puts more into its errors than the sentence
        raise ValueError(f"--fault {text!r}: {error.args[0]}.") from None


def _read(option: str, value: str, kind: Any) -> Any:
    if kind is bool:
        if value.lower() not in _FLAGS:
            raise ValueError(f"{option!r} is neither true nor false")
        return _FLAGS[value.lower()]
    numeric = float if kind is float else int if kind in {int, int | None} else None
    if numeric is not None:
        try:
            return numeric(value)
        except ValueError:
            raise ValueError(f"{option!r} is no number") from None
    return value.encode() if kind is bytes else value
