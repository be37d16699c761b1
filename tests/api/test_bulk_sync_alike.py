"""`sync` of rows that are there and written alike: told at once, and as if looked at one by one."""

import asyncio
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async import ALL, Outcome, Report, State
from creatio_async.bulk import columns
from creatio_async.bulk.columns import Marks, guid_keys, guids, marks, wholes
from creatio_async.bulk.comparing import mark
from creatio_async.bulk.keyindex import KEY, KeyIndex
from creatio_async.bulk.keys import Key
from creatio_async.bulk.shapes import have_columns
from creatio_async.bulk.standing import Standing
from creatio_async.emulator import Emulator, Latency
from creatio_async.protocol.names import as_guid
from creatio_async.protocol.values import ZERO_GUID, same_value
from tests.api.canned import client

Row = dict[str, Any]

_TEXTS = st.sampled_from([
    "",
    " ",
    "a",
    "A",
    "1",
    "true",
    "é",
    "٣",
    "2026-01-31T00:00:00Z",
    "2026-01-31T03:00:00+03:00",
    "20260131 101010.12345678901234+03:00",
    "0001-01-01T00:00:00Z",
    ZERO_GUID,
    "4C63C8FA-467B-48A6-973F-B2069298404F",
    "4c63c8fa-467b-48a6-973f-b2069298404f",
    "4c63c8fa-467b-48a6-973f-b2069298404e",
    "4c63c8fa-467b-48a6-973f-b2069298404g",
    "4c63c8fa-467b-48a6-973f-b20692984-4f",
    "4c63c8fa 467b-48a6-973f-b2069298404f",
    "-4c63c8f-467b-48a6-973f-b2069298404f",
])
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([-0.0, 1.0, -1.0, -2.0, 1.5, 2.0**61, 2.0**61 - 1])
    | _TEXTS
)
_JSON = _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(st.just("a"), _SCALARS)


@given(st.lists(_TEXTS, max_size=6) | st.lists(_JSON, max_size=6))
@settings(max_examples=500, deadline=None)
def test_a_column_is_marked_as_each_of_its_values_is(values: list[Any]) -> None:
    assert marks(values) == list(map(mark, values))


@given(st.lists(_TEXTS, min_size=1, max_size=3))
@settings(max_examples=500, deadline=None)
def test_guids_are_those_that_need_no_other_form(values: list[str]) -> None:
    plain = all(as_guid(value) == value != ZERO_GUID for value in values)
    assert (guids(values) is not None) is plain
    if plain:
        assert guid_keys(values) == [UUID(value).bytes for value in values]


@given(st.lists(st.tuples(_JSON, _JSON), max_size=4))
@settings(max_examples=1_000, deadline=None)
def test_rows_that_are_written_alike_hold_the_same(pairs: list[tuple[Any, Any]]) -> None:
    ours = wholes([[pair[0] for pair in pairs], list(range(len(pairs)))], len(pairs))
    theirs = wholes([[pair[1] for pair in pairs], list(range(len(pairs)))], len(pairs))
    for (one, other), left, right in zip(pairs, ours, theirs, strict=True):
        if left == right:
            assert same_value(one, other)
        if isinstance(one, str) and one == other:
            assert left == right


@given(st.lists(st.dictionaries(st.sampled_from(["Code", "Name"]), _JSON), max_size=5))
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("names", ["Code", ["Code", "Name"]])
def test_the_keys_of_many_rows_are_those_of_each(names: Any, rows: list[Row]) -> None:
    key = Key(names)
    assert key.of_all(rows) == [key.of(row) for row in rows]


