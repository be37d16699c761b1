"""`upsert_many` and `sync`: what is found, what is written, and what is left alone."""

import asyncio
import datetime as dt
import gc
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from creatio_async import (
    ALL,
    AuthenticationError,
    BadRequestError,
    Creatio,
    F,
    OData,
    Outcome,
    Report,
    State,
    TransportError,
    derived,
    read_dead_letters,
)
from creatio_async.bulk.comparing import is_marked, mark
from creatio_async.emulator import DropAfter, DropBefore, Emulator, Fail, Omit, Refuse
from creatio_async.messages import Request, Response
from creatio_async.protocol.values import dumps, same_value
from tests.api.canned import COOKIES, WELCOME, answer, client, rows_of
from tests.api.table import batch_of

Row = dict[str, Any]


def accounts(*codes: str, name: str = "Account") -> list[Row]:
    return [{"Code": code, "Name": f"{name} {code}"} for code in codes]


def there(emulator: Emulator) -> dict[str, str]:
    """Return the names of the accounts of the test, by code."""
    return {row["Code"]: row["Name"] for row in emulator.rows("Account") if row["Code"]}


def writes(emulator: Emulator) -> list[str]:
    sent = [each for each in emulator.requests if each.url.path.endswith("/$batch")]
    methods = [item["method"] for each in sent for item in batch_of(each)]
    return [each for each in methods if each != "GET"]


async def outcomes(job: Any) -> list[Outcome]:
    async with job as told:
        taken = [each async for each in told]
    assert job.unfinished == []
    return sorted(taken, key=lambda each: each.index)


def told_as(told: list[Outcome]) -> list[tuple[str, State]]:
    return [(each.operation, each.state) for each in told]


# Upsert


@pytest.mark.parametrize("how", ["json", "multipart"])
async def test_what_is_not_there_is_added_and_what_differs_is_changed(
    how: Any, crm: Creatio, emulator: Emulator
) -> None:
    emulator.insert("Account", accounts("a", "b", "c"))
    source = [*accounts("a"), *accounts("b", name="New"), *accounts("d")]
    told = await outcomes(crm.odata["Account"].upsert_many(source, key="Code", format=how))
    assert told_as(told) == [
        ("upsert", State.UNCHANGED),
        ("update", State.DONE),
        ("create", State.DONE),
    ]
    assert there(emulator) == {"a": "Account a", "b": "New b", "c": "Account c", "d": "Account d"}
    ids = {row["Code"]: row["Id"] for row in emulator.rows("Account")}
    assert [each.id for each in told] == [ids["a"], ids["b"], ids["d"]]


async def test_rows_are_looked_up_together_and_written_in_full_batches(
    crm: Creatio, emulator: Emulator
) -> None:
    codes = [f"c{number}" for number in range(250)]
    emulator.insert("Account", accounts(*codes[::2]))
    source = accounts(*codes, name="New")
    report = await crm.odata["Account"].upsert_many(source, key="Code", at_once=1)
    assert report.written == {"create": 125, "update": 125}
    sent = [batch_of(each) for each in emulator.requests if each.url.path.endswith("/$batch")]
    assert [len(each) for each in sent if each[0]["method"] == "GET"] == [5, 5, 3]
    assert sorted(len(each) for each in sent if each[0]["method"] != "GET") == [50, 100, 100]
    assert report.requests == len(sent)


async def test_rows_are_found_by_id(odata: OData, emulator: Emulator) -> None:
    (key,) = emulator.insert("Account", accounts("a"))
    new = str(uuid4())
    source: list[Row] = [{"Id": key.upper(), "Name": "New"}, {"Id": UUID(new), "Name": "Added"}]
    told = await outcomes(odata["Account"].upsert_many(source, key="Id"))
    assert told_as(told) == [("update", State.DONE), ("create", State.DONE)]
    assert [each.id for each in told] == [key, new]
    assert await odata["Account"].value(new, "Name") == "Added"


async def test_rows_are_found_by_several_columns(odata: OData, emulator: Emulator) -> None:
    emulator.insert("Account", [{"Code": str(n % 7), "Name": str(n)} for n in range(40)])
    source = [{"Code": str(n % 7), "Name": str(n), "Notes": "x"} for n in range(60)]
    report = await odata["Account"].upsert_many(source, key=["Code", "Name"])
    assert report.written == {"create": 20, "update": 40}
    assert len(emulator.rows("Account")) >= 60


