from typing import Any

import pytest

from creatio_async.emulator import Emulator

from .caller import ANDREW, JSON, SUPERVISOR, ZERO, Caller, caller_of, inner, message_of

SPOKANE = "62f9bc01-57cf-4cc7-90bf-8672acc922e3"
INDIANA = "62f9bc01-57cf-4cc7-90bf-8672acc922e2"
IOWA = "62f9bc01-57cf-4cc7-90bf-8672acc922a1"
INNER = {
    "Content-Type": "application/json;odata=verbose",
    "Accept": "application/json;odata=verbose",
    "Prefer": "continue-on-error",
}
OUTER = {
    "Content-Type": "application/json; odata=verbose; IEEE754Compatible=true",
    "Accept": "application/json",
}


def sample(
    method: str, url: str, id_: str, body: dict[str, Any], group: str | None = None
) -> dict[str, Any]:
    item = {"method": method, "url": url, "id": id_, "body": body, "headers": INNER}
    return item | ({"atomicityGroup": group} if group else {})


def city(base: str, key: str, name: str) -> dict[str, Any]:
    return {
        "@odata.context": f"{base}/0/odata/$metadata#City/$entity",
        "Id": key,
        "CreatedById": SUPERVISOR,
        "ModifiedById": SUPERVISOR,
        "Name": name,
        "Description": "",
        "CountryId": ZERO,
        "RegionId": ZERO,
        "TimeZoneId": ZERO,
        "ProcessListeners": 0,
    }


def printed(base: str, key: str, name: str, id_: str, group: str | None = None) -> dict[str, Any]:
    return {
        "id": id_,
        **({"atomicityGroup": group} if group else {}),
        "status": 201,
        "headers": {
            "location": f"{base}/0/odata/City({key})",
            "content-type": "application/json; odata.metadata=minimal",
            "odata-version": "4.0",
        },
        "body": city(base, key, name),
    }


def without_dates(responses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for response in responses:
        for name in ("CreatedOn", "ModifiedOn"):
            response.get("body", {}).pop(name, None)
    return responses


def test_the_keys_of_a_city_stand_in_the_printed_order(emulator: Emulator) -> None:
    emulator.insert("City", [{"Name": "A"}])
    assert list(emulator.rows("City")[0]) == [
        "Id",
        "CreatedOn",
        "CreatedById",
        "ModifiedOn",
        "ModifiedById",
        "Name",
        "Description",
        "CountryId",
        "RegionId",
        "TimeZoneId",
        "ProcessListeners",
    ]


async def test_the_first_sample_is_answered_as_printed(site: Caller) -> None:
    # academy.creatio.com, "Batch request examples", with the errata put right
    response = await site.odata(
        "POST",
        "$batch",
        {
            "requests": [
                sample("POST", "City", "t3", {"Name": "Burbank"}),
                sample("POST", "City", "t3", {"Id": SPOKANE, "Name": "Spokane"}, "g1"),
                sample("PATCH", f"City/{SPOKANE}", "t2", {"Name": "Texas"}, "g1"),
            ]
        },
        OUTER,
    )
    assert response.status == 200
    responses = without_dates(response.json()["responses"])
    key, group = responses[0]["body"]["Id"], responses[1]["atomicityGroup"]
    assert len(group) == 36
    assert responses == [
        printed(site.base, key, "Burbank", "t3"),
        printed(site.base, SPOKANE, "Spokane", "t3", group),
        {"id": "t2", "atomicityGroup": group, "status": 204, "headers": {"odata-version": "4.0"}},
    ]
    assert [row["Name"] for row in site.emulator.rows("City")] == ["Burbank", "Texas"]


async def test_the_second_sample_is_answered_as_printed(site: Caller) -> None:
    # academy.creatio.com, "Batch request examples", with Prefer: continue-on-error
    site.emulator.insert("City", [{"Id": INDIANA, "Name": "Illinois"}])
    response = await site.odata(
        "POST",
        "$batch",
        {
            "requests": [
                sample("POST", "City", "t3", {"Name": "Burbank"}),
                sample("PATCH", f"City/{INDIANA}", "t2", {"Name": "Indiana"}, "g1"),
                sample("POST", "City", "t3", {"Id": IOWA, "Name": "Iowa"}, "g1"),
            ]
        },
        OUTER | {"Prefer": "continue-on-error"},
    )
    responses = without_dates(response.json()["responses"])
    key, group = responses[0]["body"]["Id"], responses[1]["atomicityGroup"]
    assert responses == [
        printed(site.base, key, "Burbank", "t3"),
        {"id": "t2", "atomicityGroup": group, "status": 204, "headers": {"odata-version": "4.0"}},
        printed(site.base, IOWA, "Iowa", "t3", group),
    ]


REFUSED = {
    "no JSON": b"{",
    "an array": b"[]",
    "no requests": b"{}",
    "requests that come second": b'{"x":1,"requests":[]}',
    "more than requests": b'{"requests":[{"id":"1","method":"GET","url":"City"}],"x":1}',
    "requests that are no array": b'{"requests":{}}',
    "an empty array": b'{"requests":[]}',
    "a comment": b'{"requests":[// a comment\n{"id":"1","method":"GET","url":"City"}]}',
    "an item that is no object": b'{"requests":["x"]}',
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_batch_is_refused_for(crm: Caller, name: str) -> None:
    response = await crm.odata("POST", "$batch", REFUSED[name], dict(JSON))
    assert response.status == 400
    assert response.json()["error"]["code"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"id": 1},
        {"id": None},
        {"id": ""},
        {"method": 1},
        {"method": "OPTIONS"},
        {"url": 5},
        {"atomicityGroup": 1},
        {"atomicityGroup": None},
        {"comment": "x"},
        {"headers": None},
        {"headers": []},
        {"headers": {"Accept": 1}},
        {"body": None},
        {"body": []},
        {"body": "no base64!"},
        {"dependsOn": "0"},
        {"dependsOn": ["7"]},
        {"dependsOn": [1]},
    ],
)
async def test_a_malformed_item_refuses_the_batch_before_anything_runs(
    crm: Caller, change: Any
) -> None:
    first = inner("0", "POST", "City", {"Name": "A"})
    broken = inner("1", "POST", "City", {"Name": "B"}) | change
    assert (await crm.batch(first, broken)).status == 400
    for name in ("id", "method", "url"):
        item = inner("1", "POST", "City", {"Name": "B"})
        del item[name]
        assert (await crm.batch(first, item)).status == 400
    assert crm.emulator.rows("City") == []
    assert crm.emulator.operations == 0


