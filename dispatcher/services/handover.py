"""What one shift leaves to the next: promises that are due, what needs a person, and words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from dispatcher.database import transaction, use_case
from dispatcher.models import (
    Assignment,
    Attention,
    HelpRequest,
    Message,
    Retiree,
    ReturnCall,
    ShiftNote,
    Staff,
    Task,
)
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState, TaskState
from dispatcher.services import accounts, history, returning, standing
from dispatcher.services.standing import Strangers

SOON = timedelta(hours=2)
"""What is due within this time is handed over as well."""

SHIFT = timedelta(hours=12)
"""The longest shift: SMS that were lost in this time are handed over."""

MOST = 60
"""So many of each kind are shown; more than that is for the board."""

SAME = timedelta(minutes=2)

_PROMISED = (
    select(Task)
    .where(
        Task.is_open_ended,
        or_(
            and_(Task.state != str(TaskState.DELIVERED), Task.due_by < bindparam("until")),
            HelpRequest.life_danger,
        ),
    )
    .join(HelpRequest, HelpRequest.id == Task.request_id)
    .options(
        joinedload(Task.retiree, innerjoin=True),
        joinedload(Task.campus, innerjoin=True),
        contains_eager(Task.request),
        selectinload(Task.assignments).joinedload(Assignment.volunteer, innerjoin=True),
    )
    .order_by(HelpRequest.life_danger.desc(), Task.due_by.asc().nulls_last(), Task.id)
    .limit(MOST + 1)
)
_LOST = (
    select(Message, Retiree)
    .outerjoin(Retiree, Retiree.id == Message.retiree_id)
    .where(
        Message.created_at >= bindparam("since"),
        Message.state.in_([str(MessageState.FAILED), str(MessageState.UNDELIVERED)]),
        Message.error_code != NOT_NEEDED,
    )
    .order_by(Message.created_at.desc())
    .limit(MOST + 1)
)
_NOTES = (
    select(ShiftNote)
    .options(joinedload(ShiftNote.staff, innerjoin=True))
    .order_by(ShiftNote.at.desc(), ShiftNote.id.desc())
    .limit(10)
)
_SAME_NOTE = select(func.count(ShiftNote.id)).where(
    ShiftNote.at > bindparam("since"), ShiftNote.staff_id == bindparam("staff_id"),
    ShiftNote.text == bindparam("words"),
)  # fmt: skip


@dataclass(frozen=True)
class Handover:
    """All that the next shift must know. Each list has :data:`MOST` entries at most; `more`: the names of
    those of which there are more. `promised` begins with the tasks in which a life is in danger, due or not;
    `danger`: those of them of which nothing is in `unclaimed`; `strangers`: what they have written and nobody
    sees to."""

    promised: Sequence[Task]
    calls: Sequence[ReturnCall]
    lost: Sequence[tuple[Message, Retiree | None]]
    danger: Sequence[Task]
    unclaimed: Sequence[Attention]
    strangers: Strangers
    notes: Sequence[ShiftNote]
    more: frozenset[str]


def overview(session: Session, now: datetime) -> Handover:
    """What stands when a shift ends. What needs a person is in the order of the board."""
    unclaimed = [need for need in standing.needs(session) if not need.claimed]
    lists: dict[str, Sequence[object]] = {
        "promised": (promised := session.scalars(_PROMISED, {"until": now + SOON}).all()),
        "calls": (calls := returning.open_calls(session)),
        "lost": (lost := [(row[0], row[1]) for row in session.execute(_LOST, {"since": now - SHIFT})]),
        "unclaimed": unclaimed,
    }
    told = {need.task_id for need in unclaimed[:MOST] if not need.is_text}
    return Handover(
        promised=promised[:MOST],
        calls=calls[:MOST],
        lost=lost[:MOST],
        danger=[task for task in promised[:MOST] if task.request.life_danger and task.id not in told],
        unclaimed=standing.in_full(session, [need.id for need in unclaimed[:MOST]]),
        strangers=standing.strangers(session, unclaimed=True),
        notes=session.scalars(_NOTES).all(),
        more=frozenset(name for name, rows in lists.items() if len(rows) > MOST),
    )


@use_case
def tell(words: str, operator: Staff, now: datetime) -> None:
    """Leave words to the next shift. Sent twice in a row, they are there once."""
    actor = history.staff(operator)
    with transaction() as tx:
        accounts.hold(tx, operator)  # of two that come at once the second sees the first
        same = {"since": now - SAME, "staff_id": actor.id, "words": words}
        if tx.scalars(_SAME_NOTE, same).one():
            return
        tx.add(ShiftNote(staff_id=actor.id, at=now, text=words))
        history.record(tx, "shift_note", actor, now)
