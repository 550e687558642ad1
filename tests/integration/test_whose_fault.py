"""What is ours is held against no volunteer: they don't count as asked, and nobody checks their number."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from dispatcher.database import db, transaction
from dispatcher.models import AnswerTimes, LinkToken, Message, Offer, Volunteer
from dispatcher.rules.settings import with_overrides
from dispatcher.services import dispatching, messaging, receipts, responding, stoppages, tokens
from dispatcher.services.receipts import Receipt
from dispatcher.sms.gateway import Fault, Refused, Setting, Unknown
from dispatcher.web.wording import attention_text
from tests.databases import on
from tests.integration.conftest import People
from tests.integration.office import Office

SENDER = Refused("21606", Fault.OURS, Setting.SENDER)


@pytest.fixture
def office(app: Flask, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with app.app_context():
        yield Office(app, people, monkeypatch)


@pytest.fixture
def spoilt_offers(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The text of offers can't be put into words."""
    worded = messaging.rendered

    def spoilt(message: Any, *args: Any) -> str:
        if message.kind == "offer":
            raise KeyError("a field that nobody knows")
        return worded(message, *args)

    with monkeypatch.context() as patch:
        patch.setattr(messaging, "rendered", spoilt)
        yield patch


def _asked(office: Office) -> list[int]:
    return [v.id for v in office.volunteers() if v.last_asked_at is not None]


def test_a_text_that_cannot_be_worded_burns_no_roster(
    office: Office, spoilt_offers: pytest.MonkeyPatch
) -> None:
    task_id = office.call("k")
    office.run(300)
    assert office.raised("volunteer_unreachable") == office.raised("nobody_left") == []
    (told,) = office.standing("unworded")
    assert (told.task_id, told.params["kind"]) == (task_id, "offer")
    with office.app.test_request_context():
        assert "请先打电话找人" in attention_text(told)
    assert {o.state for o in db.session.scalars(select(Offer))} == {"withdrawn"}
    assert _asked(office) == []
    spoilt_offers.undo()
    office.run(90)
    assert "sent" in {o.state for o in db.session.scalars(select(Offer))}
    assert len(_asked(office)) == 2


def test_one_row_that_cannot_be_worded_keeps_nobody_else_from_being_asked(office: Office) -> None:
    """Though its volunteer would be the first to be asked each time, and one is asked at a time."""
    config = office.app.config
    config["DISPATCH"] = with_overrides(config["DISPATCH"], {"soon": {"wave_max": 1}})
    first, *others = (v.id for v in office.volunteers())
    task_id = office.call("k")
    with transaction() as tx:
        tx.execute(update(Volunteer).where(Volunteer.id == first).values(language="xx"))
        tired = {"last_asked_at": office.at, "recent_offers": 3}
        tx.execute(update(Volunteer).where(Volunteer.id != first).values(**tired))
    office.run(200)
    asked = select(Offer.volunteer_id).where(Offer.sent_at.is_not(None), Offer.task_id == task_id)
    assert db.session.scalars(asked).all() == others[:1]
    assert [a.task_id for a in office.standing("unworded")] == [task_id]
    assert office.raised("volunteer_unreachable") == []


def test_what_nobody_knows_of_an_offer_says_nothing_against_the_number(office: Office) -> None:
    office.gateway.says = lambda to: Unknown("no_answer") if to == number else None
    number = office.volunteers()[0].phone
    office.call("k")
    office.run(300)
    lost = db.session.scalars(select(Message).where(Message.phone == number, Message.state == "failed")).one()
    assert lost.error_code == "unknown"
    offer = db.session.get_one(Offer, lost.offer_id)
    assert (offer.state, offer.unasked_at) == ("expired", None), "it may have arrived: they count as asked"
    (told,) = office.standing("volunteer_unreachable")
    assert told.params["fault"] == "unclear"
    with office.app.test_request_context():
        said = attention_text(told)
    assert "不知道" in said
    assert "号码" not in said


def _waits_for_the_sender(office: Office) -> tuple[int, int, str]:
    """An offer that can't leave just now: its task, its volunteer, and the path of their own page."""
    office.gateway.says = lambda to: SENDER
    task_id = office.call("k")
    office.run(30)
    volunteer_id = db.session.scalars(select(Offer.volunteer_id).order_by(Offer.id)).first()
    assert volunteer_id is not None
    with transaction() as tx:
        token, link = tokens.mint(tokens.YOUR_PAGE, None, volunteer_id, office.at)
        tx.add(LinkToken(**link))
    return task_id, volunteer_id, f"/v/{token}/tasks/{task_id}"


def _offer(task_id: int, volunteer_id: int) -> Offer:
    db.session.rollback()
    which = select(Offer).where(Offer.task_id == task_id, Offer.volunteer_id == volunteer_id)
    return db.session.scalars(which.execution_options(populate_existing=True)).one()


