"""Faults on demand: latency, refusals, lost sessions, dropped connections, half and odd answers.

emulator.troubles.add(Refuse(status=429, retry_after=2), path="$batch", times=3)
emulator.troubles.add(DropAfter(), method="POST")
emulator.troubles.add(Fail(after=True), method="POST", path="City", inner=True, skip=10)
"""

import random
from collections.abc import Callable
from typing import Final, Literal

from attrs import define, field, frozen, validators

from creatio_async.messages import Request, Response

__all__ = [
    "Accepted",
    "Answer",
    "Cut",
    "Double",
    "DropAfter",
    "DropBefore",
    "Expire",
    "Fail",
    "Latency",
    "Omit",
    "Redirect",
    "Refuse",
    "Rule",
    "Trouble",
    "Troubles",
]

_STATUS: Final = [validators.ge(200), validators.lt(600)]


@frozen
class Latency:
    """The request waits *seconds* before anything is done; other requests go on."""

    seconds: float = field(validator=validators.ge(0))


@frozen
class Refuse:
    """The request is turned away at the door; nothing is done."""

    status: int = field(default=429, validator=_STATUS)
    retry_after: int | None = None
    """Seconds in ``Retry-After``; None for no such header."""
    body: bytes = b""


@frozen
class Expire:
    """The session is lost just before the request, which is answered accordingly.

    Shapes: ``401``; ``redirect``, a 302 to the login page; ``html``, a 200 with the login page;
    ``json``, a 200 with ``{"Message":"Authentication failed."}``.
    """

    shape: Literal["401", "redirect", "html", "json"] = field(
        default="401", validator=validators.in_(["401", "redirect", "html", "json"])
    )


@frozen
class DropBefore:
    """The connection is dropped; nothing is done."""


@frozen
class DropAfter:
    """All is done and kept, then the connection is dropped without an answer."""


@frozen
class Cut:
    """All is done and kept, and the answer ends too early: fewer bytes than it announced."""

    at: float = 0.5
    """Where: a fraction of the body between 0 and 1, or a number of bytes."""

    def length(self, size: int) -> int:
        """Return how many of *size* bytes are sent."""
        wanted = int(size * self.at if 0 < self.at < 1 else self.at)
        return max(0, min(wanted, size - 1))


@frozen
class Answer:
    """The request gets this answer; nothing is done."""

    response: Response


@frozen
class Fail:
    """A 500 with the body of an exception: *after* the work was done and kept, or before."""

    status: int = field(default=500, validator=_STATUS)
    after: bool = False
    message: str = "An error has occurred."
    """Empty for an error that says nothing. Source: seen where rows were inserted at once."""


@frozen
class Omit:
    """The answer to a ``$batch`` holds no answer to the operation; the batch goes on.

    *After* the operation was carried out and kept, or without that, also inside of a group.
    """

    after: bool = True


@frozen
class Double:
    """An id stands twice in the answer to a ``$batch``; everything is carried out.

    The answer to the operation stands there ``twice``; or it stands there once, ``misnamed``: with
    the id of the answer before it, or after it if it is the first.
    """

    how: Literal["twice", "misnamed"] = field(
        default="twice", validator=validators.in_(["twice", "misnamed"])
    )


@frozen
class Redirect:
    """The request is sent elsewhere with a 3xx; nothing is done."""

    location: str
    """What stands in ``Location``, absolute or relative."""
    status: int = field(default=302, validator=[validators.ge(300), validators.lt(400)])
    retry_after: int | None = None
    """Seconds in ``Retry-After``; None for no such header."""


@frozen
class Accepted:
    """All is done and kept, and the answer is a 202 with the address of a monitor in ``Location``.

    The monitor answers 202 as well, *polls* times; *then* it is a 200 with the headers and the body
    of the ``result``, whose status stands in ``AsyncResult``, or a ``redirect``: a 303 to an
    address that gives the answer as it would have been. Source: academy.creatio.com, "odata web
    service", status codes; OASIS OData 4.01 for ``AsyncResult``.
    """

    polls: int = field(default=2, validator=validators.ge(0))
    retry_after: int | None = 0
    """Seconds in ``Retry-After``; None for no such header."""
    then: Literal["result", "redirect"] = field(
        default="result", validator=validators.in_(["result", "redirect"])
    )


