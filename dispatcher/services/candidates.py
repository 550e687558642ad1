"""What the policy is told: a task and the volunteers who might be asked, read from the database."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.elements import SQLCoreOperations

from dispatcher import logs
from dispatcher.columns import LONG_AGO
from dispatcher.models import Acceptance, Assignment, DutyWindow, Offer, Task, Volunteer
from dispatcher.rules.availability import Window, on_duty_until
from dispatcher.rules.crowd import Candidate
from dispatcher.rules.decisions import PendingOffer, TaskView
from dispatcher.rules.learning import Evidence
from dispatcher.services import learning

log = logging.getLogger(__name__)
_seldom = logs.Seldom()

_WEEK = timedelta(days=7)
_LOAD_WEEKS = 4

ROOM, FOR_EACH_TASK, MOST = 80, 10, 400
"""Of those on duty at one campus so many are considered, the most rested first: enough for the waves of
all tasks that are decided together, however large the campus."""


LEAVES_WITHIN = timedelta(seconds=60)
"""Silence about an offer begins when its SMS has left, or so long after it was made: when the gateway is
slow, asking more people would only lengthen the queue; one SMS in doubt mustn't hold up help."""


def task_view(task: Task, now: datetime) -> TaskView:
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
            pending(offer, now) for offer in task.offers if offer.is_live and offer.unasked_at is None
        ),
        # Whoever held it and gave it back isn't asked again, however they came to hold it. Whose SMS never
        # left may be, once the offer has ended.
        asked=frozenset(o.volunteer_id for o in task.offers if not never_reached(o))
        | {a.volunteer_id for a in task.assignments},
        in_vain=frozenset(o.volunteer_id for o in task.offers if never_reached(o)),
    )


def never_reached(offer: Offer) -> bool:
    """Whether an offer has ended without its volunteer having been asked, or having answered it."""
    return offer.unasked_at is not None and not offer.is_live and offer.answered_at is None


def pending(offer: Offer, now: datetime) -> PendingOffer:
    """A live offer as the policy sees it: its time runs from when its SMS left (see LEAVES_WITHIN)."""
    if offer.sent_at is not None:
        return PendingOffer(max(offer.created_at, offer.sent_at), offer.expires_at, offer.chance)
    later = min(late(offer.created_at, now), LEAVES_WITHIN)
    return PendingOffer(offer.created_at + later, offer.expires_at + later, offer.chance)


def on_duty(
    session: Session, tasks: Sequence[Task], now: datetime, unreadable: set[int] | None = None
) -> list[Candidate]:
    """The volunteers whose duty covers `now`, by their hours or their word, among whom waves for `tasks` may
    be chosen.

    Of all the tasks' campuses and their neighbours :func:`room` of each at most, and as many of the rest.
    `unreadable`: takes the ids of those whose rows, or duty windows, make no sense.
    """
    near = sorted({campus_id for task in tasks for campus_id in _around(task)})
    local = now.astimezone(current_app.config["ZONE"])
    quiet = current_app.config["DISPATCH"].quiet_until(local) is not None
    which = {
        "near": near, "most": room(len(tasks)), **moment(local),
        **{f"campus_{n}": campus_id for n, campus_id in enumerate(near)},
    }  # fmt: skip
    return _candidates(session, _on_duty(len(near), quiet), which, now, unreadable)


@cache
def _on_duty(near: int, quiet: bool) -> Select[Any]:
    """Of so many campuses the most rested of each, and of all others together."""
    rested = (
        select(Volunteer.id)
        .where(
            Volunteer.active,
            Volunteer.stopped_at.is_(None),
            or_(
                Volunteer.free_until > bindparam("now"),
                exists().where(DutyWindow.volunteer_id == Volunteer.id, _covers()),
            ),
        )
        .order_by(Volunteer.last_asked_at.asc().nulls_first(), Volunteer.id)
        .limit(bindparam("most"))
    )
    here = [rested.where(Volunteer.campus_id == bindparam(f"campus_{n}")) for n in range(near)]
    # Few of many: no place is for somebody who can't be asked just now.
    elsewhere = rested.where(
        Volunteer.campus_id.not_in(bindparam("near", expanding=True)),
        or_(Volunteer.paused_until.is_(None), Volunteer.paused_until <= bindparam("now")),
        Volunteer.night_ok if quiet else true(),
    )
    parts = [select(part.subquery().c.id) for part in (*here, elsewhere)]
    return _about(union_all(*parts).cte("chosen"))


def room(tasks: int) -> int:
    """How many of a campus are considered when so many tasks are decided together."""
    return min(ROOM + FOR_EACH_TASK * tasks, MOST)


