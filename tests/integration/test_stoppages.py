"""When the gateway refuses something of ours: who waits, who is told, and what leaves afterwards."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from dispatcher.database import db, transaction
from dispatcher.models import (
    Acceptance,
    AnswerTimes,
    Event,
    Message,
    Offer,
    Staff,
    Stoppage,
    Task,
    Volunteer,
)
from dispatcher.rules.settings import URGENT_HELP, parse_quiet_hours
from dispatcher.services import candidates, coordinating, dispatching, health, messaging, receipts, stoppages
from dispatcher.services.coordinating import Edit
from dispatcher.sms.gateway import Accepted, Fault, Refused, Setting, Unknown
from tests.databases import on
from tests.integration.conftest import PASSWORD, People
from tests.integration.office import Office

SENDER = Refused("21606", Fault.OURS, Setting.SENDER)
REGION = Refused("21408", Fault.OURS, Setting.REGION)
LOAD = Refused("20429", Fault.LOAD)
NO_CONNECTION = Refused("connection_refused", Fault.LOAD, Setting.CONNECTION)
NO_ANSWER = Unknown("no_answer")
UNCLEAR = Refused("21999", Fault.UNCLEAR, Setting.OTHER)
TRIAL = Refused("21608", Fault.OURS, Setting.ACCOUNT, this_phone=True)
SUITS_NO_NUMBER = Refused("21704", Fault.OURS, Setting.SENDER)
JAPAN = "+819012345678"


@pytest.fixture
def office(app: Flask, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with app.app_context():
        yield Office(app, people, monkeypatch)


def _nobody_counts_as_asked(office: Office, unless: str = "") -> None:
    assert all(v.last_asked_at is None and v.recent_offers == 0 for v in office.volunteers())
    assert db.session.scalars(select(Acceptance)).all() == []
    assert db.session.scalars(select(AnswerTimes)).all() == []
    tasks = db.session.scalars(select(Task).where(Task.state == "open")).all()
    people = candidates.on_duty(db.session(), tasks, office.at)
    assert people
    assert {(p.alerts_today, p.live_offers, p.live_urgent, p.recent_offers) for p in people} == {
        (0, 0, 0, 0.0)
    }
    assert not {o.state for o in db.session.scalars(select(Offer))} & (
        {"sent", "expired", "withdrawn"} - {unless}
    )


def test_a_wrong_sender_for_an_hour_with_forty_tasks_open(office: Office) -> None:
    for n in range(90):
        office.volunteer(f"+86136352002{n:02}")
    office.gateway.says = lambda to: SENDER
    tasks = []
    for n in range(40):
        retiree = office.retiree(f"+86139352002{n:02}")
        tasks.append(office.call(f"k{n}", retiree, category=("medicine", "groceries")[n % 2]))
        office.run(5)
    urgent = office.call("urgent", category=URGENT_HELP, urgency="urgent")
    office.run(10)
    assert [item.task_id for item in office.standing("cannot_ask")] == [urgent], "told at once"
    office.run(3600, step_s=30)

    _nobody_counts_as_asked(office)
    assert office.standing("volunteer_unreachable") == office.standing("call_retiree") == []
    (alarm,) = office.raised("gateway_setting")
    assert (alarm.subject, alarm.params["setting"], alarm.params["code"]) == (
        "gateway:sender",
        "sender",
        "21606",
    )
    found = health.check(office.at)
    assert (found.gateway_refuses, found.ready) == (["sender"], False)
    assert {m.state for m in db.session.scalars(select(Message))} == {"queued"}
    assert {m.attempts for m in db.session.scalars(select(Message))} == {0}
    tried = [at for at, _, _ in office.gateway.tried if (at - office.gateway.tried[0][0]).seconds > 60]
    assert max(Counter(tried).values()) == 1, "one message at a time"

    cancelled = tasks[0]
    coordinator = db.session.get_one(Staff, office.people.coordinator)
    seen = max(db.session.scalars(select(Event.id)))
    coordinating.cancel(Edit(cancelled, coordinator, seen, office.at), "见过了")
    office.gateway.says = lambda to: None
    office.run(60)

    assert (office.standing("gateway_setting"), office.standing("cannot_ask")) == ([], [])
    assert len(office.raised("gateway_setting")) == 1
    assert health.check(office.at).gateway_refuses == []
    mended = db.session.scalars(select(Event).where(Event.kind == "gateway_mended")).all()
    assert all(60 <= event.params["minutes"] <= 66 for event in mended)
    assert {None, urgent} <= {event.task_id for event in mended}
    twice = [key for key, times in Counter(m for _, m in office.gateway.taken).items() if times > 1]
    assert not twice
    rows = db.session.execute(select(Message.task_id, Message.volunteer_id, Message.state, Message.error_code)
                              .where(Message.kind == "offer")).all()  # fmt: skip
    assert max(Counter((row.task_id, row.volunteer_id) for row in rows).values()) == 1
    assert {row.state for row in rows if row.task_id != cancelled} == {"sent"}
    assert {(row.state, row.error_code) for row in rows if row.task_id == cancelled} <= {
        ("failed", "not_needed")
    }
    assert {row.task_id for row in rows} >= {*tasks[1:], urgent}, "everybody still wanted has been asked for"
    assert not set(office.states("received")) & {"queued", "sending"}
    office.run(300)
    db.session.rollback()
    for offer in db.session.scalars(select(Offer).where(Offer.state == "expired")):
        pace = office.app.config["DISPATCH"].pace(offer.task.category, offer.task.urgency)
        assert offer.sent_at is not None
        assert (offer.expires_at - offer.sent_at).total_seconds() >= pace.expiry_s, "as long as ever"


def test_offers_that_were_waiting_when_the_sender_broke_are_asked_when_it_is_mended(office: Office) -> None:
    """The wave was made, and its SMS refused: it counts for nothing, doesn't expire, and leaves later."""
    office.gateway.says = lambda to: SENDER
    task_id = office.call("k")
    office.run(1800)
    offers = db.session.scalars(select(Offer)).all()
    assert {(o.state, o.unasked_at is not None) for o in offers} == {("queued", True)}
    _nobody_counts_as_asked(office)
    office.gateway.says = lambda to: None
    office.run(10)
    db.session.rollback()
    offers = db.session.scalars(select(Offer)).all()
    assert {(o.state, o.unasked_at) for o in offers} == {("sent", None)}
    assert all((o.expires_at - o.sent_at).total_seconds() > 300 for o in offers if o.sent_at)
    asked = [v for v in office.volunteers() if v.last_asked_at is not None]
    assert {v.id for v in asked} == {o.volunteer_id for o in offers}
    assert all(v.recent_offers == pytest.approx(1) for v in asked)
    assert db.session.get_one(Task, task_id).waiting["code"] == "answers"


