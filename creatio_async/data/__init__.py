"""The cities that the demo loads: 34,006 rows from GeoNames (CC BY 4.0, see ATTRIBUTION.md)."""

import csv
import lzma
from collections.abc import Iterator
from importlib.resources import files
from io import TextIOWrapper
from typing import NamedTuple

__all__ = ["CITIES", "City", "cities"]

CITIES = 34_006
"""How many there are."""


class City(NamedTuple):
    """A place of GeoNames. Names repeat; *geoname_id* does not."""

    geoname_id: int
    name: str
    country: str
    country_code: str
    """ISO 3166-1, two letters."""
    time_zone: str
    """A name of the IANA database, such as ``Europe/Kyiv``."""
    population: int
    latitude: float
    longitude: float


def cities() -> Iterator[City]:
    """Yield the cities by *geoname_id*, one at a time: the file is unpacked as it is read."""
    with (
        (files(__name__) / "cities.csv.xz").open("rb") as packed,
        TextIOWrapper(lzma.LZMAFile(packed), encoding="utf-8", newline="") as text,
    ):
        rows = csv.reader(text)
        next(rows)  # the names of the columns
        for geoname_id, name, country, code, zone, population, latitude, longitude in rows:
            yield City(
                int(geoname_id),
                name,
                country,
                code,
                zone,
                int(population),
                float(latitude),
                float(longitude),
            )
