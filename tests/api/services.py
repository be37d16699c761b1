"""What was asked of the services of an emulated site, in words that both versions share."""

import re
from typing import Any

import orjson

from creatio_async.emulator import Emulator
from creatio_async.messages import Request
from creatio_async.protocol.odata3.atom import read_atom

__all__ = ["ROOTS", "body_of", "is_of", "sent"]

ROOTS = ("/odata/", "/ServiceModel/EntityDataService.svc/")
_KEY = re.compile(r"Collection\(guid'([^']*)'\)")


def sent(emulator: Emulator, *methods: str) -> list[str]:
    """Return the requests to the services: ``PATCH Contact(...)``, whatever the version says."""
    asked = [(_method(each), _path(each)) for each in emulator.requests]
    return [
        f"{method} {path}"
        for method, path in asked
        if path is not None and path != "$metadata" and (not methods or method in methods)
    ]


def is_of(request: Request, path: str) -> bool:
    """Say whether *request* went to *path*, such as ``Contact``."""
    return _path(request) == path


def body_of(request: Request) -> dict[str, Any]:
    """Return the row in a body."""
    if request.body.startswith(b"<"):
        return read_atom(request.body).rows[0]
    found: dict[str, Any] = orjson.loads(request.body)
    return found


def _method(request: Request) -> str:
    method = request.headers.get("x-http-method", request.method)
    return "PATCH" if method == "MERGE" else method


def _path(request: Request) -> str | None:
    for root in ROOTS:
        if root in request.url.path:
            path = _KEY.sub(r"(\1)", request.url.path.partition(root)[2])
            return path.removesuffix("Collection")
    return None
