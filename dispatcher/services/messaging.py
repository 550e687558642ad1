"""Sending the outbox: claim, commit, then call; and settling what became of each message.

A message is claimed by a conditional UPDATE, its text rendered and its link minted in that
transaction; the session is closed before the gateway is called; the outcome is a transaction of its
own. What the gateway certainly refused for now is tried again; what it may have taken is looked up
before anything is sent twice.

Each message has a job and a thread of its own while the gateway is called; before and after, those
that meet share a transaction.
"""

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import ColumnElement, Table, and_, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.clock import utcnow
from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import (
    Assignment,
    Attention,
    HelpRequest,
    LinkToken,
    Message,
    MessageReceipt,
    Offer,
    Retiree,
    Task,
    Volunteer,
)
from dispatcher.rules.lifecycle import LIVE_OFFER, MessageState, OfferState, TaskState, final
from dispatcher.services import attention, history, outbox, outcomes, steps, tokens
from dispatcher.services.states import move, move_all
from dispatcher.services.together import Gathered, Together
from dispatcher.sms import texts
from dispatcher.sms.gateway import Accepted, Carried, Gateway, Outcome, Refused, Unknown

log = logging.getLogger(__name__)

STUCK_AFTER = timedelta(seconds=12)
"""A claim older than this lost its worker: the gateway's own timeout is shorter."""

CALL_WITHIN_S = 2.0
"""So long after its claim, in seconds, a message is still handed over: the call must be over before the
claim counts as lost, or it would be sent while somebody is told that it never was."""

ANOTHER_TIME = timedelta(seconds=2)
"""What wasn't handed over in time waits so long: this machine has more to do than it can."""

SETTLE_EVERY = timedelta(seconds=2)
SURE_AFTER = timedelta(seconds=12)
"""A message that the gateway doesn't list this long after the claim never reached it."""

TELL_AFTER = timedelta(minutes=10)
"""An outcome still unknown after this is a coordinator's business."""

SETTLE_LATER = timedelta(minutes=1)
MOST_TRIES = 4
GIVE_UP_AFTER = timedelta(minutes=30)
REWAKE = timedelta(seconds=15)
GONE = ("handed_back", "reassigned", "reopened", "cancelled", "closed")
"""How an assignment ends after which nobody should read that it stands, or learn the door."""

NOT_NEEDED = "not_needed"
"""Why a message was given up before it left: what it said was no longer true."""


ABOUT_THE_HOLDER = ("assigned", "coming", "changed_volunteer")
"""Kinds that are true only while the volunteer whom they speak of stands for the task."""


_WAITING = (
    select(
        Message.id, Message.kind, Message.params, Message.language, Message.phone, Message.attempts,
        Message.task_id, Message.volunteer_id,
        Task.state.label("task_state"), Offer.state.label("offer_state"),
        Volunteer.stopped_at, HelpRequest.correlation_id.label("call"),
    )
    .outerjoin(Task, Task.id == Message.task_id)
    .outerjoin(HelpRequest, HelpRequest.id == Task.request_id)
    .outerjoin(Offer, Offer.id == Message.offer_id)
    .outerjoin(Volunteer, Volunteer.id == Message.volunteer_id)
    .where(
        Message.id.in_(bindparam("message_ids", expanding=True)),
        Message.state == str(MessageState.QUEUED),
        # A pause isn't over before.
        or_(Message.not_before.is_(None), Message.not_before <= bindparam("now")),
    )
    .order_by(Message.id)
    .with_for_update(of=Message, skip_locked=True, key_share=True)
)  # fmt: skip
_HOLDERS = (
    select(Assignment.task_id, Assignment.volunteer_id, Assignment.end_reason)
    .where(Assignment.task_id.in_(bindparam("task_ids", expanding=True)))
    .order_by(Assignment.id)
)
_AT_FIRST_TRY = (
    select(Message.id, Message.kind, Message.offer_id, Message.task_id, Offer.created_at, Offer.expires_at)
    .outerjoin(Offer, Offer.id == Message.offer_id)
    .where(
        Message.id.in_(bindparam("message_ids", expanding=True)),
        Message.state == str(MessageState.SENDING),
        Message.attempts == 1,
        Message.lookups == 0,
    )
    .order_by(Message.id)
)
_NOT_TAKEN = select(Message.id).where(
    Message.id.in_(bindparam("message_ids", expanding=True)), Message.gateway_id.is_(None)
)
_INSERT_LINK = insert(cast(Table, LinkToken.__table__))


