"""What the measurements are made on: the whole system with its people, and the yardsticks beside it."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import requests
from flask import Flask
from sqlalchemy import create_engine, select, text, update

from devtools.benchmark.live import bare_jobs, bare_web, people
from devtools.local import free_port
from devtools.supervisor import ProcessSpec, Supervisor
from devtools.system import ROOT, System
from dispatcher import broker, create_app
from dispatcher.database import db, transaction
from dispatcher.models import Message, Offer, Task
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState, OfferState, TaskState

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BARE = "bare"
PATIENCE_S = 90.0
STAYS_QUIET_S = 0.5

# Nobody runs out of volunteers: what is measured is the machine, not how many may be asked.
SETTINGS = "live_cap = 1000\ndaily_cap = 1000\n"


@dataclass
class Stage:
    """A running system, the product in this process on the same database, and the yardsticks."""

    database: str
    size: people.Size
    system: System
    app: Flask
    bare_url: str
    bare_database: str
    beside: Supervisor
    faults: dict[str, Any] = field(default_factory=dict)

    def control(self, **settings: Any) -> None:
        """Set the simulator's faults; those that aren't named are taken back."""
        self.faults = settings
        self.forget_messages()

    def forget_messages(self) -> None:
        """Empty the simulated phones, and set the faults again, which they forget too."""
        self._post("/api/reset", {})
        self._post("/api/control", self.faults)

    def feed(self, since: int = 0) -> dict[str, Any]:
        """The simulator's own record of messages after number `since`."""
        answer = requests.get(f"{self.system.phones_url}/api/messages", params={"since": since}, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def broker(self) -> redis.Redis:
        """A client of the broker. Close it."""
        return redis.Redis(unix_socket_path=str(self.system.socket_path))

    def calm(self) -> None:
        """End all that is open, as if it had never been, and wait until the workers rest."""
        with self.app.app_context(), transaction() as tx:
            # What isn't on its way yet stays; what is may end as it likes.
            tx.execute(
                update(Message).where(Message.state == str(MessageState.QUEUED))
                .values(state=str(MessageState.FAILED), error_code=NOT_NEEDED, wake_at=None)
            )  # fmt: skip
            tx.execute(
                update(Offer).where(Offer.state.in_([str(OfferState.QUEUED), str(OfferState.SENT)]))
                .values(state=str(OfferState.WITHDRAWN))
            )  # fmt: skip
            tx.execute(
                update(Task).where(Task.ended_at.is_(None))
                .values(state=str(TaskState.CLOSED), ended_at=text("created_at"), look_again_at=None)
            )  # fmt: skip
            tx.execute(text("UPDATE attention SET resolved_at = raised_at WHERE resolved_at IS NULL"))
            tx.execute(text("UPDATE volunteer SET recent_offers = 0, last_asked_at = NULL"))
            tx.execute(text("UPDATE assignment SET ended_at = created_at WHERE ended_at IS NULL"))
        with self.broker() as client:
            client.delete(*_lists())
        self.wait_for(self._rests, "the workers rest")
        with self.app.app_context(), transaction() as tx:
            people.gather(tx)
        self.forget_messages()

    def wait_for(self, check: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
        """The first truthy answer of `check`. Raises TimeoutError naming `what`."""
        deadline = time.monotonic() + patience_s
        while not (found := check()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.database}: not within {patience_s:g} s: {what}")
            time.sleep(0.1)
        return found

    def _rests(self) -> bool:
        """Whether nothing is under way, and nothing was a moment ago."""
        for _ in range(3):
            if not self._idle():
                return False
            time.sleep(STAYS_QUIET_S)
        return True

    def _idle(self) -> bool:
        with self.broker() as client:
            if any(client.llen(name) for name in (*_lists(), bare_jobs.QUEUE)):
                return False
        with self.app.app_context():
            moving = select(Message.id).where(
                Message.state.in_([str(MessageState.QUEUED), str(MessageState.SENDING)])
            )
            return db.session.scalars(moving.limit(1)).first() is None

    def _post(self, path: str, settings: dict[str, Any]) -> None:
        requests.post(self.system.phones_url + path, json=settings, timeout=60).raise_for_status()


@contextmanager
def stage(database: str, size: people.Size, env: dict[str, str] | None = None) -> Iterator[Stage]:
    """The system with `size` people, ready; everything is stopped and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="dispatcher-bench-"))
    settings = folder / "dispatch.toml"
    settings.write_text(SETTINGS)
    system = System(
        folder / "data", free_port(), free_port(),
        {
            "QUIET_HOURS": "off", "DISPATCH_SETTINGS": str(settings), "LOG_LEVEL": "WARNING", "UNDO_S": "0",
        } | (env or {}),
        postgres=database == POSTGRESQL,
    )  # fmt: skip
    try:
        system.prepare()
        with system, product(system.env) as app:
            with app.app_context(), transaction() as tx:
                people.load(tx, size)
                people.gather(tx)
            port = free_port()
            bare_database, beside = _yardsticks(system, folder, port)
            made = Stage(database, size, system, app, f"http://127.0.0.1:{port}", bare_database, beside)
            try:
                made.wait_for(lambda: _answers(made.bare_url), "the bare application answers")
                made.control()
                yield made
            finally:
                beside.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def product(env: dict[str, str]) -> Iterator[Flask]:
    """The product in this process, configured by `env`."""
    before = dict(os.environ)
    os.environ.update(env)
    try:
        app = create_app()
        try:
            yield app
        finally:
            with app.app_context():
                db.engine.dispose()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _yardsticks(system: System, folder: Path, port: int) -> tuple[str, Supervisor]:
    """Start the bare application and the bare worker, on the servers of `system`."""
    url = f"sqlite:///{folder / 'bare.db'}"
    if system.postgres is not None:
        system.postgres.ensure(BARE)
        url = system.postgres.url(BARE)
    env = system.env | {
        "DATABASE_URL": url,
        "PORT": str(port),
        "BARE_URL": f"http://127.0.0.1:{port}",
        "BARE_BROKER": f"redis+socket://{system.socket_path}",
    }
    engine = create_engine(url)
    bare_web.Base.metadata.create_all(engine)
    engine.dispose()
    package = "devtools.benchmark.live"
    beside = Supervisor(
        [
            ProcessSpec(
                "bare-web",
                (
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "-c",
                    str(ROOT / "gunicorn.conf.py"),
                    f"{package}.bare_web:create_app()",
                ),
                env=env,
                cwd=ROOT,
            ),
            ProcessSpec(
                "bare-jobs",
                (
                    *(sys.executable, "-m", "celery", "-A", f"{package}.bare_jobs:app", "--quiet", "worker"),
                    *("-Q", bare_jobs.QUEUE, "-n", "bare@%h", "--pool", "threads", "-c", "32"),
                    *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"),
                ),
                env=env,
                cwd=ROOT,
            ),
        ],
        folder / "logs",
    )
    beside.start()
    return url, beside


def _lists() -> list[str]:
    return [name for queue in broker.QUEUES for name in broker.lists(queue)]


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/lines", timeout=5).ok
    except requests.ConnectionError:
        return False
