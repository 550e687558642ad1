"""From the operator's save to the first offer that the gateway has accepted, and the taps meanwhile.

Beside it, under the same load, the bare way: one row inserted by the bare application, then one bare job
that makes the call.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import celery
from sqlalchemy import func, select

from devtools.benchmark.live import bare_jobs, desk
from devtools.benchmark.live.figures import Check, Record, Spread, ms, ratio
from devtools.benchmark.live.saves import insert
from devtools.benchmark.live.stage import Stage
from dispatcher.database import db
from dispatcher.models import Event, HelpRequest, Message, Task
from dispatcher.rules.settings import is_urgent

GATEWAY_S = 0.1
RATES = (5, 20)
"""Saves a second."""
FOR_S, QUICK_FOR_S, WARM_UP_S = 40.0, 12.0, 5.0
BURST, QUICK_BURST = 500, 200
OPERATORS = 20
HEARD_WITHIN_S = 60.0
"""How long after the last save its offer is waited for."""
PROBE_EVERY_S = 0.5
TAP_EACH = 8
"""Of the offers that arrive, every so many-th is accepted."""

MOST_P50_S, MOST_P99_S = 0.5, 2.0
MOST_BURST_S, MOST_URGENT_S = 15.0, 3.0

BARE_NUMBER = "+86137"


@dataclass(frozen=True)
class First:
    """The first offer of one task that the gateway accepted; moments in Unix seconds.

    `saved`: when the save began its transaction. `looked`: when the plan began its own. `claimed`: when
    the message was about to leave.
    """

    urgent: bool
    saved: float
    looked: float
    claimed: float
    accepted: float


@dataclass
class Load:
    """What one load did: seconds of each save, and the bare way's numbers with when each began."""

    saves: list[float] = field(default_factory=list)
    probes: dict[str, float] = field(default_factory=dict)
    taps: list[float] = field(default_factory=list)
    inserts: list[float] = field(default_factory=list)


def measure(stage: Stage, quick: bool) -> list[Record]:
    """At steady rates, while volunteers accept too, and in a burst."""
    stage.control(api_latency_s=GATEWAY_S)
    for_s = QUICK_FOR_S if quick else FOR_S
    records = [asyncio.run(steady(stage, rate, for_s, taps=False)) for rate in RATES]
    records.append(asyncio.run(_burst(stage, QUICK_BURST if quick else BURST)))
    stage.control()
    return records


async def steady(stage: Stage, rate: float, for_s: float, taps: bool) -> Record:
    """So many saves a second, whether or not the earlier ones have been answered."""
    load = Load()
    names = [f"op{n}" for n in range(1, OPERATORS + 1)]
    async with desk.staff(stage.system.url, names) as people:
        callers = desk.callers(stage.size.retirees)

        async def save(number: int) -> None:
            load.saves.append(await people[number % OPERATORS].save(*next(callers)))

        async with _beside(stage, load, taps):
            await _paced(save, rate, WARM_UP_S)
            warm = _last_request(stage)
            load.saves.clear()
            await _paced(save, rate, for_s)
            wanted = _last_request(stage) - warm
            firsts = await _heard(stage, warm, wanted)
    record = _record(stage, load, firsts, wanted) | {
        "what": f"{rate:g} a second" + (", with taps" if taps else ""), "rate": rate
    }  # fmt: skip
    await asyncio.to_thread(stage.calm)
    return record


async def _burst(stage: Stage, number: int) -> Record:
    """So many saves as fast as the operators can."""
    load = Load()
    names = [f"op{n}" for n in range(1, OPERATORS + 1)]
    async with desk.staff(stage.system.url, names) as people:
        warm = _last_request(stage)
        callers = desk.callers(stage.size.retirees)
        left = iter(range(number))
        began = time.time()

        async def one(person: desk.Person) -> None:
            for _ in left:
                load.saves.append(await person.save(*next(callers)))

        async with _beside(stage, load, taps=False):
            await asyncio.gather(*(one(person) for person in people))
            saved_s = time.time() - began
            firsts = await _heard(stage, warm, number)
    out = [one.accepted - began for one in firsts]
    record = _record(stage, load, firsts, number) | {
        "what": f"burst of {number}",
        "saved_s": saved_s,
        "all_out_s": max(out, default=float("inf")) if len(firsts) == number else None,
        "urgent_since_save_s": Spread.of(f.accepted - f.saved for f in firsts if f.urgent).record(),
        "urgent_since_start_s": Spread.of(f.accepted - began for f in firsts if f.urgent).record(),
    }
    await asyncio.to_thread(stage.calm)
    return record


