"""Sending the outbox: claim, commit, then call.

A message is claimed by a conditional UPDATE, its text rendered and its link minted in that
transaction; the session is closed before the gateway is called; the outcome is a transaction of its
own. What the gateway certainly refused for now is tried again; what it refuses because of something of
ours waits until that is mended (:mod:`dispatcher.services.stoppages`); what it may have taken is looked up
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
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.clock import utcnow
from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import (
    Assignment,
    Attention,
    HelpRequest,
    LinkToken,
    Message,
    Offer,
    Stoppage,
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
from dispatcher.services import attention, history, outbox, outcomes, releasing, steps, stoppages, tokens
from dispatcher.services.dispatching import lock
from dispatcher.services.states import move, move_all
from dispatcher.services.together import Gathered, Together
from dispatcher.sms import texts
from dispatcher.sms.gateway import Accepted, Fault, Gateway, Outcome, Refused, Setting, Unknown

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
"""What the gateway has refused for so long isn't tried again. Nor does what belongs to no task leave when
it has waited longer: an answer to a reply, say, would only puzzle."""

MOST_TRIES_UNCLEAR = 4
"""So often a message is tried that is refused for a reason that we don't know."""

WORDING = outcomes.UNWORDED.code
"""Why a message was given up that can't be put into words."""

PASSING = (SQLAlchemyError, OSError, MemoryError)
"""Errors of the machine, not of a message: they pass, and the sweep tries again."""

GONE = ("handed_back", "reassigned", "reopened", "cancelled", "closed")
"""How an assignment ends after which nobody should read that it stands, or learn the door."""

ABOUT_THE_HOLDER = ("assigned", "assigned_by_hand", "coming", "later", "changed_volunteer")
"""Kinds that are true only while the volunteer whom they speak of stands for the task."""


