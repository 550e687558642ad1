"""From accepted to closed: on the way, delivered, handed back, and the retiree's own word."""

import secrets
from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from dispatcher.database import wake
from dispatcher.models import Task, Volunteer
from dispatcher.rules.codewords import CODE_WORDS
from dispatcher.rules.lifecycle import HELD, TaskState
from dispatcher.rules.settings import seconds
from dispatcher.services import attention, history, outbox
from dispatcher.services.responding import Answer, held_by, standing_assignment, word_by
from dispatcher.services.states import move


def underway(tx: Session, task: Task, volunteer: Volunteer, now: datetime, said: str = "") -> Answer:
    """The volunteer is on the way. Said twice, it is true once."""
    standing = held_by(tx, task, volunteer)
    if standing is None:
        return Answer.OVER
    if move(
        tx, task, TaskState.UNDERWAY, {TaskState.ASSIGNED}, look_again_at=word_by(task, now, standing)
    ):  # fmt: skip
        standing.underway_at = now
        history.record(tx, "underway", history.volunteer(volunteer), now, task, said=said)
        attention.settle(tx, task, now, history.volunteer(volunteer), "underway", ("overdue",))
    return Answer.NOTED


def delivered(
    tx: Session, task: Task, volunteer: Volunteer, now: datetime,
    said: str = "", spent_fen: int | None = None,
) -> Answer:  # fmt: skip
    """It is done; the retiree is asked whether all is well.

    `spent_fen`: what the volunteer laid out, in fen; None: nothing new has been said of it.
    """
    standing = standing_assignment(tx, task)
    if standing is None or standing.volunteer_id != volunteer.id:
        return Answer.OVER
    check_at = now + seconds(current_app.config["DISPATCH"].check_s)
    if not move(
        tx, task, TaskState.DELIVERED, HELD, delivered_at=now, look_again_at=check_at,
        spent_fen=task.spent_fen if spent_fen is None else spent_fen, waiting={"code": "retiree"},
    ):  # fmt: skip
        return Answer.NOTED if task.state == TaskState.DELIVERED else Answer.OVER
    history.record(tx, "delivered", history.volunteer(volunteer), now, task, said=said, spent_fen=spent_fen)
    attention.settle(tx, task, now, history.volunteer(volunteer), "delivered", ("overdue",))
    attention.superseded(tx, task, now)
    undo = current_app.config["UNDO"]
    outbox.to_retiree(
        tx, "delivered", task, now, not_before=now + undo if undo else None, volunteer=volunteer.name
    )
    return Answer.NOTED


def hand_back(tx: Session, task: Task, volunteer: Volunteer, reason: str, said: str, now: datetime) -> Answer:
    """The volunteer can't after all: the task is open again, rings from the start, and the retiree
    is told that somebody else is being found. Whoever handed it back isn't asked again."""
    standing = held_by(tx, task, volunteer)
    if standing is None:
        return Answer.OVER
    standing.ended_at, standing.end_reason = now, "handed_back"
    reopen(tx, task, now)
    attention.settle(
        tx, task, now, history.volunteer(volunteer), "handed_back",
        ("overdue", "volunteer_unreachable", "volunteer_problem"),
    )  # fmt: skip
    history.record(tx, "handed_back", history.volunteer(volunteer), now, task, reason=reason, said=said)
    outbox.to_retiree(tx, "finding_another", task, now, volunteer=volunteer.name)
    return Answer.NOTED


def new_code_word(old: str = "") -> str:
    """A code word for a visit; not `old`, which somebody who isn't coming any more knows."""
    return secrets.choice([word for word in CODE_WORDS if word != old])


def reopen(tx: Session, task: Task, now: datetime) -> bool:
    """Back to open: look for somebody from the start.

    What was laid out stays in the history: whoever goes next says what they lay out themselves.
    """
    if task.state == TaskState.DELIVERED:
        outbox.spare(tx, task, "delivered", now)  # it will be said once more, of whoever goes again
    moved = move(
        tx, task, TaskState.OPEN, opened_at=now, look_again_at=now, assigned_at=None,
        delivered_at=None, spent_fen=None, waiting={}, code_word=new_code_word(task.code_word),
    )  # fmt: skip
    if moved:
        attention.superseded(tx, task, now)
        wake(tx, "look", task.id)
    return moved


def all_well(tx: Session, task: Task, now: datetime, said: str = "") -> bool:
    """The retiree says all is well: closed. False when it isn't delivered (any more)."""
    actor = history.retiree(task.retiree)
    if task.state == TaskState.DELIVERED and attention.stands(tx, task, "retiree_problem"):
        # They were promised a call: only whoever makes it can say that all is well now.
        history.record(tx, "all_well", actor, now, task, said=said)
        return True
    if not end(tx, task, TaskState.CLOSED, now, only_from={TaskState.DELIVERED}):
        return False
    history.record(tx, "all_well", actor, now, task, said=said)
    attention.settle(tx, task, now, actor, "all_well")
    return True


def problem(tx: Session, task: Task, now: datetime, said: str = "") -> bool:
    """The retiree says something is wrong: a coordinator calls them."""
    if task.state != TaskState.DELIVERED:
        return False
    history.record(tx, "problem", history.retiree(task.retiree), now, task, said=said)
    task.look_again_at = None
    attention.raise_(tx, "retiree_problem", now, task, said=said)
    return True


def end(
    tx: Session, task: Task, state: TaskState, now: datetime,
    only_from: set[TaskState] | None = None,
) -> bool:  # fmt: skip
    """Close or cancel: nothing is due any more, and no assignment stands."""
    if not move(tx, task, state, only_from, ended_at=now, look_again_at=None, waiting={}):
        return False
    standing = standing_assignment(tx, task)
    if standing is not None:
        standing.ended_at, standing.end_reason = now, str(state)
    return True
