import ast
import importlib
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from yarl import URL

import creatio_async
from creatio_async import Change, Outcome, Report, ServerError, State, errors
from creatio_async.messages import Headers, Request, Response

PACKAGE = Path(creatio_async.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(PACKAGE)], "creatio_async.")
    if module.name != "creatio_async.__main__"
)
ERRORS = [
    found
    for found in (getattr(creatio_async, name) for name in creatio_async.__all__)
    if isinstance(found, type) and issubclass(found, errors.CreatioError)
]
SECRET = "s3cret"


def isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: as the linter sorts."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return 1 if name[:1].isupper() else 2, name


def an_error(kind: type[errors.CreatioError]) -> errors.CreatioError:
    request = Request(
        method="POST",
        url=URL("http://crm.test/0/odata/Contact"),
        headers=Headers({"Cookie": f".ASPXAUTH={SECRET}", "BPMCSRF": SECRET}),
        body=SECRET.encode(),
    )
    answer = Response(status=500, headers=Headers({"Set-Cookie": f"BPMCSRF={SECRET}"}), body=b"No.")
    values = {
        "request": request,
        "response": answer,
        "reason": "reset",
        "kind": "ServerError",
        "text": "No.",
        "process": "UsrProcess",
        "change": Change("create", "City", "c4ed336c-3e9b-40fe-8b82-5632476472b4"),
        "changes": (Change("create", "City", None, 1),),
        "error": ServerError(request, answer),
        "report": Report(
            counts={State.FAILED: 1},
            failures=[Outcome(0, "create", {}, "", error=ServerError(request, answer))],
        ),
    }
    wanted = [
        values[one.name]
        for one in (attrs.fields(kind) if attrs.has(kind) else ())
        if one.init and one.default is attrs.NOTHING
    ]
    return kind(*wanted)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_a_reader_can_hold(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_offers_is_there_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    offered: list[str] = getattr(module, "__all__", [])
    assert all(hasattr(module, one) for one in offered)
    assert offered == sorted(offered, key=isort_key)


def test_the_package_offers_all_that_it_imports_and_every_error() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        (node.module, alias.name)
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = {
        (f"creatio_async.{home}", name)
        for home, names in creatio_async._HOMES.items()
        for name in names
    }
    assert typed == loaded  # what type checkers see is what is there
    assert {name for _, name in loaded} == set(creatio_async.__all__)
    assert set(dir(creatio_async)) >= set(creatio_async.__all__)
    assert {kind.__name__ for kind in ERRORS} >= set(errors.__all__)
    assert list(creatio_async.__all__) == sorted(creatio_async.__all__, key=isort_key)
    assert all(hasattr(creatio_async, name) for name in creatio_async.__all__)


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = creatio_async.Nothing


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_can_be_sent_to_another_process(kind: type[errors.CreatioError]) -> None:
    error = an_error(kind)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(copy) is kind
    assert str(copy) == str(error)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_shows_and_keeps_no_secret(kind: type[errors.CreatioError]) -> None:
    error = an_error(kind)
    assert SECRET not in str(error)
    assert SECRET not in repr(error)
    assert SECRET.encode() not in pickle.dumps(error)


def test_importing_the_package_configures_nothing_and_loads_no_extra() -> None:
    code = (
        "import logging, sys, creatio_async\n"
        "extras = {'cyclopts', 'rich', 'odata_query', 'opentelemetry', 'sqlite3'}\n"
        "extras &= sys.modules.keys()\n"
        "logger = logging.getLogger('creatio_async')\n"
        "print(sorted(extras), logging.root.handlers, logger.level)\n"
    )
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (run.stdout, run.stderr) == ("[] [] 0\n", "")