async def test_names_of_an_item_may_have_any_case(crm: Caller) -> None:
    item = {"ID": "1", "Method": "post", "URL": "City", "Headers": JSON, "Body": {"Name": "A"}}
    assert (await crm.batch(item)).json()["responses"][0]["status"] == 201


async def test_an_item_of_a_group_needs_headers(crm: Caller) -> None:
    item = {"id": "1", "method": "DELETE", "url": f"City({ZERO})"}
    assert (await crm.batch(item)).status == 200
    assert (await crm.batch(item | {"atomicityGroup": "g"})).status == 400


async def test_items_of_a_group_must_be_adjacent(crm: Caller) -> None:
    response = await crm.batch(
        inner("1", "POST", "City", {"Name": "A"}, atomicityGroup="g"),
        inner("2", "POST", "City", {"Name": "B"}),
        inner("3", "POST", "City", {"Name": "C"}, atomicityGroup="g"),
    )
    assert response.status == 400
    assert "all messages of same groupId" in message_of(response)
    assert crm.emulator.rows("City") == []


async def test_equal_ids_are_refused_in_one_scope_and_taken_in_two(crm: Caller) -> None:
    one, again = (
        inner("t3", "POST", "City", {"Name": "A"}),
        inner("t3", "POST", "City", {"Name": "B"}),
    )
    response = await crm.batch(one, again)
    assert response.status == 400
    assert "was found more than once" in message_of(response)
    grouped = [item | {"atomicityGroup": "g"} for item in (one, again)]
    assert (await crm.batch(*grouped)).status == 400
    assert (await crm.batch(one, grouped[1])).status == 200


async def test_newer_versions_want_ids_that_are_unique_in_the_whole_batch() -> None:
    with Emulator(unique_batch_ids=True) as emulator:
        caller = caller_of(emulator)
        await caller.login()
        one = inner("t3", "POST", "City", {"Name": "A"})
        assert (await caller.batch(one, one | {"atomicityGroup": "g"})).status == 400
        assert (await caller.batch(one, one | {"id": "t4"})).status == 200


async def test_a_batch_holds_a_hundred_operations(crm: Caller) -> None:
    items = [inner(str(n), "POST", "City", {"Name": f"{n}"}) for n in range(101)]
    response = await crm.batch(*items)
    assert response.status == 400
    assert "maximum number of '100'" in message_of(response)
    grouped = [item | {"atomicityGroup": "g"} for item in items]
    assert (await crm.batch(*grouped)).status == 400
    assert crm.emulator.rows("City") == []
    assert len((await crm.batch(*items[:100])).json()["responses"]) == 100
    assert crm.emulator.operations == 100


async def test_plain_odata_counts_a_group_as_one_part() -> None:
    with Emulator(profile="standard") as emulator:
        caller = caller_of(emulator)
        await caller.login()
        items = [inner(str(n), "POST", "City", {"Name": "A"}) for n in range(1001)]
        grouped = [item | {"atomicityGroup": "g"} for item in items]
        assert (await caller.batch(*items[:101])).status == 400
        assert (await caller.batch(*grouped)).status == 400
        assert len((await caller.batch(*grouped[:1000])).json()["responses"]) == 1000


