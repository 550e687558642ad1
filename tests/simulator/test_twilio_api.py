"""The provider's API through its real client library: sending, reading, lists and errors."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException

from dispatcher.sms.twilio import TwilioGateway
from tests.simulator.harness import ACCOUNT_SID, AUTH_TOKEN, FANG, HOTLINE, LANDLINE, WEI, Harness, eventually


def code_of(phones: Harness, **message: str) -> tuple[int, int | None]:
    """The HTTP status and code a message is refused with."""
    with pytest.raises(TwilioRestException) as caught:
        phones.send(**message)
    return caught.value.status, caught.value.code


def test_create_answers_with_a_whole_message_resource(phones: Harness) -> None:
    message = phones.send(body="请回复 1")
    assert message.sid.startswith("SM")
    assert len(message.sid) == 34
    assert message.status == "queued"
    assert (message.to, message.from_, message.body) == (WEI, HOTLINE, "请回复 1")
    assert message.num_segments == "1"
    assert message.direction == "outbound-api"
    assert abs(datetime.now(UTC) - message.date_created) < timedelta(seconds=10)
    assert message.date_sent is None
    assert message.error_code is None
    assert message.uri == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{message.sid}.json"


def test_what_was_carried_is_found_by_a_worker_whose_clock_is_ahead(phones: Harness) -> None:
    """It would be sent again otherwise."""
    sid = phones.send(body="请回复 1").sid
    gateway = TwilioGateway(
        ACCOUNT_SID, AUTH_TOKEN, HOTLINE, "http://127.0.0.1:9/status", base_url=phones.url
    )
    carried = gateway.sent_to(WEI, datetime.now(UTC) + timedelta(minutes=10))
    assert carried is not None
    assert [one.gateway_id for one in carried] == [sid]


def test_fetch_shows_the_message_delivered(phones: Harness) -> None:
    sid = phones.send().sid
    fetched = eventually(lambda: (m := phones.client.messages(sid).fetch()).status == "delivered" and m)
    assert fetched.date_sent is not None
    assert fetched.error_code is None


def test_a_messaging_service_accepts_and_then_picks_the_sender(phones: Harness) -> None:
    message = phones.send(from_=None, messaging_service_sid="MG" + "1" * 32)
    assert (message.status, message.from_, message.num_segments) == ("accepted", None, "0")
    assert phones.wait_for(message.sid, "delivered")["from"] == HOTLINE


@pytest.mark.parametrize(
    ("body", "count"),
    [("a" * 160, 1), ("a" * 161, 2), ("[" * 80, 1), ("[" * 81, 2), ("好" * 70, 1), ("好" * 71, 2)],
)
def test_segments_are_counted_as_carriers_do(phones: Harness, body: str, count: int) -> None:
    assert phones.send(body=body).num_segments == str(count)


def test_list_filters_by_number_and_date(phones: Harness) -> None:
    first, second = phones.send(WEI).sid, phones.send(FANG).sid
    phones.wait_for(first, "delivered")
    phones.wait_for(second, "delivered")
    messages = phones.client.messages
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert [m.sid for m in messages.list()] == [second, first]
    assert [m.sid for m in messages.list(to=WEI)] == [first]
    assert [m.sid for m in messages.list(to=WEI, from_=HOTLINE)] == [first]
    assert messages.list(to=WEI, from_=FANG) == []
    assert [m.sid for m in messages.list(to=FANG, date_sent_after=now - hour)] == [second]
    assert messages.list(date_sent_after=now + hour) == []
    assert messages.list(date_sent_before=now - hour) == []
    sent = messages(first).fetch().date_sent
    assert first in [m.sid for m in messages.list(date_sent=sent)]
    midnight = sent.replace(hour=0, minute=0, second=0)
    assert first in [m.sid for m in messages.list(date_sent=midnight)]
    assert messages.list(date_sent=midnight - timedelta(days=3)) == []


def test_list_goes_through_pages_that_new_messages_do_not_shift(phones: Harness) -> None:
    sids = [phones.send(body=f"{n}").sid for n in range(7)]
    newest_first = sids[::-1]
    stream = phones.client.messages.stream(page_size=3)
    found = [next(stream).sid for _ in range(3)]
    phones.send(body="in between")
    found += [message.sid for message in stream]
    assert found == newest_first
    page = phones.client.messages.page(page_size=3)
    assert len(list(page)) == 3
    assert len(phones.client.messages.list(limit=5)) == 5


def test_wrong_token_is_refused(phones: Harness) -> None:
    with pytest.raises(TwilioException, match="20003"):
        phones.new_client(token="wrong").messages.list()
    with pytest.raises(TwilioRestException) as caught:
        phones.new_client(token="wrong").messages.create(to=WEI, from_=HOTLINE, body="x")
    assert (caught.value.status, caught.value.code) == (401, 20003)
    assert phones.get("/api/messages")["messages"] == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"to": ""}, (400, 21604)),
        ({"body": ""}, (400, 21602)),
        ({"from_": ""}, (400, 21603)),
        ({"to": "+86138"}, (400, 21211)),
        ({"to": "not a number"}, (400, 21211)),
        ({"to": LANDLINE}, (400, 21614)),
        ({"body": "a" * 1601}, (400, 21617)),
    ],
)
def test_bad_messages_are_refused(
    phones: Harness, message: dict[str, str], expected: tuple[int, int]
) -> None:
    assert code_of(phones, **message) == expected


def test_error_bodies_are_the_providers(phones: Harness) -> None:
    response = requests.post(
        f"{phones.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json",
        data={"From": HOTLINE, "Body": "x"},
        auth=(ACCOUNT_SID, AUTH_TOKEN),
        timeout=5,
    )
    assert response.status_code == 400
    assert response.json() == {
        "code": 21604,
        "message": "A 'To' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21604",
        "status": 400,
    }


def test_unknown_message_is_not_found(phones: Harness) -> None:
    with pytest.raises(TwilioRestException) as caught:
        phones.client.messages("SM" + "0" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_a_region_can_be_blocked(phones: Harness) -> None:
    phones.control(blocked_regions=["US"])
    assert code_of(phones, to="+14155550123") == (400, 21408)
    assert phones.send(WEI).status == "queued"


def test_opted_out_phones_are_refused(phones: Harness) -> None:
    phones.post(f"/api/phones/{WEI}", {"opted_out": True})
    assert code_of(phones) == (400, 21610)


def test_one_phone_can_be_refused_with_any_error(phones: Harness) -> None:
    phones.post(f"/api/phones/{WEI}", {"reject_code": 21408})
    assert code_of(phones) == (400, 21408)
    assert phones.send(FANG).status == "queued"


def test_all_phones_or_those_of_a_region_can_be_refused_with_any_error(phones: Harness) -> None:
    phones.control(reject_code=21606)
    assert code_of(phones, to=WEI) == code_of(phones, to=FANG) == (400, 21606)
    phones.control(reject_code=20003)
    assert code_of(phones) == (401, 20003)
    phones.control(reject_code=21408, reject_regions=["US"])
    assert code_of(phones, to="+14155550123") == (400, 21408)
    assert phones.send(WEI).status == "queued"
    phones.control(reject_code=None)
    assert phones.send("+14155550123").status == "queued"


def test_a_refusal_can_be_over_by_itself(phones: Harness) -> None:
    phones.control(reject_code=21606, reject_for_s=0.5)
    assert code_of(phones) == (400, 21606)
    time.sleep(0.6)
    assert phones.send(WEI).status == "queued"


def test_failures_can_be_ordered_by_number_and_by_share(phones: Harness) -> None:
    phones.control(fail_next={"n": 2, "code": 20503})
    assert code_of(phones) == (503, 20503)
    assert code_of(phones) == (503, 20503)
    assert phones.send().status == "queued"
    phones.control(fail_rate=1, fail_code=20500)
    assert code_of(phones) == (500, 20500)
    phones.control(fail_rate=0, fail_next={"n": 1, "status": 429, "code": 20429})
    assert code_of(phones) == (429, 20429)
    assert len(phones.get(f"/api/phones/{WEI}/messages")) == 1


def test_one_phone_can_have_a_failure_of_its_own(phones: Harness) -> None:
    phones.post(f"/api/phones/{WEI}", {"fail_next": 1})
    assert phones.send(FANG).status == "queued"
    assert code_of(phones, to=WEI) == (500, 20500)
    assert phones.send(WEI).status == "queued"


def test_above_the_rate_limit_is_refused(phones: Harness) -> None:
    phones.control(rate_limit_per_s=2)
    phones.send()
    phones.send()
    assert code_of(phones) == (429, 20429)


def test_latency_holds_every_answer(phones: Harness) -> None:
    phones.control(api_latency_s=0.2)
    started = time.monotonic()
    phones.send()
    assert time.monotonic() - started >= 0.2


def test_a_hanging_send_is_recorded_once_and_answered_late(phones: Harness) -> None:
    phones.control(hang_next=1, hang_s=0.6)
    impatient = phones.new_client(timeout=0.2)
    with pytest.raises(requests.Timeout):
        impatient.messages.create(to=WEI, from_=HOTLINE, body="late")
    recorded = phones.get(f"/api/phones/{WEI}/messages")
    assert [message["body"] for message in recorded] == ["late"]
    phones.control(hang_next=1, hang_s=0.2)
    assert phones.send(body="patient").status == "queued"


def test_a_dropped_send_is_neither_recorded_nor_answered(phones: Harness) -> None:
    phones.control(drop_next=1, hang_s=0.1)
    with pytest.raises(requests.ConnectionError):
        phones.send()
    assert phones.get("/api/messages")["messages"] == []
    assert phones.send().status == "queued"


def test_addresses_and_methods_that_do_not_exist(phones: Harness) -> None:
    auth = (ACCOUNT_SID, AUTH_TOKEN)
    base = f"{phones.url}/2010-04-01/Accounts"
    gone = requests.get(f"{base}/{ACCOUNT_SID}/Calls.json", auth=auth, timeout=5)
    wrong = requests.delete(f"{base}/{ACCOUNT_SID}/Messages.json", auth=auth, timeout=5)
    foreign = requests.get(f"{base}/AC{'9' * 32}/Messages.json", auth=auth, timeout=5)
    answers = [(r.status_code, r.json()["code"]) for r in (gone, wrong, foreign)]
    assert answers == [(404, 20404), (405, 20004), (404, 20404)]