_IN_CONTEXT = (
    select(
        Message.id, Message.kind, Message.params, Message.language, Message.phone, Message.attempts,
        Message.task_id, Message.volunteer_id, Message.offer_id, Message.released_at, Message.alone_since,
        Task.state.label("task_state"), Offer.state.label("offer_state"), Offer.unasked_at,
        Message.created_at, Task.is_urgent.label("urgent"), Volunteer.stopped_at, Volunteer.links_lost_at,
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
    select(
        Message.id,
        Message.kind,
        Message.offer_id,
        Message.task_id,
        Offer.created_at,
        Offer.expires_at,
        Offer.unasked_at,
    )
    .outerjoin(Offer, Offer.id == Message.offer_id)
    .where(
        Message.id.in_(bindparam("message_ids", expanding=True)),
        Message.state == str(MessageState.SENDING),
        Message.attempts == 1,
        Message.lookups == 0,
    )
    .order_by(Message.id)
)
_QUEUED = select(Message.id, Message.kind, Message.task_id).where(
    Message.id == bindparam("message_id"), Message.state == str(MessageState.QUEUED)
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
class _Aside:
    """A message that isn't to be sent now, with what is still to be written of it, in a transaction of its
    own: offers and tasks are taken before messages everywhere. `error`: why it can't be worded; without
    one, `offer_id` is an offer that can't leave, at all or, `asleep`, before the morning."""

    offer_id: int | None = None
    asleep: bool = False
    error: Exception | None = None


@dataclass(frozen=True)
class _Said:
    """What the gateway said of a message at one attempt; None: it was not even asked."""

    message_id: int
    attempt: int
    outcome: Outcome | None


@dataclass(frozen=True)
class _Words:
    """The text of a message, with what is kept of it. `link`: a row of link_token, if the text has a link."""

    body: str
    digest: str
    segments: int
    link: dict[str, Any] | None


def send(message_id: int, gateway: Gateway) -> None:
    """Send one message of the outbox; nothing if it is already being seen to."""
    try:
        outgoing = _claim(message_id)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 (it failed alone: the row is to blame, and would fail for ever)
        db.session.remove()
        log.error("message %s can't be claimed: %s", message_id, type(error).__name__)
        _give_up(message_id, error, utcnow())
        return
    if outgoing is None:
        return
    db.session.remove()
    if isinstance(outgoing, _Aside):
        _set_aside(message_id, outgoing, utcnow())
        return
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
def _claim_all(gathered: Gathered[int]) -> list[Outgoing | _Aside | None]:
    """Take messages in hand, by their ids: for each what is to be sent, or else done; or None."""
    with transaction() as tx:
        message_ids = gathered()
        now, clock = utcnow(), time.monotonic()
        waiting = _waiting(tx, message_ids, now)
        holders = _last_holders(tx, waiting)
        stopping = stoppages.standing(tx) if waiting else []
        claimed, minted, moot, put_off = [], [], [], []
        resting: dict[datetime, list[int]] = {}
        outgoing: dict[int, Outgoing | _Aside] = {}
        for row in waiting:
            try:
                words = _worded(row, holders.get(row.task_id), now)
            except PASSING:
                raise
            except Exception as error:  # noqa: BLE001 (whatever this row holds, the others must go on)
                outgoing[row.id] = _Aside(error=error)
                continue
            stopped = stoppages.over(stopping, row.phone)
            if words is None or (stopped is not None and _too_late(row, now)):
                moot.append({"id": row.id, "error_code": NOT_NEEDED, "ended_at": now, "wake_at": None})
                steps.ended(tx, row, "given_up", NOT_NEEDED, row.call)
                continue
            until = releasing.sleeps_until(row, now) if _was_kept_back(row, stopped) else None
            if until is not None and row.offer_id is not None:
                put_off.append(row.id)
                outgoing[row.id] = _Aside(offer_id=row.offer_id, asleep=True)
                continue
            if until is not None:
                resting.setdefault(until, []).append(row.id)
                continue
            may_try = row.alone_since is None or stopped is None
            if stopped is not None and not (
                may_try and stoppages.takes_probe(tx, stopping, stopped, row.id, now)
            ):
                put_off.append(row.id)
                if row.offer_id is not None and row.unasked_at is None:
                    outgoing[row.id] = _Aside(offer_id=row.offer_id)
                continue
            step = steps.Sending(row.id, row.task_id, row.kind, row.attempts + 1, row.call or "")
            outgoing[row.id] = Outgoing(row.phone, words.body, step, clock)
            minted += [words.link] if words.link else []
            claimed.append(
                {
                    "id": row.id, "claimed_at": now, "attempts": row.attempts + 1,
                    "wake_at": now + STUCK_AFTER, "body_hash": words.digest, "segments": words.segments,
                    # What was kept back until now is tried from now on, and for as long as any other.
                    "released_at": now if stopped is not None else row.released_at,
                }
            )  # fmt: skip
        stoppages.put_off(tx, put_off, now)
        for morning, sleepers in resting.items():
            releasing.let_sleep(tx, sleepers, morning)
        move_all(tx, Message, MessageState.QUEUED, MessageState.FAILED, moot)
        move_all(tx, Message, MessageState.QUEUED, MessageState.SENDING, claimed)
        if minted:
            tx.execute(_INSERT_LINK, minted)
        # A wake-up and the sweep may want the same message at once: it is handed out once.
        return [outgoing.pop(message_id, None) for message_id in message_ids]


def _set_aside(message_id: int, aside: _Aside, now: datetime) -> None:
    """Write what is to be written of a message that isn't sent now."""
    if aside.error is not None:
        _give_up(message_id, aside.error, now)
    elif aside.offer_id is not None and aside.asleep:
        _back_to_planner(message_id, aside.offer_id, now)
    elif aside.offer_id is not None:
        stoppages.unask_waiting(message_id, aside.offer_id, now)


def _was_kept_back(row: Any, stopped: Stoppage | None) -> bool:
    """Whether something of ours keeps a message, or has kept it, from leaving when it was written."""
    return stopped is not None or any((row.released_at, row.unasked_at, row.alone_since))


def _too_late(row: Any, now: datetime) -> bool:
    """Whether a message that belongs to no task is too old to be understood."""
    return row.task_id is None and now - row.created_at >= GIVE_UP_AFTER


@use_case
def _back_to_planner(message_id: int, offer_id: int, now: datetime) -> None:
    """Withdraw an offer that could leave only in quiet hours: in the morning the planner decides anew whom to
    ask, and its volunteer hasn't been asked."""
    with transaction() as tx:
        message = tx.get_one(Message, message_id)
        # Tasks, offers, messages: in this order, as everywhere.
        task = lock(tx, message.task_id) if message.task_id else None
        held = select(Offer).where(Offer.id == offer_id).with_for_update()
        offer = tx.scalars(held.execution_options(populate_existing=True)).first()
        if task is None or offer is None or not outbox.give_up(tx, [message], now):
            return
        if move(tx, offer, OfferState.WITHDRAWN, {OfferState.QUEUED}):
            if offer.unasked_at is None:
                stoppages.unasked(tx, [offer], now)
            name = tx.get_one(Volunteer, offer.volunteer_id).name
            history.record(
                tx, "not_asked", history.SYSTEM, now, task, volunteer=name, code=message.error_code
            )  # fmt: skip
        if task.state == TaskState.OPEN:
            task.look_again_at = now
            wake(tx, "look", task.id)


def _worded(row: Any, holder: Any, now: datetime) -> _Words | None:
    """The text of a message that is to be sent; None if nobody should get it any more.

    Raises:
        Exception: whatever comes of a row that can't be worded. Nothing has been written then.
    """
    links = has_link(row.kind, row.language)
    if _is_for_a_finder(row, links) or not _still_needed(row, holder):
        return None
    token, link = tokens.mint(row.kind, row.task_id, row.volunteer_id, now) if links else ("", None)
    body = rendered(row, now, token)
    return _Words(body, tokens.digest(body), texts.segments(body), link)


def _unwordable(tx: Session, row: Any, error: Exception, now: datetime) -> None:
    """A text that can't be worded would wait for ever: somebody has to call instead. Where nobody counts on
    it, the office still hears, once for all texts of this kind."""
    log.error("message %s can't be worded: %s", row.id, type(error).__name__)
    outcomes.lost(tx, tx.get_one(Message, row.id), MessageState.FAILED, WORDING, now, outcomes.UNWORDED)
    told = select(Attention.id).where(Attention.message_id == row.id, Attention.resolved_at.is_(None))
    if tx.scalars(told).first() is None:
        _tell_unworded(tx, row.id, row.kind, now)


def _tell_unworded(tx: Session, message_id: int, kind: str, now: datetime) -> None:
    attention.raise_(
        tx, "unworded", now, message_id=message_id, subject=f"wording:{kind}", kind=kind
    )  # fmt: skip


def _give_up(message_id: int, error: Exception, now: datetime) -> None:
    """Give up a message that can't even be claimed: whoever counted on it is called, if it can be read who
    that is."""
    try:
        _give_up_read(message_id, error, now)
    except PASSING:
        raise
    except Exception as worse:  # noqa: BLE001 (then it ends at least, and the office hears)
        db.session.remove()
        log.error("message %s can't be read: %s", message_id, type(worse).__name__)
        _give_up_unread(message_id, now)


@use_case
def _give_up_read(message_id: int, error: Exception, now: datetime) -> None:
    with transaction() as tx:
        row = tx.execute(_QUEUED, {"message_id": message_id}).first()
        if row is not None:
            _unwordable(tx, row, error, now)


@use_case
def _give_up_unread(message_id: int, now: datetime) -> None:
    """As :func:`_give_up`; nothing is read that it may be impossible to read."""
    with transaction() as tx:
        row = tx.execute(_QUEUED, {"message_id": message_id}).first()
        if row is None:
            return
        given_up = {"id": row.id, "error_code": WORDING, "ended_at": now, "wake_at": None}
        move_all(tx, Message, MessageState.QUEUED, MessageState.FAILED, [given_up])
        steps.ended(tx, row, str(MessageState.FAILED), WORDING)
        _tell_unworded(tx, row.id, row.kind, now)


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
    return {row.id for row in rows if _true_now(row, holders.get(row.task_id))}


def _true_now(row: Any, holder: Any) -> bool:
    """As :func:`_still_needed`; what a row says that can't be understood isn't true."""
    try:
        return _still_needed(row, holder)
    except (AttributeError, TypeError, ValueError):
        return False


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
        return row.released_at is None or row.released_at - row.created_at < GIVE_UP_AFTER
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
        stoppages.accepted(tx, [message_id for message_id, _ in taken], now)
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
    stoppages.asked(tx, [row.offer_id for row in offers if row.unasked_at is not None], now)
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
            _untried(tx, message, now + ANOTHER_TIME)
        case Refused() as refusal:
            _note_refusal(tx, message, refusal, now)
        case Unknown(code):
            move(tx, message, MessageState.UNKNOWN, {MessageState.SENDING},
                 wake_at=now + SETTLE_EVERY, error_code=code)  # fmt: skip


def _note_refusal(tx: Session, message: Message, refusal: Refused, now: datetime) -> None:
    ours = refusal.fault in (Fault.OURS, Fault.UNCLEAR) or refusal.setting is Setting.CONNECTION
    held = stoppages.refused(tx, message, refusal, now) if ours else None
    if held is not None:
        _hold(tx, message, refusal, held, now)
        return
    again = {
        Fault.LOAD: now - message.tried_since < GIVE_UP_AFTER,
        Fault.UNCLEAR: message.attempts < MOST_TRIES_UNCLEAR,
    }.get(refusal.fault, False)
    if again:
        pause = min(60.0, 2.0 ** min(message.attempts, 6)) * random.uniform(0.7, 1.3)
        at = now + timedelta(seconds=pause)
        move(tx, message, MessageState.QUEUED, {MessageState.SENDING},
             wake_at=at, not_before=at, error_code=refusal.code)  # fmt: skip
    else:
        outcomes.lost(tx, message, MessageState.FAILED, refusal.code, now, refusal)


def _hold(tx: Session, message: Message, refusal: Refused, held: stoppages.Held, now: datetime) -> None:
    """Let a message wait that was refused because of something of ours: it is no try of its own."""
    if held is stoppages.Held.MENDED:
        _untried(tx, message, now + ANOTHER_TIME)
    elif held is stoppages.Held.TOGETHER:
        if message.offer_id is not None and message.kind == "offer":
            stoppages.unask(tx, [message.offer_id], now)
        _untried(tx, message, now + stoppages.LOOK_EVERY, error_code=refusal.code, released_at=None)
    elif message.offer_id is not None and message.kind == "offer":
        _wait_alone(tx, message, message.offer_id, refusal, now)
    else:  # whoever counts on it is called; the office has heard what is to be mended
        message.alone_since = now
        outcomes.lost(tx, message, MessageState.FAILED, refusal.code, now, refusal)


def _wait_alone(tx: Session, message: Message, offer_id: int, refusal: Refused, now: datetime) -> None:
    """Let an offer wait whose volunteer can't be reached just now because of something of ours. They count as
    not asked, and somebody else is asked meanwhile."""
    task = lock(tx, message.task_id) if message.task_id else None
    stoppages.unask(tx, [offer_id], now)
    later = now + stoppages.ALONE_EVERY
    _untried(tx, message, later, not_before=later, error_code=refusal.code, released_at=None,
             alone_since=message.alone_since or now)  # fmt: skip
    if task is not None and task.state == TaskState.OPEN:
        task.look_again_at = now
        wake(tx, "look", task.id)


def _untried(tx: Session, message: Message, wake_at: datetime, **values: Any) -> None:
    """Queue it again as if it had never been claimed: it certainly wasn't sent."""
    move(tx, message, MessageState.QUEUED, {MessageState.SENDING},
         wake_at=wake_at, attempts=message.attempts - 1,
         claimed_at=message.claimed_at if message.attempts > 1 else None, **values)  # fmt: skip


# The wake-ups of a wave arrive within milliseconds; and that a message has left is no news to hurry with.
_claim = Together(_claim_all, linger_s=0.01)
_record = Together(_record_all, linger_s=0.03)
