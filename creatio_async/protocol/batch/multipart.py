"""``multipart/mixed``: put together in one buffer, and taken apart as it arrives (RFC 2046).

Read are bytes of any length. A body is never decoded, and a line end never rewritten. What stands
before the first delimiter and after the last is dropped; a delimiter is a line of its own, so that
text which only begins like one is text. A multipart within a part is taken apart, too: a missing
delimiter at its end is made up for by the next one outside.
"""

import re
from collections.abc import Mapping
from itertools import count
from types import MappingProxyType

from attrs import define, field, frozen

from creatio_async.protocol.batch.heads import (
    MultipartError,
    boundary_of,
    head_and_body,
    part_fields,
)

__all__ = ["Limits", "Part", "Reader", "Writer"]

_PADDING = 64
"""Blanks that may follow a delimiter in its line."""

_TAIL = re.compile(rb"(--)?[ \t]{0,%d}\r?\n" % _PADDING)
_TAIL_SO_FAR = re.compile(rb"-?|(?:--)?[ \t]{0,%d}\r?" % _PADDING)
_TAIL_AT_END = re.compile(rb"--[ \t]{0,%d}\r?" % _PADDING)
_TAIL_SIZE = len(b"--\r\n") + _PADDING

_NUMBER = re.compile(rb"--creatio([0-9]+)_")
_EMPTY_LINES = (b"\r\n", b"\n")
_NONE: Mapping[str, str] = MappingProxyType({})
_LINE_FEED = 0x0A
_CARRIAGE_RETURN = 0x0D
_MAX_DEPTH = 2


@frozen(kw_only=True)
class Limits:
    """How much a `Reader` takes before it refuses."""

    head: int = 16_384
    """Bytes of the header fields of one part."""
    parts: int = 200
    """Parts, those that hold other parts included: 100 operations, each in a change set."""
    total: int = 256 * 1024 * 1024
    """Bytes of everything, and so of what is held."""


@define
class Part:
    """One part that holds no others."""

    place: tuple[int, ...]
    """Its number among the parts, from 0; within a part, that one's number and then its own."""
    headers: Mapping[str, str]
    """By name in lower case; of repeated fields the first."""
    body: bytes = field(repr=False)
    whole: bool = True
    """False where the bytes ended before a delimiter told that the body is complete."""


class Writer:
    """Puts a multipart together: parts, and change sets that hold parts.

    The bytes depend on nothing but what is written. One buffer takes everything: holding many
    small ``bytes`` makes the allocator give memory back and ask for it again in every batch.
    """

    def __init__(self, number: int = 0) -> None:
        """Begin a multipart whose boundaries hold *number*."""
        self.buffer = bytearray()
        """Takes the body of the open part, at its end."""
        self._token = b"--creatio%d_" % number
        self._outer = self._token + b"batch"
        self._mark = self._outer
        self._sets = 0
        self._marks = 0

    @property
    def content_type(self) -> str:
        """The ``Content-Type`` of the whole."""
        return f"multipart/mixed; boundary={self._outer[2:].decode()}"

    def open_set(self) -> None:
        """Begin a change set; the parts are its parts until `close_set`."""
        self._sets += 1
        # As many digits in each: no boundary begins another, and no reader can mix them up.
        inner = self._token + b"set%03d" % self._sets
        self.open_part(b"Content-Type: multipart/mixed; boundary=%b\r\n" % inner[2:])
        self._mark = inner

    def close_set(self) -> None:
        """End the change set."""
        self.buffer += self._mark + b"--\r\n"
        self._marks += 1
        self._mark = self._outer

    def open_part(self, fields: bytes) -> None:
        """Begin a part; its header *fields* are whole lines."""
        self.buffer += b"%b\r\n%b\r\n" % (self._mark, fields)
        self._marks += 1

    def close_part(self) -> None:
        """End the part."""
        self.buffer += b"\r\n"

    def close(self) -> bytes:
        """End the whole, and return it."""
        self.buffer += self._outer + b"--\r\n"
        self._marks += 1
        return bytes(self.buffer)

    def clash(self) -> int | None:
        """Return a number that makes boundaries which no part contains.

        None where those that were written are such boundaries. Counts after `close`.
        """
        if self.buffer.count(self._token) == self._marks:
            return None
        taken = set(_NUMBER.findall(self.buffer))
        return next(number for number in count() if b"%d" % number not in taken)


