"""Phones that want no more SMS, and those that want them again, for everybody whose phone it is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.database import transaction, use_case, wake
from dispatcher.models import Attention, Offer, Retiree, RetireePhone, Staff, Task, Volunteer
from dispatcher.rules.lifecycle import LIVE_OFFER, OfferState
from dispatcher.rules.opt_out import Wish
from dispatcher.services import attention, history, senders
from dispatcher.services.states import move

_PHONES = (
    select(RetireePhone).where(RetireePhone.number == bindparam("phone")).order_by(RetireePhone.retiree_id)
)
_STOPPED = (
    select(RetireePhone.id)
    .where(RetireePhone.number == bindparam("phone"), RetireePhone.stopped_at.is_not(None))
    .limit(1)
)


def has_stopped(session: Session, volunteer: Volunteer | None, phone: str) -> bool:
    """Whether nobody is to get SMS on `phone`, which is that of `volunteer`, if of any."""
    if volunteer is not None and volunteer.stopped_at is not None:
        return True
    return session.scalars(_STOPPED, {"phone": phone}).first() is not None


def honour(tx: Session, wish: Wish, phone: str, now: datetime) -> None:
    """Do what a phone wishes, for each whose phone it is: a volunteer, retirees, or all of them. The gateway
    itself confirms it to the sender."""
    volunteer = senders.volunteer_of(tx, phone)
    if volunteer is not None:
        history.record(tx, wish.lower(), history.volunteer(volunteer), now)
        if wish is Wish.STOP:
            _stop_volunteer(tx, volunteer, now)
        else:
            _start_volunteer(tx, volunteer, now)
    for theirs in _phones(tx, phone):
        retiree = tx.get_one(Retiree, theirs.retiree_id)
        history.record(tx, wish.lower(), history.retiree(retiree), now)
        if wish is Wish.STOP:
            _stop_retiree(tx, retiree, theirs, now)
        else:
            _start_retiree(tx, retiree, [theirs], history.SYSTEM, now)


def refused(tx: Session, phone: str, now: datetime) -> None:
    """The gateway says that `phone` wants no more SMS: as if STOP had come from it."""
    volunteer = senders.volunteer_of(tx, phone)
    if volunteer is not None and volunteer.stopped_at is None:
        history.record(tx, "opted_out", history.SYSTEM, now, volunteer=volunteer.name)
        _stop_volunteer(tx, volunteer, now)
    for theirs in _phones(tx, phone):
        if theirs.stopped_at is None:
            retiree = tx.get_one(Retiree, theirs.retiree_id)
            history.record(tx, "opted_out", history.SYSTEM, now, retiree=retiree.name)
            _stop_retiree(tx, retiree, theirs, now)


@use_case
def wanted_again(attention_id: int, by: Staff, now: datetime) -> bool:
    """The person whom a standing "stopped", or a call because of it, is about has told the office that they
    want SMS again. False: it stands no more, or their phone is lost, which is mended elsewhere.

    Others who share the phone stay as they are: one person can't consent for another, and what those must
    know is still told by telephone. START from the phone itself is for all of them. Until then
    :func:`has_stopped` stays true of the number, so that their "YES" is read as START.
    """
    with transaction() as tx:
        standing = tx.get(Attention, attention_id)
        if standing is None or standing.resolved_at is not None:
            return False
        if standing.reason != "stopped" and standing.params.get("because") != "stopped":
            return False
        actor = history.staff(by)
        if standing.volunteer is not None:
            return _allow_volunteer(tx, standing.volunteer, actor, now)
        if standing.retiree is not None:
            history.record(tx, "start_by_staff", actor, now, retiree=standing.retiree.name)
            _start_retiree(tx, standing.retiree, standing.retiree.phones, actor, now)
            return True
        return False


@use_case
def volunteer_wants_again(volunteer_id: int, by: Staff, now: datetime) -> bool:
    """As :func:`wanted_again`, by the volunteer."""
    with transaction() as tx:
        volunteer = tx.get(Volunteer, volunteer_id)
        return volunteer is not None and _allow_volunteer(tx, volunteer, history.staff(by), now)


def _allow_volunteer(tx: Session, volunteer: Volunteer, actor: history.Actor, now: datetime) -> bool:
    if volunteer.is_phone_lost or volunteer.stopped_at is None:
        return False
    history.record(tx, "start_by_staff", actor, now, volunteer=volunteer.name, volunteer_id=volunteer.id)
    _start_volunteer(tx, volunteer, now, actor)
    return True


def _phones(tx: Session, phone: str) -> Sequence[RetireePhone]:
    return tx.scalars(_PHONES, {"phone": phone}).all()


def _stop_volunteer(tx: Session, volunteer: Volunteer, now: datetime) -> None:
    live = select(Offer).where(Offer.volunteer_id == volunteer.id, Offer.is_live).order_by(Offer.id)
    # Tasks are taken before their offers everywhere, in the order of their ids.
    tasks = select(Task.id).where(Task.id.in_(live.with_only_columns(Offer.task_id).order_by(None)))
    tx.execute(tasks.order_by(Task.id).with_for_update(key_share=True))
    volunteer.stopped_at = volunteer.stopped_at or now
    for offer in tx.scalars(live).all():
        if move(tx, offer, OfferState.EXPIRED, LIVE_OFFER):
            offer.task.look_again_at = now
            wake(tx, "look", offer.task_id)
    attention.raise_(tx, "stopped", now, volunteer=volunteer)


def _start_volunteer(
    tx: Session, volunteer: Volunteer, now: datetime, actor: history.Actor = history.SYSTEM
) -> None:
    volunteer.stopped_at = None
    _resolve(tx, f"volunteer:{volunteer.id}", actor, now)


def _stop_retiree(tx: Session, retiree: Retiree, theirs: RetireePhone, now: datetime) -> None:
    theirs.stopped_at = theirs.stopped_at or now
    attention.raise_(tx, "stopped", now, retiree=retiree, phone=theirs.number)


def _start_retiree(
    tx: Session, retiree: Retiree, theirs: Sequence[RetireePhone], actor: history.Actor, now: datetime
) -> None:
    for phone in theirs:
        phone.stopped_at = None
    if all(phone.stopped_at is None for phone in retiree.phones):
        _resolve(tx, f"retiree:{retiree.id}", actor, now)


def _resolve(tx: Session, subject: str, actor: history.Actor, now: datetime) -> None:
    standing = attention.find(tx, subject, "stopped")
    if standing is not None:
        attention.resolve(tx, standing.id, now, actor, "settled")
