"""Input that SQLite would keep and PostgreSQL would refuse: the same answer on both."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from dispatcher.database import db
from dispatcher.models import HelpRequest, Message, MessageReceipt, Retiree
from dispatcher.services import search
from tests.integration.conftest import PASSWORD, People, save_call


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
    posted = {"MessageSid": "SM\x001", "From": "+8613635200000", "Body": "你\x00好"}
    assert _signed(app, client, "/sms/inbound", posted) == 200
    with app.app_context():
        kept = db.session.scalars(select(Message).where(Message.direction == "in")).one()
        assert (kept.gateway_id, kept.body) == ("SM1", "你好")


def test_a_receipt_that_is_too_long_is_refused_and_an_error_code_shortened(
    app: Flask, people: People, client: FlaskClient
) -> None:
    with app.app_context():
        save_call(people)
        message_id = db.session.scalars(select(Message.id).where(Message.direction == "out")).all()[0]
    path = f"/sms/status?m={message_id}"
    good = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "3" * 21}
    assert _signed(app, client, path, good | {"MessageSid": "S" * 65}) == 400
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
