"""Running a command's coroutine so that every way of stopping it closes what it opened."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

__all__ = ["TERMINATED", "run_async"]

TERMINATED = 128 + 15
"""The exit status after SIGTERM."""


def run_async(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run *main* and return its exit status; SIGTERM ends it as Ctrl-C does.

    Both cancel it, so that its blocks are left and what they hold is given back; a second Ctrl-C
    does not wait for that.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    terminated = False

    async def guarded() -> int:
        running = asyncio.create_task(main())

        def terminate() -> None:
            nonlocal terminated
            terminated = True
            running.cancel()

        with suppress(NotImplementedError):  # Windows: no such signal, no handler needed
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        return await running

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if terminated:
            return TERMINATED
        raise
