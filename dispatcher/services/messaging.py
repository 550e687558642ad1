"""Sending the outbox: claim, commit, then call.

A message is claimed by a conditional UPDATE, its text rendered and its link minted in that
transaction; the session is closed before the gateway is called; the outcome is a transaction of its
own. What the gateway certainly refused for now is tried again; what it may have taken is looked up
before anything is sent twice (:mod:`dispatcher.services.settling`).

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
from sqlalchemy import Table, bindparam, insert, or_, select
from sqlalchemy.orm import Session

from dispatcher.clock import utcnow
from dispatcher.database import db, transaction, use_case
from dispatcher.models import (
    Assignment,
    HelpRequest,
    LinkToken,
    Message,
    Offer,
    Task,
    Volunteer,
)
from dispatcher.rules.availability import is_phone_lost
from dispatcher.rules.lifecycle import (
    HELD,
    LIVE_OFFER,
    NOT_NEEDED,
    MessageState,
    OfferState,
    TaskState,
    final,
)
from dispatcher.services import outcomes, steps, tokens
from dispatcher.services.states import move, move_all
from dispatcher.services.together import Gathered, Together
from dispatcher.sms import texts
from dispatcher.sms.gateway import Accepted, Gateway, Outcome, Refused, Unknown

log = logging.getLogger(__name__)

STUCK_AFTER = timedelta(seconds=12)
"""A claim older than this lost its worker: the gateway's own timeout is shorter."""

CALL_WITHIN_S = 2.0
"""So long after its claim, in seconds, a message is still handed over: the call must be over before the
claim counts as lost, or it would be sent while somebody is told that it never was."""

ANOTHER_TIME = timedelta(seconds=2)
"""What wasn't handed over in time waits so long: this machine has more to do than it can."""

SETTLE_EVERY = timedelta(seconds=2)
"""So often the gateway is asked about an unknown outcome."""

GIVE_UP_AFTER = timedelta(minutes=30)
"""What the gateway has refused for so long isn't tried again."""

GONE = ("handed_back", "reassigned", "reopened", "cancelled", "closed")
"""How an assignment ends after which nobody should read that it stands, or learn the door."""

ABOUT_THE_HOLDER = ("assigned", "assigned_by_hand", "coming", "later", "changed_volunteer")
"""Kinds that are true only while the volunteer whom they speak of stands for the task."""


_IN_CONTEXT = (
    select(
        Message.id, Message.kind, Message.params, Message.language, Message.phone, Message.attempts,
        Message.task_id, Message.volunteer_id,
        Task.state.label("task_state"), Offer.state.label("offer_state"),
        Message.created_at, Volunteer.stopped_at, Volunteer.links_lost_at,
        HelpRequest.correlation_id.label("call"),
    )
    .outerjoin(Task, Task.id == Message.task_id)
    .outerjoin(HelpRequest, HelpRequest.id == Task.request_id)
    .outerjoin(Offer, Offer.id == Message.offer_id)
    .outerjoin(Volunteer, Volunteer.id == Message.volunteer_id)
    .where(Message.id.in_(bindparam("message_ids", expanding=True)))
    .order_by(Message.id)
)  # fmt: skip
_WAITING = _IN_CONTEXT.where(
    Message.state == str(MessageState.QUEUED),
    # A pause isn't over before.
    or_(Message.not_before.is_(None), Message.not_before <= bindparam("now")),
).with_for_update(of=Message, skip_locked=True, key_share=True)
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
        claimed, minted, moot = [], [], []
        outgoing: dict[int, Outgoing] = {}
        for row in waiting:
            links = has_link(row.kind, row.language)
            if _is_for_a_finder(row, links) or not _still_needed(row, holders.get(row.task_id)):
                moot.append({"id": row.id, "error_code": NOT_NEEDED, "ended_at": now, "wake_at": None})
                steps.ended(tx, row, "given_up", NOT_NEEDED, row.call)
                continue
            token, link = "", None
            try:
                if links:
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
            minted += [link] if link else []
            claimed.append(
                {
                    "id": row.id, "claimed_at": now, "attempts": row.attempts + 1,
                    "wake_at": now + STUCK_AFTER, "body_hash": tokens.digest(body),
                    "segments": texts.segments(body),
                }
            )  # fmt: skip
        move_all(tx, Message, MessageState.QUEUED, MessageState.FAILED, moot)
        move_all(tx, Message, MessageState.QUEUED, MessageState.SENDING, claimed)
        if minted:
            tx.execute(_INSERT_LINK, minted)
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


def needed(session: Session, message_ids: Sequence[int]) -> set[int]:
    """Those of these outgoing messages of which what they say is true now, whatever became of them."""
    rows = session.execute(_IN_CONTEXT, {"message_ids": message_ids}).all()
    holders = _last_holders(session, rows)
    return {row.id for row in rows if _still_needed(row, holders.get(row.task_id))}


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
    if row.kind == "later" and row.task_state not in HELD:
        return False  # they are there already
    if row.kind in ABOUT_THE_HOLDER:
        return (
            holder is not None
            and holder.volunteer_id == row.params.get("volunteer_id", row.volunteer_id)
            and holder.end_reason not in GONE
        )
    if row.kind in ("received", "received_urgent"):
        return not final(TaskState(row.task_state))
    needs = {
        "finding_another": TaskState.OPEN, "still_looking": TaskState.OPEN,
        "delivered": TaskState.DELIVERED,
    }.get(row.kind)  # fmt: skip
    return needs is None or row.task_state == needs


def rendered(message: Any, now: datetime, token: str) -> str:
    """The text of an outgoing message; with a token, its link leads to the page of a task, or to the
    volunteer's own.

    Raises:
        LookupError, ValueError: it can't be worded.
    """
    config = current_app.config
    link = f"{config['PUBLIC_URL']}/{'v' if message.kind == tokens.YOUR_PAGE else 'o'}/{token}"
    return texts.render(message.kind, message.language, message.params | {"link": link}, now, config["ZONE"])


def _is_for_a_finder(row: Any, links: bool) -> bool:
    """Whether whoever has found its volunteer's phone would read this; or, with the links in it, might have
    read it, for it was written before the loss and is tried again only now."""
    lost_at = row.links_lost_at
    early = lost_at is not None and row.created_at <= lost_at
    return is_phone_lost(lost_at, row.stopped_at) or (links and early)


def has_link(kind: str, language: str) -> bool:
    """Whether the text of such a message carries a link."""
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
                 wake_at=now + ANOTHER_TIME, attempts=message.attempts - 1,
                 # As if it had never been claimed: it certainly wasn't sent.
                 claimed_at=message.claimed_at if message.attempts > 1 else None)  # fmt: skip
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
