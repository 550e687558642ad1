"""Requests to the webhooks without a valid signature: told once, whoever sends them and however often."""

import logging
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from twilio.request_validator import RequestValidator

from dispatcher.database import db
from dispatcher.models import Attention
from dispatcher.services import health, refusals
from tests.integration.conftest import People, now

ACCOUNT = "AC" + "0" * 32
SENT = {"MessageSid": "SM" + "1" * 32, "AccountSid": ACCOUNT, "From": "+8613635200000", "Body": "?"}


@pytest.fixture
def client(app: Flask, people: People) -> FlaskClient:
    app.config["TWILIO_ACCOUNT_SID"] = ACCOUNT
    return app.test_client()


def _post(client: FlaskClient, token: str, sent: dict[str, str], signed: bool = True) -> int:
    url = client.application.config["PUBLIC_URL"] + "/sms/inbound"
    signature = RequestValidator(token).compute_signature(url, sent)
    headers = {"X-Twilio-Signature": signature} if signed else {}
    return client.post("/sms/inbound", data=sent, headers=headers).status_code


def _standing(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Attention.reason).where(Attention.resolved_at.is_(None))))


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == refusals.__name__]


def test_a_wrong_token_is_one_warning_and_one_item_until_it_is_mended(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(30):
        assert _post(client, "the token of before", SENT | {"MessageSid": f"SM{n:032}"}) == 403
    assert _standing(app) == ["webhooks_refused"]
    assert len(_told(caplog)) == 1
    assert "PUBLIC_URL" in _told(caplog)[0]
    answer = client.get("/readyz").json
    assert answer is not None
    assert answer["webhooks_refused"] is True
    right = app.config["TWILIO_AUTH_TOKEN"]
    assert _post(client, right, SENT) == 200
    assert "webhooks_refused" not in _standing(app)
    with app.app_context():
        assert health.check(now()).webhooks_refused is False


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        (SENT, False),
        ({"Body": "?"}, True),
        (SENT | {"AccountSid": "AC" + "1" * 32}, True),
        ({key: value for key, value in SENT.items() if key != "AccountSid"}, True),
        (SENT | {"AccountSid": "小"}, True),
    ],
    ids=["no signature", "no message", "another account", "no account", "no letters"],
)
def test_whoever_only_tries_raises_no_alarm(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, sent: dict[str, str], signed: bool
) -> None:
    for _ in range(30):
        assert _post(client, "a guess", sent, signed) == 403
    assert _standing(app) == []
    assert len(_told(caplog)) == 1


def test_refused_requests_write_nothing_more_than_once(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of somebody who knows our account, and between valid requests, which resolve the item."""
    written: list[datetime] = []
    raise_ = refusals._raise

    def counted(at: datetime) -> None:
        written.append(at)
        raise_(at)

    monkeypatch.setattr(refusals, "_raise", counted)
    for n in range(10):
        assert _post(client, "a guess", SENT) == 403
        assert _post(client, app.config["TWILIO_AUTH_TOKEN"], SENT | {"MessageSid": f"SM{n:032}"}) == 200
    assert len(written) == 1


def test_another_process_that_gets_the_valid_one_resolves_it_too(app: Flask, client: FlaskClient) -> None:
    assert _post(client, "the token of before", SENT) == 403
    app.extensions["refusals"] = refusals.Refusals()
    assert _post(client, app.config["TWILIO_AUTH_TOKEN"], SENT) == 200
    assert "webhooks_refused" not in _standing(app)


def test_the_answer_is_no_even_when_it_cannot_be_written(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_at: object) -> None:
        raise SQLAlchemyError

    monkeypatch.setattr(refusals, "_raise", full)
    assert _post(client, "the token of before", SENT) == 403
    assert any(r.levelno == logging.ERROR for r in caplog.records)


def test_a_valid_request_is_taken_in_though_the_board_cannot_be_read(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise SQLAlchemyError("the database is being restarted")

    monkeypatch.setattr("dispatcher.services.refusals.attention.find", away)
    with app.app_context():
        refusals.accepted(now())
