"""What a coordinator sees: every open task, what needs a person on top, and one task in full."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Integer, Select, and_, bindparam, func, or_, select, text, type_coerce
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import (
    Assignment,
    Attention,
    Campus,
    Event,
    HelpRequest,
    Message,
    Offer,
    Retiree,
    Task,
    Volunteer,
)
from dispatcher.rules.availability import on_duty_until
from dispatcher.rules.lifecycle import HELD, NOT_NEEDED, MessageState, TaskState
from dispatcher.rules.order import Place, place_of_task
from dispatcher.rules.settings import seconds
from dispatcher.services import candidates, choosing, messaging, resending, standing, strips
from dispatcher.services.standing import Need, Strangers
from dispatcher.services.strips import Strip

log = logging.getLogger(__name__)

PAGE = 50
"""So many tasks are shown at once, the most pressing first."""

LANE = 20
"""So many in each lane, where they are shown by their state."""

_Placed = tuple[Place, datetime, int, str]
"""A task: its place, when what it waits for should have happened, its id and its state."""

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
    once somebody holds it). `left`: the share of that time still left, 0 to 1. `danger`: a life is."""

    task: Task
    attention: list[Attention]
    offers: list[Offer]
    volunteer: Volunteer | None
    lost_sms: int
    target_at: datetime
    left: float
    age_s: float
    danger: bool


@dataclass(frozen=True)
class Entry:
    """What has a place on the board: a task as a `row`, or an `item` that needs a person and has none."""

    place: Place
    row: Row | None = None
    item: Attention | None = None


@dataclass(frozen=True)
class Lane:
    """The tasks that stand alike: `name` is one of :data:`LANES`, `total` how many
    there are. `entries`: the rows in their places, and in the lane of what needs a person all else that
    does."""

    name: str
    entries: list[Entry]
    total: int

    @property
    def rows(self) -> list[Row]:
        """The tasks alone."""
        return [entry.row for entry in self.entries if entry.row is not None]


@dataclass(frozen=True)
class Board:
    """The board. `entries`: what is shown, in its order: the tasks of page `page` of `pages`, and on the
    first page what needs a person and has no row, :data:`PAGE` at most and `loose_left` more. `texts`: how
    many texts there are, shown or not, a phone counting once. `strangers`: what strangers have written comes
    last. `lanes`: in place of rows, when asked for. `total`: open tasks that are wanted; `needs`: how many
    tasks and other things need a person. `pressing`: what is urgent and nobody sees to, by ids, the newest
    ones."""

    entries: list[Entry]
    loose_left: int
    texts: int
    strangers: Strangers
    strips: list[Strip]
    total: int
    needs: int
    page: int
    pages: int
    pressing: list[int]
    lanes: list[Lane]

    @property
    def rows(self) -> list[Row]:
        """The tasks that are shown."""
        return [entry.row for entry in self.entries if entry.row is not None]

    @property
    def loose(self) -> list[Attention]:
        """What is shown and has no row."""
        return [entry.item for entry in self.entries if entry.item is not None]


@dataclass(frozen=True)
class Detail:
    """One task in full. `seen_event_id`: the last line of history on this page; `resendable`: the messages
    that may be sent once more, by their ids. `messages`: each with its text, None if it can't be shown."""

    row: Row
    events: list[Event]
    messages: list[tuple[Message, str | None]]
    resendable: set[int]
    ranked: list[choosing.Ranked]
    seen_event_id: int


_IN_DANGER = (
    select(Task.id)
    .join(HelpRequest, HelpRequest.id == Task.request_id)
    .where(Task.id.in_(bindparam("task_ids", expanding=True)), HelpRequest.life_danger)
)


def revision(connection: Connection) -> str:
    """A value that changes whenever anything in the database has: the database's own counter.

    On SQLite it counts the commits of *other* connections, so ask on one that never writes.
    """
    sqlite = connection.dialect.name == "sqlite"
    query = "PRAGMA data_version" if sqlite else "SELECT pg_current_snapshot()::text"
    return str(connection.execute(text(query)).scalar_one())


