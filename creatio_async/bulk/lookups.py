"""Columns that are given by a name, and sent as the id of the row that has it."""

from attrs import field, frozen

from creatio_async.protocol.names import check_name

__all__ = ["Lookup", "lookup"]


def _set(given: str) -> str:
    return check_name(given, "entity set")


def _column(given: str) -> str:
    return check_name(given, "column")


def _optional(given: str | None) -> str | None:
    return None if given is None else check_name(given, "column")


@frozen
class Lookup:
    """How the name of a row becomes its id."""

    entity_set: str = field(converter=_set)
    by: str = field(converter=_column)
    under: str | None = field(converter=_optional)
    create: bool


def lookup(
    entity_set: str, *, by: str = "Name", under: str | None = None, create: bool = False
) -> Lookup:
    """Return what finds the value of a lookup column by the name of the row that it refers to.

    ::

        lookups = {"CountryId": lookup("Country", by="Name")}
        await cities.create_many([{"Name": "Burbank", "CountryId": "USA"}], lookups=lookups)

    The names of many rows are looked up at once, and each only once in a job. Whether names that
    differ in case only are one is up to the server; where they are, the row with the very name is
    preferred. A value that is a guid already is left as it is, and so is an empty one. A row whose
    name nobody has is `State.FAILED`, one whose name several have `State.CONFLICT`.

    Args:
        entity_set: The schema of the rows that are referred to.
        by: Their column that has the name.
        under: Where the rows that are written have the name, if not in the lookup column itself.
        create: Add a row with the name where there is none. It is added once, however many rows
            refer to it, also in other case; its other columns are left to the server.

    Raises:
        ValueError: A name is no identifier.
    """
    return Lookup(entity_set, by, under, create)
