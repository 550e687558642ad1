"""Readiness sees a disk that is full, a database that takes nothing, and one that is only busy."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import flask_migrate
import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from devtools.chaos.rig import cannot_mount, mounted
from devtools.postgres import create_database, serving
from dispatcher.database import db
from dispatcher.models import Attention
from dispatcher.services import board, health, storage, watching
from tests.databases import HASTY
from tests.integration.conftest import as_new, make_app, now

SIZE_MB = {"sqlite": 8, "postgresql": 160}


@contextmanager
def _on_a_small_disk(database: str, place: Path) -> Iterator[Flask]:
    """An application whose database is on a file system of its own at `place`."""
    with mounted(place, SIZE_MB[database]):
        if database == "sqlite":
            yield from _migrated(f"sqlite:///{place}/dispatcher.db")
            return
        with serving(place, HASTY | {"min_wal_size": "32MB", "max_wal_size": "32MB"}) as admin_url:
            yield from _migrated(create_database(admin_url, "small"))


def _migrated(url: str) -> Iterator[Flask]:
    app = make_app(url)
    with as_new(app):
        with app.app_context():
            flask_migrate.upgrade()
        yield app


def _fill(place: Path) -> Path:
    """Leave no byte of a file system."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):  # no space left on the device
                while True:
                    file.write(bytes(size))
    return ballast


def _check(app: Flask) -> health.Health:
    """What is so now, not a second ago."""
    app.extensions.pop("storage_probe", None)
    return health.check(now())


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=False)
def test_a_full_disk_is_seen_and_so_is_room(database: str, caplog: pytest.LogCaptureFixture) -> None:
    if why := cannot_mount():
        pytest.skip(why)
    with (
        TemporaryDirectory(prefix="dispatcher-small-") as home,
        _on_a_small_disk(database, Path(home)) as app,
    ):
        with app.app_context():
            before = _check(app)
            assert (before.database, before.writable) == (True, True)
        ballast = _fill(Path(home))
        with app.app_context():
            full = _check(app)
            assert (full.database, full.writable, full.ready) == (True, False, False)
            assert not _check(app).writable
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["writable"]) == (503, False)  # type: ignore[index]
        ballast.unlink()
        with app.app_context():
            assert _check(app).writable
    said = [r.getMessage() for r in caplog.records if r.name == storage.__name__]
    assert ["away" in said[0], "back" in said[-1], len(said)] == [True, True, 2]


def test_a_database_that_has_become_read_only_is_seen(app: Flask) -> None:
    with app.app_context():
        assert _check(app).writable
        if db.engine.dialect.name == "postgresql":
            for setting, right in (("on", False), ("off", True)):
                db.session.remove()
                db.engine.dispose()
                with psycopg.connect(app.config["SQLALCHEMY_DATABASE_URI"], autocommit=True) as server:
                    server.execute("SET default_transaction_read_only = off")
                    name = sql.Identifier(server.info.dbname)
                    change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
                    server.execute(change.format(name, sql.SQL(setting)))
                assert _check(app).writable == right
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("sqlite3.connect", _read_only(sqlite3.connect))
                assert not _check(app).writable
        assert _check(app).writable


def _read_only(connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
    """As on a file system mounted read-only: root may write whatever the file's mode says."""

    def opened(place: str, **options: Any) -> sqlite3.Connection:
        return connect(place.replace("mode=rw", "mode=ro"), **options)

    return opened


def test_one_who_holds_the_lock_does_not_hold_readiness_up(app: Flask) -> None:
    """On SQLite the lock of all writers, on PostgreSQL one on the tables: that is no health."""
    with app.app_context():
        sqlite = db.engine.dialect.name == "sqlite"
        engine = db.engine.execution_options(dispatcher_writing=True)
        with engine.connect() as connection:
            connection.execute(
                text("SELECT 1" if sqlite else "LOCK TABLE task, message IN ACCESS EXCLUSIVE MODE")
            )
            found = _check(app)
            assert (found.database, found.writable) == (sqlite, sqlite)
            connection.rollback()
        assert _check(app).database


def test_to_ask_wakes_no_board_and_only_one_finds_out(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Session] = []
    find_out = storage._find_out

    def counted(session: Session) -> bool:
        asked.append(session)
        return find_out(session)

    monkeypatch.setattr(storage, "_find_out", counted)
    with app.app_context(), db.engine.connect() as watcher:
        before = board.revision(watcher)
        watcher.rollback()
        for _ in range(3):
            assert _check(app).writable
        assert board.revision(watcher) == before
        monkeypatch.setattr(storage, "time", _Still())
        app.extensions.pop("storage_probe", None)
        asked.clear()
        for _ in range(100):
            assert health.check(now()).writable
        assert len(asked) == 1


class _Still:
    """A clock that stands still."""

    def monotonic(self) -> float:
        return 1000.0


def test_little_room_is_told_before_there_is_none(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = select(Attention.reason).where(Attention.resolved_at.is_(None))
    with app.app_context():
        for free, right in ((9e9, []), (1e8, ["disk_low"]), (1e8, ["disk_low"]), (9e9, [])):
            monkeypatch.setattr(storage, "free_bytes", lambda free=free: int(free))
            watching.watch(now())
            db.session.rollback()
            assert db.session.scalars(standing).all() == right
            assert health.check(now()).disk_low == bool(right)
