"""Replies typed on a phone, on their way to the product."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException

from dispatcher.sms.twilio import TwilioGateway
from tests.simulator.harness import ACCOUNT_SID, AUTH_TOKEN, FANG, HOTLINE, WEI, Harness


def reply(phones: Harness, body: str, number: str = WEI) -> dict[str, object]:
    found: dict[str, object] = phones.post(f"/api/phones/{number}/messages", {"body": body}, 201)
    return found


def test_a_reply_reaches_the_product_signed(phones: Harness) -> None:
    record = reply(phones, "1")
    (hook,) = phones.receiver.hooks
    assert hook.signed
    assert hook.path == "/sms/inbound"
    expected = {
        "MessageSid": record["sid"],
        "SmsSid": record["sid"],
        "AccountSid": ACCOUNT_SID,
        "From": WEI,
        "To": HOTLINE,
        "Body": "1",
        "NumMedia": "0",
        "NumSegments": "1",
    }
    assert expected.items() <= hook.params.items()
    assert "OptOutType" not in hook.params
    assert record["webhook_status"] == 204
    assert (record["direction"], record["status"]) == ("from_phone", "received")


def test_a_reply_is_in_the_providers_list(phones: Harness) -> None:
    sid = reply(phones, "我可以去")["sid"]
    (message,) = phones.client.messages.list(from_=WEI)
    assert (message.sid, message.direction, message.status) == (sid, "inbound", "received")


def test_a_reply_is_posted_again_when_the_product_fails(phones: Harness) -> None:
    phones.receiver.answers = [500, 502]
    record = reply(phones, "1")
    assert record["webhook_status"] == 204
    sids = [hook.params["MessageSid"] for hook in phones.receiver.hooks]
    assert sids == [record["sid"]] * 3


def test_a_reply_can_be_delivered_several_times(phones: Harness) -> None:
    phones.control(inbound_repeat=3)
    record = reply(phones, "1")
    assert [hook.params["MessageSid"] for hook in phones.receiver.hooks] == [record["sid"]] * 3


def test_a_refused_reply_is_recorded_as_such(phones: Harness) -> None:
    phones.receiver.answers = [403]
    assert reply(phones, "1")["webhook_status"] == 403
    assert len(phones.receiver.hooks) == 1


@pytest.mark.parametrize(("word", "kind"), [(" stop ", "STOP"), ("Unstop", "START"), ("INFO", "HELP")])
def test_bare_keywords_are_marked(phones: Harness, word: str, kind: str) -> None:
    reply(phones, word)
    assert phones.receiver.hooks[0].params["OptOutType"] == kind


def test_stop_blocks_sending_until_start(phones: Harness) -> None:
    reply(phones, "please stop calling")
    phones.send()
    reply(phones, "STOP")
    with pytest.raises(TwilioRestException) as caught:
        phones.send()
    assert caught.value.code == 21610
    assert phones.get(f"/api/phones/{WEI}")["opted_out"] is True
    assert phones.send(FANG).status == "queued"
    reply(phones, "START")
    assert phones.send().status == "queued"


def test_a_phone_that_is_off_sends_nothing(phones: Harness) -> None:
    phones.post(f"/api/phones/{WEI}", {"off": True})
    phones.post(f"/api/phones/{WEI}/messages", {"body": "1"}, 409)
    assert phones.receiver.hooks == []


@pytest.mark.parametrize("service", ["", "MG" + "1" * 32])
def test_the_product_can_fetch_what_it_was_not_told(phones: Harness, service: str) -> None:
    """Also where people write to the number of a messaging service."""
    phones.send(body="请回复 1")  # not what it sent itself
    first, stop = reply(phones, "31 我可以去"), reply(phones, "cancel", FANG)
    gateway = TwilioGateway(
        ACCOUNT_SID, AUTH_TOKEN, "" if service else HOTLINE, "http://127.0.0.1:9/status", service, phones.url
    )
    found = gateway.received_since(datetime.now(UTC) - timedelta(minutes=5))
    assert found is not None
    assert [(sms.gateway_id, sms.phone, sms.body, sms.opt_out) for sms in found] == [
        (first["sid"], WEI, "31 我可以去", ""), (stop["sid"], FANG, "cancel", "STOP"),
    ]  # fmt: skip
    assert all(sms.sent_at is not None and sms.sent_at.tzinfo is not None for sms in found)
    assert gateway.received_since(datetime.now(UTC) + timedelta(minutes=5)) == []


def test_a_provider_that_does_not_answer_is_no_empty_list() -> None:
    gateway = TwilioGateway(ACCOUNT_SID, AUTH_TOKEN, HOTLINE, "", base_url="http://127.0.0.1:9")
    assert gateway.received_since(datetime.now(UTC)) is None
