"""The tasks of a period one by one, as a list to be taken away: read in pages, never all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, bindparam, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.models import Assignment, Event, Message, Retiree, Task, Volunteer
from dispatcher.rules.lifecycle import MessageState, TaskState
from dispatcher.rules.period import Period

PAGE = 1_000

_PAGE = (
    select(
        Task.id, Task.campus_id, Task.category, Task.urgency, Task.state, Task.remote,
        Task.created_at, Task.delivered_at, Task.ended_at, Task.retiree_id,
    )
    .where(
        Task.created_at >= bindparam("since"),
        Task.created_at < bindparam("end"),
        or_(Task.created_at > bindparam("since"), Task.id > bindparam("after")),
    )
    .order_by(Task.created_at, Task.id)
    .limit(PAGE)
)  # fmt: skip
_TASKS: BindParameter[int] = bindparam("task_ids", expanding=True)
_HELD = (
    select(
        Assignment.task_id, Assignment.created_at, Assignment.end_reason,
        Volunteer.name.label("volunteer"),
    )
    .join_from(Assignment, Volunteer)
    .where(Assignment.task_id.in_(_TASKS))
    .order_by(Assignment.id)
)  # fmt: skip
_BY_HAND = select(Event.task_id).where(Event.task_id.in_(_TASKS), Event.kind == "closed")
_SENT = (
    select(Message.task_id, func.count().label("sent"))
    .where(
        Message.task_id.in_(_TASKS),
        Message.direction == "out",
        Message.state.not_in([str(MessageState.QUEUED), str(MessageState.SENDING), str(MessageState.FAILED)]),
    )
    .group_by(Message.task_id)
)
_NAMES = select(Retiree.id, Retiree.name).where(Retiree.id.in_(bindparam("retiree_ids", expanding=True)))


@dataclass(frozen=True)
class Line:
    """One task. `accepted_at`: when somebody first said yes. `ended`: how it ended: "by_retiree",
    "by_coordinator", "by_phone", "cancelled" or "still_open". `sms`: how many were sent about it.
    `retiree`, `volunteer`: names, only where they were asked for."""

    number: int
    campus_id: int
    category: str
    urgency: str
    opened_at: datetime
    accepted_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None
    ended: str
    sms: int
    retiree: str = ""
    volunteer: str = ""


def lines(session: Session, period: Period, zone: ZoneInfo, names: bool = False) -> Iterator[Line]:
    """The tasks that were made in `period`, the oldest first.

    Between two pages no transaction is open: whoever reads slowly holds nobody up.
    """
    since, end = period.bounds(zone)
    after = 0
    while True:
        tasks = session.execute(_PAGE, {"since": since, "end": end, "after": after}).all()
        found = _lines(session, tasks, names) if tasks else []
        session.rollback()
        yield from found
        if len(tasks) < PAGE:
            return
        since, after = tasks[-1].created_at, tasks[-1].id


def _lines(session: Session, tasks: Sequence[Any], names: bool) -> list[Line]:
    ids = {"task_ids": [task.id for task in tasks]}
    first: dict[int, datetime] = {}
    last: dict[int, str] = {}
    for held in session.execute(_HELD, ids):
        first.setdefault(held.task_id, held.created_at)
        if held.end_reason in ("", str(TaskState.CLOSED)):
            last[held.task_id] = held.volunteer
    by_hand = {*session.scalars(_BY_HAND, ids)}
    sent = {row.task_id: row.sent for row in session.execute(_SENT, ids)}
    people: dict[int, str] = {}
    if names:
        wanted = {"retiree_ids": [*{task.retiree_id for task in tasks}]}
        people = {row.id: row.name for row in session.execute(_NAMES, wanted)}
    return [
        Line(
            task.id, task.campus_id, task.category, task.urgency, task.created_at, first.get(task.id),
            task.delivered_at, task.ended_at, _ended(task.state, task.remote, task.id in by_hand),
            sent.get(task.id, 0), people.get(task.retiree_id, ""), last.get(task.id, "") if names else "",
        )
        for task in tasks
    ]  # fmt: skip


def _ended(state: str, remote: bool, by_hand: bool) -> str:
    """As :class:`dispatcher.services.figures.Endings` counts it."""
    if state == TaskState.CANCELLED:
        return "cancelled"
    if state != TaskState.CLOSED:
        return "still_open"
    if remote:
        return "by_phone"
    return "by_coordinator" if by_hand else "by_retiree"
