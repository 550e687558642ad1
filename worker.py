"""The Celery process: `celery -A worker:celery_app worker -Q dispatch` (or sms), and beat."""

import gc
import logging
import os
import threading
from pathlib import Path
from typing import Any

os.umask(0o077)  # what it writes from now on is for its own user only
gc.disable()  # while loading nothing becomes garbage; looking for it would take an eighth of the start

from celery import signals

if os.environ.get("METRICS_TOKEN"):  # before prometheus_client is imported, which decides by it
    folder = Path(os.environ.get("DATA_DIR", "instance")).resolve() / "metrics"
    folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

import tasks
from dispatcher import create_app, database, logs, memory
from dispatcher.rules import names
from dispatcher.services import indexing

log = logging.getLogger(__name__)
logs.play("beat")  # a worker says below who it is
flask_app = create_app(pages=False)
celery_app = flask_app.extensions["celery"]
celery_app.conf.beat_schedule = tasks.SCHEDULE
memory.settle()
gc.enable()
database.let_others_first()


@signals.celeryd_init.connect
def _name_the_worker(sender: str, **_: Any) -> None:
    """By the first part of its name: `-n sms@%h`."""
    logs.play(sender.partition("@")[0])


@signals.worker_ready.connect
def _warm(sender: Any, **_: Any) -> None:
    """SMS are worded in a transaction, which mustn't wait for a dictionary; the others never need it.

    And the replies that came while nothing ran are fetched at once.
    """
    if sender.hostname.startswith("sms"):
        flask_app.extensions["publisher"].publish_scheduled("fetch", (), tasks.SCHEDULE["fetch"]["options"])
        threading.Thread(target=_load_readings, name="warm", daemon=True).start()


def _load_readings() -> None:
    try:
        names.warm()
        # Whoever was taken in by processes of the version before, after the tables were upgraded.
        with flask_app.app_context():
            indexing.bring_up_to_date()
    except Exception as error:  # noqa: BLE001 (the worker serves all the same, with the old keys)
        log.error("search keys can't be brought up to date: %s", logs.origin(error))
    finally:
        memory.settle()


@signals.setup_logging.connect
def _set_up_logging(loglevel: int, **_: Any) -> None:
    """In place of Celery's own: its lines go where all others go, in the same form, as many as `-l` says."""
    logging.getLogger().setLevel(loglevel)
    # What the pool says of its processes; it keeps to itself unless told otherwise.
    pool = logging.getLogger("multiprocessing")
    pool.propagate = True
    pool.setLevel(max(loglevel, logging.WARNING))
    for name in ("celery.worker.strategy", "celery.app.trace"):
        # At "info" they tell of each job that it came and went: four lines a second for tick and sweep.
        logging.getLogger(name).setLevel(max(loglevel, logging.WARNING))
