import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from shutil import copy
from textwrap import indent
from typing import Any

import orjson
import pytest
from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metadata import document, parts, read
from creatio_async.emulator.metadata import metadata
from creatio_async.emulator.metadata3 import metadata3
from creatio_async.emulator.tables import creatio_tables
from creatio_async.models import Model
from creatio_async.models.shapes import shape_of
from creatio_async.models.source import MADE_BY, source_of
from creatio_async.protocol.odata.metadata import read_schema
from creatio_async.protocol.odata.schema import Schema
from tests.models.documents import (
    ODD,
    WORDS,
    annotated,
    imported,
    lookups,
    odd_schema,
    properties,
    schema_of,
)

TYPING = Path(__file__).parents[1] / "typing"
HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "use-models.md"
WHOLE = read_schema(metadata(creatio_tables()))


def models_in(module: Any) -> dict[str, type[Model]]:
    return {
        name: each
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, Model)
        if (each.__module__, each.__name__) == (module.__name__, name)
    }


def tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False
    )


def test_the_same_schema_gives_the_same_text_in_whatever_order_the_sets_are_named() -> None:
    one = source_of(WHOLE, ["City", "Contact", "Account"], "here")
    assert one == source_of(WHOLE, ["Account", "City", "Contact", "City"], "here")
    assert one.startswith(f"{MADE_BY} from here.\n")


def test_a_class_refers_to_the_others_that_are_there_and_to_no_more() -> None:
    with imported(source_of(WHOLE, ["City"], "here")) as module:
        alone = shape_of(module.City)
    assert "CountryId" in alone.by_name
    assert alone.navigations == frozenset()
    with imported(source_of(WHOLE, ["City", "Country", "Contact"], "here")) as module:
        city, contact = shape_of(module.City), shape_of(module.Contact)
        assert city.by_name["Country"].kind.row_type is module.Country
        assert contact.by_name["City"].kind.row_type is module.City
        assert city.by_name["ContactCollectionByCity"].kind.item is not None
    assert "Account" not in contact.by_name


def test_the_entity_set_of_odata_3_is_called_as_the_schema_is() -> None:
    old = read_schema(metadata3(creatio_tables(), streams=True))
    for name in ("Contact", "ContactCollection"):
        with imported(source_of(old, [name, "Account"], "here")) as module:
            assert sorted(models_in(module)) == ["Account", "Contact"]
            assert shape_of(module.Contact).entity_set == "Contact"
            assert shape_of(module.Contact).by_name["Account"].kind.row_type is module.Account


def test_an_unknown_entity_set_is_told_with_names_like_it() -> None:
    with pytest.raises(KeyError, match="did you mean 'Contact'"):
        source_of(WHOLE, ["Contakt"], "here")


def test_types_and_facets_become_annotations_and_docstrings() -> None:
    kinds = ("Binary", "Boolean", "Date", "Decimal", "Double", "Duration", "Int64", "TimeOfDay")
    more = "".join(properties([f"A{kind}"], f"Edm.{kind}") for kind in kinds)
    more += '<Property Name="Code" Type="Edm.String" MaxLength="50" Nullable="false"/>'
    more += '<Property Name="Photo" Type="Edm.Stream"/>'
    text = source_of(schema_of({"Thing": more}), None, "here")
    for line in (
        "    ABinary: bytes | None = UNSET",
        "    ADate: date | None = UNSET",
        "    ADecimal: Decimal | None = UNSET",
        "    AInt64: int | None = UNSET",
        "    ATimeOfDay: time | None = UNSET",
        '    Code: str = UNSET\n    """50 characters at most."""',
        "    ADuration: ColumnOf[timedelta]",
        "    Streams, which have no field: `Photo`.",
    ):
        assert f"{line}\n" in text
    assert "Photo:" not in text


@pytest.mark.parametrize("words", WORDS)
def test_what_the_schema_says_becomes_docstrings_and_nothing_else(words: str) -> None:
    more = f'{annotated(words)}<Property Name="a" Type="Edm.String">{annotated(words)}</Property>'
    text = source_of(schema_of({"Thing": more}), None, "here")
    told = [" ".join(each.split()) for each in words.replace("\a", " ").split("\n\n")]
    with imported(text) as module:
        doc = module.Thing.__doc__
    paragraphs = [" ".join(each.split()) for each in doc.split("\n\n")]
    assert paragraphs == ["A row of the entity set `Thing`.", *told]
    (of_field,) = [
        after.value.value
        for kind in ast.walk(ast.parse(text))
        if isinstance(kind, ast.ClassDef) and kind.name == "Thing"
        for before, after in pairwise(kind.body)
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr)
        if isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    ]
    assert [" ".join(each.split()) for each in of_field.split("\n\n")] == told
    assert "import date" not in text
    assert all(len(line) <= 88 for line in text.splitlines() if " " in line.strip())


