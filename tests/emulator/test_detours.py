from typing import Any

import pytest

from creatio_async.emulator import Accepted, Emulator, Redirect

from .caller import Caller, caller_of, inner


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_request_is_sent_elsewhere(site: Caller, status: int) -> None:
    site.emulator.troubles.add(Redirect("/1/odata/City", status, retry_after=3))
    response = await site.odata("POST", "City", {"Name": "A"})
    assert (response.status, response.headers["location"]) == (status, "/1/odata/City")
    assert (response.headers["retry-after"], response.body) == ("3", b"")
    assert site.emulator.rows("City") == []
    site.emulator.troubles.add(Redirect("http://elsewhere.test/"))
    response = await site.odata("GET", "City")
    assert (response.status, "retry-after" in response.headers) == (302, False)


@pytest.mark.parametrize("then", ["result", "redirect"])
async def test_a_request_is_accepted_and_answered_later(site: Caller, then: Any) -> None:
    site.emulator.troubles.add(Accepted(polls=2, retry_after=7, then=then))
    response = await site.odata("POST", "City", {"Name": "A"})
    monitor = response.headers["location"]
    assert monitor.startswith(f"{site.base}/0/odata/$monitor/")
    for _ in range(3):
        assert (response.status, response.body) == (202, b"")
        assert (response.headers["location"], response.headers["retry-after"]) == (monitor, "7")
        response = await site.ask("GET", monitor.removeprefix(site.base))
    if then == "redirect":
        assert (response.status, response.body) == (303, b"")
        response = await site.ask("GET", response.headers["location"].removeprefix(site.base))
        assert response.status == 201
    else:
        assert (response.status, response.headers["asyncresult"]) == (200, "201")
    assert response.json()["Name"] == "A"
    assert response.headers["location"].endswith(f"City({response.json()['Id']})")
    assert len(site.emulator.rows("City")) == 1


async def test_cookies_come_with_the_202_and_not_with_the_result() -> None:
    with Emulator() as emulator:
        crm = caller_of(emulator)
        await crm.login()
        emulator.troubles.add(Accepted(polls=0, retry_after=None))
        accepted = await crm.odata("GET", "City")
        assert "retry-after" not in accepted.headers
        assert accepted.headers["set-cookie"].startswith("BPMSESSIONID=")
        result = await crm.ask("GET", accepted.headers["location"].removeprefix(crm.base))
        assert (result.status, "set-cookie" in result.headers) == (200, False)


async def test_a_monitor_that_is_not_there_is_not_found(crm: Caller) -> None:
    crm.emulator.troubles.add(Accepted(polls=0))
    path = (await crm.odata("GET", "City")).headers["location"].removeprefix(crm.base)
    assert (await crm.ask("GET", path)).status == 200
    assert (await crm.ask("GET", f"{path}/result")).status == 200
    assert (await crm.ask("GET", f"{path}/other")).status == 404
    assert (await crm.odata("GET", "$monitor/x")).status == 404
    assert (await crm.ask("DELETE", path)).status == 405


def test_a_detour_that_makes_no_sense_is_a_mistake(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="then"):
        Accepted(then="later")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="polls"):
        Accepted(polls=-1)
    for status in (299, 400):
        with pytest.raises(ValueError, match="status"):
            Redirect("/", status)
    with pytest.raises(ValueError, match="inside"):
        emulator.troubles.add(Redirect("/"), inner=True)


async def test_hashes_tell_whether_the_schema_has_changed(anyone: Caller) -> None:
    # seen in the code of a client: a probe of freshness for what was read of $metadata
    path = "/api/ClientCache/Hashes"
    assert (await anyone.ask("GET", path)).status == 401
    await anyone.login()
    hashes = (await anyone.ask("GET", path)).json()
    assert hashes
    assert all(isinstance(value, str) for value in hashes.values())
    assert (await anyone.ask("GET", f"/0{path}")).json() == hashes
    assert (await anyone.ask("POST", path, {})).status == 405


async def test_hashes_are_at_the_root_on_net() -> None:
    with Emulator(runtime="net") as emulator:
        crm = caller_of(emulator, workspace="")
        await crm.login()
        assert (await crm.ask("GET", "/api/ClientCache/Hashes")).status == 200
        assert (await crm.ask("GET", "/0/api/ClientCache/Hashes")).status == 404


async def test_what_depends_on_a_failure_is_a_424(crm: Caller) -> None:
    response = await crm.batch(
        inner("1", "DELETE", "City(00000000-0000-0000-0000-000000000001)"),
        inner("2", "GET", "City", dependsOn=["1"]),
        Prefer="continue-on-error",
    )
    assert [item["status"] for item in response.json()["responses"]] == [404, 424]