def test_who_was_asked_before_is_as_tired_as_before(office: Office) -> None:
    office.call("before")
    office.run(60)
    before = {v.id: (v.last_asked_at, v.recent_offers) for v in office.volunteers()}
    office.gateway.says = lambda to: SENDER
    office.call("other", office.retiree("+8613935200099"), category="groceries", urgency="urgent")
    office.run(120)
    for v in office.volunteers():
        last, recent = before[v.id]
        assert v.last_asked_at == last
        assert v.recent_offers == pytest.approx(recent)


def test_an_offer_withdrawn_while_it_could_not_leave_is_no_reason_not_to_ask_again(office: Office) -> None:
    office.gateway.says = lambda to: SENDER
    task_id = office.call("k")
    office.run(30)
    coordinator = db.session.get_one(Staff, office.people.coordinator)

    def edit() -> Edit:
        db.session.rollback()
        return Edit(task_id, coordinator, max(db.session.scalars(select(Event.id))), office.at)

    by_hand = office.people.volunteers[2]
    coordinating.assign(edit(), by_hand)
    assert {o.state for o in db.session.scalars(select(Offer))} == {"withdrawn"}
    coordinating.reopen_task(edit(), "又需要人")
    office.gateway.says = lambda to: None
    office.run(60)
    db.session.rollback()
    asked = db.session.scalars(select(Offer)).all()
    assert {(o.volunteer_id, o.state) for o in asked} == {(v, "sent") for v in office.people.volunteers[:2]}
    offers = [to for to, m in office.gateway.taken if db.session.get_one(Message, m).kind == "offer"]
    assert len(offers) == len(set(offers)) == 2


def test_only_the_region_that_is_not_permitted_waits(office: Office) -> None:
    abroad = office.volunteer(JAPAN)
    with transaction() as tx:  # the most rested, so that they would be asked first
        tx.execute(update(Offer).values(state="sent"))
    office.gateway.says = lambda to: REGION if to.startswith("+81") else None
    tasks = [office.call(f"k{n}", office.retiree(f"+861393520009{n}")) for n in range(2)]
    office.run(900)
    (alarm,) = office.raised("gateway_setting")
    assert (alarm.subject, alarm.params["region"]) == ("gateway:region:JP", "JP")
    assert health.check(office.at).gateway_refuses == ["region:JP"]
    assert {m.state for m in db.session.scalars(select(Message).where(~Message.phone.startswith("+81")))} == {
        "sent"
    }
    asked = db.session.scalars(select(Offer.volunteer_id).where(Offer.state == "sent")).all()
    assert set(asked) >= {*office.people.volunteers[:1]}
    assert office.raised("volunteer_unreachable") == office.raised("cannot_ask") == []
    theirs = db.session.scalars(select(Offer).where(Offer.volunteer_id == abroad)).all()
    assert len(theirs) <= 1, "a region that is known not to be reached isn't asked again"
    assert all(o.unasked_at is not None for o in theirs)
    office.gateway.says = lambda to: None
    if theirs:
        office.run(30)
        assert office.standing("gateway_setting") == []
    assert len(tasks) == 2


@pytest.mark.parametrize(
    ("code", "setting"),
    [("20003", Setting.CREDENTIALS), ("20005", Setting.ACCOUNT), ("no_credentials", Setting.CREDENTIALS)],
)
def test_credentials_and_a_balance_used_up_are_the_same_kind(
    office: Office, code: str, setting: Setting
) -> None:
    office.gateway.says = lambda to: Refused(code, Fault.OURS, setting)
    office.call("k")
    office.run(1200, step_s=10)
    _nobody_counts_as_asked(office)
    assert [a.subject for a in office.raised("gateway_setting")] == [f"gateway:{setting}"]
    office.gateway.says = lambda to: None
    office.run(20)
    assert office.standing("gateway_setting") == []
    assert set(office.states("offer")) == {"sent"}


def test_one_thing_mended_and_another_found_wrong_is_one_alarm_at_a_time(office: Office) -> None:
    office.gateway.says = lambda to: Refused("20003", Fault.OURS, Setting.CREDENTIALS)
    office.call("k")
    office.run(60)
    office.gateway.says = lambda to: SENDER
    office.run(60)
    assert [a.subject for a in office.standing("gateway_setting")] == ["gateway:sender"]


