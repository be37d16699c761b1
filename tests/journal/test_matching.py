"""Upserts and synchronizations that are killed at any moment, and run again with their journal."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from attrs import define, field

from creatio_async import ALL, Creatio, Job, Outcome, Report, lookup, read_journal
from creatio_async.emulator import DropAfter, Emulator, Refuse
from creatio_async.messages import Request, Response
from tests.api.canned import client
from tests.journal.moments import full_after, shown

COUNT = 18
OPTIONS: dict[str, Any] = {"batch_size": 4, "at_once": 2}

Make = Callable[[Creatio, Path], Job]


class Moment(NamedTuple):
    """What a process that is killed leaves."""

    journal: bytes
    rows: list[dict[str, Any]]


@define(eq=False)
class Camera:
    """Passes requests on to a site; keeps what there is before and after each ``$batch``."""

    site: Emulator
    journal: Path
    moments: list[Moment] = field(factory=list[Moment])
    requests: int = 0

    async def send(self, request: Request, /) -> Response:
        """Answer *request*."""
        is_data = "/odata/" in request.url.path
        self.requests += is_data
        if is_data:
            self._take()
        try:
            return await self.site.send(request)
        finally:
            if is_data:
                self._take()

    def _take(self) -> None:
        self.moments.append(Moment(self.journal.read_bytes(), self.site.rows("City")))


class Ran(NamedTuple):
    """A job that ran."""

    outcomes: list[Outcome]
    report: Report
    rows: dict[str, str]
    camera: Camera


def key(number: int) -> str:
    return str(UUID(int=number + 1))


def before() -> list[dict[str, Any]]:
    """Return a third of the rows as they are to be, a third otherwise, and some more."""
    same = [{"Id": key(n), "Name": f"City {n}", "Description": "new"} for n in range(0, COUNT, 3)]
    other = [{"Id": key(n), "Name": f"City {n}", "Description": "old"} for n in range(1, COUNT, 3)]
    strange = [{"Id": key(100 + n), "Name": f"Gone {n}"} for n in range(6)]
    return [*same, *other, *strange]


def rows() -> list[dict[str, Any]]:
    wanted: list[dict[str, Any]] = [
        {"Name": f"City {number}", "Description": "new"} for number in range(COUNT)
    ]
    return [*wanted, {"Name": "City 3", "Description": "twice"}, {"Description": "no key"}]


def upsert(crm: Creatio, journal: Path) -> Job:
    return crm.odata["City"].upsert_many(rows(), key="Name", journal=journal, **OPTIONS)


def sync(crm: Creatio, journal: Path) -> Job:
    return crm.odata["City"].sync(rows(), key="Name", journal=journal, **OPTIONS)


def sync_all(crm: Creatio, journal: Path) -> Job:
    return crm.odata["City"].sync(
        rows()[:-1], key="Name", within=ALL, delete_missing=True, journal=journal, **OPTIONS
    )


async def ran(
    make: Make, journal: Path, there: list[dict[str, Any]], *, troubles: bool = False
) -> Ran:
    with ExitStack() as stack:
        site = stack.enter_context(Emulator())
        site.insert("City", there)
        if troubles:
            site.troubles.add(DropAfter(), path="$batch", times=2, skip=4)
            site.troubles.add(Refuse(400), inner=True, method="PATCH", skip=2)
            site.troubles.add(Refuse(400), inner=True, method="DELETE", skip=2)
            site.troubles.add(Refuse(429), inner=True, method="POST", skip=2, times=2)
        camera = Camera(site, journal)
        async with client(camera) as crm:
            job = make(crm, journal)
            async with job as outcomes:
                told: list[Outcome] = [each async for each in outcomes]
        assert job.unfinished == []
        told.sort(key=lambda each: (each.index < 0, each.index, each.id))
        found = {row["Name"]: row["Description"] for row in site.rows("City")}
        assert len(found) == len(site.rows("City")), "a row was written twice"
        return Ran(told, job.report, found, camera)


def in_order(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda each: (each.index < 0, each.index, each.id))


@pytest.mark.parametrize("troubles", [False, True], ids=["smooth", "troubled"])
@pytest.mark.parametrize("make", [upsert, sync, sync_all])
async def test_a_run_that_is_killed_at_any_moment_goes_on_where_it_stopped(
    make: Make, tmp_path: Path, *, troubles: bool
) -> None:
    journal = tmp_path / "journal"
    whole = await ran(make, journal, before(), troubles=troubles)
    assert shown(in_order(list(read_journal(journal)))) == shown(whole.outcomes)
    for moment in whole.camera.moments:
        journal.write_bytes(moment.journal)
        resumed = await ran(make, journal, moment.rows)
        assert shown(in_order(list(read_journal(journal)))) == shown(resumed.outcomes)
        assert read_journal(journal).finished
        if not troubles:
            assert resumed.rows == whole.rows
            assert resumed.report.written == whole.report.written
            assert resumed.report.counts == whole.report.counts
        for each in resumed.outcomes:
            if each.index >= 0 and each.ok:
                assert resumed.rows[each.row["Name"]] == "new"
            if each.index < 0:
                assert each.ok != any(name.startswith("Gone") for name in resumed.rows) or troubles


@pytest.mark.parametrize("make", [upsert, sync, sync_all])
async def test_a_job_that_has_ended_sends_nothing_and_tells_the_same_again(
    make: Make, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    whole = await ran(make, journal, before(), troubles=True)
    again = await ran(make, journal, [])
    assert again.camera.requests == 0
    assert shown(again.outcomes) == shown(whole.outcomes)
    assert (again.report.counts, again.report.written) == (
        whole.report.counts,
        whole.report.written,
    )


@pytest.mark.parametrize("make", [upsert, sync_all])
async def test_a_full_disk_ends_the_job_and_the_next_run_makes_up_for_it(
    make: Make, tmp_path: Path
) -> None:
    whole = await ran(make, tmp_path / "whole", before())
    lines, journal = 0, tmp_path / "journal"
    is_over = False
    while not is_over:
        lines += 1
        journal.unlink(missing_ok=True)
        with Emulator() as site:
            site.insert("City", before())
            with pytest.MonkeyPatch.context() as monkeypatch:
                full_after(lines, monkeypatch)
                async with client(site) as crm:
                    job = make(crm, journal)
                    try:
                        await job
                    except OSError as error:
                        assert "No space" in str(error)  # noqa: PT017
                    else:
                        is_over = True
            there = site.rows("City")
        told = [each.index for each in job.unfinished if each.index >= 0]
        assert len(told) == len(set(told))
        resumed = await ran(make, journal, there)
        assert resumed.rows == whole.rows
        assert read_journal(journal).finished
    assert lines > 5


NAMED = {"CountryId": lookup("Country", by="Name")}


@pytest.mark.parametrize("known", ["none", "some", "all"])
async def test_rows_that_are_not_sent_because_of_a_name_are_in_the_journal(
    known: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    names = {"none": ["Nowhere"], "some": ["Nowhere", "Elbonia"], "all": ["Elbonia"]}[known]
    given = [
        {"Name": f"City {number}", "CountryId": names[number // 5 % len(names)]}
        for number in range(COUNT)
    ]

    def make(crm: Creatio, path: Path) -> Job:
        return crm.odata["City"].create_many(given, lookups=NAMED, journal=path, **OPTIONS)

    async def with_country(there: list[dict[str, Any]]) -> Ran:
        with Emulator() as site:
            site.insert("Country", [{"Id": key(500), "Name": "Elbonia"}])
            site.insert("City", there)
            camera = Camera(site, journal)
            async with client(camera) as crm:
                job = make(crm, journal)
                async with job as outcomes:
                    told = in_order([each async for each in outcomes])
            found = {row["Name"]: row["Description"] for row in site.rows("City")}
            assert len(found) == len(site.rows("City"))
        return Ran(told, job.report, found, camera)

    whole = await with_country([])
    assert shown(list(read_journal(journal))) == shown(whole.outcomes)
    assert read_journal(journal).finished
    assert whole.rows.keys() == {each.row["Name"] for each in whole.outcomes if each.ok}
    for moment in whole.camera.moments:
        journal.write_bytes(moment.journal)
        resumed = await with_country(moment.rows)
        assert resumed.rows == whole.rows
        assert resumed.report.counts == whole.report.counts
        assert read_journal(journal).finished
