import datetime as dt
import pickle
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import orjson
import pytest

from creatio_async import (
    Creatio,
    Process,
    ProcessError,
    ProcessState,
    parameter,
    result,
)
from creatio_async.emulator import Emulator
from tests.api.canned import answer, canned, client
from tests.api.test_processes_run import ELEMENT, ID, ran


class CalcDiscount(Process, code="UsrCalcDiscount"):
    """A process with a parameter of each way to write one."""

    amount: Decimal = parameter("Amount")
    is_vip: bool = parameter("IsVip", default=False)
    rows: list[dict[str, Any]] = parameter("Rows", factory=list)
    Note: str | None = None
    discount: Decimal = result("Discount")


async def test_a_process_that_is_a_class_runs_and_gives_results_of_their_types(
    crm: Creatio, emulator: Emulator
) -> None:
    @emulator.process("UsrCalcDiscount", results=["Discount"])
    def calc(Amount: Decimal, IsVip: bool, Rows: list[Any]) -> dict[str, Any]:  # noqa: N803, FBT001
        assert (IsVip, Rows) == (False, [])
        return {"Discount": Amount / 2}

    given = CalcDiscount(amount=Decimal("10.5"))
    run = await crm.processes.run(given)
    assert run.process == "UsrCalcDiscount"
    assert run.state is ProcessState.DONE
    assert run.results.discount == Decimal("5.25")
    assert isinstance(run.results.discount, Decimal)
    assert run.results.amount == Decimal("10.5")
    with pytest.raises(AttributeError, match="'discount' is not there"):
        _ = given.discount


async def test_a_class_is_executed_and_started(crm: Creatio, emulator: Emulator) -> None:
    seen: list[Decimal] = []

    @emulator.process("UsrCalcDiscount")
    def calc(Amount: Decimal) -> dict[str, Any]:  # noqa: N803 - the code of a parameter
        seen.append(Amount)
        return {"Discount": 1}

    given = CalcDiscount(amount=Decimal(10))
    assert await crm.processes.execute(given, result="Discount") == 1
    await crm.processes.start(given)
    assert seen == [10, 10]


async def test_what_a_run_has_not_given_yet_is_not_there(crm: Creatio, emulator: Emulator) -> None:
    @emulator.process("UsrCalcDiscount")
    async def calc() -> None:
        await emulator.wait_at(ELEMENT)

    run = await crm.processes.run(CalcDiscount(amount=Decimal(1)))
    assert run.state is ProcessState.RUNNING
    with pytest.raises(AttributeError, match="'discount' is not there: the run"):
        _ = run.results.discount
    with pytest.raises(AttributeError, match="'CalcDiscount' has no attribute 'other'"):
        _ = run.results.other  # type: ignore[attr-defined]


def test_an_instance_is_a_value() -> None:
    one, two = CalcDiscount(amount=Decimal(1)), CalcDiscount(amount=Decimal("1.0"))
    assert one == two
    assert one != CalcDiscount(amount=Decimal(2))
    assert one.rows is not two.rows
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own
    assert "amount=Decimal('1')" in repr(one)
    with pytest.raises(TypeError, match="amount"):
        CalcDiscount()  # type: ignore[call-arg]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.amount = Decimal(5)  # type: ignore[misc]


async def test_a_field_of_neither_kind_is_a_parameter_of_its_name_and_is_inherited() -> None:
    class Plain(Process, code="UsrPlain"):
        Name: str

    class Heir(Plain, code="UsrHeir"):
        Age: int | None = None

    site = canned(ran(2), ran(2))
    async with client(site) as crm:
        await crm.processes.run(Plain(Name="Ann"))
        await crm.processes.run(Heir(Name="Ann", Age=5))
    first, second = (orjson.loads(each.body) for each in site.requests)
    assert first["schemaName"] == "UsrPlain"
    assert first["parameterValues"] == [{"name": "Name", "value": "Ann"}]
    assert second["schemaName"] == "UsrHeir"
    assert {"name": "Age", "value": "5"} in second["parameterValues"]


class Everything(Process, code="UsrEverything"):
    """A process with a result of each type."""

    text: str = result("Text")
    count: int = result("Count")
    share: float = result("Share")
    amount: Decimal = result("Amount")
    flag: bool = result("Flag")
    contact: UUID = result("Contact")
    at: dt.datetime = result("At")
    rows: list[dict[str, Any]] = result("Rows")
    row: dict[str, Any] = result("Row")
    anything: Any = result("Anything")
    maybe: Decimal | None = result("Maybe")
    counts: list[int] = result("Counts", read=sorted)


