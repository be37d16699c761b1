"""Hold conditions and values to the tables in the reference: what is written, and what is sent."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import creatio_async
from creatio_async import Column, Condition, Expression
from creatio_async.protocol.odata.filters import filter_text, value_text
from creatio_async.protocol.odata.literals import literal

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "queries.md"
NAMES: dict[str, Any] = {
    **{name: getattr(creatio_async, name) for name in creatio_async.__all__},
    "Decimal": Decimal,
    "UTC": UTC,
    "UUID": UUID,
    "date": date,
    "datetime": datetime,
    "time": time,
    "timedelta": timedelta,
}
TEXT = PAGE.read_text(encoding="utf-8")
TABLES = re.findall(r"\| Python \| What is sent \|\n\|---\|---\|\n((?:\|.*\n)+)", TEXT)


def _rows(table: str) -> list[tuple[str, str]]:
    cells = [line.removeprefix("| `").removesuffix("` |") for line in table.splitlines()]
    pairs = [each.replace("\\|", "|").split("` | `") for each in cells]
    return [(python, sent) for python, sent in pairs]


ROWS = [row for table in TABLES for row in _rows(table)]


@pytest.mark.parametrize(("python", "sent"), ROWS)
def test_what_a_table_writes_is_sent_as_it_says(python: str, sent: str) -> None:
    value = eval(python, dict(NAMES))  # noqa: S307 - a page of our own
    if isinstance(value, Condition):
        assert filter_text(value) == sent
    elif isinstance(value, Expression):
        assert value_text(value.node) == sent
    else:
        assert literal(value) == sent


@pytest.mark.parametrize("kind", [Column, Expression])
def test_every_method_of_a_column_is_in_the_tables(kind: type) -> None:
    methods = {name for name in vars(kind) if not name.startswith("_")} - {"node", "path"}
    assert {name for name in methods if f".{name}(" not in TEXT} == set()
