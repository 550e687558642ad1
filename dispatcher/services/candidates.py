"""What the policy is told: a task and the volunteers who might be asked, read from the database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from dispatcher.models import Assignment, DutyWindow, Offer, Task, Volunteer
from dispatcher.rules.availability import Window, on_duty_until
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER
from dispatcher.rules.policy import Candidate, PendingOffer, TaskView

_WEEK = timedelta(days=7)


def task_view(task: Task) -> TaskView:
    """`task` as the policy sees it."""
    return TaskView(
        campus_id=task.campus_id,
        neighbours=tuple(n.neighbour_id for n in task.campus.neighbours),
        category=task.category,
        urgency=task.urgency,
        opened_at=task.opened_at,
        due_by=task.due_by,
        pending=tuple(
            PendingOffer(offer.created_at, offer.expires_at)
            for offer in task.offers
            if offer.state in LIVE_OFFER
        ),
    )


def on_duty(session: Session, task: Task, now: datetime) -> list[Candidate]:
    """The volunteers whose duty covers `now`: the ones a wave may be drawn from."""
    local = now.astimezone(current_app.config["ZONE"])
    minute = local.hour * 60 + local.minute
    query = (
        select(Volunteer)
        .join(DutyWindow)
        .where(
            DutyWindow.weekday == local.weekday(),
            DutyWindow.start_min <= minute,
            DutyWindow.end_min > minute,
            Volunteer.active,
            Volunteer.stopped_at.is_(None),
        )
        .distinct()
    )
    return _candidates(session, query, task, now)


def everybody(session: Session, task: Task, now: datetime) -> list[Candidate]:
    """All active volunteers, for a coordinator who assigns by hand."""
    return _candidates(session, select(Volunteer).where(Volunteer.active), task, now)


def _candidates(session: Session, query: Select[Volunteer], task: Task, now: datetime) -> list[Candidate]:
    zone = current_app.config["ZONE"]
    volunteers = session.scalars(query.options(selectinload(Volunteer.windows))).all()
    ids = [v.id for v in volunteers]
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    held = _counts(
        session,
        ids,
        select(Assignment.volunteer_id, func.count())
        .join(Task, Task.id == Assignment.task_id)
        .where(Assignment.ended_at.is_(None), Task.state.in_([str(s) for s in HELD])),
        Assignment.volunteer_id,
    )
    week = _counts(
        session,
        ids,
        select(Assignment.volunteer_id, func.count()).where(Assignment.created_at > now - _WEEK),
        Assignment.volunteer_id,
    )
    calm = select(Offer.volunteer_id, func.count()).where(Offer.urgent.is_(False))
    alerts = _counts(session, ids, calm.where(Offer.created_at >= midnight), Offer.volunteer_id)
    live = _counts(
        session,
        ids,
        calm.where(Offer.state.in_([str(s) for s in LIVE_OFFER])),
        Offer.volunteer_id,
    )
    asked = set(session.scalars(select(Offer.volunteer_id).where(Offer.task_id == task.id)).all()) | set(
        # Whoever held it and gave it back isn't asked again, however they came to hold it.
        session.scalars(select(Assignment.volunteer_id).where(Assignment.task_id == task.id)).all()
    )
    return [
        Candidate(
            volunteer_id=v.id,
            campus_id=v.campus_id,
            on_duty_until=on_duty_until(_windows(v.windows), now, zone),
            available=v.stopped_at is None and (v.paused_until is None or v.paused_until <= now),
            held=held.get(v.id, 0),
            capacity=v.capacity,
            week_load=week.get(v.id, 0),
            alerts_today=alerts.get(v.id, 0),
            live_offers=live.get(v.id, 0),
            last_asked_at=v.last_asked_at,
            agreed_urgent=v.night_ok,
            asked=v.id in asked,
        )
        for v in volunteers
    ]


def _windows(rows: Iterable[DutyWindow]) -> list[Window]:
    return [Window(w.weekday, w.start_min, w.end_min) for w in rows]


def _counts(session: Session, ids: list[int], query: Any, column: Any) -> dict[int, int]:
    rows = session.execute(query.where(column.in_(ids)).group_by(column)).all()
    return dict(tuple(row) for row in rows)
