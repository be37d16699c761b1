import asyncio
from statistics import median

import pytest
from attrs import define, field

from creatio_async.emulator import Emulator, LogNormal

from .caller import Caller, caller_of, socket_caller


@define
class Clock:
    """Time that passes when `pass_on` says so: who sleeps is woken in order."""

    now: float = 0.0
    sleepers: list[tuple[float, asyncio.Event]] = field(factory=list[tuple[float, asyncio.Event]])
    slept: list[float] = field(factory=list[float])

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed."""
        self.slept.append(seconds)
        woken = asyncio.Event()
        self.sleepers.append((self.now + seconds, woken))
        await woken.wait()

    async def run(self, *work: "asyncio.Task[object]") -> None:
        """Let time pass until all of *work* is done."""
        while True:
            for _ in range(50):  # whoever is awake goes on until all sleep
                await asyncio.sleep(0)
            if all(task.done() for task in work):
                return
            self.sleepers.sort(key=lambda sleeper: sleeper[0])
            self.now, woken = self.sleepers.pop(0)
            woken.set()


async def ask(crm: Caller, clock: Clock, done: list[float]) -> None:
    assert (await crm.odata("GET", "Contact?$top=1")).status == 200
    done.append(clock.now)


async def asked_at_once(clock: Clock, *callers: Caller) -> list[float]:
    """Let the callers ask at the same moment; return when each was answered."""
    done: list[float] = []
    began = clock.now
    await clock.run(*[asyncio.create_task(ask(crm, clock, done)) for crm in callers])
    return [at - began for at in done]


async def logged_in(emulator: Emulator, clock: Clock) -> Caller:
    caller = caller_of(emulator)
    await clock.run(asyncio.create_task(caller.login()))
    return caller


async def test_workers_that_are_too_few_let_requests_wait() -> None:
    clock = Clock()
    with Emulator(workers=2, service_time=1.0, sleep=clock.sleep) as emulator:
        crm = await logged_in(emulator, clock)
        assert await asked_at_once(clock, *[crm] * 5) == [1, 1, 2, 2, 3]
        assert emulator.most_at_once == 5


async def test_the_requests_of_a_session_go_one_after_another_and_those_of_others_beside() -> None:
    clock = Clock()
    with Emulator(serial_sessions=True, service_time=1.0, sleep=clock.sleep) as emulator:
        one, other = await logged_in(emulator, clock), await logged_in(emulator, clock)
        assert await asked_at_once(clock, one, one, one, other, other) == [1, 1, 2, 2, 3]
        anyone = [asyncio.create_task(caller_of(emulator).login()) for _ in range(3)]
        began = clock.now
        await clock.run(*anyone)
        assert clock.now - began == 1.0  # a login has no session to wait for


async def test_latency_is_waited_for_on_the_way_and_holds_no_worker() -> None:
    clock = Clock()
    with Emulator(workers=1, latency=5.0, service_time=1.0, sleep=clock.sleep) as emulator:
        crm = await logged_in(emulator, clock)
        assert await asked_at_once(clock, crm, crm) == [6, 7]


async def times_of(seed: int, count: int = 400) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with Emulator(service_time=LogNormal(0.02, 0.5, seed), sleep=sleep) as emulator:
        crm = caller_of(emulator)
        for _ in range(count):
            await crm.odata("GET", "City")
    return slept


async def test_service_times_are_log_normal_and_the_same_for_the_same_seed() -> None:
    times = await times_of(1)
    assert times == await times_of(1)
    assert times != await times_of(2)
    assert 0.018 < median(times) < 0.022
    assert 0.02 < sum(time > 0.02 * 2.3 for time in times) / len(times) < 0.08


async def test_a_caller_who_goes_away_leaves_its_work_and_its_worker_behind() -> None:
    begun, held = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        begun.set()
        await held.wait()

    with Emulator(workers=1, service_time=1.0, sleep=sleep) as emulator:
        async with socket_caller(emulator) as crm:
            gone = asyncio.create_task(crm.login())
            await begun.wait()
            gone.cancel()
            await asyncio.wait([gone])
            held.set()  # as on Creatio, which works on
            assert (await crm.login()).status == 200
            assert emulator.logins == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [({"workers": 0}, "workers"), ({"service_time": -1.0}, "median"), ({"latency": -1}, "latency")],
)
def test_a_load_that_makes_no_sense_is_a_mistake(options: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Emulator(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sigma"):
        LogNormal(1.0, -1.0)
