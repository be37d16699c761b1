"""Whatever is done with a unit of work, and whatever is lost on the way: the table is as meant."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creatio_async import (
    CreatioError,
    EntityState,
    SaveError,
    TrackedRow,
    UnitOfWork,
    UnknownOutcomeError,
)
from creatio_async.emulator import Cut, DropAfter, DropBefore, Emulator, Fail, Omit, Refuse
from creatio_async.emulator.troubles import Trouble
from tests.api.canned import client
from tests.emulator.caller import ZERO

COLUMNS = ("Name", "Phone")
LOOKUPS = {"Contact": ("AccountId",), "Account": ("ParentId", "PrimaryContactId")}
TARGETS = {"AccountId": "Account", "ParentId": "Account", "PrimaryContactId": "Contact"}

troubles = st.sampled_from([
    DropBefore(),
    DropAfter(),
    Cut(),
    Cut(at=0.9),
    Cut(at=3),
    Refuse(retry_after=0),
    Fail(after=True),
])
inner_troubles = st.sampled_from([Refuse(retry_after=0), Fail(), Omit(), Omit(after=False)])
SEEDED = {"Supervisor", "Andrew Baker (sample)", "Email Supervisor"}

places = st.integers(0, 7)
steps = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(sorted(LOOKUPS))),
    st.tuples(st.just("assign"), places, st.sampled_from(COLUMNS), st.sampled_from(["", "a", "b"])),
    st.tuples(st.just("link"), places, places, st.integers(0, 1)),
    st.tuples(st.just("unlink"), places, st.integers(0, 1)),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("delete all that lead to"), places),
    st.tuples(st.just("attach again"), places),
    st.tuples(
        st.just("save"), st.lists(troubles, max_size=3), st.lists(inner_troubles, max_size=2)
    ),
    st.tuples(st.just("break off"), st.integers(0, 30)),
    st.tuples(st.just("give up"), troubles),
    st.tuples(st.just("poison"), st.booleans()),
)


@define
class Trial:
    """A unit of work, and beside it a table that is changed as simply as can be."""

    site: Emulator
    work: UnitOfWork
    rows: list[TrackedRow] = field(factory=list[TrackedRow])
    meant: dict[str, dict[str, Any]] = field(factory=dict[str, dict[str, Any]])

    async def do(self, step: tuple[Any, ...]) -> None:
        """Carry out a step on both."""
        match step:
            case "add", entity_set:
                row = self.work.add(entity_set, {"Name": "new"})
                self.rows.append(row)
                lookups = dict.fromkeys(LOOKUPS[entity_set])
                self.meant[row.id] = {"Name": "new", "Phone": "", **lookups}
            case "save", outer, inner:
                await self.save(outer, inner)
            case "break off", moment:
                await self.break_off(moment)
            case "give up", trouble:
                await self.give_up(trouble)
            case "poison", is_new:
                await self.poison(is_new=is_new)
            case "delete", place if self.rows:
                self.delete(self.rows[place % len(self.rows)])
            case "delete all that lead to", place if self.rows:
                self.delete_all(self.rows[place % len(self.rows)])
            case kind, place, *more if self.rows:
                self.change(kind, self.rows[place % len(self.rows)], more)
            case _:
                pass

    def change(self, kind: str, row: TrackedRow, more: list[Any]) -> None:
        """Change *row* on both."""
        meant = self.meant[row.id]
        match kind, more:
            case "assign", [column, value]:
                row[column] = meant[column] = value
            case "link", [place, lookup]:
                column = LOOKUPS[row.entity_set][lookup % len(LOOKUPS[row.entity_set])]
                target = self.rows[place % len(self.rows)]
                if target.entity_set == TARGETS[column]:
                    self.work.link(row, column.removesuffix("Id"), target)
                    meant[column] = target.id
            case "unlink", [lookup]:
                column = LOOKUPS[row.entity_set][lookup % len(LOOKUPS[row.entity_set])]
                self.work.unlink(row, column.removesuffix("Id"))
                meant[column] = None
            case _:
                again = {"Id": row.id, "Name": "of an earlier day"} if row.is_new else dict(row)
                assert self.work.attach(row.entity_set, again) is row

    def delete(self, row: TrackedRow) -> None:
        """Delete *row*, and empty the lookups that would lead to what is not there."""
        for other in self.rows:
            for column in LOOKUPS[other.entity_set]:
                if other is not row and self.meant[other.id][column] == row.id:
                    other[column] = self.meant[other.id][column] = None
        self.drop(row)

    def delete_all(self, row: TrackedRow) -> None:
        """Delete *row*, and all that lead to it, or to those."""
        going = {row.id}
        while found := {each.id for each in self.rows if self.leads(each, going)} - going:
            going |= found
        for each in [each for each in self.rows if each.id in going]:
            self.drop(each)

    def drop(self, row: TrackedRow) -> None:
        """Delete *row* on both."""
        self.work.delete(row)
        self.rows.remove(row)
        del self.meant[row.id]

    def leads(self, row: TrackedRow, ids: set[str]) -> bool:
        """Say whether *row* is to lead to one of *ids*."""
        return any(self.meant[row.id][column] in ids for column in LOOKUPS[row.entity_set])

    async def save(self, outer: list[Trouble], inner: list[Trouble]) -> None:
        """Save through troubles that pass: it succeeds, or a second call does."""
        for trouble in outer:
            self.site.troubles.add(trouble, path="$batch")
        for trouble in inner:
            self.site.troubles.add(trouble, method="POST", inner=True)
        for _ in range(len(outer) + len(inner) + 1):
            with suppress(CreatioError):  # whichever it is, the next call has to make it good
                await self.work.save()
                break
        self.site.troubles.clear()
        await self.work.save()
        self.check()

    async def break_off(self, moment: int) -> None:
        """Cancel a save at some moment, and save again."""
        task = asyncio.create_task(self.work.save())
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if moment % 2:
            await self.work.save()
            self.check()

    async def give_up(self, trouble: Trouble) -> None:
        """Save where no answer comes at all: nothing is known then, and nothing is taken for it."""
        self.site.troubles.add(trouble, path="$batch", times=None)
        with suppress(CreatioError):
            await self.work.save()
        self.site.troubles.clear()

    async def poison(self, *, is_new: bool) -> None:
        """Save with a change that is refused: it is named, and the table stays as it was."""
        await self.work.save()
        before = self.table()
        if is_new:
            bad = self.work.add("Contact", {"AccountId": uuid4()})
        else:
            bad = self.work.attach("Contact", {"Id": uuid4()})
            bad["Name"] = "x"
        others = [self.work.add("Account", {"Name": "with it"}) for _ in range(2)]
        with pytest.raises(SaveError) as caught:
            await self.work.save()
        assert caught.value.change is not None
        assert caught.value.change.id == bad.id
        assert self.table() == before
        for row in [bad, *others]:
            self.work.detach(row)

    def table(self) -> dict[str, dict[str, Any]]:
        """Return what the site has of the rows that are followed here."""
        found: dict[str, dict[str, Any]] = {}
        for entity_set, lookups in LOOKUPS.items():
            for row in self.site.rows(entity_set):
                if row["Name"] not in SEEDED:
                    values = {column: row[column] for column in COLUMNS}
                    leads = {n: None if row[n] == ZERO else row[n] for n in lookups}
                    assert row["Id"] not in found
                    found[row["Id"]] = values | leads
        return found

    def check(self) -> None:
        """Compare the site with the table beside it, and the rows with both."""
        assert self.table() == self.meant
        assert self.work.pending == ()
        for row in self.rows:
            meant = self.meant[row.id]
            shown = {name: None if row.get(name) == ZERO else row.get(name) for name in meant}
            assert shown == meant


@pytest.mark.parametrize("service", ["odata", "odata3"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sequence=st.lists(steps, max_size=25))
def test_any_sequence_of_changes_and_failures_leaves_the_table_as_meant(
    service: str, sequence: list[tuple[Any, ...]]
) -> None:
    async def run() -> None:
        with Emulator() as site:
            async with client(site) as crm:
                trial = Trial(site, getattr(crm, service).unit_of_work())
                for step in sequence:
                    await trial.do(step)
                await trial.save([], [])

    asyncio.run(run())


@define
class Unnamed:
    """Rows that are told by their names, which are all different: nobody knows their ids."""

    site: Emulator
    work: UnitOfWork
    rows: list[TrackedRow] = field(factory=list[TrackedRow])
    names: int = 0

    async def do(self, step: tuple[Any, ...]) -> None:
        """Carry out a step."""
        match step:
            case "add", entity_set:
                self.names += 1
                self.rows.append(self.work.add(entity_set, {"Name": f"new {self.names}"}))
            case "link", place, other, lookup if self.rows:
                row, target = (self.rows[each % len(self.rows)] for each in (place, other))
                column = LOOKUPS[row.entity_set][lookup % len(LOOKUPS[row.entity_set])]
                if target.entity_set == TARGETS[column]:
                    row[column] = target
            case "assign", place, _, value if self.rows:
                self.rows[place % len(self.rows)]["Phone"] = value
            case "save", outer, inner:
                for trouble in outer:
                    self.site.troubles.add(trouble, path="$batch")
                for trouble in inner:
                    self.site.troubles.add(trouble, method="POST", inner=True)
                with suppress(CreatioError):
                    await self.work.save(atomic=bool(len(outer) % 2))
                self.site.troubles.clear()
                await self.settle()
            case _:
                pass

    async def settle(self) -> None:
        """Look, as a user would, what became of the rows that are in doubt; save the rest."""
        for row in [row for row in self.rows if row.state is EntityState.UNKNOWN]:
            self.work.detach(row)
            there = self.found(row)
            again = (
                self.work.attach(row.entity_set, {**row, "Id": there["Id"]})
                if there is not None
                else self.work.add(row.entity_set, dict(row))
            )
            self.rows[self.rows.index(row)] = again
            for other in self.rows:
                for column in LOOKUPS[other.entity_set]:
                    if other.get(column) is row:
                        other[column] = again
        with suppress(UnknownOutcomeError):
            await self.work.save()
            self.check()

    def found(self, row: TrackedRow) -> dict[str, Any] | None:
        """Return what the site has of a row; it never has it twice."""
        rows = [each for each in self.site.rows(row.entity_set) if each["Name"] == row["Name"]]
        assert len(rows) <= 1
        return rows[0] if rows else None

    def check(self) -> None:
        """Compare the site with the rows."""
        assert self.work.pending == ()
        for row in self.rows:
            there = self.found(row)
            assert there is not None
            assert there["Id"] == row.id
            for column in ("Phone", *LOOKUPS[row.entity_set]):
                if column in row:
                    assert there[column] == row[column]


@pytest.mark.parametrize("service", ["odata", "odata3"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sequence=st.lists(steps, max_size=20), format_=st.sampled_from(["json", "multipart"]))
def test_no_row_whose_id_the_server_makes_is_ever_created_twice(
    service: str, sequence: list[tuple[Any, ...]], format_: Any
) -> None:
    async def run() -> None:
        with Emulator() as site:
            async with client(site) as crm:
                chosen = format_ if service == "odata" else None
                work = getattr(crm, service).unit_of_work(new_id="server", format=chosen)
                trial = Unnamed(site, work)
                for step in sequence:
                    await trial.do(step)
                await trial.do(("save", [], []))
                trial.check()

    asyncio.run(run())