def test_a_no_to_an_offer_that_waits_is_a_no_for_good(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id, volunteer_id, page = _waits_for_the_sender(office)
    monkeypatch.setattr("dispatcher.web.volunteer.utcnow", lambda: office.at)
    client = office.app.test_client()
    assert client.get(page).status_code == 200
    answer = client.post(f"{page}/decline", data={"reason": "busy", "said": "我病了"})
    assert answer.status_code in (200, 303)
    office.run(600)
    office.gateway.says = lambda to: None
    office.run(900)
    offer = _offer(task_id, volunteer_id)
    assert (offer.state, offer.decline_reason, offer.said) == ("declined", "busy", "我病了")
    assert (offer.unasked_at, offer.sent_at) == (None, None)
    assert db.session.get_one(Volunteer, volunteer_id).last_asked_at is not None, "they have been asked"
    assert db.session.scalars(select(AnswerTimes)).all() == [], "nobody knows when they were"


def test_a_no_to_an_offer_that_has_ended_unasked_is_one_too(office: Office) -> None:
    task_id, volunteer_id, _ = _waits_for_the_sender(office)
    with transaction() as tx:
        offer = tx.scalars(select(Offer).where(Offer.volunteer_id == volunteer_id)).one()
        offer.state = "withdrawn"
        task = dispatching.lock(tx, task_id)
        assert task is not None
        responding.decline(tx, task, offer.volunteer, "ill", "", office.at)
    office.gateway.says = lambda to: None
    office.run(900)
    assert _offer(task_id, volunteer_id).sent_at is None


def test_a_yes_to_an_offer_that_waits_is_kept(office: Office) -> None:
    task_id, volunteer_id, _ = _waits_for_the_sender(office)
    with transaction() as tx:
        task = dispatching.lock(tx, task_id)
        assert task is not None
        responding.accept(tx, task, tx.get_one(Volunteer, volunteer_id), office.at)
    assert (_offer(task_id, volunteer_id).state, _offer(task_id, volunteer_id).unasked_at) == (
        "accepted",
        None,
    )


def test_what_was_answered_before_it_counted_is_forgotten_by_nobody(office: Office) -> None:
    """As rows were written once: declined, and still marked as not asked."""
    task_id, volunteer_id, _ = _waits_for_the_sender(office)
    with transaction() as tx:
        answered = update(Offer).where(Offer.task_id == task_id, Offer.volunteer_id == volunteer_id)
        tx.execute(answered.values(state="declined", answered_at=office.at, decline_reason="ill"))
    office.gateway.says = lambda to: None
    office.run(900)
    offer = _offer(task_id, volunteer_id)
    assert (offer.state, offer.decline_reason, offer.sent_at) == ("declined", "ill", None)


@on("postgresql")
def test_an_offer_that_is_being_answered_is_not_marked_as_unasked(office: Office) -> None:
    """Whoever marks it has read that it waits, and then waits for whoever writes the answer."""
    task_id = office.call("k")
    dispatching.look(task_id, office.at)
    db.session.rollback()
    offer_id = db.session.scalars(select(Offer.id).order_by(Offer.id)).first()
    assert offer_id is not None
    db.session.remove()

    def mark() -> None:
        with office.app.app_context(), transaction() as tx:
            stoppages.unask(tx, [offer_id], office.at)

    with ThreadPoolExecutor(1) as other, db.engine.connect() as connection:
        with connection.begin():
            connection.execute(update(Offer).where(Offer.id == offer_id).values(state="declined"))
            marked = other.submit(mark)
            time.sleep(0.5)
        marked.result()
    assert db.session.get_one(Offer, offer_id).unasked_at is None


@on("postgresql")
@pytest.mark.parametrize("code", ["30005", "30002", "30007"])
def test_two_batches_of_receipts_take_turns(
    office: Office, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    """An account that is suspended brings such a flood: neither batch may wait for the other to let go."""
    caplog.set_level(logging.INFO)
    for n in range(12):
        office.volunteer(f"+86136352003{n:02}")
    for n in range(6):
        retiree = office.retiree(f"+86139352007{n:02}")
        office.call(f"k{n}", retiree, category=("medicine", "groceries")[n % 2])
    office.run(10)
    which = (Message.id, Message.task_id, Message.gateway_id)
    sent = db.session.execute(select(*which).where(Message.state == "sent").order_by(Message.id)).all()
    db.session.remove()
    by_task = {
        task_id: [row for row in sent if row.task_id == task_id] for task_id in {r.task_id for r in sent}
    }
    both = sorted(task_id for task_id, rows in by_task.items() if len(rows) > 1)
    assert len(both) > 3
    there, back = [by_task[one][0] for one in both], [by_task[one][1] for one in reversed(both)]

    def take_in(rows: list[Any]) -> None:
        found = [Receipt(r.id, r.gateway_id, "undelivered", {"ErrorCode": code}, office.at) for r in rows]
        with office.app.app_context():
            receipts._take_in_all(lambda: found)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(take_in, (there, back)))
    assert "begins again" not in caplog.text
    lost = select(Message.id).where(Message.state == "undelivered")
    assert set(db.session.scalars(lost)) == {row.id for row in (*there, *back)}
