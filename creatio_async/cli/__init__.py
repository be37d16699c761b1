"""The command line: ``creatio-async``, and ``python -m creatio_async``.

It needs the extra ``cli``, so nothing of it is imported before it is known to be there.
"""

import sys
from collections.abc import Sequence

__all__ = ["main"]

_EXTRAS = {"cyclopts": "cli", "rich": "cli", "odata_query": "emulator"}
"""The packages that an extra brings, and the extra."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on *arguments*, by default those of the process.

    Returns:
        The exit status: 0 where all that was asked was done, 1 where it was not, 2 where it was
        asked wrongly, 130 after Ctrl-C, 143 after SIGTERM.
    """
    try:
        from creatio_async.cli.app import run  # noqa: PLC0415 - the extra may be missing

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        print(
            f"creatio-async: {package} is not installed. The commands need two extras: "
            "pip install 'creatio-async[cli,emulator]'",
            file=sys.stderr,
        )
        return 2
