import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest

from creatio_async import (
    Creatio,
    CreatioError,
    RetryPolicy,
    ServerError,
    State,
    ThrottledError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.emulator import DropAfter, DropBefore, Emulator, Expire, Fail, Refuse
from tests.api.canned import answer, canned, client, lost

SERVICE = "ServiceModel/ProcessEngineService.svc"
XML = "http://schemas.microsoft.com/2003/10/Serialization/"


def wrapped(text: str) -> str:
    return f'<string xmlns="{XML}">{text}</string>'


def runs(emulator: Emulator) -> list[str]:
    return [
        each.url.raw_path_qs.partition("/0/")[2]
        for each in emulator.requests
        if "ProcessEngineService" in each.url.path
    ]


async def test_a_process_runs_and_gives_what_it_was_asked_for(
    crm: Creatio, emulator: Emulator
) -> None:
    contacts = await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    assert "Supervisor" in {each["Name"] for each in contacts}
    assert runs(emulator) == [
        f"{SERVICE}/UsrGetAllContacts/Execute?ResultParameterName=ContactList"
    ]
    assert emulator.requests[-1].method == "GET"
    assert emulator.requests[-1].headers["forceusesession"] == "true"


async def test_a_process_is_started_with_what_it_needs(crm: Creatio, emulator: Emulator) -> None:
    given = {"ContactName": "John Johanson", "ContactPhone": "+1 111 111 1111"}
    await crm.processes.start("UsrAddNewExternalContact", given)
    assert runs(emulator) == [
        (
            f"{SERVICE}/UsrAddNewExternalContact/Execute"
            "?ContactName=John%20Johanson&ContactPhone=%2B1%20111%20111%201111"
        )
    ]
    added = [row for row in emulator.rows("Contact") if row["Name"] == "John Johanson"]
    assert [row["Phone"] for row in added] == ["+1 111 111 1111"]


async def test_parameters_arrive_as_texts_of_their_type(crm: Creatio, emulator: Emulator) -> None:
    seen: dict[str, str] = {}

    @emulator.process("UsrEcho")
    def echo(**parameters: str) -> Mapping[str, Any]:
        seen.update(parameters)
        return {"Done": True}

    given = {
        "Text": "a&b=c+d#e/f?g%20 'h' \"i\" я",
        "Yes": True,
        "No": False,
        "Count": -5,
        "Amount": Decimal("10.50"),
        "Share": 0.1,
        "Tiny": 1e-7,
        "Contact": UUID("410006E1-CA4E-4502-A9EC-E54D922D2C00"),
        "At": dt.datetime(2026, 1, 31, 3, tzinfo=dt.timezone(dt.timedelta(hours=3))),
        "Day": dt.date(2026, 1, 31),
        "Hour": dt.time(10, 30),
        "Rows": [{"Id": UUID(int=1), "Qty": Decimal("2.0")}],
        "Object": {"a": None},
        "Empty": "",
        "Absent": None,
    }
    assert await crm.processes.execute("UsrEcho", given, result="Done") is True
    assert seen == {
        "Text": "a&b=c+d#e/f?g%20 'h' \"i\" я",
        "Yes": "true",
        "No": "false",
        "Count": "-5",
        "Amount": "10.50",
        "Share": "0.1",
        "Tiny": "0.0000001",
        "Contact": "410006e1-ca4e-4502-a9ec-e54d922d2c00",
        "At": "2026-01-31T00:00:00Z",
        "Day": "2026-01-31",
        "Hour": "10:30:00",
        "Rows": '[{"Id":"00000000-0000-0000-0000-000000000001","Qty":2.0}]',
        "Object": '{"a":null}',
        "Empty": "",
    }


async def test_a_parameter_that_the_process_has_not_is_none(crm: Creatio) -> None:
    assert await crm.processes.execute("UsrGetAllContacts", result="Nothing") is None


async def test_an_unknown_process_is_an_error(crm: Creatio) -> None:
    with pytest.raises(CreatioError):
        await crm.processes.execute("UsrNoSuchProcess", result="X")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (wrapped('"[{\\"Id\\": 1}]"'), [{"Id": 1}]),
        (wrapped('[{"Id": 1}]'), [{"Id": 1}]),
        (wrapped('"{\\"a\\": \\"&lt;b&gt; &amp; c\\"}"'), {"a": "<b> & c"}),
        (wrapped('<![CDATA["<b>"]]>'), "<b>"),
        (wrapped("42"), 42),
        (wrapped("4.5"), 4.5),
        (wrapped("true"), True),
        (wrapped("null"), None),
        (wrapped('""'), ""),
        (wrapped('"123"'), "123"),
        (wrapped('"true"'), "true"),
        (wrapped('"null"'), "null"),
        (wrapped('"  [1]"'), [1]),
        (wrapped('"[not json"'), "[not json"),
        (wrapped('"{\\"half\\":"'), '{"half":'),
        (wrapped("plain words"), "plain words"),
        (wrapped("\n  7\n"), 7),
        (wrapped(""), None),
        (f'<string xmlns="{XML}"/>', None),
        (f"<?xml version='1.0' encoding='utf-8'?>{wrapped('1')}", 1),
        ("\ufeff" + wrapped("1"), 1),
        ("<string>1</string>", 1),
        ('"[1]"', [1]),
        (r'"\"[{\\\"Id\\\":1}]\""', [{"Id": 1}]),
        (r'"\"Ann\""', '"Ann"'),
        (r'"\"half"', '"half'),
        ("[1]", [1]),
        ("null", None),
        ("", None),
    ],
)
async def test_a_result_is_read_in_every_form_it_comes_in(body: str, value: object) -> None:
    async with client(canned(answer(body, content_type="application/xml"))) as crm:
        found = await crm.processes.execute("UsrX", result="R")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "body",
    [
        "<string>",
        "<string>a</other>",
        "<int>1</int>",
        "<string><b/></string>",
        "<string>&unknown;</string>",
        '<!DOCTYPE x [<!ENTITY a "b">]><string>&a;</string>',
        '<!DOCTYPE s SYSTEM "http://evil.example/x"><string>1</string>',
        '<Fault xmlns="http://schemas.microsoft.com/ws/2005/05/envelope/none"/>',
        "<html><body>Maintenance</body></html>",
    ],
)
async def test_what_is_no_result_is_an_error(body: str) -> None:
    async with client(canned(answer(body, content_type="application/xml"))) as crm:
        with pytest.raises(UnexpectedResponseError):
            await crm.processes.execute("UsrX", result="R")


