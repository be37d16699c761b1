import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import creatio_async
from creatio_async import emulator
from creatio_async.protocol.odata import schema
from creatio_async.streams import Stream

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
KINDS = [
    each
    for each in (getattr(creatio_async, name) for name in creatio_async.__all__)
    if isinstance(each, type)
] + [Stream, emulator.Emulator, schema.Schema, schema.EntityType]
ABLE = (FunctionType, classmethod, property)
NOT_FOR_CALLERS = {"spec"}
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
ANCHOR = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
HEADING = re.compile(r"(?m)^#+ (.+)$")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def _slug(heading: str) -> str:
    """Return what a heading is linked by: lower case, hyphens for blanks, and no other signs."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_into_a_page_leads_to_a_heading(page: Path) -> None:
    for target, anchor in ANCHOR.findall(page.read_text(encoding="utf-8")):
        other = page.parent / target if target else page
        headings = HEADING.findall(other.read_text(encoding="utf-8"))
        assert anchor in map(_slug, headings), f"{other.name} has no #{anchor}"


@pytest.mark.parametrize("name", creatio_async.__all__)
def test_a_public_name_is_in_the_reference(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", page.read_text(encoding="utf-8")) for page in REFERENCE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_a_class_can_do_is_in_the_reference(kind: type) -> None:
    reference = "".join(page.read_text(encoding="utf-8") for page in REFERENCE)
    ours = [each for each in kind.__mro__ if each.__module__.startswith("creatio_async")]
    can = {name for each in ours for name, what in vars(each).items() if isinstance(what, ABLE)}
    public = {name for name in can if not name.startswith("_")} - NOT_FOR_CALLERS
    assert {name for name in public if not re.search(rf"\b{name}\b", reference)} == set()


@pytest.mark.parametrize("name", emulator.__all__)
def test_a_name_of_the_emulator_is_on_its_page(name: str) -> None:
    page = ROOT / "docs" / "reference" / "emulator.md"
    assert re.search(rf"\b{name}\b", page.read_text(encoding="utf-8"))


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text("utf-8"))}
    assert {page for page in PAGES if "docs" in page.parts} - {index} <= linked


def test_every_python_block_of_every_page_is_a_test() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "README.md", "docs"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    for page in PAGES:
        blocks = page.read_text(encoding="utf-8").count("```python\n")
        assert listed.count(f"{page.relative_to(ROOT).as_posix()}::") == blocks
