"""What the client library of WCF Data Services sends, replayed byte for byte.

``wcf_client.http`` was recorded from System.Data.Services.Client 4.0, which ran the examples in C#
of academy.creatio.com, "WCF client", and more, under Mono 6.8 against the emulator. Left out are
the length of each body and the session; in place of the address stands ``crm.test``. After the name
of a step stand the statuses that the client was given: that of the answer, and of what a batch
holds.
"""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field, frozen

from creatio_async.emulator import Emulator

from .caller import ZERO

_RECORDED: Final = Path(__file__).with_name("wcf_client.http")
_INNER: Final = re.compile(r"Content-Length: \d+\r?\n\r?\n(.*?\r?\n)--changeset", re.DOTALL)
_NEW_USER: Final = "0ee0a1d0-d482-40d8-b4aa-ac2dfe97ac0c"
_COMPANY: Final = "287b7163-61ef-4bfc-afdb-b9809944e7e7"
_ANOTHER: Final = "9a037f50-02aa-4d67-89eb-c4044965426f"


@frozen
class Step:
    """A request as it was recorded."""

    name: str
    statuses: list[int]
    head: str
    body: str

    def wire(self, line_end: str, token: str, cookies: str) -> tuple[bytes, bytes]:
        """The head and the body, with the lines of the body ended as Windows or Mono does."""
        body = self.body
        if line_end != "\n":
            body = _INNER.sub(_counted, body.replace("\n", line_end))
        content = body.encode()
        told = self.head.replace("{token}", token).replace("{cookies}", cookies)
        if content:
            told += f"\nContent-Length: {len(content)}"
        return told.replace("\n", "\r\n").encode() + b"\r\n\r\n", content


def _counted(match: re.Match[str]) -> str:
    """An operation with its length, in which the client counts the line end after the body."""
    length = len(match[1].encode())
    return f"Content-Length: {length}\r\n\r\n{match[1]}--changeset"


def _steps() -> Iterator[Step]:
    for text in _RECORDED.read_text("utf-8").split("### ")[1:]:
        title, _, rest = text.partition("\n")
        name, _, statuses = title.partition(": ")
        head, _, body = rest.rstrip("\n").partition("\n\n")
        yield Step(name, [int(s) for s in statuses.split()], head, body and body + "\n")


@define
class Replay:
    """One connection, kept open as the client does."""

    reader: StreamReader
    writer: StreamWriter
    line_end: str
    cookies: dict[str, str] = field(factory=dict[str, str])

    async def send(self, step: Step) -> tuple[int, dict[str, str], str]:
        """Return the status, the headers and the text of the answer."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        head, body = step.wire(self.line_end, self.cookies.get("BPMCSRF", ""), cookies)
        self.writer.write(head)
        if b"Expect: 100-continue" in head:
            assert (await self._head())[0] == 100
        self.writer.write(body)
        status, headers = await self._head()
        content = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return status, headers, content.decode()

    async def _head(self) -> tuple[int, dict[str, str]]:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
            if name.lower() == "set-cookie":
                cookie, _, value = value.partition(";")[0].partition("=")
                self.cookies[cookie] = value
        return int(first.split()[1]), headers


def _check_batch(step: Step, headers: dict[str, str], answer: str) -> None:
    """Hold a batch to what the client insists on, where others are content with less."""
    assert headers["content-type"].startswith("multipart/mixed; boundary=batchresponse_")
    parts = re.findall(
        r"^--(\w+response)_[\w-]+\r\n(.*?)\r\n\r\n", answer, re.DOTALL | re.MULTILINE
    )
    operations = [head for _, head in parts if "multipart/mixed" not in head]
    assert len(operations) == len(step.statuses) - 1
    for head in operations:  # two headers, neither more nor less
        assert head.split("\r\n") == [
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
        ]
    if all(status < 400 for status in step.statuses):
        asked = re.findall(r"^Content-ID: (\d+)$", step.body, re.MULTILINE)
        told = re.findall(r"^HTTP/1.1 \d+ [^\r]+\r\nContent-ID: (\d+)\r$", answer, re.MULTILINE)
        assert told == asked


def _row(emulator: Emulator, name: str, key: str) -> dict[str, Any]:
    return next(row for row in emulator.rows(name) if row["Id"] == key)


def _names(emulator: Emulator, name: str) -> set[str]:
    return {row["Name"] for row in emulator.rows(name)}


def _linked(emulator: Emulator) -> None:
    assert _row(emulator, "Contact", _NEW_USER)["AccountId"] == _COMPANY
    assert _row(emulator, "Account", _COMPANY)["Name"] == "Some Company"


def _updated(emulator: Emulator) -> None:
    row = _row(emulator, "Contact", _NEW_USER)
    assert (row["Notes"], row["Phone"]) == ("A & <B> Ж", "123456789")
    assert row["BirthDate"] == "1990-12-12T01:02:03.456Z"
    assert row["AccountId"] == _COMPANY


def _replaced(emulator: Emulator) -> None:
    assert _row(emulator, "Contact", _NEW_USER)["BirthDate"] == "0001-01-01T00:00:00Z"


def _linked_in_the_entry(emulator: Emulator) -> None:
    assert next(r for r in emulator.rows("Contact") if r["Name"] == "two")["AccountId"] == _ANOTHER


def _tunnelled(emulator: Emulator) -> None:
    assert _row(emulator, "Account", _ANOTHER)["Phone"] == "3"
    assert next(r for r in emulator.rows("Contact") if r["Name"] == "two")["AccountId"] == ZERO
    assert "three" not in _names(emulator, "Contact")


def _undone(emulator: Emulator) -> None:
    assert "undone" not in _names(emulator, "Contact")


def _deleted(emulator: Emulator) -> None:
    assert not {"two", "New Test User"} & _names(emulator, "Contact")


_AFTER: Final[dict[str, Callable[[Emulator], None]]] = {
    "create with a link, in a batch": _linked,
    "update": _updated,
    "replace": _replaced,
    "add, with a link in the entry": _linked_in_the_entry,
    "set and remove a link": _linked_in_the_entry,
    "tunnel": _tunnelled,
    "a batch that fails": _undone,
    "delete": _deleted,
}
"""What the last step of a name leaves behind."""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["as under Mono", "as under Windows"])
async def test_the_wcf_client_is_answered_as_it_wants_it(emulator: Emulator, line_end: str) -> None:
    steps = list(_steps())
    async with emulator.served() as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            replay = Replay(reader, writer, line_end)
            for step, following in zip(steps, [*steps[1:], None], strict=True):
                status, headers, answer = await replay.send(step)
                inner = re.findall(r"^HTTP/1.1 (\d+) ", answer, re.MULTILINE)
                assert [status, *map(int, inner)] == step.statuses, (step.name, answer)
                # the client knows versions 1 and 2, and throws at any other
                versions = re.findall(r"DataServiceVersion: ([^\r]+)", answer)
                versions.append(headers.get("dataserviceversion", "1.0;"))
                assert set(versions) <= {"1.0;", "2.0;"}, step.name
                if inner:
                    _check_batch(step, headers, answer)
                last_of_its_name = following is None or following.name != step.name
                if last_of_its_name and step.name in _AFTER:
                    _AFTER[step.name](emulator)
        finally:
            writer.close()
            await writer.wait_closed()
    assert {step.name for step in steps} >= _AFTER.keys()
