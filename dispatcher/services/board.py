"""What a coordinator sees: every open task, what needs a person on top, and one task in full."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, and_, func, or_, select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import (
    Assignment,
    Attention,
    Campus,
    Event,
    Message,
    Offer,
    Retiree,
    Task,
    Volunteer,
)
from dispatcher.rules import policy
from dispatcher.rules.availability import on_duty_until
from dispatcher.rules.crowd import Crowd
from dispatcher.rules.lifecycle import HELD, OPEN_ENDED, MessageState, TaskState
from dispatcher.rules.settings import seconds
from dispatcher.services import candidates, learning, messaging

TO_CHOOSE_FROM = 400
"""So many volunteers are offered to a coordinator who assigns by hand, the nearest campuses first."""


@dataclass(frozen=True)
class Filter:
    """What to show. Empty means all."""

    campus: str = ""
    category: str = ""
    state: str = ""


@dataclass(frozen=True)
class Row:
    """One open task on the board. `target_at`: by when it should have been accepted (delivered,
    once somebody holds it). `left`: the share of that time still left, 0 to 1."""

    task: Task
    attention: list[Attention]
    offers: list[Offer]
    volunteer: Volunteer | None
    lost_sms: int
    target_at: datetime
    left: float
    age_s: float


@dataclass(frozen=True)
class Strip:
    """One campus at a glance."""

    campus: Campus
    open: int
    waiting: int
    on_duty: int


@dataclass(frozen=True)
class Board:
    """The whole board. `loose`: attention that is about a message or a person, not a task."""

    rows: list[Row]
    loose: list[Attention]
    strips: list[Strip]


@dataclass(frozen=True)
class Ranked:
    """A volunteer whom a coordinator may choose: why they would be asked, and why they aren't."""

    volunteer: Volunteer
    why: list[dict[str, Any]]
    bars: tuple[str, ...]


@dataclass(frozen=True)
class Detail:
    """One task in full. `seen_event_id`: the last line of history on this page."""

    row: Row
    events: list[Event]
    messages: list[tuple[Message, str]]
    ranked: list[Ranked]
    seen_event_id: int


def revision(connection: Connection) -> str:
    """A value that changes whenever anything in the database has: the database's own counter.

    On SQLite it counts the commits of *other* connections, so ask on one that never writes.
    """
    sqlite = connection.dialect.name == "sqlite"
    query = "PRAGMA data_version" if sqlite else "SELECT pg_current_snapshot()::text"
    return str(connection.execute(text(query)).scalar_one())


def overview(session: Session, wanted: Filter, now: datetime) -> Board:
    """Everything open, sorted by what needs a person, then by the time left."""
    query = (
        select(Task)
        .join(Campus, Campus.id == Task.campus_id)
        .where(Task.state.in_([str(s) for s in OPEN_ENDED]))
        .options(
            joinedload(Task.retiree),
            joinedload(Task.campus),
            selectinload(Task.offers).joinedload(Offer.volunteer),
            selectinload(Task.assignments).joinedload(Assignment.volunteer),
        )
    )
    if wanted.campus == "remote":
        query = query.where(Task.remote)
    elif wanted.campus:
        query = query.where(Campus.code == wanted.campus)
    if wanted.category:
        query = query.where(Task.category == wanted.category)
    if wanted.state and wanted.state != "attention":
        query = query.where(Task.state == wanted.state)
    tasks = session.scalars(query).unique().all()
    standing = session.scalars(
        select(Attention)
        .where(Attention.resolved_at.is_(None))
        .options(joinedload(Attention.retiree).selectinload(Retiree.phones), joinedload(Attention.volunteer))
        .order_by(Attention.raised_at)
    ).all()
    by_task: dict[int, list[Attention]] = {}
    for item in standing:
        if item.task_id is not None:
            by_task.setdefault(item.task_id, []).append(item)
    lost = _lost_sms(session, [task.id for task in tasks])
    rows = [_row(task, by_task.get(task.id, []), lost.get(task.id, 0), now) for task in tasks]
    if wanted.state == "attention":
        rows = [row for row in rows if row.attention]
    rows.sort(key=lambda row: (not row.attention, row.target_at, row.task.id))
    shown = {task.id for task in tasks}
    filtering = wanted.campus or wanted.category or wanted.state not in ("", "attention")
    # A task that is over may still owe somebody a call; it has no row, so it stands by itself.
    ended = _ended(session, set(by_task) - shown)
    loose = [
        item for item in standing
        if item.task_id is None or (item.task_id in ended and not filtering)
    ]  # fmt: skip
    return Board(rows, loose, _strips(session, now))


def detail(session: Session, task_id: int, now: datetime) -> Detail | None:
    """One task: its whole history in order, its messages as sent, and who could be asked."""
    task = session.get(Task, task_id)
    if task is None:
        return None
    items = session.scalars(
        select(Attention)
        .where(Attention.task_id == task.id, Attention.resolved_at.is_(None))
        .order_by(Attention.raised_at)
    ).all()
    events = session.scalars(
        select(Event)
        .where(
            or_(
                Event.task_id == task.id,
                and_(Event.task_id.is_(None), Event.request_id == task.request_id),
            )
        )
        .order_by(Event.id)
    ).all()  # fmt: skip
    messages = session.scalars(select(Message).where(Message.task_id == task.id).order_by(Message.id)).all()
    lost = _lost_sms(session, [task.id])
    return Detail(
        row=_row(task, list(items), lost.get(task.id, 0), now),
        events=list(events),
        messages=[(m, as_sent(m, now)) for m in messages],
        ranked=_ranked(session, task, now) if TaskState(task.state) in OPEN_ENDED else [],
        seen_event_id=max((e.id for e in events), default=0),
    )


