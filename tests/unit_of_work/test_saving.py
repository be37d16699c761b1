import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from creatio_async import (
    Change,
    ConflictError,
    Creatio,
    EntityState,
    F,
    NotFoundError,
    OData,
    SaveError,
    ServerError,
    TransportError,
    UnitOfWork,
)
from creatio_async.emulator import Cut, DropAfter, DropBefore, Emulator, Fail, Latency, Refuse
from creatio_async.messages import Request, Response
from tests.api.canned import AT_ONCE, AUTH, answer, canned, client, lost
from tests.api.conftest import emulator, odata
from tests.emulator.caller import ZERO

__all__ = ["emulator", "odata"]


@pytest.fixture
def work(odata: OData) -> UnitOfWork:
    return odata.unit_of_work()


def batches(emulator: Emulator) -> list[Request]:
    return [each for each in emulator.requests if each.url.path.endswith("/$batch")]


def row_of(emulator: Emulator, name: str, key: str) -> dict[str, Any]:
    return next(row for row in emulator.rows(name) if row["Id"] == key)


def names(emulator: Emulator, entity_set: str = "City") -> list[str]:
    return sorted(row["Name"] for row in emulator.rows(entity_set))


async def test_what_was_changed_is_saved_when_the_block_ends_well_in_one_change_set(
    odata: OData, emulator: Emulator
) -> None:
    old, gone = emulator.insert("Contact", [{"Name": "Old", "Phone": "1"}, {"Name": "Gone"}])
    row = await odata["Contact"].get(old)
    async with odata.unit_of_work() as work:
        contact = work.add("Contact", {"Name": "New Test User"})
        account = work.add("Account", {"Name": "Some Company"})
        work.link(contact, "Account", account)
        other = work.attach("Contact", row)
        other["Notes"] = "..."
        work.delete(work.attach("Contact", {"Id": gone}))
        assert batches(emulator) == []

    assert len(batches(emulator)) == 1
    assert row_of(emulator, "Contact", contact.id)["AccountId"] == account.id
    assert row_of(emulator, "Contact", old)["Notes"] == "..."
    assert row_of(emulator, "Contact", old)["Phone"] == "1"
    assert gone not in {each["Id"] for each in emulator.rows("Contact")}
    assert contact["CreatedOn"] == row_of(emulator, "Contact", contact.id)["CreatedOn"]
    assert {each.state for each in work.rows} == {EntityState.UNCHANGED}


async def test_nothing_is_sent_after_an_exception(odata: OData, emulator: Emulator) -> None:
    with suppress(KeyError):
        async with odata.unit_of_work() as work:
            work.add("City", {"Name": "Burbank"})
            raise KeyError
    assert batches(emulator) == []


async def test_each_change_has_its_response_and_the_next_save_has_nothing_to_send(
    work: UnitOfWork, emulator: Emulator
) -> None:
    city = work.add("City", {"Name": "Burbank"})
    country = work.add("Country", {"Name": "Elsewhere"})
    city["CountryId"] = country
    responses = await work.save()
    assert [(each.change, each.status) for each in responses] == [
        (Change("create", "Country", country.id), 201),
        (Change("create", "City", city.id), 201),
    ]
    assert [each.row for each in responses] == [country, city]
    assert await work.save() == []
    city["Name"] = "Burbach"
    work.delete(country)
    assert [str(each) for each in work.pending] == [
        f"update City {city.id}",
        f"delete Country {country.id}",
    ]
    city["CountryId"] = None
    assert [each.status for each in await work.save()] == [204, 204]
    assert country.state is EntityState.DETACHED
    assert row_of(emulator, "City", city.id)["Name"] == "Burbach"


async def test_only_what_was_changed_is_written(work: UnitOfWork, emulator: Emulator) -> None:
    (key,) = emulator.insert("City", [{"Name": "Burbank", "Description": "here"}])
    city = await work.get("City", key)
    city["Name"] = "Burbach"
    city["Description"] = "here"
    emulator_row = row_of(emulator, "City", key)
    assert emulator_row["Name"] == "Burbank"
    await work.save()
    assert b"Burbach" in batches(emulator)[-1].body
    assert b"Description" not in batches(emulator)[-1].body


async def test_rows_are_read_in_followed_and_read_again(
    work: UnitOfWork, odata: OData, emulator: Emulator
) -> None:
    emulator.insert("City", [{"Name": "a"}, {"Name": "b"}])
    a, b = await work.read(odata["City"].where(F.Name.in_(["a", "b"])).order_by("Name"))
    assert await work.get("City", a.id) is a
    a["Description"] = "ours"
    await odata["City"].update(a.id, {"Description": "theirs", "Name": "A"})
    await work.refresh(a)
    assert (a["Description"], a["Name"], a.changes) == ("ours", "A", {"Description": "ours"})
    work.detach(b)
    b["Name"] = "c"
    assert (b.state, len(await work.save())) == (EntityState.DETACHED, 1)
    assert names(emulator) == ["A", "b"]


