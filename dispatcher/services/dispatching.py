"""Looking at a task when it is due: the next wave, an expiry, a person told."""

from datetime import datetime

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.database import db, transaction
from dispatcher.models import Offer, Task, Volunteer
from dispatcher.rules import policy
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER, OfferState, TaskState
from dispatcher.rules.settings import DispatchSettings, is_urgent, seconds
from dispatcher.services import attention, candidates, history, outbox
from dispatcher.services.states import move

_PLANNER_LOCK = 727_001
"""Any number, the same in every process: the name of the lock."""


def due(now: datetime, limit: int = 200) -> list[int]:
    """Tasks that somebody must look at by now, the longest waiting first."""
    return list(
        db.session.scalars(
            select(Task.id).where(Task.look_again_at <= now).order_by(Task.look_again_at).limit(limit)
        )
    )


def look(task_id: int, now: datetime) -> None:
    """Do what is due for a task, whatever its state; nothing when nothing is due.

    Any number of workers may look at once: the row is locked (on SQLite the whole database is), and
    whoever comes second finds `look_again_at` in the future.
    """
    with transaction() as tx:
        task = lock(tx, task_id)
        if task is None or task.look_again_at is None or task.look_again_at > now:
            return
        if task.state == TaskState.OPEN and not task.remote:
            _next_wave(tx, task, now)
        elif task.state == TaskState.OPEN:
            task.look_again_at, task.waiting = None, {"code": "remote"}
            attention.raise_(tx, "remote", now, task)
        elif task.state in HELD:
            task.look_again_at = None
            attention.raise_(tx, "overdue", now, task)
        elif task.state == TaskState.DELIVERED:
            task.look_again_at = None
            attention.raise_(tx, "no_word", now, task, kind="delivered", words=outbox.call_words(task))
        else:
            task.look_again_at = None


def set_aside(task_id: int, now: datetime) -> None:
    """Software can't see to a task: tell a person, and try again in a while."""
    settings: DispatchSettings = current_app.config["DISPATCH"]
    with transaction() as tx:
        task = lock(tx, task_id)
        if task is not None:
            task.look_again_at = now + seconds(settings.recheck_s)
            attention.raise_(tx, "software", now, task)


def lock(tx: Session, task_id: int) -> Task | None:
    """The task, held until the end of this transaction, fresh from the database."""
    return tx.scalars(
        select(Task).where(Task.id == task_id).with_for_update().execution_options(populate_existing=True)
    ).first()


def ask_more(tx: Session, task: Task, actor: history.Actor, now: datetime) -> int:
    """Ask one more wave at once, wherever the clock stands. How many were asked."""
    settings = current_app.config["DISPATCH"]
    zone = current_app.config["ZONE"]
    _one_planner(tx)
    view = candidates.task_view(task)
    ranked = policy.rank(view, candidates.on_duty(tx, task, now), now, settings, zone)
    wave = settings.pace(task.category, task.urgency).wave
    chosen = [a for a in ranked if not a.bars][:wave]
    _offer(tx, task, chosen, actor, now)
    if chosen:
        task.look_again_at = now
    return len(chosen)


def _next_wave(tx: Session, task: Task, now: datetime) -> None:
    settings = current_app.config["DISPATCH"]
    _one_planner(tx)
    _expire(tx, task, now)
    step = policy.plan(
        candidates.task_view(task),
        candidates.on_duty(tx, task, now),
        now,
        settings,
        current_app.config["ZONE"],
    )
    _offer(tx, task, step.ask, history.SYSTEM, now)
    task.look_again_at = step.look_again_at
    task.waiting = step.waiting.as_dict()
    # What was said of an earlier moment ("nobody is being asked") may no longer be so.
    stale = {*attention.SETTLED_BY_ACCEPTING} - {step.hand_over.code if step.hand_over else ""}
    attention.settle(tx, task, now, history.SYSTEM, "superseded", tuple(stale))
    if step.hand_over is not None:
        attention.raise_(tx, step.hand_over.code, now, task, **step.hand_over.params)


def _one_planner(tx: Session) -> None:
    """Caps count offers across tasks, so waves are written one at a time. SQLite has one writer."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(_PLANNER_LOCK)))


def _expire(tx: Session, task: Task, now: datetime) -> None:
    for offer in task.offers:
        if (
            offer.state in LIVE_OFFER
            and offer.expires_at <= now
            and move(tx, offer, OfferState.EXPIRED, LIVE_OFFER)
        ):
            history.record(tx, "expired", history.SYSTEM, now, task, volunteer=offer.volunteer.name)


def _offer(
    tx: Session,
    task: Task,
    chosen: list[policy.Assessment] | tuple[policy.Assessment, ...],
    actor: history.Actor,
    now: datetime,
) -> None:
    """Write a wave: its offers, their messages, one line of history."""
    if not chosen:
        return
    settings = current_app.config["DISPATCH"]
    pace = settings.pace(task.category, task.urgency)
    wave = 1 + max((offer.wave for offer in task.offers), default=0)
    asked = []
    for assessment in chosen:
        volunteer = tx.get_one(Volunteer, assessment.candidate.volunteer_id)
        offer = Offer(
            task=task,
            volunteer=volunteer,
            wave=wave,
            ring=assessment.ring,
            why=[reason.as_dict() for reason in assessment.why],
            urgent=is_urgent(task.category, task.urgency),
            state=OfferState.QUEUED,
            created_at=now,
            expires_at=now + seconds(pace.expiry_s),
        )
        tx.add(offer)
        tx.flush()
        volunteer.last_asked_at = now
        code = outbox.reply_code(tx, volunteer.phone, "help", task, now, volunteer.id)
        outbox.to_volunteer(
            tx, "offer", volunteer, now, task, offer,
            area=task.retiree.area, yes=f"{code.slot}1", no=f"{code.slot}0",
        )  # fmt: skip
        asked.append({"name": volunteer.name, "why": offer.why})
    history.record(tx, "wave", actor, now, task, wave=wave, asked=asked)
