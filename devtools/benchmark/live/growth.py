"""How the save, the plan and the board slow down as the scheme grows, and as its past grows long.

In this process, on the real database, each larger case in turns with the smallest: what counts is the ratio.
"""

import logging
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from flask.testing import FlaskClient

from devtools.benchmark.live import past, people, waiting
from devtools.benchmark.live.figures import Check, Record, Spread, ms, ratio
from devtools.benchmark.live.stage import SQLITE, product
from devtools.postgres import create_database, serving
from dispatcher.clock import utcnow
from dispatcher.database import db, transaction
from dispatcher.models import Staff, Task
from dispatcher.services import accounts, board, dispatching, intake

CAMPUS = 500
"""Volunteers at each."""

FEW = 5
"""Campuses where all are put at a few."""

SIZES = (1_000, 10_000, 100_000)
PAST, QUICK_PAST = 1_000_000, 100_000
REPEATS, QUICK_REPEATS = 15, 7
OPEN_TASKS = 50
MOST_TIMES = 2.0
NAMES = ("save", "plan", "plan anew", "overview", "overview anew", "rows")


@dataclass(frozen=True)
class Case:
    """A scheme: its people, and the closed tasks of its past."""

    what: str
    size: people.Size
    past: int = 0


def cases(quick: bool) -> list[tuple[Case, list[Case]]]:
    """Each smallest case with those that are held against it."""
    sizes = SIZES[:2] if quick else SIZES
    spread = [
        Case(f"{n:,} volunteers, {n // CAMPUS} campuses", _size(n, n // CAMPUS)) for n in sizes
    ]  # fmt: skip
    dense = [Case(f"{n:,} volunteers, {FEW} campuses", _size(n, FEW)) for n in sizes]
    long = QUICK_PAST if quick else PAST
    first = spread[0]
    grown = [*spread[1:], replace(first, what=f"{first.what}, {long:,} closed tasks", past=long)]
    return [(first, grown), (dense[0], dense[1:])]


def _size(volunteers: int, campuses: int) -> people.Size:
    # Two days a week each: two in seven are on duty at any time.
    return people.Size(
        volunteers=volunteers, retirees=volunteers, campuses=campuses, operators=1, days=2, known=True
    )


@dataclass
class Scheme:
    """One case in a database of its own, and what is measured on it."""

    case: Case
    app: Flask
    coordinator: FlaskClient
    loaded_s: float
    calls: int = OPEN_TASKS

    def acts(self) -> dict[str, Callable[[], float]]:
        """What is measured; each gives its seconds. A plan is that of the save before it."""
        return {
            "save": self._save, "plan": self._plan, "overview": self._overview, "rows": self._rows,
            "overview anew": self._overview_anew, "plan anew": self._plan_anew,
        }  # fmt: skip

    # By a process that has found out nothing of it lately (see services/lately.py):

    def _overview_anew(self) -> float:
        with self._nothing_known():
            return self._overview()

    def _plan_anew(self) -> float:
        self._save()
        with self._nothing_known():
            return self._plan()

    @contextmanager
    def _nothing_known(self) -> Iterator[None]:
        known = self.app.extensions.pop("lately", None)
        yield
        if known is not None:
            self.app.extensions["lately"] = known

    def _save(self) -> float:
        self.calls += 1
        with self.app.app_context():
            operator = db.session.get_one(Staff, 1)
            wanted = intake.Wanted("medicine", "soon", None, [{"name": "阿司匹林"}])
            call = intake.Call(secrets.token_hex(8), [wanted], retiree_id=self.calls)
            return _seconds(lambda: intake.save(call, operator, utcnow()))

    def _plan(self) -> float:
        with self.app.app_context():
            newest = db.session.scalars(db.select(Task.id).order_by(Task.id.desc())).first() or 0
            db.session.remove()
            took = _seconds(lambda: dispatching.look(newest, utcnow()))
            db.session.remove()
            assert db.session.get_one(Task, newest).waiting["code"] != "planning", "it was not looked at"
            return took

    def _overview(self) -> float:
        with self.app.app_context():
            return _seconds(lambda: board.overview(db.session(), board.Filter(), utcnow()))

    def _rows(self) -> float:
        def fetch() -> None:
            assert self.coordinator.get("/board/rows").status_code == 200

        return _seconds(fetch)


def _seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def measure_on(database: str, quick: bool) -> list[Record]:
    """All cases on one kind of database."""
    records = []
    with tempfile.TemporaryDirectory(prefix="dispatcher-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        admin_url = "" if database == SQLITE else stack.enter_context(serving(folder))
        for first, grown in cases(quick):
            with _scheme(folder, admin_url, first) as base:
                for case in grown:
                    with _scheme(folder, admin_url, case) as larger:
                        records.append(_against(base, larger, QUICK_REPEATS if quick else REPEATS))
                        print(f"{case.what}: filled in {larger.loaded_s:.0f} s", flush=True)
    return records


def _against(base: Scheme, larger: Scheme, repeats: int) -> Record:
    """Both in turns, so that whatever else the machine does meets both."""
    took: dict[str, tuple[list[float], list[float]]] = {}
    for warm in (True, False):
        for _ in range(2 if warm else repeats):
            for at, scheme in enumerate((base, larger)):
                for name, act in scheme.acts().items():
                    seconds = act()
                    if not warm:
                        took.setdefault(name, ([], []))[at].append(seconds)
    record: Record = {"what": larger.case.what, "against": base.case.what, "loaded_s": larger.loaded_s}
    for name, (few, many) in took.items():
        small, large = Spread.of(few), Spread.of(many)
        record[name] = {
            "small": small.record(),
            "large": large.record(),
            "ratio": ratio(large.p50, small.p50),
        }
    return record


@contextmanager
def _scheme(folder: Path, admin_url: str, case: Case) -> Iterator[Scheme]:
    name = f"growth_{secrets.token_hex(4)}"
    url = create_database(admin_url, name) if admin_url else f"sqlite:///{folder / name}.db"
    env = {
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_hex(16),
        "QUIET_HOURS": "off",
        # Nobody is there to be woken, and nobody need be.
        "REDIS_URL": f"unix://{folder}/no-broker.sock",
        "DATA_DIR": str(folder),
    }
    with product(env) as app:
        # A table comes of this; what the services say of each step would drown it.
        logging.getLogger("dispatcher").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        began = time.monotonic()
        with app.app_context():
            flask_migrate.upgrade()
            with transaction() as tx:
                people.load(tx, case.size)
                if case.past:
                    past.load(tx, case.size, case.past, time.time())
                waiting.write(tx, OPEN_TASKS, 2, utcnow(), held=True)
            with transaction() as tx:
                people.gather(tx)
                origin = accounts.Origin("benchmark", app.permanent_session_lifetime)
                key = accounts.open_login(tx, tx.get_one(Staff, 2), utcnow(), origin)
            client = app.test_client()
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = key, True
            db.session.remove()
        yield Scheme(case, app, client, time.monotonic() - began)


def show(records: list[Record]) -> None:
    """A line for each larger case: medians, and how many times as long as in its smallest."""
    print(f"{'medians in ms (times the smallest case)':<50}" + "".join(f"{name:>18}" for name in NAMES))
    shown = ""
    for r in records:
        if r["against"] != shown:
            shown = r["against"]
            print(f"{shown:<50}" + "".join(f"{ms(r[name]['small']['p50']):>10}{'':8}" for name in NAMES))
        cells = "".join(f"{ms(r[name]['large']['p50']):>10} ({r[name]['ratio']:>4.1f}x)" for name in NAMES)
        print(f"{r['what']:<50}{cells}")


def checks(records: list[Record]) -> list[Check]:
    """Each of them, in each larger case."""
    return [
        Check(f"{name}: {r['what']} against {r['against'].partition(' vol')[0]}", r[name]["ratio"], "x",
              most=MOST_TIMES)
        for r in records for name in NAMES
    ]  # fmt: skip
