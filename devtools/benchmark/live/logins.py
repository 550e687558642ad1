"""An operator's search while strangers try to log in by the dozen, against the same search in quiet."""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from typing import Any

from devtools.benchmark.live import desk
from devtools.benchmark.live.figures import Check, Record, Spread, ms, ratio
from devtools.benchmark.live.stage import Stage
from devtools.local import hidden_fields

ENV = {"TRUSTED_PROXIES": "1"}
"""As behind one proxy, so that strangers can come from many addresses."""

STRANGERS = 50
QUIET_S, FLOOD_S = 20.0, 60.0
QUICK_QUIET_S, QUICK_FLOOD_S = 5.0, 10.0
WARM_S = 2.0
EACH_S = 0.1
"""An operator types, and each time waits so long before the next letter."""

MOST_TIMES = 3.0
"""The median search shall take no longer than so many in quiet."""

FROM = {"one address": "192.0.2.1", "many addresses": "10.0.{}.{}"}


async def _searches(person: desk.Person, for_s: float) -> list[float]:
    took = []
    ends_at = time.perf_counter() + for_s
    n = 0
    while time.perf_counter() < ends_at:
        n += 1
        seconds, _size = await person.get(f"/hotline/matches?q=139{n:08}")
        took.append(seconds)
        await asyncio.sleep(EACH_S)
    return took


async def _flood(url: str, address: str, ready: Any, enough: Any) -> Counter[str]:
    """Wrong logins by so many at once, each again as soon as it is answered; how often each status came."""
    answers: Counter[str] = Counter()

    async def stranger(number: int) -> None:
        tries = 0
        http = desk.session(connector)
        try:
            here = {"X-Forwarded-For": address.format(number, 0)}
            async with http.get(f"{url}/login", headers=here) as page:
                form = hidden_fields(await page.text())
            while not enough.is_set():
                tries += 1
                here = {"X-Forwarded-For": address.format(number, tries % 250)}
                typed = form | {"username": f"op{tries % 150}", "password": f"guess {tries}"}
                async with http.post(f"{url}/login", data=typed, headers=here) as answer:
                    await answer.read()
                    answers[str(answer.status)] += 1
        finally:
            await http.close()

    async with desk.connected() as connector:
        ready.set()
        await asyncio.gather(*(stranger(number) for number in range(STRANGERS)))
    return answers


def _flood_in_process(url: str, address: str, ready: Any, enough: Any, said: "Queue[Any]") -> None:
    said.put(dict(asyncio.run(_flood(url, address, ready, enough))))


@contextmanager
def _strangers(url: str, address: str) -> Iterator[dict[str, int]]:
    """Strangers at work, in a process of their own; afterwards what they were answered."""
    answers: dict[str, int] = {}
    spawn = multiprocessing.get_context("spawn")
    ready, enough, said = spawn.Event(), spawn.Event(), spawn.Queue()
    crowd = spawn.Process(target=_flood_in_process, args=(url, address, ready, enough, said), daemon=True)
    crowd.start()
    try:
        if not ready.wait(30):
            raise TimeoutError("the strangers did not come")
        time.sleep(WARM_S)
        yield answers
        enough.set()
        answers.update(said.get(timeout=60))
    finally:
        enough.set()
        crowd.join(10)
        if crowd.is_alive():
            crowd.kill()


async def _measure(stage: Stage, quick: bool) -> list[Record]:
    quiet_s, flood_s = (QUICK_QUIET_S, QUICK_FLOOD_S) if quick else (QUIET_S, FLOOD_S)
    records: list[Record] = []
    async with desk.staff(stage.system.url, ["op1"]) as (operator,):
        await _searches(operator, WARM_S)
        for name, address in FROM.items():
            quiet = await _searches(operator, quiet_s / 2)
            strangers = _strangers(stage.system.url, address)
            answers = await asyncio.to_thread(strangers.__enter__)
            began = time.perf_counter()
            try:
                flood = await _searches(operator, flood_s)
            finally:
                wall_s = time.perf_counter() - began + WARM_S
                await asyncio.to_thread(strangers.__exit__, None, None, None)
            await asyncio.sleep(WARM_S)
            quiet += await _searches(operator, quiet_s / 2)
            records.append(
                {"from": name, "strangers": STRANGERS, "answers": answers,
                 "a_s": sum(answers.values()) / wall_s,
                 "quiet": Spread.of(quiet).record(), "flood": Spread.of(flood).record(),
                 "ratio_p50": ratio(Spread.of(flood).p50, Spread.of(quiet).p50)}
            )  # fmt: skip
    return records


def measure(stage: Stage, quick: bool) -> list[Record]:
    """In turns with quiet, so that whatever else the machine does meets both."""
    return asyncio.run(_measure(stage, quick))


def show(records: list[Record]) -> None:
    """A line for each flood."""
    print(f"{'':<17} | {'search in quiet, ms':^31} | {'search in the flood, ms':^31} | ratio | logins")
    for r in records:
        figures = " | ".join(
            f"{ms(s['p50']):>7} {ms(s['p95']):>7} {ms(s['p99']):>7} {ms(s['most']):>7}"
            for s in (r["quiet"], r["flood"])
        )
        answers = ", ".join(f"{n} x {status}" for status, n in sorted(r["answers"].items()))
        print(f"{r['from']:<17} | {figures} | {r['ratio_p50']:>5.1f} | {r['a_s']:.0f} a second: {answers}")


def checks(records: list[Record]) -> list[Check]:
    """The aim for each flood."""
    return [
        Check(f"search p50 in searches in quiet, {r['strangers']} log in from {r['from']}", r["ratio_p50"],
              "x", most=MOST_TIMES)
        for r in records
    ]  # fmt: skip
