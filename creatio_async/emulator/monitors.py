"""Requests that are accepted and answered later: a 202, and an address that tells how they fare.

Source: academy.creatio.com, "odata web service", status codes; OASIS OData 4.0, Part 1, 8.2.8.8
and 9.1.3. No site was seen to do so: it is here for clients that have to know the statuses.
"""

from typing import Final

from attrs import define, field

from creatio_async.emulator.refusals import Answer, not_found
from creatio_async.emulator.troubles import Accepted
from creatio_async.emulator.values import new_guid
from creatio_async.messages import Response

__all__ = ["Monitors"]

_COOKIE: Final = "set-cookie"


@define
class _Monitor:
    result: Answer
    trouble: Accepted
    left: int
    """The polls that are still answered with a 202."""


@define
class Monitors:
    """The answers that are kept until they are asked for, by id; they are kept for good."""

    _kept: dict[str, _Monitor] = field(factory=dict[str, _Monitor])

    def accept(self, trouble: Accepted, response: Response, root: str) -> Answer:
        """Keep *response* and return the 202 that stands for it; monitors are below *root*."""
        pairs = response.headers.pairs
        cookies = tuple(pair for pair in pairs if pair[0].lower() == _COOKIE)
        others = tuple(pair for pair in pairs if pair[0].lower() != _COOKIE)
        key = new_guid()
        result = Answer(response.status, others, response.body)
        self._kept[key] = _Monitor(result, trouble, trouble.polls)
        return _accepted(trouble, root + key, cookies)

    def answer(self, method: str, path: str, place: str) -> Answer:
        """Answer the monitor or the result at *path*, below the root; *place* is all of it.

        A monitor answers 202 as often as it was told to, then as it was told to.

        Raises:
            Refusal: 404, there is no such monitor.
        """
        if method != "GET":
            return Answer(405, (("Allow", "GET"),))
        key, _, rest = path.partition("/")
        monitor = self._kept.get(key)
        if monitor is None or rest not in {"", "result"}:
            raise not_found()
        result = monitor.result
        if rest:
            return result
        if monitor.left > 0:
            monitor.left -= 1
            return _accepted(monitor.trouble, place, ())
        if monitor.trouble.then == "redirect":
            return Answer(303, (("Location", f"{place}/result"),))
        headers = (*result.headers, ("AsyncResult", str(result.status)))
        return Answer(200, headers, result.body)


def _accepted(trouble: Accepted, place: str, cookies: tuple[tuple[str, str], ...]) -> Answer:
    wait = trouble.retry_after
    later = () if wait is None else (("Retry-After", str(wait)),)
    return Answer(202, (("Location", place), *later, *cookies))
