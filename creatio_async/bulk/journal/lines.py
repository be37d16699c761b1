"""The lines of a journal, as text and as values; docs/reference/journal.md tells of the format.

Each line is one JSON object. Places of rows are pairs of a first row and a count, ids are the 36
characters of a guid with blanks between them. Rows whose ids are made of the seed of the journal
need none.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from creatio_async.bulk.report import Outcome
from creatio_async.outcomes import State
from creatio_async.protocol.json import as_object

__all__ = [
    "START",
    "VERSION",
    "Deleted",
    "End",
    "Fate",
    "Head",
    "Line",
    "Missing",
    "Read",
    "Sent",
    "Told",
    "deletions",
    "done_line",
    "end_line",
    "fates",
    "head_line",
    "missing_line",
    "new_head",
    "parse_head",
    "parse_line",
    "read_line",
    "sent_line",
]

VERSION = 2
START = b'{"creatio_async":"journal",'
"""What a journal begins with, whatever its version."""

_SEED = 32
"""Bytes of the seed of a journal."""
_MADE = "made"
"""Stands for ids that are made of the seed."""
_STATES = {state.value: state for state in State}


class Head(NamedTuple):
    """The first line."""

    job: Mapping[str, Any]
    """What has to be the same in each run."""
    seed: bytes
    """What ids are made of."""


class Fate(NamedTuple):
    """What became of a row."""

    operation: str
    state: State
    http_status: int | None
    attempts: int
    error: tuple[str, str] | None
    """The class of the error, and its sentence."""


class Read(NamedTuple):
    """Rows were read from the input; where they have ids, they are sent after this."""

    first: int
    size: int
    crc: str
    ids: list[str]
    are_ids_made: bool
    """They have ids, made of the seed."""


class Sent(NamedTuple):
    """Rows are sent after this, with these ids."""

    places: list[int]
    operation: str
    ids: list[str]


class Told(NamedTuple):
    """What became of rows; *ids* where those were not known before."""

    places: list[int]
    fate: Fate
    ids: list[str]


class Missing(NamedTuple):
    """Rows that are not in the input are deleted after this."""

    ids: list[str]


class Deleted(NamedTuple):
    """What became of those."""

    ids: list[str]
    fate: Fate


class End(NamedTuple):
    """The job has come to its end: every row has a final outcome."""

    rows: int


Line = Read | Sent | Told | Missing | Deleted | End


# Values to text


def new_head(job: Mapping[str, Any]) -> Head:
    """Return the beginning of a journal: whose it is, and a seed of its own."""
    return Head(job, os.urandom(_SEED))


def head_line(head: Head) -> bytes:
    """Return the first line."""
    said = START, VERSION, head.seed.hex().encode(), orjson.dumps(head.job)
    return b'%b"version":%d,"seed":"%b","job":%b}\n' % said


def read_line(first: int, count: int, crc: int, ids: Sequence[str] | None) -> bytes:
    """Return the line of rows that were read.

    Args:
        first: The number of the first row.
        count: How many there are.
        crc: Their checksum.
        ids: With ids they are sent next; None for those that are made of the seed.
    """
    if ids is None:
        return b'{"read":[%d,%d],"crc":"%08x","ids":"made"}\n' % (first, count, crc)
    if not ids:
        return b'{"read":[%d,%d],"crc":"%08x"}\n' % (first, count, crc)
    return b'{"read":[%d,%d],"crc":"%08x","ids":"%b"}\n' % (
        first,
        count,
        crc,
        " ".join(ids).encode(),
    )


def sent_line(outcomes: Iterable[Outcome], operation: str) -> bytes:
    """Return the line of rows that are sent next, where each row has its own id and operation."""
    ordered = sorted(outcomes, key=_place)
    return _line({
        "sent": _places(ordered),
        "operation": operation,
        "ids": _ids(ordered),
    })


def missing_line(ids: Sequence[str]) -> bytes:
    """Return the line of rows that are deleted next, because the input does not have them."""
    return _line({"missing": " ".join(ids)})


def end_line(rows: int) -> bytes:
    """Return the last line of a job that has come to its end."""
    return b'{"end":%d}\n' % rows


def done_line(first: int, count: int, operation: str, status: int) -> bytes:
    """Return the line of successive rows that were done with one *status* when first sent."""
    said = first, count, operation.encode(), status
    return b'{"rows":[%d,%d],"operation":"%b","state":"done","status":%d,"attempts":1}\n' % said


def fates(outcomes: Sequence[Outcome], *, with_ids: bool) -> bytes:
    """Return the lines that say what became of rows of the input, one for each fate.

    Args:
        outcomes: At least one.
        with_ids: The journal does not have the ids of these rows yet.
    """
    lines: list[bytes] = []
    for fate, those in _by_fate(sorted(outcomes, key=_place)):
        line = {"rows": _places(those), **_told(fate)}
        lines.append(_line({**line, "ids": _ids(those)} if with_ids else line))
    return b"".join(lines)


def deletions(outcomes: Sequence[Outcome]) -> bytes:
    """Return the lines that say what became of rows that the input does not have."""
    return b"".join(
        _line({"deleted": _ids(those), **_told(fate)}) for fate, those in _by_fate(outcomes)
    )


def _by_fate(outcomes: Sequence[Outcome]) -> Iterable[tuple[Fate, Sequence[Outcome]]]:
    if _are_alike(outcomes):
        return [(_fate_of(outcomes[0]), outcomes)]
    found: dict[Fate, list[Outcome]] = {}
    for each in outcomes:
        found.setdefault(_fate_of(each), []).append(each)
    return found.items()


def _are_alike(outcomes: Sequence[Outcome]) -> bool:
    """Say whether *outcomes* are one fate, without an error; most of a batch are."""
    one = outcomes[0]
    operation, state, status, attempts = one.operation, one.state, one.http_status, one.attempts
    others = [
        each
        for each in outcomes
        if each.state is not state
        or each.http_status != status
        or each.attempts != attempts
        or each.operation != operation
        or each.error is not None
    ]
    return not others


def _fate_of(outcome: Outcome) -> Fate:
    error = None if outcome.error is None else (_kind(outcome.error), str(outcome.error))
    return Fate(outcome.operation, outcome.state, outcome.http_status, outcome.attempts, error)


def _kind(error: BaseException) -> str:
    return getattr(error, "kind", "") or type(error).__name__


def _told(fate: Fate) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operation": fate.operation,
        "state": fate.state.value,
        "status": fate.http_status,
        "attempts": fate.attempts,
    }
    if fate.error is not None:
        told["error"] = fate.error
    return told


def _place(outcome: Outcome) -> int:
    return outcome.index


def _places(ordered: Sequence[Outcome]) -> list[int]:
    if ordered[-1].index - ordered[0].index == len(ordered) - 1:  # none is there twice
        return [ordered[0].index, len(ordered)]
    places: list[int] = []
    after = -1
    for each in ordered:
        if each.index == after:
            places[-1] += 1
        else:
            places += (each.index, 1)
        after = each.index + 1
    return places


def _ids(outcomes: Iterable[Outcome]) -> str:
    """Return ids with blanks between them; a row that has none is two blanks side by side."""
    return " ".join(each.id for each in outcomes)


def _line(document: dict[str, Any]) -> bytes:
    # An error may quote half a surrogate pair, which is no text.
    try:
        return orjson.dumps(document) + b"\n"
    except TypeError:
        kind, text = document["error"]
        plain = text.encode(errors="backslashreplace").decode()
        return orjson.dumps({**document, "error": (kind, plain)}) + b"\n"


# Text to values


def parse_head(line: bytes) -> Head:
    """Return what the first line says.

    Raises:
        ValueError: It is of another version, or no first line.
    """
    head = as_object(orjson.loads(line))
    if head.get("version") != VERSION:
        version = head.get("version")
        raise ValueError(f"its format is version {version}, and version {VERSION} is read here")
    job, seed = as_object(head.get("job")), head.get("seed")
    if not job:
        raise ValueError("it does not say of which job it is")
    if not isinstance(seed, str) or len(seed) != 2 * _SEED:
        raise ValueError("it does not say of what the ids are made")
    return Head(job, bytes.fromhex(seed))


def parse_line(line: bytes) -> Line:
    """Return what a line says, any but the first.

    Raises:
        ValueError: It is none that was written here, or not a whole one.
    """
    if not line.endswith(b"\n"):
        raise ValueError("the line is not whole")
    said = as_object(orjson.loads(line))
    try:
        return _parsed(said)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the line says nothing known: {type(error).__name__} {error}") from None


def _parsed(said: dict[str, Any]) -> Line:
    if "rows" in said:
        places = _checked(said["rows"])
        return Told(places, _fate(said), _split(said.get("ids"), _count(places)))
    if "read" in said:
        first, count = _checked(said["read"])
        ids, crc = said.get("ids"), _text(said["crc"])
        is_made = ids == _MADE
        return Read(first, count, crc, _split(None if is_made else ids, count), is_made)
    if "sent" in said:
        places = _checked(said["sent"])
        return Sent(places, _text(said["operation"]), _split(said["ids"], _count(places)))
    if "missing" in said:
        return Missing(_text(said["missing"]).split(" "))
    if "deleted" in said:
        return Deleted(_text(said["deleted"]).split(" "), _fate(said))
    return End(_number(said["end"]))


def _fate(said: dict[str, Any]) -> Fate:
    error, status = said.get("error"), said["status"]
    return Fate(
        _text(said["operation"]),
        _STATES[said["state"]],
        None if status is None else _number(status),
        _number(said["attempts"]),
        None if error is None else (_text(error[0]), _text(error[1])),
    )


def _split(ids: Any, count: int) -> list[str]:
    if ids is None:
        return []
    found = _text(ids).split(" ")
    if len(found) != count:
        raise ValueError(f"{len(found)} ids for {count} rows")
    return found


def _checked(places: Any) -> list[int]:
    numbers: list[int] = [_number(each) for each in places]
    if not numbers or len(numbers) % 2 or 0 in numbers[1::2]:
        raise ValueError("places of rows are pairs of a first row and a count")
    return numbers


def _count(places: Sequence[int]) -> int:
    return sum(places[1::2])


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r:.40} is no number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value
