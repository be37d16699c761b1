"""Pages of Atom, which are read while they come, and are whole or none."""

import pickle
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from creatio_async import (
    Creatio,
    Exchange,
    NotFoundError,
    Observer,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Cut, Emulator, Expire, Fail
from creatio_async.messages import Response
from creatio_async.protocol import dialect3
from creatio_async.protocol.odata3.taker import AtomTaker
from tests.api.canned import AT_ONCE, AUTH, answer, canned, client

ROWS = 130
FEED = "ContactCollection"
TYPED = '<d:Id m:type="Edm.Guid">c4ed336c-3e9b-40fe-8b82-5632476472b4</d:Id>'


class Sizes(Observer):
    """Keeps how many bytes came of each page."""

    def __init__(self) -> None:
        self.received: list[int | None] = []

    def answered(self, exchange: Exchange, /) -> None:
        """Keep it."""
        if exchange.url.path.endswith(FEED):
            self.received.append(exchange.bytes_received)


@pytest.fixture
def emulator() -> Emulator:
    site = Emulator()
    site.insert("Contact", [{"Name": f"Contact {number:03}"} for number in range(ROWS - 3)])
    return site


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Return the sizes of the pieces in which pages are read, page by page."""
    noted: list[list[int]] = []

    class Noted(AtomTaker):
        def take(self, chunk: bytes, /) -> None:
            if not self.size:
                noted.append([])
            noted[-1].append(len(chunk))
            super().take(chunk)

    monkeypatch.setattr(dialect3, "AtomTaker", Noted)
    return noted


@pytest.fixture
async def crm(emulator: Emulator) -> AsyncIterator[Creatio]:
    with emulator:
        async with emulator.served() as url, Creatio(url, AUTH, retry=AT_ONCE) as opened:
            yield opened


async def names(crm: Creatio) -> list[str]:
    return [row["Name"] async for row in crm.odata3["Contact"].where("Id ne null")]


async def test_pages_are_read_in_pieces_once_the_first_has_told_its_types(
    crm: Creatio, pages: list[list[int]]
) -> None:
    assert len(set(await names(crm))) == ROWS
    assert len(pages) == ROWS // 40  # the first of the four is read whole
    for pieces in pages[:-1]:
        assert len(pieces) > 3
        assert max(pieces) <= 65536


@pytest.mark.parametrize("at", [0.01, 0.5, 0.999])
async def test_a_page_that_is_cut_off_is_asked_for_again_and_gives_no_row_twice(
    crm: Creatio, emulator: Emulator, pages: list[list[int]], at: float
) -> None:
    whole = await names(crm)
    emulator.troubles.add(Cut(at), path=FEED, skip=2)
    before, read = len(emulator.requests), len(pages)
    assert await names(crm) == whole
    assert len(emulator.requests) - before == 5
    assert len(pages) - read in {4, 5}  # of the shortest nothing may come


async def test_a_page_that_is_always_cut_off_is_an_error(crm: Creatio, emulator: Emulator) -> None:
    await names(crm)
    emulator.troubles.add(Cut(), path=FEED, times=None)
    with pytest.raises(TransportError, match="broke off"):
        await names(crm)


@pytest.mark.parametrize("shape", ["401", "redirect", "html", "json"])
async def test_a_session_that_is_lost_between_pages_is_renewed(
    crm: Creatio, emulator: Emulator, shape: Literal["401", "redirect", "html", "json"]
) -> None:
    whole = await names(crm)
    emulator.troubles.add(Expire(shape), path=FEED, skip=1)
    assert await names(crm) == whole


async def test_a_refusal_of_a_page_is_repeated_and_told_as_ever(
    crm: Creatio, emulator: Emulator
) -> None:
    whole = await names(crm)
    emulator.troubles.add(Fail(message="Try again."), path=FEED, skip=1)
    assert await names(crm) == whole
    emulator.troubles.add(Fail(message="Not again."), path=FEED, skip=1, times=None)
    with pytest.raises(ServerError, match="Not again"):
        await names(crm)


async def test_who_observes_is_told_the_size_of_the_whole_page(emulator: Emulator) -> None:
    sizes = Sizes()
    with emulator:
        async with emulator.served() as url, Creatio(url, AUTH, observe=sizes) as crm:
            query = crm.odata3["Contact"].where("Id ne null")
            told = [page.size async for page in query.pages()]
    assert sizes.received == told
    assert min(told) > 65536


def feed(entry: str) -> Response:
    data = "http://schemas.microsoft.com/ado/2007/08/dataservices"
    body = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:d="{data}" xmlns:m="{data}/metadata">'
        f'<entry><content type="application/xml"><m:properties>{TYPED}{entry}</feed>'
    )
    return answer(body, content_type="application/atom+xml;type=feed;charset=utf-8")


END = "</m:properties></content></entry>"
FILLER = f"<!--{'x' * 200_000}-->"
"""More than is given to the parser at once: what is wrong before it is found while it comes."""


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("<d:Age", "not well-formed"),
        (END[:-3], "not well-formed"),
        (f'<d:Age m:type="Edm.Int32">x</d:Age>{END}', "'Age' holds 'x'"),
        (f'<d:Age m:type="Edm.Int32">y</d:Age>{END}{FILLER}', "'Age' holds 'y'"),
        (f"{END}<m:error><m:message>Gone.</m:message></m:error>", "broke off: Gone"),
        (f"<m:error><m:message>Gone.</m:message>{FILLER}</m:error>", "broke off: Gone"),
    ],
)
async def test_a_page_that_is_no_page_gives_no_rows_and_an_error_that_can_be_kept(
    entry: str, words: str
) -> None:
    async with client(canned(feed(END), feed(entry))) as crm:
        cities = crm.odata3["City"].where("true")
        assert len(await cities) == 1
        with pytest.raises(UnexpectedResponseError, match=words) as caught:
            await cities
    kept = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert kept.response.body == feed(entry).body


async def test_an_entry_where_a_page_is_due_is_an_error_that_can_be_kept() -> None:
    entry = feed(END).text().removesuffix("</feed>").replace("<feed", "<entry", 1)
    entry = entry.replace("<entry><content", "<content", 1)
    single = answer(entry, content_type="application/atom+xml;type=entry")
    async with client(canned(feed(END), single)) as crm:
        cities = crm.odata3["City"].where("true")
        await cities
        with pytest.raises(UnexpectedResponseError, match="it is one row") as caught:
            await cities
    assert pickle.loads(pickle.dumps(caught.value)).response.body == single.body  # noqa: S301 - our own


async def test_an_error_about_rows_can_be_kept_as_well() -> None:
    empty = answer(
        '<feed xmlns="http://www.w3.org/2005/Atom"/>', content_type="application/atom+xml"
    )
    async with client(canned(feed(END), empty)) as crm:
        cities = crm.odata3["City"]
        await cities.where("true")
        with pytest.raises(NotFoundError) as caught:
            await cities.where("true").one()
    assert pickle.loads(pickle.dumps(caught.value)).status == 200  # noqa: S301 - our own
