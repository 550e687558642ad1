"""What is ours is held against no volunteer: they don't count as asked, and nobody checks their number."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from dispatcher.database import db, transaction
from dispatcher.models import Message, Offer, Volunteer
from dispatcher.rules.settings import with_overrides
from dispatcher.services import messaging
from dispatcher.sms.gateway import Unknown
from dispatcher.web.wording import attention_text
from tests.integration.conftest import People
from tests.integration.office import Office


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
