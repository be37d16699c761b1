# Made by `creatio-async models` from the $metadata of the emulator.
# Make it again rather than change it: what is written here is replaced.
# ruff: noqa
"""Classes for the rows of a Creatio site."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from creatio_async.models import UNSET, ColumnOf, Columns, ManyOf, ModelWith


class CityColumns(Columns):
    """The columns of `City`."""

    Id: ColumnOf[UUID | str]
    CreatedOn: ColumnOf[datetime | date]
    CreatedById: ColumnOf[UUID | str]
    CreatedBy: ContactColumns
    ModifiedOn: ColumnOf[datetime | date]
    ModifiedById: ColumnOf[UUID | str]
    ModifiedBy: ContactColumns
    Name: ColumnOf[str]
    Description: ColumnOf[str]
    CountryId: ColumnOf[UUID | str]
    Country: CountryColumns
    RegionId: ColumnOf[UUID | str]
    TimeZoneId: ColumnOf[UUID | str]
    ProcessListeners: ColumnOf[int]
    ContactCollectionByCity: ManyOf[ContactColumns]


class City(ModelWith[CityColumns]):
    """A row of the entity set `City`."""

    __entity_set__ = "City"

    Id: UUID = UNSET
    CreatedOn: datetime | None = UNSET
    CreatedById: UUID | None = UNSET
    CreatedBy: Contact | None = UNSET
    ModifiedOn: datetime | None = UNSET
    ModifiedById: UUID | None = UNSET
    ModifiedBy: Contact | None = UNSET
    Name: str | None = UNSET
    Description: str | None = UNSET
    CountryId: UUID | None = UNSET
    Country: _Country | None = UNSET
    RegionId: UUID | None = UNSET
    TimeZoneId: UUID | None = UNSET
    ProcessListeners: int | None = UNSET
    ContactCollectionByCity: list[Contact] = UNSET


class ContactColumns(Columns):
    """The columns of `Contact`."""

    Id: ColumnOf[UUID | str]
    Name: ColumnOf[str]
    OwnerId: ColumnOf[UUID | str]
    Owner: ContactColumns
    CreatedOn: ColumnOf[datetime | date]
    CreatedById: ColumnOf[UUID | str]
    CreatedBy: ContactColumns
    ModifiedOn: ColumnOf[datetime | date]
    ModifiedById: ColumnOf[UUID | str]
    ModifiedBy: ContactColumns
    ProcessListeners: ColumnOf[int]
    Dear: ColumnOf[str]
    SalutationTypeId: ColumnOf[UUID | str]
    GenderId: ColumnOf[UUID | str]
    AccountId: ColumnOf[UUID | str]
    DecisionRoleId: ColumnOf[UUID | str]
    TypeId: ColumnOf[UUID | str]
    JobId: ColumnOf[UUID | str]
    JobTitle: ColumnOf[str]
    DepartmentId: ColumnOf[UUID | str]
    BirthDate: ColumnOf[datetime | date]
    Phone: ColumnOf[str]
    MobilePhone: ColumnOf[str]
    HomePhone: ColumnOf[str]
    Skype: ColumnOf[str]
    Email: ColumnOf[str]
    AddressTypeId: ColumnOf[UUID | str]
    Address: ColumnOf[str]
    CityId: ColumnOf[UUID | str]
    City: CityColumns
    RegionId: ColumnOf[UUID | str]
    Zip: ColumnOf[str]
    CountryId: ColumnOf[UUID | str]
    Country: CountryColumns
    DoNotUseEmail: ColumnOf[bool]
    DoNotUseCall: ColumnOf[bool]
    DoNotUseFax: ColumnOf[bool]
    DoNotUseSms: ColumnOf[bool]
    DoNotUseMail: ColumnOf[bool]
    Notes: ColumnOf[str]
    Facebook: ColumnOf[str]
    LinkedIn: ColumnOf[str]
    Twitter: ColumnOf[str]
    FacebookId: ColumnOf[str]
    LinkedInId: ColumnOf[str]
    TwitterId: ColumnOf[str]
    TwitterAFDAId: ColumnOf[UUID | str]
    FacebookAFDAId: ColumnOf[UUID | str]
    LinkedInAFDAId: ColumnOf[UUID | str]
    PhotoId: ColumnOf[UUID | str]
    GPSN: ColumnOf[str]
    GPSE: ColumnOf[str]
    Surname: ColumnOf[str]
    GivenName: ColumnOf[str]
    MiddleName: ColumnOf[str]
    Confirmed: ColumnOf[bool]
    IsNonActualEmail: ColumnOf[bool]
    Completeness: ColumnOf[int]
    LanguageId: ColumnOf[UUID | str]
    Age: ColumnOf[int]
    ContactCollectionByOwner: ManyOf[ContactColumns]
    ContactCollectionByCreatedBy: ManyOf[ContactColumns]
    ContactCollectionByModifiedBy: ManyOf[ContactColumns]
    CityCollectionByCreatedBy: ManyOf[CityColumns]
    CityCollectionByModifiedBy: ManyOf[CityColumns]
    CountryCollectionByCreatedBy: ManyOf[CountryColumns]
    CountryCollectionByModifiedBy: ManyOf[CountryColumns]


class Contact(ModelWith[ContactColumns]):
    """A row of the entity set `Contact`.

    Streams, which have no field: `ContactPhoto`.
    """

    __entity_set__ = "Contact"

    Id: UUID = UNSET
    Name: str | None = UNSET
    OwnerId: UUID | None = UNSET
    Owner: Contact | None = UNSET
    CreatedOn: datetime | None = UNSET
    CreatedById: UUID | None = UNSET
    CreatedBy: Contact | None = UNSET
    ModifiedOn: datetime | None = UNSET
    ModifiedById: UUID | None = UNSET
    ModifiedBy: Contact | None = UNSET
    ProcessListeners: int | None = UNSET
    Dear: str | None = UNSET
    SalutationTypeId: UUID | None = UNSET
    GenderId: UUID | None = UNSET
    AccountId: UUID | None = UNSET
    DecisionRoleId: UUID | None = UNSET
    TypeId: UUID | None = UNSET
    JobId: UUID | None = UNSET
    JobTitle: str | None = UNSET
    DepartmentId: UUID | None = UNSET
    BirthDate: datetime | None = UNSET
    Phone: str | None = UNSET
    MobilePhone: str | None = UNSET
    HomePhone: str | None = UNSET
    Skype: str | None = UNSET
    Email: str | None = UNSET
    AddressTypeId: UUID | None = UNSET
    Address: str | None = UNSET
    CityId: UUID | None = UNSET
    City: _City | None = UNSET
    RegionId: UUID | None = UNSET
    Zip: str | None = UNSET
    CountryId: UUID | None = UNSET
    Country: _Country | None = UNSET
    DoNotUseEmail: bool | None = UNSET
    DoNotUseCall: bool | None = UNSET
    DoNotUseFax: bool | None = UNSET
    DoNotUseSms: bool | None = UNSET
    DoNotUseMail: bool | None = UNSET
    Notes: str | None = UNSET
    Facebook: str | None = UNSET
    LinkedIn: str | None = UNSET
    Twitter: str | None = UNSET
    FacebookId: str | None = UNSET
    LinkedInId: str | None = UNSET
    TwitterId: str | None = UNSET
    TwitterAFDAId: UUID | None = UNSET
    FacebookAFDAId: UUID | None = UNSET
    LinkedInAFDAId: UUID | None = UNSET
    PhotoId: UUID | None = UNSET
    GPSN: str | None = UNSET
    GPSE: str | None = UNSET
    Surname: str | None = UNSET
    GivenName: str | None = UNSET
    MiddleName: str | None = UNSET
    Confirmed: bool | None = UNSET
    IsNonActualEmail: bool | None = UNSET
    Completeness: int | None = UNSET
    LanguageId: UUID | None = UNSET
    Age: int | None = UNSET
    ContactCollectionByOwner: list[Contact] = UNSET
    ContactCollectionByCreatedBy: list[Contact] = UNSET
    ContactCollectionByModifiedBy: list[Contact] = UNSET
    CityCollectionByCreatedBy: list[_City] = UNSET
    CityCollectionByModifiedBy: list[_City] = UNSET
    CountryCollectionByCreatedBy: list[_Country] = UNSET
    CountryCollectionByModifiedBy: list[_Country] = UNSET


class CountryColumns(Columns):
    """The columns of `Country`."""

    Id: ColumnOf[UUID | str]
    CreatedOn: ColumnOf[datetime | date]
    CreatedById: ColumnOf[UUID | str]
    CreatedBy: ContactColumns
    ModifiedOn: ColumnOf[datetime | date]
    ModifiedById: ColumnOf[UUID | str]
    ModifiedBy: ContactColumns
    Name: ColumnOf[str]
    Description: ColumnOf[str]
    Code: ColumnOf[str]
    TimeZoneId: ColumnOf[UUID | str]
    ProcessListeners: ColumnOf[int]
    ContactCollectionByCountry: ManyOf[ContactColumns]
    CityCollectionByCountry: ManyOf[CityColumns]


class Country(ModelWith[CountryColumns]):
    """A row of the entity set `Country`."""

    __entity_set__ = "Country"

    Id: UUID = UNSET
    CreatedOn: datetime | None = UNSET
    CreatedById: UUID | None = UNSET
    CreatedBy: Contact | None = UNSET
    ModifiedOn: datetime | None = UNSET
    ModifiedById: UUID | None = UNSET
    ModifiedBy: Contact | None = UNSET
    Name: str | None = UNSET
    Description: str | None = UNSET
    Code: str | None = UNSET
    TimeZoneId: UUID | None = UNSET
    ProcessListeners: int | None = UNSET
    ContactCollectionByCountry: list[Contact] = UNSET
    CityCollectionByCountry: list[City] = UNSET


# In a class that has a field of the same name:
_City = City
_Country = Country