@given(st.lists(st.lists(_TEXTS | _JSON, max_size=4), max_size=4), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_a_column_keeps_the_mark_of_each_value(parts: list[list[Any]], few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_FEW", few)
        kept = Marks()
        for part in parts:
            kept.add(part)
    values = [value for part in parts for value in part]
    assert [kept[number] for number in range(len(values))] == list(map(mark, values))


@given(st.lists(st.integers(0, 5)), st.integers(0, 6))
def test_the_index_of_keys_finds_all_that_are_there(numbers: list[int], wanted: int) -> None:
    keys = [number.to_bytes(KEY, "big") for number in numbers]
    index = KeyIndex(bytearray(b"".join(keys)))
    key = wanted.to_bytes(KEY, "big")
    assert index.find(key) == [at for at, each in enumerate(keys) if each == key]
    several = {key: [at for at, each in enumerate(keys) if each == key] for key in keys}
    told = [several[key] for key in several if len(several[key]) > 1]
    assert sorted(index.repeated()) == sorted(told)


def test_keys_are_the_same_for_values_that_mean_the_same() -> None:
    key = Key("On")
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    texts = ["2026-01-31T00:00:00Z", "2026-01-31T03:00:00+03:00", "20260131T00Z", moment]
    assert len({key.of({"On": text}) for text in texts}) == 1
    assert len({*key.of_all([{"On": text} for text in texts[:3]])}) == 1
    codes = ["Ab\0c ", "aB\0C", "straße", "STRASSE ", "1-a", "1-A", "20260131Z", "20260131z"]
    keys = key.of_all([{"On": code} for code in codes])
    assert keys[::2] == keys[1::2] == [key.of({"On": code}) for code in codes[::2]]
    assert len(set(keys)) == 4
    assert Key(["On", "A"]).of({"On": moment, "A": "x"}) == Key(["On", "A"]).of({
        "On": texts[0],
        "A": "X",
    })


def _standing() -> tuple[Standing, list[Row]]:
    rows = [{"Id": str(UUID(int=n)), "Code": code} for n, code in enumerate("abbbcd", 1)]
    there = Standing(Key("Code"), ("Code",))
    there.add(rows[:3])
    there.add([*rows[3:], {"Id": str(UUID(int=9)), "Code": ""}])
    there.complete()
    return there, rows


def _others(there: Standing, codes: str) -> list[int]:
    rows = [{"Code": code} for code in codes]
    return list(there.others(there.told(rows))) if have_columns(rows, ["Code"]) else []


def test_a_row_is_taken_once_and_rows_of_one_key_are_never_alike() -> None:
    there, rows = _standing()
    assert _others(there, "a") == []
    assert _others(there, "adbxc") == [0, 2, 3]
    assert _others(there, "c") == [0]
    assert there.rest() == [row["Id"] for row in rows[1:4]]
    found = there.find(Key("Code").of({"Code": "B"}) or b"")
    assert [there.id_of(number) for number in found] == [row["Id"] for row in rows[1:4]]
    assert there.take(found)
    assert not there.take(found)
    assert there.rest() == []


def test_a_row_that_is_taken_by_its_key_is_not_alike_any_more() -> None:
    there, rows = _standing()
    found = there.find(Key("Code").of({"Code": "c"}) or b"")
    assert there.take(found)
    assert not there.take(found)
    assert _others(there, "ca") == [0]
    assert not there.take(there.find(Key("Code").of({"Code": "a"}) or b""))
    assert there.find(b"") == []
    assert there.rest() == [rows[5]["Id"], *(row["Id"] for row in rows[1:4])]


def test_rows_in_the_order_in_which_they_were_read_need_no_look() -> None:
    rows = [{"Id": str(UUID(int=n)), "Name": "x"} for n in range(1, 6)]
    there = Standing(Key("Id"), ("Name", "Id"))
    there.add(rows)
    there.complete()
    given = [{"Name": row["Name"], "Id": row["Id"]} for row in rows]
    assert list(there.others(there.told(given[:2]))) == []
    assert there.rest() == [row["Id"] for row in rows[2:]]
    assert list(there.others(there.told([given[4], given[0], given[2]]))) == [1]
    assert there.rest() == [rows[3]["Id"]]


# The whole of it

_IDS = [str(UUID(int=number)) for number in range(0xA0, 0xA6)]
_CODES = st.sampled_from(["a", "b", "c", "B", "2026-01-31", "", _IDS[0]])
_NAMES = st.sampled_from(["x", "y", "", None, _IDS[1], _IDS[1].upper()])
_SERVER = st.lists(
    st.fixed_dictionaries({"Id": st.sampled_from(_IDS), "Code": _CODES, "Name": _NAMES}),
    unique_by=lambda row: row["Id"],
    max_size=6,
)
_CHANGES = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.fixed_dictionaries(
            {},
            optional={
                "Id": st.sampled_from([*_IDS, _IDS[2].upper(), UUID(_IDS[3])]),
                "Code": _CODES,
                "Name": _NAMES,
            },
        ),
        st.booleans(),
    ),
    max_size=8,
)


def _told(each: Outcome) -> tuple[Any, ...]:
    made = each.operation == "create" and each.id not in _IDS
    return each.index, each.operation, "" if made else each.id, each.state, str(each.error)


