"""All that is needed to go on by telephone and on paper when SMS or power is down. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from flask import current_app
from sqlalchemy import and_, false, func, or_, select, true
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from dispatcher.models import (
    ADMINISTRATOR,
    COORDINATOR,
    Assignment,
    Campus,
    HelpRequest,
    Retiree,
    Staff,
    Task,
    Volunteer,
)
from dispatcher.rules.availability import shifts
from dispatcher.services.candidates import duty_windows

MOST_TASKS, MOST_PEOPLE = 300, 600
"""More than this nobody can use on paper: then a campus is printed at a time."""

AHEAD = timedelta(hours=24)

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Sheet:
    """One open task, and who holds it."""

    task: Task
    holder: Volunteer | None


@dataclass(frozen=True)
class Shift:
    """A volunteer is on duty from `start` to `end`, local time."""

    start: datetime
    end: datetime
    volunteer: Volunteer


@dataclass(frozen=True)
class Paper:
    """What is printed. `tasks_left`, `people_left`: so many more there are than are printed."""

    sheets: list[Sheet]
    tasks_left: int
    staff: list[Staff]
    people: list[tuple[Campus, list[Volunteer]]]
    people_left: int
    duty: list[tuple[Campus, list[Shift]]]


def paper(session: Session, campus_code: str, now: datetime) -> Paper:
    """Open tasks, the phone tree and the coming duties, of one campus or (empty) of all."""
    campus_id = select(Campus.id).where(Campus.code == campus_code).scalar_subquery()
    anywhere = true() if not campus_code else false()
    here = and_(Task.is_open_ended, or_(anywhere, Task.campus_id == campus_id))
    serving = and_(Volunteer.active, or_(anywhere, Volunteer.campus_id == campus_id))
    tasks = session.scalars(
        select(Task)
        .where(here)
        .join(HelpRequest, HelpRequest.id == Task.request_id)
        .order_by(HelpRequest.life_danger.desc(), Task.due_by.asc().nulls_last(), Task.created_at, Task.id)
        .limit(MOST_TASKS)
        .options(
            contains_eager(Task.request),
            joinedload(Task.campus),
            joinedload(Task.retiree).selectinload(Retiree.phones),
            joinedload(Task.retiree).joinedload(Retiree.campus),
            selectinload(Task.assignments.and_(Assignment.ended_at.is_(None))).joinedload(
                Assignment.volunteer
            ),
        )
    ).all()
    total = session.scalars(select(func.count(Task.id)).where(here)).one()
    volunteers = session.scalars(
        select(Volunteer)
        .where(serving)
        .order_by(Volunteer.campus_id, Volunteer.name, Volunteer.id)
        .limit(MOST_PEOPLE)
        .options(joinedload(Volunteer.campus), selectinload(Volunteer.windows))
    ).all()
    known = session.scalars(select(func.count(Volunteer.id)).where(serving)).one()
    staff = session.scalars(
        select(Staff)
        .where(Staff.active, or_(Staff.role == COORDINATOR, Staff.role == ADMINISTRATOR))
        .order_by(Staff.role.desc(), Staff.name)
    )
    duty = [shift for volunteer in volunteers for shift in _shifts(volunteer, now)]
    duty.sort(key=lambda shift: (shift.volunteer.campus_id, shift.start))
    return Paper(
        sheets=[Sheet(t, t.assignments[-1].volunteer if t.assignments else None) for t in tasks],
        tasks_left=total - len(tasks),
        staff=list(staff),
        people=_by_campus([(v.campus, v) for v in volunteers]),
        people_left=known - len(volunteers),
        duty=_by_campus([(s.volunteer.campus, s) for s in duty]),
    )


def _shifts(volunteer: Volunteer, now: datetime) -> list[Shift]:
    """When they are on duty in the coming hours, by their windows or because they have said that they are
    free: nobody who wants no calls just now."""
    end = now + AHEAD
    if volunteer.stopped_at is not None or (volunteer.paused_until or now) >= end:
        return []
    start = max(now, volunteer.paused_until or now)
    zone, windows = current_app.config["ZONE"], duty_windows(volunteer.windows)
    found = shifts(windows, start, end, zone, volunteer.free_until)
    return [Shift(begins, ends, volunteer) for begins, ends in found]


def _by_campus(pairs: list[tuple[Campus, _Row]]) -> list[tuple[Campus, list[_Row]]]:
    groups: dict[int, tuple[Campus, list[_Row]]] = {}
    for campus, row in pairs:
        groups.setdefault(campus.id, (campus, []))[1].append(row)
    return list(groups.values())
