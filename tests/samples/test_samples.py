from typing import Any
from urllib.parse import unquote
from uuid import UUID

import orjson
import pytest

from creatio_async import Batch, BatchError, Creatio, F, State
from creatio_async.emulator import Emulator
from creatio_async.messages import Request
from tests.api.canned import answer, canned, client
from tests.samples.printed import Printed, contacts, operations, printed, text_of

BATCHES = ["batch.http", "batch_continue.http"]


def path_of(url: str) -> str:
    """Return what comes after the workspace."""
    return url.partition("/0/")[2]


def sent_path(request: Request) -> str:
    return unquote(request.url.raw_path_qs).partition("/0/")[2]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if "@" not in name}


@pytest.mark.parametrize("name", ["create_contact.http", "create_image.http"])
async def test_a_create_is_the_printed_request_and_reads_the_printed_answer(name: str) -> None:
    sample = printed(name)
    site = canned(answer(sample.answer, sample.status))
    async with client(site) as crm:
        row = await crm.odata[sample.url.rpartition("/")[2]].create(sample.body)
    (request,) = site.requests
    assert (request.method, sent_path(request)) == (sample.method, path_of(sample.url))
    body = orjson.loads(request.body)
    key = UUID(sample.body.get("Id", body["Id"]))
    assert body == {**sample.body, "Id": str(key)}
    assert request.headers["bpmcsrf"]
    assert row == plain(sample.answer)
    assert len(row) < len(sample.answer)


@pytest.mark.parametrize("name", ["create_contact.http", "create_image.http"])
async def test_a_printed_create_works(name: str) -> None:
    sample = printed(name)
    with Emulator() as site:
        async with client(site) as crm:
            row = await crm.odata[sample.url.rpartition("/")[2]].create(sample.body)
    assert row["Name"] == sample.body["Name"]
    assert row["ProcessListeners"] == sample.answer["ProcessListeners"]
    if "Id" in sample.body:
        assert row["Id"] == sample.answer["Id"] == sample.body["Id"].lower()


async def test_an_update_is_the_printed_request() -> None:
    sample = printed("update_contact.http")
    site = canned(answer(status=sample.status))
    async with client(site) as crm:
        key = sample.url.partition("(")[2].rstrip(")")
        await crm.odata["Contact"].update(key, sample.body)
    (request,) = site.requests
    assert (request.method, sent_path(request)) == (sample.method, path_of(sample.url))
    assert orjson.loads(request.body) == sample.body


async def test_the_photo_of_a_contact_is_linked_as_printed() -> None:
    with Emulator() as site:
        async with client(site) as crm:
            contact = await crm.odata["Contact"].create(printed("create_contact.http").body)
            image = await crm.odata["SysImage"].create(printed("create_image.http").body)
            link = printed("update_contact.http").body
            assert link == {"PhotoId": image["Id"]}
            await crm.odata["Contact"].update(contact["Id"], link)
            found = await crm.odata["Contact"].where(F.PhotoId == image["Id"]).one()
    assert found["Name"] == "New user"


async def test_schemas_are_found_as_printed() -> None:
    sample = printed("find_schemas.http")
    with Emulator() as site:
        async with client(site) as crm:
            query = crm.odata["SysSchema"].where(F.ManagerName == "EntitySchemaManager").top(500)
            rows = await query
    (path,) = (sent_path(each) for each in site.requests if "SysSchema" in each.url.path)
    assert path.removesuffix("&$top=500") == path_of(sample.url)
    assert "Contact" in {row["Name"] for row in rows}


# --- Batches --------------------------------------------------------------------------------------


def fill(batch: Batch, sample: Printed) -> None:
    """Add the printed operations; those of a group are printed side by side."""
    with batch.atomic() as members:
        for each in operations(sample):
            adding = members if "atomicityGroup" in each else batch
            name, _, key = each["url"].partition("/")
            if each["method"] == "POST":
                adding.create(name, each["body"])
            else:
                adding.update(name, key, each["body"])


def numbered(sample: Printed) -> dict[str, Any]:
    """Return the printed answer with ids that tell its parts apart."""
    items = enumerate(sample.answer["responses"], start=1)
    return {"responses": [{**item, "id": str(number)} for number, item in items]}


@pytest.mark.parametrize("name", BATCHES)
async def test_a_batch_is_the_printed_request_with_ids_that_do_not_repeat(name: str) -> None:
    sample = printed(name)
    site = canned(answer(numbered(sample)))
    async with client(site) as crm:
        batch = crm.odata.batch(continue_on_error="Prefer" in sample.headers)
        fill(batch, sample)
        await batch.send()
    (request,) = site.requests
    assert (request.method, sent_path(request)) == (sample.method, path_of(sample.url))
    assert ("prefer" in request.headers) == ("Prefer" in sample.headers)
    sent = orjson.loads(request.body)["requests"]
    assert [each["id"] for each in sent] == ["1", "2", "3"]
    for ours, theirs in zip(sent, operations(sample), strict=True):
        assert ours["method"] == theirs["method"]
        assert ours["url"] == theirs["url"].replace("/", "(") + ")" * ("/" in theirs["url"])
        assert ours.get("atomicityGroup") == theirs.get("atomicityGroup")
        assert {**ours["body"], **theirs["body"]} == ours["body"]


