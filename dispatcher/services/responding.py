"""A volunteer answers: one conditional UPDATE decides who comes, everybody else is told kindly."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.database import wake
from dispatcher.models import Assignment, Message, Offer, Task, Volunteer
from dispatcher.rules import phones
from dispatcher.rules.lifecycle import (
    HELD,
    LIVE_OFFER,
    MessageState,
    OfferState,
    TaskState,
)
from dispatcher.rules.settings import seconds
from dispatcher.services import attention, history, learning, outbox, roster, steps
from dispatcher.services.states import move, move_these

_STANDING = select(Assignment).where(
    Assignment.task_id == bindparam("task_id"), Assignment.ended_at.is_(None)
)
_NOT_SENT_YET = select(Message).where(
    Message.offer_id.in_(bindparam("offer_ids", expanding=True)),
    Message.kind == "offer",
    Message.state == str(MessageState.QUEUED),
)


class Answer(StrEnum):
    """What came of a volunteer's answer."""

    YOURS = "yours"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TAKEN = "taken"
    OVER = "over"
    DECLINED = "declined"
    NOTED = "noted"


def accept(tx: Session, task: Task, volunteer: Volunteer, now: datetime, said: str = "") -> Answer:
    """A yes. It wins while the task is open, whether or not the offer has expired meanwhile. Said by a phone
    that has been lost meanwhile, it is worth nothing: "unreachable"."""
    tx.refresh(volunteer, ["stopped_at", "links_lost_at"])  # as of now, when the task is in hand
    if volunteer.is_phone_lost:
        return Answer.UNREACHABLE
    # Lock order everywhere: the task first. The UPDATE decides; what follows is bookkeeping.
    if not take(tx, task, volunteer, now):
        standing = standing_assignment(tx, task)
        if standing is not None and standing.volunteer_id == volunteer.id:
            return Answer.YOURS  # a second tap
        offer = offer_of(task, volunteer)
        if offer is not None and move(tx, offer, OfferState.WITHDRAWN, LIVE_OFFER):
            outbox.to_volunteer(tx, "taken", volunteer, now, task, offer.id)
        history.record(tx, "too_late", history.volunteer(volunteer), now, task, said=said)
        return Answer.TAKEN if task.state != TaskState.CANCELLED else Answer.OVER
    offer = offer_of(task, volunteer)
    ended = []
    if offer is not None and move(
        tx, offer, OfferState.ACCEPTED, answered_at=now, said=said[:500] or offer.said
    ):
        ended.append(offer)
    history.record(tx, "accepted", history.volunteer(volunteer), now, task, said=said)
    steps.accepted(tx, task, now)
    attention.settle(tx, task, now, history.volunteer(volunteer), "accepted", attention.SETTLED_BY_ACCEPTING)
    ended += settle_assignment(tx, task, volunteer, None, now)
    learning.learn(tx, ended, now)
    _reached(offer, now)
    return Answer.YOURS


def take(tx: Session, task: Task, volunteer: Volunteer, now: datetime) -> bool:
    """Try to win an open task: exactly one caller gets True."""
    overdue_at = word_by(task, now)
    return move(
        tx, task, TaskState.ASSIGNED, {TaskState.OPEN},
        assigned_at=now, look_again_at=overdue_at, waiting={"code": "volunteer"},
    )  # fmt: skip


def word_by(task: Task, now: datetime, standing: Assignment | None = None) -> datetime:
    """By when the volunteer who holds `task` should have been heard of: no sooner than it is due, and later
    by as much as whoever holds it (`standing`) has asked for, so that nothing puts back what was granted."""
    pace = current_app.config["DISPATCH"].pace(task.category, task.urgency)
    soon: datetime = now + seconds(pace.progress_s)
    more = timedelta(minutes=standing.more_time_min if standing else 0)
    return (soon if task.due_by is None else max(soon, task.due_by)) + more


