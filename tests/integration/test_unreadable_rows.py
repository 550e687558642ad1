"""What SQLite keeps and nobody can read, after a tool for databases say, costs no page and no job."""

import pytest
from flask import Flask
from sqlalchemy import JSON, select, text

from dispatcher import columns
from dispatcher.columns import UtcDateTime
from dispatcher.database import Base, db, transaction
from dispatcher.models import Attention, Offer, Task
from dispatcher.services import attention, dispatching, responding, sweeping
from tests.databases import on
from tests.integration.conftest import People, logged_in, now, save_call

pytestmark = on("sqlite")

_SPOILT = {UtcDateTime: "yesterday", JSON: "{half"}

UNREADABLE = {
    table: {
        column.name: spoilt
        for column in Base.metadata.tables[table].columns
        for kind, spoilt in _SPOILT.items()
        if isinstance(column.type, kind)
    }
    for table in ("task", "offer", "assignment", "volunteer", "help_request", "message", "event", "attention")
}


def _spoil_newest(table: str, **values: str) -> None:
    setting = ", ".join(f"{column} = :{column}" for column in values)
    where = f"rowid = (SELECT max(rowid) FROM {table})"
    with transaction() as tx:
        tx.execute(text(f"UPDATE {table} SET {setting} WHERE {where}"), values)


def _three_tasks(people: People) -> list[int]:
    for key, category in {"a": "medicine", "b": "groceries", "c": "other"}.items():
        save_call(people, key, category=category)
    return list(db.session.scalars(select(Task.id).order_by(Task.id)))


@pytest.mark.parametrize("table", UNREADABLE)
def test_every_page_is_drawn_around_a_row_that_cannot_be_read(app: Flask, people: People, table: str) -> None:
    with app.app_context():
        task_ids = _three_tasks(people)
        dispatching.look(task_ids[0], now())
        with transaction() as tx:
            task = tx.get_one(Task, task_ids[0])
            who = next(offer.volunteer for offer in task.offers)
            responding.accept(tx, task, who, now())
            attention.raise_(tx, "no_word", now(), task)
        _spoil_newest(table, **UNREADABLE[table])
    coordinator, operator = (logged_in(app, one) for one in (people.coordinator, people.operator))
    for path in (
        "/board", "/board?view=lanes", "/board/wall", "/board/rows", "/board/texts", "/board/figures",
        "/board/paper", "/board/volunteers", *(f"/board/volunteers/{one}" for one in people.volunteers),
        *(f"/board/tasks/{task_id}" for task_id in task_ids), "/hotline/handover",
    ):  # fmt: skip
        answer = coordinator.get(path)
        assert answer.status_code == 200, path
    for path in ("/hotline", f"/hotline/people/{people.retiree}", "/hotline/find?q=王秀兰", "/hotline/calls"):
        assert operator.get(path).status_code == 200, path
    with app.app_context():
        for task_id in task_ids:
            dispatching.look_or_set_aside(task_id)
        sweeping.sweep(now())
        dispatching.due(now())
        assert "software" not in db.session.scalars(select(Attention.reason)).all()


@pytest.mark.parametrize(
    "spoilt", [UNREADABLE["volunteer"], {"capacity": "two"}], ids=["moments", "capacity"]
)
def test_the_others_are_asked_when_one_volunteer_cannot_be_read(
    app: Flask, people: People, spoilt: dict[str, str]
) -> None:
    with app.app_context():
        task_id = _three_tasks(people)[0]
        _spoil_newest("volunteer", **spoilt)
        dispatching.look_or_set_aside(task_id)
        asked = db.session.scalars(select(Offer.volunteer_id).where(Offer.task_id == task_id)).all()
        assert people.volunteers[0] in asked
        assert people.volunteers[-1] not in asked


def test_a_moment_that_cannot_be_read_is_told_and_seen(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_told_at", {})
    with app.app_context():
        save_call(people)
        _spoil_newest("task", due_by="yesterday")
        assert "1月1日" in logged_in(app, people.coordinator).get("/board").text
    assert "can't be read" in caplog.text
    assert "yesterday" not in caplog.text, "it may be anybody's"
