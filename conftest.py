"""Runs the Python blocks of README.md and docs/ as tests.

A page is one session: what a block defines, the next one has. A block may ``await`` at its top
level. An emulator listens while a page runs, and the environment names it, so that
``Creatio.from_env()`` and the scripts of the page talk to it; ``crm`` is a client of it.
"""

import ast
import asyncio
import inspect
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType
from typing import Any
from unittest.mock import patch

import pytest
from sybil import Example, Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import CodeBlockParser, SkipParser


@contextmanager
def _listening() -> Iterator[str]:
    """Run an emulator in a thread of its own: a block may use ``asyncio.run``."""
    from creatio_async.emulator import Emulator  # noqa: PLC0415 - a run without pages needs none

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    served = Emulator().served()
    try:
        yield asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(10)
    finally:
        leaving = served.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leaving, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def emulated_site() -> Iterator[str]:
    """Give the address of an emulator in a thread of its own: the test may use any event loop."""
    with _listening() as url:
        yield url


class _Page:
    """What the blocks of one page share, until it is closed."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        from creatio_async import Creatio  # noqa: PLC0415 - as above

        with ExitStack() as stack:
            environment = {
                "CREATIO_URL": stack.enter_context(_listening()),
                "CREATIO_USER": "Supervisor",
                "CREATIO_PASSWORD": "Supervisor",
            }
            stack.enter_context(patch.dict(os.environ, environment))
            self._runner = stack.enter_context(asyncio.Runner())
            crm = Creatio.from_env()
            namespace["crm"] = self._runner.run(crm.__aenter__())
            stack.callback(lambda: self._runner.run(crm.__aexit__(None, None, None)))
            self._stack = stack.pop_all()

    def run(self, example: Example) -> None:
        """Run one block; its line numbers are those of the page."""
        source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
        code = compile(source, example.path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if code.co_flags & inspect.CO_COROUTINE:
            self._runner.run(_awaited(code, example.namespace))
        else:
            exec(code, example.namespace)

    def close(self) -> None:
        """Log out and stop the emulator."""
        self._stack.close()


async def _awaited(code: CodeType, namespace: dict[str, Any]) -> None:
    await eval(code, namespace)


def _setup(namespace: dict[str, Any]) -> None:
    namespace["_page"] = _Page(namespace)


def _teardown(namespace: dict[str, Any]) -> None:
    namespace["_page"].close()


def _evaluate(example: Example) -> None:
    example.namespace["_page"].run(example)


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", _evaluate), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_setup,
    teardown=_teardown,
).pytest()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the pages last and their blocks in order again, whatever shuffled them."""
    blocks = sorted(
        (item for item in items if isinstance(item, SybilItem)),
        key=lambda item: (item.example.path, item.example.line),
    )
    items[:] = [*(item for item in items if not isinstance(item, SybilItem)), *blocks]
