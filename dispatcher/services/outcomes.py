"""What became of a message: taken by the gateway, read by nobody, and who must hear of it."""

import logging
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.database import wake
from dispatcher.models import Message, Offer, Task, Volunteer
from dispatcher.rules.lifecycle import LIVE_OFFER, NOT_NEEDED, MessageState, OfferState, TaskState, final
from dispatcher.rules.settings import seconds
from dispatcher.services import attention, candidates, history, opt_outs, steps, stoppages
from dispatcher.services.dispatching import lock
from dispatcher.services.states import move
from dispatcher.sms.gateway import Fault, Refused
from dispatcher.sms.twilio import STATUSES
from dispatcher.sms.twilio_codes import undelivered

log = logging.getLogger(__name__)

LOST = (MessageState.FAILED, MessageState.UNDELIVERED)

UNWORDED = Refused("wording", Fault.TEXT)
"""No gateway's word: the text can't be put together, so nothing was handed over."""

NEVER_KNOWN = Refused("unknown", Fault.UNCLEAR)
"""Nobody could find out whether it arrived."""

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
        if offer.unasked_at is not None:
            stoppages.asked(tx, [offer.id], now)
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
    return {"sent_at": now, "expires_at": offer.expires_at + candidates.late(offer.created_at, now)}


def _no_longer_in_doubt(tx: Session, message: Message, now: datetime) -> None:
    """What became of it is known: nobody need wonder any more. Most were never in doubt."""
    if message.lookups or message.attempts > 1:
        attention.known(tx, f"message:{message.id}", "outcome_unknown", now)


def apply(tx: Session, message: Message, gateway_id: str, status: str, code: str, now: datetime) -> None:
    """What the gateway says of a message, by callback or when asked."""
    tried_before = message.state == MessageState.QUEUED and message.claimed_at is not None
    in_doubt = tried_before or message.state in (MessageState.SENDING, MessageState.UNKNOWN)
    state = STATUSES.get(status)
    # The end of a stoppage takes tasks and offers: before this message's.
    if state is MessageState.DELIVERED:
        stoppages.delivered(tx, [message.id], now)
    if in_doubt and state not in LOST:
        stoppages.accepted(tx, [message.id], now)
    if in_doubt:
        accepted(tx, message, gateway_id, now)
    if state is MessageState.DELIVERED:
        if move(tx, message, MessageState.DELIVERED, ended_at=now, wake_at=None):
            steps.ended(tx, message, "delivered")
    elif state in (MessageState.UNDELIVERED, MessageState.FAILED):
        why = undelivered(code)
        if message.state not in LOST and why.fault is Fault.OURS:
            stoppages.refused(tx, message, why, now, by_receipt=True)
        lost(tx, message, state, code, now, why)


def lost(tx: Session, message: Message, state: MessageState, code: str, now: datetime, why: Refused) -> None:
    """A message that nobody will read: whoever counted on it must hear of it. `why`: whose fault it is."""
    task = lock(tx, message.task_id) if message.task_id else None
    if not move(tx, message, state, error_code=code, ended_at=now, wake_at=None):
        return
    steps.ended(tx, message, str(state), code)
    _no_longer_in_doubt(tx, message, now)
    history.record(tx, "undelivered", history.SYSTEM, now, task, message_id=message.id,
                   message_kind=message.kind, code=code)  # fmt: skip
    if why.opted_out:
        opt_outs.refused(tx, message.phone, now)
    if message.kind == "offer" and message.offer_id and task is not None:
        _lost_offer(tx, message, task, code, why, now)
    elif message.retiree_id and task is not None:
        if _outdated(tx, message, task):
            return
        attention.superseded(tx, task, now)
        attention.raise_(
            tx, "call_retiree", now, task, task.retiree, message_id=message.id,
            kind=message.kind, words=message.params, code=code,
            because="stopped" if why.opted_out else "undelivered",
        )  # fmt: skip
    elif message.volunteer_id and task is not None and _counts_on(task, message):
        volunteer = tx.get_one(Volunteer, message.volunteer_id)
        attention.raise_(
            tx, "volunteer_unreachable", now, task, volunteer=volunteer, message_id=message.id,
            kind=message.kind, code=code, subject=f"volunteer:{volunteer.id}/task:{task.id}",
        )  # fmt: skip
    elif message.volunteer_id is None and message.retiree_id is None:
        log.info("an automatic answer could not be delivered", extra={"message_id": message.id})


def _lost_offer(tx: Session, message: Message, task: Task, code: str, why: Refused, now: datetime) -> None:
    """Nobody will answer this offer. Where the fault is the recipient's, or nobody knows whose, they count
    as asked and the next one is asked now; otherwise they may be asked again."""
    offer = tx.get_one(Offer, message.offer_id)
    volunteer = tx.get_one(Volunteer, offer.volunteer_id)
    fault = why.fault
    # What the gateway had taken and couldn't carry counts: asked again at once, it would go the same way.
    overloaded = fault is Fault.LOAD and message.gateway_id is not None
    if overloaded or fault in (Fault.RECIPIENT, Fault.UNCLEAR):
        if not overloaded and not why.opted_out:
            attention.raise_(
                tx, "volunteer_unreachable", now, volunteer=volunteer, message_id=message.id,
                kind="offer", code=code, fault=str(fault),
            )  # fmt: skip
        ended = move(tx, offer, OfferState.EXPIRED, LIVE_OFFER)
    else:
        ended = move(tx, offer, OfferState.WITHDRAWN, LIVE_OFFER)
        if ended:
            stoppages.unasked(tx, [offer], now)
            history.record(
                tx, "not_asked", history.SYSTEM, now, task, volunteer=volunteer.name, code=code
            )  # fmt: skip
    if fault is Fault.TEXT and task.state == TaskState.OPEN:
        # The next one would get the same text: a person first, and another try after a while.
        reason = "unworded" if why is UNWORDED else "text_refused"
        attention.raise_(tx, reason, now, task, message_id=message.id, kind="offer", code=code)
        task.look_again_at = now + seconds(current_app.config["DISPATCH"].recheck_s)
    elif fault is Fault.LOAD and task.state == TaskState.OPEN:
        task.look_again_at = now + seconds(current_app.config["DISPATCH"].recheck_s)
    elif ended:
        task.look_again_at = now
        wake(tx, "look", task.id)


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
    return held and message.kind in CALL_VOLUNTEER
