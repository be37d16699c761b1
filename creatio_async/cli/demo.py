"""``creatio-async demo``: 34,006 cities there and back, a load that dies, and two processes."""

import sys
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any

from attrs import define, field
from cyclopts import Parameter, validators
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from creatio_async import Creatio, Password, ProcessError, ResponseError, State
from creatio_async import Progress as Told
from creatio_async.cli.login import Login
from creatio_async.cli.output import note, results, status
from creatio_async.cli.running import run_async
from creatio_async.cli.second import changed, changed_rows, kill_half_way, resume
from creatio_async.cli.trial import (
    COLUMNS,
    Loaded,
    Lookups,
    Tally,
    add_contact,
    city_id,
    load,
    remove,
)
from creatio_async.data import CITIES, cities

__all__ = ["demo"]

_USER = "Supervisor"
"""The user of the emulator, and his password."""
_MOST_AT_ONCE = 64
_STEP = 50


def demo(
    *,
    rows: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=CITIES))] = CITIES,
    at_once: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=_MOST_AT_ONCE))] = 4,
    url: str | None = None,
    yes: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    login: Login = Login(),  # noqa: B008 - frozen
) -> int:
    """Load cities, read them back, compare, sync a changed file, and run two business processes.

    Without --url this happens on an emulator that lives as long as the command; a second load is
    then killed half-way, too, and goes on from its journal. With it, it happens on that site, which
    must have the objects City, Country and TimeZone, without the second load and the changed file;
    what was written there is removed at the end, also after a failure.

    Args:
        rows: How many of the 34,006 cities.
        at_once: Batches under way at a time.
        url: Address of a site to use instead of the emulator. CREATIO_URL is not read here: no
            demo should write to a site because of a variable.
        yes: Write to the site at --url without asking.
        login: Who logs in there.
    """
    if url is None:
        from creatio_async.emulator import Emulator  # noqa: PLC0415 - needs an extra of its own

        with Emulator() as site:
            return run_async(lambda: _on_emulator(_Demo(rows=rows, at_once=at_once), site.served()))
    crm = login.opened(url)
    if not yes and not _allowed(url, rows):
        return 1
    return run_async(lambda: _on_site(_Demo(rows=rows, at_once=at_once), crm))


def _allowed(url: str, rows: int) -> bool:
    if not sys.stdin.isatty():
        raise ValueError(f"This would write {rows:,} cities to {url}. Say --yes to allow it.")
    question = f"Write {rows:,} cities to {url}, and remove them at the end?"
    return Confirm.ask(question, console=status(), default=False)


async def _on_emulator(demo: "_Demo", served: AbstractAsyncContextManager[str]) -> int:
    async with served as url, Creatio(url, Password(_USER, _USER)) as crm:
        note(f"An emulator listens at {url} for as long as this takes.")
        await demo.write(crm)
        await demo.compare(crm.odata["City"].select(*COLUMNS))
        await demo.sync(crm)
        with TemporaryDirectory(prefix="creatio-async-") as folder:
            await demo.kill_and_resume(crm, url, Path(folder) / "twins.journal")
        await demo.compare(crm.odata["City"].select(*COLUMNS), again=True)
        await demo.run_processes(crm)
    return demo.sum_up()


async def _on_site(demo: "_Demo", crm: Creatio) -> int:
    async with crm:
        try:
            await demo.write(crm)
            await demo.compare(_own_rows(crm, demo.rows))
            try:
                await demo.run_processes(crm)
            except (ProcessError, ResponseError) as error:
                note(f"The two processes of the demo do not run there: {error}")
        finally:
            await demo.clean(crm)
    return demo.sum_up()


async def _own_rows(crm: Creatio, rows: int) -> AsyncGenerator[Mapping[str, Any]]:
    """Read the demo's cities only: a site has others."""
    own = {str(city_id(city)) for city in islice(cities(), rows)}
    async for row in crm.odata["City"].select(*COLUMNS):
        if row["Id"] in own:
            yield row


