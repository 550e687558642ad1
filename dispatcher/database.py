"""The database: sessions that can't write by accident, and one way to write on purpose.

Outside :func:`transaction` the session is *read-only, enforced by the database itself*
(``PRAGMA query_only`` on SQLite, ``READ ONLY`` transactions on PostgreSQL). So a GET can't change
anything, whatever its code does. Inside it, the session holds SQLite's write lock from the first
line (``BEGIN IMMEDIATE``), because a read transaction that turns into a write may be refused
halfway and can't be retried safely.

On PostgreSQL many write at once, and the database may tell one of two that meet to begin again: a
use case is a function marked by :func:`use_case`, which does so. Both databases may go away for a
moment; a use case waits for them.
"""

import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import JSON, Engine, MetaData, Row, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.sql.dml import ReturningInsert

from dispatcher import logs, metrics, private
from dispatcher.broker import WakeUp
from dispatcher.columns import UtcDateTime as UtcDateTime  # migrations that have landed take it from here

BUSY_TIMEOUT_S = 20.0
"""How long a writer waits for SQLite's write lock, in seconds. Transactions last milliseconds."""

PATIENCE_S = 6.0
"""How long a use case waits for a database server that has gone away, in seconds: a restart takes
two, and the gateway gives a webhook fifteen."""

MOST_TRIES = 8
MOST_WAITING_S = 20.0
"""So often, and for so long, a use case begins again because others were first."""

_LOST_RACE = frozenset({"23505", "40001", "40P01", "55P03"})
"""PostgreSQL's SQLSTATE for: somebody else has written the same key, a serialization failure, a
deadlock, a lock that couldn't be had in time. Begun again, a use case sees what the other has done."""

log = logging.getLogger(__name__)

# SQLite's own waiting is a lottery of naps: with many threads at once some never win it. So the
# threads of a process queue here, and only a handful of processes compete for the file.
_sqlite_writer = threading.Lock()


def _forget_the_parents_writer() -> None:
    global _sqlite_writer
    _sqlite_writer = threading.Lock()


os.register_at_fork(after_in_child=_forget_the_parents_writer)

_nap_s = (0.0005, 0.002)
"""How long a process that waits for SQLite's write lock sleeps between two looks at it, from and to."""

_WRITING = "dispatcher_writing"
_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")


class Base(DeclarativeBase):
    """Base of all tables. Constraint names are fixed so that migrations can name them."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_N_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UtcDateTime(),
            dict[str, Any]: JSON(),
            list[dict[str, Any]]: JSON(),
            list[str]: JSON(),
            list[float]: JSON(),
        },
    )


class _ModalSession(FlaskSession):
    """Binds to the read-only or the writing face of the same engine, by what is going on."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        engine = super().get_bind(*args, **kwargs)
        faces = current_app.extensions.setdefault("database_faces", {})
        writing = bool(self.info.get(_WRITING))
        face = faces.get((engine, writing))
        if face is None:
            # One face per mode for good: the session keys its connections by the bind's identity.
            options: dict[str, Any] = {_WRITING: writing}
            if engine.dialect.name == "postgresql":
                options["postgresql_readonly"] = not writing
            face = faces[engine, writing] = engine.execution_options(**options)
        return cast(Engine, face)


db = SQLAlchemy(model_class=Base, session_options={"class_": _ModalSession})


@event.listens_for(Engine, "connect")
def _on_connect(dbapi_connection: Any, _record: Any) -> None:
    if not type(dbapi_connection).__module__.startswith("sqlite3"):
        return
    dbapi_connection.isolation_level = None  # the begin listener below says BEGIN, not the driver
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL, not NORMAL: with NORMAL a power cut can undo a save that the operator was told of.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


