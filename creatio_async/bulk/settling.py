"""One batch that is seen to its end: what has to wait is waited for."""

from collections.abc import Awaitable, Callable

from creatio_async.bulk.entry import Entry
from creatio_async.bulk.job import Plan

__all__ = ["settle"]


async def settle(
    plan: Plan, entries: list[Entry], sleep: Callable[[float], Awaitable[object]]
) -> None:
    """Run *entries* until each of them is settled, those that wait least first.

    Raises:
        Exception: What concerns every row. Those without an outcome have an open state.
    """
    waiting = await plan.run(entries)
    while waiting:
        waiting.sort(key=lambda later: later.seconds)
        later = waiting.pop(0)
        await sleep(later.seconds)
        waiting += await plan.run(later.entries)
