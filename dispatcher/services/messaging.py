"""Sending the outbox: claim, commit, then call; and settling what became of each message.

A message is claimed by a conditional UPDATE, its text rendered and its link minted in that
transaction; the session is closed before the gateway is called; the outcome is a transaction of its
own. What the gateway certainly refused for now is tried again; what it may have taken is looked up
before anything is sent twice.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from dispatcher.clock import utcnow
from dispatcher.database import db, transaction, wake
from dispatcher.models import Attention, Message, MessageReceipt, Offer, Retiree, Task, Volunteer
from dispatcher.rules.lifecycle import LIVE_OFFER, MessageState, OfferState, TaskState, final
from dispatcher.services import attention, history, tokens
from dispatcher.services.states import move
from dispatcher.sms import texts
from dispatcher.sms.gateway import Accepted, Carried, Gateway, Refused, Unknown
from dispatcher.sms.twilio import STATUSES

log = logging.getLogger(__name__)

STUCK_AFTER = timedelta(seconds=12)
"""A claim older than this lost its worker: the gateway's own timeout is shorter."""

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

CALL_VOLUNTEER = (
    "assigned", "released", "cancelled_volunteer", "changed_volunteer", "closed_volunteer",
)  # fmt: skip
"""What a volunteer who holds or held a task must hear, if need be by telephone."""

NOT_NEEDED = "not_needed"
"""Why a message was given up before it left: what it said was no longer true."""


@dataclass(frozen=True)
class Outgoing:
    """A claimed message, rendered."""

    message_id: int
    to: str
    body: str


def send(message_id: int, gateway: Gateway) -> None:
    """Send one message of the outbox; nothing if it is already being seen to."""
    outgoing = _claim(message_id)
    if outgoing is None:
        return
    db.session.remove()
    outcome = gateway.send(outgoing.to, outgoing.body, outgoing.message_id)
    with transaction() as tx:
        message = tx.get_one(Message, message_id)
        now = utcnow()
        match outcome:
            case Accepted(gateway_id):
                accepted(tx, message, gateway_id, now)
            case Refused(code, permanent=False) if now - message.created_at < GIVE_UP_AFTER:
                pause = min(60.0, 2.0 ** min(message.attempts, 6)) * random.uniform(0.7, 1.3)
                again = now + timedelta(seconds=pause)
                move(tx, message, MessageState.QUEUED, {MessageState.SENDING},
                     wake_at=again, not_before=again, error_code=code)  # fmt: skip
            case Refused(code):
                _lost(tx, message, MessageState.FAILED, code, now)
            case Unknown(code):
                move(tx, message, MessageState.UNKNOWN, {MessageState.SENDING},
                     wake_at=now + SETTLE_EVERY, error_code=code)  # fmt: skip


def _claim(message_id: int) -> Outgoing | None:
    with transaction() as tx:
        message = tx.get(Message, message_id)
        now = utcnow()
        if message is None or message.state != MessageState.QUEUED:
            return None
        if message.not_before is not None and message.not_before > now:
            return None  # a retry whose pause isn't over
        if not _still_needed(tx, message):
            move(tx, message, MessageState.FAILED, {MessageState.QUEUED},
                 error_code=NOT_NEEDED, ended_at=now, wake_at=None)  # fmt: skip
            return None
        try:
            body = rendered(message, now, tokens.mint(tx, message, now) if _links(message) else "")
        except (LookupError, ValueError) as error:
            # A text that can't be worded would wait for ever: somebody has to call instead.
            log.error("message %s can't be worded: %s", message.id, type(error).__name__)
            _lost(tx, message, MessageState.FAILED, "wording", now)
            return None
        if not move(
            tx, message, MessageState.SENDING, claimed_at=now, attempts=Message.attempts + 1,
            wake_at=now + STUCK_AFTER, body_hash=tokens.digest(body),
            segments=texts.segments(body),
        ):  # fmt: skip
            return None
        return Outgoing(message.id, message.phone, body)


def rendered(message: Message, now: datetime, token: str) -> str:
    """The text of an outgoing message; with a token, its link leads to the volunteer's page."""
    config = current_app.config
    link = f"{config['PUBLIC_URL']}/o/{token}"
    return texts.render(message.kind, message.language, message.params | {"link": link}, now, config["ZONE"])


def _links(message: Message) -> bool:
    return "{link}" in texts.catalogue(message.language)["sms"][message.kind]