def test_an_alarm_ends_by_its_cause_alone_and_a_try_can_be_had_at_once(office: Office) -> None:
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(20)
    (alarm,) = office.standing("gateway_setting")
    by = db.session.get_one(Staff, office.people.coordinator)
    alarm_id = alarm.id
    assert not coordinating.resolve(alarm_id, by, "看过了", office.at)
    assert [a.id for a in office.standing("gateway_setting")] == [alarm_id]
    tried = len(office.gateway.tried)
    office.gateway.says = lambda to: None
    assert stoppages.try_now(alarm_id, office.at)
    office.run(1, step_s=1)
    assert len(office.gateway.tried) > tried
    assert office.standing("gateway_setting") == []
    assert not stoppages.try_now(alarm_id, office.at)


def test_asking_more_by_hand_is_refused_kindly_meanwhile(office: Office) -> None:
    office.gateway.says = lambda to: SENDER
    task_id = office.call("k")
    office.run(20)
    by = db.session.get_one(Staff, office.people.coordinator)
    seen = max(db.session.scalars(select(Event.id)))
    with pytest.raises(coordinating.Refused, match="cannot_ask"):
        coordinating.ask_more(Edit(task_id, by, seen, office.at))


def test_many_workers_refused_at_once_raise_one_alarm_and_take_one_probe(office: Office) -> None:
    numbers = [f"+861393520009{n}" for n in range(8)]
    for n, number in enumerate(numbers):
        office.call(f"k{n}", office.retiree(number))
    office.gateway.says = lambda to: SENDER
    message_ids = db.session.scalars(select(Message.id).where(Message.phone.in_(numbers))).all()
    db.session.remove()

    def job(message_id: int) -> None:
        with office.app.app_context():
            messaging.send(message_id, office.gateway)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(job, message_ids))
    assert len(office.raised("gateway_setting")) == len(db.session.scalars(select(Stoppage)).all()) == 1
    assert {m.state for m in db.session.scalars(select(Message))} == {"queued"}
    tried = len(office.gateway.tried)
    office.at += stoppages.PROBE_EVERY
    db.session.remove()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(job, message_ids))
    assert len(office.gateway.tried) == tried + 1


def test_the_pages_say_so(office: Office) -> None:
    office.gateway.says = lambda to: SENDER
    task_id = office.call("k", category=URGENT_HELP, urgency="urgent")
    office.run(20)
    seen, volunteer_id = max(db.session.scalars(select(Event.id))), office.people.volunteers[0]
    db.session.rollback()
    office.app.config["WTF_CSRF_ENABLED"] = False
    browser = office.app.test_client()
    browser.post("/login", data={"username": "co", "password": PASSWORD})
    for path in ("/board", "/board?view=lanes", "/board/wall"):
        page = browser.get(path).text
        assert page.index("HOTLINE_SMS_NUMBER") < page.index("短信现在发不出去"), path
    assert browser.get("/readyz").get_json()["gateway_refuses"] == ["sender"]
    given = {"seen": seen, "volunteer_id": volunteer_id, "task_id": task_id}
    said = browser.post(f"/board/tasks/{task_id}/assign", data=given, follow_redirects=True)
    assert "请打电话告诉对方" in said.text


def test_the_network_mended_and_the_gateway_still_at_odds_is_said(office: Office) -> None:
    office.gateway.says = lambda to: NO_CONNECTION
    office.call("k")
    office.run(120)
    assert [a.subject for a in office.standing("gateway_setting")] == ["gateway:connection"]
    office.gateway.says = lambda to: UNCLEAR
    office.run(20)
    assert [a.subject for a in office.standing("gateway_setting")] == ["gateway:other"]


def test_too_much_at_once_is_tried_again_and_stops_nothing(office: Office) -> None:
    office.gateway.says = lambda to: LOAD
    office.call("k")
    office.run(20)
    assert db.session.scalars(select(Stoppage)).all() == []
    assert min(m.attempts for m in db.session.scalars(select(Message))) > 1
    office.gateway.says = lambda to: None
    office.run(120)
    assert set(office.states("offer")) == set(office.states("received")) == {"sent"}


def test_given_up_for_load_blames_nobody(office: Office) -> None:
    office.gateway.says = lambda to: LOAD
    office.call("k")
    office.run(2400, step_s=15)
    assert "failed" in office.states("offer")
    assert office.raised("volunteer_unreachable") == []


def test_half_an_hour_without_a_connection_asks_nobody_and_loses_nothing(office: Office) -> None:
    office.gateway.says = lambda to: NO_CONNECTION
    office.call("k")
    office.run(30)
    assert office.raised("gateway_setting") == [], "a short while is nobody's business"
    office.run(2400, step_s=10)
    _nobody_counts_as_asked(office)
    assert [a.subject for a in office.raised("gateway_setting")] == ["gateway:connection"]
    assert "failed" not in office.states("offer") + office.states("received")
    office.gateway.says = lambda to: None
    office.run(90)
    assert set(office.states("offer")) == set(office.states("received")) == {"sent"}


def test_a_code_that_nobody_knows_for_one_number_stops_nobody_else_and_ends(office: Office) -> None:
    bad = office.volunteers()[0].phone
    office.gateway.says = lambda to: UNCLEAR if to == bad else None
    office.call("k")
    office.run(300)
    assert office.raised("gateway_setting") == []
    assert Counter(office.states("offer"))["failed"] == 1
    (told,) = office.raised("volunteer_unreachable")
    assert told.params["fault"] == "unclear"
    assert len([1 for _, to, _ in office.gateway.tried if to == bad]) == messaging.MOST_TRIES_UNCLEAR


def test_a_code_that_nobody_knows_for_everybody_burns_no_roster(office: Office) -> None:
    office.gateway.says = lambda to: UNCLEAR
    office.call("k")
    office.run(1800, step_s=10)
    _nobody_counts_as_asked(office)
    assert [a.subject for a in office.raised("gateway_setting")] == ["gateway:other"]
    office.gateway.says = lambda to: None
    office.run(60)
    assert set(office.states("offer")) == {"sent"}


