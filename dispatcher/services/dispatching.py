"""Looking at a task when it is due: the next wave, an expiry, a person told."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher import logs
from dispatcher.clock import utcnow
from dispatcher.database import after_commit, db, transaction, use_case
from dispatcher.models import Campus, Message, Offer, Retiree, Stoppage, Task, Volunteer
from dispatcher.rules import policy
from dispatcher.rules.crowd import Candidate, Crowd
from dispatcher.rules.decisions import Choice
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER, OfferState, TaskState
from dispatcher.rules.settings import DispatchSettings, seconds
from dispatcher.services import (
    attention,
    candidates,
    hearing,
    history,
    learning,
    outbox,
    responding,
    roster,
    steps,
    stoppages,
)
from dispatcher.services.states import move_these

log = logging.getLogger(__name__)

TOGETHER = 20
"""So many tasks are decided in one transaction at most, so that nobody else waits long for it."""

_PRESSING = (
    case((Task.is_urgent, 0), else_=1),
    Task.look_again_at,
)
"""In this order tasks are looked at: with more due than one round holds, urgent help mustn't wait."""

_PLANNER_LOCK = 727_001
"""Any number, the same in every process: the name of the lock."""


_ABOUT = (
    joinedload(Task.request, innerjoin=True),
    joinedload(Task.campus, innerjoin=True),
    joinedload(Task.retiree, innerjoin=True).joinedload(Retiree.campus, innerjoin=True),
)
"""Whoever has a task in hand needs these at once: they are read with it."""

_IN_HAND = (
    select(Task)
    .where(Task.id == bindparam("task_id"))
    .options(*_ABOUT)
    .with_for_update(of=Task, key_share=True)
    .execution_options(populate_existing=True)
)

_IS_DUE = Task.look_again_at <= bindparam("now")
_DUE = select(Task.id).where(_IS_DUE).order_by(*_PRESSING).limit(bindparam("most"))
_STILL_DUE = select(Task.state, Task.is_urgent.label("is_urgent")).where(
    Task.id == bindparam("task_id"), _IS_DUE
)

_IS_FIRST = Task.id == bindparam("first_id")
_DUE_TOGETHER = (
    select(Task)
    .where(_IS_DUE, or_(_IS_FIRST, and_(Task.state == str(TaskState.OPEN), Task.remote.is_(False))))
    .order_by(case((_IS_FIRST, 0), else_=1), *_PRESSING)
    .limit(bindparam("most"))
    .options(
        *_ABOUT,
        selectinload(Task.campus, Campus.neighbours),
        selectinload(Task.offers),
        selectinload(Task.assignments),
    )
    .with_for_update(of=Task, skip_locked=True, key_share=True)
    .execution_options(populate_existing=True)
)
_OFFERS = insert(Offer).returning(Offer.id, Offer.task_id, Offer.volunteer_id)


BREATH_S = 0.15
"""So long after a round of this process, in seconds, the next one that isn't urgent begins."""


class _Breath:
    """In a rush a round for each task would cost ten times as much as one for many: whoever has just
    decided waits a moment for what comes meanwhile. Whoever hasn't begins at once."""

    def __init__(self) -> None:
        self._next = 0.0

    def take(self) -> None:
        """Wait until the next round may begin."""
        time.sleep(max(0.0, self._next - time.monotonic()))

    def start(self) -> None:
        """A round has been done."""
        self._next = time.monotonic() + BREATH_S


_breath = _Breath()


def due(now: datetime, limit: int = 200) -> list[int]:
    """Tasks that somebody must look at by now: urgent help first, then the longest waiting."""
    return list(db.session.scalars(_DUE, {"now": now, "most": limit}))


