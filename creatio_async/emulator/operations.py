"""One OData operation on its way in, alone or inside a ``$batch``, and its media types."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import orjson
from attrs import frozen

from creatio_async.emulator.jsontypes import as_object
from creatio_async.emulator.refusals import bad_request, odata_error

__all__ = ["Operation", "acceptable", "level_of", "media_type", "preferred", "takes_ieee754"]


@frozen
class Operation:
    """A request to the service, with an address that is relative to the service root."""

    method: str
    path: str
    """Percent-encoded, without the query."""
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """Bytes, or what they were decoded to already; None where there is no body."""
    root: str
    """The address of the service, with a slash at its end."""
    places: Mapping[str, str] = {}
    """The addresses of rows that were created earlier in the same batch, by id of operation."""

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            Refusal: 415, it is not sent as JSON; 400, it is no JSON object.
        """
        if media_type(self.headers.get("content-type", "")) != "application/json":
            raise _unsupported(self.headers.get("content-type"))
        body = self.body
        if isinstance(body, bytes):
            try:
                body = orjson.loads(body)
            except ValueError as error:
                raise bad_request(f"An error occurred while reading the JSON: {error}") from None
        fields = as_object(body)
        if fields is None:
            raise bad_request("A JSON object was expected in the body.")
        return fields

    def preference(self, name: str) -> str:
        """Return the value of a preference, such as ``minimal`` for ``return``, or nothing."""
        for word in self.headers.get("prefer", "").split(","):
            key, _, value = word.partition(";")[0].partition("=")
            if key.strip().lower() in {name, f"odata.{name}"}:
                return value.strip().strip('"').lower()
        return ""

    def data(self) -> bytes:
        """Return the body as it came, for a stream."""
        return self.body if isinstance(self.body, bytes) else b""


def _unsupported(content_type: str | None) -> Exception:
    if content_type is None:
        return odata_error(
            415,
            "The request contains an entity body but no Content-Type header. The inferred media "
            "type 'application/octet-stream' is not supported for this resource.",
        )
    return odata_error(
        415,
        f"The request entity's media type '{content_type}' is not supported for this resource.",
    )


@lru_cache(maxsize=256)
def media_type(header: str) -> str:
    """Return the media type of a Content-Type in lower case, without parameters."""
    return header.partition(";")[0].strip().lower()


@lru_cache(maxsize=256)
def takes_ieee754(header: str) -> bool:
    """Tell whether a Content-Type has ``IEEE754Compatible=true``."""
    return "ieee754compatible=true" in header.replace(" ", "").lower()


@lru_cache(maxsize=256)
def level_of(accept: str) -> str:
    """Return how much metadata an Accept asks for; ``odata=verbose`` is ignored.

    Source: academy.creatio.com, "Stream data type request examples".
    """
    for level in ("none", "full"):
        if f"odata.metadata={level}" in accept.replace(" ", "").lower():
            return level
    return "minimal"


@lru_cache(maxsize=256)
def acceptable(accept: str) -> bool:
    """Tell whether an Accept allows JSON. Creatio's samples part media types by ``;`` as well."""
    words = accept.replace(";", ",").lower().split(",")
    offered = {"", "*/*", "application/*", "application/json"}
    return any(word.strip() in offered for word in words) or "application/json" in accept.lower()


@lru_cache(maxsize=256)
def preferred(accept: str, *offered: str) -> str:
    """Return the media type among *offered* that an Accept wants most; empty where it wants none.

    Media types are named in full: ``*/*`` wants none of them. Source: inferred from the library.
    """
    best, found = 0.0, ""
    for word in accept.lower().split(","):
        name, *parameters = (part.strip() for part in word.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                with suppress(ValueError):
                    quality = float(parameter[2:])
        if name in offered and quality > best:
            best, found = quality, name
    return found