def test_every_odd_name_keeps_its_place_on_the_wire() -> None:
    schema = odd_schema()
    with imported(source_of(schema, None, "here")) as module:
        shapes = {shape.entity_set: shape for shape in map(shape_of, models_in(module).values())}
        assert shapes.keys() >= set(schema.entity_sets)
        for name in schema.entity_sets:
            told = schema[name]
            wanted = {*told.properties, *(n for n in told.navigations if not n.startswith("Other"))}
            assert set(shapes[name].fields) == wanted
            assert shapes[name].cls(**dict.fromkeys(shapes[name].by_name)) is not None
        one = shapes["class"]
        assert one.fields["class"].name == "class_"
        assert one.fields["Имя"].name == "Имя"
        assert one.fields["classL"].kind.row_type is not None
        assert {member.value for member in module.Color_2} == set(ODD)


@settings(max_examples=40)
@given(st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), min_size=1)))
def test_names_of_any_kind_become_one_attribute_each(names: Iterable[str]) -> None:
    given_names = {" ".join(name.split()) for name in names} - {"", "Id", "Thing"}
    schema = schema_of({"Thing": properties(given_names)})
    with imported(source_of(schema, None, "here")) as module:
        thing = module.Thing
        assert set(shape_of(thing).fields) == {*given_names, "Id"}
        assert len({each.name for each in fields(thing)}) == len(given_names) + 1


def test_one_more_column_is_two_more_lines_and_no_other_change() -> None:
    kinds = {"A": properties(["x", "y"]), "B": lookups({"a": "A"})}
    before = source_of(schema_of(kinds), None, "here").splitlines()
    kinds["A"] += properties(["z"])
    after = source_of(schema_of(kinds), None, "here").splitlines()
    assert [line for line in after if line not in before] == [
        "    z: ColumnOf[str]",
        "    z: str | None = UNSET",
    ]
    assert len(after) == len(before) + 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    old = read_schema(metadata3(creatio_tables(), streams=True))
    few = [*ODD[::12], "Color", "int", "UNSET"]
    for name, schema, sets in (
        ("whole", WHOLE, None),
        ("old", old, None),
        ("odd", odd_schema(), few),
    ):
        folder.joinpath(f"{name}.py").write_text(source_of(schema, sets, "here"), "utf-8")
    copy(TYPING / "models.py", folder / "using.py")
    settings = {
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": True,  # a mistake that is not found is one
        "extraPaths": [str(TYPING.parents[1])],
    }
    folder.joinpath("pyrightconfig.json").write_bytes(orjson.dumps(settings))
    return folder


def test_the_classes_that_type_checkers_try_are_what_is_written_now() -> None:
    made = source_of(WHOLE, ["Contact", "City", "Country"], "the $metadata of the emulator")
    assert (TYPING / "generated.py").read_text("utf-8") == made


def test_a_formatter_leaves_the_text_as_it_is(made: Path) -> None:
    files = [made / f"{name}.py" for name in ("whole", "old", "odd")]
    run = tool("ruff", "format", "--isolated", "--diff", *files)
    assert run.returncode == 0, run.stdout


def test_mypy_strict_accepts_the_text(made: Path) -> None:
    files = [made / f"{name}.py" for name in ("whole", "old", "odd")]
    run = tool("mypy", "--strict", "--cache-dir", made / "cache", *files)
    assert run.stdout == "Success: no issues found in 3 source files\n"


def test_type_checkers_find_nothing_in_what_the_documents_show(tmp_path: Path) -> None:
    of_site = source_of(WHOLE, ["Contact", "Account"], "here")
    (tmp_path / "models.py").write_text(of_site, "utf-8")
    start = "from creatio_async import Creatio\n\nasync def shown(crm: Creatio) -> None:\n"
    page = HOWTO.read_text("utf-8").partition("## Read and write")[2].partition("## Write a")[0]
    blocks = "".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert blocks.count("crm.odata[") == 2
    (tmp_path / "shown.py").write_text(start + indent(blocks, "    "), "utf-8")
    run = tool("mypy", "--strict", "--cache-dir", tmp_path / "cache", tmp_path / "shown.py")
    assert run.stdout == "Success: no issues found in 1 source file\n"


def test_pyright_strict_accepts_the_text_and_finds_each_mistake_in_its_use(made: Path) -> None:
    run = tool("pyright", "--pythonpath", sys.executable, "-p", made)
    assert run.stdout.startswith("0 errors, 0 warnings"), run.stdout


def test_a_site_of_very_many_types_is_written_whole() -> None:
    schema: Schema = read(parts(document(60)))
    with imported(source_of(schema, None, "here")) as module:
        models = models_in(module)
        assert len(models) == 60
        assert all(shape_of(each).navigations for each in models.values())
