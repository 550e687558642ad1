"""A volunteer's own page: got by SMS only, theirs alone, and what it changes counts everywhere."""

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from dispatcher.database import db, transaction
from dispatcher.models import (
    Attention,
    DutyWindow,
    Event,
    LinkToken,
    Message,
    Offer,
    ReplyCode,
    Staff,
    Task,
    Volunteer,
)
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState
from dispatcher.services import (
    board,
    candidates,
    coordinating,
    dispatching,
    history,
    inbound,
    messaging,
    outbox,
    own_page,
    progress,
    responding,
    states,
    volunteering,
)
from dispatcher.services import people as volunteers
from dispatcher.services.coordinating import Edit
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import People, RecordingGateway, logged_in, now, save_call, volunteer
from tests.integration.test_volunteering import TOKEN, held

PHONE = "+8613635200000"


def ask(body: str, number: int = 1, phone: str = PHONE) -> None:
    db.session.rollback()
    inbound.receive(Incoming(f"SMin{number}", phone, body), now())


def send_all(gateway: RecordingGateway) -> None:
    db.session.rollback()
    for message_id in db.session.scalars(select(Message.id).where(Message.state == "queued")).all():
        messaging.send(message_id, gateway)
    db.session.rollback()


def own_link(gateway: RecordingGateway) -> str:
    """The path of the newest link to an own page that was sent."""
    send_all(gateway)
    found = [match[0] for _, body, _ in gateway.sent if (match := re.search(r"/v/\w{12}\b", body))]
    assert found, gateway.sent
    return found[-1]


def pages_sent() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Message.id).where(Message.kind == "your_page")).all())


def me(people: People) -> Volunteer:
    db.session.rollback()
    return db.session.get_one(Volunteer, people.volunteers[0], populate_existing=True)


def test_the_word_brings_the_link_once_in_ten_minutes(app: Flask, people: People) -> None:
    with app.app_context():
        save_call(people)  # no reply code and no offer is mistaken for it
        ask("我的")
        ask("My page!", 2)
        assert pages_sent() == 1
        assert db.session.scalars(select(Event.kind).where(Event.kind == "unclear_reply")).all() == []
        link = own_link(RecordingGateway())
        life = db.session.scalars(select(LinkToken).where(LinkToken.task_id.is_(None))).one()
        assert life.expires_at - life.created_at == timedelta(days=180)
        assert life.volunteer_id == people.volunteers[0]
        with transaction() as tx:
            own_page.send_link(tx, volunteer(people, 0), now() + timedelta(minutes=11))
        assert pages_sent() == 2
        # Nobody else's word is one.
        ask("我的", 3, "+8613935200001")
        assert pages_sent() == 2
        assert db.session.scalars(select(Event.kind).where(Event.kind == "unclear_reply")).all()
        with transaction() as tx:
            volunteer(people, 1).stopped_at = now()
        ask("我的", 4, "+8613635200001")
        assert pages_sent() == 2
    answer = app.test_client().get(link)
    assert answer.status_code == 200
    assert "李伟" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_task_is_opened_from_it_by_the_same_page_and_nobody_elses_is(app: Flask, people: People) -> None:
    gateway, client = RecordingGateway(), app.test_client()
    with app.app_context():
        task_id = held(people)
        ask("我的")
        link = own_link(gateway)
        save_call(people, "other", category="groceries")
        foreign = db.session.scalars(select(Task.id).order_by(Task.id.desc())).first()
    page = client.get(link)
    assert f"{link}/tasks/{task_id}" in page.text
    assert "王秀兰" in page.text
    task = client.get(f"{link}/tasks/{task_id}")
    assert "3号楼2单元501" in task.text
    assert client.get(f"{link}/tasks/{task_id}/stage").json["stage"] == "yours"  # type: ignore[index]
    assert "/page" not in task.text, "who is here has it already"
    answer = client.post(f"{link}/tasks/{task_id}/underway?lang=en")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{link}/tasks/{task_id}?lang=en")
    assert client.post(f"{link}/tasks/{task_id}/delivered", data={"spent": "x"}).status_code == 422
    with app.app_context():
        assert db.session.get_one(Task, task_id).state == "underway"
        # It isn't theirs any more: nothing of it is left, by this key either.
        with transaction() as tx:
            progress.hand_back(tx, tx.get_one(Task, task_id), volunteer(people, 0), "other", "", now())
    gone = client.get(f"{link}/tasks/{task_id}")
    assert gone.status_code == 200
    assert "501" not in gone.text
    assert "王秀兰" not in client.get(link).text
    for method in (client.get, client.post):
        assert method(f"{link}/tasks/{foreign}/underway").status_code in (302, 404)
    assert client.get(f"{link}/tasks/{foreign}").status_code == 404
    assert client.get(f"{link}/tasks/{foreign}/stage").status_code == 404
    # Each key opens its own kind of door only.
    assert client.get(link.replace("/v/", "/o/")).status_code == 404
    assert client.get(f"/v/{TOKEN}").status_code == 404
    assert client.post(f"/v/{TOKEN}/free", data={"hours": "1"}).status_code == 404
    assert client.get(f"/v/{TOKEN}/tasks/{task_id}").status_code == 404


