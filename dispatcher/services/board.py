"""What a coordinator sees: every open task, what needs a person on top, and one task in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Select, and_, func, or_, select, text
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
from dispatcher.rules.availability import on_duty_until
from dispatcher.rules.lifecycle import HELD, NOT_NEEDED, MessageState, TaskState
from dispatcher.rules.settings import seconds
from dispatcher.services import candidates, choosing, cover, lately, messaging, resending

PAGE = 50
"""So many tasks are shown at once, the most pressing first."""

LANE = 20
"""So many in each lane, where they are shown by their state."""

LANES = ("needs", "looking", "held", "delivered")
_LANE_OF = {
    TaskState.OPEN: "looking", TaskState.ASSIGNED: "held", TaskState.UNDERWAY: "held",
    TaskState.DELIVERED: "delivered",
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """What to show. Empty means all. `page` counts from 1."""

    campus: str = ""
    category: str = ""
    state: str = ""
    page: int = 1


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
    """One campus at a glance. `thin_at`: when first too few can be asked there and nearby, if soon."""

    campus: Campus
    open: int
    waiting: int
    on_duty: int
    thin_at: datetime | None


@dataclass(frozen=True)
class Lane:
    """The tasks that stand alike: `name` is one of :data:`LANES`, `rows` its most pressing, `total` all."""

    name: str
    rows: list[Row]
    total: int


@dataclass(frozen=True)
class Board:
    """The board. `rows`: those of page `page` of `pages`; `loose`: attention that has no row there, the
    oldest :data:`PAGE`, and `loose_left`: how many more. `lanes`: in place of rows, when asked for.
    `total`: open tasks that are wanted; `needs`: how many tasks and other things need a person.
    `pressing`: attention about urgent tasks to which nobody sees, by ids, the newest ones."""

    rows: list[Row]
    loose: list[Attention]
    loose_left: int
    strips: list[Strip]
    total: int
    needs: int
    page: int
    pages: int
    pressing: list[int]
    lanes: list[Lane]


@dataclass(frozen=True)
class Detail:
    """One task in full. `seen_event_id`: the last line of history on this page; `resendable`: the messages
    that may be sent once more, by their ids."""

    row: Row
    events: list[Event]
    messages: list[tuple[Message, str]]
    resendable: set[int]
    ranked: list[choosing.Ranked]
    seen_event_id: int


_PRESSING = (
    select(Attention.id)
    .join(Task, Task.id == Attention.task_id)
    .where(Attention.resolved_at.is_(None), Attention.claimed_by_id.is_(None), Task.is_urgent)
    .order_by(Attention.id.desc())
    .limit(PAGE)
)


def revision(connection: Connection) -> str:
    """A value that changes whenever anything in the database has: the database's own counter.

    On SQLite it counts the commits of *other* connections, so ask on one that never writes.
    """
    sqlite = connection.dialect.name == "sqlite"
    query = "PRAGMA data_version" if sqlite else "SELECT pg_current_snapshot()::text"
    return str(connection.execute(text(query)).scalar_one())


def overview(session: Session, wanted: Filter, now: datetime, by_lane: bool = False) -> Board:
    """What is open, sorted by what needs a person, then by the time left; one page of it in full, or the
    head of each lane.

    All open tasks are read, but only in the few columns that decide their order.
    """
    standing = set(
        session.scalars(
            select(Attention.task_id).where(Attention.resolved_at.is_(None), Attention.task_id.is_not(None))
        )
    )
    tasks = session.execute(_open(wanted)).all()
    if wanted.state == "attention":
        tasks = [task for task in tasks if task.id in standing]
    order = sorted((task.id not in standing, _span(task)[1], task.id, task.state) for task in tasks)
    pages = 1 if by_lane else max(1, -(-len(order) // PAGE))
    page = min(wanted.page, pages)
    shown = [] if by_lane else [place[2] for place in order[(page - 1) * PAGE : page * PAGE]]
    loose, loose_left = _loose(session, wanted)
    return Board(
        rows=rows(session, shown, now),
        loose=loose if page == 1 else [],
        loose_left=loose_left if page == 1 else 0,
        strips=_strips(session, now),
        total=len(order),
        needs=sum(not calm for calm, *_ in order) + len(loose) + loose_left,
        page=page,
        pages=pages,
        pressing=list(session.scalars(_PRESSING)),
        lanes=_lanes(session, order, now) if by_lane else [],
    )


def _lanes(session: Session, order: list[tuple[bool, datetime, int, str]], now: datetime) -> list[Lane]:
    ids: dict[str, list[int]] = {name: [] for name in LANES}
    for calm, _, task_id, state in order:
        ids[_LANE_OF[TaskState(state)] if calm else "needs"].append(task_id)
    heads = [task_id for lane in ids.values() for task_id in lane[:LANE]]
    found = {row.task.id: row for row in rows(session, heads, now)}
    return [
        Lane(name, [found[i] for i in lane[:LANE] if i in found], len(lane)) for name, lane in ids.items()
    ]


def _open(wanted: Filter) -> Any:
    """The open tasks that are wanted, in the columns that say where on the board they stand."""
    query: Any = select(
        Task.id, Task.state, Task.category, Task.urgency, Task.opened_at, Task.assigned_at,
        Task.delivered_at, Task.due_by,
    ).where(Task.is_open_ended)  # fmt: skip
    if wanted.campus == "remote":
        query = query.where(Task.remote)
    elif wanted.campus:
        query = query.where(
            Task.campus_id == select(Campus.id).where(Campus.code == wanted.campus).scalar_subquery()
        )
    if wanted.category:
        query = query.where(Task.category == wanted.category)
    if wanted.state and wanted.state != "attention":
        query = query.where(Task.state == wanted.state)
    return query


def rows(session: Session, task_ids: Sequence[int], now: datetime) -> list[Row]:
    """These tasks in full, in this order."""
    if not task_ids:
        return []
    tasks = {
        task.id: task
        for task in session.scalars(
            select(Task)
            .where(Task.id.in_(task_ids))
            .options(
                joinedload(Task.retiree),
                joinedload(Task.campus),
                selectinload(Task.offers).selectinload(Offer.volunteer),
                selectinload(Task.assignments).selectinload(Assignment.volunteer),
            )
        )
    }
    attention: dict[int | None, list[Attention]] = {}
    for item in session.scalars(_standing().where(Attention.task_id.in_(task_ids))):
        attention.setdefault(item.task_id, []).append(item)
    lost = _lost_sms(session, task_ids)
    # One that has been removed since its place was found is left out.
    return [
        _row(tasks[task_id], attention.get(task_id, []), lost.get(task_id, 0), now)
        for task_id in task_ids
        if task_id in tasks
    ]


def _loose(session: Session, wanted: Filter) -> tuple[list[Attention], int]:
    """What needs a person and has no row: it is about a message or a person, or its task is over and
    still owes somebody a call. The oldest, and how many more."""
    filtering = wanted.campus or wanted.category or wanted.state not in ("", "attention")
    over = ~Task.is_open_ended
    about = Attention.task_id.is_(None) if filtering else or_(Attention.task_id.is_(None), over)
    found = list(session.scalars(_beside_task(_standing()).where(about).limit(PAGE + 1)))
    if len(found) <= PAGE:
        return found, 0
    every = _beside_task(select(func.count(Attention.id)).where(Attention.resolved_at.is_(None))).where(about)
    # At least the one that was found besides, if others have been seen to between the two questions.
    return found[:PAGE], max(1, session.scalars(every).one() - PAGE)


def _beside_task(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(Task, Task.id == Attention.task_id)


def _standing() -> Select[Attention]:
    return (
        select(Attention)
        .where(Attention.resolved_at.is_(None))
        .options(
            joinedload(Attention.retiree).selectinload(Retiree.phones),
            joinedload(Attention.volunteer),
            joinedload(Attention.claimed_by),
        )
        .order_by(Attention.raised_at, Attention.id)
    )


def detail(session: Session, task_id: int, now: datetime) -> Detail | None:
    """One task: its whole history in order, its messages as sent, and who could be asked."""
    found = rows(session, [task_id], now)
    if not found:
        return None
    row, task = found[0], found[0].task
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
    return Detail(
        row=row,
        events=list(events),
        messages=[(m, as_sent(m, now)) for m in messages],
        resendable=resending.possible(session, task, messages),
        ranked=choosing.ranked(session, task, now) if task.is_open_ended else [],
        seen_event_id=max((e.id for e in events), default=0),
    )


def as_sent(message: Message, now: datetime) -> str:
    """The text of a message for staff: links end in … because their tokens are nobody's business."""
    if message.direction == "in":
        return message.body or ""
    return messaging.rendered(message, message.created_at or now, "…")


