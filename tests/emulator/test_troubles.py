import asyncio
from typing import Any

import aiohttp
import pytest

from creatio_async.emulator import (
    Answer,
    Cut,
    Double,
    DropAfter,
    DropBefore,
    Emulator,
    Expire,
    Fail,
    Latency,
    Omit,
    Refuse,
)
from creatio_async.errors import TransportError
from creatio_async.messages import Headers, Response

from .caller import Caller, caller_of, inner, message_of

LOST = (TransportError, aiohttp.ClientError)


async def create(site: Caller, name: str = "A") -> Response:
    return await site.odata("POST", "City", {"Name": name})


async def test_a_request_is_turned_away_at_the_door(site: Caller) -> None:
    rule = site.emulator.troubles.add(Refuse(status=429, retry_after=7, body=b"slow down"))
    response = await create(site)
    assert (response.status, response.headers["retry-after"]) == (429, "7")
    assert response.body == b"slow down"
    assert site.emulator.rows("City") == []
    assert (await create(site)).status == 201
    assert rule.hits == 1


async def test_a_refusal_may_say_nothing_about_when_to_come_back(site: Caller) -> None:
    site.emulator.troubles.add(Refuse(status=503))
    response = await create(site)
    assert response.status == 503
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    ("shape", "status", "kind", "words"),
    [
        ("401", 401, "application/json", "Authentication failed."),
        ("redirect", 302, "text/html", ""),
        ("html", 200, "text/html", "/Login/"),
        ("json", 200, "application/json", "Authentication failed."),
    ],
)
async def test_a_session_is_lost_in_four_shapes(
    site: Caller, shape: Any, status: int, kind: str, words: str
) -> None:
    site.emulator.troubles.add(Expire(shape))
    response = await create(site)
    assert (response.status, response.content_type) == (status, kind)
    assert words in response.text()
    assert ("/Login/" in response.headers.get("location", "")) is (shape == "redirect")
    assert (await create(site)).status == 401
    assert site.emulator.rows("City") == []


async def test_a_loss_without_a_session_is_no_harm(anyone: Caller) -> None:
    anyone.emulator.troubles.add(Expire())
    assert (await anyone.odata("GET", "City")).status == 401


async def test_a_connection_is_dropped_before_anything_is_done(site: Caller) -> None:
    site.emulator.troubles.add(DropBefore())
    with pytest.raises(LOST):
        await create(site)
    assert site.emulator.rows("City") == []
    assert (await create(site)).status == 201


async def test_a_connection_is_dropped_after_all_is_done(site: Caller) -> None:
    site.emulator.troubles.add(DropAfter())
    with pytest.raises(LOST):
        await create(site)
    assert len(site.emulator.rows("City")) == 1
    assert (await create(site)).status == 201


@pytest.mark.parametrize("at", [0.5, 10, 0, 10**9])
async def test_an_answer_ends_too_early(site: Caller, at: float) -> None:
    site.emulator.troubles.add(Cut(at))
    with pytest.raises(LOST):
        await create(site)
    assert len(site.emulator.rows("City")) == 1


async def test_an_answer_without_a_body_cannot_be_cut(site: Caller) -> None:
    key = (await create(site)).json()["Id"]
    site.emulator.troubles.add(Cut())
    assert (await site.odata("DELETE", f"City({key})")).status == 204


async def test_a_request_gets_an_answer_that_was_prepared(site: Caller) -> None:
    prepared = Response(status=418, headers=Headers({"X-Tea": "1"}), body=b"tea")
    site.emulator.troubles.add(Answer(prepared))
    response = await create(site)
    assert (response.status, response.headers["x-tea"], response.body) == (418, "1", b"tea")
    assert site.emulator.rows("City") == []


@pytest.mark.parametrize("after", [True, False])
async def test_a_500_comes_before_the_row_is_written_or_after(site: Caller, after: Any) -> None:
    # seen on a live site: a 500 after the row was committed
    site.emulator.troubles.add(Fail(after=after, message="A handler failed."))
    response = await create(site)
    assert response.status == 500
    assert message_of(response) == "A handler failed."
    assert len(site.emulator.rows("City")) == int(after)


