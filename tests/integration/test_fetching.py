"""Replies of which no webhook told, for the web server was down: fetched, and acted on once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from dispatcher.database import db, transaction
from dispatcher.models import Assignment, Attention, Event, Message, ReplyCode, Task, Volunteer
from dispatcher.services import dispatching, fetching, inbound, progress
from dispatcher.sms.gateway import Incoming
from tests.integration.conftest import People, RecordingGateway, now, save_call, volunteer


class Listing(RecordingGateway):
    """A gateway with a list of incoming messages; None: it can't be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Incoming] | None = []
        self.asked: list[datetime] = []

    def received_since(self, since: datetime) -> list[Incoming] | None:
        assert not db.session.registry.has() or not db.session().in_transaction()
        self.asked.append(since)
        if self.received is None:
            return None
        return [sms for sms in self.received if sms.sent_at is None or sms.sent_at >= since]


@pytest.fixture(autouse=True)
def _just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_read_until", None)


def _offered(people: People) -> tuple[int, dict[str, int]]:
    """A task put to two volunteers; its id, and the slot of each phone."""
    save_call(people)
    task_id = db.session.scalars(select(Task.id)).one()
    dispatching.look(task_id)
    codes = db.session.scalars(select(ReplyCode).where(ReplyCode.purpose == "help")).all()
    return task_id, {code.phone: code.slot for code in codes}


def _sms(
    phone: str, body: str, gateway_id: str, ago: timedelta = timedelta(minutes=1), **more: Any
) -> Incoming:
    return Incoming(gateway_id, phone, body, sent_at=now() - ago, **more)


def _state(task_id: int) -> str:
    db.session.rollback()
    return db.session.get_one(Task, task_id).state


def test_what_no_webhook_told_is_fetched_and_counts_once(app: Flask, people: People) -> None:
    gateway = Listing()
    with app.app_context():
        task_id, slots = _offered(people)
        (first, slot), (second, _) = [*slots.items()][:2]
        gateway.received = [
            _sms(first, f"{slot}1", "SM1", timedelta(0)),
            _sms(second, "你好", "SM2", timedelta(0)),
        ]
        assert fetching.fetch(gateway, now()) == 2
        assert fetching.fetch(gateway, now()) == 0
        assert _state(task_id) == "assigned"
        for sms in gateway.received:  # and the webhook after all
            inbound.receive(sms, now())
        incoming = select(func.count()).select_from(Message).where(Message.direction == "in")
        assert db.session.scalar(incoming) == 2
        assert db.session.scalars(select(Event.kind).where(Event.kind == "accepted")).all() == ["accepted"]
        assert db.session.scalars(select(Attention.reason)).all() == ["unclear_reply"]


def test_the_webhook_and_the_fetching_at_the_same_moment(app: Flask, people: People) -> None:
    gateway = Listing()
    with app.app_context():
        slots = _offered(people)[1]
        phone, slot = next(iter(slots.items()))
        sms = _sms(phone, f"{slot}1", "SM1", timedelta(0))
        gateway.received = [sms]

    def webhook() -> None:
        with app.app_context():
            inbound.receive(Incoming("SM1", phone, f"{slot}1"), now())

    def job() -> None:
        with app.app_context():
            fetching.fetch(gateway, now())

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(one) for one in (webhook, job, webhook, job)]:
            done.result()
    with app.app_context():
        assert db.session.scalars(select(Message.gateway_id).where(Message.direction == "in")).all() == [
            "SM1"
        ]
        assert len(db.session.scalars(select(Assignment.id)).all()) == 1