@dataclass(frozen=True)
class Outgoing:
    """A claimed message, rendered. `step`: what may be logged of it; `claimed`: when, monotonic seconds."""

    to: str
    body: str
    step: steps.Sending
    claimed: float


@dataclass(frozen=True)
class _Said:
    """What the gateway said of a message at one attempt; None: it was not even asked."""

    message_id: int
    attempt: int
    outcome: Outcome | None


def send(message_id: int, gateway: Gateway) -> None:
    """Send one message of the outbox; nothing if it is already being seen to."""
    outgoing = _claim(message_id)
    if outgoing is None:
        return
    db.session.remove()
    started = time.monotonic()
    if started - outgoing.claimed > CALL_WITHIN_S:
        _record(_Said(message_id, outgoing.step.attempt, None))
        steps.put_back(outgoing.step)
        return
    steps.claimed(outgoing.step)
    outcome = gateway.send(outgoing.to, outgoing.body, message_id)
    took_s = time.monotonic() - started
    _record(_Said(message_id, outgoing.step.attempt, outcome))
    steps.sent(outgoing.step, outcome, took_s)


@use_case
def _claim_all(gathered: Gathered[int]) -> list[Outgoing | None]:
    """Take messages in hand, by their ids: for each what is to be sent, or None."""
    with transaction() as tx:
        message_ids = gathered()
        now, clock = utcnow(), time.monotonic()
        waiting = _waiting(tx, message_ids, now)
        holders = _last_holders(tx, waiting)
        claimed, links, moot = [], [], []
        outgoing: dict[int, Outgoing] = {}
        for row in waiting:
            if not _still_needed(row, holders.get(row.task_id)):
                moot.append({"id": row.id, "error_code": NOT_NEEDED, "ended_at": now, "wake_at": None})
                steps.ended(tx, row, "given_up", NOT_NEEDED, row.call)
                continue
            token, link = "", None
            try:
                if _links(row.kind, row.language):
                    token, link = tokens.mint(row.kind, row.task_id, row.volunteer_id, now)
                body = rendered(row, now, token)
            except (LookupError, ValueError) as error:
                # A text that can't be worded would wait for ever: somebody has to call instead.
                log.error("message %s can't be worded: %s", row.id, type(error).__name__)
                message = tx.get_one(Message, row.id)
                outcomes.lost(tx, message, MessageState.FAILED, "wording", now)
                continue
            step = steps.Sending(row.id, row.task_id, row.kind, row.attempts + 1, row.call or "")
            outgoing[row.id] = Outgoing(row.phone, body, step, clock)
            links += [link] if link else []
            claimed.append(
                {
                    "id": row.id, "claimed_at": now, "attempts": row.attempts + 1,
                    "wake_at": now + STUCK_AFTER, "body_hash": tokens.digest(body),
                    "segments": texts.segments(body),
                }
            )  # fmt: skip
        move_all(tx, Message, MessageState.QUEUED, MessageState.FAILED, moot)
        move_all(tx, Message, MessageState.QUEUED, MessageState.SENDING, claimed)
        if links:
            tx.execute(_INSERT_LINK, links)
        # A wake-up and the sweep may want the same message at once: it is handed out once.
        return [outgoing.pop(message_id, None) for message_id in message_ids]


def _waiting(tx: Session, message_ids: Sequence[int], now: datetime) -> Sequence[Any]:
    """Those of the messages that may be sent now, with what decides whether they still should.

    On PostgreSQL they are locked; what another worker has in hand is left to it.
    """
    return tx.execute(_WAITING, {"message_ids": message_ids, "now": now}).all()


