"""Whether anything can still be written: a full disk, or a database that has become read-only.

Nothing is written to the database itself, which would wake every board. Beside an SQLite file, a file without
a name is written; a PostgreSQL server is asked for a sort that doesn't fit into its memory, which it does on
its own disk.
"""

import logging
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

from flask import current_app
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher import logs

KNOWN_FOR_S = 1.0
"""So long, in seconds, an answer is believed: anybody may ask about readiness, as often as they like."""

LOW_BYTES = 500_000_000
"""With less room than this, somebody should make some before there is none."""

_PIECE = bytes(1 << 16)
_SPILLING = (
    text("SET LOCAL work_mem = '64kB'"),
    text("SELECT count(*) FROM (SELECT n FROM generate_series(1, 5000) n ORDER BY md5(n::text)) sorted"),
)
_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool")

log = logging.getLogger(__name__)
_outage = logs.Outage(log, "writing to the disk of the database")


class NotWritable(Exception):
    """The database takes nothing more; why, in a word."""


class _Probe:
    """The last answer, shared by the threads of a process: one of them finds out, the others don't wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._writable = True

    def ask(self, session: Session) -> bool:
        """Whether something can be written."""
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._writable = _find_out(session)
                self._until = time.monotonic() + KNOWN_FOR_S
            finally:
                self._lock.release()
        return self._writable


def writable(session: Session) -> bool:
    """Whether something could be written now. `session`: to be asked last, for on an error it is over."""
    probe: _Probe = current_app.extensions.setdefault("storage_probe", _Probe())
    return probe.ask(session)


def free_bytes() -> int | None:
    """The room left where this machine keeps its data; None if it can't be known."""
    try:
        return shutil.disk_usage(current_app.config["DATA_DIR"]).free
    except OSError:
        return None


def _find_out(session: Session) -> bool:
    engine = session.get_bind().engine
    try:
        if engine.dialect.name == "sqlite":
            _try_file(engine)
        else:
            _try_server(session)
    except (OSError, sqlite3.Error, SQLAlchemyError, NotWritable) as error:
        _outage.away(os.strerror(error.errno) if isinstance(error, OSError) and error.errno else _name(error))
        return False
    _outage.back()
    return True


def _name(error: Exception) -> str:
    return str(error) if isinstance(error, NotWritable) else type(getattr(error, "orig", error)).__name__


def _try_file(engine: Engine) -> None:
    path = engine.url.database
    if not path or path == ":memory:":
        return
    with tempfile.TemporaryFile(dir=Path(path).parent, buffering=0) as piece:
        written = piece.write(_PIECE)
        if written is None or written < len(_PIECE):
            raise NotWritable("no room")
    connection = sqlite3.connect(
        f"{Path(path).resolve().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None
    )
    try:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version}")  # refused where it may only be read
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith("SQLITE_BUSY"):  # somebody is writing: so one can
            raise
    finally:
        connection.close()


def _try_server(session: Session) -> None:
    if session.execute(_READ_ONLY).scalar_one():
        raise NotWritable("read-only")
    for statement in _SPILLING:
        session.execute(statement)
