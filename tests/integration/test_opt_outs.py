"""Phones that want no more SMS: remembered for each whose phone it is, never tried again, and undone."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import Attention, Event, Message, Offer, Retiree, RetireePhone, Staff, Volunteer
from dispatcher.rules.phones import Phone
from dispatcher.services import inbound, opt_outs, own_page, roster
from dispatcher.sms.gateway import Fault, Incoming, Refused
from tests.integration.conftest import PASSWORD, People, receive
from tests.integration.office import Office

OPTED_OUT = Refused("21610", Fault.RECIPIENT, opted_out=True)


@pytest.fixture
def office(app: Flask, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with app.app_context():
        yield Office(app, people, monkeypatch)


def _from(office: Office, phone: str, body: str, opt_out: str = "") -> None:
    n = len(db.session.scalars(select(Message.id)).all())
    db.session.rollback()
    inbound.receive(Incoming(f"SMin{n}", phone, body, opt_out), office.at)
    office.work()


def _retiree_phone(office: Office) -> RetireePhone:
    db.session.rollback()
    which = select(RetireePhone).where(RetireePhone.retiree_id == office.people.retiree)
    return db.session.scalars(which).one()


def test_a_volunteer_whom_the_gateway_knows_to_have_stopped_is_remembered(office: Office) -> None:
    phone, first_id = office.volunteers()[0].phone, office.people.volunteers[0]
    office.gateway.says = lambda to: OPTED_OUT if to == phone else None
    office.call("a")
    office.run(30)
    assert office.volunteers()[0].stopped_at is not None
    (told,) = office.standing("stopped")
    assert (told.volunteer_id, office.standing("volunteer_unreachable")) == (first_id, [])
    assert len(db.session.scalars(select(Offer)).all()) == 3, "the next one is asked at once"
    office.call("b", office.retiree("+8613935200098"), category="groceries")
    office.run(900)
    assert [to for _, to, _ in office.gateway.tried].count(phone) == 1


def test_a_retirees_phone_is_remembered_and_what_they_must_know_becomes_a_call(office: Office) -> None:
    phone = _retiree_phone(office).number
    office.gateway.says = lambda to: OPTED_OUT if to == phone else None
    office.call("a")
    office.run(30)
    assert _retiree_phone(office).stopped_at is not None
    assert [a.retiree_id for a in office.standing("stopped")] == [office.people.retiree]
    (call,) = office.standing("call_retiree")
    assert (call.params["because"], call.params["kind"]) == ("stopped", "received")
    office.call("b", category="groceries")
    office.run(60)
    assert [to for _, to, _ in office.gateway.tried].count(phone) == 1, "never tried again"
    assert {a.params["because"] for a in office.standing("call_retiree")} == {"stopped"}

    call_id = office.standing("call_retiree")[0].id
    by = db.session.get_one(Staff, office.people.coordinator)
    assert opt_outs.wanted_again(call_id, by, office.at)
    assert _retiree_phone(office).stopped_at is None
    assert office.standing("stopped") == []
    assert office.standing("call_retiree") != [], "the call has still to be made"

    _from(office, phone, "拒收")
    assert _retiree_phone(office).stopped_at is not None
    _from(office, phone, "恢复订阅")
    assert _retiree_phone(office).stopped_at is None
    assert office.standing("stopped") == []
    office.gateway.says = lambda to: None
    office.call("c", category="other", notes="想找人聊聊")
    office.run(10)
    assert [to for to, _ in office.gateway.taken].count(phone) == 1


def test_a_receipt_says_it_too(office: Office) -> None:
    office.call("a")
    office.run(10)
    which = select(Message.id).where(Message.kind == "received")
    message_id = db.session.scalars(which).one()
    receive(message_id, f"SM{message_id}", "failed", {"ErrorCode": "21610"}, office.at)
    assert _retiree_phone(office).stopped_at is not None


def _shares_with_a_volunteer(office: Office) -> tuple[Volunteer, int]:
    """A volunteer whose phone is also that of two retirees; one of these, by id."""
    volunteer = office.volunteers()[0]
    with transaction() as tx:
        for name in ("陈桂英", "周福"):
            retiree = roster.add_retiree(
                tx,
                roster.RetireeData(
                    name=name, campus_id=volunteer.campus_id, phones=[Phone(volunteer.phone, "mobile")],
                    area="西区", address="5号楼101", sex="f",
                ),
            )  # fmt: skip
        tx.flush()
        return volunteer, retiree.id


def test_stop_by_a_shared_phone_is_noted_for_each_and_start_undoes_all(office: Office) -> None:
    volunteer, _ = _shares_with_a_volunteer(office)
    _from(office, volunteer.phone, "ＴＤ")
    standing = office.standing("stopped")
    assert sorted((a.volunteer_id is None, a.retiree_id is None) for a in standing) == [
        (False, True), (True, False), (True, False),
    ]  # fmt: skip
    phones = select(RetireePhone.stopped_at).where(RetireePhone.number == volunteer.phone)
    assert None not in db.session.scalars(phones).all()
    assert office.volunteers()[0].stopped_at is not None
    _from(office, volunteer.phone, "YES", "START")
    assert office.standing("stopped") == []
    assert db.session.scalars(phones).all() == [None, None]
    assert office.volunteers()[0].stopped_at is None
    said = select(Event.actor).where(Event.kind.in_(["stop", "start"])).order_by(Event.id)
    assert list(db.session.scalars(said)) == ["volunteer", "retiree", "retiree"] * 2


def test_a_yes_of_somebody_who_never_stopped_is_an_answer(office: Office) -> None:
    office.call("a")
    office.run(10)
    volunteer = office.volunteers()[0]
    _from(office, volunteer.phone, "YES", "START")
    db.session.rollback()
    assert db.session.scalars(select(Event).where(Event.kind == "start")).all() == []


def test_the_office_may_say_that_sms_are_wanted_again(office: Office) -> None:
    volunteer, retiree_id = _shares_with_a_volunteer(office)
    _from(office, volunteer.phone, "退订")
    by = db.session.get_one(Staff, office.people.coordinator)
    theirs = next(a for a in office.standing("stopped") if a.retiree_id == retiree_id)
    assert opt_outs.wanted_again(theirs.id, by, office.at)
    assert not opt_outs.wanted_again(theirs.id, by, office.at), "only once"
    db.session.rollback()
    assert not db.session.get_one(Retiree, retiree_id).wants_no_sms
    assert office.volunteers()[0].stopped_at is not None, "the others have not said so"
    said = db.session.scalars(select(Event).where(Event.kind == "start_by_staff")).one()
    assert (said.actor, said.actor_name) == ("staff", by.name)


def test_a_lost_phone_is_not_given_back_by_that(office: Office) -> None:
    volunteer = office.volunteers()[0]
    by = db.session.get_one(Staff, office.people.coordinator)
    own_page.links_lost(volunteer.id, by, office.at)
    assert not opt_outs.volunteer_wants_again(office.people.volunteers[0], by, office.at)
    assert office.volunteers()[0].is_phone_lost


def test_help_that_is_refused_is_not_tried_again(office: Office) -> None:
    office.gateway.says = lambda to: OPTED_OUT
    for _ in range(3):
        _from(office, "+8613935299999", "你们是谁")
        office.run(60)
    assert len(office.gateway.tried) == 1


@pytest.mark.parametrize("where", ["board", "person"])
def test_the_button_for_it(office: Office, where: str) -> None:
    app, volunteer = office.app, office.volunteers()[0]
    volunteer_id = volunteer.id
    _from(office, volunteer.phone, "STOP")
    app.config["WTF_CSRF_ENABLED"] = False
    browser = app.test_client()
    browser.post("/login", data={"username": "co", "password": PASSWORD})
    attention_id = db.session.scalars(select(Attention.id).where(Attention.reason == "stopped")).one()
    db.session.rollback()
    page, button = {
        "board": ("/board", f"/board/attention/{attention_id}/sms-again"),
        "person": (f"/board/volunteers/{volunteer_id}", f"/board/volunteers/{volunteer_id}/sms-again"),
    }[where]
    assert button in browser.get(page).text
    assert browser.post(button).status_code == 303
    assert office.volunteers()[0].stopped_at is None
    assert office.standing("stopped") == []
