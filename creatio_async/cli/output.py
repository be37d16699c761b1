"""Where a command writes: results to standard output, everything else to standard error."""

import sys

from rich.console import Console

__all__ = ["complain", "note", "results", "status"]


def results() -> Console:
    """Return the console of standard output, for what was asked for and nothing else."""
    return Console(highlight=False)


def status() -> Console:
    """Return the console of standard error, for progress and questions."""
    return Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """Say *text* on standard error."""
    print(text, file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Say on standard error what went wrong, in one line that names the program."""
    note("creatio-async: " + " ".join(text.split()))
