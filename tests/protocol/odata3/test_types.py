"""The types of columns, found by the address that was asked."""

from collections.abc import Mapping
from typing import Any

import pytest

from creatio_async.emulator.metadata3 import metadata3
from creatio_async.emulator.tables import creatio_tables
from creatio_async.protocol.odata.metadata import read_schema
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.odata3.types import types_at

ROOT = "https://crm.test/0/ServiceModel/EntityDataService.svc/"
KEY = "guid'405947d0-2ffb-4ded-8675-0475f19f5a81'"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return read_schema(metadata3(creatio_tables(), streams=True))


@pytest.mark.parametrize(
    "asked",
    [
        "OrderCollection",
        f"{ROOT}OrderCollection?$filter=Name eq 'a/b'",
        f"{ROOT}OrderCollection()?$skiptoken={KEY}",
        f"OrderCollection({KEY})",
        f"{ROOT}OrderCollection%28{KEY.replace(chr(39), '%27')}%29",
        f"ContactCollection({KEY})/OrderCollectionByContact",
        f"AccountCollection({KEY})/PrimaryContact/OrderCollectionByOwner?$top=1",
    ],
)
def test_the_columns_of_rows_are_known_by_their_address(schema: Schema, asked: str) -> None:
    found = types_at(schema, asked)
    assert isinstance(found, Mapping)
    assert (found["Amount"], found["Date"], found["Id"]) == (
        "Edm.Decimal",
        "Edm.DateTime",
        "Edm.Guid",
    )
    account: Any = found["Account"]
    assert account["Completeness"] == "Edm.Int32"
    assert account["OrderCollectionByAccount"]["Amount"] == "Edm.Decimal"
    assert found.get("NoSuchColumn") is None
    assert found.get("__metadata") is None
    assert set(found) > {"Id", "Account"}
    assert len(found) == len(set(found))


def test_a_single_column_has_a_type(schema: Schema) -> None:
    assert types_at(schema, f"OrderCollection({KEY})/Amount") == "Edm.Decimal"
    assert types_at(schema, f"OrderCollection({KEY})/Account/Completeness/$value") is None
    assert types_at(schema, f"OrderCollection({KEY})/Account/Completeness") == "Edm.Int32"


@pytest.mark.parametrize("asked", ["", "NopeCollection", ROOT, "Order", f"{ROOT}$metadata", "/"])
def test_what_the_schema_does_not_tell_is_none(schema: Schema, asked: str) -> None:
    assert types_at(schema, asked) is None
    assert types_at(Schema(), asked) is None
