"""Answers in JSON, and the refusals of a method or of a media type."""

from typing import Any

import orjson

from creatio_async.emulator.operations import Operation, acceptable, level_of
from creatio_async.emulator.refusals import (
    JSON_MINIMAL,
    ODATA_VERSION,
    Answer,
    Refusal,
    odata_error,
)

__all__ = ["check_acceptable", "json_acceptable", "json_answer", "not_allowed", "only"]


def check_acceptable(operation: Operation) -> None:
    """Refuse an Accept that does not allow JSON; before anything is written.

    Raises:
        Refusal: 406.
    """
    accept = operation.headers.get("accept", "")
    if not acceptable(accept):
        raise odata_error(406, f"The answer cannot be had as '{accept}'.")


def json_answer(
    status: int, body: dict[str, Any], operation: Operation, *headers: tuple[str, str]
) -> Answer:
    """Return *body* as an answer to *operation*, with as much metadata as its Accept wants.

    Raises:
        Refusal: 406, the Accept does not allow JSON.
    """
    check_acceptable(operation)
    return json_acceptable(status, body, operation, *headers)


def json_acceptable(
    status: int, body: dict[str, Any], operation: Operation, *headers: tuple[str, str]
) -> Answer:
    """Return what `json_answer` does, for an operation whose Accept was looked at before."""
    level = level_of(operation.headers.get("accept", ""))
    kind = JSON_MINIMAL
    if level != "minimal":
        kind = ("Content-Type", f"application/json; odata.metadata={level}")
        if level == "none":
            body.pop("@odata.context", None)
    return Answer(status, (*headers, kind, ODATA_VERSION), orjson.dumps(body))


def only(operation: Operation, method: str) -> None:
    """Refuse an operation of another method.

    Raises:
        Refusal: 405, with Allow.
    """
    if operation.method != method:
        raise not_allowed(method)


def not_allowed(methods: str) -> Refusal:
    """Return the 405 of an address that takes *methods* only; they go into Allow.

    Source: academy.creatio.com, "odata web service (OData 4)", status codes.
    """
    refusal = odata_error(405, "The requested resource does not support the http method.")
    answer = refusal.answer
    return Refusal(Answer(405, (*answer.headers, ("Allow", methods)), answer.body))
