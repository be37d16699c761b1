"""Ids that follow from the row, and the files of rows that were refused."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async import Create, Creatio, Delete, State, Update, derived, read_dead_letters
from creatio_async.emulator import Emulator, Refuse
from tests.api.canned import client
from tests.api.table import Script, Table
from tests.journal.moments import full_after

GUID = "4c63c8fa-467b-48a6-973f-b2069298404f"


def made(row: dict[str, Any], *columns: str, entity_set: str = "City") -> str:
    return derived(*(columns or ("Code",))).within(entity_set)(row)


# Ids


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (GUID, GUID.upper()),
        (GUID, UUID(GUID)),
        (1, 1.0),
        (1, Decimal("1.00")),
        (0.1, Decimal("0.10")),
        (0, Decimal("-0.0")),
        (1_000, Decimal("1E+3")),
        (True, 1),
        (
            dt.datetime(2026, 1, 31, 3, tzinfo=dt.timezone(dt.timedelta(hours=3))),
            dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        ),
    ],
)
def test_values_that_mean_the_same_give_the_same_id(one: Any, other: Any) -> None:
    assert made({"Code": one}) == made({"Code": other})


@pytest.mark.parametrize(
    ("one", "other"), [("a", "b"), ("1", 1), ("a", "A"), ("ab", "a\nb"), (1, 2), (GUID, "x")]
)
def test_other_values_give_other_ids(one: Any, other: Any) -> None:
    assert made({"Code": one}) != made({"Code": other})


def test_the_id_is_of_its_set_and_of_its_columns() -> None:
    row = {"A": "x", "B": "yz", "C": "z"}
    ids = {
        made(row, "A"),
        made(row, "B"),
        made(row, "A", entity_set="Country"),
        made(row, "A", "B"),
        made(row, "B", "A"),
    }
    assert len(ids) == 5
    assert made({"A": "x", "B": "yz"}, "A", "B") != made({"A": "xy", "B": "z"}, "A", "B")


@given(st.text(min_size=1))
def test_an_id_is_a_uuid_in_lower_case(code: str) -> None:
    text = made({"Code": code.encode("utf-8", "replace").decode()})
    given_id = UUID(text)
    assert str(given_id) == text
    assert (given_id.version, given_id.variant) == (8, "specified in RFC 4122")


def test_another_interpreter_makes_the_same_id() -> None:
    code = (
        "from creatio_async import derived\n"
        "print(derived('Code').within('City')({'Code': 'spk', 'Name': 'x'}), end='')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == made({"Code": "spk"})


@pytest.mark.parametrize("row", [{"Name": "x"}, {"Code": None}, {"Code": ""}])
async def test_a_row_without_a_value_has_no_id(row: dict[str, Any]) -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="row 0: an 'Id' derived of 'Code' needs a value"):
            await crm.odata["City"].create_many([row], new_id=derived("Code"))


@pytest.mark.parametrize("columns", [(), ("no name",)])
def test_columns_have_names(columns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"column"):
        derived(*columns)


@pytest.mark.parametrize("how", ["json", "multipart"])
async def test_a_whole_run_can_be_repeated(how: Any, crm: Creatio, emulator: Emulator) -> None:
    rows = [{"Code": str(n), "Name": f"Country {n}"} for n in range(30)]
    countries = crm.odata["Country"]
    before = len(emulator.rows("Country"))
    for state in (State.DONE, State.UNCHANGED):
        report = await countries.create_many(
            rows, new_id=derived("Code"), batch_size=10, format=how
        )
        assert report.counts == {state: 30}
    rows[3]["Name"] = "Another"
    report = await countries.create_many(rows, new_id=derived("Code"), format=how)
    assert report.counts == {State.UNCHANGED: 29, State.CONFLICT: 1}
    assert len(emulator.rows("Country")) == before + 30


async def test_what_is_there_with_other_values_is_written_where_asked_for() -> None:
    table = Table()
    make = derived("Code")
    options: dict[str, Any] = {"new_id": make, "if_exists": "update"}
    async with client(table) as crm:
        cities = crm.odata["City"]
        await cities.create_many([{"Code": "a", "Name": "1", "Kept": 5}], **options)
        job = cities.create_many([{"Code": "a", "Name": "2", "Kept": 5}], **options)
        async with job as outcomes:
            (told,) = [each async for each in outcomes]
    assert (told.state, told.operation, told.error) == (State.DONE, "update", None)
    assert table.writes[-1][0]["body"] == {"Name": "2"}, "only what differs is written"
    assert [row["Name"] for row in table.rows.values()] == ["2"]


async def test_a_lost_answer_of_a_row_with_other_values_is_written_where_asked_for() -> None:
    key = str(UUID(int=7))
    table = Table([Script("drop after")], rows={key: {"Id": key, "Name": "old"}})
    async with client(table) as crm:
        report = await crm.odata["City"].create_many(
            [{"Id": key, "Name": "new"}], if_exists="update"
        )
    assert report.counts == {State.DONE: 1}
    assert table.rows[key]["Name"] == "new"


async def test_what_there_is_to_do_is_named() -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="if_exists is 'conflict' or 'update'"):
            crm.odata["City"].create_many([], if_exists="replace")  # type: ignore[arg-type]


# Dead letters


async def test_rows_that_are_refused_can_be_fed_in_again(
    crm: Creatio, emulator: Emulator, tmp_path: Path
) -> None:
    letters = tmp_path / "refused.jsonl"
    emulator.troubles.add(Refuse(400), method="POST", inner=True, skip=3, times=7)
    rows = [{"Name": f"City {n}"} for n in range(30)]
    cities = crm.odata["City"]
    report = await cities.create_many(rows, batch_size=10, dead_letters=letters)
    assert report.failed == 7
    refused = list(read_dead_letters(letters))
    ids = {each.index: each.id for each in report.failures}
    assert refused == [{**rows[at], "Id": ids[at]} for at in sorted(ids)]
    report = await cities.create_many(read_dead_letters(letters), dead_letters=tmp_path / "2")
    assert report.counts == {State.DONE: 7}
    assert list(read_dead_letters(tmp_path / "2")) == []


async def test_letters_are_not_begun_anew_while_they_are_read(tmp_path: Path) -> None:
    letters = tmp_path / "refused.jsonl"
    async with client(Table([Script(rows=["400"])])) as crm:
        cities = crm.odata["City"]
        await cities.create_many([{"Name": "x"}], dead_letters=letters)
        before = letters.read_bytes()
        with pytest.raises(ValueError, match=r"refused\.jsonl are being read, and would be lost"):
            await cities.create_many(read_dead_letters(letters), dead_letters=letters)
        assert letters.read_bytes() == before
        report = await cities.create_many(list(read_dead_letters(letters)), dead_letters=letters)
        assert report.done == 1
        assert letters.read_bytes() == b""


async def test_letters_and_a_journal_are_two_files(tmp_path: Path) -> None:
    async with client(Table()) as crm:
        with pytest.raises(ValueError, match="one file"):
            crm.odata["City"].create_many([], journal=tmp_path / "x", dead_letters=tmp_path / "x")


@pytest.mark.parametrize("form", ["block", "await"])
async def test_letters_that_a_full_disk_does_not_take_end_the_job_and_no_outcome_is_lost(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters, told = tmp_path / "refused.jsonl", list[int]()
    async with client(Table([Script(rows=["400"] * 5)] * 40)) as crm:
        job = crm.odata["City"].create_many(
            [{"Name": str(n)} for n in range(200)], batch_size=5, at_once=2, dead_letters=letters
        )
        full_after(4, monkeypatch)

        async def take() -> None:
            if form == "await":
                await job
            async with job as outcomes:
                async for outcome in outcomes:
                    told.append(outcome.index)

        with pytest.raises(OSError, match="No space"):
            await take()
    assert job.report.total < 200
    if form == "block":
        assert sorted([*told, *(each.index for each in job.unfinished)]) == list(
            range(job.report.total)
        )
    assert len(list(read_dead_letters(letters))) == 15


async def test_a_letter_says_what_became_of_the_row(tmp_path: Path) -> None:
    letters = tmp_path / "refused.jsonl"
    async with client(Table([Script(rows=["400"])])) as crm:
        given_row = {"Amount": Decimal("12345678901234567890.123456789"), "Name": "x"}
        await crm.odata["City"].create_many([given_row, {"Name": "y"}], dead_letters=letters)
    (row,) = read_dead_letters(letters)
    assert row["Amount"] == given_row["Amount"], "every digit"
    line = letters.read_text("utf-8")
    assert '"index":0,"operation":"create"' in line
    assert '"state":"failed","http_status":400' in line


async def test_letters_of_updates_and_deletes_are_rows_and_keys(tmp_path: Path) -> None:
    key = str(UUID(int=1))
    async with client(Table()) as crm:
        cities = crm.odata["City"]
        await cities.update_many([{"Id": UUID(key), "Name": "x"}], dead_letters=tmp_path / "u")
        await cities.delete_many([UUID(key)], dead_letters=tmp_path / "d")
    assert list(read_dead_letters(tmp_path / "u")) == [{"Id": key, "Name": "x"}]
    assert list(read_dead_letters(tmp_path / "d")) == [key]


async def test_letters_of_operations_are_operations(tmp_path: Path) -> None:
    key = str(UUID(int=1))
    operations: list[Create | Update | Delete] = [
        Create("City", {"Id": key, "Name": "x"}),
        Update("Contact", key, {"Name": "y"}),
        Delete("Case", key),
    ]
    async with client(Table([Script(rows=["400"] * 3)])) as crm:
        await crm.odata.write_many(operations, order="none", dead_letters=tmp_path / "refused")
    assert list(read_dead_letters(tmp_path / "refused")) == operations


@pytest.mark.parametrize("text", ["{", "5", "{}", '{"entity_set":"City","operation":"x"}'])
def test_what_is_no_letter_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "letters").write_text(text)
    with pytest.raises(ValueError, match="line 1 is no dead letter"):
        list(read_dead_letters(tmp_path / "letters"))


async def test_a_file_that_cannot_be_written_is_told_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    table = Table()
    async with client(table) as crm:
        with pytest.raises(FileNotFoundError):
            await crm.odata["City"].create_many([{}], dead_letters=tmp_path / "none" / "letters")
    assert table.batches == []
