"""What SQLite keeps and nobody can read, after a tool for databases say, costs no page and no job."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import JSON, select, text

from dispatcher import columns
from dispatcher.columns import UtcDateTime
from dispatcher.database import Base, db, transaction
from dispatcher.logs import Seldom
from dispatcher.models import Acceptance, AnswerTimes, Attention, DutyWindow, Message, Offer, Task
from dispatcher.services import attention, candidates, dispatching, messaging, responding, sweeping
from tests.databases import on
from tests.integration.conftest import People, RecordingGateway, logged_in, now, save_call

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


def test_of_a_volunteer_who_cannot_be_asked_a_person_hears_once(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_seldom", Seldom())
    with app.app_context():
        task_ids = _three_tasks(people)
        _spoil_newest("volunteer", capacity="two")
        for task_id in task_ids:
            dispatching.look_or_set_aside(task_id)
        told = db.session.scalars(select(Attention).where(Attention.reason == "unreadable")).one()
        assert told.volunteer_id == people.volunteers[-1]
        assert caplog.text.count("can't be asked") == 1
    row = logged_in(app, people.coordinator).get("/board").text
    assert "读不出来" in row
    assert "tel:+8613635200002" in row


@pytest.mark.parametrize("spoilt", [{"start_min": "x"}, {"end_min": "x"}, {"weekday": "x"}])
def test_a_duty_window_that_does_not_say_when_costs_nobody_else(
    app: Flask, people: People, spoilt: dict[str, str]
) -> None:
    with app.app_context():
        task_ids = _three_tasks(people)
        with transaction() as tx:
            window = {"weekday": now().astimezone(app.config["ZONE"]).weekday(), "start_min": 0, "end_min": 9}
            tx.add(DutyWindow(volunteer_id=people.volunteers[0], **window))
        _spoil_newest("duty_window", **spoilt)
        for task_id in task_ids:
            dispatching.look_or_set_aside(task_id)
        assert {people.volunteers[0]} < set(db.session.scalars(select(Offer.volunteer_id)))
        reasons = db.session.scalars(select(Attention.reason)).all()
        assert "software" not in reasons
        assert ("unreadable" in reasons) is ("weekday" not in spoilt), "of another day nobody has read yet"
    coordinator = logged_in(app, people.coordinator)
    for path in (
        "/board", "/board/volunteers", f"/board/volunteers/{people.volunteers[0]}", "/board/paper",
        "/board/forecast", f"/board/tasks/{task_ids[0]}",
    ):  # fmt: skip
        assert coordinator.get(path).status_code == 200, path


@pytest.mark.parametrize("spoilt", ["{half", "[1, 2]", "{}", '["many"]', "7", "true"])
def test_what_was_learned_and_cannot_be_read_is_learned_anew(app: Flask, people: People, spoilt: str) -> None:
    with app.app_context():
        task_ids = _three_tasks(people)
        with transaction() as tx:
            home = tx.get_one(Task, task_ids[0]).campus_id
            tx.add(AnswerTimes(campus_id=home, urgent=False, waiting=[], answered=[]))
            for volunteer_id in people.volunteers:
                tx.add(Acceptance(volunteer_id=volunteer_id, accepts={}, refusals={}, as_of=now()))
            tx.flush()
            tx.execute(text("UPDATE answer_times SET waiting = :spoilt"), {"spoilt": spoilt})
            tx.execute(text("UPDATE acceptance SET accepts = :spoilt"), {"spoilt": spoilt})
        dispatching.look_or_set_aside(task_ids[0])
        offer = db.session.scalars(select(Offer)).first()
        assert offer is not None, "nobody was asked"
        with transaction() as tx:
            task = dispatching.lock(tx, task_ids[0])
            assert task is not None
            who = next(one.volunteer for one in task.offers)
            assert responding.accept(tx, task, who, now()) == "yours"
        learned = db.session.scalars(select(AnswerTimes)).one()
        assert len(learned.answered) == len(learned.waiting) > 2
        assert sum(db.session.get_one(Acceptance, who.id).accepts.values()) == 2


def test_an_offer_made_nobody_knows_when_waits_no_longer_than_others(app: Flask, people: People) -> None:
    with app.app_context():
        task_id = _three_tasks(people)[0]
        dispatching.look_or_set_aside(task_id)
        with transaction() as tx:
            tx.execute(text("UPDATE offer SET created_at = 'soon'"))
        for message_id in db.session.scalars(select(Message.id).where(Message.kind == "offer")).all():
            messaging.send(message_id, RecordingGateway())
        db.session.rollback()
        offers = db.session.scalars(select(Offer)).all()
        assert {offer.state for offer in offers} == {"sent"}
        assert all(offer.expires_at - now() < timedelta(hours=1) for offer in offers)


def test_where_it_stands_is_found_by_a_command(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        runner = app.test_cli_runner()
        assert "Everything can be read" in runner.invoke(args=["check-rows"]).output
        _spoil_newest("task", due_by="yesterday")
        _spoil_newest("volunteer", capacity="two")
        said = runner.invoke(args=["check-rows"])
    assert said.exit_code == 1
    assert "task.due_by: id=1\n" in said.output
    assert f"volunteer.capacity: id={people.volunteers[-1]}\n" in said.output
    assert "yesterday" not in said.output


def test_a_moment_that_cannot_be_read_is_told_and_seen(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_seldom", Seldom())
    with app.app_context():
        save_call(people)
        _spoil_newest("task", due_by="yesterday")
        assert "1月1日" in logged_in(app, people.coordinator).get("/board").text
    assert "can't be read" in caplog.text
    assert "yesterday" not in caplog.text, "it may be anybody's"
