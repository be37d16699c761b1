"""Formats and versions of OData 3: what an answer may be written in, and how a refusal is told.

Source: [MS-ODATA] 2.2.5; that an Accept which nothing fits is a 415, not a 406, and that
``application/json`` alone means the verbose form is how WCF Data Services answers on .NET
Framework 4.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final
from xml.sax.saxutils import escape

import orjson
from attrs import frozen

from creatio_async.emulator.filters3 import TYPES_NAMESPACE
from creatio_async.emulator.jsontypes import as_object
from creatio_async.emulator.operations import Operation
from creatio_async.emulator.refusals import ODATA_VERSION, Answer, bad_query, odata_error
from creatio_async.emulator.schema import NAMESPACE

__all__ = [
    "ATOM",
    "DOCUMENT",
    "JSON_TYPE",
    "SERVICE",
    "Format",
    "answer3",
    "check_version",
    "clean",
    "format_of",
    "quoted",
    "refused",
    "xml_type",
]

JSON_TYPE: Final = "application/json"
ATOM: Final = ("application/atom+xml", JSON_TYPE)
DOCUMENT: Final = ("application/xml", "text/xml", JSON_TYPE, "application/atom+xml")
"""Atom is taken for XML: academy.creatio.com wants it in Accept whatever is asked."""
SERVICE: Final = ("application/xml", "application/atomsvc+xml", JSON_TYPE, "application/atom+xml")

LANGUAGE: Final = "en-US"
"""Of messages."""

_METADATA: Final = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
_FORMATS: Final = {
    "json": "application/json",
    "verbosejson": "application/json",
    "atom": "application/atom+xml",
    "xml": "application/xml, application/atom+xml",
}
_VERSION: Final = re.compile(r"\s*(\d{1,4})\.(\d{1,4})\s*(?:;.*)?", re.ASCII)
_NEWEST: Final = 3
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@frozen
class Format:
    """The form of an answer: its media type, and the newest version that the caller knows."""

    media_type: str
    newest: int

    @property
    def is_json(self) -> bool:
        """Whether it is verbose JSON, and not XML."""
        return self.media_type == JSON_TYPE


def format_of(operation: Operation, offered: tuple[str, ...], wish: str | None = None) -> Format:
    """Return the form of the answer to *operation*: one of *offered*, by default the first.

    The *wish* is the ``$format`` of the address, which goes before Accept.

    Raises:
        Refusal: 415, the caller takes none of them; 400, a version is malformed or unknown.
    """
    newest = _newest_of(operation.headers)
    accept = operation.headers.get("accept", "")
    if wish is not None:
        accept = _FORMATS.get(wish.lower(), wish)
    chosen = _chosen(accept, offered)
    if chosen is None:
        raise odata_error(415, f"Unsupported media type requested: '{accept}'.")
    return Format(chosen, newest)


def xml_type(form: Format) -> str:
    """Return the Content-Type of a document that is no feed and no entry."""
    media_type = "application/xml" if form.media_type == ATOM[0] else form.media_type
    return f"{media_type};charset=utf-8"


def check_version(headers: Mapping[str, str]) -> None:
    """Refuse a request of a version that is none of 1, 2 and 3.

    Raises:
        Refusal: 400.
    """
    version = _version(headers, "DataServiceVersion")
    if not (version[0] <= _NEWEST and version[1] == 0):
        raise bad_query(f"The version {version[0]}.{version[1]} of a request is not known here.")


def _newest_of(headers: Mapping[str, str]) -> int:
    """Return the newest version that the caller knows and that there is: 1, 2 or 3.

    Source: OData 3.0, Core, 8.2.1: the answer is in the greatest version that is not beyond it.

    Raises:
        Refusal: 400, the header is malformed.
    """
    return min(_version(headers, "MaxDataServiceVersion")[0], _NEWEST)


def _version(headers: Mapping[str, str], name: str) -> tuple[int, int]:
    text = headers.get(name.lower())
    if text is None:
        return _NEWEST, 0
    match = _VERSION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise bad_query(f"The header '{name}' has the value '{text}', which is no version here.")
    return int(match[1]), int(match[2])


@lru_cache(maxsize=256)
def _chosen(accept: str, offered: tuple[str, ...]) -> str | None:
    if not accept.strip():
        return offered[0]
    best: tuple[float, int, int, int] | None = None
    found: str | None = None
    ranges = [_range(word) for word in accept.split(",")]
    for place, media in enumerate(offered):
        fits = [
            (exact, quality, index)
            for index, (name, quality, plain) in enumerate(ranges)
            if (exact := _fit(name, media)) and (plain or media != JSON_TYPE)
        ]
        if not fits:
            continue
        exact, quality, index = max(fits, key=lambda fit: (fit[0], -fit[2]))
        rank = (quality, exact, -index, -place)
        if quality > 0 and (best is None or rank > best):
            best, found = rank, media
    return found


def _range(word: str) -> tuple[str, float, bool]:
    """A media range: its name, its quality, and whether it could mean verbose JSON."""
    name, *parameters = (part.strip().lower() for part in word.split(";"))
    quality, plain = 1.0, True
    for parameter in parameters:
        key, _, value = parameter.replace(" ", "").partition("=")
        if key == "q":
            quality = float(value) if re.fullmatch(r"\d(?:\.\d{1,3})?", value) else 0.0
        elif key == "odata" and value.strip('"') != "verbose":
            plain = False
    return name, quality, plain


def _fit(name: str, media: str) -> int:
    if name == media:
        return 3
    if name == f"{media.partition('/')[0]}/*":
        return 2
    return 1 if name in {"*/*", "*"} else 0


def answer3(
    status: int,
    media_type: str,
    body: bytes,
    *headers: tuple[str, str],
    version: int = 1,
) -> Answer:
    """Return an answer of OData 3 in the version that it takes to be understood."""
    kind = (("Content-Type", media_type),) if media_type else ()
    return Answer(status, (*headers, *kind, ("DataServiceVersion", f"{version}.0;")), body)


def refused(answer: Answer, *, as_json: bool) -> Answer:
    """Return a refusal of the shared parts as OData 3 tells it; any other answer as it is.

    Source: [MS-ODATA] 2.2.6.4 and 2.2.8.1; the inner error of a 500 is inferred.
    """
    if ODATA_VERSION not in answer.headers:
        return answer
    kept = tuple(h for h in answer.headers if h[0] not in {"Content-Type", "OData-Version"})
    error = as_object(orjson.loads(answer.body)["error"]) or {}
    reasons: list[dict[str, Any]] = []
    told = error.get("innererror") if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    while told:
        reasons.append(told)
        told = told.get("internalexception")
    message = str(error.get("message", "")).replace(f"{NAMESPACE}.", f"{TYPES_NAMESPACE}.")
    if as_json:
        body, kind = _json_error(message, reasons), "application/json;odata=verbose;charset=utf-8"
    else:
        body, kind = _xml_error(message, reasons), "application/xml;charset=utf-8"
    return answer3(answer.status, kind, body, *kept)


def _json_error(message: str, reasons: list[dict[str, Any]]) -> bytes:
    error: dict[str, Any] = {"code": "", "message": {"lang": LANGUAGE, "value": message}}
    if reasons:
        error["innererror"] = reasons[0]
    return orjson.dumps({"error": error})


def _xml_error(message: str, reasons: list[dict[str, Any]]) -> bytes:
    inner = ""
    for depth, reason in reversed(list(enumerate(reasons))):
        name = "m:internalexception" if depth else "m:innererror"
        inner = (
            f"<{name}><m:message>{clean(reason['message'])}</m:message>"
            f"<m:type>{clean(reason['type'])}</m:type><m:stacktrace></m:stacktrace>{inner}</{name}>"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<m:error xmlns:m="{_METADATA}"><m:code></m:code>'
        f'<m:message xml:lang="{LANGUAGE}">{clean(message)}</m:message>{inner}</m:error>'
    ).encode()


def clean(text: str) -> str:
    """Return *text* as it stands in an element; signs that XML has none for are replaced.

    Source of the latter: inferred, a reader could not take the document otherwise.
    """
    return escape(_NO_XML.sub("\ufffd", text), {"\r": "&#xD;"})


def quoted(text: str) -> str:
    """Return *text* as it stands between the quotes of an attribute."""
    return clean(text).replace('"', "&quot;").replace("\n", "&#xA;").replace("\t", "&#x9;")