@pytest.mark.parametrize(
    ("prefer", "statuses"),
    [
        ("-", [201, 404]),
        ("continue-on-error=false", [201, 404]),
        ("odata.continue-on-error = false", [201, 404]),
        ("continue-on-error", [201, 404, 201]),
        ("odata.continue-on-error", [201, 404, 201]),
        ("respond-async, continue-on-error=true", [201, 404, 201]),
    ],
)
async def test_the_outer_preference_decides_whether_a_failure_stops(
    site: Caller, prefer: str, statuses: list[int]
) -> None:
    response = await site.batch(
        inner("1", "POST", "City", {"Name": "A"}),
        inner("2", "DELETE", f"City({ZERO})", headers={"Prefer": "continue-on-error"}),
        inner("3", "POST", "City", {"Name": "B"}),
        Prefer=prefer,
    )
    assert response.status == 200
    responses = response.json()["responses"]
    assert [item["status"] for item in responses] == statuses
    assert responses[1]["body"]["error"]["message"] == "Not found"
    assert len(site.emulator.rows("City")) == statuses.count(201)


async def test_a_group_that_fails_is_undone_and_answered_once(site: Caller) -> None:
    response = await site.batch(
        inner("1", "POST", "City", {"Name": "A"}, atomicityGroup="g"),
        inner("2", "POST", "Contact", {"Id": SUPERVISOR, "Name": "Taken"}, atomicityGroup="g"),
        inner("3", "POST", "City", {"Name": "B"}, atomicityGroup="g"),
        inner("4", "POST", "City", {"Name": "C"}),
        Prefer="continue-on-error",
    )
    responses = response.json()["responses"]
    assert [(item["id"], item["status"]) for item in responses] == [("2", 500), ("4", 201)]
    assert [row["Name"] for row in site.emulator.rows("City")] == ["C"]


async def test_a_reference_stands_for_the_place_of_an_earlier_row(site: Caller) -> None:
    response = await site.batch(
        inner("1", "POST", "City", {"Name": "A"}, atomicityGroup="g"),
        inner("2", "PATCH", "$1", {"Name": "B"}, atomicityGroup="g", dependsOn=["1"]),
        inner("3", "GET", "$1/Name", dependsOn=["g"]),
        inner("4", "GET", f"{site.base}/0/odata/$1", dependsOn=["g"]),
    )
    responses = response.json()["responses"]
    assert [item["status"] for item in responses] == [201, 204, 200, 200]
    assert responses[2]["body"]["value"] == "B"


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("$7/Name", {}),
        ("$1/Name", {}),
        ("/$1", {"dependsOn": ["2"]}),
        ("$2", {"dependsOn": ["g"]}),
        ("$10", {"dependsOn": ["1"]}),
        ("http://crm.test/0/odata/$1", {"dependsOn": ["2"]}),
    ],
)
async def test_a_reference_that_is_not_told_is_refused_before_anything_runs(
    crm: Caller, url: str, more: dict[str, Any]
) -> None:
    response = await crm.batch(
        inner("1", "POST", "City", {"Name": "A"}),
        inner("2", "POST", "City", {"Name": "B"}),
        inner("3", "POST", "City", {"Name": "C"}, atomicityGroup="g"),
        inner("4", "GET", url, **more),
    )
    assert response.status == 400
    assert "is not found in effective depends-on-Ids" in message_of(response)
    assert crm.emulator.rows("City") == []


async def test_what_refers_to_a_failed_operation_fails_with_it(crm: Caller) -> None:
    link = {"@odata.id": "$1"}
    response = await crm.batch(
        inner("1", "POST", "Account", {"Nothing": 1}, atomicityGroup="g"),
        inner(
            "2",
            "PUT",
            f"Contact({ANDREW})/Account/$ref",
            link,
            atomicityGroup="g",
            dependsOn=["1"],
        ),
        inner("3", "POST", "Account", {"Name": "A"}),
        inner("4", "DELETE", f"City({ZERO})"),
        inner("5", "PUT", f"Contact({ANDREW})/Account/$ref", {"@odata.id": "$4"}),
        Prefer="continue-on-error",
    )
    statuses = [(each["id"], each["status"]) for each in response.json()["responses"]]
    assert statuses == [("1", 400), ("3", 201), ("4", 404), ("5", 400)]
    [andrew] = [row for row in crm.emulator.rows("Contact") if row["Id"] == ANDREW]
    assert andrew["AccountId"] == ZERO


