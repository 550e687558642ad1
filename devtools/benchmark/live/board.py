"""The coordinators' board: how long it takes, and how soon two hundred open ones show a new task."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
from sqlalchemy import create_engine, insert, select

from devtools.benchmark.live import bare_web, desk, people, waiting
from devtools.benchmark.live.figures import Check, Record, Spread, ms, ratio
from devtools.benchmark.live.stage import Stage
from dispatcher.clock import utcnow
from dispatcher.database import db, transaction
from dispatcher.models import HelpRequest, Task

OPEN_TASKS = (50, 500, 5_000)
REPEATS, QUICK_REPEATS = 20, 6
MOST_S = 0.2
"""The board with the most open tasks, at the server."""

BOARDS, OPEN_WHILE_LIVE = 200, 200
SAVE_EVERY_S = 0.5
LIVE_FOR_S, QUICK_LIVE_FOR_S = 22.0, 12.0
"""The new tasks must have room on the first page, where they come before those that were open."""

LAST_CHANCE_S = 15.0
MOST_LIVE_S = 1.0
COORDINATORS = 10
"""Accounts; each has many boards open."""

TOGETHER_S, POLL_S = 0.3, 2.0
"""As the page has it: a burst of changes is one refresh; without a stream it asks every so often."""

_TASK = re.compile(rb'id="task-(\d+)"')
LINES = 5_000


def measure(stage: Stage, quick: bool) -> list[Record]:
    """The board alone at each size, then the live boards."""
    _fill_bare(stage)
    records = [asyncio.run(_alone(stage, n, QUICK_REPEATS if quick else REPEATS)) for n in OPEN_TASKS]
    records.append(asyncio.run(_live(stage, QUICK_LIVE_FOR_S if quick else LIVE_FOR_S)))
    return records


def _fill_bare(stage: Stage) -> None:
    engine = create_engine(stage.bare_database)
    with engine.begin() as connection:
        line = {"note": "x" * 60, "at": datetime.now(UTC)}
        connection.execute(insert(bare_web.Line), [line] * LINES)
    engine.dispose()


async def _alone(stage: Stage, tasks: int, repeats: int) -> Record:
    """The page and its rows, one request at a time, in turns with a list of as many bare rows."""
    with stage.app.app_context(), transaction() as tx:
        waiting.write(tx, tasks, 2, utcnow(), held=True)
        people.gather(tx)
    seconds: dict[str, list[float]] = {"page": [], "rows": [], "bare": []}
    size = 0
    async with desk.staff(stage.system.url, ["co1"], "/board") as (coordinator,):
        bare = desk.Person(coordinator.http, stage.bare_url, {})
        for warm in (True, False):
            for _ in range(1 if warm else repeats):
                took = {
                    "page": await coordinator.get("/board"),
                    "rows": await coordinator.get("/board/rows"),
                    "bare": await bare.get(f"/lines?n={tasks}"),
                }
                size = took["rows"][1]
                for name, (second, _size) in took.items():
                    if not warm:
                        seconds[name].append(second)
    await asyncio.to_thread(stage.calm)
    spreads = {name: Spread.of(values) for name, values in seconds.items()}
    return {
        "what": "board", "open_tasks": tasks, "rows_bytes": size,
        "ratio_p50": ratio(spreads["rows"].p50, spreads["bare"].p50),
    } | {name: spread.record() for name, spread in spreads.items()}  # fmt: skip


@dataclass
class _Board:
    """One open board: what it has shown first when (task id to Unix seconds), and whether by stream."""

    http: aiohttp.ClientSession
    url: str
    shown: dict[int, float] = field(default_factory=dict)
    streaming: bool = False
    refused: bool = False
    brought: int = 0
    pulls: int = 0
    unchanged: int = 0
    _brought: bytes = b""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self) -> None:
        """As the page does: what the stream brings, or asking where there is none; never to end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._refresh())

    async def _listen(self) -> None:
        forever = aiohttp.ClientTimeout(total=None)
        async with self.http.get(f"{self.url}/board/stream?rows=1", timeout=forever) as answer:
            self.streaming = answer.status == 200
            text = b""
            # In pieces, not line by line: two hundred readers must not be what is measured.
            async for piece in answer.content.iter_any():
                *events, text = (text + piece).split(b"\n\n")
                for event in events:
                    if event.startswith(b"event: rows"):
                        self._brought = event
                        self._changed.set()
        self.refused = not self.streaming
        self.streaming = False
        while True:
            self._changed.set()
            await asyncio.sleep(POLL_S)

    async def _refresh(self) -> None:
        tag, last = "", 0.0
        while True:
            await self._changed.wait()
            await asyncio.sleep(max(0.0, last + TOGETHER_S - time.monotonic()))
            self._changed.clear()
            last = time.monotonic()
            body, self._brought = self._brought, b""
            if body:
                self.brought += 1
            else:
                headers = {"If-None-Match": tag} if tag else {}
                async with self.http.get(f"{self.url}/board/rows", headers=headers) as answer:
                    body = await answer.read()
                    self.pulls += 1
                    self.unchanged += answer.status == 304
                    if answer.status == 200:
                        tag = answer.headers.get("ETag", "")
            now = time.time()
            for found in _TASK.findall(body):
                self.shown.setdefault(int(found), now)