async def test_a_key_that_comes_twice_is_a_conflict(odata: OData, emulator: Emulator) -> None:
    source = [*accounts("a"), *accounts("A "), *accounts("b")]
    told = await outcomes(odata["Account"].upsert_many(source, key="Code"))
    assert [each.state for each in told] == [State.DONE, State.CONFLICT, State.DONE]
    assert sorted(there(emulator)) == ["a", "b"]
    assert "an earlier row of the input has the same key" in str(told[1].error)


async def test_two_rows_of_the_server_with_one_key_are_a_conflict(
    crm: Creatio, emulator: Emulator
) -> None:
    emulator.insert("Account", accounts("b", "b"))
    told = await outcomes(crm.odata["Account"].upsert_many(accounts("b", name="x"), key="Code"))
    assert told_as(told) == [("upsert", State.CONFLICT)]
    assert "2 rows have this key" in str(told[0].error)
    assert writes(emulator) == []


async def test_a_key_of_another_id_than_the_row_has_is_a_conflict(
    odata: OData, emulator: Emulator
) -> None:
    (key,) = emulator.insert("Account", accounts("a"))
    source = [{"Id": uuid4(), "Code": "a"}]
    told = await outcomes(odata["Account"].upsert_many(source, key="Code"))
    assert told[0].state is State.CONFLICT
    assert key in str(told[0].error)


@pytest.mark.parametrize("value", [None, "", " ", "00000000-0000-0000-0000-000000000000"])
async def test_a_row_without_a_key_fails_alone(
    value: Any, odata: OData, emulator: Emulator
) -> None:
    source = [{"Code": value, "Name": "x"}, {"Name": "y"}, *accounts("a")]
    told = await outcomes(odata["Account"].upsert_many(source, key="Code"))
    assert [each.state for each in told] == [State.FAILED, State.FAILED, State.DONE]
    assert "it has no value in Code" in str(told[0].error)
    assert there(emulator) == {"a": "Account a"}


async def test_new_rows_can_have_derived_ids(odata: OData) -> None:
    made = derived("Code").within("Account")
    job = odata["Account"].upsert_many(accounts("a"), key="Code", new_id=derived("Code"))
    (told,) = await outcomes(job)
    assert told.id == made({"Code": "a"})
    job = odata["Account"].upsert_many(accounts("b"), key="Code", new_id=derived("Name2"))
    (told,) = await outcomes(job)
    assert told.state is State.FAILED
    assert "needs a value there" in str(told.error)


async def test_a_column_that_there_is_not_fails_the_rows(odata: OData, tmp_path: Path) -> None:
    source = [{"Code": "a", "Nonsense": 1}]
    job = odata["Account"].upsert_many(source, key="Code", dead_letters=tmp_path / "refused")
    (told,) = await outcomes(job)
    assert told.state is State.FAILED
    assert isinstance(told.error, BadRequestError)
    assert list(read_dead_letters(tmp_path / "refused")) == source


