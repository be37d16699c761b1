"""Which refusals pass, which are narrowed down to a row, and how long to wait."""

import re

from creatio_async.errors import (
    BadRequestError,
    BatchError,
    ResponseError,
    ThrottledError,
    TooLargeError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.protocol.retry import is_doubtful

__all__ = ["Failure", "asked_wait", "is_about_a_row", "is_passing", "is_unsettled"]

Failure = TransportError | ResponseError | BatchError
"""Why a batch has no answers."""

_PASSES = re.compile(
    rb"deadlock|time-?out|timed out|could not serialize|lock request|Collection was modified",
    re.IGNORECASE,
)
"""Words of a 500 that tells of a moment: of databases, and of what runs beside them."""


def is_passing(error: object) -> bool:
    """Say whether the same operation may well succeed later, by what the server says of it."""
    if isinstance(error, ThrottledError):
        return True
    if not isinstance(error, ResponseError):
        return False
    return error.status in {408, 504} or (
        error.status == 500 and _PASSES.search(error.response.body) is not None
    )


def is_about_a_row(error: object) -> bool:
    """Say whether one bad row may be why a batch was refused whole: then halves of it tell."""
    if not isinstance(error, ResponseError) or is_passing(error):
        return False
    return isinstance(error, BadRequestError | TooLargeError) or error.status == 500


def is_unsettled(error: Failure) -> bool:
    """Say whether rows may be written in spite of *error*, which a whole batch met."""
    if isinstance(error, BatchError):
        return True
    answered_otherwise = isinstance(error, UnexpectedResponseError) and error.status < 300
    return answered_otherwise or is_doubtful(error)


def asked_wait(error: object) -> float:
    """Return the seconds that the server asks to wait before the row comes again."""
    return (error.retry_after or 0.0) if isinstance(error, ResponseError) else 0.0