def _last_holders(tx: Session, waiting: Sequence[Any]) -> dict[int, Any]:
    """The newest assignment of each task about whose volunteer one of the messages speaks."""
    task_ids = [row.task_id for row in waiting if row.kind in ABOUT_THE_HOLDER]
    if not task_ids:
        return {}
    found: Sequence[Any] = tx.execute(_HOLDERS, {"task_ids": task_ids}).all()
    return {row.task_id: row for row in found}


def _still_needed(row: Any, holder: Any) -> bool:
    """Whether what a delayed message says is still true.

    An offer needs its task open; who is coming, and what they need to know, the volunteer who still
    stands for it.
    """
    if row.kind == "offer":
        # An offer that expired before its SMS could leave is still worth a yes.
        waits = row.offer_state in {*LIVE_OFFER, OfferState.EXPIRED}
        return waits and row.task_state == TaskState.OPEN and row.stopped_at is None
    if row.task_id is None:
        return True
    if row.kind in ABOUT_THE_HOLDER:
        return (
            holder is not None
            and holder.volunteer_id == row.params.get("volunteer_id", row.volunteer_id)
            and holder.end_reason not in GONE
        )
    if row.kind == "received":
        return not final(TaskState(row.task_state))
    needs = {"finding_another": TaskState.OPEN, "delivered": TaskState.DELIVERED}.get(row.kind)
    return needs is None or row.task_state == needs


def rendered(message: Any, now: datetime, token: str) -> str:
    """The text of an outgoing message; with a token, its link leads to the volunteer's page.

    Raises:
        LookupError, ValueError: it can't be worded.
    """
    config = current_app.config
    link = f"{config['PUBLIC_URL']}/o/{token}"
    return texts.render(message.kind, message.language, message.params | {"link": link}, now, config["ZONE"])


def _links(kind: str, language: str) -> bool:
    return "{link}" in texts.catalogue(language)["sms"][kind]


@use_case
def _record_all(gathered: Gathered[_Said]) -> list[None]:
    """Write down what the gateway said of messages."""
    with transaction() as tx:
        found = gathered()
        now = utcnow()
        taken = [
            (said.message_id, said.outcome.gateway_id) for said in found if isinstance(said.outcome, Accepted)
        ]
        in_doubt = _note_taken(tx, taken, now)
        for said in sorted(found, key=lambda one: one.message_id):
            if said.message_id in in_doubt or not isinstance(said.outcome, Accepted):
                _note(tx, said, now)
        return [None] * len(found)


def _note_taken(tx: Session, taken: Sequence[tuple[int, str]], now: datetime) -> set[int]:
    """Nearly all messages: tried once, and taken. Those of another kind are returned."""
    gateway_ids = dict(taken)
    rows = tx.execute(_AT_FIRST_TRY, {"message_ids": [*gateway_ids]}).all()
    # Offers before messages, as everywhere.
    offers = sorted((row for row in rows if row.kind == "offer"), key=lambda row: row.offer_id)
    sent = [{"id": row.offer_id, **outcomes.left(row, now)} for row in offers]
    move_all(tx, Offer, OfferState.QUEUED, OfferState.SENT, sent)
    plain = [
        {"id": row.id, "gateway_id": gateway_ids[row.id], "sent_at": now, "wake_at": None} for row in rows
    ]
    move_all(tx, Message, MessageState.SENDING, MessageState.SENT, plain)
    overtaken = {*tx.scalars(_NOT_TAKEN, {"message_ids": [row.id for row in rows]})}
    steps.taken(tx, [row for row in rows if row.id not in overtaken], now)
    return ({*gateway_ids} - {row.id for row in rows}) | overtaken


