"""Atom that is read while it comes."""

from attrs import define, field

from creatio_async.protocol.odata3.answers import Answer, FormatError
from creatio_async.protocol.odata3.atom import AtomReader

__all__ = ["AtomTaker"]


@define(eq=False)
class AtomTaker:
    """Takes the body of an answer; what is wrong with it is told by `answer`.

    An answer that is cut off on its way is a failure of the way, and no document is judged by half
    of it: so a mistake waits for the end.
    """

    _reader: AtomReader
    size: int = field(init=False, default=0)
    _error: FormatError | None = field(init=False, default=None)

    def take(self, chunk: bytes, /) -> None:
        """Read the next bytes; behind a mistake they are only counted."""
        self.size += len(chunk)
        if self._error is None:
            try:
                self._reader.feed(chunk)
            except FormatError as error:
                self._error = error

    def answer(self) -> Answer:
        """Return the rows: the body has ended.

        Raises:
            FormatError: It is no feed and no entry, or not whole.
        """
        if self._error is not None:
            raise self._error
        return self._reader.close()
