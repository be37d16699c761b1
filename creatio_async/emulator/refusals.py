"""Answers of the emulated site, and the bodies in which Creatio refuses."""

from http import HTTPStatus
from typing import Any

import orjson
from attrs import define, frozen

__all__ = [
    "JSON",
    "JSON_MINIMAL",
    "Answer",
    "Refusal",
    "bad_query",
    "bad_request",
    "not_found",
    "odata_error",
    "server_error",
    "service_error",
]

JSON = ("Content-Type", "application/json; charset=utf-8")
JSON_MINIMAL = ("Content-Type", "application/json; odata.metadata=minimal")
ODATA_VERSION = ("OData-Version", "4.0")


@frozen
class Answer:
    """An answer without its way back: cookies and troubles are added on the way."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the operation was carried out."""
        return self.status < HTTPStatus.BAD_REQUEST


@define(slots=False, eq=False)
class Refusal(Exception):  # noqa: N818 - it is an answer that is on its way up, not a failure
    """An answer that ends the work on an operation."""

    answer: Answer


def odata_error(
    status: int, message: str, *, inner: str = "", kind: str = "", deepest: str = ""
) -> Refusal:
    """Return a refusal in the shape of OData; *deepest* is what is innermost.

    Source: academy.creatio.com, "RAM consumption limit": the useful text is innermost.
    """
    error: dict[str, Any] = {"code": "", "message": message}
    if inner:
        told: dict[str, Any] = {"message": inner, "type": kind, "stacktrace": ""}
        if deepest:
            told["internalexception"] = {"message": deepest, "type": kind, "stacktrace": ""}
        error["innererror"] = told
    return Refusal(Answer(status, (JSON_MINIMAL, ODATA_VERSION), orjson.dumps({"error": error})))


def bad_query(reason: str) -> Refusal:
    """Return a 400 that says what is wrong with the address."""
    message = f"The query specified in the URI is not valid. {reason}"
    return odata_error(400, message, inner=reason, kind="Microsoft.OData.ODataException")


def bad_request(reason: str) -> Refusal:
    """Return a 400 that says what is wrong with the body."""
    message = f"The request is invalid. {reason}"
    return odata_error(400, message, inner=reason, kind="Microsoft.OData.ODataException")


def not_found(message: str = "Not found") -> Refusal:
    """Return a 404 with a body, as for a row that is missing."""
    return odata_error(404, message)


def server_error(reason: str, kind: str = "System.Exception") -> Refusal:
    """Return a 500 whose text is innermost, as an exception on the server shows."""
    message = "An error has occurred."
    return odata_error(500, message, inner=message, kind=kind, deepest=reason)


def service_error(status: int, message: str, kind: str) -> Answer:
    """Return a refusal in the shape of Creatio's services (not OData).

    Source: "Authentication failed." as AuthService.svc and other services answer.
    """
    body = {"Message": message, "StackTrace": None, "ExceptionType": kind}
    return Answer(status, (JSON,), orjson.dumps(body))
