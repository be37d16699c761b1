"""What is lost, sent again, or changed on its way is done once, as it was meant."""

import asyncio
from typing import NoReturn
from uuid import UUID, uuid4

import pytest

from creatio_async import (
    UNSET,
    Change,
    CreatioError,
    EntityState,
    Model,
    NotFoundError,
    OData,
    SaveError,
    ServerError,
    TrackedRow,
    TransportError,
    UnitOfWork,
    UnknownOutcomeError,
)
from creatio_async.emulator import DropAfter, DropBefore, Emulator, Fail, Latency
from creatio_async.emulator.troubles import Trouble
from creatio_async.messages import Request, Response
from tests.api.canned import answer, canned, client, lost
from tests.api.conftest import emulator, odata

__all__ = ["emulator", "odata"]

TAKEN = {"error": {"message": "duplicate key value violates unique constraint"}}


@pytest.fixture
def work(odata: OData) -> UnitOfWork:
    return odata.unit_of_work()


@pytest.fixture
async def ring(odata: OData) -> tuple[UnitOfWork, list[TrackedRow]]:
    """Three rows that lead to each other, in a unit of work that has read them and deletes them."""
    async with odata.unit_of_work() as made:
        rows = [made.add("Account", {"Name": f"ring {number}"}) for number in range(3)]
        for row, after in zip(rows, rows[1:] + rows[:1], strict=True):
            made.link(row, "Parent", after)
    work = odata.unit_of_work()
    read = [await work.get("Account", row.id) for row in rows]
    for row in read:
        work.delete(row)
    return work, read


def names(emulator: Emulator, entity_set: str = "Account") -> list[str]:
    return sorted(row["Name"] for row in emulator.rows(entity_set))


def held(emulator: Emulator) -> asyncio.Event:
    """Let the first batch wait a moment; return what tells that it has begun."""
    begun = asyncio.Event()

    def begins(_: Request) -> bool:
        begun.set()
        return True

    emulator.troubles.add(Latency(0.001), where=begins, path="$batch")
    return begun


def told(*statuses: int) -> Response:
    """Return the answer to a batch; what is read is a row, what is refused with a 500 is taken."""
    bodies = {200: {"Name": "late"}, 500: TAKEN}
    return answer({
        "responses": [
            {"id": str(number), "status": status, "body": bodies.get(status)}
            for number, status in enumerate(statuses, 1)
        ]
    })


def _break_off(_: Request) -> NoReturn:
    raise asyncio.CancelledError


@pytest.mark.parametrize("trouble", [DropAfter(), DropBefore(), Fail(after=True)])
async def test_a_ring_of_rows_is_deleted_once_whatever_is_lost(
    ring: tuple[UnitOfWork, list[TrackedRow]], emulator: Emulator, trouble: Trouble
) -> None:
    work, rows = ring
    emulator.troubles.add(trouble, path="$batch")
    responses = await work.save()
    assert [each.change.operation for each in responses] == ["update", *["delete"] * 3]
    assert sorted(each.change.id or "" for each in responses[1:]) == sorted(r.id for r in rows)
    assert not [name for name in names(emulator) if name.startswith("ring")]
    assert (work.rows, await work.save()) == ((), [])


@pytest.mark.parametrize("trouble", [DropAfter(), DropBefore()])
async def test_a_ring_of_rows_is_still_known_for_one_by_the_save_after_one_that_gave_up(
    ring: tuple[UnitOfWork, list[TrackedRow]], emulator: Emulator, trouble: Trouble
) -> None:
    work, _ = ring
    rule = emulator.troubles.add(trouble, path="$batch", times=None)
    with pytest.raises(CreatioError):
        await work.save()
    rule.remove()
    await work.save()
    assert not [name for name in names(emulator) if name.startswith("ring")]


