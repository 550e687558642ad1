"""What a volunteer who holds a task says besides: said too early, later than meant, stuck, money spent."""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.models import Assignment, Attention, Event, Task, Volunteer
from dispatcher.rules.lifecycle import HELD, TaskState
from dispatcher.services import attention, hearing, history, outbox
from dispatcher.services.responding import Answer, held_by, standing_assignment, word_by
from dispatcher.services.states import move

MORE_TIME_MIN = 30
"""Minutes by which a volunteer may ask for more time at once."""

MOST_TIME_MIN = 120
"""Minutes by which they may ask for more time altogether; who needs longer had better talk to the office."""

ACCOUNT_FOR = timedelta(days=7)
"""So long after a task was closed its volunteer may still send receipts."""

TROUBLES = ("not_home", "shop_shut", "no_stock", "not_well", "other")
"""What may hold up a volunteer, by the codes that pages, history and board have words for."""

_CALLS = select(Attention).where(
    Attention.task_id == bindparam("task_id"),
    Attention.reason == "call_retiree",
    Attention.raised_at >= bindparam("since"),
)
_UNDONE = (
    select(Event)
    .where(Event.task_id == bindparam("task_id"), Event.kind == "undone")
    .order_by(Event.id.desc())
    .limit(10)
)
_SUPERSEDED = (
    select(Attention)
    .where(
        Attention.task_id == bindparam("task_id"),
        Attention.reason == "call_retiree",
        Attention.resolution == "superseded",
        Attention.resolved_at == bindparam("at"),
        Attention.raised_at < bindparam("at"),
    )
    .order_by(Attention.id.desc())
    .limit(1)
)


def last_step(task: Task, standing: Assignment) -> tuple[TaskState, datetime] | None:
    """The step of `standing` that could be taken back, and when it was said; None: there is none."""
    state = TaskState(task.state)
    at = {TaskState.UNDERWAY: standing.underway_at, TaskState.DELIVERED: task.delivered_at}.get(state)
    return None if at is None else (state, at)


def undo_key(step: tuple[TaskState, datetime]) -> str:
    """What a button carries to say which step, said when, it takes back: pressed twice, it takes back one."""
    return f"{step[0]}@{step[1].isoformat()}"


def undo_until(step: tuple[TaskState, datetime]) -> datetime:
    """Until when the step can be taken back."""
    until: datetime = step[1] + current_app.config["UNDO"]
    return until


def undo(tx: Session, task: Task, volunteer: Volunteer, key: str, now: datetime) -> Answer:
    """Take back "on my way" or "delivered", said too early; `key`: see :func:`undo_key`.

    Refused (:attr:`Answer.REFUSED`) when the minute is over, or when the retiree has been told: whichever
    of the two, this or the sending, moves the waiting SMS first has won.
    """
    standing = standing_assignment(tx, task)
    if standing is None or standing.volunteer_id != volunteer.id:
        return Answer.OVER
    step = last_step(task, standing)
    if step is None or undo_key(step) != key:
        return Answer.NOTED if _taken_back(tx, task, key) else Answer.OVER
    state, said_at = step
    if now > undo_until(step) or (state == TaskState.DELIVERED and not _untold(tx, task, now)):
        return Answer.REFUSED
    back = TaskState.ASSIGNED
    if state == TaskState.DELIVERED and standing.underway_at is not None:
        back = TaskState.UNDERWAY
    if not move(
        tx, task, back, {state}, delivered_at=None, look_again_at=word_by(task, now, standing),
        waiting={"code": "volunteer"},
    ):  # fmt: skip
        return Answer.OVER
    if state == TaskState.UNDERWAY:
        standing.underway_at = None
    else:
        _to_be_called_again(tx, task, said_at, now)
    history.record(
        tx, "undone", history.volunteer(volunteer), now, task, step=str(state), to=str(back), key=key
    )
    return Answer.NOTED


def _taken_back(tx: Session, task: Task, key: str) -> bool:
    """Whether this very step is taken back already."""
    return any(line.params.get("key") == key for line in tx.scalars(_UNDONE, {"task_id": task.id}))


