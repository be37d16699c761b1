"""Requests and answers as Creatio's documentation prints them.

The files beside this one hold the printed text. Their source is academy.creatio.com:
``create_*``, ``update_*`` "Stream data type request examples", ``batch*`` "Batch request
examples", ``find_schemas`` "odata web service (OData 4)", ``process_*`` "Run a business process
via the web service".

What is printed cannot all be sent. Known errata, which reading repairs where it says so:

- Bodies hold ``//`` comments, which are no JSON.
- ``batch.http`` spells ``City`` with a Cyrillic capital Es in two addresses.
- Both batches use the id ``t3`` twice; answers cannot be told apart by it.
- ``Prefer: continue-on-error`` stands within the operations too, where it does nothing.
- ``IEEE754Compatible=true`` would have the server refuse decimals that are numbers.
- ``process_contacts.xml`` is a picture of a console: its lines are cut at a fixed width, it has
  lost some quotes, the pluses of two telephone numbers (a ``+`` in a query is a blank), and the
  last digit of an id.
"""

import re
from pathlib import Path
from typing import Any

import orjson
from attrs import frozen

__all__ = ["Printed", "contacts", "operations", "printed", "text_of"]

_HERE = Path(__file__).parent
_CYRILLIC_ES = "\u0421"


@frozen
class Printed:
    """A request and its answer."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    """Decoded from JSON, without comments; None where there is none."""
    status: int
    answer: Any


def text_of(name: str) -> str:
    """Return the text of a file as it is printed."""
    return _HERE.joinpath(name).read_text(encoding="utf-8")


def printed(name: str) -> Printed:
    """Return the request and the answer in a file; comments are left out."""
    lines = [line for line in text_of(name).splitlines() if not line.strip().startswith("//")]
    method, _, url = lines[0].partition(" ")
    end = next((at for at, line in enumerate(lines) if line.startswith("Status:")), len(lines))
    opening = next((at for at, line in enumerate(lines[:end]) if line.startswith("{")), end)
    pairs = (line.partition(":") for line in lines[1:opening] if line.strip())
    status = lines[end].split()[1] if end < len(lines) else "0"
    return Printed(
        method=method,
        url=url,
        headers={name: value.strip() for name, _, value in pairs},
        body=_json(lines[opening:end]),
        status=int(status),
        answer=_json(lines[end + 1 :]),
    )


def _json(lines: list[str]) -> Any:
    text = "\n".join(lines).strip()
    return orjson.loads(text) if text else None


def operations(batch: Printed) -> list[dict[str, Any]]:
    """Return the operations of a batch with the name of the set in Latin letters."""
    return [
        {**each, "url": each["url"].replace(_CYRILLIC_ES, "C")} for each in batch.body["requests"]
    ]


def contacts() -> list[dict[str, Any]]:
    """Return the rows of ``process_contacts.xml``: lines joined, quotes put back."""
    text = text_of("process_contacts.xml").replace("\n", "").replace("\\", "")
    inner = text[text.index("[") : text.rindex("]") + 1]
    rows: list[dict[str, Any]] = orjson.loads(re.sub(r'([{,] *)"?(\w+)"?:', r'\1"\2":', inner))
    return rows
