"""``creatio-async emulator``: a Creatio look-alike that runs by itself."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from creatio_async.cli.output import note
from creatio_async.cli.running import run_async

__all__ = ["emulator"]

_HIGHEST_PORT = 65_535


def emulator(
    *,
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=_HIGHEST_PORT))] = 8765,
    host: str = "127.0.0.1",
    runtime: Literal["framework", "net"] = "framework",
    profile: Literal["creatio", "standard"] = "creatio",
    database: Path | None = None,
    latency_ms: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 0.0,
) -> int:
    """Run the emulator until it is stopped; its user is Supervisor, its password too.

    The first line of standard output is its address, printed once it listens. Ctrl-C ends it with
    exit status 130, SIGTERM with 143; both close the database first.

    Args:
        port: Port to listen on; 0 takes a free one.
        host: Address to listen on. It knows one password and is no place for real data: leave it
            on this machine.
        runtime: "framework" serves its workspace under /0, as .NET Framework does; "net" does not.
        profile: "creatio" keeps Creatio's limits and refusals, "standard" lifts them.
        database: SQLite file that keeps the rows; in memory where none is given.
        latency_ms: Milliseconds that every answer takes longer.

    Raises:
        ValueError: The database cannot be used.
    """
    from creatio_async.emulator import Emulator  # noqa: PLC0415 - needs an extra of its own

    async def serve() -> int:
        async with site.served(host, port) as url:
            print(url, flush=True)
            note("User Supervisor, password Supervisor. Ctrl-C stops it.")
            ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            return await ended  # by a signal, which cancels it

    try:
        site = Emulator(
            profile=profile,
            runtime=runtime,
            database=":memory:" if database is None else database,
            latency=latency_ms / 1000,
        )
    except sqlite3.Error as error:
        raise ValueError(f"The database {database} cannot be used: {error}.") from error
    with site:
        return run_async(serve)
