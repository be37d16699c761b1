"""An error amid an answer: what a server writes where it breaks off.

Source: [MS-ODATA] 2.2.8.1, ``m:error`` inside of a feed or an entry.
"""

from typing import Final

from attrs import define, field

from creatio_async.protocol.odata3.answers import FormatError
from creatio_async.protocol.odata3.vocabulary import full_names
from creatio_async.protocol.xmlreader import XmlFeed

__all__ = ["BrokenOff"]

_MESSAGE: Final = frozenset(full_names("m:message"))
_MAX_DEPTH: Final = 100


@define(eq=False)
class BrokenOff:
    """Takes over the handlers of *xml* within the element of an error; at its end raises it."""

    xml: XmlFeed
    _depth: int = field(init=False, default=0)
    _texts: list[str] = field(init=False, factory=list[str])
    _said: str = field(init=False, default="it does not tell why")

    def __attrs_post_init__(self) -> None:
        self.xml.handle(self._start, self._end, self._texts.append)

    def _start(self, _: str, __: list[str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise FormatError(f"more than {_MAX_DEPTH} elements in one another")
        self._texts.clear()

    def _end(self, name: str) -> None:
        if not self._depth:
            raise FormatError(f"the server broke off: {self._said}")
        self._depth -= 1
        if name in _MESSAGE:
            self._said = "".join(self._texts).strip() or self._said
