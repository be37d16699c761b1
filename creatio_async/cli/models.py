"""``creatio-async models``: classes for rows, written from what a site tells of itself."""

import os
import sys
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from cyclopts import Parameter

from creatio_async import Creatio
from creatio_async.cli.login import Login
from creatio_async.cli.output import note
from creatio_async.cli.running import run_async
from creatio_async.models.source import MADE_BY, source_of
from creatio_async.protocol.odata.metadata import read_schema
from creatio_async.protocol.odata.schema import Schema
from creatio_async.protocol.site import parse_site

__all__ = ["models"]


def models(
    *names: str,
    all: Annotated[bool, Parameter(negative="", show_default=False)] = False,  # noqa: A002
    output: Path | None = None,
    force: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    metadata: Path | None = None,
    url: Annotated[str | None, Parameter(env_var="CREATIO_URL")] = None,
    login: Login = Login(),  # noqa: B008 - frozen
) -> int:
    """Write Python classes for the rows of entity sets.

    The same metadata gives the same text: a second run changes only what has changed on the site.

    Args:
        names: Entity sets, such as Contact.
        all: Take all there are.
        output: File to write; standard output where none is given. A file that this command has
            not written is left alone.
        force: Replace such a file, too.
        metadata: File with a saved $metadata, of OData 4 or 3, to use instead of a site.
        url: Address of the site.
        login: Who logs in there.

    Raises:
        ValueError: No names are given, or one that there is not; or the output is a file of
            somebody else's.
    """
    if bool(names) == all:
        raise ValueError("Name the entity sets, or say --all for every one there is.")
    if output is not None and not force:
        _check_ours(output)
    if metadata is not None:
        try:
            schema = read_schema(metadata.read_bytes())
        except ValueError as error:
            raise ValueError(f"{metadata} is no $metadata: {error}") from None
        origin = f"the $metadata in {metadata.name}"
        return _write(schema, None if all else names, origin, output)
    if url is None:
        raise ValueError("No site. Set CREATIO_URL, or give --url or --metadata.")
    crm = login.opened(url)
    origin = f"the $metadata of {parse_site(url).root}"

    async def fetch() -> int:
        return _write(await _schema_of(crm), None if all else names, origin, output)

    return run_async(fetch)


async def _schema_of(crm: Creatio) -> Schema:
    async with crm:
        return await crm.odata.metadata()


def _write(schema: Schema, names: tuple[str, ...] | None, origin: str, output: Path | None) -> int:
    try:
        text = source_of(schema, names, origin)
    except KeyError as error:
        raise ValueError(str(error)) from None
    if output is None:
        sys.stdout.write(text)
        return 0
    data = text.encode()
    if output.exists() and output.read_bytes() == data:
        note(f"{output} is as it was.")
    else:
        _replace(output.resolve(), data)
        note(f"{output} is written: {text.count('(ModelWith[')} classes.")
    return 0


def _check_ours(output: Path) -> None:
    try:
        with output.open("rb") as file:
            begin = file.read(len(MADE_BY))
    except FileNotFoundError:
        return
    if begin and begin != MADE_BY.encode():
        raise ValueError(f"{output} was not written by this command. Say --force to replace it.")


def _replace(path: Path, data: bytes) -> None:
    """Write the file anew: who reads it has the old one or the new one."""
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
