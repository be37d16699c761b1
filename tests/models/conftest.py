"""Classes for the rows of an emulated site, and a client of it."""

from collections.abc import AsyncIterator, Iterator
from types import ModuleType

import pytest

from creatio_async import Creatio, OData
from creatio_async.emulator import Emulator
from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.tables import creatio_tables
from creatio_async.models.source import source_of
from creatio_async.protocol.odata.metadata import read_schema
from tests.api.canned import client
from tests.models.documents import imported

SETS = ["Account", "Activity", "City", "Contact", "Country"]


@pytest.fixture(scope="session")
def made() -> Iterator[ModuleType]:
    """Return a module of generated classes."""
    schema = read_schema(metadata(creatio_tables()))
    with imported(source_of(schema, SETS, "here")) as module:
        yield module


@pytest.fixture
async def crm() -> AsyncIterator[Creatio]:
    """Return a client of a new site."""
    with Emulator() as site:
        async with client(site) as opened:
            yield opened


@pytest.fixture(params=["OData 4", "OData 3 in Atom", "OData 3 in JSON"])
def odata(request: pytest.FixtureRequest, crm: Creatio) -> OData:
    """Return a service of the site, in each version."""
    if request.param == "OData 4":
        return crm.odata
    return crm.odata3.using("json" if "JSON" in request.param else "atom")
