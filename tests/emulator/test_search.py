from collections.abc import AsyncGenerator
from urllib.parse import quote

import pytest

from creatio_async.emulator import Emulator

from .caller import Caller, caller_of, message_of


@pytest.fixture
async def plain() -> AsyncGenerator[Caller]:
    with Emulator(profile="standard") as emulator:
        rows = [("Red Fox", "quick"), ("Grey Fox", "slow"), ("Red Hen", ""), ("Łódź", "OR")]
        emulator.insert("City", [{"Name": n, "Description": d} for n, d in rows])
        caller = caller_of(emulator)
        await caller.login()
        yield caller


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("fox", ["Red Fox", "Grey Fox"]),
        ("red fox", ["Red Fox"]),
        ("red AND fox", ["Red Fox"]),
        ("hen OR slow", ["Grey Fox", "Red Hen"]),
        ("red NOT fox", ["Red Hen"]),
        ("NOT (fox OR hen)", ["Łódź"]),
        ("quick OR red hen", ["Red Fox", "Red Hen"]),
        ("(quick OR hen) red", ["Red Fox", "Red Hen"]),
        ('"d f"', ["Red Fox"]),
        ('"OR"', ["Łódź"]),
        ("łódź", ["Łódź"]),
        ("100%", []),
    ],
)
async def test_words_are_searched_in_every_text(plain: Caller, text: str, names: list[str]) -> None:
    assert await plain.names(f"City?$search={quote(text)}") == names
    count = await plain.odata("GET", f"City/$count?$search={quote(text)}")
    assert count.text() == str(len(names))


async def test_a_search_goes_with_a_filter_and_into_an_expansion(plain: Caller) -> None:
    path = "City?$search=red&$filter=contains(Name,'Hen')"
    assert await plain.names(path) == ["Red Hen"]
    [row] = await plain.values(
        "Country?$top=1&$expand=CityCollectionByCountry($search=red%20OR%20grey)"
    )
    assert row["CityCollectionByCountry"] == []


@pytest.mark.parametrize(
    "text", ["", "a OR", "OR a", "AND", "(a", "a)", "()", 'a "b', "NOT", "NOT " * 60 + "a"]
)
async def test_a_search_that_does_not_hold_is_refused(plain: Caller, text: str) -> None:
    assert (await plain.odata("GET", f"City?$search={quote(text)}")).status == 400


async def test_creatio_searches_nothing(crm: Caller) -> None:
    assert (await crm.odata("GET", "City?$search=a")).status == 400


@pytest.mark.parametrize("option", ["$apply", "$compute", "$deltatoken", "$index"])
async def test_what_plain_odata_lacks_is_named(plain: Caller, option: str) -> None:
    response = await plain.odata("GET", f"City?{option}=x")
    assert response.status == 501
    assert f"The query option '{option}' is not implemented" in message_of(response)