def test_a_text_that_is_refused_is_tried_on_nobody_else_at_once(office: Office) -> None:
    office.gateway.says = lambda to: Refused("21617", Fault.TEXT)
    task_id = office.call("k")
    office.run(60)
    assert len(office.states("offer")) == 2
    assert [a.task_id for a in office.raised("text_refused")] == [task_id]
    assert office.raised("volunteer_unreachable") == office.raised("gateway_setting") == []
    office.gateway.says = lambda to: None
    office.run(180)
    assert {o.state for o in db.session.scalars(select(Offer))} == {"sent"}


def _receipt(office: Office, message_id: int, status: str, code: str = "") -> None:
    payload = {"ErrorCode": code} if code else {}
    receipts.take_in(receipts.Receipt(message_id, f"SM{message_id}", status, payload, office.at))
    office.work()


def test_a_suspended_account_is_seen_by_receipts_too(office: Office) -> None:
    office.call("k")
    office.run(10)
    for message_id in db.session.scalars(select(Message.id).where(Message.kind == "offer")).all():
        _receipt(office, message_id, "undelivered", "30002")
    assert [a.subject for a in office.standing("gateway_setting")] == ["gateway:account"]
    assert office.raised("volunteer_unreachable") == []
    lost = select(Offer).where(Offer.sent_at.is_not(None))
    assert {(o.state, o.unasked_at is not None) for o in db.session.scalars(lost)} == {("withdrawn", True)}
    office.run(stoppages.PROBE_AFTER_RECEIPT.total_seconds() + 30)
    db.session.rollback()
    probe_id = max(db.session.scalars(select(Message.id).where(Message.state == "sent")))
    _receipt(office, probe_id, "delivered")
    assert office.standing("gateway_setting") == []
    office.run(30)
    assert {o.state for o in db.session.scalars(select(Offer))} == {"sent"}


def test_an_unknown_destination_is_the_recipients_by_receipt(office: Office) -> None:
    office.call("k")
    office.run(10)
    first_id = min(db.session.scalars(select(Message.id).where(Message.kind == "offer")))
    _receipt(office, first_id, "undelivered", "30005")
    (told,) = office.standing("volunteer_unreachable")
    first = db.session.get_one(Message, first_id)
    assert told.volunteer_id == first.volunteer_id
    assert db.session.get_one(Offer, first.offer_id).state == "expired"
    assert office.raised("gateway_setting") == []


def test_a_refusal_that_comes_late_of_a_message_taken_before_ends_nothing(office: Office) -> None:
    """What was claimed before the sender broke proves nothing of now."""
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(10)
    with transaction() as tx:
        row = tx.scalars(select(Stoppage)).one()
        old = tx.scalars(select(Message)).first()
        assert old is not None
        old.claimed_at = row.since.replace(year=2025)
        stoppages.accepted(tx, [old.id], office.at)
    assert len(office.standing("gateway_setting")) == 1


def test_what_the_gateway_took_and_could_not_carry_is_not_asked_again_at_once(office: Office) -> None:
    """A daily cap of the carrier: the same volunteers would get the same offer for ever."""
    office.call("k")
    office.run(10)
    for _ in range(5):
        sent = select(Message.id).where(Message.kind == "offer", Message.state == "sent")
        for message_id in db.session.scalars(sent).all():
            _receipt(office, message_id, "undelivered", "30023")
        office.run(60)
    db.session.rollback()
    asked = [message.phone for message in db.session.scalars(select(Message).where(Message.kind == "offer"))]
    assert len(asked) == len({*asked}), "nobody twice"
    assert office.raised("volunteer_unreachable") == []


def test_one_number_that_is_refused_for_good_holds_up_nobody_else(office: Office) -> None:
    """What waited longest is tried next, so that one refused again and again takes its turn only."""
    bad = office.volunteers()[0].phone
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(10)
    assert [a.subject for a in office.standing("gateway_setting")] == ["gateway:sender"]
    office.gateway.says = lambda to: SENDER if to == bad else None
    office.run(600)
    assert [to for to, _ in office.gateway.taken if to != bad] != []


def test_however_many_numbers_are_refused_for_good_each_message_gets_its_turn(office: Office) -> None:
    """More of them than can be tried before a waiting message is looked at again."""
    numbers = [f"+86139352004{n:02}" for n in range(60)]
    office.gateway.says = lambda to: SENDER
    for n, number in enumerate(numbers):
        office.call(f"k{n}", office.retiree(number), category=("medicine", "groceries")[n % 2])
    office.run(30)
    good = numbers[-1]
    office.gateway.says = lambda to: None if to == good else SENDER
    office.run(900)
    assert good in {to for to, _ in office.gateway.taken}


@on("postgresql")  # SQLite has one writer
def test_messages_that_are_put_off_wait_for_nobody_who_has_their_offers(office: Office) -> None:
    """Offers are taken before messages everywhere: whoever has messages in hand may not ask for an offer."""
    office.call("first", office.retiree("+8613935200499"), category="groceries")
    office.gateway.says = lambda to: SENDER
    office.run(10)
    office.call("k")
    dispatching.look(max(db.session.scalars(select(Task.id))), office.at)
    db.session.rollback()
    fresh = select(Message).where(Message.kind == "offer")
    with transaction() as tx:  # as an offer that was written a moment before the sender broke
        message = tx.scalars(fresh).first()
        assert message is not None
        message.state, message.gateway_id, message.wake_at = "queued", None, office.at
        offer = tx.get_one(Offer, message.offer_id)
        offer.state, offer.unasked_at = "queued", None
        message_id, offer_id = message.id, offer.id
        tx.execute(update(Stoppage).values(probe_at=office.at + stoppages.PROBE_EVERY))
    db.session.remove()
    with db.engine.connect() as other, other.begin():
        other.execute(select(Offer.id).where(Offer.id == offer_id).with_for_update())
        (aside,) = messaging._claim_all(lambda: [message_id])
    assert isinstance(aside, messaging._Aside)
    messaging._set_aside(message_id, aside, office.at)
    db.session.rollback()
    assert db.session.get_one(Offer, offer_id).unasked_at is not None
    assert db.session.get_one(Message, message_id).state == "queued"


