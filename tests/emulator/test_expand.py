from typing import Any
from urllib.parse import quote

import pytest

from creatio_async.emulator import Emulator

from .caller import Caller, caller_of, message_of

MEMBERS = "ContactCollectionByAccount"


def company(emulator: Emulator) -> Caller:
    """A chain of four accounts, the first with three contacts."""
    parent = None
    for name in ("Root", "Trunk", "Branch", "Leaf"):
        row = {"Name": name} | ({"ParentId": parent} if parent else {})
        [parent] = emulator.insert("Account", [row])
    [root] = [row["Id"] for row in emulator.rows("Account") if row["Name"] == "Root"]
    people = (("Ann", 30), ("Bob", 20), ("Cid", 20))
    emulator.insert("Contact", [{"Name": n, "AccountId": root, "Age": age} for n, age in people])
    return caller_of(emulator)


async def rows(crm: Caller, text: str) -> Any:
    if not crm.cookies:
        await crm.login()
    return without_annotations(await crm.values(quote(text, safe="?&=$();,'/*@")))


def without_annotations(value: Any) -> Any:
    if isinstance(value, list):
        return [without_annotations(one) for one in value]
    if isinstance(value, dict):
        return {n: without_annotations(v) for n, v in value.items() if n != "@odata.etag"}
    return value


@pytest.fixture(params=["creatio", "standard"])
def crm_of(request: pytest.FixtureRequest) -> Any:
    with Emulator(profile=request.param) as emulator:
        yield company(emulator)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("$orderby=Name desc", ["Cid", "Bob", "Ann"]),
        ("$orderby=Age,Name;$top=2", ["Bob", "Cid"]),
        ("$orderby=Name;$skip=1", ["Bob", "Cid"]),
        ("$orderby=Name;$skip=1;$top=1", ["Bob"]),
        ("$filter=Age gt 20", ["Ann"]),
        ("$filter=startswith(Name,';)') or Name eq 'Ann'", ["Ann"]),
        ("$filter=Account/Name eq 'Root' and contains(Name,'i')", ["Cid"]),
        ("$filter=Account/ContactCollectionByAccount/any(c:c/Name eq 'x')", []),
        ("$top=0", []),
    ],
)
async def test_a_collection_is_expanded_with_options(
    crm_of: Caller, options: str, names: list[str]
) -> None:
    text = f"Account?$filter=Name eq 'Root'&$expand={MEMBERS}($select=Name;$count=true;{options})"
    [row] = await rows(crm_of, text)
    assert [one["Name"] for one in row[MEMBERS]] == names
    assert row[f"{MEMBERS}@odata.count"] >= len(names)
    assert all(list(one) == ["Name"] for one in row[MEMBERS])


async def test_a_row_is_expanded_with_options(crm_of: Caller) -> None:
    text = "Contact?$filter=Name eq 'Ann'&$select=Name&$expand=Account($select=*;$filter={})"
    [row] = await rows(crm_of, text.format("Name eq 'Root'"))
    assert row["Account"]["Name"] == "Root"
    assert await rows(crm_of, text.format("Name eq 'Leaf'")) == [{"Name": "Ann", "Account": None}]
    text = (
        f"Contact?$filter=Name eq 'Ann'&$select=Name&$expand=Account($select=Id;$expand={MEMBERS}"
    )
    [row] = await rows(crm_of, text + "($select=Name;$orderby=Name;$top=1))")
    assert row["Account"][MEMBERS] == [{"Name": "Ann"}]
    text = "Account?$filter=Name eq 'Root'&$select=Name&$expand=ContactCollectionByAccount($select="
    [row] = await rows(crm_of, text + "Account;$top=1)")
    assert row[MEMBERS] == [{}]


def depth(row: Any) -> int:
    parent = row["Parent"]
    return 0 if parent is None else 1 + (depth(parent) if "Parent" in parent else 0)


