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
    service_ms: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 0.0,
    service_sigma: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 0.0,
    workers: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
    serial_sessions: Annotated[bool, Parameter(negative="")] = False,
    system_tables: bool = True,
    honours_return: bool | None = None,
    client: Annotated[list[str] | None, Parameter(negative="")] = None,
    fault: Annotated[list[str] | None, Parameter(negative="")] = None,
    seed: int = 0,
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
        latency_ms: Milliseconds that every answer takes longer, on its way.
        service_ms: Milliseconds that the work on a request takes and holds a worker: the median.
        service_sigma: How far these times differ: 0 for not at all, 0.5 or 1 for a long tail.
        workers: Requests that are worked on at once; any number where it is not said.
        serial_sessions: Work on the requests of one session one after another.
        system_tables: Let OData read SysProcessLog and the other tables of processes, which most
            sites have closed.
        honours_return: Let "Prefer: return=minimal" decide what the answer to a write holds; as the
            profile has it where it is not said.
        client: An OAuth client that may ask for tokens, as "id:secret", at the address followed by
            /connect/token. May be given again.
        fault: What requests meet, such as "refuse status=429 retry-after=2 path=City chance=0.1",
            "drop-after method=POST every=50" or "omit inner=true times=1". May be given again.
        seed: Where chances and service times begin; the same seed gives the same.

    Raises:
        ValueError: The database cannot be used, or a client or a fault is none.
    """
    # They need an extra of their own.
    from creatio_async.cli.faults import add_fault  # noqa: PLC0415
    from creatio_async.emulator import Emulator, LogNormal  # noqa: PLC0415

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
            workers=workers,
            service_time=LogNormal(service_ms / 1000, service_sigma, seed),
            serial_sessions=serial_sessions,
            system_tables=system_tables,
            honours_return=honours_return,
            clients=dict(map(_client, client or ())),
        )
    except sqlite3.Error as error:
        raise ValueError(f"The database {database} cannot be used: {error}.") from error
    with site:
        for place, text in enumerate(fault or ()):
            add_fault(site.troubles, text, seed=seed + place)
        return run_async(serve)


def _client(text: str) -> tuple[str, str]:
    client_id, colon, secret = text.partition(":")
    if not (client_id and colon and secret):
        raise ValueError("--client takes an id and a secret with a colon between them: id:secret")
    return client_id, secret
