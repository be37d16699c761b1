"""The requests and answers of "Run a business process via the web service", as printed there.

Source: academy.creatio.com, "Run a business process via the web service", "Run a process from a
client module", "ProcessEngineService.svc web service".
"""

import re
from typing import Any
from uuid import UUID

import pytest

from creatio_async import Creatio
from creatio_async.emulator import Emulator
from creatio_async.messages import Response
from tests.api.canned import answer, canned, client
from tests.emulator.caller import Caller, caller_of

SERVICE = "ServiceModel/ProcessEngineService.svc"
XML = "http://schemas.microsoft.com/2003/10/Serialization/"

PRINTED = (
    f'<string xmlns="{XML}">"'
    r"[{\"Id\":\"0e9dccfa-0c73-4ca4-970e-323c2361f690\",\"Name\":\"John Johanson\","
    r"\"Phone\":\" 1 111 111 1111\"},"
    r"{\"Id\":\"c4ed336c-3e9b-40fe-8b82-5632476472b4\",\"Name\":\"Andrew Baker (sample)\","
    r"\"Phone\":\"+1 617 440 2031\"},"
    r"{\"Id\":\"410006e1-ca4e-4502-a9ec-e54d922d2c00\",\"Name\":\"Supervisor\",\"Phone\":\"\"}]"
    '"</string>'
)
"""The printed result has more of the same contacts, and lost some of its backslashes in print."""


@pytest.fixture
async def browser(emulator: Emulator) -> Caller:
    """Return one that sends what it is given, after a login."""
    caller = caller_of(emulator)
    await caller.login()
    return caller


async def test_the_address_for_the_browser_adds_a_contact_and_the_other_lists_it(
    browser: Caller,
) -> None:
    path = f"/0/{SERVICE}/UsrAddNewExternalContact/Execute"
    response = await browser.ask("GET", f"{path}?ContactName=John&ContactPhone=111")
    assert (response.status, response.body) == (200, b"")
    path = f"/0/{SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=ContactList"
    listed = (await browser.ask("GET", path)).text()
    assert re.fullmatch(rf'<string xmlns="{re.escape(XML)}">"\[.*\]"</string>', listed)
    assert r"\"Name\":\"John\",\"Phone\":\"111\"" in listed


async def test_a_second_request_adds_a_second_contact(browser: Caller) -> None:
    path = f"/0/{SERVICE}/UsrAddNewExternalContact/Execute?ContactName=Twice&ContactPhone="
    for _ in range(2):
        await browser.ask("GET", path)
    names = [row["Name"] for row in browser.emulator.rows("Contact")]
    assert names.count("Twice") == 2


async def test_the_plus_of_the_console_program_arrives_as_a_blank(browser: Caller) -> None:
    # string.Format escapes nothing, and HttpWebRequest only the blanks
    path = f"/0/{SERVICE}/UsrAddNewExternalContact/Execute"
    query = "?ContactName=John%20Johanson&ContactPhone=+1%20111%20111%201111"
    response = await browser.ask("GET", path + query)
    assert response.status == 200
    assert response.body == b""  # the program prints its length, which is 0
    [phone] = [r["Phone"] for r in browser.emulator.rows("Contact") if r["Name"] == "John Johanson"]
    assert phone == " 1 111 111 1111"


async def test_the_console_program_of_this_library_keeps_the_plus(
    crm: Creatio, emulator: Emulator
) -> None:
    given = {"ContactName": "John Johanson", "ContactPhone": "+1 111 111 1111"}
    await crm.processes.start("UsrAddNewExternalContact", given)
    contacts = await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    assert [list(each) for each in contacts] == [["Id", "Name", "Phone"]] * 4
    phones = {each["Name"]: each["Phone"] for each in contacts}
    assert phones == {
        "Andrew Baker (sample)": "+1 617 440 2031",
        "Email Supervisor": "",
        "John Johanson": "+1 111 111 1111",
        "Supervisor": "",
    }
    added = next(row for row in emulator.rows("Contact") if row["Name"] == "John Johanson")
    assert added["Id"] in {each["Id"] for each in contacts}


