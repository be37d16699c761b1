"""Sessions that are kept awake: Creatio ends one after an hour without requests, by default.

Source: academy.creatio.com, the system setting ``UserSessionTimeout``.
"""

from contextlib import suppress

from attrs import define

from creatio_async.runtime.sender import Call, Sender

__all__ = ["KeepAlive"]


@define
class KeepAlive:
    """Asks for the service document in each session that was not used for a while."""

    sender: Sender
    every: float
    """Seconds."""

    async def run(self) -> None:
        """Keep the sessions awake until it is cancelled. What fails is no harm: it comes again."""
        seen = [session.uses for session in self.sender.sessions]
        while True:
            await self.sender.sleep(self.every)
            for index, session in enumerate(self.sender.sessions):
                if session.uses == seen[index] and not session.is_closed:
                    with suppress(Exception):  # a vault may fail in its own way
                        await self.sender.send(Call(method="GET", path="odata/"), session)
                seen[index] = session.uses