async def test_the_answer_to_a_start_is_not_looked_at() -> None:
    site = canned(answer(), answer(wrapped("null"), content_type="application/xml"))
    async with client(site) as crm:
        await crm.processes.start("UsrX")
        await crm.processes.start("UsrX", {"A": 1})
    assert site.paths == [f"GET {SERVICE}/UsrX/Execute", f"GET {SERVICE}/UsrX/Execute?A=1"]


@pytest.mark.parametrize(
    "trouble",
    [
        DropAfter(),
        DropBefore(),
        Fail(),
        Fail(after=True),
        Refuse(429, retry_after=0),
        Refuse(503),
        Refuse(502),
        Refuse(504),
    ],
    ids=repr,
)
async def test_a_process_is_never_run_again(crm: Creatio, emulator: Emulator, trouble: Any) -> None:
    emulator.troubles.add(trouble, path="ProcessEngineService")
    with pytest.raises((TransportError, ServerError, ThrottledError)):
        await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    assert len(runs(emulator)) == 1


async def test_a_process_that_was_certainly_not_sent_is_not_sent_again_either() -> None:
    site = canned(lost(sent=False))
    async with client(site) as crm:
        with pytest.raises(TransportError):
            await crm.processes.start("UsrX")
    assert len(site.requests) == 1


@pytest.mark.parametrize("shape", ["401", "redirect", "html", "json"])
async def test_a_process_that_met_a_lost_session_runs_in_a_new_one(
    crm: Creatio, emulator: Emulator, shape: Any
) -> None:
    emulator.troubles.add(Expire(shape), path="ProcessEngineService")
    given = {"ContactName": "Once", "ContactPhone": ""}
    await crm.processes.start("UsrAddNewExternalContact", given)
    assert [row["Name"] for row in emulator.rows("Contact")].count("Once") == 1
    assert emulator.logins == 2