async def test_operations_inside_a_batch_meet_their_own_troubles(site: Caller) -> None:
    troubles = site.emulator.troubles
    troubles.add(Refuse(status=429), method="post", path="City", inner=True, skip=1)
    troubles.add(Fail(), where=lambda request: b'"D"' in request.body, inner=True)
    troubles.add(Fail(after=True), path="City(", method="DELETE", inner=True)
    troubles.add(Refuse(), path="$batch", inner=True)
    key = site.emulator.insert("City", [{"Name": "Old"}])[0]
    image = site.emulator.insert("SysImage", [{"Name": "a.png"}])[0]
    response = await site.batch(
        *(inner(name, "POST", "City", {"Name": name}) for name in "ABCDE"),
        inner("x", "DELETE", f"City({key})"),
        inner("y", "GET", "City?$top=1"),
        inner("z", "PUT", f"SysImage({image})/Data", body="eA"),
        Prefer="continue-on-error",
    )
    statuses = {item["id"]: item["status"] for item in response.json()["responses"]}
    assert statuses == {
        "A": 201,
        "B": 429,
        "C": 201,
        "D": 500,
        "E": 201,
        "x": 500,
        "y": 200,
        "z": 200,
    }
    assert [row["Name"] for row in site.emulator.rows("City")] == ["A", "C", "E"]
    assert (await create(site, "D")).status == 201


async def test_rules_choose_by_method_path_and_condition(site: Caller) -> None:
    rule = site.emulator.troubles.add(
        Refuse(),
        method="GET",
        path="Contact?$top",
        where=lambda r: "x-odd" in r.headers,
        times=None,
    )
    odd = {"X-Odd": "1"}
    assert (await site.odata("GET", "Contact?%24top=1", None, odd)).status == 429
    assert (await site.odata("GET", "Contact?$top=1")).status == 200
    assert (await site.odata("GET", "City?$top=1", None, odd)).status == 200
    assert (await site.odata("PATCH", "Contact?$top=1", {}, odd)).status == 405
    assert (await site.odata("GET", "Contact?$top=1", None, odd)).status == 429
    assert rule.hits == 2
    rule.remove()
    rule.remove()
    assert (await site.odata("GET", "Contact?$top=1", None, odd)).status == 200


async def test_chance_is_the_same_for_the_same_seed(crm: Caller) -> None:
    seen = []
    for _ in range(2):
        crm.emulator.troubles.add(Refuse(), times=None, chance=0.3, seed=5)
        seen.append([(await crm.odata("GET", "City")).status for _ in range(50)])
        crm.emulator.troubles.clear()
    assert seen[0] == seen[1]
    assert 5 <= seen[0].count(429) <= 25
    assert (await crm.odata("GET", "City")).status == 200


async def test_a_latency_holds_one_request_up_and_no_other(crm: Caller) -> None:
    crm.emulator.troubles.add(Latency(0.02), path="Contact")
    slow = asyncio.create_task(crm.odata("GET", "Contact"))
    await asyncio.sleep(0)
    assert (await crm.odata("GET", "City")).status == 200
    assert not slow.done()
    assert (await slow).status == 200
    assert crm.emulator.most_at_once == 2


@pytest.mark.parametrize("after", [True, False])
async def test_an_answer_to_a_batch_lacks_one_that_was_carried_out_or_not(
    site: Caller, after: Any
) -> None:
    site.emulator.troubles.add(Omit(after), inner=True, skip=1)
    response = await site.batch(*(inner(name, "POST", "City", {"Name": name}) for name in "ABC"))
    items = response.json()["responses"]
    assert [(item["id"], item["status"]) for item in items] == [("A", 201), ("C", 201)]
    there = [row["Name"] for row in site.emulator.rows("City")]
    assert there == (["A", "B", "C"] if after else ["A", "C"])