def everybody(session: Session, task: Task, now: datetime, limit: int) -> list[tuple[Candidate, Volunteer]]:
    """Active volunteers whom a coordinator may choose from: those at the task's campus and near it,
    then others, `limit` of them at most."""
    nearby = Volunteer.campus_id.in_(_around(task))
    whole = select(Volunteer).options(joinedload(Volunteer.campus, innerjoin=True)).where(Volunteer.active)
    here = session.scalars(whole.where(nearby).order_by(Volunteer.id).limit(limit)).all()
    farther = session.scalars(whole.where(~nearby).order_by(Volunteer.id).limit(limit - len(here))).all()
    people = {volunteer.id: volunteer for volunteer in (*here, *farther)}
    found = _candidates(session, _ABOUT_THESE, {"volunteer_ids": [*people]}, now)
    return [(candidate, people[candidate.volunteer_id]) for candidate in found]


def duty_windows(rows: Iterable[DutyWindow]) -> list[Window]:
    """Duty windows as the rules see them; none that makes no sense."""
    return [Window(w.weekday, w.start_min, w.end_min) for w in rows if w.makes_sense]


def late(created_at: datetime, now: datetime) -> timedelta:
    """By how much later than meant an offer made at `created_at` is put to its volunteer; nothing if it can't
    be read when that was."""
    return timedelta() if created_at <= LONG_AGO else max(timedelta(), now - created_at)


def _around(task: Task) -> list[int]:
    return [task.campus_id, *(n.neighbour_id for n in task.campus.neighbours)]


def _covers(mark: str = "") -> ColumnElement[bool]:
    """Whether a duty window covers a moment, given by :func:`moment`."""
    return and_(
        DutyWindow.weekday == bindparam(f"weekday{mark}"),
        DutyWindow.start_min <= bindparam(f"minute{mark}"),
        DutyWindow.end_min > bindparam(f"minute{mark}"),
    )


def on_duty_at(mark: str = "") -> ColumnElement[bool]:
    """Whether a volunteer is on duty at a moment, given by :func:`moment` with the same `mark`: by their
    windows, or because they have said that they are free; and neither stopped nor paused."""
    return and_(
        Volunteer.active,
        Volunteer.stopped_at.is_(None),
        or_(Volunteer.paused_until.is_(None), Volunteer.paused_until <= bindparam(f"now{mark}")),
        # Each of the two is found by an index of its own.
        Volunteer.id.in_(
            union_all(
                select(DutyWindow.volunteer_id).where(_covers(mark)),
                select(Volunteer.id).where(Volunteer.free_until > bindparam(f"now{mark}")),
            )
        ),
    )


def moment(local: datetime, mark: str = "") -> dict[str, Any]:
    """The parameters of :func:`on_duty_at`, by a local time."""
    minute = local.hour * 60 + local.minute
    return {f"now{mark}": local, f"weekday{mark}": local.weekday(), f"minute{mark}": minute}


Condition = ColumnElement[bool] | SQLCoreOperations[bool]


def _per_volunteer(
    chosen: CTE, volunteer_id: Any, counts: dict[str, ColumnElement[Any]], *where: Condition
) -> Subquery:
    """What is counted of the rows of each volunteer that meet `where`.

    Not joined with `chosen`, of which a database can't know that it is small: it would read everybody's rows.
    """
    return (
        select(volunteer_id, *(count.label(name) for name, count in counts.items()))
        .where(volunteer_id.in_(select(chosen.c.id)), *where)
        .group_by(volunteer_id)
        .subquery()
    )


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _about(chosen: CTE) -> Select[Any]:
    """What the policy is told of those whose ids are `chosen`, and all that is counted of them, in the order
    of their ids: there may be a thousand, and this is read for every wave."""
    held = _per_volunteer(
        chosen, Assignment.volunteer_id, {"held": func.count()},
        Assignment.ended_at.is_(None), Task.id == Assignment.task_id, Task.is_held,
    )  # fmt: skip
    taken = _per_volunteer(
        chosen, Assignment.volunteer_id,
        {"taken": func.count(), "week": _how_many(Assignment.created_at > bindparam("week_ago"))},
        Assignment.created_at > bindparam("weeks_ago"),
    )  # fmt: skip
    alerts = _per_volunteer(
        chosen, Offer.volunteer_id, {"alerts": func.count()},
        Offer.urgent.is_(False), Offer.created_at >= bindparam("midnight"), Offer.unasked_at.is_(None),
    )  # fmt: skip
    live = _per_volunteer(
        chosen, Offer.volunteer_id,
        {"live": _how_many(Offer.urgent.is_(False)), "live_urgent": _how_many(Offer.urgent.is_(True))},
        Offer.is_live, Offer.unasked_at.is_(None),
    )  # fmt: skip
    hours = _per_volunteer(
        chosen, DutyWindow.volunteer_id,
        {"weekly_min": func.sum(DutyWindow.end_min - DutyWindow.start_min)},
    )  # fmt: skip
    query = (
        select(
            Volunteer.id, Volunteer.campus_id, Volunteer.stopped_at, Volunteer.paused_until,
            Volunteer.free_until, Volunteer.night_ok, Volunteer.capacity, Volunteer.recent_offers,
            Volunteer.last_asked_at,
            Acceptance.accepts, Acceptance.refusals, Acceptance.as_of,
            held.c.held, taken.c.taken, taken.c.week, alerts.c.alerts, live.c.live, live.c.live_urgent,
            hours.c.weekly_min,
        )
        .outerjoin(Acceptance, Acceptance.volunteer_id == Volunteer.id)
        .where(Volunteer.id.in_(select(chosen.c.id)))
        .order_by(Volunteer.id)
    )  # fmt: skip
    for part in (held, taken, alerts, live, hours):
        query = query.outerjoin(part, part.c.volunteer_id == Volunteer.id)
    return query