def test_the_task_page_sends_the_link_to_the_phone_and_shows_it_to_nobody(app: Flask, people: People) -> None:
    client = app.test_client()
    with app.app_context():
        held(people)
    answer = client.post(f"/o/{TOKEN}/page", follow_redirects=True)
    assert answer.status_code == 200
    assert "/v/" not in answer.text
    assert "短信发给您" in answer.text
    assert client.post(f"/o/{TOKEN}/page").status_code == 409
    with app.app_context():
        assert pages_sent() == 1


def test_lost_links_end_and_new_ones_may_follow_at_once(app: Flask, people: People) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        held(people)
        ask("我的")
        link = own_link(gateway)
    office = logged_in(app, people.coordinator)
    who = f"/board/volunteers/{people.volunteers[0]}"
    app.config["WTF_CSRF_ENABLED"] = False
    assert "刚发过" in office.post(f"{who}/page", follow_redirects=True).text
    assert office.post(f"{who}/lost").status_code == 303
    assert app.test_client().get(link).status_code == 404
    assert app.test_client().get(f"/o/{TOKEN}").status_code == 404
    assert "正用短信发出" in office.post(f"{who}/page", follow_redirects=True).text
    with app.app_context():
        assert own_link(gateway) != link
        kinds = db.session.scalars(select(Event.kind).where(Event.actor == "staff")).all()
        assert {"links_lost", "page_sent"} <= {*kinds}
    assert logged_in(app, people.operator).post(f"{who}/lost").status_code == 403
    assert app.test_client().post(f"{who}/lost").status_code in (302, 401)
    assert office.post("/board/volunteers/999/page", follow_redirects=True).status_code == 404
    assert office.get(f"{who}/lost").status_code == 302
    app.config["WTF_CSRF_ENABLED"] = True
    assert office.post(f"{who}/lost").status_code == 400


def test_a_lost_phone_gets_no_link_by_what_waits_or_by_asking(app: Flask, people: People) -> None:
    """Neither by an SMS written before, nor by the word, until the staff have sent one."""
    with app.app_context():
        held(people)
        save_call(people, "next", category="groceries")
        second = db.session.scalars(select(Task.id).order_by(Task.id.desc())).first()
        assert second is not None
        dispatching.look(second, now())
        mine = select(Offer).where(Offer.task_id == second, Offer.volunteer_id == people.volunteers[0])
        if db.session.scalars(mine).first() is None:
            with transaction() as tx:
                dispatching.ask_more(tx, tx.get_one(Task, second), history.SYSTEM, now())
        assert db.session.scalars(mine).one().is_live
        ask("我的")

        def by() -> Staff:
            return db.session.get_one(Staff, people.coordinator)

        # One is with the gateway just now, and comes back.
        with transaction() as tx:
            assigned = tx.scalars(select(Message).where(Message.kind == "assigned")).one()
            assert states.move(tx, assigned, MessageState.SENDING, wake_at=now())
        assert own_page.links_lost(people.volunteers[0], by(), now())
        with transaction() as tx:
            assigned = tx.scalars(select(Message).where(Message.kind == "assigned")).one()
            assert states.move(tx, assigned, MessageState.QUEUED, wake_at=now())
        asked = db.session.get_one(Task, second)
        assert db.session.scalars(mine).one().state == "withdrawn"
        assert asked.look_again_at is not None
        assert asked.look_again_at <= now()
        ask("我的", 2)
        assert pages_sent() == 1
        gateway = RecordingGateway()
        send_all(gateway)
        assert [body for to, body, _ in gateway.sent if to == PHONE and re.search(r"/[ov]/", body)] == []
        theirs = select(Message.kind, Message.state, Message.error_code).where(Message.phone == PHONE)
        ended = {(kind, state, code) for kind, state, code in db.session.execute(theirs) if code}
        assert ended == {(kind, "failed", NOT_NEEDED) for kind in ("offer", "assigned", "your_page")}
        assert db.session.scalars(select(LinkToken).where(LinkToken.revoked_at.is_(None),
            LinkToken.volunteer_id == people.volunteers[0])).all() == []  # fmt: skip
        with transaction() as tx:
            assert own_page.send_link(tx, volunteer(people, 0), now() + timedelta(days=200)) == "unreachable"
        assert own_page.send_by_staff(people.volunteers[0], by(), now()) == "sent"
        assert own_page.send_by_staff(people.volunteers[0], by(), now()) == "lately"
        assert own_link(gateway)
        with transaction() as tx:
            assert own_page.send_link(tx, volunteer(people, 0), now()) == "lately"
            assert own_page.send_link(tx, volunteer(people, 0), now() + timedelta(minutes=11)) == "sent"
        # The others' messages were none of it.
        others = select(Message.error_code).where(Message.kind == "offer", Message.phone != PHONE)
        db.session.rollback()
        assert NOT_NEEDED not in {*db.session.scalars(others.where(Message.task_id == second))}


