"""What carries a valid signature: the request that was signed, once, and nothing cut from its text."""

from collections.abc import Sequence
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from dispatcher.database import db
from dispatcher.models import Message, MessageReceipt
from tests.integration.conftest import People, save_call, volunteer

ACCOUNT, SID, OTHER = "AC" + "12" * 16, "SM" + "ab" * 16, "SM" + "cd" * 16
Pairs = Sequence[tuple[str, str]]


@pytest.fixture
def client(app: Flask, people: People) -> FlaskClient:
    app.config["TWILIO_ACCOUNT_SID"] = ACCOUNT
    return app.test_client()


def received(text: str = "hello", sid: str = SID, **more: str) -> dict[str, str]:
    """What Twilio posts for an SMS."""
    return {
        "ToCountry": "CN", "ToState": "", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "", "FromZip": "",
        "SmsSid": sid, "FromState": "Shanxi", "SmsStatus": "received", "FromCity": "Taiyuan", "Body": text,
        "FromCountry": "CN", "To": "+8610690000727", "ToZip": "", "NumSegments": "1", "MessageSid": sid,
        "AccountSid": ACCOUNT, "From": "+8613635200000", "ApiVersion": "2010-04-01",
    } | more  # fmt: skip


def told(status: str = "delivered", sid: str = SID, **more: str) -> dict[str, str]:
    """What Twilio posts of a message that we have sent."""
    return {
        "SmsSid": sid, "SmsStatus": status, "MessageStatus": status, "To": "+8613635200000",
        "MessageSid": sid, "AccountSid": ACCOUNT, "From": "+8610690000727", "ApiVersion": "2010-04-01",
    } | more  # fmt: skip


def sign(app: Flask, path: str, fields: dict[str, str]) -> str:
    validator = RequestValidator(app.config["TWILIO_AUTH_TOKEN"])
    return str(validator.compute_signature(app.config["PUBLIC_URL"] + path, fields))


def post(client: FlaskClient, path: str, fields: dict[str, str] | Pairs, signature: str) -> int:
    body = urlencode(list(fields.items()) if isinstance(fields, dict) else list(fields))
    kind = "application/x-www-form-urlencoded"
    headers = {"X-Twilio-Signature": signature}
    return client.post(path, data=body, content_type=kind, headers=headers).status_code


def counts(app: Flask) -> tuple[int, int]:
    """SMS that came in, and receipts."""
    with app.app_context():
        came = select(func.count()).select_from(Message).where(Message.direction == "in")
        receipts = select(func.count()).select_from(MessageReceipt)
        return db.session.scalar(came) or 0, db.session.scalar(receipts) or 0


def forged(genuine: dict[str, str], drop: Sequence[str], **put: str) -> dict[str, str]:
    """Other fields whose names and values, sorted and run together, are the same text."""
    found = {name: value for name, value in genuine.items() if name not in drop} | put
    texts = ["".join(name + fields[name] for name in sorted(fields)) for fields in (genuine, found)]
    assert texts[0] == texts[1], texts
    return found