async def test_without_an_answer_to_the_look_up_nothing_is_written(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(DropBefore(), path="$batch", times=4)
    (told,) = await outcomes(odata["Account"].upsert_many(accounts("a"), key="Code"))
    assert told.state is State.FAILED
    assert isinstance(told.error, TransportError)
    assert there(emulator) == {}


@pytest.mark.parametrize("key", [(), "no name", ["Code", "a b"]])
async def test_a_key_is_made_of_columns(key: Any, odata: OData) -> None:
    with pytest.raises(ValueError, match=r"column"):
        odata["Account"].upsert_many([], key=key)


# Sync


@pytest.mark.parametrize("how", ["json", "multipart"])
async def test_only_what_differs_is_written(how: Any, crm: Creatio, emulator: Emulator) -> None:
    emulator.insert("Account", accounts("a", "b", "c", "gone"))
    source = [*accounts("a", "b"), *accounts("c", name="New"), *accounts("d")]
    told = await outcomes(crm.odata["Account"].sync(source, key="Code", format=how))
    assert told_as(told) == [
        ("sync", State.UNCHANGED),
        ("sync", State.UNCHANGED),
        ("update", State.DONE),
        ("create", State.DONE),
    ]
    assert there(emulator)["c"] == "New c"
    assert "gone" in there(emulator)


async def test_a_second_run_writes_nothing(odata: OData, emulator: Emulator) -> None:
    source = accounts(*map(str, range(230)))
    report = await odata["Account"].sync(source, key="Code")
    assert report.written == {"create": 230}
    emulator.requests.clear()
    report = await odata["Account"].sync(iter(source), key="Code")
    assert report.counts == {State.UNCHANGED: 230}
    assert report.written == {}
    assert writes(emulator) == []


async def test_what_is_missing_is_deleted_within_a_condition_only(
    odata: OData, emulator: Emulator
) -> None:
    emulator.insert("Account", [{"Code": c, "Name": c, "Notes": "ours"} for c in "abc"])
    emulator.insert("Account", [{"Code": c, "Name": c, "Notes": "theirs"} for c in "de"])
    source = [{"Code": "a", "Name": "a", "Notes": "ours"}]
    ours = F.Notes == "ours"
    job = odata["Account"].sync(source, key="Code", delete_missing=True, within=ours)
    told = await outcomes(job)
    assert told_as(told)[:2] == [("delete", State.DONE)] * 2
    assert [each.index for each in told] == [-1, -1, 0]
    assert job.report.written == {"delete": 2}
    assert sorted(there(emulator)) == ["a", "d", "e"]


async def test_a_row_that_is_there_and_not_within_is_found_and_not_doubled(
    odata: OData, emulator: Emulator
) -> None:
    emulator.insert("Account", [{"Code": "a", "Name": "a", "Notes": "theirs"}])
    source = [{"Code": "a", "Name": "a", "Notes": "ours"}]
    report = await odata["Account"].sync(source, key="Code", within="Notes eq 'ours'")
    assert report.written == {"update": 1}
    assert sorted(there(emulator)) == ["a"]


async def test_all_of_a_set_is_asked_for_by_name(odata: OData, emulator: Emulator) -> None:
    emulator.insert("AccountType", [{"Name": "x"}, {"Name": "y"}, {"Name": "y"}])
    types = odata["AccountType"]
    with pytest.raises(ValueError, match="delete_missing takes within="):
        types.sync([{"Name": "x"}], key="Name", delete_missing=True)
    report = await types.sync([{"Name": "x"}], key="Name", delete_missing=True, within=ALL)
    assert [row["Name"] for row in emulator.rows("AccountType")] == ["x"]
    assert report.written["delete"] >= 2


class OurError(Exception):
    """What the caller's own input raises."""


def torn() -> Iterator[Row]:
    yield {"Name": "x"}
    raise OurError


def wrong() -> Iterator[Any]:
    yield {"Name": "x"}
    yield {"Name": "x2", "Country": {}}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (list, None),
        (torn, OurError),
        (wrong, ValueError),
        (lambda: [{"Name": "x"}, {"Name": ""}], None),
    ],
)
async def test_nothing_is_deleted_for_an_input_that_was_empty_or_did_not_end_well(
    source: Any, error: Any, odata: OData, emulator: Emulator
) -> None:
    emulator.insert("AccountType", [{"Name": "x"}, {"Name": "y"}])
    job = odata["AccountType"].sync(source(), key="Name", delete_missing=True, within=ALL)
    if error is None:
        await job
    else:
        with pytest.raises(error):
            await job
    assert {"x", "y"} <= {row["Name"] for row in emulator.rows("AccountType")}


async def test_nothing_is_deleted_where_the_block_is_left_early(
    odata: OData, emulator: Emulator
) -> None:
    emulator.insert("Account", accounts("gone", *map(str, range(40))))
    source = accounts(*map(str, range(40)), name="New")
    job = odata["Account"].sync(
        source, key="Code", delete_missing=True, within=ALL, batch_size=10, at_once=1
    )
    async with job as told:
        async for _ in told:
            break
    assert "gone" in there(emulator)


async def test_rows_that_cannot_be_read_end_the_job_and_nothing_is_written(
    odata: OData, emulator: Emulator
) -> None:
    emulator.troubles.add(Refuse(400), method="GET", path="Account", times=None)
    job = odata["Account"].sync(accounts("a"), key="Code", delete_missing=True, within=ALL)
    with pytest.raises(BadRequestError):
        await job
    assert [each.index for each in job.unfinished] == [0]
    assert there(emulator) == {}