def _note(tx: Session, said: _Said, now: datetime) -> None:
    message = tx.get_one(Message, said.message_id)
    # A worker that was held up for long may have been overtaken by another, whose attempt is its own affair.
    overtaken = message.attempts != said.attempt
    match said.outcome:
        case Accepted(gateway_id):
            outcomes.accepted(tx, message, gateway_id, now)
        case Refused() | None if overtaken:
            log.info("an attempt was overtaken", extra={"message_id": message.id})
        case None:
            move(tx, message, MessageState.QUEUED, {MessageState.SENDING},
                 wake_at=now + ANOTHER_TIME, attempts=message.attempts - 1)  # fmt: skip
        case Refused(code, permanent=False) if now - message.created_at < GIVE_UP_AFTER:
            pause = min(60.0, 2.0 ** min(message.attempts, 6)) * random.uniform(0.7, 1.3)
            again = now + timedelta(seconds=pause)
            move(tx, message, MessageState.QUEUED, {MessageState.SENDING},
                 wake_at=again, not_before=again, error_code=code)  # fmt: skip
        case Refused(code):
            outcomes.lost(tx, message, MessageState.FAILED, code, now)
        case Unknown(code):
            move(tx, message, MessageState.UNKNOWN, {MessageState.SENDING},
                 wake_at=now + SETTLE_EVERY, error_code=code)  # fmt: skip


# The wake-ups of a wave arrive within milliseconds; and that a message has left is no news to hurry with.
_claim = Together(_claim_all, linger_s=0.01)
_record = Together(_record_all, linger_s=0.03)


def settle(message_id: int, gateway: Gateway) -> None:
    """Find out from the gateway what became of a message whose outcome is unknown."""
    message = db.session.get(Message, message_id)
    if message is None or message.state != MessageState.UNKNOWN or message.claimed_at is None:
        return
    steps.follow(db.session(), message)
    phone, since = message.phone, message.claimed_at
    db.session.remove()
    _settled(message_id, since, gateway.sent_to(phone, since))


@use_case
def _settled(message_id: int, since: datetime, carried: Sequence[Carried] | None) -> None:
    """`carried`: what the gateway says that it carried to the phone `since`; None: it didn't say."""
    with transaction() as tx:
        message = tx.get_one(Message, message_id)
        now = utcnow()
        if message.state != MessageState.UNKNOWN:
            return
        message.lookups += 1
        if carried and _has_a_twin(tx, message, now):
            carried = None  # whose record is it? In a moment callbacks will have told them apart
        found = _mine(tx, carried or (), message)
        missing = "no answer" if carried is None else "missing"
        steps.asked_back(tx, message, found.status if found is not None else missing)
        if found is not None:
            outcomes.apply(tx, message, found.gateway_id, found.status, found.error_code, now)
        elif carried is not None and now - since >= SURE_AFTER and message.lookups >= 2:
            _again_or_lost(tx, message, now)
        elif now - message.created_at < TELL_AFTER:
            message.wake_at = now + SETTLE_EVERY
        else:
            message.wake_at = now + SETTLE_LATER
            _tell(tx, message, now)


def _again_or_lost(tx: Session, message: Message, now: datetime) -> None:
    """The gateway has certainly not got it: send it again, but not for ever."""
    if message.attempts >= MOST_TRIES or now - message.created_at >= GIVE_UP_AFTER:
        outcomes.lost(tx, message, MessageState.FAILED, "unknown", now)
        return
    task = tx.get(Task, message.task_id) if message.task_id else None
    history.record(tx, "resent", history.SYSTEM, now, task, message_id=message.id)
    move(tx, message, MessageState.QUEUED, {MessageState.UNKNOWN}, wake_at=now)
    wake(tx, "send", message.id)


def _tell(tx: Session, message: Message, now: datetime) -> None:
    """Nobody knows for too long what became of it: a person hears of it, once."""
    told = select(Attention.id).where(Attention.subject == f"message:{message.id}")
    if tx.scalars(told).first() is None:
        attention.raise_(
            tx, "outcome_unknown", now,
            tx.get(Task, message.task_id) if message.task_id else None,
            tx.get(Retiree, message.retiree_id) if message.retiree_id else None,
            tx.get(Volunteer, message.volunteer_id) if message.volunteer_id else None,
            message.id, subject=f"message:{message.id}", kind=message.kind,
        )  # fmt: skip


