"""Messages a second through the outbox, against a bare job that makes the same call and nothing else."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import celery
from sqlalchemy import select

from devtools.benchmark.live import bare_jobs, cpu, waiting
from devtools.benchmark.live.figures import Check, Record, ms, ratio
from devtools.benchmark.live.stage import Stage
from dispatcher import broker
from dispatcher.clock import utcnow
from dispatcher.database import db, transaction
from dispatcher.models import Message
from dispatcher.services import messaging

MESSAGES, QUICK_MESSAGES = 3_000, 1_000
OFFERS_A_TASK = 5
LATENCY_S = 0.1
LEAST_SHARE = 0.70
"""Of the bare job's messages a second."""


@dataclass(frozen=True)
class Run:
    """Messages a second, and the CPU seconds of the worker for each."""

    a_s: float
    cpu_each_s: float


def measure(stage: Stage, quick: bool) -> list[Record]:
    """The outbox with callbacks lost, then with callbacks as in life; the bare job before and after."""
    number = QUICK_MESSAGES if quick else MESSAGES
    stage.control(api_latency_s=LATENCY_S, callbacks_off=True)
    bare = [_bare(stage, number)]
    lost = _outbox(stage, number)
    bare.append(_bare(stage, number))
    stage.control(api_latency_s=LATENCY_S)
    live = _outbox(stage, number)
    stage.control(api_latency_s=LATENCY_S, callbacks_off=True)
    bare.append(_bare(stage, number))
    stage.control()
    return [_record("off", number, lost, bare[:2]), _record("on", number, live, bare[1:])]


def _record(callbacks: str, number: int, run: Run, around: list[Run]) -> Record:
    """One run of the outbox beside the bare runs before and after it."""
    bare_a_s, bare_cpu_s = (sum(getattr(r, f) for r in around) / len(around) for f in ("a_s", "cpu_each_s"))
    return {
        "callbacks": callbacks, "messages": number, "a_s": run.a_s, "bare_a_s": bare_a_s,
        "cpu_each_s": run.cpu_each_s, "bare_cpu_each_s": bare_cpu_s,
        "share": ratio(run.a_s, bare_a_s), "ratio_cpu": ratio(run.cpu_each_s, bare_cpu_s),
    }  # fmt: skip


def _bare(stage: Stage, number: int) -> Run:
    """Messages a second by the bare job, with the text that offers have."""
    body = _a_body(stage)
    calls = [(f"+86136{n:08}", body) for n in range(number)]
    try:
        return _rate(
            stage,
            stage.beside.pid("bare-jobs"),
            bare_jobs.QUEUE,
            bare_jobs.CALL,
            calls,
        )
    finally:
        stage.calm()


def _outbox(stage: Stage, number: int) -> Run:
    """Messages a second by the product."""
    with stage.app.app_context():
        with transaction() as tx:
            waiting.write(tx, number // OFFERS_A_TASK, OFFERS_A_TASK, utcnow(), messages=True)
        ids = db.session.scalars(select(Message.id).where(Message.state == "queued")).all()
        db.session.remove()
    try:
        return _rate(stage, stage.system.pid("sms"), broker.ROUTES["send"], "send", [(i,) for i in ids])
    finally:
        stage.calm()


def _rate(stage: Stage, pid: int, queue: str, job: str, arguments: Sequence[tuple[Any, ...]]) -> Run:
    """Messages a second, from the first wake-up until the gateway has accepted the last."""
    number = len(arguments)
    client = celery.Celery("bench", broker=f"redis+socket://{stage.system.socket_path}", set_as_current=False)
    began, cpu_before = time.time(), cpu.used_s(pid)
    with client.producer_pool.acquire() as producer:
        for one in arguments:
            client.send_task(job, one, queue=queue, producer=producer)
    stage.wait_for(lambda: stage.feed(number - 1)["messages"], f"{number} messages accepted", 300)
    ended = max(datetime.fromisoformat(m["at"]).timestamp() for m in stage.feed()["messages"])
    client.close()
    return Run(number / (ended - began), (cpu.used_s(pid) - cpu_before) / number)


def _a_body(stage: Stage) -> str:
    """The text of an offer."""
    message = Message(kind="offer", language="zh", params=waiting.PARAMS)
    with stage.app.app_context():
        return messaging.rendered(message, utcnow(), "x" * 12)


def show(records: list[Record]) -> None:
    """A line with callbacks and one without."""
    print(f"{'':<9} {'':>8} | {'outbox':^21} | {'bare job':^21} | {'ratio':^11}")
    columns = f"{'a second':>9} {'CPU ms each':>11}"
    print(f"{'callbacks':<9} {'messages':>8} | {columns} | {columns} | {'rate':>5} {'CPU':>5}")
    for r in records:
        print(
            f"{r['callbacks']:<9} {r['messages']:>8,} | {r['a_s']:>9.1f} {ms(r['cpu_each_s']):>11}"
            f" | {r['bare_a_s']:>9.1f} {ms(r['bare_cpu_each_s']):>11}"
            f" | {r['share']:>5.2f} {r['ratio_cpu']:>5.1f}"
        )


def checks(records: list[Record]) -> list[Check]:
    """The aim with callbacks and without."""
    return [
        Check(f"outbox messages/s in bare jobs/s, callbacks {r['callbacks']}", r["share"], "x",
              least=LEAST_SHARE)
        for r in records
    ]  # fmt: skip