def _ranked(session: Session, task: Task, now: datetime) -> list[Ranked]:
    """Whom a coordinator may choose from, best first, with why."""
    people = candidates.everybody(session, task, now, TO_CHOOSE_FROM)
    assessed = policy.assess(
        candidates.task_view(task), Crowd.of(candidate for candidate, _ in people), now,
        current_app.config["DISPATCH"], current_app.config["ZONE"], learning.curves(session),
    )  # fmt: skip
    found = []
    for one in assessed:
        candidate, volunteer = people[one.choice.row]
        why = [reason.as_dict() for reason in policy.why(one.choice, candidate)]
        found.append(Ranked(volunteer, why, one.bars))
    return found


def as_sent(message: Message, now: datetime) -> str:
    """The text of a message for staff: links end in … because their tokens are nobody's business."""
    if message.direction == "in":
        return message.body or ""
    return messaging.rendered(message, message.created_at or now, "…")


def roster(session: Session, now: datetime) -> list[tuple[Volunteer, datetime | None, list[Task]]]:
    """All volunteers with until when they are on duty now, and what they hold."""
    zone = current_app.config["ZONE"]
    volunteers = session.scalars(
        select(Volunteer)
        .options(joinedload(Volunteer.campus), selectinload(Volunteer.windows))
        .order_by(Volunteer.campus_id, Volunteer.name)
    ).all()
    held: dict[int, list[Task]] = {}
    standing = session.scalars(
        select(Assignment)
        .join(Task)
        .where(Assignment.ended_at.is_(None), Task.state.in_([str(s) for s in HELD]))
        .options(joinedload(Assignment.task))
    )
    for assignment in standing:
        held.setdefault(assignment.volunteer_id, []).append(assignment.task)
    return [(v, duty_until(v, now, zone), held.get(v.id, [])) for v in volunteers]


def duty_until(volunteer: Volunteer, now: datetime, zone: Any) -> datetime | None:
    """Until when `volunteer` is on duty, or None."""
    return on_duty_until(candidates.duty_windows(volunteer.windows), now, zone)


def _row(task: Task, attention: list[Attention], lost_sms: int, now: datetime) -> Row:
    pace = current_app.config["DISPATCH"].pace(task.category, task.urgency)
    started, target_at = task.opened_at, task.opened_at + seconds(pace.coordinator_s)
    if task.state in HELD:
        started = task.assigned_at or task.opened_at
        target_at = task.due_by or started + seconds(pace.progress_s)
    elif task.state == TaskState.DELIVERED:
        started = task.delivered_at or task.opened_at
        target_at = started + seconds(current_app.config["DISPATCH"].check_s)
    span = max((target_at - started).total_seconds(), 1.0)
    standing = next((a for a in task.assignments if a.ended_at is None), None)
    return Row(
        task=task,
        attention=attention,
        offers=task.offers,
        volunteer=standing.volunteer if standing else None,
        lost_sms=lost_sms,
        target_at=target_at,
        left=min(1.0, max(0.0, (target_at - now).total_seconds() / span)),
        age_s=(now - task.created_at).total_seconds(),
    )


def _lost_sms(session: Session, task_ids: list[int]) -> dict[int, int]:
    rows = session.execute(
        select(Message.task_id, func.count())
        .where(
            Message.task_id.in_(task_ids),
            Message.state.in_([str(MessageState.FAILED), str(MessageState.UNDELIVERED)]),
            Message.error_code != "not_needed",
        )
        .group_by(Message.task_id)
    ).all()
    return {task_id: count for task_id, count in rows if task_id is not None}


def _ended(session: Session, task_ids: set[int]) -> set[int]:
    return set(
        session.scalars(
            select(Task.id).where(Task.id.in_(task_ids), Task.state.notin_([str(s) for s in OPEN_ENDED]))
        )
    )


def _strips(session: Session, now: datetime) -> list[Strip]:
    """Each served campus: open tasks, those without anybody yet, volunteers on duty."""
    counts = session.execute(
        select(
            Task.campus_id,
            func.count(),
            func.count().filter(Task.state == str(TaskState.OPEN)),
        )
        .where(Task.state.in_([str(s) for s in OPEN_ENDED]))
        .group_by(Task.campus_id)
    ).all()
    by_campus = {campus_id: (total, waiting) for campus_id, total, waiting in counts}
    duty: dict[int, int] = {}
    for volunteer, until, _held in roster(session, now):
        if until is not None and volunteer.stopped_at is None and volunteer.active:
            duty[volunteer.campus_id] = duty.get(volunteer.campus_id, 0) + 1
    campuses = session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id))
    return [
        Strip(c, total, waiting, duty.get(c.id, 0))
        for c in campuses
        for total, waiting in (by_campus.get(c.id, (0, 0)),)
    ]