def _has_a_twin(tx: Session, message: Message, now: datetime) -> bool:
    """Whether the same text was handed over to the same phone just now, with an outcome not known either."""
    twin = select(Message.id).where(
        Message.phone == message.phone,
        Message.body_hash == message.body_hash,
        Message.id != message.id,
        Message.state.in_([str(MessageState.SENDING), str(MessageState.UNKNOWN)]),
        Message.claimed_at > now - SURE_AFTER,
    )
    return tx.scalars(twin).first() is not None


def _mine(tx: Session, carried: Sequence[Carried], message: Message) -> Carried | None:
    """The gateway's record of our text that isn't already another message's, and of which no callback
    has said that it is."""
    for item in carried:
        if tokens.digest(item.body) != message.body_hash:
            continue
        taken = select(Message.id).where(Message.gateway_id == item.gateway_id)
        called_back = select(MessageReceipt.id).where(
            MessageReceipt.gateway_id == item.gateway_id, MessageReceipt.message_id != message.id
        )
        if tx.scalars(taken).first() is None and tx.scalars(called_back).first() is None:
            return item
    return None


_DUE = (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)


RUSH = 100
"""With so many jobs waiting at the broker, the wake-up of a message most likely is among them."""

PATIENCE = timedelta(seconds=8)
"""How much longer than usual a message waits for its wake-up in a rush."""


def sweep(now: datetime, jobs_waiting: int = 0, limit: int = 500) -> int:
    """Wake what is due: queued messages, lost claims, unknown outcomes. How many were woken.

    In a rush, by the number of `jobs_waiting`, a second wake-up would only lengthen the queue; but what
    can't wait for its turn doesn't wait for a lost wake-up either.
    """
    due = _due(now, now - PATIENCE if jobs_waiting > RUSH else now)
    # Nothing is due nearly always; then nobody's writing is disturbed.
    some = select(Message.id).outerjoin(Task, Task.id == Message.task_id).where(due).limit(1)
    found = db.session.scalars(some).first()
    return _wake_due(now, due, limit) if found is not None else 0


@use_case
def _wake_due(now: datetime, is_due: ColumnElement[bool], limit: int) -> int:
    with transaction() as tx:
        due = tx.execute(
            select(Message.id, Message.state, outbox.WAITS.label("waits"))
            .outerjoin(Task, Task.id == Message.task_id)
            .where(is_due)
            .order_by(Message.wake_at)
            .limit(limit)
            .with_for_update(of=Message, skip_locked=True, key_share=True)
        ).all()
        # Whoever moves wake_at on has the message until then; other sweepers find it gone.
        tx.execute(
            update(Message)
            .where(Message.id.in_([row.id for row in due]))
            .values(wake_at=now + REWAKE)
            .execution_options(synchronize_session=False)
        )
        # A claim this old lost its worker; whether the gateway has the message isn't known.
        lost = [{"id": row.id} for row in due if row.state == MessageState.SENDING]
        move_all(tx, Message, MessageState.SENDING, MessageState.UNKNOWN, lost)
        steps.count(tx, "unknown", "worker_lost", len(lost))
        for row in due:
            if row.state == MessageState.QUEUED:
                wake(tx, "send", row.id, can_wait=bool(row.waits))
            else:
                wake(tx, "settle", row.id)
        return len(due)


def _due(now: datetime, queued_by: datetime) -> ColumnElement[bool]:
    """What the sweep sees to, of messages beside their tasks; those that are queued and can wait, if they
    were to be woken by another moment."""
    known = and_(Message.state.in_([str(state) for state in _DUE]), Message.wake_at <= now)
    queued = Message.state == str(MessageState.QUEUED)
    return and_(known, or_(~queued, ~outbox.WAITS, Message.wake_at <= queued_by))
