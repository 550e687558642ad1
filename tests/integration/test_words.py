"""What volunteers and retirees are told: what has changed, no false hurry, and by whom it was given them."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import Event, LinkToken, Message, Staff, Task
from dispatcher.rules.lifecycle import MessageState
from dispatcher.services import (
    board,
    coordinating,
    dispatching,
    inbound,
    intake,
    messaging,
    outbox,
    progress,
    resending,
    responding,
    tokens,
    volunteering,
)
from dispatcher.services.coordinating import Edit
from dispatcher.services.intake import SAME_NEED, Call, Wanted
from dispatcher.sms.gateway import Incoming
from dispatcher.web import wording
from tests.integration.conftest import PASSWORD, People, RecordingGateway, now, save_call, volunteer

LIST = [{"name": "阿司匹林", "strength": "100mg", "amount": "2盒"}]


def _task() -> Task:
    db.session.rollback()
    return db.session.scalars(select(Task).order_by(Task.id.desc())).first()  # type: ignore[return-value]


def _edit(people: People) -> Edit:
    return Edit(_task().id, db.session.get_one(Staff, people.coordinator), 2**31 - 1, now())


def _told(kind: str) -> list[str]:
    """The texts of this kind, in order."""
    query = select(Message).where(Message.kind == kind).order_by(Message.id)
    return [messaging.rendered(m, now(), "x") for m in db.session.scalars(query)]


def _take(people: People, index: int = 0) -> None:
    with transaction() as tx:
        responding.accept(tx, tx.get_one(Task, _task().id), volunteer(people, index), now())


def _page(people: People, app: Flask, index: int = 0) -> volunteering.Page:
    """The volunteer's page, by the link in their newest SMS with one."""
    gateway = RecordingGateway()
    newest = select(Message).where(
        Message.volunteer_id == people.volunteers[index],
        Message.kind.in_(("assigned", "assigned_by_hand", "changed_volunteer")),
    )
    message = db.session.scalars(newest.order_by(Message.id.desc())).first()
    assert message is not None
    messaging.send(message.id, gateway)
    link = gateway.sent[0][1].split("/o/")[1][:12]
    return volunteering.page(link, now())


def _again(people: People, key: str = "again", call_notes: str = "", **wanted: Any) -> None:
    """The same need called in again."""
    given = {"category": "medicine", "urgency": "soon", "due_by": None, "repeat": SAME_NEED} | wanted
    call = Call(form_key=key, wanted=[Wanted(**given)], retiree_id=people.retiree, notes=call_notes)
    intake.save(call, db.session.get_one(Staff, people.operator), now())


# -- What has changed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"notes": "现在只要1盒"}, ["现在只要1盒"]),
        ({"call_notes": "现在只要1盒"}, ["现在只要1盒"]),
        ({"items": [{"name": "阿司匹林", "amount": "1盒"}]}, ["阿司匹林 100mg改为1盒"]),
        ({"items": [{"name": "布洛芬", "amount": "1盒"}]}, ["加布洛芬 1盒"]),
        ({"urgency": "urgent"}, ["改为急事"]),
        ({"due_by": now() + timedelta(hours=1)}, ["时间改为"]),
        ({"urgency": "urgent", "notes": "头晕"}, ["改为急事", "头晕"]),
    ],
)
def test_the_holder_is_told_what_has_changed(
    app: Flask, people: People, said: dict[str, Any], words: list[str]
) -> None:
    with app.app_context():
        save_call(people, items=LIST)
        _take(people)
        _again(people, **said)
        told = _told("changed_volunteer")
        assert len(told) == 1, "one SMS, whatever has changed"
        for word in words:
            assert word in told[0]
        assert "尽快" not in told[0], "which it was before"
        page = _page(people, app)
        with app.test_request_context():
            shown = "".join(wording.changes_line(changes) for _at, changes in page.changes)
        assert all(word.removeprefix("加") in shown or word in ("改为急事", "时间改为") for word in words), (
            shown
        )


def test_what_stands_on_the_page_and_on_the_task_is_what_is_wanted_now(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, items=LIST, notes="饭后吃")
        _take(people)
        _again(people, items=[{"name": "阿司匹林", "amount": "1盒"}], notes="只要1盒")
        assert [item["amount"] for item in _task().items] == ["1盒"]
        assert _task().notes.splitlines() == ["饭后吃", "只要1盒"]
        page = _page(people, app)
        assert [item["amount"] for item in page.items] == ["1盒"]
        assert "只要1盒" in page.notes


