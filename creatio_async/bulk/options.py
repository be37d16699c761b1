"""What all bulk calls hand on to their jobs."""

from collections.abc import AsyncIterable, Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, cast

from attrs import frozen

from creatio_async.bulk.job import Job
from creatio_async.bulk.journal.record import Journal
from creatio_async.bulk.order import Order
from creatio_async.bulk.plan import Plan
from creatio_async.bulk.report import Progress
from creatio_async.models.codec import DICTS, Codec
from creatio_async.protocol.odata.spec import RowT
from creatio_async.protocol.pace import Adaptive
from creatio_async.service import Service

__all__ = ["JobOptions"]


@frozen(kw_only=True)
class JobOptions:
    """The options of a job that do not depend on what is done with its rows.

    Every bulk call makes its job here, of the options that it was given: one that all calls have
    is added to this class and to their signatures, and nowhere else. `Job` tells what they mean.
    """

    at_once: int | Adaptive
    batch_size: int
    order: Order = "none"
    dead_letters: str | PathLike[str] | None
    progress: Callable[[Progress], object] | None
    journal: str | PathLike[str] | None
    fsync: bool

    def job(
        self,
        service: Service,
        plan: Plan,
        rows: Iterable[Any] | AsyncIterable[Any],
        codec: Codec[RowT] = cast("Any", DICTS),  # noqa: B008 - frozen
    ) -> Job[RowT]:
        """Return the job that does with *rows* what *plan* says, in the lane of its client.

        Raises:
            ValueError: An option is out of bounds.
            TypeError: *rows* are not several, or an option is no number.
        """
        if _is_same_file(self.journal, self.dead_letters):
            raise ValueError(f"the journal and the dead letters are one file: {self.journal}")
        sender = service.sender
        return Job(
            plan,
            rows,
            at_once=sender.gate.lane(self.at_once, sender.clock),
            batch_size=self.batch_size,
            progress=self.progress,
            order=self.order,
            dead_letters=self.dead_letters,
            journal=self._journal(service, plan),
            sessions=len(sender.sessions),
            codec=codec,
            longest=sender.gate.longest,
            clock=sender.clock,
            sleep=sender.sleep,
        )

    def _journal(self, service: Service, plan: Plan) -> Journal | None:
        if self.journal is None:
            if self.fsync:
                raise ValueError("fsync is about a journal, and there is none")
            return None
        job = {"site": service.sender.session.site.root, **plan.identity()}
        return Journal(self.journal, plan, job, fsync=self.fsync)


def _is_same_file(one: str | PathLike[str] | None, other: str | PathLike[str] | None) -> bool:
    if one is None or other is None:
        return False
    return Path(one).resolve() == Path(other).resolve()
