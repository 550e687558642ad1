"""Texts that call for help: put before a person first, whatever becomes of what else they say."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dispatcher.database import db
from dispatcher.models import Attention, Event, Message, ReplyCode, Staff, Volunteer
from dispatcher.rules.order import Place
from dispatcher.services import answers, board, coordinating, handover, inbound
from dispatcher.services.coordinating import Edit
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import PASSWORD, People, now, save_call
from tests.integration.test_replies import FIRST, RETIREE, SECOND, needs, offered, reply, slot, state
from tests.integration.test_volunteering import held

STRANGER = "+8615035100001"


def call() -> Attention:
    """The one call for help that stands."""
    db.session.rollback()
    found = select(Attention).where(Attention.reason == "call_for_help", Attention.resolved_at.is_(None))
    return db.session.scalars(found).one()


def history(kind: str) -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Event.id).where(Event.kind == kind)).all())


def is_urgent(said: list[str]) -> bool:
    """Whether exactly one answer came, and it says whom to ring in danger."""
    return len(said) == 1 and "先打120" in said[0] and "热线" in said[0]


def close(people: People, task_id: int) -> None:
    by = db.session.get_one(Staff, people.coordinator)
    coordinating.close(Edit(task_id, by, 2**31 - 1, now()), "")


# -- A retiree who is asked whether all is well -----------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["2 我摔倒了", "1 我摔倒了", "2 救命", "1 我头晕，谢谢", "还没送到，我摔倒起不来了", "1 help"]
)
def test_a_problem_that_calls_for_help_is_one_and_a_call(app: Flask, people: People, body: str) -> None:
    with app.app_context():
        task = held(people, 2)
        assert is_urgent(reply(RETIREE, body))
        assert state(task) == "delivered"
        assert sorted(needs()) == ["call_for_help", "retiree_problem"]
        item = call()
        assert (item.task_id, item.retiree_id, item.sender) == (task, people.retiree, "retiree")
        assert (item.params["help"], item.params["count"]) == (body, 1)
        assert history("unclear_reply") == 0, "it was understood"


@pytest.mark.parametrize("body", ["1？我摔倒了", "12 我摔倒了", "我头晕", "收到了，我摔倒了", "7 救命"])
def test_what_is_asked_back_calls_too(app: Flask, people: People, body: str) -> None:
    with app.app_context():
        task = held(people, 2)
        assert is_urgent(reply(RETIREE, body))
        assert state(task) == "delivered"
        assert (call().task_id, call().params["count"]) == (task, 1)


def test_all_is_well_later_does_not_end_the_call(app: Flask, people: People) -> None:
    with app.app_context():
        held(people, 2)
        reply(RETIREE, "1 我头晕，谢谢")
        reply(RETIREE, "1", now() + timedelta(minutes=5))
        assert sorted(needs()) == ["call_for_help", "retiree_problem"], "they were promised a call"


def test_a_repeated_text_is_one_item_counted_and_one_answer(app: Flask, people: People) -> None:
    with app.app_context():
        held(people, 2)
        at = now()
        assert is_urgent(reply(RETIREE, "2 我摔倒了", at))
        first = call().id
        assert reply(RETIREE, "2 我摔倒了", at) == []
        assert reply(RETIREE, "我摔倒了，快来人", at) == []
        assert (call().id, call().params["count"]) == (first, 3)
        assert call().params["texts"][1]["times"] == 2
        assert sorted(needs()) == ["call_for_help", "retiree_problem"]
        inbound.receive(Incoming("SMagain", RETIREE, "2 我摔倒了"), at)
        inbound.receive(Incoming("SMagain", RETIREE, "2 我摔倒了"), at)
        assert call().params["count"] == 4, "the same SMS told of twice is one"


@pytest.mark.parametrize("digit", ["1", "2", ""])
def test_a_retirees_late_reply_calls(app: Flask, people: People, digit: str) -> None:
    with app.app_context():
        task = held(people, 2)
        code = f"{slot(RETIREE, task, 'check')}{digit}" if digit else ""
        close(people, task)
        assert is_urgent(reply(RETIREE, f"{code} 我摔倒了"))
        assert (call().retiree_id, call().params["count"]) == (people.retiree, 1)
        assert ("retiree_problem" in needs()) is bool(digit)


def test_a_late_reply_is_about_what_is_open_now(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people, 2)
        code = slot(RETIREE, task, "check")
        close(people, task)
        open_now = offered(people, key="new", category="groceries")
        reply(RETIREE, f"{code}2 我摔倒了")
        assert call().task_id == open_now


# -- A volunteer -----------------------------------------------------------------------------------------


def test_a_volunteer_who_declines_calls(app: Flask, people: People) -> None:
    with app.app_context():
        task = offered(people)
        assert is_urgent(reply(FIRST, f"{slot(FIRST, task)}0 我胸口疼"))
        assert history("declined") == 1
        item = call()
        assert (item.task_id, item.volunteer_id, item.sender) == (task, people.volunteers[0], "volunteer")


def test_a_volunteer_who_hands_back_calls_and_has_handed_back(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people)
        assert is_urgent(reply(FIRST, f"{slot(FIRST, task)}0 老人摔倒了"))
        assert state(task) == "open"
        assert (call().task_id, call().volunteer_id) == (task, people.volunteers[0])


def test_a_yes_that_calls_for_help_is_looked_at_by_a_person(app: Flask, people: People) -> None:
    with app.app_context():
        task = offered(people)
        assert is_urgent(reply(FIRST, f"{slot(FIRST, task)}1 我马上去，家里冒烟"))
        assert state(task) == "open"
        assert call().task_id == task


@pytest.mark.parametrize("answer", ["1", "2", "3"])
def test_a_volunteers_code_that_is_asked_back_calls(app: Flask, people: People, answer: str) -> None:
    with app.app_context():
        task = held(people)
        assert is_urgent(reply(FIRST, f"{slot(FIRST, task)}{answer} 老人摔倒了，叫不醒"))
        assert state(task) == "assigned"
        assert call().task_id == task


@pytest.mark.parametrize("answer", ["0", "1", "2", "3"])
def test_a_volunteers_late_reply_calls(app: Flask, people: People, answer: str) -> None:
    with app.app_context():
        task = offered(people)
        mine = slot(SECOND, task)
        reply(FIRST, f"{slot(FIRST, task)}1")
        assert is_urgent(reply(SECOND, f"{mine}{answer} 我摔倒了"))
        close(people, task)
        at = now() + timedelta(minutes=5)
        assert is_urgent(reply(SECOND, f"{mine}{answer} 我摔倒了", at))
        assert (call().volunteer_id, call().params["count"]) == (people.volunteers[1], 2)


def test_several_codes_and_a_cry_are_one_call(app: Flask, people: People) -> None:
    with app.app_context():
        first = offered(people)
        second = offered(people, key="k2", category="urgent", urgency="urgent")
        body = f"{slot(FIRST, first)}0 {slot(FIRST, second)}0 我摔倒了"
        assert is_urgent(reply(FIRST, body))
        assert call().params["count"] == 1
        assert call().task_id in (first, second)


# -- Whoever else, and whatever else ---------------------------------------------------------------------


def test_plain_words_while_nothing_waits(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        for number, phone in enumerate((RETIREE, FIRST, STRANGER), start=1):
            assert is_urgent(reply(phone, "我摔倒了"))
            assert needs().count("call_for_help") == number


@pytest.mark.parametrize("phone", [RETIREE, FIRST])
@pytest.mark.parametrize("wish", ["STOP", "START"])
def test_what_a_gateway_takes_for_a_stop_calls_too(app: Flask, people: People, phone: str, wish: str) -> None:
    with app.app_context():
        inbound.receive(Incoming("SMstop", phone, "救命 停", wish), now())
        assert call().params["count"] == 1
        assert ("stopped" in needs()) is (wish == "STOP")


def test_a_call_is_answered_though_other_answers_are_used_up(app: Flask, people: People) -> None:
    with app.app_context():
        at, told = now(), 0
        for minute in range(20):
            told += len(reply(RETIREE, f"喂 {minute}", at + timedelta(minutes=5 * minute)))
        assert told == answers.MOST
        cries = [reply(RETIREE, "救命", at + timedelta(minutes=100 + 5 * n)) for n in range(20)]
        assert sum(map(len, cries)) == answers.MOST, "and two machines still don't talk for ever"
        assert is_urgent(cries[0])


def test_help_and_thanks_are_no_thanks(app: Flask, people: People) -> None:
    with app.app_context():
        assert is_urgent(reply(RETIREE, "help, thanks"))
        assert call().params["help"] == "help, thanks"
        assert history("thanks") == 0


def test_ordinary_replies_call_for_nothing(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people)
        mine = slot(FIRST, task)
        reply(FIRST, f"{mine}2 路滑，小心摔倒，晚10分钟")
        reply(FIRST, f"{mine}3 降压药和救心丸送到了，药费120元", now() + timedelta(minutes=5))
        reply(RETIREE, "2 鸡蛋摔碎了")
        assert "call_for_help" not in needs()


def test_it_stands_first_on_every_page(app: Flask, people: People) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client: FlaskClient = app.test_client()
    client.post("/login", data={"username": "co", "password": PASSWORD})
    with app.app_context():
        task = held(people, 2)
        reply(RETIREE, "2 我摔倒了")
        seen: Any = board.overview(db.session(), board.Filter(), now())
        assert seen.entries[0].place is Place.CALL_FOR_HELP
        assert call().id in seen.pressing
        assert handover.overview(db.session(), now()).unclaimed[0].id == call().id
    for path in ("/board?lang=zh", "/board/wall?lang=zh", "/hotline/handover?lang=zh"):
        assert "我摔倒了" in client.get(path).text
    page = client.get(f"/board/tasks/{task}?lang=zh").text
    assert "可能在求救" in page


def test_the_sender_is_kept_with_the_text(app: Flask, people: People) -> None:
    with app.app_context():
        task = held(people)
        mine = db.session.scalars(select(ReplyCode.id).where(ReplyCode.phone == FIRST)).all()
        assert mine
        reply(FIRST, f"{slot(FIRST, task)}0 救命")
        message = db.session.get_one(Message, call().message_id)
        assert (message.volunteer_id, message.task_id) == (people.volunteers[0], task)
        who = db.session.get_one(Volunteer, people.volunteers[0])
        assert [person["id"] for person in call().params["people"]] == [who.id]