@pytest.mark.parametrize(
    "said",
    [{}, {"items": LIST}, {"notes": "饭后吃"}, {"urgency": "routine"}, {"items": [{"name": "阿司匹林"}]}],
)
def test_nothing_is_said_when_nothing_has_changed(app: Flask, people: People, said: dict[str, Any]) -> None:
    with app.app_context():
        save_call(people, items=LIST, notes="饭后吃")
        _take(people)
        _again(people, **said)
        assert _told("changed_volunteer") == []
        assert _page(people, app).changes == []


def test_urgent_help_is_urgent_whatever_is_ticked(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, category="urgent", urgency="urgent")
        _take(people)
        coordinating.change_urgency(_edit(people), "soon")
        assert _told("changed_volunteer") == []
        assert _page(people, app).changes == []


def test_what_has_changed_before_it_was_theirs_is_no_news(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, items=LIST)
        _again(people, items=[{"name": "布洛芬"}])
        _take(people)
        assert _told("changed_volunteer") == []
        assert _page(people, app).changes == []
        coordinating.change_urgency(_edit(people), "urgent")
        assert [changes for _at, changes in _page(people, app).changes] == [
            [{"kind": "urgency", "urgency": "urgent"}]
        ]


def test_what_was_written_before_changes_were_kept_can_still_be_shown(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        _take(people)
        with transaction() as tx:
            task = tx.get_one(Task, _task().id)
            outbox.to_volunteer(
                tx, "changed_volunteer", volunteer(people, 0), now(), task,
                **outbox.retiree_params(task.retiree),
            )  # fmt: skip
        assert "有变化" in _told("changed_volunteer")[0]


# -- When -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urgency", "offer", "coming"),
    [("urgent", "请马上去", "李伟马上"), ("soon", "请尽快", "李伟会尽快"), ("routine", "不急", "李伟会给您")],
)
def test_without_a_time_the_words_are_as_urgent_as_it_is(
    app: Flask, people: People, urgency: str, offer: str, coming: str
) -> None:
    with app.app_context(), app.test_request_context():
        save_call(people, urgency=urgency)
        dispatching.look(_task().id, now())
        assert offer in _told("offer")[0]
        _take(people)
        assert coming in _told("coming")[0]
        page = _page(people, app)
        hurried = {"urgent": "马上", "soon": "尽快", "routine": "不急"}
        from flask import get_template_attribute

        when = get_template_attribute("volunteer/_parts.html", "when")
        assert hurried[urgency] in when(page)
        if urgency == "routine":
            every = "".join(_told("offer") + _told("assigned") + _told("coming") + [when(page)])
            assert "尽快" not in every


def test_an_urgent_call_is_answered_as_one(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, category="urgent", urgency="urgent")
        assert "别慌" in _told("received_urgent")[0]
        assert "120" in _told("received_urgent")[0]
        assert _told("received") == []


@pytest.mark.parametrize("told", [True, False])
def test_that_120_was_called_is_said_only_if_the_caller_was_asked_to(
    app: Flask, people: People, told: bool
) -> None:
    with app.app_context():
        call = Call(
            form_key="k", wanted=[Wanted("urgent", "urgent", None)], retiree_id=people.retiree,
            life_danger=told, script_given=told,
        )  # fmt: skip
        intake.save(call, db.session.get_one(Staff, people.operator), now())
        dispatching.look(_task().id, now())
        assert ("120" in _told("offer")[0]) is told


# -- By hand ----------------------------------------------------------------------------------------------