def look_or_set_aside(task_id: int) -> None:
    """As :func:`look`; a task that can't be seen to mustn't stop all the others.

    It is tried once more without the others, whose fault it may be; then a person hears of it.
    """
    for alone in (False, True):
        try:
            return look(task_id, alone=alone)
        except Exception as error:  # noqa: BLE001 (whatever the task holds)
            alone_too = " alone" if alone else ""
            log.error("task %s can't be seen to%s: %s", task_id, alone_too, logs.origin(error))
    try:
        set_aside(task_id, utcnow())
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 (it can't even be read)
        log.error("task %s can't be set aside: %s", task_id, type(error).__name__)
        _set_aside_unread(task_id, utcnow())


@use_case
def look(task_id: int, now: datetime | None = None, alone: bool = False) -> None:
    """Do what is due for a task, whatever its state; nothing when nothing is due.

    Open tasks that are due too are decided with it, unless it is to be seen to `alone`. `now`: by
    default the moment in which its turn has come, so that what was saved while it waited is decided too.

    Any number of workers may look at once: the row is locked (on SQLite the whole database is), and
    whoever comes second leaves it to the first, or finds `look_again_at` in the future.
    """
    # Most looks find that another has been quicker; then nobody's writing is disturbed.
    known = db.session.execute(_STILL_DUE, {"task_id": task_id, "now": now or utcnow()}).first()
    if known is None:
        return
    if now is None and known.state == TaskState.OPEN and not known.is_urgent:
        db.session.rollback()
        _breath.take()
    with transaction() as tx:
        # Before any task is in hand: whoever had to wait decides what has come meanwhile, too.
        _one_planner(tx)
        now = now or utcnow()
        others_too = known.state == TaskState.OPEN and not alone
        tasks = _due_together(tx, task_id, now, TOGETHER if others_too else 1)
        if not tasks:
            return
        task = tasks[0]
        steps.follow(tx, task)
        if task.state == TaskState.OPEN and not task.remote:
            _round(tx, tasks, now)
            after_commit(tx, _breath.start)
        elif task.state == TaskState.OPEN:
            task.look_again_at, task.waiting = None, {"code": "remote"}
            attention.raise_(tx, "remote", now, task)
            steps.looked(tx, [(task, "remote", 0)])
        elif task.state in HELD:
            steps.looked(tx, [(task, _if_silent(tx, task, now), 0)])
        elif task.state == TaskState.DELIVERED:
            task.look_again_at = None
            attention.raise_(tx, "no_word", now, task, kind="delivered", words=outbox.call_words(task))
            steps.looked(tx, [(task, "no_word", 0)])
        else:
            task.look_again_at = None


def _if_silent(tx: Session, task: Task, now: datetime) -> str:
    """Put a held task on the list if nothing has been heard from its volunteer in time; what was found."""
    progress_s = current_app.config["DISPATCH"].pace(task.category, task.urgency).progress_s
    if attention.stands(tx, task, "volunteer_problem"):
        # They were heard of, and somebody is asked to call them already.
        task.look_again_at = now + seconds(progress_s)
        return "volunteer_problem"
    standing = responding.standing_assignment(tx, task)
    word = hearing.last_word(tx, task, standing) if standing is not None else None
    if word is not None and hearing.quiet_until(task, word) > now:
        task.look_again_at = hearing.quiet_until(task, word)
        return "heard"
    task.look_again_at = None
    attention.raise_(tx, "overdue", now, task, **(word.params() if word else {}))
    return "overdue"


@use_case
def set_aside(task_id: int, now: datetime) -> None:
    """Software can't see to a task: tell a person, and try again in a while."""
    settings: DispatchSettings = current_app.config["DISPATCH"]
    with transaction() as tx:
        task = lock(tx, task_id)
        if task is not None:
            task.look_again_at = now + seconds(settings.recheck_s)
            attention.raise_(tx, "software", now, task)


@use_case
def _set_aside_unread(task_id: int, now: datetime) -> None:
    """As :func:`set_aside`, of a task that can't be read."""
    settings: DispatchSettings = current_app.config["DISPATCH"]
    with transaction() as tx:
        again = now + seconds(settings.recheck_s)
        tx.execute(
            update(Task)
            .where(Task.id == task_id)
            .values(look_again_at=again)
            .execution_options(synchronize_session=False)
        )
        attention.raise_(tx, "software", now, subject=f"task:{task_id}", task_id=task_id)


def lock(tx: Session, task_id: int) -> Task | None:
    """The task, held until the end of this transaction, fresh from the database.

    Not against rows that only refer to it: those are written meanwhile.
    """
    return tx.scalars(_IN_HAND, {"task_id": task_id}).first()


def ask_more(tx: Session, task: Task, actor: history.Actor, now: datetime) -> int:
    """Ask one more wave at once, wherever the clock stands. How many were asked."""
    _one_planner(tx)
    people = _to_ask(tx, stoppages.standing(tx), [task], now)
    chosen = policy.ask_more(
        candidates.task_view(task, now), Crowd.of(people), now,
        current_app.config["DISPATCH"], current_app.config["ZONE"], learning.curves(tx),
    )  # fmt: skip
    _offer(tx, [(task, chosen)], people, actor, now)
    steps.looked(tx, [(task, "ask_more", len(chosen))])
    if chosen:
        task.look_again_at = now
    return len(chosen)


def nobody_can_be_asked(tx: Session, now: datetime) -> bool:
    """Whether no offer could leave just now."""
    return stoppages.stops_asking(tx, stoppages.standing(tx), now) is not None


def _due_together(tx: Session, first_id: int, now: datetime, most: int) -> list[Task]:
    """This task, if it is due, and then other open ones that are: what is due together is decided together.

    Those that another worker has in hand are left to it; nothing if that is the first.
    """
    found = list(tx.scalars(_DUE_TOGETHER, {"first_id": first_id, "now": now, "most": most}))
    return found if found and found[0].id == first_id else []


def _round(tx: Session, tasks: list[Task], now: datetime) -> None:
    """The next step of open tasks, decided together, by the one planner."""
    _expire(tx, tasks, now)
    stopping = stoppages.standing(tx)
    stopped = stoppages.stops_asking(tx, stopping, now)
    people = [] if stopped is not None else _to_ask(tx, stopping, tasks, now)
    views = [candidates.task_view(task, now) for task in tasks]
    plans = policy.plan_round(
        views, Crowd.of(people), now,
        current_app.config["DISPATCH"], current_app.config["ZONE"], learning.curves(tx),
    )  # fmt: skip
    if stopped is not None:
        plans = [
            policy.while_stopped(
                view, plan, stopped.setting, now, current_app.config["DISPATCH"], current_app.config["ZONE"]
            )
            for view, plan in zip(views, plans, strict=True)
        ]
    _offer(
        tx, [(task, plan.ask) for task, plan in zip(tasks, plans, strict=True)], people, history.SYSTEM, now
    )
    steps.looked(
        tx, [(task, plan.waiting.code, len(plan.ask)) for task, plan in zip(tasks, plans, strict=True)]
    )
    standing = attention.standing(tx, [task.id for task in tasks])
    for task, plan in zip(tasks, plans, strict=True):
        task.look_again_at = plan.look_again_at
        task.waiting = plan.waiting.as_dict() | ({"then": plan.then.as_dict()} if plan.then else {})
        # What was said of an earlier moment ("nobody is being asked") may no longer be so. In quiet
        # hours nothing has changed: nobody is asked, and whoever was to be told still is.
        outlived = (
            ("due_in_quiet_hours",) if plan.waiting.code == "quiet_hours" else attention.OUTLIVED_BY_A_PLAN
        )
        stale = {*outlived} - {plan.hand_over.code if plan.hand_over else ""}
        if stale & standing.get(task.id, set()):
            attention.settle(tx, task, now, history.SYSTEM, "superseded", tuple(stale))
        if plan.hand_over is not None:
            attention.raise_(tx, plan.hand_over.code, now, task, **plan.hand_over.params)


def _to_ask(tx: Session, stopping: Sequence[Stoppage], tasks: list[Task], now: datetime) -> list[Candidate]:
    """Who is on duty, but those to whose region no SMS leaves just now. Of whoever can't be read a person
    hears, or they would never be asked again, and nobody would know."""
    unreadable: set[int] = set()
    people = candidates.on_duty(tx, tasks, now, unreadable)
    for volunteer_id in sorted(unreadable):
        attention.raise_(tx, "unreadable", now, volunteer=tx.get_one(Volunteer, volunteer_id))
    away = stoppages.out_of_reach(tx, stopping, [person.volunteer_id for person in people], now)
    return [person for person in people if person.volunteer_id not in away] if away else people


def _one_planner(tx: Session) -> None:
    """Caps count offers across tasks, so waves are written one at a time. SQLite has one writer."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(_PLANNER_LOCK)))


def _expire(tx: Session, tasks: list[Task], now: datetime) -> None:
    """End the offers that nobody has answered in time."""
    silent = [
        offer
        for task in tasks
        for offer in task.offers
        if offer.is_live
        # The time of an offer that can't leave doesn't run.
        and offer.unasked_at is None
        and candidates.pending(offer, now).expires_at <= now
    ]
    expired = move_these(tx, silent, OfferState.EXPIRED, LIVE_OFFER)
    volunteers = roster.volunteers(tx, {offer.volunteer_id for offer in expired})
    for offer in expired:
        name = volunteers[offer.volunteer_id].name
        history.record(tx, "expired", history.SYSTEM, now, offer.task, volunteer=name)
    learning.learn(tx, expired, now)


def _forget_unasked(tx: Session, task: Task, volunteer_ids: set[int]) -> None:
    """Whoever is put `task` now has one offer of it: an earlier one that never reached them goes."""
    gone = [
        offer.id
        for offer in task.offers
        if offer.volunteer_id in volunteer_ids and candidates.never_reached(offer)
    ]
    if gone:
        # Offers are taken before their messages everywhere.
        tx.execute(select(Offer.id).where(Offer.id.in_(gone)).order_by(Offer.id).with_for_update())
        tx.execute(update(Message).where(Message.offer_id.in_(gone)).values(offer_id=None))
        tx.execute(delete(Offer).where(Offer.id.in_(gone)))
        tx.expire(task, ["offers"])


def _offer(
    tx: Session,
    waves: Sequence[tuple[Task, Sequence[Choice]]],
    people: Sequence[Candidate],
    actor: history.Actor,
    now: datetime,
) -> None:
    """Write waves: their offers, the messages of these, one line of history each. `people`: the
    crowd's rows."""
    settings: DispatchSettings = current_app.config["DISPATCH"]
    asked = {choice.volunteer_id for _, chosen in waves for choice in chosen}
    if not asked:
        return
    volunteers = roster.volunteers(tx, asked)
    for task, chosen in waves:
        _forget_unasked(tx, task, {choice.volunteer_id for choice in chosen})
    made: list[tuple[Task, Volunteer]] = []
    rows: list[dict[str, Any]] = []
    for task, chosen in waves:
        if not chosen:
            continue
        pace = settings.pace(task.category, task.urgency)
        wave = 1 + max((offer.wave for offer in task.offers), default=0)
        named = []
        for choice in chosen:
            volunteer = volunteers[choice.volunteer_id]
            why = [reason.as_dict() for reason in policy.why(choice, people[choice.row])]
            rows.append(
                {
                    "task_id": task.id, "volunteer_id": volunteer.id, "wave": wave, "ring": choice.ring,
                    "chance": choice.chance, "why": why, "urgent": task.is_urgent,
                    "state": str(OfferState.QUEUED), "created_at": now,
                    "expires_at": now + seconds(pace.expiry_s),
                }
            )  # fmt: skip
            learning.offered(volunteer, now)
            named.append({"name": volunteer.name, "why": why})
            made.append((task, volunteer))
        history.record(tx, "wave", actor, now, task, wave=wave, asked=named)
    written = tx.execute(_OFFERS, rows)
    offers = {(row.task_id, row.volunteer_id): row.id for row in written}
    slots = outbox.help_slots(tx, made, now)
    for task, volunteer in made:
        slot = slots[volunteer.phone, task.id]
        outbox.to_volunteer(
            tx, "offer", volunteer, now, task, offers[task.id, volunteer.id],
            area=task.retiree.area, danger=task.request.script_given_at is not None,
            yes=f"{slot}1", no=f"{slot}0",
        )  # fmt: skip