def overview(session: Session, wanted: Filter, now: datetime, by_lane: bool = False) -> Board:
    """What is open, in the order of :mod:`dispatcher.rules.order`, tasks alike by the time left; one page of
    it in full, or the head of each lane.

    All open tasks are read, but only in the few columns that decide their order.
    """
    needs = standing.needs(session)
    needing = standing.of_tasks(needs)
    order = sorted(
        (place_of_task(task.danger, task.id in needing), _span(task)[1], task.id, task.state)
        for task in session.execute(_open(wanted))
    )
    if wanted.state == "attention":
        order = [task for task in order if task[0] < Place.TASK]
    pages = 1 if by_lane else max(1, -(-len(order) // PAGE))
    page = min(wanted.page, pages)
    shown = order[(page - 1) * PAGE : page * PAGE]
    loose = [need for need in needs if _has_no_row(need, wanted)]
    strangers = standing.strangers(session)
    items = _items(session, loose[:PAGE]) if page == 1 else []
    return Board(
        entries=items if by_lane else _in_order(_entries(session, shown, now), items),
        loose_left=max(0, len(loose) - PAGE) if page == 1 else 0,
        texts=sum(need.is_text for need in loose) + strangers.total,
        strangers=strangers if page == 1 else standing.Strangers([], 0),
        strips=strips.strips(session, now),
        total=len(order),
        needs=sum(task[0] < Place.TASK for task in order) + len(loose) + strangers.total,
        page=page,
        pages=pages,
        pressing=sorted((need.id for need in needs if standing.presses(need)), reverse=True)[:PAGE],
        lanes=_lanes(session, order, items, now) if by_lane else [],
    )


def _has_no_row(need: Need, wanted: Filter) -> bool:
    """Whether it is no task's: it is a text, it is about a person, or its task is over and still owes
    somebody a call."""
    if need.is_text or need.task_id is None:
        return True
    filtering = wanted.campus or wanted.category or wanted.state not in ("", "attention")
    return not need.open and not filtering


def _entries(session: Session, tasks: Sequence[_Placed], now: datetime) -> list[Entry]:
    danger = {task[2] for task in tasks if task[0] == Place.DANGER}
    found = {row.task.id: row for row in rows(session, [task[2] for task in tasks], now, danger)}
    return [Entry(place, row=found[task_id]) for place, _, task_id, _ in tasks if task_id in found]


def _items(session: Session, loose: Sequence[Need]) -> list[Entry]:
    places = {need.id: need.place for need in loose}
    return [Entry(places[item.id], item=item) for item in standing.in_full(session, [*places])]


def _in_order(tasks: list[Entry], items: list[Entry]) -> list[Entry]:
    """Both are in order already: at the same place a task comes first."""
    return sorted([*tasks, *items], key=lambda entry: entry.place)


def _lanes(
    session: Session, order: Sequence[_Placed], items: list[Entry], now: datetime
) -> list[Lane]:  # fmt: skip
    lanes: dict[str, list[_Placed]] = {name: [] for name in LANES}
    for task in order:
        lanes[_LANE_OF[TaskState(task[3])] if task[0] >= Place.TASK else "needs"].append(task)
    heads = _entries(session, [task for lane in lanes.values() for task in lane[:LANE]], now)
    entries = {entry.row.task.id: entry for entry in heads if entry.row is not None}
    found = {
        name: [entries[task[2]] for task in lane[:LANE] if task[2] in entries] for name, lane in lanes.items()
    }
    return [
        Lane(name, _in_order(found[name], items if name == "needs" else []), len(lane))
        for name, lane in lanes.items()
    ]


def _open(wanted: Filter) -> Any:
    """The open tasks that are wanted, in the columns that say where on the board they stand."""
    query: Any = select(
        Task.id, Task.state, Task.category, Task.urgency, Task.opened_at, Task.assigned_at,
        Task.delivered_at, Task.due_by, type_coerce(HelpRequest.life_danger, Integer).label("danger"),
    ).join(HelpRequest, HelpRequest.id == Task.request_id).where(Task.is_open_ended)  # fmt: skip
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


def rows(
    session: Session, task_ids: Sequence[int], now: datetime,
    danger: Collection[int] | None = None, texts: bool = False,
) -> list[Row]:  # fmt: skip
    """These tasks in full, in this order. `danger`: those in which a life is, where that is known. `texts`:
    with the texts that they are likely about, which have rows of their own on a board."""
    if not task_ids:
        return []
    if danger is None:
        danger = set(session.scalars(_IN_DANGER, {"task_ids": [*task_ids]}))
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
    of_these = _standing().where(Attention.task_id.in_(task_ids))
    for item in session.scalars(of_these if texts else of_these.where(~standing.is_text())):
        attention.setdefault(item.task_id, []).append(item)
    lost = _lost_sms(session, task_ids)
    # One that has been removed since its place was found is left out.
    return [
        _row(tasks[task_id], attention.get(task_id, []), lost.get(task_id, 0), now, task_id in danger)
        for task_id in task_ids
        if task_id in tasks
    ]


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
    found = rows(session, [task_id], now, texts=True)
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


def as_sent(message: Message, now: datetime) -> str | None:
    """The text of a message for staff: links end in … because their tokens are nobody's business.

    None: it can't be worded. That is no reason to show nothing of its task.
    """
    if message.direction == "in":
        return message.body or ""
    try:
        return messaging.rendered(message, message.created_at or now, "…")
    except Exception as error:  # noqa: BLE001 (whatever the row holds, the page is drawn)
        log.warning("message %s can't be shown: %s", message.id, type(error).__name__)
        return None


def duty_until(volunteer: Volunteer, now: datetime, zone: Any) -> datetime | None:
    """Until when `volunteer` is on duty, by their hours or their word, or None."""
    return on_duty_until(candidates.duty_windows(volunteer.windows), now, zone, volunteer.free_until)


def _row(task: Task, attention: list[Attention], lost_sms: int, now: datetime, danger: bool) -> Row:
    started, target_at = _span(task)
    span = max((target_at - started).total_seconds(), 1.0)
    held = next((a for a in task.assignments if a.ended_at is None), None)
    return Row(
        task=task,
        attention=attention,
        offers=task.offers,
        volunteer=held.volunteer if held else None,
        lost_sms=lost_sms,
        target_at=target_at,
        left=min(1.0, max(0.0, (target_at - now).total_seconds() / span)),
        age_s=(now - task.created_at).total_seconds(),
        danger=danger,
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
