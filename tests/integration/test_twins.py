"""Equal texts to one phone, both in doubt: whatever the workers' clocks say, each gets its own record."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dispatcher.database import db, transaction
from dispatcher.models import Message
from dispatcher.services import messaging, settling
from dispatcher.sms.gateway import Carried, Unknown
from tests.integration.conftest import People, RecordingGateway, now, receive, save_call

OFF = [timedelta(minutes=-10), timedelta(seconds=-30), timedelta(), timedelta(minutes=10)]


def _pair(people: People) -> tuple[int, int]:
    """Two messages with the same words to the same phone."""
    save_call(people)
    with transaction() as tx:
        first = tx.scalars(select(Message).where(Message.kind == "received")).one()
        twin = Message(
            direction="out", kind=first.kind, params=first.params, phone=first.phone, state="queued",
            created_at=now(), retiree_id=first.retiree_id, task_id=first.task_id,
        )  # fmt: skip
        tx.add(twin)
        tx.flush()
        return first.id, twin.id


def _worker(monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
    """From now on the work is done by a process whose clock is off by so much."""
    for module in (messaging, settling):
        monkeypatch.setattr(module, "utcnow", lambda: now() + off)


def _found(*message_ids: int) -> list[tuple[str, str | None]]:
    db.session.rollback()
    found = [db.session.get_one(Message, message_id) for message_id in message_ids]
    return [(message.state, message.gateway_id) for message in found]


def _listed(words: str, *ids: str) -> list[Carried]:
    """As the gateway lists them: the newest first. `ids`: the oldest first."""
    at = now()
    return [
        Carried(gateway_id, words, "sent", "", at + timedelta(seconds=n)) for n, gateway_id in enumerate(ids)
    ][::-1]


@pytest.mark.parametrize("claimed_by", OFF, ids=str)
@pytest.mark.parametrize("settled_by", OFF, ids=str)
def test_no_record_is_taken_before_callbacks_can_have_come(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch, claimed_by: timedelta, settled_by: timedelta
) -> None:
    gateway = RecordingGateway(Unknown("no_answer"))
    with app.app_context():
        first, second = _pair(people)
        for message_id, off in ((first, timedelta()), (second, claimed_by)):
            _worker(monkeypatch, off)
            messaging.send(message_id, gateway)
        # The gateway took the second before the first.
        gateway.listed = _listed(gateway.sent[0][1], "SM2", "SM1")
        _worker(monkeypatch, settled_by)
        for message_id in (first, second, first, second):
            settling.settle(message_id, gateway)
        assert _found(first, second) == [("unknown", None), ("unknown", None)]
        receive(second, "SM2", "delivered", {}, now())
        settling.settle(first, gateway)
        assert _found(first, second) == [("sent", "SM1"), ("delivered", "SM2")]


@pytest.mark.parametrize("listed", [0, 1, 2, 3])
def test_those_in_doubt_do_not_wait_for_each_other_for_ever(app: Flask, people: People, listed: int) -> None:
    """No callback ever comes: the older one takes the older record, and who is left is sent again."""
    gateway = RecordingGateway(Unknown("no_answer"))
    with app.app_context():
        first, second = _pair(people)
        for message_id in (first, second):
            messaging.send(message_id, gateway)
        gateway.listed = _listed(gateway.sent[0][1], *(f"SM{n}" for n in range(listed)))
        _as_if_claimed(now() - settling.SURE_AFTER)
        for _ in range(settling.APART_AFTER + 1):
            for message_id in (second, first):  # the younger one asks first
                settling.settle(message_id, gateway)
        right = [("sent", "SM0"), ("sent", "SM1")]
        again = [("queued", None), ("queued", None)]
        assert _found(first, second) == (right[:listed] + again)[:2] if listed < 2 else right


def test_who_is_with_the_gateway_just_now_is_waited_for(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Unknown("no_answer"))
    with app.app_context():
        first, second = _pair(people)
        messaging.send(first, gateway)
        assert messaging._claim(second) is not None
        gateway.listed = _listed(gateway.sent[0][1], "SM2")
        for _ in range(settling.APART_AFTER + 1):
            settling.settle(first, gateway)
        assert _found(first) == [("unknown", None)]


def test_one_that_was_given_up_may_still_turn_out_to_have_arrived(app: Flask, people: People) -> None:
    """The gateway listed it late: its callback, not its twin, gets the record."""
    gateway = RecordingGateway(Unknown("no_answer"))
    with app.app_context():
        first, second = _pair(people)
        for message_id in (first, second):
            messaging.send(message_id, gateway)
        with transaction() as tx:
            lost = tx.get_one(Message, first)
            lost.state, lost.error_code = "failed", "unknown"
        gateway.listed = _listed(gateway.sent[0][1], "SM1")
        settling.settle(second, gateway)
        assert _found(second) == [("unknown", None)]


def _as_if_claimed(at: datetime) -> None:
    with transaction() as tx:
        for message in tx.scalars(select(Message).where(Message.state == "unknown")):
            message.claimed_at = at