@event.listens_for(Engine, "begin")
def _on_begin(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    # Straight to the driver: every page and every job passes here, and SQLAlchemy's way costs ten times
    # as much as these statements do.
    driver = cast(sqlite3.Connection, connection.connection.dbapi_connection)
    writing = connection.get_execution_options().get(_WRITING)
    driver.execute(f"PRAGMA query_only = {'ON' if writing is False else 'OFF'}")
    if writing:
        _begin_writing(connection, driver)
    else:
        driver.execute("BEGIN")


def let_others_first() -> None:
    """To be called once in a process whose transactions nobody waits for. Whoever naps longer comes to the
    lock less often while others want it: those for whom somebody waits are served first, and what gathers
    meanwhile is done in one go."""
    global _nap_s
    _nap_s = (0.002, 0.008)


def _begin_writing(connection: Connection, driver: sqlite3.Connection) -> None:
    """Wait for the write lock in naps of a millisecond or a few.

    SQLite's own naps grow to a tenth of a second, several times as long as a transaction: a process
    that has begun to wait loses again and again to one that has just come.
    """
    driver.execute("PRAGMA busy_timeout = 0")
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    break
            time.sleep(random.uniform(*_nap_s))
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what SQLAlchemy makes of the refusal
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")


@event.listens_for(Engine, "do_connect")
def _wait_for_the_server(dialect: Dialect, _record: Any, args: Any, options: dict[str, Any]) -> Any:
    """A server that is being restarted isn't gone: whoever needs it now waits for it a little. A file that
    isn't there is made for nobody else to read."""
    if dialect.name == "sqlite" and args and args[0] != ":memory:" and not options.get("uri"):
        private.make(str(args[0]))
    if dialect.name != "postgresql":
        return None
    gone = cast(Any, dialect).dbapi.OperationalError
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return dialect.connect(*args, **options)
        except gone:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def use_case(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Mark a function that is one :func:`transaction`, so that it is begun again where that helps.

    That is when another transaction was first (see ``_LOST_RACE``), or when the connection was lost.
    Then nobody knows whether the commit arrived, so what a use case does must be harmless when done
    twice: it asks for the state that it would leave behind, and finds it.
    """

    @wraps(function)
    def whole(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        started = time.monotonic()
        tries = 1
        while True:
            try:
                return function(*args, **kwargs)
            except DBAPIError as error:
                lost = error.connection_invalidated
                raced = getattr(error.orig, "sqlstate", None) in _LOST_RACE
                patient = time.monotonic() - started < (PATIENCE_S if lost else MOST_WAITING_S)
                if not (lost or raced) or not patient or tries >= MOST_TRIES:
                    raise
                metrics.RETRIES.labels("race" if raced else "connection").inc()
                log.info("%s begins again: %s", function.__name__, type(error.orig).__name__)
            tries += 1
            time.sleep(random.uniform(0.0, 0.02 * tries))

    return whole


@contextmanager
def transaction() -> Iterator[Session]:
    """One use case: read, decide, write, commit once; then publish the wake-ups it noted.

    On an exception everything is rolled back and no wake-up leaves. Wake-ups are best-effort: the
    tick finds what they would have announced, so a broker that is down costs time, never work.
    Nesting is an error: a use case is whole or it isn't one. On SQLite the caller is the one writer from
    the first line on.
    """
    session: Session = db.session()
    if session.info.get(_WRITING):
        raise RuntimeError("transaction() inside transaction(): hand the session on instead")
    # A read snapshot can't be upgraded to a write on SQLite; start anew and read again.
    session.rollback()
    session.info[_WRITING] = True
    session.info["wakeups"] = []
    session.info["notes"] = []
    session.info["last"] = {}
    one_writer = db.engine.dialect.name == "sqlite"
    try:
        with _sqlite_writer if one_writer else nullcontext():
            try:
                session.connection()  # on SQLite the wait for the write lock is over now
                yield session
                session.flush()
                last = session.info["last"]
                while last:  # what is written may give cause to more
                    write = next(iter(last))
                    write(session, last.pop(write))
                wakeups, notes = session.info["wakeups"], session.info["notes"]
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        session.info[_WRITING] = False
        del session.info["wakeups"], session.info["notes"], session.info["last"]
    if wakeups:
        current_app.extensions["publisher"].publish(wakeups)
    for note in notes:
        try:
            note()
        except Exception as error:  # noqa: BLE001 (what is done is done, whether or not it could be counted)
            log.error("what has been done could not be noted: %s", logs.origin(error))


def wake(session: Session, job: str, row_id: int, can_wait: bool = False) -> None:
    """Note that `job` should run for this row once this transaction has committed; if it `can_wait`, after
    those that can't."""
    session.info["wakeups"].append(WakeUp(job, row_id, can_wait))


def write_last(session: Session, write: Callable[[Session, list[_T]], None], row: _T) -> None:
    """Keep `row` until all else in this transaction is done; then `write` gets all that were kept for it, and
    writes them in one go. Nothing in the same transaction can read them."""
    session.info["last"].setdefault(write, []).append(row)


def after_commit(session: Session, note: Callable[[], None]) -> None:
    """Count or log something once this transaction has committed; what is rolled back isn't counted."""
    session.info["notes"].append(note)


def insert_new(tx: Session, model: type[Base], rows: list[dict[str, Any]], *key: str) -> Sequence[Row[Any]]:
    """Insert those of `rows` whose unique `key` isn't there yet; the keys of the inserted ones.

    Two transactions may both try: the database lets one of them insert.
    """
    return tx.execute(_insert_new(tx.get_bind().dialect.name, model, key), rows).all()


@cache
def _insert_new(dialect: str, model: type[Base], key: tuple[str, ...]) -> ReturningInsert[Any]:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    columns = [model.__table__.c[name] for name in key]
    return insert(model).on_conflict_do_nothing(index_elements=key).returning(*columns)
