"""When the gateway refuses something of ours: messages wait, one at a time is tried, one alarm is raised.

A wrong sender or a balance used up is as true of every message, so nobody is to be asked, blamed or given up
because of it. What waits stays `queued`; every few seconds one message is handed over as a probe; the first
that is taken ends the stoppage, and all that is still true leaves. All of it is kept in the database, so any
number of workers agree. What each refusal means is said by the gateway (:mod:`dispatcher.sms.gateway`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.database import insert_new, transaction, use_case
from dispatcher.models import Attention, Message, Offer, Stoppage, Task, Volunteer
from dispatcher.rules import phones
from dispatcher.rules.lifecycle import MessageState, OfferState, TaskState
from dispatcher.services import attention, history, learning, releasing
from dispatcher.sms.gateway import Fault, Refused, Setting

ALL = ""
"""The scope of a stoppage of everything."""

PROBE_EVERY = timedelta(seconds=5)
"""So often one message is tried."""

PROBE_AFTER_RECEIPT = timedelta(minutes=1)
"""The same where the gateway takes messages and loses them afterwards: each probe costs a message."""

SILENT_FOR = timedelta(minutes=5)
"""After so long without a receipt that says otherwise, a message counts as passed on."""

LOOK_EVERY = timedelta(minutes=2)
"""So often a waiting message is looked at again, in case its release was missed."""

_UNSURE = (Setting.CONNECTION, Setting.OTHER)

ALARM_AFTER = timedelta(seconds=60)
"""A gateway that can't be reached for less than this is nobody's business."""

_LOOKED_THROUGH = 500
"""Of the messages that wait so many are looked through for one to be tried."""

ALONE_EVERY = timedelta(minutes=10)
"""So often a message is tried that waits although others leave."""

_REMEMBERED = timedelta(days=1)
"""For so long it is known that a phone was refused by some code."""

EVERYBODY = (ALL, phones.REGION)
"""Scopes of stoppages that concern everybody: nearly all phones are of the region here."""

_NOT_OVER = or_(Stoppage.stands, Stoppage.ended_at.is_(None))
"""Standing or suspected. The version before begins one again without taking back its end."""

_STANDING = select(Stoppage).where(Stoppage.stands).order_by(Stoppage.scope)


class Held(StrEnum):
    """How a message waits that was refused because of something of ours."""

    TOGETHER = "together"
    """Others would meet the same: all wait until it is mended."""
    ALONE = "alone"
    """Others are taken; it is this phone that our account, say, doesn't suit."""
    MENDED = "mended"
    """What it met has been mended since it was claimed: it can leave now."""


def standing(session: Session) -> Sequence[Stoppage]:
    """What stands now; nothing nearly always."""
    return session.scalars(_STANDING).all()


def over(stopping: Sequence[Stoppage], phone: str) -> Stoppage | None:
    """Which of `stopping` keeps messages to `phone` from leaving."""
    if not stopping:
        return None
    by_scope = {stoppage.scope: stoppage for stoppage in stopping}
    everything = by_scope.pop(ALL, None)
    # To a region that isn't permitted nothing leaves whatever else is mended: it proves nothing of that.
    return (by_scope and by_scope.get(phones.region(phone))) or everything


