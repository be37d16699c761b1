"""A batch in both of its forms, over the wire."""

from typing import Literal
from uuid import UUID, uuid4

import pytest

from creatio_async import (
    BatchError,
    ConflictError,
    Creatio,
    F,
    FailedDependencyError,
    ForbiddenError,
    NotFoundError,
    State,
)
from creatio_async.emulator import Emulator
from creatio_async.messages import Request
from tests.api.canned import answer, canned, client

Form = Literal["json", "multipart"]

pytestmark = pytest.mark.parametrize("form", ["json", "multipart"])

MISSING = UUID("62f9bc01-57cf-4cc7-90bf-8672acc922e2")


async def test_operations_of_every_kind_travel_together(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    old, gone = emulator.insert("City", [{"Name": "Old"}, {"Name": "Gone"}])
    batch = crm.odata.batch(format=form)
    new = batch.create("City", {"Name": "Сity «'\r\n--batch»"})
    with batch.atomic() as group:
        pair = group.create("City", {"Name": "Pair"})
        changed = group.update("City", old, {"Name": "New"})
    deleted = batch.delete("City", gone)
    one = batch.get("City", old, select=["Name"])
    several = batch.query(crm.odata["City"].where(F.Name != "x y").order_by("Name").select("Name"))
    none = batch.get("City", MISSING)
    await batch.send()

    assert [each.state for each in batch.operations] == [State.DONE] * 6 + [State.FAILED]
    assert [each.status for each in batch.operations] == [201, 201, 204, 204, 200, 200, 404]
    assert new.result()["Name"] == "Сity «'\r\n--batch»"
    assert (new.result()["Id"], pair.result()["Id"]) == (new.id, pair.id)
    assert changed.result() is None
    assert deleted.result() is None
    assert one.result()["Name"] == "New"
    assert [row["Name"] for row in several.result()] == ["New", "Pair", "Сity «'\r\n--batch»"]
    with pytest.raises(NotFoundError):
        none.result()
    sent = emulator.requests[-1]
    assert sent.headers["content-type"].startswith(
        "application/json" if form == "json" else "multipart/mixed; boundary="
    )


async def test_a_group_that_fails_fails_as_a_whole_and_the_others_go_on(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    batch = crm.odata.batch(format=form)
    with batch.atomic() as group:
        first = group.create("City", {"Name": "First"})
        failing = group.update("City", MISSING, {"Name": "x"})
        last = group.create("City", {"Name": "Last"})
    after = batch.create("City", {"Name": "After"})
    await batch.send()

    assert [each.state for each in batch.operations] == [
        State.GROUP_FAILED,
        State.FAILED,
        State.GROUP_FAILED,
        State.DONE,
    ]
    with pytest.raises(FailedDependencyError, match="another operation"):
        first.result()
    with pytest.raises(NotFoundError):
        failing.result()
    assert (last.status, after.status) == (None, 201)
    assert [row["Name"] for row in emulator.rows("City")] == ["After"]


async def test_without_going_on_what_comes_after_a_failure_is_not_run(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    batch = crm.odata.batch(continue_on_error=False, format=form)
    batch.create("City", {"Name": "A"})
    batch.update("City", MISSING, {"Name": "x"})
    never = batch.create("City", {"Name": "B"})
    await batch.send()
    states = [State.DONE, State.FAILED, State.NOT_RUN]
    assert [each.state for each in batch.operations] == states
    with pytest.raises(BatchError, match="stopped before"):
        never.result()
    assert [row["Name"] for row in emulator.rows("City")] == ["A"]


async def test_an_id_that_is_taken_is_a_conflict(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    (taken,) = emulator.insert("City", [{"Name": "A"}])
    batch = crm.odata.batch(format=form)
    sent = batch.create("City", {"Id": taken, "Name": "B"})
    await batch.send()
    assert sent.state is State.CONFLICT
    with pytest.raises(ConflictError):
        sent.result()


async def test_a_hundred_operations_are_taken_and_one_more_is_refused(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    batch = crm.odata.batch(format=form)
    for number in range(100):
        batch.create("City", {"Name": str(number)})
    await batch.send()
    assert len(emulator.rows("City")) == 100
    more = crm.odata.batch(format=form)
    for number in range(101):
        more.delete("City", uuid4() if number else MISSING)
    with pytest.raises(ValueError, match="1 to 100"):
        await more.send()
    with pytest.raises(ValueError, match="1 to 100"):
        await crm.odata.batch(format=form).send()


async def test_an_answer_in_the_other_form_is_read_too(form: Form) -> None:
    def other(request: Request) -> object:
        assert request.method == "POST"
        if form == "multipart":
            return answer({"responses": [{"id": "1", "status": 204, "headers": {}}]})
        part = (
            b"--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n"
            b"HTTP/1.1 204 No Content\r\n\r\n\r\n--b--\r\n"
        )
        return answer(part, content_type='multipart/mixed; boundary="b"')

    async with client(canned(other)) as crm:  # type: ignore[arg-type]
        batch = crm.odata.batch(format=form)
        sent = batch.delete("City", MISSING)
        await batch.send()
    assert sent.state is State.DONE


async def test_a_401_within_a_batch_is_about_the_set_and_not_about_the_session(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    batch = crm.odata.batch(format=form)
    sent = batch.create("Unknown", {"Name": "x"})
    await batch.send()
    with pytest.raises(ForbiddenError, match="does not know"):
        sent.result()
    assert emulator.logins == 1


async def test_an_operation_stands_for_the_row_that_it_creates(
    crm: Creatio, emulator: Emulator, form: Form
) -> None:
    batch = crm.odata.batch(format=form)
    with batch.atomic() as group:
        account = group.create("Account", {"Name": "Some Company"})
        contact = group.create("Contact", {"Name": "Ann", "AccountId": account})
        other = group.create("Contact", {"Name": "Bob"})
        group.link("Contact", other, "Account", account)
        group.update("Account", account, {"PrimaryContactId": contact})
        group.unlink("Contact", contact, "Account")
    read = batch.get("Contact", other, select=["AccountId"])
    await batch.send()
    for each in batch.operations:
        each.result()
    assert read.result()["AccountId"] == account.id
    rows = {row["Name"]: row for row in emulator.rows("Contact")}
    assert rows["Ann"]["AccountId"] == "00000000-0000-0000-0000-000000000000"
    assert emulator.rows("Account")[-1]["PrimaryContactId"] == contact.id


async def test_a_row_is_replaced_with_a_put(form: Form) -> None:
    site = canned(answer({"responses": [{"id": "1", "status": 204, "headers": {}}]}))
    async with client(site) as crm:
        batch = crm.odata.batch(format=form)
        sent = batch.replace("City", MISSING, {"Name": "Rome"})
        await batch.send()
    body = site.requests[0].body
    assert sent.state is State.DONE
    assert sent.result() is None
    assert (b'"method":"PUT"' in body) if form == "json" else (b"\r\nPUT City(" in body)
    assert b'{"Name":"Rome"}' in body
