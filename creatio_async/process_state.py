"""How far a run of a business process is."""

from enum import Enum

__all__ = ["ProcessState"]


class ProcessState(Enum):
    """The state of a run; the values are those of ``SysProcessStatus.Value``.

    Source: ``sysenums.js`` of the platform.
    """

    INACTIVE = 0
    """Not begun: it waits in a queue."""
    RUNNING = 1
    """Under way, or waiting at an element: for a user, a timer, a signal."""
    DONE = 2
    ERROR = 3
    CANCELED = 4
    CANCELLING = 5
    """On its way to `CANCELED`."""

    @property
    def is_final(self) -> bool:
        """Nothing follows: it is `DONE`, `ERROR` or `CANCELED`."""
        return self in {ProcessState.DONE, ProcessState.ERROR, ProcessState.CANCELED}
