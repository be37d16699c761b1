"""What the site holds when it is new: the demo contacts, countries, time zones, small lookups."""

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from creatio_async.emulator.processes import STATUSES, process_row, status_id
from creatio_async.emulator.schema import stable_id
from creatio_async.emulator.store import Store
from creatio_async.emulator.tables import SUPERVISOR, creatio_tables
from creatio_async.emulator.writes import Writer

__all__ = ["new_site"]


_CONTACTS: Final = (
    (SUPERVISOR, "Supervisor", ""),
    ("c4ed336c-3e9b-40fe-8b82-5632476472b4", "Andrew Baker (sample)", "+1 617 440 2031"),
    ("5266908c-f3d1-4c5c-9097-f0dfbdf900b1", "Email Supervisor", ""),
)
"""Source: "Run a business process via the web service", which prints the last id a digit short."""

_LOOKUPS: Final = {
    "AccountType": ("Customer", "Partner", "Competitor", "Supplier", "Our company"),
    "ContactType": ("Employee", "Contact person", "Customer", "Supplier"),
    "ActivityStatus": ("Not started", "In progress", "Completed", "Canceled"),
    "ActivityPriority": ("Low", "Medium", "High"),
    "ActivityCategory": ("Call", "Meeting", "To do", "Email"),
    "CaseStatus": ("New", "In progress", "Resolved", "Closed"),
    "CasePriority": ("Low", "Medium", "High"),
    "CaseOrigin": ("Call", "Email", "Self-service portal"),
    "Gender": ("Female", "Male"),
}
_PROCESSES: Final = ("UsrAddNewExternalContact", "UsrGetAllContacts")
_ENGLISH: Final = "6ebc31fa-ee6c-48e9-81bf-8003ac03b019"


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[str, tuple[dict[str, Any], ...]], ...]:
    found: dict[str, list[dict[str, Any]]] = {}
    package = files("creatio_async.emulator")
    for line in package.joinpath("countries.tsv").read_text("utf-8").splitlines():
        code, _, name = line.partition("\t")
        row = {"Id": stable_id("Country", code), "Name": name, "Code": code}
        found.setdefault("Country", []).append(row)
    for code in package.joinpath("timezones.txt").read_text("utf-8").split():
        row = {"Id": stable_id("TimeZone", code), "Name": _zone_name(code), "Code": code}
        found.setdefault("TimeZone", []).append(row)
    for table, names in _LOOKUPS.items():
        found[table] = [{"Id": stable_id(table, name), "Name": name} for name in names]
    found["SysLanguage"] = [{"Id": _ENGLISH, "Name": "English (United States)", "Code": "en-US"}]
    found["SysProcessStatus"] = [
        {"Id": status_id(name), "Name": name, "Value": value} for value, name in enumerate(STATUSES)
    ]
    found["Contact"] = [{"Id": key, "Name": n, "Phone": phone} for key, n, phone in _CONTACTS]
    return tuple((table, tuple(rows)) for table, rows in found.items())


def _zone_name(code: str) -> str:
    area, _, city = code.rpartition("/")
    return f"{city} ({area})".replace("_", " ") if area else code


@lru_cache(maxsize=2)
def new_site(*, nulls: bool) -> bytes:
    """Return the database of a new site; *nulls* as for `Writer`.

    It is made once: a test that makes an emulator of its own gets a copy, in a millisecond or two.
    """
    store = Store(":memory:", creatio_tables())
    with store.transaction():
        _fill(store, Writer(store, nulls))
    image = store.image()
    store.close()
    return image


def _fill(store: Store, writer: Writer) -> None:
    for table, rows in _rows():
        schema = store.schemas[table]
        store.insert_all(schema, (writer.prepared(schema, row) for row in rows))
    schema = store.schemas["SysSchema"]
    listed = [{**process_row(name), "ManagerName": "EntitySchemaManager"} for name in store.schemas]
    listed += [process_row(name) for name in _PROCESSES]
    store.insert_all(schema, (writer.prepared(schema, row) for row in listed))
