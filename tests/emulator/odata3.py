"""A caller of OData 3, and XML read by the standard library: the emulator reads its own way."""

import re
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from creatio_async.messages import Response

from .caller import Caller

PATH = "/ServiceModel/EntityDataService.svc/"
ATOM = "{http://www.w3.org/2005/Atom}"
D = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
M = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
RELATED = f"{D[1:-1]}/related/"
VERBOSE = "application/json;odata=verbose"
JSON = {"Accept": VERBOSE, "Content-Type": VERBOSE}
ENTRY = {"Accept": "application/atom+xml", "Content-Type": "application/atom+xml;type=entry"}


async def v3(
    crm: Caller, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Response:
    """Send to *path* below the service; blanks in it are escaped."""
    return await crm.ask(
        method,
        crm.workspace + PATH + path.replace(" ", "%20"),
        body,
        {"Accept": "-"} | (headers or {}),
    )


def entity(name: str, key: str) -> str:
    """Return where a row is."""
    return f"{name}Collection(guid'{key}')"


def xml(response: Response) -> ET.Element:
    """Return the root of an answer, which must be XML."""
    assert response.status < 300, response.text()
    return ET.fromstring(response.body)  # noqa: S314 - the emulator wrote it


async def entry(crm: Caller, path: str) -> ET.Element:
    return xml(await v3(crm, "GET", path))


async def rows(crm: Caller, path: str) -> list[dict[str, Any]]:
    """Return the rows at *path* from verbose JSON, all pages of them."""
    found: list[dict[str, Any]] = []
    while path:
        response = await v3(crm, "GET", path, headers=JSON)
        assert response.status == 200, response.text()
        page = response.json()["d"]
        found += page["results"]
        path = page.get("__next", "").partition(PATH)[2]
    return found


async def names(crm: Caller, path: str) -> list[str]:
    return [row["Name"] for row in await rows(crm, path)]


async def filtered(crm: Caller, name: str, text: str) -> list[str]:
    """Return the names of the rows that a filter finds, in alphabetical order."""
    escaped = quote(text, safe="")
    return sorted(await names(crm, f"{name}Collection?$filter={escaped}&$select=Name"))


async def create(crm: Caller, name: str, **fields: Any) -> dict[str, Any]:
    response = await v3(crm, "POST", f"{name}Collection", fields, JSON)
    assert response.status == 201, response.text()
    row: dict[str, Any] = response.json()["d"]
    return row


def fields_of(element: ET.Element) -> dict[str, str | None]:
    """Return the values of an entry by name."""
    properties = element.find(f"{ATOM}content/{M}properties")
    assert properties is not None
    return {
        field.tag.removeprefix(D): None if field.get(f"{M}null") == "true" else field.text or ""
        for field in properties
    }


def links_of(element: ET.Element) -> dict[str, str]:
    """Return the addresses of the links of an entry or a feed by their relation."""
    return {link.get("rel", ""): link.get("href", "") for link in element.findall(f"{ATOM}link")}


def message(response: Response) -> str:
    """Return the text of an error, in either form."""
    if response.content_type == "application/json":
        told: str = response.json()["error"]["message"]["value"]
        return told
    root = ET.fromstring(response.body)  # noqa: S314 - the emulator wrote it
    assert root.tag == f"{M}error"
    return root.findtext(f"{M}message") or ""


def atom(name: str, links: str = "", **fields: str | None) -> bytes:
    """Return an entry as a WCF client writes it; None is null."""
    values = "".join(
        f'<d:{field} m:null="true" />' if value is None else f"<d:{field}>{value}</d:{field}>"
        for field, value in fields.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
        f'<entry xmlns:d="{D[1:-1]}" xmlns:m="{M[1:-1]}" xmlns="{ATOM[1:-1]}">'
        '<category scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" '
        f'term="Terrasoft.Configuration.{name}" />{links}'
        "<title /><updated>2026-11-21T21:00:00Z</updated><author><name /></author><id />"
        f'<content type="application/xml"><m:properties>{values}</m:properties></content></entry>'
    ).encode()


def batch(*parts: str | list[str]) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a batch: queries, and change sets as lists."""
    http = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    lines: list[str] = []
    for number, part in enumerate(parts):
        lines.append("--batch_1")
        if isinstance(part, str):
            lines.append(http + part)
            continue
        lines.append(f"Content-Type: multipart/mixed; boundary=changeset_{number}\r\n")
        for operation in part:
            lines += [f"--changeset_{number}", http + operation]
        lines.append(f"--changeset_{number}--")
    text = "\r\n".join([*lines, "--batch_1--", ""])
    return text.encode(), {"Content-Type": "multipart/mixed; boundary=batch_1", "Accept": "-"}


def operation(line: str, body: str | bytes = "", **headers: str | int) -> str:
    """Return an operation of a batch."""
    text = body if isinstance(body, str) else body.decode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if text:
        told["Content-Length"] = len(text.encode())
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{line} HTTP/1.1\r\n{head}\r\n{text}"


def statuses(response: Response) -> list[int]:
    """Return the status of each operation of a batch."""
    return [int(found) for found in re.findall(r"^HTTP/1.1 (\d+)", response.text(), re.MULTILINE)]
