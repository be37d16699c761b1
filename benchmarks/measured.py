"""One contestant in a process of its own: one pass to warm up, then the passes that count.

Usage: python -m benchmarks.measured CONTESTANT SITE --rows N --passes N [--page-size N] [--core N]

Prints a `Measure` as JSON. Interpreter start, imports, making the rows and the login are outside.
"""

import argparse
import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from http.client import HTTPConnection
from itertools import islice
from random import Random
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from yarl import URL

from benchmarks.by_hand import call_one, create_all, ids_of_uuid4, logged_in, read_all
from benchmarks.canned import city_row, contact_row, printed_row
from benchmarks.city_rows import CityModel, CitySlots
from benchmarks.pinning import pin
from creatio_async import Creatio, Password, State
from creatio_async.data import cities
from creatio_async.protocol.ids import new_ids

__all__ = ["CONTESTANTS", "Measure", "Task"]

_AS = Password("Supervisor", "Supervisor")


class Task(NamedTuple):
    """What a contestant is to do in one pass."""

    site: str
    rows: int
    page_size: int | None


class Measure(NamedTuple):
    """What the passes of one contestant took."""

    records: int
    cpu: float
    """Seconds of this process, in user and system mode."""
    wall: float
    server_cpu: float
    """Seconds of the server, in the same time."""
    requests: int
    bytes_in: int
    """Bytes of bodies that the server got."""
    bytes_out: int


Work = Callable[[], Awaitable[int]]
"""One pass; it returns how many records it dealt with."""

Contestant = Callable[[Task], AbstractAsyncContextManager[Work]]


def _city_rows(count: int) -> list[dict[str, str]]:
    return [city_row(city) for city in islice(cities(), count)]


def _contact_rows(count: int) -> list[dict[str, Any]]:
    return [contact_row(city) for city in islice(cities(), count)]


Rows = Callable[[int], Sequence[Mapping[str, Any]]]


def _create_by_hand(
    ids: Callable[[int], list[str]], made: Rows = _city_rows, entity_set: str = "City"
) -> Contestant:
    @asynccontextmanager
    async def contestant(task: Task) -> AsyncGenerator[Work]:
        rows = made(task.rows)
        async with logged_in(task.site) as session:
            yield lambda: create_all(session, task.site, rows, ids, entity_set)

    return contestant


def _create_for_report(
    made: Rows = _city_rows, entity_set: str = "City", **options: Any
) -> Contestant:
    @asynccontextmanager
    async def contestant(task: Task) -> AsyncGenerator[Work]:
        rows = made(task.rows)
        async with Creatio(task.site, _AS) as crm:

            async def work() -> int:
                report = await crm.odata[entity_set].create_many(rows, **options)
                report.raise_for_failures()
                return report.done

            yield work

    return contestant


def _unchanged_rows(count: int, *, is_shuffled: bool) -> list[dict[str, Any]]:
    columns = ("Id", "Name", "CountryId", "TimeZoneId")
    printed = [printed_row(at, city) for at, city in enumerate(islice(cities(), count), 1)]
    rows = [{name: row[name] for name in columns} for row in printed]
    if is_shuffled:
        Random(1).shuffle(rows)  # noqa: S311 - no secret
    return cast("list[dict[str, Any]]", orjson.loads(orjson.dumps(rows)))


def _sync_unchanged(*, is_shuffled: bool = False, takes_outcomes: bool = False) -> Contestant:
    @asynccontextmanager
    async def contestant(task: Task) -> AsyncGenerator[Work]:
        rows = _unchanged_rows(task.rows, is_shuffled=is_shuffled)
        async with Creatio(task.site, _AS) as crm:

            async def work() -> int:
                job = crm.odata["City"].sync(rows, key="Id")
                if takes_outcomes:
                    async with job as outcomes:
                        async for outcome in outcomes:
                            assert outcome.ok
                else:
                    await job
                return job.report.counts[State.UNCHANGED]

            yield work

    return contestant


@asynccontextmanager
async def _create_for_outcomes(task: Task) -> AsyncGenerator[Work]:
    rows = _city_rows(task.rows)
    async with Creatio(task.site, _AS) as crm:

        async def work() -> int:
            done = 0
            async with crm.odata["City"].create_many(rows, at_once=4) as outcomes:
                async for outcome in outcomes:
                    assert outcome.ok
                    done += 1
            return done

        yield work


@asynccontextmanager
async def _create_in_batches(task: Task) -> AsyncGenerator[Work]:
    rows = _city_rows(task.rows)
    async with Creatio(task.site, _AS) as crm:

        async def work() -> int:
            done = 0
            for start in range(0, len(rows), 100):
                batch = crm.odata.batch()
                with batch.atomic() as group:
                    sent = [group.create("City", row) for row in rows[start : start + 100]]
                await batch.send()
                done += len([each.result() for each in sent])
            return done

        yield work


@asynccontextmanager
async def _create_in_a_unit_of_work(task: Task) -> AsyncGenerator[Work]:
    rows = _city_rows(task.rows)
    async with Creatio(task.site, _AS) as crm:

        async def work() -> int:
            unit = crm.odata.unit_of_work()
            for row in rows:
                unit.add("City", row)
            return len(await unit.save(atomic=False))

        yield work


@asynccontextmanager
async def _read_by_hand(task: Task) -> AsyncGenerator[Work]:
    async with logged_in(task.site) as session:
        yield lambda: read_all(session, task.site, task.page_size or 1_000)