@define(kw_only=True)
class _Demo:
    """The steps in their order, and what is to be said of them."""

    rows: int
    at_once: int
    loaded: Loaded = field(factory=Loaded)
    _contact: str | None = None
    _findings: list[tuple[str, str, bool]] = field(factory=list[tuple[str, str, bool]])

    async def write(self, crm: Creatio) -> None:
        lookups = await Lookups.read(crm)
        began = perf_counter()
        with _progress("Writing", self.rows) as step:
            await load(
                crm,
                lookups,
                rows=self.rows,
                at_once=self.at_once,
                loaded=self.loaded,
                step=step,
                progress=step.tell,
            )
        written = self.loaded.written
        self._find("Cities written", _rate(written, began), ok=written == self.rows)
        if self.loaded.error:
            self._find("First failure", self.loaded.error, ok=False)

    async def sync(self, crm: Creatio) -> None:
        lookups, wanted, due = await Lookups.read(crm), Tally(), changed(self.rows)

        def source() -> Iterator[dict[str, Any]]:
            for row in changed_rows(lookups, self.rows):
                wanted.add(row)
                step(1)
                yield row

        with _progress("Syncing", self.rows) as step:
            report = await crm.odata["City"].sync(source(), key="Id", at_once=self.at_once)
        self.loaded.sent = wanted
        unchanged = report.counts.get(State.UNCHANGED, 0)
        ok = report.written == {"update": due} and unchanged == self.rows - due
        sent = sum(report.written.values())
        self._find("A changed file", f"{sent:,} rows sent, {unchanged:,} left alone", ok=ok)

    async def kill_and_resume(self, crm: Creatio, url: str, journal: Path) -> None:
        lookups, own = await Lookups.read(crm), {"CREATIO_USER": _USER, "CREATIO_PASSWORD": _USER}
        killed = await kill_half_way(url, own, journal, rows=self.rows, at_once=self.at_once)
        self._find("A load, killed", f"at {killed.told:,} of {killed.rows:,} rows", ok=True)
        with _progress("Resuming", killed.rows) as step:
            resumed = await resume(
                crm, lookups, killed, rows=self.rows, at_once=self.at_once, step=step
            )
        done = resumed.report.done
        rest = killed.rows - killed.told
        self._find(
            "The same, resumed",
            f"{done:,} of {killed.rows:,} rows, the last {rest:,} in {resumed.requests} requests",
            ok=done == killed.rows,
        )
        self.loaded.sent += resumed.written

    async def compare(self, rows: AsyncIterable[Mapping[str, Any]], *, again: bool = False) -> None:
        back, sent = Tally(), self.loaded.sent
        began = perf_counter()
        with _progress("Reading", sent.count) as step:
            async for row in rows:
                back.add(row)
                step(1)
        same = back == sent
        if again:
            found = (
                f"{back.count:,} rows, {'each of them once' if same else 'and NOT the right ones'}"
            )
            self._find("The table after that", found, ok=same)
            return
        self._find("Cities read back", _rate(back.count, began), ok=back.count == self.rows)
        self._find("Compared", "the same rows" if same else "NOT the same rows", ok=same)

    async def run_processes(self, crm: Creatio) -> None:
        self._contact = await add_contact(crm)
        came = self._contact is not None
        self._find(
            "Business processes",
            "a contact added by one, found by the other"
            if came
            else "the contact that one added was NOT found by the other",
            ok=came,
        )

    async def clean(self, crm: Creatio) -> None:
        with _progress("Removing", self.loaded.handed) as step:
            removed = await remove(crm, rows=self.loaded.handed, contact=self._contact, step=step)
        self._find("Rows removed", f"{removed.gone:,}", ok=not removed.left)
        if removed.left:
            note(
                f"Rows that could not be removed: {removed.left:,}. The first: {removed.error}\n"
                "Run the same command again: it removes what an earlier demo left."
            )

    def sum_up(self) -> int:
        """Print the summary and return the exit status."""
        table = Table(box=None, show_header=False, pad_edge=False)
        for what, found, ok in self._findings:
            table.add_row("[green]ok[/]" if ok else "[red]FAILED[/]", what, Text(found))
        results().print(table)
        return 0 if all(ok for _, _, ok in self._findings) else 1

    def _find(self, what: str, found: str, *, ok: bool) -> None:
        self._findings.append((what, found, ok))


def _rate(count: int, began: float) -> str:
    seconds = max(perf_counter() - began, 1e-9)
    return f"{count:,} in {seconds:.1f} s, {count / seconds:,.0f} a second"


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed or 0.0
        return Text(f"{speed:,.0f} records/s")


class _Bar:
    """A bar on standard error."""

    def __init__(self, bar: Progress, doing: str, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task(doing, total=total, note="")
        self._waiting = 0

    def __call__(self, count: int) -> None:
        """Take in that so many records more are done."""
        # A bar that moves for each of 34,006 records takes longer than the records.
        self._waiting += count
        if self._waiting >= _STEP:
            self.flush()

    def flush(self) -> None:
        """Show what was taken in."""
        self._bar.advance(self._task, self._waiting)
        self._waiting = 0

    def tell(self, progress: Told) -> None:
        """Show what a job tells of itself beside its records."""
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        sent = f"{progress.bytes_sent / 1e6:.1f} MB sent"
        self._bar.update(self._task, note=f"{progress.at_once} at once, {sent}{failed}")


@contextmanager
def _progress(doing: str, total: int) -> Generator[_Bar]:
    """Show a bar on standard error; what it yields is told how many records are done."""
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        _Rate(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=status()) as shown:
        bar = _Bar(shown, doing, total)
        try:
            yield bar
        finally:
            bar.flush()
