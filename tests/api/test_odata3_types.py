"""When OData 3 reads ``$metadata`` for the types of columns that answers do not tell."""

from typing import Any

import pytest

from creatio_async import CreatioError, TransportError
from creatio_async.emulator import Emulator
from creatio_async.messages import Response
from tests.api.canned import Canned, answer, canned, client, lost

ANDREW = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
SERVICE = "ServiceModel/EntityDataService.svc"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
SPACES = f'xmlns="http://www.w3.org/2005/Atom" xmlns:d="{DATA}" xmlns:m="{DATA}/metadata"'
METADATA = answer(
    f"""<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
<edmx:DataServices><Schema Namespace="T" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
<EntityType Name="City"><Key><PropertyRef Name="Id"/></Key>
<Property Name="Id" Type="Edm.Guid"/><Property Name="Size" Type="Edm.Int32"/>
<Property Name="Name" Type="Edm.String" m:FC_TargetPath="SyndicationTitle"
    m:FC_KeepInContent="false" xmlns:m="{DATA}/metadata"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="CityCollection" EntityType="T.City"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>""",
    content_type="application/xml",
)


def city(size: str = "<d:Size>5</d:Size>", key: str = f"<d:Id>{ANDREW}</d:Id>") -> Response:
    return answer(
        f"<entry {SPACES}><title>Rome</title><content type='application/xml'><m:properties>{key}"
        f"{size}</m:properties></content></entry>",
        content_type="application/atom+xml",
    )


TYPED = city('<d:Size m:type="Edm.Int32">5</d:Size>', f'<d:Id m:type="Edm.Guid">{ANDREW}</d:Id>')


def kinds(site: Canned) -> str:
    """Return what was asked for: m for ``$metadata``, r for rows."""
    return "".join("m" if "$metadata" in path else "r" for path in site.paths)


async def sizes(site: Canned, count: int, **options: Any) -> list[Any]:
    async with client(site) as crm:
        cities = crm.odata3.using("atom", **options)["City"]
        return [(await cities.get(ANDREW))["Size"] for _ in range(count)]


async def test_atom_without_types_is_read_by_those_of_metadata_which_is_read_once() -> None:
    site = canned(city(), METADATA, city(), city())
    assert (await sizes(site, 3), kinds(site)) == ([5, 5, 5], "rmrr")


async def test_atom_that_tells_types_needs_no_metadata() -> None:
    site = canned(TYPED, TYPED)
    assert (await sizes(site, 2), kinds(site)) == ([5, 5], "rr")


async def test_the_first_answer_with_an_id_decides() -> None:
    none = city(key="")
    site = canned(none, city(), METADATA, none)
    assert (await sizes(site, 3), kinds(site)) == (["5", 5, 5], "rrmr")
    site = canned(none, TYPED, none)
    assert (await sizes(site, 3), kinds(site)) == (["5", 5, "5"], "rrr")


async def test_without_metadata_texts_stay_texts() -> None:
    site = canned(city(), answer("No.", 404), city())
    assert (await sizes(site, 2), kinds(site)) == (["5", "5"], "rmr")


async def test_metadata_that_is_lost_on_the_way_is_asked_for_again() -> None:
    site = canned(city(), lost(), METADATA)
    assert (await sizes(site, 1), kinds(site)) == ([5], "rmm")
    site = canned(city(), *[lost()] * 10)
    with pytest.raises(TransportError):
        await sizes(site, 1)


async def test_who_wants_types_has_them_before_the_first_answer() -> None:
    site = canned(METADATA, TYPED, city(key=""))
    assert (await sizes(site, 2, typed=True), kinds(site)) == ([5, 5], "mrr")
    site = canned(answer("No.", 404))
    with pytest.raises(CreatioError) as caught:
        await sizes(site, 1, typed=True)
    assert "typed=False does without" in caught.value.__notes__[-1]


async def test_who_wants_none_has_none() -> None:
    site = canned(city(), city())
    assert (await sizes(site, 2, typed=False), kinds(site)) == (["5", "5"], "rr")


async def test_with_types_values_are_found_elsewhere_in_an_entry() -> None:
    async with client(canned(METADATA, TYPED)) as crm:
        row = await crm.odata3.using("atom", typed=True)["City"].get(ANDREW)
    assert row == {"Id": ANDREW, "Size": 5, "Name": "Rome"}


async def test_a_value_and_a_batch_are_read_by_types_too() -> None:
    value = answer(f'<d:Size xmlns:d="{DATA}">7</d:Size>', content_type="application/xml")
    inner = city().body.decode()
    batch = answer(
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"HTTP/1.1 200 OK\r\nContent-Type: application/atom+xml\r\n\r\n{inner}\r\n--b--\r\n",
        202,
        content_type="multipart/mixed; boundary=b",
    )
    site = canned(batch, METADATA, value)
    async with client(site) as crm:
        asked = crm.odata3.batch()
        found = asked.get("City", ANDREW)
        await asked.send()
        assert found.result()["Size"] == 5
        assert await crm.odata3["City"].value(ANDREW, "Size") == 7
    assert kinds(site) == "rmr"


async def test_the_emulator_tells_types(emulator: Emulator) -> None:
    async with client(emulator) as crm:
        assert (await crm.odata3["Contact"].get(ANDREW))["Age"] == 0
        await crm.odata3["Contact"].select("Name")
    assert not [each for each in emulator.requests if "$metadata" in each.url.path]