@pytest.mark.parametrize("name", BATCHES)
async def test_the_printed_answer_to_a_batch_is_read(name: str) -> None:
    sample = printed(name)
    async with client(canned(answer(numbered(sample), sample.status))) as crm:
        batch = crm.odata.batch()
        fill(batch, sample)
        await batch.send()
    for operation, item in zip(batch.operations, sample.answer["responses"], strict=True):
        assert (operation.state, operation.status) == (State.DONE, item["status"])
        assert operation.result() == (plain(item["body"]) if "body" in item else None)


@pytest.mark.parametrize("name", BATCHES)
async def test_an_answer_whose_ids_are_not_ours_is_refused(name: str) -> None:
    sample = printed(name)
    async with client(canned(answer(sample.answer))) as crm:
        batch = crm.odata.batch()
        fill(batch, sample)
        with pytest.raises(BatchError, match="t3"):
            await batch.send()


async def test_the_first_printed_batch_works(crm: Creatio, emulator: Emulator) -> None:
    batch = crm.odata.batch(continue_on_error=False)
    fill(batch, printed("batch.http"))
    await batch.send()
    assert {row["Name"] for row in emulator.rows("City")} == {"Burbank", "Texas"}


async def test_the_second_printed_batch_works_on_the_row_that_it_changes(
    crm: Creatio, emulator: Emulator
) -> None:
    emulator.insert("City", [{"Id": "62f9bc01-57cf-4cc7-90bf-8672acc922e2", "Name": "Before"}])
    batch = crm.odata.batch()
    fill(batch, printed("batch_continue.http"))
    await batch.send()
    assert {row["Name"] for row in emulator.rows("City")} == {"Burbank", "Indiana", "Iowa"}


async def test_the_printed_answer_to_change_sets_in_json_is_read() -> None:
    sample = orjson.loads(text_of("batch_changesets.json"))
    async with client(canned(answer(sample))) as crm:
        batch = crm.odata.batch()
        for item in sample["responses"]:
            with batch.atomic() as group:
                group.create("City", {"Id": item["body"]["Id"], "Name": item["body"]["Name"]})
        await batch.send()
    assert [each.result()["Name"] for each in batch.operations] == ["Nebraska", "Durham"]


def test_the_errata_are_as_told() -> None:
    assert "\u0421ity" in text_of("batch.http")
    for name in BATCHES:
        assert text_of(name).count('"t3"') == 4
        assert "//" in text_of(name).replace("http://", "").replace("https://", "")
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(text_of(name)[text_of(name).index("{") :])


# --- Processes ------------------------------------------------------------------------------------

ADD = (
    "ServiceModel/ProcessEngineService.svc/UsrAddNewExternalContact/Execute"
    "?ContactName=John Johanson&ContactPhone=+1 111 111 1111"
)
LIST = (
    "ServiceModel/ProcessEngineService.svc/UsrGetAllContacts/Execute"
    "?ResultParameterName=ContactList"
)
"""Source: academy.creatio.com, "Run a business process via the web service"."""


@pytest.mark.parametrize("times", [1, 2])
async def test_the_printed_result_of_a_process_is_read_encoded_once_or_twice(times: int) -> None:
    rows = contacts()
    assert len(rows) == 6
    text = orjson.dumps(rows).decode()
    if times == 2:
        text = orjson.dumps(text).decode()
    body = text_of("process_contacts.xml").partition("[")[0] + text + "</string>"
    site = canned(answer(body, content_type="application/xml; charset=utf-8"))
    async with client(site) as crm:
        assert await crm.processes.execute("UsrGetAllContacts", result="ContactList") == rows
    assert sent_path(site.requests[0]) == LIST


async def test_the_printed_processes_run_as_printed(crm: Creatio, emulator: Emulator) -> None:
    given = {"ContactName": "John Johanson", "ContactPhone": "+1 111 111 1111"}
    await crm.processes.start("UsrAddNewExternalContact", given)
    assert sent_path(emulator.requests[-1]) == ADD
    found = await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    assert sent_path(emulator.requests[-1]) == LIST
    by_id = {row["Id"]: row for row in found}
    assert "John Johanson" in {row["Name"] for row in found}
    for row in contacts():
        if row["Name"] in {"Supervisor", "Andrew Baker (sample)"}:
            assert by_id[row["Id"]] == row
    assert {"+1 111 111 1111"} == {row["Phone"] for row in found if row["Name"] == "John Johanson"}