async def test_a_conflict_is_told_and_nothing_guessed(odata: OData, emulator: Emulator) -> None:
    emulator.insert("Account", accounts("b", "b", "b"))
    source = [*accounts("b", name="x"), *accounts("c"), *accounts("C")]
    told = await outcomes(odata["Account"].sync(source, key="Code"))
    assert [each.state for each in told] == [State.CONFLICT, State.DONE, State.CONFLICT]
    assert "3 rows have this key" in str(told[0].error)
    assert sorted(there(emulator)) == ["b", "c"]


async def test_the_columns_are_those_of_the_first_row(odata: OData, emulator: Emulator) -> None:
    (key,) = emulator.insert("Account", [{"Code": "b", "Name": "b", "Notes": "kept"}])
    source: list[Row] = [
        {"Code": "a", "Name": "a", "Notes": "x"},
        {"Code": "b", "Name": "new"},
    ]
    await odata["Account"].sync(source, key="Code")
    assert await odata["Account"].value(key, "Notes") == "kept"
    pages = [each for each in emulator.requests if each.method == "GET" and "Account" in str(each)]
    assert "%24select" in pages[0].url.raw_query_string or "$select" in pages[0].url.query_string
    with pytest.raises(ValueError, match="row 1: the first row does not have the column Code"):
        await odata["Account"].sync([{"Name": "a"}, {"Name": "b", "Code": "b"}], key="Name")


async def test_values_are_compared_by_what_they_mean(odata: OData, emulator: Emulator) -> None:
    account = str(uuid4())
    row = {
        "Number": "n1",
        "Date": dt.datetime(2026, 1, 31, 3, tzinfo=dt.timezone(dt.timedelta(hours=3))),
        "Amount": Decimal("10.50"),
        "AccountId": UUID(account),
        "Notes": None,
    }
    emulator.insert("Account", [{"Id": account, "Name": "x"}])
    orders = odata["Order"]
    await orders.create_many([row])
    same = {**row, "Date": "2026-01-31T00:00:00Z", "Amount": 10.5, "AccountId": account.upper()}
    report = await orders.sync([same], key="Number")
    assert report.counts == {State.UNCHANGED: 1}
    report = await orders.sync([{**row, "Amount": Decimal("10.51")}], key="Number")
    assert report.written == {"update": 1}


@pytest.mark.parametrize("at_once", [1, 3])
async def test_a_rehearsal_tells_what_the_run_then_does(
    at_once: int, crm: Creatio, emulator: Emulator
) -> None:
    emulator.insert("Account", accounts(*map(str, range(120)), "gone", "b", "b"))
    source = [
        *accounts(*map(str, range(50))),
        *accounts(*map(str, range(50, 260)), name="New"),
        *accounts("b"),
    ]
    before = there(emulator)

    async def run(*, dry_run: bool) -> Report:
        return await crm.odata["Account"].sync(
            source,
            key="Code",
            delete_missing=True,
            within="Code ne ''",
            dry_run=dry_run,
            at_once=at_once,
        )

    rehearsed = await run(dry_run=True)
    assert there(emulator) == before
    assert writes(emulator) == []
    done = await run(dry_run=False)
    assert rehearsed.written == done.written == {"create": 140, "update": 70, "delete": 1}
    assert rehearsed.counts == done.counts
    if at_once == 1:
        assert rehearsed.requests == done.requests


@pytest.mark.parametrize(
    "trouble", [DropBefore(), DropAfter(), Refuse(429), Fail(after=True)], ids=repr
)
async def test_whatever_happens_to_a_batch_the_rows_end_as_they_should(
    trouble: Any, odata: OData, emulator: Emulator
) -> None:
    codes = list(map(str, range(60)))
    emulator.insert("Account", accounts(*codes[:40]))
    emulator.troubles.add(trouble, path="$batch", times=2)
    source = accounts(*codes[20:], name="New")
    report = await odata["Account"].sync(
        source, key="Code", delete_missing=True, within="Code ne ''", batch_size=10
    )
    report.raise_for_failures()
    assert there(emulator) == {row["Code"]: row["Name"] for row in source}


_CODES = st.lists(st.sampled_from("abcdefgh"), max_size=10)
_NAMES = st.sampled_from(["x", "y"])
_ROWS = st.lists(st.tuples(st.sampled_from("abcdefghA"), _NAMES), max_size=12)