async def test_where_the_new_login_was_lost_the_process_certainly_did_not_run(
    emulator: Emulator,
) -> None:
    async with client(emulator, retry=RetryPolicy(attempts=1)) as crm:
        emulator.expire()
        emulator.troubles.add(DropAfter(), path="Login", times=None)
        with pytest.raises(TransportError) as caught:
            await crm.processes.start("UsrGetAllContacts")
        assert not hasattr(caught.value, "__notes__")
        report = await crm.processes.run_many("UsrGetAllContacts", [{}] * 2)
        assert report.counts == {State.NOT_RUN: 2}
    assert emulator.rows("SysProcessLog") == []


@pytest.mark.parametrize(
    ("process", "parameters", "kind", "words"),
    [
        ("", {}, ValueError, "code of a process"),
        ("Usr/X", {}, ValueError, "code of a process"),
        ("UsrX/Execute?A=1", {}, ValueError, "code of a process"),
        (None, {}, TypeError, "code of a process"),
        ("UsrX", {"A&B": 1}, ValueError, "code of a parameter"),
        ("UsrX", {5: 1}, TypeError, "code of a parameter"),
        ("UsrX", {"ResultParameterName": "x"}, ValueError, "pass result="),
        ("UsrX", {"A": float("nan")}, ValueError, "parameter 'A'"),
        ("UsrX", {"A": Decimal("Infinity")}, ValueError, "parameter 'A'"),
        ("UsrX", {"A": dt.datetime(2026, 1, 1)}, ValueError, "parameter 'A'.*time zone"),  # noqa: DTZ001
        ("UsrX", {"A": [float("nan")]}, ValueError, r"parameter 'A': .*\[0\]: nan"),
        ("UsrX", {"A": {"b": float("inf")}}, ValueError, r"parameter 'A': .*\['b'\]: inf"),
        ("UsrX", {"A": [dt.datetime(2026, 1, 1)]}, ValueError, "parameter 'A'.*time zone"),  # noqa: DTZ001
        ("UsrX", {"A": object()}, TypeError, "parameter 'A'.*no process takes"),
        ("UsrX", {"A": [object()]}, TypeError, "parameter 'A'"),
        ("UsrX", {"A": {1: 2}}, TypeError, "parameter 'A'"),
        ("UsrX", {"A": b"x"}, TypeError, "no process takes a bytes"),
        ("UsrX", {"A": dt.timedelta(1)}, TypeError, "no process takes a timedelta"),
        ("UsrX", [("A", 1)], TypeError, "parameters are a mapping"),
    ],
)
async def test_a_mistake_is_told_before_anything_is_sent(
    process: Any, parameters: Any, kind: type[Exception], words: str
) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(kind, match=words):
            await crm.processes.start(process, parameters)
        with pytest.raises(kind, match=words):
            await crm.processes.execute(process, parameters, result="R")
    assert site.requests == []


@pytest.mark.parametrize(
    ("result", "kind"), [(None, TypeError), ("", ValueError), ("A&B=1", ValueError)]
)
async def test_a_result_is_asked_for_by_its_code(result: Any, kind: type[Exception]) -> None:
    site = canned()
    async with client(site) as crm:
        with pytest.raises(kind, match="code of a parameter"):
            await crm.processes.execute("UsrX", result=result)
    assert site.requests == []


async def test_names_of_any_script_are_encoded() -> None:
    site = canned(answer())
    async with client(site) as crm:
        await crm.processes.start("UsrПроцесс", {"Имя": "Анна"})
    url = site.requests[0].url
    assert url.path.endswith("UsrПроцесс/Execute")
    assert parse_qsl(url.raw_query_string) == [("Имя", "Анна")]
    assert str(url).isascii()


async def test_a_result_that_holds_the_address_of_the_login_page_is_no_lost_session(
    crm: Creatio, emulator: Emulator
) -> None:
    runs = 0

    @emulator.process("UsrLink")
    def link() -> dict[str, str]:
        nonlocal runs
        runs += 1
        return {"Link": "https://acme.creatio.com/Login/NuiLogin.aspx"}

    found = await crm.processes.execute("UsrLink", result="Link")
    assert found == "https://acme.creatio.com/Login/NuiLogin.aspx"
    assert (runs, emulator.logins) == (1, 1)
