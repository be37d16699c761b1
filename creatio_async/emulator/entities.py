"""The address ``EntityDataService.svc``: single operations of OData 3, and ``$batch``.

Source: [MS-ODATA] 2.2.6.4 and 2.2.7.6; OData 3.0, Batch Processing. A batch is answered with a 202;
what fails stops nothing but its own change set, of which then one answer stands outside of any.
"""

from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from creatio_async.emulator import multipart
from creatio_async.emulator.batches import Answered, BatchLimits, BatchRunner, Group, Item
from creatio_async.emulator.formats3 import answer3, refused
from creatio_async.emulator.odata3 import OData3Service, errors_in_json
from creatio_async.emulator.odata4 import ODataService
from creatio_async.emulator.operations import Operation, media_type
from creatio_async.emulator.refusals import Answer, Refusal, bad_request, odata_error
from creatio_async.messages import Request

__all__ = ["ENTITIES", "Entities"]

ENTITIES: Final = "/ServiceModel/EntityDataService.svc"
"""Where it is, below the root of the workspace. Source: academy.creatio.com."""

_MULTIPART: Final = "multipart/mixed"
_NEWEST: Final = "maxdataserviceversion"


@frozen
class Entities:
    """Answers requests to the service; the tables and the rules are those of OData 4."""

    odata4: ODataService
    limits: BatchLimits
    service: OData3Service = field(init=False)

    def __attrs_post_init__(self) -> None:
        other = self.odata4
        service = OData3Service(other.store, other.rules, other.max_file_size)
        object.__setattr__(self, "service", service)

    async def answer(
        self,
        root: str,
        path: str,
        request: Request,
        intercept: Callable[[Operation, Callable[[], Answer]], Answer],
        count: Callable[[], None],
    ) -> Answer:
        """Answer *request* to *path*, below the service at *root*.

        *intercept* is as for `BatchRunner`; *count* is called for an operation that is none of a
        batch.
        """
        if path.rstrip("/") in {"$batch", "%24batch"}:
            return await self._batch(root, request, intercept)
        count()
        return self.service.answer(_operation(root, path, request))

    @staticmethod
    def told(refusal: Answer, request: Request) -> Answer:
        """Return a *refusal* of the shared parts as *request* would have it."""
        operation = _operation("", "", request)
        return refused(refusal, as_json=errors_in_json(operation))

    async def _batch(
        self,
        root: str,
        request: Request,
        intercept: Callable[[Operation, Callable[[], Answer]], Answer],
    ) -> Answer:
        """Carry out a batch; one that is malformed is a 400, and nothing of it is done.

        That nothing is done, where WCF Data Services reads on the way, is inferred from OData 4.
        """
        if request.method != "POST":
            return Answer(405, (("Allow", "POST"),))
        try:
            parts = _decoded(request)
            self.limits.check(parts)
        except Refusal as refusal:
            return self.told(refusal.answer, request)
        runner = BatchRunner(
            service=self.service,
            root=root,
            inherited=_inherited(request),
            go_on=True,
            bodiless_500=False,
            intercept=intercept,
            own_places=True,
        )
        answers = [_told(answered) for answered in await runner.run(parts)]
        boundary, body = multipart.encode(answers, bare_failures=True)
        return answer3(202, f"{_MULTIPART}; boundary={boundary}", body)


def _operation(root: str, path: str, request: Request) -> Operation:
    return Operation(
        request.method.upper(),
        path,
        request.url.raw_query_string,
        {name.lower(): value for name, value in request.headers.items()},
        request.body,
        root,
    )


def _decoded(request: Request) -> list[Item | Group]:
    content_type = request.headers.get("content-type", "")
    if media_type(content_type) != _MULTIPART:
        raise odata_error(415, f"A batch cannot be sent as '{content_type}'.")
    parts = multipart.decode(request.body, content_type)
    for part in parts:
        if isinstance(part, Item) and part.method != "GET":
            raise bad_request(
                f"An invalid HTTP method '{part.method}' was detected for a query operation; "
                "changes stand in change sets."
            )
    return parts


def _inherited(request: Request) -> dict[str, str]:
    """The one header that operations have from the batch: a WCF client tells it there alone.

    Source: inferred from WCF Data Services, whose host of an operation is given it.
    """
    newest = request.headers.get(_NEWEST)
    return {} if newest is None else {_NEWEST: newest}


def _told(answered: Answered) -> Answered:
    """An answer with the id of its operation among its own headers, and only there.

    System.Data.Services.Client reads it there, and takes no part that has more than two headers.
    """
    answer = refused(answered.answer, as_json=False)
    if answered.id:
        headers = (("Content-ID", answered.id), *answer.headers)
        answer = Answer(answer.status, headers, answer.body)
    return Answered("", answered.group, answer)
