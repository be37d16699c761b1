import asyncio
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from creatio_async.emulator import Emulator
from creatio_async.messages import Response

from .caller import Caller, caller_of

SERVICE = "/0/ServiceModel/ProcessEngineService.svc"
STRING = "{http://schemas.microsoft.com/2003/10/Serialization/}string"


def text_of(response: Response) -> str:
    root = ET.fromstring(response.body)  # noqa: S314 - of our own
    assert root.tag == STRING
    return root.text or ""


async def test_the_processes_of_the_documentation_run_as_printed(site: Caller) -> None:
    # academy.creatio.com, "Run a business process via the web service"
    path = f"{SERVICE}/UsrAddNewExternalContact/Execute"
    query = "?ContactName=John%20Johanson&ContactPhone=+1%20111%20111%201111"
    response = await site.ask("GET", path + query)
    assert (response.status, response.body) == (200, b"")
    path = f"{SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=ContactList"
    response = await site.ask("GET", path)
    assert response.status == 200
    assert response.headers["content-type"] == "application/xml; charset=utf-8"
    assert response.body.startswith(
        b'<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">"[{'
    )
    contacts = json.loads(json.loads(text_of(response)))
    assert [list(contact) for contact in contacts] == [["Id", "Name", "Phone"]] * 4
    phones = {contact["Name"]: contact["Phone"] for contact in contacts}
    assert phones == {
        "Supervisor": "",
        "Andrew Baker (sample)": "+1 617 440 2031",
        "Email Supervisor": "",
        "John Johanson": " 1 111 111 1111",
    }


async def test_a_result_is_json_in_xml(site: Caller) -> None:
    @site.emulator.process("UsrCalc")
    def calc(Amount: str, Note: str = "") -> dict[str, Any]:  # noqa: N803 - codes of parameters
        return {"Sum": float(Amount) * 2, "Note": Note, "List": [1, {"a": None}]}

    path = (
        f"{SERVICE}/UsrCalc/Execute?Amount=10.5&Note=%3C%26%22%3E&Unknown=1&x&ResultParameterName="
    )
    assert text_of(await site.ask("GET", path + "Sum")) == "21.0"
    assert json.loads(text_of(await site.ask("GET", path + "Note"))) == '<&">'
    assert json.loads(text_of(await site.ask("GET", path + "List"))) == [1, {"a": None}]
    assert text_of(await site.ask("GET", path + "Missing")) == "null"
    assert (await site.ask("POST", path + "Sum", {})).status == 200
    assert calc("1")["Sum"] == 2


async def test_a_process_may_be_asynchronous_and_take_any_parameter(site: Caller) -> None:
    taken = {}

    @site.emulator.process("UsrAny")
    async def process(**parameters: str) -> None:
        await asyncio.sleep(0)
        taken.update(parameters)

    assert (await site.ask("GET", f"{SERVICE}/UsrAny/Execute?A=1&B=+2")).body == b""
    assert taken == {"A": "1", "B": " 2"}


async def test_each_run_leaves_a_row_in_the_log(site: Caller) -> None:
    @site.emulator.process("UsrBroken")
    def process() -> None:
        raise RuntimeError("broken")

    for name in ("UsrBroken", "UsrGetAllContacts"):
        path = f"{SERVICE}/{name}/Execute?ResultParameterName=ContactList"
        assert (await site.ask("GET", path)).status == 200
    rows = await site.values("SysProcessLog?$expand=Status")
    log = {row["Name"]: (row["Status"]["Name"], row["ErrorDescription"]) for row in rows}
    assert log == {
        "UsrBroken": ("Error", "RuntimeError: broken"),
        "UsrGetAllContacts": ("Done", ""),
    }


async def test_an_unknown_process_is_an_error(site: Caller) -> None:
    response = await site.ask("GET", f"{SERVICE}/UsrNothing/Execute")
    assert response.status == 500
    assert "UsrNothing" in response.json()["Message"]


@pytest.mark.parametrize(
    "path", ["/UsrGetAllContacts/Exec", "/RunProcess", "/UsrGetAllContacts", ""]
)
async def test_other_addresses_of_the_service_are_not_there(crm: Caller, path: str) -> None:
    assert (await crm.ask("GET", SERVICE + path)).status == 404


async def test_a_process_is_run_by_get_or_by_a_signed_post(crm: Caller) -> None:
    path = f"{SERVICE}/UsrGetAllContacts/Execute"
    assert (await crm.ask("POST", path, {}, {"BPMCSRF": "-"})).status == 403
    assert (await crm.ask("GET", path, None, {"BPMCSRF": "-"})).status == 200
    assert (await crm.ask("PUT", path, {})).status == 405


async def test_a_lost_session_is_told_as_services_tell_it(anyone: Caller) -> None:
    path = f"{SERVICE}/UsrGetAllContacts/Execute"
    assert (await anyone.ask("GET", path)).json()["Message"] == "Authentication failed."
    assert (await anyone.ask("GET", path, None, {"ForceUseSession": "-"})).status == 302