@pytest.mark.parametrize(
    ("levels", "creatio", "standard"),
    [("1", 1, 1), ("2", 2, 2), ("max", 2, 3), ("3", 400, 3), ("0", 400, 400), ("-1", 400, 400)],
)
async def test_an_expansion_goes_on_for_as_many_levels(
    levels: str, creatio: int, standard: int
) -> None:
    profiles: tuple[tuple[Any, int], ...] = (("creatio", creatio), ("standard", standard))
    for profile, wanted in profiles:
        with Emulator(profile=profile) as emulator:
            crm = company(emulator)
            await crm.login()
            path = f"Account?$filter=Name%20eq%20'Leaf'&$expand=Parent($levels={levels})"
            response = await crm.odata("GET", path)
            if wanted == 400:
                assert response.status == 400
            else:
                [row] = response.json()["value"]
                assert depth(row) == wanted


async def test_levels_keep_the_other_options_on_each() -> None:
    with Emulator(profile="standard") as emulator:
        crm = company(emulator)
        nested = "$levels=2;$select=Name;$expand=Owner($select=Name),Parent"
        text = f"Account?$filter=Name eq 'Branch'&$select=Name&$expand=Parent({nested})"
        [row] = await rows(crm, text)
        trunk = row["Parent"]
        assert (trunk["Name"], trunk["Owner"]) == ("Trunk", None)
        assert (trunk["Parent"]["Name"], trunk["Parent"]["Owner"]) == ("Root", None)


async def test_levels_are_for_rows_of_the_same_kind(crm_of: Caller) -> None:
    await crm_of.login()
    response = await crm_of.odata("GET", "Account?$expand=City($levels=2)")
    assert response.status == 400
    assert "$levels" in message_of(response)
    assert (await crm_of.odata("GET", "Account?$expand=Parent($levels=101)")).status == 400


async def test_a_star_expands_everything_on_plain_odata() -> None:
    with Emulator(profile="standard") as emulator:
        crm = company(emulator)
        text = f"Account?$filter=Name eq 'Root'&$select=Name&$expand=*,{MEMBERS}($select=Name)"
        [row] = await rows(crm, text)
        assert [one["Name"] for one in row[MEMBERS]] == ["Ann", "Bob", "Cid"]
        assert [one["Name"] for one in row["AccountCollectionByParent"]] == ["Trunk"]
        assert row["CreatedBy"]["Name"] == "Supervisor"
        assert row["Parent"] is None
        [row] = await rows(crm, "Account?$filter=Name eq 'Trunk'&$select=Name&$expand=*/$ref")
        assert row["Parent"]["@odata.id"].startswith("Account(")
        [row] = await rows(crm, "Account?$filter=Name eq 'Root'&$select=Name&$expand=*/$count")
        assert row[f"{MEMBERS}@odata.count"] == 3
        assert "Parent" not in row


async def test_links_and_numbers_are_expanded_on_plain_odata() -> None:
    with Emulator(profile="standard") as emulator:
        crm = company(emulator)
        text = "Account?$filter=Name eq 'Root'&$select=Name&$expand="
        [row] = await rows(crm, text + f"{MEMBERS}/$ref($orderby=Name;$top=1),CreatedBy/$ref")
        [ann] = [one["Id"] for one in emulator.rows("Contact") if one["Name"] == "Ann"]
        assert row[MEMBERS] == [{"@odata.id": f"Contact({ann})"}]
        assert row["CreatedBy"]["@odata.id"].startswith("Contact(")
        assert await rows(crm, text + f"{MEMBERS}/$count($filter=Age eq 20)") == [
            {"Name": "Root", f"{MEMBERS}@odata.count": 2}
        ]
        for item in ("CreatedBy/$count", "CreatedBy/Name", "*($top=1)", "*/Name"):
            assert (await crm.odata("GET", f"Account?$expand={item}")).status == 400


@pytest.mark.parametrize(
    "item",
    ["*", f"{MEMBERS}/$ref", f"{MEMBERS}/$count", f"{MEMBERS}($top=1;$top=2)", "Owner($search=x)"],
)
async def test_creatio_expands_by_name_only(crm: Caller, item: str) -> None:
    assert (await crm.odata("GET", f"Account?$expand={item}")).status == 400
