"""Texts that nothing was done with: whose they are, one item a phone, their order, and how they go."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from twilio.request_validator import RequestValidator

from dispatcher.database import db, transaction
from dispatcher.models import (
    Attention,
    Event,
    HelpRequest,
    Message,
    Offer,
    ReplyCode,
    Retiree,
    RetireePhone,
    Staff,
    Task,
    Volunteer,
)
from dispatcher.rules.order import Place
from dispatcher.services import (
    attention,
    board,
    coordinating,
    dispatching,
    finding,
    handover,
    inbound,
    loose_texts,
    own_page,
    senders,
    standing,
)
from dispatcher.services.coordinating import Edit
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import PASSWORD, People, now, save_call, volunteer

RETIREE, REMOTE, VOLUNTEER = "+8613935200001", "+8613935200002", "+8613635200000"
STRANGER = "+8615035100001"
ENGLISH = {"Accept-Language": "en"}


def text(body: str, number: int = 1, phone: str = STRANGER, **more: Any) -> None:
    inbound.receive(Incoming(f"SMin{number}", phone, body, **more), now())


def standing_items() -> list[Attention]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Attention)
            .where(Attention.resolved_at.is_(None), standing.is_text())
            .order_by(Attention.id)
        )
    )


def only() -> Attention:
    found = standing_items()
    assert len(found) == 1
    return found[0]


def kept() -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.direction == "in").order_by(Message.id)))


def answers() -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Message.kind).where(Message.direction == "out", Message.kind.like("reply_help%"))
        )
    )


def overview(**wanted: Any) -> board.Board:
    db.session.rollback()
    return board.overview(db.session(), board.Filter(**wanted), now())


def boss(people: People) -> Staff:
    return db.session.get_one(Staff, people.coordinator)


@contextmanager
def counted() -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def co(app: Flask, people: People) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login", data={"username": "co", "password": PASSWORD})
    return client


# -- Whose ----------------------------------------------------------------------------------------------


def test_a_retirees_text_is_theirs_and_about_their_newest_open_task(
    app: Flask, people: People, co: FlaskClient
) -> None:
    with app.app_context():
        save_call(people)
        save_call(people, "second", category="groceries")
        newest = db.session.scalars(select(func.max(Task.id))).one()
        text("药还没到", phone=RETIREE)
        item = only()
        assert (item.retiree_id, item.task_id, item.sender) == (people.retiree, newest, "retiree")
        assert kept()[0].retiree_id == people.retiree
        seen = overview()
        assert [row.attention for row in seen.rows] == [[], []], "a text has a row of its own"
        found = finding.find(db.session(), "药还没到", now()).messages
        assert [letter.retiree.name for letter in found if letter.retiree] == ["王秀兰"]
    page = co.get("/board?lang=zh").text
    row = page[page.index('class="item needs loose') :]
    assert f'href="/hotline/people/{people.retiree}"' in row
    assert f'href="/board/tasks/{newest}"' in row
    assert "药还没到" in co.get(f"/board/tasks/{newest}?lang=zh").text


def test_a_volunteers_text_is_about_what_they_hold(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        coordinating.assign(Edit(task_id, boss(people), 2**31 - 1, now()), people.volunteers[0])
        text("楼下堵车", phone=VOLUNTEER)
        item = only()
        assert (item.volunteer_id, item.task_id, item.sender) == (people.volunteers[0], task_id, "volunteer")
        assert item.retiree_id is None
    assert f'href="/board/volunteers/{people.volunteers[0]}"' in co.get("/board?lang=zh").text


def test_a_shared_phone_names_all_and_is_nobodys_alone(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        with transaction() as tx:
            tx.add(RetireePhone(retiree_id=people.remote, number=RETIREE, kind="mobile", rank=1))
        text("喂？", phone=RETIREE)
        item = only()
        assert item.retiree_id is None
        assert [person["name"] for person in item.params["people"]] == ["王秀兰", "李建国"]
        assert kept()[0].retiree_id is None
        assert overview().strangers.total == 0
    for language, words in (("zh", "其中一位"), ("en", "one of these")):
        page = co.get("/board", headers={"Accept-Language": language}).text
        assert words in page
        assert f"/hotline/people/{people.retiree}" in page
        assert f"/hotline/people/{people.remote}" in page


def test_a_contact_is_named_with_the_relation_as_recorded(
    app: Flask, people: People, co: FlaskClient
) -> None:
    with app.app_context():
        with transaction() as tx:
            her = tx.get_one(Retiree, people.retiree)
            her.contact_name, her.contact_relation, her.contact_phone = "张丽", "女儿", STRANGER
        save_call(people)
        text("我妈的药到了吗")
        item = only()
        task_id = db.session.scalars(select(Task.id)).one()
        assert (item.sender, item.retiree_id, item.task_id) == ("contact", people.retiree, task_id)
    page = co.get("/board?lang=zh").text
    row = page[page.index('class="item needs loose') :]
    assert "张丽" in row
    assert "女儿，王秀兰的紧急联系人" in row
    assert "女儿, emergency contact of 王秀兰" in co.get("/board", headers=ENGLISH).text


def test_one_phone_may_be_a_volunteers_and_a_retirees(app: Flask, people: People) -> None:
    with app.app_context():
        with transaction() as tx:
            tx.add(RetireePhone(retiree_id=people.retiree, number=VOLUNTEER, kind="mobile", rank=1))
        text("喂？", phone=VOLUNTEER)
        item = only()
        assert (item.retiree_id, item.volunteer_id) == (people.retiree, people.volunteers[0])
        assert [person["as"] for person in item.params["people"]] == ["retiree", "volunteer"]
        assert kept()[0].retiree_id == people.retiree


@pytest.mark.parametrize("given", ["whatsapp:+8613935200001", "UNIVERSITY", "", "x" * 300, "10086"])
def test_who_is_no_phone_is_taken_in_and_put_before_a_person(
    app: Flask, people: People, co: FlaskClient, given: str
) -> None:
    path, posted = "/sms/inbound", {"MessageSid": "", "From": given, "Body": "STOP"}
    validator = RequestValidator(app.config["TWILIO_AUTH_TOKEN"])
    for sid in ("SM" + "1" * 32, "SM" + "2" * 32):
        posted["MessageSid"] = sid
        signature = validator.compute_signature(app.config["PUBLIC_URL"] + path, posted)
        answer = app.test_client().post(path, data=posted, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 200
    with app.app_context():
        item = only()
        assert item.params["count"] == 2
        assert answers() == []
        message = kept()[0]
        assert message.params.get("from", message.phone) == given[:100]
        if given.startswith("whatsapp"):
            assert item.retiree_id == message.retiree_id == people.retiree
            assert message.phone == RETIREE
    for page in ("/board", "/board?view=lanes", "/board/wall", "/board/texts?who=strangers"):
        assert co.get(page).status_code == 200
    assert "STOP" in co.get("/board").text


# -- One item a phone -----------------------------------------------------------------------------------


def test_eight_equal_texts_are_one_item_counted(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        for number in range(8):
            text("喂？", number)
        item = only()
        assert (item.params["count"], len(item.params["texts"]), overview().needs) == (8, 1, 1)
        assert len(kept()) == 8
        assert len(answers()) == 1
    page = co.get("/board?lang=zh").text
    assert page.count("喂？") == 1
    assert "8 条短信" in page


def test_the_newest_is_shown_whole_and_a_bounded_number_kept(app: Flask, people: People) -> None:
    with app.app_context():
        for number in range(40):
            text(f"第{number}条" + "长" * 400, number, phone=RETIREE)
        item = only()
        assert item.params["said"] == "第39条" + "长" * 400
        assert item.params["count"] == 40
        assert [t["said"][:4] for t in item.params["texts"]] == [f"第{n}条" for n in (39, 38, 37, 36, 35)]
        assert len(str(item.params)) < 5000
        assert len(kept()) == 40


def test_what_was_dismissed_starts_anew(app: Flask, people: People) -> None:
    with app.app_context():
        text("喂？")
        first = only()
        assert coordinating.resolve(first.id, boss(people), "seen to", now())
        assert standing_items() == []
        text("还在吗？", 2)
        again = only()
        assert (again.id != first.id, again.params["count"]) == (True, 1)


def test_a_text_that_came_after_the_page_was_drawn_is_not_dismissed_with_it(
    app: Flask, people: People, co: FlaskClient
) -> None:
    with app.app_context():
        text("喂？")
        address = re.search(r'formaction="(/board/attention/\d+/done[^"]*)"', co.get("/board").text)
        assert address
        text("我摔了", 2)
        co.post(address[1].replace("&amp;", "&"), data={"said": "x"})
        assert only().params["count"] == 2
        address = re.search(r'formaction="(/board/attention/\d+/done[^"]*)"', co.get("/board").text)
        assert address
        co.post(address[1].replace("&amp;", "&"), data={"said": "x"})
        assert standing_items() == []


def test_two_at_once_are_one_item_and_both_counted(app: Flask, people: People) -> None:
    bodies = ["我摔倒了", "喂？", "在吗？", "有人吗？"]
    ready = threading.Barrier(len(bodies))

    def send(number: int) -> None:
        with app.app_context():
            ready.wait()
            text(bodies[number], number, phone=RETIREE)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        item = only()
        assert item.params["count"] == len(bodies)
        assert {t["said"] for t in item.params["texts"]} == set(bodies)
        assert item.reason == "call_for_help"


def test_a_text_costs_the_same_after_hundreds(app: Flask, people: People) -> None:
    with app.app_context():
        for number in range(3):
            text(f"喂 {number}", number)
        with counted() as few:
            text("喂 x", 3)
        for number in range(4, 120):
            text(f"喂 {number}", number)
        with counted() as many:
            text("喂 y", 120)
        assert len(many) == len(few) <= 20
        assert only().params["count"] == 121


def test_items_from_before_still_show_and_go(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        save_call(people)
        with transaction() as tx:
            task = tx.get_one(Task, tx.scalars(select(Task.id)).one())
            for number, of in enumerate(
                ({}, {"retiree": tx.get_one(Retiree, people.retiree)}, {"task": task},
                 {"volunteer": volunteer(people, 0)})
            ):  # fmt: skip
                message = Message(
                    direction="in",
                    kind="reply",
                    phone=STRANGER,
                    state="received",
                    body="旧的",
                    created_at=now(),
                )
                tx.add(message)
                tx.flush()
                attention.raise_(
                    tx, "unclear_reply", now(), message_id=message.id, subject=f"message:{message.id}",
                    said=f"旧的{number}", phone=STRANGER, why="not_understood", **of,  # type: ignore[arg-type]
                )  # fmt: skip
        seen = overview()
        assert (seen.needs, len(seen.loose), seen.strangers.total) == (4, 3, 1)
    for path in ("/board", "/board?view=lanes", "/board/wall", "/hotline/handover", "/board/texts"):
        page = co.get(path + ("&" if "?" in path else "?") + "lang=zh")
        assert page.status_code == 200
        assert "旧的" in page.text
    with app.app_context():
        ids = {item.id: item.message_id or 0 for item in standing_items()}
        assert loose_texts.dismiss(ids, boss(people), now()).done == 4
        assert standing_items() == []


# -- Order ----------------------------------------------------------------------------------------------


def flood(people: People, strangers: int = 12, each: int = 3) -> dict[str, int]:
    """One retiree calls for help, a life is in danger elsewhere, and everybody writes."""
    save_call(people, "calm", retiree=people.retiree, category="groceries")
    save_call(people, "stuck", retiree=people.remote)  # nobody can be asked: a person must see to it
    save_call(people, "danger", category="urgent", urgency="urgent")
    tasks = dict(
        zip(("calm", "stuck", "danger"), db.session.scalars(select(Task.id).order_by(Task.id)), strict=True)
    )
    with transaction() as tx:
        tx.get_one(HelpRequest, tx.get_one(Task, tasks["danger"]).request_id).life_danger = True
    text("我摔倒了", 1, phone=RETIREE)
    text("明天再说", 2, phone=REMOTE)
    text("堵车", 3, phone=VOLUNTEER)
    for number in range(strangers):
        for again in range(each):
            text(f"广告 {again}", 100 + number * each + again, phone=f"+86150351{number:05}")
    text("救命", 99, phone="+8615035199999")
    return tasks


def test_the_order_is_one_on_every_page(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        tasks = flood(people)
        seen = overview()
        places = [entry.place for entry in seen.entries]
        assert places == sorted(places) == [
            Place.DANGER, Place.CALL_FOR_HELP, Place.TASK_NEEDS_PERSON, Place.TASK, Place.TEXT_OF_RETIREE,
            Place.TEXT_OF_VOLUNTEER,
        ]  # fmt: skip
        assert [row.task.id for row in seen.rows] == [tasks["danger"], tasks["stuck"], tasks["calm"]]
        assert (len(seen.strangers.first), seen.strangers.total) == (3, 13)
        assert seen.strangers.first[0].params["said"] == "救命", "first among strangers"
        assert seen.needs == 2 + 3 + 13
        assert next(item.id for item in standing_items() if item.sender != "stranger") in seen.pressing
        lanes = board.overview(db.session(), board.Filter(), now(), by_lane=True).lanes
        assert [entry.place for entry in lanes[0].entries] == [p for p in places if p != Place.TASK]
        handed = handover.overview(db.session(), now())
        assert [task.id for task in handed.danger] == [tasks["danger"]]
        assert handed.promised[0].id == tasks["danger"]
        assert handed.unclaimed[0].reason == "call_for_help"
        assert (len(handed.strangers.first), handed.strangers.total) == (3, 13)
    wall = co.get("/board/wall?lang=zh").text
    assert wall.index("生命危险") < wall.index("我摔倒了") < wall.index("李建国")
    assert wall.count('<li class="wall-item') == 5
    assert "另有 13 项" in wall
    for path in ("/board?lang=zh", "/board?lang=zh&view=lanes", "/hotline/handover?lang=zh"):
        page = co.get(path).text
        assert page.index("生命危险") < page.index("我摔倒了") < page.index("明天再说") < page.index("救命")
        assert page.count("广告") <= 9
        assert "10 个" in page, "strangers who aren't shown are counted"


def test_the_newest_of_the_roster_comes_first(app: Flask, people: People) -> None:
    with app.app_context():
        text("一", 1, phone=RETIREE)
        text("二", 2, phone=REMOTE)
        assert [item.params["said"] for item in overview().loose] == ["二", "一"]
        text("三", 3, phone=RETIREE)
        assert [item.params["said"] for item in overview().loose] == ["三", "二"]


def test_a_call_for_help_becomes_one_and_stays_one(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        text("喂？", 1, phone=RETIREE)
        item = only()
        assert coordinating.see_to(item.id, boss(people), None, now())
        text("胸口疼", 2, phone=RETIREE)
        text("有人吗？", 3, phone=RETIREE)
        again = only()
        assert (again.id, again.reason, again.params["count"]) == (item.id, "call_for_help", 3)
        assert again.claimed_by_id is None, "whoever saw to the first may not look again"
        assert overview().pressing == [item.id]
    page = co.get("/board/wall?lang=zh").text
    assert "胸口疼" in page


def test_a_task_that_is_pressed_for_a_life_comes_first_though_it_is_calm(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people, "stuck", retiree=people.remote)
        save_call(people, "danger", category="urgent", urgency="urgent")
        with transaction() as tx:
            tx.scalars(select(HelpRequest).where(HelpRequest.form_key == "danger")).one().life_danger = True
        for wanted in ({}, {"state": "attention"}):
            seen = overview(**wanted)
            assert [row.danger for row in seen.rows] == [True, False]
            assert seen.needs == 2


# -- Thanks, and the end of a task ----------------------------------------------------------------------


def test_thanks_are_noted_with_their_task_and_raise_nothing(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        text("谢谢你们！", 1, phone=RETIREE)
        text("Thank you", 2, phone=VOLUNTEER)
        text("谢谢", 3)
        assert standing_items() == []
        assert overview().needs == 0
        found = db.session.execute(select(Event.task_id, Event.actor).where(Event.kind == "thanks")).all()
        assert [tuple(row) for row in found] == [(task_id, "retiree"), (None, "volunteer")]
        assert kept()[0].task_id == task_id
        assert answers() == []


def test_thanks_of_somebody_who_was_asked_are_no_yes_and_they_hear_how(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        asked = db.session.scalars(select(Volunteer.phone).join(Offer, Offer.volunteer_id == Volunteer.id))
        text("谢谢", 1, phone=asked.first() or "")
        assert db.session.get_one(Task, task_id).state == "open"
        assert answers() == ["reply_help"]
        assert standing_items() == []


def test_thanks_after_the_end_are_for_the_task_that_ended(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        coordinating.close(Edit(task_id, boss(people), 2**31 - 1, now()), "")
        text("谢谢", 1, phone=RETIREE)
        assert db.session.scalars(select(Event.task_id).where(Event.kind == "thanks")).all() == [task_id]


def test_when_a_task_ends_the_texts_about_it_go_but_no_call_for_help(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        text("药还没到", 1, phone=RETIREE)
        text("到哪了", 2, phone=RETIREE)
        assert only().task_id == task_id
        coordinating.close(Edit(task_id, boss(people), 2**31 - 1, now()), "")
        assert standing_items() == []
        save_call(people, "again")
        task_id = db.session.scalars(select(func.max(Task.id))).one()
        text("我摔倒了", 3, phone=RETIREE)
        coordinating.close(Edit(task_id, boss(people), 2**31 - 1, now()), "")
        assert only().reason == "call_for_help"


# -- Several dismissed at once, and what came with a text -----------------------------------------------


def test_several_are_dismissed_at_once_and_what_is_new_stays(
    app: Flask, people: People, co: FlaskClient
) -> None:
    with app.app_context():
        for number in range(4):
            text("广告", number, phone=f"+861503510000{number}")
        newest = standing_items()[-1].id
    page = co.get("/board/texts?who=strangers&lang=zh").text
    seen = re.findall(r'name="seen" value="([^"]+)"', page)
    assert seen[0].startswith(f"{newest}:")
    with app.app_context():
        text("喂？", 9, phone="+8615035100003")
    answer = co.post("/board/texts/dismiss", data={"seen": seen[:3], "who": "strangers"})
    assert answer.status_code == 303
    said = co.get(answer.headers["Location"] + "&lang=zh").text
    assert "已移出 2 个" in said
    assert "又来了新短信" in said

    def seen_to() -> int:
        db.session.rollback()
        return len(db.session.scalars(select(Event.id).where(Event.kind == "seen_to")).all())

    with app.app_context():
        assert len(standing_items()) == 2
        assert seen_to() == 2
    co.post("/board/texts/dismiss", data={"seen": seen[:3], "who": "strangers"})
    with app.app_context():
        assert seen_to() == 2, "harmless twice"
        assert newest in [item.id for item in standing_items()]
    everything = re.findall(r'name="shown" value="([^"]+)"', co.get("/board/texts?who=strangers").text)
    co.post("/board/texts/dismiss", data={"shown": everything, "which": "all"})
    with app.app_context():
        assert standing_items() == []
    for wrong in ({"seen": "x:1"}, {"seen": "1"}, {"seen": "-1:1"}):
        assert co.post("/board/texts/dismiss", data=wrong).status_code == 400
    assert co.post("/board/texts/dismiss", data={}).status_code == 303
    assert co.get("/board/texts/dismiss").status_code == 302


def test_an_operator_reads_them_and_dismisses_none(app: Flask, people: People) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login", data={"username": "op", "password": PASSWORD})
    with app.app_context():
        text("喂？")
        item = only()
    page = client.get("/board/texts")
    assert "喂？" in page.text
    assert 'name="seen"' not in page.text
    answer = client.post("/board/texts/dismiss", data={"seen": f"{item.id}:{item.message_id}"})
    assert answer.status_code == 403


def test_many_pages_of_them(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        for number in range(standing.PAGE + 3):
            text("广告", number, phone=f"+86150351{number:05}")
        assert overview().needs == standing.PAGE + 3
    first = co.get("/board/texts?lang=zh").text
    assert first.count('name="seen"') == standing.PAGE
    assert co.get("/board/texts?who=strangers&page=2").text.count('name="seen"') == 3
    assert co.get("/board/texts?who=strangers&page=99").text.count('name="seen"') == 3
    board_page = co.get("/board?lang=zh").text
    assert board_page.count("广告") == standing.STRANGERS
    assert f"{standing.PAGE} 个" in board_page


def test_a_picture_is_said_and_its_address_kept_and_an_empty_text_too(
    app: Flask, people: People, co: FlaskClient
) -> None:
    validator = RequestValidator(app.config["TWILIO_AUTH_TOKEN"])

    def post(sid: str, **more: str) -> None:
        posted = {"MessageSid": sid, "From": RETIREE, "Body": ""} | more
        signature = validator.compute_signature(app.config["PUBLIC_URL"] + "/sms/inbound", posted)
        client = app.test_client()
        answer = client.post("/sms/inbound", data=posted, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 200

    post(
        "SM" + "1" * 32,
        NumMedia="2",
        MediaUrl0="https://media.example/1",
        MediaUrl1="https://media.example/2",
    )
    with app.app_context():
        assert kept()[0].params["pictures"] == ["https://media.example/1", "https://media.example/2"]
        assert only().params["pictures"] == 2
    assert "发来 2 张图片" in co.get("/board?lang=zh").text
    assert "2 pictures came" in co.get("/board", headers=ENGLISH).text
    assert "media.example" not in co.get("/board").text
    post("SM" + "2" * 32)
    page = co.get("/board?lang=zh").text
    assert "（没有文字）" in page
    assert "“”" not in page
    for number, said in enumerate(("", "0", "50")):
        post(f"SM{number}" + "3" * 31, NumMedia=said, MediaUrl0="https://media.example/" + "9" * 900)
    with app.app_context():
        assert max(len(message.params.get("pictures", ())) for message in kept()) <= 10
        assert only().params["count"] == 5


def test_what_a_lost_phone_writes_says_so(app: Flask, people: People, co: FlaskClient) -> None:
    with app.app_context():
        own_page.links_lost(people.volunteers[0], boss(people), now() - timedelta(minutes=1))
        text("谢谢", 1, phone=VOLUNTEER)
        text("好的", 2, phone=VOLUNTEER)
        item = only()
        assert (item.params["why"], item.params["count"]) == ("phone_lost", 2)
        assert answers() == []
    assert "手机已丢失" in co.get("/board?lang=zh").text
    assert "手机已丢失" in co.get("/board/wall?lang=zh").text


@pytest.mark.parametrize("spelt", ["{0}", "86{0}", "+86{0}", "0086{0}", "+86 {0}"])
def test_a_volunteer_is_known_however_the_gateway_writes_their_number(
    app: Flask, people: People, spelt: str
) -> None:
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id)
        code = db.session.scalars(select(ReplyCode).where(ReplyCode.purpose == "help")).first()
        assert code is not None
        given, slot, phone = spelt.format(code.phone.removeprefix("+86")), code.slot, code.phone
        text("今天天气不错", 1, given)
        text("今天天气真好", 2, phone)
        assert len(standing_items()) == 1, "one item a phone"
        text(f"{slot}1", 3, given)
        db.session.rollback()
        assert db.session.get_one(Task, task_id).state == "assigned"
        text("退订", 4, given)
        db.session.rollback()
        stopped = select(Volunteer.stopped_at).where(Volunteer.phone == phone)
        assert db.session.scalars(stopped).one() is not None


@pytest.mark.parametrize(
    ("given", "number", "by_sms"),
    [
        ("13935102222", "+8613935102222", True),
        ("8613935102222", "+8613935102222", True),
        ("+819012345678", "+819012345678", True),
        ("whatsapp:+8613935102222", "+8613935102222", False),
        ("whatsapp:8613935102222", "+8613935102222", False),
        ("rcs:agent", "", False),
        ("10086", "", False),
        ("+12345", "", False),
        ("MyBank", "", False),
        ("", "", False),
    ],
)
def test_the_phone_behind_a_sender(given: str, number: str, by_sms: bool) -> None:
    assert senders.number_of(given) == number
    assert senders.Known(given, number).can_be_answered == by_sms
