"""A sender of its own, logged in, with a clock that only its waits advance."""

import asyncio
from typing import Any

from creatio_async import Limits, RetryPolicy
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.site import parse_site
from creatio_async.runtime.channels import InProcess
from creatio_async.runtime.limits import Gate
from creatio_async.runtime.sender import Call, Sender
from creatio_async.runtime.session import Session
from tests.api.canned import AUTH, SITE, answer

__all__ = ["BUSY", "READ", "hold", "ready"]

READ = Call(method="GET", path="odata/Contact")
BUSY = answer(status=503)


async def ready(transport: Any, **options: Any) -> tuple[Sender, list[float]]:
    """Return a sender that is logged in, and the list of its waits."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0)

    session = Session(parse_site(SITE), AUTH, InProcess(transport), lambda: sum(waited))
    await session.login()
    given: dict[str, Any] = {
        "session": session,
        "gate": Gate(Limits()),
        "retry": RetryPolicy(wait_initial=1, wait_jitter=0),
        "headers": Headers(),
        "sleep": sleep,
        "clock": lambda: sum(waited),
        **options,
    }
    return Sender(**given), waited


async def hold(_: Request) -> Response:
    """Answer never."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError
