"""What the logins of one session came to: whether another is worth it, and how the last failed."""

from collections.abc import Callable
from contextlib import suppress
from copy import copy

from attrs import define, field

from creatio_async.protocol.session import Loss

__all__ = ["Attempts"]

_STORM = 60.0
"""Seconds in which a login that did not help is not tried again."""

_FRUITLESS = 3
"""Logins in a row, none of which made a request succeed, after which `_STORM` holds."""


@define(eq=False)
class Attempts:
    """The logins of one session."""

    clock: Callable[[], float]
    """Seconds, from anywhere, never going back."""
    failures: int = field(init=False, default=0)
    """How many failed: who waits for one knows by it whether that was among them."""
    _failure: Exception | None = field(init=False, default=None)
    _fruitless: int = field(init=False, default=0)
    _last: float = field(init=False, default=0.0)
    _renewals: dict[Loss, float] = field(init=False, factory=dict[Loss, float])

    def began(self) -> None:
        """Note a session that begins, by a login or taken over from another process."""
        self._last = self.clock()

    def failed(self, error: Exception) -> None:
        """Note a login that failed."""
        self.failures += 1
        self._failure = error

    def share(self, failures: int) -> None:
        """Raise what became of the login that was waited for, if it failed.

        Args:
            failures: What `failures` was before the wait.
        """
        if self.failures != failures and self._failure is not None:
            mine = _copied(self._failure)
            raise mine from self._failure if mine is not self._failure else mine.__cause__

    def unproved(self) -> None:
        """Note a login of which it is not known yet whether it helps."""
        self._fruitless += 1

    def proved(self) -> None:
        """Note that a request succeeded: the last login was worth it."""
        self._fruitless = 0

    def renewed(self, how: Loss) -> None:
        """Note that the session was renewed because it seemed lost in this way."""
        self._renewals[how] = self.clock()

    def are_fruitless(self) -> bool:
        """Say whether logins of late do not help: no more of them for a while."""
        return self._fruitless >= _FRUITLESS and self._is_recent(self._last)

    def were_tried(self, how: Loss) -> bool:
        """Say whether the session was renewed for such a loss a short while ago."""
        return self._is_recent(self._renewals.get(how))

    def _is_recent(self, moment: float | None) -> bool:
        return moment is not None and self.clock() - moment < _STORM


def _copied(error: Exception) -> Exception:
    """Return one like *error* for another task; *error* itself where its class allows no copy."""
    with suppress(Exception):
        return copy(error)
    return error
