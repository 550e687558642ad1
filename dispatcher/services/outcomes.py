"""What became of a message: taken by the gateway, read by nobody, and who must hear of it."""

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.database import wake
from dispatcher.models import Message, Offer, Task, Volunteer
from dispatcher.rules.lifecycle import LIVE_OFFER, NOT_NEEDED, MessageState, OfferState, TaskState, final
from dispatcher.services import attention, history, steps
from dispatcher.services.dispatching import lock
from dispatcher.services.states import move
from dispatcher.sms.twilio import STATUSES

log = logging.getLogger(__name__)

CALL_VOLUNTEER = (
    "assigned", "assigned_by_hand", "released", "cancelled_volunteer", "changed_volunteer",
    "closed_volunteer",
)  # fmt: skip
"""What a volunteer who holds or held a task must hear, if need be by telephone."""


def accepted(tx: Session, message: Message, gateway_id: str, now: datetime) -> None:
    """The gateway has the message."""
    if message.offer_id is not None and message.kind == "offer":
        # Before the message: everywhere the task comes first, then its offers, then their messages.
        offer = tx.get_one(Offer, message.offer_id)
        move(tx, offer, OfferState.SENT, LIVE_OFFER, **left(offer, now))
    if message.claimed_at is not None:
        # Queued again after a try that did arrive: the proof is here, so it isn't sent twice.
        move(tx, message, MessageState.SENDING, {MessageState.QUEUED})
    message.gateway_id = message.gateway_id or gateway_id
    message.sent_at = message.sent_at or now
    tx.flush()
    _no_longer_in_doubt(tx, message, now)
    if move(tx, message, MessageState.SENT, wake_at=None):
        steps.taken(tx, [message], now)


def left(offer: Any, now: datetime) -> dict[str, datetime]:
    """What changes about an offer, by its `created_at` and `expires_at`, when its SMS leaves: whoever is
    asked later than was meant has as long for an answer."""
    late = max(timedelta(), now - offer.created_at)
    return {"sent_at": now, "expires_at": offer.expires_at + late}


def _no_longer_in_doubt(tx: Session, message: Message, now: datetime) -> None:
    """What became of it is known: nobody need wonder any more. Most were never in doubt."""
    if message.lookups or message.attempts > 1:
        attention.known(tx, f"message:{message.id}", "outcome_unknown", now)


def apply(tx: Session, message: Message, gateway_id: str, status: str, code: str, now: datetime) -> None:
    """What the gateway says of a message, by callback or when asked."""
    tried_before = message.state == MessageState.QUEUED and message.claimed_at is not None
    if tried_before or message.state in (MessageState.SENDING, MessageState.UNKNOWN):
        accepted(tx, message, gateway_id, now)
    state = STATUSES.get(status)
    if state is MessageState.DELIVERED:
        if move(tx, message, MessageState.DELIVERED, ended_at=now, wake_at=None):
            steps.ended(tx, message, "delivered")
    elif state in (MessageState.UNDELIVERED, MessageState.FAILED):
        lost(tx, message, state, code, now)


def lost(tx: Session, message: Message, state: MessageState, code: str, now: datetime) -> None:
    """A message that nobody will read: whoever counted on it must hear of it."""
    task = lock(tx, message.task_id) if message.task_id else None
    if not move(tx, message, state, error_code=code, ended_at=now, wake_at=None):
        return
    steps.ended(tx, message, str(state), code)
    _no_longer_in_doubt(tx, message, now)
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
        Message.task_id == task.id, Message.retiree_id == message.retiree_id, Message.id > message.id,
        Message.error_code != NOT_NEEDED,  # what was taken back has told nobody anything
    )  # fmt: skip
    over = final(TaskState(task.state)) and message.kind != "cancelled_retiree"
    return over or tx.scalars(newer).first() is not None


def _counts_on(task: Task, message: Message) -> bool:
    """Whether a volunteer who doesn't get this may wait in vain, or set out in vain."""
    held = any(a.volunteer_id == message.volunteer_id for a in task.assignments)
    return message.kind == "offer" or (held and message.kind in CALL_VOLUNTEER)