def settle_assignment(
    tx: Session, task: Task, volunteer: Volunteer, staff_id: int | None, now: datetime
) -> list[Offer]:
    """What follows from a task won: the assignment, thanks to the others, word to all concerned.

    The offers of the others that have ended by it are returned.
    """
    tx.add(Assignment(task=task, volunteer=volunteer, by_staff_id=staff_id, created_at=now))
    tx.flush()
    withdrawn = withdraw(tx, [o for o in task.offers if o.volunteer_id != volunteer.id], "taken", now)
    attention.superseded(tx, task, now)
    slot = outbox.help_slots(tx, [(task, volunteer)], now)[volunteer.phone, task.id]
    retiree = task.retiree
    outbox.to_volunteer(
        tx, "assigned" if staff_id is None else "assigned_by_hand", volunteer, now, task,
        volunteer_id=volunteer.id,
        retiree={"name": retiree.name, "title": retiree.title_zh, "sex": retiree.sex},
        address={lang: retiree.whereabouts(lang) for lang in ("zh", "en")},
        phone=phones.dialled(
            task.request.callback_phone
            or retiree.mobile
            or next((p.number for p in retiree.phones), "")
        ),
        code=outbox.spoken_code(task)[retiree.language],
        go=f"{slot}2", done=f"{slot}3", back=f"{slot}0",
    )  # fmt: skip
    outbox.to_retiree(
        tx,
        "coming",
        task,
        now,
        volunteer=volunteer.name,
        volunteer_id=volunteer.id,
        code=outbox.spoken_code(task),
    )
    return withdrawn


def withdraw(tx: Session, offers: Iterable[Offer], kind: str, now: datetime) -> list[Offer]:
    """End those of `offers` that are live, and return them; `kind`: the SMS that says so."""
    ended = move_these(tx, list(offers), OfferState.WITHDRAWN, LIVE_OFFER)
    if not ended:
        return []
    # An SMS that never left needs no other: an unexplained "taken" would only puzzle.
    waiting = tx.scalars(_NOT_SENT_YET, {"offer_ids": [offer.id for offer in ended]}).all()
    spared = outbox.give_up(tx, waiting, now)
    told = [offer for offer in ended if offer.id not in {message.offer_id for message in spared}]
    if not told:
        return ended
    volunteers = roster.volunteers(tx, {offer.volunteer_id for offer in told})
    for offer in told:
        outbox.to_volunteer(tx, kind, volunteers[offer.volunteer_id], now, offer.task, offer.id)
    return ended


def decline(tx: Session, task: Task, volunteer: Volunteer, reason: str, said: str, now: datetime) -> Answer:
    """A no, with the reason kept. The next volunteer is asked at once."""
    offer = offer_of(task, volunteer)
    waited_for = offer is not None and offer.is_live
    if offer is None or not move(
        tx, offer, OfferState.DECLINED, answered_at=now,
        decline_reason=reason[:20], said=said[:500],
    ):  # fmt: skip
        if offer is not None and said:
            offer.said = said[:500]
        _reached(offer, now)
        return Answer.DECLINED if task.state == TaskState.OPEN else Answer.OVER
    if waited_for:
        learning.learn(tx, [offer], now)  # silence until it expired has been counted already
    _reached(offer, now)
    history.record(tx, "declined", history.volunteer(volunteer), now, task, reason=reason, said=said)
    if waited_for and task.state == TaskState.OPEN:
        task.look_again_at = now
        wake(tx, "look", task.id)
    return Answer.DECLINED


def _reached(offer: Offer | None, now: datetime) -> None:
    """Whoever answers an offer has been asked, by their own page say, though its SMS hasn't left."""
    if offer is not None and offer.unasked_at is not None:
        offer.unasked_at = None
        learning.offered(offer.volunteer, now)


def offer_of(task: Task, volunteer: Volunteer) -> Offer | None:
    """The offer of `task` to `volunteer`."""
    return next((offer for offer in task.offers if offer.volunteer_id == volunteer.id), None)


def standing_assignment(session: Session, task: Task) -> Assignment | None:
    """The assignment that stands for `task`."""
    return session.scalars(_STANDING, {"task_id": task.id}).first()


def held_by(session: Session, task: Task, volunteer: Volunteer) -> Assignment | None:
    """The standing assignment of `task` if it is this volunteer's and still to be done."""
    standing = standing_assignment(session, task)
    if standing is None or standing.volunteer_id != volunteer.id or task.state not in HELD:
        return None
    return standing
