from typing import Any

import pytest

from creatio_async.emulator import Emulator

from .caller import Caller, caller_of


async def filled(**options: Any) -> Caller:
    emulator = Emulator(**options)
    emulator.insert("City", [{"Name": f"{n:02}"} for n in range(10)])
    crm = caller_of(emulator)
    await crm.login()
    return crm


async def pages(crm: Caller, path: str) -> list[list[str]]:
    root = f"{crm.base}/0/odata/"
    found: list[list[str]] = []
    while path:
        body = await crm.get(path.removeprefix(root))
        found.append([row["Name"] for row in body["value"]])
        path = body.get("@odata.nextLink", "")
    return found


@pytest.mark.parametrize("profile", ["creatio", "standard"])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("", [4, 4, 2]),
        ("?$orderby=Name&$count=true", [4, 4, 2]),
        ("?%24orderby=Name&$top=9", [4, 4, 1]),
        ("?$orderby=Name&$top=8", [4, 4]),
        ("?$orderby=Name&$skip=3&$top=6", [4, 2]),
        ("?$filter=Name%20lt%20'04'&$orderby=Name", [4]),
        ("?$orderby=Description", [4, 4, 2]),
        ("?$top=0", [0]),
        ("?&x=1", [4, 4, 2]),
    ],
)
async def test_rows_come_page_after_page(
    profile: str, relative: Any, query: str, sizes: list[int]
) -> None:
    crm = await filled(profile=profile, page_size=4, relative_links=relative)
    found = await pages(crm, f"City{query}")
    assert [len(page) for page in found] == sizes
    names = [name for page in found for name in page]
    assert len(set(names)) == len(names)
    if "orderby=Name" in query:
        assert names == sorted(names)
    crm.emulator.close()


async def test_a_next_link_is_absolute_or_relative_and_keeps_the_query() -> None:
    for relative in (False, True):
        crm = await filled(page_size=4, relative_links=relative)
        body = await crm.get("City?$count=true&$orderby=Name&%24skiptoken=4")
        root = "" if relative else f"{crm.base}/0/odata/"
        assert body["@odata.nextLink"] == f"{root}City?$count=true&$orderby=Name&$skiptoken=8"
        assert (body["@odata.count"], body["value"][0]["Name"]) == (10, "04")
        none = {"Accept": "application/json;odata.metadata=none"}
        assert "@odata.nextLink" in (await crm.odata("GET", "City", None, none)).json()
        crm.emulator.close()


async def test_creatio_gives_no_next_link_and_takes_no_token() -> None:
    crm = await filled()
    assert "@odata.nextLink" not in await crm.get("City")
    assert (await crm.odata("GET", "City?$skiptoken=1")).status == 400
    prefer = {"Prefer": "odata.maxpagesize=2"}
    assert "@odata.nextLink" not in (await crm.odata("GET", "City", None, prefer)).json()
    crm.emulator.close()


@pytest.mark.parametrize(
    ("prefer", "size", "applied"),
    [
        ("odata.maxpagesize=3", 3, "odata.maxpagesize=3"),
        ("maxpagesize=3", 3, "odata.maxpagesize=3"),
        ("odata.maxpagesize=7", 4, "odata.maxpagesize=7"),
        ("odata.maxpagesize=0", 4, None),
        ("odata.maxpagesize=many", 4, None),
        ("odata.maxpagesize=99999999999999", 4, None),
    ],
)
async def test_plain_odata_gives_pages_as_large_as_is_preferred(
    prefer: str, size: int, applied: str | None
) -> None:
    crm = await filled(profile="standard", page_size=4)
    response = await crm.odata("GET", "City", None, {"Prefer": prefer})
    assert len(response.json()["value"]) == size
    assert response.headers.get("preference-applied") == applied
    crm.emulator.close()


async def test_a_preference_makes_pages_where_there_were_none() -> None:
    crm = await filled(profile="standard")
    response = await crm.odata("GET", "City", None, {"Prefer": "odata.maxpagesize=6"})
    assert response.json()["@odata.nextLink"].endswith("City?$skiptoken=6")
    crm.emulator.close()


async def test_pages_count_towards_no_limit_of_rows() -> None:
    crm = await filled(page_size=4, row_limit=5)
    assert [len(page) for page in await pages(crm, "City")] == [4, 4, 2]
    crm.emulator.close()
