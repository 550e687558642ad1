"""Sending once more, by hand, what didn't arrive: only while it is true, and not twice in a row."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dispatcher.database import transaction, use_case
from dispatcher.models import Event, Message, Staff, Task, Volunteer
from dispatcher.rules.lifecycle import NOT_NEEDED, MessageState
from dispatcher.services import attention, dispatching, history, messaging, outbox, steps
from dispatcher.services.coordinating import Refused

LOST = frozenset({MessageState.FAILED, MessageState.UNDELIVERED, MessageState.UNKNOWN})
"""States of a message of which nobody can be sure that it has been read."""

NOT_WITHIN = timedelta(minutes=1)
"""After this, and not before, the same words are sent to the same person once more."""

_HOLDING = {"go": 2, "done": 3, "back": 0}
_ANSWERS = {"offer": {"yes": 1, "no": 0}, "assigned": _HOLDING, "assigned_by_hand": _HOLDING}
"""The reply codes in a message to a volunteer: they belong to the phone to which it goes."""

_OF_TASK = (
    select(Message)
    .where(Message.task_id == bindparam("task_id"))
    .order_by(Message.id)
    .execution_options(populate_existing=True)
)
_RESENT = select(Event.params).where(
    Event.task_id == bindparam("task_id"),
    Event.kind == "resent",
    Event.actor == "staff",
    Event.at > bindparam("since"),
)


@use_case
def resend(message_id: int, by: Staff, now: datetime) -> int:
    """Send the same words once more, to the number that the person has now. The id of the task.

    What a coordinator was to do because the first didn't arrive is seen to by it; should this one get lost
    as well, it is on the list again.

    Raises:
        Refused: there is nothing to send again (any more), or it has just been sent again.
    """
    with transaction() as tx:
        message = tx.get(Message, message_id)
        task = dispatching.lock(tx, message.task_id) if message is not None and message.task_id else None
        if message is None or task is None:
            raise Refused("no_such_message")
        steps.follow(tx, task)
        if _just_now(tx, message, now):
            raise Refused("resent_lately")
        if message.id not in possible(tx, task, tx.scalars(_OF_TASK, {"task_id": task.id}).all()):
            raise Refused("not_resendable")
        actor = history.staff(by)
        _seen_to(tx, message, actor, now)
        _queue(tx, message, task, now)
        history.record(
            tx, "resent", actor, now, task, message_id=message.id, message_kind=message.kind,
            to=_person(message),
        )  # fmt: skip
        return task.id


def possible(session: Session, task: Task, messages: Sequence[Message]) -> set[int]:
    """Which of the messages of `task`, in the order of their ids, may be sent again.

    Nobody knows that they have arrived, they are true, and nothing newer has been said in their place.
    """
    if not task.is_open_ended:
        return set()
    newest = {_about(m): m.id for m in messages if m.direction == "out" and _person(m)}
    lost = [
        m.id for m in messages
        if m.state in LOST and m.error_code != NOT_NEEDED and newest.get(_about(m)) == m.id
    ]  # fmt: skip
    return messaging.needed(session, lost) if lost else set()


def was_resent(session: Session, message: Message) -> bool:
    """Whether somebody has had these words sent again by hand."""
    resent = session.scalars(_RESENT, {"task_id": message.task_id, "since": message.created_at})
    return any(params["message_id"] == message.id for params in resent)


def _person(message: Message) -> str:
    """To whom a message goes; empty for a number that is nobody's."""
    if message.volunteer_id:
        return f"volunteer:{message.volunteer_id}"
    return f"retiree:{message.retiree_id}" if message.retiree_id else ""


def _about(message: Message) -> tuple[str, str]:
    # Whatever a retiree is told replaces what they were told before; a volunteer may need several things.
    return _person(message), message.kind if message.volunteer_id else ""


def _just_now(tx: Session, message: Message, now: datetime) -> bool:
    lately: Sequence[dict[str, Any]] = tx.scalars(
        _RESENT, {"task_id": message.task_id, "since": now - NOT_WITHIN}
    ).all()
    return any((p["to"], p["message_kind"]) == (_person(message), message.kind) for p in lately)


def _seen_to(tx: Session, message: Message, actor: history.Actor, now: datetime) -> None:
    """What was asked of a coordinator because of this message."""
    for reason, subject in (
        ("outcome_unknown", f"message:{message.id}"),
        ("call_retiree", f"task:{message.task_id}"),
        ("volunteer_unreachable", f"volunteer:{message.volunteer_id}"),
        ("volunteer_unreachable", f"volunteer:{message.volunteer_id}/task:{message.task_id}"),
    ):
        standing = attention.find(tx, subject, reason)
        if standing is not None and standing.message_id == message.id:
            attention.resolve(tx, standing.id, now, actor, "resent")


def _queue(tx: Session, message: Message, task: Task, now: datetime) -> None:
    if message.retiree_id:
        outbox.to_retiree(tx, message.kind, task, now, **message.params)
        return
    volunteer = tx.get_one(Volunteer, message.volunteer_id)
    if volunteer.stopped_at is not None:
        raise Refused("phone_lost" if volunteer.is_phone_lost else "stopped")
    codes = {}
    if message.kind in _ANSWERS:
        slot = outbox.help_slots(tx, [(task, volunteer)], now)[volunteer.phone, task.id]
        codes = {name: f"{slot}{digit}" for name, digit in _ANSWERS[message.kind].items()}
    outbox.to_volunteer(
        tx, message.kind, volunteer, now, task, message.offer_id, **(message.params | codes)
    )  # fmt: skip
