"""What a coordinator does to a task: assign by hand, ask more, change, cancel, close, note."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from dispatcher.database import transaction, use_case, wake
from dispatcher.models import Assignment, Attention, Event, Staff, Task, Volunteer
from dispatcher.rules.lifecycle import HELD, LIVE_OFFER, OfferState, TaskState, final
from dispatcher.rules.settings import URGENCIES, seconds
from dispatcher.services import (
    attention,
    dispatching,
    history,
    learning,
    outbox,
    responding,
    steps,
    stoppages,
    tokens,
)
from dispatcher.services.progress import end, reopen
from dispatcher.services.states import move

AGAIN_AFTER = timedelta(hours=1)
"""So often a retiree is told at most that somebody is still being looked for."""

SENT_TWICE = timedelta(minutes=2)
"""The same note from the same page within this time is one whose answer got lost on its way."""

_LAST_TOLD = (
    select(Event)
    .where(Event.task_id == bindparam("task_id"), Event.kind == "still_looking")
    .order_by(Event.id.desc())
    .limit(1)
)

_OWN_NOTES_SINCE = select(Event).where(
    Event.task_id == bindparam("task_id"),
    Event.kind == "note",
    Event.actor == "staff",
    Event.actor_id == bindparam("staff_id"),
    Event.id > bindparam("seen_id"),
    Event.at > bindparam("since"),
)


class Conflict(Exception):
    """Somebody changed the task since the page was shown; `news` are the events since."""

    def __init__(self, news: list[Event]) -> None:
        super().__init__("the task has changed")
        self.news = news


class Refused(Exception):
    """What was asked can't be done any more; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Edit:
    """Which task, by whom, and the last event on the page that the person saw."""

    task_id: int
    by: Staff
    seen_event_id: int
    now: datetime


@use_case
def assign(edit: Edit, volunteer_id: int) -> None:
    """Give the task to a volunteer who said yes by other means; whoever held it is released.

    Raises:
        Conflict: the task has changed hands meanwhile.
        Refused: it is over, or the volunteer can't be given it.
    """
    with transaction() as tx:
        task = _locked(tx, edit)
        volunteer = tx.get(Volunteer, volunteer_id)
        if volunteer is None or not volunteer.active:
            raise Refused("no_such_volunteer")
        if volunteer.is_phone_lost:
            raise Refused("phone_lost")
        actor = history.staff(edit.by)
        standing = responding.standing_assignment(tx, task)
        if standing is not None and standing.volunteer_id == volunteer.id and task.state in HELD:
            return
        if standing is not None:
            _release(tx, task, standing, "reassigned", edit.now)
        if task.state != TaskState.OPEN:
            reopen(tx, task, edit.now)
        if not responding.take(tx, task, volunteer, edit.now):
            raise Refused("over")
        offer = responding.offer_of(task, volunteer)
        if offer is not None:
            move(tx, offer, OfferState.ACCEPTED, LIVE_OFFER, answered_at=edit.now)
        history.record(tx, "assigned", actor, edit.now, task, volunteer=volunteer.name)
        attention.settle(tx, task, edit.now, actor, "assigned", attention.SETTLED_BY_ASSIGNING)
        withdrawn = responding.settle_assignment(tx, task, volunteer, edit.by.id, edit.now)
        learning.learn(tx, withdrawn, edit.now)


@use_case
def ask_more(edit: Edit) -> int:
    """Ask the next wave now. How many were asked: 0 when nobody is left.

    Raises:
        Conflict, Refused: as in :func:`assign`.
    """
    with transaction() as tx:
        task = _locked(tx, edit)
        if task.state != TaskState.OPEN or task.remote:
            raise Refused("not_open")
        if dispatching.nobody_can_be_asked(tx, edit.now):
            raise Refused("cannot_ask")
        return dispatching.ask_more(tx, task, history.staff(edit.by), edit.now)


@use_case
def change_urgency(edit: Edit, urgency: str) -> None:
    """Make it more or less pressing; the search goes on at the new pace.

    Raises:
        Conflict, Refused: as in :func:`assign`.
    """
    if urgency not in URGENCIES:
        raise Refused("no_such_urgency")
    with transaction() as tx:
        task = _locked(tx, edit)
        if urgency != task.urgency:
            set_urgency(tx, task, urgency, history.staff(edit.by), edit.now)


def set_urgency(
    tx: Session, task: Task, urgency: str, actor: history.Actor, now: datetime,
    changes: Sequence[dict[str, Any]] = (),
) -> None:  # fmt: skip
    """Write the new urgency, tell whoever holds the task, and look again at once. `changes`: what else."""
    history.record(tx, "urgency", actor, now, task, before=task.urgency, after=urgency)
    shown = task.shown_urgency
    task.urgency = urgency
    if task.shown_urgency != shown:
        changes = [{"kind": "urgency", "urgency": task.shown_urgency}, *changes]
    tell_holder(tx, task, now, changes)
    if task.state in HELD:
        standing = responding.standing_assignment(tx, task)
        task.look_again_at = responding.word_by(task, now, standing)
    elif task.state == TaskState.OPEN and not task.remote:
        task.look_again_at = now
        wake(tx, "look", task.id)


