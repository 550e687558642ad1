"""The life of a message: claimed once, sent once, settled before it is sent again, never back."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select

from dispatcher import metrics
from dispatcher.database import db, transaction
from dispatcher.models import Attention, Event, Message, MessageReceipt, Offer, Task
from dispatcher.rules.lifecycle import MessageState, may
from dispatcher.services import dispatching, messaging, outbox, progress, responding, settling, sweeping
from dispatcher.services.responding import Answer
from dispatcher.services.states import move
from dispatcher.sms.gateway import Accepted, Carried, Fault, Refused, Unknown
from dispatcher.sms.twilio import CONNECT_S, READ_S, STATUSES
from tests.integration.conftest import (
    People,
    RecordingGateway,
    dump,
    now,
    receive,
    save_call,
    volunteer,
)


def _received(people: People) -> int:
    """A call; the id of the retiree's "received" message."""
    save_call(people)
    return db.session.scalars(select(Message.id).where(Message.kind == "received")).one()


def _state(message_id: int) -> str:
    db.session.rollback()
    return db.session.get_one(Message, message_id).state


def test_sent_once_however_often_the_job_runs(app: Flask, people: People) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        message_id = _received(people)
        for _ in range(3):
            messaging.send(message_id, gateway)
        assert len(gateway.sent) == 1
        assert "王老师" in gateway.sent[0][1]
        assert _state(message_id) == "sent"


def test_two_threads_that_claim_together_send_once(app: Flask, people: People) -> None:
    """A wake-up that came late and the sweep's, in one process, in one transaction."""
    gateway = RecordingGateway()
    with app.app_context():
        message_id = _received(people)

    def job() -> None:
        with app.app_context():
            messaging.send(message_id, gateway)

    with ThreadPoolExecutor(2) as threads:
        with messaging._claim._turn:  # nobody has their turn before both have come
            jobs = [threads.submit(job) for _ in range(2)]
            while len(messaging._claim._gathered) < 2:
                time.sleep(0.01)
        for done in jobs:
            done.result()
    assert [sent[2] for sent in gateway.sent] == [message_id]


def test_refused_for_now_waits_and_is_tried_again(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Refused("429", Fault.LOAD))
    with app.app_context():
        message_id = _received(people)
        messaging.send(message_id, gateway)
        assert _state(message_id) == "queued"
        messaging.send(message_id, gateway)
        assert len(gateway.sent) == 1, "before its pause is over it isn't tried"
        with transaction() as tx:
            tx.get_one(Message, message_id).not_before = now() - timedelta(seconds=1)
        gateway.outcome = None
        messaging.send(message_id, gateway)
        assert _state(message_id) == "sent"