def test_who_was_given_it_by_hand_isnt_told_that_they_accepted(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        coordinating.assign(_edit(people), people.volunteers[0])
        assert _told("assigned") == []
        said = _told("assigned_by_hand")[0]
        assert "办公室请您给王秀兰老师买药" in said
        assert "接了" not in said
        assert _page(people, app).by_hand
        client = app.test_client()
        message = db.session.scalars(select(Message).where(Message.kind == "assigned_by_hand")).one()
        with transaction() as tx:
            token, row = tokens.mint(message.kind, message.task_id, people.volunteers[0], now())
            tx.add(LinkToken(**row))
    shown = client.get(f"/o/{token}").get_data(as_text=True)
    assert "办公室安排您" in shown
    assert "您已接单" not in shown


def test_it_leaves_only_while_it_is_theirs_and_can_be_sent_again(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        coordinating.assign(_edit(people), people.volunteers[0])
        message = db.session.scalars(select(Message).where(Message.kind == "assigned_by_hand")).one()
        assert messaging.needed(db.session(), [message.id]) == {message.id}
        with transaction() as tx:
            lost = tx.get_one(Message, message.id)
            lost.state, lost.error_code = "failed", "30003"
        resending.resend(message.id, db.session.get_one(Staff, people.coordinator), now())
        assert len(_told("assigned_by_hand")) == 2
        with transaction() as tx:
            progress.hand_back(tx, tx.get_one(Task, _task().id), volunteer(people, 0), "", "", now())
        assert messaging.needed(db.session(), [message.id]) == set()


def test_details_that_dont_arrive_are_said_to_be_given_by_hand(app: Flask, people: People) -> None:
    from dispatcher.models import Attention
    from dispatcher.services import outcomes
    from dispatcher.sms.gateway import Fault, Refused

    with app.app_context(), app.test_request_context():
        save_call(people)
        coordinating.assign(_edit(people), people.volunteers[0])
        with transaction() as tx:
            message = tx.scalars(select(Message).where(Message.kind == "assigned_by_hand")).one()
            bad_number = Refused("21211", Fault.RECIPIENT)
            outcomes.lost(tx, message, MessageState.FAILED, "21211", now(), bad_number)
        raised = db.session.scalars(
            select(Attention).where(Attention.reason == "volunteer_unreachable")
        ).one()
        assert "接了" not in wording.attention_text(raised)


def test_how_an_assignment_by_hand_ended_stands_among_the_answers(app: Flask, people: People) -> None:
    from flask import render_template

    with app.app_context():
        save_call(people)
        coordinating.assign(_edit(people), people.volunteers[0])
        with transaction() as tx:
            progress.hand_back(tx, tx.get_one(Task, _task().id), volunteer(people, 0), "", "", now())
        with app.test_request_context():
            detail = board.detail(db.session(), _task().id, now())
            page = render_template("board/_task_live.html", detail=detail, with_actions=False, now=now())
        asked = page.split('id="asked-whom"')[1].split("</section>")[0]
        assert "李伟" in asked
        assert "办公室安排" in asked
        assert "交回" in asked


# -- Steps said by SMS ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digit", "words"),
    [("2", "您已出发去王秀兰老师家"), ("3", "王秀兰老师的药送到了"), ("0", "我们请别人去")],
)
def test_a_step_said_by_sms_is_confirmed_as_a_step_of_theirs(
    app: Flask, people: People, digit: str, words: str
) -> None:
    with app.app_context():
        save_call(people)
        _take(people)
        inbound.receive(Incoming("SMin", "+8613635200000", digit), now())
        assert words in _told("noted")[0]


def test_every_sms_is_signed_once(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        dispatching.look(_task().id, now())
        _take(people)
        for message in db.session.scalars(select(Message).where(Message.direction == "out")):
            text = messaging.rendered(message, now(), "x")
            assert text.startswith("【离退休工作处】")
            assert text.count("【") == 1


def test_what_somebody_typed_is_no_signature(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, items=LIST)
        _take(people)
        _again(people, notes="【重要】只要1盒")
        assert "「重要」只要1盒" in _told("changed_volunteer")[0]
        assert db.session.scalars(select(Event).where(Event.kind == "repeat_call")).one().params["changes"]


# -- Out of reach -----------------------------------------------------------------------------------------


def test_out_of_reach_nobody_is_said_to_be_looked_for(app: Flask, people: People) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login", data={"username": "co", "password": PASSWORD})
    with app.app_context():
        save_call(people, retiree=people.remote)
        task_id = _task().id
    for path in ("/board", f"/board/tasks/{task_id}", "/board/paper"):
        page = client.get(path).get_data(as_text=True)
        main = page.split("</form>", 2)[-1] if path == "/board" else page
        assert "电话安排" in main, path
        assert "<progress" not in main, path
        row = main.split("<table")[-1] if path != f"/board/tasks/{task_id}" else main
        assert "正在找人" not in row, path