_ABOUT_THESE = _about(
    select(Volunteer.id).where(Volunteer.id.in_(bindparam("volunteer_ids", expanding=True))).cte("chosen")
)


def _candidates(
    session: Session,
    query: Select[Any],
    which: dict[str, Any],
    now: datetime,
    unreadable: set[int] | None = None,
) -> list[Candidate]:
    """Volunteers as the policy sees them; `query`, with its parameters `which`, says whom (see
    :func:`_about`). `unreadable`: as in :func:`on_duty`."""
    zone = current_app.config["ZONE"]
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = {
        "now": now, "midnight": midnight, "week_ago": now - _WEEK, "weeks_ago": now - _LOAD_WEEKS * _WEEK
    }  # fmt: skip
    people = session.execute(query, which | moments).all()
    senseless: set[int] = set() if unreadable is None else unreadable
    duty = _duty(session, {v.id: v.free_until for v in people}, now, zone, senseless)
    nothing = learning.evidence(None, None, None, now)
    found = []
    for v in people:
        try:
            known = learning.known_of(v, v.id, now) if v.as_of is not None else nothing
            found.append(_candidate(v, duty.get(v.id), known, now))
        # One whose row makes no sense must not keep us from asking the others.
        except (AttributeError, TypeError, ValueError) as error:
            senseless.add(v.id)
            if _seldom.may_tell(v.id):
                log.error("A volunteer can't be asked: %s", logs.origin(error), extra={"volunteer": v.id})
    return found


def _candidate(v: Row[Any], on_duty_until: datetime | None, known: Evidence, now: datetime) -> Candidate:
    """A row of :func:`_about`, as the policy sees it."""
    return Candidate(
        volunteer_id=v.id,
        campus_id=int(v.campus_id),
        on_duty_until=on_duty_until,
        available=v.stopped_at is None and (v.paused_until is None or v.paused_until <= now),
        agreed_urgent=v.night_ok,
        held=v.held or 0,
        capacity=int(v.capacity),
        alerts_today=v.alerts or 0,
        live_offers=v.live or 0,
        live_urgent=v.live_urgent or 0,
        recent_offers=learning.recently(v.recent_offers, v.last_asked_at, now),
        load=(v.taken or 0) / max((v.weekly_min or 0) / 60, 1.0),
        week_load=v.week or 0,
        accepts=known.accepts,
        refusals=known.refusals,
    )


_WINDOWS = (
    select(DutyWindow.volunteer_id, DutyWindow.weekday, DutyWindow.start_min, DutyWindow.end_min)
    .where(
        DutyWindow.volunteer_id.in_(bindparam("volunteer_ids", expanding=True)),
        DutyWindow.weekday.in_(bindparam("weekdays", expanding=True)),
    )
    .order_by(DutyWindow.volunteer_id, DutyWindow.weekday, DutyWindow.start_min)
)


def _duty(
    session: Session,
    free_until: dict[int, datetime | None],
    now: datetime,
    zone: ZoneInfo,
    senseless: set[int],
) -> dict[int, datetime | None]:
    """When the duty of each that covers `now` ends; `free_until`: until when each, by their id, has said to
    be free. `senseless`: takes those with a window that doesn't say when.

    By the windows of today and tomorrow: today's duty may run on into tomorrow, and how much farther
    concerns nobody.
    """
    today = now.astimezone(zone).weekday()
    days = [today, (today + 1) % 7]
    rows: Iterable[Any] = session.execute(_WINDOWS, {"volunteer_ids": [*free_until], "weekdays": days})
    shifts: dict[int, tuple[tuple[int, int, int], ...]] = {}
    for volunteer_id, weekday, start_min, end_min in rows:
        if isinstance(start_min, int) and isinstance(end_min, int):
            shifts[volunteer_id] = (*shifts.get(volunteer_id, ()), (weekday, start_min, end_min))
        else:
            senseless.add(volunteer_id)
    # Many share a shift: its end is found once.
    ends = {
        shift: on_duty_until([Window(*window) for window in shift], now, zone)
        for shift in set(shifts.values())
    }
    found = {volunteer_id: ends[shift] for volunteer_id, shift in shifts.items()}
    for volunteer_id, until in free_until.items():
        if until is not None and until > now:
            windows = [Window(*window) for window in shifts.get(volunteer_id, ())]
            found[volunteer_id] = on_duty_until(windows, now, zone, until)
    return found
