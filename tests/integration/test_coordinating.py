"""What coordinators do, and that nobody is told what isn't so, forgotten, or told twice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import Attention, Event, Message, Offer, Staff, Task
from dispatcher.rules.decisions import TaskView
from dispatcher.services import (
    amending,
    attention,
    board,
    candidates,
    coordinating,
    dispatching,
    history,
    inbound,
    intake,
    photos,
    progress,
    responding,
)
from dispatcher.services.coordinating import Edit, Refused
from dispatcher.services.intake import NEW_NEED, SAME_NEED, Call, SameNeedIsOver, Wanted
from dispatcher.sms.gateway import Incoming
from dispatcher.web import wording
from tests.integration.conftest import People, now, receive, save_call, volunteer


def _task() -> Task:
    db.session.rollback()
    return db.session.scalars(select(Task).order_by(Task.id.desc())).first()  # type: ignore[return-value]


def _edit(people: People, seen: int = 2**31 - 1) -> Edit:
    return Edit(_task().id, db.session.get_one(Staff, people.coordinator), seen, now())


def _sent(since: int = 0) -> list[tuple[str, str]]:
    """Kind and receiver of every SMS written after message `since`, in order."""
    query = select(Message).where(Message.direction == "out", Message.id > since).order_by(Message.id)
    return [(m.kind, "retiree" if m.retiree_id else "volunteer") for m in db.session.scalars(query)]


def _last() -> int:
    return max(db.session.scalars(select(Message.id)).all(), default=0)


def _standing() -> list[str]:
    query = select(Attention.reason).where(Attention.resolved_at.is_(None)).order_by(Attention.id)
    return list(db.session.scalars(query))


def _reach(people: People, state: str) -> None:
    """A call whose task volunteer 0 has brought to `state`."""
    save_call(people)
    dispatching.look(_task().id, now())
    with transaction() as tx:
        task, helper = tx.get_one(Task, _task().id), volunteer(people, 0)
        if state != "open":
            responding.accept(tx, task, helper, now())
        if state in ("underway", "delivered"):
            progress.underway(tx, task, helper, now())
        if state == "delivered":
            progress.delivered(tx, task, helper, now())
    assert _task().state == state


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("assigned", [("released", "volunteer"), ("finding_another", "retiree")]),
        ("underway", [("released", "volunteer"), ("finding_another", "retiree")]),
        ("delivered", []),
    ],
)
def test_opening_again_tells_only_what_is_so(
    app: Flask, people: People, state: str, told: list[tuple[str, str]]
) -> None:
    """Who has delivered isn't told "no need to go", and the retiree not that they can't come."""
    with app.app_context():
        _reach(people, state)
        before = _last()
        coordinating.reopen_task(_edit(people), "药拿错了")
        assert (_task().state, _sent(before)) == ("open", told)
        assert dispatching.due(now()) == [_task().id]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("open", [("cancelled_volunteer", "volunteer")] * 2 + [("cancelled_retiree", "retiree")]),
        ("underway", [("cancelled_volunteer", "volunteer"), ("cancelled_retiree", "retiree")]),
        ("delivered", []),
    ],
)
def test_cancelling_tells_everybody_whom_it_concerns(
    app: Flask, people: People, state: str, told: list[tuple[str, str]]
) -> None:
    with app.app_context():
        _reach(people, state)
        with transaction() as tx:
            for offer in tx.scalars(select(Offer).where(Offer.state == "queued")):
                offer.state = "sent"
            for message in tx.scalars(select(Message).where(Message.state == "queued")):
                message.state = "sent"
        before = _last()
        coordinating.cancel(_edit(people), "不需要了")
        assert (_task().state, _sent(before)) == ("cancelled", told)
        assert _task().look_again_at is None
        assert responding.standing_assignment(db.session(), _task()) is None


def test_closing_tells_the_one_on_the_way(app: Flask, people: People) -> None:
    with app.app_context():
        _reach(people, "underway")
        before = _last()
        coordinating.close(_edit(people), "女儿送来了")
        assert _sent(before) == [("closed_volunteer", "volunteer")]


def test_a_remote_task_handed_back_is_on_the_list_again(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, retiree=people.remote)
        assert _standing() == ["remote"]
        coordinating.assign(_edit(people), people.volunteers[0])
        assert _standing() == []
        with transaction() as tx:
            progress.hand_back(tx, tx.get_one(Task, _task().id), volunteer(people, 0), "other", "", now())
        for task_id in dispatching.due(now()):
            dispatching.look(task_id, now())
        assert _standing() == ["remote"]


@pytest.mark.parametrize(("state", "reason"), [("assigned", "overdue"), ("delivered", "no_word")])
def test_silence_is_noticed_and_noticed_again(app: Flask, people: People, state: str, reason: str) -> None:
    with app.app_context():
        _reach(people, state)
        later = now() + timedelta(hours=3)
        assert dispatching.due(later) == [_task().id]
        dispatching.look(_task().id, later)
        assert reason in _standing()
        item = db.session.scalars(select(Attention).where(Attention.reason == reason)).one()
        person = db.session.get_one(Staff, people.coordinator)
        assert coordinating.resolve(item.id, person, "", later)
        assert not coordinating.resolve(item.id, person, "", later), "a colleague was quicker"
        assert _standing() == []
        much_later = later + timedelta(hours=3)
        dispatching.look(_task().id, much_later)
        assert reason in _standing()


def test_what_is_due_tomorrow_isnt_overdue_today(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, due_by=now() + timedelta(days=1))
        with transaction() as tx:
            responding.accept(tx, tx.get_one(Task, _task().id), volunteer(people, 0), now())
        assert dispatching.due(now() + timedelta(hours=20)) == []
        assert dispatching.due(now() + timedelta(hours=25)) == [_task().id]


def test_asking_more_asks_the_next_wave_at_once(app: Flask, people: People) -> None:
    with app.app_context():
        _reach(people, "open")
        assert len(_task().offers) == 2
        assert coordinating.ask_more(_edit(people)) == 1
        assert len(_task().offers) == 3
        assert coordinating.ask_more(_edit(people)) == 0


def test_a_change_of_urgency_looks_again_and_tells_the_holder(app: Flask, people: People) -> None:
    with app.app_context():
        _reach(people, "assigned")
        before = _last()
        coordinating.change_urgency(_edit(people), "urgent")
        assert (_task().urgency, _sent(before)) == ("urgent", [("changed_volunteer", "volunteer")])
        with pytest.raises(Refused, match="no_such_urgency"):
            coordinating.change_urgency(_edit(people), "panic")


def test_one_failing_task_doesnt_stop_the_others(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks import jobs

    monkeypatch.setattr("dispatcher.services.health.heartbeat", lambda role, at: None)
    monkeypatch.setattr(jobs, "GRACE", timedelta(0))
    with app.app_context():
        for key in ("a", "b"):
            save_call(people, key, category="medicine" if key == "a" else "groceries")
        broken, fine = db.session.scalars(select(Task.id).order_by(Task.id)).all()
        view = candidates.task_view

        def fails_for_one(task: Task, at: datetime) -> TaskView:
            if task.id == broken:
                raise ZeroDivisionError
            return view(task, at)

        # Both are due, so they are decided together: the broken one must not take the other along.
        monkeypatch.setattr("dispatcher.services.candidates.task_view", fails_for_one)
        jobs.tick.run()
        assert db.session.get_one(Task, fine).offers
        assert _standing() == ["software"]
        assert broken not in dispatching.due(now())


def test_the_same_need_that_has_ended_meanwhile_is_asked_about_again(app: Flask, people: People) -> None:
    with app.app_context():
        _reach(people, "delivered")
        coordinating.close(_edit(people), "")
        operator = db.session.get_one(Staff, people.operator)
        call = Call(
            form_key="again", retiree_id=people.retiree,
            wanted=[Wanted("medicine", "soon", None, repeat=SAME_NEED)],
        )  # fmt: skip
        with pytest.raises(SameNeedIsOver):
            intake.save(call, operator, now())
        assert len(db.session.scalars(select(Task)).all()) == 1


def test_a_new_need_beside_an_open_one_is_a_task_of_its_own(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, "one")
        save_call(people, "two", repeat=NEW_NEED)
        save_call(people, "three", repeat=SAME_NEED, urgency="urgent")
        tasks = db.session.scalars(select(Task).order_by(Task.id)).all()
        assert [t.urgency for t in tasks] == ["soon", "urgent"]


def test_old_words_never_overtake_newer_ones_on_the_call_list(app: Flask, people: People) -> None:
    """The receipt of "A is coming" comes late: A has handed back, and newer words are on their way."""

    with app.app_context():
        _reach(people, "assigned")
        with transaction() as tx:
            for message in tx.scalars(select(Message)):
                message.state, message.gateway_id = "sent", f"SM{message.id}"
        coming = db.session.scalars(select(Message.id).where(Message.kind == "coming")).one()
        with transaction() as tx:
            progress.hand_back(tx, tx.get_one(Task, _task().id), volunteer(people, 0), "", "", now())
        receive(coming, f"SM{coming}", "undelivered", {"ErrorCode": "30003"}, now())
        assert "call_retiree" not in _standing()


def test_more_things_without_a_row_than_a_page_holds_are_all_counted(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            for number in range(board.PAGE + 3):
                attention.raise_(tx, "unknown_caller", now(), subject=f"phone:{number}")
        seen = board.overview(db.session(), board.Filter(), now())
        assert (len(seen.loose), seen.loose_left, seen.needs) == (board.PAGE, 3, board.PAGE + 3)
        first = [item.subject for item in seen.loose][:2]
        assert first == ["phone:0", "phone:1"]
        with transaction() as tx:
            for item in seen.loose[:3]:
                attention.resolve(tx, item.id, now(), history.SYSTEM, "seen to")
        seen = board.overview(db.session(), board.Filter(), now())
        assert (len(seen.loose), seen.loose_left) == (board.PAGE, 0)


def test_what_is_resolved_says_so_at_once(app: Flask, people: People) -> None:
    with app.app_context(), transaction() as tx:
        raised = attention.raise_(tx, "stopped", now(), subject="phone:1")
        assert attention.resolve(tx, raised.id, now(), history.SYSTEM, "seen to")
        assert (raised.resolution, raised.resolved_at is None) == ("seen to", False)
        assert not attention.resolve(tx, raised.id, now(), history.SYSTEM, "again")


def test_a_note_sent_twice_is_there_once(app: Flask, people: People) -> None:
    """The answer got lost, and the same form was sent again; the same words later are another note."""
    with app.app_context():
        save_call(people)

        def notes() -> list[int]:
            db.session.rollback()
            return list(db.session.scalars(select(Event.id).where(Event.kind == "note").order_by(Event.id)))

        form = _edit(people, seen=0)
        for words in ("门铃坏了", "门铃坏了 ", "门铃修好了"):
            coordinating.note(form, words)
        assert len(notes()) == 2
        coordinating.note(_edit(people, seen=notes()[-1]), "门铃坏了")
        assert len(notes()) == 3
        later = replace(form, now=now() + coordinating.SENT_TWICE + timedelta(seconds=1))
        coordinating.note(later, "门铃修好了")
        assert len(notes()) == 4


# -- What has been heard from a volunteer -----------------------------------------------------------------


def _held(people: People) -> datetime:
    """Urgent help that volunteer 0 has accepted; when its word is due."""
    save_call(people, category="urgent", urgency="urgent")
    with transaction() as tx:
        responding.accept(tx, tx.get_one(Task, _task().id), volunteer(people, 0), now())
    return _task().look_again_at  # type: ignore[return-value]


def _says(people: People, how: str, at: datetime) -> None:
    """Volunteer 0 is heard of, in one of the ways in which they can be."""
    if how == "sms":
        inbound.receive(Incoming("SMin", "+8613635200000", "敲门没人应，我在楼下等"), at)
        return
    with transaction() as tx:
        task, helper = tx.get_one(Task, _task().id), volunteer(people, 0)
        match how:
            case "trouble":
                amending.trouble(tx, task, helper, "not_home", "敲了三次", at)
            case "money":
                amending.spent(tx, task, helper, 3550, at)
            case "receipt":
                photos.keep(tx, task, helper, photos.Picture("d", 1, 1, b"jpeg"), at)


def _raised_overdue() -> Attention | None:
    query = select(Attention).where(Attention.reason == "overdue", Attention.resolved_at.is_(None))
    return db.session.scalars(query).first()


WAYS = ("trouble", "money", "receipt", "sms")
SEEN_TO = ("volunteer_problem",)


@pytest.mark.parametrize("how", WAYS)
def test_who_has_just_been_heard_of_isnt_called_silent(app: Flask, people: People, how: str) -> None:
    with app.app_context():
        due = _held(people)
        _says(people, how, due - timedelta(seconds=5))
        dispatching.look(_task().id, due)
        assert _raised_overdue() is None
        again = _task().look_again_at
        assert again is not None
        assert again > due, "nobody forgets it"


@pytest.mark.parametrize("how", WAYS)
def test_silence_after_a_word_is_told_with_that_word(app: Flask, people: People, how: str) -> None:
    with app.app_context(), app.test_request_context():
        due = _held(people)
        _says(people, how, due - timedelta(minutes=1))
        with transaction() as tx:  # what they reported has been seen to
            attention.settle(
                tx, tx.get_one(Task, _task().id), due, history.SYSTEM, "", ("volunteer_problem",)
            )
        much_later = due + timedelta(hours=3)
        dispatching.look(_task().id, much_later)
        raised = _raised_overdue()
        assert raised is not None
        said = wording.attention_text(raised)
        assert "接单后一直没有消息" not in said
        words = {"trouble": "敲了三次", "money": "垫付", "receipt": "小票", "sms": "在楼下等"}
        assert words[how] in said
        assert wording.localtime(due - timedelta(minutes=1)) in said


@pytest.mark.parametrize("how", WAYS)
def test_a_word_takes_the_silence_off_the_list(app: Flask, people: People, how: str) -> None:
    with app.app_context():
        due = _held(people)
        dispatching.look(_task().id, due)
        raised = _raised_overdue()
        assert raised is not None
        assert not raised.params, "nothing was heard at all"
        _says(people, how, due + timedelta(seconds=30))
        db.session.rollback()
        assert _raised_overdue() is None
        again = _task().look_again_at
        assert again is not None
        assert again > due


def test_while_a_report_stands_nobody_is_told_that_there_is_silence(app: Flask, people: People) -> None:
    with app.app_context():
        due = _held(people)
        _says(people, "trouble", due - timedelta(minutes=1))
        for hours in (1, 2, 3):
            dispatching.look(_task().id, due + timedelta(hours=hours))
        assert _standing() == ["volunteer_problem"]
        item = db.session.scalars(select(Attention).where(Attention.reason == "volunteer_problem")).one()
        called = due + timedelta(hours=3)
        assert coordinating.resolve(item.id, db.session.get_one(Staff, people.coordinator), "", called)
        dispatching.look(_task().id, called + timedelta(hours=3))
        assert _standing() == ["overdue"]


def test_words_about_another_task_or_of_somebody_else_are_no_word(app: Flask, people: People) -> None:
    with app.app_context():
        due = _held(people)
        inbound.receive(Incoming("SMx", "+8613635200001", "我是别人"), due - timedelta(seconds=5))
        dispatching.look(_task().id, due)
        raised = _raised_overdue()
        assert raised is not None
        assert not raised.params