async def test_a_row_is_deleted_after_another_that_may_still_lead_to_it(
    work: UnitOfWork, emulator: Emulator
) -> None:
    first, second, third = (work.add("Account", {"Name": name}) for name in "123")
    contact = work.add("Contact", {"Name": "Ann", "AccountId": first})
    await work.save()
    work.delete(first)
    work.link(contact, "Account", second)
    for trouble in (DropBefore(), DropAfter()):
        rule = emulator.troubles.add(trouble, path="$batch", times=None)
        with pytest.raises(CreatioError):
            await work.save()
        rule.remove()
        work.delete(second)  # which the contact leads to by now, or does not
        work.link(contact, "Account", third)
    await work.save()
    assert [name for name in names(emulator) if name in "123"] == ["3"]
    assert contact.state is EntityState.UNCHANGED


async def test_a_change_set_that_arrives_after_the_next_save_has_looked_for_it_is_found() -> None:
    transport = canned(_break_off, told(404), told(500), told(200))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        city = work.add("City", {"Name": "late"})
        with pytest.raises(asyncio.CancelledError):
            await work.save()
        assert [each.status for each in await work.save()] == [None]
        assert city.state is EntityState.UNCHANGED
    transport = canned(_break_off, told(200), told(404), told(404))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        work.delete(work.attach("City", {"Id": uuid4()}))
        with pytest.raises(asyncio.CancelledError):
            await work.save()
        assert [each.status for each in await work.save()] == [None]
        assert work.rows == ()


async def test_an_empty_answer_to_a_look_up_tells_nothing() -> None:
    transport = canned(lost(), answer({"responses": [{"id": "1", "status": 200}]}))
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        row = work.attach("City", {"Id": uuid4()})
        work.delete(row)
        with pytest.raises(TransportError, match=r"unknown: .*it holds no row"):
            await work.save()
        assert row.state is EntityState.DELETED


async def test_an_update_of_a_row_that_the_same_change_set_deleted_late_is_no_failure() -> None:
    first, second = str(uuid4()), str(uuid4())
    transport = canned(
        lost(),
        told(200, 200),  # neither is gone
        answer({"responses": [{"id": "1", "status": 404}]}),  # by now they are
        told(404, 404),
    )
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        for own, other in ((first, second), (second, first)):
            work.delete(work.attach("Account", {"Id": own, "ParentId": other}))
        assert [each.status for each in await work.save()] == [None, None, None]
        assert work.rows == ()


async def test_a_row_that_was_never_there_is_still_said_to_be_missing() -> None:
    missing = answer({"responses": [{"id": "1", "status": 404}]})
    transport = canned(lost(), missing)
    async with client(transport) as crm:
        work = crm.odata.unit_of_work()
        row = work.attach("City", {"Id": uuid4()})
        row["Name"] = "x"
        with pytest.raises(SaveError) as caught:
            await work.save()
        assert isinstance(caught.value.error, NotFoundError)
        assert caught.value.change == Change("update", "City", row.id)


class Account(Model):
    """A row without `Id`, which could be added twice."""

    Id: UUID = UNSET
    Name: str = UNSET


async def test_an_object_is_added_once(work: UnitOfWork, emulator: Emulator) -> None:
    acme = work.add(Account(Name="Acme"), new_id="server")
    with pytest.raises(ValueError, match="add Account: <Account new 1 added> is followed already"):
        work.add(acme, new_id="server")
    await work.save()
    assert names(emulator).count("Acme") == 1