def test_an_offer_is_not_unasked_after_what_it_waited_for_is_over(office: Office) -> None:
    office.call("k")
    dispatching.look(min(db.session.scalars(select(Task.id))), office.at)
    db.session.rollback()
    message = db.session.scalars(select(Message).where(Message.kind == "offer").order_by(Message.id)).first()
    assert message is not None
    assert message.offer_id is not None
    message_id, offer_id = message.id, message.offer_id
    stoppages.unask_waiting(message_id, offer_id, office.at)
    db.session.rollback()
    assert db.session.get_one(Offer, offer_id).unasked_at is None


def test_messages_to_a_region_that_wait_make_nobody_else_unready(office: Office) -> None:
    abroad = office.retiree(JAPAN)
    office.gateway.says = lambda to: REGION if to == JAPAN else None
    office.call("k", abroad)
    office.run(600, step_s=10)
    assert "queued" in office.states("received")
    found = health.check(office.at)
    assert found.gateway_refuses == ["region:JP"]
    assert (found.oldest_unsent_s or 0) < health.MESSAGE_LATE_S
    assert replace(found, broker=True, worker=True, sms_worker=True, oldest_overdue_s=None).ready
    stuck = replace(found, broker=True, worker=True, sms_worker=True, everybody_waits=True)
    assert not stuck.ready
    with transaction() as tx:  # and one to here that is stuck is still seen
        tx.execute(
            update(Message)
            .where(Message.id == tx.scalar(select(Message.id).where(Message.phone != JAPAN).limit(1)))
            .values(state="queued", attempts=0, not_before=None)
        )
    assert (health.check(office.at).oldest_unsent_s or 0) > health.MESSAGE_LATE_S


def test_a_region_for_which_nothing_waits_any_more_is_tried_by_the_next_offer(office: Office) -> None:
    abroad = office.volunteer(JAPAN)
    office.gateway.says = lambda to: REGION if to == JAPAN else None
    task_id = office.call("k")
    office.run(600, step_s=10)
    assert health.check(office.at).gateway_refuses == ["region:JP"]
    coordinator = db.session.get_one(Staff, office.people.coordinator)
    seen = max(db.session.scalars(select(Event.id)))
    coordinating.cancel(Edit(task_id, coordinator, seen, office.at), "不用了")
    office.run(300, step_s=10)
    assert health.check(office.at).gateway_refuses == ["region:JP"]
    office.gateway.says = lambda to: None
    office.call("next", office.retiree("+8613935200098"), category="groceries")
    office.run(900, step_s=10)
    db.session.rollback()
    asked = select(Offer).where(Offer.volunteer_id == abroad, Offer.sent_at.is_not(None))
    assert db.session.scalars(asked).first() is not None
    assert health.check(office.at).gateway_refuses == []
    assert office.standing("gateway_setting") == []


@pytest.mark.parametrize("luck", [NO_ANSWER, LOAD, None], ids=["no answer", "load", "worker lost"])
def test_the_first_try_after_a_long_stoppage_may_fail_and_nobody_is_given_up(
    office: Office, luck: Unknown | Refused | None
) -> None:
    """What waited for longer than a message is tried is tried for as long as any other from then on."""
    office.gateway.says = lambda to: SENDER
    office.call("k", office.retiree("+863517010001", "landline"))
    office.run(2400, step_s=30)
    if luck is None:
        office.at += stoppages.PROBE_EVERY
        (probe,) = stoppages.probes(db.session(), office.at)
        db.session.rollback()
        (claimed,) = messaging._claim_all(lambda: [probe])
        assert isinstance(claimed, messaging.Outgoing)
        office.gateway.says = lambda to: None
    else:
        unlucky = [luck]
        office.gateway.says = lambda to: unlucky.pop() if unlucky else None
    office.run(120)
    assert set(office.states("offer")) == {"sent"}
    assert {o.state for o in db.session.scalars(select(Offer))} == {"sent"}
    assert office.raised("volunteer_unreachable") == office.raised("outcome_unknown") == []
    taken = [message_id for _, message_id in office.gateway.taken]
    assert len(taken) == len({*taken})


def test_what_is_being_tried_when_a_long_stoppage_ends_is_not_given_up(office: Office) -> None:
    """In doubt since before the connection was lost; nobody could be asked what became of it meanwhile."""
    in_doubt = office.volunteers()[0].phone
    office.gateway.says = lambda to: NO_ANSWER if to == in_doubt else None
    office.gateway.lists = lambda: None
    office.call("k")
    office.run(10)
    office.gateway.says = lambda to: NO_CONNECTION
    for n in range(2):
        office.call(f"k{n}", office.retiree(f"+861393520009{n}"))
    office.run(2400, step_s=30)
    assert office.standing("gateway_setting") != []
    office.gateway.says, office.gateway.lists = lambda to: None, list
    office.run(120)
    assert office.raised("volunteer_unreachable") == []
    assert "failed" not in office.states("offer")