async def test_an_answer_that_is_lacking_may_be_one_of_a_group_or_every_one(site: Caller) -> None:
    grouped = {"atomicityGroup": "g"}
    items = [inner(name, "POST", "City", {"Name": name}, **grouped) for name in "AB"]
    rule = site.emulator.troubles.add(Omit(), inner=True)
    assert [r["id"] for r in (await site.batch(*items)).json()["responses"]] == ["B"]
    rule.times = None
    assert (await site.batch(*items)).json() == {"responses": []}
    assert len(site.emulator.rows("City")) == 4


@pytest.mark.parametrize(
    ("how", "skip", "ids"),
    [
        ("twice", 1, ["A", "B", "B", "C"]),
        ("misnamed", 1, ["A", "A", "C"]),
        ("misnamed", 0, ["B", "B", "C"]),
    ],
)
async def test_an_id_stands_twice_in_the_answer_to_a_batch(
    site: Caller, how: Any, skip: int, ids: list[str]
) -> None:
    site.emulator.troubles.add(Double(how), inner=True, skip=skip)
    response = await site.batch(*(inner(name, "POST", "City", {"Name": name}) for name in "ABC"))
    items = response.json()["responses"]
    assert [item["id"] for item in items] == ids
    names = ["A", "B", "B", "C"] if how == "twice" else ["A", "B", "C"]
    assert [item["body"]["Name"] for item in items] == names
    assert [row["Name"] for row in site.emulator.rows("City")] == ["A", "B", "C"]


async def test_the_only_answer_of_a_batch_has_no_neighbour_to_be_named_after(crm: Caller) -> None:
    crm.emulator.troubles.add(Double("misnamed"), inner=True)
    response = await crm.batch(inner("A", "POST", "City", {"Name": "A"}))
    assert [item["id"] for item in response.json()["responses"]] == ["A"]


@pytest.mark.parametrize(("workspace", "bodies"), [("/0", True), ("", False)])
async def test_operations_of_a_batch_are_told_to_come_later_or_nothing(
    workspace: str, bodies: Any
) -> None:
    with Emulator(runtime="framework" if workspace else "net") as emulator:
        site = caller_of(emulator, workspace=workspace)
        await site.login()
        emulator.troubles.add(Refuse(429, retry_after=3), path="City", inner=True)
        emulator.troubles.add(Refuse(503), path="City", inner=True, skip=1)
        emulator.troubles.add(Fail(message=""), path="City", inner=True, skip=2)
        response = await site.batch(
            *(inner(name, "POST", "City", {"Name": name}) for name in "ABCD"),
            Prefer="continue-on-error",
        )
        later, full, failed, done = response.json()["responses"]
        assert (later["status"], later["headers"]["retry-after"]) == (429, "3")
        assert (full["status"], "retry-after" in full["headers"]) == (503, False)
        empty = {"error": {"code": "", "message": ""}}
        # On .NET an exception inside of a batch has no body at all.
        assert (failed["status"], failed.get("body")) == (500, empty if bodies else None)
        assert done["status"] == 201


async def test_a_rule_may_be_about_every_third_request(crm: Caller) -> None:
    crm.emulator.troubles.add(Refuse(), every=3, skip=1, times=2)
    statuses = [(await crm.odata("GET", "City")).status for _ in range(11)]
    assert [place for place, status in enumerate(statuses) if status == 429] == [3, 6]


@pytest.mark.parametrize(
    "options", [{"inner": True}, {"chance": 1.1}, {"skip": -1}, {"times": -1}, {"every": 0}]
)
def test_a_rule_that_makes_no_sense_is_a_mistake(
    emulator: Emulator, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"inside|chance"):
        emulator.troubles.add(DropAfter(), **options)
    with pytest.raises(ValueError, match="inner"):
        emulator.troubles.add(Omit())


def test_a_trouble_that_makes_no_sense_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shape"):
        Expire("blue")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seconds"):
        Latency(-1)
    with pytest.raises(ValueError, match="how"):
        Double("thrice")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="status"):
        Refuse(99)
