"""Keeps a process on one core, so that the two sides of a connection do not share one."""

import os
import sys

__all__ = ["pin"]


def pin(core: int | None) -> None:
    """Run this process on *core* only, where the system can and there are several."""
    if core is None or sys.platform != "linux":
        return
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) > 1:
        os.sched_setaffinity(0, {allowed[core % len(allowed)]})
