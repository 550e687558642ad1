"""One storm on one database: start, load, break, settle, audit."""

from __future__ import annotations

import json
import random
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from devtools.chaos.audit import PROMISES, Disturbance, Findings, audit
from devtools.chaos.faults import FAULTS, LARGEST_STEP_S, Undo
from devtools.chaos.probe import Recovery
from devtools.chaos.public import Public
from devtools.chaos.rig import Rig, cannot_mount, running
from devtools.chaos.staff import Ledger, Office
from devtools.chaos.storms import Planned, Storm, plan

PREPARE_S = 35.0
"""So long before the end of a load the system of the next storm begins to start, which takes 15 to 40 s; but
never before two thirds of the load are over."""

SETTLE_S = 180.0
"""The longest wait for what is under way after a storm."""

PAGE = 5000
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Failure|Lost|Timeout))(?=:|$)", re.MULTILINE)


@dataclass(frozen=True)
class Size:
    """How hard and how long. `seconds` of storm; `tasks_per_s`: at most, see Office; `copies` of each
    worker."""

    seconds: float
    tasks_per_s: float
    copies: int = 2


@dataclass
class Weather:
    """Carries out a plan while the system is in use; remembers what was done when."""

    rig: Rig
    seed: int
    ended: Callable[[str], None]
    done: list[Disturbance] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, planned: list[Planned]) -> None:
        """Begin; each lane is a thread of its own."""
        begun = time.monotonic()
        for lane in sorted({one.lane for one in planned}):
            own = [one for one in planned if one.lane == lane]
            thread = threading.Thread(target=self._lane, args=(own, begun), name=f"lane-{lane}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End what still goes on, and begin nothing more."""
        self._over.set()
        self.wait()

    def wait(self) -> None:
        """Until the plan is carried out."""
        for thread in self._threads:
            thread.join()

    def _lane(self, planned: list[Planned], begun: float) -> None:
        for number, one in enumerate(planned):
            if self._over.wait(max(0.0, begun + one.at - time.monotonic())):
                return
            fault, draw = FAULTS[one.kind], random.Random(f"{self.seed}/{one.lane}/{number}")
            started = datetime.now(UTC)
            undo: Undo | None = None
            try:
                undo = fault.start(self.rig, draw)
                self._over.wait(one.seconds)
            except Exception as error:  # two lanes may meet in one process; it is told in the report
                self.failed.append(f"{one.kind}: {type(error).__name__}: {error}")
                continue
            finally:
                if undo is not None:
                    self._put_back(one.kind, undo)
            self.done.append(Disturbance(one.kind, started, datetime.now(UTC)))
            self.ended(one.kind)

    def _put_back(self, kind: str, undo: Undo) -> None:
        """Put it back for certain: what it needs may itself be down just now by the other lane."""
        for _ in range(60):
            try:
                return undo()
            except requests.RequestException:
                time.sleep(0.5)
        raise RuntimeError(f"{kind} could not be put back")


def run(
    storm: Storm, database: str, seed: int, size: Size, keep: Path | None = None,
    turn: AbstractContextManager[Any] | None = None, nearly_over: Callable[[], None] = lambda: None,
) -> dict[str, Any]:  # fmt: skip
    """One storm and its audit, as an entry of `runs` in `build/chaos.json`.

    `keep`: a folder for what the audit has read, and the logs, when a promise is broken. `turn` is held
    while the storm lasts, so that of several runs one at a time is under load: what follows is waiting
    mostly. `nearly_over` is called when the next may prepare for its own.
    """
    about: dict[str, Any] = {"storm": storm.name, "database": database}
    small_disk = "disk-full" in storm.kinds
    if small_disk and (why := cannot_mount()):
        return about | {"skipped": why}
    begun = time.monotonic()
    with running(database, size.copies, small_disk) as rig, ExitStack() as people:
        ledger = Ledger()
        office, public = Office(rig, ledger, seed, size.tasks_per_s), Public(rig, seed)
        recovery = Recovery(rig, ledger)
        weather = Weather(rig, seed, recovery.after)
        phases = {"start": time.monotonic() - begun}
        with turn or nullcontext():
            started = time.monotonic()
            public.start()
            people.callback(public.stop)
            office.start()
            weather.start(plan(storm, seed, size.seconds, database))
            prepare_s = min(PREPARE_S, size.seconds / 3)
            time.sleep(size.seconds - prepare_s)
            nearly_over()
            time.sleep(prepare_s)
            weather.stop()
            office.stop()
            phases["load"] = time.monotonic() - started
        unsettled = settle(
            rig, lambda: recovery.busy or not public.idle, clocks="clock" in " ".join(storm.kinds)
        )
        recovery.wait()
        phases["settle"] = time.monotonic() - started - phases["load"]
        people.close()
        for name in rig.of("beat"):
            rig.system.stop_one(name)
        record = messages(rig)
        findings = audit(rig.engine(), record, ledger.as_json(), weather.done)
        result = about | _figures(findings) | {
            "seconds": round(time.monotonic() - begun, 1),
            "tasks_per_s": round(findings.tasks / phases["load"], 1),
            "phases": {name: round(seconds, 1) for name, seconds in phases.items()},
            "faults": dict(sorted(Counter(one.kind for one in weather.done).items())),
            "faults_failed": weather.failed,
            "unsettled": unsettled,
            "answers": dict(sorted(public.did.items())),
            "answers_given_up": public.gave_up,
            "restarts": {name: rig.system.supervisor.restarts(name) for name in rig.system.supervisor.names},
            "errors_logged": errors_logged(rig),
            "recoveries": recovery.seconds,
            "recovery_seconds": {kind: spread(values) for kind, values in sorted(recovery.seconds.items())},
        }  # fmt: skip
        if keep is not None and not findings.ok:
            _keep(keep / f"{storm.name}-{database}", rig, record, ledger, weather, findings)
    return result


def _figures(findings: Findings) -> dict[str, Any]:
    broken = findings.broken
    return {
        "requests": findings.requests,
        "tasks": findings.tasks,
        "messages": findings.messages,
        "texts": findings.texts,
        "task_states": findings.states,
        **{promise: len(broken[promise]) for promise in PROMISES},
        "duplicates": broken["duplicate_sms"],
        "broken": {promise: broken[promise][:20] for promise in PROMISES if broken[promise]},
    }


def spread(values: list[float | None]) -> dict[str, float | int | None]:
    """p50, p95 and maximum of what was measured, and how often; `not_seen`: so often it never came."""
    seen = sorted(value for value in values if value is not None)
    if not seen:
        return {"p50": None, "p95": None, "max": None, "n": 0, "not_seen": len(values)}
    p95 = statistics.quantiles(seen, n=20, method="inclusive")[-1] if len(seen) > 1 else seen[0]
    return {
        "p50": round(statistics.median(seen), 2),
        "p95": round(p95, 2),
        "max": round(seen[-1], 2),
        "n": len(seen),
        "not_seen": len(values) - len(seen),
    }


def errors_logged(rig: Rig) -> dict[str, dict[str, int]]:
    """The exceptions in the logs of the product, by process and kind: what it said while it was broken."""
    found = {}
    for name in rig.product:
        kinds = Counter(_EXCEPTION.findall(rig.system.log(name)))
        if kinds:
            found[name] = dict(kinds.most_common())
    return found


# -- after the storm -----------------------------------------------------------------------------------


def settle(rig: Rig, busy: Callable[[], bool], clocks: bool, patience_s: float = SETTLE_S) -> list[str]:
    """Wait until nothing is under way: what still is when patience ends.

    `busy`: whether people still mean to do something. `clocks`: some were wrong, so that rows may be due
    as much later; all clocks are put forward together then, as if that time had passed.
    """
    ahead = LARGEST_STEP_S + 60 if clocks else 0
    if clocks:
        for name in rig.product:
            rig.step_clock(name, ahead)
    deadline = time.monotonic() + patience_s
    quiet = 0
    while True:
        try:
            with rig.engine().connect() as connection:
                waits = waiting(connection, ahead)
        except SQLAlchemyError as error:
            waits = [f"the database does not answer: {type(error).__name__}"]
        if busy():
            waits.append("people still mean to do something")
        quiet = 0 if waits else quiet + 1
        if quiet >= 3:  # what somebody has just done may have made new work
            return []
        if time.monotonic() > deadline:
            return waits
        time.sleep(1.0)


def waiting(connection: Connection, ahead_s: float = 0) -> list[str]:
    """What the system itself has still to do, by its database; with clocks that are so much ahead."""
    now = datetime.now(UTC).timestamp() + ahead_s
    moment = datetime.fromtimestamp(now, UTC)
    if connection.dialect.name == "sqlite":
        moment = moment.replace(tzinfo=None)
    questions = {
        "messages not at their end": (
            "SELECT count(*) FROM message WHERE state IN ('queued', 'sending', 'unknown')"
        ),
        "tasks due": "SELECT count(*) FROM task WHERE look_again_at <= :now",
        "open tasks on nobody's list": (
            "SELECT count(*) FROM task WHERE state = 'open' AND NOT EXISTS "
            "(SELECT 1 FROM attention WHERE attention.task_id = task.id AND resolved_at IS NULL)"
        ),
        "live offers": "SELECT count(*) FROM offer WHERE state IN ('queued', 'sent') AND expires_at <= :now",
    }
    found = []
    for what, query in questions.items():
        bound = {"now": moment} if ":now" in query else {}
        if count := connection.scalar(text(query), bound):
            found.append(f"{count} {what}")
    return found


def messages(rig: Rig) -> list[dict[str, Any]]:
    """Everything on the phones, read in pages."""
    found: list[dict[str, Any]] = []
    while True:
        answer = requests.get(
            f"{rig.system.phones_url}/api/messages",
            params={"since": len(found), "limit": PAGE}, timeout=60,
        ).json()  # fmt: skip
        found += answer["messages"]
        if not answer["more"]:
            return found


def _keep(
    folder: Path, rig: Rig, record: list[dict[str, Any]], ledger: Ledger, weather: Weather, findings: Findings
) -> None:
    """Everything needed to look into a broken promise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(json.dumps(record, ensure_ascii=False))
    (folder / "ledger.json").write_text(json.dumps(ledger.as_json()))
    faults = [f"{one.begun.isoformat()} {one.ended.isoformat()} {one.kind}" for one in weather.done]
    (folder / "faults.txt").write_text("\n".join(faults) + "\n")
    (folder / "broken.json").write_text(json.dumps(findings.broken, ensure_ascii=False, indent=1))
    for name in rig.system.supervisor.names:
        (folder / f"{name}.log").write_text(rig.system.log(name))
    with rig.engine().connect() as connection:
        for table in ("message", "task", "event", "offer", "assignment", "attention", "message_receipt"):
            rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).mappings()  # noqa: S608
            with (folder / f"{table}.jsonl").open("w") as file:
                file.writelines(json.dumps(dict(row), default=str, ensure_ascii=False) + "\n" for row in rows)