def urgent(people: People) -> tuple[int, str]:
    """A call for urgent help that everybody has been asked about; its task, and the yes of the first one."""
    save_call(people, "one", category="urgent", urgency="urgent")
    task_id = db.session.scalars(select(Task.id)).one()
    dispatching.look(task_id, now())
    send_all(RecordingGateway())
    code = db.session.scalars(select(ReplyCode).where(ReplyCode.volunteer_id == people.volunteers[0])).one()
    return task_id, f"{code.slot}1"


def lose(people: People) -> None:
    db.session.rollback()
    by = db.session.get_one(Staff, people.coordinator)
    assert own_page.links_lost(people.volunteers[0], by, now())
    db.session.rollback()


def test_who_finds_a_phone_does_nothing_by_it(app: Flask, people: People) -> None:
    with app.app_context():
        task_id, yes = urgent(people)
        lose(people)
        found = {offer.volunteer_id: offer.state for offer in db.session.scalars(select(Offer))}
        assert found[people.volunteers[0]] == "withdrawn"
        assert "sent" in found.values(), "others are still asked"
        before = len(db.session.scalars(select(Message.id).where(Message.direction == "out")).all())
        for n, words in enumerate((yes, "START", "我的", "好的")):
            ask(words, n)
        db.session.rollback()
        assert db.session.get_one(Task, task_id).state == "open"
        assert me(people).is_phone_lost
        assert len(db.session.scalars(select(Message.id).where(Message.direction == "out")).all()) == before
        shown = [
            item for item in db.session.scalars(select(Attention)) if item.params.get("why") == "phone_lost"
        ]
        assert [item.params["said"] for item in shown] == [yes, "START", "我的", "好的"]
    board_page = logged_in(app, people.coordinator).get("/board?lang=zh").text
    assert f"丢失的手机发来：“{yes}”" in board_page
    with app.app_context():
        by = db.session.get_one(Staff, people.coordinator)
        assert own_page.send_by_staff(people.volunteers[0], by, now()) == "sent"
        assert not me(people).is_phone_lost
        ask(yes, 9)
        db.session.rollback()
        assert db.session.get_one(Task, task_id).state == "assigned"


def test_an_accept_under_way_when_the_phone_is_lost_is_refused(app: Flask, people: People) -> None:
    with app.app_context():
        task_id, _yes = urgent(people)
        with transaction() as tx:
            before, at = volunteer(people, 0), now()  # as read before the loss
            lost = update(Volunteer).values(links_lost_at=at, stopped_at=at)
            tx.execute(lost.execution_options(synchronize_session=False))
            answer = responding.accept(tx, tx.get_one(Task, task_id), before, now())
            assert answer is responding.Answer.UNREACHABLE
            assert tx.get_one(Task, task_id).state == "open"