async def results(**given: Any) -> Everything:
    async with client(canned(ran(2, resultParameterValues=given))) as crm:
        return (await crm.processes.run(Everything())).results


@pytest.mark.parametrize(
    ("name", "code", "given", "value"),
    [
        ("text", "Text", "[1]", "[1]"),
        ("text", "Text", "", ""),
        ("count", "Count", 5, 5),
        ("count", "Count", 5.0, 5),
        ("count", "Count", "-5", -5),
        ("share", "Share", 1, 1.0),
        ("share", "Share", "0.5", 0.5),
        ("amount", "Amount", 0.1, Decimal("0.1")),
        ("amount", "Amount", "10.50", Decimal("10.50")),
        ("flag", "Flag", True, True),
        ("flag", "Flag", "False", False),
        ("contact", "Contact", ID.upper(), UUID(ID)),
        ("at", "At", "2026-01-31T00:00:00Z", dt.datetime(2026, 1, 31, tzinfo=dt.UTC)),
        ("at", "At", "/Date(1769817600000)/", dt.datetime(2026, 1, 31, tzinfo=dt.UTC)),
        ("at", "At", "/Date(-1+0300)/", dt.datetime(1969, 12, 31, 23, 59, 59, 999000, dt.UTC)),
        ("rows", "Rows", '[{"a": 1}]', [{"a": 1}]),
        ("rows", "Rows", [], []),
        ("row", "Row", '{"a": 1}', {"a": 1}),
        ("anything", "Anything", "{}", {}),
        ("anything", "Anything", None, None),
        ("maybe", "Maybe", None, None),
        ("maybe", "Maybe", 5, Decimal(5)),
        ("counts", "Counts", "[2, 1]", [1, 2]),
    ],
)
async def test_a_result_is_read_as_its_field_says(
    name: str, code: str, given: object, value: object
) -> None:
    found = getattr(await results(**{code: given}), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("Text", 5),
        ("Text", None),
        ("Count", 5.5),
        ("Count", True),
        ("Count", "x"),
        ("Amount", None),
        ("Amount", "x"),
        ("Flag", "yes"),
        ("Flag", None),
        ("Contact", "x"),
        ("Contact", 5),
        ("At", "yesterday"),
        ("Rows", "{}"),
        ("Rows", None),
        ("Row", []),
        ("Counts", 5),
    ],
)
async def test_a_result_of_another_type_is_an_error_that_names_the_run(
    code: str, given: object
) -> None:
    with pytest.raises(ProcessError, match=f"the result '{code}' is") as raised:
        await results(**{code: given})
    assert raised.value.run_id == ID
    assert raised.value.state is ProcessState.DONE
    assert raised.value.response is not None


def test_a_mistake_in_a_class_is_told_where_it_is_made() -> None:
    with pytest.raises(ValueError, match="code of a process"):

        class Odd(Process, code="Usr X"):
            pass

    with pytest.raises(ValueError, match="code of a parameter"):
        parameter("A B")
    with pytest.raises(ValueError, match="code of a parameter"):
        result("A B")
    for kind in (set, int | str, None, complex | None):
        with pytest.raises(TypeError, match=r"Sum: no result is read as .* say how with read="):
            type(
                "Odd", (Process,), {"__annotations__": {"Sum": kind}, "Sum": result("S")}, code="X"
            )


async def test_a_class_takes_no_more_than_itself() -> None:
    given: Any = CalcDiscount(amount=Decimal(1))
    site = canned()
    async with client(site) as crm:
        for call in (
            crm.processes.run(given, {"A": 1}),
            crm.processes.run(given, results=["A"]),
            crm.processes.run(given, schema_id=ID),
            crm.processes.start(given, {"A": 1}),
        ):
            with pytest.raises(TypeError, match="in it"):
                await call
    assert site.requests == []


async def test_an_empty_answer_gives_no_results() -> None:
    async with client(canned(answer({"processStatus": 2}))) as crm:
        run = await crm.processes.run(Everything())
    assert run.is_queued
    assert not hasattr(run.results, "text")