def takes_probe(
    tx: Session, stopping: Sequence[Stoppage], stoppage: Stoppage, message_id: int, now: datetime
) -> bool:
    """Whether the message in hand is the one to be tried now: the first to ask, anywhere, gets a yes."""
    latest = now + _probe_every(stoppage)  # what lies beyond was noted by another clock
    free = (
        select(Stoppage.id)
        .where(Stoppage.id == stoppage.id, or_(Stoppage.probe_at <= now, Stoppage.probe_at > latest))
        .with_for_update(skip_locked=True)
    )
    if tx.scalars(free).first() is None:
        return False
    values: dict[str, Any] = {"probe_at": latest}
    if message_id == _next_probe(tx, stopping, stoppage, now):
        values["message_id"] = message_id  # out of its turn, it takes nobody else's
    tx.execute(
        update(Stoppage)
        .where(Stoppage.id == stoppage.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return True


def put_off(tx: Session, message_ids: Sequence[int], now: datetime) -> None:
    """Let messages wait. Whom they were to ask hasn't been asked: see :func:`unask_waiting`."""
    if not message_ids:
        return
    tx.execute(
        update(Message)
        .where(Message.id.in_(message_ids), Message.state == str(MessageState.QUEUED))
        .values(wake_at=now + LOOK_EVERY)
        .execution_options(synchronize_session=False)
    )


@use_case
def unask_waiting(message_id: int, offer_id: int, now: datetime) -> None:
    """As :func:`unask`, of the offer whose message was put off, if it still waits for a stoppage to end."""
    with transaction() as tx:
        # Held, so that whoever ends it finds this offer among those that are asked then.
        stopping = tx.scalars(_STANDING.with_for_update(read=True)).all()
        waits = select(Message.phone).where(
            Message.id == message_id, Message.state == str(MessageState.QUEUED)
        )
        phone = tx.scalars(waits).first()
        if phone is not None and over(stopping, phone) is not None:
            unask(tx, [offer_id], now)


def unask(tx: Session, offer_ids: Sequence[int], now: datetime) -> None:
    """Offers whose SMS certainly hasn't left count for nothing: no cap, no fatigue, no expiry."""
    if not offer_ids:
        return
    unsent = select(Offer).where(
        Offer.id.in_(offer_ids), Offer.unasked_at.is_(None), Offer.state == str(OfferState.QUEUED)
    )
    # Held as they are read: one that is being answered isn't among them.
    held = unsent.order_by(Offer.id).with_for_update().execution_options(populate_existing=True)
    unasked(tx, tx.scalars(held).all(), now)


def unasked(tx: Session, offers: Sequence[Offer], now: datetime) -> None:
    """As :func:`unask`, of offers in hand."""
    for offer in offers:
        offer.unasked_at = now
    tx.flush()
    learning.not_offered(tx, offers)


def asked(tx: Session, offer_ids: Sequence[int], now: datetime) -> None:
    """Take back :func:`unask`: what counted as not asked has left."""
    if not offer_ids:
        return
    held = select(Offer).where(Offer.id.in_(offer_ids), Offer.unasked_at.is_not(None)).order_by(Offer.id)
    for offer in tx.scalars(held.with_for_update().execution_options(populate_existing=True)).all():
        releasing.ask(offer, now)
    tx.flush()


def refused(
    tx: Session, message: Message, refusal: Refused, now: datetime, by_receipt: bool = False
) -> Held | None:
    """Take in a refusal that other messages may meet as well; how this one waits, or None if it doesn't.

    What is surely ours stands at once. A code that we don't know, a connection that failed, or what this
    phone has met before while others were taken, could be about this phone or this moment: it stands when a
    second phone meets it before anything is taken.
    """
    setting = refusal.setting or Setting.OTHER
    if refusal.this_phone or message.alone_since is not None:
        _tell_of_one(tx, message, setting, refusal.code, now)
        return Held.ALONE
    scope = phones.region(message.phone) if setting is Setting.REGION else ALL
    begun = {
        "scope": scope, "setting": str(setting), "code": refusal.code, "since": now, "stands": False,
        "by_receipt": by_receipt, "alarmed": False, "probe_at": now, "message_id": message.id,
        "ended_at": None,
    }  # fmt: skip
    row = _in_hand(tx, begun)
    if row.ended_at is not None and not row.stands:
        if message.claimed_at is not None and message.claimed_at < row.ended_at <= now:
            return Held.MENDED
        for name, value in begun.items():
            setattr(row, name, value)
    met_before = not row.stands and _met_before(tx, message, refusal.code, now)
    sure = refusal.fault is Fault.OURS and not met_before
    refused_before = _refused_phones(tx, row, now) - {message.phone}
    if not row.stands and (sure or _refused_another(tx, row, message)):
        row.stands = True
        _look_at_once(tx, now)
    elif row.stands and len(refused_before) == 1:
        _look_at_once(tx, now)  # only now is it known to concern more than one phone: see stops_asking
    _take_in(tx, row, message, setting, refusal, sure, by_receipt, now)
    if row.stands:
        return Held.TOGETHER
    if not met_before or refusal.fault is not Fault.OURS:
        return None
    _tell_of_one(tx, message, setting, refusal.code, now)
    return Held.ALONE


def _in_hand(tx: Session, begun: dict[str, Any]) -> Stoppage:
    """The stoppage of this scope, begun unless it is there, and held until the end of the transaction."""
    which = select(Stoppage).where(Stoppage.scope == begun["scope"])
    while True:  # the version before deletes it at its end: between the two, it begins anew
        insert_new(tx, Stoppage, [begun], "scope")
        row = tx.scalars(which.with_for_update().execution_options(populate_existing=True)).first()
        if row is not None:
            return row


def _take_in(
    tx: Session, row: Stoppage, message: Message, setting: Setting, refusal: Refused, sure: bool,
    by_receipt: bool, now: datetime,
) -> None:  # fmt: skip
    """Note in its stoppage what was refused last, and tell the office once of what stands."""
    if row.setting != setting and (sure or row.setting in _UNSURE):
        # Mended, and now something else is wrong: one alarm, about what is wrong now.
        attention.known(tx, _subject(row), "gateway_setting", now)
        row.setting, row.alarmed = str(setting), False
    if row.setting == setting:
        row.code = refusal.code
        # A receipt of what was taken before the trouble began says nothing of how it is met now.
        if (
            not by_receipt
            or row.by_receipt
            or _claimed_since(row, message.claimed_at, message.released_at, now)
        ):
            row.by_receipt = by_receipt
    # Never more than one interval ahead: whoever wrote it last may have a clock of their own.
    row.probe_at = now + _probe_every(row)
    quick = row.setting != Setting.CONNECTION
    if row.stands and not row.alarmed and (quick or now - row.since >= ALARM_AFTER):
        row.alarmed = True
        attention.raise_(
            tx, "gateway_setting", now, subject=_subject(row), setting=row.setting, code=row.code,
            region=row.scope,
        )  # fmt: skip
    tx.flush()


def _tell_of_one(tx: Session, message: Message, setting: Setting, code: str, now: datetime) -> None:
    """The office hears once that some phones can't be reached because of something of ours."""
    if message.alone_since is None:
        attention.raise_(
            tx, "gateway_setting", now, subject=f"gateway:{setting}:one", setting=str(setting), code=code,
            region="", one=True,
        )  # fmt: skip


def accepted(tx: Session, message_ids: Sequence[int], now: datetime) -> None:
    """The gateway has taken these messages: what stood in the way when they were claimed doesn't any more."""
    _mended(tx, message_ids, now, by_receipt=False)


def delivered(tx: Session, message_ids: Sequence[int], now: datetime) -> None:
    """These messages have arrived: as :func:`accepted`, for what only receipts had told."""
    _mended(tx, message_ids, now, by_receipt=True)


def unheard(session: Session, now: datetime) -> list[int]:
    """Messages taken since the last receipt of a loss by which a stoppage stands, and long enough ago: some
    carriers never say that a message has arrived."""
    found: list[int] = []
    for row in standing(session):
        if row.by_receipt:
            lost = select(func.max(Message.ended_at)).where(
                Message.created_at >= row.since - _REMEMBERED, Message.error_code == row.code,
                Message.state.in_([str(MessageState.UNDELIVERED), str(MessageState.FAILED)]),
            )  # fmt: skip
            since = max(filter(None, [row.since, session.scalar(lost)]))
            silent = select(Message.id, Message.phone).where(
                Message.state == str(MessageState.SENT), Message.claimed_at >= since,
                Message.sent_at <= now - SILENT_FOR,
            )  # fmt: skip
            taken = session.execute(silent.order_by(Message.id).limit(_LOOKED_THROUGH)).all()
            found += [message.id for message in taken if over([row], message.phone) is not None]
    return found


@use_case
def end_unheard(message_ids: Sequence[int], now: datetime) -> None:
    """As :func:`delivered`, of messages of which nothing has been heard for long."""
    if message_ids:
        with transaction() as tx:
            delivered(tx, message_ids, now)


def probes(session: Session, now: datetime) -> list[int]:
    """The messages that are to be tried now, one for each stoppage, by their ids."""
    stopping = standing(session)
    due = [s for s in stopping if not now < s.probe_at <= now + _probe_every(s)]
    found = (_next_probe(session, stopping, stoppage, now) for stoppage in due)
    return [message_id for message_id in found if message_id is not None]


def is_alarm(session: Session, attention_id: int) -> bool:
    """Whether this attention is the alarm of a stoppage that stands."""
    alarm = session.get(Attention, attention_id)
    return alarm is not None and alarm.subject in {_subject(row) for row in standing(session)}


@use_case
def try_now(attention_id: int, now: datetime) -> bool:
    """Have a message tried at once, for whoever sees to this alarm; False when it stands no more."""
    with transaction() as tx:
        alarm = tx.get(Attention, attention_id)
        if alarm is None or alarm.reason != "gateway_setting" or alarm.resolved_at is not None:
            return False
        for row in tx.scalars(_STANDING.with_for_update()):
            if _subject(row) == alarm.subject:
                row.probe_at = now
        return True


def stops_asking(session: Session, stopping: Sequence[Stoppage], now: datetime) -> Stoppage | None:
    """What keeps everybody from being asked by SMS, if anything does.

    Not while nothing waits but what one phone was refused: then the next offer is what shows whether others
    meet the same, and whether it has been mended.
    """
    everybodys = [stoppage for stoppage in stopping if stoppage.scope in EVERYBODY]
    if not everybodys:
        return None
    waiting = _waiting(session, now)
    for stoppage in everybodys:
        kept = [row for row in waiting if over(stopping, row.phone) is stoppage]
        untried = any(row.error_code != stoppage.code for row in kept)
        if untried or len({row.phone for row in kept}) > 1:
            return stoppage
    return None


def out_of_reach(
    session: Session, stopping: Sequence[Stoppage], volunteer_ids: Sequence[int], now: datetime
) -> frozenset[int]:
    """Those of these volunteers to whose region abroad, or to whose phone alone, no SMS leaves just now.

    Not while nothing waits for that region or phone: then the next offer is what shows whether it has been
    mended.
    """
    waits_alone = select(Message.volunteer_id).where(
        Message.state == str(MessageState.QUEUED), Message.alone_since.is_not(None)
    )
    alone = {*session.scalars(waits_alone)} & {*volunteer_ids}
    regions = {stoppage.scope for stoppage in stopping} - {*EVERYBODY}
    if regions:
        regions &= {phones.region(row.phone) for row in _waiting(session, now)}
    if not regions:
        return frozenset(alone)
    rows = session.execute(select(Volunteer.id, Volunteer.phone).where(Volunteer.id.in_(volunteer_ids)))
    return frozenset(alone | {row.id for row in rows if phones.region(row.phone) in regions})


def _next_probe(
    session: Session, stopping: Sequence[Stoppage], stoppage: Stoppage, now: datetime
) -> int | None:
    """Whose turn it is to be tried: each that waits has one before any has another, so that no number that
    is refused for good holds up the others."""
    waiting = _waiting(session, now, stoppage.message_id or 0)
    return next((row.id for row in waiting if over(stopping, row.phone) is stoppage), None)


def _waiting(session: Session, now: datetime, after: int = 0) -> Sequence[Any]:
    """The messages that wait to be sent, the oldest first; from that which follows message `after`. Not those
    that wait alone, for whether they are taken says nothing of others, or for the morning."""
    found = session.execute(
        select(
            Message.id, Message.phone, Message.error_code, Message.kind, Message.task_id,
            Message.created_at, Task.is_urgent.label("urgent"),
        )
        .outerjoin(Task, Task.id == Message.task_id)
        .where(
            Message.state == str(MessageState.QUEUED),
            Message.alone_since.is_(None),
            or_(Message.not_before.is_(None), Message.not_before <= now),
        )
        .order_by(Message.id <= after, Message.id)
        .limit(_LOOKED_THROUGH)
    ).all()  # fmt: skip
    return [row for row in found if releasing.sleeps_until(row, now) is None]


def _probe_every(stoppage: Stoppage) -> timedelta:
    return PROBE_AFTER_RECEIPT if stoppage.by_receipt else PROBE_EVERY


def _refused_another(tx: Session, row: Stoppage, message: Message) -> bool:
    """Whether this suspicion was raised by the refusal of another phone than that of `message`."""
    first = tx.get(Message, row.message_id) if row.message_id is not None else None
    return first is not None and first.phone != message.phone


def _refused_phones(session: Session, row: Stoppage, now: datetime) -> set[str]:
    """The phones of which a message waits that was refused by what stands."""
    if not row.stands:
        return set()
    return {waiting.phone for waiting in _waiting(session, now) if waiting.error_code == row.code}


def _met_before(tx: Session, message: Message, code: str, now: datetime) -> bool:
    """Whether this phone has met the same lately while others were taken: so had this message, which has been
    released since, or another that was then given up or lost."""
    if message.error_code == code:
        return True
    before = select(Message.id).where(
        Message.phone == message.phone, Message.created_at >= now - _REMEMBERED,
        Message.error_code == code, Message.id != message.id,
        or_(Message.alone_since.is_not(None), Message.state == str(MessageState.UNDELIVERED)),
    )  # fmt: skip
    return tx.scalars(before.limit(1)).first() is not None


def _claimed_since(
    row: Stoppage, claimed_at: datetime | None, released_at: datetime | None, now: datetime
) -> bool:
    """Whether a message was claimed after the trouble began. Where that was noted by a clock ahead of this
    one, only what was claimed as a probe is known to be."""
    if claimed_at is None:
        return False
    return claimed_at >= row.since or (row.since > now and claimed_at == released_at)


def _subject(row: Stoppage) -> str:
    """Of its alarm: each setting, and each region, has one of its own."""
    return ":".join(filter(None, ("gateway", row.setting, row.scope)))


def _look_at_once(tx: Session, now: datetime) -> None:
    """Open tasks are looked at anew: of the urgent ones a coordinator must hear at once that nobody can be
    asked; afterwards, that everybody can be asked again."""
    is_open = (Task.state == str(TaskState.OPEN), Task.remote.is_(False))
    # In the order of their ids, as everywhere.
    in_order = select(Task.id).where(*is_open).order_by(Task.id).with_for_update(key_share=True)
    task_ids = tx.scalars(in_order).all()
    tx.execute(
        update(Task)
        .where(*is_open, Task.id.in_(task_ids))
        .values(look_again_at=now)
        .execution_options(synchronize_session=False)
    )


def _mended(tx: Session, message_ids: Sequence[int], now: datetime, by_receipt: bool) -> None:
    if not message_ids:
        return
    rows = tx.scalars(select(Stoppage).where(_NOT_OVER)).all()
    if not any(row.by_receipt is by_receipt for row in rows):
        return
    about = select(Message.phone, Message.claimed_at, Message.released_at)
    sent = tx.execute(about.where(Message.id.in_(message_ids))).all()
    # What leaves for a region says nothing of the others, whose sender may be another.
    proved = {
        row.id
        for message in sent
        if (row := over(rows, message.phone)) is not None
        and _claimed_since(row, message.claimed_at, message.released_at, now)
    }
    for row in rows:
        if row.id in proved and row.by_receipt is by_receipt:
            _end(tx, row, now)


def _end(tx: Session, row: Stoppage, now: datetime) -> None:
    """It is over, as this worker is the first to see: what waited leaves."""
    stood, subject, setting, scope = row.stands, _subject(row), row.setting, row.scope
    minutes = max(1, round((now - row.since).total_seconds() / 60))
    ended = tx.execute(
        update(Stoppage).where(Stoppage.id == row.id, _NOT_OVER)
        .values(ended_at=now, stands=False, alarmed=False).returning(Stoppage.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    tx.expire(row)
    if not ended or not stood:
        return
    alarm = attention.find(tx, subject, "gateway_setting")
    if alarm is not None:
        attention.resolve(tx, alarm.id, now, history.SYSTEM, "settled")
    remaining = standing(tx)
    for task in (None, *_askable_again(tx, scope, remaining)):
        history.record(
            tx, "gateway_mended", history.SYSTEM, now, task,
            minutes=minutes, setting=setting, region=scope,
        )  # fmt: skip
    _look_at_once(tx, now)
    # Tasks, offers, messages: in this order, as everywhere.
    releasing.release(tx, lambda phone: over(remaining, phone) is not None, now)


def _askable_again(tx: Session, scope: str, remaining: Sequence[Stoppage]) -> Sequence[Task]:
    """The tasks for which a coordinator was told that nobody could be asked, if that is over with this."""
    if scope not in EVERYBODY or any(stoppage.scope in EVERYBODY for stoppage in remaining):
        return ()
    held_up = (
        select(Task)
        .join(Attention, Attention.task_id == Task.id)
        .where(Attention.reason == "cannot_ask", Attention.resolved_at.is_(None))
    )
    return tx.scalars(held_up.order_by(Task.id)).all()
