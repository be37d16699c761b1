"""Calls that are under way: whose they are, and how they are ended when the client is closed."""

import asyncio
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from attrs import define, field

__all__ = ["Place", "UnderWay"]

_PATIENCE = 1.0
"""Seconds for which calls that have been told of the end are waited for."""


@define(eq=False)
class Place:
    """A call under way, and the task that waits for it."""

    task: asyncio.Task[Any]
    cancelling: int
    """How often the task had been cancelled before."""
    is_cut_off: bool = False

    def was_only_cut_off(self) -> bool:
        """Take the cancellation back that came of the end; say whether there was no other."""
        return self.is_cut_off and self.task.uncancel() <= self.cancelling


@define(eq=False)
class UnderWay:
    """The calls under way of one client, in one event loop."""

    is_ended: bool = field(init=False, default=False)
    """Nothing is sent any more."""
    _loop: asyncio.AbstractEventLoop = field(init=False, factory=asyncio.get_running_loop)
    _places: set[Place] = field(init=False, factory=set[Place])
    _emptied: asyncio.Event = field(init=False, factory=asyncio.Event)
    _cut_off: WeakSet[asyncio.Task[Any]] = field(init=False, factory=WeakSet[asyncio.Task[Any]])

    def enter(self) -> Place:
        """Take a place for a call of the current task.

        Raises:
            RuntimeError: This is another event loop.
        """
        self.check_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        place = Place(task, task.cancelling())
        self._places.add(place)
        return place

    def check_loop(self) -> None:
        """Do nothing in the event loop of the client.

        Raises:
            RuntimeError: This is another one.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this client was opened in another event loop, or before a fork: its connections "
                "belong to that one; open a client in each"
            )

    def was_just_cut_off(self) -> bool:
        """Say whether the call before this one of the current task was cut off by the end.

        Then this one asks what became of that one, and gets no answer. Any further one is new.
        """
        task = asyncio.current_task()
        if task is None or task not in self._cut_off:
            return False
        self._cut_off.discard(task)
        return True

    def leave(self, place: Place) -> None:
        """Give the place back."""
        self._places.discard(place)
        if self.is_ended and not self._places:
            self._emptied.set()

    async def end(self) -> None:
        """Cut off what is under way, but for the current task's; wait for it shortly."""
        self.is_ended = True
        here = asyncio.current_task()
        others = [place for place in self._places if place.task is not here]
        for place in others:
            place.is_cut_off = True
            self._cut_off.add(place.task)
            place.task.cancel()
        if others:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._emptied.wait()