@pytest.mark.parametrize("protocol", ["odata", "odata3"])
@pytest.mark.parametrize("key", ["Id", "Code"])
@given(st.tuples(_SERVER, _CHANGES), st.integers(1, 3), st.booleans())
@settings(max_examples=25, deadline=None)
def test_outcomes_are_the_same_as_of_rows_that_are_looked_at_one_by_one(
    protocol: str,
    key: str,
    both: tuple[list[Row], list[tuple[int, Row, bool]]],
    batch_size: int,
    deletes: bool,  # noqa: FBT001
) -> None:
    server, changes = both
    columns = ("Id", "Code", "Name") if key == "Id" else ("Code", "Name")
    source = [{name: row[name] for name in columns} for row in server]
    for at, change, lacks in changes:
        base = source[at % len(source)] if source else dict.fromkeys(columns, _IDS[5])
        row = {**base, **{name: change[name] for name in columns if name in change}}
        source.append({n: v for n, v in row.items() if n != "Name"} if lacks else row)

    async def run(rows: list[Any]) -> tuple[Report, list[Any], list[Any]]:
        with Emulator() as emulator:
            emulator.insert("Account", server)
            async with client(emulator) as crm:
                job = getattr(crm, protocol)["Account"].sync(
                    rows,
                    key=key,
                    delete_missing=deletes,
                    within="Code ne 'kept'" if deletes else ALL,
                    batch_size=batch_size,
                    at_once=1,
                )
                try:
                    async with job as told:
                        taken = [each async for each in told]
                except ValueError as error:
                    taken = [Outcome(-2, str(error), None, "")]
            after = [(row["Code"], row["Name"]) for row in emulator.rows("Account")]
            return job.report, sorted(map(_told, taken), key=str), sorted(after, key=str)

    report, told, after = asyncio.run(run(source))
    expected = asyncio.run(run(list(map(MappingProxyType, source))))
    assert (told, after) == expected[1:]
    assert report.counts == expected[0].counts
    assert report.written == expected[0].written


async def test_a_journal_changes_nothing_of_it(tmp_path: Any, emulator: Emulator) -> None:
    rows = [{"Code": str(number), "Name": "x"} for number in range(30)]
    emulator.insert("Account", rows)
    async with client(emulator) as crm:
        for journal in (None, tmp_path / "journal"):
            source = [*rows, rows[3], {"Code": "31", "Name": "x"}]
            job = crm.odata["Account"].sync(source, key="Code", batch_size=7, journal=journal)
            async with job as told:
                taken = sorted([each async for each in told], key=lambda each: each.index)
            assert [each.row for each in taken] == source
            assert [each.state for each in taken[:31]] == [State.UNCHANGED] * 30 + [State.CONFLICT]


async def test_a_key_belongs_to_the_row_that_came_first_though_it_still_waits(
    emulator: Emulator,
) -> None:
    rows = [{"Code": code, "Name": "x"} for code in "abc"]
    emulator.insert("Account", rows)
    emulator.troubles.add(Latency(0), method="GET", path="Account", times=None)
    async with client(emulator) as crm:
        source = [*rows, *reversed(rows)]
        job = crm.odata["Account"].sync(source, key="Code", batch_size=1, at_once=3)
        async with job as told:
            states = {each.index: each.state async for each in told}
    assert [states[at] for at in range(6)] == [State.UNCHANGED] * 3 + [State.CONFLICT] * 3


class _Colour(Enum):
    RED = "blue"


@pytest.mark.parametrize(("value", "sent"), [(b"RED", "UkVE"), (_Colour.RED, "blue")])
async def test_what_has_the_hash_of_a_text_is_not_alike(
    value: Any, sent: str, emulator: Emulator
) -> None:
    there = [{"Id": key, "Name": "RED"} for key in _IDS[:2]]
    emulator.insert("City", there)
    async with client(emulator) as crm:
        report = await crm.odata["City"].sync([there[0], {**there[1], "Name": value}], key="Id")
    assert report.counts == {State.UNCHANGED: 1, State.DONE: 1}
    assert {row["Id"]: row["Name"] for row in emulator.rows("City")}[_IDS[1]] == sent


async def test_rows_alike_but_for_their_keys_are_several_though_the_first_has_no_key(
    emulator: Emulator,
) -> None:
    there = [{"Id": key, "Name": "x"} for key in _IDS[:3]]
    emulator.insert("City", there)
    async with client(emulator) as crm:
        report = await crm.odata["City"].sync([{"Name": "x"}, *there], key="Id")
    assert report.counts == {State.FAILED: 1, State.UNCHANGED: 3}


def test_numbers_of_one_hash_are_not_alike() -> None:
    told = wholes([orjson.loads(b'[-1, -2, 1, 1.0, true, "1", null]')], 7)
    assert len(set(told)) == 7
