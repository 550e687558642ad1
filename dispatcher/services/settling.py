"""Finding out from the gateway what became of a message whose outcome is unknown."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.clock import utcnow
from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import Attention, Message, MessageReceipt, Retiree, Task, Volunteer
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState
from dispatcher.services import attention, history, outcomes, resending, steps, tokens
from dispatcher.services.messaging import GIVE_UP_AFTER, PASSING, SETTLE_EVERY
from dispatcher.services.states import move
from dispatcher.sms.gateway import Carried, Gateway

log = logging.getLogger(__name__)

SURE_AFTER = timedelta(seconds=12)
"""A message that the gateway doesn't list this long after the claim never reached it."""

TELL_AFTER = timedelta(minutes=10)
"""An outcome still unknown after this is a coordinator's business."""

SETTLE_LATER = timedelta(minutes=1)
"""So often the gateway is asked when a coordinator knows."""

MOST_TRIES = 4
"""What has got lost so often on the way to the gateway isn't sent again."""

APART_AFTER = 15
"""After so many look-ups, half a minute, no callback will tell equal texts to one phone apart any more."""

_WHOSE = select(
    Message.id, Message.kind, Message.task_id, Message.retiree_id, Message.volunteer_id
).where(Message.id == bindparam("message_id"))  # fmt: skip
_LOST_OF_SIGHT = and_(
    Message.claimed_at.is_not(None),
    or_(
        Message.state.in_([str(MessageState.QUEUED), str(MessageState.SENDING), str(MessageState.UNKNOWN)]),
        and_(Message.state == str(MessageState.FAILED), Message.error_code == "unknown"),
    ),
)
"""Messages that the gateway may have without our knowing its record."""
_TWINS = select(Message.id, Message.state).where(
    Message.phone == bindparam("phone"),
    Message.body_hash == bindparam("body_hash"),
    Message.id != bindparam("message_id"),
    Message.gateway_id.is_(None),
    _LOST_OF_SIGHT,
)


def settle(message_id: int, gateway: Gateway) -> None:
    """Find out from the gateway what became of a message whose outcome is unknown.

    One that can't be settled is put before a person, and looked at again later.
    """
    try:
        settled = _ask(message_id, gateway)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 (whatever this row holds, it must not wait unseen)
        log.error("message %s can't be settled: %s", message_id, type(error).__name__)
        settled = False
    if not settled:
        db.session.remove()
        _set_aside(message_id, utcnow())


def _ask(message_id: int, gateway: Gateway) -> bool:
    """Whether there was nothing to settle, or the gateway could be asked."""
    message = db.session.get(Message, message_id)
    if message is None or message.state != MessageState.UNKNOWN:
        return True
    if message.claimed_at is None:
        return False  # nobody knows since when to ask
    steps.follow(db.session(), message)
    phone, since = message.phone, message.claimed_at
    db.session.remove()
    _settled(message_id, since, gateway.sent_to(phone, since))
    return True


@use_case
def _set_aside(message_id: int, now: datetime) -> None:
    with transaction() as tx:
        later = update(Message).where(
            Message.id == message_id, Message.state == str(MessageState.UNKNOWN)
        ).values(wake_at=now + SETTLE_LATER).execution_options(synchronize_session=False)  # fmt: skip
        if cast("CursorResult[Any]", tx.execute(later)).rowcount:
            _tell(tx, tx.execute(_WHOSE, {"message_id": message_id}).one(), now)


@use_case
def _settled(message_id: int, since: datetime, carried: Sequence[Carried] | None) -> None:
    """`carried`: what the gateway says that it carried to the phone `since`; None: it didn't say."""
    with transaction() as tx:
        message = tx.get_one(Message, message_id)
        now = utcnow()
        if message.state != MessageState.UNKNOWN:
            return
        message.lookups += 1
        records = _records(tx, carried or (), message)
        twins = _twins(tx, message) if records else []
        found = None
        if _wait_for_callbacks(message, twins):
            carried = None  # whose record is it? In a moment callbacks will have told them apart
        else:
            found = _mine(message, records, twins)
        missing = "no answer" if carried is None else "missing"
        steps.asked_back(tx, message, found.status if found is not None else missing)
        if found is not None:
            outcomes.apply(tx, message, found.gateway_id, found.status, found.error_code, now)
        elif carried is not None and now - since >= SURE_AFTER and message.lookups >= 2:
            _again_or_lost(tx, message, now)
        elif now - message.tried_since < TELL_AFTER:
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
        outcomes.lost(tx, message, MessageState.FAILED, outcomes.NEVER_KNOWN.code, now, outcomes.NEVER_KNOWN)
        return
    task = tx.get(Task, message.task_id) if message.task_id else None
    history.record(tx, "resent", history.SYSTEM, now, task, message_id=message.id)
    move(tx, message, MessageState.QUEUED, {MessageState.UNKNOWN}, wake_at=now)
    wake(tx, "send", message.id)


def _tell(tx: Session, message: Any, now: datetime) -> None:
    """Nobody knows for too long what became of it: a person hears of it, once. `message`: it, or a row."""
    told = select(Attention.id).where(Attention.subject == f"message:{message.id}")
    if tx.scalars(told).first() is None:
        attention.raise_(
            tx, "outcome_unknown", now,
            tx.get(Task, message.task_id) if message.task_id else None,
            tx.get(Retiree, message.retiree_id) if message.retiree_id else None,
            tx.get(Volunteer, message.volunteer_id) if message.volunteer_id else None,
            message.id, subject=f"message:{message.id}", kind=message.kind,
        )  # fmt: skip


def _twins(tx: Session, message: Message) -> Sequence[Any]:
    """Other messages with the same text to the same phone of which one of the records may be.

    They are known by what isn't known of them, never by a time: workers' clocks may differ by minutes.
    """
    return tx.execute(
        _TWINS, {"phone": message.phone, "body_hash": message.body_hash, "message_id": message.id}
    ).all()


def _wait_for_callbacks(message: Message, twins: Sequence[Any]) -> bool:
    """Whether it can't be told yet which of them a record belongs to, but soon will be."""
    sending = any(twin.state == MessageState.SENDING for twin in twins)
    return sending or (bool(twins) and message.lookups < APART_AFTER)


def _mine(message: Message, records: Sequence[Carried], twins: Sequence[Any]) -> Carried | None:
    """Which of the records is this message's, if any.

    Callbacks would have told twins apart long ago if they came at all. So that those in doubt don't wait
    for each other for ever, the older one takes the older record; whoever is left over never arrived.
    """
    before = sum(twin.id < message.id and twin.state == MessageState.UNKNOWN for twin in twins)
    return records[before] if before < len(records) else None


def _records(tx: Session, carried: Sequence[Carried], message: Message) -> list[Carried]:
    """The gateway's records of our text that aren't already another message's, and of which no callback
    has said that they are; the oldest first."""
    found = []
    for item in reversed(carried):  # the gateway lists the newest first
        if tokens.digest(item.body) != message.body_hash:
            continue
        taken = select(Message.id).where(Message.gateway_id == item.gateway_id)
        called_back = select(MessageReceipt.id).where(
            MessageReceipt.gateway_id == item.gateway_id, MessageReceipt.message_id != message.id
        )
        if tx.scalars(taken).first() is None and tx.scalars(called_back).first() is None:
            found.append(item)
    return sorted(found, key=lambda item: item.created_at)