async def _paced(act: Callable[[int], Awaitable[None]], rate: float, for_s: float) -> None:
    """Begin `act` at even intervals, and wait for the last one's end."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n in range(round(rate * for_s)):
            await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
            group.create_task(_await(act(n)))


async def _await(what: Awaitable[None]) -> None:
    await what


@asynccontextmanager
async def _beside(stage: Stage, load: Load, taps: bool) -> AsyncIterator[None]:
    """While the block lasts, try the bare way now and then, and let volunteers tap if wanted."""
    broker = celery.Celery("bench", broker=f"redis+socket://{stage.system.socket_path}", set_as_current=False)
    async with desk.connected() as connector:
        http = desk.session(connector)
        helpers = [asyncio.create_task(_probe(stage, load, http, broker))]
        if taps:
            helpers.append(asyncio.create_task(_tap(stage, load, http)))
        try:
            yield
        finally:
            for helper in helpers:
                helper.cancel()
            ended = await asyncio.gather(*helpers, return_exceptions=True)
            await http.close()
            broker.close()
    for end in ended:
        if not isinstance(end, asyncio.CancelledError) and isinstance(end, BaseException):
            raise end


async def _probe(stage: Stage, load: Load, http: aiohttp.ClientSession, broker: celery.Celery) -> None:
    for n in range(10**8):
        number = f"{BARE_NUMBER}{n:08}"
        load.probes[number] = time.time()
        load.inserts.append(await insert(http, stage.bare_url))
        broker.send_task(bare_jobs.CALL, (number, "bare"), queue=bare_jobs.QUEUE)
        await asyncio.sleep(PROBE_EVERY_S)


async def _tap(stage: Stage, load: Load, http: aiohttp.ClientSession) -> None:
    """Accept every so many-th offer that arrives."""
    seen, offers = 0, 0
    while True:
        url = f"{stage.system.phones_url}/api/messages?since={seen}"
        async with http.get(url) as answer:
            feed = await answer.json()
        seen = feed["last_seq"]
        for message in feed["messages"]:
            if not message["links"] or "0" not in "".join(message["reply_codes"]):
                continue
            offers += 1
            if offers % TAP_EACH:
                continue
            began = time.perf_counter()
            link = message["links"][0]
            async with http.post(f"{link}/accept", allow_redirects=False) as answer:
                if answer.status != 303:
                    raise RuntimeError(f"not accepted: {answer.status}")
            load.taps.append(time.perf_counter() - began)
        await asyncio.sleep(0.1)


def _last_request(stage: Stage) -> int:
    with stage.app.app_context():
        return db.session.scalar(select(func.max(HelpRequest.id))) or 0


async def _heard(stage: Stage, after: int, wanted: int) -> list[First]:
    """The first offers of requests after number `after`, once there are as many as wanted, or it is late."""
    deadline = time.monotonic() + HEARD_WITHIN_S
    while True:
        firsts = await asyncio.to_thread(_firsts, stage, after)
        if len(firsts) >= wanted or time.monotonic() > deadline:
            return firsts
        await asyncio.sleep(0.5)


def _firsts(stage: Stage, after: int) -> list[First]:
    """From the moments in the database, and the simulator's own record of when it accepted."""
    accepted_at = {m["sid"]: _moment(m["at"]) for m in stage.feed()["messages"]}
    found: dict[int, First] = {}
    with stage.app.app_context():
        for task_id, category, urgency, saved, looked, claimed, gateway_id in _offers(after):
            at = accepted_at.get(gateway_id)
            if at is None or claimed is None:
                continue
            known = found.get(task_id)
            if known is None or at < known.accepted:
                moments = (saved.timestamp(), looked.timestamp(), claimed.timestamp(), at)
                found[task_id] = First(is_urgent(category, urgency), *moments)
        db.session.remove()
    return list(found.values())


