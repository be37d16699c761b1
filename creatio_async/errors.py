"""What can go wrong, by meaning.

    CreatioError
    ├── TransportError                    no answer came, or only a part of one
    ├── ResponseError                     an answer came, and it refuses
    │   ├── BadRequestError               400
    │   ├── AuthenticationError           the login was refused
    │   ├── SessionExpiredError           401 and its disguises, after a new login too
    │   ├── ForbiddenError                403, or 401 on a session that is alive
    │   │   ├── CsrfError                 403 that names the BPMCSRF token
    │   │   └── SystemTableError          a system table that a call needs is closed
    │   ├── NotFoundError                 404, or no row where one was due
    │   ├── MethodNotAllowedError         405
    │   ├── NotAcceptableError            406
    │   ├── ConflictError                 409, or a key that is taken
    │   ├── GoneError                     410
    │   ├── PreconditionFailedError       412, 428
    │   ├── TooLargeError                 413, 414
    │   ├── UnsupportedMediaTypeError     415
    │   ├── FailedDependencyError         424
    │   ├── ThrottledError                429
    │   │   └── UnavailableError          503, a ServerError too
    │   ├── ServerError                   500 and above
    │   │   ├── RowLimitError             500: more rows than one answer may hold
    │   │   └── NotImplementedByServerError   501
    │   ├── ServiceError                  200, and the body says that it failed
    │   └── UnexpectedResponseError       HTML, half a body, or JSON of another shape
    ├── MultipleRowsError                 several rows where one was due
    ├── BatchError                        the answer to a $batch is no such answer
    ├── RecordedError                     one of these, as the journal of an earlier run tells it
    ├── ModelError                        a row does not fit the class that it is to become
    └── ProcessError                      a business process failed

An error keeps what happened in its fields and makes its sentence in ``__str__``. What it quotes
is short, and holds no credentials: requests are kept without their bodies, cookies and tokens.
aiohttp's own errors are only ever the ``__cause__`` of one of these. Every one can be pickled.
A mistake of the caller's is a `ValueError` or a `TypeError`, raised before anything is sent.
"""

from email.utils import parsedate_to_datetime

from attrs import define, field

from creatio_async.messages import Request, Response
from creatio_async.process_state import ProcessState

__all__ = [
    "AuthenticationError",
    "BadRequestError",
    "BatchError",
    "ConflictError",
    "CreatioError",
    "CsrfError",
    "FailedDependencyError",
    "ForbiddenError",
    "GoneError",
    "MethodNotAllowedError",
    "ModelError",
    "MultipleRowsError",
    "NotAcceptableError",
    "NotFoundError",
    "NotImplementedByServerError",
    "PreconditionFailedError",
    "ProcessError",
    "RecordedError",
    "ResponseError",
    "RowLimitError",
    "ServerError",
    "ServiceError",
    "SessionExpiredError",
    "SystemTableError",
    "ThrottledError",
    "TooLargeError",
    "TransportError",
    "UnavailableError",
    "UnexpectedResponseError",
    "UnsupportedMediaTypeError",
]

_EXCERPT = 300
"""Characters of a body, and of an address, that a message quotes at most."""


def _excerpt(text: str) -> str:
    text = " ".join(text[: 4 * _EXCERPT].split())
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"


def _asked(request: Request) -> str:
    return f"{request.method} {_excerpt(str(request.url))}"


# mypy takes a plain function as a converter, and no method.


def _request(request: Request) -> Request:
    return request.redacted()


def _response(response: Response) -> Response:
    return response.redacted()


def _request_or_none(request: Request | None) -> Request | None:
    return None if request is None else request.redacted()


def _response_or_none(response: Response | None) -> Response | None:
    return None if response is None else response.redacted()


class CreatioError(Exception):
    """The root of everything that this library raises, but for a mistake of the caller's."""


# Fields are positional everywhere below: an exception is copied and pickled by calling its class
# with its positional arguments. `slots=False`, because a slotted copy of an exception class breaks
# `super()` and leaves no room for notes.


@define(slots=False, eq=False)
class TransportError(CreatioError):
    """No answer came, or only a part of one. What the server did is then unknown."""

    request: Request = field(converter=_request)
    reason: str
    sent: bool = True
    """False where it is certain that the server never saw the request."""

    def __str__(self) -> str:
        known = "" if self.sent else " (nothing was sent)"
        return f"{_asked(self.request)}: {_excerpt(self.reason)}{known}"


