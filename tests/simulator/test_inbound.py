"""Replies typed on a phone, on their way to the product."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.simulator.harness import ACCOUNT_SID, FANG, HOTLINE, WEI, Harness


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