async def test_on_net_the_service_has_both_addresses() -> None:
    with Emulator(runtime="net") as emulator:
        caller = caller_of(emulator, workspace="")
        await caller.login()
        for prefix in ("/0", ""):
            path = "/ServiceModel/ProcessEngineService.svc/UsrGetAllContacts/Execute"
            assert (await caller.ask("GET", prefix + path)).status == 200


async def ran(site: Caller, **body: Any) -> dict[str, Any]:
    response = await site.ask("POST", f"{SERVICE}/RunProcess", body)
    assert (response.status, response.content_type) == (200, "application/json")
    found: dict[str, Any] = response.json()
    return found


@pytest.fixture
def discount(site: Caller) -> Caller:
    @site.emulator.process("UsrCalcDiscount")
    def process(Amount: str = "0", IsVip: str = "") -> dict[str, Any]:  # noqa: N803 - codes
        return {"Discount": float(Amount) / 2, "IsVip": IsVip}

    return site


async def test_run_process_answers_with_results_and_a_row_of_the_log(discount: Caller) -> None:
    body = await ran(
        discount,
        schemaName="UsrCalcDiscount",
        parameterValues=[
            {"name": "Amount", "value": "10.5"},
            {"name": "IsVip", "value": None},
            {"name": "Unknown", "value": "1"},
        ],
        resultParameterNames=["Discount"],
    )
    key = body.pop("processId")
    assert body == {
        "processStatus": 2,
        "resultParameterValues": {"Discount": 5.25},
        "executionData": None,
        "success": True,
        "errorInfo": None,
    }
    row = await discount.get(f"SysProcessLog({key})?$expand=Status")
    assert (row["Name"], row["Status"]["Value"]) == ("UsrCalcDiscount", 2)


async def test_a_process_is_found_by_the_uid_of_its_schema(discount: Caller) -> None:
    filter_ = "ManagerName%20eq%20'ProcessSchemaManager'%20and%20Name%20eq%20'UsrCalcDiscount'"
    [schema] = await discount.values(f"SysSchema?$filter={filter_}")
    assert (await ran(discount, schemaUId=schema["UId"].upper()))["processStatus"] == 2
    discount.emulator.process("UsrCalcDiscount", background=True)(dict)
    assert len(await discount.values(f"SysSchema?$filter={filter_}")) == 1


async def test_a_process_that_cannot_start_has_no_handle(discount: Caller) -> None:
    for body in (
        {"schemaName": "UsrNothing"},
        {"schemaUId": "0"},
        {"schemaName": "UsrCalcDiscount", "resultParameterNames": ["Nothing"]},
    ):
        answer = await ran(discount, **body)
        assert (answer["success"], answer["processId"], answer["processStatus"]) == (False, "", 0)
        assert "not found" in answer["errorInfo"]["message"]
    headers = {"Content-Type": "application/json"}
    for broken in (b"", b"[]"):
        response = await discount.ask("POST", f"{SERVICE}/RunProcess", broken, headers)
        assert response.status == 400


async def test_a_process_that_fails_says_so_in_its_status(site: Caller) -> None:
    @site.emulator.process("UsrBroken")
    def process() -> None:
        raise RuntimeError("broken")

    body = await ran(site, schemaName="UsrBroken")
    assert (body["success"], body["processStatus"]) == (False, 3)
    assert "Please check the process log" in body["errorInfo"]["message"]
    row = await site.get(f"SysProcessLog({body['processId']})")
    assert row["ErrorDescription"] == "RuntimeError: broken"


async def test_a_background_process_has_a_handle_only_if_a_result_is_asked(site: Caller) -> None:
    @site.emulator.process("UsrSlow", background=True)
    def process() -> dict[str, Any]:
        return {"Sum": 1}

    body = await ran(site, schemaName="UsrSlow")
    assert (body["success"], body["processId"], body["processStatus"]) == (True, "", 0)
    body = await ran(site, schemaName="UsrSlow", resultParameterNames=["Sum"])
    assert (body["processStatus"], body["resultParameterValues"]) == (2, {"Sum": 1})


async def test_an_element_is_run_once(site: Caller) -> None:
    uid, runs = "405947D0-2ffb-4ded-8675-0475f19f5a81", []

    @site.emulator.element(uid)
    def element() -> None:
        runs.append(1)

    for path in (f"/ExecProcElByUId/{uid}", f"/ExecProcElByUId?ProcessElementUID={uid.upper()}"):
        response = await site.ask("GET", SERVICE + path)
        assert (response.status, response.body) == (200, b"")
    assert runs == [1]
    assert (await site.ask("GET", f"{SERVICE}/ExecProcElByUId/unknown")).status == 500