async def test_links_are_set_from_either_end(work: UnitOfWork, emulator: Emulator) -> None:
    country = work.add("Country", {"Name": "Elsewhere"})
    city, other = (work.add("City", {"Name": name}) for name in "ab")
    work.link(country, "CityCollectionByCountry", city)
    work.link(other, "Country", country.id)
    await work.save()
    assert {row["CountryId"] for row in emulator.rows("City")} == {country.id}
    work.unlink(country, "CityCollectionByCountry", other)
    work.unlink(city, "Country")
    await work.save()
    assert {row["CountryId"] for row in emulator.rows("City")} == {ZERO}
    with pytest.raises(ValueError, match="holds rows of City that are followed"):
        work.link(country, "CityCollectionByCountry", country)


async def test_rows_that_lead_to_each_other_are_saved_together(
    work: UnitOfWork, emulator: Emulator
) -> None:
    contact, account = work.add("Contact", {"Name": "Ann"}), work.add("Account", {"Name": "Acme"})
    work.link(contact, "Account", account)
    work.link(account, "PrimaryContact", contact)
    assert [each.change.operation for each in await work.save()] == ["create", "create", "update"]
    assert row_of(emulator, "Contact", contact.id)["AccountId"] == account.id
    assert row_of(emulator, "Account", account.id)["PrimaryContactId"] == contact.id
    work.delete(contact)
    work.delete(account)
    assert [each.change.operation for each in await work.save()] == ["update", "delete", "delete"]
    assert names(emulator, "Account") == []


async def test_a_ring_of_rows_that_takes_several_change_sets_is_closed_by_the_last(
    work: UnitOfWork, emulator: Emulator
) -> None:
    ring = [work.add("Account", {"Name": str(number)}) for number in range(110)]
    for account, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        work.link(account, "Parent", following)
    responses = await work.save(atomic=False)
    assert (len(responses), responses[-1].change.operation) == (111, "update")
    parents = {row["Id"]: row["ParentId"] for row in emulator.rows("Account")}
    assert parents == {row.id: row["ParentId"] for row in ring}
    for account in ring:
        work.delete(account)
    await work.save(atomic=False)
    assert emulator.rows("Account") == []


async def test_what_is_added_and_deleted_before_it_is_saved_is_forgotten(
    work: UnitOfWork, emulator: Emulator
) -> None:
    city = work.add("City", {"Name": "Burbank"})
    work.delete(city)
    assert (city.state, await work.save()) == (EntityState.DETACHED, [])
    assert batches(emulator) == []


async def test_a_change_that_is_refused_undoes_all_and_leaves_all_to_be_saved(
    work: UnitOfWork, emulator: Emulator
) -> None:
    (old,) = emulator.insert("City", [{"Name": "old"}])
    first = work.add("City", {"Name": "first"})
    changed = work.attach("City", {"Id": old})
    changed["Name"] = "new"
    missing = work.attach("City", {"Id": uuid4()})
    missing["Name"] = "missing"
    with pytest.raises(SaveError, match="nothing was saved") as caught:
        await work.save()
    assert caught.value.change == Change("update", "City", missing.id)
    assert isinstance(caught.value.error, NotFoundError)
    assert caught.value.__cause__ is caught.value.error
    assert str(caught.value).startswith(f"update City {missing.id}: ")
    assert names(emulator) == ["old"]
    states = [each.state for each in (first, changed, missing)]
    assert states == [EntityState.ADDED, EntityState.MODIFIED, EntityState.MODIFIED]
    work.detach(missing)
    assert len(await work.save()) == 2
    assert names(emulator) == ["first", "new"]


async def test_a_key_that_is_taken_is_a_conflict(work: UnitOfWork, emulator: Emulator) -> None:
    (old,) = emulator.insert("City", [{"Name": "old"}])
    work.add("City", {"Id": old, "Name": "new"})
    with pytest.raises(SaveError) as caught:
        await work.save()
    assert isinstance(caught.value.error, ConflictError)
    assert names(emulator) == ["old"]