def _offers(after: int) -> Iterator[Any]:
    looked = (
        select(Event.task_id, func.min(Event.at).label("at"))
        .where(Event.kind == "wave").group_by(Event.task_id).subquery()
    )  # fmt: skip
    # The minimum loses the column's type, and with it the time zone; the event's own column keeps it.
    query = (
        select(Task.id, Task.category, Task.urgency, HelpRequest.created_at, Event.at,
               Message.claimed_at, Message.gateway_id)
        .join(HelpRequest, HelpRequest.id == Task.request_id)
        .join(looked, looked.c.task_id == Task.id)
        .join(Event, (Event.task_id == Task.id) & (Event.kind == "wave") & (Event.at == looked.c.at))
        .join(Message, (Message.task_id == Task.id) & (Message.kind == "offer"))
        .where(HelpRequest.id > after, Message.gateway_id.is_not(None))
    )  # fmt: skip
    yield from db.session.execute(query).all()


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _record(stage: Stage, load: Load, firsts: list[First], wanted: int) -> Record:
    bare = [
        _moment(m["at"]) - load.probes[m["to"]]
        for m in stage.feed()["messages"]
        if m["to"] in load.probes
    ]  # fmt: skip
    record: Record = {
        "tasks": wanted,
        "unheard": wanted - len(firsts),
        "save": Spread.of(load.saves).record(),
        "total": Spread.of(f.accepted - f.saved for f in firsts).record(),
        "queueing": Spread.of(f.looked - f.saved for f in firsts).record(),
        "planning": Spread.of(f.claimed - f.looked for f in firsts).record(),
        "sending": Spread.of(f.accepted - f.claimed for f in firsts).record(),
        "bare": Spread.of(bare).record(),
        "bare_insert": Spread.of(load.inserts).record(),
    }
    record["ratio_p50"] = ratio(record["total"]["p50"], record["bare"]["p50"])
    if load.taps:
        record["tap"] = Spread.of(load.taps).record()
        record["tap_ratio_p50"] = ratio(record["tap"]["p50"], record["bare_insert"]["p50"])
    return record


def show(records: list[Record]) -> None:
    """A table for each load: the whole way, its parts, the bare way."""
    for r in records:
        print(f"{r['what']}: {r['tasks']} tasks, {r['unheard']} without an offer out in time")
        for name, words in (
            ("save", "the save, as the operator sees it"),
            ("total", "save -> first offer accepted by the gateway"),
            ("queueing", "  save -> the plan's transaction begins"),
            ("planning", "  -> planned, written, woken, claimed"),
            ("sending", f"  -> accepted ({ms(GATEWAY_S)} ms are the gateway's)"),
            ("bare", "bare insert, then bare job, under the same load"),
            ("tap", "a volunteer's accept (POST)"),
            ("bare_insert", "bare insert, under the same load"),
        ):
            if name in r:
                s = r[name]
                print(f"  {words:<50} p50 {ms(s['p50']):>7}  p95 {ms(s['p95']):>7}  p99 {ms(s['p99']):>7} ms")
        if "saved_s" in r:
            out = "not all" if r["all_out_s"] is None else f"{r['all_out_s']:.1f} s"
            urgent = r["urgent_since_save_s"]
            print(
                f"  all saved after {r['saved_s']:.1f} s; all first offers out after: {out};"
                f" urgent ones after {urgent['p50']:.2f} s (median), {urgent['most']:.2f} s (longest)"
                f" from their save, {r['urgent_since_start_s']['most']:.2f} s from the start"
            )
        print()


def checks(records: list[Record]) -> list[Check]:
    """The aims at the highest rate, and of the burst."""
    found = []
    for r in records:
        if r.get("rate") == max(RATES) and "tap" not in r:
            found += [
                Check("save -> first offer, 20 a second, p50", r["total"]["p50"], "s", most=MOST_P50_S),
                Check("save -> first offer, 20 a second, p99", r["total"]["p99"], "s", most=MOST_P99_S),
            ]
        if "saved_s" in r:
            never = float("inf")
            out = never if r["all_out_s"] is None else r["all_out_s"]
            found += [
                Check(f"{r['what']}: all first offers out", out, "s", most=MOST_BURST_S),
                Check(f"{r['what']}: longest of the urgent, from its save", r["urgent_since_save_s"]["most"],
                      "s", most=MOST_URGENT_S),
            ]  # fmt: skip
        found.append(Check(f"{r['what']}: tasks without an offer out", r["unheard"], most=0))
    return found
