"""Finding out from the gateway what became of a message whose outcome is unknown."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.clock import utcnow
from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import Attention, Message, MessageReceipt, Retiree, Task, Volunteer
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState
from dispatcher.services import attention, history, outcomes, resending, steps, tokens
from dispatcher.services.messaging import GIVE_UP_AFTER, SETTLE_EVERY
from dispatcher.services.states import move
from dispatcher.sms.gateway import Carried, Gateway

SURE_AFTER = timedelta(seconds=12)
"""A message that the gateway doesn't list this long after the claim never reached it."""

TELL_AFTER = timedelta(minutes=10)
"""An outcome still unknown after this is a coordinator's business."""

SETTLE_LATER = timedelta(minutes=1)
"""So often the gateway is asked when a coordinator knows."""

MOST_TRIES = 4
"""What has got lost so often on the way to the gateway isn't sent again."""


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
    """The gateway has certainly not got it: send it again, but not for ever, and not after a person has."""
    if resending.was_resent(tx, message):
        move(tx, message, MessageState.FAILED, {MessageState.UNKNOWN},
             error_code=NOT_NEEDED, ended_at=now, wake_at=None)  # fmt: skip
        steps.ended(tx, message, "given_up", NOT_NEEDED)
        return
    if message.attempts >= MOST_TRIES or now - message.tried_since >= GIVE_UP_AFTER:
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