def _untold(tx: Session, task: Task, now: datetime) -> bool:
    """Whether the retiree hasn't been told that it is delivered; if so, they won't be."""
    since = {"task_id": task.id, "since": task.delivered_at}
    if any(call.resolved_at is not None for call in tx.scalars(_CALLS, since)):
        return False  # somebody has called them
    if not outbox.spare(tx, task, "delivered", now):
        return False
    attention.superseded(tx, task, now)
    return True


def _to_be_called_again(tx: Session, task: Task, said_at: datetime, now: datetime) -> None:
    """The call that "delivered", said then, made needless was never made: it is to be made after all."""
    call = tx.scalars(_SUPERSEDED, {"task_id": task.id, "at": said_at}).first()
    if call is not None:
        attention.raise_(
            tx, "call_retiree", now, task, task.retiree, message_id=call.message_id, **call.params
        )


def more_time(tx: Session, task: Task, volunteer: Volunteer, seen_min: int, now: datetime) -> Answer:
    """They need :data:`MORE_TIME_MIN` minutes more: nobody worries meanwhile, and the retiree is told.

    `seen_min`: how much had been asked for on the page that they saw; pressed twice, it counts once.
    """
    standing = held_by(tx, task, volunteer)
    if standing is None:
        return Answer.OVER
    if standing.more_time_min != seen_min:
        return Answer.NOTED
    if standing.more_time_min + MORE_TIME_MIN > MOST_TIME_MIN:
        return Answer.REFUSED
    standing.more_time_min += MORE_TIME_MIN
    task.look_again_at = max(task.look_again_at or now, now) + timedelta(minutes=MORE_TIME_MIN)
    attention.settle(tx, task, now, history.volunteer(volunteer), "more_time", ("overdue",))
    history.record(
        tx, "more_time", history.volunteer(volunteer), now, task,
        minutes=MORE_TIME_MIN, altogether=standing.more_time_min,
    )  # fmt: skip
    # The code word again: whoever hasn't heard who is coming hears it now.
    outbox.to_retiree(
        tx, "later", task, now, volunteer=volunteer.name, volunteer_id=volunteer.id,
        minutes=MORE_TIME_MIN, code=outbox.spoken_code(task),
    )  # fmt: skip
    return Answer.NOTED


def trouble(tx: Session, task: Task, volunteer: Volunteer, what: str, said: str, now: datetime) -> Answer:
    """They are stuck, and the office calls them. `what`: one of :data:`TROUBLES`."""
    if held_by(tx, task, volunteer) is None:
        return Answer.OVER
    said = said[:500]
    standing = attention.found(tx, task, "volunteer_problem")
    if standing is not None and (standing.params.get("what"), standing.params.get("said")) == (what, said):
        return Answer.NOTED
    attention.raise_(tx, "volunteer_problem", now, task, volunteer=volunteer, what=what, said=said)
    hearing.heard(tx, task, volunteer, now)
    history.record(tx, "trouble", history.volunteer(volunteer), now, task, reason=what, said=said)
    return Answer.NOTED


def may_account(session: Session, task: Task, volunteer: Volunteer, now: datetime) -> bool:
    """Whether `volunteer` may say what they laid out for `task`: while it is theirs, and for
    :data:`ACCOUNT_FOR` after it was closed. The retiree may be quicker with their word than they with the
    receipt."""
    standing = standing_assignment(session, task)
    if standing is not None:
        return standing.volunteer_id == volunteer.id and task.state in (*HELD, TaskState.DELIVERED)
    last = task.assignments[-1] if task.assignments else None
    return (
        task.state == TaskState.CLOSED
        and task.delivered_at is not None
        and last is not None
        and last.volunteer_id == volunteer.id
        and last.ended_at is not None
        and now < last.ended_at + ACCOUNT_FOR
    )


def spent(tx: Session, task: Task, volunteer: Volunteer, spent_fen: int | None, now: datetime) -> Answer:
    """What they laid out, in fen; None: it stays as it was said. It may be put right until it is closed, and
    said for the first time for a while after that."""
    if not may_account(tx, task, volunteer, now):
        return Answer.OVER
    if task.state == TaskState.CLOSED and task.spent_fen is not None:
        return Answer.NOTED
    if spent_fen is not None and spent_fen != task.spent_fen:
        history.record(
            tx, "spent", history.volunteer(volunteer), now, task, spent_fen=spent_fen, before=task.spent_fen
        )
        task.spent_fen = spent_fen
        hearing.heard(tx, task, volunteer, now)
    return Answer.NOTED
