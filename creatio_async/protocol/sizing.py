"""How many rows a batch has: fewer where one comes near the time for which an answer is waited for.

A batch that is given up, by the server or by this side, costs a look at each of its rows, and its
rows come again; a smaller one in time costs nothing but the way there and back.
"""

import math

from attrs import define, field

__all__ = ["SERVER_GIVES_UP", "Sizing"]

SERVER_GIVES_UP = 120.0
"""Seconds after which Creatio as it is shipped gives a request up (``RequestTimeout``)."""

_NEAR = 1 / 3
"""The part of the longest time that a batch may take; beyond it batches shrink."""
_AIM = 1 / 6
"""The part that batches which have shrunk are to take, and up to which they grow again."""
_STEP = 1.25
"""How far they grow at once."""
_ANSWERS = 4
"""Answers in a row, in good time, after which they grow."""


@define(eq=False)
class Sizing:
    """The size of the next batch, from how long those before it took.

    It never goes above `most` nor below 1. Not for several threads.
    """

    most: int
    """Rows in a batch at most."""
    longest: float = SERVER_GIVES_UP
    """Seconds after which an answer does not come any more."""
    size: int = field(init=False)
    """Rows in the next batch at most."""
    _fine: int = field(init=False, default=0)
    """Answers in a row that came in good time to batches of the present size."""

    def __attrs_post_init__(self) -> None:
        self.size = self.most

    def took(self, rows: int, seconds: float) -> None:
        """Take in that a batch of so many *rows* was answered after so many *seconds*."""
        if rows < 1:
            return
        aim = _AIM * self.longest
        if seconds > _NEAR * self.longest:
            self._shrink(math.floor(rows * aim / seconds))
        elif self.size < self.most and rows >= self.size:
            self._fine = self._fine + 1 if _STEP * seconds <= aim else 0
            if self._fine == _ANSWERS:
                self._fine, self.size = 0, min(self.most, math.ceil(_STEP * self.size))

    def lost(self, rows: int) -> None:
        """Take in that no answer came in time to a batch of so many *rows*.

        However many of one size are lost together, the size is halved once.
        """
        self._shrink(rows // 2)

    def _shrink(self, size: int) -> None:
        if size < self.size:
            self.size, self._fine = max(size, 1), 0
