"""The commands, and what becomes of an error."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from creatio_async import CreatioError, __version__
from creatio_async.cli.demo import demo
from creatio_async.cli.emulator import emulator
from creatio_async.cli.models import models
from creatio_async.cli.output import complain

__all__ = ["app", "run"]

DONE, FAILED, MISUSED = 0, 1, 2

app = App(
    name="creatio-async",
    help="Work with a Creatio site, or with an emulator of one.",
    version=__version__,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
app.command(demo)
app.command(emulator)
app.command(models)


def run(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* name and return the exit status.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    try:
        status: int | None = app(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        complain(f"{error} Try --help.")
        return MISUSED
    except ValueError as error:
        complain(str(error))
        return MISUSED
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (CreatioError, OSError) as error:
        complain(str(error))
        return FAILED
    return status or DONE
