"""The operator's save over HTTP, against one row inserted by a bare application."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from devtools.benchmark.live import cpu, desk
from devtools.benchmark.live.figures import Check, Record, Spread, ms, ratio
from devtools.benchmark.live.stage import Stage

AT_ONCE = (2, 20, 100)
ROUND_S, QUICK_S, ROUNDS = 8.0, 3.0, 2
MOST_TIMES = 4.0
"""The median save shall take no longer than so many bare inserts, with as many at once."""

ALONE, ALL = "workers stopped", "all running"
WORKERS = ("beat", "sms", "dispatch")
NOTE = "x" * 200

Act = Callable[[int], Awaitable[float]]


@dataclass
class Turn:
    """What came of some rounds: seconds each, how long all took, CPU seconds of the web processes."""

    took: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0

    async def take(self, act: Act, at_once: int, for_s: float, pid: int) -> None:
        """So many people, each acting again as soon as the last answer is there."""
        began, cpu_before = time.perf_counter(), cpu.used_s(pid)

        async def one(number: int) -> None:
            while time.perf_counter() - began < for_s:
                self.took.append(await act(number))

        await asyncio.gather(*(one(number) for number in range(at_once)))
        self.wall_s += time.perf_counter() - began
        self.cpu_s += cpu.used_s(pid) - cpu_before

    @property
    def spread(self) -> Spread:
        """Of the seconds each."""
        return Spread.of(self.took)

    @property
    def cpu_each_s(self) -> float:
        """CPU seconds for one."""
        return self.cpu_s / len(self.took)

    def record(self) -> Record:
        """As JSON."""
        return self.spread.record() | {"a_s": len(self.took) / self.wall_s, "cpu_each_s": self.cpu_each_s}


async def insert(http: aiohttp.ClientSession, url: str) -> float:
    """One row in the bare application at `url`; seconds."""
    began = time.perf_counter()
    async with http.post(f"{url}/lines", data={"note": NOTE}) as answer:
        if answer.status != 204:
            raise RuntimeError(f"not inserted: {answer.status}")
    return time.perf_counter() - began


async def _measure(stage: Stage, quick: bool, setting: str) -> list[Record]:
    records = []
    names = [f"op{n}" for n in range(1, max(AT_ONCE) + 1)]
    for_s = QUICK_S if quick else ROUND_S
    async with desk.staff(stage.system.url, names) as operators, desk.connected() as connector:
        bare = desk.session(connector)

        async def save(number: int) -> float:
            return await operators[number].save(*next(callers))

        try:
            for at_once in AT_ONCE:
                ours, bare_s = Turn(), Turn()
                for _ in range(1 if quick else ROUNDS):
                    # In turns, so that whatever else the machine does meets both.
                    bare_web = stage.beside.pid("bare-web")
                    await bare_s.take(lambda _n: insert(bare, stage.bare_url), at_once, for_s, bare_web)
                    callers = desk.callers(stage.size.retirees)
                    await ours.take(save, at_once, for_s, stage.system.pid("web"))
                    await asyncio.to_thread(stage.calm)
                records.append(
                    {"setting": setting, "at_once": at_once, "save": ours.record(), "insert": bare_s.record(),
                     "ratio_p50": ratio(ours.spread.p50, bare_s.spread.p50),
                     "ratio_cpu": ratio(ours.cpu_each_s, bare_s.cpu_each_s)}
                )  # fmt: skip
        finally:
            await bare.close()
    return records


def measure(stage: Stage, quick: bool) -> list[Record]:
    """With the workers at work beside the save, as in life, and with the web processes alone."""
    records = asyncio.run(_measure(stage, quick, ALL))
    for name in WORKERS:
        stage.system.stop_one(name)
    try:
        records += asyncio.run(_measure(stage, quick, ALONE))
    finally:
        for name in reversed(WORKERS):
            stage.system.start_one(name)
        stage.system.wait_ready(60)
    return records


def show(records: list[Record]) -> None:
    """A line for each number of operators."""
    columns = f"{'a second':>9} {'p50':>7} {'p95':>7} {'p99':>7} {'CPU':>6}"
    print(f"{'':<15} {'':>7} | {'saves, ms':^40} | {'bare inserts, ms':^40} | {'ratio':^11}")
    print(f"{'':<15} {'at once':>7} | {columns} | {columns} | {'p50':>5} {'CPU':>5}")
    for r in records:
        figures = " | ".join(
            f"{s['a_s']:>9.1f} {ms(s['p50']):>7} {ms(s['p95']):>7} {ms(s['p99']):>7} {ms(s['cpu_each_s']):>6}"
            for s in (r["save"], r["insert"])
        )
        print(
            f"{r['setting']:<15} {r['at_once']:>7} | {figures}"
            f" | {r['ratio_p50']:>5.1f} {r['ratio_cpu']:>5.1f}"
        )


def checks(records: list[Record]) -> list[Check]:
    """The aim at each number of operators."""
    return [
        Check(f"save p50 in bare inserts, {r['at_once']} operators, {r['setting']}", r["ratio_p50"],
              "x", most=MOST_TIMES)
        for r in records
    ]  # fmt: skip
