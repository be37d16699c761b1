"""Which error an answer is, and what it says.

Creatio answers with five shapes of error body in JSON, with one in XML (OData 3), and with HTML;
the useful message is mostly the innermost one. Codes are nearly always empty, so the status and the
words decide.
Source: academy.creatio.com, "RAM consumption limit" (the nested shape).
"""

import re
from typing import Any

import orjson

from creatio_async.errors import (
    BadRequestError,
    ConflictError,
    CsrfError,
    FailedDependencyError,
    ForbiddenError,
    GoneError,
    MethodNotAllowedError,
    NotAcceptableError,
    NotFoundError,
    NotImplementedByServerError,
    PreconditionFailedError,
    ResponseError,
    RowLimitError,
    ServerError,
    SessionExpiredError,
    ThrottledError,
    TooLargeError,
    UnavailableError,
    UnexpectedResponseError,
    UnsupportedMediaTypeError,
)
from creatio_async.messages import Request, Response
from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.odata3.texts import read_error

__all__ = ["is_passing", "read_detail", "refusal"]

_CLASSES: dict[int, type[ResponseError]] = {
    400: BadRequestError,
    401: SessionExpiredError,
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    406: NotAcceptableError,
    409: ConflictError,
    410: GoneError,
    412: PreconditionFailedError,
    413: TooLargeError,
    414: TooLargeError,
    415: UnsupportedMediaTypeError,
    424: FailedDependencyError,
    428: PreconditionFailedError,
    429: ThrottledError,
    501: NotImplementedByServerError,
    503: UnavailableError,
}

_KEY_TAKEN = re.compile(
    rb"duplicate key|PRIMARY KEY constraint|UNIQUE KEY constraint|unique constraint|ORA-00001",
    re.IGNORECASE,
)
"""What MS SQL, PostgreSQL, SQLite and Oracle say of a key that is taken; Creatio answers 500."""

_ROW_LIMIT = re.compile(rb"InvalidObjectStateException|MaxEntityRowCount")
_TOKEN = re.compile(rb"csrf|antiforgery", re.IGNORECASE)

_FOR_GOOD = re.compile(
    rb"consumption limit|Column by path|not found in schema|constraint|Unable to find property",
    re.IGNORECASE,
)
"""Words of a 500 that the same request would get again."""

_SCALAR_LOOKUP = re.compile(r"Column by path ((?:\w+[./])*)(\w*[^\WU])Id not found")
"""What Creatio says of ``AccountId`` in a filter; ``UId`` is the name of plain columns."""

_XML_ERROR = re.compile(rb"<(?:\w+:)?error[\s>]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HEAD = 1000
"""Bytes in which the root of an error in XML begins."""

_DEEPEST = 32
"""Levels of nested errors that are followed at most."""

_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


def refusal(request: Request, response: Response) -> ResponseError | None:
    """Return the error that *response* is, or None where it is a success (2xx)."""
    if 200 <= response.status < 300:
        return None
    code, detail = read_detail(response)
    if 300 <= response.status < 400:
        location = response.headers.get("location", "nowhere")
        detail = f"redirected to {location}; give the address of the site as it is"
        return UnexpectedResponseError(request, response, code, detail)
    error = _class_of(response)(request, response, code, detail)
    lookup = _SCALAR_LOOKUP.search(detail)
    if lookup is not None and f"{lookup[2]}Id" in request.url.query.get("$filter", ""):
        path = lookup[1].replace("/", ".") + lookup[2]
        error.add_note(f"if it is a lookup, compare F.{path}.Id instead of F.{path}Id")
    return error


def _class_of(response: Response) -> type[ResponseError]:
    if response.status == 403 and _TOKEN.search(response.body):
        return CsrfError
    if response.status == 500 and _KEY_TAKEN.search(response.body):
        return ConflictError
    if response.status == 500 and _ROW_LIMIT.search(response.body):
        return RowLimitError
    fallback = ServerError if response.status >= 500 else BadRequestError
    return _CLASSES.get(response.status, fallback)


def is_passing(error: ResponseError) -> bool:
    """Say whether the same request may well succeed later: 408, 429, 5xx for no lasting reason."""
    if isinstance(error, RowLimitError | NotImplementedByServerError):
        return False
    if isinstance(error, ThrottledError) or error.status == 408:
        return True
    return isinstance(error, ServerError) and not _FOR_GOOD.search(error.response.body)


def read_detail(response: Response) -> tuple[str, str]:
    """Return the code and the innermost message of an error's body, empty where there is none."""
    body = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if body.startswith(b"{"):
        try:
            return _innermost(as_object(orjson.loads(body)))
        except ValueError:
            return "", ""
    may_be = body.startswith(_UTF_16) or _XML_ERROR.search(body, 0, _HEAD)
    if may_be and any(told := read_error(response.body)):
        return told
    if body.startswith(b"<") and (title := _TITLE.search(response.text())):
        return "", f"a page titled {title[1].strip()!r}"
    return "", ""


def _innermost(answer: dict[str, Any]) -> tuple[str, str]:
    """Walk down the nested errors of OData (``innererror``) and of Web API (``InnerException``)."""
    level = as_object(_first(answer, "error", "odata.error") or answer)
    code, said = as_text(answer.get("error")), as_text(answer.get("error_description"))  # OAuth's
    for _ in range(_DEEPEST):
        code = code or as_text(level.get("code"))
        said = _message(level) or said
        level = as_object(_first(level, "innererror", "internalexception", "InnerException"))
    return code, said


def _message(level: dict[str, Any]) -> str:
    message = _first(level, "ExceptionMessage", "MessageDetail", "message", "Message")
    return as_text(as_object(message).get("value", message))


def _first(level: dict[str, Any], *names: str) -> Any:
    return next((level[name] for name in names if level.get(name)), None)
