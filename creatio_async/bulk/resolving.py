"""Names of rows that are referred to, put into ids: many at once, and each only once in a job."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID

from attrs import define, field

from creatio_async.bulk.comparing import meaning
from creatio_async.bulk.creates import Creates
from creatio_async.bulk.entry import Entry, is_open
from creatio_async.bulk.keys import Key
from creatio_async.bulk.lookups import Lookup
from creatio_async.bulk.report import Outcome
from creatio_async.bulk.sending import Sending
from creatio_async.errors import AuthenticationError, BatchError, ResponseError, TransportError
from creatio_async.outcomes import State
from creatio_async.protocol.batch.operations import MAX_OPERATIONS
from creatio_async.protocol.names import as_guid

__all__ = ["with_lookups"]

PlanT = TypeVar("PlanT", bound=Sending)
_UNKNOWN = 0
Failure = TransportError | ResponseError | BatchError


def with_lookups(plan: PlanT, lookups: Mapping[str, Lookup] | None) -> PlanT:
    """Return *plan*, which then finds the values of the columns of *lookups* by names.

    Raises:
        ValueError: Two of them have their names in one place, or the plan writes groups.
        TypeError: One is no `lookup`.
    """
    if not lookups:
        return plan
    if plan.is_atomic:
        raise ValueError("lookups go without atomic: a group is all or nothing, and a name a row's")
    for column, each in lookups.items():
        if not isinstance(each, Lookup):
            raise TypeError(f"lookups[{column!r}] is lookup(...), not {each!r:.80}")
    places = [each.under or column for column, each in lookups.items()]
    if len(set(places)) < len(places):
        raise ValueError(f"each lookup has its names in a place of its own, not {places}")
    plan.resolver = Resolver([_Names(plan, column, each) for column, each in lookups.items()])
    return plan


@define(eq=False)
class _Names:
    """What one lookup column has found out.

    A name is kept as a number of 16 bytes, and so is its id: about 150 bytes for both, however
    long the name is.
    """

    plan: Sending
    column: str
    lookup: Lookup
    key: Key = field(init=False)
    _ids: dict[int, int] = field(init=False, factory=dict[int, int])
    """By name: the id; `_UNKNOWN`; or, below that, how many rows have the name."""
    _made: dict[bytes, int] = field(init=False, factory=dict[bytes, int])
    """The ids of rows that were added, by what a server may take their names for."""
    _making: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _under_way: dict[int, asyncio.Future[None]] = field(
        init=False, factory=dict[int, asyncio.Future[None]]
    )

    def __attrs_post_init__(self) -> None:
        self.key = Key(self.lookup.by)

    async def resolve(self, entries: Sequence[Entry]) -> None:
        """Put ids into the bodies of *entries*; settle those of which the name is none."""
        wanted: dict[int, Any] = {}
        named: list[tuple[Entry, int]] = []
        for entry in entries:
            body = entry.operation.body or {}
            if self.column not in body:
                continue
            value = body[self.column]
            if as_guid(value) is None:
                name = _number(value)
                if name:
                    wanted[name] = value
                    named.append((entry, name))
                else:
                    _put(entry, self.column, None)
        failures = await self._learn(wanted)
        for entry, name in named:
            self._settle(entry, name, failures.get(name))

    def _settle(self, entry: Entry, name: int, failure: Exception | None) -> None:
        found = self._ids.get(name, _UNKNOWN)
        if found > _UNKNOWN:
            _put(entry, self.column, str(UUID(int=found)))
            return
        lookup, outcome = self.lookup, entry.outcome
        value = (entry.operation.body or {})[self.column]
        what = f"row {outcome.index}: {self.column!r} is found by a row of {lookup.entity_set}"
        outcome.state = State.CONFLICT if found < _UNKNOWN else State.FAILED
        if failure is not None:
            outcome.error = ValueError(f"{what}, which could not be asked for: {failure}")
            outcome.error.__cause__ = failure
        else:
            count = f"{-found} have" if found < _UNKNOWN else "none has"
            outcome.error = ValueError(f"{what}, and {count} the {lookup.by} {value!r:.200}")

    async def _learn(self, wanted: Mapping[int, Any]) -> dict[int, Exception]:
        """Find out the ids of *wanted* names; return why some could not be asked for."""
        failures: dict[int, Exception] = {}
        while missing := wanted.keys() - self._ids.keys() - failures.keys():
            mine = {name: wanted[name] for name in missing if name not in self._under_way}
            if not mine:  # others ask for the same; should they fail, it is asked again
                await asyncio.wait({self._under_way[name] for name in missing})
                continue
            done = asyncio.get_running_loop().create_future()
            self._under_way.update(dict.fromkeys(mine, done))
            try:
                failures |= await self._ask(mine)
            except AuthenticationError:
                raise
            except (TransportError, ResponseError, BatchError) as error:
                failures |= dict.fromkeys(mine, error)
            finally:
                for name in mine:
                    del self._under_way[name]
                done.set_result(None)
        return failures

    async def _ask(self, names: Mapping[int, Any]) -> dict[int, Exception]:
        lookup, key = self.lookup, self.key
        rows = [{lookup.by: value} for value in names.values()]
        found = await self.plan.search(lookup.entity_set, key, rows, ("Id", lookup.by))
        unknown: dict[int, Any] = {}
        for name, value in names.items():
            alike = found.get(self._folded(value), [])
            # Some servers tell texts apart that differ in case, and others do not.
            several = [row for row in alike if meaning(row[lookup.by]) == meaning(value)] or alike
            if len(several) == 1:
                self._ids[name] = UUID(several[0]["Id"]).int
            elif several:
                self._ids[name] = -len(several)
            elif lookup.create:
                unknown[name] = value
            else:
                self._ids[name] = _UNKNOWN
        if not unknown:
            return {}
        async with self._making:
            return await self._make(unknown)

    def _folded(self, value: Any) -> bytes:
        return self.key.of({self.lookup.by: value}) or b""

    async def _make(self, names: Mapping[int, Any]) -> dict[int, Exception]:
        """Add rows with these names, but for those added before; return why some were not."""
        folded = {name: self._folded(value) for name, value in names.items()}
        first: dict[bytes, Any] = {}
        for name, value in names.items():
            if folded[name] not in self._made:
                first.setdefault(folded[name], value)
        failures = await self._create(first)
        for name, key in folded.items():
            if key in self._made:
                self._ids[name] = self._made[key]
        return {name: failures[key] for name, key in folded.items() if key in failures}

    async def _create(self, names: Mapping[bytes, Any]) -> dict[bytes, Exception]:
        plan = self.plan
        creates = Creates(
            plan.service,
            name=self.lookup.entity_set,
            max_bytes=plan.max_bytes,
            format=plan.format,
            is_rehearsal=plan.is_rehearsal,
        )
        entries = creates.prepare(0, [{self.lookup.by: value} for value in names.values()])
        try:
            await _run(creates, entries)
        finally:
            creates.meter.counts_for(plan.meter)
        failures: dict[bytes, Exception] = {}
        for name, entry in zip(names, entries, strict=True):
            outcome = entry.outcome
            if outcome.ok:
                self._made[name] = UUID(outcome.id).int
            else:
                failures[name] = outcome.error or ValueError(f"it is {outcome.state.value}")
        return failures


@define(eq=False)
class Resolver:
    """Puts ids in the place of names, in all columns that are given by names."""

    _names: Sequence[_Names]

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are given by names."""
        return frozenset(names.column for names in self._names)

    def move(self, outcome: Outcome, body: dict[str, Any]) -> None:
        """Put the names into the columns that they are for, where they stand elsewhere.

        Raises:
            ValueError: The column has a value of its own.
        """
        for names in self._names:
            under = names.lookup.under
            if under is not None and under in body and under != names.column:
                if names.column in body:
                    raise ValueError(
                        f"row {outcome.index}: {names.column!r} is found by {under!r}, and has a "
                        "value of its own"
                    )
                body[names.column] = body.pop(under)

    async def resolve(self, entries: Iterable[Entry]) -> None:
        """Put ids into the bodies of *entries*; settle those of which a name is none.

        Raises:
            AuthenticationError: The login was refused.
        """
        for names in self._names:
            await names.resolve([entry for entry in entries if _is_to_do(entry)])

    def identity(self) -> list[list[Any]]:
        """Return what tells these lookups from others, of values that JSON has."""
        return [
            [each.column, each.lookup.entity_set, each.lookup.by, each.lookup.under]
            for each in self._names
        ]


async def _run(creates: Creates, entries: list[Entry]) -> None:
    """Add *entries*, again where that is needed; nobody else waits for it."""
    parts = [entries[at : at + MAX_OPERATIONS] for at in range(0, len(entries), MAX_OPERATIONS)]
    while parts:
        for later in (await creates.run(parts.pop())).later:
            await creates.service.sender.sleep(later.seconds)
            parts.append(later.entries)


def _number(value: Any) -> int:
    """Return what stands for a name; 0 for an empty one."""
    text = meaning(value)
    return int.from_bytes(blake2b(text, digest_size=16).digest()) if text else 0


def _is_to_do(entry: Entry) -> bool:
    return is_open(entry.outcome) and not entry.is_told


def _put(entry: Entry, column: str, value: str | None) -> None:
    entry.operation.body = {**(entry.operation.body or {}), column: value}
