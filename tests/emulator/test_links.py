from typing import Any

import pytest

from creatio_async.emulator import Emulator

from .caller import ANDREW, SUPERVISOR, ZERO, Caller, caller_of, inner

COLLECTION = "ContactCollectionByAccount"


@pytest.fixture
def account(crm: Caller) -> str:
    return crm.emulator.insert("Account", [{"Name": "Acme"}])[0]


def link(to: str) -> dict[str, Any]:
    return {"@odata.id": to}


async def account_of(crm: Caller) -> str:
    value: str = (await crm.get(f"Contact({ANDREW})/AccountId"))["value"]
    return value


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    "to",
    [
        "{root}Account({key})",
        "Account({key})",
        "Account/{key}",
        "account({key})",
        "{root}Account({KEY})",
        "/0/odata/Account({key})",
        "../odata/Account({key})",
    ],
)
async def test_a_lookup_is_linked_read_and_unlinked(
    crm: Caller, account: str, method: str, to: str
) -> None:
    root, path = f"{crm.base}/0/odata/", f"Contact({ANDREW})/Account/$ref"
    assert (await crm.odata("GET", path)).status == 204
    body = link(to.format(root=root, key=account, KEY=account.upper()))
    assert (await crm.odata(method, path, body)).status == 204
    assert await account_of(crm) == account
    assert await crm.get(path) == {
        "@odata.context": f"{root}$metadata#$ref",
        "@odata.id": f"{root}Account({account})",
    }
    assert (await crm.odata("DELETE", path)).status == 204
    assert await account_of(crm) == ZERO


async def test_a_link_removed_is_null_on_plain_odata() -> None:
    with Emulator(profile="standard") as emulator:
        crm = caller_of(emulator)
        await crm.login()
        assert (await crm.odata("DELETE", f"Contact({ANDREW})/Owner/$ref")).status == 204
        assert (await crm.get(f"Contact({ANDREW})"))["OwnerId"] is None


async def test_a_collection_of_links_is_read_added_to_and_taken_from(
    crm: Caller, account: str
) -> None:
    root, path = f"{crm.base}/0/odata/", f"Account({account})/{COLLECTION}/$ref"
    for key in (ANDREW, SUPERVISOR):
        assert (await crm.odata("POST", path, link(f"Contact({key})"))).status == 204
    assert await crm.get(f"{path}?$orderby=Name&$top=1&$count=true") == {
        "@odata.context": f"{root}$metadata#Collection($ref)",
        "@odata.count": 2,
        "value": [{"@odata.id": f"{root}Contact({ANDREW})"}],
    }
    assert len(await crm.values(path)) == 2
    response = await crm.odata("DELETE", f"{path}?$id={root}Contact({ANDREW})")
    assert response.status == 204
    assert await account_of(crm) == ZERO
    response = await crm.odata("DELETE", f"{path}?$id=Contact({ANDREW})")
    assert response.status == 404
    member = f"Account({account})/{COLLECTION}({SUPERVISOR})/$ref"
    assert (await crm.odata("GET", member)).status == 405
    assert (await crm.odata("DELETE", member)).status == 204
    assert await crm.values(path) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"Contact({ANDREW})/Account/$ref", link(f"Contact({ANDREW})"), 400),
        ("PUT", f"Contact({ANDREW})/Account/$ref", link("Account"), 400),
        ("PUT", f"Contact({ANDREW})/Account/$ref", link("Nothing(1)"), 400),
        ("PUT", f"Contact({ANDREW})/Account/$ref", link(f"Account({ZERO})/Name"), 400),
        ("PUT", f"Contact({ANDREW})/Account/$ref", {"@odata.id": 1}, 400),
        ("PUT", f"Contact({ANDREW})/Account/$ref", {}, 400),
        ("PUT", f"Contact({ANDREW})/Account/$ref", link(f"Account({ZERO})"), 404),
        ("PUT", f"Contact({ZERO})/Account/$ref", link(f"Account({ZERO})"), 404),
        ("DELETE", f"Contact({ZERO})/Account/$ref", None, 404),
        ("DELETE", f"Contact({ANDREW})/AccountCollectionByOwner/$ref", None, 400),
        ("PUT", f"Contact({ANDREW})/AccountCollectionByOwner/$ref", {}, 405),
        ("PATCH", f"Contact({ANDREW})/Account/$ref", {}, 405),
        ("GET", f"Contact({ANDREW})/Nothing/$ref", None, 404),
        ("GET", f"Contact({ANDREW})/Account({ZERO})x", None, 404),
        ("GET", f"Contact({ANDREW})/AccountCollectionByOwner(1)", None, 400),
    ],
)
async def test_a_link_that_leads_nowhere_is_refused(
    crm: Caller, method: str, path: str, body: Any, status: int
) -> None:
    assert (await crm.odata(method, path, body)).status == status


async def test_a_row_of_a_collection_has_an_address_there(crm: Caller, account: str) -> None:
    crm.emulator.insert("Contact", [{"Name": "Ann", "AccountId": account}])
    related = f"Account({account})/{COLLECTION}"
    [row] = await crm.values(f"{related}?$filter=startswith(Name,'A')&$select=Id,Name&$top=5")
    for path in (f"{related}({row['Id']})", f"{related}/{row['Id']}"):
        assert (await crm.get(path))["Name"] == "Ann"
        assert (await crm.get(f"{path}/Account"))["Name"] == "Acme"
    assert (await crm.odata("GET", f"{related}({ANDREW})")).status == 404
    response = await crm.odata("GET", f"{related}/$count?$filter=Name%20eq%20'Bob'")
    assert response.text() == "0"


async def test_links_may_refer_to_rows_of_the_same_batch(crm: Caller) -> None:
    response = await crm.batch(
        inner("1", "POST", "Account", {"Name": "Acme"}),
        inner("2", "PUT", f"Contact({ANDREW})/Account/$ref", link("$1")),
        inner(
            "3",
            "POST",
            f"$1/{COLLECTION}/$ref",
            link(f"Contact({SUPERVISOR})"),
            dependsOn=["1"],
        ),
        inner("4", "PUT", f"Contact({ANDREW})/Account/$ref", link("$9")),
    )
    statuses = [item["status"] for item in response.json()["responses"]]
    assert statuses == [201, 204, 204, 400]
    assert len(await crm.values("Contact?$filter=Account/Name%20eq%20'Acme'")) == 2
