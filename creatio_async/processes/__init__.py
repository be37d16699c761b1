"""Business processes: to run one, to wait for it, to run many, and to describe one as a class."""

from creatio_async.processes.calls import Processes

__all__ = ["Processes"]
