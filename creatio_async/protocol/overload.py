"""What the errors of a batch look like when the site is too busy for it."""

from collections.abc import Sequence

from creatio_async.errors import ServerError, ThrottledError, TransportError

__all__ = ["is_overload"]

_BURST = 3
"""Silent 500s in one batch that are no matter of a single row."""


def is_overload(errors: Sequence[Exception | None]) -> bool:
    """Say whether the rows of a batch, with these *errors*, met a site that is too busy.

    It is if one of them was turned away with 429 or 503, or got no answer in time, be it that a
    proxy said so with 504; or if three got a 500 that does not say why: so inserts fail at Creatio
    where too many run side by side.
    """
    silent = 0
    for error in errors:
        if isinstance(error, ThrottledError):
            return True
        if isinstance(error, TransportError) and isinstance(error.__cause__, TimeoutError):
            return True
        if isinstance(error, ServerError):
            if error.status == 504:
                return True
            silent += error.status == 500 and not error.detail
    return silent >= _BURST
