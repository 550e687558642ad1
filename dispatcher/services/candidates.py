"""What the policy is told: a task and the volunteers who might be asked, read from the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, true, union_all
from sqlalchemy.orm import Session, joinedload

from dispatcher.models import Acceptance, Assignment, DutyWindow, Offer, Task, Volunteer
from dispatcher.rules.availability import Window, on_duty_until
from dispatcher.rules.crowd import Candidate
from dispatcher.rules.decisions import PendingOffer, TaskView
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER
from dispatcher.services import learning

_WEEK = timedelta(days=7)
_LOAD_WEEKS = 4
_HELD = [str(state) for state in HELD]
# Written out in the statement: a partial index serves only what can be seen to fall under it.
_IS_LIVE = Offer.state.in_(
    bindparam("live", sorted(str(s) for s in LIVE_OFFER), expanding=True, literal_execute=True)
)

AT_CAMPUS = 200
"""Of those on duty at one campus so many are considered, the most rested first: enough for any wave,
however large the campus."""

FARTHER = 200
"""The same of those on duty neither at a task's campus nor near it."""


def task_view(task: Task) -> TaskView:
    """`task` as the policy sees it."""
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
        # Whoever held it and gave it back isn't asked again, however they came to hold it.
        asked=frozenset(o.volunteer_id for o in task.offers) | {a.volunteer_id for a in task.assignments},
    )


def on_duty(session: Session, tasks: Sequence[Task], now: datetime) -> list[Candidate]:
    """The volunteers whose duty covers `now`, among whom waves for `tasks` may be chosen.

    All of the tasks' campuses and their neighbours (:data:`AT_CAMPUS` of each at most), and
    :data:`FARTHER` of the rest.
    """
    near = sorted({campus_id for task in tasks for campus_id in _around(task)})
    local = now.astimezone(current_app.config["ZONE"])
    rested = (
        select(Volunteer.id)
        .where(Volunteer.active, Volunteer.stopped_at.is_(None), _is_on_duty(local))
        .order_by(Volunteer.last_asked_at.asc().nulls_first(), Volunteer.id)
    )
    here = [rested.where(Volunteer.campus_id == campus_id).limit(AT_CAMPUS) for campus_id in near]
    # Few of many: no place is for somebody who can't be asked just now.
    elsewhere = rested.where(
        Volunteer.campus_id.not_in(near),
        or_(Volunteer.paused_until.is_(None), Volunteer.paused_until <= now),
        true() if current_app.config["DISPATCH"].quiet_until(local) is None else Volunteer.night_ok,
    ).limit(FARTHER)
    ids = union_all(*(select(part.subquery().c.id) for part in (*here, elsewhere)))
    return _candidates(session, list(session.scalars(ids)), now)


def everybody(session: Session, task: Task, now: datetime, limit: int) -> list[tuple[Candidate, Volunteer]]:
    """Active volunteers whom a coordinator may choose from: those at the task's campus and near it,
    then others, `limit` of them at most."""
    nearby = Volunteer.campus_id.in_(_around(task))
    whole = select(Volunteer).options(joinedload(Volunteer.campus)).where(Volunteer.active)
    here = session.scalars(whole.where(nearby).order_by(Volunteer.id).limit(limit)).all()
    farther = session.scalars(whole.where(~nearby).order_by(Volunteer.id).limit(limit - len(here))).all()
    people = {volunteer.id: volunteer for volunteer in (*here, *farther)}
    return [(c, people[c.volunteer_id]) for c in _candidates(session, list(people), now)]


def duty_windows(rows: Iterable[DutyWindow]) -> list[Window]:
    """Duty windows as the rules see them."""
    return [Window(w.weekday, w.start_min, w.end_min) for w in rows]


def _around(task: Task) -> list[int]:
    return [task.campus_id, *(n.neighbour_id for n in task.campus.neighbours)]


