"""The database says no to writes outside a use case, and its schema is what the models say."""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from dispatcher.broker import WakeUp
from dispatcher.database import db, transaction, wake, write_last
from dispatcher.models import Assignment, Campus, Task
from tests.databases import on
from tests.integration.conftest import PASSWORD, People, dump, now, save_call

# Their order is an expression on PostgreSQL, and each database has its own: Alembic can't compare them.
_RESTED = ("ix_volunteer_rested_", "ix_volunteer_campus_rested_")


@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_the_migrations_make_what_the_models_say(app: Flask) -> None:
    def comparable(_object: Any, name: str | None, kind: str, *_rest: Any) -> bool:
        return not (kind == "index" and name and name.startswith(_RESTED))

    with app.app_context(), db.engine.connect() as connection:
        options = {"compare_type": True, "include_object": comparable}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.metadata) == []
        names = {index["name"] for index in inspect(connection).get_indexes("volunteer")}
        assert {f"{name}{connection.dialect.name}" for name in _RESTED} <= names


@on("sqlite")
def test_sqlite_is_set_up_for_many_writers(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


def test_nothing_can_be_written_outside_a_use_case(app: Flask, people: People) -> None:
    with app.app_context():
        db.session.add(Campus(code="x", name_zh="x", name_en="x", reachable=True))
        with pytest.raises(DBAPIError, match=r"read-?only"):
            db.session.flush()


def test_every_get_route_is_read_only(app: Flask, people: People) -> None:
    """Each GET is really made, logged in, on a database that would refuse a write with an error."""
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
    browser = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    browser.post("/login", data={"username": "co", "password": PASSWORD})
    before = dump(app)
    called = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "board.stream"):
            continue
        values: dict[str, Any] = {
            "task_id": task_id, "retiree_id": people.retiree, "token": "abcdefghijkm", "_act": "cancel",
            "draft_id": 1,
            "step": "page", "act": "pause", "number": 1, "name": "hours",
            "volunteer_id": people.volunteers[0],
        }  # fmt: skip
        with app.test_request_context():
            path = app.url_for(rule.endpoint, **{a: values[a] for a in rule.arguments})
        answer = browser.get(path + ("?q=wang" if "hotline" in path else ""))
        assert answer.status_code < 500 or rule.endpoint == "health.readyz", path
        called.append(rule.endpoint)
        answer.close()
    assert {"board.overview", "board.task", "hotline.person", "volunteer.task"} <= set(called)
    assert dump(app) == before


def test_wake_ups_leave_after_the_commit_and_only_then(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[WakeUp] = []
    monkeypatch.setitem(
        app.extensions, "publisher", type("P", (), {"publish": staticmethod(published.extend)})
    )
    with app.app_context():
        with pytest.raises(RuntimeError, match="on purpose"):
            _wake_and_fail()
        assert published == []
        with transaction() as tx:
            wake(tx, "look", 2)
            assert published == []
        assert published == [WakeUp("look", 2)]


def _wake_and_fail() -> None:
    with transaction() as tx:
        wake(tx, "look", 1)
        raise RuntimeError("on purpose")


def test_what_is_kept_for_the_end_is_written_in_one_go_after_all_else(app: Flask, people: People) -> None:
    written: list[list[int]] = []
    found: list[str] = []

    def write(tx: Session, rows: list[int]) -> None:
        written.append(rows)
        found.extend(tx.scalars(select(Campus.code).where(Campus.code == "late")))
        wake(tx, "look", rows[0])

    published: list[WakeUp] = []
    app.extensions["publisher"] = type("P", (), {"publish": staticmethod(published.extend)})
    with app.app_context():
        with transaction() as tx:
            write_last(tx, write, 7)
            tx.add(Campus(code="late", name_zh="x", name_en="x", reachable=True))
            write_last(tx, write, 8)
            assert written == []
        assert (written, found, published) == ([[7, 8]], ["late"], [WakeUp("look", 7)])
        with pytest.raises(RuntimeError, match="on purpose"):
            _keep_and_fail(write)
        assert written == [[7, 8]]


def _keep_and_fail(write: Callable[[Session, list[int]], None]) -> None:
    with transaction() as tx:
        write_last(tx, write, 9)
        raise RuntimeError("on purpose")


@on("sqlite")
def test_on_sqlite_a_use_case_is_the_one_writer_from_its_first_line(app: Flask) -> None:
    with app.app_context():
        database = sqlite3.connect(db.engine.url.database or "", timeout=0, isolation_level=None)
        with transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
            database.execute("BEGIN IMMEDIATE")
        database.execute("BEGIN IMMEDIATE")
        database.close()


def test_a_use_case_inside_a_use_case_is_refused(app: Flask) -> None:
    with app.app_context(), transaction(), pytest.raises(RuntimeError, match="inside"), transaction():
        pass


def test_two_standing_assignments_are_impossible(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        with pytest.raises(IntegrityError):
            _assign(task_id, *people.volunteers[:2])


def _assign(task_id: int, *volunteer_ids: int) -> None:
    with transaction() as tx:
        for volunteer_id in volunteer_ids:
            tx.add(Assignment(task_id=task_id, volunteer_id=volunteer_id, created_at=now()))


def test_writers_wait_for_each_other(app: Flask, people: People) -> None:
    """Twenty threads add one each to the same number: twenty more, and no "database is locked"."""
    with app.app_context():
        save_call(people)
    errors: list[Exception] = []

    def add_one() -> None:
        try:
            with app.app_context(), transaction() as tx:
                task = tx.scalars(select(Task).with_for_update()).one()
                task.spent_fen = (task.spent_fen or 0) + 1
        except Exception as error:  # noqa: BLE001 (reported by the assertion)
            errors.append(error)

    threads = [threading.Thread(target=add_one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with app.app_context():
        assert db.session.scalars(select(Task.spent_fen)).one() == 20
