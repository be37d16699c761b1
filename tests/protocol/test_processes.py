import datetime as dt
import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async import ProcessState, UnexpectedResponseError
from creatio_async.emulator.parameters import arguments
from creatio_async.messages import Request, Response
from creatio_async.protocol.process_runs import cancel_body, read_log, read_run, run_body
from creatio_async.protocol.processes import (
    decoded_result,
    element_paths,
    execute_path,
    parameter_text,
    parameter_texts,
    read_result,
)

ID = "405947d0-2ffb-4ded-8675-0475f19f5a81"
REQUEST = Request(method="POST", url=URL("http://crm.test/0/x"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (2**80, "1208925819614629174706176"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (Decimal("10.50"), "10.50"),
        (Decimal("1E+3"), "1000"),
        (UUID(ID.upper()), ID),
        (dt.datetime(2026, 1, 31, tzinfo=dt.UTC), "2026-01-31T00:00:00Z"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.time(10, 30), "10:30:00"),
        ([], "[]"),
        ((1, 2), "[1,2]"),
        ({"Id": UUID(ID), "Qty": Decimal("2.50")}, f'{{"Id":"{ID}","Qty":2.50}}'),
    ],
)
def test_a_value_has_a_text_in_the_invariant_culture(value: object, text: str) -> None:
    assert parameter_text(value) == text


def as_typed(name: str, text: str, kind: Any) -> Any:
    """Return what the emulated site, which shares no code with the client, makes of *text*."""

    def process(**given: Any) -> None:
        raise AssertionError(given)

    process.__annotations__["given"] = kind
    return arguments(process, {name: text})[name]


MOMENTS = st.datetimes(
    dt.datetime(1900, 1, 1),  # noqa: DTZ001 - the zone is drawn
    dt.datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC) | st.just(dt.timezone(dt.timedelta(hours=5, minutes=30))),
)


@given(
    st.one_of(
        TEXTS,
        st.integers(),
        st.booleans(),
        st.decimals(allow_nan=False, allow_infinity=False, places=5),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.uuids(),
        MOMENTS,
        st.dates(),
        st.times(),
        st.lists(JSON, max_size=3),
        st.dictionaries(TEXTS, JSON, max_size=3),
    )
)
def test_a_value_arrives_as_what_it_was(value: Any) -> None:
    body = json.loads(run_body({"schemaName": "UsrX"}, {"A": value}, []))
    [pair] = body["parameterValues"]
    assert as_typed("A", pair["value"], type(value)) == value
    path = execute_path("UsrX", {"A": value}, None)
    assert parse_qsl(urlsplit(path).query, keep_blank_values=True) == [("A", pair["value"])]


@given(st.dictionaries(st.sampled_from("ABCDE"), st.none() | TEXTS))
def test_none_leaves_a_parameter_out(parameters: dict[str, str | None]) -> None:
    texts = dict(parameter_texts(parameters))
    assert texts == {name: text for name, text in parameters.items() if text is not None}


@given(JSON, st.integers(1, 2))
def test_a_result_is_read_however_often_it_is_encoded(value: Any, times: int) -> None:
    told = value if times == 1 else json.dumps(value)
    text = json.dumps(told)
    for old, new in (("&", "&amp;"), ("<", "&lt;"), ("\r", "&#13;")):
        text = text.replace(old, new)
    body = f"<string>{text}</string>".encode()
    expected = decoded_result(told)
    assert read_result(REQUEST, Response(status=200, body=body)) == expected
    if isinstance(value, list | dict):
        assert expected == value


def test_a_body_names_the_process_its_parameters_and_its_results() -> None:
    body = run_body({"schemaUId": ID}, {"Amount": Decimal("10.5"), "Note": None}, ("Sum",))
    assert json.loads(body) == {
        "schemaUId": ID,
        "parameterValues": [{"name": "Amount", "value": "10.5"}],
        "resultParameterNames": ["Sum"],
    }
    assert cancel_body([UUID(ID), ID.upper()]) == f'["{ID}","{ID}"]'.encode()
    service = "ServiceModel/ProcessEngineService.svc/ExecProcElByUId"
    assert element_paths(ID.upper()) == (
        f"{service}/{ID}",
        f"{service}?ProcessElementUID={ID}",
    )


@given(JSON)
def test_an_answer_of_any_json_is_read_or_refused(value: Any) -> None:
    response = Response(status=200, body=json.dumps(value).encode())
    with pytest.raises(UnexpectedResponseError):
        read_run(REQUEST, response)


@given(
    st.sampled_from(ProcessState),
    st.fixed_dictionaries(
        {},
        optional={
            "processId": JSON,
            "resultParameterValues": JSON,
            "executionData": JSON,
            "success": JSON,
            "errorInfo": JSON,
        },
    ),
)
def test_the_state_is_read_whatever_stands_beside_it(state: ProcessState, rest: Any) -> None:
    body = json.dumps({"processStatus": state.value, **rest}).encode()
    answer = read_run(REQUEST, Response(status=200, body=body))
    assert answer.state is state
    assert isinstance(answer.id, str)
    assert isinstance(answer.error, str)
    assert isinstance(answer.results, dict)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Id": JSON,
            "Name": JSON,
            "Status": JSON | st.fixed_dictionaries({"Value": JSON}),
            "ErrorDescription": JSON,
            "StartDate": JSON,
            "CompleteDate": JSON,
        },
    )
)
def test_a_row_of_the_log_of_any_shape_is_read(row: dict[str, Any]) -> None:
    log = read_log(row)
    assert log.row == row
    assert log.state is None or isinstance(log.state, ProcessState)


@pytest.mark.parametrize("state", ProcessState)
def test_a_run_is_over_when_nothing_follows(state: ProcessState) -> None:
    assert state.is_final == (state.name in {"DONE", "ERROR", "CANCELED"})
    assert [each.value for each in ProcessState] == list(range(6))