async def test_an_address_may_be_absolute_and_must_be_of_this_service(site: Caller) -> None:
    response = await site.batch(
        inner("1", "GET", f"{site.base}/0/odata/City?$top=1"),
        inner("2", "GET", "/0/odata/City?$filter=Name%20eq%20'a://b'"),
        inner("3", "GET", "City?$filter=Name+eq+'http://x'"),
        inner("4", "GET", "/City"),
        inner("5", "GET", "http://elsewhere.test/0/odata/City"),
        Prefer="continue-on-error",
    )
    assert [item["status"] for item in response.json()["responses"]] == [200, 200, 200, 404, 404]


async def test_what_depends_on_a_failure_is_not_done(site: Caller) -> None:
    response = await site.batch(
        inner("1", "DELETE", f"City({ZERO})"),
        inner("2", "POST", "City", {"Name": "A"}, dependsOn=["1"]),
        inner("3", "POST", "City", {"Name": "B"}, atomicityGroup="g"),
        inner("4", "DELETE", f"City({ZERO})", atomicityGroup="g", dependsOn=["3"]),
        inner("5", "POST", "City", {"Name": "C"}, dependsOn=["g"]),
        inner("6", "POST", "City", {"Name": "D"}, dependsOn=[]),
        Prefer="continue-on-error",
    )
    statuses = {item["id"]: item["status"] for item in response.json()["responses"]}
    assert statuses == {"1": 404, "2": 424, "4": 404, "5": 424, "6": 201}


async def test_an_id_inside_a_group_is_no_dependency_of_others(crm: Caller) -> None:
    response = await crm.batch(
        inner("1", "POST", "City", {"Name": "A"}, atomicityGroup="g"),
        inner("2", "POST", "City", {"Name": "B"}, dependsOn=["1"]),
    )
    assert response.status == 400


async def test_inner_requests_have_their_own_headers_only_on_framework_and_inherit_on_net() -> None:
    item = {"id": "1", "method": "POST", "url": "City", "headers": {}, "body": {"Name": "A"}}
    read = {"id": "1", "method": "GET", "url": "City?$top=0"}
    runtimes: tuple[tuple[Any, str, str], ...] = (
        ("framework", "/0", "minimal"),
        ("net", "", "none"),
    )
    for runtime, prefix, kind in runtimes:
        with Emulator(runtime=runtime) as emulator:
            caller = caller_of(emulator, workspace=prefix)
            await caller.login()
            response = (await caller.batch(item)).json()["responses"][0]
            assert response["status"] == 415
            accept = "application/json;odata.metadata=none"
            response = (await caller.batch(read, Accept=accept)).json()["responses"][0]
            assert response["headers"]["content-type"].endswith(f"odata.metadata={kind}")


async def test_an_exception_on_net_has_no_body_inside_a_batch() -> None:
    item = inner("1", "POST", "Contact", {"Id": SUPERVISOR})
    with Emulator(runtime="net") as emulator:
        caller = caller_of(emulator, workspace="")
        await caller.login()
        responses = (await caller.batch(item)).json()["responses"]
    assert responses == [{"id": "1", "status": 500, "headers": {}}]


async def test_bytes_and_text_travel_inside_a_batch(site: Caller) -> None:
    image = (await site.create("SysImage", Name="a.png"))["Id"]
    binary = {"Content-Type": "application/octet-stream"}
    plain = {"Content-Type": "text/plain"}
    response = await site.batch(
        inner("1", "PUT", f"SysImage({image})/Data", body="_-8", headers=binary),
        inner("2", "GET", f"SysImage({image})/Data"),
        inner("3", "PUT", f"SysImage({image})/PreviewData", body="ü", headers=plain),
        inner("4", "GET", "SysImage/$count"),
    )
    responses = response.json()["responses"]
    assert [item["status"] for item in responses] == [200, 200, 200, 200]
    assert (responses[1]["body"], responses[3]["body"]) == ("_-8", "1")
    assert (await site.odata("GET", f"SysImage({image})/PreviewData")).body == "ü".encode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/mixed; boundary=b"}, 400),
        ({"Accept": "multipart/mixed"}, 200),
        ({"Accept": "text/html"}, 200),
    ],
)
async def test_the_formats_of_a_batch(crm: Caller, headers: dict[str, str], status: int) -> None:
    assert (await crm.batch(inner("1", "GET", "City"), **headers)).status == status


async def test_a_batch_cannot_hold_a_batch(crm: Caller) -> None:
    assert (await crm.batch(inner("1", "POST", "$batch", {"requests": []}))).status == 400


async def test_a_long_batch_lets_others_have_their_turn(
    crm: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creatio_async.emulator.batches._TURN", 0.0)
    items = [inner(str(n), "GET", "City/$count") for n in range(10)]
    assert len((await crm.batch(*items)).json()["responses"]) == 10
