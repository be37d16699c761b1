"""What became of a row or an operation."""

from enum import Enum

__all__ = ["State"]


class State(Enum):
    """What is known of one operation."""

    DONE = "done"
    """The server did it."""
    UNCHANGED = "unchanged"
    """Nothing had to be done: the server has it already."""
    FAILED = "failed"
    """The server refused it."""
    CONFLICT = "conflict"
    """Its id or key is taken."""
    GROUP_FAILED = "group failed"
    """Another operation of its group failed, and with it all of them."""
    NOT_RUN = "not run"
    """It was not begun: it was not sent, or the batch stopped before it."""
    UNKNOWN = "unknown"
    """It was sent, no answer came, and looking it up did not settle it."""
