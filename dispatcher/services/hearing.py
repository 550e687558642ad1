"""What has been heard from the volunteer who holds a task. Any word of theirs ends the silence: a step, a
report that they are stuck, a receipt, an SMS that could not be read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from dispatcher.models import Assignment, Event, Message, Task, Volunteer
from dispatcher.rules.lifecycle import HELD
from dispatcher.rules.settings import seconds
from dispatcher.services import attention, history

_TIMED = ("underway", "undone", "more_time")
"""Words that set themselves by when the next one is due."""

_SAID = (
    select(Event)
    .where(
        Event.task_id == bindparam("task_id"),
        Event.actor == "volunteer",
        Event.actor_id == bindparam("volunteer_id"),
        Event.at >= bindparam("since"),
        Event.kind != "accepted",
    )
    .order_by(Event.at.desc(), Event.id.desc())
    .limit(1)
)
_WRITTEN = (
    select(Message)
    .where(
        Message.phone == bindparam("phone"),
        Message.created_at > bindparam("since"),
        Message.direction == "in",
        or_(Message.task_id == bindparam("task_id"), Message.task_id.is_(None)),
    )
    .order_by(Message.created_at.desc(), Message.id.desc())
    .limit(1)
)
_SILENT = select(Task).where(
    Task.id.in_(
        select(Assignment.task_id).where(
            Assignment.volunteer_id == bindparam("volunteer_id"), Assignment.ended_at.is_(None)
        )
    )
)


@dataclass(frozen=True)
class Word:
    """What a volunteer said last of a task that they hold.

    `kind`: the event's, or "sms". `reason`: what holds them up, one of `amending.TROUBLES`, if they said so.
    """

    at: datetime
    kind: str
    reason: str = ""
    said: str = ""

    def params(self) -> dict[str, Any]:
        """The form in which an attention keeps it."""
        return {
            "heard_at": self.at.isoformat(), "heard": self.kind, "what": self.reason, "said": self.said,
        }  # fmt: skip


def last_word(session: Session, task: Task, standing: Assignment) -> Word | None:
    """What whoever holds `task` by `standing` has said since it is theirs; None: nothing."""
    about = {"task_id": task.id, "since": standing.created_at}
    event = session.scalars(_SAID, about | {"volunteer_id": standing.volunteer_id}).first()
    sms = session.scalars(_WRITTEN, about | {"phone": standing.volunteer.phone}).first()
    if event is not None and (sms is None or event.at >= sms.created_at):
        return Word(event.at, event.kind, event.params.get("reason", ""), event.params.get("said", ""))
    return Word(sms.created_at, "sms", said=(sms.body or "")[:200]) if sms is not None else None


def quiet_until(task: Task, word: Word) -> datetime:
    """Until when nobody need wonder after `word`."""
    if word.kind in _TIMED:
        return word.at
    pace = current_app.config["DISPATCH"].pace(task.category, task.urgency)
    until: datetime = word.at + seconds(pace.progress_s)
    return until


def heard(tx: Session, task: Task, volunteer: Volunteer, now: datetime) -> None:
    """The volunteer who holds `task` has been heard of: nobody need call to ask whether they are there."""
    if task.state not in HELD or not attention.stands(tx, task, "overdue"):
        return
    attention.settle(tx, task, now, history.volunteer(volunteer), "heard", ("overdue",))
    task.look_again_at = quiet_until(task, Word(now, "sms"))


def heard_by_sms(tx: Session, volunteer: Volunteer, now: datetime) -> None:
    """They have written something that names none of their tasks: it ends the silence about all of them."""
    for task in tx.scalars(_SILENT, {"volunteer_id": volunteer.id}).all():
        heard(tx, task, volunteer, now)
