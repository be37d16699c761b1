"""The schema of a service, from the site and from a file."""

import stat
from pathlib import Path

import pytest

from creatio_async import Creatio, NotFoundError, TransportError, UnexpectedResponseError
from creatio_async.emulator import Cut, Emulator, Refuse
from tests.api.canned import answer, canned, client

DOCUMENT = b"""<?xml version="1.0"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Model" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="City"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Guid"/>
</EntityType><EntityContainer Name="All"><EntitySet Name="City" EntityType="Model.City"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""


def metadata_requests(emulator: Emulator) -> int:
    return sum(each.url.path.endswith("$metadata") for each in emulator.requests)


async def test_the_schema_tells_columns_lookups_and_sets(crm: Creatio) -> None:
    schema = await crm.odata.metadata()
    city = schema["City"]
    assert city.keys == ("Id",)
    assert city.properties["CountryId"].type == "Edm.Guid"
    assert city.navigations["Country"].column == "CountryId"
    assert set(schema.entity_sets) == set(await crm.odata.entity_sets())


async def test_a_kept_document_is_read_until_the_site_has_another_state(
    crm: Creatio, emulator: Emulator, tmp_path: Path
) -> None:
    cache = tmp_path / "metadata"
    first = await crm.odata.metadata(cache=cache)
    second = await crm.odata.metadata(cache=str(cache))
    assert first == second
    assert metadata_requests(emulator) == 1
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["metadata"]


async def test_another_state_another_site_and_a_broken_file_are_read_anew(tmp_path: Path) -> None:
    cache = tmp_path / "metadata"
    site = canned(
        *(answer({"hash": "1"}), answer(DOCUMENT)),
        *(answer({"hash": "2"}), answer(DOCUMENT)),
        answer({"hash": "2"}),
        *(answer({"hash": "2"}), answer(DOCUMENT)),
    )
    async with client(site) as crm:
        for _ in range(3):
            assert "City" in await crm.odata.metadata(cache=cache)
        cache.write_bytes(cache.read_bytes()[:-20])
        assert "City" in await crm.odata.metadata(cache=cache)
    assert site.answers == []


async def test_a_site_that_tells_no_state_is_asked_each_time(tmp_path: Path) -> None:
    cache = tmp_path / "metadata"
    site = canned(*(answer(status=404), answer(DOCUMENT)) * 2)
    async with client(site) as crm:
        for _ in range(2):
            assert "City" in await crm.odata.metadata(cache=cache)
    assert not cache.exists()


@pytest.mark.parametrize("body", [b"", b"<html/>", DOCUMENT[:-30], b"<!DOCTYPE x><x/>", b'{"a":1}'])
async def test_what_is_no_metadata_is_a_clear_error(body: bytes) -> None:
    async with client(canned(answer(body, content_type="application/xml"))) as crm:
        with pytest.raises(UnexpectedResponseError, match="no \\$metadata"):
            await crm.odata.metadata()


async def test_failures_on_the_way_are_what_they_are(crm: Creatio, emulator: Emulator) -> None:
    emulator.troubles.add(Cut(0.5), path="$metadata", times=None)
    with pytest.raises(TransportError):
        await crm.odata.metadata()
    emulator.troubles.clear()
    emulator.troubles.add(Refuse(503), path="$metadata", times=2)
    assert "City" in await crm.odata.metadata()
    async with client(canned(answer(status=404))) as other:
        with pytest.raises(NotFoundError):
            await other.odata.metadata()