def tell_holder(tx: Session, task: Task, now: datetime, changes: Sequence[dict[str, Any]]) -> None:
    """Tell whoever holds the task what has changed about it, as :mod:`dispatcher.sms.changes` words it;
    nothing, if nothing has."""
    standing = responding.standing_assignment(tx, task) if changes else None
    if standing is not None and task.state in HELD:
        # What is due earlier is to be heard of earlier.
        by = responding.word_by(task, now, standing)
        task.look_again_at = min(by, task.look_again_at or by)
        outbox.to_volunteer(
            tx, "changed_volunteer", standing.volunteer, now, task, changes=[*changes],
            **outbox.retiree_params(task.retiree),
        )  # fmt: skip


@use_case
def cancel(edit: Edit, reason: str) -> None:
    """End the task undone, with a reason; everybody concerned is told.

    Raises:
        Conflict, Refused: as in :func:`assign`.
    """
    if not reason.strip():
        raise Refused("reason_missing")
    with transaction() as tx:
        task = _locked(tx, edit)
        actor = history.staff(edit.by)
        standing = responding.standing_assignment(tx, task)
        been_there = task.state == TaskState.DELIVERED
        if not end(tx, task, TaskState.CANCELLED, edit.now):
            raise Refused("over")
        history.record(tx, "cancelled", actor, edit.now, task, said=reason)
        attention.settle(tx, task, edit.now, actor, "cancelled")
        learning.learn(tx, responding.withdraw(tx, task.offers, "cancelled_volunteer", edit.now), edit.now)
        if been_there:
            return  # it was brought: "nobody will come" would be news from nowhere
        if standing is not None:
            outbox.to_volunteer(tx, "cancelled_volunteer", standing.volunteer, edit.now, task)
        outbox.to_retiree(tx, "cancelled_retiree", task, edit.now)


@use_case
def close(edit: Edit, note: str) -> None:
    """End the task as done: the coordinator has heard so, or did it by other means.

    Raises:
        Conflict, Refused: as in :func:`assign`.
    """
    with transaction() as tx:
        task = _locked(tx, edit)
        actor = history.staff(edit.by)
        standing = responding.standing_assignment(tx, task)
        on_the_way = standing is not None and task.state in HELD
        if not end(tx, task, TaskState.CLOSED, edit.now):
            raise Refused("over")
        history.record(tx, "closed", actor, edit.now, task, said=note)
        attention.settle(tx, task, edit.now, actor, "closed")
        learning.learn(tx, responding.withdraw(tx, task.offers, "closed_volunteer", edit.now), edit.now)
        if standing is not None and on_the_way:
            outbox.to_volunteer(tx, "closed_volunteer", standing.volunteer, edit.now, task)


@use_case
def reopen_task(edit: Edit, note: str) -> None:
    """Somebody has to go again: the retiree wasn't well served, or the volunteer can't be reached.

    Raises:
        Conflict, Refused: as in :func:`assign`.
    """
    with transaction() as tx:
        task = _locked(tx, edit)
        actor = history.staff(edit.by)
        standing = responding.standing_assignment(tx, task)
        if task.state == TaskState.OPEN:
            raise Refused("over")
        was_held = task.state in HELD
        if standing is not None:
            _release(tx, task, standing, "reopened", edit.now)
        if not reopen(tx, task, edit.now):
            raise Refused("over")
        if standing is not None and was_held:
            # Told that somebody was coming: now it is somebody else. Whoever has been there already
            # and left something undone is no news to the retiree, who has just said so.
            outbox.to_retiree(tx, "finding_another", task, edit.now, volunteer=standing.volunteer.name)
        history.record(tx, "reopened", actor, edit.now, task, said=note)
        attention.settle(tx, task, edit.now, actor, "reopened", attention.SETTLED_BY_ASSIGNING)


def _release(tx: Session, task: Task, standing: Assignment, reason: str, now: datetime) -> None:
    """End an assignment. Only who still means to go is told not to."""
    standing.ended_at, standing.end_reason = now, reason
    tokens.revoke(tx, task.id, standing.volunteer_id, now)
    if task.state in HELD:
        outbox.to_volunteer(
            tx, "released", standing.volunteer, now, task, **outbox.retiree_params(task.retiree)
        )


@use_case
def still_looking(edit: Edit) -> None:
    """Tell the retiree that nobody has forgotten them: by SMS, or by a call where SMS can't go.

    Raises:
        Conflict: the task has changed meanwhile.
        Refused: nobody is being looked for, or they have been told in the last hour.
    """
    with transaction() as tx:
        task = _locked(tx, edit)
        if task.state != TaskState.OPEN or task.remote:
            raise Refused("not_looking")
        told = tx.scalars(_LAST_TOLD, {"task_id": task.id}).first()
        if told is not None and edit.now - told.at < AGAIN_AFTER:
            raise Refused("told_lately")
        outbox.to_retiree(tx, "still_looking", task, edit.now)
        history.record(tx, "still_looking", history.staff(edit.by), edit.now, task)