async def test_more_than_a_change_set_takes_is_refused_before_it_is_sent_unless_split(
    work: UnitOfWork, emulator: Emulator
) -> None:
    country = work.add("Country", {"Name": "Elsewhere"})
    cities = [work.add("City", {"Name": str(n), "CountryId": country}) for n in range(205)]
    with pytest.raises(ValueError, match=r"206 changes .* save\(atomic=False\)"):
        await work.save()
    assert batches(emulator) == []
    responses = await work.save(atomic=False)
    assert [each.row for each in responses] == [country, *cities]
    assert len(batches(emulator)) == 3
    for city in cities:
        work.delete(city)
    work.delete(country)
    assert (await work.save(atomic=False))[-1].row is country
    assert names(emulator) == []


async def test_what_was_saved_before_a_failure_is_told_and_is_not_sent_again(
    work: UnitOfWork, emulator: Emulator
) -> None:
    cities = [work.add("City", {"Name": str(n)}) for n in range(150)]
    cities[120]["CountryId"] = uuid4()
    with pytest.raises(SaveError, match="100 changes were saved before") as caught:
        await work.save(atomic=False)
    assert caught.value.change == Change("create", "City", cities[120].id)
    assert [each.id for each in caught.value.saved] == [each.id for each in cities[:100]]
    assert len(emulator.rows("City")) == 100
    del cities[120]["CountryId"]
    assert len(await work.save()) == 50
    assert len(emulator.rows("City")) == 150


LOSSES: list[Callable[[], Any]] = [DropBefore, DropAfter, Cut, lambda: Cut(at=0.9)]