@asynccontextmanager
async def _read_pages(task: Task) -> AsyncGenerator[Work]:
    async with Creatio(task.site, _AS) as crm:

        async def work() -> int:
            count = 0
            async for page in crm.odata["City"].pages(task.page_size, count=False):
                count += len(page.rows)
            return count

        yield work


def _read_as(model: type[object]) -> Contestant:
    @asynccontextmanager
    async def contestant(task: Task) -> AsyncGenerator[Work]:
        async with Creatio(task.site, _AS) as crm:

            async def work() -> int:
                count = 0
                async for page in crm.odata[model].pages(task.page_size, count=False):
                    assert type(page.rows[0]) is model
                    count += len(page.rows)
                return count

            yield work

    return contestant


@asynccontextmanager
async def _read_objects_by_hand(task: Task) -> AsyncGenerator[Work]:
    """Pages of dicts of the library's, and objects of them as one would write it."""
    async with Creatio(task.site, _AS) as crm:

        async def work() -> int:
            count = 0
            async for page in crm.odata["City"].pages(task.page_size, count=False):
                count += len([_object_by_hand(row) for row in page.rows])
            return count

        yield work


def _object_by_hand(row: Mapping[str, Any]) -> CitySlots:
    return CitySlots(
        UUID(row["Id"]),
        datetime.fromisoformat(row["CreatedOn"]),
        UUID(row["CreatedById"]),
        datetime.fromisoformat(row["ModifiedOn"]),
        UUID(row["ModifiedById"]),
        row["Name"],
        row["Description"],
        UUID(row["CountryId"]),
        UUID(row["RegionId"]),
        UUID(row["TimeZoneId"]),
        row["ProcessListeners"],
    )


@asynccontextmanager
async def _read_rows(task: Task) -> AsyncGenerator[Work]:
    async with Creatio(task.site, _AS) as crm:

        async def work() -> int:
            count = 0
            async for _ in crm.odata["City"]:
                count += 1
            return count

        yield work


_ONE = "odata/City?$top=1"


@asynccontextmanager
async def _call_by_hand(task: Task) -> AsyncGenerator[Work]:
    url = URL(f"{task.site}/0/{_ONE}", encoded=True)
    async with logged_in(task.site) as session:

        async def work() -> int:
            return sum([await call_one(session, url) for _ in range(task.rows)])

        yield work


@asynccontextmanager
async def _call_request(task: Task) -> AsyncGenerator[Work]:
    async with Creatio(task.site, _AS) as crm:

        async def call() -> int:
            return len((await crm.request("GET", _ONE)).json()["value"])

        async def work() -> int:
            return sum([await call() for _ in range(task.rows)])

        yield work


@asynccontextmanager
async def _call_query(task: Task) -> AsyncGenerator[Work]:
    async with Creatio(task.site, _AS) as crm:
        query = crm.odata["City"].top(1)

        async def work() -> int:
            return sum([len(await query) for _ in range(task.rows)])

        yield work


CONTESTANTS: Mapping[str, Contestant] = {
    "call-by-hand": _call_by_hand,
    "call-query": _call_query,
    "call-request": _call_request,
    "create-by-hand": _create_by_hand(ids_of_uuid4),
    "create-by-hand-fast-ids": _create_by_hand(new_ids),
    "create-contacts-by-hand": _create_by_hand(ids_of_uuid4, _contact_rows, "Contact"),
    "create-contacts-for-report": _create_for_report(_contact_rows, "Contact", at_once=4),
    "create-for-report": _create_for_report(at_once=4),
    "create-adaptive": _create_for_report(),
    "create-for-outcomes": _create_for_outcomes,
    "create-in-a-unit-of-work": _create_in_a_unit_of_work,
    "create-in-batches": _create_in_batches,
    "read-by-hand": _read_by_hand,
    "read-models": _read_as(CityModel),
    "read-objects-by-hand": _read_objects_by_hand,
    "read-pages": _read_pages,
    "read-rows": _read_rows,
    "read-slots": _read_as(CitySlots),
    "sync-outcomes": _sync_unchanged(takes_outcomes=True),
    "sync-shuffled": _sync_unchanged(is_shuffled=True),
    "sync-unchanged": _sync_unchanged(),
}


def _stats(site: str) -> dict[str, Any]:
    address = urlsplit(site)
    connection = HTTPConnection(address.hostname or "", address.port)
    try:
        connection.request("GET", "/stats")
        stats: dict[str, Any] = orjson.loads(connection.getresponse().read())
    finally:
        connection.close()
    return stats


async def _measure(contestant: Contestant, task: Task, passes: int) -> Measure:
    async with contestant(task) as work:
        await work()
        gc.collect()
        before = _stats(task.site)
        wall, cpu = time.perf_counter(), time.process_time()
        records = sum([await work() for _ in range(passes)])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        after = _stats(task.site)
    return Measure(
        records=records,
        cpu=cpu,
        wall=wall,
        server_cpu=after["cpu"] - before["cpu"],
        requests=after["requests"] - before["requests"],
        bytes_in=after["bytes_in"] - before["bytes_in"],
        bytes_out=after["bytes_out"] - before["bytes_out"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("contestant", choices=sorted(CONTESTANTS))
    parser.add_argument("site")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--passes", type=int, required=True)
    parser.add_argument("--page-size", type=int, default=None)
    parser.add_argument("--core", type=int, default=None)
    given = parser.parse_args()
    pin(given.core)
    task = Task(given.site, given.rows, given.page_size)
    measure = asyncio.run(_measure(CONTESTANTS[given.contestant], task, given.passes))
    print(orjson.dumps(measure._asdict()).decode())


if __name__ == "__main__":
    main()
