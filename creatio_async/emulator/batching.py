"""The address ``$batch``: from one request to its operations, and from their answers to one.

Source: academy.creatio.com, "Batch request examples"; that Accept decides the format of the answer
is inferred from the library that Creatio ships, and fits the samples.
"""

from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from creatio_async.emulator import jsonbatch, multipart
from creatio_async.emulator.batches import (
    BatchLimits,
    BatchRunner,
    Group,
    Item,
    goes_on,
    inherited_headers,
)
from creatio_async.emulator.odata4 import ODataService
from creatio_async.emulator.operations import Operation, media_type, preferred
from creatio_async.emulator.references import check_references
from creatio_async.emulator.refusals import (
    JSON_MINIMAL,
    ODATA_VERSION,
    Answer,
    Refusal,
    odata_error,
)
from creatio_async.messages import Request

__all__ = ["Batches"]

_JSON: Final = "application/json"
_MULTIPART: Final = "multipart/mixed"


@frozen
class Batches:
    """Answers batches of at most *limits* by *service*."""

    service: ODataService
    limits: BatchLimits
    framework: bool
    """Whether the site runs on .NET Framework, where operations have their own headers only."""

    async def answer(
        self,
        root: str,
        request: Request,
        intercept: Callable[[Operation, Callable[[], Answer]], Answer],
    ) -> Answer:
        """Carry out a batch for the service at *root*; *intercept* is as for `BatchRunner`.

        A batch that is malformed or too large is a 400, and nothing of it is done.
        """
        if request.method != "POST":
            return Answer(405, (("Allow", "POST"),))
        headers = request.headers
        kind = media_type(headers.get("content-type", ""))
        try:
            parts = _decoded(kind, headers, request.body)
            self.limits.check(parts)
            check_references(parts, root, told=kind == _JSON)
        except Refusal as refusal:
            return refusal.answer
        runner = BatchRunner(
            service=self.service,
            root=root,
            inherited={} if self.framework else inherited_headers(headers),
            go_on=goes_on(headers.get("prefer", "")),
            bodiless_500=not self.framework,
            intercept=intercept,
        )
        answers = await runner.run(parts)
        if (preferred(headers.get("accept", ""), _JSON, _MULTIPART) or kind) == _JSON:
            return Answer(200, (JSON_MINIMAL, ODATA_VERSION), jsonbatch.encode(answers))
        boundary, body = multipart.encode(answers, bare_failures=self.service.rules.plain)
        content_type = ("Content-Type", f"{_MULTIPART}; boundary={boundary}")
        return Answer(200, (content_type, ODATA_VERSION), body)


def _decoded(kind: str, headers: Mapping[str, str], body: bytes) -> list[Item | Group]:
    if kind == _JSON:
        return jsonbatch.decode(body)
    if kind == _MULTIPART:
        return multipart.decode(body, headers.get("content-type", ""))
    raise odata_error(415, f"A batch cannot be sent as '{kind}'.")
