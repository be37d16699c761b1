"""Any other service of a site: its address, how often it may be asked, and whether it failed.

Source: academy.creatio.com, "DataService" (errors with status 200 and ``success`` false; the
shapes of what went wrong were seen in clients).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from creatio_async.errors import ServiceError
from creatio_async.messages import Request, Response
from creatio_async.protocol.json import as_object, as_text
from creatio_async.protocol.names import quote_uri
from creatio_async.protocol.retry import Repeat
from creatio_async.protocol.site import Site

__all__ = ["Params", "address", "failure", "repeat_of"]

Params = Mapping[str, object] | Iterable[tuple[str, object]]
"""The query of an address: values become text; True and False are ``true`` and ``false``."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_IDEMPOTENT: Final = frozenset({"PUT", "DELETE"})
_METHOD: Final = re.compile(r"[A-Z]+")
_ABSOLUTE: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_RUNS: Final = "processengineservice.svc"
"""A service that runs something when it is asked with GET, too."""


def address(site: Site, path: str, params: Params | None) -> str:
    """Return where *path* is: relative to the workspace, or a whole address.

    Raises:
        ValueError: It is an address with another scheme than http, or it is empty.
        TypeError: It is no text.
    """
    if not isinstance(path, str):
        raise TypeError(f"a path is a text, not {path!r:.80}")
    quoted = quote_uri(path.strip()).partition("#")[0]
    if not quoted:
        raise ValueError("a path is needed, such as 'rest/UsrOrderService/Recalculate'")
    if quoted.startswith("/"):
        quoted = site.root + quoted
    elif _ABSOLUTE.match(quoted) and "://" not in quoted.partition("?")[0]:
        raise ValueError(f"{path!r:.80} is no address of the site")
    if params is None:
        return quoted
    if isinstance(params, Mapping):
        params = cast("Mapping[str, object]", params).items()
    query = urlencode([(name, _text(value)) for name, value in params], quote_via=quote)
    if not query:
        return quoted
    return f"{quoted}{'&' if '?' in quoted else '?'}{query}"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def repeat_of(method: str, path: str, repeat: bool | None) -> Repeat:  # noqa: FBT001 - a value
    """Return how often a request may be carried out; *repeat* is what its sender says of it.

    Raises:
        ValueError: *method* is no method of HTTP.
    """
    if not _METHOD.fullmatch(str(method)):
        raise ValueError(f"a method is a word in capitals, such as 'POST', not {method!r:.80}")
    if repeat is not None:
        return Repeat.READ if repeat else Repeat.NEVER
    if _RUNS in path.lower():
        return Repeat.NEVER
    if method in _SAFE:
        return Repeat.READ
    return Repeat.IDEMPOTENT if method in _IDEMPOTENT else Repeat.REFUSED


def _unwrapped(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a method ``X`` of a service returned, whose body WCF wraps as ``XResult``.

    Source: academy.creatio.com, "Custom web services": the sample has ``BodyStyle.Wrapped``.
    """
    match list(answer.items()):
        case [(name, value)] if name.endswith("Result"):
            return as_object(value)
        case _:
            return answer


def failure(request: Request, response: Response) -> ServiceError | None:
    """Return the error that the body of a 2xx tells of, or None."""
    if b'"success"' not in response.body.lower():
        return None
    try:
        answer = as_object(response.json())
    except ValueError:
        return None
    told = {name.lower(): value for name, value in _unwrapped(answer).items()}
    if told.get("success") is not False:
        return None
    info = as_object(told.get("errorinfo")) or as_object(told.get("responsestatus"))
    named: dict[str, Any] = {name.lower(): value for name, value in info.items()}
    said = as_text(named.get("message")) or as_text(told.get("message"))
    detail = said or "the service says that it failed, and not why"
    return ServiceError(request, response, as_text(named.get("errorcode")), detail)