def test_a_gateway_that_cannot_be_asked_is_told_once_and_asked_again_from_there(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Listing()
    with app.app_context():
        _offered(people)
        start = now()
        assert fetching.fetch(gateway, start) == 0
        gateway.received = None
        for minutes in range(1, 4):
            assert fetching.fetch(gateway, start + timedelta(minutes=minutes)) == 0
        gateway.received = []
        fetching.fetch(gateway, start + timedelta(minutes=90))
        assert gateway.asked[-1] == start - fetching.OVERLAP
        fetching.fetch(gateway, start + timedelta(minutes=91))
        assert gateway.asked[-1] == start + timedelta(minutes=90) - fetching.OVERLAP
    said = [r.getMessage() for r in caplog.records if r.name == "dispatcher.services.fetching"]
    assert [line.partition(": ")[2].partition(" ")[0] for line in said] == ["away", "back"]


def test_a_process_that_has_just_started_reads_from_before_the_newest_reply(
    app: Flask, people: People
) -> None:
    gateway = Listing()
    with app.app_context():
        assert fetching.fetch(gateway, now()) == 0
        assert gateway.asked == [], "what a number got before anything was sent is nobody's business"
        save_call(people)
        with transaction() as tx:
            tx.execute(update(Message).values(created_at=now() - timedelta(days=300)))
        fetching.fetch(gateway, at := now())
        assert gateway.asked.pop() == at - fetching.LOOK_BACK
        inbound.receive(Incoming("SM0", "+8613900000001", "?"), now() - timedelta(days=7))
        fetching._read_until = None
        fetching.fetch(gateway, now())
        assert gateway.asked.pop() < now() - timedelta(days=7)


def test_a_bare_yes_written_long_ago_takes_nothing_that_was_asked_since(app: Flask, people: People) -> None:
    gateway = Listing()
    with app.app_context():
        task_id, slots = _offered(people)
        phone = next(iter(slots))
        with transaction() as tx:
            first = tx.scalars(select(Message).order_by(Message.id).limit(1)).one()
            first.created_at = now() - timedelta(days=1)
        gateway.received = [_sms(phone, "1", "SM1", timedelta(hours=3))]
        assert fetching.fetch(gateway, now()) == 1
        assert _state(task_id) == "open", "the offer was made after this was written"
        assert db.session.scalars(select(Attention.reason)).all() == ["unclear_reply"]


def test_what_they_have_said_since_is_not_undone(app: Flask, people: People) -> None:
    """ "I can't" was sent while nothing listened; "on my way", a minute later, came by webhook."""
    gateway = Listing()
    with app.app_context():
        task_id, slots = _offered(people)
        phone, slot = next(iter(slots.items()))
        _older(minutes=5)
        inbound.receive(Incoming("SM1", phone, f"{slot}1"), now())
        inbound.receive(Incoming("SM3", phone, f"{slot}2"), now())
        gateway.received = [_sms(phone, f"{slot}0", "SM2")]
        assert fetching.fetch(gateway, now()) == 1
        assert _state(task_id) == "underway"
        assert db.session.scalars(select(Attention.reason)).all() == ["unclear_reply"]


def test_a_stop_of_before_a_start_stops_nothing(app: Flask, people: People) -> None:
    gateway = Listing()
    with app.app_context():
        _offered(people)
        phone = volunteer(people, 0).phone
        inbound.receive(Incoming("SM2", phone, "START", "START"), now())
        gateway.received = [_sms(phone, "STOP", "SM1", opt_out="STOP")]
        assert fetching.fetch(gateway, now()) == 1
        db.session.rollback()
        assert db.session.get_one(Volunteer, people.volunteers[0]).stopped_at is None
        gateway.received = [_sms(phone, "STOP", "SM3", timedelta(0), opt_out="STOP")]
        fetching.fetch(gateway, now())
        db.session.rollback()
        assert db.session.get_one(Volunteer, people.volunteers[0]).stopped_at is not None


@pytest.mark.parametrize("body", ["1\0", "31 好的\0"])
def test_one_that_cannot_be_acted_on_is_put_before_a_person_and_keeps_no_other_out(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    gateway = Listing()

    def broken(*_: object, **__: object) -> None:
        raise LookupError("a reply code without its task")

    with app.app_context():
        task_id, slots = _offered(people)
        (first, slot), (second, other) = [*slots.items()][:2]
        monkeypatch.setattr(progress, "underway", broken)
        gateway.received = [
            _sms(first, f"{slot}1", "SM1", timedelta(0)),
            _sms(first, f"{slot}2", "SM2", timedelta(0)),
            _sms(second, body, "SM3", timedelta(0)),
            _sms(second, f"{other}0", "SM4", timedelta(0)),
        ]
        assert fetching.fetch(gateway, now()) == 4
        assert _state(task_id) == "assigned"
        kept = db.session.scalars(select(Message.gateway_id).where(Message.direction == "in")).all()
        assert sorted(str(one) for one in kept) == ["SM1", "SM2", "SM3", "SM4"]
        about = db.session.scalars(select(Attention.message_id)).all()
        unread = db.session.scalars(select(Message.gateway_id).where(Message.id.in_(about))).all()
        assert "SM2" in unread


def _older(minutes: int) -> None:
    """What was asked was asked that long ago."""
    with transaction() as tx:
        tx.execute(update(ReplyCode).values(created_at=now() - timedelta(minutes=minutes)))


@pytest.mark.parametrize("spoilt", ["\ud83d", "好\udfff的", "a\0b", "\0\ud800"])
def test_half_a_character_keeps_no_other_reply_from_being_taken_in(
    app: Flask, people: People, spoilt: str
) -> None:
    gateway = Listing()
    with app.app_context():
        task_id, slots = _offered(people)
        (phone, slot), (other, _) = [*slots.items()][:2]
        gateway.received = [
            _sms(other, spoilt, "SM1", timedelta(0)),
            _sms("x" * 30 + spoilt, "?", "SM2", timedelta(0)),
            _sms(phone, f"{slot}1", "SM3", timedelta(0)),
        ]
        assert fetching.fetch(gateway, now()) == 3
        assert _state(task_id) == "assigned"
        came = select(Message.gateway_id, Message.body).where(Message.direction == "in")
        bodies = {row.gateway_id: row.body for row in db.session.execute(came)}
        assert set(bodies) == {"SM1", "SM2", "SM3"}
        # SQLite holds a NUL.
        assert bodies["SM1"].replace("\0", "") == re.sub("[\ud800-\udfff]", "?", spoilt).replace("\0", "")
        assert len(db.session.scalars(select(Attention.id)).all()) == 2, "nobody reads them"


@pytest.mark.parametrize(
    ("error", "taken", "read_again"),
    [
        (RuntimeError("about one"), 1, False),
        (OperationalError("", {}, Exception("away")), 0, True),
        (OSError(28, "No space left on device"), 0, True),
    ],
)
def test_one_reply_that_fails_keeps_none_back_and_what_passes_is_read_again(
    app: Flask,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    taken: int,
    read_again: bool,
) -> None:
    gateway, receive = Listing(), inbound.receive
    with app.app_context():
        slots = _offered(people)[1]
        first, second = [*slots][:2]
        gateway.received = [_sms(first, "?", "SM1", timedelta(0)), _sms(second, "?", "SM2", timedelta(0))]

        def failing(sms: Incoming, at: datetime) -> None:
            if sms.gateway_id == "SM1":
                raise error
            receive(sms, at)

        monkeypatch.setattr(inbound, "receive", failing)
        at = now()
        assert fetching.fetch(gateway, at) == taken
        assert (fetching._read_until is None) == read_again
        monkeypatch.setattr(inbound, "receive", receive)
        assert fetching.fetch(gateway, at) == 2 - taken
