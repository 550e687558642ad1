"""What becomes of a message on its way, and how the product is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.harness import ACCOUNT_SID, FANG, HOTLINE, LANDLINE, WEI, Harness, eventually


def callbacks_after(phones: Harness, sid: str, count: int) -> list[str]:
    """The statuses told of a message once `count` POSTs have been made and recorded."""
    eventually(lambda: len(phones.record(sid)["callbacks"]) >= count)
    return phones.receiver.statuses(sid)


def test_a_message_is_delivered_and_both_steps_are_told(phones: Harness) -> None:
    sid = phones.send().sid
    assert callbacks_after(phones, sid, 2) == ["sent", "delivered"]
    record = phones.record(sid)
    assert record["at"] <= record["sent_at"] <= record["delivered_at"]
    assert [(c["status"], c["http"], c["attempt"]) for c in record["callbacks"]] == [
        ("sent", 204, 1),
        ("delivered", 204, 1),
    ]


def test_callbacks_are_signed_over_the_address_with_its_query(phones: Harness) -> None:
    sid = phones.send().sid
    callbacks_after(phones, sid, 2)
    hooks = phones.receiver.hooks
    assert all(hook.signed for hook in hooks)
    assert hooks[-1].path == "/sms/status?attempt=7&from=x%20y"
    assert hooks[-1].params == {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "To": WEI,
        "From": HOTLINE,
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
    }


def test_which_statuses_are_told_can_be_chosen(phones: Harness) -> None:
    phones.control(callback_statuses=["sending", "sent", "delivered"])
    assert callbacks_after(phones, phones.send().sid, 3) == ["sending", "sent", "delivered"]


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"off": True}, 30003),
        ({"unreachable": True}, 30005),
        ({"delivery_error": 30007}, 30007),
        ({"delivery_error": 30008}, 30008),
    ],
)
def test_messages_that_do_not_arrive(phones: Harness, switches: dict[str, Any], code: int) -> None:
    phones.post(f"/api/phones/{WEI}", switches)
    sid = phones.send().sid
    assert callbacks_after(phones, sid, 2) == ["sent", "undelivered"]
    assert phones.receiver.hooks[-1].params["ErrorCode"] == str(code)
    fetched = phones.client.messages(sid).fetch()
    assert (fetched.status, fetched.error_code) == ("undelivered", code)
    assert fetched.error_message


def test_a_message_can_fail_before_it_is_sent(phones: Harness) -> None:
    phones.control(delivery_error=30008, delivery_error_status="failed")
    sid = phones.send().sid
    assert callbacks_after(phones, sid, 1) == ["failed"]
    assert phones.record(sid)["sent_at"] is None


def test_a_phone_switched_off_on_the_way_does_not_get_it(phones: Harness) -> None:
    phones.control(status_delay_s=0.4)
    sid = phones.send().sid
    phones.wait_for(sid, "sent")
    phones.post(f"/api/phones/{WEI}", {"off": True})
    assert phones.wait_for(sid, "undelivered")["error_code"] == 30003


def test_landlines_can_be_taken_and_then_not_reached(phones: Harness) -> None:
    phones.control(landline_policy="undelivered")
    assert phones.wait_for(phones.send(LANDLINE).sid, "undelivered")["error_code"] == 30006
    phones.post(f"/api/phones/{FANG}", {"landline": True})
    assert phones.wait_for(phones.send(FANG).sid, "undelivered")["error_code"] == 30006
    phones.post(f"/api/phones/{LANDLINE}", {"landline": False})
    phones.wait_for(phones.send(LANDLINE).sid, "delivered")


def test_callbacks_can_be_repeated(phones: Harness) -> None:
    phones.control(repeat_callbacks=2)
    told = callbacks_after(phones, phones.send().sid, 4)
    assert told == ["sent", "sent", "delivered", "delivered"]


def test_callbacks_can_arrive_in_the_wrong_order(phones: Harness) -> None:
    phones.control(reorder_callbacks=True)
    assert callbacks_after(phones, phones.send().sid, 2) == ["delivered", "sent"]


def test_callbacks_can_be_lost(phones: Harness) -> None:
    phones.control(callbacks_off=True)
    sid = phones.send().sid
    phones.wait_for(sid, "delivered")
    assert phones.receiver.statuses(sid) == []
    lost = phones.record(sid)["callbacks"]
    assert [(c["status"], c["http"]) for c in lost] == [("sent", None), ("delivered", None)]


def test_callbacks_can_be_late(phones: Harness) -> None:
    phones.control(callback_delay_s=0.3)
    sid = phones.send().sid
    phones.wait_for(sid, "delivered")
    assert phones.receiver.statuses(sid) == []
    assert callbacks_after(phones, sid, 2) == ["sent", "delivered"]


def test_callbacks_are_tried_again_after_failures_of_the_product(phones: Harness) -> None:
    phones.receiver.answers = [503, 500]
    sid = phones.send().sid
    assert callbacks_after(phones, sid, 4) == ["sent", "sent", "sent", "delivered"]
    tries = phones.record(sid)["callbacks"]
    assert [(c["http"], c["attempt"]) for c in tries] == [(503, 1), (500, 2), (204, 3), (204, 1)]


def test_callbacks_refused_by_the_product_are_not_tried_again(phones: Harness) -> None:
    phones.receiver.answers = [403]
    sid = phones.send().sid
    assert callbacks_after(phones, sid, 2) == ["sent", "delivered"]


def test_an_unreachable_product_is_given_up_and_recorded(phones: Harness) -> None:
    phones.control(callback_statuses=["delivered"])
    sid = phones.send(status_callback="http://127.0.0.1:9/status").sid
    eventually(lambda: len(phones.record(sid)["callbacks"]) == 4)
    tries = phones.record(sid)["callbacks"]
    assert all(attempt["http"] is None and attempt["error"] for attempt in tries)