def duty_until(volunteer: Volunteer, now: datetime, zone: Any) -> datetime | None:
    """Until when `volunteer` is on duty, by their hours or their word, or None."""
    return on_duty_until(candidates.duty_windows(volunteer.windows), now, zone, volunteer.free_until)


def _row(task: Task, attention: list[Attention], lost_sms: int, now: datetime) -> Row:
    started, target_at = _span(task)
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


def _span(task: Any) -> tuple[datetime, datetime]:
    """From when until when what `task` (or its columns) waits for should have happened."""
    pace = current_app.config["DISPATCH"].pace(task.category, task.urgency)
    started, target_at = task.opened_at, task.opened_at + seconds(pace.coordinator_s)
    if task.state in HELD:
        started = task.assigned_at or task.opened_at
        target_at = task.due_by or started + seconds(pace.progress_s)
    elif task.state == TaskState.DELIVERED:
        started = task.delivered_at or task.opened_at
        target_at = started + seconds(current_app.config["DISPATCH"].check_s)
    return started, target_at


def _lost_sms(session: Session, task_ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(Message.task_id, func.count())
        .where(
            Message.task_id.in_(task_ids),
            Message.state.in_([str(MessageState.FAILED), str(MessageState.UNDELIVERED)]),
            Message.error_code != NOT_NEEDED,
        )
        .group_by(Message.task_id)
    ).all()
    return {task_id: count for task_id, count in rows if task_id is not None}