@given(_ROWS, _ROWS, st.booleans(), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_afterwards_the_server_has_what_the_input_says(
    server: list[tuple[str, str]],
    source: list[tuple[str, str]],
    deletes: bool,  # noqa: FBT001
    batch_size: int,
    at_once: int,
) -> None:
    def rows(pairs: list[tuple[str, str]]) -> list[Row]:
        return [{"Code": code, "Name": name} for code, name in pairs]

    async def run() -> tuple[Report, list[Outcome], list[tuple[str, str]]]:
        with Emulator() as emulator:
            emulator.insert("Account", rows(server))
            async with client(emulator) as crm:
                job = crm.odata["Account"].sync(
                    rows(source),
                    key="Code",
                    delete_missing=deletes,
                    within=F.Code != "" if deletes else None,
                    batch_size=batch_size,
                    at_once=at_once,
                )
                told = await outcomes(job)
            after = [(r["Code"], r["Name"]) for r in emulator.rows("Account") if r["Code"]]
            return job.report, told, after

    report, told, after = asyncio.run(run())
    assert [each.index for each in told if each.index >= 0] == list(range(len(source)))
    assert report.total == len(told)
    fold = str.casefold
    several = {
        code for code, _ in server if sum(fold(other) == fold(code) for other, _ in server) > 1
    }
    codes = {fold(code) for code in several}
    for each in told:
        if each.ok and each.operation != "delete":
            assert (each.row["Code"], each.row["Name"]) in after
    wanted = {fold(code) for code, _ in source}
    for code, name in server:
        if fold(code) in wanted and fold(code) in codes:
            assert (code, name) in after, "a conflict is left alone"
        if fold(code) not in wanted:
            assert ((code, name) in after) is not (deletes and bool(source))


# Values and their marks

_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-3, 3).map(lambda value: round(value, 1))
    | st.decimals(-3, 3, places=1)
    | st.sampled_from([
        "",
        "a",
        "A",
        "1",
        "2026-01-31T00:00:00Z",
        "2026-01-31T03:00:00+03:00",
        "2026-01-31",
        "0001-01-01T00:00:00Z",
        "00000000-0000-0000-0000-000000000000",
        "4C63C8FA-467B-48A6-973F-B2069298404F",
        "4c63c8fa-467b-48a6-973f-b2069298404f",
        "2026-13-45",
        UUID("4c63c8fa-467b-48a6-973f-b2069298404f"),
        dt.date(2026, 1, 31),
        dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=3))),
        dt.time(10, 30),
        dt.timedelta(hours=1),
        b"ab",
    ])
)


def _sendable(value: Any) -> bool:
    try:
        dumps(value)
    except (TypeError, ValueError):
        return False
    return True


@given(_VALUES.filter(_sendable), _VALUES.filter(_sendable))
@settings(max_examples=1_000, deadline=None)
def test_a_mark_says_what_the_comparison_of_two_values_says(ours: Any, other: Any) -> None:
    theirs = orjson.loads(dumps(other))
    assert is_marked(ours, mark(theirs)) == same_value(ours, theirs)


# Memory


@define(eq=False)
class Wide:
    """Has any number of rows with long texts, and keeps none of what is written."""

    count: int
    batches: int = 0
    held: int = 0
    """Bytes in use at the worst of some moments, the first of them when all rows are read."""

    async def send(self, request: Request, /) -> Response:
        """Answer a login, a page, or a batch."""
        if request.url.path.endswith("$batch"):
            if self.batches % 40 == 0:
                gc.collect()
                self.held = max(self.held, tracemalloc.get_traced_memory()[0])
            self.batches += 1
            done = [{"id": each["id"], "status": 204, "headers": {}} for each in batch_of(request)]
            return answer({"responses": done})
        if "Login" in request.url.path or "Logout" in request.url.path:
            return answer(WELCOME, headers=COOKIES)
        condition = request.url.query.get("$filter", "")
        start = int(UUID(condition.rpartition(" ")[2])) if condition else 0
        top = int(request.url.query["$top"])
        page = range(start + 1, min(start + top, self.count) + 1)
        return rows_of(*[wide(number) for number in page])


def wide(number: int, *, long: str = "x" * 2_000) -> Row:
    return {"Id": str(UUID(int=number)), "Code": str(number), "Notes": long}