async def test_a_row_is_not_taken_away_from_one_that_it_does_not_lead_to(
    odata: OData,
) -> None:
    for new_id in ("uuid4", "server"):
        work = odata.unit_of_work(new_id=new_id)
        own, other = (work.add("Account", {"Name": name}) for name in ("own", "other"))
        contact = work.add("Contact", {"Name": f"Ann {new_id}"})
        work.link(contact, "Account", own)
        for _ in range(2):  # before they are saved, and after
            with pytest.raises(ValueError, match=r"Contact .*: 'AccountId' leads to .*, not to "):
                work.unlink(other, "ContactCollectionByAccount", contact)
            with pytest.raises(ValueError, match="'AccountId' leads to"):
                work.unlink(contact, "Account", other)
            await work.save()
            assert contact["AccountId"] == own.id
        work.unlink(own, "ContactCollectionByAccount", contact)
        work.unlink(contact, "Account", other)  # it leads nowhere
        await work.save()
        work.unlink(work.attach("Account", {"Id": uuid4()}), "ContactCollectionByAccount", contact)
        work.unlink(contact, "Account", own.id.upper())
        blank = work.attach("Contact", {"Id": uuid4()})
        work.unlink(blank, "Account", other)  # where it leads is not known
        assert blank.changes == {"AccountId": None}


async def test_a_row_that_leads_to_one_deleted_before_it_was_saved_is_refused_unsent(
    work: UnitOfWork, emulator: Emulator
) -> None:
    gone = work.add("Account", {"Name": "gone"})
    contact = work.add("Contact", {"Name": "Ann", "AccountId": gone, "Notes": gone.id})
    work.delete(gone)
    sent = len(emulator.requests)
    nowhere = rf"create Contact {contact.id}: 'AccountId' leads to <Account {gone.id} detached>"
    with pytest.raises(ValueError, match=nowhere):
        await work.save()
    assert len(emulator.requests) == sent
    work.unlink(contact, "Account")
    await work.save()
    work.link(contact, "Account", gone.id)
    back = work.add("Account", {"Id": gone.id, "Name": "back"})
    await work.save()
    assert contact["AccountId"] == back.id


@pytest.mark.parametrize("how", ["delete", "detach"])
async def test_a_row_that_is_dropped_while_others_are_saved_is_not_written(
    work: UnitOfWork, emulator: Emulator, how: str
) -> None:
    rows = [work.add("City", {"Name": f"{number}"}) for number in range(101)]
    begun = held(emulator)
    saving = asyncio.create_task(work.save(atomic=False))
    await begun.wait()
    getattr(work, how)(rows[0])  # is on its way
    getattr(work, how)(rows[-1])
    assert len(await saving) == 100
    await work.save()
    assert (rows[-1].state, "100" in names(emulator, "City")) == (EntityState.DETACHED, False)
    assert ("0" in names(emulator, "City")) == (how == "detach")


@pytest.mark.parametrize("how", ["delete", "detach"])
async def test_a_link_to_a_row_that_is_dropped_while_others_are_saved_is_left_to_be_changed(
    odata: OData, emulator: Emulator, how: str
) -> None:
    work = odata.unit_of_work(new_id="server")
    contact, *_, last = (work.add("Contact", {"Name": f"{number}"}) for number in range(100))
    account = work.add("Account", {"Name": "Acme"})
    for row in (contact, last):
        work.link(row, "Account", account)
    begun = held(emulator)
    saving = asyncio.create_task(work.save(atomic=False))
    await begun.wait()
    getattr(work, how)(account)
    assert len(await saving) == 100
    assert "Acme" not in names(emulator)
    with pytest.raises(
        ValueError, match=rf"update Contact {contact.id}: 'AccountId' leads to <Acc"
    ):
        await work.save()
    for row in (contact, last):
        work.unlink(row, "Account")
    await work.save()
    assert {each.state for each in work.rows} == {EntityState.UNCHANGED}


async def test_a_refusal_that_may_have_come_too_late_names_the_row_as_well(
    odata: OData, emulator: Emulator
) -> None:
    work = odata.unit_of_work(new_id="server")
    work.add("Account", {"Name": "Acme"})
    work.add("Contact", {"Name": "Ann", "AccountId": uuid4()})
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError, match=r"\(create Contact new 2: POST ") as caught:
            await work.save()
        assert caught.value.refused == Change("create", "Contact", None, 2)
        assert isinstance(caught.value.error, ServerError)
    assert "Acme" not in names(emulator)