def _still_needed(tx: Session, message: Message) -> bool:
    """Whether what a delayed message says is still true.

    An offer needs its task open; who is coming, and what they need to know, the volunteer who still
    stands for it.
    """
    if message.kind == "offer" and message.offer_id is not None:
        # An offer that expired before its SMS could leave is still worth a yes.
        offer = tx.get_one(Offer, message.offer_id)
        waits = offer.state in {*LIVE_OFFER, OfferState.EXPIRED}
        return waits and offer.task.state == TaskState.OPEN and offer.volunteer.stopped_at is None
    task = tx.get(Task, message.task_id) if message.task_id else None
    if task is None:
        return True
    if message.kind in ("assigned", "coming", "changed_volunteer"):
        last = task.assignments[-1] if task.assignments else None
        return (
            last is not None
            and last.volunteer_id == message.params.get("volunteer_id", message.volunteer_id)
            and last.end_reason not in GONE
        )
    if message.kind == "received":
        return not final(TaskState(task.state))
    needs = {"finding_another": TaskState.OPEN, "delivered": TaskState.DELIVERED}.get(message.kind)
    return needs is None or task.state == needs


def accepted(tx: Session, message: Message, gateway_id: str, now: datetime) -> None:
    """The gateway has the message."""
    message.gateway_id = message.gateway_id or gateway_id
    message.sent_at = message.sent_at or now
    tx.flush()
    _no_longer_in_doubt(tx, message, now)
    if move(tx, message, MessageState.SENT, wake_at=None) and message.offer_id:
        offer = tx.get_one(Offer, message.offer_id)
        if message.kind == "offer":
            move(tx, offer, OfferState.SENT, sent_at=now)


def _no_longer_in_doubt(tx: Session, message: Message, now: datetime) -> None:
    """What became of it is known: nobody need wonder any more. Most were never in doubt."""
    if message.lookups or message.attempts > 1:
        attention.known(tx, f"message:{message.id}", "outcome_unknown", now)


def receipt(
    message_id: int | None, gateway_id: str, status: str, payload: dict[str, Any], now: datetime
) -> None:
    """A status callback: kept whole, applied if it is news and no step back."""
    with transaction() as tx:
        known = tx.scalars(
            select(MessageReceipt.id).where(
                MessageReceipt.gateway_id == gateway_id, MessageReceipt.status == status
            )
        ).first()
        if known is not None:
            return
        message = tx.scalars(select(Message).where(Message.gateway_id == gateway_id)).first()
        if message is None and message_id is not None:
            message = tx.get(Message, message_id)
            if message is not None and message.gateway_id not in (None, gateway_id):
                message = None  # the id was resent under another number; this is the old one's echo
        tx.add(
            MessageReceipt(
                message_id=message.id if message else None,
                gateway_id=gateway_id,
                status=status,
                payload=payload,
                received_at=now,
            )
        )
        if message is None or message.direction != "out":
            log.warning("receipt for a message we don't know")
            return
        _apply(tx, message, gateway_id, status, payload.get("ErrorCode", ""), now)


def _apply(tx: Session, message: Message, gateway_id: str, status: str, code: str, now: datetime) -> None:
    """What the gateway says of a message, by callback or when asked."""
    if message.claimed_at is not None:
        # Queued again after a try that did arrive: the proof is here, so it isn't sent twice.
        move(tx, message, MessageState.SENDING, {MessageState.QUEUED})
    if message.state in (MessageState.SENDING, MessageState.UNKNOWN):
        accepted(tx, message, gateway_id, now)
    state = STATUSES.get(status)
    if state is MessageState.DELIVERED:
        move(tx, message, MessageState.DELIVERED, ended_at=now, wake_at=None)
    elif state in (MessageState.UNDELIVERED, MessageState.FAILED):
        _lost(tx, message, state, code, now)