def test_the_region_here_not_permitted_concerns_everybody(office: Office) -> None:
    """As a new account has it: SMS to China must be allowed first."""
    office.gateway.says = lambda to: None if to == JAPAN else REGION
    task_id = office.call("k", urgency="urgent")
    office.run(30)
    office.call("abroad", office.retiree(JAPAN), category="groceries")
    office.run(300)
    assert JAPAN in {to for to, _ in office.gateway.taken}, "abroad leaves what is permitted"
    (alarm,) = office.raised("gateway_setting")
    assert (alarm.params["setting"], alarm.params["region"]) == ("region", "CN")
    found = health.check(office.at)
    assert found.gateway_refuses == ["region:CN"]
    assert not replace(found, broker=True, worker=True, sms_worker=True, oldest_unsent_s=None).ready
    assert [a.task_id for a in office.standing("cannot_ask")] == [task_id]
    assert office.raised("nobody_left") == office.raised("volunteer_unreachable") == []
    assert db.session.get_one(Task, task_id).waiting["code"] == "cannot_ask"
    by = db.session.get_one(Staff, office.people.coordinator)
    seen = max(db.session.scalars(select(Event.id)))
    with pytest.raises(coordinating.Refused, match="cannot_ask"):
        coordinating.ask_more(Edit(task_id, by, seen, office.at))
    office.gateway.says = lambda to: None
    office.run(60)
    assert office.standing("gateway_setting") == office.standing("cannot_ask") == []
    assert set(office.states("offer")) == {"sent"}


def _landline(n: int) -> str:
    return f"+86351701000{n}"


@pytest.mark.parametrize("refusal", [TRIAL, SUITS_NO_NUMBER], ids=["not verified", "suits no number"])
def test_one_phone_refused_for_good_stops_nobody_else_from_being_asked(
    office: Office, refusal: Refused
) -> None:
    """Even if nothing waits but its message, and the others' retirees get no SMS at all."""
    bad = "+8613935200991"
    office.gateway.says = lambda to: refusal if to == bad else None
    first = office.call("k0", office.retiree(bad), category="groceries")
    office.run(5)
    for n in range(2):
        office.call(f"k{n + 1}", office.retiree(_landline(n), "landline"))
    office.run(90)
    assert office.raised("cannot_ask") == office.raised("volunteer_unreachable") == []
    assert set(office.states("offer")) == {"sent"}
    (told,) = [a for a in office.standing("call_retiree") if a.task_id == first]
    assert told.params["code"] == refusal.code, "their matter is put before a coordinator"
    assert office.states("received") == ["failed"]
    found = health.check(office.at)
    assert (found.gateway_refuses, found.everybody_waits) == ([], False)
    (alarm,) = office.standing("gateway_setting")
    assert (alarm.params["setting"], alarm.params["one"]) == (str(refusal.setting), True)
    alarm_id, by = alarm.id, db.session.get_one(Staff, office.people.coordinator)
    assert coordinating.resolve(alarm_id, by, "知道了", office.at), "nothing else waits: seen to by a word"


@pytest.mark.parametrize("refusal", [TRIAL, SUITS_NO_NUMBER], ids=["not verified", "suits no number"])
def test_one_phone_refused_for_good_raises_no_alarm_with_each_call(office: Office, refusal: Refused) -> None:
    bad = office.volunteers()[0].phone
    office.gateway.says = lambda to: refusal if to == bad else None
    for n in range(6):
        office.call(f"k{n}", office.retiree(f"+861393520081{n}"), category=("medicine", "groceries")[n % 2])
        office.run(120, step_s=10)
    assert len(office.standing("gateway_setting")) == 1
    assert len(office.raised("gateway_setting")) <= 2
    mended = db.session.scalars(select(Event).where(Event.kind == "gateway_mended")).all()
    assert len(mended) <= 1
    assert office.raised("volunteer_unreachable") == office.raised("cannot_ask") == []
    theirs = db.session.scalars(select(Offer).where(Offer.volunteer_id == office.people.volunteers[0])).all()
    assert {(o.state, o.unasked_at is not None) for o in theirs} == {("queued", True)}
    assert len(theirs) == 1, "not asked for every task that comes"
    assert db.session.get_one(Volunteer, office.people.volunteers[0]).last_asked_at is None
    assert health.check(office.at).oldest_unsent_s is None, "what waits alone makes nobody unready"

    office.gateway.says = lambda to: None
    office.run(660, step_s=30)
    theirs = db.session.scalars(select(Offer).where(Offer.volunteer_id == office.people.volunteers[0])).all()
    assert {o.unasked_at for o in theirs if o.state == "sent"} == {None}
    assert bad in {to for to, _ in office.gateway.taken}
    assert db.session.get_one(Volunteer, office.people.volunteers[0]).last_asked_at is not None
    twice = [key for key, times in Counter(m for _, m in office.gateway.taken).items() if times > 1]
    assert not twice


def test_what_was_tried_before_and_is_wrong_again_stops_all_with_the_second_phone(office: Office) -> None:
    """Each has been refused by this code before, and one has been taken since; now it is true of all."""
    numbers = [f"+861393520009{n}" for n in range(4)]
    office.gateway.says = lambda to: SENDER
    for n, number in enumerate(numbers):
        office.call(f"k{n}", office.retiree(number))
    office.run(60)
    once = [None]
    office.gateway.says = lambda to: once.pop() if once else SENDER
    office.run(60)
    assert len(office.gateway.taken) == 1
    (alarm,) = [a for a in office.standing("gateway_setting") if not a.params.get("one")]
    assert alarm.params["setting"] == "sender"
    assert len(office.raised("call_retiree")) + len(office.raised("volunteer_unreachable")) <= 1
    office.gateway.says = lambda to: None
    office.run(60)
    assert set(office.states("offer")) == {"sent"}