class Reader:
    """Takes a multipart apart while it comes. What it holds is one part at the top at most.

    The parts do not depend on how the bytes are cut. Time is linear in the bytes.
    """

    def __init__(self, boundary: str, limits: Limits | None = None) -> None:
        """Expect parts between lines of *boundary*.

        Raises:
            MultipartError: *boundary* is empty or holds a line end.
        """
        self._limits = limits or Limits()
        self._splitter = _Splitter(boundary)
        self._fed = 0
        self._tops = 0
        self._parts = 0

    @property
    def ended(self) -> bool:
        """The closing delimiter has come; what follows it is ignored."""
        return self._splitter.ended

    @property
    def begun(self) -> bool:
        """A delimiter has come."""
        return self._splitter.begun

    def feed(self, data: bytes) -> list[Part]:
        """Take the next bytes, of any length; return the parts that are now whole.

        Raises:
            MultipartError: A limit is passed, or the header fields of a part cannot be read. The
                reader is of no use afterwards.
        """
        self._fed += len(data)
        if self._fed > self._limits.total:
            raise MultipartError(f"more than {self._limits.total:,} bytes")
        found: list[Part] = []
        for piece in self._splitter.feed(data):
            self._take(found, piece, (self._tops,), whole=True)
            self._tops += 1
        return found

    def close(self) -> list[Part]:
        """Tell that no bytes follow; return the parts that have been open until now.

        Only the last of them may be other than whole. One of which not even the header fields
        are complete is dropped.

        Raises:
            MultipartError: As for `feed`.
        """
        found: list[Part] = []
        rest = self._splitter.close()
        if rest is not None:
            self._take(found, rest, (self._tops,), whole=self.ended)
        return found

    def _take(
        self, found: list[Part], piece: bytes, place: tuple[int, ...], *, whole: bool
    ) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise MultipartError(f"more than {self._limits.parts} parts")
        headers, body = self._opened(piece, whole=whole)
        if body is None:
            return
        content_type = headers.get("content-type", "")
        if content_type[:10].lower() != "multipart/":
            found.append(Part(place, headers, body, whole))
            return
        if len(place) == _MAX_DEPTH:
            raise MultipartError("a multipart within a multipart within a multipart")
        inner = _Splitter(boundary_of(content_type))
        pieces = inner.feed(body)
        rest = inner.close()
        if whole and not pieces and rest is None:
            raise MultipartError("a part that should hold others holds none")
        for number, each in enumerate(pieces):
            self._take(found, each, (*place, number), whole=True)
        if rest is not None:
            self._take(found, rest, (*place, len(pieces)), whole=whole or inner.ended)

    def _opened(self, piece: bytes, *, whole: bool) -> tuple[Mapping[str, str], bytes | None]:
        """Return the header fields of a part and its body; None where they are not complete."""
        if piece.startswith(_EMPTY_LINES):
            return _NONE, piece[piece.index(b"\n") + 1 :]
        head, body = head_and_body(piece, self._limits.head)
        if body is None:
            if not whole:
                return _NONE, None
            body = b""
        fields = part_fields(head)
        # What is no field belongs to the body, and there are no fields.
        return (_NONE, piece) if fields is None else (fields, body)


class _Splitter:
    """What stands between the delimiters of one boundary."""

    def __init__(self, boundary: str) -> None:
        if not boundary or "\n" in boundary or "\r" in boundary:
            raise MultipartError(f"no boundary: {boundary!r:.80}")
        self.ended = False
        self._mark = b"--" + boundary.encode(errors="replace")
        self._buffer = bytearray()
        self._scan = 0
        """Before this no delimiter begins that has not been found."""
        self._start = -1
        """Where the open piece begins; below 0 before the first delimiter."""
        self._on_line = True
        """The buffer begins with a line."""

    @property
    def begun(self) -> bool:
        return self.ended or self._start >= 0

    def feed(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        if self.ended:
            return pieces
        buffer, mark = self._buffer, self._mark
        buffer += data
        scan = self._scan
        while (at := buffer.find(mark, scan)) >= 0:
            after = at + len(mark)
            if not (buffer[at - 1] == _LINE_FEED if at else self._on_line):
                scan = after
                continue
            if buffer.startswith(b"\r\n", after):  # as below, in a tenth of the time
                end = after + 2
            elif (tail := _TAIL.match(buffer, after)) is not None:
                end = tail.end()
                self.ended = tail[1] is not None
            elif self._may_grow(after):
                scan = at
                break
            else:
                scan = after
                continue
            if self._start >= 0:
                pieces.append(self._piece(at))
            self._start = scan = end
            if self.ended:
                buffer.clear()
                return pieces
        else:
            scan = max(scan, len(buffer) - len(mark) + 1)
        self._scan = scan
        self._drop(self._start if self._start >= 0 else scan)
        return pieces

    def close(self) -> bytes | None:
        """Return the piece that is still open, if there is one."""
        if self.ended:
            return None
        buffer, at = self._buffer, self._scan
        if (
            buffer.startswith(self._mark, at)
            and (buffer[at - 1] == _LINE_FEED if at else self._on_line)
            and _TAIL_AT_END.fullmatch(buffer, at + len(self._mark))
        ):
            self.ended = True
            return self._piece(at) if self._start >= 0 else None
        return bytes(buffer[self._start :]) if self._start >= 0 else None

    def _may_grow(self, after: int) -> bool:
        """The line has not come whole, and may turn out to be a delimiter."""
        tail = self._buffer[after : after + _TAIL_SIZE]
        return len(tail) < _TAIL_SIZE and _TAIL_SO_FAR.fullmatch(tail) is not None

    def _piece(self, end: int) -> bytes:
        """Return the open piece, without the line end that belongs to the delimiter at *end*."""
        start = self._start
        if end > start:
            end -= 1
            if end > start and self._buffer[end - 1] == _CARRIAGE_RETURN:
                end -= 1
        return bytes(self._buffer[start:end])

    def _drop(self, count: int) -> None:
        """Forget the first *count* bytes, but not whether they end a line."""
        if count > 0:
            self._on_line = self._buffer[count - 1] == _LINE_FEED
            del self._buffer[:count]
            self._scan -= count
            self._start -= count if self._start >= 0 else 0