def test_what_twilio_sends_is_taken_with_fields_that_nobody_knows_yet(
    app: Flask, client: FlaskClient
) -> None:
    for n, more in enumerate(
        (
            {},
            {"MessagingServiceSid": "MG" + "0f" * 16, "OptOutType": "HELP"},
            {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x?a=1", "MediaContentType0": "image/jpeg"},
            {
                "ProfileName": "王伟 From: Body",
                "WaId": "8613635200000",
                "ChannelMetadata": '{"type":"whatsapp"}',
            },
            {"Some_New-Field.1": "MessageSid AccountSid"},
        )
    ):
        fields = received("MessageSid? AccountSid? \r\n好", f"SM{n:032x}", **more)
        assert post(client, "/sms/inbound", fields, sign(app, "/sms/inbound", fields)) == 200, more
    picture = received("", "MM" + "0" * 32)
    assert post(client, "/sms/inbound", picture, sign(app, "/sms/inbound", picture)) == 200


def test_the_same_request_again_changes_nothing(app: Flask, people: People, client: FlaskClient) -> None:
    with app.app_context():
        save_call(people)
        message_id = db.session.scalars(select(Message.id)).first()
    for path, fields in (("/sms/inbound", received()), (f"/sms/status?m={message_id}", told())):
        signature = sign(app, path, fields)
        first = post(client, path, fields, signature)
        before = counts(app)
        assert [post(client, path, fields, signature) for _ in range(3)] == [first] * 3
        assert first in (200, 204)
        assert counts(app) == before
    assert before == (1, 1)


@pytest.mark.parametrize(
    ("drop", "put"),
    [
        (["NumMedia"], {"MessageSid": f"{SID}NumMedia0"}),
        (["NumMedia"], {"MessageSi": f"d{SID}NumMedia0"}),
        (["ApiVersion"], {"AccountSid": f"{ACCOUNT}ApiVersion2010-04-01"}),
        (["NumSegments"], {"NumMedia": "0NumSegments1"}),
        (["SmsStatus"], {"SmsSid": f"{SID}SmsStatusreceived"}),
        (["Body"], {"ApiVersion": "2010-04-01Bodyhello"}),
    ],
)
def test_a_signed_text_cut_otherwise_is_refused(
    app: Flask, client: FlaskClient, drop: list[str], put: dict[str, str]
) -> None:
    genuine = received()
    if "MessageSi" in put:
        drop = [*drop, "MessageSid"]
    assert (
        post(client, "/sms/inbound", forged(genuine, drop, **put), sign(app, "/sms/inbound", genuine)) == 400
    )
    assert counts(app) == (0, 0)


def test_a_text_that_holds_another_message_is_not_taken_for_that_message(
    app: Flask, people: People, client: FlaskClient
) -> None:
    """Whoever writes the text of an SMS writes a part of what is signed."""
    with app.app_context():
        victim = volunteer(people, 1).phone
    genuine = received(f"hiFrom{victim}MessageSid{OTHER}N")
    signature = sign(app, "/sms/inbound", genuine)
    text = "".join(name + genuine[name] for name in sorted(genuine))
    head, _, tail = text.partition("Bodyhi")
    rest = tail.removeprefix(f"From{victim}MessageSid{OTHER}N")
    rest, to, after = rest.rpartition("ToZip")
    fields = {
        "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", "Body": "hi", "From": victim, "MessageSid": OTHER,
        "N": rest, "ToZip": after,
    }  # fmt: skip
    assert "".join(name + fields[name] for name in sorted(fields)) == text
    assert head
    assert to
    assert post(client, "/sms/inbound", fields, signature) == 400
    assert counts(app) == (0, 0)


def test_the_number_of_a_message_in_the_address_cannot_be_cut_off(
    app: Flask, people: People, client: FlaskClient
) -> None:
    fields = told()
    signature = sign(app, "/sms/status?m=12", fields)
    moved = {"2AccountSid": ACCOUNT} | {name: value for name, value in fields.items() if name != "AccountSid"}
    assert post(client, "/sms/status?m=1", moved, signature) == 400
    without = {name: value for name, value in fields.items() if name != "AccountSid"}
    assert post(client, f"/sms/status?m=12AccountSid{ACCOUNT}", without, signature) == 400
    assert counts(app) == (0, 0)


@pytest.mark.parametrize(
    "odd",
    [
        {"MessageSid": "SM1"}, {"MessageSid": SID.upper()}, {"MessageSid": SID + "\n"}, {"MessageSid": ""},
        {"SmsSid": OTHER}, {"AccountSid": "AC" + "00" * 16}, {"AccountSid": ""}, {"Odd name": "x"},
        {"Bo\x00dy": "x"}, {"": "x"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/sms/inbound", "/sms/status?m=1"])
def test_what_has_not_the_shape_that_twilio_gives_it_is_refused(
    app: Flask, client: FlaskClient, path: str, odd: dict[str, str]
) -> None:
    fields = (received() if "inbound" in path else told()) | odd
    assert post(client, path, fields, sign(app, path, fields)) == 400
    assert counts(app) == (0, 0)


@pytest.mark.parametrize("name", ["MessageSid", "Body", "AccountSid"])
def test_what_is_needed_must_be_there_and_once(app: Flask, client: FlaskClient, name: str) -> None:
    fields = received()
    missing = {key: value for key, value in fields.items() if key != name}
    assert post(client, "/sms/inbound", missing, sign(app, "/sms/inbound", missing)) == 400
    signature = sign(app, "/sms/inbound", fields)
    twice = [*fields.items(), (name, fields[name] if name != "MessageSid" else OTHER)]
    assert post(client, "/sms/inbound", twice, signature) == 400
    assert counts(app) == (0, 0)
