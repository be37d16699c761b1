"""What is refused, what is healed, and what becomes of a job whose journal cannot be written."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creatio_async import (
    AuthenticationError,
    Create,
    Creatio,
    Delete,
    F,
    Outcome,
    RetryPolicy,
    State,
    derived,
    read_journal,
)
from creatio_async.bulk.creates import Creates
from creatio_async.bulk.journal.file import journal_lines
from creatio_async.bulk.journal.index import find
from creatio_async.bulk.journal.record import Journal
from tests.api.canned import SITE, client
from tests.api.scripted import eventually
from tests.api.table import Script, Table
from tests.journal.moments import Moment, full_after, ran, shown

OPTIONS: dict[str, Any] = {"batch_size": 4, "at_once": 2}
SEED = b"0" * 64


def rows(count: int = 10) -> list[dict[str, Any]]:
    return [{"Name": f"City {number}"} for number in range(count)]


async def write(journal: Path, table: Table, given: Any = None, **options: Any) -> Any:
    async with client(table) as crm:
        own = {**OPTIONS, **options}
        return await crm.odata["City"].create_many(
            rows() if given is None else given, journal=journal, **own
        )


def names(table: Table) -> list[str]:
    return sorted(row["Name"] for row in table.rows.values())


def ids_in(path: Path) -> set[str]:
    """Return the ids of the rows that may have been sent, by what the journal says."""
    return {each.id for each in read_journal(path)}


EXPECTED = sorted(row["Name"] for row in rows())


# What is healed


async def a_journal(path: Path) -> tuple[bytes, Table]:
    table = Table(scripts=[Script(rows=("done", "400"))])
    await write(path, table)
    return path.read_bytes(), table


async def test_a_journal_that_breaks_off_at_any_byte_is_read_up_to_its_last_whole_line(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    whole, _ = await a_journal(path)
    ends = [at for at in range(len(whole) + 1) if whole[:at].endswith(b"\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        found = find(journal_lines(path), path)
        assert (found.size if found else 0) == max([end for end in ends if end <= cut], default=0)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), garbage=st.sampled_from([b"", b"\0" * 50, b"\0\0\n\0\0", b'{"rows":[1,']))
async def test_a_run_goes_on_from_a_journal_that_breaks_off_at_any_byte(
    data: st.DataObject, garbage: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journals") / "journal"
    whole, table = await a_journal(path)
    read = [line for line in whole.splitlines(keepends=True) if line.startswith(b'{"read"')]
    needed = whole.index(read[-1]) + len(read[-1])  # what is sent has its line written before
    cut = data.draw(st.integers(needed, len(whole)))
    resumed = await ran(
        lambda crm, journal: crm.odata["City"].create_many(rows(), journal=journal, **OPTIONS),
        path,
        Moment(whole[:cut] + garbage, table.rows),
    )
    there = {row["Name"] for row in resumed.table.rows.values()}
    assert names(resumed.table) == sorted(there)
    assert there >= {each.row["Name"] for each in resumed.outcomes if each.ok}
    assert read_journal(path).finished
    assert shown(list(read_journal(path))) == shown(resumed.outcomes)


@pytest.mark.parametrize("torn", [b"", b"{", b'{"creatio_async":"journal","vers'])
async def test_a_journal_without_a_whole_line_is_begun_anew(torn: bytes, tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    path.write_bytes(torn)
    assert (await write(path, table)).done == 10
    assert read_journal(path).finished


async def test_only_the_user_may_read_a_journal(tmp_path: Path) -> None:
    await write(tmp_path / "journal", Table())
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600


# What is refused


@pytest.mark.parametrize(
    "content",
    [
        b"Name,Code\nBurbank,1\n",
        b"Name",
        b'{"index": 1}\n',
        b'{"creatio_async":"journal","version":1,"job":{"operation":"create"}}\n',
        b'{"creatio_async":"journal","version":3,"seed":"%b","job":{"operation":"create"}}\n'
        % SEED,
        b'{"creatio_async":"journal","version":2,"seed":"%b","job":null}\n' % SEED,
        b'{"creatio_async":"journal","version":2,"job":{"operation":"create"}}\n',
        b'{"creatio_async":"journal","version":2,"seed":"00","job":{"operation":"create"}}\n',
        b'{"creatio_async":"journal","version":2,"seed":"%b","job":{"a":1}}\n'
        % SEED.replace(b"0", b"x"),
    ],
)
async def test_a_file_that_is_no_journal_of_this_version_is_refused_and_stays_as_it_is(
    content: bytes, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    path.write_bytes(content)
    with pytest.raises(ValueError, match="journal"):
        await write(path, table)
    with pytest.raises(ValueError, match="journal"):
        read_journal(path)
    assert path.read_bytes() == content
    assert table.batches == []


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("line", [b"nothing\n", b'{"rows":[90,1]}\n', b'{"read":[7,1],"crc":""}\n'])
async def test_a_journal_that_is_damaged_before_its_end_is_refused(
    number: int, line: bytes, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    whole, _ = await a_journal(path)
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[: number - 1], line, *lines[number:]]))
    with pytest.raises(ValueError, match=rf"damaged at line {number}"):
        await write(path, table)
    assert table.batches == []


async def test_a_journal_of_an_earlier_format_is_refused_by_its_version(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"creatio_async":"journal","version":1,"job":{"operation":"create"}}\n')
    with pytest.raises(ValueError, match="its format is version 1, and version 2 is read here"):
        await write(path, Table())


Call = Callable[[Creatio, Path], Any]
OTHERS: list[tuple[str, Call]] = [
    ("operation", lambda crm, path: crm.odata["City"].update_many([], journal=path)),
    ("operation", lambda crm, path: crm.odata["City"].delete_many([], journal=path)),
    ("operation", lambda crm, path: crm.odata["City"].upsert_many([], key="Id", journal=path)),
    ("operation", lambda crm, path: crm.odata["City"].sync([], key="Id", journal=path)),
    ("operation", lambda crm, path: crm.odata.write_many([], journal=path)),
    ("entity_set", lambda crm, path: crm.odata["Country"].create_many([], journal=path)),
    ("atomic", lambda crm, path: crm.odata["City"].create_many([], atomic=True, journal=path)),
    (
        "if_exists",
        lambda crm, path: crm.odata["City"].create_many([], if_exists="update", journal=path),
    ),
    (
        "new_id",
        lambda crm, path: crm.odata["City"].create_many([], new_id=derived("Name"), journal=path),
    ),
]


@pytest.mark.parametrize(("what", "other"), OTHERS)
async def test_the_journal_of_another_job_is_refused(
    what: str, other: Call, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    await write(path, Table())
    before = path.read_bytes()
    async with client(table) as crm:
        with pytest.raises(ValueError, match=f"another job: there {what} is"):
            await other(crm, path)
    assert (path.read_bytes(), table.batches) == (before, [])


async def test_the_options_of_a_sync_belong_to_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    async with client(Table()) as crm:
        cities = crm.odata["City"]
        await cities.sync([], key="Name", within=F.Name == "x", journal=path)
        with pytest.raises(ValueError, match="there key is"):
            await cities.sync([], key="Id", within=F.Name == "x", journal=path)
        with pytest.raises(ValueError, match="there within is"):
            await cities.sync([], key="Name", within=F.Name == "y", journal=path)
        options: dict[str, Any] = {"within": F.Name == "x", "delete_missing": True}
        with pytest.raises(ValueError, match="there delete_missing is"):
            await cities.sync([], key="Name", journal=path, **options)
        with pytest.raises(ValueError, match="dry run"):
            cities.sync([], key="Name", dry_run=True, journal=tmp_path / "other")
        with pytest.raises(ValueError, match="fsync is about a journal"):
            cities.create_many([], fsync=True)


async def test_the_journal_of_another_site_is_refused(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    await write(path, Table())
    path.write_bytes(path.read_bytes().replace(SITE.encode(), b"http://other.test"))
    with pytest.raises(ValueError, match=r"there site is 'http://other\.test'"):
        await write(path, table)
    assert table.batches == []


async def test_a_second_job_on_the_same_journal_is_refused_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    path, table = tmp_path / "journal", Table()
    async with client(table) as crm:
        cities = crm.odata["City"]
        async with cities.create_many(rows(), journal=path, **OPTIONS) as outcomes:
            async for _ in outcomes:
                with pytest.raises(ValueError, match="in use"):
                    await cities.create_many(rows(), journal=path, **OPTIONS)
    assert names(table) == EXPECTED
    assert read_journal(path).finished


async def test_a_process_that_has_the_journal_open_keeps_others_from_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    code = (
        "import fcntl, os, sys\n"
        "handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", code, str(path)],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdout is not None
    await other.stdout.readline()
    with pytest.raises(ValueError, match="in use"):
        await write(path, Table())
    other.kill()
    await other.communicate()
    assert (await write(path, Table())).done == 10


# An input that has changed


async def stopped(path: Path, table: Table, *, after: int) -> None:
    """Leave a job in the middle."""

    def broken() -> Iterator[dict[str, Any]]:
        yield from rows()[:after]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await write(path, table, broken())


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda given: given[5].update(Name="other"), "rows 4 to 7"),
        (lambda given: given.pop(1), "rows 0 to 3"),
        (lambda given: given.insert(0, {"Name": "new"}), "rows 0 to 3"),
        (lambda given: given[1].update(Code=None), "rows 0 to 3"),
        (lambda given: given[1].update(Code=object()), "rows 0 to 3"),
        (lambda given: given.clear(), "ended after 0 rows"),
        (lambda given: given.__delitem__(slice(4, None)), "ended after 4 rows"),
        (lambda given: given.__delitem__(slice(5, None)), "ended after 5 rows"),
    ],
)
async def test_a_row_that_is_another_one_now_is_an_error_before_it_is_sent(
    change: Callable[[Any], Any], where: str, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    await stopped(path, table, after=8)
    given = rows()
    change(given)
    before = dict(table.rows)
    with pytest.raises(
        ValueError, match=rf"^({where}: the input|the input has changed: it {where})"
    ):
        await write(path, table, given)
    assert table.rows == before
    assert (await write(path, table)).done == 10
    assert names(table) == EXPECTED


async def test_a_row_that_has_another_id_now_is_named(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    own = [
        {"Id": f"00000000-0000-0000-0000-{number:012}", **row} for number, row in enumerate(rows())
    ]
    await write(path, table, own)
    own[6]["Id"] = "10000000-0000-0000-0000-000000000000"
    with pytest.raises(ValueError, match=r"^row 6: the input has changed"):
        await write(path, table, own)


async def test_more_rows_than_a_job_had_that_has_ended_are_an_error(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    await write(path, table)
    with pytest.raises(ValueError, match=r"^row 10: the input has changed: it has more rows"):
        await write(path, table, rows(11))
    assert len(table.rows) == 10


@pytest.mark.parametrize(
    "bad",
    [datetime(2026, 1, 1), float("nan"), object(), {"Name": "Monday"}],  # noqa: DTZ001
)
@pytest.mark.parametrize("order", ["none", "key"])
async def test_a_mistake_in_a_row_can_be_mended_before_the_job_goes_on(
    bad: Any, order: Any, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    given = rows()
    given[6]["CreatedOn"] = bad
    with pytest.raises((ValueError, TypeError), match="row 6, 'CreatedOn'"):
        await write(path, table, given, order=order)
    assert "City 6" not in names(table)
    assert (await write(path, table)).done == 10
    assert names(table) == EXPECTED


# A journal that cannot be written


@pytest.mark.parametrize("lines", range(1, 8))
async def test_a_full_disk_ends_the_job_with_everything_accounted_for(
    lines: int, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    with pytest.MonkeyPatch.context() as monkeypatch:
        full_after(lines, monkeypatch)
        async with client(table) as crm:
            job = crm.odata["City"].create_many(rows(), journal=path, **OPTIONS)
            told: list[Outcome] = []
            if lines == 1:
                with pytest.raises(OSError, match="No space"):
                    await job
            else:
                with pytest.raises(OSError, match="No space"):  # noqa: PT012
                    async with job as outcomes:
                        async for each in outcomes:
                            told.append(each)  # noqa: PERF401 - those before the error
    accounted = [each.index for each in [*told, *job.unfinished]]
    assert sorted(accounted) == list(range(job.report.total))
    assert names(table) == sorted(each.row["Name"] for each in told if each.ok)
    known = ids_in(path) if lines > 1 else set[str]()
    assert table.rows.keys() <= known, "sent, and not in the journal"
    report = await write(path, table)
    assert report.done == 10
    assert names(table) == EXPECTED


# What is written, and when


@pytest.mark.parametrize("order", ["none", "input", "key"])
async def test_what_is_told_of_a_row_stands_in_the_journal_by_then(
    order: Any, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table(scripts=[Script(), Script(rows=("done", "400"))])
    async with client(table) as crm:
        job = crm.odata["City"].create_many(rows(40), journal=path, order=order, **OPTIONS)
        async with job as outcomes:
            async for each in outcomes:
                recorded = {one.index: one.state for one in read_journal(path)}
                assert recorded[each.index] is each.state


async def test_a_row_with_an_id_that_was_made_takes_hardly_a_byte(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    await write(path, table, rows(2_000), batch_size=100)
    assert path.stat().st_size < 1.5 * 2_000
    assert ids_in(path) == table.rows.keys()


@pytest.mark.parametrize("text", ["{", "null", '"null"', "}, {", "Монтерей"])
async def test_a_text_that_looks_like_json_is_sent_as_it_is(text: str, tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    given = [*rows(), {"Name": text}, {"Name": "", "Description": None}]
    assert (await write(path, table, given)).done == 12
    assert names(table) == sorted([*EXPECTED, text, ""])


@pytest.mark.parametrize("inner", [{"Name": "x"}, [{"Name": "x"}]])
async def test_rows_in_a_row_are_refused_though_others_are_deleted(
    inner: Any, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    operations: list[Any] = [
        Delete("City", UUID(int=1)),
        Create("City", {"Name": "y", "Country": inner}),
    ]
    async with client(table) as crm:
        with pytest.raises(ValueError, match="row 1, 'Country'"):
            await crm.odata.write_many(operations, journal=path)
    assert table.batches == []


async def test_rows_with_ids_of_their_own_and_without_may_come_together(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    own = "00000000-0000-0000-0000-00000000000a"
    given = [*rows(), {"Id": own, "Name": "own"}, *rows(3)]
    assert (await write(path, table, given)).done == 14
    told = [each.id for each in read_journal(path)]
    assert set(told) == table.rows.keys()
    assert told[10] == own


# Whatever else ends a run


async def rows_later(count: int = 40) -> AsyncIterator[dict[str, Any]]:
    for row in rows(count):
        await asyncio.sleep(0)
        yield row


@pytest.mark.parametrize("source", [rows, rows_later])
@pytest.mark.parametrize("how", ["left", "cancelled", "closed"])
async def test_a_run_that_is_broken_off_goes_on_with_nothing_lost_or_doubled(
    source: Callable[[int], Any], how: str, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table()
    async with client(table) as crm:
        job = crm.odata["City"].create_many(source(40), journal=path, **OPTIONS)

        async def part() -> None:
            async with job as outcomes:
                async for _ in outcomes:
                    if how == "left":
                        break
                    if how == "closed":
                        await crm.__aexit__(None, None, None)
                    await asyncio.sleep(0)

        task = asyncio.create_task(part())
        if how == "cancelled":
            await eventually(lambda: bool(table.rows))
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    recorded = {each.index: each for each in read_journal(path)}
    for each in job.unfinished:
        if each.index in recorded:
            assert recorded[each.index].state in {State.UNKNOWN, State.NOT_RUN}
    assert (await write(path, table, source(40))).done == 40
    assert names(table) == sorted(row["Name"] for row in rows(40))


@pytest.mark.parametrize("order", ["none", "input", "key"])
async def test_the_options_of_the_pipeline_may_be_others_in_the_next_run(
    order: Any, tmp_path: Path
) -> None:
    path, table = tmp_path / "journal", Table(scripts=[Script("drop after")])
    await stopped(path, table, after=8)
    async with client(table) as crm:
        job = crm.odata["City"].create_many(
            rows(), journal=path, batch_size=3, at_once=1, order=order
        )
        async with job as outcomes:
            told = [each.index async for each in outcomes]
    assert sorted(told) == list(range(10))
    assert order != "input" or told == sorted(told)
    assert names(table) == EXPECTED


async def test_what_was_refused_stays_refused_and_is_told_again(tmp_path: Path) -> None:
    path, letters = tmp_path / "journal", tmp_path / "letters"
    table = Table(scripts=[Script(rows=("done", "400", "400"))])
    first = await write(path, table, dead_letters=letters)
    before = letters.read_bytes()
    again = await write(path, Table(rows=table.rows), dead_letters=letters)
    assert (first.counts, first.written) == (again.counts, again.written)
    assert [str(each.error) for each in first.failures] == [
        str(each.error) for each in again.failures
    ]
    assert letters.read_bytes() == before
    assert again.requests == 0


async def test_with_fsync_nothing_is_sent_before_the_disk_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = tmp_path / "journal", Table()
    safe = bytearray()
    for_real = os.fsync

    def fsync(handle: int) -> None:
        written = path.read_bytes() if path.exists() else b""
        for_real(handle)
        safe[:] = written

    async def before() -> None:
        await asyncio.sleep(0)

    class Watching(Table):
        async def send(self, request: Any, /) -> Any:
            if request.url.path.endswith("/$batch"):
                lost = tmp_path / "lost"
                lost.write_bytes(safe)
                sent = {key.decode() for key in request.body.split(b'"') if len(key) == 36}
                assert sent <= ids_in(lost)
            return await super().send(request)

    monkeypatch.setattr(os, "fsync", fsync)
    table = Watching(before=before)
    assert (await write(path, table, fsync=True)).done == 10
    assert bytes(safe) == path.read_bytes()


async def test_with_fsync_rows_wait_for_the_disk_whoever_wrote_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, for_real = threading.Event(), os.fsync

    def fsync(handle: int) -> None:
        let_go.wait(30)
        for_real(handle)

    async with client(Table()) as crm:
        plan = Creates(crm.odata["City"]._service, name="City", max_bytes=10**6)
        journal = Journal(tmp_path / "journal", plan, plan.identity(), fsync=True)
        journal.open()
        first = journal.prepared(0, rows(), parts=True)
        second = journal.prepared(10, rows(), parts=True)
        monkeypatch.setattr(os, "fsync", fsync)
        one = asyncio.create_task(journal.sending(first.entries))
        await asyncio.sleep(0)  # which writes the lines of both
        assert read_journal(tmp_path / "journal").rows == 20
        two = asyncio.create_task(journal.sending(second.entries))
        done, _ = await asyncio.wait([one, two], timeout=0.05)
        assert not done
        let_go.set()
        await asyncio.gather(one, two)
        journal.close()


async def test_ids_that_a_function_makes_are_those_of_the_first_run(tmp_path: Path) -> None:
    from uuid import uuid4  # noqa: PLC0415

    path, table = tmp_path / "journal", Table()
    await stopped_with(path, table, lambda _: uuid4())
    first = {row["Name"]: key for key, row in table.rows.items()}
    assert (await write(path, table, new_id=lambda _: uuid4())).done == 10
    assert names(table) == EXPECTED
    assert {row["Name"]: key for key, row in table.rows.items()}.items() >= first.items()


async def stopped_with(path: Path, table: Table, new_id: Any) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield from rows()[:6]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await write(path, table, broken(), new_id=new_id)


async def test_a_disk_that_fails_at_the_very_end_is_an_error_and_not_a_wait_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = tmp_path / "journal", Table()
    for_real = os.fsync

    def fsync(handle: int) -> None:
        if b'{"end":' in path.read_bytes():
            raise OSError(5, "I/O error")
        for_real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="I/O error"):
        await write(path, table, fsync=True)
    assert names(table) == EXPECTED
    monkeypatch.undo()
    again = await write(path, table)
    assert (again.done, again.requests) == (10, 0)


async def test_what_was_looked_up_and_not_sent_is_sent_by_the_next_run(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table([Script("drop before")] * 4)
    async with client(table, retry=RetryPolicy(attempts=1)) as crm:
        report = await crm.odata["City"].create_many(rows(8), journal=path, **OPTIONS)
    assert report.counts == {State.UNKNOWN: 8}
    table.scripts = [Script("401"), Script()]
    async with client(table) as crm:
        job = crm.odata["City"].create_many(rows(8), journal=path, **OPTIONS)
        journal: Any = job._journal

        async def late() -> None:  # the second look-up is answered once the job has ended
            is_second = table.under_way == 2
            await eventually(lambda: journal._is_halted if is_second else table.under_way == 2)

        table.before, table.code = late, 1
        with pytest.raises(AuthenticationError):
            await job
    assert job.report.counts == {State.UNKNOWN: 4, State.NOT_RUN: 4}
    assert len(job.unfinished) == 8
    table.before, table.code = None, 0
    assert (await write(path, table, rows(8))).counts == {State.DONE: 8}
    assert len(table.rows) == 8


async def test_what_the_disk_does_not_take_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = tmp_path / "journal", Table()
    path.touch()

    def fsync(_: int) -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="I/O error"):
        await write(path, table, fsync=True)
    assert table.batches == []


async def test_a_job_that_is_cancelled_at_once_lets_go_of_its_journal(tmp_path: Path) -> None:
    path, table = tmp_path / "journal", Table()
    task = asyncio.create_task(write(path, table))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await write(path, table)).done == 10
    assert names(table) == EXPECTED