def covers(local: datetime) -> ColumnElement[bool]:
    """Whether a duty window covers a moment, given in local time."""
    minute = local.hour * 60 + local.minute
    return and_(
        DutyWindow.weekday == local.weekday(), DutyWindow.start_min <= minute, DutyWindow.end_min > minute
    )


def _is_on_duty(local: datetime) -> ColumnElement[bool]:
    return exists().where(DutyWindow.volunteer_id == Volunteer.id, covers(local))


def _candidates(session: Session, ids: list[int], now: datetime) -> list[Candidate]:
    """The volunteers `ids` as the policy sees them, in the order of their ids."""
    zone, settings = current_app.config["ZONE"], current_app.config["DISPATCH"]
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    held = _counts(
        session, Assignment.volunteer_id, ids,
        and_(Assignment.ended_at.is_(None), Task.state.in_(_HELD)), Task.id == Assignment.task_id,
    )  # fmt: skip
    taken = _counts(session, Assignment.volunteer_id, ids, Assignment.created_at > now - _LOAD_WEEKS * _WEEK)
    week = _counts(session, Assignment.volunteer_id, ids, Assignment.created_at > now - _WEEK)
    calm = Offer.urgent.is_(False)
    alerts = _counts(session, Offer.volunteer_id, ids, and_(calm, Offer.created_at >= midnight))
    live = _counts(session, Offer.volunteer_id, ids, and_(calm, _IS_LIVE))
    live_urgent = _counts(session, Offer.volunteer_id, ids, and_(~calm, _IS_LIVE))
    duty: dict[int, list[Window]] = {}
    today = now.astimezone(zone).weekday()
    # When today's duty ends: it may run on into tomorrow, and how much farther concerns nobody.
    windows = select(
        DutyWindow.volunteer_id, DutyWindow.weekday, DutyWindow.start_min, DutyWindow.end_min
    ).where(DutyWindow.volunteer_id.in_(ids), DutyWindow.weekday.in_((today, (today + 1) % 7)))
    for volunteer_id, *window in session.execute(windows):
        duty.setdefault(volunteer_id, []).append(Window(*window))
    weekly = (
        select(DutyWindow.volunteer_id, func.sum(DutyWindow.end_min - DutyWindow.start_min).label("minutes"))
        .where(DutyWindow.volunteer_id.in_(ids))
        .group_by(DutyWindow.volunteer_id)
    )
    weekly_min = {row.volunteer_id: row.minutes for row in session.execute(weekly)}
    # Columns, not objects: there may be a thousand and more.
    people = session.execute(
        select(
            Volunteer.id, Volunteer.campus_id, Volunteer.stopped_at, Volunteer.paused_until,
            Volunteer.night_ok, Volunteer.capacity, Volunteer.recent_offers, Volunteer.last_asked_at,
            Acceptance.accepts, Acceptance.refusals, Acceptance.as_of,
        )
        .outerjoin(Acceptance, Acceptance.volunteer_id == Volunteer.id)
        .where(Volunteer.id.in_(ids))
        .order_by(Volunteer.id)
    )  # fmt: skip
    found = []
    for v in people:
        known = learning.evidence(v.accepts, v.refusals, v.as_of, now).at(now, settings.learning)
        found.append(
            Candidate(
                volunteer_id=v.id,
                campus_id=v.campus_id,
                on_duty_until=on_duty_until(duty.get(v.id, ()), now, zone),
                available=v.stopped_at is None and (v.paused_until is None or v.paused_until <= now),
                agreed_urgent=v.night_ok,
                held=held.get(v.id, 0),
                capacity=v.capacity,
                alerts_today=alerts.get(v.id, 0),
                live_offers=live.get(v.id, 0),
                live_urgent=live_urgent.get(v.id, 0),
                recent_offers=learning.recently(v.recent_offers, v.last_asked_at, now),
                load=taken.get(v.id, 0) / max(weekly_min.get(v.id, 0) / 60, 1.0),
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