async def test_memory_grows_with_the_keys_and_not_with_the_values() -> None:
    async def held(count: int) -> int:
        source = ({"Code": str(number), "Notes": "y" * 2_000} for number in range(1, count + 1))
        site = Wide(count)
        async with client(site) as crm:
            gc.collect()
            tracemalloc.start()
            try:
                job = crm.odata["Account"].sync(source, key="Code", at_once=1, batch_size=50)
                report = await job
            finally:
                tracemalloc.stop()
        assert report.written == {"update": count}
        return site.held

    assert await held(9_000) - await held(3_000) < 6_000 * 300


# Answers to the look-up that are no usual ones


@define(eq=False)
class Odd:
    """Answers the look-up of one key as *first* says, and takes every write."""

    first: Row | None
    code: int = 0

    async def send(self, request: Request, /) -> Response:
        """Answer a login, a look-up, a further page, or a batch of writes."""
        if "Login" in request.url.path or "Logout" in request.url.path:
            return answer({**WELCOME, "Code": self.code}, headers=COOKIES)
        if not request.url.path.endswith("$batch"):
            return rows_of({"Id": str(UUID(int=2)), "Code": "a"})
        items = batch_of(request)
        if items[0]["method"] != "GET":
            done = [{"id": each["id"], "status": 204, "headers": {}} for each in items]
            return answer({"responses": done})
        if self.code:
            return answer({"Message": "Authentication failed."}, 401)
        told = [] if self.first is None else [{"id": "1", "status": 200, "body": self.first}]
        return answer({"responses": told})


async def test_a_look_up_of_several_pages_is_read_to_its_end() -> None:
    link = "http://crm.test/0/odata/Account?$skiptoken=1"
    first = {"value": [{"Id": str(UUID(int=1)), "Code": "a"}], "@odata.nextLink": link}
    async with client(Odd(first)) as crm:
        (told,) = await outcomes(crm.odata["Account"].upsert_many(accounts("a"), key="Code"))
    assert told.state is State.CONFLICT
    assert "2 rows have this key" in str(told.error)


async def test_a_look_up_that_is_left_out_fails_the_rows() -> None:
    async with client(Odd(None)) as crm:
        (told,) = await outcomes(crm.odata["Account"].upsert_many(accounts("a"), key="Code"))
    assert told.state is State.FAILED
    assert "leaves out which rows are there" in str(told.error)


async def test_a_login_refused_at_the_look_up_ends_the_job() -> None:
    site = Odd(None)
    async with client(site) as crm:
        site.code = 1
        job = crm.odata["Account"].upsert_many(accounts("a"), key="Code")
        with pytest.raises(AuthenticationError):
            await job
    assert [each.index for each in job.unfinished] == [0]


def test_a_moment_beyond_the_calendar_is_a_value_too() -> None:
    early = "0001-01-01T00:00:00+03:00"
    assert is_marked(early, mark(early))
    assert not is_marked(early, mark("0001-01-01T00:00:00Z"))


@pytest.mark.parametrize("trouble", [Refuse(429), Refuse(503), Fail(), Omit()], ids=repr)
async def test_a_look_up_that_fails_for_a_moment_refuses_no_row(
    trouble: Any, crm: Creatio, emulator: Emulator
) -> None:
    emulator.troubles.add(trouble, inner=True, method="GET", times=2)
    report = await crm.odata["Account"].upsert_many(accounts("A1", "B2"), key="Code")
    assert report.written == {"create": 2}
    assert there(emulator) == {"A1": "Account A1", "B2": "Account B2"}


@pytest.mark.parametrize("kind", ["sync", "upsert_many"])
@pytest.mark.parametrize("value", [Decimal("NaN"), dt.time(1, tzinfo=dt.UTC), object(), {1}])
async def test_a_value_that_cannot_be_compared_is_named_with_its_row(
    kind: str, value: Any, emulator: Emulator
) -> None:
    key = str(UUID(int=7))
    emulator.insert("City", [{"Id": key, "Name": "x"}])
    async with client(emulator) as crm:
        with pytest.raises((TypeError, ValueError), match="row 0, 'Name'"):
            await getattr(crm.odata["City"], kind)([{"Id": key, "Name": value}], key="Id")
    assert [row["Name"] for row in emulator.rows("City")] == ["x"]
