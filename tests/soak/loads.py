"""The loads that are killed: what is there before, what is done, and what must be there at the end.

Usage: python -m tests.soak.loads SITE JOURNAL LETTERS KIND ROWS

Runs one load with its journal, prints its report as JSON, and exits with 0 if it came to its end.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from creatio_async import ALL, Create, Creatio, Delete, Job, Limits, RetryPolicy, Update
from creatio_async.data import cities
from tests.api.canned import AUTH

__all__ = ["LOADS", "POLICY", "Load", "city_names", "key"]

POLICY = RetryPolicy(attempts=8, wait_initial=0.002, wait_max=0.05, wait_jitter=0.005)

Row = dict[str, Any]


@cache
def _names() -> tuple[str, ...]:
    return tuple(city.name for city in cities())


def city_names(rows: int) -> Iterator[str]:
    """Give names of cities, each of them once."""
    return (f"{name} {number}" for name, number in islice(zip(cycle(_names()), count()), rows))


def key(number: int) -> str:
    """Return the id of row *number*, where the load gives its own."""
    return str(UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def new(rows: int) -> Iterator[Row]:
    """Give the rows as they are wanted, without ids."""
    return ({"Name": name, "Description": "new"} for name in city_names(rows))


def old(rows: int) -> Iterator[Row]:
    """Give rows with ids, as they are before they are changed."""
    names = enumerate(city_names(rows))
    return ({"Id": key(at), "Name": name, "Description": "old"} for at, name in names)


def _nothing(_: int) -> Iterator[Row]:
    return iter(())


def _own(rows: int) -> Iterator[Row]:
    return ({"Id": key(at), **row} for at, row in enumerate(new(rows)))


def _half(rows: int) -> Iterator[Row]:
    """Give every other row as it was, and as many that are not wanted."""
    for at, row in enumerate(old(rows)):
        if at % 2:
            yield row if at % 4 == 1 else {**row, "Name": f"not wanted {at}"}


def _keys(rows: int) -> Iterator[str]:
    return (key(at) for at in range(0, rows, 2))


def _operations(rows: int) -> Iterator[Create | Update | Delete]:
    for at, row in enumerate(new(rows)):
        if at % 3 == 0:
            yield Update("City", key(at), {"Description": "new"})
        elif at % 3 == 1:
            yield Delete("City", key(at))
            yield Create("City", {"Id": key(at), **row})
        else:
            yield Delete("City", key(at))
            yield Create("City", row)


class Load(NamedTuple):
    """One kind of load."""

    before: Callable[[int], Iterable[Row]]
    source: Callable[[int], Iterable[Any]]
    job: Callable[[Creatio, Iterable[Any], Any], Job]
    after: Callable[[int], Iterable[Row]]


LOADS: Mapping[str, Load] = {
    "create": Load(
        _nothing, new, lambda crm, rows, how: crm.odata["City"].create_many(rows, **how), new
    ),
    "create-own-ids": Load(
        _nothing, _own, lambda crm, rows, how: crm.odata["City"].create_many(rows, **how), new
    ),
    "update": Load(
        old,
        lambda rows: ({"Id": key(at), "Description": "new"} for at in range(rows)),
        lambda crm, rows, how: crm.odata["City"].update_many(rows, **how),
        new,
    ),
    "delete": Load(
        old,
        _keys,
        lambda crm, rows, how: crm.odata["City"].delete_many(rows, **how),
        lambda rows: (row for at, row in enumerate(old(rows)) if at % 2),
    ),
    "write": Load(old, _operations, lambda crm, rows, how: crm.odata.write_many(rows, **how), new),
    "upsert": Load(
        lambda rows: (row for at, row in enumerate(old(rows)) if at % 2),
        new,
        lambda crm, rows, how: crm.odata["City"].upsert_many(rows, key="Name", **how),
        new,
    ),
    "sync": Load(
        _half,
        new,
        lambda crm, rows, how: crm.odata["City"].sync(
            rows, key="Name", within=ALL, delete_missing=True, **how
        ),
        new,
    ),
}


async def _run(site: str, journal: Path, letters: Path, kind: str, rows: int) -> None:
    load = LOADS[kind]
    options: Any = {"retry": POLICY, "limits": Limits(at_once=16)}
    how: dict[str, Any] = {"journal": journal, "dead_letters": letters, "at_once": 6}
    async with Creatio(site, AUTH, **options) as crm:
        report = await load.job(crm, load.source(rows), how)
    counts = {state.value: number for state, number in report.counts.items()}
    failures = [
        f"row {each.index}: {each.state.value}: {each.error}" for each in report.failures[::50]
    ]
    print(orjson.dumps({"counts": counts, "failures": failures}).decode())  # noqa: T201


if __name__ == "__main__":
    asyncio.run(
        _run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    )
