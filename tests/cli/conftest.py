"""The real command, in a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

Start = Callable[..., subprocess.Popen[str]]

COMMAND = [sys.executable, "-X", "dev", "-m", "creatio_async"]


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts what runs in the background with SIGINT ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the command; it is killed at the end of the test if it is still running."""
    with ExitStack() as stack:

        def started(*arguments: str) -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(
                    [*COMMAND, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process

        yield started


@pytest.fixture
def site(emulated_site: str) -> str:
    """Return the address of an emulator that listens as long as the test."""
    return emulated_site
