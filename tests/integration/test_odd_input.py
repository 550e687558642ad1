"""Input that SQLite would keep and PostgreSQL would refuse: the same answer on both."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from dispatcher.database import db
from dispatcher.models import Draft, HelpRequest, Message, MessageReceipt, Retiree, ShiftNote
from dispatcher.services import search
from tests.integration.conftest import PASSWORD, People, save_call

SID = "SM" + "0a" * 16


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def _signed(app: Flask, client: FlaskClient, path: str, posted: dict[str, str]) -> int:
    """Post as the gateway does; the status of the answer."""
    validator = RequestValidator(app.config["TWILIO_AUTH_TOKEN"])
    signature = validator.compute_signature(app.config["PUBLIC_URL"] + path, posted)
    return client.post(path, data=posted, headers={"X-Twilio-Signature": signature}).status_code


def test_an_sms_with_a_nul_is_kept_without_it(app: Flask, people: People, client: FlaskClient) -> None:
    posted = {"MessageSid": SID, "From": "+8613635200000", "Body": "你\x00好"}
    assert _signed(app, client, "/sms/inbound", posted) == 200
    with app.app_context():
        kept = db.session.scalars(select(Message).where(Message.direction == "in")).one()
        assert (kept.gateway_id, kept.body) == (SID, "你好")


def test_a_receipt_that_is_too_long_is_refused(app: Flask, people: People, client: FlaskClient) -> None:
    with app.app_context():
        save_call(people)
        message_id = db.session.scalars(select(Message.id).where(Message.direction == "out")).all()[0]
    path = f"/sms/status?m={message_id}"
    good = {"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": "30003"}
    assert _signed(app, client, path, good | {"MessageSid": "S" * 65}) == 400
    assert _signed(app, client, path, good | {"ErrorCode": "3" * 21}) == 400
    assert _signed(app, client, path, good | {"MessageStatus": "d" * 21}) == 400
    assert _signed(app, client, "/sms/inbound", {"MessageSid": "S" * 65, "From": "+861", "Body": "1"}) == 400
    with app.app_context():
        assert db.session.scalars(select(MessageReceipt)).all() == []
    assert _signed(app, client, path, good) == 204


@pytest.mark.parametrize(
    "path",
    ["/board?campus=%00", "/hotline?q=%00wang", "/hotline/matches?q=%00139352", "/hotline?q=%ED%A0%80"],
)
def test_pages_can_be_asked_for_anything(app: Flask, people: People, client: FlaskClient, path: str) -> None:
    client.post("/login", data={"username": "co\x00", "password": PASSWORD})
    assert client.get(path).status_code == 200


def test_a_call_with_nuls_is_saved_without_them(app: Flask, people: People, client: FlaskClient) -> None:
    client.post("/login", data={"username": "op", "password": PASSWORD})
    typed = {
        "form_key": "k\x00ey", "retiree_id": str(people.retiree), "want": "medicine",
        "medicine-name": "阿司\x00匹林", "notes": "\x00",
    }  # fmt: skip
    assert client.post("/hotline/requests", data=typed).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(HelpRequest.form_key)).one() == "key"


def test_a_file_where_none_is_expected_is_left_aside(app: Flask, people: People, client: FlaskClient) -> None:
    client.post("/login", data={"username": "co", "password": PASSWORD})
    posted = {"said": (BytesIO(b"x"), "a.txt")}
    assert client.post("/board/attention/1/done", data=posted).status_code == 303


def test_a_new_caller_saved_twice_is_saved_once(app: Flask, people: People, client: FlaskClient) -> None:
    """The second click isn't told that the number, which the first one saved, is on the roster."""
    client.post("/login", data={"username": "op", "password": PASSWORD})
    typed = {
        "form_key": "twice", "want": "other", "other-notes": "灯坏了", "new_name": "新来的",
        "new_phone": "13935299999", "new_campus": "home", "new_address": "1号楼",
    }  # fmt: skip
    answers = [client.post("/hotline/requests", data=typed) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert client.post("/hotline/requests", data=typed | {"form_key": "other"}).status_code == 422


def test_a_very_long_name_is_kept_and_found_by_how_it_begins(
    app: Flask, people: People, client: FlaskClient
) -> None:
    client.post("/login", data={"username": "op", "password": PASSWORD})
    typed = {
        "form_key": "long", "want": "other", "other-notes": "灯坏了", "new_name": "长" * 80,
        "new_phone": "13935299998", "new_campus": "home", "new_address": "1号楼",
    }  # fmt: skip
    assert client.post("/hotline/requests", data=typed).status_code == 303
    with app.app_context():
        kept = db.session.scalars(select(Retiree).where(Retiree.name == typed["new_name"])).one()
        found = search.find(db.session(), "changchang", 5)
        assert [match.retiree.id for match in found] == [kept.id]


def test_a_call_that_cannot_be_meant_is_asked_about_and_kept(
    app: Flask, people: People, client: FlaskClient
) -> None:
    client.post("/login", data={"username": "op", "password": PASSWORD})
    typed: dict[str, Any] = {"form_key": "odd", "retiree_id": str(people.retiree), "want": "groceries"}
    many = typed | {"groceries-name": [f"第{n}样" for n in range(43)]}
    answer = client.post("/hotline/requests", data=many)
    assert answer.status_code == 422
    assert "第42样" in answer.text
    year = typed | {
        "groceries-name": "小米", "groceries-due": "at", "groceries-due-at": "2136-11-27T10:00",
    }  # fmt: skip
    answer = client.post("/hotline/requests", data=year)
    assert answer.status_code == 422
    assert "2136-11-27T10:00" in answer.text
    with app.app_context():
        assert db.session.scalars(select(HelpRequest)).all() == []


def test_a_form_is_of_whoever_opened_it(app: Flask, people: People, client: FlaskClient) -> None:
    """Another operator logs in to the same browser while it is open."""
    client.post("/login", data={"username": "op", "password": PASSWORD})
    theirs = {
        "form_key": "mine", "operator": str(people.coordinator), "retiree_id": str(people.retiree),
        "want": "other", "other-notes": "灯坏了", "typed_at": "1",
    }  # fmt: skip
    for path in ("/hotline/drafts", "/hotline/requests"):
        assert client.post(path, data=theirs).status_code == 403
    with app.app_context():
        assert db.session.scalars(select(HelpRequest)).all() == []
        assert db.session.scalars(select(Draft)).all() == []
    mine = theirs | {"operator": str(people.operator)}
    assert client.post("/hotline/requests", data=mine).status_code == 303


def test_what_nobody_types_is_left_out_and_a_new_line_is_one_character(
    app: Flask, people: People, client: FlaskClient
) -> None:
    client.post("/login", data={"username": "op", "password": PASSWORD})
    words = "\r\n".join(["电梯停运"] * 200)  # 999 characters as a browser counts them
    assert client.post("/hotline/handover", data={"words": words + "\x1b\uffff"}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(ShiftNote.text)).one() == words.replace("\r\n", "\n")


def test_a_pause_of_very_many_digits_is_no_pause(app: Flask, people: People, client: FlaskClient) -> None:
    client.post("/login", data={"username": "co", "password": PASSWORD})
    pause = f"/board/volunteers/{people.volunteers[0]}/pause"
    assert client.post(pause, data={"days": "9" * 5000}).status_code == 422


def test_guesses_at_any_address_of_a_link_count_together(
    app: Flask, people: People, client: FlaskClient
) -> None:
    app.config["LINK_RATE"] = "4 per minute"
    addresses = ("/o/aaaaaaaaaaaa", "/o/bbbbbbbbbbbb/stage", "/v/cccccccccccc", "/v/dddddddddddd/tasks/1")
    assert [client.get(address).status_code for address in addresses] == [404] * 4
    assert [client.get(address).status_code for address in addresses] == [429] * 4
