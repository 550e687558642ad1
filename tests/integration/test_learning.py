"""What comes of offers is learned in the transaction that records it, and changes who is asked next."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update

from dispatcher.database import db, transaction
from dispatcher.models import (
    Acceptance,
    AnswerTimes,
    Attention,
    Campus,
    DutyWindow,
    Message,
    Offer,
    Task,
    Volunteer,
)
from dispatcher.rules.availability import QuietHours
from dispatcher.rules.crowd import daypart
from dispatcher.rules.lifecycle import OfferState
from dispatcher.services import candidates, coordinating, dispatching, messaging, responding
from dispatcher.services.states import move
from tests.integration.conftest import People, RecordingGateway, now, save_call, volunteer
from tests.integration.test_coordinating import _edit


def _task() -> Task:
    db.session.rollback()
    return db.session.scalars(select(Task).order_by(Task.id.desc())).first()  # type: ignore[return-value]


def _asked(task: Task) -> list[int]:
    return [o.volunteer_id for o in sorted(task.offers, key=lambda o: o.id)]


def _urgent_call(people: People, key: str = "k") -> Task:
    """A task put to all three at once."""
    save_call(people, key, category="urgent", urgency="urgent")
    dispatching.look(_task().id, now())
    assert sorted(_asked(_task())) == sorted(people.volunteers)
    return _task()


def _send(task: Task) -> None:
    """The SMS of all its offers have left."""
    with transaction() as tx:
        for offer in tx.scalars(select(Offer).where(Offer.task_id == task.id)):
            move(tx, offer, OfferState.SENT, sent_at=now())


def _expire(app: Flask, task: Task) -> datetime:
    """Nobody answers its offers; when they have expired, those that never left too."""
    life = timedelta(seconds=app.config["DISPATCH"].urgent.expiry_s + 1)
    later = now() + life + candidates.LEAVES_WITHIN
    dispatching.look(task.id, later)
    return later


def _known(volunteer_id: int) -> tuple[dict[str, float], dict[str, float]]:
    db.session.rollback()
    row = db.session.get(Acceptance, volunteer_id)
    if row is None:
        return {}, {}
    return ({k: v for k, v in row.accepts.items() if v}, {k: v for k, v in row.refusals.items() if v})


def test_a_yes_counts_for_who_said_it_and_nothing_against_the_others(app: Flask, people: People) -> None:
    with app.app_context():
        task = _urgent_call(people)
        _send(task)
        with transaction() as tx:
            responding.accept(tx, dispatching.lock(tx, task.id) or task, volunteer(people, 0), now())
        part = daypart(now().astimezone(app.config["ZONE"]))
        assert _known(people.volunteers[0]) == ({"urgent": 1.0, part: 1.0}, {})
        assert _known(people.volunteers[1]) == ({}, {})
        times = db.session.get_one(AnswerTimes, {"campus_id": task.campus_id, "urgent": True})
        assert sum(times.answered) == 1
        assert times.waiting[0] == 1  # two were withdrawn before their first stretch had passed


def test_a_no_and_a_silence_count_against_and_a_late_yes_still_counts(app: Flask, people: People) -> None:
    with app.app_context():
        task = _urgent_call(people)
        _send(task)
        with transaction() as tx:
            responding.decline(tx, _task(), volunteer(people, 0), "busy", "", now())
        assert _known(people.volunteers[0])[1]["urgent"] == 1.0
        later = _expire(app, task)
        assert {o.state for o in _task().offers} == {OfferState.DECLINED, OfferState.EXPIRED}
        accepts, refusals = _known(people.volunteers[1])
        assert (accepts, round(refusals["urgent"], 3)) == ({}, 1.0)
        with transaction() as tx:
            responding.decline(tx, _task(), volunteer(people, 2), "", "", later)
        assert _known(people.volunteers[2])[1]["urgent"] == pytest.approx(1, abs=0.01)  # not twice
        with transaction() as tx:
            responding.accept(tx, _task(), volunteer(people, 1), later)
        accepts, refusals = _known(people.volunteers[1])
        assert accepts["urgent"] == pytest.approx(1)
        assert sum(refusals.values()) == pytest.approx(0, abs=1e-6)  # its silence is taken back
        times = db.session.get_one(AnswerTimes, {"campus_id": task.campus_id, "urgent": True})
        assert times.waiting[0] == 3  # each offer once
        assert sum(times.answered) == 2


def test_silence_about_an_sms_that_never_left_says_nothing(app: Flask, people: People) -> None:
    with app.app_context():
        later = _expire(app, _urgent_call(people))
        assert {o.state for o in _task().offers} == {OfferState.EXPIRED}
        assert db.session.scalars(select(Acceptance)).all() == []
        assert db.session.scalars(select(AnswerTimes)).all() == []
        with transaction() as tx:
            responding.accept(tx, _task(), volunteer(people, 1), later)  # told of it some other way
        assert _known(people.volunteers[1])[0]["urgent"] == pytest.approx(1)


def test_an_sms_that_left_late_leaves_as_long_for_an_answer(app: Flask, people: People) -> None:
    with app.app_context():
        _urgent_call(people)
        late, life = timedelta(seconds=250), timedelta(seconds=app.config["DISPATCH"].urgent.expiry_s)
        with transaction() as tx:
            tx.execute(update(Offer).values(created_at=now() - late, expires_at=now() - late + life))
        for message_id in db.session.scalars(select(Message.id).where(Message.kind == "offer")).all():
            messaging.send(message_id, RecordingGateway())
        _look_at(now() + life - timedelta(seconds=5))
        assert {o.state for o in _task().offers} == {OfferState.SENT}
        assert db.session.scalars(select(Acceptance)).all() == []
        _look_at(now() + life + timedelta(seconds=1))
        assert {o.state for o in _task().offers} == {OfferState.EXPIRED}
        assert _known(people.volunteers[1])[1]["urgent"] == pytest.approx(1.0)


@pytest.mark.parametrize("left", [True, False])
def test_nobody_more_is_asked_while_an_sms_is_on_its_way(app: Flask, people: People, left: bool) -> None:
    """One is asked, others can be: silence begins when the SMS has left, or in a minute."""
    settings = app.config["DISPATCH"]
    app.config["DISPATCH"] = replace(settings, urgent=replace(settings.urgent, target=0.2, target_late=0.2))
    late = candidates.LEAVES_WITHIN
    with app.app_context():
        save_call(people, "k", category="urgent", urgency="urgent")
        dispatching.look(_task().id, now())
        assert len(_asked(_task())) == 1
        if left:
            _send(_task())
        for waited, asked in ((late, 2 if left else 1), (2.5 * late, 2)):
            _look_at(now() + waited)
            assert len(_asked(_task())) == asked


def _look_at(moment: datetime) -> None:
    with transaction() as tx:
        tx.execute(update(Task).values(look_again_at=moment))
    dispatching.look(_task().id, moment)


def test_what_is_withdrawn_by_a_coordinator_says_nothing_of_anybody(app: Flask, people: People) -> None:
    with app.app_context():
        _send(_urgent_call(people))
        coordinating.cancel(_edit(people), "a neighbour has helped")
        assert {o.state for o in _task().offers} == {OfferState.WITHDRAWN}
        assert [_known(v) for v in people.volunteers] == [({}, {})] * 3


def test_an_outcome_that_isnt_kept_isnt_learned(app: Flask, people: People) -> None:
    with app.app_context():
        task = _urgent_call(people)

        def decline_and_fail() -> None:
            with transaction() as tx:
                responding.decline(tx, task, volunteer(people, 0), "", "", now())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            decline_and_fail()
        assert db.session.scalars(select(Acceptance)).all() == []
        assert db.session.scalars(select(AnswerTimes)).all() == []


def test_who_accepts_more_often_is_asked_first(app: Flask, people: People) -> None:
    first, second, _ = people.volunteers
    with app.app_context():
        save_call(people, "before", category="groceries", urgency="routine")
        dispatching.look(_task().id, now())
        assert _asked(_task()) == [first]  # nothing is known of anybody
        coordinating.cancel(_edit(people), "no longer needed")
        with transaction() as tx:
            db.session.execute(select(Volunteer))
            tx.add(Acceptance(volunteer_id=first, accepts={}, refusals={"groceries": 6}, as_of=now()))
            tx.add(Acceptance(volunteer_id=second, accepts={"groceries": 6}, refusals={}, as_of=now()))
        save_call(people, "after", category="groceries", urgency="routine")
        dispatching.look(_task().id, now())
        task = _task()
        assert _asked(task)[0] == second
        assert task.offers[0].chance > 0.36
        assert {"code": "accepts", "tenths": round(task.offers[0].chance * 10)} in task.offers[0].why


def test_offers_tire_and_rest_restores(app: Flask, people: People) -> None:
    with app.app_context():
        _urgent_call(people)
        tired = {c.volunteer_id: c.recent_offers for c in candidates.on_duty(db.session(), [_task()], now())}
        assert list(tired.values()) == [pytest.approx(1.0, abs=0.001)] * 3
        tomorrow = now() + timedelta(hours=app.config["DISPATCH"].learning.fatigue_half_life_h)
        rested = [c.recent_offers for c in candidates.on_duty(db.session(), [_task()], tomorrow)]
        assert rested == [pytest.approx(0.5, abs=0.001)] * 3


def test_tasks_that_are_due_together_are_decided_together(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            for spare in people.volunteers[1:]:
                tx.get_one(Volunteer, spare).active = False
        save_call(people, "1", category="groceries", urgency="routine")
        save_call(people, "2", category="medicine", urgency="soon")
        less, more = db.session.scalars(select(Task).order_by(Task.id)).all()
        at = now()
        dispatching.look(less.id, at)
        db.session.rollback()
        assert (len(less.offers), len(more.offers)) == (1, 0)  # the one who waits longer is served
        assert dispatching.due(at) == []
        assert more.look_again_at is not None


def test_urgent_help_is_looked_at_first_however_much_is_due(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "TOGETHER", 2)
    with app.app_context():
        for n in range(3):
            save_call(people, str(n), category="groceries", urgency="routine", repeat="new")
        save_call(people, "u", category="urgent", urgency="routine")
        urgent = _task()
        at = now()
        assert dispatching.due(at)[0] == urgent.id
        dispatching.look(dispatching.due(at)[1], at)  # another worker has the first in hand
        db.session.rollback()
        assert urgent.look_again_at is not None
        assert urgent.look_again_at > at
        assert len(urgent.offers) == 3


def test_what_a_coordinator_was_told_stays_through_quiet_hours(app: Flask, people: People) -> None:
    zone = app.config["ZONE"]
    evening = now().astimezone(zone).replace(hour=20, minute=50, second=0, microsecond=0)
    app.config["DISPATCH"] = replace(app.config["DISPATCH"], quiet=QuietHours(time(21), time(7)))
    with app.app_context():
        with transaction() as tx:
            for volunteer_id in people.volunteers:
                tx.get_one(Volunteer, volunteer_id).active = False
        save_call(people)
        task = _task()
        with transaction() as tx:
            tx.get_one(Task, task.id).opened_at = tx.get_one(Task, task.id).look_again_at = evening

        def look(at: datetime) -> tuple[str, set[str]]:
            dispatching.look(task.id, at)
            db.session.rollback()
            items = db.session.scalars(select(Attention).where(Attention.resolved_at.is_(None)))
            return task.waiting["code"], {item.reason for item in items if item.task_id == task.id}

        assert look(evening) == ("nobody_left", {"nobody_left"})
        assert look(evening.replace(hour=21)) == ("quiet_hours", {"nobody_left"})
        assert task.look_again_at == evening.replace(hour=7, minute=0) + timedelta(days=1)


def test_no_far_place_is_kept_for_somebody_who_is_paused(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "room", lambda _tasks: 1)
    with app.app_context():
        with transaction() as tx:
            far = Campus(code="far", name_zh="远", name_en="Far", reachable=True)
            tx.add(far)
            tx.flush()
            for volunteer_id in people.volunteers:
                tx.get_one(Volunteer, volunteer_id).campus_id = far.id
            for volunteer_id in people.volunteers[:2]:
                tx.get_one(Volunteer, volunteer_id).paused_until = now() + timedelta(days=1)
            tx.get_one(Volunteer, people.volunteers[2]).last_asked_at = now()
        save_call(people)
        found = candidates.on_duty(db.session(), [_task()], now())
        assert [c.volunteer_id for c in found] == [people.volunteers[2]]


def test_the_crowd_comes_from_an_index_and_stays_small_however_large_the_roster(
    app: Flask, people: People
) -> None:
    with app.app_context():
        with transaction() as tx:
            far = Campus(code="far", name_zh="远", name_en="Far", reachable=True)
            tx.add(far)
            tx.flush()
            more = candidates.room(1) + 200
            alike = {"name": "王芳", "campus_id": far.id, "language": "zh", "role_note": "", "capacity": 2,
                     "night_ok": True, "active": True, "recent_offers": 0.0}  # fmt: skip
            tx.execute(insert(Volunteer), [
                alike | {"id": 1000 + n, "phone": f"+86137{n:08}"} for n in range(more)
            ])  # fmt: skip
            tx.execute(insert(DutyWindow), [
                {"volunteer_id": 1000 + n, "weekday": day, "start_min": 0, "end_min": 1440}
                for n in range(more) for day in range(7)
            ])  # fmt: skip
        save_call(people, "k", category="urgent", urgency="urgent")
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            found = candidates.on_duty(db.session(), [_task()], now())
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert len(found) == len(people.volunteers) + candidates.room(1)
        assert len(statements) < 20  # not one for each volunteer


def test_the_board_says_what_happens_next_and_when(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, "k", category="groceries", urgency="routine")
        dispatching.look(_task().id, now())
        task = _task()
        assert task.waiting["code"] == "answers"
        assert task.waiting["then"]["code"] == "then_more"
        assert task.waiting["then"]["at"] == task.look_again_at.isoformat()  # type: ignore[union-attr]
        offers = db.session.scalars(select(Offer)).all()
        assert all(0 < offer.chance < 1 for offer in offers)
