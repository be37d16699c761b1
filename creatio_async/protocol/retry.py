"""What may be sent again, and after how long: a decision without a clock.

429 and 503 mean *not begun*; a lost answer, 502 and 504 may mean *done*. Only what can do no harm
when done twice is repeated after the latter.
"""

import random
from collections.abc import Callable
from enum import Enum

from attrs import field, frozen
from attrs.validators import ge, gt

from creatio_async.errors import (
    CreatioError,
    ResponseError,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.protocol.faults import is_passing

__all__ = ["Repeat", "RetryPolicy", "is_doubtful"]


class Repeat(Enum):
    """How often a request may be carried out without harm."""

    READ = "any number of times: it changes nothing"
    IDEMPOTENT = "any number of times: the second changes nothing more"
    REFUSED = "once: it is sent again only where it certainly was not begun"
    NEVER = "once: it is not sent again, whatever the answer"


@frozen(kw_only=True)
class RetryPolicy:
    """How often a request is sent, and how long to wait in between. Durations are in seconds.

    The wait grows by `wait_exp_base` from `wait_initial` up to `wait_max`; what the server asks
    for in ``Retry-After`` is honoured where it is longer, and jitter is added to it too: all who
    were told the same would come back in the same moment. The new login after a lost session is no
    attempt.
    """

    attempts: int = field(default=4, validator=ge(1))
    """Sends in all, the first one included."""
    timeout: float = field(default=60.0, validator=ge(0))
    """No wait begins that would end later than this after the first send."""
    wait_initial: float = field(default=0.2, validator=ge(0))
    """The first wait."""
    wait_max: float = field(default=10.0, validator=ge(0))
    """The longest wait, without the jitter."""
    wait_jitter: float = field(default=0.5, validator=ge(0))
    """What is added at random to each wait, at most."""
    wait_exp_base: float = field(default=2.0, validator=gt(0))
    """The factor from one wait to the next."""
    jitter: Callable[[], float] = field(default=random.random, repr=False, eq=False)  # noqa: S311
    """Gives a number from 0 to 1, the part of `wait_jitter` that is added."""

    def wait(
        self, error: TransportError | ResponseError, *, repeat: Repeat, attempt: int, elapsed: float
    ) -> float | None:
        """Return the seconds to wait before the next send, or None to give up.

        Args:
            error: What became of the last send.
            repeat: What the request allows.
            attempt: Sends so far, from 1.
            elapsed: Seconds since the first send began.
        """
        if attempt >= self.attempts or not _may_repeat(error, repeat):
            return None
        asked = (error.retry_after or 0.0) if isinstance(error, ResponseError) else 0.0
        waits = self.pause(attempt, asked), max(self._grown(attempt), asked)
        # That jitter does not fit into the time any more is no reason to give up.
        return next((each for each in waits if elapsed + each <= self.timeout), None)

    def pause(self, attempt: int, asked: float = 0.0) -> float:
        """Return the seconds to wait after send number *attempt*, jitter included.

        Args:
            attempt: Sends so far, from 1.
            asked: What the server has asked for: at least that.
        """
        return max(self._grown(attempt), asked) + self.jitter() * self.wait_jitter

    def _grown(self, attempt: int) -> float:
        try:
            return min(self.wait_initial * self.wait_exp_base ** (attempt - 1), self.wait_max)
        except OverflowError:  # a float ends at 2 to the 1024th
            return self.wait_max if self.wait_initial else 0.0


def is_doubtful(error: CreatioError) -> bool:
    """Say whether the request that ended in *error* may have been carried out all the same."""
    if isinstance(error, TransportError):
        return error.sent
    if isinstance(error, UnexpectedResponseError):
        return error.status < 300  # a success whose answer cannot be read
    return (
        isinstance(error, ResponseError)
        and error.status >= 500
        and not isinstance(error, ThrottledError)
    )


def _may_repeat(error: TransportError | ResponseError, repeat: Repeat) -> bool:
    if repeat is Repeat.NEVER:
        return False
    if isinstance(error, TransportError):
        return not error.sent or repeat in {Repeat.READ, Repeat.IDEMPOTENT}
    if isinstance(error, ThrottledError):
        return True
    if repeat is Repeat.READ:
        return is_passing(error)
    return repeat is Repeat.IDEMPOTENT and error.status in {408, 502, 504}
