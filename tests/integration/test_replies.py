"""Replies by SMS: what is done, and that each is answered once, naming the sender's own codes."""

import itertools
import threading
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from dispatcher.database import db
from dispatcher.models import Attention, Event, Message, ReplyCode, Task
from dispatcher.services import answers, dispatching, inbound, messaging
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import People, now, save_call
from tests.integration.test_volunteering import held

FIRST, SECOND = "+8613635200000", "+8613635200001"
RETIREE = "+8613935200001"
_ids = itertools.count(1)


def reply(phone: str, body: str, at: Any = None) -> list[str]:
    """Send a text; the new messages to that phone, as they read."""
    db.session.rollback()
    before = db.session.scalars(select(Message.id).order_by(Message.id.desc()).limit(1)).first() or 0
    inbound.receive(Incoming(f"SMreply{next(_ids)}", phone, body), at or now())
    db.session.rollback()
    new = db.session.scalars(
        select(Message)
        .where(Message.id > before, Message.phone == phone, Message.direction == "out")
        .order_by(Message.id)
    ).all()
    return [messaging.rendered(message, now(), "LINK") for message in new]


def offered(people: People, **wanted: Any) -> int:
    """A task put to two volunteers."""
    save_call(people, **wanted)
    task_id = db.session.scalars(select(Task.id).order_by(Task.id.desc()).limit(1)).one()
    dispatching.look(task_id, now())
    return task_id


def slot(phone: str, task_id: int, purpose: str = "help") -> int:
    found = db.session.scalars(
        select(ReplyCode).where(
            ReplyCode.phone == phone, ReplyCode.task_id == task_id, ReplyCode.purpose == purpose
        )
    )
    return found.one().slot


def state(task_id: int) -> str:
    db.session.rollback()
    return db.session.get_one(Task, task_id, populate_existing=True).state


def needs() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Attention.reason).where(Attention.resolved_at.is_(None))))


def test_a_yes_that_goes_on_as_a_no_is_asked_back_by_its_own_codes(app: Flask, people: People) -> None:
    with app.app_context():
        task = offered(people)
        mine = slot(FIRST, task)
        [said] = reply(FIRST, f"{mine}1 去不了，在外地")
        assert state(task) == "open"
        assert f"能去回{mine}1，不能回{mine}0" in said
        assert "unclear_reply" in needs()
        assert "31" not in said.replace(f"{mine}1", "")


def test_the_codes_named_are_those_of_now(app: Flask, people: People) -> None:
    with app.app_context():
        old = held(people, 2)
        new = offered(people, key="new", category="groceries", retiree=people.retiree)
        mine = slot(FIRST, new)
        assert mine != slot(FIRST, old)
        [said] = reply(FIRST, "好的，马上")
        assert f"回{mine}1" in said
        assert f"{slot(FIRST, old)}1" not in said


def test_several_codes_in_one_text_are_all_done(app: Flask, people: People) -> None:
    with app.app_context():
        first = offered(people)
        second = offered(people, key="k2", category="urgent", urgency="urgent")
        reply(FIRST, f"{slot(FIRST, first)}1，{slot(FIRST, second)}1")
        assert (state(first), state(second)) == ("assigned", "assigned")


def test_two_questions_in_one_text_are_one_text(app: Flask, people: People) -> None:
    with app.app_context():
        first = offered(people)
        second = offered(people, key="k2", category="urgent", urgency="urgent")
        [said] = reply(FIRST, f"{slot(FIRST, first)}1？ {slot(FIRST, second)}1？")
        assert (state(first), state(second)) == ("open", "open")
        item = db.session.scalars(select(Attention).where(Attention.reason == "unclear_reply")).one()
        assert item.params["count"] == 1
        assert f"{slot(FIRST, first)}1" in said
        assert f"{slot(FIRST, second)}1" in said


def test_parted_digits_hand_back(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people)
        [said] = reply(FIRST, f"{slot(FIRST, task)} 0")
        assert state(task) == "open"
        assert said


def test_words_that_deny_the_digits_deliver_nothing(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people)
        mine = slot(FIRST, task)
        [said] = reply(FIRST, f"{mine}3 没人在家")
        assert state(task) == "assigned"
        for code in (f"{mine}2", f"{mine}3", f"{mine}0"):
            assert code in said


def test_whoever_replies_to_what_is_taken_hears_that_somebody_has_it(app: Flask, people: People) -> None:
    with app.app_context():
        task = offered(people)
        theirs = slot(SECOND, task)
        reply(FIRST, f"{slot(FIRST, task)}1")
        later = now() + timedelta(minutes=5)
        for answer in ("1", "3", "1 我去"):
            [said] = reply(SECOND, f"{theirs}{answer}", later)
            assert "已" in said
            later += timedelta(minutes=5)
        assert needs() == []
        # What isn't only too late is seen by a person as well.
        reply(SECOND, f"{theirs}3 没人在家", later)
        assert needs() == ["unclear_reply"]


def test_all_well_is_thanked_and_a_problem_promised_a_call(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people, 2)
        [said] = reply(RETIREE, "1 药收到了，非常感谢")
        assert state(task) == "closed"
        assert "谢谢您" in said
        assert needs() == []
        [late] = reply(RETIREE, "1 谢谢", now() + timedelta(minutes=5))
        assert "谢谢您" in late
        [worse] = reply(RETIREE, "2 药是坏的", now() + timedelta(minutes=10))
        assert "打电话" in worse
        assert needs() == ["retiree_problem"]


def test_plain_words_of_a_retiree_count(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people, 2)
        [said] = reply(RETIREE, "还没送到")
        assert "打电话" in said
        assert needs() == ["retiree_problem"]
        assert state(task) == "delivered"


def test_one_step_said_twice_at_once_is_answered_once(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people)
        code = f"{slot(FIRST, task)}2"
        db.session.rollback()

    def say(number: int) -> None:
        with app.app_context():
            inbound.receive(Incoming(f"SMtwice{number}", FIRST, code), now())

    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert state(task) == "underway"
        noted = db.session.scalars(select(Message.id).where(Message.kind == "noted")).all()
        steps = db.session.scalars(select(Event.id).where(Event.kind == "underway")).all()
        assert (len(noted), len(steps)) == (1, 1)


def test_a_yes_said_twice_at_once_is_theirs_and_no_news(app: Flask, people: People) -> None:
    with app.app_context():
        task = offered(people)
        code = f"{slot(FIRST, task)}1"
        assert len(reply(FIRST, code)) == 1
        assert reply(FIRST, code) == []
        [said] = reply(FIRST, code, now() + timedelta(minutes=5))
        assert f"{slot(FIRST, task)}3" in said


def test_two_machines_do_not_talk_for_ever(app: Flask, people: People) -> None:
    with app.app_context():
        at, told = now(), 0
        for minute in range(60):
            told += len(reply("+8613035100000", f"auto reply {minute}", at + timedelta(minutes=5 * minute)))
        assert told == answers.MOST
