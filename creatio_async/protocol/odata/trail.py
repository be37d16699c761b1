"""Whether the pages of an answer have an end."""

from attrs import define, field

from creatio_async.errors import CreatioError

__all__ = ["Trail"]

_EMPTY = 100
"""Pages without a row, one after another, that are read before the server is given up."""


@define
class Trail:
    """The way that the pages of one answer lead.

    It finds out whether they lead in a circle of any length, without keeping each step (Brent),
    and whether there is nothing on it any more.
    """

    _mark: object = field(init=False, default=None)
    _steps: int = field(init=False, default=0)
    _empty: int = field(init=False, default=0)

    def check(
        self, step: object, rows: int, circle: str = "its next links lead in a circle"
    ) -> None:
        """Take the next *step*, after a page of so many *rows*.

        Raises:
            CreatioError: The step was there before, or a hundred pages in a row were empty.
        """
        if step == self._mark:
            raise CreatioError(f"the server's answer does not end, {circle}: {step}")
        self._empty = 0 if rows else self._empty + 1
        if self._empty == _EMPTY:
            raise CreatioError(
                f"the server's answer does not end, its last {_EMPTY} pages had no rows: {step}"
            )
        self._steps += 1
        if self._steps & (self._steps - 1) == 0:  # after 1, 2, 4, 8, ... steps
            self._mark = step