async def test_the_requests_have_the_headers_of_the_reference(
    crm: Creatio, emulator: Emulator
) -> None:
    await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    request = emulator.requests[-1]
    assert request.method == "GET"
    assert request.url.path_qs == (
        f"/0/{SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=ContactList"
    )
    assert request.headers["ForceUseSession"] == "true"
    assert request.headers["BPMCSRF"]


async def test_the_printed_answer_is_read() -> None:
    site = canned(answer(PRINTED, content_type="application/xml; charset=utf-8"))
    async with client(site) as crm:
        contacts = await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    assert contacts == [
        {
            "Id": "0e9dccfa-0c73-4ca4-970e-323c2361f690",
            "Name": "John Johanson",
            "Phone": " 1 111 111 1111",
        },
        {
            "Id": "c4ed336c-3e9b-40fe-8b82-5632476472b4",
            "Name": "Andrew Baker (sample)",
            "Phone": "+1 617 440 2031",
        },
        {"Id": "410006e1-ca4e-4502-a9ec-e54d922d2c00", "Name": "Supervisor", "Phone": ""},
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"[{\"Id\":\"object1_id\",\"field\":\"1\"},{\"Id\":\"object2_id\"},{}]"', 3),
        ('[{"Id":"object1_id"},{}]', 2),
        ('"[]"', 0),
    ],
)
@pytest.mark.parametrize("form", ["XML", "JSON"])
async def test_a_collection_of_the_reference_is_read_in_either_form(
    text: str, value: int, form: str
) -> None:
    wrapped = f'<string xmlns="{XML}">{text}</string>' if form == "XML" else text
    kind = "application/xml" if form == "XML" else "application/json"
    async with client(canned(answer(wrapped, content_type=kind))) as crm:
        found = await crm.processes.execute("UsrX", result="R")
    assert len(found) == value


async def test_a_result_that_the_process_has_not_is_null(browser: Caller) -> None:
    path = f"/0/{SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=Other"
    assert (await browser.ask("GET", path)).text() == f'<string xmlns="{XML}">null</string>'


async def test_the_process_of_the_account_page_gets_its_contact(
    crm: Creatio, emulator: Emulator
) -> None:
    # the page hands executeProcess the name of the process and one parameter
    seen: list[UUID] = []

    @emulator.process("UsrCustomProcess")
    def process(ProcessSchemaContactParameter: UUID) -> None:  # noqa: N803 - its code
        seen.append(ProcessSchemaContactParameter)

    contact = UUID("c4ed336c-3e9b-40fe-8b82-5632476472b4")
    given = {"ProcessSchemaContactParameter": contact}
    await crm.processes.start("UsrCustomProcess", given)
    [schema] = [row for row in emulator.rows("SysSchema") if row["Name"] == "UsrCustomProcess"]
    await crm.processes.start(schema_id=schema["UId"], parameters=given)  # its sysProcessId
    assert seen == [contact, contact]


async def test_an_element_that_has_run_is_not_run_again(crm: Creatio, emulator: Emulator) -> None:
    runs: list[int] = []
    uid = "405947d0-2ffb-4ded-8675-0475f19f5a81"

    @emulator.element(uid)
    def element() -> None:
        runs.append(1)

    await crm.processes.execute_element(uid)
    await crm.processes.execute_element(uid)
    assert runs == [1]


async def test_an_answer_to_a_start_is_empty() -> None:
    empty: list[Response] = [answer(), answer(headers=[("Content-Length", "0")])]
    given: Any = {"ContactName": "a", "ContactPhone": "b"}
    async with client(canned(*empty)) as crm:
        for _ in range(2):
            await crm.processes.start("UsrAddNewExternalContact", given)
