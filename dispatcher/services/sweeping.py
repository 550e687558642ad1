"""Waking what is due in the outbox: what was queued, lost claims, unknown outcomes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update

from dispatcher.database import db, transaction, use_case, wake
from dispatcher.models import Message, Task
from dispatcher.rules.lifecycle import MessageState
from dispatcher.services import outbox, steps, stoppages
from dispatcher.services.states import move_all

_DUE = (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)

REWAKE = timedelta(seconds=15)
"""A message that was woken has so long until it is woken again."""

RUSH = 100
"""With so many jobs waiting at the broker, the wake-up of a message most likely is among them."""

PATIENCE = timedelta(seconds=8)
"""How much longer than usual a message waits for its wake-up in a rush."""


def sweep(now: datetime, jobs_waiting: int = 0, limit: int = 500) -> int:
    """Wake what is due: queued messages, lost claims, unknown outcomes. How many were woken.

    In a rush, by the number of `jobs_waiting`, a second wake-up would only lengthen the queue; but what
    can't wait for its turn doesn't wait for a lost wake-up either.
    """
    due = _due(now, now - PATIENCE if jobs_waiting > RUSH else now)
    if stoppages.standing(db.session()):
        stoppages.end_unheard(stoppages.unheard(db.session(), now), now)
        _wake_probes(stoppages.probes(db.session(), now))
    # Nothing is due nearly always; then nobody's writing is disturbed.
    some = select(Message.id).outerjoin(Task, Task.id == Message.task_id).where(due).limit(1)
    found = db.session.scalars(some).first()
    return _wake_due(now, due, limit) if found is not None else 0


@use_case
def _wake_probes(message_ids: Sequence[int]) -> None:
    """While something of ours is refused, one message at a time is tried."""
    if message_ids:
        with transaction() as tx:
            for message_id in message_ids:
                wake(tx, "send", message_id)


@use_case
def _wake_due(now: datetime, is_due: ColumnElement[bool], limit: int) -> int:
    with transaction() as tx:
        due = tx.execute(
            select(Message.id, Message.state, outbox.WAITS.label("waits"))
            .outerjoin(Task, Task.id == Message.task_id)
            .where(is_due)
            .order_by(Message.wake_at)
            .limit(limit)
            .with_for_update(of=Message, skip_locked=True, key_share=True)
        ).all()
        # Whoever moves wake_at on has the message until then; other sweepers find it gone.
        tx.execute(
            update(Message)
            .where(Message.id.in_([row.id for row in due]))
            .values(wake_at=now + REWAKE)
            .execution_options(synchronize_session=False)
        )
        # A claim this old lost its worker; whether the gateway has the message isn't known.
        lost = [{"id": row.id} for row in due if row.state == MessageState.SENDING]
        move_all(tx, Message, MessageState.SENDING, MessageState.UNKNOWN, lost)
        steps.count(tx, "unknown", "worker_lost", len(lost))
        for row in due:
            if row.state == MessageState.QUEUED:
                wake(tx, "send", row.id, can_wait=bool(row.waits))
            else:
                wake(tx, "settle", row.id)
        return len(due)


def _due(now: datetime, queued_by: datetime) -> ColumnElement[bool]:
    """What the sweep sees to, of messages beside their tasks; those that are queued and can wait, if they
    were to be woken by another moment."""
    known = and_(Message.state.in_([str(state) for state in _DUE]), Message.wake_at <= now)
    queued = Message.state == str(MessageState.QUEUED)
    return and_(known, or_(~queued, ~outbox.WAITS, Message.wake_at <= queued_by))