def test_nothing_more_goes_to_a_lost_phone(app: Flask, people: People) -> None:
    """Neither news of what they hold, nor a task by hand, nor, later, what was written before the loss."""
    with app.app_context():
        held(people)
        task_id = db.session.scalars(select(Task.id)).one()
        send_all(RecordingGateway())
        with transaction() as tx:
            outbox.to_volunteer(tx, "your_page", volunteer(people, 0), now())
        with transaction() as tx:
            waiting = tx.scalars(select(Message).order_by(Message.id.desc())).first()
            assert waiting is not None
            assert states.move(tx, waiting, MessageState.SENDING, wake_at=now())  # is with the gateway
        lose(people)
        by = db.session.get_one(Staff, people.coordinator)
        coordinating.change_urgency(Edit(task_id, by, 2**31 - 1, now()), "urgent")
        gateway = RecordingGateway()
        send_all(gateway)
        assert [body for to, body, _ in gateway.sent if to == PHONE] == []
        save_call(people, "next", category="groceries")
        second = db.session.scalars(select(Task.id).order_by(Task.id.desc())).first()
        assert second is not None
        with pytest.raises(coordinating.Refused, match="phone_lost"):
            coordinating.assign(Edit(second, by, 2**31 - 1, now()), people.volunteers[0])
        assert own_page.send_by_staff(people.volunteers[0], by, now()) == "sent"
        with transaction() as tx:
            old = tx.get_one(Message, waiting.id)
            assert states.move(tx, old, MessageState.QUEUED, wake_at=now())  # and comes back
        send_all(gateway)
        sent = [body for to, body, _ in gateway.sent if to == PHONE]
        assert len(sent) == 1
        assert "/v/" in sent[0]


def test_who_had_sent_stop_is_left_alone_when_the_phone_is_found(app: Flask, people: People) -> None:
    with app.app_context():
        ask("STOP")
        lose(people)
        assert me(people).is_phone_lost
        by = db.session.get_one(Staff, people.coordinator)
        assert own_page.send_by_staff(people.volunteers[0], by, now()) == "unreachable"
        assert not me(people).is_phone_lost
        assert me(people).stopped_at is not None
        ask("START", 2)
        assert me(people).stopped_at is None


@pytest.fixture
def page(app: Flask, people: People) -> tuple[FlaskClient, str]:
    with app.app_context():
        ask("我的")
        return app.test_client(), own_link(RecordingGateway())


def on_duty(app: Flask, people: People) -> set[int]:
    with app.app_context():
        task = db.session.scalars(select(Task).order_by(Task.id)).first()
        assert task is not None
        found = candidates.on_duty(db.session(), [task], now())
        return {one.volunteer_id for one in found if one.on_duty and one.available}


def test_free_now_is_on_duty_and_a_pause_is_not(
    app: Flask, people: People, page: tuple[FlaskClient, str]
) -> None:
    client, link = page
    mine = people.volunteers[0]
    with app.app_context():
        save_call(people)
        with transaction() as tx:
            tx.execute(delete(DutyWindow))
    assert on_duty(app, people) == set()
    for _ in range(2):
        assert client.post(f"{link}/free", data={"hours": "2"}).status_code == 303
    assert on_duty(app, people) == {mine}
    with app.app_context():
        until = me(people).free_until
        assert until is not None
        assert timedelta(minutes=119) < until - now() <= timedelta(hours=2)
        found = candidates.on_duty(db.session(), [db.session.scalars(select(Task)).one()], now())
        assert [one.on_duty_until for one in found] == [until]
        strips = board.overview(db.session(), board.Filter(), now()).strips
        assert [strip.on_duty for strip in strips] == [1, 0]
        on_list = volunteers.listing(db.session(), volunteers.Wanted(which="duty"), now()).members
        assert [(member.volunteer.id, member.until) for member in on_list] == [(mine, until)]
        dispatching.look(db.session.scalars(select(Task.id)).one(), now())
        assert [offer.volunteer_id for offer in db.session.scalars(select(Task)).one().offers] == [mine]
        kinds = db.session.scalars(select(Event.kind).where(Event.actor == "volunteer")).all()
        assert kinds.count("free") == 1

    assert client.post(f"{link}/pause", data={"until": "3days"}).status_code == 303
    assert on_duty(app, people) == set()
    with app.app_context():
        assert me(people).free_until is None
        assert me(people).paused_until is not None
    assert "resume" in client.get(link).text
    client.post(f"{link}/resume")
    with app.app_context():
        assert me(people).paused_until is None
    client.post(f"{link}/pause", data={"until": "week"})
    client.post(f"{link}/free", data={"hours": "1"})
    assert on_duty(app, people) == {mine}
    client.post(f"{link}/free", data={"hours": "0"})
    assert on_duty(app, people) == set()


