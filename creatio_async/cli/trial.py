"""What the demo does with a site: load the cities, read them back, run two processes.

The ids of the rows are made from GeoNames' ids in a namespace of the demo's own: the same city
has the same id in every run, and no row with such an id comes from anywhere else.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from attrs import define, field, frozen

from creatio_async import Creatio, CreatioError, NotFoundError, Progress
from creatio_async.data import City, cities

__all__ = [
    "COLUMNS",
    "Loaded",
    "Lookups",
    "Removed",
    "Tally",
    "add_contact",
    "city_id",
    "load",
    "remove",
]

COLUMNS = ("Id", "Name", "CountryId", "TimeZoneId")

_NAMESPACE = uuid5(NAMESPACE_URL, "creatio_async demo")
_EMPTY = "00000000-0000-0000-0000-000000000000"
"""What Creatio answers for a lookup that is not set."""

_PER_BATCH = 100
_CONTACT = ("John Johanson", "+1 111 111 1111")
_LOOKS = 20


def city_id(city: City) -> UUID:
    """Return the id that the demo gives to *city*."""
    return uuid5(_NAMESPACE, str(city.geoname_id))


@frozen
class Lookups:
    """The ids of the countries by code, and of the time zones by IANA name."""

    countries: Mapping[str, str]
    time_zones: Mapping[str, str]

    @classmethod
    async def read(cls, crm: Creatio) -> "Lookups":
        """Read both tables of the site, whole: a few hundred rows."""
        return cls(*[
            {row["Code"]: row["Id"] async for row in crm.odata[name].select("Id", "Code")}
            for name in ("Country", "TimeZone")
        ])

    def row(self, city: City) -> dict[str, Any]:
        """Return the row of *city*; a country or time zone that the site lacks is left out."""
        row: dict[str, Any] = {"Id": str(city_id(city)), "Name": city.name}
        if country := self.countries.get(city.country_code):
            row["CountryId"] = country
        if time_zone := self.time_zones.get(city.time_zone):
            row["TimeZoneId"] = time_zone
        return row


@define
class Tally:
    """How many rows there are, and a checksum of them that does not depend on their order."""

    count: int = 0
    checksum: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count *row* in: a sum of hashes, so that no row need be kept."""
        values = [row.get(column) for column in COLUMNS]
        text = "\0".join("" if value in {None, _EMPTY} else str(value) for value in values)
        digest = blake2b(text.encode(), digest_size=8).digest()
        self.checksum = (self.checksum + int.from_bytes(digest)) % 2**64
        self.count += 1

    def __add__(self, other: "Tally") -> "Tally":
        """Return the tally of the rows of both."""
        return Tally(self.count + other.count, (self.checksum + other.checksum) % 2**64)


@define
class Loaded:
    """What became of the rows; kept up to date while they are written."""

    handed: int = 0
    """Rows given to the pipeline so far: more than these cannot have been written."""
    sent: Tally = field(factory=Tally)
    written: int = 0
    failed: int = 0
    error: str = ""
    """Why the first of those failed that did."""


async def load(
    crm: Creatio,
    lookups: Lookups,
    *,
    rows: int,
    at_once: int,
    loaded: Loaded,
    step: Callable[[int], None],
    progress: Callable[[Progress], object] | None = None,
) -> None:
    """Write the first *rows* cities, telling *loaded* of each; *step* is called for each too.

    *progress* is that of the job.
    """

    def source() -> Iterator[dict[str, Any]]:
        for city in islice(cities(), rows):
            row = lookups.row(city)
            loaded.handed += 1
            loaded.sent.add(row)
            yield row

    job = crm.odata["City"].create_many(source(), at_once=at_once, progress=progress)
    async with job as outcomes:
        async for outcome in outcomes:
            if outcome.ok:
                loaded.written += 1
            else:
                loaded.failed += 1
                loaded.error = loaded.error or f"row {outcome.index}: {outcome.error}"
            step(1)


async def add_contact(crm: Creatio, *, look_every: float = 0.5) -> str | None:
    """Add a contact with one process, find it with another.

    A process that is started is not waited for: the contact is looked for 20 times, every
    *look_every* seconds.

    Returns:
        The contact's id; None where it did not come, or came with another name or phone.
    """
    name, phone = _CONTACT
    known = {contact["Id"] for contact in await _contacts(crm)}
    await crm.processes.start(
        "UsrAddNewExternalContact", {"ContactName": name, "ContactPhone": phone}
    )
    for _ in range(_LOOKS):
        for contact in await _contacts(crm):
            if contact["Id"] not in known and (contact["Name"], contact["Phone"]) == _CONTACT:
                return str(contact["Id"])
        await asyncio.sleep(look_every)
    return None


async def _contacts(crm: Creatio) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] | None
    found = await crm.processes.execute("UsrGetAllContacts", result="ContactList")
    return found or []


@define
class Removed:
    """What became of the rows that were to go."""

    gone: int = 0
    left: int = 0
    error: str = ""
    """Why the first of those is left that are."""


async def remove(
    crm: Creatio, *, rows: int, contact: str | None, step: Callable[[int], None]
) -> Removed:
    """Delete the first *rows* cities, as far as they are there, and *contact*.

    *step* is called with the number of rows that a batch dealt with.
    """
    removed = Removed()
    if contact is not None:
        await _delete(crm, [("Contact", contact)], removed)
    source = islice(cities(), rows)
    while chunk := [("City", str(city_id(city))) for city in islice(source, _PER_BATCH)]:
        await _delete(crm, chunk, removed)
        step(len(chunk))
    return removed


async def _delete(crm: Creatio, chunk: list[tuple[str, str]], removed: Removed) -> None:
    batch = crm.odata.batch(continue_on_error=True)
    deletes = [batch.delete(entity_set, row_id) for entity_set, row_id in chunk]
    await batch.send()
    for deleted in deletes:
        try:
            deleted.result()
        except NotFoundError:
            continue  # it was never written
        except CreatioError as error:
            removed.left += 1
            removed.error = removed.error or str(error)
        else:
            removed.gone += 1
