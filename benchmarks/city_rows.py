"""Classes for the rows of cities, as a site prints them."""

from datetime import datetime
from uuid import UUID

from attrs import define

from creatio_async import UNSET, Model

__all__ = ["CityModel", "CitySlots"]


class CityModel(Model):
    """As ``creatio-async models`` writes it, without its columns."""

    __entity_set__ = "City"

    Id: UUID = UNSET
    CreatedOn: datetime | None = UNSET
    CreatedById: UUID | None = UNSET
    ModifiedOn: datetime | None = UNSET
    ModifiedById: UUID | None = UNSET
    Name: str | None = UNSET
    Description: str | None = UNSET
    CountryId: UUID | None = UNSET
    RegionId: UUID | None = UNSET
    TimeZoneId: UUID | None = UNSET
    ProcessListeners: int | None = UNSET


@define
class CitySlots:
    """Written by hand, without a base."""

    __entity_set__ = "City"

    Id: UUID
    CreatedOn: datetime | None
    CreatedById: UUID | None
    ModifiedOn: datetime | None
    ModifiedById: UUID | None
    Name: str
    Description: str | None
    CountryId: UUID | None
    RegionId: UUID | None
    TimeZoneId: UUID | None
    ProcessListeners: int
