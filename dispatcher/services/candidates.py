"""What the policy is told: a task and the volunteers who might be asked, read from the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import Assignment, DutyWindow, Offer, Task, Volunteer
from dispatcher.rules.availability import Window, on_duty_until
from dispatcher.rules.crowd import Candidate
from dispatcher.rules.decisions import PendingOffer, TaskView
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER
from dispatcher.services import learning

_WEEK = timedelta(days=7)
_LOAD_WEEKS = 4
_HELD = [str(state) for state in HELD]
_LIVE = [str(state) for state in LIVE_OFFER]

FARTHER = 300
"""Of those on duty neither at a task's campus nor near it, so many are considered, the most rested
first: enough for any wave, however large the scheme."""


def task_view(session: Session, task: Task) -> TaskView:
    """`task` as the policy sees it."""
    # Whoever held it and gave it back isn't asked again, however they came to hold it.
    held = session.scalars(select(Assignment.volunteer_id).where(Assignment.task_id == task.id))
    return TaskView(
        task_id=task.id,
        campus_id=task.campus_id,
        neighbours=tuple(n.neighbour_id for n in task.campus.neighbours),
        category=task.category,
        urgency=task.urgency,
        opened_at=task.opened_at,
        due_by=task.due_by,
        pending=tuple(
            PendingOffer(offer.created_at, offer.expires_at, offer.chance)
            for offer in task.offers
            if offer.state in LIVE_OFFER
        ),
        asked=frozenset({offer.volunteer_id for offer in task.offers} | set(held)),
    )


def on_duty(session: Session, tasks: Sequence[Task], now: datetime) -> list[Candidate]:
    """The volunteers whose duty covers `now`, among whom waves for `tasks` may be chosen.

    All of the tasks' campuses and their neighbours, and :data:`FARTHER` of the rest.
    """
    near = {campus_id for task in tasks for campus_id in _around(task)}
    query = (
        select(Volunteer)
        .where(
            Volunteer.id.in_(_on_duty_ids(now)), Volunteer.active, Volunteer.stopped_at.is_(None)
        )
        .order_by(Volunteer.id)
    )  # fmt: skip
    rested = Volunteer.last_asked_at.asc().nulls_first()
    here = session.scalars(_whole(query.where(Volunteer.campus_id.in_(near)))).all()
    # Few of many: no place is for somebody who can't be asked just now.
    local = now.astimezone(current_app.config["ZONE"])
    elsewhere = (
        query.where(
            Volunteer.campus_id.not_in(near),
            or_(Volunteer.paused_until.is_(None), Volunteer.paused_until <= now),
            true() if current_app.config["DISPATCH"].quiet_until(local) is None else Volunteer.night_ok,
        )
        .order_by(None)
        .order_by(rested, Volunteer.id)
    )
    farther = session.scalars(_whole(elsewhere.limit(FARTHER))).all()
    return _candidates(session, [*here, *farther], now)


def everybody(session: Session, task: Task, now: datetime, limit: int) -> list[tuple[Candidate, Volunteer]]:
    """Active volunteers whom a coordinator may choose from: those at the task's campus and near it,
    then others, `limit` of them at most."""
    nearby = Volunteer.campus_id.in_(_around(task))
    query = select(Volunteer).where(Volunteer.active).order_by(nearby.desc(), Volunteer.id).limit(limit)
    people = session.scalars(_whole(query)).all()
    return list(zip(_candidates(session, people, now), people, strict=True))


def duty_windows(rows: Iterable[DutyWindow]) -> list[Window]:
    """Duty windows as the rules see them."""
    return [Window(w.weekday, w.start_min, w.end_min) for w in rows]


def _around(task: Task) -> list[int]:
    return [task.campus_id, *(n.neighbour_id for n in task.campus.neighbours)]


def _on_duty_ids(now: datetime) -> Select[int]:
    local = now.astimezone(current_app.config["ZONE"])
    minute = local.hour * 60 + local.minute
    return select(DutyWindow.volunteer_id).where(
        DutyWindow.weekday == local.weekday(),
        DutyWindow.start_min <= minute,
        DutyWindow.end_min > minute,
    )


def _whole(query: Select[Volunteer]) -> Select[Volunteer]:
    return query.options(
        selectinload(Volunteer.windows), joinedload(Volunteer.acceptance), joinedload(Volunteer.campus)
    )


def _candidates(session: Session, people: Sequence[Volunteer], now: datetime) -> list[Candidate]:
    zone, settings = current_app.config["ZONE"], current_app.config["DISPATCH"]
    ids = [v.id for v in people]
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    held = _counts(
        session, Assignment.volunteer_id, ids,
        and_(Assignment.ended_at.is_(None), Task.state.in_(_HELD)), Task.id == Assignment.task_id,
    )  # fmt: skip
    taken = _counts(session, Assignment.volunteer_id, ids, Assignment.created_at > now - _LOAD_WEEKS * _WEEK)
    week = _counts(session, Assignment.volunteer_id, ids, Assignment.created_at > now - _WEEK)
    calm = Offer.urgent.is_(False)
    alerts = _counts(session, Offer.volunteer_id, ids, and_(calm, Offer.created_at >= midnight))
    live = _counts(session, Offer.volunteer_id, ids, and_(calm, Offer.state.in_(_LIVE)))
    live_urgent = _counts(session, Offer.volunteer_id, ids, and_(~calm, Offer.state.in_(_LIVE)))
    found = []
    for v in people:
        known = learning.evidence(v.acceptance, now).at(now, settings.learning)
        windows = duty_windows(v.windows)
        weekly_hours = sum(w.end_min - w.start_min for w in windows) / 60
        found.append(
            Candidate(
                volunteer_id=v.id,
                campus_id=v.campus_id,
                on_duty_until=on_duty_until(windows, now, zone),
                available=v.stopped_at is None and (v.paused_until is None or v.paused_until <= now),
                agreed_urgent=v.night_ok,
                held=held.get(v.id, 0),
                capacity=v.capacity,
                alerts_today=alerts.get(v.id, 0),
                live_offers=live.get(v.id, 0),
                live_urgent=live_urgent.get(v.id, 0),
                recent_offers=learning.recently(v, now),
                load=taken.get(v.id, 0) / max(weekly_hours, 1.0),
                week_load=week.get(v.id, 0),
                accepts=known.accepts,
                refusals=known.refusals,
            )
        )
    return found


def _counts(
    session: Session,
    column: Any,
    ids: list[int],
    where: ColumnElement[bool],
    join_on: ColumnElement[bool] | None = None,
) -> dict[int, int]:
    """How many rows each of the volunteers `ids` has that meet `where`."""
    query = select(column, func.count()).where(column.in_(ids), where).group_by(column)
    if join_on is not None:
        query = query.join(Task, join_on)
    return dict(tuple(row) for row in session.execute(query).all())