@pytest.mark.parametrize("loss", LOSSES, ids=["before", "after", "half", "nearly whole"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_lost_answer_is_settled_and_nothing_is_written_twice(
    work: UnitOfWork, emulator: Emulator, loss: Callable[[], Any], times: int
) -> None:
    old, gone = emulator.insert("City", [{"Name": "old"}, {"Name": "gone"}])
    city = work.add("City", {"Name": "new"})
    work.attach("City", {"Id": old})["Name"] = "changed"
    work.delete(work.attach("City", {"Id": gone}))
    where = holds("create")
    emulator.troubles.add(loss(), where=where, times=times)
    assert len(await work.save()) == 3
    assert names(emulator) == ["changed", "new"]
    assert city["CreatedOn"] == row_of(emulator, "City", city.id)["CreatedOn"]
    assert (work.pending, city.state) == ((), EntityState.UNCHANGED)
    sent = len(list(filter(holds("create"), batches(emulator))))
    assert sent == (1 if loss is not DropBefore else times + 1)


_OPERATIONS = {
    "create": rb'"method":"POST"|^POST [^ ]+Collection HTTP',
    "update": rb'"method":"PATCH"|^MERGE |^X-HTTP-Method: MERGE',
    "read": rb'"method":"GET"|^GET ',
}


def holds(operation: str) -> Callable[[Request], bool]:
    """Return whether a batch holds such an operation, in either version."""
    return lambda request: re.search(_OPERATIONS[operation], request.body, re.MULTILINE) is not None


@pytest.mark.parametrize("loss", LOSSES[:3], ids=["before", "after", "half"])
async def test_a_lost_answer_to_updates_and_deletes_alone_is_settled(
    work: UnitOfWork, emulator: Emulator, loss: Callable[[], Any]
) -> None:
    old, gone = emulator.insert("City", [{"Name": "old"}, {"Name": "gone"}])
    work.attach("City", {"Id": old})["Name"] = "changed"
    work.delete(work.attach("City", {"Id": gone}))
    emulator.troubles.add(loss(), where=holds("update"))
    assert len(await work.save()) == 2
    assert names(emulator) == ["changed"]


async def test_what_cannot_be_settled_is_said_and_settled_by_the_next_save(
    work: UnitOfWork, emulator: Emulator
) -> None:
    city = work.add("City", {"Name": "new"})
    emulator.troubles.add(DropAfter(), where=holds("create"))
    emulator.troubles.add(DropBefore(), where=holds("read"), times=9)
    with pytest.raises(TransportError, match=f"create City {city.id}, .* is unknown"):
        await work.save()
    emulator.troubles.clear()
    city["Name"] = "newer"
    responses = await work.save()
    assert [each.change.operation for each in responses] == ["create", "update"]
    assert names(emulator) == ["newer"]
    assert len(list(filter(holds("create"), batches(emulator)))) == 1


async def test_a_row_that_is_deleted_while_in_doubt_is_taken_away_where_it_was_written(
    work: UnitOfWork, emulator: Emulator
) -> None:
    for loss in (DropAfter(), DropBefore()):
        city = work.add("City", {"Name": "new"})
        emulator.troubles.add(loss, where=holds("create"), times=9)
        emulator.troubles.add(DropBefore(), where=holds("read"), times=9)
        with pytest.raises(TransportError, match="is unknown"):
            await work.save()
        emulator.troubles.clear()
        work.delete(city)
        await work.save()
        assert (city.state, names(emulator), work.rows) == (EntityState.DETACHED, [], ())


async def test_a_change_that_is_taken_back_while_in_doubt_is_taken_back_on_the_server(
    work: UnitOfWork, emulator: Emulator
) -> None:
    (key,) = emulator.insert("City", [{"Name": "old"}])
    city = await work.get("City", key)
    city["Name"] = "new"
    emulator.troubles.add(DropAfter(), where=holds("update"), times=9)
    with pytest.raises(TransportError, match=f"update City {key}, .* is unknown"):
        await work.save()
    emulator.troubles.clear()
    assert names(emulator) == ["new"]
    city["Name"] = "old"
    await work.save()
    assert names(emulator) == ["old"]


async def test_what_the_server_did_not_begin_is_sent_again(
    work: UnitOfWork, emulator: Emulator
) -> None:
    work.add("City", {"Name": "new"})
    emulator.troubles.add(Refuse(retry_after=0), path="$batch")
    emulator.troubles.add(Refuse(retry_after=0), path="City", inner=True)
    await work.save()
    assert names(emulator) == ["new"]
    assert len(batches(emulator)) == 3


async def test_what_was_never_sent_is_tried_as_often_as_any_request_and_said_to_be_undone() -> None:
    transport = canned(*[lost("nobody listens", sent=False)] * 9)
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        work.add("City", {"Name": "new"})
        with pytest.raises(TransportError, match="nothing was sent") as caught:
            await work.save()
        assert caught.value.__notes__ == [
            "none of the 1 changes was carried out; nothing was saved"
        ]
        assert len(transport.requests) == AT_ONCE.attempts


async def test_a_failure_of_the_server_after_its_work_is_no_failure(
    work: UnitOfWork, emulator: Emulator
) -> None:
    work.add("City", {"Name": "new"})
    emulator.troubles.add(Fail(after=True), path="$batch")
    await work.save()
    assert names(emulator) == ["new"]
    work.add("City", {"Name": "other"})
    emulator.troubles.add(Fail(), path="$batch")
    with pytest.raises(ServerError) as caught:
        await work.save()
    assert caught.value.__notes__ == ["none of the 1 changes was carried out; nothing was saved"]
    emulator.troubles.add(Fail(), path="City", inner=True, method="POST")
    with pytest.raises(SaveError, match="create City"):
        await work.save()
    await work.save()
    assert names(emulator) == ["new", "other"]


async def test_an_answer_that_is_none_is_settled_as_well(
    work: UnitOfWork, emulator: Emulator
) -> None:
    work.add("City", {"Name": "new"})
    emulator.troubles.add(Cut(at=0.02), where=holds("create"))
    await work.save()
    assert names(emulator) == ["new"]


async def test_an_id_that_is_not_made_here_and_is_anothers_is_not_taken_for_ours(
    emulator: Emulator,
) -> None:
    async with client(emulator) as crm:
        work = crm.odata.unit_of_work()
        (taken,) = emulator.insert("City", [{"Name": "theirs"}])
        work.add("City", {"Id": taken, "Name": "ours"})
        emulator.troubles.add(DropBefore(), where=holds("create"))
        with pytest.raises(TransportError, match="is there, with other values"):
            await work.save()
        assert names(emulator) == ["theirs"]


async def test_a_save_that_is_cancelled_is_settled_by_the_next_one(emulator: Emulator) -> None:
    for moment in range(40):
        async with client(emulator) as crm:
            work = crm.odata.unit_of_work()
            country = work.add("Country", {"Name": f"country {moment}"})
            city = work.add("City", {"Name": f"city {moment}", "CountryId": country})
            task = asyncio.create_task(work.save())
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await work.save()
            assert names(emulator).count(f"city {moment}") == 1
            assert row_of(emulator, "City", city.id)["CountryId"] == country.id
            assert [each.state for each in work.rows] == [EntityState.UNCHANGED] * 2


async def test_a_save_that_is_cancelled_over_a_socket_is_settled_by_the_next_one(
    emulator: Emulator,
) -> None:
    async with emulator.served() as url, Creatio(url, AUTH) as crm:
        work = crm.odata.unit_of_work()
        city = work.add("City", {"Name": "new"})
        written = asyncio.Event()

        def hold(request: Request) -> bool:
            written.set()
            return holds("create")(request)

        emulator.troubles.add(DropAfter(), where=hold)
        task = asyncio.create_task(work.save())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ValueError, match="not followed"):
            crm.odata.unit_of_work().delete(city)
        await work.save()
        assert names(emulator) == ["new"]


async def test_two_saves_at_once_are_refused(work: UnitOfWork, emulator: Emulator) -> None:
    work.add("City", {"Name": "new"})
    emulator.troubles.add(Latency(0.001), path="$batch")
    first, second = await asyncio.gather(work.save(), work.save(), return_exceptions=True)
    assert isinstance(second, RuntimeError)
    assert not isinstance(first, BaseException)


async def test_an_answer_without_a_row_leaves_what_is_known_until_it_is_read() -> None:
    transport = canned(
        answer({"responses": [{"id": "1", "status": 204}]}),
        answer({"Id": str(uuid4()), "Name": "new", "CreatedOn": "2026-11-21T22:00:00Z"}),
    )
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        city = work.add("City", {"Name": "new"})
        await work.save()
        assert (city.state, list(city)) == (EntityState.UNCHANGED, ["Id", "Name"])
        await work.refresh(city)
        assert city["CreatedOn"] == "2026-11-21T22:00:00Z"


async def test_a_server_that_gives_a_new_row_another_id_is_told_of() -> None:
    other = str(uuid4())
    made = {"id": "1", "status": 201, "body": {"Id": other, "Name": "new"}}
    async with client(canned(answer({"responses": [made]}))) as crm:
        work = crm.odata.unit_of_work()
        city = work.add("City", {"Name": "new"})
        with pytest.raises(ValueError, match=f"the row {other}, of another Id") as caught:
            await work.save()
        assert caught.value.__notes__ == [f"this is saved: create City {city.id}"]
        assert await work.save() == []  # it is not created twice


def told(*statuses: int, **row: Any) -> Response:
    """Return the answer to a batch; what is read is *row*, what is refused as taken."""
    taken = {"error": {"message": "duplicate key value violates unique constraint"}}
    items: list[dict[str, Any]] = []
    for number, status in enumerate(statuses, 1):
        body = row if status == 200 else taken if status == 500 else None
        items.append({"id": str(number), "status": status} | ({"body": body} if body else {}))
    return answer({"responses": items})


async def test_a_change_set_that_was_still_under_way_when_it_was_looked_for_is_found_later() -> (
    None
):
    transport = canned(lost(), told(404), told(500), told(200, Name="new", CreatedOn="today"))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        city = work.add("City", {"Name": "new"})
        assert [each.status for each in await work.save()] == [None]
        assert (city.state, city["CreatedOn"]) == (EntityState.UNCHANGED, "today")
    transport = canned(lost(), told(200, Name="still"), told(404), told(404))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        city = work.attach("City", {"Id": uuid4()})
        work.delete(city)
        await work.save()
        assert city.state is EntityState.DETACHED


async def test_of_a_change_set_that_was_split_only_the_rest_is_sent_again() -> None:
    transport = canned(lost(), told(200, 404, Name="a"), told(201))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        a, b = (work.add("City", {"Name": name}) for name in "ab")
        assert [each.row for each in await work.save()] == [a, b]
        assert a.id.encode() not in transport.requests[-1].body
        assert b.id.encode() in transport.requests[-1].body


async def test_a_refusal_beside_successes_is_looked_up_before_it_is_believed() -> None:
    refused = told(201, 400)
    transport = canned(refused, told(200, 404, Name="a"))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        a, b = (work.add("City", {"Name": name}) for name in "ab")
        with pytest.raises(SaveError) as caught:
            await work.save()
        assert caught.value.saved == (Change("create", "City", a.id),)
        assert (a.state, b.state) == (EntityState.UNCHANGED, EntityState.ADDED)


async def test_mistakes_are_refused_where_they_are_made(work: UnitOfWork) -> None:
    with pytest.raises(ValueError, match=r"add City, 'Country': .* set 'CountryId'"):
        work.add("City", {"Country": {"Name": "x"}})
    with pytest.raises(ValueError, match="'Ci ty' is not a entity set"):
        work.add("Ci ty", {})
    with pytest.raises(TypeError, match="a row is a mapping"):
        work.attach("City", "x")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="attach City: the row has no 'Id'"):
        work.attach("City", {"Name": "x"})
    city = work.add("City", {"Name": "x"})
    with pytest.raises(ValueError, match="is followed already"):
        work.add("City", {"Id": city.id})
    with pytest.raises(ValueError, match="is not saved yet"):
        await work.refresh(city)
    with pytest.raises(ValueError, match="Country is to lead to a row, not to None"):
        work.link(city, "Country", None)
    with pytest.raises(TypeError, match="a row is a mapping"):
        work.add("City")