def _lost(tx: Session, message: Message, state: MessageState, code: str, now: datetime) -> None:
    """A message that nobody will read: whoever counted on it must hear of it."""
    if not move(tx, message, state, error_code=code, ended_at=now, wake_at=None):
        return
    _no_longer_in_doubt(tx, message, now)
    task = tx.get(Task, message.task_id) if message.task_id else None
    history.record(tx, "undelivered", history.SYSTEM, now, task, message_id=message.id,
                   message_kind=message.kind, code=code)  # fmt: skip
    if message.retiree_id and task is not None:
        if _outdated(tx, message, task):
            return
        attention.superseded(tx, task, now)
        attention.raise_(
            tx, "call_retiree", now, task, task.retiree, message_id=message.id,
            kind=message.kind, words=message.params, because="undelivered", code=code,
        )  # fmt: skip
    elif message.volunteer_id and task is not None and _counts_on(task, message):
        volunteer = tx.get_one(Volunteer, message.volunteer_id)
        attention.raise_(
            tx, "volunteer_unreachable", now, task if message.kind != "offer" else None,
            volunteer=volunteer, message_id=message.id, kind=message.kind, code=code,
            subject=f"volunteer:{volunteer.id}" + ("" if message.kind == "offer" else f"/task:{task.id}"),
        )  # fmt: skip
        if message.kind == "offer" and message.offer_id:
            # Nobody will answer this offer: ask the next one now.
            offer = tx.get_one(Offer, message.offer_id)
            if move(tx, offer, OfferState.EXPIRED, LIVE_OFFER):
                task.look_again_at = now
                wake(tx, "look", task.id)
    elif message.volunteer_id is None and message.retiree_id is None:
        log.info("an automatic answer could not be delivered", extra={"message_id": message.id})


def _outdated(tx: Session, message: Message, task: Task) -> bool:
    """Whether newer words to the same retiree have overtaken these, so that nobody should say them."""
    newer = select(Message.id).where(
        Message.task_id == task.id, Message.retiree_id == message.retiree_id, Message.id > message.id
    )
    over = final(TaskState(task.state)) and message.kind != "cancelled_retiree"
    return over or tx.scalars(newer).first() is not None


def _counts_on(task: Task, message: Message) -> bool:
    """Whether a volunteer who doesn't get this may wait in vain, or set out in vain."""
    held = any(a.volunteer_id == message.volunteer_id for a in task.assignments)
    return message.kind == "offer" or (held and message.kind in CALL_VOLUNTEER)


def settle(message_id: int, gateway: Gateway) -> None:
    """Find out from the gateway what became of a message whose outcome is unknown."""
    message = db.session.get(Message, message_id)
    if message is None or message.state != MessageState.UNKNOWN or message.claimed_at is None:
        return
    phone, since, digest = message.phone, message.claimed_at, message.body_hash
    db.session.remove()
    carried = gateway.sent_to(phone, since)
    with transaction() as tx:
        message = tx.get_one(Message, message_id)
        now = utcnow()
        if message.state != MessageState.UNKNOWN:
            return
        message.lookups += 1
        found = _mine(tx, carried or (), digest)
        if found is not None:
            _apply(tx, message, found.gateway_id, found.status, found.error_code, now)
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
        _lost(tx, message, MessageState.FAILED, "unknown", now)
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


def _mine(tx: Session, carried: Sequence[Carried], digest: str | None) -> Carried | None:
    """The gateway's record of our text that isn't already another message's."""
    for item in carried:
        if tokens.digest(item.body) != digest:
            continue
        taken = select(Message.id).where(Message.gateway_id == item.gateway_id)
        if tx.scalars(taken).first() is None:
            return item
    return None


def sweep(now: datetime, limit: int = 500) -> int:
    """Wake what is due: queued messages, lost claims, unknown outcomes. How many were woken."""
    waiting = (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)
    due = db.session.scalars(
        select(Message.id)
        .where(Message.state.in_([str(s) for s in waiting]), Message.wake_at <= now)
        .order_by(Message.wake_at)
        .limit(limit)
    ).all()
    if not due:
        return 0
    woken = 0
    with transaction() as tx:
        for message_id in due:
            # Whoever moves wake_at on has the message until then; other sweepers find it gone.
            claimed = tx.execute(
                update(Message)
                .where(Message.id == message_id, Message.wake_at <= now)
                .values(wake_at=now + REWAKE)
                .execution_options(synchronize_session=False)
            )
            if cast("CursorResult[Any]", claimed).rowcount != 1:
                continue
            message = tx.get_one(Message, message_id)
            # A claim this old lost its worker; whether the gateway has the message isn't known.
            move(tx, message, MessageState.UNKNOWN, {MessageState.SENDING})
            if message.state in (MessageState.QUEUED, MessageState.UNKNOWN):
                wake(tx, "send" if message.state == MessageState.QUEUED else "settle", message_id)
                woken += 1
    return woken