def _strips(session: Session, now: datetime) -> list[Strip]:
    """Each served campus: open tasks, those without anybody yet, volunteers on duty."""
    counts = session.execute(
        select(
            Task.campus_id,
            func.count(),
            func.count().filter(Task.state == str(TaskState.OPEN)),
        )
        .where(Task.is_open_ended)
        .group_by(Task.campus_id)
    ).all()
    by_campus = {campus_id: (total, waiting) for campus_id, total, waiting in counts}
    duty = _on_duty(session, now)
    thin = cover.thin_from(session, now)
    campuses = session.scalars(select(Campus).where(Campus.reachable).order_by(Campus.id))
    return [
        Strip(c, total, waiting, duty.get(c.id, 0), thin.get(c.id))
        for c in campuses
        for total, waiting in (by_campus.get(c.id, (0, 0)),)
    ]


def _on_duty(session: Session, now: datetime) -> dict[int, int]:
    """How many volunteers are on duty at each campus; with very many, lately."""
    query = (
        select(Volunteer.campus_id, func.count()).where(candidates.on_duty_at()).group_by(Volunteer.campus_id)
    )

    def find() -> tuple[dict[int, int], int]:
        moment = candidates.moment(now.astimezone(current_app.config["ZONE"]))
        counts: dict[int, int] = dict(tuple(row) for row in session.execute(query, moment))  # type: ignore[misc]
        return counts, sum(counts.values())

    return lately.known("on duty", find)