Trouble = (
    Latency
    | Refuse
    | Expire
    | DropBefore
    | DropAfter
    | Cut
    | Answer
    | Fail
    | Omit
    | Double
    | Redirect
    | Accepted
)


@define(eq=False)
class Rule:
    """A trouble, and the requests that meet it. Made by `Troubles.add`."""

    trouble: Trouble
    method: str | None
    path: str | None
    where: Callable[[Request], bool] | None
    skip: int
    times: int | None
    every: int
    chance: float
    inner: bool
    _random: random.Random
    _all: "list[Rule]"
    hits: int = 0
    """The requests that have met it so far."""
    _turn: int = 0

    def remove(self) -> None:
        """Let no further request meet it; removing it twice is no harm."""
        if self in self._all:
            self._all.remove(self)

    def meets(self, method: str, path: str, request: Callable[[], Request]) -> bool:
        """Tell whether a request meets the trouble, and count it."""
        wanted = (
            (self.method is None or self.method.upper() == method.upper())
            and (self.path is None or self.path in path)
            and (self.times is None or self.hits < self.times)
            and (self.where is None or self.where(request()))
        )
        if not wanted:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self._turn += 1
        if self._turn % self.every:
            return False
        if self.chance < 1 and self._random.random() >= self.chance:
            return False
        self.hits += 1
        return True


@define
class Troubles:
    """The rules of one emulator, tried in the order in which they were added."""

    rules: list[Rule] = field(factory=list[Rule])

    def add(
        self,
        trouble: Trouble,
        *,
        method: str | None = None,
        path: str | None = None,
        where: Callable[[Request], bool] | None = None,
        skip: int = 0,
        times: int | None = 1,
        every: int = 1,
        chance: float = 1.0,
        seed: int = 0,
        inner: bool = False,
    ) -> Rule:
        """Let requests meet *trouble*.

        Args:
            trouble: What they meet.
            method: Only requests of this method.
            path: Only requests whose decoded path, with its query, holds this text.
            where: Only requests for which this is true.
            skip: The first requests that would meet it and do not.
            times: Requests that meet it at most; None for all.
            every: Of those that would meet it, only every so-manieth does.
            chance: The share of the requests that meet it, of those that would, from 0 to 1.
            seed: Where *chance* begins; the same seed gives the same requests.
            inner: Operations inside a ``$batch`` meet it, and no others. `Refuse` and `Fail` can be
                met there too, `Omit` and `Double` only there.

        Raises:
            ValueError: The rule makes no sense.
        """
        if inner and not isinstance(trouble, (Refuse, Fail, Omit, Double)):
            raise ValueError("inside a $batch there are Refuse, Fail, Omit and Double only")
        if isinstance(trouble, (Omit, Double)) and not inner:
            raise ValueError("Omit and Double are met inside a $batch only: say inner=True")
        if not 0 <= chance <= 1 or skip < 0 or every < 1 or (times is not None and times < 0):
            raise ValueError(
                "chance is from 0 to 1, every at least 1; skip and times are not negative"
            )
        rule = Rule(
            trouble,
            method,
            path,
            where,
            skip,
            times,
            every,
            chance,
            inner,
            random.Random(seed),  # noqa: S311 - no secret
            self.rules,
        )
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Remove every rule."""
        self.rules.clear()

    def met(
        self, method: str, path: str, request: Callable[[], Request], *, inner: bool = False
    ) -> list[Trouble]:
        """Return the troubles that a request meets, in the order of their rules."""
        return [
            rule.trouble
            for rule in tuple(self.rules)
            if rule.inner is inner and rule.meets(method, path, request)
        ]