def test_a_refusal_of_what_was_claimed_before_it_was_mended_stops_nothing_again(office: Office) -> None:
    """Answers and receipts come when they come."""
    office.call("k")
    office.run(10)
    sent = db.session.scalars(select(Message.id).where(Message.kind == "offer").order_by(Message.id)).all()
    _receipt(office, sent[0], "undelivered", "30002")
    office.call("k2", office.retiree("+8613935208100"), category="groceries")
    office.run(stoppages.PROBE_AFTER_RECEIPT.total_seconds() + 30)
    probe = max(db.session.scalars(select(Message.id).where(Message.state == "sent")))
    _receipt(office, probe, "delivered")
    assert office.standing("gateway_setting") == []
    _receipt(office, sent[1], "undelivered", "30002")
    assert len(office.raised("gateway_setting")) == 1
    assert health.check(office.at).gateway_refuses == []


def test_an_answer_that_comes_after_the_end_only_sends_its_message_again(office: Office) -> None:
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(10)
    first, second = db.session.scalars(select(Message.id).where(Message.state == "queued").limit(2)).all()
    office.at += stoppages.PROBE_EVERY
    claimed = messaging._claim_all(lambda: [first])
    office.at += stoppages.PROBE_EVERY
    claimed += messaging._claim_all(lambda: [second])  # another worker, who has an answer first
    office.at += timedelta(seconds=1)
    messaging._record_all(lambda: [messaging._Said(second, 1, Accepted("SM-second"))])
    office.at += timedelta(seconds=1)
    messaging._record_all(lambda: [messaging._Said(first, 1, SENDER)])
    assert len(claimed) == 2
    assert office.standing("gateway_setting") == []
    office.gateway.says = lambda to: None
    office.run(20)
    assert len(office.raised("gateway_setting")) == 1
    assert set(office.states("offer")) == set(office.states("received")) == {"sent"}


def test_clocks_that_differ_starve_nobody(office: Office) -> None:
    """The first refusal was seen by a worker whose clock is ten minutes ahead."""
    office.call("k")
    here, office.at = office.at, office.at + timedelta(minutes=10)
    office.gateway.says = lambda to: SENDER
    office.work()
    office.at = here
    office.gateway.says = lambda to: None
    office.run(60)
    assert office.standing("gateway_setting") == []
    assert set(office.states("received")) == {"sent"}


def _evening(office: Office) -> None:
    """Half an hour before quiet hours; nobody wants to be woken by what isn't urgent."""
    dispatch = office.app.config["DISPATCH"]
    office.app.config["DISPATCH"] = replace(dispatch, quiet=parse_quiet_hours("22:00-06:00"))
    office.at = datetime(2026, 11, 30, 13, 30, tzinfo=UTC)
    with transaction() as tx:
        tx.execute(update(Volunteer).values(night_ok=False))


def _local_time(office: Office) -> str:
    return office.at.astimezone(office.app.config["ZONE"]).strftime("%H:%M")


def _taken_from(office: Office, first: int) -> set[str]:
    return {db.session.get_one(Message, m).kind for _, m in office.gateway.taken[first:]}


def test_what_waited_wakes_nobody_when_it_is_mended_in_the_night(office: Office) -> None:
    _evening(office)
    office.gateway.says = lambda to: SENDER
    task_id = office.call("k")
    office.run(6 * 3600 - 600, step_s=60)
    assert _local_time(office) == "03:20"
    office.gateway.says = lambda to: None
    office.run(300)
    assert office.gateway.taken == []
    _nobody_counts_as_asked(office, unless="withdrawn")
    office.run(2.6 * 3600, step_s=60)
    db.session.rollback()
    assert _local_time(office) >= "06:00"
    assert office.states("received") == ["sent"]
    asked = db.session.scalars(select(Offer).where(Offer.sent_at.is_not(None))).all()
    assert {(o.task_id, o.state, o.unasked_at) for o in asked} == {(task_id, "sent", None)}
    sent = db.session.scalars(select(Message).where(Message.sent_at.is_not(None))).all()
    assert {m.sent_at.astimezone(office.app.config["ZONE"]).hour for m in sent if m.sent_at} == {6}
    offers = [to for to, m in office.gateway.taken if db.session.get_one(Message, m).kind == "offer"]
    assert len(offers) == len({*offers})
    assert office.standing("gateway_setting") == []


def test_urgent_help_in_the_night_is_asked_for_while_other_texts_sleep(office: Office) -> None:
    """It is what shows that all is mended; the others sleep on."""
    _evening(office)
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(5 * 3600, step_s=60)
    with transaction() as tx:
        tx.execute(update(Volunteer).values(night_ok=True))
    office.gateway.says = lambda to: None
    urgent = office.call("u", office.retiree("+8613935200990"), category=URGENT_HELP, urgency="urgent")
    office.run(60)
    db.session.rollback()
    assert {m.task_id for m in db.session.scalars(select(Message).where(Message.sent_at.is_not(None)))} == {
        urgent
    }
    assert {"offer", "received_urgent"} == _taken_from(office, 0)
    assert office.standing("gateway_setting") == []
    assert health.check(office.at).oldest_unsent_s is None, "what sleeps isn't late"
    office.run(3.8 * 3600, step_s=120)
    assert "received" in _taken_from(office, 0)


