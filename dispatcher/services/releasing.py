"""What becomes of messages that something of ours has kept back, once that is mended: now, or in the morning.

The planner asks nobody in quiet hours for what may wait (:mod:`dispatcher.rules.policy`), and a text about it
comes at night only if somebody is awake for it. What was written in the evening and kept back until the night
is neither: an offer goes back to the planner, anything else leaves in the morning.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.models import Message, Offer, Task
from dispatcher.rules.lifecycle import MessageState
from dispatcher.services import candidates, learning

FRESH = timedelta(minutes=10)
"""So long whoever gave cause to a text is thought to be awake."""

_AT_ONCE = 500
"""So many messages are changed in one statement."""

_QUEUED = Message.state == str(MessageState.QUEUED)
_IN_HAND = Message.state.in_([str(MessageState.SENDING), str(MessageState.UNKNOWN)])
_KEPT = (
    select(
        Message.id, Message.phone, Message.kind, Message.state, Message.offer_id, Message.task_id,
        Message.created_at, Message.not_before, Message.attempts, Task.is_urgent.label("urgent"),
    )
    .outerjoin(Task, Task.id == Message.task_id)
    .where(or_(_QUEUED, _IN_HAND), Message.alone_since.is_(None))
    .order_by(Message.id)
)  # fmt: skip


def sleeps_until(row: Any, now: datetime) -> datetime | None:
    """Until when a message that was kept back waits lest it wake somebody; None if it may leave. `row`: its
    `kind`, `task_id` and `created_at`, and whether its task is `urgent`."""
    if row.urgent or row.task_id is None:
        return None
    if row.kind != "offer" and now - row.created_at < FRESH:
        return None
    zone, settings = current_app.config["ZONE"], current_app.config["DISPATCH"]
    morning: datetime | None = settings.quiet_until(now.astimezone(zone))
    return morning


def release(tx: Session, is_kept: Callable[[str], bool], now: datetime) -> None:
    """All that waits may leave, but for phones that something else keeps; who is asked by it is asked now,
    and has as long for an answer as meant. Open tasks must be in hand already."""
    rows = [row for row in tx.execute(_KEPT) if not is_kept(row.phone)]
    queued = (row for row in rows if row.state == MessageState.QUEUED)
    asleep = [(row, until) for row in queued if (until := sleeps_until(row, now)) is not None]
    sleeping = {row.id for row, _ in asleep}
    offer_ids = [row.offer_id for row in rows if row.kind == "offer" and row.id not in sleeping]
    # Offers before messages, as everywhere.
    for some in _parts(sorted(offer_ids)):
        waiting = select(Offer).where(Offer.id.in_(some), Offer.is_live, Offer.unasked_at.is_not(None))
        held = waiting.order_by(Offer.id).with_for_update().execution_options(populate_existing=True)
        for offer in tx.scalars(held).all():
            ask(offer, now)
    tx.flush()
    _wake(tx, [row for row in rows if row.id not in sleeping], now)
    for until in {until for _, until in asleep}:
        let_sleep(tx, [row.id for row, then in asleep if then == until and row.kind != "offer"], until)
    # An offer goes back to the planner as soon as a worker comes to it.
    _write(tx, [row.id for row, _ in asleep if row.kind == "offer"], _QUEUED, wake_at=now)
    # What waits alone is tried once: it may have been mended as well.
    alone = tx.scalars(select(Message.id).where(_QUEUED, Message.alone_since.is_not(None))).all()
    _write(tx, alone, _QUEUED, wake_at=now, not_before=None)


def _wake(tx: Session, rows: Sequence[Any], now: datetime) -> None:
    """These messages leave as soon as they can, and are tried for as long as any other from now on."""
    waits = [row for row in rows if row.state == MessageState.QUEUED]
    paused = {row.id for row in waits if row.not_before is not None and row.not_before > now}
    _write(tx, [row.id for row in waits if row.id not in paused], _QUEUED, released_at=now, wake_at=now)
    _write(tx, [row.id for row in waits if row.id in paused and row.attempts], _QUEUED, released_at=now)
    # Also those that are being tried just now: their time, too, begins only now.
    in_hand = [row.id for row in rows if row.state != MessageState.QUEUED]
    _write(tx, in_hand, _IN_HAND, released_at=now)


def let_sleep(tx: Session, message_ids: Sequence[int], until: datetime) -> None:
    """These messages leave in the morning."""
    earlier = and_(_QUEUED, or_(Message.not_before.is_(None), Message.not_before < until))
    _write(tx, message_ids, earlier, not_before=until, wake_at=until, released_at=None)


def ask(offer: Offer, now: datetime) -> None:
    """Whoever is asked only now has as long for an answer as was meant."""
    offer.expires_at += candidates.late(offer.created_at, now)
    offer.created_at, offer.unasked_at = now, None
    learning.offered(offer.volunteer, now)


def _write(tx: Session, message_ids: Sequence[int], which: ColumnElement[bool], **values: Any) -> None:
    for some in _parts(message_ids):
        tx.execute(
            update(Message)
            .where(Message.id.in_(some), which)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[n : n + _AT_ONCE] for n in range(0, len(ids), _AT_ONCE)]
