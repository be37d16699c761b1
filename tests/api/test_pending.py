"""Answers that come later: a 202 is followed to its end."""

import pytest

from creatio_async import (
    ConflictError,
    CreatioError,
    NotFoundError,
    OData,
    ServerError,
    UnexpectedResponseError,
)
from creatio_async.emulator import Accepted, Emulator
from tests.api.canned import answer, canned, client

ID = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
MONITOR = ("Location", "/0/odata/$monitor?x=1")


@pytest.mark.parametrize("then", ["result", "redirect"])
async def test_a_change_that_is_accepted_is_followed_to_its_result(
    odata: OData, emulator: Emulator, then: str
) -> None:
    cities = odata["City"]
    emulator.troubles.add(Accepted(polls=2, then=then), method="POST")  # type: ignore[arg-type]
    city = await cities.create({"Name": "Rome"})
    assert city["Name"] == "Rome"
    emulator.troubles.add(Accepted(polls=1, then=then), method="PATCH")  # type: ignore[arg-type]
    await cities.update(city["Id"], {"Name": "Roma"})
    assert await cities.value(city["Id"], "Name") == "Roma"
    emulator.troubles.add(Accepted(polls=0, then=then), method="DELETE")  # type: ignore[arg-type]
    await cities.delete(city["Id"])
    assert await cities.count() == 0


@pytest.mark.parametrize("then", ["result", "redirect"])
async def test_a_refusal_that_comes_later_is_one(
    odata: OData, emulator: Emulator, then: str
) -> None:
    (taken,) = emulator.insert("City", [{"Name": "Rome"}])
    emulator.troubles.add(Accepted(then=then), method="POST")  # type: ignore[arg-type]
    with pytest.raises(ConflictError):
        await odata["City"].create({"Id": taken, "Name": "Oslo"})
    emulator.troubles.add(Accepted(then=then), method="GET")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        await odata["City"].get(ID)


async def test_the_waits_are_those_that_the_server_asks_for() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    pending = answer(status=202, headers=[MONITOR, ("Retry-After", "7")])
    site = canned(pending, pending, answer(status=202, headers=[MONITOR]), answer({"Id": ID}))
    async with client(site) as crm:
        crm.processes._sender.sleep = sleep
        assert await crm.odata["City"].get(ID) == {"Id": ID}
    assert waits == [7, 7, 0]
    assert site.paths[1:] == ["GET odata/$monitor?x=1"] * 3


async def test_a_202_that_leads_nowhere_is_the_answer() -> None:
    async with client(canned(answer(status=202))) as crm:
        assert await crm.odata["City"].update(ID, {"Name": "x"}) is None


async def test_a_result_may_be_a_whole_answer() -> None:
    whole = (
        b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{"Id":"%s"}' % ID.encode()
    )
    pending = answer(status=202, headers=[MONITOR])
    site = canned(
        pending,
        answer(whole, content_type="application/http"),
        pending,
        answer(b"HTTP/1.1 500 Oops\r\n\r\n", content_type="application/http"),
        answer(status=404),
        pending,
        answer(b"nonsense", content_type="application/http"),
    )
    async with client(site) as crm:
        assert await crm.odata["City"].create({"Id": ID}) == {"Id": ID}
        with pytest.raises(ServerError):
            await crm.odata["City"].create({"Id": ID})
        with pytest.raises(UnexpectedResponseError, match="no whole answer"):
            await crm.odata["City"].get(ID)


async def test_an_answer_is_not_waited_for_forever() -> None:
    pending = answer(status=202, headers=[MONITOR, ("Retry-After", "3601")])
    async with client(canned(pending)) as crm:
        with pytest.raises(UnexpectedResponseError, match="still not carried out"):
            await crm.odata["City"].get(ID)


async def test_an_address_of_another_origin_is_not_followed() -> None:
    elsewhere = answer(
        status=202, headers=[("Location", "http://other.test/x"), ("Retry-After", "0")]
    )
    site = canned(elsewhere)
    async with client(site) as crm:
        with pytest.raises((CreatioError, ValueError), match="not the site"):
            await crm.odata["City"].get(ID)
    assert len(site.requests) == 1