async def _live(stage: Stage, for_s: float) -> Record:
    """Saves now and then, and when each of the open boards has got them."""
    with stage.app.app_context(), transaction() as tx:
        waiting.write(tx, OPEN_WHILE_LIVE, 2, utcnow(), held=True)
    saved: dict[int, float] = {}
    saves: list[float] = []
    bare: list[float] = []
    names = [f"co{n}" for n in range(1, COORDINATORS + 1)]
    async with (
        desk.staff(stage.system.url, names, "/board") as coordinators,
        desk.staff(stage.system.url, ["op1"]) as (operator,),
        desk.connected() as connector,
    ):
        watcher = desk.session(connector)
        boards = [_Board(coordinators[n % COORDINATORS].http, stage.system.url) for n in range(BOARDS)]
        async with _following(boards):
            await asyncio.sleep(3.0)
            first = await asyncio.to_thread(_newest_request, stage)
            began = time.monotonic()
            # Not those who have a task open already.
            for n in range(round(for_s / SAVE_EVERY_S)):
                await asyncio.sleep(max(0.0, began + n * SAVE_EVERY_S - time.monotonic()))
                saves.append(await operator.save(OPEN_WHILE_LIVE + n + 1))
                saved[first + n + 1] = time.time()
                asked = time.perf_counter()
                async with watcher.get(f"{stage.bare_url}/lines?n={OPEN_WHILE_LIVE}") as answer:
                    await answer.read()
                bare.append(time.perf_counter() - asked)
            await asyncio.sleep(LAST_CHANCE_S)
        await watcher.close()
    tasks = await asyncio.to_thread(_tasks, stage, first)
    waits = {True: list[float](), False: list[float]()}
    missing = 0
    for request_id, at in saved.items():
        for board in boards:
            shown = board.shown.get(tasks[request_id])
            missing += shown is None
            if shown is not None:
                waits[not board.refused].append(max(0.0, shown - at))
    await asyncio.to_thread(stage.calm)
    return {
        "what": "live", "boards": BOARDS, "by_stream": sum(not b.refused for b in boards),
        "saves": len(saved), "missing": missing,
        "brought": sum(b.brought for b in boards), "pulls": sum(b.pulls for b in boards),
        "unchanged": sum(b.unchanged for b in boards),
        "save": Spread.of(saves).record(), "bare": Spread.of(bare).record(),
        "delay": Spread.of(waits[True] + waits[False]).record(),
        "delay_by_stream": Spread.of(waits[True]).record() if waits[True] else None,
        "delay_by_asking": Spread.of(waits[False]).record() if waits[False] else None,
    }  # fmt: skip


@asynccontextmanager
async def _following(boards: list[_Board]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(board.follow()) for board in boards]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [e for e in ended if not isinstance(e, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"{len(broken)} boards broke, such as: {broken[0]!r}")


def _newest_request(stage: Stage) -> int:
    with stage.app.app_context():
        return db.session.scalars(select(HelpRequest.id).order_by(HelpRequest.id.desc())).first() or 0


def _tasks(stage: Stage, after: int) -> dict[int, int]:
    """The task of each request."""
    with stage.app.app_context():
        query = select(Task.request_id, Task.id).where(Task.request_id > after)
        return dict(db.session.execute(query).tuples().all())


def show(records: list[Record]) -> None:
    """A line for each size, then the live boards."""
    print(f"{'open tasks':>10} {'page p50':>9} {'p95':>7} {'rows p50':>9} {'p95':>7} ms {'kB':>7}"
          f" | {'bare list p50':>13} {'p95':>7} ms | {'rows/bare':>9}")  # fmt: skip
    for r in records:
        if r["what"] == "board":
            page, rows, bare = r["page"], r["rows"], r["bare"]
            print(
                f"{r['open_tasks']:>10,} {ms(page['p50']):>9} {ms(page['p95']):>7} {ms(rows['p50']):>9}"
                f" {ms(rows['p95']):>7}    {r['rows_bytes'] / 1000:>7,.0f} | {ms(bare['p50']):>13}"
                f" {ms(bare['p95']):>7}    | {r['ratio_p50']:>9.1f}"
            )
            continue
        print(
            f"\n{r['boards']} open boards ({r['by_stream']} by stream), {r['saves']} saves;"
            f" rows brought {r['brought']:,} times, fetched {r['pulls']:,} times"
            f" ({r['unchanged']:,} unchanged);"
            f" {r['missing']} rows never arrived"
        )
        for name, words in (
            ("delay", "saved -> on a board"), ("delay_by_stream", "  told by a stream"),
            ("delay_by_asking", "  asking by themselves"), ("save", "the save meanwhile"),
            ("bare", "a bare list of 50 rows meanwhile"),
        ):  # fmt: skip
            if r[name] is not None:
                s = r[name]
                print(
                    f"  {words:<34} p50 {ms(s['p50']):>7}  p95 {ms(s['p95']):>7}"
                    f"  longest {ms(s['most']):>7} ms"
                )


def checks(records: list[Record]) -> list[Check]:
    """The largest board, and the live ones."""
    found = []
    for r in records:
        if r["what"] == "live":
            words = f"{r['boards']} boards, saved -> shown"
            found += [
                Check(f"{words}, p95", r["delay"]["p95"], "s", most=MOST_LIVE_S),
                Check(f"{words}, longest", r["delay"]["most"], "s", most=MOST_LIVE_S),
                Check(f"{words}: rows that never arrived", r["missing"], most=0),
            ]
        elif r["open_tasks"] == max(OPEN_TASKS):
            words = f"with {r['open_tasks']:,} open tasks, p50"
            found += [
                Check(f"board {words}", r["page"]["p50"], "s", most=MOST_S),
                Check(f"board rows {words}", r["rows"]["p50"], "s", most=MOST_S),
            ]
    return found