def test_a_region_mended_while_all_else_is_stopped_wakes_only_its_own(office: Office) -> None:
    abroad = office.retiree(JAPAN)
    office.gateway.says = lambda to: REGION if to == JAPAN else None
    office.call("abroad", abroad, category="groceries")
    office.run(30)
    office.gateway.says = lambda to: REGION if to == JAPAN else SENDER
    urgent = office.call("k", category=URGENT_HELP, urgency="urgent")
    office.run(60)
    assert health.check(office.at).gateway_refuses == ["sender", "region:JP"]
    assert [a.task_id for a in office.standing("cannot_ask")] == [urgent]
    office.gateway.says = lambda to: None if to == JAPAN else SENDER
    office.run(60)
    assert health.check(office.at).gateway_refuses == ["sender"]
    waits = db.session.scalars(select(Message).where(Message.state == "queued")).all()
    assert waits
    assert {m.released_at for m in waits} == {None}
    told = db.session.scalars(select(Event.task_id).where(Event.kind == "gateway_mended")).all()
    assert told == [None], "of that task nobody can be asked yet"
    assert [a.task_id for a in office.standing("cannot_ask")] == [urgent]
    unasked = db.session.scalars(select(Offer).where(Offer.is_live, Offer.sent_at.is_(None))).all()
    assert all(o.unasked_at is not None for o in unasked)


def test_all_mended_while_a_region_is_not_permitted_leaves_that_waiting(office: Office) -> None:
    abroad = office.volunteer(JAPAN)
    office.gateway.says = lambda to: REGION if to == JAPAN else SENDER
    with transaction() as tx:
        others = update(Volunteer).where(Volunteer.id != abroad)
        tx.execute(others.values(paused_until=office.at + timedelta(minutes=1)))
    office.call("k")
    office.run(120)
    assert health.check(office.at).gateway_refuses == ["sender", "region:JP"]
    office.gateway.says = lambda to: REGION if to == JAPAN else None
    office.run(60)
    assert health.check(office.at).gateway_refuses == ["region:JP"]
    theirs = db.session.scalars(select(Offer).where(Offer.volunteer_id == abroad)).all()
    assert theirs
    assert all(o.unasked_at is not None for o in theirs)
    waits = db.session.scalars(select(Message).where(Message.phone == JAPAN)).all()
    assert {(m.state, m.released_at) for m in waits} == {("queued", None)}
    assert db.session.get_one(Volunteer, abroad).last_asked_at is None


@pytest.mark.parametrize("kind", ["offer", "received"])
def test_a_probe_in_doubt_that_did_arrive_ends_it(office: Office, kind: str) -> None:
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(30)
    probe = min(db.session.scalars(select(Message.id).where(Message.kind == kind)))
    with transaction() as tx:  # nothing else waits
        others = update(Message).where(Message.id != probe)
        tx.execute(others.values(state="failed", wake_at=None))
        tx.execute(update(Task).values(look_again_at=None))
    office.gateway.says, office.gateway.lists = lambda to: NO_ANSWER, lambda: None
    office.run(15)
    assert db.session.get_one(Message, probe).state == "unknown"
    assert office.standing("gateway_setting") != []
    _receipt(office, probe, "delivered")
    assert office.standing("gateway_setting") == []
    assert health.check(office.at).gateway_refuses == []
    offer = db.session.get(Offer, db.session.get_one(Message, probe).offer_id or 0)
    if kind == "offer":
        assert offer is not None
        assert (offer.state, offer.unasked_at, offer.volunteer.last_asked_at) == ("sent", None, office.at)


def test_a_probe_in_doubt_that_was_lost_ends_nothing(office: Office) -> None:
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(30)
    office.gateway.says, office.gateway.lists = lambda to: NO_ANSWER, lambda: None
    office.run(15)
    probe = min(db.session.scalars(select(Message.id).where(Message.state == "unknown")))
    _receipt(office, probe, "undelivered", "30002")
    assert [a.subject for a in office.standing("gateway_setting")] == ["gateway:account"]


def _suspended(office: Office) -> None:
    """An offer that the gateway had taken came back: the account is suspended. Others wait."""
    office.call("k")
    office.run(10)
    offers = select(Message.id).where(Message.kind == "offer").order_by(Message.id)
    _receipt(office, min(db.session.scalars(offers)), "undelivered", "30002")
    assert office.standing("gateway_setting") != []
    for n in range(4):
        office.call(f"m{n}", office.retiree(f"+861393520810{n}"), category="groceries")


def test_where_no_carrier_says_that_a_message_arrived_it_ends_all_the_same(office: Office) -> None:
    _suspended(office)
    office.run(240, step_s=10)
    assert office.standing("gateway_setting") != []
    office.run(240, step_s=10)
    assert office.standing("gateway_setting") == []
    assert set(office.states("received")) == {"sent"}


def test_while_its_probes_come_back_silence_about_another_ends_nothing(office: Office) -> None:
    _suspended(office)
    for _ in range(8):
        office.run(60, step_s=10)
        sent = select(Message.id).where(Message.state == "sent").order_by(Message.claimed_at.desc())
        newest = db.session.scalars(sent).first()
        if newest is not None:
            _receipt(office, newest, "undelivered", "30002")
    assert len(office.raised("gateway_setting")) == 1
    assert office.standing("gateway_setting") != []


def test_what_receipts_told_and_answers_tell_now_ends_by_an_answer(office: Office) -> None:
    _suspended(office)
    office.gateway.says = lambda to: Refused("20005", Fault.OURS, Setting.ACCOUNT)
    office.run(120, step_s=10)
    office.gateway.says = lambda to: None
    office.run(30)
    assert office.standing("gateway_setting") == []
    assert set(office.states("received")) == {"sent"}


def test_one_that_the_version_before_has_begun_again_ends_all_the_same(office: Office) -> None:
    """It doesn't know of `ended_at`, and lets it stand."""
    office.gateway.says = lambda to: SENDER
    office.call("k")
    office.run(30)
    with transaction() as tx:
        tx.execute(update(Stoppage).values(ended_at=office.at - timedelta(minutes=1)))
    office.gateway.says = lambda to: None
    office.run(60)
    assert office.standing("gateway_setting") == []
    assert health.check(office.at).gateway_refuses == []
    assert set(office.states("offer")) == {"sent"}
