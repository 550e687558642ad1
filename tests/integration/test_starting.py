"""What a process does while it starts: the web server loads the application once and forks afterwards, and a
worker loads no more than it needs."""

import subprocess
import sys
from pathlib import Path

from flask import Flask

from devtools.system import ROOT

SAYS_WHAT_IT_DID = """
import gc, importlib, runpy, sys, threading
from types import SimpleNamespace
opened = []
watched = ("socket.connect", "sqlite3.connect")
sys.addaudithook(lambda event, _: opened.append(event) if event in watched else None)
settings = runpy.run_path("gunicorn.conf.py")
master = SimpleNamespace(app_uri="wsgi:app", wsgi=lambda: importlib.import_module("wsgi").app)
settings["when_ready"](SimpleNamespace(app=master))
from dispatcher.database import db
with master.wsgi().app_context():
    pool = db.engine.pool
connections = pool.checkedin() + pool.checkedout()
print(opened, connections, threading.active_count(), gc.isenabled(), gc.get_freeze_count() > 0)
"""
ASKS_WHAT_IS_LOADED = """
import sys, worker
needless = ("dispatcher.web", "dispatcher.cli", "alembic")
print(sorted(name for name in sys.modules if name.startswith(needless)))
"""

READS_WITHOUT_A_DATABASE = """
import gc, worker
gc.unfreeze()
def away():
    raise OSError("the database is away")
worker.indexing.bring_up_to_date = away
worker._load_readings()
print(gc.get_freeze_count() > 0)
"""


def test_loading_the_web_application_connects_to_nothing_and_leaves_no_thread(
    app: Flask, tmp_path: Path
) -> None:
    """Else a connection would be shared, and a thread missing, in every process forked from this one."""
    assert _said(SAYS_WHAT_IT_DID, app, tmp_path) == "[] 0 1 True True"


def test_a_worker_loads_neither_pages_nor_commands(app: Flask, tmp_path: Path) -> None:
    assert _said(ASKS_WHAT_IS_LOADED, app, tmp_path) == "[]"


def test_a_worker_that_cannot_read_keys_settles_all_the_same(app: Flask, tmp_path: Path) -> None:
    assert _said(READS_WITHOUT_A_DATABASE, app, tmp_path) == "True"


def _said(program: str, app: Flask, folder: Path) -> str:
    """What a process of its own says that runs `program` with the settings of `app`."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
        env={
            "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"], "REDIS_URL": app.config["REDIS_URL"],
            "SECRET_KEY": app.config["SECRET_KEY"], "DATA_DIR": str(folder),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]
