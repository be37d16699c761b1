"""The tables of the emulated site, in the order and with the defaults that Creatio prints.

Source: the answers printed in academy.creatio.com, "Stream data type request examples" (Contact,
SysImage) and "Batch request examples" (City). Tables that are printed nowhere are inferred.
"""

from functools import lru_cache

from creatio_async.emulator.schema import Column, Kind, Schema, linked

__all__ = ["SUPERVISOR", "creatio_tables"]

SUPERVISOR = "410006e1-ca4e-4502-a9ec-e54d922d2c00"
"""The contact of the user Supervisor. Source: "Stream data type request examples"."""

_ENGLISH = "6ebc31fa-ee6c-48e9-81bf-8003ac03b019"


def _text(*names: str) -> list[Column]:
    return [Column(name, Kind.TEXT) for name in names]


def _flags(*names: str) -> list[Column]:
    return [Column(name, Kind.FLAG) for name in names]


def _whole(*names: str) -> list[Column]:
    return [Column(name, Kind.WHOLE) for name in names]


def _dates(*names: str) -> list[Column]:
    return [Column(name, Kind.DATE) for name in names]


def _money(*names: str) -> list[Column]:
    return [Column(name, Kind.DECIMAL) for name in names]


def _stream(name: str) -> list[Column]:
    return [Column(name, Kind.STREAM)]


def _lookups(*names: str, **targets: str) -> list[Column]:
    """Lookups; each points to the table of its own name, or to the one given for it."""
    named = [(name, name) for name in names] + list(targets.items())
    return [Column(f"{name}Id", Kind.GUID, target) for name, target in named]


def _audit() -> list[Column]:
    return [
        *_dates("CreatedOn"),
        *_lookups(CreatedBy="Contact"),
        *_dates("ModifiedOn"),
        *_lookups(ModifiedBy="Contact"),
    ]


_ID = Column("Id", Kind.GUID)
_LISTENERS = Column("ProcessListeners", Kind.WHOLE)


def _table(name: str, *columns: list[Column]) -> Schema:
    own = [column for group in columns for column in group]
    return Schema(name, (_ID, *_audit(), *own, _LISTENERS))


_CONTACT = Schema(
    "Contact",
    (
        _ID,
        *_text("Name"),
        Column("OwnerId", Kind.GUID, "Contact", SUPERVISOR),
        *_audit(),
        _LISTENERS,
        *_text("Dear"),
        *_lookups("SalutationType", "Gender", "Account", "DecisionRole", Type="ContactType"),
        *_lookups("Job"),
        *_text("JobTitle"),
        *_lookups("Department"),
        *_dates("BirthDate"),
        *_text("Phone", "MobilePhone", "HomePhone", "Skype", "Email"),
        *_lookups("AddressType"),
        *_text("Address"),
        *_lookups("City", "Region"),
        *_text("Zip"),
        *_lookups("Country"),
        *_flags("DoNotUseEmail", "DoNotUseCall", "DoNotUseFax", "DoNotUseSms", "DoNotUseMail"),
        *_text("Notes", "Facebook", "LinkedIn", "Twitter", "FacebookId", "LinkedInId", "TwitterId"),
        *_stream("ContactPhoto"),
        *_lookups(TwitterAFDA="", FacebookAFDA="", LinkedInAFDA="", Photo="SysImage"),
        *_text("GPSN", "GPSE", "Surname", "GivenName", "MiddleName"),
        Column("Confirmed", Kind.FLAG, default=1),
        *_flags("IsNonActualEmail"),
        *_whole("Completeness"),
        Column("LanguageId", Kind.GUID, "SysLanguage", _ENGLISH),
        *_whole("Age"),
    ),
)

_SYS_IMAGE = Schema(
    "SysImage",
    (
        _ID,
        *_audit(),
        _LISTENERS,
        *_dates("UploadedOn"),
        *_text("Name"),
        *_stream("Data"),
        *_text("MimeType"),
        *_flags("HasRef"),
        *_stream("PreviewData"),
    ),
)

_CITY = Schema(
    "City",
    (
        _ID,
        *_audit(),
        *_text("Name", "Description"),
        *_lookups("Country", "Region", "TimeZone"),
        _LISTENERS,
    ),
)

_SIMPLE = (
    "AccountType",
    "ActivityCategory",
    "ActivityPriority",
    "ActivityStatus",
    "AddressType",
    "CaseOrigin",
    "CasePriority",
    "CaseStatus",
    "ContactType",
    "DecisionRole",
    "Department",
    "Gender",
    "Job",
    "SalutationType",
)
"""Lookups that hold a name and nothing else."""


@lru_cache(maxsize=1)
def creatio_tables() -> dict[str, Schema]:
    """Return every table by name, linked with the others."""
    return linked([
        _CONTACT,
        _SYS_IMAGE,
        _CITY,
        _table(
            "Account",
            _text("Name", "AlternativeName", "Code", "Phone", "AdditionalPhone", "Fax", "Web"),
            _text("Address", "Zip", "Notes"),
            _lookups("City", "Region", "Country", Owner="Contact", PrimaryContact="Contact"),
            _lookups(Parent="Account", Type="AccountType"),
            _whole("Completeness"),
        ),
        _table(
            "Activity",
            _text("Title", "Notes", "DetailedResult"),
            _dates("StartDate", "DueDate"),
            _lookups("Account", "Contact", Owner="Contact", Author="Contact"),
            _lookups(Status="ActivityStatus", Priority="ActivityPriority"),
            _lookups(ActivityCategory="ActivityCategory"),
            _whole("DurationInMinutes"),
            _flags("ShowInScheduler"),
        ),
        _table(
            "Case",
            _text("Number", "Subject", "Symptoms", "Solution", "Notes"),
            _dates("RegisteredOn", "ResponseDate", "SolutionDate"),
            _lookups("Account", "Contact", Owner="Contact", Status="CaseStatus"),
            _lookups(Priority="CasePriority", Origin="CaseOrigin"),
        ),
        _table(
            "Order",
            _text("Number", "Notes"),
            _dates("Date"),
            _lookups("Account", "Contact", Owner="Contact"),
            _money("Amount", "PaymentAmount"),
        ),
        _table("Country", _text("Name", "Description", "Code"), _lookups("TimeZone")),
        _table("Region", _text("Name", "Description"), _lookups("Country", "TimeZone")),
        _table("TimeZone", _text("Name", "Description", "Code")),
        _table(
            "ContactFile",
            _text("Name", "Notes"),
            _stream("Data"),
            _whole("Size", "Version"),
            _lookups("Contact"),
        ),
        _table("SysLanguage", _text("Name", "Description", "Code")),
        _table("SysSchema", [Column("UId", Kind.GUID)], _text("Name", "Caption", "ManagerName")),
        _table("SysProcessStatus", _text("Name", "Description"), _whole("Value")),
        _table(
            "SysProcessLog",
            _text("Name", "ErrorDescription"),
            _dates("StartDate", "CompleteDate"),
            _lookups(Owner="Contact", Status="SysProcessStatus"),
        ),
        *(_table(name, _text("Name", "Description")) for name in _SIMPLE),
    ])
