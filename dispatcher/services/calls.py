"""The calls that an operator has taken, and how they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload, selectinload

from dispatcher.models import Assignment, Event, HelpRequest, RepeatCall, Task

MOST = 200
"""So many calls of one day are listed."""

_WORDS = ("all_well", "problem", "closed", "cancelled")

_TAKEN = (
    select(HelpRequest)
    .where(HelpRequest.operator_id == bindparam("operator_id"))
    .options(joinedload(HelpRequest.retiree, innerjoin=True))
    .order_by(HelpRequest.id.desc())
    .limit(bindparam("most"))
)
_MADE = select(Task).where(Task.request_id.in_(bindparam("call_ids", expanding=True))).order_by(Task.id)
_LINKED = (
    select(RepeatCall.request_id, Task)
    .join(Task, Task.id == RepeatCall.task_id)
    .where(RepeatCall.request_id.in_(bindparam("call_ids", expanding=True)))
)
_HELD = selectinload(Task.assignments).joinedload(Assignment.volunteer, innerjoin=True)
_SAID = (
    select(Event)
    .where(Event.task_id.in_(bindparam("task_ids", expanding=True)), Event.kind.in_(_WORDS))
    .order_by(Event.id)
)


@dataclass(frozen=True)
class Ending:
    """A task of a call: who went (the last who held it), and the last word said of it, if any."""

    task: Task
    volunteer: str
    word: Event | None


def taken(session: Session, operator_id: int, most: int = MOST) -> Sequence[HelpRequest]:
    """The last calls of an operator, the newest first."""
    return session.scalars(_TAKEN, {"operator_id": operator_id, "most": most}).all()


def since(session: Session, operator_id: int, start: datetime) -> list[tuple[HelpRequest, list[Ending]]]:
    """The calls of an operator since `start` and how each of their tasks stands, the newest first."""
    mine = [call for call in taken(session, operator_id) if call.created_at >= start]
    found = tasks(session, [call.id for call in mine], with_volunteers=True)
    words: dict[int | None, Event] = {}
    task_ids = [task.id for made in found.values() for task in made]
    for event in session.scalars(_SAID, {"task_ids": task_ids}):
        words[event.task_id] = event
    return [
        (call, [Ending(task, _who(task), words.get(task.id)) for task in found[call.id]]) for call in mine
    ]


def tasks(session: Session, call_ids: list[int], with_volunteers: bool = False) -> dict[int, list[Task]]:
    """What became of each call: the tasks it made, and those open before that it was linked to."""
    found: dict[int, list[Task]] = {call_id: [] for call_id in call_ids}
    options = (_HELD,) if with_volunteers else ()
    of = {"call_ids": call_ids}
    for task in session.scalars(_MADE.options(*options), of):
        found[task.request_id].append(task)
    for call_id, task in session.execute(_LINKED.options(*options), of):
        found[call_id].append(task)
    return found


def _who(task: Task) -> str:
    """Who holds it, or held it last without handing it back."""
    stayed = [a for a in task.assignments if a.ended_at is None or a.end_reason in ("closed", "cancelled")]
    return stayed[-1].volunteer.name if stayed else ""