@define(slots=False, eq=False)
class ResponseError(CreatioError):
    """Creatio answered, and the answer is a refusal."""

    request: Request = field(converter=_request)
    response: Response = field(converter=_response)
    code: str = ""
    """The error code of the body; Creatio mostly leaves it empty."""
    detail: str = ""
    """The innermost message of the body, or what this library has to say about it."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def retry_after(self) -> float | None:
        """The seconds that ``Retry-After`` asks to wait; None where it asks for nothing.

        A date is taken relative to the ``Date`` of the same answer: clocks differ.
        """
        headers = self.response.headers
        text = headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            until = parsedate_to_datetime(text)
            seconds = (until - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
        except (ValueError, TypeError):  # no date, or only one of the two has a zone
            return None
        return max(seconds, 0.0)

    def __str__(self) -> str:
        said = _excerpt(self.detail or self.response.text())
        words = [f"{_asked(self.request)} -> {self.status}", _excerpt(self.code), said]
        return " ".join(word for word in words if word)


class BadRequestError(ResponseError):
    """The request is malformed: a filter that does not parse, a value of another type (400)."""


class AuthenticationError(ResponseError):
    """The login was refused. It is not tried again: each attempt counts towards a lock-out."""


class SessionExpiredError(ResponseError):
    """The session is lost, and logging in again did not help."""


class ForbiddenError(ResponseError):
    """The user may not do this (403), or no such entity set is known (Creatio: 401)."""


class CsrfError(ForbiddenError):
    """The BPMCSRF token was refused, the one of a new session too."""


class SystemTableError(ForbiddenError):
    """A system table that a call needs, such as ``SysProcessLog``, is closed to OData.

    Creatio closes them by default (``Feature-DisableODataSystemTablesAccess``); an administrator
    can open them.
    """


class NotFoundError(ResponseError):
    """There is no such row or address (404)."""


class MethodNotAllowedError(ResponseError):
    """The address does not take this method (405)."""

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods that ``Allow`` names."""
        named = self.response.headers.get("allow", "").split(",")
        return tuple(method.strip() for method in named if method.strip())


class NotAcceptableError(ResponseError):
    """The answer cannot be had in the form asked for (406)."""


class ConflictError(ResponseError):
    """The row is in the way: a key that is taken, or a state that does not allow it (409)."""


class GoneError(ResponseError):
    """The row or address was there and is no more (410)."""


class PreconditionFailedError(ResponseError):
    """A condition of the request does not hold (412), or one is wanted (428)."""


class TooLargeError(ResponseError):
    """The request is larger than the server takes (413, 414)."""


class UnsupportedMediaTypeError(ResponseError):
    """The body is in a form that the address does not take (415)."""


class FailedDependencyError(ResponseError):
    """Not done, because something that it depends on failed (424)."""


class ThrottledError(ResponseError):
    """Turned away at the door; `retry_after` may say for how long (429)."""


class ServerError(ResponseError):
    """The server failed (5xx). A row may have been written all the same."""


class UnavailableError(ThrottledError, ServerError):
    """The server takes no requests just now; `retry_after` may say for how long (503)."""


class RowLimitError(ServerError):
    """The answer would hold more rows than Creatio gives at once (20,000 by default)."""


class NotImplementedByServerError(ServerError):
    """The server does not have this part of the protocol (501)."""


class ServiceError(ResponseError):
    """A service of the site answered with a 2xx, and says in the body that it failed.

    `code` is the name of what it met, such as ``SecurityException``, where it gives one.
    """


class UnexpectedResponseError(ResponseError):
    """The answer is not what was asked for: HTML, half a body, or JSON of another shape."""


@define(slots=False, eq=False)
class MultipleRowsError(CreatioError):
    """Several rows match where exactly one was due."""

    request: Request = field(converter=_request)

    def __str__(self) -> str:
        return f"{_asked(self.request)}: more than one row"


@define(slots=False, eq=False)
class ModelError(CreatioError):
    """A row does not fit the class that it is to become: the class is not that of the site."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@define(slots=False, eq=False)
class BatchError(CreatioError):
    """The answer to a ``$batch`` cannot be read as one."""

    request: Request = field(converter=_request)
    response: Response = field(converter=_response)
    detail: str = ""

    def __str__(self) -> str:
        said = _excerpt(self.detail)
        return f"{_asked(self.request)} -> {self.response.status} {said}"


@define(slots=False, eq=False)
class RecordedError(CreatioError):
    """What a row met in an earlier run of its job, as the journal tells it."""

    kind: str
    """The class of the error that it was."""
    text: str
    """What it said."""

    def __str__(self) -> str:
        return self.text


@define(slots=False, eq=False)
class ProcessError(CreatioError):
    """A business process failed, was refused, or did not come to its end in time."""

    process: str
    """The code of its schema, or the id that it was asked for by."""
    detail: str = ""
    """What the process log or the answer says of it."""
    run_id: str = ""
    """The id of the run, that of its row in ``SysProcessLog``; empty where it was not begun."""
    state: ProcessState | None = None
    """How far the run is; None where that is not known, or where nothing runs."""
    request: Request | None = field(default=None, converter=_request_or_none)
    """What was asked, where an answer to it says that the process failed."""
    response: Response | None = field(default=None, converter=_response_or_none)
    """That answer."""

    def __str__(self) -> str:
        run = f", run {self.run_id}" if self.run_id else ""
        state = f" ({self.state.name.lower()})" if self.state is not None else ""
        return f"process {self.process}{run}{state}: {_excerpt(self.detail)}"