def test_what_could_not_be_handed_over_soon_after_its_claim_is_claimed_anew(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine so busy that the call would begin when its claim nearly counts as lost."""
    gateway = RecordingGateway()
    with app.app_context():
        message_id = _received(people)
        put_back = metrics.MESSAGES.labels("twilio", "put_back", "")
        before = put_back._value.get()
        monkeypatch.setattr(messaging, "CALL_WITHIN_S", 0.0)
        messaging.send(message_id, gateway)
        assert (gateway.sent, _state(message_id)) == ([], "queued")
        assert put_back._value.get() == before + 1
        assert db.session.get_one(Message, message_id).claimed_at is None
        monkeypatch.undo()
        messaging.send(message_id, gateway)
        assert len(gateway.sent) == 1
        message = db.session.get_one(Message, message_id)
        assert (message.state, message.attempts, message.lookups) == ("sent", 1, 0)


def test_a_call_is_over_before_its_claim_counts_as_lost() -> None:
    assert messaging.STUCK_AFTER.total_seconds() > messaging.CALL_WITHIN_S + CONNECT_S + READ_S


@pytest.mark.parametrize("said", [None, Refused("429", Fault.LOAD), Refused("21614", Fault.RECIPIENT)])
def test_a_worker_that_was_overtaken_takes_nothing_from_the_one_that_has_overtaken_it(
    app: Flask, people: People, said: Refused | None
) -> None:
    with app.app_context():
        message_id = _received(people)
        first = _claimed(message_id)
        _given_up(message_id)
        second = _claimed(message_id)
        assert (first, second) == (1, 2)
        messaging._record(messaging._Said(message_id, first, said))
        assert _state(message_id) == "sending"
        messaging._record(messaging._Said(message_id, second, Accepted("SM2")))
        assert _state(message_id) == "sent"


def test_what_arrived_after_all_is_not_sent_again(app: Flask, people: People) -> None:
    with app.app_context():
        message_id = _received(people)
        attempt = _claimed(message_id)
        _given_up(message_id)
        messaging._record(messaging._Said(message_id, attempt, Accepted("SM1")))
        assert _state(message_id) == "sent"


def _claimed(message_id: int) -> int:
    """Take a message in hand; which attempt this is."""
    outgoing = messaging._claim(message_id)
    assert isinstance(outgoing, messaging.Outgoing)
    return outgoing.step.attempt


def _given_up(message_id: int) -> None:
    """As the sweep and the look-ups do when its worker is taken for lost: it is to be sent again."""
    with transaction() as tx:
        message = tx.get_one(Message, message_id)
        move(tx, message, MessageState.UNKNOWN)
        move(tx, message, MessageState.QUEUED)


def test_refused_for_good_is_tried_once_and_somebody_calls(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Refused("21614", Fault.RECIPIENT))
    with app.app_context():
        message_id = _received(people)
        messaging.send(message_id, gateway)
        messaging.send(message_id, gateway)
        assert (len(gateway.sent), _state(message_id)) == (1, "failed")
        call = db.session.scalars(select(Attention).where(Attention.reason == "call_retiree")).one()
        assert call.params["because"] == "undelivered"


@pytest.mark.parametrize("found", [True, False])
def test_an_unknown_outcome_is_looked_up_before_anything_is_sent_again(
    app: Flask, people: People, found: bool
) -> None:
    gateway = RecordingGateway(Unknown("timeout"))
    with app.app_context():
        message_id = _received(people)
        messaging.send(message_id, gateway)
        assert _state(message_id) == "unknown"
        messaging.send(message_id, gateway)
        assert len(gateway.sent) == 1
        if found:
            gateway.listed = [Carried("SM77", gateway.sent[0][1], "delivered", "", now())]
        with transaction() as tx:
            tx.get_one(Message, message_id).claimed_at = now() - settling.SURE_AFTER
        settling.settle(message_id, gateway)
        settling.settle(message_id, gateway)
        assert _state(message_id) == ("delivered" if found else "queued")
        gateway.outcome = None
        messaging.send(message_id, gateway)
        assert len(gateway.sent) == (1 if found else 2)


def test_a_lasting_doubt_is_told_once_and_settles_itself(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Unknown("timeout"))
    gateway.listed = None  # it can't be asked either
    standing = select(Attention.reason).where(Attention.resolved_at.is_(None))
    with app.app_context():
        message_id = _received(people)
        messaging.send(message_id, gateway)
        settling.settle(message_id, gateway)
        assert db.session.scalars(standing).all() == []
        with transaction() as tx:
            tx.get_one(Message, message_id).created_at = now() - settling.TELL_AFTER
        for _ in range(3):
            settling.settle(message_id, gateway)
        assert db.session.scalars(standing).all() == ["outcome_unknown"]
        receive(message_id, "SM1", "delivered", {}, now())
        assert db.session.scalars(standing).all() == []
        assert len(gateway.sent) == 1


def test_what_never_arrives_isnt_sent_for_ever(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Unknown("timeout"))
    with app.app_context():
        message_id = _received(people)
        for _ in range(2 * settling.MOST_TRIES):
            messaging.send(message_id, gateway)
            with transaction() as tx:
                tx.get_one(Message, message_id).claimed_at = now() - settling.SURE_AFTER
            settling.settle(message_id, gateway)
            settling.settle(message_id, gateway)
        assert len(gateway.sent) == settling.MOST_TRIES
        assert _state(message_id) == "failed"
        assert db.session.scalars(select(Attention.reason)).all() == ["call_retiree"]


def _twin(message_id: int) -> int:
    """A message with the same words to the same phone."""
    with transaction() as tx:
        copy = tx.get_one(Message, message_id)
        twin = Message(
            direction="out", kind=copy.kind, params=copy.params, phone=copy.phone,
            created_at=now(), state="queued", retiree_id=copy.retiree_id, task_id=copy.task_id,
        )  # fmt: skip
        tx.add(twin)
        tx.flush()
        return twin.id


def test_somebody_elses_record_isnt_taken_for_ours(app: Flask, people: People) -> None:
    """Two messages with the same words to the same phone: a record counts for one of them."""
    gateway = RecordingGateway()
    with app.app_context():
        first = _received(people)
        messaging.send(first, gateway)
        words = gateway.sent[0][1]
        gateway.outcome = Unknown("timeout")
        second = _twin(first)
        messaging.send(second, gateway)
        gateway.listed = [Carried(f"SM{first}", words, "delivered", "", now())]
        settling.settle(second, gateway)
        assert _state(second) == "unknown"


def test_a_record_that_may_be_a_twins_is_left_alone_until_callbacks_tell(app: Flask, people: People) -> None:
    """Two messages with the same words to the same phone, both in doubt; one of them has arrived."""
    gateway = RecordingGateway(Unknown("timeout"))
    with app.app_context():
        first = _received(people)
        second = _twin(first)
        for message_id in (first, second):
            messaging.send(message_id, gateway)
        with transaction() as tx:
            tx.get_one(Message, first).claimed_at = now() - settling.SURE_AFTER
        gateway.listed = [Carried("SM77", gateway.sent[1][1], "sent", "", now())]
        for _ in range(3):
            settling.settle(first, gateway)
        assert _state(first) == "unknown"  # neither taken for arrived, nor sent again
        receive(second, "SM77", "delivered", {}, now())
        settling.settle(first, gateway)
        assert (_state(first), _state(second)) == ("queued", "delivered")


def test_no_record_is_taken_of_which_a_callback_says_that_it_is_anothers(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Unknown("timeout"))
    with app.app_context():
        message_id = _received(people)
        save_call(people, "other", category="groceries")
        messaging.send(message_id, gateway)
        with transaction() as tx:
            another = tx.scalars(select(Message.id).where(Message.id != message_id)).first()
            tx.get_one(Message, another).gateway_id = "SM1"
        receive(another, "SM77", "sent", {}, now())  # the echo of an earlier try of that one
        gateway.listed = [Carried("SM77", gateway.sent[0][1], "sent", "", now())]
        settling.settle(message_id, gateway)
        assert _state(message_id) == "unknown"


def test_a_claim_that_lost_its_worker_is_settled(app: Flask, people: People) -> None:
    with app.app_context():
        message_id = _received(people)
        with transaction() as tx:
            message = tx.get_one(Message, message_id)
            message.state, message.claimed_at = "sending", now() - timedelta(minutes=1)
            message.wake_at = now() - timedelta(seconds=1)
        assert sweeping.sweep(now()) == 1
        assert _state(message_id) == "unknown"
        assert sweeping.sweep(now()) == 0, "woken once, not by every sweep"


def test_in_a_rush_only_what_cannot_wait_is_woken_again_at_once(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    publish = staticmethod(lambda wakeups: woken.extend(wakeup.row_id for wakeup in wakeups))
    monkeypatch.setitem(app.extensions, "publisher", type("P", (), {"publish": publish}))
    with app.app_context():
        save_call(people, "calm")
        save_call(people, "grave", category="urgent", urgency="urgent")
        messages = db.session.scalars(select(Message).order_by(Message.id)).all()
        calm, grave = messages[0].id, messages[1].id
        later = now() + 2 * outbox.GRACE
        woken.clear()
        assert sweeping.sweep(later, sweeping.RUSH + 1) == 1
        assert woken == [grave]
        assert sweeping.sweep(later + sweeping.PATIENCE, sweeping.RUSH + 1) == 1
        assert woken == [grave, calm]


STATES = [s for s in MessageState if s is not MessageState.RECEIVED]


def test_a_receipt_never_moves_a_message_back(app: Flask, people: People) -> None:
    with app.app_context():
        message_id = _received(people)
        for before, status in itertools.product(STATES, sorted(STATUSES)):
            with transaction() as tx:
                tx.execute(delete(MessageReceipt))
                message = tx.get_one(Message, message_id)
                message.state, message.gateway_id = str(before), "SM1"
            for _ in range(2):
                receive(message_id, "SM1", status, {"ErrorCode": "30003"}, now())
            after = MessageState(_state(message_id))
            news = STATUSES[status]
            if after is not before:
                via = MessageState.SENT
                assert may(before, after) or (may(before, via) and may(via, after)), (before, status)
            if may(before, news):
                assert after is news, (before, status)
            assert len(db.session.scalars(select(MessageReceipt)).all()) == 1, (before, status)


def test_proof_that_an_earlier_try_arrived_stops_the_next_one(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Refused("429", Fault.LOAD))
    with app.app_context():
        message_id = _received(people)
        messaging.send(message_id, gateway)
        receive(message_id, "SM5", "delivered", {}, now())
        assert _state(message_id) == "delivered"
        with transaction() as tx:
            tx.get_one(Message, message_id).not_before = None
        messaging.send(message_id, gateway)
        assert len(gateway.sent) == 1


def test_receipts_find_their_message_by_our_own_id(app: Flask, people: People) -> None:
    """The callback may come before the gateway's answer has told us its id."""
    with app.app_context():
        message_id = _received(people)
        with transaction() as tx:
            tx.get_one(Message, message_id).state = "sending"
        receive(message_id, "SM9", "delivered", {}, now())
        assert _state(message_id) == "delivered"
        assert db.session.get_one(Message, message_id).gateway_id == "SM9"


def test_an_offer_nobody_got_makes_room_at_once(app: Flask, people: People) -> None:
    gateway = RecordingGateway(Refused("21614", Fault.RECIPIENT))
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        offers = select(Message.id).where(Message.kind == "offer")
        for message_id in db.session.scalars(offers).all():
            messaging.send(message_id, gateway)
        assert {o.state for o in db.session.scalars(select(Offer))} == {"expired"}
        assert dispatching.due(now()) == [task_id]
        dispatching.look(task_id, now())
        assert len(db.session.scalars(offers).all()) == 3


def test_an_offer_withdrawn_before_it_left_is_never_sent(app: Flask, people: People) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        with transaction() as tx:
            tx.get_one(Task, task_id).state = "cancelled"
        for message_id in db.session.scalars(select(Message.id).where(Message.kind == "offer")).all():
            messaging.send(message_id, gateway)
        assert gateway.sent == []


def test_no_personal_data_and_no_token_is_stored_of_an_outgoing_text(app: Flask, people: People) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        save_call(people)
        task_id = db.session.scalars(select(Task.id)).one()
        dispatching.look(task_id, now())
        message_id = db.session.scalars(select(Message.id).where(Message.kind == "offer")).first()
        assert message_id is not None
        messaging.send(message_id, gateway)
        token = gateway.sent[0][1].split("/o/")[1][:12]
        db.session.remove()
    assert token not in dump(app)


def test_what_is_no_longer_true_is_not_sent(app: Flask, people: People) -> None:
    """A delayed "Li Wei is coming" after Li Wei has handed back would be a lie."""
    gateway = RecordingGateway()
    with app.app_context():
        save_call(people)
        with transaction() as tx:
            task = tx.scalars(select(Task)).one()
            helper = volunteer(people, 0)
            assert responding.accept(tx, task, helper, now()) is Answer.YOURS
            word = task.code_word
            progress.hand_back(tx, task, helper, "not_well", "", now())
            assert task.code_word != word, "somebody who isn't coming mustn't know the word"
        kinds = {m.id: m.kind for m in db.session.scalars(select(Message).order_by(Message.id))}
        for message_id in kinds:
            messaging.send(message_id, gateway)
        sent = [kinds[message_id] for _, _, message_id in gateway.sent]
        assert sent == ["received", "finding_another"]


def test_a_message_that_cant_be_worded_is_somebodys_business(app: Flask, people: People) -> None:
    gateway = RecordingGateway()
    with app.app_context():
        message_id = _received(people)
        with transaction() as tx:
            tx.get_one(Message, message_id).params = {}
        messaging.send(message_id, gateway)
        assert (_state(message_id), gateway.sent) == ("failed", [])
        assert db.session.scalars(select(Attention.reason)).all() == ["call_retiree"]


def test_every_step_leaves_a_line_of_history(app: Flask, people: People) -> None:
    with app.app_context():
        _received(people)
        kinds = [e.kind for e in db.session.scalars(select(Event).order_by(Event.id))]
        assert kinds == ["opened"]
