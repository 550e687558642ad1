"""A volunteer's own page: what is theirs to do, what they have given, and when they may be asked.

The link to it goes by SMS to the volunteer's own number, whoever asks for it: a task's link may have been
passed on, and must not open more than that task.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import Assignment, Campus, Message, Offer, Staff, Task, Volunteer
from dispatcher.rules import availability
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER, MessageState, OfferState, TaskState
from dispatcher.rules.roster import check_agreed
from dispatcher.rules.tally import Given, Stint, Tally, tally
from dispatcher.services import candidates, dispatching, history, messaging, outbox, pausing, roster, tokens
from dispatcher.services.states import move_these

UnknownLink = tokens.UnknownLink

SEND_EVERY = timedelta(minutes=10)
"""So often the link is sent to a volunteer at most, whoever asks for it."""

FREE_HOURS = (1, 2, 4)
CAPACITIES = range(1, 6)
SHOWN = 30
"""So many tasks of the past are shown."""

_STAGES = {
    TaskState.ASSIGNED: "yours", TaskState.UNDERWAY: "underway", TaskState.DELIVERED: "delivered"
}  # fmt: skip

_HELD = (
    select(Assignment)
    .join(Task)
    .where(
        Assignment.volunteer_id == bindparam("volunteer_id"),
        Assignment.ended_at.is_(None),
        Task.state.in_([str(state) for state in (*HELD, TaskState.DELIVERED)]),
    )
    .options(joinedload(Assignment.task).joinedload(Task.campus))
    .options(joinedload(Assignment.task).joinedload(Task.retiree))
    .order_by(Assignment.id)
)
_ASKED = (
    select(Offer)
    .join(Task)
    .where(Offer.volunteer_id == bindparam("volunteer_id"), Offer.is_live, Task.state == str(TaskState.OPEN))
    .options(joinedload(Offer.task).joinedload(Task.campus))
    .options(joinedload(Offer.task).joinedload(Task.retiree))
    .order_by(Offer.id)
)
_ENDED = (
    select(
        Assignment.created_at, Assignment.ended_at, Assignment.end_reason, Task.delivered_at, Task.category,
        Task.state, Campus.name_zh, Campus.name_en,
    )
    .join(Task, Task.id == Assignment.task_id)
    .join(Campus, Campus.id == Task.campus_id)
    .where(Assignment.volunteer_id == bindparam("volunteer_id"))
    .order_by(Assignment.created_at.desc(), Assignment.id.desc())
)  # fmt: skip
_WAS_ASKED = select(Offer.id).where(
    Offer.task_id == bindparam("task_id"), Offer.volunteer_id == bindparam("volunteer_id")
)
_WAS_GIVEN = select(Assignment.id).where(
    Assignment.task_id == bindparam("task_id"), Assignment.volunteer_id == bindparam("volunteer_id")
)
_SENT_SINCE = (
    select(Message.id)
    .where(
        Message.phone == bindparam("phone"),
        Message.kind == tokens.YOUR_PAGE,
        Message.created_at > bindparam("since"),
    )
    .limit(1)
)
_NOT_SENT_YET = (
    select(Message)
    .where(
        Message.phone == bindparam("phone"),
        Message.volunteer_id == bindparam("volunteer_id"),
        Message.state == str(MessageState.QUEUED),
    )
    .order_by(Message.id)
)
_LIVE_OFFERS = (
    select(Offer)
    .where(Offer.volunteer_id == bindparam("volunteer_id"), Offer.is_live)
    .order_by(Offer.task_id)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class OwnTask:
    """A task that is theirs or put to them. `name`: of the retiree, once it is theirs."""

    id: int
    stage: str
    category: str
    urgency: str
    campus: str
    area: str
    due: datetime | None
    line_count: int
    name: str


@dataclass(frozen=True)
class Past:
    """A task that is over for them. `how`: "done", "handed_back", "released", "cancelled" or "closed"."""

    at: datetime
    category: str
    campus: str
    how: str


@dataclass(frozen=True)
class OwnPage:
    """What a volunteer sees of themselves. `duty_until`: of the duty that covers this moment, if any, whether
    by their hours or because they have said so. `past`: by (year, month), the newest first."""

    language: str
    hotline: str
    name: str
    campus: str
    capacity: int
    own_language: str
    stopped: bool
    paused_until: datetime | None
    free_until: datetime | None
    duty_until: datetime | None
    tasks: list[OwnTask]
    past: list[tuple[tuple[int, int], Given, list[Past]]]
    tally: Tally


def owner(session: Session, token: str, now: datetime) -> Volunteer:
    """Whose page a link opens.

    Raises:
        UnknownLink: there is no such link (any more), or they are a volunteer no longer.
    """
    link = tokens.find(session, token, now)
    if link is None or link.task_id is not None:
        raise UnknownLink
    volunteer = session.get_one(Volunteer, link.volunteer_id)
    if not volunteer.active:
        raise UnknownLink
    return volunteer


def concerns(session: Session, volunteer: Volunteer, task_id: int) -> bool:
    """Whether `volunteer` was ever asked for this task or given it."""
    which = {"task_id": task_id, "volunteer_id": volunteer.id}
    return any(session.scalars(query, which).first() is not None for query in (_WAS_ASKED, _WAS_GIVEN))


def page(token: str, now: datetime, language: str | None = None) -> OwnPage:
    """The page behind a link. Reads only.

    Raises:
        UnknownLink: as in :func:`owner`.
    """
    session, zone = db.session(), current_app.config["ZONE"]
    volunteer = owner(session, token, now)
    language = language or volunteer.language
    ended = session.execute(_ENDED, {"volunteer_id": volunteer.id}).all()
    done = [row for row in ended if _how(row) == "done"]
    given = tally((Stint(row.created_at, row.delivered_at) for row in done), now, zone)
    over = [row for row in ended if row.ended_at is not None][:SHOWN]
    months: dict[tuple[int, int], list[Past]] = {}
    for row in over:
        local = (row.delivered_at if _how(row) == "done" else row.ended_at).astimezone(zone)
        name = row.name_en if language == "en" else row.name_zh
        months.setdefault((local.year, local.month), []).append(Past(local, row.category, name, _how(row)))
    return OwnPage(
        language=language,
        hotline=current_app.config["HOTLINE_PHONE"],
        name=volunteer.name,
        campus=volunteer.campus.name(language),
        capacity=volunteer.capacity,
        own_language=volunteer.language,
        stopped=volunteer.stopped_at is not None,
        paused_until=_if_ahead(volunteer.paused_until, now),
        free_until=_if_ahead(volunteer.free_until, now),
        duty_until=availability.on_duty_until(
            candidates.duty_windows(volunteer.windows), now, zone, volunteer.free_until
        ),
        tasks=list(_tasks(session, volunteer, language)),
        past=[
            (month, given.months.get(month, Given(0, timedelta())), found)
            for month, found in sorted(months.items(), reverse=True)
        ],
        tally=given,
    )


def _tasks(session: Session, volunteer: Volunteer, language: str) -> Iterable[OwnTask]:
    """What is theirs, and then what is put to them."""
    which = {"volunteer_id": volunteer.id}
    for assignment in session.scalars(_HELD, which):
        task = assignment.task
        yield _task(task, _STAGES[TaskState(task.state)], language, task.retiree.titled(language))
    for offer in session.scalars(_ASKED, which):
        yield _task(offer.task, "offered", language, "")


def _task(task: Task, stage: str, language: str, name: str) -> OwnTask:
    return OwnTask(
        id=task.id, stage=stage, category=task.category,
        urgency=task.shown_urgency, campus=task.campus.name(language),
        area=task.retiree.area, due=task.due_by, line_count=len(task.items), name=name,
    )  # fmt: skip


def _how(row: object) -> str:
    """How what an assignment was for has ended for its volunteer, by a row of :data:`_ENDED`."""
    reason, delivered = row.end_reason, row.delivered_at  # type: ignore[attr-defined]
    if reason in ("", "closed"):
        return "done" if delivered is not None else "closed"
    return {"handed_back": "handed_back", "cancelled": "cancelled"}.get(reason, "released")


def _if_ahead(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment > now else None


@use_case
def pause(token: str, until: datetime, now: datetime) -> None:
    """Ask them for nothing before `until`. What they hold or were asked for stays.

    Raises:
        UnknownLink: as in :func:`owner`.
    """
    with transaction() as tx:
        volunteer = _in_hand(tx, owner(tx, token, now).id)
        pausing.pause(tx, volunteer, until, history.volunteer(volunteer), now)


@use_case
def resume(token: str, now: datetime) -> None:
    """The pause is over.

    Raises:
        UnknownLink: as in :func:`owner`.
    """
    with transaction() as tx:
        volunteer = _in_hand(tx, owner(tx, token, now).id)
        pausing.resume(tx, volunteer, history.volunteer(volunteer), now)


@use_case
def free(token: str, hours: int, now: datetime) -> None:
    """They are free for so many hours from now on, whatever their duty hours say; 0: no longer. It ends a
    pause.

    Raises:
        UnknownLink: as in :func:`owner`.
    """
    with transaction() as tx:
        volunteer = _in_hand(tx, owner(tx, token, now).id)
        actor, before = history.volunteer(volunteer), _if_ahead(volunteer.free_until, now)
        if not hours:
            volunteer.free_until = None
            if before:
                history.record(tx, "busy", actor, now)
            return
        until = now + timedelta(hours=hours)
        if before and abs(until - before) < timedelta(minutes=1):
            return  # a second tap
        volunteer.free_until, volunteer.paused_until = until, None
        history.record(tx, "free", actor, now, until=until.isoformat())


@use_case
def settle_on(token: str, language: str, capacity: int, now: datetime) -> None:
    """Their language, and how many tasks they take at once.

    Raises:
        UnknownLink: as in :func:`owner`.
        dispatcher.rules.roster.RosterError: the roster can't hold that.
    """
    check_agreed(language, capacity)
    with transaction() as tx:
        volunteer = _in_hand(tx, owner(tx, token, now).id)
        if (volunteer.language, volunteer.capacity) != (language, capacity):
            volunteer.language, volunteer.capacity = language, capacity
            history.record(
                tx, "settings", history.volunteer(volunteer), now, language=language, capacity=capacity
            )


def send_link(tx: Session, volunteer: Volunteer, now: datetime, by_staff: bool = False) -> str:
    """Send the link to their own page to their phone: "sent", "lately" when that was done a moment ago, or
    "unreachable" when nothing may go to them, for they have sent STOP or are a volunteer no longer.

    Once they have lost their links, the staff send the first new one, at once if they like: whoever else asks
    may be whoever has the phone.
    """
    volunteer = _in_hand(tx, volunteer.id)  # two who ask at the same time: one SMS
    found_again = by_staff and volunteer.is_phone_lost
    if found_again:
        # Who had sent STOP before has still done so.
        volunteer.stopped_at = None if volunteer.stopped_at == volunteer.links_lost_at else now
    if not volunteer.active or volunteer.stopped_at is not None:
        return "unreachable"
    if (
        not found_again
        and tx.scalar(_SENT_SINCE, {"phone": volunteer.phone, "since": now - SEND_EVERY}) is not None
    ):
        return "lately"
    outbox.to_volunteer(tx, tokens.YOUR_PAGE, volunteer, now)
    return "sent"


@use_case
def send_by_staff(volunteer_id: int, by: Staff, now: datetime) -> str:
    """As :func:`send_link`, for a member of staff; "unreachable" also when there is no such volunteer."""
    with transaction() as tx:
        volunteer = tx.get(Volunteer, volunteer_id)
        if volunteer is None:
            return "unreachable"
        outcome = send_link(tx, volunteer, now, by_staff=True)
        if outcome == "sent":
            history.record(tx, "page_sent", history.staff(by), now, volunteer=volunteer.name)
        return outcome


@use_case
def links_lost(volunteer_id: int, by: Staff, now: datetime) -> bool:
    """Their phone is lost: whoever has it now must learn nothing by it. False: there is no such volunteer.

    Every link ends, to tasks and to their own page, and what waits to be sent. What they are asked is
    withdrawn, and others are asked. Until the staff have sent the link to their own page again, nothing goes
    to the phone, and nothing that comes from it does anything but show up on the board.
    """
    with transaction() as tx:
        volunteer = tx.get(Volunteer, volunteer_id)
        if volunteer is None:
            return False
        which = {"volunteer_id": volunteer.id}
        for offer in tx.scalars(_LIVE_OFFERS, which).all():
            dispatching.lock(tx, offer.task_id)  # the task first, as everywhere, and then offers, messages
        for offer in move_these(tx, tx.scalars(_LIVE_OFFERS, which).all(), OfferState.WITHDRAWN, LIVE_OFFER):
            offer.task.look_again_at = now
            wake(tx, "look", offer.task_id)
        # What goes to a number that they had before is given up when it is about to be sent.
        waiting = tx.scalars(_NOT_SENT_YET, which | {"phone": volunteer.phone}).all()
        outbox.give_up(tx, [one for one in waiting if messaging.has_link(one.kind, one.language)], now)
        # After the messages: what a worker was about to send has its link by now.
        tokens.revoke_all(tx, volunteer.id, now)
        volunteer = _in_hand(tx, volunteer.id)
        volunteer.links_lost_at, volunteer.stopped_at = now, volunteer.stopped_at or now
        history.record(
            tx, "links_lost", history.staff(by), now, volunteer=volunteer.name, volunteer_id=volunteer.id
        )
        return True


def _in_hand(tx: Session, volunteer_id: int) -> Volunteer:
    """The volunteer, held until the end of this transaction."""
    volunteer = roster.hold(tx, volunteer_id)
    if volunteer is None:
        raise LookupError("a link without its volunteer")
    return volunteer
