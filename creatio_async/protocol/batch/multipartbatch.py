"""``$batch`` as multipart/mixed (OData 4.0 part 1, section 11.7; OData 3, "Batch Processing").

Every operation is a part with its position number as ``Content-ID``; what is done all or not at
all is a multipart of its own within, a change set. Written is correct MIME. Read is also what
Creatio's own examples print: no closing delimiters, and ``Content-ID`` among the HTTP headers.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from attrs import field, frozen

from creatio_async.errors import BatchError
from creatio_async.messages import Request, Response
from creatio_async.protocol.batch import jsonbatch
from creatio_async.protocol.batch.heads import MultipartError, boundary_of
from creatio_async.protocol.batch.httpparts import field_lines, read_answer, request_line
from creatio_async.protocol.batch.jsonbatch import Answers, Item
from creatio_async.protocol.batch.multipart import Limits, Reader, Writer
from creatio_async.protocol.batch.operations import MAX_OPERATIONS, Operation, check_count
from creatio_async.protocol.values import dumps, dumps_rows

__all__ = ["ACCEPT", "JSON", "MINIMAL", "Answers", "Form", "decode", "decode_by_type", "encode"]

ACCEPT: Mapping[str, str] = {"Accept": "multipart/mixed"}
"""Asks for the answer in the form of the request; with another ``Accept`` it may be JSON."""

_IDS = [str(number) for number in range(1, MAX_OPERATIONS + 1)]
_PLACES = {text: place for place, text in enumerate(_IDS)}
_PART_HEAD = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
_ID_LINES = [b"Content-ID: %d\r\n" % number for number in range(1, MAX_OPERATIONS + 1)]
_PART_HEADS = [_PART_HEAD + line for line in _ID_LINES]

_Found = tuple[tuple[int, ...], Item]
"""The place of a part, and the answer that it is."""


def _json(body: Mapping[str, Any], place: Callable[[], str]) -> bytes:
    return dumps_rows(body, lambda: ((place(), body),), objects=1)


def _json_link(address: str) -> bytes:
    return dumps(jsonbatch.link_body(address))


@frozen(kw_only=True)
class Form:
    """What the operations of a batch look like."""

    accept: str = "application/json"
    """The inner ``Accept``."""
    content_type: str = "application/json"
    """The inner ``Content-Type`` of a body."""
    body: Callable[[Mapping[str, Any], Callable[[], str]], bytes] = _json
    """Writes a body; the place names the operation, for errors."""
    link_type: str = "application/json"
    """The inner ``Content-Type`` of a link."""
    link: Callable[[str], bytes] = _json_link
    """Writes a link to an address."""
    own_sets: bool = False
    """Each write that is in no group stands in a change set of its own, as OData 3 wants it."""
    inner_ids: bool = False
    """``Content-ID`` stands among the HTTP headers: System.Data.Services, which OData 3 of Creatio
    is built on, takes no further header of the part itself."""
    rows: bool = True
    """Whether the answers shall hold the rows that were added."""
    heads: tuple[bytes, bytes, bytes, bytes] = field(init=False, repr=False)
    """The header lines of an operation without a body, of one with a body, of a link, and of a row
    that is added."""

    def __attrs_post_init__(self) -> None:
        accept = {"Accept": self.accept}
        written = {**accept, "Content-Type": self.content_type}
        linked = {**accept, "Content-Type": self.link_type}
        added = written if self.rows else {**written, **jsonbatch.MINIMAL}
        heads = tuple(map(field_lines, (accept, written, linked, added)))
        object.__setattr__(self, "heads", heads)  # frozen, and this is still its making


JSON = Form()
MINIMAL = Form(rows=False)
"""The same without the rows that were added in the answers."""


def encode(
    operations: Sequence[Operation], place: Callable[[int], str], form: Form = JSON
) -> tuple[bytes, str]:
    """Return the body of the request, and its ``Content-Type``.

    The bytes depend on nothing but the arguments.

    Args:
        operations: 1 to 100; those of one group side by side.
        place: Names an operation by its position, for the error.
        form: What they look like.

    Raises:
        ValueError: There are not 1 to 100 operations; or a value in a body has no place in OData;
            or an address or a media type holds a line end or anything but printable ASCII; or a
            group holds a read, or is not side by side.
        TypeError: A value in a body is of a type that OData does not have.
    """
    check_count(operations)
    slots = _slots([each.group for each in operations])

    def written(number: int) -> tuple[Writer, bytes]:
        writer = Writer(number)
        for slot in slots:
            first = operations[slot.start]
            in_set = first.group is not None or (form.own_sets and first.method != "GET")
            if in_set:
                writer.open_set()
            for at in slot:
                _write(writer, at, operations[at], place, form)
            if in_set:
                writer.close_set()
        return writer, writer.close()

    writer, body = written(0)
    free = writer.clash()
    if free is not None:
        writer, body = written(free)
    return body, writer.content_type


def _write(
    writer: Writer,
    at: int,
    operation: Operation,
    place: Callable[[int], str],
    form: Form,
) -> None:
    body = operation.body
    if operation.group is not None and operation.method == "GET":
        raise ValueError(f"{place(at)}: a group takes writes only")
    try:
        line = request_line(operation.method, operation.path)
    except ValueError as error:
        raise ValueError(f"{place(at)}: {error}") from None
    if form.inner_ids:
        writer.open_part(_PART_HEAD)
        line += _ID_LINES[at]
    else:
        writer.open_part(_PART_HEADS[at])
    if operation.link is not None:
        writer.buffer += b"%b%b\r\n" % (line, form.heads[2])
        writer.buffer += form.link(operation.link)
    elif body is None:
        writer.buffer += b"%b%b\r\n" % (line, form.heads[0])
    else:
        head = form.heads[3 if operation.method == "POST" else 1]
        writer.buffer += b"%b%b\r\n" % (line, head)
        writer.buffer += form.body(body, lambda: place(at))
    writer.close_part()


def _slots(groups: Sequence[str | None]) -> list[range]:
    """Return the positions that stand side by side at the top: those of one group, or a single one.

    Raises:
        ValueError: The operations of a group are not side by side.
    """
    slots: list[range] = []
    seen: set[str | None] = set()
    for group, run in groupby(range(len(groups)), groups.__getitem__):
        places = list(run)
        if group is None:
            slots += [range(at, at + 1) for at in places]
            continue
        if group in seen:
            raise ValueError(f"the operations of the group {group!r} are not side by side")
        seen.add(group)
        slots.append(range(places[0], places[-1] + 1))
    return slots


def decode(
    count: int, request: Request, response: Response, *, groups: Sequence[str | None] = ()
) -> Answers:
    """Return the answers in the order of the *count* operations, as `jsonbatch.decode` does.

    An answer belongs to the operation that its ``Content-ID`` names; one without, to the one
    whose turn it is. None stands where there is no answer: the server stopped before the
    operation, or its group failed as a whole, or the answer is cut off.

    Args:
        count: How many operations were sent.
        request: The request, for the error.
        response: The answer to it.
        groups: The group of each operation. Needed where there are any, for answers without
            ``Content-ID``: a group that fails has one answer in all.

    Raises:
        BatchError: The body is no answer to this batch: no multipart, or parts that are no
            answers, or an answer that belongs to no operation, or two that belong to one.
        ValueError: *groups* are not *count*, or not side by side.
    """
    slots = _slots(groups or [None] * count)
    if sum(map(len, slots)) != count:
        raise ValueError(f"{len(groups)} groups of {count} operations")
    try:
        reader, found = _read(response)
        answers = _placed(found, slots, ended=reader.ended)
    except MultipartError as error:
        detail = f"the body is no answer to this batch: {error}"
        raise BatchError(request, response, detail) from None
    answers.cut_off = not reader.ended
    return answers


def decode_by_type(
    count: int, request: Request, response: Response, *, groups: Sequence[str | None] = ()
) -> Answers:
    """Return the answers, read as what the answer says it is: multipart, or else JSON.

    A server answers in the form that ``Accept`` asks for, whatever the form of the request.

    Raises:
        BatchError: As for `decode` and `jsonbatch.decode`.
    """
    if response.content_type.startswith("multipart/"):
        return decode(count, request, response, groups=groups)
    return jsonbatch.decode(count, request, response)


def _read(response: Response) -> tuple[Reader, list[_Found]]:
    if not response.content_type.startswith("multipart/"):
        raise MultipartError(f"it is {response.content_type or 'of no type'}")
    boundary = boundary_of(response.headers["content-type"])
    reader = Reader(boundary, Limits(total=len(response.body)))
    parts = reader.feed(response.body) + reader.close()
    if not reader.begun or (reader.ended and not parts):
        raise MultipartError("there is no part in it")
    found: list[_Found] = []
    for part in parts:
        item = read_answer(part.body, whole=part.whole)
        if item is not None:
            name = part.headers.get("content-id") or item["id"]
            item["id"] = name.strip("<>")
            found.append((part.place, item))
    return reader, found


def _placed(found: list[_Found], slots: Sequence[range], *, ended: bool) -> Answers:
    """Return the answers in the order of the operations, which are those of *slots*."""
    slot_of = [slot for slot in slots for _ in slot]
    answers = Answers([None] * len(slot_of))
    if all(item["id"] for _, item in found):
        for _, item in found:
            _put(answers, _PLACES.get(item["id"], -1), item)
        return answers
    turn = 0
    last = -1
    for _, run in groupby(found, _top):
        several = list(run)
        # Where there are as many answers as operations, none of them stands for a group.
        alone = len(several) == 1 and len(found) < len(slot_of)
        places: list[int] = []
        for _, item in several:
            name = item["id"]
            at = _PLACES.get(name, -1) if name else turn
            _put(answers, at, item)
            if at <= last:
                raise MultipartError("answers in another order, some of them without Content-ID")
            last = at
            places.append(at)
            slot = slot_of[at]
            for_all = alone and _fails_all(slot, at, item)
            turn = slot.stop if for_all else at + 1
            if not name and not for_all:
                item["id"] = _IDS[at]
        if ended or several[-1] is not found[-1]:  # of the last set the rest may be missing
            _check_set(several, places, slot_of, turn)
    return answers


def _put(answers: Answers, at: int, item: Item) -> None:
    if not 0 <= at < len(answers):
        raise MultipartError(f"an answer to no operation: {item['id'] or at + 1}")
    if answers[at] is not None:
        raise MultipartError(f"two answers to the operation {at + 1}")
    answers[at] = item


def _fails_all(slot: range, at: int, item: Item) -> bool:
    """Say whether an answer that stands alone is the one for all operations of a group."""
    return len(slot) > 1 and item["status"] >= 400 and (bool(item["id"]) or at == slot.start)


def _check_set(
    several: list[_Found], places: list[int], slot_of: Sequence[range], turn: int
) -> None:
    """Refuse a change set whose answers, by their number, are not those to one group."""
    slot = slot_of[places[0]]
    if len(several[0][0]) > 1 and (turn != slot.stop or len(places) not in {1, len(slot)}):
        raise MultipartError(f"{len(several)} answers to {len(slot)} operations of a group")


def _top(found: _Found) -> int:
    return found[0][0]