def test_odd_wishes_are_answered_kindly_and_change_nothing(
    app: Flask, people: People, page: tuple[FlaskClient, str]
) -> None:
    client, link = page
    cases: list[tuple[str, dict[str, str]]] = [
        ("free", {}), ("free", {"hours": "3"}), ("free", {"hours": "x"}), ("pause", {}),
        ("pause", {"until": "date"}), ("pause", {"until": "date", "day": "2020-01-01"}),
        ("pause", {"until": "date", "day": "9999-12-31"}), ("pause", {"until": "ever"}),
        ("settings", {}), ("settings", {"language": "zh", "capacity": "6"}),
        ("settings", {"language": "fr", "capacity": "2"}),
    ]  # fmt: skip
    for act, form in cases:
        answer = client.post(f"{link}/{act}", data=form)
        assert answer.status_code == 422, (act, form)
        assert "field-error" in answer.text
        assert "Set-Cookie" not in answer.headers
    with app.app_context():
        assert (me(people).paused_until, me(people).free_until, me(people).capacity) == (None, None, 2)
    assert client.get(f"{link}/pause").headers["Location"] == link
    day = (now() + timedelta(days=20)).date().isoformat()
    client.post(f"{link}/pause", data={"until": "date", "day": day})
    client.post(f"{link}/settings", data={"language": "en", "capacity": "5"})
    with app.app_context():
        assert (me(people).language, me(people).capacity) == ("en", 5)
        assert me(people).paused_until == datetime.fromisoformat(f"{day}T00:00+08:00")
    assert "My tasks now" in client.get(link).text
    assert "我手上的任务" in client.get(f"{link}?lang=zh").text
    manifest = client.get(f"{link}/manifest.webmanifest")
    assert manifest.content_type == "application/manifest+json"
    assert manifest.json is not None
    assert manifest.json["start_url"] == link
    for icon in manifest.json["icons"]:
        with client.get(icon["src"]) as found:
            assert (found.status_code, found.content_type) == (200, "image/png")
    assert client.get("/v/abcdefghijkm/manifest.webmanifest").status_code == 404
    with app.app_context(), transaction() as tx:
        volunteer(people, 0).active = False
        tx.flush()
    assert client.get(link).status_code == 404


def test_what_was_given_is_counted_and_names_are_gone(
    app: Flask, people: People, page: tuple[FlaskClient, str]
) -> None:
    client, link = page
    began = now() - timedelta(hours=3)
    with app.app_context():
        ends = {"medicine": "done", "groceries": "back", "other": "done", "urgent": "underway"}
        for category, end in ends.items():
            save_call(people, category, category=category)
            task_id = db.session.scalars(select(Task.id).order_by(Task.id.desc())).first()
            with transaction() as tx:
                task, helper = tx.get_one(Task, task_id), volunteer(people, 0)
                responding.accept(tx, task, helper, began)
                if end == "back":
                    progress.hand_back(tx, task, helper, "other", "", began)
                    continue
                progress.underway(tx, task, helper, began)
                if end == "done":
                    progress.delivered(tx, task, helper, began + timedelta(minutes=75))
                    progress.all_well(tx, task, now())
        given = own_page.page(link[3:], now(), None)
        assert (given.tally.ever.tasks, given.tally.ever.time) == (2, timedelta(minutes=150))
        past = [one.how for _, _, found in given.past for one in found]
        assert sorted(past) == ["done", "done", "handed_back"]
        assert len(given.tasks) == 1
    text = client.get(link).text
    assert text.count("王秀兰") == 1, "only of the one that is theirs now"
    assert "2.5" in text
    with app.app_context(), pytest.raises(own_page.UnknownLink):
        volunteering.page(link[3:], now())


@pytest.mark.parametrize("why", ["stopped", "inactive"])
def test_nothing_is_sent_to_whoever_may_get_nothing_whoever_asks(
    app: Flask, people: People, why: str
) -> None:
    with app.app_context():
        held(people)
        with transaction() as tx:
            helper = volunteer(people, 0)
            if why == "stopped":
                helper.stopped_at = now()
            else:
                helper.active = False
        with transaction() as tx:
            assert own_page.send_link(tx, volunteer(people, 0), now()) == "unreachable"
    answer = app.test_client().post(f"/o/{TOKEN}/page")
    assert answer.status_code == 409
    assert "不能给您的号码发短信" in answer.text
    assert "刚给您发过" not in answer.text
    office = logged_in(app, people.coordinator)
    office.post(f"/board/volunteers/{people.volunteers[0]}/page")
    with app.app_context():
        ask("我的")
        assert pages_sent() == 0
        assert db.session.scalars(select(Event.id).where(Event.kind == "page_sent")).all() == []