@use_case
def note(edit: Edit, text: str) -> None:
    """Add a line to the history. Notes never conflict: they only add; the same form sent twice adds one."""
    said = text.strip()
    if not said:
        raise Refused("note_missing")
    with transaction() as tx:
        task = dispatching.lock(tx, edit.task_id)
        if task is None:
            raise Refused("no_such_task")
        written = {
            "task_id": task.id, "staff_id": edit.by.id, "seen_id": edit.seen_event_id,
            "since": edit.now - SENT_TWICE,
        }  # fmt: skip
        if all(event.params["said"] != said for event in tx.scalars(_OWN_NOTES_SINCE, written)):
            history.record(tx, "note", history.staff(edit.by), edit.now, task, said=said)


@use_case
def resolve(
    attention_id: int, by: Staff, resolution: str, now: datetime, seen: int | None = None
) -> bool:  # fmt: skip
    """Take something off the attention list; False when somebody else was quicker, when a newer message has
    come than the one that was `seen`, or when it is an alarm that only its cause can end."""
    with transaction() as tx:
        if stoppages.is_alarm(tx, attention_id):
            return False
        if not attention.resolve(tx, attention_id, now, history.staff(by), resolution, seen):
            return False
        standing = tx.get_one(Attention, attention_id)
        _look_again(standing, now)
        history.record(
            tx, "seen_to", history.staff(by), now, standing.task,
            reason=standing.reason, said=resolution,
        )  # fmt: skip
        return True


@use_case
def see_to(attention_id: int, by: Staff, instead_of: int | None, now: datetime) -> bool:
    """Say that `by` sees to it, so that nobody else need; it stays on the list until it is seen to.

    `instead_of`: the id of the member of staff from whom they take it over. False when a colleague was
    quicker. Said twice, it is true once.
    """
    with transaction() as tx:
        if not attention.hand_over(tx, attention_id, instead_of, by.id, now):
            standing = tx.get(Attention, attention_id)
            return standing is not None and standing.resolved_at is None and standing.claimed_by_id == by.id
        if instead_of != by.id:
            _note_claim(tx, "seeing_to", attention_id, by, now)
        return True


@use_case
def let_go(attention_id: int, by: Staff, now: datetime) -> bool:
    """Say that `by` doesn't see to it after all; False when it isn't theirs (any more)."""
    with transaction() as tx:
        if not attention.hand_over(tx, attention_id, by.id, None, now):
            return False
        _note_claim(tx, "let_go", attention_id, by, now)
        return True


def _note_claim(tx: Session, kind: str, attention_id: int, by: Staff, now: datetime) -> None:
    standing = tx.get_one(Attention, attention_id)
    history.record(tx, kind, history.staff(by), now, standing.task, reason=standing.reason)


def _look_again(seen_to: Attention, now: datetime) -> None:
    """A task that somebody has asked about isn't forgotten: if nothing moves, it comes back."""
    task, settings = seen_to.task, current_app.config["DISPATCH"]
    if task is None:
        return
    called = seen_to.reason in ("overdue", "volunteer_problem")
    if task.state in HELD and (called or task.look_again_at is None):
        # Whoever has been called has been heard of: no sooner than this need anybody wonder again.
        again = now + seconds(settings.pace(task.category, task.urgency).progress_s)
        task.look_again_at = max(again, task.look_again_at or again)
    elif task.look_again_at is not None:
        return
    elif task.state == TaskState.DELIVERED:
        task.look_again_at = now + seconds(settings.check_s)
    elif task.state == TaskState.OPEN and task.remote:
        task.look_again_at = now + seconds(settings.soon.progress_s)


def _locked(tx: Session, edit: Edit) -> Task:
    """The task, locked, unless it has changed since the person saw it.

    What counts as a change is a new line of its history by somebody else: what a coordinator
    decides must rest on what they saw.
    """
    task = dispatching.lock(tx, edit.task_id)
    if task is None:
        raise Refused("no_such_task")
    steps.follow(tx, task)
    news = tx.scalars(
        select(Event)
        .where(
            Event.task_id == task.id,
            Event.id > edit.seen_event_id,
            Event.kind.in_(DECISIVE),
            or_(Event.actor != "staff", Event.actor_id != edit.by.id),
        )
        .order_by(Event.id)
    ).all()  # fmt: skip
    if news:
        raise Conflict(list(news))
    if final(TaskState(task.state)):
        raise Refused("over")
    return task


DECISIVE = (
    "accepted", "assigned", "underway", "delivered", "undone", "trouble", "handed_back", "all_well",
    "problem", "cancelled", "closed", "reopened", "urgency", "repeat_call",
)  # fmt: skip
"""Events that may change a coordinator's mind; a wave or an expiry doesn't."""
